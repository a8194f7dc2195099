/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "oci_support.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/receipt.h"
#include "vb/base/str.h"

static const char full[] =
	"{\"bundle_dir\":\"/run/b\",\"capabilities\":{\"ambient\":[],"
	"\"bounding\":[\"CAP_CHOWN\",\"CAP_CHECKPOINT_RESTORE\"],\"effective\":[\"CAP_CHOWN\"],"
	"\"inheritable\":[],\"permitted\":[\"CAP_CHOWN\"]},\"config_digest\":\"sha256:1\","
	"\"container_id\":\"abc\",\"no_new_privileges\":true,\"pid_file\":\"/run/b/init.pid\","
	"\"plan_digest\":\"sha256:2\",\"preload_verdict\":\"covered\",\"receipt_version\":1,"
	"\"runtime\":\"/usr/sbin/runc\",\"speculation\":{\"had\":\"allow\",\"has\":\"mitigate\","
	"\"inherited\":{\"indirect_branch\":-22,\"store_bypass\":3},\"takes_flag\":true},"
	"\"writable_mounts\":[\"/data\",\"/tmp\"]}";

START_TEST(a_receipt_survives_writing_and_reading)
{
	vb_auto_receipt struct vb_receipt receipt = {0};
	struct vb_error err = {0};

	int r = vb_receipt_from_json(full, strlen(full), &receipt, &err);
	ck_assert_msg(r == 0, "%s", err.what);
	ck_assert_str_eq(receipt.container_id, "abc");
	ck_assert_str_eq(receipt.pid_file, "/run/b/init.pid");
	ck_assert_uint_eq(receipt.cap_bounding, UINT64_C(1) | UINT64_C(1) << 40);
	ck_assert_uint_eq(receipt.cap_ambient, 0);
	ck_assert(receipt.no_new_privileges);
	ck_assert_uint_eq(receipt.writable_mounts.count, 2);
	ck_assert(receipt.speculation.is_set && receipt.speculation.takes_flag);
	ck_assert_int_eq(receipt.speculation.had, VB_SPEC_STATE_ALLOW);
	ck_assert_int_eq(receipt.speculation.has, VB_SPEC_STATE_MITIGATE);
	ck_assert_int_eq(receipt.speculation.inherited.store_bypass, 3);
	ck_assert_int_eq(receipt.speculation.inherited.indirect_branch, -22);
	vb_auto_free char *text = vb_receipt_to_json(&receipt);
	ck_assert_str_eq(text, full);
}
END_TEST

START_TEST(an_empty_receipt_has_no_texts)
{
	struct vb_receipt receipt = {0};
	vb_auto_free char *text = vb_receipt_to_json(&receipt);
	vb_auto_receipt struct vb_receipt again = {0};

	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(vb_receipt_from_json(text, strlen(text), &again, NULL), 0);
	ck_assert_ptr_null(again.pid_file);
	ck_assert_ptr_null(again.preload_verdict);
	ck_assert(!again.no_new_privileges);
	ck_assert(!again.speculation.is_set);
}
END_TEST

START_TEST(all_capabilities_fit)
{
	struct vb_receipt receipt = {.cap_bounding = VB_CAP_ALL};
	vb_auto_free char *text = vb_receipt_to_json(&receipt);
	vb_auto_receipt struct vb_receipt again = {0};

	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(vb_receipt_from_json(text, strlen(text), &again, NULL), 0);
	ck_assert_uint_eq(again.cap_bounding, VB_CAP_ALL);
}
END_TEST

/* Replaces the first occurrence; the text must then be refused. */
static void assert_refused(const char *from, const char *to)
{
	const char *at = strstr(full, from);

	ck_assert_ptr_nonnull(at);
	vb_auto_free char *text =
		vb_str_format("%.*s%s%s", (int)(at - full), full, to, at + strlen(from));
	ck_assert_ptr_nonnull(text);
	vb_auto_receipt struct vb_receipt receipt = {0};
	struct vb_error err = {0};
	ck_assert_msg(
		vb_receipt_from_json(text, strlen(text), &receipt, &err) == -EINVAL, "%s", text);
	ck_assert_str_ne(err.what, "");
	ck_assert_ptr_null(receipt.container_id);
}

START_TEST(what_the_writer_would_not_write_is_refused)
{
	assert_refused("\"receipt_version\":1", "\"receipt_version\":2");
	assert_refused("\"receipt_version\":1,", "");
	assert_refused("\"abc\"", "7");
	assert_refused("\"abc\"", "\"\"");
	assert_refused("\"runtime\"", "\"Runtime\"");
	assert_refused("true", "\"true\"");
	assert_refused("\"had\":\"allow\"", "\"had\":\"perhaps\"");
	assert_refused("\"had\":\"allow\",", "");
	assert_refused("-22", "\"-22\"");
	assert_refused("-22", "4294967274");
	assert_refused("\"store_bypass\":3", "\"store_bypass\":3,\"x\":1");
	assert_refused("\"ambient\":[],", "");
	assert_refused("\"ambient\":[]", "\"ambient\":[\"CAP_X\"]");
	assert_refused("\"ambient\":[]", "\"ambient\":[\"ALL\"]");
	assert_refused("\"ambient\":[]", "\"ambient\":{}");
	assert_refused("[\"/data\",\"/tmp\"]", "[\"/data\",7]");
	assert_refused("{\"bundle_dir\"", "{ \"bundle_dir\"");
	assert_refused("\"/tmp\"]}", "\"/tmp\"]}x");
	assert_refused("\"/tmp\"]}", "\"/tmp\"]");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("receipt");

	tcase_add_test(tcase, a_receipt_survives_writing_and_reading);
	tcase_add_test(tcase, an_empty_receipt_has_no_texts);
	tcase_add_test(tcase, all_capabilities_fit);
	tcase_add_test(tcase, what_the_writer_would_not_write_is_refused);
	return support_run(tcase);
}
