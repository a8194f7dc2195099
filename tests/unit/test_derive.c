/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/derive.h"
#include "vb/base/str.h"
#include "vb/shim/text.h"

#define LOADED(name)                                                                               \
	"autonomy-preload-audit: dlopen(filename=\"" name "\", flags=0x1, result=loaded)"
#define TIME "2026-11-29T08:15:00.123456789Z "

static struct vb_error err;
static struct vb_derive *derive;
static const struct vb_derived *derived;

static void finish(void)
{
	vb_derive_destroy(derive);
	derive = NULL;
}

static void add_log(const char *text)
{
	ck_assert_int_eq(vb_derive_feed(derive, text, strlen(text), &err), 0);
	ck_assert_int_eq(vb_derive_end_log(derive, &err), 0);
}

static void conclude(const struct vb_derive_networks *networks)
{
	ck_assert_int_eq(vb_derive_finish(derive, networks, &derived, &err), 0);
}

/* One log, and all entries with blanks between them. */
static void check(enum vb_derive_list list, const char *log, const char *entries)
{
	finish();
	derive = vb_derive_create(list);
	ck_assert_ptr_nonnull(derive);
	add_log(log);
	conclude(NULL);
	vb_auto_free char *joined = vb_strv_join(&derived->entries, ' ');
	ck_assert_str_eq(joined, entries);
}

static void check_flaw(const char *log, enum vb_derive_flaw flaw)
{
	check(VB_DERIVE_EXEC, log, "");
	ck_assert_uint_eq(derived->used, 0);
	for (unsigned int i = 0; i < VB_DERIVE_FLAW_COUNT; i++)
		ck_assert_msg(derived->flaws[i].count == (i == flaw), "%s: %lu %s", log,
			(unsigned long)derived->flaws[i].count, vb_derive_flaw_name(i));
}

START_TEST(every_line_of_the_shim_is_read)
{
	static const char log[] =
		"autonomy-preload-audit: dlopen(filename=\"/l/a.so\", flags=0x1, result=loaded)\n"
		"autonomy-preload-audit: dlmopen(lmid=-1, filename=\"/l/b.so.1\", flags=0x102, "
		"result=loaded)\n"
		"autonomy-preload-audit: execve(path=\"/usr/bin/dash\", result=allowed)\n"
		"autonomy-preload-audit: execveat(path=\"/usr/bin/cat\", result=denied)\n"
		"autonomy-preload: execveat(/bin/cat) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST\n"
		"autonomy-preload-audit: connect(address=\"10.42.0.5:443\", result=allowed)\n"
		"autonomy-preload-audit: sendto(address=\"10.42.0.6:443\", result=denied)\n"
		"autonomy-preload: sendmsg([2001:db8::1]:53) denied by "
		"AUTONOMY_PRELOAD_CONNECT_ALLOWLIST\n"
		"autonomy-preload: AUTONOMY_PRELOAD_EXEC_ALLOWLIST: skipped 1 malformed, first "
		"\"sh\"; none is left, all is denied\n"
		"autonomy-preload: io_uring_setup(entries=64) denied by "
		"AUTONOMY_PRELOAD_EXEC_ALLOWLIST\n"
		"something else\n";

	check(VB_DERIVE_DLOPEN, log, "/l/a.so /l/b.so.1");
	ck_assert(!vb_derived_is_incomplete(derived));
	check(VB_DERIVE_EXEC, log, "/usr/bin/cat /usr/bin/dash");
	ck_assert(!vb_derived_is_incomplete(derived));
	check(VB_DERIVE_CONNECT, log, "10.42.0.5:443 10.42.0.6:443 [2001:db8::1]:53");
	ck_assert(!vb_derived_is_incomplete(derived));
	ck_assert_uint_eq(derived->lines, 11);
	ck_assert_uint_eq(derived->used, 3);
}
END_TEST

