/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation on the way from annotations to the plan file fails once (allocation.h). Each
 * time the answer is the right one all the same, or a clean -ENOMEM; AddressSanitizer watches for
 * leaks and worse.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../golden/decide/case.h"
#include "allocation.h"
#include "tar_maker.h"
#include "unit.h"
#include "vb/adjust/bundle_store.h"
#include "vb/adjust/denials.h"
#include "vb/adjust/derive.h"
#include "vb/adjust/refusal.h"
#include "vb/adjust/supply.h"
#include "vb/adjust/text.h"
#include "vb/base/file.h"

enum { TEXT_MAX = 1 << 20 };

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "render a plan");
}

/* Plan file, the plan read from it, and its text. */
static int render(const struct vb_plan *plan, char **ret_answer, struct vb_error *err)
{
	vb_auto_free char *json = vb_plan_to_json(plan);
	vb_auto_plan struct vb_plan *again = NULL;
	vb_auto_buf struct vb_buf *text = vb_buf_create(TEXT_MAX);

	if (json == NULL || text == NULL)
		return out_of_memory(err);
	int r = vb_plan_from_json(json, strlen(json), &again, err);
	if (r < 0)
		return r;
	if (vb_buf_printf(text, "%s\n", json) < 0 || vb_plan_to_text(again, 2, text) < 0)
		return out_of_memory(err);
	char *answer = vb_buf_strdup(text);
	if (answer == NULL)
		return out_of_memory(err);
	*ret_answer = answer;
	return 0;
}

/* A refusal is an answer too; an error without a code is none. */
static int decide_case(void *context, char **ret_answer, struct vb_error *err)
{
	const struct vb_case *c = context;
	vb_auto_plan struct vb_plan *plan = NULL;
	struct vb_case_parser parser;
	char line[VB_REFUSAL_LINE_MAX];

	vb_case_parser_init(&parser, NULL);
	int r = vb_case_decide(c, &parser.finder, &plan, err);
	vb_case_parser_finish(&parser);
	if (r == -ENOMEM)
		return r;
	if (r == 0 && plan != NULL)
		return render(plan, ret_answer, err);
	vb_refusal_format(
		line, err, c->subject.namespace_name, c->subject.pod, c->subject.container);
	*ret_answer = allocation_strdup(r == 0 ? "left alone" : line);
	return 0;
}

START_TEST(every_golden_case_survives_every_failing_allocation)
{
	vb_auto_strv struct vb_strv directories = {0};
	struct vb_error err;
	unsigned int total = 0;

	ck_assert_msg(vb_case_list(VB_TEST_DATA "/golden/decide", &directories, &err) == 0, "%s",
		err.what);
	for (size_t i = 0; i < directories.count; i++) {
		struct vb_case c;
		ck_assert_msg(
			vb_case_load(&c, directories.items[i], "/node", &err) == 0, "%s", err.what);
		total += allocation_starve(directories.items[i], decide_case, &c, 1);
		vb_case_finish(&c);
	}
	printf("%u allocations failed in %zu cases\n", total, directories.count);
	ck_assert_uint_gt(total, 1000);
}
END_TEST

struct store_scenario {
	const char *directory;
	const char *name;
	const char *digest;
	bool trusts; /* a key, so that signatures are looked at */
};

static int trust(struct vb_bundle_store *store, struct vb_error *err)
{
	vb_auto_strv struct vb_strv keys = {0};

	if (vb_strv_add(&keys, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBXvCdjUCiQNFQpZFo2bplclEn5Ih95"
			       "dazmF3i1fjSbS") < 0)
		return out_of_memory(err);
	return vb_bundle_store_trust(store, &keys, false, err);
}

