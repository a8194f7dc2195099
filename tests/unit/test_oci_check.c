/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "oci_support.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/oci_check.h"
#include "vb/base/str.h"

/* The image: symbolic links below the root file system /r and in a volume's source /vol. */
static const struct {
	const char *path;
	const char *target;
} links[] = {
	{"/r/var/run", "/run"},
	{"/r/var/tmp", "../tmp"},
	{"/r/tmpdir", "tmp"},
	{"/r/loop", "loop"},
	{"/r/in/kernel", "/proc/sys"},
	{"/r/in/top", "../.."},
	{"/r/ping", "/pong"},
	{"/r/pong", "/ping"},
	{"/r/up", "../../../../../../tmp"},
	{"/r/here", "./././tmp/."},
	{"/r/usr/lib", "/var/../opt//lib/"},
	{"/vol/inner", "/tmp"},
	{"/vol/deep/inner", "../../usr/local"},
	/* A source that is a link itself: bind(2) follows it on the host. */
	{"/srclink", "/tmp"},
};

static int read_link(const char *path, char *ret_target, size_t size)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(links); i++)
		if (strcmp(path, links[i].path) == 0)
			return snprintf(ret_target, size, "%s", links[i].target);
	return strstr(path, "/file") != NULL ? -ENOTDIR
	       : strstr(path, "/io") != NULL ? -EIO
					     : -ENOENT;
}

static const struct vb_oci_view view = {.rootfs = "/r", .read_link = read_link};

static int check(json_t *spec, const struct vb_plan *plan, struct vb_error *err)
{
	char *verdict = NULL;
	int r = vb_oci_check(spec, plan, "d", &view, &verdict, err);

	ck_assert_ptr_null(verdict);
	return r;
}

/* A document with the digest "d", the environment and these mounts. */
static int check_mounts(const char *mounts, const struct vb_plan *plan, struct vb_error *err)
{
	vb_auto_free char *text = vb_str_format(
		"{'process':{},'annotations':{'plan-digest.vambrace.dev':'d'},'mounts':[%s]}",
		mounts);
	ck_assert_ptr_nonnull(text);
	vb_auto_json json_t *spec = support_document(text);

	return check(spec, plan, err);
}

#define TMPFS(path)                                                                                \
	"{'destination':'" path "','type':'tmpfs','source':'tmpfs','options':['nosuid']}"
#define ON_TMP(rest) "{'destination':'/tmp'," rest "}"
#define VOLUME(path)                                                                               \
	"{'destination':'" path "','type':'bind','source':'/vol','options':['rbind','rw']}"
#define VOLUME_RO(path)                                                                            \
	"{'destination':'" path "','type':'bind','source':'/vol','options':['rbind','ro']}"

static struct vb_plan *plan_with_tmpfs(const char *path)
{
	struct vb_plan *plan = support_plan();

	support_plan_mount(plan, path, "tmpfs", "tmpfs", "nosuid");
	return plan;
}

static void assert_passes(const char *mounts, const char *tmpfs)
{
	vb_auto_plan struct vb_plan *plan = plan_with_tmpfs(tmpfs);
	struct vb_error err = {0};

	int r = check_mounts(mounts, plan, &err);
	ck_assert_msg(r == 0, "%s: %s", mounts, err.what);
}

static void assert_refused(
	const char *mounts, const char *tmpfs, const char *code, const char *words)
{
	vb_auto_plan struct vb_plan *plan = plan_with_tmpfs(tmpfs);
	struct vb_error err = {0};

	support_assert_refused(check_mounts(mounts, plan, &err), &err, code, words);
}

START_TEST(the_annotation_must_carry_the_digest_of_the_plan)
{
	static const char *const documents[] = {"{'process':{}}",
		"{'process':{},'annotations':null}",
		"{'process':{},'annotations':{'plan-digest.vambrace.dev':'e'}}",
		"{'process':{},'annotations':{'plan-digest.vambrace.dev':''}}",
		"{'process':{},'annotations':{'plan-digest.vambrace.dev':7}}",
		"{'process':{},'annotations':{'plan-digest.vambrace.dev/pod':'d'}}"};
	vb_auto_plan struct vb_plan *plan = support_plan();

	for (size_t i = 0; i < VB_ARRAY_SIZE(documents); i++) {
		vb_auto_json json_t *spec = support_document(documents[i]);
		struct vb_error err = {0};
		support_assert_refused(check(spec, plan, &err), &err, VB_CODE_PLAN_MISMATCH,
			"plan-digest.vambrace.dev");
	}
}
END_TEST

