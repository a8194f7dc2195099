/* SPDX-License-Identifier: Apache-2.0 */
#include "connect_meet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vb/adjust/connect.h"
#include "vb/adjust/values.h"

/* Until repetitions are dropped there may be more; far more are no accident. */
enum { FOUND_MAX = 8 * VB_VALUE_LIST_MAX };

/* An entry of one of two lists. */
struct item {
	struct vb_connect_entry entry;
	unsigned int list; /* 0 or 1 */
	size_t index;      /* in its list */
};

/* Two lists in one, wide networks in front of those that they contain. */
struct walk {
	struct item *items;
	size_t count;
	const struct item *
		*around[2]; /* those of each list that contain the present one, as stacks */
	size_t depth[2];
};

/* A network and one that it contains, of different lists. */
typedef int (*pair_fn)(const struct item *wide, const struct item *narrow, void *context);

static int compare_items(const void *a, const void *b)
{
	const struct item *left = a;
	const struct item *right = b;

	if (left->entry.family != right->entry.family)
		return left->entry.family - right->entry.family;
	int order = memcmp(left->entry.address, right->entry.address, sizeof(left->entry.address));
	if (order == 0)
		order = (int)left->entry.prefix - (int)right->entry.prefix;
	return order != 0 ? order : (int)left->list - (int)right->list;
}

static int add_items(
	const struct vb_strv *entries, unsigned int list, struct walk *walk, struct vb_error *err)
{
	for (size_t i = 0; i < entries->count; i++) {
		struct item *item = &walk->items[walk->count];
		int r = vb_connect_parse(entries->items[i], &item->entry, err);
		if (r < 0)
			return r;
		item->list = list;
		item->index = i;
		walk->count++;
	}
	return 0;
}

static void finish(const struct walk *walk)
{
	free(walk->items);
	for (size_t list = 0; list < VB_ARRAY_SIZE(walk->around); list++)
		free((void *)walk->around[list]);
}

static bool contains_address(const struct item *wide, const struct item *narrow)
{
	struct vb_connect_entry any_port = wide->entry;

	any_port.port = 0;
	return vb_connect_contains(&any_port, &narrow->entry);
}

/* Networks only ever nest, so what does not contain this one contains none behind it. */
static void leave_networks(struct walk *walk, unsigned int list, const struct item *item)
{
	const struct item **around = walk->around[list];

	while (walk->depth[list] > 0 && !contains_address(around[walk->depth[list] - 1], item))
		walk->depth[list]--;
}

/* Calls the function for each pair whose ports have something in common, until it fails. */
static int visit_pairs(struct walk *walk, pair_fn visit, void *context)
{
	for (size_t i = 0; i < walk->count; i++) {
		const struct item *item = &walk->items[i];
		unsigned int other = 1 - item->list;
		leave_networks(walk, item->list, item);
		leave_networks(walk, other, item);
		for (size_t j = 0; j < walk->depth[other]; j++) {
			const struct item *wide = walk->around[other][j];
			if (wide->entry.port != 0 && item->entry.port != 0 &&
				wide->entry.port != item->entry.port)
				continue;
			int r = visit(wide, item, context);
			if (r < 0)
				return r;
		}
		walk->around[item->list][walk->depth[item->list]++] = item;
	}
	return 0;
}

static int walk_pairs(const struct vb_strv *first, const struct vb_strv *second, pair_fn visit,
	void *context, struct vb_error *err)
{
	/* One more, for lists that deny everything. */
	vb_auto(finish) struct walk walk = {
		.items = calloc(first->count + second->count + 1, sizeof(*walk.items)),
		.around = {calloc(first->count + 1, sizeof(const struct item *)),
			calloc(second->count + 1, sizeof(const struct item *))}};

	if (walk.items == NULL || walk.around[0] == NULL || walk.around[1] == NULL)
		return vb_error_set(err, ENOMEM, "compare connect lists");
	int r = add_items(first, 0, &walk, err);
	if (r == 0)
		r = add_items(second, 1, &walk, err);
	if (r < 0)
		return r;
	qsort(walk.items, walk.count, sizeof(*walk.items), compare_items);
	r = visit_pairs(&walk, visit, context);
	if (r == -E2BIG)
		return vb_error_say(err, E2BIG, "the lists have more than %d entries in common",
			VB_VALUE_LIST_MAX);
	return r < 0 ? vb_error_set(err, -r, "compare connect lists") : 0;
}

/* Of equal networks the outer list's comes first, so it is the wide one. */
static int mark_covered(const struct item *wide, const struct item *narrow, void *context)
{
	bool *covered = context;

	if (wide->list == 0 && (wide->entry.port == 0 || wide->entry.port == narrow->entry.port))
		covered[narrow->index] = true;
	return 0;
}

int vb_connect_find_uncovered(const struct vb_strv *outer, const struct vb_strv *inner,
	const char **ret_entry, struct vb_error *err)
{
	vb_auto_free bool *covered = calloc(inner->count + 1, sizeof(*covered));

	if (covered == NULL)
		return vb_error_set(err, ENOMEM, "compare connect lists");
	int r = walk_pairs(outer, inner, mark_covered, covered, err);
	for (size_t i = 0; r == 0 && i < inner->count; i++) {
		if (covered[i])
			continue;
		*ret_entry = inner->items[i];
		break;
	}
	return r;
}

static int add_common(const struct item *wide, const struct item *narrow, void *context)
{
	struct vb_strv *entries = context;
	struct vb_connect_entry common = narrow->entry;
	char text[VB_CONNECT_TEXT_MAX];

	if (common.port == 0)
		common.port = wide->entry.port;
	if (entries->count == FOUND_MAX)
		return -E2BIG;
	vb_connect_format(&common, text);
	return vb_strv_add(entries, text);
}

int vb_connect_intersect(const struct vb_strv *a, const struct vb_strv *b,
	struct vb_strv *ret_entries, struct vb_error *err)
{
	int r = walk_pairs(a, b, add_common, ret_entries, err);

	if (r < 0)
		return r;
	vb_strv_sort_unique(ret_entries);
	return ret_entries->count > VB_VALUE_LIST_MAX
		       ? vb_error_say(err, E2BIG, "the lists have more than %d entries in common",
				 VB_VALUE_LIST_MAX)
		       : 0;
}
