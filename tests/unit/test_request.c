/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/request.h"

enum { PAIRS_MAX = 8 };

static struct vb_error err;
static struct vb_request request;

static void start(void)
{
	memset(&err, 0, sizeof(err));
	request = (struct vb_request){0};
}

static void finish(void)
{
	vb_request_finish(&request);
}

/* Annotations as key, value, key, value, ..., NULL. */
static int parse_for(const char *container, const char *const *texts)
{
	struct vb_annotation items[PAIRS_MAX];
	struct vb_annotations annotations = {.items = items};

	while (texts[annotations.count * 2] != NULL) {
		ck_assert_uint_lt(annotations.count, PAIRS_MAX);
		items[annotations.count] = (struct vb_annotation){
			texts[annotations.count * 2], texts[annotations.count * 2 + 1]};
		annotations.count++;
	}
	return vb_request_parse(&annotations, container, &request, &err);
}

#define PARSE(...) parse_for("app", (const char *const[]){__VA_ARGS__, NULL})

START_TEST(without_annotations_nothing_is_asked)
{
	ck_assert_int_eq(parse_for("app", (const char *const[]){NULL}), 0);
	ck_assert(!request.asked);
	ck_assert_int_eq(PARSE("app.kubernetes.io/name", "x", "vambrace.dev.example.com/y", ""), 0);
	ck_assert(!request.asked);
}
END_TEST

START_TEST(every_key_fills_its_field)
{
	ck_assert_int_eq(
		PARSE("bundle.vambrace.dev", "arm", "seccomp-profile.vambrace.dev", "starter",
			"spec-allow.vambrace.dev", "mitigate", "cap-drop.vambrace.dev", "NET_RAW",
			"read-only-rootfs.vambrace.dev", "true", "tmpfs.vambrace.dev", "/tmp",
			"no-new-privileges.vambrace.dev", "true"),
		0);
	ck_assert(request.asked);
	ck_assert_str_eq(request.bundle_name, "arm");
	ck_assert_ptr_null(request.bundle_digest);
	ck_assert_str_eq(request.seccomp_profile, "starter");
	ck_assert_int_eq(request.spec_allow, VB_SPEC_ALLOW_MITIGATE);
	ck_assert_uint_eq(request.cap_drop, UINT64_C(1) << 13);
	ck_assert(request.read_only_rootfs);
	ck_assert_uint_eq(request.tmpfs.count, 1);
	ck_assert_str_eq(request.tmpfs.items[0].path, "/tmp");
	ck_assert(request.no_new_privileges);
	ck_assert(!request.preload_on);
	ck_assert(!request.exec.set);
	ck_assert(!request.connect.set);
}
END_TEST

START_TEST(every_preload_key_fills_its_field)
{
	ck_assert_int_eq(
		PARSE("preload.vambrace.dev", "require", "preload-exec-allowlist.vambrace.dev",
			"/bin/ls", "preload-connect-allowlist.vambrace.dev", "none",
			"preload-audit.vambrace.dev", "dlopen,connect"),
		0);
	ck_assert(request.preload_on);
	ck_assert(request.preload_require);
	ck_assert(request.exec.set);
	ck_assert_uint_eq(request.exec.entries.count, 1);
	ck_assert(request.connect.set);
	ck_assert_uint_eq(request.connect.entries.count, 0);
	ck_assert_uint_eq(request.preload_audit, VB_AUDIT_DLOPEN | VB_AUDIT_CONNECT);
}
END_TEST

START_TEST(an_opt_out_carries_its_reason)
{
	ck_assert_int_eq(PARSE("seccomp.vambrace.dev", "opt-out",
				 "seccomp-opt-out-reason.vambrace.dev", "strace, ticket 7"),
		0);
	ck_assert(request.seccomp_opt_out);
	ck_assert_str_eq(request.opt_out_reason, "strace, ticket 7");
}
END_TEST

START_TEST(preload_on_does_not_require)
{
	ck_assert_int_eq(PARSE("preload.vambrace.dev", "on"), 0);
	ck_assert(request.preload_on);
	ck_assert(!request.preload_require);
}
END_TEST

