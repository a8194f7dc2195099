/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of argument values, compared with counting them out over small and chosen values. */
#include <check.h>
#include <inttypes.h>
#include <seccomp.h>

#include "profile_cell.h"
#include "profile_partition.h"
#include "unit.h"

/* Everything near zero, near the ends of both halves, and in between. */
static uint64_t sample(size_t i)
{
	static const uint64_t bases[] = {0, UINT64_C(0x7fffffe0), UINT64_C(0xffffffe0),
		UINT64_C(0x1ffffffe0), UINT64_C(0x7fffffffffffffe0), UINT64_C(0xffffffffffffffc0)};

	return bases[i / 64] + i % 64;
}
enum { SAMPLES = 6 * 64 };

static const struct vb_condition conditions[] = {
	{0, SCMP_CMP_EQ, 5, UINT64_MAX},
	{0, SCMP_CMP_NE, 5, UINT64_MAX},
	{0, SCMP_CMP_LT, 0, UINT64_MAX},
	{0, SCMP_CMP_LT, 17, UINT64_MAX},
	{0, SCMP_CMP_LE, 16, UINT64_MAX},
	{0, SCMP_CMP_LE, UINT64_MAX, UINT64_MAX},
	{0, SCMP_CMP_GE, 0, UINT64_MAX},
	{0, SCMP_CMP_GE, UINT64_C(0x100000000), UINT64_MAX},
	{0, SCMP_CMP_GT, UINT32_MAX, UINT64_MAX},
	{0, SCMP_CMP_GT, UINT64_MAX, UINT64_MAX},
	{0, SCMP_CMP_GT, UINT64_MAX - 1, UINT64_MAX},
	{0, SCMP_CMP_EQ, UINT64_MAX, UINT64_MAX},
	{0, SCMP_CMP_NE, 0, UINT64_MAX},
	{0, SCMP_CMP_MASKED_EQ, 1, 1},
	{0, SCMP_CMP_MASKED_EQ, 2, 6},
	{0, SCMP_CMP_MASKED_EQ, 0, UINT64_C(0xffffffff00000000)},
	{0, SCMP_CMP_MASKED_EQ, 5, UINT32_MAX},
	{0, SCMP_CMP_MASKED_EQ, UINT64_C(0x8000000000000001), UINT64_C(0x8000000000000003)},
	{0, SCMP_CMP_MASKED_EQ, 32, UINT64_C(0xffffffffffffffe0)},
	{0, SCMP_CMP_MASKED_EQ, 7, UINT64_MAX},
};

static bool in_cell(const struct vb_cell *cell, uint64_t value)
{
	if (cell->kind == VB_CELL_INTERVAL)
		return cell->low <= value && value <= cell->high;
	if (cell->kind == VB_CELL_EXCEPT)
		return value != cell->low;
	return (value & cell->high) == cell->low;
}

/* A condition with a prefix mask, and one that only cubes can follow. */
static struct vb_cell whole_cell(const struct vb_condition *a, const struct vb_condition *b)
{
	if (vb_condition_is_interval(a) && vb_condition_is_interval(b))
		return (struct vb_cell){VB_CELL_INTERVAL, 0, UINT64_MAX};
	return (struct vb_cell){VB_CELL_CUBE, 0, 0};
}

START_TEST(two_conditions_meet_where_a_value_fulfils_both)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(conditions); i++) {
		for (size_t j = 0; j < VB_ARRAY_SIZE(conditions); j++) {
			bool met = false;
			for (size_t k = 0; k < SAMPLES && !met; k++)
				met = vb_condition_matches(&conditions[i], sample(k), false) &&
				      vb_condition_matches(&conditions[j], sample(k), false);
			if (vb_conditions_meet(&conditions[i], &conditions[j]) != met)
				ck_abort_msg("conditions %zu and %zu", i, j);
		}
	}
}
END_TEST

/* Splits until nothing is undecided; pieces must be disjoint, cover all, and be decided rightly. */
static size_t split_fully(const struct vb_condition *a, const struct vb_condition *b,
	struct vb_cell cells[], size_t capacity)
{
	size_t count = 1;

	cells[0] = whole_cell(a, b);
	for (size_t i = 0; i < count;) {
		const struct vb_condition *undecided = NULL;
		if (vb_condition_on_cell(a, &cells[i]) == VB_SOMETIMES)
			undecided = a;
		else if (vb_condition_on_cell(b, &cells[i]) == VB_SOMETIMES)
			undecided = b;
		if (undecided == NULL) {
			i++;
			continue;
		}
		if (count == capacity)
			ck_abort_msg("more than %zu cells", capacity);
		struct vb_cell cell = cells[i];
		vb_cell_split(undecided, &cell, &cells[i], &cells[count++]);
	}
	return count;
}

static bool is_decided_rightly(
	const struct vb_condition *condition, const struct vb_cell *cell, uint64_t value)
{
	return (vb_condition_on_cell(condition, cell) == VB_ALWAYS) ==
	       vb_condition_matches(condition, value, false);
}

