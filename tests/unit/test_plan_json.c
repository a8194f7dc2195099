/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/plan.h"

static struct vb_error err;
static struct vb_plan *plan;

static void start(void)
{
	memset(&err, 0, sizeof(err));
	plan = NULL;
}

static void finish(void)
{
	vb_plan_destroy(plan);
}

static int read_plan(const char *text)
{
	return vb_plan_from_json(text, strlen(text), &plan, &err);
}

#define TAIL "\"mounts\":[],\"namespace\":\"n\",\"plan_version\":1,\"pod\":\"p\"}"
#define PLAN(layers)                                                                               \
	"{\"container\":\"c\",\"env\":[],\"handler\":\"h\",\"hooked\":true,\"layers\":{" layers    \
	"}," TAIL

static void assert_round_trip(const char *text)
{
	ck_assert_msg(read_plan(text) == 0, "%s", err.what);
	vb_auto_free char *again = vb_plan_to_json(plan);
	ck_assert_str_eq(again, text);
}

START_TEST(the_smallest_plan_comes_back)
{
	assert_round_trip(PLAN(""));
	ck_assert_str_eq(plan->namespace_name, "n");
	ck_assert_str_eq(plan->pod, "p");
	ck_assert_str_eq(plan->container, "c");
	ck_assert_str_eq(plan->handler, "h");
	ck_assert(plan->hooked);
	ck_assert_ptr_null(plan->bundle_name);
	for (unsigned int layer = 0; layer < VB_LAYER_COUNT; layer++)
		ck_assert(!vb_plan_has(plan, layer));
}
END_TEST

#define DIGEST "sha256:207895f66f4aae21568d39806dcd943674f5b149ed9db27e45a633e640ffd897"
#define PROFILE                                                                                    \
	"{\"digest\":\"" DIGEST "\",\"name\":\"p\",\"sources\":[\"bundle\",\"annotation\"],"       \
	"\"text\":\"{\\\"x\\\":18446744073709551615}\"}"