START_TEST(the_container_wins_over_the_pod_and_the_pod_over_the_bare_key)
{
	ck_assert_int_eq(PARSE("cap-drop.vambrace.dev", "KILL"), 0);
	ck_assert_uint_eq(request.cap_drop, UINT64_C(1) << 5);
	vb_request_finish(&request);
	ck_assert_int_eq(
		PARSE("cap-drop.vambrace.dev/pod", "CHOWN", "cap-drop.vambrace.dev", "KILL"), 0);
	ck_assert_uint_eq(request.cap_drop, 1);
	vb_request_finish(&request);
	ck_assert_int_eq(
		PARSE("cap-drop.vambrace.dev/container.app", "NET_RAW", "cap-drop.vambrace.dev/pod",
			"CHOWN", "cap-drop.vambrace.dev", "KILL"),
		0);
	ck_assert_uint_eq(request.cap_drop, UINT64_C(1) << 13);
	vb_request_finish(&request);
	ck_assert_int_eq(PARSE("cap-drop.vambrace.dev", "KILL",
				 "cap-drop.vambrace.dev/container.app", "NET_RAW"),
		0);
	ck_assert_uint_eq(request.cap_drop, UINT64_C(1) << 13);
}
END_TEST

START_TEST(levels_are_chosen_key_by_key)
{
	ck_assert_int_eq(
		PARSE("cap-drop.vambrace.dev", "KILL", "cap-drop.vambrace.dev/container.app",
			"NET_RAW", "read-only-rootfs.vambrace.dev/pod", "true"),
		0);
	ck_assert_uint_eq(request.cap_drop, UINT64_C(1) << 13);
	ck_assert(request.read_only_rootfs);
}
END_TEST

START_TEST(what_another_container_asks_is_not_asked_here)
{
	ck_assert_int_eq(PARSE("cap-drop.vambrace.dev/container.sidecar", "KILL",
				 "containers.vambrace.dev", "{\"sidecar\":{\"bundle\":\"arm\"}}"),
		0);
	ck_assert(!request.asked);
	ck_assert_uint_eq(request.cap_drop, 0);
	ck_assert_ptr_null(request.bundle_name);
}
END_TEST

START_TEST(a_mistake_for_another_container_refuses_this_one_too)
{
	vb_assert_refused(PARSE("cap-drop.vambrace.dev/container.sidecar", "KILLL"), &err,
		"ErrInvalidValue: annotation 'cap-drop.vambrace.dev/container.sidecar': unknown "
		"capability 'KILLL': did you mean KILL? capabilities are named as in "
		"capabilities(7)");
	vb_assert_refused(PARSE("containers.vambrace.dev", "{\"sidecar\":{\"preload\":\"off\"}}"),
		&err,
		"ErrInvalidValue: containers.vambrace.dev: annotation 'preload': unknown preload "
		"value 'off': write on or "
		"require");
}
END_TEST

START_TEST(a_mistake_on_a_level_that_loses_is_still_refused)
{
	vb_assert_refused(PARSE("read-only-rootfs.vambrace.dev", "false",
				  "read-only-rootfs.vambrace.dev/container.app", "true"),
		&err,
		"ErrInvalidValue: annotation 'read-only-rootfs.vambrace.dev': 'false' is not "
		"'true': write \"true\", or remove the key: no value switches a layer off");
}
END_TEST

START_TEST(a_container_name_is_compared_whole)
{
	ck_assert_int_eq(PARSE("cap-drop.vambrace.dev/container.ap", "KILL",
				 "cap-drop.vambrace.dev/container.apps", "KILL",
				 "cap-drop.vambrace.dev/container.App", "KILL",
				 "cap-drop.vambrace.dev/container.container.app", "KILL"),
		0);
	ck_assert(!request.asked);
}
END_TEST

