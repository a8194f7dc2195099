/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "toml_dump.h"
#include "unit.h"

static struct vb_error err;
static char seen[4096];

static int note(const struct vb_strv *table, const char *key, const char *value, void *context)
{
	size_t used = strlen(seen);

	ck_assert_ptr_eq(context, &err);
	for (size_t i = 0; i < table->count; i++)
		used += (size_t)snprintf(seen + used, sizeof(seen) - used, "<%s>", table->items[i]);
	(void)snprintf(seen + used, sizeof(seen) - used, "%s=%s;", key, value);
	return strcmp(value, "stop") == 0 ? -ENOSPC : 0;
}

static int walk(const char *text)
{
	seen[0] = '\0';
	err = (struct vb_error){0};
	return vb_toml_dump_walk(text, strlen(text), note, &err, &err);
}

START_TEST(both_encoders_of_containerd_are_read)
{
	/* go-toml 1 of containerd 1.7, with its indentation, and go-toml 2 of containerd 2. */
	ck_assert_int_eq(walk("version = 2\n\n[plugins]\n\n"
			      "  [plugins.\"io.containerd.nri.v1.nri\"]\n"
			      "    disable = true\n"),
		0);
	ck_assert_str_eq(seen, "version=2;<plugins><io.containerd.nri.v1.nri>disable=true;");
	ck_assert_int_eq(
		walk("[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]\r\n"
		     "runtime_type = 'io.containerd.runc.v2'"),
		0);
	ck_assert_str_eq(seen, "<plugins><io.containerd.cri.v1.runtime><containerd><runtimes><runc>"
			       "runtime_type='io.containerd.runc.v2';");
}
END_TEST

START_TEST(quoted_names_may_hold_anything)
{
	ck_assert_int_eq(walk("[\"a ] b\\\"\\\\\".'c.d']\n'k = 1' = 2\n"), 0);
	ck_assert_str_eq(seen, "<a ] b\"\\><c.d>k = 1=2;");
}
END_TEST

START_TEST(arrays_of_tables_have_two_brackets)
{
	ck_assert_int_eq(walk("[[a.b]]\nc = 1\n[[a.b]]\nc = 2\n"), 0);
	ck_assert_str_eq(seen, "<a><b>c=1;<a><b>c=2;");
}
END_TEST

START_TEST(what_is_not_understood_is_named_by_its_line)
{
	static const char *const texts[] = {"a = 1\n[b\n", "a = 1\n[b].c\n", "a = 1\n[]\n",
		"a = 1\nb\n", "a = 1\n'b = 1\n", "a = 1\n[[b]\n", "a = 1\n[a..b]\n",
		"a = 1\n[a.]\n", "a = 1\n= 2\n"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++) {
		ck_assert_msg(walk(texts[i]) == -EINVAL, "%s", texts[i]);
		ck_assert_ptr_nonnull(strstr(err.what, "line 2 "));
	}
}
END_TEST

START_TEST(bytes_behind_a_nul_do_not_pass_for_read)
{
	ck_assert_int_eq(vb_toml_dump_walk("a = 1\0b = 2", 11, note, &err, &err), -EINVAL);
}
END_TEST

START_TEST(names_are_no_deeper_than_the_limit)
{
	static const size_t length = 2 * (size_t)VB_TOML_DEPTH_MAX;
	char text[2 * VB_TOML_DEPTH_MAX + 8] = "[";

	for (size_t i = 0; i < length; i += 2) {
		text[i] = i == 0 ? '[' : '.';
		text[i + 1] = 'a';
	}
	memcpy(text + length, "]\n", 3);
	ck_assert_int_eq(walk(text), 0);
	memcpy(text + length, ".a]\n", 5);
	ck_assert_int_eq(walk(text), -EINVAL);
}
END_TEST

START_TEST(the_function_ends_the_walk)
{
	ck_assert_int_eq(walk("a = stop\nb = 2\n"), -ENOSPC);
	ck_assert_str_eq(seen, "a=stop;");
}
END_TEST

START_TEST(values_are_unquoted)
{
	vb_auto_strv struct vb_strv strings = {0};
	char *text = NULL;

	ck_assert_int_eq(vb_toml_dump_string("\"/usr/bin/\\\"x\\\\\"", &text), 0);
	ck_assert_str_eq(text, "/usr/bin/\"x\\");
	free(text);
	ck_assert_int_eq(vb_toml_dump_string("'a\\b'", &text), 0);
	ck_assert_str_eq(text, "a\\b");
	free(text);
	ck_assert_int_eq(vb_toml_dump_string("'a' 'b'", &text), -EINVAL);
	ck_assert_int_eq(vb_toml_dump_string("true", &text), -EINVAL);
	ck_assert_int_eq(vb_toml_dump_string("'a", &text), -EINVAL);
	ck_assert_int_eq(vb_toml_dump_strings("['*.vambrace.dev', \"b\"]", &strings), 0);
	ck_assert_uint_eq(strings.count, 2);
	ck_assert_str_eq(strings.items[0], "*.vambrace.dev");
	ck_assert_str_eq(strings.items[1], "b");
	ck_assert_int_eq(vb_toml_dump_strings("[]", &strings), 0);
	ck_assert_int_eq(vb_toml_dump_strings("['a'", &strings), -EINVAL);
	ck_assert_int_eq(vb_toml_dump_strings("[1]", &strings), -EINVAL);
	ck_assert_int_eq(vb_toml_dump_strings("'a'", &strings), -EINVAL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("toml_dump");

	tcase_add_test(tcase, both_encoders_of_containerd_are_read);
	tcase_add_test(tcase, quoted_names_may_hold_anything);
	tcase_add_test(tcase, arrays_of_tables_have_two_brackets);
	tcase_add_test(tcase, what_is_not_understood_is_named_by_its_line);
	tcase_add_test(tcase, bytes_behind_a_nul_do_not_pass_for_read);
	tcase_add_test(tcase, names_are_no_deeper_than_the_limit);
	tcase_add_test(tcase, the_function_ends_the_walk);
	tcase_add_test(tcase, values_are_unquoted);
	return vb_unit_run("toml_dump", tcase);
}
