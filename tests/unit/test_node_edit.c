/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node_edit.h"
#include "node_plan.h"
#include "unit.h"

#define BLOCK "[plugins.x]\n  a = 1\n"

/* Adds the block and returns what is then there; taking it away again must give the same bytes. */
static char *add_n(const char *text, size_t size, bool nri)
{
	struct vb_buf *with = vb_buf_create(1 << 16);
	struct vb_buf *without = vb_buf_create(1 << 16);
	struct vb_error err = {0};

	int r = vb_node_edit_add(text, size, BLOCK, nri, with, &err);
	ck_assert_msg(r == 0, "%s", err.what);
	ck_assert_int_eq(vb_node_edit_strip(
				 (const char *)vb_buf_data(with), vb_buf_size(with), without, &err),
		0);
	ck_assert_uint_eq(vb_buf_size(without), size);
	ck_assert_mem_eq(vb_buf_data(without), text, size);
	char *result = vb_buf_strdup(with);
	vb_buf_destroy(with);
	vb_buf_destroy(without);
	return result;
}

static char *add(const char *text, bool nri)
{
	return add_n(text, strlen(text), nri);
}

static void expect_look(const char *text, long version, bool is_blank)
{
	struct vb_node_edit_facts facts = {0};

	ck_assert_int_eq(vb_node_edit_look(text, strlen(text), &facts, NULL), 0);
	ck_assert_int_eq(facts.version, version);
	ck_assert_int_eq(facts.is_blank, is_blank);
	vb_node_edit_facts_finish(&facts);
}

START_TEST(what_is_added_stands_at_the_end_and_goes_without_a_trace)
{
	static const char *const texts[] = {"", "# only a comment\n", "version = 2\n",
		"version = 2", "version = 2\r\n[a]\r\n", "a = '''\n[x]\n# >>>\n'''\n",
		"[a]\n\tb = [\n  \"x\", # ]\n]\n\n\n"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++) {
		char *result = add(texts[i], false);
		ck_assert_int_eq(strncmp(result, texts[i], strlen(texts[i])), 0);
		ck_assert_ptr_nonnull(strstr(result + strlen(texts[i]), BLOCK));
		free(result);
	}
}
END_TEST

START_TEST(a_nul_is_a_byte_like_others)
{
	static const char text[] = "v=[\n\0]";
	vb_auto_free char *with = add_n(text, sizeof(text) - 1, false);

	ck_assert_mem_eq(with, text, sizeof(text) - 1);
}
END_TEST

START_TEST(nri_is_switched_where_its_table_is)
{
	char *result = add("[plugins]\n"
			   "  [plugins.'io.containerd.nri.v1.nri'] # here\n"
			   "    disable = true # off\n"
			   "    x = 1\n"
			   "[other]\n  disable = true\n",
		true);

	ck_assert_ptr_nonnull(strstr(result, "# here\n#vambrace-was#    disable = true # off\n"
					     "disable = false #vambrace-now\n    x = 1\n"
					     "[other]\n  disable = true\n"));
	ck_assert_ptr_null(strstr(result, "[plugins.\"io.containerd.nri.v1.nri\"]"));
	free(result);
}
END_TEST

START_TEST(nri_is_switched_in_a_table_without_the_key_and_at_the_end_of_the_text)
{
	char *result = add("[plugins.\"io.containerd.nri.v1.nri\"]", true);
	ck_assert_ptr_nonnull(strstr(result, "v1.nri\"]\ndisable = false #vambrace-now\n# >>>"));
	free(result);
	result = add("[plugins.\"io.containerd.nri.v1.nri\"]\ndisable=true", true);
	ck_assert_ptr_nonnull(
		strstr(result, "#vambrace-was#disable=true\ndisable = false #vambrace-now\n# >>>"));
	free(result);
}
END_TEST

