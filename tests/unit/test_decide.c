/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What golden cases (tests/golden/decide) cannot hold: sizes at their limits, bytes that are not
 * UTF-8, and the largest inputs.
 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/decide.h"

static struct vb_error err;
static struct vb_config config;
static struct vb_request request;
static struct vb_bundle *bundle;
static struct vb_supply supply;
static struct vb_plan *plan;
static struct vb_subject subject;

static void start(void)
{
	memset(&err, 0, sizeof(err));
	ck_assert_int_eq(vb_config_init(&config), 0);
	request = (struct vb_request){0};
	bundle = NULL;
	supply = (struct vb_supply){0};
	plan = NULL;
	subject = (struct vb_subject){.namespace_name = "robots",
		.pod = "arm-7",
		.container = "driver",
		.handler = "vambrace",
		.shim_installed = true};
}

static void finish(void)
{
	vb_plan_destroy(plan);
	vb_bundle_destroy(bundle);
	vb_request_finish(&request);
	vb_config_finish(&config);
}

static void ask(const char *key, const char *value)
{
	const struct vb_annotation item = {key, value};
	const struct vb_annotations annotations = {&item, 1};

	ck_assert_msg(
		vb_request_parse(&annotations, "driver", &request, &err) == 0, "%s", err.what);
}

static int decide(void)
{
	supply.bundle = bundle;
	return vb_plan_decide(&subject, &request, &supply, &config, &plan, &err);
}

/* "<prefix>0,<prefix>1,...": count entries. */
static char *enumerate(const char *prefix, size_t count, const char *suffix)
{
	vb_auto_strv struct vb_strv strv = {0};

	for (size_t i = 0; i < count; i++) {
		char entry[64];
		(void)snprintf(entry, sizeof(entry), "%s%zu%s", prefix, i, suffix);
		ck_assert_int_eq(vb_strv_add(&strv, entry), 0);
	}
	char *text = vb_strv_join(&strv, ',');
	ck_assert_ptr_nonnull(text);
	return text;
}

/* An exec list whose variable "AUTONOMY_PRELOAD_EXEC_ALLOWLIST=..." has this many bytes. */
static char *exec_list_for(size_t variable_bytes)
{
	static const size_t name_bytes = sizeof("AUTONOMY_PRELOAD_EXEC_ALLOWLIST=") - 1;
	size_t left = variable_bytes - name_bytes;
	char *list = malloc(left + 1);

	ck_assert_ptr_nonnull(list);
	memset(list, 'a', left);
	list[left] = '\0';
	/* Entries of 4000 bytes, each different: a number behind the slash. */
	for (size_t at = 0; at < left; at += 4000) {
		char number[16];
		int length = snprintf(number, sizeof(number), "/%03zu", at / 4000);
		memcpy(list + at, number, (size_t)length);
		if (at > 0)
			list[at - 1] = ',';
	}
	return list;
}

START_TEST(a_variable_may_fill_what_the_kernel_takes)
{
	vb_auto_free char *list = exec_list_for(131071);

	ask("preload-exec-allowlist.vambrace.dev", list);
	ck_assert_msg(decide() == 0, "%s", err.what);
	ck_assert_uint_eq(plan->env.count, 2);
	ck_assert_uint_eq(strlen(plan->env.items[0]), 131071);
}
END_TEST

START_TEST(a_variable_of_one_byte_more_is_refused)
{
	vb_auto_free char *list = exec_list_for(131072);

	ask("preload-exec-allowlist.vambrace.dev", list);
	vb_assert_refused(decide(), &err,
		"ErrInvalidValue: AUTONOMY_PRELOAD_EXEC_ALLOWLIST would have 131072 bytes, the "
		"kernel takes at most 131071 in one variable: shorten the list");
	ck_assert_ptr_null(plan);
}
END_TEST

