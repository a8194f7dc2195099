/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/base/cleanup.h"
#include "vb/base/utf8.h"

static const char *const valid[] = {
	"",
	"plain",
	"\x7f",
	"\xc2\x80",
	"\xdf\xbf",
	"\xe0\xa0\x80",
	"\xed\x9f\xbf",
	"\xee\x80\x80",
	"\xef\xbf\xbf",
	"\xf0\x90\x80\x80",
	"\xf4\x8f\xbf\xbf",
	"a\xc3\xa4z",
};

static const char *const invalid[] = {
	"\x80",             /* a continuation alone */
	"\xc2",             /* cut */
	"\xc2z",            /* continuation missing */
	"\xc0\x80",         /* overlong NUL */
	"\xc1\xbf",         /* overlong */
	"\xe0\x9f\xbf",     /* overlong */
	"\xe2\x82",         /* cut */
	"\xe2\x82z",        /* third byte wrong */
	"\xed\xa0\x80",     /* surrogate */
	"\xed\xbf\xbf",     /* surrogate */
	"\xf0\x8f\xbf\xbf", /* overlong */
	"\xf0\x90\x80",     /* cut */
	"\xf4\x90\x80\x80", /* above U+10FFFF */
	"\xf5\x80\x80\x80", /* above U+10FFFF */
	"\xff",
	"good\xff",
};

START_TEST(well_formed_bytes_are_valid)
{
	ck_assert(vb_utf8_is_valid(valid[_i], strlen(valid[_i])));
}
END_TEST

START_TEST(malformed_bytes_are_not_valid)
{
	ck_assert(!vb_utf8_is_valid(invalid[_i], strlen(invalid[_i])));
}
END_TEST

START_TEST(nul_bytes_are_valid_where_a_size_is_given)
{
	ck_assert(vb_utf8_is_valid("a\0b", 3));
}
END_TEST

START_TEST(a_sequence_that_goes_on_behind_the_size_is_not_valid)
{
	ck_assert(!vb_utf8_is_valid("\xe2\x82\xac", 2));
	ck_assert(vb_utf8_is_valid("\xe2\x82\xac", 3));
}
END_TEST

static const struct {
	const char *before;
	const char *after;
} scrubbed[] = {
	{"", ""},
	{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\xa4\x96", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\xa4\x96"},
	{"a\nb\tc\rd\x1b[31m\x7f", "a?b?c?d?[31m?"},
	{"\xff\xc3\xa9\xfe", "?\xc3\xa9?"},
	{"cut \xe2\x82", "cut ??"},
	{"\xed\xa0\x80", "???"},
	/* U+009B starts an escape sequence on a terminal, U+0085 a new line. */
	{"\xc2\x9b"
	 "31m\xc2\x85",
		"??31m??"},
	{"\xc2\xa0", "\xc2\xa0"},
	/* A line separator, and what shows "gpj.sh" as "hs.jpg". */
	{"a\xe2\x80\xa8z", "a???z"},
	{"\xe2\x80\xaegpj.sh\xe2\x81\xa9", "???gpj.sh???"},
	/* U+2027, U+202F, U+2065 and U+206A beside them, and U+200F, which Hebrew needs. */
	{"\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa\xe2\x80\x8f",
		"\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa\xe2\x80\x8f"},
};

START_TEST(scrubbing_leaves_one_printable_line_of_the_same_length)
{
	vb_auto_free char *text = strdup(scrubbed[_i].before);

	ck_assert_ptr_nonnull(text);
	vb_utf8_scrub(text);
	ck_assert_str_eq(text, scrubbed[_i].after);
	ck_assert(vb_utf8_is_valid(text, strlen(text)));
}
END_TEST

START_TEST(controls_are_found_wherever_they_stand)
{
	static const char *const with[] = {"\n", "a\x1f", "\x7fz", "a\xc2\x80", "\xc2\x9fz",
		"\xff\xc3\xa9\t", "\xe2\x80\xa8", "a\xe2\x80\xae", "\xe2\x81\xa6z"};
	static const char *const without[] = {
		"", "a z", "\xc2\xa0", "caf\xc3\xa9", "\xe2\x82\xac", "\xff", "\x9b", "\xc2"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(with); i++)
		ck_assert(vb_utf8_has_control(with[i]));
	for (size_t i = 0; i < VB_ARRAY_SIZE(without); i++)
		ck_assert(!vb_utf8_has_control(without[i]));
}
END_TEST

START_TEST(every_pair_of_bytes_becomes_valid)
{
	for (unsigned int pair = 0; pair <= 0xffff; pair++) {
		char text[] = {(char)(pair >> 8), (char)pair, 'z', '\0'};
		size_t length = strlen(text);
		vb_utf8_scrub(text);
		ck_assert_uint_eq(strlen(text), length);
		ck_assert(vb_utf8_is_valid(text, length));
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("utf8");

	tcase_add_loop_test(tcase, well_formed_bytes_are_valid, 0, (int)VB_ARRAY_SIZE(valid));
	tcase_add_loop_test(tcase, malformed_bytes_are_not_valid, 0, (int)VB_ARRAY_SIZE(invalid));
	tcase_add_test(tcase, nul_bytes_are_valid_where_a_size_is_given);
	tcase_add_test(tcase, a_sequence_that_goes_on_behind_the_size_is_not_valid);
	tcase_add_loop_test(tcase, scrubbing_leaves_one_printable_line_of_the_same_length, 0,
		(int)VB_ARRAY_SIZE(scrubbed));
	tcase_add_test(tcase, controls_are_found_wherever_they_stand);
	tcase_add_test(tcase, every_pair_of_bytes_becomes_valid);
	return vb_unit_run("utf8", tcase);
}
