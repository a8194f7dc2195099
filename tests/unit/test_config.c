/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/config.h"

static struct vb_error err;
static struct vb_config config;

static void start(void)
{
	memset(&err, 0, sizeof(err));
	config = (struct vb_config){0};
}

static void finish(void)
{
	vb_config_finish(&config);
}

static int parse(const char *text)
{
	return vb_config_parse(text, strlen(text), &config, &err);
}

static void assert_metrics_listen(const char *expected)
{
	char text[VB_CONNECT_TEXT_MAX];

	vb_connect_format(&config.metrics_listen, text);
	ck_assert_str_eq(text, expected);
}

static void assert_defaults(void)
{
	ck_assert_uint_eq(config.bundle_dirs.count, 2);
	ck_assert_str_eq(config.bundle_dirs.items[0], "/etc/vambrace/bundles");
	ck_assert_str_eq(config.bundle_dirs.items[1], "/var/lib/vambrace/bundles");
	ck_assert_uint_eq(config.profile_dirs.count, 0);
	ck_assert_uint_eq(config.runtime_handlers.count, 1);
	ck_assert(vb_config_has_handler(&config, "vambrace"));
	ck_assert(!vb_config_has_handler(&config, ""));
	ck_assert(!vb_config_has_handler(&config, "runc"));
	ck_assert_uint_eq(config.deadline_ms, 1500);
	ck_assert_uint_eq(config.trusted_keys.count, 0);
	ck_assert(!config.require_signature);
	ck_assert_str_eq(config.audit_log, "/var/log/vambrace/audit.jsonl");
	ck_assert_uint_eq(config.audit_log_max_bytes, 64 << 20);
	assert_metrics_listen("127.0.0.1:9465");
}

START_TEST(without_a_file_the_defaults_are_in_force)
{
	ck_assert_int_eq(vb_config_init(&config), 0);
	assert_defaults();
}
END_TEST

START_TEST(an_empty_object_leaves_the_defaults)
{
	ck_assert_int_eq(parse("{}"), 0);
	assert_defaults();
}
END_TEST

START_TEST(a_list_replaces_the_default_list)
{
	ck_assert_int_eq(parse("{\"bundle_dirs\":[\"/b\"],\"runtime_handlers\":[\"\",\"nv\"],"
			       "\"deadline_ms\":100}"),
		0);
	ck_assert_uint_eq(config.bundle_dirs.count, 1);
	ck_assert_str_eq(config.bundle_dirs.items[0], "/b");
	ck_assert(vb_config_has_handler(&config, ""));
	ck_assert(vb_config_has_handler(&config, "nv"));
	ck_assert(!vb_config_has_handler(&config, "vambrace"));
	ck_assert_uint_eq(config.deadline_ms, 100);
}
END_TEST

START_TEST(the_audit_log_has_a_path_and_a_cap)
{
	ck_assert_int_eq(
		parse("{\"audit_log\":\"/a/b\",\"audit_log_max_bytes\":1099511627776}"), 0);
	ck_assert_str_eq(config.audit_log, "/a/b");
	ck_assert_uint_eq(config.audit_log_max_bytes, UINT64_C(1) << 40);
}
END_TEST

START_TEST(metrics_are_served_at_an_address_or_nowhere)
{
	ck_assert_int_eq(parse("{\"metrics_listen\":\"0.0.0.0:1\"}"), 0);
	assert_metrics_listen("0.0.0.0:1");
	vb_config_finish(&config);
	ck_assert_int_eq(parse("{\"metrics_listen\":\"[fd00::1]:65535\"}"), 0);
	assert_metrics_listen("[fd00::1]:65535");
	vb_config_finish(&config);
	ck_assert_int_eq(parse("{\"metrics_listen\":\"\"}"), 0);
	ck_assert_uint_eq(config.metrics_listen.port, 0);
}
END_TEST

#define NOT_AN_ADDRESS(text)                                                                       \
	"config.metrics_listen: '" text "' is not an IP address and a port; write "                \
	"127.0.0.1:9465, [::1]:9465, or \"\" for no metrics"

