/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vb/shim/policy_net.h"
#include "vb/shim/text.h"

/* A list and the memory that it lives in. */
struct fixture {
	struct vb_shim_nets nets;
	struct vb_shim_review review;
	void *memory;
	char kept[8192];
};

static void build(struct fixture *fixture, const char *list)
{
	size_t bytes = vb_shim_nets_space(list);
	struct vb_shim_arena arena = {.next = malloc(bytes), .left_bytes = bytes};

	memset(fixture, 0, sizeof(*fixture));
	ck_assert_ptr_nonnull(arena.next);
	fixture->memory = arena.next;
	fixture->review.kept = fixture->kept;
	ck_assert_int_eq(vb_shim_nets_build(&fixture->nets, list, &arena, &fixture->review), 0);
}

static struct vb_shim_addr address(const char *text)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return vb_shim_addr_from_ipv4(bytes);
	ck_assert_int_eq(inet_pton(AF_INET6, text, bytes), 1);
	return vb_shim_addr_from_ipv6(bytes);
}

static bool holds(const char *list, const char *text, uint16_t port)
{
	struct fixture fixture;
	bool result;

	build(&fixture, list);
	result = vb_shim_nets_match(&fixture.nets, address(text), port);
	free(fixture.memory);
	return result;
}

static int parse(const char *entry)
{
	struct vb_shim_net net;

	return vb_shim_net_parse(entry, strlen(entry), &net);
}

START_TEST(the_five_forms_of_an_entry_are_parsed)
{
	static const char *const valid[] = {"10.42.0.5:443", "10.42.0.0/16:8080", "[fe80::1]:443",
		"[2001:db8::/32]:443", "10.42.0.5:*", "10.42.0.0/16:*", "[fe80::1]:*",
		"[2001:db8::/32]:*", "0.0.0.0/0:*", "[::]:1", "[::/0]:65535",
		"[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.0/104]:80", "[1:2:3:4:5:6:7:8]:9",
		"[1:2:3:4:5:6:1.2.3.4]:9", "[1::8]:9", "[1::]:9", "[2001:DB8::ABCD]:9",
		"[1:2:3:4:5:6:7::]:9", "[::2:3:4:5:6:7:8]:9", "255.255.255.255/32:1"};

	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		ck_assert_msg(parse(valid[i]) == 0, "%s", valid[i]);
}
END_TEST

START_TEST(everything_else_is_malformed)
{
	static const char *const malformed[] = {"", ":", "none", "10.42.0.5",
		"10.42.0.5:", "10.42.0.5:0", "10.42.0.5:65536", "10.42.0.5:080", "10.42.0.5:+80",
		"10.42.0.5: 80", "10.42.0.5:80 ", " 10.42.0.5:80", "10.42.0.5:**", "10.42.0:80",
		"10.42.0.5.6:80", "10.42.0.256:80", "010.42.0.5:80", "10.42..5:80", "10.42.0.0/:80",
		"10.42.0.0/33:80", "10.42.0.0/016:80", "10.42.0.0/-1:80", "10.42.0.0/16",
		"example.org:80", "localhost:80", "*:80", "[::1]", "[::1]:", "[::1:80", "::1:80",
		"[]:80", "[:]:80", "[:::]:80", "[1::2::3]:80", "[1:2:3:4:5:6:7]:80",
		"[1:2:3:4:5:6:7:8:9]:80", "[1:2:3:4:5:6:7:8::]:80", "[::1:2:3:4:5:6:7:8]:80",
		"[12345::]:80", "[g::]:80", "[1:]:80", "[:1]:80", "[::1%eth0]:80", "[fe80::1%1]:80",
		"[::/129]:80", "[::/]:80", "[::1]/64:80", "[10.0.0.1]:80", "[::10.0.0.256]:80",
		"[1:2:3:4:5:6:7:1.2.3.4]:80", "[::1]:80]", "10.42.0.5:80:90", "0x7f.0.0.1:80",
		"2130706433:80", "[::1.2.3]:80"};

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		ck_assert_msg(parse(malformed[i]) == -EINVAL, "%s", malformed[i]);
}
END_TEST

START_TEST(an_address_matches_only_its_own_port)
{
	ck_assert(holds("10.42.0.5:443", "10.42.0.5", 443));
	ck_assert(!holds("10.42.0.5:443", "10.42.0.5", 444));
	ck_assert(!holds("10.42.0.5:443", "10.42.0.6", 443));
	ck_assert(holds("10.42.0.5:443,10.42.0.5:444", "10.42.0.5", 444));
}
END_TEST

