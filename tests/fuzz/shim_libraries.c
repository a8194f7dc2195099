/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dlopen list against a slow matcher that reads it once per question. Input: the path or name
 * that is asked for, a newline, the list. Entries below /l/ lead to those below /r/, those below
 * /n/ nowhere.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vb/shim/policy_load.h"

static const char *canonical(void *data, const char *entry)
{
	char *buffer = data;

	if (strncmp(entry, "/n/", 3) == 0)
		return NULL;
	if (strncmp(entry, "/l/", 3) != 0)
		return entry;
	memcpy(buffer, entry, strlen(entry) + 1);
	buffer[1] = 'r';
	return buffer;
}

/* Walks the parsed list entry by entry: those that the name or the path leads to. */
static size_t slow_count(const struct vb_shim_paths *list, const char *asked, bool by_name)
{
	static char buffer[VB_SHIM_PATH_MAX];
	const char *entry = list->strings + 1;
	size_t found = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		const char *file = canonical(buffer, entry);
		const char *held = by_name ? strrchr(entry, '/') + 1 : file != NULL ? file : entry;

		found += strcmp(held, asked) == 0;
		entry += strlen(entry) + 1;
	}
	return found;
}

static void check_names(const struct vb_shim_libraries *libraries, const char *asked)
{
	const char *last = libraries->list->strings;
	uint32_t position = 0;
	const char *entry;
	size_t found = 0;

	while ((entry = vb_shim_libraries_named(libraries, asked, &position)) != NULL) {
		/* In the order of the list. */
		if (entry <= last)
			abort();
		last = entry;
		found++;
	}
	if (found != slow_count(libraries->list, asked, true))
		abort();
}

static void check_list(const char *list, const char *asked)
{
	static const struct vb_shim_aliases no_aliases;
	static char buffer[VB_SHIM_PATH_MAX];
	size_t space = vb_shim_paths_space(list);
	struct vb_shim_arena arena = {.next = malloc(space), .left_bytes = space};
	void *paths_memory = arena.next;
	struct vb_shim_review review = {0};
	struct vb_shim_libraries libraries;
	struct vb_shim_paths paths;
	void *memory;

	if (paths_memory == NULL ||
		vb_shim_paths_build(&paths, list, &no_aliases, &arena, &review) != 0)
		abort();
	space = vb_shim_libraries_space(&paths);
	memory = malloc(space);
	arena = (struct vb_shim_arena){.next = memory, .left_bytes = space};
	if (memory == NULL ||
		vb_shim_libraries_build(&libraries, &paths, canonical, buffer, &arena) != 0)
		abort();
	if (vb_shim_libraries_match(&libraries, asked) != (slow_count(&paths, asked, false) > 0))
		abort();
	check_names(&libraries, asked);
	free(memory);
	free(paths_memory);
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