START_TEST(logs_are_merged_and_names_listed_once_and_sorted)
{
	derive = vb_derive_create(VB_DERIVE_DLOPEN);
	add_log(LOADED("/l/c.so") "\n" LOADED("/l/a.so") "\n" LOADED("/l/c.so"));
	add_log(LOADED("/l/b.so") "\n" LOADED("/l/a.so") "\n");
	conclude(NULL);
	vb_auto_free char *joined = vb_strv_join(&derived->entries, ' ');
	ck_assert_str_eq(joined, "/l/a.so /l/b.so /l/c.so");
	ck_assert_uint_eq(derived->used, 5);
}
END_TEST

START_TEST(what_failed_to_load_or_was_denied_is_told_unless_it_was_loaded_as_well)
{
	check(VB_DERIVE_DLOPEN,
		"autonomy-preload-audit: dlopen(filename=\"/l/a.so\", flags=0x5, "
		"result=load_failed)\n" LOADED(
			"/l/a.so") "\n"
				   "autonomy-preload-audit: dlopen(filename=\"libno.so\", "
				   "flags=0x1, "
				   "result=load_failed)\n"
				   "autonomy-preload-audit: dlopen(filename=\"/l/x.so\", "
				   "flags=0x1, result=denied)\n"
				   "autonomy-preload: dlopen(/l/x.so) denied by "
				   "AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST\n"
				   "autonomy-preload: dlopen(liby.so) denied by "
				   "AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST\n",
		"/l/a.so");
	ck_assert_uint_eq(derived->failed.count, 1);
	ck_assert_str_eq(derived->failed.items[0], "libno.so");
	ck_assert_uint_eq(derived->denied.count, 2);
	ck_assert_str_eq(derived->denied.items[0], "/l/x.so");
	ck_assert_str_eq(derived->denied.items[1], "liby.so");
}
END_TEST

static const struct {
	const char *log;
	enum vb_derive_flaw flaw;
} flawed[] = {
	/* Nothing that the shim writes. */
	{"autonomy-preload-audit: execve(path=\"/bin/sh\", result=loaded)", VB_DERIVE_UNFINISHED},
	{"autonomy-preload-audit: execve(path=\"/bin/sh\", result=loaded)\n", VB_DERIVE_MALFORMED},
	{"autonomy-preload-audit: execve(path=\"/bin/sh\", result=allowed) \n",
		VB_DERIVE_MALFORMED},
	{"autonomy-preload-audit:  execve(path=\"/bin/sh\", result=allowed)\n",
		VB_DERIVE_MALFORMED},
	{"autonomy-preload-audit: execve(path=/bin/sh, result=allowed)\n", VB_DERIVE_MALFORMED},
	{"autonomy-preload-audit: execve(path=\"\", result=allowed)\n", VB_DERIVE_MALFORMED},
	{"autonomy-preload-audit: exec(path=\"/bin/sh\", result=allowed)\n", VB_DERIVE_MALFORMED},
	{"autonomy-preload-audit: execve(filename=\"/bin/sh\", result=allowed)\n",
		VB_DERIVE_MALFORMED},
	{"autonomy-preload-audit: execve(path=\"/bin/a\"b\", result=allowed)\n",
		VB_DERIVE_MALFORMED},
	{"autonomy-preload: execve(/bin/sh) denied by AUTONOMY_PRELOAD_CONNECT_ALLOWLIST\n",
		VB_DERIVE_MALFORMED},
	{"autonomy-preload: execve(/bin/sh) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST.\n",
		VB_DERIVE_MALFORMED},
	{"autonomy-preload: execve(/bin/\"sh) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST\n",
		VB_DERIVE_MALFORMED},
	{"autonomy-preload: all is well\n", VB_DERIVE_MALFORMED},
	{"autonomy-preload: 12345678901 line(s) dropped, stderr was full\n", VB_DERIVE_MALFORMED},
	/* Escapes that the shim does not write. */
	{"autonomy-preload-audit: execve(path=\"/bin/\\x41\", result=allowed)\n",
		VB_DERIVE_MALFORMED},
	{"autonomy-preload-audit: execve(path=\"/bin/\\x0A\", result=allowed)\n",
		VB_DERIVE_MALFORMED},
	{"autonomy-preload-audit: execve(path=\"/bin/\\x00\", result=allowed)\n",
		VB_DERIVE_MALFORMED},
	{"autonomy-preload-audit: execve(path=\"/bin/\\n\", result=allowed)\n",
		VB_DERIVE_MALFORMED},
	{"autonomy-preload-audit: execve(path=\"/bin/\t\", result=allowed)\n", VB_DERIVE_MALFORMED},
	{"autonomy-preload-audit: execve(path=\"/bin/sh\\\", result=allowed)\n",
		VB_DERIVE_MALFORMED},
	/* A line of the shim with something before it, in it, or missing. */
	{"50 % autonomy-preload-audit: execve(path=\"/bin/sh\", result=allowed)\n",
		VB_DERIVE_MISPLACED},
	{"error: autonomy-preload: execve(/bin/sh) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST\n",
		VB_DERIVE_MISPLACED},
	{"[pod/a/b]autonomy-preload-audit: execve(path=\"/bin/sh\", result=allowed)\n",
		VB_DERIVE_MISPLACED},
	{"autonomy-preload-audit: execve(path=\"/bin/sh\", resu", VB_DERIVE_UNFINISHED},
	{TIME "stderr P autonomy-preload-audit: execve(path=\"/bin/sh\", result=allow\n",
		VB_DERIVE_UNFINISHED},
	{"autonomy-preload: execveat(dirfd=-100, pathname=\"\", flags=0x0) denied — could not "
	 "resolve to absolute path for allowlist check\n",
		VB_DERIVE_UNRESOLVED},
};