/* A map entry and a refusal, or NULL where it is fine. */
static const struct {
	const char *map;
	const char *refusal;
} maps[] = {
#define SHAPE "write {\"<container>\": {\"<layer>\": \"<value>\"}}"
	{"{}", NULL},
	{"{\"app\":{}}", NULL},
	{" {\"app\": {\"cap-drop\": \"NET_RAW\"}} ", NULL},
	{"", "ErrInvalidValue: annotation 'containers.vambrace.dev': JSON error in line 1, column "
	     "0: '[' or '{' expected near end of file: " SHAPE},
	{"[]", "ErrInvalidValue: annotation 'containers.vambrace.dev': not a JSON object: " SHAPE},
	{"true", "ErrInvalidValue: annotation 'containers.vambrace.dev': JSON error in line 1, "
		 "column 4: '[' or '{' expected near 'true': " SHAPE},
	{"{\"app\":{}} x",
		"ErrInvalidValue: annotation 'containers.vambrace.dev': JSON error in line 1, "
		"column 12: end of file expected near 'x': " SHAPE},
	{"{\"app\":{},\"app\":{}}",
		"ErrInvalidValue: annotation 'containers.vambrace.dev': JSON error in line 1, "
		"column 15: duplicate object key near '\"app\"': " SHAPE},
	{"{\"app\":[[[[1]]]]}",
		"ErrInvalidValue: annotation 'containers.vambrace.dev': JSON is nested deeper than "
		"4 levels: " SHAPE},
	{"{\"app\":\"NET_RAW\"}",
		"ErrInvalidValue: 'app' in containers.vambrace.dev is not an object: " SHAPE},
	{"{\"other\":null}",
		"ErrInvalidValue: 'other' in containers.vambrace.dev is not an object: " SHAPE},
	{"{\"app\":{\"cap-drop\":[\"NET_RAW\"]}}",
		"ErrInvalidValue: the value of 'cap-drop' in containers.vambrace.dev is not a "
		"string: put the value in quotes"},
	{"{\"app\":{\"read-only-rootfs\":true}}",
		"ErrInvalidValue: the value of 'read-only-rootfs' in containers.vambrace.dev is "
		"not a string: put the value in quotes"},
	{"{\"app\":{\"cap-drop\":\"\"}}", "ErrInvalidValue: containers.vambrace.dev: annotation "
					  "'cap-drop' is empty: give it a value, or remove it"},
	{"{\"app\":{\"cap-drp\":\"KILL\"}}",
		"ErrUnknownAnnotation: unknown layer 'cap-drp' in containers.vambrace.dev: the "
		"nearest known one is cap-drop"},
	{"{\"app\":{\"cap-drop.vambrace.dev\":\"KILL\"}}",
		"ErrUnknownAnnotation: unknown layer 'cap-drop.vambrace.dev' in "
		"containers.vambrace.dev: the nearest known one is cap-drop"},
	{"{\"app\":{\"cap-drop\":\"NET_RAW\\u0000\"}}",
		"ErrInvalidValue: annotation 'containers.vambrace.dev': JSON error in line 1, "
		"column 34: \\u0000 is not allowed without JSON_ALLOW_NUL near "
		"'\"NET_RAW\\u0000\"': " SHAPE},
};

START_TEST(the_map_is_read_strictly)
{
	int r = PARSE("containers.vambrace.dev", maps[_i].map);

	if (maps[_i].refusal != NULL)
		vb_assert_refused(r, &err, maps[_i].refusal);
	else
		ck_assert_int_eq(r, 0);
}
END_TEST

START_TEST(the_map_names_containers_that_no_suffix_can)
{
	char name[64];
	char map[256];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	(void)snprintf(map, sizeof(map), "{\"%s\": {\"cap-drop\": \"KILL\"}}", name);
	ck_assert_int_eq(parse_for(name, (const char *const[]){"containers.vambrace.dev", map,
						 "cap-drop.vambrace.dev/pod", "CHOWN", NULL}),
		0);
	ck_assert(request.asked);
	ck_assert_uint_eq(request.cap_drop, UINT64_C(1) << 5);
}
END_TEST

