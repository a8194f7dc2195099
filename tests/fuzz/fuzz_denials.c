/* SPDX-License-Identifier: Apache-2.0 */
/* A workload's log; the first byte says where it is cut into two pieces. */
#include "fuzz_adjust.h"
#include "vb/adjust/denials.h"

static const struct vb_denied *read_log(
	struct vb_denials *denials, const char *log, size_t size, size_t cut)
{
	fuzz_require(denials != NULL);
	fuzz_require(vb_denials_feed(denials, log, cut, NULL) == 0);
	fuzz_require(vb_denials_feed(denials, log + cut, size - cut, NULL) == 0);
	fuzz_require(vb_denials_end_log(denials, NULL) == 0);
	return vb_denials_finish(denials);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	const char *log = (const char *)data + 1;
	vb_auto_denials struct vb_denials *whole = vb_denials_create(0, INT64_MAX);
	vb_auto_denials struct vb_denials *pieces = vb_denials_create(0, INT64_MAX);
	const struct vb_denied *one = read_log(whole, log, size - 1, 0);
	const struct vb_denied *other = read_log(pieces, log, size - 1, (size - 1) * data[0] / 256);

	fuzz_require(one->count == other->count && one->count <= VB_DENIALS_MAX);
	fuzz_require(one->dropped == other->dropped && one->unusable == other->unusable);
	for (size_t i = 0; i < one->count; i++) {
		const struct vb_denial *item = &one->items[i];
		fuzz_require_line(item->target);
		fuzz_require(strcmp(item->target, other->items[i].target) == 0);
		fuzz_require(item->count > 0 && item->count == other->items[i].count);
		fuzz_require(item->first_ns <= item->last_ns || item->last_ns == 0);
		if (item->entry != NULL)
			fuzz_require_line(item->entry);
	}
	for (size_t i = 0; i < VB_MENTION_COUNT; i++)
		fuzz_require_line(one->mentions[i].text);
	return 0;
}