START_TEST(what_only_looks_like_a_line_of_the_shim_is_counted_and_not_used)
{
	check_flaw(flawed[_i].log, flawed[_i].flaw);
	ck_assert(vb_derived_is_incomplete(derived));
}
END_TEST

START_TEST(the_first_flaw_of_a_kind_is_told_with_its_place)
{
	derive = vb_derive_create(VB_DERIVE_EXEC);
	add_log("fine\n");
	add_log("fine\nfine\nautonomy-preload: what\nautonomy-preload: what\n");
	conclude(NULL);
	ck_assert_uint_eq(derived->flaws[VB_DERIVE_MALFORMED].count, 2);
	ck_assert_uint_eq(derived->flaws[VB_DERIVE_MALFORMED].log, 1);
	ck_assert_uint_eq(derived->flaws[VB_DERIVE_MALFORMED].line, 3);
}
END_TEST

START_TEST(lost_lines_are_added_up)
{
	check(VB_DERIVE_CONNECT,
		"autonomy-preload: 3653 more datagram(s) denied, at most 10 lines a second\n", "");
	ck_assert_uint_eq(derived->dropped, 3653);
	check(VB_DERIVE_DLOPEN,
		"autonomy-preload: 3653 more datagram(s) denied, at most 10 lines a second\n", "");
	ck_assert_uint_eq(derived->dropped, 0);
	check(VB_DERIVE_EXEC,
		"autonomy-preload: 3 line(s) dropped, stderr was full\n"
		"autonomy-preload-audit: execve(path=\"/bin/a\", result=allowed)\n"
		"autonomy-preload: 4 line(s) dropped, stderr was full\n",
		"/bin/a");
	ck_assert_uint_eq(derived->dropped, 7);
	ck_assert(vb_derived_is_incomplete(derived));
}
END_TEST

