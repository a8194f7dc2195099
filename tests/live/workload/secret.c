/* SPDX-License-Identifier: Apache-2.0 */
/* A set-user-ID program: exits with the errno of reading a file that only root may read. */
#include <errno.h>
#include <fcntl.h>

int main(void)
{
	return open("/opt/secret", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}
