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
	{"{\"a\":[[[[[[[[1]]]]]]]]}", "JSON is nested deeper than 8 levels"},
};

START_TEST(a_bad_file_fails_naming_the_key)
{
	vb_assert_failed(parse(bad[_i].text), EINVAL, &err, bad[_i].why);
	ck_assert_uint_eq(config.bundle_dirs.count, 0);
	ck_assert_uint_eq(config.deadline_ms, 0);
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
	tcase_add_test(tcase, directories_become_clean);
	tcase_add_test(tcase, an_empty_list_is_a_list);
	tcase_add_test(tcase, trusted_keys_are_kept_as_they_stand_there);
	tcase_add_loop_test(tcase, a_bad_file_fails_naming_the_key, 0, (int)VB_ARRAY_SIZE(bad));
	return vb_unit_run("config", tcase);
}
