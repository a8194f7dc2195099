/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "memory_limit.h"
#include "unit.h"
#include "vb/adjust/bundle.h"

static struct vb_error err;
static struct vb_bundle *bundle;

static void start(void)
{
	memset(&err, 0, sizeof(err));
	bundle = NULL;
}

static void finish(void)
{
	vb_bundle_destroy(bundle);
}

static int parse(const char *text)
{
	vb_bundle_destroy(bundle);
	bundle = NULL;
	return vb_bundle_parse(text, strlen(text), "arm", &bundle, &err);
}

#define HEAD(version)                                                                              \
	"{\"kind\":\"bundle\",\"schema_version\":\"" version                                       \
	"\",\"name\":\"arm\",\"version\":\"0.1.0\""
#define MANIFEST(rest)     HEAD("1.6") rest "}"
#define HARDENING(content) MANIFEST(",\"hardening\":{" content "}")

static int parse_list(const char *before, const char *entry, size_t count, const char *after)
{
	vb_auto_strv struct vb_strv strv = {0};

	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(vb_strv_add(&strv, entry), 0);
	vb_auto_free char *joined = vb_strv_join(&strv, ',');
	vb_auto_free char *text = vb_str_format("%s%s%s", before, joined, after);
	ck_assert_ptr_nonnull(text);
	return parse(text);
}

START_TEST(a_manifest_of_schema_1_5_has_a_dlopen_list)
{
	ck_assert_int_eq(parse(HEAD("1.5") ",\"channel\":\"dev\",\"min_adk_version\":\"1.0\","
					   "\"dlopen_allowlist\":{\"paths\":[\"/lib/b.so\","
					   "\"/lib/a.so.1\",\"/lib/b.so\"]}}"),
		0);
	ck_assert_str_eq(bundle->name, "arm");
	ck_assert_str_eq(bundle->version, "0.1.0");
	ck_assert(bundle->preload);
	ck_assert(bundle->preload_settings.dlopen.set);
	ck_assert_uint_eq(bundle->preload_settings.dlopen.entries.count, 2);
	ck_assert_str_eq(bundle->preload_settings.dlopen.entries.items[0], "/lib/a.so.1");
	ck_assert(!bundle->preload_settings.exec.set);
	ck_assert(!bundle->preload_settings.connect.set);
	ck_assert_uint_eq(bundle->warnings.count, 0);
}
END_TEST

START_TEST(a_manifest_without_layers_asks_nothing)
{
	ck_assert_int_eq(parse(MANIFEST("")), 0);
	ck_assert_ptr_null(bundle->seccomp_profile);
	ck_assert(!bundle->preload);
	ck_assert(bundle->preload_settings.datagrams);
	ck_assert_uint_eq(bundle->cap_drop, 0);
	ck_assert_int_eq(parse(HARDENING("")), 0);
	ck_assert(!bundle->preload);
	ck_assert_int_eq(parse(HARDENING("\"tmpfs\":[],\"rlimits\":[],\"capabilities\":{},"
					 "\"seccomp\":{},\"read_only_rootfs\":false,"
					 "\"no_new_privileges\":false")),
		0);
	ck_assert(!bundle->read_only_rootfs);
	ck_assert(!bundle->no_new_privileges);
}
END_TEST

