/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "oci_support.h"
#include "vb/adjust/oci_number.h"
#include "vb/adjust/oci_text.h"
#include "vb/base/str.h"

static void assert_unchanged(const char *text)
{
	vb_auto_json json_t *document = support_document(text);

	support_assert_prints(document, text);
}

static void assert_refused(const char *text, size_t size, int errnum)
{
	json_t *document = NULL;
	struct vb_error err = {0};

	ck_assert_int_eq(vb_oci_text_parse(text, size, &document, &err), -errnum);
	ck_assert_ptr_null(document);
	ck_assert_str_ne(err.what, "");
}

START_TEST(numbers_keep_their_text_whatever_their_size_and_form)
{
	static const char *const numbers[] = {"0", "-0", "-1", "9223372036854775807",
		"9223372036854775808", "18446744073709551615", "18446744073709551616",
		"-9223372036854775808", "-9223372036854775809", "0.1", "1.50", "1e3", "1E+400",
		"-2.5e-7", "100000000000000000000000000000000000000000"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(numbers); i++) {
		char text[256];
		(void)snprintf(text, sizeof(text), "{'a':%s,'b':[%s,{'c':%s}]}", numbers[i],
			numbers[i], numbers[i]);
		assert_unchanged(text);
	}
}
END_TEST

START_TEST(numbers_that_fit_are_integers)
{
	static const char *const numbers[] = {
		"0", "-1", "9223372036854775807", "-9223372036854775808", "1000000000000000000"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(numbers); i++) {
		vb_auto_free char *text = vb_str_format("{'a':%s}", numbers[i]);
		ck_assert_ptr_nonnull(text);
		vb_auto_json json_t *document = support_document(text);
		ck_assert_msg(json_is_integer(json_object_get(document, "a")), "%s", text);
	}
}
END_TEST

START_TEST(a_large_number_reads_as_uint64)
{
	vb_auto_json json_t *document = support_document("{'hard': 18446744073709551615}");
	uint64_t number = 0;

	ck_assert_int_eq(vb_oci_number_u64(json_object_get(document, "hard"), &number), 0);
	ck_assert_uint_eq(number, UINT64_MAX);
}
END_TEST

START_TEST(strings_keep_their_bytes_even_with_the_mark_in_front)
{
	assert_unchanged("{'a':'\\u0001123'}");
	assert_unchanged("{'a':'\\u0001'}");
	assert_unchanged("{'a':'\\u0001\\u00019'}");
	assert_unchanged("{'\\u00011':'x','\\u0001\\u0001':18446744073709551615}");
	assert_unchanged("{'a':'x\\u0001123'}");
	assert_unchanged("{'a':'18446744073709551615','b':'[{}]1.5'}");
	assert_unchanged("{'a':'\\\\\\u0001','b':'\\\"\\u00015\\\"'}");
	assert_unchanged("{'a':'\xc3\xa4\xe2\x80\xa8\xf0\x9f\xa6\xbe'}");
}
END_TEST

START_TEST(the_order_of_keys_stays)
{
	assert_unchanged("{'z':1,'a':2,'m':{'y':3,'b':4}}");
}
END_TEST

START_TEST(empty_lists_objects_and_null_stay)
{
	assert_unchanged("{'a':[],'b':{},'c':null,'d':true,'e':false,'f':''}");
}
END_TEST

START_TEST(what_is_no_json_object_is_refused)
{
	static const char *const texts[] = {"", "[]", "1", "18446744073709551615", "\"x\"", "{",
		"{\"a\":1}x", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":-}", "{\"a\":1e}",
		"{\"a\":1.2.3}", "{\"a\":+1}", "{\"a\":00018446744073709551615}",
		"{\"a\":1,\"a\":2}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\x01",
		"{\"a\":\"\x01\"}", "{\"a\":\"\\", "{\"a\":18446744073709551615"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++)
		assert_refused(texts[i], strlen(texts[i]), EINVAL);
}
END_TEST

START_TEST(nesting_is_allowed_to_the_limit_and_not_beyond)
{
	for (int depth = VB_OCI_DEPTH_MAX; depth <= VB_OCI_DEPTH_MAX + 1; depth++) {
		char open_lists[VB_OCI_DEPTH_MAX + 1] = "";
		char closed_lists[VB_OCI_DEPTH_MAX + 1] = "";
		json_t *document = NULL;

		memset(open_lists, '[', (size_t)depth - 1);
		memset(closed_lists, ']', (size_t)depth - 1);
		vb_auto_free char *text = vb_str_format("{\"a\":%s%s}", open_lists, closed_lists);
		ck_assert_ptr_nonnull(text);
		int r = vb_oci_text_parse(text, strlen(text), &document, NULL);
		ck_assert_int_eq(r, depth == VB_OCI_DEPTH_MAX ? 0 : -EINVAL);
		json_decref(document);
	}
}
END_TEST

START_TEST(a_text_above_the_limit_is_refused_unread)
{
	vb_auto_free char *text = vb_str_format("{}%*s", VB_OCI_TEXT_MAX - 1, "");
	json_t *document = NULL;

	ck_assert_ptr_nonnull(text);
	assert_refused(text, VB_OCI_TEXT_MAX + 1, EFBIG);
	ck_assert_int_eq(vb_oci_text_parse(text, VB_OCI_TEXT_MAX, &document, NULL), 0);
	json_decref(document);
}
END_TEST

START_TEST(a_text_of_nothing_but_large_numbers_fits)
{
	enum { COUNT = 100000 };
	vb_auto_free char *numbers = malloc((size_t)COUNT * 3 + 1);

	ck_assert_ptr_nonnull(numbers);
	for (size_t i = 0; i < COUNT; i++)
		memcpy(&numbers[3 * i], ",-0", 3);
	numbers[(size_t)COUNT * 3] = '\0';
	vb_auto_free char *text = vb_str_format("{\"a\":[-0%s]}", numbers);
	ck_assert_ptr_nonnull(text);
	vb_auto_json json_t *document = support_document(text);
	vb_auto_free char *printed = support_printed(document);
	ck_assert_str_eq(printed, text);
}
END_TEST

START_TEST(a_marked_string_that_is_no_number_is_not_written)
{
	static const char *const texts[] = {"", "x", "1x", "1,\"b\":2", "0x10", "-"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++) {
		char marked[32];
		char *text = NULL;
		size_t size = 0;
		(void)snprintf(marked, sizeof(marked), VB_OCI_NUMBER_MARK "%s", texts[i]);
		vb_auto_json json_t *document = json_pack("{s:s}", "a", marked);
		ck_assert_int_eq(vb_oci_text_write(document, &text, &size, NULL), -EINVAL);
		ck_assert_ptr_null(text);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("oci_text");

	tcase_add_test(tcase, numbers_keep_their_text_whatever_their_size_and_form);
	tcase_add_test(tcase, numbers_that_fit_are_integers);
	tcase_add_test(tcase, a_large_number_reads_as_uint64);
	tcase_add_test(tcase, strings_keep_their_bytes_even_with_the_mark_in_front);
	tcase_add_test(tcase, the_order_of_keys_stays);
	tcase_add_test(tcase, empty_lists_objects_and_null_stay);
	tcase_add_test(tcase, what_is_no_json_object_is_refused);
	tcase_add_test(tcase, nesting_is_allowed_to_the_limit_and_not_beyond);
	tcase_add_test(tcase, a_text_above_the_limit_is_refused_unread);
	tcase_add_test(tcase, a_text_of_nothing_but_large_numbers_fits);
	tcase_add_test(tcase, a_marked_string_that_is_no_number_is_not_written);
	return support_run(tcase);
}
