/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/derive.h"

static struct vb_error err;

static int update(const char *text, struct vb_derive_update *change, char **ret_text)
{
	return vb_derive_update_manifest(text, strlen(text), change, ret_text, &err);
}

static struct vb_strv entries_of(const char *a, const char *b)
{
	struct vb_strv entries = {0};

	ck_assert_int_eq(vb_strv_add(&entries, a), 0);
	if (b != NULL)
		ck_assert_int_eq(vb_strv_add(&entries, b), 0);
	return entries;
}

static const struct {
	enum vb_derive_list list;
	const char *entry;
	const char *before;
	const char *after;
} inserted[] = {
	/* A list in its place; what is around it is not touched. */
	{VB_DERIVE_DLOPEN, "/l/b.so",
		"{\"kind\":\"bundle\",\"schema_version\":\"1.5\", \"name\":\"arm\" ,"
		"\"version\":\"1\",\"x\":1.10,\n"
		" \"dlopen_allowlist\": {\"paths\": [\"/l/a.so\"], \"why\": \"]\"}} \n",
		"{\"kind\":\"bundle\",\"schema_version\":\"1.5\", \"name\":\"arm\" ,"
		"\"version\":\"1\",\"x\":1.10,\n"
		" \"dlopen_allowlist\": {\"paths\": [\n"
		"   \"/l/a.so\",\n"
		"   \"/l/b.so\"\n"
		" ], \"why\": \"]\"}} \n"},
	/* Tabs stay tabs. */
	{VB_DERIVE_EXEC, "/bin/a",
		"{\n\t\"kind\": \"bundle\",\n\t\"schema_version\": \"1.6\",\n\t\"name\": \"arm\",\n"
		"\t\"version\": \"1\",\n\t\"hardening\": {\n\t\t\"preload\": {\n"
		"\t\t\t\"require\": true\n\t\t}\n\t}\n}\n",
		"{\n\t\"kind\": \"bundle\",\n\t\"schema_version\": \"1.6\",\n\t\"name\": \"arm\",\n"
		"\t\"version\": \"1\",\n\t\"hardening\": {\n\t\t\"preload\": {\n"
		"\t\t\t\"require\": true,\n\t\t\t\"exec_allowlist\": [\n\t\t\t\t\"/bin/a\"\n"
		"\t\t\t]\n\t\t}\n\t}\n}\n"},
	/* Objects that are missing are made. */
	{VB_DERIVE_CONNECT, "10.0.0.1:80",
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\","
		"\"version\":\"1\"}",
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\","
		"\"version\":\"1\",\n"
		"  \"hardening\": {\n"
		"    \"preload\": {\n"
		"      \"connect_allowlist\": [\n"
		"        \"10.0.0.1:80\"\n"
		"      ]\n"
		"    }\n"
		"  }\n"
		"}"},
	/* An empty one has no comma. */
	{VB_DERIVE_EXEC, "/bin/a",
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\","
		"\"version\":\"1\",\"hardening\":{ }}",
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\","
		"\"version\":\"1\",\"hardening\":{\n"
		"  \"preload\": {\n"
		"    \"exec_allowlist\": [\n"
		"      \"/bin/a\"\n"
		"    ]\n"
		"  }\n"
		"}}"},
};

START_TEST(only_the_list_changes_in_a_manifest)
{
	vb_auto_free char *text = NULL;
	vb_auto_strv struct vb_strv entries = entries_of(inserted[_i].entry, NULL);
	struct vb_derive_update change = {.list = inserted[_i].list, .entries = &entries};

	ck_assert_int_eq(update(inserted[_i].before, &change, &text), 0);
	ck_assert_str_eq(text, inserted[_i].after);
	ck_assert_uint_eq(change.added, 1);
}
END_TEST

START_TEST(done_again_nothing_changes)
{
	vb_auto_free char *text = NULL;
	vb_auto_strv struct vb_strv entries = entries_of(inserted[_i].entry, NULL);
	struct vb_derive_update change = {.list = inserted[_i].list, .entries = &entries};

	ck_assert_int_eq(update(inserted[_i].after, &change, &text), 0);
	ck_assert_str_eq(text, inserted[_i].after);
	ck_assert_uint_eq(change.added, 0);
	ck_assert_uint_eq(change.kept, 1);
}
END_TEST

#define HEAD          "{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\",\"version\":\"1\","
#define CONNECT(list) HEAD "\"hardening\":{\"preload\":{\"connect_allowlist\":" list "}}}"

START_TEST(nothing_behind_the_text_is_read)
{
	vb_auto_free char *text = NULL;
	vb_auto_strv struct vb_strv entries = entries_of(inserted[_i].entry, NULL);
	struct vb_derive_update change = {.list = inserted[_i].list, .entries = &entries};
	vb_auto_free char *longer = vb_str_format("%s}]\"}", inserted[_i].before);

	ck_assert_int_eq(vb_derive_update_manifest(
				 longer, strlen(inserted[_i].before), &change, &text, &err),
		0);
	ck_assert_str_eq(text, inserted[_i].after);
}
END_TEST