START_TEST(directories_become_clean)
{
	ck_assert_int_eq(
		parse("{\"bundle_dirs\":[\"/b/./c/\"],\"profile_dirs\":[\"/p//q/\",\"/\"]}"), 0);
	ck_assert_str_eq(config.bundle_dirs.items[0], "/b/c");
	ck_assert_uint_eq(config.profile_dirs.count, 2);
	ck_assert_str_eq(config.profile_dirs.items[0], "/p/q");
	ck_assert_str_eq(config.profile_dirs.items[1], "/");
}
END_TEST

#define RULES(text) "{\"rules\":[" text "]}"
#define DIGEST      "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

START_TEST(a_rule_says_all_that_counts_for_its_namespaces)
{
	ck_assert_msg(parse(RULES("{\"namespaces\":[\"robots\",\"arm-*\"],\"bundles\":[\"ros2-*\"],"
				  "\"default\":\"ros2-base\",\"floor\":\"base@" DIGEST "\","
				  "\"permit\":[\"spec-allow\",\"seccomp-opt-out\"],"
				  "\"unhardened\":\"kill\"}")) == 0,
		"%s", err.what);
	const struct vb_rule *rule = vb_config_rule(&config, "arm-7");
	ck_assert_str_eq(rule->default_bundle.name, "ros2-base");
	ck_assert_ptr_null(rule->default_bundle.digest);
	ck_assert_str_eq(rule->floor.name, "base");
	ck_assert_str_eq(rule->floor.digest, DIGEST);
	ck_assert_uint_eq(rule->permits, VB_PERMIT_SECCOMP_OPT_OUT | VB_PERMIT_SPEC_ALLOW);
	ck_assert_int_eq(rule->unhardened, VB_UNHARDENED_KILL);
	ck_assert(vb_rule_permits_bundle(rule, "ros2-arm"));
	ck_assert(!vb_rule_permits_bundle(rule, "ros2"));
	ck_assert(!vb_rule_permits_bundle(rule, "my-ros2-arm"));
}
END_TEST

static void assert_last_rule(const char *namespace_name)
{
	const struct vb_rule *rule = vb_config_rule(&config, namespace_name);

	ck_assert_ptr_null(rule->default_bundle.name);
	ck_assert_ptr_null(rule->floor.name);
	ck_assert_uint_eq(rule->permits, 0);
	ck_assert_int_eq(rule->unhardened, VB_UNHARDENED_REPORT);
	ck_assert(vb_rule_permits_bundle(rule, "any"));
}

START_TEST(where_no_rule_covers_any_bundle_may_be_named_and_nothing_is_permitted)
{
	ck_assert_int_eq(vb_config_init(&config), 0);
	assert_last_rule("robots");
	vb_config_finish(&config);
	ck_assert_int_eq(parse(RULES("{\"namespaces\":[\"arms\"],\"default\":\"a\"}")), 0);
	assert_last_rule("robots");
	assert_last_rule("arms-2");
	assert_last_rule("");
}
END_TEST

START_TEST(the_first_rule_that_covers_wins)
{
	ck_assert_int_eq(parse(RULES("{\"namespaces\":[\"robots\"],\"default\":\"a\"},"
				     "{\"namespaces\":[\"r?bot*\"],\"default\":\"b\"},"
				     "{\"namespaces\":[\"*\"],\"default\":\"c\"}")),
		0);
	ck_assert_str_eq(vb_config_rule(&config, "robots")->default_bundle.name, "a");
	ck_assert_str_eq(vb_config_rule(&config, "rabot")->default_bundle.name, "b");
	ck_assert_str_eq(vb_config_rule(&config, "robot.x")->default_bundle.name, "b");
	ck_assert_str_eq(vb_config_rule(&config, "rbot")->default_bundle.name, "c");
	ck_assert_str_eq(vb_config_rule(&config, ".")->default_bundle.name, "c");
}
END_TEST