/* What the shim writes of any path comes back as that path. */
START_TEST(escapes_are_undone_exactly_as_the_shim_writes_them)
{
	char path[64] = "/";
	char line[512];
	size_t length = 1;

	for (unsigned int byte = 1; byte < 256; byte++) {
		path[length++] = (char)byte;
		if (length < sizeof(path) - 1 && byte < 255)
			continue;
		path[length] = '\0';
		struct vb_shim_text text = {.data = line, .size = sizeof(line)};
		vb_shim_text_add(&text, "autonomy-preload-audit: dlopen(filename=\"");
		vb_shim_text_add_escaped(&text, path, length, 2600);
		vb_shim_text_add(&text, "\", flags=0x1, result=load_failed)\n");
		derive = vb_derive_create(VB_DERIVE_DLOPEN);
		ck_assert_int_eq(vb_derive_feed(derive, line, text.length, &err), 0);
		ck_assert_int_eq(vb_derive_end_log(derive, &err), 0);
		conclude(NULL);
		ck_assert_uint_eq(derived->failed.count, 1);
		/* Shown, so what is no text is a question mark. */
		for (size_t i = 0; i < length; i++) {
			unsigned char c = (unsigned char)path[i];
			bool shown = c >= 0x20 && c < 0x7f;
			ck_assert_int_eq(derived->failed.items[0][i], shown ? (char)c : '?');
		}
		finish();
		length = 1;
	}
}
END_TEST

START_TEST(a_name_with_quotes_and_newlines_is_one_name)
{
	check(VB_DERIVE_EXEC,
		"autonomy-preload-audit: execve(path=\"/bin/a\\\\b\\\"c\", result=allowed)\n",
		"/bin/a\\b\"c");
	check(VB_DERIVE_EXEC,
		"autonomy-preload-audit: execve(path=\"/bin/a\\x0aautonomy-preload-audit: "
		"execve(path=\\\"/bin/sh\\\", result=allowed)\", result=allowed)\n",
		"");
	ck_assert_uint_eq(derived->left_out.count, 1);
	ck_assert_str_eq(derived->left_out.items[0],
		"/bin/a\\x0aautonomy-preload-audit: execve(path=\"/bin/sh\", result=allowed)");
}
END_TEST

/* The shim cuts at 2,600 bytes; the longest whole name has exactly as many. */
START_TEST(a_name_that_the_shim_cut_is_not_used)
{
	char line[4096];

	for (size_t length = 2598; length <= 2604; length++) {
		char path[4096] = "/";
		struct vb_shim_text text = {.data = line, .size = 3072};
		memset(path + 1, 'a', length - 1);
		vb_shim_text_add(&text, "autonomy-preload-audit: execve(path=\"");
		vb_shim_text_add_escaped(&text, path, length, 2600);
		vb_shim_text_add(&text, "\", result=allowed)\n");
		derive = vb_derive_create(VB_DERIVE_EXEC);
		ck_assert_int_eq(vb_derive_feed(derive, line, text.length, &err), 0);
		ck_assert_int_eq(vb_derive_end_log(derive, &err), 0);
		conclude(NULL);
		ck_assert_uint_eq(derived->entries.count, length <= 2600);
		ck_assert_uint_eq(derived->flaws[VB_DERIVE_CUT].count, length > 2600);
		finish();
	}
}
END_TEST

static const char *const framed[] = {
	LOADED("/l/a.so") "\n",
	LOADED("/l/a.so"),
	LOADED("/l/a.so") "\r\n",
	"[pod/arm-7/driver] " LOADED("/l/a.so") "\n",
	TIME LOADED("/l/a.so") "\n",
	"[pod/arm-7/driver] " TIME LOADED("/l/a.so") "\n",
	"2026-11-29T08:15:00Z " LOADED("/l/a.so") "\n",
	"2026-11-29T08:15:00.5+01:00 " LOADED("/l/a.so") "\n",
	TIME "stderr F " LOADED("/l/a.so") "\n",
	TIME "stdout F " LOADED("/l/a.so") "\n",
	TIME "stderr F:later " LOADED("/l/a.so") "\n",
	TIME "stderr P autonomy-preload-audit: dlopen(filename=\"/l/\n" TIME
	     "stdout P autonomy\n" TIME "stderr P a.so\", fla\n" TIME
	     "stderr F gs=0x1, result=loaded)\n" TIME "stdout F  is fine\n",
	TIME "stderr P \n" TIME "stderr F " LOADED("/l/a.so") "\n",
};

