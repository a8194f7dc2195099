/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A workload's log, and the manifest that its lists go into: the first byte says which list, the
 * second where the log is cut into two pieces, a NUL ends it; behind that is the manifest.
 */
#include <errno.h>

#include "fuzz_adjust.h"
#include "vb/adjust/bundle.h"
#include "vb/adjust/derive.h"
#include "vb/adjust/values.h"

static void check_entries(enum vb_derive_list list, const struct vb_strv *entries)
{
	struct vb_allowlist one = {0};

	for (size_t i = 0; i < entries->count; i++) {
		const char *entry = entries->items[i];
		fuzz_require(i == 0 || strcmp(entries->items[i - 1], entry) < 0);
		fuzz_require_line(entry);
		int r = list == VB_DERIVE_DLOPEN ? vb_value_dlopen_entry(entry, &one, NULL)
			: list == VB_DERIVE_EXEC ? vb_value_exec_entry(entry, &one, NULL)
						 : vb_value_connect_entry(entry, &one, NULL);
		fuzz_require(r == 0);
	}
	vb_allowlist_finish(&one);
}

static void check_lines(const struct vb_strv *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		fuzz_require_line(lines->items[i]);
}

static void check_derived(enum vb_derive_list list, const struct vb_derived *derived)
{
	check_entries(list, &derived->entries);
	check_lines(&derived->requested);
	check_lines(&derived->failed);
	check_lines(&derived->denied);
	check_lines(&derived->left_out);
	check_lines(&derived->left_out_why);
	fuzz_require(derived->left_out.count == derived->left_out_why.count);
	fuzz_require(derived->used <= derived->lines);
	for (size_t i = 0; i < VB_DERIVE_FLAW_COUNT; i++)
		fuzz_require(derived->flaws[i].count <= derived->lines);
}

static const struct vb_derived *read_log(
	struct vb_derive *derive, const char *log, size_t size, size_t cut)
{
	const struct vb_derived *derived = NULL;

	fuzz_require(vb_derive_feed(derive, log, cut, NULL) == 0);
	fuzz_require(vb_derive_feed(derive, log + cut, size - cut, NULL) == 0);
	fuzz_require(vb_derive_end_log(derive, NULL) == 0);
	/* NULL: more entries than a list may have. */
	int r = vb_derive_finish(derive, NULL, &derived, NULL);
	fuzz_require(r == 0 || r == -E2BIG);
	return derived;
}

static void check_same(const struct vb_strv *a, const struct vb_strv *b)
{
	fuzz_require(a->count == b->count);
	for (size_t i = 0; i < a->count; i++)
		fuzz_require(strcmp(a->items[i], b->items[i]) == 0);
}

/* Done again, it changes nothing. */
static void update(
	enum vb_derive_list list, const struct vb_strv *entries, const char *manifest, size_t size)
{
	struct vb_derive_update change = {.list = list, .entries = entries};
	vb_auto_free char *once = NULL;
	vb_auto_free char *twice = NULL;
	struct vb_error err;

	int r = vb_derive_update_manifest(manifest, size, &change, &once, &err);
	if (r < 0) {
		fuzz_check_error(r, &err);
		return;
	}
	size_t kept = change.kept;
	fuzz_require(vb_derive_update_manifest(once, strlen(once), &change, &twice, &err) == 0);
	fuzz_require(change.added == 0 && change.kept >= kept);
	fuzz_require(strcmp(once, twice) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	enum vb_derive_list list = data[0] % VB_DERIVE_LIST_COUNT;
	const char *log = (const char *)data + 2;
	const char *end = (const char *)data + size;
	const char *nul = memchr(log, '\0', size - 2);
	size_t log_size = (size_t)((nul != NULL ? nul : end) - log);
	vb_auto_derive struct vb_derive *whole = vb_derive_create(list);
	vb_auto_derive struct vb_derive *pieces = vb_derive_create(list);

	fuzz_require(whole != NULL && pieces != NULL);
	const struct vb_derived *derived = read_log(whole, log, log_size, 0);
	const struct vb_derived *same = read_log(pieces, log, log_size, log_size * data[1] / 256);
	fuzz_require((derived == NULL) == (same == NULL));
	if (derived == NULL)
		return 0;
	check_derived(list, derived);
	check_same(&derived->entries, &same->entries);
	fuzz_require(derived->lines == same->lines && derived->used == same->used);
	if (nul != NULL)
		update(list, &derived->entries, nul + 1, (size_t)(end - nul) - 1);
	return 0;
}