START_TEST(map_and_suffix_for_one_container_conflict)
{
	vb_assert_refused(PARSE("cap-drop.vambrace.dev/container.app", "KILL",
				  "containers.vambrace.dev", "{\"app\":{\"cap-drop\":\"KILL\"}}"),
		&err,
		"ErrConflict: 'cap-drop' is set twice for this container, by "
		"cap-drop.vambrace.dev/container.<name> and by containers.vambrace.dev: remove one "
		"of them");
	ck_assert_int_eq(PARSE("cap-drop.vambrace.dev/container.app", "KILL",
				 "containers.vambrace.dev", "{\"app\":{\"tmpfs\":\"/tmp\"}}"),
		0);
	ck_assert_uint_eq(request.tmpfs.count, 1);
	ck_assert_uint_eq(request.cap_drop, UINT64_C(1) << 5);
}
END_TEST

START_TEST(a_second_map_is_refused)
{
	vb_assert_refused(PARSE("containers.vambrace.dev", "{\"app\":{}}",
				  "containers.vambrace.dev", "{\"app\":{}}"),
		&err,
		"ErrConflict: annotation 'containers.vambrace.dev' is there twice: remove one of "
		"them");
}
END_TEST

static const struct {
	const char *key;
	const char *refusal;
} unknown[] = {
#define UNKNOWN(key, near)                                                                         \
	"ErrUnknownAnnotation: unknown annotation '" key "': the nearest known key is " near       \
	".vambrace.dev"
	{"cap-drp.vambrace.dev", UNKNOWN("cap-drp.vambrace.dev", "cap-drop")},
	{"capdrop.vambrace.dev/pod", UNKNOWN("capdrop.vambrace.dev/pod", "cap-drop")},
	{"read-only-root.vambrace.dev/container.app",
		UNKNOWN("read-only-root.vambrace.dev/container.app", "read-only-rootfs")},
	{"Bundle.vambrace.dev", UNKNOWN("Bundle.vambrace.dev", "bundle")},
	{"bundles.vambrace.dev", UNKNOWN("bundles.vambrace.dev", "bundle")},
	{"container.vambrace.dev", UNKNOWN("container.vambrace.dev", "containers")},
	{"containers.vambrace.dev/pod", UNKNOWN("containers.vambrace.dev/pod", "containers")},
	{"no-new-privs.vambrace.dev", UNKNOWN("no-new-privs.vambrace.dev", "no-new-privileges")},
	{"plan-digest.vambrace.dev", UNKNOWN("plan-digest.vambrace.dev", "containers")},
	{"vambrace.dev", UNKNOWN("vambrace.dev", "tmpfs")},
	{"vambrace.dev/bundle", UNKNOWN("vambrace.dev/bundle", "bundle")},
	{"vambrace.dev/cap_drop/pod", UNKNOWN("vambrace.dev/cap_drop/pod", "cap-drop")},
	{"vambrace.dev/", UNKNOWN("vambrace.dev/", "tmpfs")},
	{"cap-drop.Vambrace.dev", UNKNOWN("cap-drop.Vambrace.dev", "cap-drop")},
	{"tmpfs.VAMBRACE.DEV/pod", UNKNOWN("tmpfs.VAMBRACE.DEV/pod", "tmpfs")},
	{"Vambrace.dev/preload", UNKNOWN("Vambrace.dev/preload", "preload")},
	{"bundle.vambrace.dev.Vambrace.dev", UNKNOWN("bundle.vambrace.dev.Vambrace.dev", "bundle")},
	{".vambrace.dev", UNKNOWN(".vambrace.dev", "tmpfs")},
	{"x.bundle.vambrace.dev", UNKNOWN("x.bundle.vambrace.dev", "bundle")},
	{"bundle.vambrace.dev.vambrace.dev", UNKNOWN("bundle.vambrace.dev.vambrace.dev", "bundle")},
	{"tmpfs.vambrace.dev/containers.app",
		"ErrUnknownAnnotation: unknown suffix in annotation "
		"'tmpfs.vambrace.dev/containers.app': use <key>, <key>/pod or "
		"<key>/container.<name>"},
	{"tmpfs.vambrace.dev/",
		"ErrUnknownAnnotation: unknown suffix in annotation 'tmpfs.vambrace.dev/': use "
		"<key>, <key>/pod or <key>/container.<name>"},
	{"tmpfs.vambrace.dev/container.",
		"ErrUnknownAnnotation: unknown suffix in annotation "
		"'tmpfs.vambrace.dev/container.': use <key>, <key>/pod or <key>/container.<name>"},
	{"tmpfs.vambrace.dev/Pod",
		"ErrUnknownAnnotation: unknown suffix in annotation 'tmpfs.vambrace.dev/Pod': use "
		"<key>, <key>/pod or <key>/container.<name>"},
	{"tmpfs.vambrace.dev/pod/x",
		"ErrUnknownAnnotation: unknown suffix in annotation 'tmpfs.vambrace.dev/pod/x': "
		"use <key>, <key>/pod or <key>/container.<name>"},
};