START_TEST(a_dlopen_list_that_does_not_fit_into_its_variable_is_refused)
{
	vb_auto_free char *paths = enumerate("\"/opt/a-directory-for-libraries/lib", 3500, ".so\"");
	vb_auto_free char *manifest = vb_str_format(
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\","
		"\"version\":\"0.1.0\",\"channel\":\"dev\",\"min_adk_version\":\"1.0\","
		"\"dlopen_allowlist\":{\"paths\":[%s]}}",
		paths);

	ck_assert_ptr_nonnull(manifest);
	ck_assert_msg(vb_bundle_parse(manifest, strlen(manifest), "arm", &bundle, &err) == 0, "%s",
		err.what);
	ask("bundle.vambrace.dev", "arm");
	vb_assert_refused(decide(), &err,
		"ErrInvalidValue: AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST would have 145923 bytes, the "
		"kernel takes at most 131071 in one variable: shorten the list");
}
END_TEST

START_TEST(an_ld_preload_that_grows_too_long_is_refused)
{
	/* The shim's path and a colon come in front of it. */
	vb_auto_free char *own = vb_str_format("LD_PRELOAD=/%0131022d", 1);
	const char *const env[] = {own};

	subject.env = env;
	subject.env_count = 1;
	ask("preload.vambrace.dev", "on");
	vb_assert_refused(decide(), &err,
		"ErrInvalidValue: LD_PRELOAD would have 131072 bytes, the kernel takes at most "
		"131071 in one variable: shorten the list");
}
END_TEST

START_TEST(an_ld_preload_that_is_not_utf8_is_refused)
{
	static const char *const env[] = {"LD_PRELOAD=/lib/\xff.so"};

	subject.env = env;
	subject.env_count = 1;
	ask("preload.vambrace.dev", "on");
	vb_assert_refused(decide(), &err,
		"ErrInvalidValue: LD_PRELOAD of the pod or its image is not UTF-8: correct the "
		"variable");
}
END_TEST

START_TEST(the_last_of_several_variables_counts)
{
	static const char *const env[] = {
		"LD_PRELOAD=/a.so", "LD_PRELOADED=/x.so", "LD_PRELOAD=/b.so", "LD_PRELOAD"};

	subject.env = env;
	subject.env_count = VB_ARRAY_SIZE(env);
	ask("preload.vambrace.dev", "on");
	ck_assert_int_eq(decide(), 0);
	ck_assert_str_eq(
		plan->env.items[0], "LD_PRELOAD=/usr/local/lib/libautonomy_preload.so:/b.so");
}
END_TEST

START_TEST(a_name_that_is_not_utf8_is_an_error_of_the_runtimes)
{
	subject.pod = "arm\xff";
	vb_assert_failed(decide(), EILSEQ, &err, "the name 'arm?' is not UTF-8");
	subject.pod = "arm-7";
	subject.container = "\xc3";
	ck_assert_int_eq(decide(), -EILSEQ);
	subject.container = "driver";
	subject.namespace_name = "\xed\xa0\x80";
	ck_assert_int_eq(decide(), -EILSEQ);
	ck_assert_ptr_null(plan);
}
END_TEST

START_TEST(names_stand_in_the_plan_as_they_are)
{
	subject.namespace_name = "r\xc3\xb6"
				 "bots\n";
	subject.container = "";
	ck_assert_int_eq(decide(), 0);
	ck_assert_str_eq(plan->namespace_name, "r\xc3\xb6"
					       "bots\n");
	ck_assert_str_eq(plan->pod, "arm-7");
	ck_assert_str_eq(plan->container, "");
	ck_assert_str_eq(plan->handler, "vambrace");
	ck_assert(plan->hooked);
}
END_TEST

START_TEST(a_mount_without_a_source_is_named_as_such)
{
	static const struct vb_subject_mount mounts[] = {{.destination = "/data"},
		{.destination = "/conf", .source = "", .read_only = true}};

	subject.mounts = mounts;
	subject.mount_count = VB_ARRAY_SIZE(mounts);
	ask("tmpfs.vambrace.dev", "/data");
	vb_assert_refused(decide(), &err,
		"ErrConflict: tmpfs '/data' would cover the mount at '/data' (no source): remove "
		"the tmpfs or the volume");
	vb_request_finish(&request);
	ask("tmpfs.vambrace.dev", "/conf/x");
	vb_assert_refused(decide(), &err,
		"ErrConflict: '/conf/x' lies in the read-only mount at '/conf' (no source), where "
		"it cannot be mounted: make the volume writable, or mount it elsewhere");
}
END_TEST

