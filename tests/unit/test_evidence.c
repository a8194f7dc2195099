/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/evidence.h"

static struct vb_error err;

#define STATUS                                                                                     \
	"Name:\trunc:[2:INIT]\n"                                                                   \
	"State:\tS (sleeping)\n"                                                                   \
	"Pid:\t4711\n"                                                                             \
	"CapInh:\t0000000000000000\n"                                                              \
	"CapPrm:\t00000000a80425fb\n"                                                              \
	"CapEff:\t00000000a80405fb\n"                                                              \
	"CapBnd:\t000001ffffffffff\n"                                                              \
	"CapAmb:\t0000000000000001\n"                                                              \
	"NoNewPrivs:\t1\n"                                                                         \
	"Seccomp:\t2\n"

START_TEST(a_status_is_read_field_by_field)
{
	struct vb_proc_status status;

	ck_assert_int_eq(
		vb_proc_status_parse(STATUS "Seccomp_filters:\t3\n"
					    "Speculation_Store_Bypass:\tthread vulnerable\n"
					    "SpeculationIndirectBranch:\talways enabled\n",
			&status, &err),
		0);
	ck_assert(!status.is_dead);
	ck_assert_uint_eq(status.cap_inheritable, 0);
	ck_assert_uint_eq(status.cap_permitted, 0xa80425fb);
	ck_assert_uint_eq(status.cap_effective, 0xa80405fb);
	ck_assert_uint_eq(status.cap_bounding, 0x1ffffffffff);
	ck_assert_uint_eq(status.cap_ambient, 1);
	ck_assert(status.no_new_privileges);
	ck_assert_uint_eq(status.seccomp_mode, 2);
	ck_assert(status.has_seccomp_filters);
	ck_assert_uint_eq(status.seccomp_filters, 3);
	ck_assert_str_eq(status.store_bypass, "thread vulnerable");
	ck_assert_str_eq(status.indirect_branch, "always enabled");
}
END_TEST

START_TEST(an_older_kernels_status_lacks_the_newer_lines)
{
	struct vb_proc_status status;

	ck_assert_int_eq(vb_proc_status_parse(STATUS, &status, &err), 0);
	ck_assert(!status.has_seccomp_filters);
	ck_assert_str_eq(status.store_bypass, "");
}
END_TEST

START_TEST(a_status_line_that_is_missing_or_malformed_is_an_error)
{
	static const char *const names[] = {
		"State", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"};
	struct vb_proc_status status;

	for (size_t i = 0; i < VB_ARRAY_SIZE(names); i++) {
		char text[] = STATUS;
		vb_auto_free char *line = vb_str_format("\n%s:", names[i]);
		char *found = strstr(text, line);
		ck_assert_ptr_nonnull(found);
		/* Renamed, the line is missing. */
		found[1] = '#';
		ck_assert_int_eq(vb_proc_status_parse(text, &status, &err), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.what, names[i]));
		found[1] = names[i][0];
		ck_assert_int_eq(vb_proc_status_parse(text, &status, &err), 0);
		if (i == 0)
			continue;
		found[strlen(line) + 1] = 'x';
		ck_assert_int_eq(vb_proc_status_parse(text, &status, &err), -EINVAL);
	}
	ck_assert_int_eq(vb_proc_status_parse("", &status, &err), -EINVAL);
	ck_assert_int_eq(
		vb_proc_status_parse(STATUS "Seccomp_filters:\t-1\n", &status, &err), -EINVAL);
}
END_TEST

/* The kernel escapes newlines in the name, so it can hold no line of its own. */
START_TEST(a_processs_name_cannot_forge_a_line)
{
	struct vb_proc_status status;

	ck_assert_int_eq(
		vb_proc_status_parse("Name:\tSeccomp:\t0\\nCapEff:\t0\n" STATUS, &status, &err), 0);
	ck_assert_uint_eq(status.seccomp_mode, 2);
}
END_TEST