START_TEST(prefixes_of_kubectl_and_the_runtime_are_taken_off)
{
	check(VB_DERIVE_DLOPEN, framed[_i], "/l/a.so");
	ck_assert(!vb_derived_is_incomplete(derived));
}
END_TEST

START_TEST(a_line_may_come_in_any_pieces)
{
	const char *text = framed[11];

	for (size_t piece = 1; piece < 40; piece++) {
		derive = vb_derive_create(VB_DERIVE_DLOPEN);
		for (size_t at = 0; at < strlen(text); at += piece) {
			size_t left = strlen(text + at);
			ck_assert_int_eq(vb_derive_feed(derive, text + at,
						 left < piece ? left : piece, &err),
				0);
		}
		ck_assert_int_eq(vb_derive_end_log(derive, &err), 0);
		conclude(NULL);
		ck_assert_uint_eq(derived->entries.count, 1);
		ck_assert(!vb_derived_is_incomplete(derived));
		finish();
	}
}
END_TEST

START_TEST(a_line_without_an_end_takes_no_more_memory)
{
	static char chunk[1 << 16];

	memset(chunk, 'x', sizeof(chunk));
	derive = vb_derive_create(VB_DERIVE_DLOPEN);
	for (unsigned int i = 0; i < 1024; i++)
		ck_assert_int_eq(vb_derive_feed(derive, chunk, sizeof(chunk), &err), 0);
	add_log("\n" LOADED("/l/a.so") "\n");
	conclude(NULL);
	ck_assert_uint_eq(derived->lines, 2);
	ck_assert_uint_eq(derived->entries.count, 1);
	ck_assert(!vb_derived_is_incomplete(derived));
}
END_TEST

START_TEST(a_long_line_with_the_mark_is_malformed)
{
	char path[3101];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	vb_auto_free char *line = vb_str_format(
		"autonomy-preload-audit: execve(path=\"/%s\", result=allowed)\n", path);
	check_flaw(line, VB_DERIVE_MALFORMED);
}
END_TEST

START_TEST(too_many_names_are_an_error)
{
	int r = 0;

	derive = vb_derive_create(VB_DERIVE_EXEC);
	for (unsigned int i = 0; r == 0 && i < 1000000; i++) {
		vb_auto_free char *line = vb_str_format(
			"autonomy-preload-audit: execve(path=\"/bin/%u\", result=allowed)\n", i);
		r = vb_derive_feed(derive, line, strlen(line), &err);
	}
	vb_assert_failed(r, E2BIG, &err, "more than 65536 different names in the logs");
}
END_TEST

START_TEST(a_list_has_no_more_entries_than_a_manifest_takes)
{
	derive = vb_derive_create(VB_DERIVE_EXEC);
	for (unsigned int i = 0; i < 4097; i++) {
		vb_auto_free char *line = vb_str_format(
			"autonomy-preload-audit: execve(path=\"/bin/%u\", result=allowed)\n", i);
		ck_assert_int_eq(vb_derive_feed(derive, line, strlen(line), &err), 0);
	}
	vb_assert_failed(vb_derive_finish(derive, NULL, &derived, &err), E2BIG, &err,
		"4097 entries, and a list has 4096 at most");
}
END_TEST