START_TEST(annotations_that_override_the_plan_under_crun_are_refused)
{
	static const char *const keys[] = {"run.oci.seccomp_bpf_data", "run.oci.handler",
		"run.oci.seccomp.plugins", "run.oci.seccomp.receiver"};
	vb_auto_plan struct vb_plan *plan = support_plan();

	for (size_t i = 0; i < VB_ARRAY_SIZE(keys); i++) {
		struct vb_error err = {0};
		vb_auto_json json_t *spec = json_pack("{s:{},s:{s:s,s:s}}", "process",
			"annotations", VB_PLAN_DIGEST_ANNOTATION, "d", keys[i], "");
		support_assert_refused(check(spec, plan, &err), &err, VB_CODE_CONFLICT, keys[i]);
	}
}
END_TEST

START_TEST(a_cgroup_that_crun_would_mount_instead_of_the_plans_is_refused)
{
	static const char *const places[] = {"/sys/fs/cgroup/systemd", "/tmp/x", "/tmp"};
	vb_auto_plan struct vb_plan *plan = plan_with_tmpfs("/tmp");

	for (size_t i = 0; i < VB_ARRAY_SIZE(places); i++) {
		struct vb_error err = {0};
		vb_auto_free char *text = vb_str_format(
			"{'process':{},'annotations':{'plan-digest.vambrace.dev':'d',"
			"'run.oci.systemd.force_cgroup_v1':'%s'},'mounts':[" TMPFS("/tmp") "]}",
			places[i]);
		ck_assert_ptr_nonnull(text);
		vb_auto_json json_t *spec = support_document(text);
		int r = check(spec, plan, &err);
		if (strcmp(places[i], "/tmp") == 0)
			support_assert_refused(
				r, &err, VB_CODE_CONFLICT, "run.oci.systemd.force_cgroup_v1");
		else
			ck_assert_msg(r == 0, "%s", err.what);
	}
}
END_TEST

START_TEST(the_environment_is_looked_at)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	struct vb_error err = {0};

	support_plan_env(plan, "A=b");
	support_assert_refused(
		check_mounts("", plan, &err), &err, VB_CODE_PLAN_MISMATCH, "variable A is missing");
}
END_TEST

START_TEST(a_planned_mount_must_be_there_as_planned)
{
	static const char *const absent[] = {"", TMPFS("/tmp/x"), VOLUME("/tmp"),
		ON_TMP("'type':'tmpfs','source':'tmpfs','options':[]"),
		ON_TMP("'type':'tmpfs','source':'tmpfs'"),
		ON_TMP("'type':'tmpfs','source':'tmpfs','options':['nosuid','exec']"),
		ON_TMP("'type':'tmpfs','source':'x','options':['nosuid']"),
		ON_TMP("'type':'bind','source':'tmpfs','options':['nosuid']")};

	for (size_t i = 0; i < VB_ARRAY_SIZE(absent); i++)
		assert_refused(absent[i], "/tmp", VB_CODE_PLAN_MISMATCH, "'/tmp' is missing");
	assert_passes(TMPFS("/tmp"), "/tmp");
	assert_passes(TMPFS("/tmp/"), "/tmp");
	assert_passes(TMPFS("//x/../tmp"), "/tmp");
}
END_TEST

START_TEST(options_may_come_in_another_order)
{
	vb_auto_plan struct vb_plan *plan = support_plan();
	struct vb_error err = {0};

	support_plan_mount(plan, "/x.so", "bind", "/s.so", "rbind,ro,nosuid");
	int r = check_mounts("{'destination':'/x.so','type':'bind','source':'/s.so',"
			     "'options':['nosuid','rbind','ro']}",
		plan, &err);
	ck_assert_msg(r == 0, "%s", err.what);
}
END_TEST

