/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_HISTOGRAM_H
#define VB_PLUGIN_NRI_HISTOGRAM_H

#include <stdint.h>

/* Handling times in microseconds; quantiles are exact to one part in sixteen. */

enum { VB_HISTOGRAM_BUCKETS = 448 };

struct vb_histogram {
	uint32_t buckets[VB_HISTOGRAM_BUCKETS];
	uint64_t count;
	uint64_t sum_us;
	uint64_t max_us;
};

void vb_histogram_add(struct vb_histogram *histogram, uint64_t us);

/* How many values are less than us, a power of two of at most 2^31. */
uint64_t vb_histogram_count_below(const struct vb_histogram *histogram, uint64_t us);

/* The upper bound of the bucket in which that part (0 to 100) of all values ends; 0 when empty. */
uint64_t vb_histogram_percentile(const struct vb_histogram *histogram, unsigned int percent);

#endif