START_TEST(a_zombie_and_a_dead_process_are_told_from_a_living_one)
{
	char text[] = STATUS;
	struct vb_proc_status status;
	char *state = strstr(text, "S (sl");

	*state = 'Z';
	ck_assert_int_eq(vb_proc_status_parse(text, &status, &err), 0);
	ck_assert(status.is_dead);
	*state = 'X';
	ck_assert_int_eq(vb_proc_status_parse(text, &status, &err), 0);
	ck_assert(status.is_dead);
	*state = 'D';
	ck_assert_int_eq(vb_proc_status_parse(text, &status, &err), 0);
	ck_assert(!status.is_dead);
}
END_TEST

#define MOUNT(id, parent, point, rest) #id " " #parent " 0:1 / " point " rw,relatime " rest "\n"
#define TMPFS                          "- tmpfs tmpfs rw,size=4k"

START_TEST(a_mountinfo_line_is_read_with_its_escapes_and_optional_fields)
{
	struct vb_mountinfo mounts;

	ck_assert_int_eq(
		vb_mountinfo_parse("36 35 98:0 /mnt1\\040a /mnt\\0112\\134 ro,noatime master:1 "
				   "shared:2 - ext3 /dev/root rw,errors=continue\n"
				   "37 36 0:1 / /x rw - tmpfs  rw",
			&mounts, &err),
		0);
	ck_assert_uint_eq(mounts.count, 2);
	ck_assert_uint_eq(mounts.items[0].id, 36);
	ck_assert_uint_eq(mounts.items[0].parent, 35);
	ck_assert_str_eq(mounts.items[0].root, "/mnt1 a");
	ck_assert_str_eq(mounts.items[0].mount_point, "/mnt\t2\\");
	ck_assert_str_eq(mounts.items[0].options, "ro,noatime");
	ck_assert_str_eq(mounts.items[0].fs_type, "ext3");
	ck_assert_str_eq(mounts.items[0].source, "/dev/root");
	ck_assert_str_eq(mounts.items[0].super_options, "rw,errors=continue");
	/* A mount's source can be empty. */
	ck_assert_str_eq(mounts.items[1].source, "");
	ck_assert_str_eq(mounts.items[1].super_options, "rw");
	vb_mountinfo_finish(&mounts);
}
END_TEST

START_TEST(malformed_mountinfo_is_an_error)
{
	static const char *const texts[] = {"x", "1", "1 2", "1 2 0:1", "1 2 0:1 / /",
		"1 2 0:1 / / rw", "1 2 0:1 / / rw -", "1 2 0:1 / / rw - tmpfs",
		"1 2 0:1 / / rw - tmpfs t", "a 2 0:1 / / rw - tmpfs t rw",
		"1 -2 0:1 / / rw - tmpfs t rw", "1234567890123456789 2 0:1 / / rw - tmpfs t rw",
		"1 2 0:1 / / rw - tmpfs t rw\n\n"};
	struct vb_mountinfo mounts;

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++)
		ck_assert_int_eq(vb_mountinfo_parse(texts[i], &mounts, &err), -EINVAL);
	ck_assert_int_eq(vb_mountinfo_parse("", &mounts, &err), 0);
	ck_assert_uint_eq(mounts.count, 0);
}
END_TEST

START_TEST(more_mounts_than_the_bound_are_an_error)
{
	static const char line[] = MOUNT(1, 2, "/", TMPFS);
	size_t length = strlen(line);
	vb_auto_free char *text = malloc(length * (VB_PROC_MOUNTS_MAX + 1) + 1);
	struct vb_mountinfo mounts;

	for (size_t i = 0; i <= VB_PROC_MOUNTS_MAX; i++)
		memcpy(text + i * length, line, length + 1);
	ck_assert_int_eq(vb_mountinfo_parse(text, &mounts, &err), -E2BIG);
	text[length * VB_PROC_MOUNTS_MAX] = '\0';
	ck_assert_int_eq(vb_mountinfo_parse(text, &mounts, &err), 0);
	ck_assert_uint_eq(mounts.count, VB_PROC_MOUNTS_MAX);
	vb_mountinfo_finish(&mounts);
}
END_TEST