START_TEST(nothing_may_be_mounted_over_a_planned_mount)
{
	static const char *const covering[] = {VOLUME("/tmp"), VOLUME("/tmp/"), VOLUME("/var/tmp"),
		VOLUME("/"), VOLUME("/tmpdir"), VOLUME("/up"), VOLUME("/here"), TMPFS("/var/tmp"),
		"{'destination':'/var/tmp','type':'proc','source':'proc'}"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(covering); i++) {
		vb_auto_free char *mounts = vb_str_format("%s,%s", TMPFS("/tmp"), covering[i]);
		ck_assert_ptr_nonnull(mounts);
		assert_refused(mounts, "/tmp", VB_CODE_CONFLICT, "is covered by");
	}
	assert_refused(TMPFS("/a/b/c") "," VOLUME("/a/b"), "/a/b/c", VB_CODE_CONFLICT, "'/a/b'");
	assert_passes(TMPFS("/tmp") "," VOLUME("/tmp/below"), "/tmp");
	assert_passes(TMPFS("/tmp") "," VOLUME("/tmpx"), "/tmp");
	assert_passes(TMPFS("/tmp") "," VOLUME("/var/run"), "/tmp");
}
END_TEST

START_TEST(a_planned_mount_over_a_volume_is_a_conflict)
{
	assert_refused(VOLUME("/tmp") "," TMPFS("/tmp"), "/tmp", VB_CODE_CONFLICT, "would cover");
	assert_refused(
		VOLUME("/var/tmp") "," TMPFS("/tmp"), "/tmp", VB_CODE_CONFLICT, "'/var/tmp'");
	assert_refused(
		VOLUME("/run") "," TMPFS("/var/run"), "/var/run", VB_CODE_CONFLICT, "'/run'");
	/* A volume below is not in the way, nor is one above where the tmpfs has a place. */
	assert_passes(VOLUME("/data") "," TMPFS("/data/tmp"), "/data/tmp");
}
END_TEST

START_TEST(the_runtimes_own_mounts_may_be_replaced)
{
	assert_passes(
		"{'destination':'/dev/shm','type':'bind','source':'/x','options':['rbind']}," TMPFS(
			"/dev/../dev/shm"),
		"/dev/shm");
}
END_TEST

START_TEST(a_read_only_volume_above_a_planned_mount_is_a_conflict)
{
	assert_refused(VOLUME_RO("/data") "," TMPFS("/data/tmp"), "/data/tmp", VB_CODE_CONFLICT,
		"lies in the volume mount '/data'");
	assert_refused(
		VOLUME_RO("/") "," TMPFS("/tmp"), "/tmp", VB_CODE_CONFLICT, "lies in the volume");
	/* Only the mount on which the place really lies counts. */
	assert_passes(VOLUME_RO("/data") "," VOLUME("/data/rw") "," TMPFS("/data/rw/tmp"),
		"/data/rw/tmp");
	assert_refused(VOLUME("/data/rw") "," VOLUME_RO("/data") "," TMPFS("/data/rw/tmp"),
		"/data/rw/tmp", VB_CODE_CONFLICT, "'/data'");
}
END_TEST

START_TEST(links_inside_volumes_are_followed_as_the_runtime_will)
{
	/* /data/inner leads to /tmp once /data is mounted, so what lands there covers the tmpfs. */
	assert_refused(VOLUME("/data") "," TMPFS("/tmp") "," VOLUME("/data/inner"), "/tmp",
		VB_CODE_CONFLICT, "'/data/inner'");
	assert_refused(
		VOLUME("/data") "," TMPFS("/usr/local/lib") "," VOLUME("/data/deep/inner/lib"),
		"/usr/local/lib", VB_CODE_CONFLICT, "(in this image '/usr/local/lib')");
	/* Before the volume is there, the image's own /data is looked at. */
	assert_passes(TMPFS("/tmp") "," VOLUME("/data/inner") "," VOLUME("/data"), "/tmp");
	/* A tmpfs in between is empty and has no links. */
	assert_passes(
		"{'destination':'/data','type':'tmpfs'}," TMPFS("/tmp") "," VOLUME("/data/inner"),
		"/tmp");
}
END_TEST