START_TEST(kube_system_and_vambraces_own_namespace_must_be_named)
{
	ck_assert_int_eq(parse(RULES("{\"namespaces\":[\"*\",\"kube-*\",\"vambrace-syste?\"],"
				     "\"default\":\"a\"}")),
		0);
	assert_last_rule("kube-system");
	assert_last_rule(VB_CONFIG_NAMESPACE);
	ck_assert_str_eq(vb_config_rule(&config, "kube-public")->default_bundle.name, "a");
	vb_config_finish(&config);
	ck_assert_int_eq(parse("{\"plugin_namespace\":\"armour\",\"rules\":["
			       "{\"namespaces\":[\"*\"],\"default\":\"a\"},"
			       "{\"namespaces\":[\"kube-system\",\"armour\"],\"default\":\"b\"}]}"),
		0);
	ck_assert_str_eq(vb_config_rule(&config, "armour")->default_bundle.name, "b");
	ck_assert_str_eq(vb_config_rule(&config, "kube-system")->default_bundle.name, "b");
	ck_assert_str_eq(vb_config_rule(&config, VB_CONFIG_NAMESPACE)->default_bundle.name, "a");
}
END_TEST

START_TEST(an_empty_list_of_bundles_permits_none)
{
	ck_assert_int_eq(parse(RULES("{\"namespaces\":[\"*\"],\"bundles\":[]}")), 0);
	ck_assert(!vb_rule_permits_bundle(vb_config_rule(&config, "robots"), "any"));
}
END_TEST

START_TEST(an_empty_list_is_a_list)
{
	ck_assert_int_eq(parse("{\"bundle_dirs\":[],\"deadline_ms\":60000}"), 0);
	ck_assert_uint_eq(config.bundle_dirs.count, 0);
	ck_assert(vb_config_has_handler(&config, "vambrace"));
	ck_assert_uint_eq(config.deadline_ms, 60000);
}
END_TEST

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBXvCdjUCiQNFQpZFo2bplclEn5Ih95dazmF3i1fjSbS"

START_TEST(trusted_keys_are_kept_as_they_stand_there)
{
	ck_assert_int_eq(parse("{\"trusted_keys\":[\"" KEY "\",\"" KEY " release@robots\"],"
			       "\"require_signature\":true}"),
		0);
	ck_assert_uint_eq(config.trusted_keys.count, 2);
	ck_assert_str_eq(config.trusted_keys.items[1], KEY " release@robots");
	ck_assert(config.require_signature);
}
END_TEST

