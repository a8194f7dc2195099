/* SPDX-License-Identifier: Apache-2.0 */
#include "status_sys.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "vb/base/file.h"

int vb_status_write_file(const char *text, struct vb_error *err)
{
	if (mkdir(VB_STATE_DIR, 0700) < 0 && errno != EEXIST)
		return vb_error_set(err, errno, "make directory '%s'", VB_STATE_DIR);
	return vb_file_replace(VB_STATUS_PATH, text, strlen(text), 0600, err);
}