START_TEST(an_unknown_key_is_refused_with_the_nearest_known_one)
{
	vb_assert_refused(PARSE(unknown[_i].key, "true"), &err, unknown[_i].refusal);
}
END_TEST

START_TEST(an_unknown_key_of_any_length_is_refused)
{
	char key[400];

	memset(key, 'k', sizeof(key));
	(void)snprintf(key + 300, sizeof(key) - 300, ".vambrace.dev");
	ck_assert_int_eq(PARSE(key, "true"), -EPERM);
	ck_assert_str_eq(err.code, "ErrUnknownAnnotation");
	ck_assert_str_eq(err.fix, "the nearest known key is containers.vambrace.dev");
}
END_TEST

static void assert_containers(const char *key, const char *value, const char *expected)
{
	const struct vb_annotation annotation = {key, value};
	vb_auto_strv struct vb_strv names = {0};

	ck_assert_int_eq(vb_annotation_containers(&annotation, &names), 0);
	vb_strv_sort_unique(&names);
	vb_auto_free char *joined = vb_strv_join(&names, ' ');
	ck_assert_ptr_nonnull(joined);
	ck_assert_str_eq(joined, expected);
}

START_TEST(the_containers_that_an_annotation_is_for_are_told)
{
	assert_containers("tmpfs.vambrace.dev/container.app", "/tmp", "app");
	assert_containers("no-such.vambrace.dev/container.app", "", "app");
	assert_containers(
		"containers.vambrace.dev", "{\"app\":{},\"log\":{\"tmpfs\":\"/x\"}}", "app log");
	assert_containers("containers.vambrace.dev", "{\"app\":", "");
	assert_containers("containers.vambrace.dev", "[]", "");
	assert_containers("tmpfs.vambrace.dev", "/tmp", "");
	assert_containers("tmpfs.vambrace.dev/pod", "/tmp", "");
	assert_containers("tmpfs.example.com/container.app", "/tmp", "");
}
END_TEST

START_TEST(other_domains_are_not_ours)
{
	ck_assert(vb_annotation_is_ours("bundle.vambrace.dev"));
	ck_assert(vb_annotation_is_ours("bundle.vambrace.dev/pod"));
	ck_assert(vb_annotation_is_ours("vambrace.dev"));
	ck_assert(vb_annotation_is_ours("vambrace.dev/x"));
	ck_assert(vb_annotation_is_ours("bundle.Vambrace.Dev/pod"));
	ck_assert(!vb_annotation_is_ours(""));
	ck_assert(!vb_annotation_is_ours("/vambrace.dev"));
	ck_assert(!vb_annotation_is_ours("x/bundle.vambrace.dev"));
	ck_assert(!vb_annotation_is_ours("notvambrace.dev"));
	ck_assert(!vb_annotation_is_ours("notVambrace.dev"));
	ck_assert(!vb_annotation_is_ours("vambrace.device"));
	ck_assert(!vb_annotation_is_ours("vambrace.dev.example.com/bundle"));
	ck_assert(!vb_annotation_is_ours("vambrace-dev"));
}
END_TEST