static const struct {
	enum vb_derive_list list;
	const char *name; /* as the line has it */
	const char *why;
} impossible[] = {
	{VB_DERIVE_DLOPEN, "libfoo.so", "dlopen entry 'libfoo.so' is not an absolute path"},
	{VB_DERIVE_DLOPEN, "/l/plugin",
		"dlopen entry '/l/plugin' does not end in .so or .so.<digits>"},
	{VB_DERIVE_DLOPEN, "/l/../m/a.so",
		"dlopen entry '/l/../m/a.so' is not in its shortest form"},
	{VB_DERIVE_DLOPEN, "/l/a b.so",
		"dlopen entry '/l/a b.so' has a blank, a control character, ',' or ':' in it"},
	{VB_DERIVE_EXEC, "bin/sh", "exec entry 'bin/sh' is not an absolute path"},
	{VB_DERIVE_EXEC, "/memfd:x (deleted)",
		"exec entry '/memfd:x (deleted)' has a blank, a control character, ',' or ':' in "
		"it"},
	{VB_DERIVE_EXEC, "/bin/\xff", "it is not UTF-8, and a manifest is"},
	{VB_DERIVE_CONNECT, "8.8.8.8:0", "port 0 cannot be listed"},
	{VB_DERIVE_CONNECT, "example.org:80", "it is not an address with a port"},
	{VB_DERIVE_CONNECT, "10.0.0.0/8:80", "it is not an address with a port"},
	{VB_DERIVE_CONNECT, "10.0.0.1:*", "it is not an address with a port"},
	{VB_DERIVE_CONNECT, "10.0.0.1", "it is not an address with a port"},
	{VB_DERIVE_CONNECT, "[::ffff:10.0.0.1:443", "it is not an address with a port"},
	{VB_DERIVE_CONNECT, "10.0.0.1:080", "it is not an address with a port"},
};

START_TEST(a_name_that_cannot_be_an_entry_is_told_with_the_reason)
{
	static const char *const before[] = {
		"dlopen(filename=\"", "execve(path=\"", "connect(address=\""};
	static const char *const after[] = {
		"\", flags=0x1, result=loaded)", "\", result=allowed)", "\", result=allowed)"};
	enum vb_derive_list list = impossible[_i].list;
	vb_auto_free char *line = vb_str_format(
		"autonomy-preload-audit: %s%s%s\n", before[list], impossible[_i].name, after[list]);

	check(list, line, "");
	ck_assert_uint_eq(derived->left_out.count, 1);
	ck_assert_str_eq(derived->left_out_why.items[0], impossible[_i].why);
	ck_assert(vb_derived_is_incomplete(derived));
}
END_TEST

START_TEST(a_denial_without_an_audit_line_before_it_gives_the_path_that_was_asked_for)
{
	check(VB_DERIVE_EXEC,
		"autonomy-preload-audit: execve(path=\"/usr/bin/dash\", result=denied)\n"
		"autonomy-preload: execve(/bin/sh) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST\n"
		"autonomy-preload: execve(/bin/bash) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST\n"
		"autonomy-preload: execve(./x) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST\n",
		"/bin/bash /usr/bin/dash");
	ck_assert_uint_eq(derived->requested.count, 1);
	ck_assert_str_eq(derived->requested.items[0], "/bin/bash");
	ck_assert_str_eq(derived->left_out.items[0], "./x");
}
END_TEST

START_TEST(an_audit_line_of_one_log_says_nothing_about_another)
{
	derive = vb_derive_create(VB_DERIVE_EXEC);
	add_log("autonomy-preload-audit: execve(path=\"/usr/bin/dash\", result=denied)\n");
	add_log("autonomy-preload: execve(/bin/sh) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST\n");
	conclude(NULL);
	ck_assert_uint_eq(derived->requested.count, 1);
}
END_TEST

#define DENIED(address)                                                                            \
	"autonomy-preload: connect(" address ") denied by AUTONOMY_PRELOAD_CONNECT_ALLOWLIST\n"

START_TEST(loopback_needs_no_entry_and_mapped_addresses_are_ipv4)
{
	check(VB_DERIVE_CONNECT,
		DENIED("127.0.0.1:80") DENIED("[::1]:80") DENIED("[::ffff:127.0.0.5]:80")
			DENIED("[::ffff:8.8.8.8]:53") DENIED("0.0.0.0:1") DENIED("[::]:1"),
		"0.0.0.0:1 8.8.8.8:53 [::]:1");
	ck_assert_uint_eq(derived->loopback, 3);
	ck_assert(!vb_derived_is_incomplete(derived));
}
END_TEST