/* The id of the topmost mount, 0 for none. */
static uint64_t topmost(const char *text, const char *path)
{
	vb_auto_mountinfo struct vb_mountinfo mounts = {0};

	ck_assert_msg(vb_mountinfo_parse(text, &mounts, &err) == 0, "%s", err.what);
	const struct vb_mount *mount = vb_mountinfo_topmost(&mounts, path);
	return mount != NULL ? mount->id : 0;
}

START_TEST(the_topmost_mount_is_the_one_that_a_path_leads_to)
{
	static const char text[] = MOUNT(10, 1, "/", TMPFS) MOUNT(12, 10, "/a", TMPFS)
		MOUNT(13, 12, "/a/b", TMPFS) MOUNT(14, 13, "/a/b", TMPFS);

	ck_assert_uint_eq(topmost(text, "/"), 10);
	ck_assert_uint_eq(topmost(text, "/a"), 12);
	ck_assert_uint_eq(topmost(text, "/a/b"), 14);
	ck_assert_uint_eq(topmost(text, "/a/b/c"), 0);
	ck_assert_uint_eq(topmost(text, "/b"), 0);
	ck_assert_uint_eq(topmost(text, "/a/"), 0);
	ck_assert_uint_eq(topmost(text, "/ab"), 0);
}
END_TEST

START_TEST(a_mount_hidden_below_a_later_one_is_not_reached)
{
	static const char text[] =
		MOUNT(10, 1, "/", TMPFS) MOUNT(11, 10, "/a/b", TMPFS) MOUNT(12, 10, "/a", TMPFS);

	ck_assert_uint_eq(topmost(text, "/a"), 12);
	ck_assert_uint_eq(topmost(text, "/a/b"), 0);
}
END_TEST

START_TEST(a_root_over_the_root_counts)
{
	static const char text[] = MOUNT(10, 1, "/", TMPFS) MOUNT(20, 10, "/", TMPFS)
		MOUNT(21, 10, "/tmp", TMPFS) MOUNT(22, 20, "/tmp", TMPFS);

	ck_assert_uint_eq(topmost(text, "/"), 20);
	ck_assert_uint_eq(topmost(text, "/tmp"), 22);
}
END_TEST

START_TEST(ids_that_go_in_circles_end_the_search)
{
	static const char text[] = MOUNT(10, 11, "/", TMPFS) MOUNT(11, 10, "/", TMPFS)
		MOUNT(12, 1, "/", TMPFS) MOUNT(13, 12, "/a", TMPFS) MOUNT(12, 13, "/a", TMPFS);

	ck_assert_uint_eq(topmost(text, "/a"), 0);
	ck_assert_uint_eq(topmost(MOUNT(5, 5, "/", TMPFS), "/"), 5);
}
END_TEST

START_TEST(mount_options_are_whole_words)
{
	const char *value = NULL;
	size_t length = 0;

	ck_assert(vb_mount_options_have("rw,nosuid,noexec", "nosuid"));
	ck_assert(vb_mount_options_have("rw", "rw"));
	ck_assert(!vb_mount_options_have("rw,nosuidx", "nosuid"));
	ck_assert(!vb_mount_options_have("rw,errors=ro", "ro"));
	ck_assert(!vb_mount_options_have("", "ro"));
	ck_assert(vb_mount_options_get("rw,size=4k,mode=755", "size", &value, &length));
	ck_assert_uint_eq(length, 2);
	ck_assert_int_eq(memcmp(value, "4k", 2), 0);
	ck_assert(vb_mount_options_get("mode=", "mode", &value, &length));
	ck_assert_uint_eq(length, 0);
	ck_assert(!vb_mount_options_get("rw,xsize=4k", "size", &value, &length));
	ck_assert(!vb_mount_options_get("size", "size", &value, &length));
}
END_TEST

