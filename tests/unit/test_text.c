/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/text.h"

static struct vb_plan *plan;
static struct vb_buf *out;

static void start(void)
{
	plan = vb_plan_create();
	out = vb_buf_create(1 << 20);
	ck_assert(plan != NULL && out != NULL);
}

static void finish(void)
{
	vb_plan_destroy(plan);
	vb_buf_destroy(out);
}

static void assert_text(unsigned int indent, const char *expected)
{
	vb_buf_consume(out, SIZE_MAX);
	ck_assert_int_eq(vb_plan_to_text(plan, indent, out), 0);
	vb_auto_free char *text = vb_buf_strdup(out);
	ck_assert_str_eq(text, expected);
}

START_TEST(a_plan_without_layers_has_no_text)
{
	assert_text(0, "");
	assert_text(8, "");
}
END_TEST

START_TEST(each_layer_says_what_from_whom_and_by_whom)
{
	plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_DEFAULT;
	plan->seccomp.starter = true;
	plan->sources[VB_LAYER_CAPABILITIES] = VB_SOURCE_FLOOR | VB_SOURCE_ANNOTATION;
	plan->cap_drop = VB_CAP_ALL;
	plan->sources[VB_LAYER_SPEC_ALLOW] = VB_SOURCE_BUNDLE;
	plan->spec_allow = VB_SPEC_ALLOW_ALLOW;
	assert_text(2, "  seccomp            starter met with the container's own profile\n"
		       "                     [from default, by hook]\n"
		       "  spec_allow         allow  [from bundle, by hook]\n"
		       "  capabilities       drop ALL  [from floor+annotation, by hook]\n");
}
END_TEST

START_TEST(sizes_keep_every_byte)
{
	const struct vb_tmpfs tmpfs[] = {
		{.path = (char[]){"/a"}, .size_bytes = 4096, .mode = 01777},
		{.path = (char[]){"/b"}, .size_bytes = 4097, .mode = 0},
		{.path = (char[]){"/c"}, .size_bytes = UINT64_C(1) << 40, .mode = 0700},
		{.path = (char[]){"/d"}, .size_bytes = UINT64_C(3) << 19, .mode = 0755}};

	plan->sources[VB_LAYER_TMPFS] = VB_SOURCE_BUNDLE;
	for (size_t i = 0; i < VB_ARRAY_SIZE(tmpfs); i++)
		ck_assert_int_eq(vb_tmpfs_list_add(&plan->tmpfs, &tmpfs[i]), 0);
	assert_text(0,
		"tmpfs              /a (4Ki, mode 1777), /b (4097 bytes, mode 0000), /c (1024Gi,\n"
		"                   mode 0700), /d (1536Ki, mode 0755)  [from bundle, by NRI]\n");
}
END_TEST

START_TEST(no_line_is_longer_than_80_columns_unless_one_entry_is)
{
	char entry[200] = "/";
	size_t start_of_line = 0;

	plan->sources[VB_LAYER_PRELOAD] = VB_SOURCE_ANNOTATION;
	plan->preload.exec.set = true;
	memset(entry + 1, 'e', sizeof(entry) - 2);
	for (size_t length = 1; length < sizeof(entry) - 1; length++) {
		int r = vb_strv_add_n(&plan->preload.exec.entries, entry, length);
		ck_assert_int_eq(r, 0);
	}
	ck_assert_int_eq(vb_plan_to_text(plan, 4, out), 0);
	const char *text = (const char *)vb_buf_data(out);
	for (size_t i = 0; i < vb_buf_size(out); i++) {
		if (text[i] != '\n')
			continue;
		size_t length = i - start_of_line;
		/* A word of its own: nothing but the indent stands before it. */
		size_t indent = strspn(text + start_of_line, " ");
		bool one_word = memchr(text + start_of_line + indent, ' ', length - indent) == NULL;
		ck_assert(length <= VB_TEXT_COLUMNS || one_word);
		start_of_line = i + 1;
	}
	ck_assert_uint_eq(start_of_line, vb_buf_size(out));
}
END_TEST

START_TEST(a_full_buffer_is_told)
{
	vb_auto_buf struct vb_buf *small = vb_buf_create(20);

	plan->sources[VB_LAYER_READ_ONLY_ROOTFS] = VB_SOURCE_ANNOTATION;
	ck_assert_int_eq(vb_plan_to_text(plan, 0, small), -ENOSPC);
}
END_TEST

START_TEST(fields_and_paragraphs_stand_in_the_same_columns)
{
	ck_assert_int_eq(vb_text_field(out, 2, "not gated",
				 "by the exec list: the entrypoint itself "
				 "and commands of kubectl exec and "
				 "probes"),
		0);
	ck_assert_int_eq(vb_text_paragraph(out, 2, "bundles and config are those of now"), 0);
	vb_auto_free char *text = vb_buf_strdup(out);
	ck_assert_str_eq(text, "  not gated          by the exec list: the entrypoint itself and "
			       "commands of\n"
			       "                     kubectl exec and probes\n"
			       "  bundles and config are those of now\n");
}
END_TEST

START_TEST(each_layer_has_its_enforcer)
{
	ck_assert_str_eq(vb_layer_enforcer(VB_LAYER_SECCOMP), "hook");
	ck_assert_str_eq(vb_layer_enforcer(VB_LAYER_SPEC_ALLOW), "hook");
	ck_assert_str_eq(vb_layer_enforcer(VB_LAYER_CAPABILITIES), "hook");
	ck_assert_str_eq(vb_layer_enforcer(VB_LAYER_READ_ONLY_ROOTFS), "hook");
	ck_assert_str_eq(vb_layer_enforcer(VB_LAYER_TMPFS), "NRI");
	ck_assert_str_eq(vb_layer_enforcer(VB_LAYER_NO_NEW_PRIVILEGES), "hook");
	ck_assert_str_eq(vb_layer_enforcer(VB_LAYER_RLIMITS), "hook");
	ck_assert_str_eq(vb_layer_enforcer(VB_LAYER_PRELOAD), "NRI+shim");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("text");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, a_plan_without_layers_has_no_text);
	tcase_add_test(tcase, each_layer_says_what_from_whom_and_by_whom);
	tcase_add_test(tcase, sizes_keep_every_byte);
	tcase_add_test(tcase, no_line_is_longer_than_80_columns_unless_one_entry_is);
	tcase_add_test(tcase, a_full_buffer_is_told);
	tcase_add_test(tcase, fields_and_paragraphs_stand_in_the_same_columns);
	tcase_add_test(tcase, each_layer_has_its_enforcer);
	return vb_unit_run("text", tcase);
}