static const struct {
	const char *text;
	const char *why;
} bad[] = {
	{"", "JSON error in line 1, column 0: '[' or '{' expected near end of file"},
	{"[]", "the node config is not a JSON object"},
	{"{\"bundle_dir\":[]}", "unknown key 'bundle_dir' in config, did you mean 'bundle_dirs'?"},
	{"{\"bundle_dirs\":\"/b\"}", "config.bundle_dirs must be an array"},
	{"{\"bundle_dirs\":[1]}", "config.bundle_dirs[0] must be a string"},
	{"{\"bundle_dirs\":[\"/b\",\"b\"]}", "config.bundle_dirs[1] is not an absolute path"},
	{"{\"bundle_dirs\":[\"\"]}", "config.bundle_dirs[0] is not an absolute path"},
	{"{\"profile_dirs\":[\"/p\",\"p\"]}", "config.profile_dirs[1] is not an absolute path"},
	{"{\"profile_dirs\":{}}", "config.profile_dirs must be an array"},
	{"{\"plugin_namespace\":\"\"}",
		"config.plugin_namespace must be a string that is not empty"},
	{"{\"plugin_namespace\":\"vambrace-*\"}",
		"config.plugin_namespace: 'vambrace-*' is not the name of a namespace"},
	{"{\"rules\":{}}", "config.rules must be an array"},
	{"{\"rules\":[{\"namespaces\":[\"a\"]},7]}", "config.rules[1] must be an object"},
	{"{\"rules\":[{}]}", "config.rules[0] has no namespaces; write [\"*\"] for all but "
			     "kube-system and Vambrace's own"},
	{"{\"rules\":[{\"namespaces\":[]}]}",
		"config.rules[0] has no namespaces; write [\"*\"] for all but kube-system and "
		"Vambrace's own"},
	{"{\"rules\":[{\"namespaces\":\"robots\"}]}",
		"config.rules[0].namespaces must be an array"},
	{"{\"rules\":[{\"namespaces\":[\"a\",\"b c\"]}]}",
		"config.rules[0].namespaces[1]: 'b c' can match nothing; write a name, with * and "
		"? for parts of it"},
	{"{\"rules\":[{\"namespaces\":[\"a\"],\"bundles\":[\"[ab]\"]}]}",
		"config.rules[0].bundles[0]: '[ab]' can match nothing; write a name, with * and ? "
		"for parts of it"},
	{"{\"rules\":[{\"namespaces\":[\"a\"],\"bundles\":[\"\"]}]}",
		"config.rules[0].bundles[0]: '' can match nothing; write a name, with * and ? for "
		"parts of it"},
	{"{\"rules\":[{\"namespaces\":[\"a\"],\"default\":\"A\"}]}",
		"config.rules[0].default: 'A' is neither a bundle's name nor name@sha256:<64 hex>"},
	{"{\"rules\":[{\"namespaces\":[\"a\"],\"floor\":\"a@sha256:0\"}]}",
		"config.rules[0].floor: 'a@sha256:0' is neither a bundle's name nor "
		"name@sha256:<64 hex>"},
	{"{\"rules\":[{\"namespaces\":[\"a\"],\"permit\":[\"spec_allow\"]}]}",
		"config.rules[0].permit: unknown word 'spec_allow', did you mean 'spec-allow'?"},
	{"{\"rules\":[{\"namespaces\":[\"a\"],\"unhardened\":\"kil\"}]}",
		"config.rules[0].unhardened: unknown word 'kil', did you mean 'kill'?"},
	{"{\"rules\":[{\"namespaces\":[\"a\"],\"floors\":\"a\"}]}",
		"unknown key 'floors' in config.rules[0], did you mean 'floor'?"},
	{"{\"runtime_handlers\":null}", "config.runtime_handlers must be an array"},
	{"{\"runtime_handlers\":[null]}", "config.runtime_handlers[0] must be a string"},
	{"{\"deadline_ms\":99}", "config.deadline_ms must be a number from 100 to 60000"},
	{"{\"deadline_ms\":60001}", "config.deadline_ms must be a number from 100 to 60000"},
	{"{\"deadline_ms\":-1500}", "config.deadline_ms must be a number from 100 to 60000"},
	{"{\"deadline_ms\":4294968796}", "config.deadline_ms must be a number from 100 to 60000"},
	{"{\"deadline_ms\":1500.0}", "config.deadline_ms must be a number from 100 to 60000"},
	{"{\"deadline_ms\":\"1500\"}", "config.deadline_ms must be a number from 100 to 60000"},
	{"{\"trusted_keys\":\"" KEY "\"}", "config.trusted_keys must be an array"},
	{"{\"trusted_keys\":[\"" KEY "\",\"ssh-rsa AAAA\"]}",
		"config.trusted_keys[1]: it is not of the form 'ssh-ed25519 AAAA... comment'"},
	{"{\"trusted_keys\":[\"" KEY "\"],\"require_signature\":1}",
		"config.require_signature must be true or false"},
	{"{\"require_signature\":true}", "config.require_signature needs a key in trusted_keys"},
	{"{\"audit_log\":\"audit.jsonl\"}", "config.audit_log is not the absolute path of a file"},
	{"{\"audit_log\":\"/var/log/\"}", "config.audit_log is not the absolute path of a file"},
	{"{\"audit_log\":\"\"}", "config.audit_log must be a string that is not empty"},
	{"{\"audit_log_max_bytes\":65535}",
		"config.audit_log_max_bytes must be a number from 65536 to 1099511627776"},
	{"{\"audit_log_max_bytes\":1099511627777}",
		"config.audit_log_max_bytes must be a number from 65536 to 1099511627776"},
	{"{\"audit_log_max_bytes\":\"64Mi\"}",
		"config.audit_log_max_bytes must be a number from 65536 to 1099511627776"},
	{"{\"metrics_listen\":9465}", "config.metrics_listen must be a string"},
	{"{\"metrics_listen\":null}", "config.metrics_listen must be a string"},
	{"{\"metrics_listen\":\"localhost:9465\"}", NOT_AN_ADDRESS("localhost:9465")},
	{"{\"metrics_listen\":\":9465\"}", NOT_AN_ADDRESS(":9465")},
	{"{\"metrics_listen\":\"127.0.0.1\"}", NOT_AN_ADDRESS("127.0.0.1")},
	{"{\"metrics_listen\":\"127.0.0.1:0\"}", NOT_AN_ADDRESS("127.0.0.1:0")},
	{"{\"metrics_listen\":\"127.0.0.1:*\"}", NOT_AN_ADDRESS("127.0.0.1:*")},
	{"{\"metrics_listen\":\"127.0.0.1:65536\"}", NOT_AN_ADDRESS("127.0.0.1:65536")},
	{"{\"metrics_listen\":\"10.0.0.0/8:9465\"}", NOT_AN_ADDRESS("10.0.0.0/8:9465")},
	{"{\"metrics_listen\":\"::1:9465\"}", NOT_AN_ADDRESS("::1:9465")},
	{"{\"a\":[[[[[[[[1]]]]]]]]}", "JSON is nested deeper than 8 levels"},
};