START_TEST(a_relative_destination_starts_at_the_root)
{
	static const struct vb_subject_mount mounts[] = {
		{.destination = "tmp/./x/", .source = "/a", .read_only = true}};

	subject.mounts = mounts;
	subject.mount_count = VB_ARRAY_SIZE(mounts);
	ask("tmpfs.vambrace.dev", "/tmp/x");
	vb_assert_refused(decide(), &err,
		"ErrConflict: tmpfs '/tmp/x' would cover the mount at 'tmp/./x/' (/a): remove the "
		"tmpfs or the volume");
	vb_request_finish(&request);
	ask("tmpfs.vambrace.dev", "/tmp/x/y");
	ck_assert_int_eq(decide(), -EPERM);
	vb_request_finish(&request);
	ask("tmpfs.vambrace.dev", "/tmp");
	ck_assert_int_eq(decide(), 0);
}
END_TEST

START_TEST(of_mounts_at_one_place_the_last_is_on_top)
{
	static const struct vb_subject_mount writable_on_top[] = {
		{.destination = "/data", .source = "/a", .read_only = true},
		{.destination = "/data/", .source = "/b"}};
	static const struct vb_subject_mount read_only_on_top[] = {
		{.destination = "/data", .source = "/b"},
		{.destination = "/data", .source = "/a", .read_only = true}};

	ask("tmpfs.vambrace.dev", "/data/x");
	subject.mount_count = 2;
	subject.mounts = writable_on_top;
	ck_assert_int_eq(decide(), 0);
	subject.mounts = read_only_on_top;
	ck_assert_int_eq(decide(), -EPERM);
}
END_TEST

START_TEST(only_the_innermost_mount_around_a_path_counts)
{
	static const struct vb_subject_mount writable_inside[] = {
		{.destination = "/a", .read_only = true},
		{.destination = "/a-b", .read_only = true}, {.destination = "/a/b"},
		{.destination = "relative", .read_only = true}};
	static const struct vb_subject_mount read_only_inside[] = {{.destination = "/a"},
		{.destination = "/a-b"}, {.destination = "/a/b", .read_only = true}};

	ask("tmpfs.vambrace.dev", "/a/b/c/d");
	subject.mounts = writable_inside;
	subject.mount_count = VB_ARRAY_SIZE(writable_inside);
	ck_assert_int_eq(decide(), 0);
	subject.mounts = read_only_inside;
	subject.mount_count = VB_ARRAY_SIZE(read_only_inside);
	ck_assert_int_eq(decide(), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.what, "'/a/b'"));
}
END_TEST

START_TEST(a_container_left_alone_has_no_plan_and_no_error)
{
	subject.handler = "runc";
	plan = (struct vb_plan *)&subject;
	ck_assert_int_eq(decide(), 0);
	ck_assert_ptr_null(plan);
}
END_TEST

START_TEST(without_an_error_to_fill_refusals_stay_refusals)
{
	ask("cap-drop.vambrace.dev", "ALL");
	subject.handler = "runc";
	ck_assert_int_eq(vb_plan_decide(&subject, &request, &supply, &config, &plan, NULL), -EPERM);
}
END_TEST

START_TEST(thousands_of_tmpfs_stand_between_a_thousand_mounts)
{
	vb_auto_free char *list = enumerate("/t", VB_PLAN_MOUNTS_MAX - 1000, "");
	static struct vb_subject_mount mounts[1000];
	static char destinations[1000][16];

	for (size_t i = 0; i < VB_ARRAY_SIZE(mounts); i++) {
		(void)snprintf(destinations[i], sizeof(destinations[i]), "/m/%zu", i);
		mounts[i] = (struct vb_subject_mount){.destination = destinations[i]};
	}
	subject.mounts = mounts;
	subject.mount_count = VB_ARRAY_SIZE(mounts);
	ask("tmpfs.vambrace.dev", list);
	ck_assert_msg(decide() == 0, "%s", err.what);
	ck_assert_uint_eq(plan->mounts.count, VB_PLAN_MOUNTS_MAX - 1000);

	/* One among the thousand is in the way, by its place or by what is around it. */
	mounts[500].destination = "/t1024/";
	vb_plan_destroy(VB_STEAL(plan));
	ck_assert_int_eq(decide(), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.what, "cover the mount at '/t1024/'"));
	mounts[500] = (struct vb_subject_mount){.destination = "/", .read_only = true};
	ck_assert_int_eq(decide(), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.what, "lies in the read-only mount at '/'"));
}
END_TEST

