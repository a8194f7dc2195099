/* SPDX-License-Identifier: Apache-2.0 */
/* The shim's own functions of <string.h>, under other names than libc's. */
#undef _FORTIFY_SOURCE
/* NOLINTBEGIN(readability-identifier-naming) */
#define memcmp  shim_memcmp
#define memcpy  shim_memcpy
#define memmove shim_memmove
#define memset  shim_memset
#define strcmp  shim_strcmp
#define strlen  shim_strlen
/* NOLINTEND(readability-identifier-naming) */
#include "../../shim/src/bytes.c" // NOLINT(bugprone-suspicious-include)
#undef memcmp
#undef memcpy
#undef memmove
#undef memset
#undef strcmp
#undef strlen

#include <check.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LENGTH_MAX = 40 };

static size_t page_bytes;
/* Behind it lies a page that nothing may be read from. */
static unsigned char *page;

static void map_page(void)
{
	page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	page = mmap(
		NULL, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(page, MAP_FAILED);
	ck_assert_int_eq(mprotect(page + page_bytes, page_bytes, PROT_NONE), 0);
}

static void unmap_page(void)
{
	munmap(page, 2 * page_bytes);
}

START_TEST(a_string_is_measured_up_to_the_end_of_the_last_page)
{
	for (size_t length = 0; length <= LENGTH_MAX; length++) {
		unsigned char *start = page + page_bytes - length - 1;

		shim_memset(start, 0xff, length);
		start[length] = '\0';
		ck_assert_uint_eq(shim_strlen((char *)start), length);
	}
}
END_TEST

START_TEST(a_string_is_measured_at_each_alignment_whatever_is_behind_it)
{
	for (size_t at = 0; at < 8; at++) {
		for (size_t length = 0; length <= LENGTH_MAX; length++) {
			shim_memset(page, 0x80, page_bytes);
			shim_memset(page + at, 1, length);
			page[at + length] = '\0';
			ck_assert_uint_eq(shim_strlen((char *)page + at), length);
		}
	}
}
END_TEST

static void fill(unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = (unsigned char)(i + 1);
}

START_TEST(a_copy_has_every_byte_and_none_beside_it)
{
	for (size_t count = 0; count <= LENGTH_MAX; count++) {
		unsigned char *from = page + page_bytes - count;
		unsigned char to[LENGTH_MAX + 2] = {0};

		fill(from, count);
		ck_assert_ptr_eq(shim_memcpy(to + 1, from, count), to + 1);
		ck_assert_uint_eq(to[0], 0);
		ck_assert_uint_eq(to[count + 1], 0);
		ck_assert_int_eq(shim_memcmp(to + 1, from, count), 0);
	}
}
END_TEST

START_TEST(a_move_may_overlap_in_either_direction)
{
	unsigned char expected[LENGTH_MAX];

	fill(expected, LENGTH_MAX);
	fill(page + 8, LENGTH_MAX);
	shim_memmove(page + 3, page + 8, LENGTH_MAX);
	ck_assert_int_eq(shim_memcmp(page + 3, expected, LENGTH_MAX), 0);
	shim_memmove(page + 10, page + 3, LENGTH_MAX);
	ck_assert_int_eq(shim_memcmp(page + 10, expected, LENGTH_MAX), 0);
}
END_TEST

START_TEST(bytes_compare_as_unsigned)
{
	ck_assert_int_lt(shim_memcmp("a\x7f", "a\x80", 2), 0);
	ck_assert_int_eq(shim_memcmp("ab", "ac", 1), 0);
	ck_assert_int_lt(shim_strcmp("a\x7f", "a\x80"), 0);
	ck_assert_int_gt(shim_strcmp("ab", "a"), 0);
	ck_assert_int_eq(shim_strcmp("ab", "ab"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shim bytes");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, map_page, unmap_page);
	tcase_add_test(tests, a_string_is_measured_up_to_the_end_of_the_last_page);
	tcase_add_test(tests, a_string_is_measured_at_each_alignment_whatever_is_behind_it);
	tcase_add_test(tests, a_copy_has_every_byte_and_none_beside_it);
	tcase_add_test(tests, a_move_may_overlap_in_either_direction);
	tcase_add_test(tests, bytes_compare_as_unsigned);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