START_TEST(every_hardening_key_fills_its_field)
{
	ck_assert_int_eq(
		parse(HARDENING("\"seccomp\":{\"profile\":\"starter\",\"spec_allow\":\"mitigate\","
				"\"log\":true},"
				"\"capabilities\":{\"drop\":[\"KILL\",\"CAP_CHOWN\"]},"
				"\"read_only_rootfs\":true,"
				"\"tmpfs\":[{\"path\":\"/tmp\"},{\"path\":\"/v/\",\"size\":\"4Ki\","
				"\"mode\":\"700\",\"noexec\":true}],"
				"\"no_new_privileges\":true,"
				"\"rlimits\":[{\"type\":\"NOFILE\",\"soft\":1024,\"hard\":4096},"
				"{\"type\":\"CORE\",\"soft\":0,\"hard\":9223372036854775807}]")),
		0);
	ck_assert_str_eq(bundle->seccomp_profile, "starter");
	ck_assert(bundle->seccomp_log);
	ck_assert_int_eq(bundle->spec_allow, VB_SPEC_ALLOW_MITIGATE);
	ck_assert_uint_eq(bundle->cap_drop, 1 | 1 << 5);
	ck_assert(bundle->read_only_rootfs);
	ck_assert(bundle->no_new_privileges);
	ck_assert_uint_eq(bundle->tmpfs.count, 2);
	ck_assert_uint_eq(bundle->tmpfs.items[0].size_bytes, UINT64_C(64) << 20);
	ck_assert_uint_eq(bundle->tmpfs.items[0].mode, 01777);
	ck_assert_str_eq(bundle->tmpfs.items[1].path, "/v");
	ck_assert_uint_eq(bundle->tmpfs.items[1].size_bytes, 4096);
	ck_assert_uint_eq(bundle->tmpfs.items[1].mode, 0700);
	ck_assert(bundle->tmpfs.items[1].noexec);
	ck_assert_uint_eq(bundle->rlimits.count, 2);
	ck_assert_str_eq(bundle->rlimits.items[0].type, "RLIMIT_NOFILE");
	ck_assert_uint_eq(bundle->rlimits.items[0].soft, 1024);
	ck_assert_uint_eq(bundle->rlimits.items[0].hard, 4096);
	ck_assert_uint_eq(bundle->rlimits.items[1].hard, INT64_MAX);
	ck_assert(!bundle->preload);
}
END_TEST

START_TEST(the_preload_block_fills_its_fields)
{
	ck_assert_int_eq(
		parse(HARDENING("\"preload\":{\"exec_allowlist\":[\"/usr/bin/python3.11\"],"
				"\"connect_allowlist\":[\"10.42.0.0/16:8080\"],"
				"\"datagrams\":false,\"require\":true,"
				"\"audit\":[\"dlopen\",\"exec\",\"dlopen\"]}")),
		0);
	ck_assert(bundle->preload);
	ck_assert_uint_eq(bundle->preload_settings.exec.entries.count, 1);
	ck_assert_uint_eq(bundle->preload_settings.connect.entries.count, 1);
	ck_assert(!bundle->preload_settings.dlopen.set);
	ck_assert(!bundle->preload_settings.datagrams);
	ck_assert(bundle->preload_settings.require);
	ck_assert_uint_eq(bundle->preload_settings.audit, VB_AUDIT_DLOPEN | VB_AUDIT_EXEC);
}
END_TEST

START_TEST(an_empty_list_is_a_list_that_denies_everything)
{
	ck_assert_int_eq(parse(MANIFEST(",\"dlopen_allowlist\":{\"paths\":[]},\"hardening\":"
					"{\"preload\":{\"exec_allowlist\":[],"
					"\"connect_allowlist\":[]}}")),
		0);
	ck_assert(bundle->preload_settings.dlopen.set);
	ck_assert(bundle->preload_settings.exec.set);
	ck_assert(bundle->preload_settings.connect.set);
	ck_assert_uint_eq(bundle->preload_settings.dlopen.entries.count, 0);
	/* Declared, but without its paths: the same. */
	ck_assert_int_eq(parse(MANIFEST(",\"dlopen_allowlist\":{}")), 0);
	ck_assert(bundle->preload_settings.dlopen.set);
}
END_TEST

START_TEST(an_empty_preload_block_asks_for_the_shim)
{
	ck_assert_int_eq(parse(HARDENING("\"preload\":{}")), 0);
	ck_assert(bundle->preload);
	ck_assert(!bundle->preload_settings.exec.set);
}
END_TEST

START_TEST(unknown_keys_outside_of_hardening_are_warnings)
{
	ck_assert_int_eq(parse(MANIFEST(",\"policies\":[],\"dlopen_allowlist\":{\"paths\":[],"
					"\"comment\":\"\"},\"x\\ny\":1")),
		0);
	ck_assert_uint_eq(bundle->warnings.count, 3);
	ck_assert_str_eq(bundle->warnings.items[0], "unknown key 'comment' in dlopen_allowlist");
	ck_assert_str_eq(bundle->warnings.items[1], "unknown key 'policies' in manifest");
	ck_assert_str_eq(bundle->warnings.items[2], "unknown key 'x?y' in manifest");
}
END_TEST

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