static const struct {
	const char *key;
	const char *value;
	const char *refusal;
} bad_values[] = {
	{"seccomp.vambrace.dev", "off",
		"ErrInvalidValue: annotation 'seccomp.vambrace.dev': 'off' is not 'opt-out', the "
		"only value: write opt-out, or choose a profile with seccomp-profile.vambrace.dev"},
	{"spec-allow.vambrace.dev", "yes",
		"ErrInvalidValue: annotation 'spec-allow.vambrace.dev': unknown spec-allow value "
		"'yes': write allow or mitigate"},
	{"no-new-privileges.vambrace.dev/pod", "True",
		"ErrInvalidValue: annotation 'no-new-privileges.vambrace.dev/pod': 'True' is not "
		"'true': write \"true\", or remove the key: no value switches a layer off"},
	{"preload.vambrace.dev", "yes",
		"ErrInvalidValue: annotation 'preload.vambrace.dev': unknown preload value 'yes': "
		"write on or require"},
	{"preload-audit.vambrace.dev", "exec,open",
		"ErrInvalidValue: annotation 'preload-audit.vambrace.dev': unknown audit subject "
		"'open': write dlopen, exec or connect"},
	{"preload-exec-allowlist.vambrace.dev", "/bin/ls,bin/sh",
		"ErrInvalidValue: annotation 'preload-exec-allowlist.vambrace.dev': exec entry "
		"'bin/sh' is not an absolute path: write the full path, from /"},
	{"bundle.vambrace.dev", "../x",
		"ErrInvalidValue: annotation 'bundle.vambrace.dev': bundle name '../x' is not "
		"valid: names have lower-case letters, digits, '-', '_' and '.', at most 63 "
		"characters"},
	{"tmpfs.vambrace.dev", "",
		"ErrInvalidValue: annotation 'tmpfs.vambrace.dev' is empty: give it a value, or "
		"remove it"},
	{"seccomp-opt-out-reason.vambrace.dev", "",
		"ErrInvalidValue: annotation 'seccomp-opt-out-reason.vambrace.dev' is empty: give "
		"it a value, or remove it"},
	{"seccomp-opt-out-reason.vambrace.dev", "  ",
		"ErrInvalidValue: annotation 'seccomp-opt-out-reason.vambrace.dev': the reason is "
		"blank: say why the container opts out"},
	{"seccomp-opt-out-reason.vambrace.dev", "strace\x1b[2J",
		"ErrInvalidValue: annotation 'seccomp-opt-out-reason.vambrace.dev': the reason has "
		"a control character: write it in one line"},
	/* U+009B does on a terminal what ESC [ does. */
	{"seccomp-opt-out-reason.vambrace.dev",
		"strace\xc2\x9b"
		"2J",
		"ErrInvalidValue: annotation 'seccomp-opt-out-reason.vambrace.dev': the reason has "
		"a control character: write it in one line"},
	{"seccomp-profile.vambrace.dev", "caf\xe9",
		"ErrInvalidValue: annotation 'seccomp-profile.vambrace.dev' is not UTF-8: write "
		"the value in UTF-8"},
	{"tmpfs.vambrace.dev", "/t\xffmp",
		"ErrInvalidValue: annotation 'tmpfs.vambrace.dev' is not UTF-8: write the value "
		"in UTF-8"},
};

START_TEST(a_bad_value_is_refused_naming_its_key)
{
	vb_assert_refused(
		PARSE(bad_values[_i].key, bad_values[_i].value), &err, bad_values[_i].refusal);
}
END_TEST

/* Runtimes hand annotations over in any order, and kubelet's retries are to read the same. */
START_TEST(of_several_mistakes_the_first_by_key_is_told)
{
	static const char refusal[] =
		"ErrInvalidValue: annotation 'cap-drop.vambrace.dev/pod': unknown capability 'X': "
		"did you mean BPF? capabilities are named as in capabilities(7)";

	vb_assert_refused(PARSE("tmpfs.vambrace.dev", "tmp", "cap-drop.vambrace.dev/pod", "X",
				  "containers.vambrace.dev", "{}"),
		&err, refusal);
	vb_assert_refused(PARSE("containers.vambrace.dev", "{}", "cap-drop.vambrace.dev/pod", "X",
				  "tmpfs.vambrace.dev", "tmp"),
		&err, refusal);
}
END_TEST

