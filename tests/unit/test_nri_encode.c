/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "nri.pb-c.h"
#include "vb/proto/nri.h"

static struct vb_error err;

START_TEST(a_registration_is_checked_before_the_runtime_does)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create(1000);

	ck_assert_int_eq(vb_nri_encode_register(out, "", "10", &err), -EINVAL);
	ck_assert_int_eq(vb_nri_encode_register(out, "vam brace", "10", &err), -EINVAL);
	ck_assert_int_eq(vb_nri_encode_register(out, "vambrace", "1", &err), -EINVAL);
	ck_assert_int_eq(vb_nri_encode_register(out, "vambrace", "100", &err), -EINVAL);
	ck_assert_int_eq(vb_nri_encode_register(out, "vambrace", "1x", &err), -EINVAL);
	ck_assert_int_eq(vb_nri_encode_register(out, "vambrace", "", &err), -EINVAL);
	ck_assert_uint_eq(vb_buf_size(out), 0);
	ck_assert_int_eq(vb_nri_encode_register(out, "vam_brace-1.0+x", "07", &err), 0);
	ck_assert_uint_eq(vb_buf_size(out), 21);
	ck_assert_mem_eq(vb_buf_data(out),
		"\x0a\x0fvam_brace-1.0+x\x12\x02"
		"07",
		21);
}
END_TEST

START_TEST(an_empty_event_mask_is_never_sent)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create(1000);

	ck_assert_int_eq(vb_nri_encode_configure(out, 0, &err), -EINVAL);
	ck_assert_uint_eq(vb_buf_size(out), 0);
	ck_assert_int_eq(vb_nri_encode_configure(out, VB_NRI_EVENTS_WANTED, &err), 0);
	ck_assert_uint_eq(vb_buf_size(out), 3);
	ck_assert_mem_eq(vb_buf_data(out), "\x10\xec\x4c", 3);
}
END_TEST

START_TEST(a_validation_says_yes_with_nothing_and_no_with_a_reason)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create(1000);

	ck_assert_int_eq(vb_nri_encode_validate(out, NULL, &err), 0);
	ck_assert_uint_eq(vb_buf_size(out), 0);
	ck_assert_int_eq(vb_nri_encode_validate(out, "a\xff", &err), 0);
	ck_assert_uint_eq(vb_buf_size(out), 6);
	ck_assert_mem_eq(vb_buf_data(out),
		"\x08\x01\x12\x02"
		"a?",
		6);
	vb_buf_consume(out, 6);
	ck_assert_int_eq(vb_nri_encode_validate(out, "", &err), 0);
	ck_assert_uint_eq(vb_buf_size(out), 2);
}
END_TEST

static const struct vb_nri_pair some_annotations[] = {
	{"plan-digest.vambrace.dev", "sha256:00"}, {"empty", ""}};
static const struct vb_nri_pair some_env[] = {{"LD_PRELOAD", "/usr/local/lib/x.so"}};

START_TEST(an_adjustment_is_read_back_as_it_was_written)
{
	char size_option[] = "size=64Mi";
	char mode_option[] = "mode=1777";
	char *const options[] = {size_option, mode_option};
	const struct vb_nri_mount mounts[] = {
		{"/tmp", "tmpfs", "tmpfs", {options, 2}}, {"-/data", "", "", {NULL, 0}}};
	const struct vb_nri_adjustment adjustment = {
		.annotations = {some_annotations, 2}, .env = {some_env, 1}, .mounts = {mounts, 2}};
	vb_auto_buf struct vb_buf *out = vb_buf_create(1000);

	ck_assert_int_eq(vb_nri_encode_create(out, &adjustment, &err), 0);
	Nri__Pkg__Api__V1alpha1__CreateContainerResponse *response =
		nri__pkg__api__v1alpha1__create_container_response__unpack(
			NULL, vb_buf_size(out), vb_buf_data(out));
	ck_assert_ptr_nonnull(response);
	const Nri__Pkg__Api__V1alpha1__ContainerAdjustment *adjust = response->adjust;
	ck_assert_ptr_nonnull(adjust);
	ck_assert_uint_eq(adjust->n_annotations, 2);
	ck_assert_str_eq(adjust->annotations[0]->key, "plan-digest.vambrace.dev");
	ck_assert_str_eq(adjust->annotations[0]->value, "sha256:00");
	ck_assert_str_eq(adjust->annotations[1]->value, "");
	ck_assert_uint_eq(adjust->n_env, 1);
	ck_assert_str_eq(adjust->env[0]->key, "LD_PRELOAD");
	ck_assert_uint_eq(adjust->n_mounts, 2);
	ck_assert_str_eq(adjust->mounts[0]->destination, "/tmp");
	ck_assert_str_eq(adjust->mounts[0]->type, "tmpfs");
	ck_assert_str_eq(adjust->mounts[0]->source, "tmpfs");
	ck_assert_uint_eq(adjust->mounts[0]->n_options, 2);
	ck_assert_str_eq(adjust->mounts[0]->options[1], "mode=1777");
	ck_assert_str_eq(adjust->mounts[1]->destination, "-/data");
	ck_assert_uint_eq(adjust->mounts[1]->n_options, 0);
	nri__pkg__api__v1alpha1__create_container_response__free_unpacked(response, NULL);
}
END_TEST

START_TEST(an_adjustment_of_nothing_is_an_empty_reply)
{
	const struct vb_nri_adjustment adjustment = {0};
	vb_auto_buf struct vb_buf *out = vb_buf_create(1000);

	ck_assert_int_eq(vb_nri_encode_create(out, &adjustment, &err), 0);
	ck_assert_uint_eq(vb_buf_size(out), 0);
}
END_TEST

START_TEST(an_adjustment_that_is_not_utf8_is_refused)
{
	char bad_option[] = "size=\xff";
	char *const options[] = {bad_option};
	const struct vb_nri_mount mounts[] = {{"/tmp", "tmpfs", "tmpfs", {options, 1}}};
	const struct vb_nri_pair pairs[] = {{"k", "\xc0\x80"}};
	const struct vb_nri_adjustment bad_mount = {.mounts = {mounts, 1}};
	const struct vb_nri_adjustment bad_env = {.env = {pairs, 1}};
	const struct vb_nri_adjustment bad_annotation = {.annotations = {pairs, 1}};
	vb_auto_buf struct vb_buf *out = vb_buf_create(1000);

	ck_assert_int_eq(vb_nri_encode_create(out, &bad_mount, &err), -EINVAL);
	ck_assert_str_eq(err.what, "mount option 'size=?' is not UTF-8");
	ck_assert_int_eq(vb_nri_encode_create(out, &bad_env, &err), -EINVAL);
	ck_assert_int_eq(vb_nri_encode_create(out, &bad_annotation, &err), -EINVAL);
	ck_assert_uint_eq(vb_buf_size(out), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nri_encode");
	TCase *tcase = tcase_create("encoding");

	tcase_add_test(tcase, a_registration_is_checked_before_the_runtime_does);
	tcase_add_test(tcase, an_empty_event_mask_is_never_sent);
	tcase_add_test(tcase, a_validation_says_yes_with_nothing_and_no_with_a_reason);
	tcase_add_test(tcase, an_adjustment_is_read_back_as_it_was_written);
	tcase_add_test(tcase, an_adjustment_of_nothing_is_an_empty_reply);
	tcase_add_test(tcase, an_adjustment_that_is_not_utf8_is_refused);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
