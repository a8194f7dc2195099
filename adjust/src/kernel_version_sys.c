/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/utsname.h>

#include "vb/adjust/custom_profile.h"

struct vb_kernel_version vb_kernel_version_read(void)
{
	struct vb_kernel_version version = {0};
	struct utsname name;
	char *end = NULL;

	if (uname(&name) < 0)
		return version;
	version.major = (unsigned int)strtoul(name.release, &end, 10);
	if (*end == '.')
		version.minor = (unsigned int)strtoul(end + 1, NULL, 10);
	return version;
}
