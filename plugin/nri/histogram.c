/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

/* Sixteen buckets for every power of two; below 16 us each has its own. */
enum { STEPS = 16, STEP_BITS = 4 };

static unsigned int bucket_of(uint64_t us)
{
	if (us < STEPS)
		return (unsigned int)us;
	unsigned int exponent = 63U - (unsigned int)__builtin_clzll(us);
	unsigned int step = (unsigned int)(us >> (exponent - STEP_BITS)) & (STEPS - 1);
	unsigned int bucket = (exponent - STEP_BITS + 1) * STEPS + step;

	return bucket < VB_HISTOGRAM_BUCKETS ? bucket : VB_HISTOGRAM_BUCKETS - 1;
}

static uint64_t upper_bound(unsigned int bucket)
{
	if (bucket < STEPS)
		return bucket;
	unsigned int shift = bucket / STEPS - 1;

	return ((uint64_t)(STEPS + bucket % STEPS + 1) << shift) - 1;
}

void vb_histogram_add(struct vb_histogram *histogram, uint64_t us)
{
	histogram->buckets[bucket_of(us)]++;
	histogram->count++;
	histogram->sum_us += us;
	if (us > histogram->max_us)
		histogram->max_us = us;
}

uint64_t vb_histogram_count_below(const struct vb_histogram *histogram, uint64_t us)
{
	uint64_t count = 0;

	for (unsigned int bucket = 0; bucket < bucket_of(us); bucket++)
		count += histogram->buckets[bucket];
	return count;
}

uint64_t vb_histogram_percentile(const struct vb_histogram *histogram, unsigned int percent)
{
	uint64_t wanted = (histogram->count * percent + 99) / 100;
	uint64_t seen = 0;

	if (histogram->count == 0)
		return 0;
	for (unsigned int bucket = 0; bucket < VB_HISTOGRAM_BUCKETS; bucket++) {
		seen += histogram->buckets[bucket];
		if (seen >= wanted && seen > 0)
			return upper_bound(bucket) < histogram->max_us ? upper_bound(bucket)
								       : histogram->max_us;
	}
	return histogram->max_us;
}
