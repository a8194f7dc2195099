/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/caps.h"
#include "vb/base/str.h"

static struct vb_error err;

START_TEST(every_capability_is_found_by_both_of_its_names)
{
	for (unsigned int i = 0; i < VB_CAP_COUNT; i++) {
		uint64_t set = 0;
		const char *name = vb_cap_name(i);
		ck_assert_ptr_nonnull(name);
		ck_assert_int_eq(vb_cap_parse(name, &set, &err), 0);
		ck_assert_uint_eq(set, UINT64_C(1) << i);
		set = 0;
		ck_assert_int_eq(vb_cap_parse(vb_str_after(name, "CAP_"), &set, &err), 0);
		ck_assert_uint_eq(set, UINT64_C(1) << i);
	}
}
END_TEST

START_TEST(numbers_are_the_kernels)
{
	ck_assert_str_eq(vb_cap_name(CAP_CHOWN), "CAP_CHOWN");
	ck_assert_str_eq(vb_cap_name(CAP_SETPCAP), "CAP_SETPCAP");
	ck_assert_str_eq(vb_cap_name(CAP_NET_RAW), "CAP_NET_RAW");
	ck_assert_str_eq(vb_cap_name(CAP_SYS_PTRACE), "CAP_SYS_PTRACE");
	ck_assert_str_eq(vb_cap_name(CAP_SYS_ADMIN), "CAP_SYS_ADMIN");
	ck_assert_str_eq(vb_cap_name(CAP_MKNOD), "CAP_MKNOD");
	ck_assert_str_eq(vb_cap_name(CAP_SETFCAP), "CAP_SETFCAP");
	ck_assert_str_eq(vb_cap_name(CAP_SYSLOG), "CAP_SYSLOG");
	ck_assert_str_eq(vb_cap_name(CAP_PERFMON), "CAP_PERFMON");
	ck_assert_str_eq(vb_cap_name(CAP_BPF), "CAP_BPF");
	ck_assert_str_eq(vb_cap_name(CAP_CHECKPOINT_RESTORE), "CAP_CHECKPOINT_RESTORE");
	ck_assert_int_eq(CAP_LAST_CAP, VB_CAP_COUNT - 1);
}
END_TEST

START_TEST(there_is_no_capability_behind_the_last)
{
	ck_assert_ptr_null(vb_cap_name(VB_CAP_COUNT));
	ck_assert_ptr_null(vb_cap_name(UINT32_MAX));
}
END_TEST

START_TEST(all_is_every_capability)
{
	uint64_t set = 0;

	ck_assert_int_eq(vb_cap_parse("ALL", &set, &err), 0);
	ck_assert_uint_eq(set, VB_CAP_ALL);
	ck_assert_uint_eq(set, UINT64_C(0x1ffffffffff));
}
END_TEST

static const struct {
	const char *name;
	const char *refusal;
} bad_names[] = {
	{"", "ErrInvalidValue: unknown capability '': did you mean BPF? capabilities are named as "
	     "in capabilities(7)"},
	{"NET_ROW", "ErrInvalidValue: unknown capability 'NET_ROW': did you mean NET_RAW? "
		    "capabilities are named as in capabilities(7)"},
	{"net_raw", "ErrInvalidValue: unknown capability 'net_raw': did you mean NET_RAW? "
		    "capabilities are named as in capabilities(7)"},
	{"CAP_", "ErrInvalidValue: unknown capability 'CAP_': did you mean BPF? capabilities are "
		 "named as in capabilities(7)"},
	{"CAP_CAP_CHOWN", "ErrInvalidValue: unknown capability 'CAP_CAP_CHOWN': did you mean "
			  "CHOWN? capabilities are named as in capabilities(7)"},
	{"CAP_ALL", "ErrInvalidValue: unknown capability 'CAP_ALL': did you mean ALL? "
		    "capabilities are named as in capabilities(7)"},
	{"all", "ErrInvalidValue: unknown capability 'all': did you mean ALL? capabilities are "
		"named as in capabilities(7)"},
	{"ALL ", "ErrInvalidValue: unknown capability 'ALL ': did you mean ALL? capabilities are "
		 "named as in capabilities(7)"},
	/* Letter by letter each capability with its '_' at this place would be as near. */
	{"sys_ptrace", "ErrInvalidValue: unknown capability 'sys_ptrace': did you mean SYS_PTRACE? "
		       "capabilities are named as in capabilities(7)"},
	{"cap_sys_chrot", "ErrInvalidValue: unknown capability 'cap_sys_chrot': did you mean "
			  "SYS_CHROOT? capabilities are named as in capabilities(7)"},
	{" NET_RAW", "ErrInvalidValue: unknown capability ' NET_RAW': did you mean NET_RAW? "
		     "capabilities are named as in capabilities(7)"},
	{"NET_RAW\n", "ErrInvalidValue: unknown capability 'NET_RAW?': did you mean NET_RAW? "
		      "capabilities are named as in capabilities(7)"},
};

START_TEST(an_unknown_name_is_refused_with_the_nearest_known_one)
{
	uint64_t set = 42;

	vb_assert_refused(
		vb_cap_parse(bad_names[_i].name, &set, &err), &err, bad_names[_i].refusal);
	ck_assert_uint_eq(set, 42);
}
END_TEST

START_TEST(a_name_of_a_kilobyte_is_refused_and_cut)
{
	char name[1025];
	uint64_t set = 0;

	memset(name, 'N', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(vb_cap_parse(name, &set, &err), -EPERM);
	ck_assert_uint_eq(strlen(err.what), strlen("unknown capability ''") + 64);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("caps");

	tcase_add_test(tcase, every_capability_is_found_by_both_of_its_names);
	tcase_add_test(tcase, numbers_are_the_kernels);
	tcase_add_test(tcase, there_is_no_capability_behind_the_last);
	tcase_add_test(tcase, all_is_every_capability);
	tcase_add_loop_test(tcase, an_unknown_name_is_refused_with_the_nearest_known_one, 0,
		(int)VB_ARRAY_SIZE(bad_names));
	tcase_add_test(tcase, a_name_of_a_kilobyte_is_refused_and_cut);
	return vb_unit_run("caps", tcase);
}