START_TEST(profiles_are_bound_by_their_digests)
{
	ck_assert_int_eq(parse(MANIFEST(",\"profiles\":{\"camera\":\"" DIGEST "\"}")), 0);
	ck_assert_str_eq(vb_bundle_profile_digest(bundle, "camera"), DIGEST);
	ck_assert_ptr_null(vb_bundle_profile_digest(bundle, "arm"));
	ck_assert_uint_eq(bundle->warnings.count, 0);
	ck_assert_int_eq(parse(HEAD("1.5") ",\"profiles\":[]}"), 0);
	ck_assert_str_eq(bundle->warnings.items[0], "unknown key 'profiles' in manifest");
}
END_TEST

START_TEST(not_more_than_16_warnings_are_kept)
{
	vb_auto_strv struct vb_strv keys = {0};

	for (int i = 0; i < 20; i++) {
		vb_auto_free char *key = vb_str_format("\"key%d\":0", i);
		ck_assert_int_eq(vb_strv_add(&keys, key), 0);
	}
	vb_auto_free char *joined = vb_strv_join(&keys, ',');
	vb_auto_free char *text = vb_str_format("%s,%s}", HEAD("1.6"), joined);
	ck_assert_int_eq(parse(text), 0);
	ck_assert_uint_eq(bundle->warnings.count, 16);
}
END_TEST

static size_t distances;

// NOLINTBEGIN(readability-identifier-naming): the linker chooses these names.
size_t __real_vb_str_distance(const char *a, const char *b);
size_t __wrap_vb_str_distance(const char *a, const char *b);

size_t __wrap_vb_str_distance(const char *a, const char *b)
{
	distances++;
	return __real_vb_str_distance(a, b);
}
// NOLINTEND(readability-identifier-naming)

/* Each may be compared with the nine known ones, but nobody hears of more than sixteen. */
START_TEST(of_unknown_keys_beyond_those_warned_of_nothing_is_made)
{
	static char text[VB_BUNDLE_MANIFEST_MAX];
	size_t size = (size_t)snprintf(text, sizeof(text), "%s", HEAD("1.6"));

	for (size_t i = 0; i < 60000; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, ",\"k%zu\":0", i);
	(void)snprintf(text + size, sizeof(text) - size, "}");
	ck_assert_msg(parse(text) == 0, "%s", err.what);
	ck_assert_uint_eq(bundle->warnings.count, 16);
	ck_assert_uint_gt(distances, 0);
	ck_assert_uint_le(distances, (size_t)16 * 9);
}
END_TEST

START_TEST(a_manifest_has_65536_values_at_most)
{
	/* The brackets around them and the commas before them count too. */
	ck_assert_int_eq(parse_list(HEAD("1.6") ",\"other\":[", "0", 65531, "]}"), 0);
	vb_assert_refused(parse_list(HEAD("1.6") ",\"other\":[", "0", 65532, "]}"), &err,
		"ErrBundleInvalid: bundle 'arm': the manifest has more than 65536 values: "
		"correct the bundle's manifest.json");
}
END_TEST

START_TEST(a_hungry_manifest_gets_no_more_than_32_mebibytes)
{
	static char text[VB_BUNDLE_MANIFEST_MAX + 1];
	size_t size = (size_t)snprintf(text, sizeof(text), "%s,\"other\":[", HEAD("1.6"));

	/* Empty objects take most for their length; they and what is before them are all there may
	 * be. */
	for (size_t i = 0; i < (VB_BUNDLE_VALUES_MAX - 8) / 2; i++)
		size += (size_t)snprintf(
			text + size, sizeof(text) - size, "%s{}", i > 0 ? "," : "");
	(void)snprintf(text + size, sizeof(text) - size, "]}");
	limit_memory(32 << 20);
	ck_assert_msg(parse(text) == 0, "%s", err.what);
}
END_TEST

