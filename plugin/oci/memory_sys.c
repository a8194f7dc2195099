/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <string.h>

#include "hook.h"
#include "vb/adjust/state.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

#define MEMORY_DIR VB_STATE_DIR "/meets"

enum {
	TEXT_MAX = 1 << 20,
	/*
	 * A pod's author can vary a profile by adding capabilities; a node has few kinds in
	 * earnest. What finds no place is met anew each time.
	 */
	FILES_MAX = 64,
};

static char *path_of(const char *key)
{
	return vb_str_format(MEMORY_DIR "/%s.json", vb_str_after(key, "sha256:"));
}

static char *recall(void *context, const char *key)
{
	vb_auto_free char *path = path_of(key);
	vb_auto_free char *text = NULL;
	size_t size;

	(void)context;
	if (path == NULL || vb_file_read(path, TEXT_MAX, &text, &size, NULL) < 0)
		return NULL;
	return VB_STEAL(text);
}

static bool is_full(void)
{
	DIR *directory = opendir(MEMORY_DIR);
	unsigned int files = 0;

	if (directory == NULL)
		return false;
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
		if (entry->d_name[0] != '.')
			files++;
	(void)closedir(directory);
	return files >= FILES_MAX;
}

static void keep(void *context, const char *key, const char *text)
{
	vb_auto_free char *path = path_of(key);

	(void)context;
	if (path == NULL || is_full() || vb_file_make_directories(MEMORY_DIR, NULL) < 0)
		return;
	int ignored = vb_file_replace(path, text, strlen(text), 0600, NULL);
	(void)ignored;
}

const struct vb_oci_memory vb_hook_memory = {.recall = recall, .keep = keep};