START_TEST(nri_gets_a_table_in_the_block_where_there_is_none)
{
	char *result = add("version = 2\n# [plugins.\"io.containerd.nri.v1.nri\"]\n", true);

	ck_assert_ptr_nonnull(strstr(
		result, BLOCK "\n[plugins.\"io.containerd.nri.v1.nri\"]\n  disable = false\n"));
	free(result);
}
END_TEST

START_TEST(what_an_operator_adds_behind_the_block_stays)
{
	char *with = add("version = 2", false);
	char *more = vb_str_format("%s[mine]\na = 1\n", with);
	struct vb_buf *out = vb_buf_create(1 << 16);

	ck_assert_int_eq(vb_node_edit_strip(more, strlen(more), out, NULL), 0);
	char *text = vb_buf_strdup(out);
	ck_assert_str_eq(text, "version = 2\n[mine]\na = 1\n");
	free(text);
	free(more);
	free(with);
	vb_buf_destroy(out);
}
END_TEST

START_TEST(a_text_with_marks_is_not_added_to)
{
	char *with = add("version = 2\n", false);
	struct vb_buf *out = vb_buf_create(1 << 16);

	ck_assert_int_eq(vb_node_edit_add(with, strlen(with), BLOCK, false, out, NULL), -EEXIST);
	free(with);
	vb_buf_destroy(out);
}
END_TEST

START_TEST(half_a_mark_is_told_with_its_line)
{
	char *with = add("version = 2\n", false);
	struct vb_buf *out = vb_buf_create(1 << 16);
	struct vb_error err = {0};

	*strstr(with, "# <<<") = '!';
	ck_assert_int_eq(vb_node_edit_strip(with, strlen(with), out, &err), -EINVAL);
	const char *end_alone = "a = 1\n# <<< vambrace node install <<<\n";
	ck_assert_int_eq(vb_node_edit_strip(end_alone, strlen(end_alone), out, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.what, "line 2 "));
	free(with);
	vb_buf_destroy(out);
}
END_TEST

START_TEST(version_and_imports_are_read_only_above_the_first_table)
{
	static const char text[] = "# version = 9\n"
				   "imports = [ # two\n  \"/a/*.toml\",\n  'b.toml' ]\n"
				   "version = 3\n"
				   "[x]\nversion = 7\nimports = [\"/c\"]\n";
	struct vb_node_edit_facts facts = {0};

	ck_assert_int_eq(vb_node_edit_look(text, strlen(text), &facts, NULL), 0);
	ck_assert_int_eq(facts.version, 3);
	ck_assert_uint_eq(facts.imports.count, 2);
	ck_assert_str_eq(facts.imports.items[0], "/a/*.toml");
	ck_assert_str_eq(facts.imports.items[1], "b.toml");
	vb_node_edit_facts_finish(&facts);
	expect_look("", 0, true);
	expect_look("\n  # version = 2\n", 0, true);
	expect_look("[x]\nversion = 2\n", 0, false);
}
END_TEST

START_TEST(what_is_no_toml_is_told_with_its_line)
{
	static const char *const texts[] = {"ok = 1\n[a\n", "ok = 1\na = [1,\n",
		"ok = 1\na = \"b\n", "ok = 1\n= 2\n", "ok = 1\na\n", "ok = 1\na = ]\n",
		"ok = 1\na =\n"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++) {
		struct vb_node_edit_facts facts = {0};
		struct vb_error err = {0};
		ck_assert_int_eq(
			vb_node_edit_look(texts[i], strlen(texts[i]), &facts, &err), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.what, "line 2 "));
	}
}
END_TEST

static void expect_file(
	const char *config, const char *text, bool has_drop_ins, int kind, const char *path)
{
	struct vb_node_edit_facts facts = {0};
	struct vb_node_file file = {0};

	ck_assert_int_eq(vb_node_edit_look(text, strlen(text), &facts, NULL), 0);
	ck_assert_int_eq(vb_node_choose_file(config, &facts, has_drop_ins, &file), 0);
	ck_assert_int_eq((int)file.kind, kind);
	ck_assert_str_eq(file.path, path);
	vb_node_file_finish(&file);
	vb_node_edit_facts_finish(&facts);
}