START_TEST(splitting_partitions_the_values)
{
	static struct vb_cell cells[4096];

	for (size_t n = 0; n < VB_ARRAY_SIZE(conditions) * VB_ARRAY_SIZE(conditions); n++) {
		const struct vb_condition *a = &conditions[n % VB_ARRAY_SIZE(conditions)];
		const struct vb_condition *b = &conditions[n / VB_ARRAY_SIZE(conditions)];
		size_t count = split_fully(a, b, cells, VB_ARRAY_SIZE(cells));
		for (size_t k = 0; k < SAMPLES; k++) {
			size_t found = 0;
			for (size_t i = 0; i < count; i++) {
				if (!in_cell(&cells[i], sample(k)))
					continue;
				found++;
				if (!is_decided_rightly(a, &cells[i], sample(k)) ||
					!is_decided_rightly(b, &cells[i], sample(k)))
					ck_abort_msg("pair %zu, value 0x%" PRIx64, n, sample(k));
			}
			if (found != 1)
				ck_abort_msg("pair %zu, value 0x%" PRIx64 " in %zu cells", n,
					sample(k), found);
		}
	}
}
END_TEST

/* The written conditions must hold for exactly the cell's values, one of them at a time. */
static void check_written(const struct vb_cell *cell, bool cubes)
{
	struct vb_condition written[VB_CELL_CONDITIONS_MAX];
	size_t count = vb_cell_conditions(cell, 3, cubes, written);

	ck_assert_uint_ge(count, 1);
	ck_assert_uint_le(count, VB_CELL_CONDITIONS_MAX);
	ck_assert_uint_eq(written[0].index, 3);
	for (size_t k = 0; k < SAMPLES; k++) {
		size_t held = 0;
		for (size_t i = 0; i < count; i++)
			held += vb_condition_matches(&written[i], sample(k), false);
		if (held != in_cell(cell, sample(k)))
			ck_abort_msg("cell 0x%" PRIx64 " 0x%" PRIx64 ", value 0x%" PRIx64,
				cell->low, cell->high, sample(k));
	}
}

START_TEST(cells_are_written_exactly)
{
	for (size_t i = 0; i < SAMPLES; i += 7) {
		for (size_t j = i; j < SAMPLES; j += 5) {
			const struct vb_cell interval = {VB_CELL_INTERVAL, sample(i), sample(j)};
			if (sample(i) > sample(j) || vb_cell_is_all(&interval))
				continue;
			check_written(&interval, false);
			check_written(&interval, true);
		}
		const struct vb_cell except = {VB_CELL_EXCEPT, sample(i), 0};
		const struct vb_cell cube = {VB_CELL_CUBE, sample(i) & 0x1f, 0x1f};
		check_written(&except, false);
		check_written(&cube, false);
	}
	/* The longest list of prefixes there is. */
	const struct vb_cell longest = {VB_CELL_INTERVAL, 1, UINT64_MAX - 1};
	check_written(&longest, false);
}
END_TEST

/* No comparison may change its meaning when libseccomp cuts it to 32 bits. */
START_TEST(what_ends_at_32_bits_is_written_for_32_bits_too)
{
	const struct vb_cell cells[] = {
		{VB_CELL_INTERVAL, 0, UINT32_MAX},
		{VB_CELL_INTERVAL, UINT64_C(0x100000000), UINT64_MAX},
		{VB_CELL_INTERVAL, 41, UINT64_MAX},
		{VB_CELL_INTERVAL, 0, 39},
		{VB_CELL_INTERVAL, 41, UINT32_MAX},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(cells); i++) {
		struct vb_condition written[VB_CELL_CONDITIONS_MAX];
		size_t count = vb_cell_conditions(&cells[i], 0, false, written);
		for (size_t k = 0; k < SAMPLES; k++) {
			uint64_t value = sample(k) & UINT32_MAX;
			size_t held = 0;
			for (size_t j = 0; j < count; j++)
				held += vb_condition_matches(&written[j], value, true);
			if (held != in_cell(&cells[i], value))
				ck_abort_msg("cell %zu, value 0x%" PRIx64, i, value);
		}
	}
}
END_TEST

START_TEST(neighbours_join_and_strangers_do_not)
{
	const struct vb_cell low = {VB_CELL_INTERVAL, 0, 4};
	const struct vb_cell high = {VB_CELL_INTERVAL, 5, UINT64_MAX};
	const struct vb_cell far = {VB_CELL_INTERVAL, 6, UINT64_MAX};
	const struct vb_cell odd = {VB_CELL_CUBE, 1, 3};
	const struct vb_cell even = {VB_CELL_CUBE, 0, 3};
	const struct vb_cell other = {VB_CELL_CUBE, 2, 3};
	struct vb_cell joined;

	ck_assert(vb_cell_join(&low, &high, &joined));
	ck_assert(vb_cell_is_all(&joined));
	ck_assert(vb_cell_join(&high, &low, &joined));
	ck_assert(vb_cell_is_all(&joined));
	ck_assert(!vb_cell_join(&low, &far, &joined));
	ck_assert(!vb_cell_join(&low, &even, &joined));
	ck_assert(vb_cell_join(&odd, &even, &joined));
	ck_assert_uint_eq(joined.high, 2);
	ck_assert_uint_eq(joined.low, 0);
	ck_assert(!vb_cell_join(&odd, &other, &joined));
	ck_assert(!vb_cell_join(&odd, &odd, &joined));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile_cell");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, two_conditions_meet_where_a_value_fulfils_both);
	tcase_add_test(tcase, splitting_partitions_the_values);
	tcase_add_test(tcase, cells_are_written_exactly);
	tcase_add_test(tcase, what_ends_at_32_bits_is_written_for_32_bits_too);
	tcase_add_test(tcase, neighbours_join_and_strangers_do_not);
	return vb_unit_run("profile_cell", tcase);
}
