/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle's tar: whatever is in it, what comes out are clean names and one file's bytes. */
#include <errno.h>

#include "fuzz_adjust.h"
#include "vb/adjust/bundle_tar.h"

static void check_name(const char *name)
{
	fuzz_require(name[0] != '/' && strlen(name) <= VB_BUNDLE_TAR_NAME_MAX);
	fuzz_require(strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0);
	fuzz_require(strstr(name, "/../") == NULL && strstr(name, "//") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vb_auto_bundle_tar struct vb_bundle_tar tar = {0};
	struct vb_error err;

	int r = vb_bundle_tar_read(data, size, "manifest.json", 1 << 20, &tar, &err);
	if (r < 0) {
		fuzz_check_error(r, &err);
		fuzz_require(r == -EINVAL || r == -EFBIG);
		fuzz_require(tar.content == NULL && tar.files.count == 0);
		return 0;
	}
	fuzz_require(tar.files.count <= VB_BUNDLE_TAR_MEMBERS_MAX);
	for (size_t i = 0; i < tar.files.count; i++)
		check_name(tar.files.items[i]);
	fuzz_require((tar.content != NULL) == vb_strv_contains(&tar.files, "manifest.json"));
	fuzz_require(tar.content == NULL || tar.content[tar.content_size] == '\0');
	fuzz_require(tar.content_size < size || size == 0);
	return 0;
}
