/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <linux/prctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "vb/adjust/profile.h"
#include "vb/adjust/speculation.h"

enum {
	FREE = PR_SPEC_PRCTL | PR_SPEC_ENABLE,
	FORCED = PR_SPEC_PRCTL | PR_SPEC_FORCE_DISABLE,
	OFF = PR_SPEC_ENABLE,
};

static void assert_effect(const struct vb_speculation_probe *probe,
	const struct vb_speculation *inherited, const char *name)
{
	ck_assert_str_eq(vb_spec_effect_name(vb_speculation_effect(probe, inherited)), name);
}

START_TEST(the_effect_is_what_the_filters_did)
{
	/* Linux 5.10; mitigations=off; an arm64 without either control; spec_store_bypass alone. */
	const struct vb_speculation_probe linux_5_10 = {
		.before = {FREE, FREE}, .plain = {FORCED, FORCED}, .allowed = {FREE, FREE}};
	const struct vb_speculation_probe off = {
		.before = {OFF, OFF}, .plain = {OFF, OFF}, .allowed = {OFF, OFF}};
	const struct vb_speculation_probe none = {.before = {-ENODEV, -ENODEV},
		.plain = {-ENODEV, -ENODEV},
		.allowed = {-ENODEV, -ENODEV}};
	const struct vb_speculation_probe half = {
		.before = {FREE, OFF}, .plain = {FORCED, OFF}, .allowed = {FREE, OFF}};
	const struct vb_speculation_probe other_half = {
		.before = {OFF, FREE}, .plain = {OFF, FORCED}, .allowed = {OFF, FREE}};

	assert_effect(&linux_5_10, NULL, "matters");
	assert_effect(&off, NULL, "no-effect");
	assert_effect(&none, NULL, "no-effect");
	assert_effect(&half, NULL, "matters");
	assert_effect(&other_half, NULL, "matters");
	assert_effect(NULL, NULL, "unknown");
}
END_TEST

START_TEST(who_is_forced_already_gains_nothing)
{
	const struct vb_speculation_probe forced = {
		.before = {FORCED, FREE}, .plain = {FORCED, FORCED}, .allowed = {FORCED, FREE}};
	const struct vb_speculation free_parent = {FREE, FREE};
	const struct vb_speculation forced_parent = {FREE, FORCED};

	assert_effect(&forced, NULL, "already-forced");
	assert_effect(&forced, &forced_parent, "already-forced");
	assert_effect(NULL, &forced_parent, "already-forced");
	assert_effect(NULL, &free_parent, "unknown");
	/* The prober has a filter of its own; the containers start without. */
	assert_effect(&forced, &free_parent, "matters");
}
END_TEST

START_TEST(only_a_runtime_without_the_flag_newly_forces)
{
	const struct vb_oci_features runc_1_1 = {.is_known = true};
	const struct vb_oci_features crun = {.is_known = true,
		.allows_by_default = true,
		.flags = VB_PROFILE_FLAG_SPEC_ALLOW | VB_PROFILE_FLAG_LOG};
	const struct vb_oci_features by_name = {
		.is_known = true, .flags = VB_PROFILE_FLAG_SPEC_ALLOW};
	const struct vb_oci_features stranger = {0};

	ck_assert(vb_speculation_newly_forces(VB_SPEC_EFFECT_MATTERS, &runc_1_1));
	ck_assert(!vb_speculation_newly_forces(VB_SPEC_EFFECT_NONE, &runc_1_1));
	ck_assert(!vb_speculation_newly_forces(VB_SPEC_EFFECT_FORCED, &runc_1_1));
	ck_assert(!vb_speculation_newly_forces(VB_SPEC_EFFECT_MATTERS, &crun));
	ck_assert(!vb_speculation_newly_forces(VB_SPEC_EFFECT_MATTERS, &by_name));
	ck_assert(!vb_speculation_newly_forces(VB_SPEC_EFFECT_MATTERS, &stranger));
}
END_TEST

START_TEST(this_kernel_can_be_probed_and_stays_as_it_was)
{
	struct vb_speculation before;
	struct vb_speculation after;
	struct vb_speculation_probe probe = {0};
	struct vb_error err = {0};

	vb_speculation_read(&before);
	int r = vb_speculation_probe(&probe, &err);
	ck_assert_msg(r == 0, "%s", err.what);
	vb_speculation_read(&after);
	ck_assert_int_eq(after.store_bypass, before.store_bypass);
	ck_assert_int_eq(after.indirect_branch, before.indirect_branch);
	ck_assert_int_eq(probe.before.store_bypass, before.store_bypass);
	ck_assert_int_eq(probe.before.indirect_branch, before.indirect_branch);
	/* Both are older than every kernel that is supported. */
	ck_assert_uint_ne(probe.known_flags & VB_PROFILE_FLAG_SPEC_ALLOW, 0);
	ck_assert_uint_ne(probe.known_flags & VB_PROFILE_FLAG_LOG, 0);
	/* The flag never changes anything. */
	ck_assert_int_eq(probe.allowed.store_bypass, before.store_bypass);
	ck_assert_int_eq(probe.allowed.indirect_branch, before.indirect_branch);
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

/* As the daemon in its pod: an ordinary user without any privilege. */
START_TEST(the_probe_needs_no_privileges)
{
	struct vb_speculation_probe probe = {0};

	ck_assert(geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0));
	ck_assert_int_eq(vb_speculation_probe(&probe, NULL), 0);
	ck_assert_int_ne(vb_speculation_effect(&probe, NULL), VB_SPEC_EFFECT_UNKNOWN);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("speculation");

	tcase_add_test(tcase, the_effect_is_what_the_filters_did);
	tcase_add_test(tcase, who_is_forced_already_gains_nothing);
	tcase_add_test(tcase, only_a_runtime_without_the_flag_newly_forces);
	tcase_add_test(tcase, this_kernel_can_be_probed_and_stays_as_it_was);
	tcase_add_test(tcase, the_probe_needs_no_privileges);
	return vb_unit_run("speculation", tcase);
}