START_TEST(the_digest_is_that_of_the_bytes)
{
	static const char text[] = MANIFEST("");
	char digest[VB_DIGEST_SIZE];

	ck_assert_int_eq(parse(text), 0);
	vb_digest(text, strlen(text), digest);
	ck_assert_str_eq(bundle->digest, digest);
	ck_assert_int_eq(parse(MANIFEST(" ")), 0);
	ck_assert_str_ne(bundle->digest, digest);
	vb_digest("abc", 3, digest);
	/* FIPS 180-2, appendix B.1 */
	ck_assert_str_eq(digest,
		"sha256:"
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

static const struct {
	const char *text;
	const char *why; /* between "bundle 'arm': " and the advice */
	const char *fix; /* NULL: the usual one */
} bad[] = {
	{MANIFEST(",\"profiles\":[]"), "manifest.profiles must be an object", NULL},
	{MANIFEST(",\"profiles\":{\"a\":1}"),
		"manifest.profiles['a'] must be \"sha256:<64 lower-case hex digits>\"", NULL},
	{MANIFEST(",\"profiles\":{\"a\":\"" DIGEST "0\"}"),
		"manifest.profiles['a'] must be \"sha256:<64 lower-case hex digits>\"", NULL},
	{MANIFEST(",\"profiles\":{\"a\":\"sha256:\"}"),
		"manifest.profiles['a'] must be \"sha256:<64 lower-case hex digits>\"", NULL},
	{"", "JSON error in line 1, column 0: '[' or '{' expected near end of file", NULL},
	{"[]", "the manifest is not a JSON object", NULL},
	{"{}", "manifest.kind is not \"bundle\"", NULL},
	{"{\"kind\":\"policy\"}", "manifest.kind is not \"bundle\"", NULL},
	{"{\"kind\":1}", "manifest.kind must be a string that is not empty", NULL},
	{"{\"kind\":\"bundle\"}", "manifest.schema_version '' is not 1.5 or 1.6", NULL},
	{"{\"kind\":\"bundle\",\"schema_version\":1.6}",
		"manifest.schema_version must be a string that is not empty", NULL},
	{"{\"kind\":\"bundle\",\"schema_version\":\"1.7\"}",
		"manifest.schema_version '1.7' is not 1.5 or 1.6", NULL},
	{"{\"kind\":\"bundle\",\"schema_version\":\"1.6\"}", "manifest.name is missing", NULL},
	{"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\"}",
		"manifest.version is missing", NULL},
	{"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"leg\",\"version\":\"1\"}",
		"manifest.name is 'leg', not the name of its directory or tar", NULL},
	{HEAD("1.5") ",\"hardening\":{}}", "a hardening block needs schema_version 1.6", NULL},
	{MANIFEST(",\"hardening\":[]"), "manifest.hardening must be an object", NULL},
	{MANIFEST(",\"name\":\"arm\""),
		"JSON error in line 1, column 77: duplicate object key near '\"name\"'", NULL},
	{MANIFEST(",\"dlopen_allowlist\":[]"), "manifest.dlopen_allowlist must be an object", NULL},
	{MANIFEST(",\"dlopen_allowlist\":{\"paths\":\"/a.so\"}"),
		"dlopen_allowlist.paths must be an array", NULL},
	{MANIFEST(",\"dlopen_allowlist\":{\"paths\":[\"/a.so\",7]}"),
		"dlopen_allowlist.paths[1] must be a string", NULL},
	{MANIFEST(",\"dlopen_allowlist\":{\"paths\":[\"/a.so\",\"\"]}"),
		"dlopen_allowlist.paths[1]: dlopen entry '' is not an absolute path",
		"write the full path, from /"},
	{MANIFEST(",\"dlopen_allowlist\":{\"paths\":[\"/lib/*.so\"]}"),
		"dlopen_allowlist.paths[0]: dlopen entry '/lib/*.so' is a glob",
		"list each file by its full path"},
	{MANIFEST(",\"dlopen_allowlist\":{\"paths\":[\"/a.so:/b.so\"]}"),
		"dlopen_allowlist.paths[0]: dlopen entry '/a.so:/b.so' has a blank, a control "
		"character, ',' or ':' in it",
		"such a path cannot be listed; rename the file"},
	{HARDENING("\"secomp\":{}"), "unknown key 'secomp' in hardening, did you mean 'seccomp'?",
		NULL},
	{HARDENING("\"seccomp\":{\"profle\":\"starter\"}"),
		"unknown key 'profle' in hardening.seccomp, did you mean 'profile'?", NULL},
	{HARDENING("\"seccomp\":\"starter\""), "hardening.seccomp must be an object", NULL},
	{HARDENING("\"seccomp\":{\"profile\":\"\"}"),
		"hardening.seccomp.profile must be a string that is not empty", NULL},
	{HARDENING("\"seccomp\":{\"spec_allow\":\"inherit\"}"),
		"hardening.seccomp.spec_allow: unknown spec-allow value 'inherit'",
		"write allow or mitigate"},
	{HARDENING("\"seccomp\":{\"log\":1}"), "hardening.seccomp.log must be true or false", NULL},
	{HARDENING("\"capabilities\":[\"KILL\"]"), "hardening.capabilities must be an object",
		NULL},
	{HARDENING("\"capabilities\":{\"add\":[\"KILL\"]}"),
		"unknown key 'add' in hardening.capabilities, did you mean 'drop'?", NULL},
	{HARDENING("\"capabilities\":{\"drop\":\"ALL\"}"),
		"hardening.capabilities.drop must be an array", NULL},
	{HARDENING("\"capabilities\":{\"drop\":[\"KILL,CHOWN\"]}"),
		"hardening.capabilities.drop[0]: unknown capability 'KILL,CHOWN'",
		"did you mean CHOWN? capabilities are named as in capabilities(7)"},
	{HARDENING("\"read_only_rootfs\":\"true\""),
		"hardening.read_only_rootfs must be true or false", NULL},
	{HARDENING("\"no_new_privileges\":1"), "hardening.no_new_privileges must be true or false",
		NULL},
	{HARDENING("\"tmpfs\":{\"path\":\"/tmp\"}"), "hardening.tmpfs must be an array", NULL},
	{HARDENING("\"tmpfs\":[\"/tmp\"]"), "hardening.tmpfs[0] must be an object", NULL},
	{HARDENING("\"tmpfs\":[{}]"), "hardening.tmpfs[0].path is missing", NULL},
	{HARDENING("\"tmpfs\":[{\"path\":\"tmp\"}]"),
		"hardening.tmpfs[0]: tmpfs path 'tmp' is not usable",
		"write an absolute path without blanks, ',' and ':', of at most 4095 bytes"},
	{HARDENING("\"tmpfs\":[{\"path\":\"/tmp\"},{\"path\":\"/proc/x\"}]"),
		"hardening.tmpfs[1]: tmpfs path '/proc/x' is the root or lies in /proc, /sys or "
		"/dev",
		"choose another directory, such as /tmp"},
	{HARDENING("\"tmpfs\":[{\"path\":\"/tmp\",\"size\":64}]"),
		"hardening.tmpfs[0].size must be a string that is not empty", NULL},
	{HARDENING("\"tmpfs\":[{\"path\":\"/tmp\",\"size\":\"64M\"}]"),
		"hardening.tmpfs[0]: malformed size '64M'",
		"write bytes, or a number with Ki, Mi or Gi, such as 64Mi"},
	{HARDENING("\"tmpfs\":[{\"path\":\"/tmp\",\"mode\":1777}]"),
		"hardening.tmpfs[0].mode must be a string that is not empty", NULL},
	{HARDENING("\"tmpfs\":[{\"path\":\"/tmp\",\"exec\":false}]"),
		"unknown key 'exec' in hardening.tmpfs[0], did you mean 'noexec'?", NULL},
	{HARDENING("\"rlimits\":{}"), "hardening.rlimits must be an array", NULL},
	{HARDENING("\"rlimits\":[7]"), "hardening.rlimits[0] must be an object", NULL},
	{HARDENING("\"rlimits\":[{\"soft\":1,\"hard\":1}]"), "hardening.rlimits[0].type is missing",
		NULL},
	{HARDENING("\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":1,\"hard\":1}]"),
		"hardening.rlimits[0]: unknown rlimit 'RLIMIT_NOFILE', did you mean NOFILE?", NULL},
	{HARDENING("\"rlimits\":[{\"type\":\"NOFILE\",\"hard\":1}]"),
		"hardening.rlimits[0].soft must be a number, not negative", NULL},
	{HARDENING("\"rlimits\":[{\"type\":\"NOFILE\",\"soft\":1}]"),
		"hardening.rlimits[0].hard must be a number, not negative", NULL},
	{HARDENING("\"rlimits\":[{\"type\":\"NOFILE\",\"soft\":-1,\"hard\":1}]"),
		"hardening.rlimits[0].soft must be a number, not negative", NULL},
	{HARDENING("\"rlimits\":[{\"type\":\"NOFILE\",\"soft\":1.5,\"hard\":2}]"),
		"hardening.rlimits[0].soft must be a number, not negative", NULL},
	{HARDENING("\"rlimits\":[{\"type\":\"NOFILE\",\"soft\":2,\"hard\":1}]"),
		"hardening.rlimits[0]: soft limit of NOFILE is above the hard one", NULL},
	{HARDENING("\"rlimits\":[{\"type\":\"NOFILE\",\"soft\":1,\"hard\":1},"
		   "{\"type\":\"NOFILE\",\"soft\":1,\"hard\":1}]"),
		"hardening.rlimits[1]: NOFILE is listed twice", NULL},
	{HARDENING("\"rlimits\":[{\"type\":\"NOFILE\",\"soft\":1,\"hard\":1,\"x\":1}]"),
		"unknown key 'x' in hardening.rlimits[0], did you mean 'type'?", NULL},
	{HARDENING("\"preload\":true"), "hardening.preload must be an object", NULL},
	{HARDENING("\"preload\":{\"dlopen_allowlist\":[]}"),
		"unknown key 'dlopen_allowlist' in hardening.preload, did you mean "
		"'exec_allowlist'?",
		NULL},
	{HARDENING("\"preload\":{\"exec_allowlist\":null}"),
		"hardening.preload.exec_allowlist must be an array", NULL},
	{HARDENING("\"preload\":{\"exec_allowlist\":[\"/bin/sh\",\"bin/ls\"]}"),
		"hardening.preload.exec_allowlist[1]: exec entry 'bin/ls' is not an absolute path",
		"write the full path, from /"},
	{HARDENING("\"preload\":{\"exec_allowlist\":[\"none\"]}"),
		"hardening.preload.exec_allowlist[0]: exec entry 'none' is not an absolute path",
		"write the full path, from /"},
	{HARDENING("\"preload\":{\"connect_allowlist\":[\"10.0.0.1\"]}"),
		"hardening.preload.connect_allowlist[0]: connect entry '10.0.0.1': no port, or no "
		"closing bracket",
		"use 10.42.0.5:443, 10.42.0.0/16:8080, [fe80::1]:443 or [2001:db8::/32]:443, with "
		"* for any port"},
	{HARDENING("\"preload\":{\"datagrams\":\"no\"}"),
		"hardening.preload.datagrams must be true or false", NULL},
	{HARDENING("\"preload\":{\"require\":0}"),
		"hardening.preload.require must be true or false", NULL},
	{HARDENING("\"preload\":{\"audit\":\"exec\"}"), "hardening.preload.audit must be an array",
		NULL},
	{HARDENING("\"preload\":{\"audit\":[\"execve\"]}"),
		"hardening.preload.audit[0]: unknown audit subject 'execve'",
		"write dlopen, exec or connect"},
};

START_TEST(a_bad_manifest_is_refused_naming_bundle_and_key)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "ErrBundleInvalid: bundle 'arm': %s: %s", bad[_i].why,
		bad[_i].fix != NULL ? bad[_i].fix : "correct the bundle's manifest.json");
	vb_assert_refused(parse(bad[_i].text), &err, text);
	ck_assert_ptr_null(bundle);
}
END_TEST

