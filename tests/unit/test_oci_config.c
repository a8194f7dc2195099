/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "oci_support.h"
#include "vb/adjust/oci_config.h"

static const char file[] = "{\"handlers\":{\"vambrace\":{\"runtime\":\"/usr/sbin/runc\"},"
			   "\"runc\":{\"runtime\":\"/usr/bin/crun\",\"unplanned\":\"pass\"},"
			   "\"strict\":{\"runtime\":\"/r\",\"unplanned\":\"refuse\"}}}";

static void assert_handler(const char *name, const char *runtime, bool pass)
{
	vb_auto_oci_handler struct vb_oci_handler handler = {0};
	struct vb_error err = {0};

	int r = vb_oci_config_find(file, strlen(file), name, &handler, &err);
	ck_assert_msg(r == 0, "%s", err.what);
	ck_assert_str_eq(handler.runtime, runtime);
	ck_assert_int_eq(handler.pass_unplanned, pass);
}

START_TEST(each_handler_has_its_runtime_and_refuses_the_unplanned_by_default)
{
	assert_handler("vambrace", "/usr/sbin/runc", false);
	assert_handler("runc", "/usr/bin/crun", true);
	assert_handler("strict", "/r", false);
}
END_TEST

static void assert_fails(const char *text, const char *handler, int errnum, const char *words)
{
	vb_auto_oci_handler struct vb_oci_handler found = {0};
	struct vb_error err = {0};

	ck_assert_int_eq(vb_oci_config_find(text, strlen(text), handler, &found, &err), -errnum);
	ck_assert_ptr_null(found.runtime);
	ck_assert_msg(strstr(err.what, words) != NULL, "'%s' lacks '%s'", err.what, words);
}

START_TEST(a_handler_that_is_not_there_is_told_by_name)
{
	assert_fails(file, "vambrace-x", ENOENT, "'vambrace-x'");
	assert_fails("{\"handlers\":{}}", "vambrace", ENOENT, "'vambrace'");
}
END_TEST

START_TEST(a_mistake_anywhere_in_the_file_fails_for_every_handler)
{
	static const struct {
		const char *text;
		const char *words;
	} cases[] = {
		{"", "JSON"},
		{"[]", "handlers"},
		{"{}", "handlers"},
		{"{\"handlers\":[]}", "handlers"},
		{"{\"handlers\":{},\"handler\":1}", "'handler'"},
		{"{\"handlers\":{\"vambrace\":{\"runtime\":\"/r\"},\"x\":7}}", "handlers.x"},
		{"{\"handlers\":{\"vambrace\":{\"runtime\":\"/r\"},\"x\":{}}}",
			"handlers.x.runtime"},
		{"{\"handlers\":{\"vambrace\":{\"runtime\":\"runc\"}}}", "absolute"},
		{"{\"handlers\":{\"vambrace\":{\"runtime\":\"\"}}}", "runtime"},
		{"{\"handlers\":{\"vambrace\":{\"runtime\":7}}}", "runtime"},
		{"{\"handlers\":{\"vambrace\":{\"runtime\":\"/r\",\"unplaned\":\"pass\"}}}",
			"unplanned"},
		{"{\"handlers\":{\"vambrace\":{\"runtime\":\"/r\",\"unplanned\":\"allow\"}}}",
			"\"refuse\" or \"pass\""},
		{"{\"handlers\":{\"vambrace\":{\"runtime\":\"/r\",\"unplanned\":true}}}",
			"unplanned"},
		{"{\"handlers\":{\"vambrace\":{\"runtime\":\"/r\"},\"vambrace\":{\"runtime\":\"/"
		 "s\"}}}",
			"duplicate"},
		{"{\"handlers\":{\"vambrace\":{\"runtime\":\"/r\",\"x\":[[[[]]]]}}}", "nested"},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(cases); i++)
		assert_fails(cases[i].text, "vambrace", EINVAL, cases[i].words);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("oci_config");

	tcase_add_test(tcase, each_handler_has_its_runtime_and_refuses_the_unplanned_by_default);
	tcase_add_test(tcase, a_handler_that_is_not_there_is_told_by_name);
	tcase_add_test(tcase, a_mistake_anywhere_in_the_file_fails_for_every_handler);
	return support_run(tcase);
}