#define LIMITS                                                                                     \
	"Limit                     Soft Limit           Hard Limit           Units     \n"         \
	"Max cpu time              unlimited            unlimited            seconds   \n"         \
	"Max processes             96365                96366                processes \n"         \
	"Max open files            32                   unlimited            files     \n"         \
	"Max nice priority         0                    0                    \n"

START_TEST(a_limit_is_found_by_its_name)
{
	uint64_t soft = 1;
	uint64_t hard = 1;

	ck_assert_int_eq(vb_proc_limits_get(LIMITS, "RLIMIT_CPU", &soft, &hard, &err), 0);
	ck_assert_uint_eq(soft, UINT64_MAX);
	ck_assert_uint_eq(hard, UINT64_MAX);
	ck_assert_int_eq(vb_proc_limits_get(LIMITS, "RLIMIT_NPROC", &soft, &hard, &err), 0);
	ck_assert_uint_eq(soft, 96365);
	ck_assert_uint_eq(hard, 96366);
	ck_assert_int_eq(vb_proc_limits_get(LIMITS, "RLIMIT_NOFILE", &soft, &hard, &err), 0);
	ck_assert_uint_eq(soft, 32);
	ck_assert_uint_eq(hard, UINT64_MAX);
	ck_assert_int_eq(vb_proc_limits_get(LIMITS, "RLIMIT_NICE", &soft, &hard, &err), 0);
	ck_assert_uint_eq(hard, 0);
}
END_TEST

START_TEST(a_limit_that_is_not_there_or_malformed_is_an_error)
{
	uint64_t soft = 1;
	uint64_t hard = 1;

	ck_assert_int_eq(vb_proc_limits_get(LIMITS, "RLIMIT_CORE", &soft, &hard, &err), -ENOENT);
	ck_assert_int_eq(vb_proc_limits_get(LIMITS, "RLIMIT_FOO", &soft, &hard, &err), -ENOENT);
	ck_assert_int_eq(vb_proc_limits_get("Max open files            many  2\n", "RLIMIT_NOFILE",
				 &soft, &hard, &err),
		-EINVAL);
	ck_assert_int_eq(vb_proc_limits_get("Max open files            2\n", "RLIMIT_NOFILE", &soft,
				 &hard, &err),
		-EINVAL);
	ck_assert_uint_eq(soft, 1);
	ck_assert_uint_eq(hard, 1);
}
END_TEST

START_TEST(a_cgroup_is_the_containers_when_a_component_ends_in_its_id)
{
	static const char *const yes[] = {"0::/kubepods/besteffort/podx/abc123\n",
		"12:pids:/\n11:cpu:/k8s.io/abc123/\n", "0::/a.slice/cri-containerd-abc123.scope",
		"0::/../../cri-containerd:abc123\n", "0::/abc123/init.scope\n"};
	static const char *const no[] = {"", "0::/\n", "0::/kubepods/abc1234\n",
		"0::/kubepods/xabc123\n", "0::/kubepods/abc123.slice\n", "0::/k8s.io/abc\n123\n",
		"abc123"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(yes); i++)
		ck_assert_msg(vb_proc_cgroup_is_of(yes[i], "abc123"), "%s", yes[i]);
	for (size_t i = 0; i < VB_ARRAY_SIZE(no); i++)
		ck_assert_msg(!vb_proc_cgroup_is_of(no[i], "abc123"), "%s", no[i]);
	ck_assert(!vb_proc_cgroup_is_of("0::/\n", ""));
}
END_TEST

#define MAPS_BEFORE                                                                                \
	"7f0000000000-7f0000001000 r--p 00000000 fe:00 12                         /lib/x.so\n"