#define FROM_LINK "{'destination':'/a','type':'bind','source':'/srclink','options':['rbind']}"

START_TEST(a_volume_whose_source_is_a_link_lies_where_it_is_mounted)
{
	assert_passes(TMPFS("/tmp") "," FROM_LINK "," VOLUME("/a/b"), "/tmp");
	assert_passes(TMPFS("/tmp") "," FROM_LINK "," VOLUME("/a"), "/tmp");
}
END_TEST

START_TEST(absolute_links_and_parents_stay_inside_the_image)
{
	assert_refused(TMPFS("/opt/lib/x") "," VOLUME("/usr/lib/x"), "/opt/lib/x", VB_CODE_CONFLICT,
		"in this image '/opt/lib/x'");
	assert_refused(TMPFS("/tmp") "," VOLUME("../../../up"), "/tmp", VB_CODE_CONFLICT, "'/up'");
}
END_TEST

START_TEST(a_link_of_the_image_may_not_lead_a_planned_mount_into_the_kernels_trees)
{
	assert_refused(TMPFS("/in/kernel"), "/in/kernel", VB_CODE_CONFLICT, "leads to '/proc/sys'");
	assert_refused(TMPFS("/in/kernel/x"), "/in/kernel/x", VB_CODE_CONFLICT, "'/proc/sys/x'");
	assert_refused(TMPFS("/in/top"), "/in/top", VB_CODE_CONFLICT, "leads to '/' in this image");
	assert_passes(TMPFS("/in/top/srv"), "/in/top/srv");
}
END_TEST

START_TEST(destinations_that_cannot_be_followed_are_refused)
{
	char *names = malloc(5000);

	ck_assert_ptr_nonnull(names);
	assert_refused(TMPFS("/tmp") "," VOLUME("/loop/x"), "/tmp", VB_CODE_CONFLICT, "ELOOP");
	assert_refused(TMPFS("/tmp") "," VOLUME("/ping"), "/tmp", VB_CODE_CONFLICT, "ELOOP");
	assert_refused(TMPFS("/tmp") "," VOLUME("/io"), "/tmp", VB_CODE_CONFLICT, "EIO");
	assert_passes(TMPFS("/tmp") "," VOLUME("/file/x"), "/tmp");
	/* One component too long, and one path too long. */
	for (size_t step = 300; step >= 200; step -= 100) {
		memset(names, 'a', 4999);
		for (size_t i = 0; i < 4999; i += step)
			names[i] = '/';
		names[4999] = '\0';
		vb_auto_free char *mounts = vb_str_format(
			"%s,{'destination':'%s','type':'bind'}", TMPFS("/tmp"), names);
		ck_assert_ptr_nonnull(mounts);
		assert_refused(mounts, "/tmp", VB_CODE_CONFLICT, "ENAMETOOLONG");
		names[step == 300 ? 900 : 4000] = '\0';
	}
	free(names);
}
END_TEST

START_TEST(a_plan_without_mounts_does_not_look_at_the_image)
{
	vb_auto_plan struct vb_plan *plan = support_plan();

	ck_assert_int_eq(check_mounts(VOLUME("/loop") ",{'destination':7}", plan, NULL), 0);
}
END_TEST

START_TEST(documents_of_another_shape_fail)
{
	static const char *const mounts[] = {"1", "{}", "{'destination':7}"};
	vb_auto_plan struct vb_plan *plan = plan_with_tmpfs("/tmp");

	for (size_t i = 0; i < VB_ARRAY_SIZE(mounts); i++)
		ck_assert_int_eq(check_mounts(mounts[i], plan, NULL), -EINVAL);
}
END_TEST

