/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel_log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int kernel_log_open(void)
{
	int kmsg = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (kmsg < 0)
		ck_assert_msg(errno == EPERM || errno == EACCES || errno == ENOENT, "%s",
			strerror(errno));
	else
		ck_assert_int_eq(lseek(kmsg, 0, SEEK_END), 0);
	return kmsg;
}

void kernel_log_expect(int kmsg, const char *text)
{
	char record[8192] = "";

	while (strstr(record, text) == NULL) {
		ssize_t n = read(kmsg, record, sizeof(record) - 1);
		ck_assert_msg(n > 0, "'%s' is not there: %s", text, strerror(errno));
		record[n] = '\0';
	}
}