START_TEST(a_bad_file_fails_naming_the_key)
{
	vb_assert_failed(parse(bad[_i].text), EINVAL, &err, bad[_i].why);
	ck_assert_uint_eq(config.bundle_dirs.count, 0);
	ck_assert_uint_eq(config.deadline_ms, 0);
}
END_TEST

START_TEST(a_file_has_65536_values_at_most)
{
	static char text[VB_CONFIG_FILE_MAX];
	size_t size = (size_t)snprintf(text, sizeof(text), "{\"rules\":[");

	/* The brackets around them and the commas between them count too. */
	for (size_t i = 0; i < VB_CONFIG_VALUES_MAX / 2; i++)
		size += (size_t)snprintf(
			text + size, sizeof(text) - size, "%s{}", i > 0 ? "," : "");
	(void)snprintf(text + size, sizeof(text) - size, "]}");
	vb_assert_failed(parse(text), EINVAL, &err, "the node config has more than 65536 values");
	/* One object less is looked at. */
	memmove(strstr(text, "{},"), strstr(text, "{},") + 3, strlen(strstr(text, "{},") + 3) + 1);
	vb_assert_failed(parse(text), EINVAL, &err, "config.rules has more than 1024 rules");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("config");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, without_a_file_the_defaults_are_in_force);
	tcase_add_test(tcase, an_empty_object_leaves_the_defaults);
	tcase_add_test(tcase, a_list_replaces_the_default_list);
	tcase_add_test(tcase, the_audit_log_has_a_path_and_a_cap);
	tcase_add_test(tcase, metrics_are_served_at_an_address_or_nowhere);
	tcase_add_test(tcase, directories_become_clean);
	tcase_add_test(tcase, a_rule_says_all_that_counts_for_its_namespaces);
	tcase_add_test(
		tcase, where_no_rule_covers_any_bundle_may_be_named_and_nothing_is_permitted);
	tcase_add_test(tcase, the_first_rule_that_covers_wins);
	tcase_add_test(tcase, kube_system_and_vambraces_own_namespace_must_be_named);
	tcase_add_test(tcase, an_empty_list_of_bundles_permits_none);
	tcase_add_test(tcase, an_empty_list_is_a_list);
	tcase_add_test(tcase, trusted_keys_are_kept_as_they_stand_there);
	tcase_add_loop_test(tcase, a_bad_file_fails_naming_the_key, 0, (int)VB_ARRAY_SIZE(bad));
	tcase_add_test(tcase, a_file_has_65536_values_at_most);
	return vb_unit_run("config", tcase);
}