START_TEST(keys_that_go_would_take_for_others_are_refused)
{
	static const char *const documents[] = {"'Linux':{}", "'linux':{'SECCOMP':null}",
		"'root':{'readOnly':false}", "'Process':{}", "'MOUNTS':[]", "'Annotations':{}",
		"'linux':{'\305\277eccomp':{}}", "'mounts':[{'destination':'/a','Options':['rw']}]",
		"'mounts':[{'destination':'/a'},{'destination':'/b','dest\xc4\xb1nation':'/a'}]"};
	static const char *const processes[] = {"'nonewprivileges':false", "'Env':[]",
		"'capabilities':{'Bounding':[]}", "'rlimits':[{'type':'RLIMIT_CPU','HARD':9}]"};
	vb_auto_plan struct vb_plan *plan = support_plan();

	for (size_t i = 0; i < VB_ARRAY_SIZE(documents) + VB_ARRAY_SIZE(processes); i++) {
		bool in_process = i >= VB_ARRAY_SIZE(documents);
		vb_auto_free char *text =
			vb_str_format("{'annotations':{'plan-digest.vambrace.dev':'d','Linux':''},"
				      "'process':{%s}%s%s}",
				in_process ? processes[i - VB_ARRAY_SIZE(documents)] : "",
				in_process ? "" : ",", in_process ? "" : documents[i]);
		ck_assert_ptr_nonnull(text);
		vb_auto_json json_t *spec = support_document(text);
		struct vb_error err = {0};
		ck_assert_msg(check(spec, plan, &err) == -EINVAL, "%s", text);
		ck_assert_msg(strstr(err.what, "key '") != NULL, "%s: %s", text, err.what);
	}
}
END_TEST

START_TEST(annotations_of_ours_are_seen)
{
	static const struct {
		const char *text;
		bool ours;
	} cases[] = {{"{}", false}, {"{'annotations':null}", false}, {"{'annotations':{}}", false},
		{"{'annotations':{'a.example/x':'','vambrace.dev.example':''}}", false},
		{"{'annotations':{'a':'','bundle.vambrace.dev':'x'}}", true},
		{"{'annotations':{'anything.vambrace.dev/pod':'x'}}", true},
		{"{'annotations':{'plan-digest.vambrace.dev':'x'}}", true}};

	for (size_t i = 0; i < VB_ARRAY_SIZE(cases); i++) {
		vb_auto_json json_t *spec = support_document(cases[i].text);
		ck_assert_msg(
			vb_oci_has_annotation_of_ours(spec) == cases[i].ours, "%s", cases[i].text);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("oci_check");

	tcase_add_test(tcase, the_annotation_must_carry_the_digest_of_the_plan);
	tcase_add_test(tcase, annotations_that_override_the_plan_under_crun_are_refused);
	tcase_add_test(tcase, a_cgroup_that_crun_would_mount_instead_of_the_plans_is_refused);
	tcase_add_test(tcase, the_environment_is_looked_at);
	tcase_add_test(tcase, a_planned_mount_must_be_there_as_planned);
	tcase_add_test(tcase, options_may_come_in_another_order);
	tcase_add_test(tcase, nothing_may_be_mounted_over_a_planned_mount);
	tcase_add_test(tcase, a_planned_mount_over_a_volume_is_a_conflict);
	tcase_add_test(tcase, the_runtimes_own_mounts_may_be_replaced);
	tcase_add_test(tcase, a_read_only_volume_above_a_planned_mount_is_a_conflict);
	tcase_add_test(tcase, links_inside_volumes_are_followed_as_the_runtime_will);
	tcase_add_test(tcase, a_volume_whose_source_is_a_link_lies_where_it_is_mounted);
	tcase_add_test(tcase, absolute_links_and_parents_stay_inside_the_image);
	tcase_add_test(
		tcase, a_link_of_the_image_may_not_lead_a_planned_mount_into_the_kernels_trees);
	tcase_add_test(tcase, destinations_that_cannot_be_followed_are_refused);
	tcase_add_test(tcase, a_plan_without_mounts_does_not_look_at_the_image);
	tcase_add_test(tcase, documents_of_another_shape_fail);
	tcase_add_test(tcase, keys_that_go_would_take_for_others_are_refused);
	tcase_add_test(tcase, annotations_of_ours_are_seen);
	return support_run(tcase);
}