/* Looks a bundle up twice, as one that is not kept and as one that is. */
static int look_up(void *context, char **ret_answer, struct vb_error *err)
{
	const struct store_scenario *scenario = context;
	vb_auto_strv struct vb_strv directories = {0};
	vb_auto_bundle_store struct vb_bundle_store *store = NULL;
	const struct vb_bundle_pin pin = {scenario->digest, "the pod"};
	const struct vb_bundle *bundle = NULL;

	if (vb_strv_add(&directories, "/nowhere") < 0 ||
		vb_strv_add(&directories, scenario->directory) < 0)
		return out_of_memory(err);
	store = vb_bundle_store_create(&directories);
	if (store == NULL)
		return out_of_memory(err);
	vb_bundle_store_accept_any_owner(store);
	int r = scenario->trusts ? trust(store, err) : 0;
	if (r == 0)
		r = vb_bundle_store_get(store, scenario->name, NULL, &bundle, err);
	if (r == 0)
		r = vb_bundle_store_get(store, scenario->name, &pin, &bundle, err);
	if (r == -ENOMEM)
		return r;
	*ret_answer = allocation_strdup(r == 0 ? bundle->version : err->what);
	return 0;
}

static const char other_signature[] =
	"-----BEGIN SSH SIGNATURE-----\n"
	"U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgFe8J2NQKJA0VClkWjZumVyUSfk\n"
	"iH3l1rOYXeLV+NJtIAAAAPdmFtYnJhY2UtYnVuZGxlAAAAAAAAAAZzaGE1MTIAAABTAAAA\n"
	"C3NzaC1lZDI1NTE5AAAAQDyUY32IryqqPxzIV0DdAkNaPLF7MV0IgL6ScDA81Ee7nU/kuG\n"
	"qrSjjqH14Dhuv8djo9rmIfRZNrLs5oxox+iQE=\n"
	"-----END SSH SIGNATURE-----\n";