START_TEST(a_star_matches_every_port)
{
	ck_assert(holds("10.42.0.5:*", "10.42.0.5", 1));
	ck_assert(holds("10.42.0.5:*", "10.42.0.5", 65535));
	ck_assert(holds("10.42.0.5:*", "10.42.0.5", 0));
	ck_assert(!holds("10.42.0.5:1", "10.42.0.5", 0));
}
END_TEST

START_TEST(a_prefix_holds_its_net_and_no_more)
{
	ck_assert(holds("10.42.0.0/16:80", "10.42.255.255", 80));
	ck_assert(!holds("10.42.0.0/16:80", "10.43.0.0", 80));
	ck_assert(holds("0.0.0.0/0:80", "203.0.113.9", 80));
	ck_assert(holds("128.0.0.0/1:80", "255.0.0.1", 80));
	ck_assert(!holds("128.0.0.0/1:80", "127.255.255.255", 80));
	ck_assert(holds("[2001:db8::/32]:80", "2001:db8:ffff::1", 80));
	ck_assert(!holds("[2001:db8::/32]:80", "2001:db9::1", 80));
	ck_assert(holds("[2001:db8::/65]:80", "2001:db8::7fff:0:0:1", 80));
	ck_assert(!holds("[2001:db8::/65]:80", "2001:db8::8000:0:0:1", 80));
	ck_assert(holds("[2001:db8::/64]:80", "2001:db8::8000:0:0:1", 80));
	ck_assert(!holds("[2001:db8::1/128]:80", "2001:db8::2", 80));
}
END_TEST

START_TEST(bits_behind_the_prefix_do_not_matter)
{
	ck_assert(holds("10.42.7.9/16:80", "10.42.1.1", 80));
	ck_assert(holds("[2001:db8::7/32]:80", "2001:db8:1::", 80));
}
END_TEST

START_TEST(a_mapped_address_is_the_ipv4_address)
{
	ck_assert(holds("10.42.0.5:443", "::ffff:10.42.0.5", 443));
	ck_assert(holds("[::ffff:10.42.0.5]:443", "10.42.0.5", 443));
	ck_assert(holds("[::ffff:10.42.0.0/112]:443", "10.42.9.9", 443));
	ck_assert(holds("[::ffff:0:0/96]:443", "10.42.9.9", 443));
}
END_TEST

START_TEST(a_short_ipv6_prefix_holds_no_ipv4_address)
{
	ck_assert(!holds("[::/0]:*", "10.42.0.5", 443));
	ck_assert(!holds("[::ffff:0:0/95]:*", "::ffff:10.42.0.5", 443));
	ck_assert(holds("[::/0]:*", "2001:db8::1", 443));
	ck_assert(!holds("0.0.0.0/0:*", "2001:db8::1", 443));
}
END_TEST

START_TEST(none_and_lists_without_a_valid_entry_hold_nothing)
{
	static const char *const lists[] = {"none", ",", ",,,", "example.org:80", "none,none"};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		ck_assert(!holds(lists[i], "10.42.0.5", 443));
		ck_assert(!holds(lists[i], "::", 443));
	}
}
END_TEST

START_TEST(malformed_entries_are_counted_and_the_first_is_named)
{
	struct fixture fixture;

	build(&fixture, "10.0.0.1:1,foo,,10.0.0.2:2,bar:x,");
	ck_assert_uint_eq(fixture.review.rejected, 2);
	ck_assert_uint_eq(fixture.review.first_bytes, 3);
	ck_assert_mem_eq(fixture.review.first, "foo", 3);
	ck_assert_uint_eq(fixture.nets.count, 2);
	ck_assert_str_eq(fixture.kept, "10.0.0.1:1,10.0.0.2:2");
	free(fixture.memory);
}
END_TEST

START_TEST(what_is_kept_of_a_malformed_list_is_none)
{
	struct fixture fixture;

	build(&fixture, "a");
	ck_assert_str_eq(fixture.kept, "none");
	free(fixture.memory);
	build(&fixture, "none");
	ck_assert_str_eq(fixture.kept, "none");
	ck_assert_uint_eq(fixture.review.rejected, 0);
	free(fixture.memory);
}
END_TEST

enum { LONG_LIST_BYTES = 8192 };

