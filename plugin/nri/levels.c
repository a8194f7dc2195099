/* SPDX-License-Identifier: Apache-2.0 */
#include "levels.h"

#include <string.h>

struct entry {
	char *container_id;
	enum vb_level level;
};

struct vb_levels {
	struct entry *entries; /* in no order */
	size_t count;
};

struct vb_levels *vb_levels_create(void)
{
	return calloc(1, sizeof(struct vb_levels));
}

void vb_levels_clear(struct vb_levels *levels)
{
	for (size_t i = 0; i < levels->count; i++)
		free(levels->entries[i].container_id);
	free(levels->entries);
	*levels = (struct vb_levels){0};
}

void vb_levels_destroy(struct vb_levels *levels)
{
	if (levels == NULL)
		return;
	vb_levels_clear(levels);
	free(levels);
}

/* A node has some hundred containers, and is asked when one begins or ends. */
static struct entry *find(const struct vb_levels *levels, const char *container_id)
{
	for (size_t i = 0; i < levels->count; i++)
		if (strcmp(levels->entries[i].container_id, container_id) == 0)
			return &levels->entries[i];
	return NULL;
}

void vb_levels_set(struct vb_levels *levels, const char *container_id, enum vb_level level)
{
	struct entry *known = find(levels, container_id);

	if (known != NULL) {
		known->level = level;
		return;
	}
	struct entry *entries =
		reallocarray(levels->entries, levels->count + 1, sizeof(struct entry));
	if (entries == NULL)
		return;
	levels->entries = entries;
	char *copy = strdup(container_id);
	if (copy != NULL)
		entries[levels->count++] = (struct entry){.container_id = copy, .level = level};
}

void vb_levels_forget(struct vb_levels *levels, const char *container_id)
{
	struct entry *known = find(levels, container_id);

	if (known == NULL)
		return;
	free(known->container_id);
	*known = levels->entries[--levels->count];
}

size_t vb_levels_count(const struct vb_levels *levels, enum vb_level level)
{
	size_t count = 0;

	for (size_t i = 0; i < levels->count; i++)
		count += levels->entries[i].level == level;
	return count;
}
