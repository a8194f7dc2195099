/* SPDX-License-Identifier: Apache-2.0 */
#include <seccomp.h>
#include <string.h>

#include "oci_one_text.h"
#include "oci_support.h"
#include "vb/adjust/oci_apply.h"

static struct vb_kernel_version kernel = {6, 1};

static const char unconfined[] = "{'process':{},'linux':{}}";
static const char confined[] =
	"{'process':{},'linux':{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','"
	"architectures':['SCMP_ARCH_X86_64'],"
	"'syscalls':[{'names':['chmod'],'action':'SCMP_ACT_ERRNO'}]}}}";

static struct vb_plan *starter_plan(void)
{
	struct vb_plan *plan = support_plan();

	plan->sources[VB_LAYER_SECCOMP] = VB_SOURCE_DEFAULT;
	plan->seccomp.starter = true;
	return plan;
}

/* The document that the edit makes of the text; the caller frees it. */
static char *apply(const char *before, const struct vb_plan *plan, struct one_text *one)
{
	const struct vb_oci_memory memory = one_text_memory(one);
	const struct vb_oci_edit edit = {.plan = plan,
		.layers = VB_OCI_LAYERS_ALL,
		.native = SCMP_ARCH_X86_64,
		.kernel = kernel,
		.memory = one != NULL ? &memory : NULL};
	vb_auto_json json_t *spec = support_document(before);
	vb_auto_receipt struct vb_receipt receipt = {0};
	struct vb_error err = {0};

	int r = vb_oci_apply(spec, &edit, &receipt, &err);
	ck_assert_msg(r == 0, "%s", err.what);
	return support_printed(spec);
}

START_TEST(a_recalled_profile_is_the_one_that_would_have_been_made)
{
	vb_auto_plan struct vb_plan *plan = starter_plan();
	struct one_text one = {0};
	vb_auto_free char *without = apply(confined, plan, NULL);
	vb_auto_free char *first = apply(confined, plan, &one);
	vb_auto_free char *second = apply(confined, plan, &one);

	ck_assert_uint_eq(one.kept, 1);
	ck_assert_uint_eq(one.recalled, 1);
	ck_assert_str_eq(first, without);
	ck_assert_str_eq(second, without);
	free(one.text);
}
END_TEST

START_TEST(another_profile_of_the_container_is_another_key)
{
	vb_auto_plan struct vb_plan *plan = starter_plan();
	struct one_text one = {0};
	vb_auto_free char *first = apply(confined, plan, &one);
	vb_auto_free char *second = apply(unconfined, plan, &one);

	ck_assert_uint_eq(one.kept, 2);
	ck_assert_uint_eq(one.recalled, 0);
	ck_assert_str_ne(first, second);
	free(one.text);
}
END_TEST

START_TEST(another_plan_is_another_key)
{
	vb_auto_plan struct vb_plan *plan = starter_plan();
	struct one_text one = {0};
	vb_auto_free char *first = apply(confined, plan, &one);

	plan->seccomp.closure = true;
	vb_auto_free char *closure = apply(confined, plan, &one);
	plan->seccomp.deny_io_uring = true;
	vb_auto_free char *io_uring = apply(confined, plan, &one);
	plan->seccomp.native_abi_only = true;
	vb_auto_free char *native = apply(confined, plan, &one);
	ck_assert_uint_eq(one.kept, 4);
	ck_assert_uint_eq(one.recalled, 0);
	ck_assert_str_ne(first, closure);
	ck_assert_str_ne(closure, io_uring);
	/* The container's profile has no other ABI anyway, and still the key is another. */
	ck_assert_str_eq(io_uring, native);
	free(one.text);
}
END_TEST

/* A profile in Docker's format depends on the container's capabilities and on the kernel. */
START_TEST(another_custom_profile_capability_or_kernel_is_another_key)
{
	static const char privileged[] =
		"{'process':{'capabilities':{'bounding':['CAP_SYS_ADMIN']}},'linux':{}}";
	static const char *const texts[] = {"{\"defaultAction\":\"SCMP_ACT_ALLOW\"}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\" }"};
	struct one_text one = {0};

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++) {
		vb_auto_plan struct vb_plan *plan = starter_plan();
		ck_assert_int_eq(vb_plan_profiles_add(
					 &plan->seccomp.profiles, VB_SOURCE_BUNDLE, "p", texts[i]),
			0);
		vb_auto_free char *first = apply(unconfined, plan, &one);
		vb_auto_free char *second = apply(privileged, plan, &one);
		kernel.minor++;
		vb_auto_free char *third = apply(privileged, plan, &one);
		ck_assert_uint_eq(one.kept, 3 * (i + 1));
		ck_assert_uint_eq(one.recalled, i);
		vb_auto_free char *again = apply(privileged, plan, &one);
		ck_assert_uint_eq(one.recalled, i + 1);
		/* No entry of this profile has a condition: what came out is the same. */
		ck_assert_str_eq(strstr(first, "linux"), strstr(second, "linux"));
		ck_assert_str_eq(again, third);
	}
	free(one.text);
}
END_TEST

START_TEST(a_text_that_is_no_object_is_made_anew)
{
	vb_auto_plan struct vb_plan *plan = starter_plan();
	struct one_text one = {0};
	vb_auto_free char *first = apply(confined, plan, &one);

	free(one.text);
	one.text = strdup("[\"torn");
	vb_auto_free char *second = apply(confined, plan, &one);
	ck_assert_uint_eq(one.kept, 2);
	ck_assert_str_eq(first, second);
	free(one.text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("oci_memory");

	tcase_add_test(tcase, a_recalled_profile_is_the_one_that_would_have_been_made);
	tcase_add_test(tcase, another_profile_of_the_container_is_another_key);
	tcase_add_test(tcase, another_plan_is_another_key);
	tcase_add_test(tcase, another_custom_profile_capability_or_kernel_is_another_key);
	tcase_add_test(tcase, a_text_that_is_no_object_is_made_anew);
	return support_run(tcase);
}