/* `count` nets of each family, all of other addresses than the tests ask for, then `entry`. */
static void lengthen(char list[LONG_LIST_BYTES], unsigned int count, const char *entry)
{
	size_t length = 0;

	for (unsigned int i = 0; i < count; i++)
		length += (size_t)snprintf(list + length, LONG_LIST_BYTES - length,
			"172.16.%u.0/24:%u,[fd00:%x::/32]:*,", i, i + 1, i);
	ck_assert_uint_lt(length + strlen(entry), LONG_LIST_BYTES);
	memcpy(list + length, entry, strlen(entry) + 1);
}

/* Around the length from which on nets are hashed. */
START_TEST(lists_of_every_length_hold_their_last_entry_and_no_other)
{
	char list[LONG_LIST_BYTES];

	for (unsigned int count = 0; count < 2 * VB_SHIM_LINEAR_MAX; count++) {
		lengthen(list, count, "10.42.0.0/16:443");
		ck_assert(holds(list, "10.42.255.1", 443));
		ck_assert(!holds(list, "10.42.255.1", 444));
		ck_assert(!holds(list, "10.43.0.1", 443));
		ck_assert(count == 0 || holds(list, "172.16.0.9", 1));
		lengthen(list, count, "10.42.0.5:*");
		ck_assert(holds(list, "10.42.0.5", 7));
		ck_assert(!holds(list, "10.42.0.4", 7));
		lengthen(list, count, "[2001:db8::/33]:443");
		ck_assert(holds(list, "2001:db8:7fff::1", 443));
		ck_assert(!holds(list, "2001:db8:8000::1", 443));
		ck_assert(count == 0 || holds(list, "fd00::1", 9));
		lengthen(list, count, "[::/0]:*");
		ck_assert(holds(list, "2001:db8::1", 9));
		ck_assert(!holds(list, "10.42.0.5", 9));
		lengthen(list, count, "0.0.0.0/0:*");
		ck_assert(holds(list, "::ffff:8.8.8.8", 9));
		ck_assert(!holds(list, "2001:db8::1", 9));
	}
}
END_TEST

START_TEST(an_address_with_many_ports_is_held_with_each)
{
	char list[LONG_LIST_BYTES] = "";
	size_t length = 0;

	for (unsigned int port = 1000; port < 1400; port++)
		length += (size_t)snprintf(
			list + length, sizeof(list) - length, "10.42.0.5:%u,", port);
	ck_assert(holds(list, "10.42.0.5", 1000));
	ck_assert(holds(list, "10.42.0.5", 1399));
	ck_assert(!holds(list, "10.42.0.5", 1400));
	ck_assert(!holds(list, "10.42.0.5", 0));
}
END_TEST

/* More of one prefix length, then more of the other kind of port, than are compared one by one. */
START_TEST(hashed_nets_of_one_prefix_length_may_have_a_port_or_any)
{
	char list[LONG_LIST_BYTES] = "";
	size_t length = 0;

	for (unsigned int i = 0; i <= VB_SHIM_LINEAR_MAX; i++)
		length += (size_t)snprintf(list + length, sizeof(list) - length,
			"10.1.%u.0/24:443,10.2.%u.0/24:*,[fd01:%x::/32]:443,[fd02:%x::/32]:*,", i,
			i, i, i);
	ck_assert(holds(list, "10.1.7.9", 443));
	ck_assert(!holds(list, "10.1.7.9", 444));
	ck_assert(holds(list, "10.2.7.9", 444));
	ck_assert(!holds(list, "10.3.7.9", 443));
	ck_assert(holds(list, "fd01:7::9", 443));
	ck_assert(!holds(list, "fd01:7::9", 444));
	ck_assert(holds(list, "fd02:7::9", 444));
	ck_assert(!holds(list, "fd03:7::9", 443));
}
END_TEST

enum { PREFIXES_MAX = 2 * (VB_SHIM_ADDR_BITS + 1), LONG_ENTRY_BYTES = 48 };

/* As many as there can be: each prefix length, for one port and for any. */
START_TEST(every_prefix_length_is_hashed_with_both_kinds_of_port)
{
	char *list = calloc(PREFIXES_MAX, LONG_ENTRY_BYTES);
	struct fixture fixture;
	size_t length = 0;

	for (unsigned int bits = 0; bits <= VB_SHIM_ADDR_BITS; bits++)
		length += (size_t)sprintf(
			list + length, "[8000::/%u]:443,[4000::/%u]:*,", bits, bits);
	memset(&fixture, 0, sizeof(fixture));
	fixture.memory = malloc(vb_shim_nets_space(list));
	struct vb_shim_arena arena = {fixture.memory, vb_shim_nets_space(list)};
	ck_assert_int_eq(vb_shim_nets_build(&fixture.nets, list, &arena, &fixture.review), 0);
	ck_assert_uint_eq(fixture.nets.ipv6.prefix_count, PREFIXES_MAX);
	ck_assert(vb_shim_nets_match(&fixture.nets, address("c000::1"), 443));
	free(fixture.memory);
	free(list);
}
END_TEST

