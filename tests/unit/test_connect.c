/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/connect.h"
#include "vb/base/str.h"

static struct vb_error err;

static struct vb_connect_entry parse(const char *text)
{
	struct vb_connect_entry entry;

	ck_assert_msg(vb_connect_parse(text, &entry, &err) == 0, "%s: %s", text, err.what);
	return entry;
}

static const struct {
	const char *text;
	int family;
	const char *address;
	unsigned int prefix;
	unsigned int port;
} good[] = {
	{"10.42.0.5:443", AF_INET, "10.42.0.5", 32, 443},
	{"10.42.0.0/16:8080", AF_INET, "10.42.0.0", 16, 8080},
	{"10.42.0.5/32:1", AF_INET, "10.42.0.5", 32, 1},
	{"0.0.0.0/0:65535", AF_INET, "0.0.0.0", 0, 65535},
	{"10.42.0.0/16:*", AF_INET, "10.42.0.0", 16, 0},
	{"255.255.255.255:*", AF_INET, "255.255.255.255", 32, 0},
	{"10.42.0.128/25:80", AF_INET, "10.42.0.128", 25, 80},
	{"[fe80::1]:443", AF_INET6, "fe80::1", 128, 443},
	{"[2001:db8::/32]:443", AF_INET6, "2001:db8::", 32, 443},
	{"[2001:db8::/32]:*", AF_INET6, "2001:db8::", 32, 0},
	{"[::]:80", AF_INET6, "::", 128, 80},
	{"[::/0]:80", AF_INET6, "::", 0, 80},
	{"[FE80::1/128]:443", AF_INET6, "fe80::1", 128, 443},
	{"[2001:db8:8000::/33]:443", AF_INET6, "2001:db8:8000::", 33, 443},
	{"[64:ff9b::10.0.0.1]:443", AF_INET6, "64:ff9b::a00:1", 128, 443},
};

START_TEST(every_form_of_the_contract_is_read)
{
	uint8_t address[16] = {0};
	struct vb_connect_entry entry = parse(good[_i].text);

	ck_assert_int_eq(inet_pton(good[_i].family, good[_i].address, address), 1);
	ck_assert_int_eq(entry.family, good[_i].family);
	ck_assert_uint_eq(entry.prefix, good[_i].prefix);
	ck_assert_uint_eq(entry.port, good[_i].port);
	ck_assert_mem_eq(entry.address, address, sizeof(address));
}
END_TEST

#define NO_PORT    "no port, or no closing bracket"
#define NO_ADDRESS "no address (host names are not accepted)"
#define NOT_IP     "not an IP address (host names are not accepted, IPv6 needs brackets)"
#define BAD_PREFIX "the prefix length is malformed"
#define HOST_BITS  "address bits are set behind the prefix"
#define BAD_PORT   "the port must be 1 to 65535 or *"
#define MAPPED     "IPv4 in IPv6 form; write the IPv4 address"

static const struct {
	const char *text;
	const char *why;
} bad[] = {
	{"", NO_PORT},
	{"*", NO_PORT},
	{"none", NO_PORT},
	{"10.42.0.5", NO_PORT},
	{"10.42.0.0/16", NO_PORT},
	{"[fe80::1]", NO_PORT},
	{"[fe80::1]443", NO_PORT},
	{"[fe80::1:443", NO_PORT},
	{"[", NO_PORT},
	{":443", NO_ADDRESS},
	{"::1:443", NO_ADDRESS},
	{"[]:443", NO_ADDRESS},
	{"/8:443", NO_ADDRESS},
	{"a-host-name-that-has-more-than-45-characters.example.com:443", NO_ADDRESS},
	{"example.com:443", NOT_IP},
	{"localhost:443", NOT_IP},
	{"*:443", NOT_IP},
	{"fe80::1:443", NOT_IP},
	{"2001:db8::/32:443", NOT_IP},
	{"10.42.0:443", NOT_IP},
	{"10.42.0.256:443", NOT_IP},
	{"010.42.0.5:443", NOT_IP},
	{"0x0a.42.0.5:443", NOT_IP},
	{"10.42.0.5 :443", NOT_IP},
	{" 10.42.0.5:443", NOT_IP},
	{"[10.42.0.5]:443", NOT_IP},
	{"[fe80::1%eth0]:443", NOT_IP},
	{"[fe80:::1]:443", NOT_IP},
	{"[[fe80::1]:443", NOT_IP},
	{"10.42.0.0/:443", BAD_PREFIX},
	{"10.42.0.0/33:443", BAD_PREFIX},
	{"10.42.0.0/016:443", BAD_PREFIX},
	{"10.42.0.0/-1:443", BAD_PREFIX},
	{"10.42.0.0/+8:443", BAD_PREFIX},
	{"10.42.0.0/a:443", BAD_PREFIX},
	{"10.42.0.0/1 6:443", BAD_PREFIX},
	{"10.42.0.0/255.255.0.0:443", BAD_PREFIX},
	{"10.42.0.0/16/16:443", BAD_PREFIX},
	{"10.42.0.0/99999999999:443", BAD_PREFIX},
	{"[2001:db8::/129]:443", BAD_PREFIX},
	{"[2001:db8::/]:443", BAD_PREFIX},
	{"10.42.0.5/16:443", HOST_BITS},
	{"10.42.0.64/25:443", HOST_BITS},
	{"0.0.0.1/0:443", HOST_BITS},
	{"[2001:db8::1/32]:443", HOST_BITS},
	{"10.42.0.5:", BAD_PORT},
	{"10.42.0.5:0", BAD_PORT},
	{"10.42.0.5:65536", BAD_PORT},
	{"10.42.0.5:99999", BAD_PORT},
	{"10.42.0.5:4294967739", BAD_PORT},
	{"10.42.0.5:+443", BAD_PORT},
	{"10.42.0.5:-1", BAD_PORT},
	{"10.42.0.5:0443", BAD_PORT},
	{"10.42.0.5:443 ", BAD_PORT},
	{"10.42.0.5:https", BAD_PORT},
	{"10.42.0.5:443:80", BAD_PORT},
	{"10.42.0.5:**", BAD_PORT},
	{"10.42.0.5:80-90", BAD_PORT},
	{"[fe80::1]:", BAD_PORT},
	{"[fe80::1]:0", BAD_PORT},
	{"[::ffff:10.0.0.1]:443", MAPPED},
	{"[::ffff:0:0/96]:443", MAPPED},
};