START_TEST(every_bundle_lookup_survives_every_failing_allocation)
{
	static const char manifest[] =
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\",\"version\":"
		"\"1\",\"dlopen_allowlist\":{\"paths\":[\"/lib/a.so\"]},"
		"\"profiles\":{\"a\":\"sha256:"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"},"
		"\"hardening\":{\"tmpfs\":[{\"path\":\"/tmp\"}]}}";
	char directory[] = "/tmp/vb-test-allocation.XXXXXX";
	struct vb_error err;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	vb_auto_free char *bundle = vb_str_format("%s/arm", directory);
	vb_auto_free char *file = vb_str_format("%s/manifest.json", bundle);
	ck_assert_int_eq(mkdir(bundle, 0755), 0);
	ck_assert_int_eq(vb_file_replace(file, manifest, strlen(manifest), 0644, &err), 0);
	tar_begin();
	tar_add("./manifest.json", "{\"kind\":\"bundle\",\"schema_version\":\"1.5\",\"name\":"
				   "\"wing\",\"version\":\"2\"}");
	tar_add("./policies/p", "x");
	tar_end();
	vb_auto_free char *tar = vb_str_format("%s/wing.tar", directory);
	vb_auto_free char *signed_tar = vb_str_format("%s/tail.tar", directory);
	vb_auto_free char *signature = vb_str_format("%s/tail.tar.sig", directory);
	ck_assert_int_eq(vb_file_replace(tar, tar_data(), tar_size(), 0644, &err), 0);
	ck_assert_int_eq(vb_file_replace(signed_tar, tar_data(), tar_size(), 0644, &err), 0);
	/* By the key that is trusted, over something else. */
	ck_assert_int_eq(
		vb_file_replace(signature, other_signature, strlen(other_signature), 0644, &err),
		0);
	struct store_scenario found = {directory, "arm", NULL, false};
	struct store_scenario missing = {directory, "leg", NULL, false};
	struct store_scenario pinned = {directory, "arm", "sha256:other", false};
	struct store_scenario packed = {directory, "wing", NULL, true};
	struct store_scenario forged = {directory, "tail", NULL, true};
	ck_assert_uint_gt(allocation_starve("found", look_up, &found, 1), 10);
	ck_assert_uint_gt(allocation_starve("missing", look_up, &missing, 1), 4);
	ck_assert_uint_gt(allocation_starve("pinned", look_up, &pinned, 1), 10);
	ck_assert_uint_gt(allocation_starve("packed", look_up, &packed, 1), 10);
	ck_assert_uint_gt(allocation_starve("forged", look_up, &forged, 1), 10);
	ck_assert_int_eq(unlink(file) | rmdir(bundle), 0);
	ck_assert_int_eq(unlink(tar) | unlink(signed_tar) | unlink(signature), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

struct derivation {
	enum vb_derive_list list;
	const char *log;
};

/* A log, the list, and the manifest that it goes into; the answer is the manifest. */
static int derive_list(void *context, char **ret_answer, struct vb_error *err)
{
	static const char manifest[] = "{\"kind\":\"bundle\",\"schema_version\":\"1.6\","
				       "\"name\":\"arm\",\"version\":\"1\"}";
	const struct derivation *derivation = context;
	vb_auto_derive struct vb_derive *derive = vb_derive_create(derivation->list);
	const struct vb_derived *derived = NULL;
	char *answer = NULL;

	if (derive == NULL)
		return out_of_memory(err);
	int r = vb_derive_feed(derive, derivation->log, strlen(derivation->log), err);
	if (r == 0)
		r = vb_derive_end_log(derive, err);
	if (r == 0)
		r = vb_derive_finish(derive, NULL, &derived, err);
	if (r < 0)
		return r;
	struct vb_derive_update update = {.list = derivation->list, .entries = &derived->entries};
	vb_auto_free char *block = vb_derive_block(derivation->list, &derived->entries);
	if (block == NULL)
		return out_of_memory(err);
	r = vb_derive_update_manifest(manifest, strlen(manifest), &update, &answer, err);
	if (r < 0)
		return r;
	*ret_answer = allocation_strdup(answer);
	free(answer);
	return 0;
}

START_TEST(every_derivation_survives_every_failing_allocation)
{
	static struct derivation derivations[] = {
		{VB_DERIVE_DLOPEN,
			"autonomy-preload-audit: dlopen(filename=\"/l/a.so\", flags=0x1, "
			"result=loaded)\n"
			"autonomy-preload-audit: dlopen(filename=\"b.so\", flags=0x1, "
			"result=loaded)\n"
			"autonomy-preload: dlopen(c.so) denied by "
			"AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST\n"},
		{VB_DERIVE_EXEC, "autonomy-preload-audit: execve(path=\"/bin/a\", result=allowed)\n"
				 "autonomy-preload: execve(/bin/b) denied by "
				 "AUTONOMY_PRELOAD_EXEC_ALLOWLIST\n"},
		{VB_DERIVE_CONNECT, "autonomy-preload-audit: connect(address=\"10.0.0.1:1\", "
				    "result=allowed)\n"
				    "autonomy-preload: connect(10.0.0.2:0) denied by "
				    "AUTONOMY_PRELOAD_CONNECT_ALLOWLIST\n"},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(derivations); i++)
		ck_assert_uint_gt(allocation_starve(vb_derive_list_name(derivations[i].list),
					  derive_list, &derivations[i], 1),
			20);
}
END_TEST

/* A log with every kind of denial, read in two pieces; the answer is a line for each. */
static int list_denials(void *context, char **ret_answer, struct vb_error *err)
{
	const char *log = context;
	size_t half = strlen(log) / 2;
	vb_auto_denials struct vb_denials *denials = vb_denials_create(0, INT64_MAX);
	vb_auto_buf struct vb_buf *lines = vb_buf_create(TEXT_MAX);

	if (denials == NULL || lines == NULL)
		return out_of_memory(err);
	int r = vb_denials_feed(denials, log, half, err);
	if (r == 0)
		r = vb_denials_feed(denials, log + half, strlen(log) - half, err);
	if (r == 0)
		r = vb_denials_end_log(denials, err);
	if (r < 0)
		return r;
	const struct vb_denied *denied = vb_denials_finish(denials);
	for (size_t i = 0; i < denied->count; i++) {
		const struct vb_denial *item = &denied->items[i];
		if (vb_buf_printf(lines, "%s %s %s %u\n", item->call, item->target,
			    item->entry != NULL ? item->entry : "-", (unsigned int)item->count) < 0)
			return out_of_memory(err);
	}
	*ret_answer = vb_buf_strdup(lines);
	return *ret_answer == NULL ? out_of_memory(err) : 0;
}

START_TEST(every_list_of_denials_survives_every_failing_allocation)
{
	static char log[] =
		"autonomy-preload: execve(/bin/a) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST\n"
		"autonomy-preload: execve(/bin/a) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST\n"
		"autonomy-preload: dlopen(c.so) denied by AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST\n"
		"autonomy-preload: connect(10.0.0.2:80) denied by "
		"AUTONOMY_PRELOAD_CONNECT_ALLOWLIST\n"
		"autonomy-preload: io_uring_setup(entries=1) denied by "
		"AUTONOMY_PRELOAD_CONNECT_ALLOWLIST\n";

	ck_assert_uint_gt(allocation_starve("denials", list_denials, log, 1), 15);
}
END_TEST

/* The bundle and both profiles of a container, one of them by its path. */
static int gather(void *context, char **ret_answer, struct vb_error *err)
{
	const char *directory = context;
	vb_auto_strv struct vb_strv bundle_dirs = {0};
	vb_auto_config struct vb_config config = {0};
	vb_auto_free char *path = vb_str_format("%s/site.json", directory);
	const struct vb_request request = {
		.asked = true, .bundle_name = (char[]){"arm"}, .seccomp_profile = path};
	const struct vb_supply_question question = {"robots", &request};
	vb_auto_supply_notes struct vb_supply_notes notes = {0};
	vb_auto_supply struct vb_supply supply = {0};

	if (path == NULL || vb_strv_add(&bundle_dirs, directory) < 0 ||
		vb_strv_add(&config.profile_dirs, directory) < 0)
		return out_of_memory(err);
	vb_auto_bundle_store struct vb_bundle_store *bundles = vb_bundle_store_create(&bundle_dirs);
	vb_auto_profile_store struct vb_profile_store *profiles = vb_profile_store_create();
	if (bundles == NULL || profiles == NULL)
		return out_of_memory(err);
	vb_bundle_store_accept_any_owner(bundles);
	vb_profile_store_accept_any_owner(profiles);
	const struct vb_stores stores = {bundles, profiles};
	int r = vb_supply_gather(&stores, &config, &question, &notes, &supply, err);
	if (r == -ENOMEM)
		return r;
	*ret_answer = allocation_strdup(
		r < 0 ? err->what
		: vb_str_equal(supply.annotated_profile->text, supply.bundled_profile->text)
			? "the same"
			: "two");
	return 0;
}

START_TEST(gathering_profiles_survives_every_failing_allocation)
{
	static const char manifest[] =
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\",\"version\":"
		"\"1\",\"hardening\":{\"seccomp\":{\"profile\":\"p\"}}}";
	static const char profile[] = "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
				      "{\"names\":[\"sync\"],\"action\":\"SCMP_ACT_ERRNO\"}]}";
	char directory[] = "/tmp/vb-test-allocation.XXXXXX";
	struct vb_error err;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	vb_auto_free char *profiles = vb_str_format("%s/arm/profiles", directory);
	vb_auto_free char *bundle = vb_str_format("%s/arm", directory);
	vb_auto_free char *file = vb_str_format("%s/manifest.json", bundle);
	vb_auto_free char *own = vb_str_format("%s/p.json", profiles);
	vb_auto_free char *site = vb_str_format("%s/site.json", directory);
	ck_assert_int_eq(vb_file_make_directories(profiles, &err), 0);
	ck_assert_int_eq(vb_file_replace(file, manifest, strlen(manifest), 0644, &err), 0);
	ck_assert_int_eq(vb_file_replace(own, profile, strlen(profile), 0644, &err), 0);
	ck_assert_int_eq(vb_file_replace(site, profile, strlen(profile), 0644, &err), 0);
	ck_assert_uint_gt(allocation_starve("gathered", gather, directory, 1), 50);
	ck_assert_int_eq(unlink(own), 0);
	ck_assert_uint_gt(allocation_starve("missing", gather, directory, 1), 20);
	ck_assert_int_eq(
		unlink(file) | unlink(site) | rmdir(profiles) | rmdir(bundle) | rmdir(directory),
		0);
}
END_TEST

/* The problems of a manifest with some of every kind, a line each. */
static int list_problem(
	void *context, enum vb_bundle_severity severity, const struct vb_error *problem)
{
	return vb_buf_printf(context, "%d %s: %s\n", (int)severity, problem->place, problem->what);
}

static int check_manifest(void *context, char **ret_answer, struct vb_error *err)
{
	const char *manifest = context;
	vb_auto_buf struct vb_buf *problems = vb_buf_create(1 << 16);

	if (problems == NULL ||
		vb_bundle_check(manifest, strlen(manifest), "arm", list_problem, problems) < 0)
		return out_of_memory(err);
	*ret_answer = vb_buf_strdup(problems);
	return *ret_answer == NULL ? out_of_memory(err) : 0;
}

START_TEST(every_check_of_a_manifest_survives_every_failing_allocation)
{
	static char manifest[] =
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\",\"version\":1,"
		"\"colour\":1,\"profiles\":{\"a\":1},\"dlopen_allowlist\":{\"paths\":[\"a\",\"/"
		"a.so\"]},"
		"\"hardening\":{\"x\":1,\"seccomp\":{\"profile\":\"a\",\"spec_allow\":\"b\"},"
		"\"capabilities\":{\"drop\":[\"KILL\",\"FLY\"]},\"tmpfs\":[{\"path\":\"/tmp\"},{}],"
		"\"rlimits\":[{\"type\":\"CORE\",\"soft\":1,\"hard\":1},{}],"
		"\"preload\":{\"exec_allowlist\":[\"/a\",1],\"audit\":[\"exec\",\"b\"]}}}";

	ck_assert_uint_gt(allocation_starve("manifest", check_manifest, manifest, 1), 20);
}
END_TEST

struct parse {
	int r;
};

static void parse_request(void *context)
{
	static const struct vb_annotation items[] = {
		{"containers.vambrace.dev", "{\"app\":{\"tmpfs\":\"/tmp\"}}"},
		{"preload-exec-allowlist.vambrace.dev", "/bin/ls,/bin/sh"}};
	const struct vb_annotations annotations = {items, VB_ARRAY_SIZE(items)};
	vb_auto_request struct vb_request request = {0};
	struct parse *parse = context;

	parse->r = vb_request_parse(&annotations, "app", &request, NULL);
}

START_TEST(without_an_error_to_fill_out_of_memory_is_still_told)
{
	struct parse parse;
	unsigned int refused = 0;

	for (unsigned int number = 1; allocation_fail_one(number, parse_request, &parse);
		number++) {
		ck_assert_msg(
			parse.r == 0 || parse.r == -ENOMEM, "allocation %u: %d", number, parse.r);
		refused += parse.r < 0;
	}
	ck_assert_uint_gt(refused, 10);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("allocation");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, allocation_start, NULL);
	tcase_add_test(tcase, every_golden_case_survives_every_failing_allocation);
	tcase_add_test(tcase, every_bundle_lookup_survives_every_failing_allocation);
	tcase_add_test(tcase, every_derivation_survives_every_failing_allocation);
	tcase_add_test(tcase, every_list_of_denials_survives_every_failing_allocation);
	tcase_add_test(tcase, gathering_profiles_survives_every_failing_allocation);
	tcase_add_test(tcase, every_check_of_a_manifest_survives_every_failing_allocation);
	tcase_add_test(tcase, without_an_error_to_fill_out_of_memory_is_still_told);
	return vb_unit_run("allocation", tcase);
}