START_TEST(every_field_comes_back)
{
	assert_round_trip(
		"{\"bundle\":{\"digest\":\"sha256:0\",\"name\":\"b\",\"version\":\"1\"},"
		"\"container\":\"c\",\"env\":[\"A=1\",\"B=\"],"
		"\"floor\":{\"digest\":\"sha256:1\",\"name\":\"f\",\"version\":\"2\"},\"handler\":"
		"\"\",\"hooked\":false,"
		"\"layers\":{"
		"\"capabilities\":{\"drop\":[\"CAP_KILL\",\"CAP_BPF\"],\"sources\":[\"floor\"]},"
		"\"no_new_privileges\":{\"sources\":[\"default\",\"annotation\"]},"
		"\"preload\":{\"audit\":[\"exec\"],\"connect_allowlist\":[],\"datagrams\":true,"
		"\"dlopen_allowlist\":[\"/a.so\"],\"exec_allowlist\":[\"/b\",\"/c\"],"
		"\"foreign_abi\":true,\"require\":true,\"sources\":[\"bundle\"]},"
		"\"read_only_rootfs\":{\"sources\":[\"bundle\"]},"
		"\"rlimits\":{\"limits\":[{\"hard\":\"18446744073709551615\",\"soft\":\"0\","
		"\"type\":\"RLIMIT_CORE\"}],\"sources\":[\"bundle\"]},"
		"\"seccomp\":{\"closure\":true,\"deny_io_uring\":true,\"log\":true,"
		"\"native_abi_only\":true,\"profiles\":[" PROFILE "],\"runtime_default\":true,"
		"\"sources\":[\"bundle\"],"
		"\"starter\":true},"
		"\"spec_allow\":{\"sources\":[\"annotation\"],\"value\":\"mitigate\"},"
		"\"tmpfs\":{\"mounts\":[{\"mode\":\"0007\",\"noexec\":true,\"path\":\"/t\","
		"\"size_bytes\":4096}],\"sources\":[\"bundle\"]}},"
		"\"mounts\":[{\"destination\":\"/t\",\"options\":[\"nosuid\"],"
		"\"source\":\"tmpfs\",\"type\":\"tmpfs\"}],"
		"\"namespace\":\"n\",\"opt_out_reason\":\"r\",\"plan_version\":1,\"pod\":\"p\"}");
	ck_assert_str_eq(plan->bundle_digest, "sha256:0");
	ck_assert_str_eq(plan->floor_name, "f");
	ck_assert_str_eq(plan->floor_version, "2");
	ck_assert_str_eq(plan->floor_digest, "sha256:1");
	ck_assert_str_eq(plan->opt_out_reason, "r");
	ck_assert_uint_eq(plan->env.count, 2);
	ck_assert_uint_eq(plan->sources[VB_LAYER_CAPABILITIES], VB_SOURCE_FLOOR);
	ck_assert_uint_eq(plan->sources[VB_LAYER_NO_NEW_PRIVILEGES],
		VB_SOURCE_DEFAULT | VB_SOURCE_ANNOTATION);
	ck_assert_uint_eq(plan->cap_drop, UINT64_C(1) << 5 | UINT64_C(1) << 39);
	ck_assert(plan->preload.connect.set);
	ck_assert_uint_eq(plan->preload.connect.entries.count, 0);
	ck_assert_uint_eq(plan->preload.audit, VB_AUDIT_EXEC);
	ck_assert_uint_eq(plan->rlimits.items[0].hard, UINT64_MAX);
	ck_assert(plan->seccomp.log);
	ck_assert_uint_eq(plan->seccomp.profiles.count, 1);
	ck_assert_str_eq(plan->seccomp.profiles.items[0].name, "p");
	ck_assert_str_eq(plan->seccomp.profiles.items[0].text, "{\"x\":18446744073709551615}");
	ck_assert_uint_eq(
		plan->seccomp.profiles.items[0].sources, VB_SOURCE_BUNDLE | VB_SOURCE_ANNOTATION);
	ck_assert(plan->preload.foreign_abi);
	ck_assert_int_eq(plan->spec_allow, VB_SPEC_ALLOW_MITIGATE);
	ck_assert_uint_eq(plan->tmpfs.items[0].mode, 07);
	ck_assert_uint_eq(plan->mounts.count, 1);
}
END_TEST

START_TEST(a_default_is_marked)
{
	assert_round_trip("{\"bundle\":{\"default\":true,\"digest\":\"sha256:0\",\"name\":\"b\","
			  "\"version\":\"1\"},\"container\":\"c\",\"env\":[],\"handler\":\"h\","
			  "\"hooked\":true,\"layers\":{}," TAIL);
	ck_assert(plan->bundle_is_default);
}
END_TEST

START_TEST(names_may_be_empty)
{
	assert_round_trip("{\"container\":\"\",\"env\":[],\"handler\":\"\",\"hooked\":false,"
			  "\"layers\":{},\"mounts\":[],\"namespace\":\"\",\"plan_version\":1,"
			  "\"pod\":\"\"}");
}
END_TEST

START_TEST(text_of_any_language_comes_back)
{
	assert_round_trip("{\"container\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\xa4\x96\",\"env\":["
			  "\"A=\\\"\\\\\\n\\u001B/\"],\"handler\":\"\",\"hooked\":true,"
			  "\"layers\":{}," TAIL);
}
END_TEST

