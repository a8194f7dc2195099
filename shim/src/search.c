/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/search.h"

#include <linux/errno.h>
#include <string.h>

#include "vb/shim/policy_path.h"

enum { NAME_BYTES_MAX = 255 };

bool vb_shim_search_is_direct(const char *file)
{
	for (; *file != '\0'; file++) {
		if (*file == '/')
			return true;
	}
	return false;
}

int vb_shim_search_start(struct vb_shim_search *search, const char *file, const char *search_path)
{
	*search = (struct vb_shim_search){.file = file,
		.file_bytes = strlen(file),
		.position = search_path,
		.direct = vb_shim_search_is_direct(file)};
	if (search->file_bytes == 0)
		return -ENOENT;
	if (search->direct)
		return search->file_bytes < VB_SHIM_PATH_MAX ? 0 : -ENAMETOOLONG;
	return search->file_bytes <= NAME_BYTES_MAX ? 0 : -ENAMETOOLONG;
}

/* The file name may change under us (another thread's doing), its measured length may not. */
static void append_file(const struct vb_shim_search *search, char *out)
{
	memcpy(out, search->file, search->file_bytes);
	out[search->file_bytes] = '\0';
}

bool vb_shim_search_next(struct vb_shim_search *search, char *out)
{
	const char *directory;
	size_t bytes;

	if (search->direct && search->position != NULL) {
		append_file(search, out);
		search->position = NULL;
		return true;
	}
	while (vb_shim_list_next(&search->position, ':', &directory, &bytes)) {
		if (bytes + 1 + search->file_bytes >= VB_SHIM_PATH_MAX)
			continue;
		memcpy(out, directory, bytes);
		if (bytes > 0)
			out[bytes++] = '/';
		append_file(search, out + bytes);
		return true;
	}
	return false;
}
