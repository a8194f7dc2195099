/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exec list against a slow matcher that reads it once per question. Input: the path that is
 * asked for, a newline, the list.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vb/shim/policy_path.h"

static const struct vb_shim_aliases aliases = {
	.alias = {{"/bin", "/usr/bin"}, {"/lib", "/usr/lib"}}, .count = 2};

/* The entry as it must be matched, or NULL when it is malformed. */
static char *slow_normalise(const char *entry, size_t bytes)
{
	char *copy = strndup(entry, bytes);
	char *clean = calloc(1, bytes + sizeof("/usr"));
	char *component = copy;
	size_t length = 0;
	bool kept = false;
	bool bad = bytes == 0 || copy[0] != '/';

	for (char *position = copy; !bad && (component = strsep(&position, "/")) != NULL;) {
		kept = component[0] != '\0' && strcmp(component, ".") != 0;
		bad = strcmp(component, "..") == 0;
		if (kept) {
			clean[length++] = '/';
			memcpy(clean + length, component, strlen(component));
			length += strlen(component);
		}
	}
	if (strncmp(clean, "/bin/", 5) == 0 || strncmp(clean, "/lib/", 5) == 0) {
		memmove(clean + 4, clean, strlen(clean) + 1);
		memcpy(clean, "/usr", 4);
	}
	bad = bad || !kept || strlen(clean) >= VB_SHIM_PATH_MAX;
	free(copy);
	if (bad) {
		free(clean);
		return NULL;
	}
	return clean;
}

static bool slow_match(const char *list, const char *path, size_t *ret_bad)
{
	bool found = false;

	*ret_bad = 0;
	if (strcmp(list, "none") == 0)
		return false;
	for (;;) {
		size_t bytes = strcspn(list, ":");
		char *entry = slow_normalise(list, bytes);

		if (entry != NULL)
			found = found || strcmp(entry, path) == 0;
		else if (bytes > 0)
			++*ret_bad;
		free(entry);
		if (list[bytes] == '\0')
			return found;
		list += bytes + 1;
	}
}

static void check_list(const char *list, const char *path)
{
	size_t space = vb_shim_paths_space(list);
	struct vb_shim_arena arena = {.next = malloc(space), .left_bytes = space};
	struct vb_shim_review review = {.kept = malloc(strlen(list) + VB_SHIM_KEPT_BYTES_MIN)};
	void *memory = arena.next;
	struct vb_shim_paths paths;
	size_t bad;
	bool expected = slow_match(list, path, &bad);

	if (memory == NULL || review.kept == NULL)
		abort();
	if (vb_shim_paths_build(&paths, list, &aliases, &arena, &review) != 0 ||
		review.rejected != bad || vb_shim_paths_match(&paths, path) != expected)
		abort();
	if (slow_match(review.kept, path, &bad) != expected || bad != 0)
		abort();
	free(memory);
	free(review.kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	char *list;

	if (text == NULL)
		abort();
	list = strchr(text, '\n');
	if (list != NULL) {
		*list++ = '\0';
		check_list(list, text);
	}
	free(text);
	return 0;
}