START_TEST(an_opt_out_beside_a_profile_conflicts_at_any_level)
{
	static const char refusal[] =
		"ErrConflict: seccomp.vambrace.dev opts out while seccomp-profile.vambrace.dev "
		"names a profile: remove one of the two annotations";

	vb_assert_refused(
		PARSE("seccomp.vambrace.dev", "opt-out", "seccomp-profile.vambrace.dev", "starter"),
		&err, refusal);
	vb_assert_refused(PARSE("seccomp.vambrace.dev/pod", "opt-out",
				  "seccomp-profile.vambrace.dev/container.app", "starter"),
		&err, refusal);
	vb_assert_refused(PARSE("seccomp-profile.vambrace.dev", "starter",
				  "containers.vambrace.dev", "{\"app\":{\"seccomp\":\"opt-out\"}}"),
		&err, refusal);
	ck_assert_int_eq(PARSE("seccomp.vambrace.dev", "opt-out",
				 "seccomp-profile.vambrace.dev/container.sidecar", "starter"),
		0);
}
END_TEST

START_TEST(a_refused_request_leaves_the_output_alone)
{
	request.cap_drop = 42;
	ck_assert_int_eq(PARSE("tmpfs.vambrace.dev", "/tmp", "cap-drop.vambrace.dev", "X"), -EPERM);
	ck_assert_uint_eq(request.cap_drop, 42);
	ck_assert_uint_eq(request.tmpfs.count, 0);
}
END_TEST

START_TEST(without_an_error_to_fill_refusals_stay_refusals)
{
	const struct vb_annotation item = {"cap-drop.vambrace.dev", "X"};
	const struct vb_annotations annotations = {&item, 1};

	ck_assert_int_eq(vb_request_parse(&annotations, "app", &request, NULL), -EPERM);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("request");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, without_annotations_nothing_is_asked);
	tcase_add_test(tcase, every_key_fills_its_field);
	tcase_add_test(tcase, every_preload_key_fills_its_field);
	tcase_add_test(tcase, an_opt_out_carries_its_reason);
	tcase_add_test(tcase, preload_on_does_not_require);
	tcase_add_test(tcase, the_container_wins_over_the_pod_and_the_pod_over_the_bare_key);
	tcase_add_test(tcase, levels_are_chosen_key_by_key);
	tcase_add_test(tcase, what_another_container_asks_is_not_asked_here);
	tcase_add_test(tcase, a_mistake_for_another_container_refuses_this_one_too);
	tcase_add_test(tcase, a_mistake_on_a_level_that_loses_is_still_refused);
	tcase_add_test(tcase, a_container_name_is_compared_whole);
	tcase_add_loop_test(tcase, the_map_is_read_strictly, 0, (int)VB_ARRAY_SIZE(maps));
	tcase_add_test(tcase, the_map_names_containers_that_no_suffix_can);
	tcase_add_test(tcase, map_and_suffix_for_one_container_conflict);
	tcase_add_test(tcase, a_second_map_is_refused);
	tcase_add_loop_test(tcase, an_unknown_key_is_refused_with_the_nearest_known_one, 0,
		(int)VB_ARRAY_SIZE(unknown));
	tcase_add_test(tcase, an_unknown_key_of_any_length_is_refused);
	tcase_add_test(tcase, the_containers_that_an_annotation_is_for_are_told);
	tcase_add_test(tcase, other_domains_are_not_ours);
	tcase_add_loop_test(
		tcase, a_bad_value_is_refused_naming_its_key, 0, (int)VB_ARRAY_SIZE(bad_values));
	tcase_add_test(tcase, of_several_mistakes_the_first_by_key_is_told);
	tcase_add_test(tcase, an_opt_out_beside_a_profile_conflicts_at_any_level);
	tcase_add_test(tcase, a_refused_request_leaves_the_output_alone);
	tcase_add_test(tcase, without_an_error_to_fill_refusals_stay_refusals);
	return vb_unit_run("request", tcase);
}
