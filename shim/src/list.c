/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/list.h"

#include <string.h>

static const char none[] = "none";

void vb_shim_review_accept(
	struct vb_shim_review *review, char separator, const char *entry, size_t bytes)
{
	if (review->kept == NULL)
		return;
	if (review->kept_bytes > 0)
		review->kept[review->kept_bytes++] = separator;
	memcpy(review->kept + review->kept_bytes, entry, bytes);
	review->kept_bytes += bytes;
}

void vb_shim_review_reject(struct vb_shim_review *review, const char *entry, size_t bytes)
{
	if (review->rejected++ == 0) {
		review->first = entry;
		review->first_bytes = bytes;
	}
}

void vb_shim_review_finish(struct vb_shim_review *review)
{
	if (review->kept == NULL)
		return;
	if (review->kept_bytes == 0) {
		memcpy(review->kept, none, sizeof(none));
		review->kept_bytes = sizeof(none) - 1;
	}
	review->kept[review->kept_bytes] = '\0';
}

bool vb_shim_list_is_none(const char *list)
{
	return strcmp(list, none) == 0;
}

size_t vb_shim_list_count(const char *list, char separator)
{
	size_t count = 1;

	for (; *list != '\0'; list++)
		count += *list == separator;
	return count;
}

bool vb_shim_list_next(
	const char **position, char separator, const char **ret_entry, size_t *ret_bytes)
{
	const char *entry = *position;
	size_t bytes = 0;

	if (entry == NULL)
		return false;
	while (entry[bytes] != '\0' && entry[bytes] != separator)
		bytes++;
	*position = entry[bytes] == '\0' ? NULL : entry + bytes + 1;
	*ret_entry = entry;
	*ret_bytes = bytes;
	return true;
}

uint32_t vb_shim_list_slots(size_t entries)
{
	uint32_t slots = 2;

	while (slots < 2 * entries)
		slots *= 2;
	return slots;
}
