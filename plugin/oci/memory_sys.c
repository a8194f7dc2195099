/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/*
 * What files of this program are called, up to their key: another build may make something else of
 * the same profile.
 */
static char *make_prefix(void)
{
	struct stat own;

	if (stat("/proc/self/exe", &own) < 0)
		return NULL;
	return vb_str_format("%llx-%llx-%lx-", (unsigned long long)own.st_ino,
		(unsigned long long)own.st_ctim.tv_sec, (unsigned long)own.st_ctim.tv_nsec);
}

static char *path_of(const char *key)
{
	vb_auto_free char *prefix = make_prefix();

	return prefix == NULL ? NULL
			      : vb_str_format(MEMORY_DIR "/%s%s.json", prefix,
					vb_str_after(key, "sha256:"));
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

/* Counts the files of this program and removes those of others before it. */
static bool is_full(void)
{
	vb_auto_free char *prefix = make_prefix();
	DIR *directory = opendir(MEMORY_DIR);
	unsigned int files = 0;

	if (directory == NULL)
		return false;
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		if (prefix == NULL || vb_str_after(entry->d_name, prefix) != NULL)
			files++;
		else
			(void)unlinkat(dirfd(directory), entry->d_name, 0);
	}
	(void)closedir(directory);
	return files >= FILES_MAX;
}

static void keep(void *context, const char *key, const char *text)
{
	vb_auto_free char *path = path_of(key);

	(void)context;
	if (path == NULL || is_full() || (mkdir(MEMORY_DIR, 0700) < 0 && errno != EEXIST))
		return;
	int ignored = vb_file_replace(path, text, strlen(text), 0600, NULL);
	(void)ignored;
}

const struct vb_oci_memory vb_hook_memory = {.recall = recall, .keep = keep};