START_TEST(more_mounts_than_the_hook_follows_are_refused)
{
	static struct vb_subject_mount mounts[VB_PLAN_MOUNTS_MAX];

	for (size_t i = 0; i < VB_ARRAY_SIZE(mounts); i++)
		mounts[i] = (struct vb_subject_mount){.destination = "/m"};
	subject.mounts = mounts;
	subject.mount_count = VB_PLAN_MOUNTS_MAX;
	ck_assert_msg(decide() == 0, "%s", err.what);
	vb_plan_destroy(VB_STEAL(plan));
	ask("preload.vambrace.dev", "on");
	vb_assert_refused(decide(), &err,
		"ErrInvalidValue: the container would have 3001 mounts, of which Vambrace follows "
		"at most 3000: use fewer volumes and tmpfs");
	subject.mount_count--;
	ck_assert_msg(decide() == 0, "%s", err.what);
}
END_TEST

START_TEST(the_longest_connect_lists_are_met)
{
	vb_auto_free char *annotated = enumerate("10.0.0.1:", 4097, "");
	vb_auto_free char *bundled = enumerate("\"10.0.0.0/24:", 4097, "\"");
	/* Port 0 is none: one entry of each list is too many. */
	vb_auto_free char *manifest =
		vb_str_format("{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\","
			      "\"version\":\"1\",\"hardening\":{\"preload\":{\"connect_allowlist\":"
			      "[%s]}}}",
			strchr(bundled, ',') + 1);

	ck_assert_msg(vb_bundle_parse(manifest, strlen(manifest), "arm", &bundle, &err) == 0, "%s",
		err.what);
	ask("preload-connect-allowlist.vambrace.dev", strchr(annotated, ',') + 1);
	ck_assert_msg(decide() == 0, "%s", err.what);
	ck_assert_uint_eq(plan->preload.connect.entries.count, 4096);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("decide");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, a_variable_may_fill_what_the_kernel_takes);
	tcase_add_test(tcase, a_variable_of_one_byte_more_is_refused);
	tcase_add_test(tcase, a_dlopen_list_that_does_not_fit_into_its_variable_is_refused);
	tcase_add_test(tcase, an_ld_preload_that_grows_too_long_is_refused);
	tcase_add_test(tcase, an_ld_preload_that_is_not_utf8_is_refused);
	tcase_add_test(tcase, the_last_of_several_variables_counts);
	tcase_add_test(tcase, a_name_that_is_not_utf8_is_an_error_of_the_runtimes);
	tcase_add_test(tcase, names_stand_in_the_plan_as_they_are);
	tcase_add_test(tcase, a_mount_without_a_source_is_named_as_such);
	tcase_add_test(tcase, a_relative_destination_starts_at_the_root);
	tcase_add_test(tcase, of_mounts_at_one_place_the_last_is_on_top);
	tcase_add_test(tcase, only_the_innermost_mount_around_a_path_counts);
	tcase_add_test(tcase, a_container_left_alone_has_no_plan_and_no_error);
	tcase_add_test(tcase, without_an_error_to_fill_refusals_stay_refusals);
	tcase_add_test(tcase, thousands_of_tmpfs_stand_between_a_thousand_mounts);
	tcase_add_test(tcase, more_mounts_than_the_hook_follows_are_refused);
	tcase_add_test(tcase, the_longest_connect_lists_are_met);
	return vb_unit_run("decide", tcase);
}