START_TEST(every_list_has_4096_entries_at_most)
{
	static const struct {
		const char *before;
		const char *entry;
		const char *after;
		const char *why;
	} lists[] = {
		{HEAD("1.6") ",\"dlopen_allowlist\":{\"paths\":[", "\"/lib/a.so\"", "]}}",
			"dlopen_allowlist.paths[4096]: more than 4096 entries in a list"},
		{HEAD("1.6") ",\"hardening\":{\"preload\":{\"exec_allowlist\":[", "\"/bin/ls\"",
			"]}}}",
			"hardening.preload.exec_allowlist[4096]: more than 4096 entries in a list"},
		{HEAD("1.6") ",\"hardening\":{\"preload\":{\"connect_allowlist\":[",
			"\"10.0.0.1:1\"", "]}}}",
			"hardening.preload.connect_allowlist[4096]: more than 4096 entries in a "
			"list"},
		{HEAD("1.6") ",\"hardening\":{\"preload\":{\"audit\":[", "\"exec\"", "]}}}",
			"hardening.preload.audit has more than 4096 entries"},
		{HEAD("1.6") ",\"hardening\":{\"capabilities\":{\"drop\":[", "\"KILL\"", "]}}}",
			"hardening.capabilities.drop has more than 4096 entries"},
		{HEAD("1.6") ",\"hardening\":{\"tmpfs\":[", "{\"path\":\"/tmp\"}", "]}}",
			"hardening.tmpfs has more than 4096 entries"},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(lists); i++) {
		ck_assert_msg(
			parse_list(lists[i].before, lists[i].entry, 4096, lists[i].after) == 0,
			"%s", err.what);
		ck_assert_int_eq(
			parse_list(lists[i].before, lists[i].entry, 4097, lists[i].after), -EPERM);
		ck_assert_str_eq(err.code, "ErrBundleInvalid");
		ck_assert_str_eq(vb_str_after(err.what, "bundle 'arm': "), lists[i].why);
	}
}
END_TEST