static const struct {
	const char *text;
	const char *why;
} bad[] = {
#define LAYER(name, content) PLAN("\"" name "\":{" content "}")
#define CANONICAL            "not in the canonical form of a plan"
	{"", "JSON error in line 1, column 0: '[' or '{' expected near end of file"},
	{"[]", "not a plan of version 1"},
	{"{}", "not a plan of version 1"},
	{"{\"plan_version\":2}", "not a plan of version 1"},
	{"{\"plan_version\":\"1\"}", "not a plan of version 1"},
	{"{\"plan_version\":1}", "plan.namespace is not a string"},
	{"{\"namespace\":\"n\",\"plan_version\":1}", "plan.pod is not a string"},
	{"{\"namespace\":\"n\",\"plan_version\":1,\"pod\":\"p\"}",
		"plan.container is not a string"},
	{"{\"container\":\"c\",\"namespace\":\"n\",\"plan_version\":1,\"pod\":\"p\"}",
		"plan.handler is not a string"},
	{"{\"container\":\"c\",\"handler\":\"h\",\"namespace\":\"n\",\"plan_version\":1,\"pod\":"
	 "\"p\"}",
		CANONICAL},
	{"{\"container\":7," TAIL, "plan.container is not a string"},
	{PLAN("") "\n", CANONICAL},
	{" " PLAN(""), CANONICAL},
	{PLAN("") "x", "JSON error in line 1, column 122: end of file expected near 'x'"},
	{"{\"extra\":1," TAIL, "unknown key 'extra' in plan, did you mean 'env'?"},
	{"{\"container\":\"c\",\"env\":{},\"handler\":\"h\",\"hooked\":true,\"layers\":{}," TAIL,
		"plan.env must be an array"},
	{"{\"container\":\"c\",\"env\":[1],\"handler\":\"h\",\"hooked\":true,\"layers\":{}," TAIL,
		"plan.env[0] must be a string"},
	{"{\"container\":\"c\",\"env\":[],\"handler\":\"h\",\"hooked\":1,\"layers\":{}," TAIL,
		"plan.hooked must be true or false"},
	{"{\"bundle\":{\"name\":\"b\",\"x\":1},\"container\":\"c\",\"env\":[],\"handler\":\"h\","
	 "\"hooked\":true,\"layers\":{}," TAIL,
		"unknown key 'x' in bundle, did you mean 'name'?"},
	{"{\"bundle\":{\"default\":false,\"name\":\"b\"},\"container\":\"c\",\"env\":[],"
	 "\"handler\":\"h\",\"hooked\":true,\"layers\":{}," TAIL,
		CANONICAL},
	{"{\"bundle\":{\"default\":1,\"name\":\"b\"},\"container\":\"c\",\"env\":[],"
	 "\"handler\":\"h\",\"hooked\":true,\"layers\":{}," TAIL,
		"bundle.default must be true or false"},
	{"{\"container\":\"c\",\"env\":[],\"floor\":{\"default\":true,\"name\":\"b\"},"
	 "\"handler\":\"h\",\"hooked\":true,\"layers\":{}," TAIL,
		"unknown key 'default' in floor, did you mean 'digest'?"},
	{"{\"container\":\"c\",\"env\":[],\"handler\":\"h\",\"hooked\":true,\"layers\":{},"
	 "\"mounts\":[{\"destination\":\"/t\"}],\"namespace\":\"n\",\"plan_version\":1,\"pod\":"
	 "\"p\"}",
		"a mount lacks its destination, type or source"},
	{"{\"container\":\"c\",\"env\":[],\"handler\":\"h\",\"hooked\":true,\"layers\":{},"
	 "\"mounts\":[7],\"namespace\":\"n\",\"plan_version\":1,\"pod\":\"p\"}",
		"a mount lacks its destination, type or source"},
	{LAYER("secomp", ""), "unknown key 'secomp' in layers, did you mean 'seccomp'?"},
	{LAYER("seccomp", ""), "layer seccomp has no source"},
	{LAYER("seccomp", "\"sources\":[]"), "layer seccomp has no source"},
	{LAYER("seccomp", "\"sources\":[\"bundles\"]"), "unknown word 'bundles' in sources"},
	{LAYER("seccomp", "\"sources\":\"bundle\""), "layer.sources must be an array"},
	{LAYER("seccomp", "\"sources\":[\"bundle\",\"bundle\"]"), CANONICAL},
	{LAYER("seccomp", "\"sources\":[\"annotation\",\"bundle\"]"), CANONICAL},
	{LAYER("seccomp", "\"sources\":[\"bundle\"],\"starter\":false"), CANONICAL},
	{LAYER("seccomp", "\"starter\":true,\"sources\":[\"bundle\"]"), CANONICAL},
	{LAYER("seccomp", "\"sources\":[\"bundle\"],\"starter\":1"),
		"seccomp.starter must be true or false"},
	{LAYER("seccomp", "\"sources\":[\"bundle\"],\"x\":true"),
		"unknown key 'x' in seccomp, did you mean 'log'?"},
	{LAYER("seccomp", "\"profiles\":[],\"sources\":[\"bundle\"]"), CANONICAL},
	{LAYER("seccomp", "\"profiles\":[7],\"sources\":[\"bundle\"]"),
		"a profile lacks its name, text or sources"},
	{LAYER("seccomp", "\"profiles\":[" PROFILE "," PROFILE "],\"sources\":[\"bundle\"]"),
		CANONICAL},
	{LAYER("seccomp", "\"profiles\":[{\"digest\":\"" DIGEST "\",\"name\":\"p\",\"sources\":["
			  "\"bundle\"],\"text\":\"{\\\"x\\\":18446744073709551614}\"}],"
			  "\"sources\":[\"bundle\"]"),
		CANONICAL},
	{LAYER("seccomp", "\"profiles\":[{\"name\":\"p\",\"sources\":[],\"text\":\"x\"}],"
			  "\"sources\":[\"bundle\"]"),
		"a profile lacks its name, text or sources"},
	{LAYER("seccomp", "\"profiles\":[{\"path\":\"p\"}],\"sources\":[\"bundle\"]"),
		"unknown key 'path' in seccomp.profiles, did you mean 'name'?"},
	{LAYER("spec_allow", "\"sources\":[\"bundle\"]"), "unknown spec-allow value ''"},
	{LAYER("spec_allow", "\"sources\":[\"bundle\"],\"value\":\"inherit\""),
		"unknown spec-allow value 'inherit'"},
	{LAYER("capabilities", "\"sources\":[\"bundle\"]"), CANONICAL},
	{LAYER("capabilities", "\"drop\":[\"KILL\"],\"sources\":[\"bundle\"]"), CANONICAL},
	{LAYER("capabilities", "\"drop\":[\"ALL\"],\"sources\":[\"bundle\"]"), CANONICAL},
	{LAYER("capabilities", "\"drop\":[\"CAP_X\"],\"sources\":[\"bundle\"]"),
		"unknown capability 'CAP_X'"},
	{LAYER("read_only_rootfs", "\"sources\":[\"bundle\"],\"x\":1"),
		"unknown key 'x' in layer, did you mean 'sources'?"},
	{LAYER("tmpfs", "\"sources\":[\"bundle\"]"), CANONICAL},
	{LAYER("tmpfs", "\"mounts\":[7],\"sources\":[\"bundle\"]"), "tmpfs path '' is not usable"},
	{LAYER("tmpfs", "\"mounts\":[{\"mode\":\"1777\",\"path\":\"/t\",\"size_bytes\":\"1\"}],"
			"\"sources\":[\"bundle\"]"),
		"tmpfs.size_bytes is not a size"},
	{LAYER("tmpfs", "\"mounts\":[{\"mode\":\"1777\",\"path\":\"/t\",\"size_bytes\":-4096}],"
			"\"sources\":[\"bundle\"]"),
		"tmpfs.size_bytes is not a size"},
	{LAYER("tmpfs", "\"mounts\":[{\"mode\":\"777\",\"path\":\"/t\",\"size_bytes\":4096}],"
			"\"sources\":[\"bundle\"]"),
		CANONICAL},
	{LAYER("tmpfs", "\"mounts\":[{\"mode\":\"1777\",\"path\":\"/t/\",\"size_bytes\":4096}],"
			"\"sources\":[\"bundle\"]"),
		CANONICAL},
	{LAYER("tmpfs", "\"mounts\":[{\"mode\":\"1777\",\"path\":\"/proc\",\"size_bytes\":4096}],"
			"\"sources\":[\"bundle\"]"),
		"tmpfs path '/proc' is the root or lies in /proc, /sys or /dev"},
	{LAYER("rlimits", "\"limits\":[{\"hard\":\"1\",\"soft\":\"1\"}],\"sources\":[\"bundle\"]"),
		"rlimits.type is missing"},
	{LAYER("rlimits", "\"limits\":[{\"hard\":1,\"soft\":\"1\",\"type\":\"X\"}],"
			  "\"sources\":[\"bundle\"]"),
		"rlimits.hard must be a string that is not empty"},
	{LAYER("rlimits", "\"limits\":[{\"hard\":\"18446744073709551616\",\"soft\":\"1\","
			  "\"type\":\"X\"}],\"sources\":[\"bundle\"]"),
		"rlimits.hard is not a number"},
	{LAYER("rlimits", "\"limits\":[{\"hard\":\"1\",\"soft\":\"-1\",\"type\":\"X\"}],"
			  "\"sources\":[\"bundle\"]"),
		"rlimits.soft is not a number"},
	{LAYER("rlimits", "\"limits\":[{\"hard\":\"01\",\"soft\":\"1\",\"type\":\"X\"}],"
			  "\"sources\":[\"bundle\"]"),
		CANONICAL},
	{LAYER("preload", "\"sources\":[\"bundle\"]"), CANONICAL},
	{LAYER("preload", "\"audit\":[\"open\"],\"sources\":[\"bundle\"]"),
		"unknown word 'open' in audit"},
	{LAYER("preload", "\"audit\":[],\"exec_allowlist\":\"/a\",\"sources\":[\"bundle\"]"),
		"preload.exec_allowlist must be an array"},
};

