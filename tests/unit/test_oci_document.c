/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "oci_support.h"
#include "vb/adjust/oci_apply.h"
#include "vb/adjust/oci_document.h"
#include "vb/adjust/oci_text.h"
#include "vb/base/str.h"

static void read_document(const char *text, struct vb_oci_document *ret_document)
{
	vb_auto_free char *json = support_quoted(text);
	struct vb_error err = {0};

	int r = vb_oci_document_read(json, strlen(json), ret_document, &err);
	ck_assert_msg(r == 0, "%s: %s", json, err.what);
}

/* seccomp is what is apart; NULL: nothing. */
static void assert_apart(const char *text, const char *seccomp)
{
	vb_auto_oci_document struct vb_oci_document document = {0};
	vb_auto_free char *expected = support_quoted(text);
	vb_auto_free char *part = seccomp != NULL ? support_quoted(seccomp) : NULL;
	vb_auto_free char *written = NULL;
	struct vb_error err = {0};
	size_t size = 0;

	read_document(text, &document);
	ck_assert_msg(vb_str_equal(document.seccomp, part), "%s has apart %s", expected,
		document.seccomp);
	ck_assert_int_eq(vb_oci_document_write(&document, &written, &size, &err), 0);
	ck_assert_str_eq(written, expected);
	ck_assert_uint_eq(size, strlen(expected));
}

START_TEST(linux_seccomp_is_apart_and_comes_back_byte_for_byte)
{
	assert_apart("{'linux':{'seccomp':{}}}", "{}");
	assert_apart("{'a':1,'linux':{'x':[],'seccomp':{'n': 18446744073709551615 },'y':2},'b':{}}",
		"{'n': 18446744073709551615 }");
	assert_apart("{'seccomp':{'a':1},'linux':{'seccomp':{'b':{'seccomp':{}}}}}",
		"{'b':{'seccomp':{}}}");
}
END_TEST

START_TEST(what_is_no_plain_object_stays_in_the_tree)
{
	assert_apart("{}", NULL);
	assert_apart("{'linux':{}}", NULL);
	assert_apart("{'linux':null}", NULL);
	assert_apart("{'linux':{'seccomp':null}}", NULL);
	assert_apart("{'linux':{'seccomp':[{}]}}", NULL);
	assert_apart("{'linux':{'seccomp':'{}'}}", NULL);
	assert_apart("{'linux':{'seccomp':{'a':'\\u0001'}}}", NULL);
	assert_apart("{'seccomp':{}}", NULL);
	assert_apart("{'linux':[{'seccomp':{}}]}", NULL);
}
END_TEST

/* The text is refused in the words that it would be refused in as one tree. */
static void assert_refused(const char *text, size_t size)
{
	vb_auto_oci_document struct vb_oci_document document = {0};
	vb_auto_json json_t *tree = NULL;
	struct vb_error expected = {0};
	struct vb_error err = {0};

	ck_assert_int_lt(vb_oci_text_parse(text, size, &tree, &expected), 0);
	ck_assert_int_eq(vb_oci_document_read(text, size, &document, &err), -expected.errnum);
	ck_assert_str_eq(err.what, expected.what);
	ck_assert_ptr_null(document.tree);
	ck_assert_ptr_null(document.seccomp);
}

START_TEST(a_text_that_is_no_document_is_refused_as_ever)
{
	static const char *const texts[] = {"", "[]", "{'linux':{'seccomp':{}}",
		"{'linux':{'seccomp':{}}}}", "{'linux':{'seccomp':{},'seccomp':{}}}",
		"{'linux':{'seccomp':{}},'linux':{}}", "{'linux':{'seccomp':{}},'a':1,'a':2}",
		/* A key in another spelling is the same key. */
		"{'linux':{'seccomp':{},'\\u0073eccomp':{}}}",
		"{'linux':{'seccomp':{}},'\\u006cinux':{}}"};
	static const char nul[] = "{\"linux\":{\"seccomp\":{\"a\":\"\0\"}}}";

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++) {
		vb_auto_free char *text = support_quoted(texts[i]);
		assert_refused(text, strlen(text));
	}
	assert_refused(nul, sizeof(nul) - 1);
}
END_TEST

START_TEST(what_has_no_place_is_not_written)
{
	vb_auto_oci_document struct vb_oci_document document = {0};
	vb_auto_free char *text = NULL;
	struct vb_error err = {0};
	size_t size = 0;

	read_document("{'linux':{'seccomp':{}}}", &document);
	ck_assert_int_eq(json_object_del(json_object_get(document.tree, "linux"), "seccomp"), 0);
	ck_assert_int_eq(vb_oci_document_write(&document, &text, &size, &err), -EINVAL);
	ck_assert_str_eq(err.what, "linux.seccomp has no place to be written to");
	ck_assert_ptr_null(text);
}
END_TEST

/* The plan of an edit, or of none, on a document with that seccomp object. */
static int apply(const char *seccomp, bool starter, struct vb_error *err)
{
	vb_auto_free char *text = vb_str_format("{'process':{},'linux':{'seccomp':%s}}", seccomp);
	vb_auto_oci_document struct vb_oci_document document = {0};
	vb_auto_plan struct vb_plan *plan = support_plan();
	vb_auto_receipt struct vb_receipt receipt = {0};
	const struct vb_oci_edit edit = {.plan = plan,
		.layers = VB_OCI_LAYERS_ALL,
		.native = SCMP_ARCH_X86_64,
		.seccomp = &document.seccomp};

	if (starter) {
		plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_DEFAULT;
		plan->seccomp.starter = true;
	}
	read_document(text, &document);
	ck_assert_ptr_nonnull(document.seccomp);
	int r = vb_oci_apply(document.tree, &edit, &receipt, err);
	if (r == 0)
		ck_assert_ptr_null(document.seccomp);
	return r;
}

/* Nothing goes to the runtime that nobody has read: here is no memory that would know it. */
START_TEST(what_is_apart_is_read_before_it_is_written)
{
	static const char *const bad[] = {"{'defaultAction':}", "{'a':1,'a':2}",
		"{'defaultAction':'SCMP_ACT_ALLOW','defaultAction':'SCMP_ACT_ERRNO'}"};
	struct vb_error err = {0};

	for (size_t i = 0; i < VB_ARRAY_SIZE(bad); i++) {
		ck_assert_int_eq(apply(bad[i], false, &err), -EINVAL);
		ck_assert_msg(
			strncmp(err.what, "linux.seccomp: JSON error", 25) == 0, "%s", err.what);
		ck_assert_int_eq(apply(bad[i], true, &err), -EINVAL);
	}
	ck_assert_int_eq(apply("{'defaultAction':'SCMP_ACT_ALLOW'}", false, &err), 0);
	ck_assert_int_eq(apply("{'defaultAction':'SCMP_ACT_ALLOW'}", true, &err), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("oci_document");

	tcase_add_test(tcase, linux_seccomp_is_apart_and_comes_back_byte_for_byte);
	tcase_add_test(tcase, what_is_no_plain_object_stays_in_the_tree);
	tcase_add_test(tcase, a_text_that_is_no_document_is_refused_as_ever);
	tcase_add_test(tcase, what_has_no_place_is_not_written);
	tcase_add_test(tcase, what_is_apart_is_read_before_it_is_written);
	return support_run(tcase);
}