START_TEST(a_drop_in_is_chosen_only_where_it_is_merged_and_imported)
{
	static const char root[] = "/etc/containerd/config.toml";
	static const char imports[] =
		"imports = [\"/etc/containerd/conf.d/*.toml\"]\nversion = 3\n";

	expect_file(root, imports, true, VB_NODE_DROP_IN, "/etc/containerd/conf.d/vambrace.toml");
	expect_file(root, imports, false, VB_NODE_ROOT_FILE, root);
	expect_file(root, "version = 3\n", true, VB_NODE_ROOT_FILE, root);
	expect_file(
		root, "imports = [\"/etc/containerd/one.toml\"]\n", true, VB_NODE_ROOT_FILE, root);
	expect_file(root, "imports = [\"conf.d/*.toml\"]\n", true, VB_NODE_DROP_IN,
		"/etc/containerd/conf.d/vambrace.toml");
	expect_file(root, "imports = [\"/etc/*/x/*.toml\", \"/d/nv*.toml\"]\n", true,
		VB_NODE_ROOT_FILE, root);
}
END_TEST

START_TEST(k3s_takes_the_handlers_in_its_template_or_drop_in_directory)
{
#define K3S "/var/lib/rancher/k3s/agent/etc/containerd/"
	expect_file(K3S "config.toml", "version = 2\n", false, VB_NODE_TEMPLATE,
		K3S "config.toml.tmpl");
	expect_file(K3S "config.toml", "version = 3\n", true, VB_NODE_TEMPLATE,
		K3S "config-v3.toml.tmpl");
	expect_file(K3S "config.toml",
		"version = 3\nimports = [\"" K3S "config-v3.toml.d/*.toml\"]\n", true,
		VB_NODE_DROP_IN, K3S "config-v3.toml.d/vambrace.toml");
}
END_TEST

START_TEST(a_template_is_appended_to_without_being_understood)
{
	static const char text[] = "{{ template \"base\" . }}\n{{ if .X }}\n[a\n{{ end }}";
	struct vb_buf *with = vb_buf_create(1 << 16);
	struct vb_buf *without = vb_buf_create(1 << 16);

	ck_assert_int_eq(vb_node_edit_append(text, strlen(text), BLOCK, with, NULL), 0);
	ck_assert_int_eq(vb_node_edit_strip(
				 (const char *)vb_buf_data(with), vb_buf_size(with), without, NULL),
		0);
	ck_assert_uint_eq(vb_buf_size(without), strlen(text));
	ck_assert_mem_eq(vb_buf_data(without), text, strlen(text));
	vb_buf_destroy(with);
	vb_buf_destroy(without);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("node_edit");

	tcase_add_test(tests, what_is_added_stands_at_the_end_and_goes_without_a_trace);
	tcase_add_test(tests, a_nul_is_a_byte_like_others);
	tcase_add_test(tests, nri_is_switched_where_its_table_is);
	tcase_add_test(
		tests, nri_is_switched_in_a_table_without_the_key_and_at_the_end_of_the_text);
	tcase_add_test(tests, nri_gets_a_table_in_the_block_where_there_is_none);
	tcase_add_test(tests, what_an_operator_adds_behind_the_block_stays);
	tcase_add_test(tests, a_text_with_marks_is_not_added_to);
	tcase_add_test(tests, half_a_mark_is_told_with_its_line);
	tcase_add_test(tests, version_and_imports_are_read_only_above_the_first_table);
	tcase_add_test(tests, what_is_no_toml_is_told_with_its_line);
	tcase_add_test(tests, a_drop_in_is_chosen_only_where_it_is_merged_and_imported);
	tcase_add_test(tests, k3s_takes_the_handlers_in_its_template_or_drop_in_directory);
	tcase_add_test(tests, a_template_is_appended_to_without_being_understood);
	return vb_unit_run("node_edit", tests);
}