START_TEST(anything_else_is_no_plan)
{
	vb_assert_failed(read_plan(bad[_i].text), EINVAL, &err, bad[_i].why);
	ck_assert_str_eq(err.fix, "");
	ck_assert_ptr_null(plan);
	ck_assert_int_eq(
		vb_plan_from_json(bad[_i].text, strlen(bad[_i].text), &plan, NULL), -EINVAL);
}
END_TEST

START_TEST(every_byte_cut_off_makes_it_no_plan)
{
	static const char text[] = LAYER("seccomp", "\"sources\":[\"bundle\"],\"starter\":true");

	for (size_t size = 0; size < sizeof(text) - 1; size++)
		ck_assert_int_eq(vb_plan_from_json(text, size, &plan, &err), -EINVAL);
	ck_assert_int_eq(vb_plan_from_json(text, sizeof(text) - 1, &plan, &err), 0);
}
END_TEST

START_TEST(layers_have_the_names_of_bundles_and_outcomes)
{
	static const char *const names[] = {"seccomp", "spec_allow", "capabilities",
		"read_only_rootfs", "tmpfs", "no_new_privileges", "rlimits", "preload"};

	ck_assert_uint_eq(VB_ARRAY_SIZE(names), VB_LAYER_COUNT);
	for (unsigned int i = 0; i < VB_LAYER_COUNT; i++)
		ck_assert_str_eq(vb_layer_name(i), names[i]);
}
END_TEST

START_TEST(destroying_nothing_is_fine)
{
	vb_plan_destroy(NULL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("plan_json");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, the_smallest_plan_comes_back);
	tcase_add_test(tcase, every_field_comes_back);
	tcase_add_test(tcase, a_default_is_marked);
	tcase_add_test(tcase, names_may_be_empty);
	tcase_add_test(tcase, text_of_any_language_comes_back);
	tcase_add_loop_test(tcase, anything_else_is_no_plan, 0, (int)VB_ARRAY_SIZE(bad));
	tcase_add_test(tcase, every_byte_cut_off_makes_it_no_plan);
	tcase_add_test(tcase, layers_have_the_names_of_bundles_and_outcomes);
	tcase_add_test(tcase, destroying_nothing_is_fine);
	return vb_unit_run("plan_json", tcase);
}
