/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle_cache.h"

#include <errno.h>
#include <string.h>

struct vb_bundle_cache {
	struct vb_bundle_entry **entries; /* in no order */
	size_t count;
	size_t packed_bytes;
	size_t ready_bytes;
	unsigned long lookup;            /* the number of the present one */
	struct vb_bundle_entry *retired; /* replaced or forgotten, but perhaps in use */
};

struct vb_bundle_cache *vb_bundle_cache_create(void)
{
	return calloc(1, sizeof(struct vb_bundle_cache));
}

static void destroy_entry(struct vb_bundle_entry *entry)
{
	if (entry == NULL)
		return;
	vb_bundle_destroy(entry->bundle);
	vb_bundle_pack_finish(&entry->pack);
	free(entry);
}

/* Whether this lookup or the one before found it. */
static bool is_in_use(const struct vb_bundle_cache *cache, const struct vb_bundle_entry *entry)
{
	return entry->used + 1 >= cache->lookup;
}

static void bury(struct vb_bundle_cache *cache)
{
	struct vb_bundle_entry **link = &cache->retired;

	while (*link != NULL) {
		struct vb_bundle_entry *entry = *link;
		if (is_in_use(cache, entry)) {
			link = &entry->next;
			continue;
		}
		*link = entry->next;
		destroy_entry(entry);
	}
}

void vb_bundle_cache_destroy(struct vb_bundle_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < cache->count; i++)
		destroy_entry(cache->entries[i]);
	cache->lookup += 2;
	bury(cache);
	free(cache->entries);
	free(cache);
}

void vb_bundle_cache_begin(struct vb_bundle_cache *cache)
{
	cache->lookup++;
	bury(cache);
}

static size_t find_index(
	const struct vb_bundle_cache *cache, const char *directory, const char *name)
{
	size_t i = 0;

	while (i < cache->count && (strcmp(cache->entries[i]->bundle->name, name) != 0 ||
					   strcmp(cache->entries[i]->directory, directory) != 0))
		i++;
	return i;
}

struct vb_bundle_entry *vb_bundle_cache_find(
	struct vb_bundle_cache *cache, const char *directory, const char *name)
{
	size_t i = find_index(cache, directory, name);

	if (i == cache->count)
		return NULL;
	cache->entries[i]->used = cache->lookup;
	return cache->entries[i];
}

const struct vb_bundle_entry *vb_bundle_cache_owner(
	const struct vb_bundle_cache *cache, const struct vb_bundle *bundle)
{
	for (size_t i = 0; i < cache->count; i++)
		if (cache->entries[i]->bundle == bundle)
			return cache->entries[i];
	const struct vb_bundle_entry *entry = cache->retired;
	while (entry != NULL && entry->bundle != bundle)
		entry = entry->next;
	return entry;
}

static void fold(struct vb_bundle_cache *cache, struct vb_bundle_entry *entry)
{
	vb_bundle_fold(entry->bundle);
	cache->ready_bytes -= entry->ready_bytes;
	entry->ready_bytes = 0;
}

static void forget(struct vb_bundle_cache *cache, size_t i)
{
	cache->packed_bytes -= cache->entries[i]->packed_bytes;
	cache->ready_bytes -= cache->entries[i]->ready_bytes;
	cache->entries[i]->next = cache->retired;
	cache->retired = cache->entries[i];
	cache->entries[i] = cache->entries[--cache->count];
	bury(cache);
}

/* The least recently used entry, of all or of those that are ready; never one that is in use. */
static size_t find_oldest(const struct vb_bundle_cache *cache, bool ready)
{
	size_t oldest = cache->count;

	for (size_t i = 0; i < cache->count; i++) {
		const struct vb_bundle_entry *entry = cache->entries[i];
		if (is_in_use(cache, entry) || (ready && entry->ready_bytes == 0))
			continue;
		if (oldest == cache->count || entry->used < cache->entries[oldest]->used)
			oldest = i;
	}
	return oldest;
}

static void trim(struct vb_bundle_cache *cache)
{
	size_t oldest;

	while (cache->ready_bytes > VB_BUNDLE_CACHE_READY_BYTES &&
		(oldest = find_oldest(cache, true)) < cache->count)
		fold(cache, cache->entries[oldest]);
	while (cache->packed_bytes > VB_BUNDLE_CACHE_PACKED_BYTES &&
		(oldest = find_oldest(cache, false)) < cache->count)
		forget(cache, oldest);
}

int vb_bundle_cache_ready(struct vb_bundle_cache *cache, struct vb_bundle_entry *entry)
{
	if (entry->ready_bytes > 0)
		return 0;
	int r = vb_bundle_unfold(entry->bundle, &entry->pack);
	if (r < 0)
		return r;
	entry->ready_bytes = vb_bundle_lists_bytes(entry->bundle) + 1;
	cache->ready_bytes += entry->ready_bytes;
	trim(cache);
	return 0;
}

static struct vb_bundle_entry *create_entry(
	const char *directory, const struct vb_bundle_origin *origin, struct vb_bundle *bundle)
{
	struct vb_bundle_entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL || vb_bundle_pack(bundle, &entry->pack) < 0) {
		free(entry);
		vb_bundle_destroy(bundle);
		return NULL;
	}
	entry->directory = directory;
	entry->origin = *origin;
	entry->bundle = bundle;
	entry->packed_bytes = sizeof(*entry) + entry->pack.size + vb_bundle_rest_bytes(bundle);
	/* One more than nothing: an empty list is ready too. */
	entry->ready_bytes = vb_bundle_lists_bytes(bundle) + 1;
	return entry;
}

int vb_bundle_cache_put_take(struct vb_bundle_cache *cache, const char *directory,
	const struct vb_bundle_origin *origin, struct vb_bundle *bundle)
{
	struct vb_bundle_entry *entry = create_entry(directory, origin, bundle);
	struct vb_bundle_entry **entries =
		reallocarray(cache->entries, cache->count + 1, sizeof(struct vb_bundle_entry *));

	if (entries != NULL)
		cache->entries = entries;
	if (entry == NULL || entries == NULL) {
		destroy_entry(entry);
		return -ENOMEM;
	}
	size_t former = find_index(cache, directory, bundle->name);
	if (former < cache->count)
		forget(cache, former);
	entry->used = cache->lookup;
	cache->entries[cache->count++] = entry;
	cache->packed_bytes += entry->packed_bytes;
	cache->ready_bytes += entry->ready_bytes;
	trim(cache);
	return 0;
}

struct vb_bundle_usage vb_bundle_cache_usage(const struct vb_bundle_cache *cache)
{
	return (struct vb_bundle_usage){.count = cache->count, .bytes = cache->packed_bytes};
}