START_TEST(an_address_that_a_listed_network_holds_is_there_already)
{
	vb_auto_free char *text = NULL;
	vb_auto_strv struct vb_strv entries = entries_of("10.0.0.1:80", "10.1.0.1:81");
	struct vb_derive_update change = {.list = VB_DERIVE_CONNECT, .entries = &entries};

	ck_assert_int_eq(update(CONNECT("[\"10.0.0.0/8:80\",\"8.8.8.8:53\"]"), &change, &text), 0);
	ck_assert_str_eq(text, CONNECT("[\n  \"10.0.0.0/8:80\",\n  \"10.1.0.1:81\",\n"
				       "  \"8.8.8.8:53\"\n]"));
	ck_assert_uint_eq(change.added, 1);
	ck_assert_uint_eq(change.kept, 1);
	ck_assert_uint_eq(change.unseen, 1);
}
END_TEST

START_TEST(replacing_drops_what_was_not_needed)
{
	vb_auto_free char *text = NULL;
	vb_auto_strv struct vb_strv entries = entries_of("10.0.0.1:80", NULL);
	struct vb_derive_update change = {
		.list = VB_DERIVE_CONNECT, .entries = &entries, .replace = true};

	ck_assert_int_eq(update(CONNECT("[\"10.0.0.0/8:80\",\"8.8.8.8:53\"]"), &change, &text), 0);
	ck_assert_str_eq(text, CONNECT("[\n  \"10.0.0.0/8:80\"\n]"));
	ck_assert_uint_eq(change.unseen, 1);
}
END_TEST

START_TEST(an_empty_list_is_never_written)
{
	vb_auto_free char *text = NULL;
	const struct vb_strv entries = {0};
	struct vb_derive_update change = {.list = VB_DERIVE_CONNECT, .entries = &entries};

	vb_assert_failed(update(CONNECT("[]"), &change, &text), EINVAL, &err,
		"no entry: such a list would deny everything");
}
END_TEST

static const struct {
	const char *text;
	const char *why;
} refused[] = {
	{"{\"name\": ",
		"ErrBundleInvalid: bundle 'manifest': JSON error in line 1, column 9: unexpected "
		"token near end of file: correct the bundle's manifest.json"},
	{"[]", "ErrBundleInvalid: bundle 'manifest': the manifest is not a JSON object: correct "
	       "the bundle's manifest.json"},
	{"{\"kind\":\"bundle\",\"schema_version\":\"1.5\",\"name\":\"arm\",\"version\":\"1\"}",
		"ErrBundleInvalid: with the new list: bundle 'arm': a hardening block needs "
		"schema_version 1.6: correct the bundle's manifest.json"},
	{HEAD "\"harden\\u0069ng\":{}}",
		"ErrBundleInvalid: with the new list: bundle 'manifest': JSON error in line 2, "
		"column "
		"13: duplicate object key near '\"hardening\"': correct the bundle's "
		"manifest.json"},
};

START_TEST(what_is_no_valid_manifest_is_refused_before_and_after)
{
	vb_auto_free char *text = NULL;
	vb_auto_strv struct vb_strv entries = entries_of("10.0.0.1:80", NULL);
	struct vb_derive_update change = {.list = VB_DERIVE_CONNECT, .entries = &entries};

	vb_assert_refused(update(refused[_i].text, &change, &text), &err, refused[_i].why);
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(a_manifest_does_not_grow_over_its_limit)
{
	vb_auto_free char *text = NULL;
	static char before[1 << 20];
	vb_auto_strv struct vb_strv entries = entries_of("10.0.0.1:80", NULL);
	struct vb_derive_update change = {.list = VB_DERIVE_CONNECT, .entries = &entries};

	(void)snprintf(before, sizeof(before), "%s\"x\":\"%*s\"}", HEAD,
		(int)(sizeof(before) - strlen(HEAD) - 20), "");
	vb_assert_failed(update(before, &change, &text), EFBIG, &err,
		"the manifest would have more than 1048576 bytes");
}
END_TEST

START_TEST(a_block_is_what_a_manifest_takes)
{
	vb_auto_strv struct vb_strv entries = entries_of("/bin/\"a", "/bin/b");
	vb_auto_free char *block = vb_derive_block(VB_DERIVE_EXEC, &entries);

	ck_assert_str_eq(block, "\"hardening\": {\n"
				"  \"preload\": {\n"
				"    \"exec_allowlist\": [\n"
				"      \"/bin/\\\"a\",\n"
				"      \"/bin/b\"\n"
				"    ]\n"
				"  }\n"
				"}\n");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("derive_manifest");

	tcase_add_loop_test(tcase, only_the_list_changes_in_a_manifest, 0, VB_ARRAY_SIZE(inserted));
	tcase_add_loop_test(tcase, done_again_nothing_changes, 0, VB_ARRAY_SIZE(inserted));
	tcase_add_loop_test(tcase, nothing_behind_the_text_is_read, 0, VB_ARRAY_SIZE(inserted));
	tcase_add_test(tcase, an_address_that_a_listed_network_holds_is_there_already);
	tcase_add_test(tcase, replacing_drops_what_was_not_needed);
	tcase_add_test(tcase, an_empty_list_is_never_written);
	tcase_add_loop_test(tcase, what_is_no_valid_manifest_is_refused_before_and_after, 0,
		VB_ARRAY_SIZE(refused));
	tcase_add_test(tcase, a_manifest_does_not_grow_over_its_limit);
	tcase_add_test(tcase, a_block_is_what_a_manifest_takes);
	return vb_unit_run("derive_manifest", tcase);
}