START_TEST(an_arena_that_is_too_small_is_enomem)
{
	static const char list[] = "10.0.0.1:1,10.0.0.2:2";
	_Alignas(16) unsigned char memory[512];
	struct vb_shim_nets nets;
	struct vb_shim_review review = {0};

	for (size_t bytes = 0; bytes < vb_shim_nets_space(list); bytes += 16) {
		struct vb_shim_arena arena = {.next = memory, .left_bytes = bytes};

		ck_assert_int_eq(vb_shim_nets_build(&nets, list, &arena, &review), -ENOMEM);
	}
}
END_TEST

START_TEST(a_thousand_nets_are_told_apart)
{
	char *list = calloc(1000, 32);
	struct fixture fixture;
	size_t length = 0;

	for (unsigned int i = 0; i < 1000; i++)
		length += (size_t)sprintf(
			list + length, "%s10.%u.%u.0/24:%u", i ? "," : "", i / 250, i % 250, i + 1);
	memset(&fixture, 0, sizeof(fixture));
	fixture.memory = malloc(vb_shim_nets_space(list));
	struct vb_shim_arena arena = {fixture.memory, vb_shim_nets_space(list)};
	ck_assert_int_eq(vb_shim_nets_build(&fixture.nets, list, &arena, &fixture.review), 0);
	for (unsigned int i = 0; i < 1000; i++) {
		unsigned char bytes[4] = {
			10, (unsigned char)(i / 250), (unsigned char)(i % 250), 77};
		struct vb_shim_addr addr = vb_shim_addr_from_ipv4(bytes);

		ck_assert(vb_shim_nets_match(&fixture.nets, addr, (uint16_t)(i + 1)));
		ck_assert(!vb_shim_nets_match(&fixture.nets, addr, (uint16_t)(i + 2)));
	}
	free(fixture.memory);
	free(list);
}
END_TEST

START_TEST(loopback_is_127_and_one_and_nothing_else)
{
	static const char *const inside[] = {
		"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.1.2.3"};
	static const char *const outside[] = {"126.255.255.255", "128.0.0.0", "0.0.0.0",
		"::", "::2", "::127.0.0.1", "1::1", "::ffff:128.0.0.1", "::fffe:127.0.0.1"};

	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		ck_assert_msg(vb_shim_addr_is_loopback(address(inside[i])), "%s", inside[i]);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		ck_assert_msg(!vb_shim_addr_is_loopback(address(outside[i])), "%s", outside[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shim connect list");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, the_five_forms_of_an_entry_are_parsed);
	tcase_add_test(tests, everything_else_is_malformed);
	tcase_add_test(tests, an_address_matches_only_its_own_port);
	tcase_add_test(tests, a_star_matches_every_port);
	tcase_add_test(tests, a_prefix_holds_its_net_and_no_more);
	tcase_add_test(tests, bits_behind_the_prefix_do_not_matter);
	tcase_add_test(tests, a_mapped_address_is_the_ipv4_address);
	tcase_add_test(tests, a_short_ipv6_prefix_holds_no_ipv4_address);
	tcase_add_test(tests, none_and_lists_without_a_valid_entry_hold_nothing);
	tcase_add_test(tests, malformed_entries_are_counted_and_the_first_is_named);
	tcase_add_test(tests, what_is_kept_of_a_malformed_list_is_none);
	tcase_add_test(tests, lists_of_every_length_hold_their_last_entry_and_no_other);
	tcase_add_test(tests, an_address_with_many_ports_is_held_with_each);
	tcase_add_test(tests, hashed_nets_of_one_prefix_length_may_have_a_port_or_any);
	tcase_add_test(tests, every_prefix_length_is_hashed_with_both_kinds_of_port);
	tcase_add_test(tests, an_arena_that_is_too_small_is_enomem);
	tcase_add_test(tests, a_thousand_nets_are_told_apart);
	tcase_add_test(tests, loopback_is_127_and_one_and_nothing_else);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
