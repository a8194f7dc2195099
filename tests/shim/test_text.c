/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vb/shim/text.h"

static char line[512];
static struct vb_shim_text text;

static void start(size_t size)
{
	memset(line, '#', sizeof(line));
	text = (struct vb_shim_text){.data = line, .size = size};
}

static void check_line(const char *expected)
{
	ck_assert_uint_eq(text.length, strlen(expected));
	ck_assert_mem_eq(line, expected, text.length);
	ck_assert_int_eq(line[text.size], '#');
}

START_TEST(numbers_are_written_in_full)
{
	start(256);
	vb_shim_text_add_unsigned(&text, 0);
	vb_shim_text_add(&text, " ");
	vb_shim_text_add_unsigned(&text, UINT64_MAX);
	vb_shim_text_add(&text, " ");
	vb_shim_text_add_signed(&text, INT64_MIN);
	vb_shim_text_add(&text, " ");
	vb_shim_text_add_signed(&text, -100);
	vb_shim_text_add(&text, " ");
	vb_shim_text_add_hex(&text, 0x1000);
	check_line("0 18446744073709551615 -9223372036854775808 -100 0x1000");
}
END_TEST

START_TEST(what_does_not_fit_is_left_out)
{
	start(5);
	vb_shim_text_add(&text, "abc");
	vb_shim_text_add(&text, "defgh");
	vb_shim_text_add(&text, "i");
	check_line("abcde");
}
END_TEST

static void check_escaped(const char *bytes, size_t limit_bytes, const char *expected)
{
	start(256);
	vb_shim_text_add_escaped(&text, bytes, strlen(bytes), limit_bytes);
	check_line(expected);
}

START_TEST(control_characters_quotes_and_backslashes_are_escaped)
{
	check_escaped("a b", 100, "a b");
	check_escaped("a\nb\tc", 100, "a\\x0ab\\x09c");
	check_escaped("\x01\x1f\x7f", 100, "\\x01\\x1f\\x7f");
	check_escaped("\"\\", 100, "\\\"\\\\");
	check_escaped("\xc3\xbc\xff", 100, "\xc3\xbc\xff");
}
END_TEST

START_TEST(a_value_above_its_limit_ends_in_dots_and_not_inside_an_escape)
{
	check_escaped("abcdefgh", 8, "abcdefgh");
	check_escaped("abcdefghi", 8, "abcde...");
	check_escaped("abc\ndefg", 8, "abc...");
	check_escaped("a\nbcdefg", 8, "a\\x0a...");
}
END_TEST

static void check_endpoint(const char *address, uint16_t port, const char *expected)
{
	unsigned char bytes[16];
	bool is_ipv6 = inet_pton(AF_INET6, address, bytes) == 1;

	if (!is_ipv6)
		ck_assert_int_eq(inet_pton(AF_INET, address, bytes), 1);
	start(256);
	vb_shim_text_add_endpoint(&text,
		is_ipv6 ? vb_shim_addr_from_ipv6(bytes) : vb_shim_addr_from_ipv4(bytes), port,
		is_ipv6);
	check_line(expected);
}

START_TEST(endpoints_are_written_as_the_contract_says)
{
	check_endpoint("8.8.8.8", 53, "8.8.8.8:53");
	check_endpoint("0.0.0.0", 0, "0.0.0.0:0");
	check_endpoint("255.255.255.255", 65535, "255.255.255.255:65535");
	check_endpoint("2606:4700:4700::1111", 443, "[2606:4700:4700::1111]:443");
	check_endpoint("::ffff:8.8.8.8", 53, "[::ffff:8.8.8.8]:53");
	check_endpoint("::", 1, "[::]:1");
	check_endpoint("::1", 1, "[::1]:1");
	check_endpoint("1::", 1, "[1::]:1");
	check_endpoint("1:2:3:4:5:6:7:8", 1, "[1:2:3:4:5:6:7:8]:1");
	check_endpoint("1:0:3:4:5:6:7:8", 1, "[1:0:3:4:5:6:7:8]:1");
	check_endpoint("1:0:0:4:0:0:0:8", 1, "[1:0:0:4::8]:1");
	check_endpoint("1:0:0:4:5:0:0:8", 1, "[1::4:5:0:0:8]:1");
	check_endpoint("0:0:3:4:5:6:0:0", 1, "[::3:4:5:6:0:0]:1");
	check_endpoint("2001:DB8::ABCD", 1, "[2001:db8::abcd]:1");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shim text");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, numbers_are_written_in_full);
	tcase_add_test(tests, what_does_not_fit_is_left_out);
	tcase_add_test(tests, control_characters_quotes_and_backslashes_are_escaped);
	tcase_add_test(tests, a_value_above_its_limit_ends_in_dots_and_not_inside_an_escape);
	tcase_add_test(tests, endpoints_are_written_as_the_contract_says);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