START_TEST(anything_else_is_refused_with_the_reason_and_the_forms)
{
	struct vb_connect_entry entry;
	char text[512];

	(void)snprintf(text, sizeof(text),
		"ErrInvalidValue: connect entry '%s': %s: use 10.42.0.5:443, 10.42.0.0/16:8080, "
		"[fe80::1]:443 or [2001:db8::/32]:443, with * for any port",
		bad[_i].text, bad[_i].why);
	memset(&entry, 0x5a, sizeof(entry));
	const struct vb_connect_entry before = entry;
	vb_assert_refused(vb_connect_parse(bad[_i].text, &entry, &err), &err, text);
	ck_assert_mem_eq(&entry, &before, sizeof(entry));
}
END_TEST

START_TEST(a_text_of_a_megabyte_is_refused)
{
	struct vb_connect_entry entry;
	vb_auto_free char *address = vb_str_format("%01048576d", 1);
	vb_auto_free char *port = vb_str_format("10.0.0.1:%01048576d", 1);
	vb_auto_free char *prefix = vb_str_format("10.0.0.0/%01048576d:80", 1);
	vb_auto_free char *bracketed = vb_str_format("[%01048576d]:80", 1);

	ck_assert_int_eq(vb_connect_parse(address, &entry, &err), -EPERM);
	ck_assert_int_eq(vb_connect_parse(port, &entry, &err), -EPERM);
	ck_assert_int_eq(vb_connect_parse(prefix, &entry, &err), -EPERM);
	ck_assert_int_eq(vb_connect_parse(bracketed, &entry, &err), -EPERM);
}
END_TEST

static const struct {
	const char *outer;
	const char *inner;
	bool contained;
} pairs[] = {
	{"10.42.0.5:443", "10.42.0.5:443", true},
	{"10.42.0.5:443", "10.42.0.5/32:443", true},
	{"10.42.0.0/16:443", "10.42.0.5:443", true},
	{"10.42.0.0/16:443", "10.42.128.0/17:443", true},
	{"10.42.0.0/16:443", "10.42.0.0/15:443", false},
	{"10.42.0.0/16:443", "10.43.0.5:443", false},
	{"10.42.0.0/25:443", "10.42.0.127:443", true},
	{"10.42.0.0/25:443", "10.42.0.128:443", false},
	{"10.42.0.5:*", "10.42.0.5:443", true},
	{"10.42.0.5:*", "10.42.0.5:*", true},
	{"10.42.0.5:443", "10.42.0.5:*", false},
	{"10.42.0.5:443", "10.42.0.5:80", false},
	{"0.0.0.0/0:*", "255.255.255.255:1", true},
	{"[::/0]:*", "10.42.0.5:443", false},
	{"0.0.0.0/0:*", "[::1]:443", false},
	{"[2001:db8::/33]:443", "[2001:db8:7fff::1]:443", true},
	{"[2001:db8::/33]:443", "[2001:db8:8000::1]:443", false},
};

START_TEST(one_entry_contains_another_by_address_and_port)
{
	struct vb_connect_entry outer = parse(pairs[_i].outer);
	struct vb_connect_entry inner = parse(pairs[_i].inner);

	ck_assert_msg(vb_connect_contains(&outer, &inner) == pairs[_i].contained, "%s, %s",
		pairs[_i].outer, pairs[_i].inner);
	ck_assert(vb_connect_contains(&outer, &outer));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("connect");

	tcase_add_loop_test(tcase, every_form_of_the_contract_is_read, 0, (int)VB_ARRAY_SIZE(good));
	tcase_add_loop_test(tcase, anything_else_is_refused_with_the_reason_and_the_forms, 0,
		(int)VB_ARRAY_SIZE(bad));
	tcase_add_test(tcase, a_text_of_a_megabyte_is_refused);
	tcase_add_loop_test(tcase, one_entry_contains_another_by_address_and_port, 0,
		(int)VB_ARRAY_SIZE(pairs));
	return vb_unit_run("connect", tcase);
}