static void check_networks(bool any_port, const char *entries)
{
	struct vb_connect_entry items[3];
	const struct vb_derive_networks networks = {items, 3, any_port};

	ck_assert_int_eq(vb_derive_network("10.42.7.0/24", &items[0], &err), 0);
	ck_assert_int_eq(vb_derive_network("10.42.0.0/16", &items[1], &err), 0);
	ck_assert_int_eq(vb_derive_network("[2001:db8::/32]", &items[2], &err), 0);
	derive = vb_derive_create(VB_DERIVE_CONNECT);
	add_log(DENIED("10.42.0.5:443") DENIED("10.42.9.6:443") DENIED("10.42.7.1:80")
			DENIED("10.42.0.5:80") DENIED("8.8.8.8:53") DENIED("[2001:db8::1]:7"));
	conclude(&networks);
	vb_auto_free char *joined = vb_strv_join(&derived->entries, ' ');
	ck_assert_str_eq(joined, entries);
	finish();
}

START_TEST(addresses_are_put_together_in_the_first_network_that_holds_them)
{
	check_networks(false, "10.42.0.0/16:443 10.42.0.0/16:80 10.42.7.0/24:80 8.8.8.8:53 "
			      "[2001:db8::/32]:7");
	check_networks(true, "10.42.0.0/16:* 10.42.7.0/24:* 8.8.8.8:53 [2001:db8::/32]:*");
}
END_TEST

START_TEST(networks_are_read_as_people_write_them)
{
	struct vb_connect_entry network;

	ck_assert_int_eq(vb_derive_network("2001:db8::/32", &network, &err), 0);
	ck_assert_int_eq(vb_derive_network("10.42.0.5", &network, &err), 0);
	vb_assert_refused(vb_derive_network("10.42.0.5/16", &network, &err), &err,
		"ErrInvalidValue: connect entry '10.42.0.5/16:*': address bits are set behind the "
		"prefix: write a network as 10.42.0.0/16 or [2001:db8::/32]");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("derive");

	tcase_add_checked_fixture(tcase, NULL, finish);
	tcase_add_test(tcase, every_line_of_the_shim_is_read);
	tcase_add_test(tcase, logs_are_merged_and_names_listed_once_and_sorted);
	tcase_add_test(
		tcase, what_failed_to_load_or_was_denied_is_told_unless_it_was_loaded_as_well);
	tcase_add_loop_test(tcase, what_only_looks_like_a_line_of_the_shim_is_counted_and_not_used,
		0, VB_ARRAY_SIZE(flawed));
	tcase_add_test(tcase, the_first_flaw_of_a_kind_is_told_with_its_place);
	tcase_add_test(tcase, lost_lines_are_added_up);
	tcase_add_test(tcase, escapes_are_undone_exactly_as_the_shim_writes_them);
	tcase_add_test(tcase, a_name_with_quotes_and_newlines_is_one_name);
	tcase_add_test(tcase, a_name_that_the_shim_cut_is_not_used);
	tcase_add_loop_test(
		tcase, prefixes_of_kubectl_and_the_runtime_are_taken_off, 0, VB_ARRAY_SIZE(framed));
	tcase_add_test(tcase, a_line_may_come_in_any_pieces);
	tcase_add_test(tcase, a_line_without_an_end_takes_no_more_memory);
	tcase_add_test(tcase, a_long_line_with_the_mark_is_malformed);
	tcase_add_test(tcase, too_many_names_are_an_error);
	tcase_add_test(tcase, a_list_has_no_more_entries_than_a_manifest_takes);
	tcase_add_loop_test(tcase, a_name_that_cannot_be_an_entry_is_told_with_the_reason, 0,
		VB_ARRAY_SIZE(impossible));
	tcase_add_test(
		tcase, a_denial_without_an_audit_line_before_it_gives_the_path_that_was_asked_for);
	tcase_add_test(tcase, an_audit_line_of_one_log_says_nothing_about_another);
	tcase_add_test(tcase, loopback_needs_no_entry_and_mapped_addresses_are_ipv4);
	tcase_add_test(tcase, addresses_are_put_together_in_the_first_network_that_holds_them);
	tcase_add_test(tcase, networks_are_read_as_people_write_them);
	return vb_unit_run("derive", tcase);
}