#define MAPS_SHIM                                                                                  \
	"7f0000002000-7f0000003000 r-xp 00001000 00:25 1234                       /usr/lib/s.so"

static bool finds(const char *text, size_t piece)
{
	struct vb_maps_scan scan = {0};
	size_t size = strlen(text);

	for (size_t at = 0; at < size; at += piece)
		vb_maps_scan_feed(
			&scan, text + at, size - at < piece ? size - at : piece, "/usr/lib/s.so");
	return scan.found;
}

START_TEST(a_mapping_is_found_however_the_text_is_cut)
{
	for (size_t piece = 1; piece < 200; piece += 7) {
		ck_assert(finds(MAPS_BEFORE MAPS_SHIM "\n" MAPS_BEFORE, piece));
		ck_assert(finds(MAPS_SHIM " (deleted)\n", piece));
		ck_assert(!finds(MAPS_BEFORE MAPS_BEFORE, piece));
	}
}
END_TEST

START_TEST(only_the_whole_path_of_a_mapping_counts)
{
	ck_assert(!finds(MAPS_SHIM ".bak\n", 16));
	ck_assert(!finds(MAPS_SHIM " (deleted).so\n", 16));
	ck_assert(!finds("7f0000002000-7f0000003000 r-xp 00001000 00:25 1 /x/usr/lib/s.so\n", 16));
	ck_assert(!finds("7f0000002000-7f0000003000 r-xp 00001000 00:25 0 \n", 16));
	ck_assert(!finds("/usr/lib/s.so\n", 16));
}
END_TEST

START_TEST(a_line_longer_than_any_path_hides_no_other)
{
	char text[9000];

	memset(text, 'x', sizeof(text));
	(void)snprintf(text + 8000, sizeof(text) - 8000, "\n%s\n", MAPS_SHIM);
	ck_assert(finds(text, 100));
	/* Nor is its own end taken for a path. */
	memset(text, 'x', sizeof(text));
	(void)snprintf(text + 8000, sizeof(text) - 8000, "%s\n", MAPS_SHIM);
	ck_assert(!finds(text, 100));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("evidence");

	tcase_add_test(tcase, a_status_is_read_field_by_field);
	tcase_add_test(tcase, an_older_kernels_status_lacks_the_newer_lines);
	tcase_add_test(tcase, a_status_line_that_is_missing_or_malformed_is_an_error);
	tcase_add_test(tcase, a_processs_name_cannot_forge_a_line);
	tcase_add_test(tcase, a_zombie_and_a_dead_process_are_told_from_a_living_one);
	tcase_add_test(tcase, a_mountinfo_line_is_read_with_its_escapes_and_optional_fields);
	tcase_add_test(tcase, malformed_mountinfo_is_an_error);
	tcase_add_test(tcase, more_mounts_than_the_bound_are_an_error);
	tcase_add_test(tcase, the_topmost_mount_is_the_one_that_a_path_leads_to);
	tcase_add_test(tcase, a_mount_hidden_below_a_later_one_is_not_reached);
	tcase_add_test(tcase, a_root_over_the_root_counts);
	tcase_add_test(tcase, ids_that_go_in_circles_end_the_search);
	tcase_add_test(tcase, mount_options_are_whole_words);
	tcase_add_test(tcase, a_limit_is_found_by_its_name);
	tcase_add_test(tcase, a_limit_that_is_not_there_or_malformed_is_an_error);
	tcase_add_test(tcase, a_cgroup_is_the_containers_when_a_component_ends_in_its_id);
	tcase_add_test(tcase, a_mapping_is_found_however_the_text_is_cut);
	tcase_add_test(tcase, only_the_whole_path_of_a_mapping_counts);
	tcase_add_test(tcase, a_line_longer_than_any_path_hides_no_other);
	return vb_unit_run("evidence", tcase);
}