START_TEST(a_manifest_nested_deeper_than_32_levels_is_refused)
{
	char text[200] = HEAD("1.6") ",\"x\":";
	size_t used = strlen(text);

	memset(text + used, '[', 31);
	memset(text + used + 31, ']', 31);
	text[used + 62] = '}';
	ck_assert_int_eq(parse(text), 0);
	memset(text + used, '[', 32);
	memset(text + used + 32, ']', 32);
	text[used + 64] = '}';
	vb_assert_refused(parse(text), &err,
		"ErrBundleInvalid: bundle 'arm': JSON is nested deeper than 32 levels: correct the "
		"bundle's manifest.json");
}
END_TEST

START_TEST(names_and_versions_have_128_bytes_at_most)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\",\"version\":\""
		"%0128d\"}",
		1);
	ck_assert_int_eq(parse(text), 0);
	(void)snprintf(text, sizeof(text),
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\",\"version\":\""
		"%0129d\"}",
		1);
	vb_assert_refused(parse(text), &err,
		"ErrBundleInvalid: bundle 'arm': manifest.version is longer than 128 bytes: "
		"correct the bundle's manifest.json");
}
END_TEST

START_TEST(without_an_error_to_fill_a_bad_manifest_is_still_refused)
{
	ck_assert_int_eq(vb_bundle_parse("{}", 2, "arm", &bundle, NULL), -EPERM);
	ck_assert_ptr_null(bundle);
}
END_TEST

START_TEST(bundle_names_are_plain_words)
{
	static const char *const valid[] = {"a", "0", "arm-controller", "a.b_c-d", "9lives"};
	static const char *const invalid[] = {"", ".", "..", ".a", "-a", "_a", "A", "a/b", "a b",
		"a\n", "a@b", "a:b", "\xc3\xa4"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(valid); i++)
		ck_assert(vb_bundle_name_is_valid(valid[i]));
	for (size_t i = 0; i < VB_ARRAY_SIZE(invalid); i++)
		ck_assert(!vb_bundle_name_is_valid(invalid[i]));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("bundle");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, a_manifest_of_schema_1_5_has_a_dlopen_list);
	tcase_add_test(tcase, a_manifest_without_layers_asks_nothing);
	tcase_add_test(tcase, every_hardening_key_fills_its_field);
	tcase_add_test(tcase, the_preload_block_fills_its_fields);
	tcase_add_test(tcase, an_empty_list_is_a_list_that_denies_everything);
	tcase_add_test(tcase, an_empty_preload_block_asks_for_the_shim);
	tcase_add_test(tcase, unknown_keys_outside_of_hardening_are_warnings);
	tcase_add_test(tcase, profiles_are_bound_by_their_digests);
	tcase_add_test(tcase, not_more_than_16_warnings_are_kept);
	tcase_add_test(tcase, of_unknown_keys_beyond_those_warned_of_nothing_is_made);
	tcase_add_test(tcase, a_manifest_has_65536_values_at_most);
	if (MEMORY_CAN_BE_LIMITED)
		tcase_add_test(tcase, a_hungry_manifest_gets_no_more_than_32_mebibytes);
	tcase_add_test(tcase, the_digest_is_that_of_the_bytes);
	tcase_add_loop_test(
		tcase, a_bad_manifest_is_refused_naming_bundle_and_key, 0, (int)VB_ARRAY_SIZE(bad));
	tcase_add_test(tcase, every_list_has_4096_entries_at_most);
	tcase_add_test(tcase, a_manifest_nested_deeper_than_32_levels_is_refused);
	tcase_add_test(tcase, names_and_versions_have_128_bytes_at_most);
	tcase_add_test(tcase, without_an_error_to_fill_a_bad_manifest_is_still_refused);
	tcase_add_test(tcase, bundle_names_are_plain_words);
	return vb_unit_run("bundle", tcase);
}
