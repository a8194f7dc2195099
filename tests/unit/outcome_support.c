/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome_support.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

const char scene_container_id[] =
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#define SHIM_OPTIONS "['bind','ro','nosuid','nodev','rprivate']"

static const char all_layers[] =
	"'capabilities':{'drop':['CAP_CHOWN','CAP_NET_RAW'],'sources':['bundle']},"
	"'no_new_privileges':{'sources':['bundle']},"
	"'preload':{'audit':[],'connect_allowlist':['10.98.0.0/16:*'],'datagrams':true,"
	"'exec_allowlist':['/bin/a'],'sources':['bundle']},"
	"'read_only_rootfs':{'sources':['bundle']},"
	"'rlimits':{'limits':[{'hard':'64','soft':'32','type':'RLIMIT_NOFILE'}],"
	"'sources':['bundle']},"
	"'seccomp':{'closure':true,'deny_io_uring':true,'native_abi_only':true,"
	"'sources':['bundle'],'starter':true},"
	"'tmpfs':{'mounts':[{'mode':'1777','noexec':true,'path':'/tmp','size_bytes':4194304}],"
	"'sources':['bundle']}";

static const char mountinfo[] =
	"100 99 0:50 / / ro,relatime - overlay overlay rw\n"
	"101 100 0:51 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw\n"
	"102 100 0:52 / /dev rw,nosuid,noexec - tmpfs tmpfs rw,size=65536k,mode=755\n"
	"103 102 0:53 / /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs shm rw,size=65536k\n"
	"104 100 8:1 /pods/x/hosts /etc/hosts ro,relatime - ext4 /dev/sda1 rw\n"
	"105 100 8:1 /pods/x/hostname /etc/hostname ro,relatime - ext4 /dev/sda1 rw\n"
	"106 100 8:1 /pods/x/resolv.conf /etc/resolv.conf ro,relatime - ext4 /dev/sda1 rw\n"
	"107 100 0:54 / /tmp rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,size=4096k\n"
	"108 100 8:1 /opt/vambrace/lib/libautonomy_preload.so "
	"/usr/local/lib/libautonomy_preload.so ro,nosuid,nodev,relatime - ext4 /dev/sda1 rw\n"
	"109 100 8:1 /vol /data rw,relatime - ext4 /dev/sda1 rw\n";

static const char limits[] =
	"Limit                     Soft Limit           Hard Limit           Units     \n"
	"Max open files            32                   64                   files     \n";

static char *unquote(const char *text)
{
	char *copy = strdup(text);

	ck_assert_ptr_nonnull(copy);
	for (char *c = copy; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

static char *copy_text(const char *text)
{
	char *copy = strdup(text);

	ck_assert_ptr_nonnull(copy);
	return copy;
}

void scene_set_layers(struct outcome_scene *scene, const char *layers, bool hooked)
{
	struct vb_error err = {0};
	vb_auto_free char *text = vb_str_format(
		"{'bundle':{'digest':'sha256:%064d','name':'arm','version':'0.1.0'},"
		"'container':'ctl','env':['AUTONOMY_PRELOAD_EXEC_ALLOWLIST=/bin/a',"
		"'LD_PRELOAD=/usr/local/lib/libautonomy_preload.so'],"
		"'handler':'vambrace','hooked':%s,'layers':{%s},"
		"'mounts':[{'destination':'/tmp','options':['nosuid','nodev','noexec','mode=1777',"
		"'size=4194304'],'source':'tmpfs','type':'tmpfs'},"
		"{'destination':'/usr/local/lib/libautonomy_preload.so','options':" SHIM_OPTIONS ","
		"'source':'/opt/vambrace/lib/libautonomy_preload.so','type':'bind'}],"
		"'namespace':'robots','plan_version':1,'pod':'arm-0'}",
		0, hooked ? "true" : "false", layers);
	vb_auto_free char *json = unquote(text);

	vb_plan_destroy(scene->plan);
	scene->plan = NULL;
	ck_assert_msg(
		vb_plan_from_json(json, strlen(json), &scene->plan, &err) == 0, "%s", err.what);
	vb_digest(json, strlen(json), scene->plan_digest);
	free(scene->receipt.plan_digest);
	scene->receipt.plan_digest = copy_text(scene->plan_digest);
	free(scene->evidence.spec.plan_digest);
	scene->evidence.spec.plan_digest = copy_text(scene->plan_digest);
}

static void init_spec(struct vb_spec_evidence *spec)
{
	spec->is_read = true;
	spec->seccomp = VB_CONTAINMENT_COMPLETE;
	vb_digest("config", strlen("config"), spec->digest);
	ck_assert_int_eq(vb_strv_add(&spec->env, "PATH=/bin"), 0);
	ck_assert_int_eq(vb_strv_add(&spec->env, "AUTONOMY_PRELOAD_EXEC_ALLOWLIST=/bin/a"), 0);
	ck_assert_int_eq(
		vb_strv_add(&spec->env, "LD_PRELOAD=/usr/local/lib/libautonomy_preload.so"), 0);
}

void scene_init(struct outcome_scene *scene)
{
	struct vb_error err = {0};

	*scene = (struct outcome_scene){.has_receipt = true};
	init_spec(&scene->evidence.spec);
	scene_set_layers(scene, all_layers, true);
	scene->receipt.container_id = copy_text(scene_container_id);
	scene->receipt.config_digest = copy_text(scene->evidence.spec.digest);
	scene->receipt.bundle_dir = copy_text("/run/bundle");
	scene->receipt.runtime = copy_text("/usr/sbin/runc");
	scene->receipt.preload_verdict = copy_text("covered");
	scene->receipt.cap_bounding = 0xa80405fa;
	scene->receipt.cap_effective = 0xa80405fa;
	scene->receipt.cap_permitted = 0xa80405fa;
	scene->evidence.stage = VB_STAGE_RUNNING;
	scene->evidence.shim_mapped = true;
	scene->evidence.page_size_bytes = 4096;
	scene->evidence.limits = copy_text(limits);
	scene->evidence.status = (struct vb_proc_status){.seccomp_mode = 2,
		.has_seccomp_filters = true,
		.seccomp_filters = 1,
		.cap_bounding = 0xa80405fa,
		.cap_effective = 0xa80405fa,
		.cap_permitted = 0xa80405fa,
		.no_new_privileges = true};
	(void)snprintf(scene->evidence.status.store_bypass,
		sizeof(scene->evidence.status.store_bypass), "thread vulnerable");
	ck_assert_int_eq(vb_mountinfo_parse(mountinfo, &scene->evidence.mounts, &err), 0);
}

void scene_finish(struct outcome_scene *scene)
{
	vb_plan_destroy(scene->plan);
	vb_receipt_finish(&scene->receipt);
	vb_evidence_finish(&scene->evidence);
	vb_outcome_finish(&scene->outcome);
}

void scene_change_mounts(struct outcome_scene *scene, const char *find, const char *replacement)
{
	const char *at = strstr(mountinfo, find);
	struct vb_error err = {0};

	ck_assert_ptr_nonnull(at);
	vb_auto_free char *text = vb_str_format(
		"%.*s%s%s", (int)(at - mountinfo), mountinfo, replacement, at + strlen(find));
	vb_mountinfo_finish(&scene->evidence.mounts);
	ck_assert_msg(vb_mountinfo_parse(text, &scene->evidence.mounts, &err) == 0, "%s", err.what);
}

/* For the check of the schema: a line for each, as it would be in its file. */
static void record(const struct vb_outcome *judged)
{
	const char *path = getenv("VB_RECORD_OUTCOMES");
	const struct timespec now = {.tv_sec = 1700000000};
	struct vb_outcome outcome = *judged;

	if (path == NULL)
		return;
	vb_outcome_stamp(&outcome, &now, NULL);
	vb_auto_free char *text = vb_outcome_to_json(&outcome);
	ck_assert_ptr_nonnull(text);
	FILE *file = fopen(path, "ae");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_gt(fprintf(file, "%s\n", text), 0);
	ck_assert_int_eq(fclose(file), 0);
}

void scene_judge(struct outcome_scene *scene)
{
	const struct vb_outcome_case question = {.container_id = scene_container_id,
		.pid = 4242,
		.plan = scene->plan,
		.plan_digest = scene->plan_digest,
		.receipt = scene->has_receipt ? &scene->receipt : NULL,
		.evidence = &scene->evidence,
		.probe = scene->probe};
	struct vb_error err = {0};

	vb_outcome_finish(&scene->outcome);
	ck_assert_msg(vb_outcome_judge(&question, &scene->outcome, &err) == 0, "%s", err.what);
	record(&scene->outcome);
}

void scene_assert_only(struct outcome_scene *scene, enum vb_layer layer, enum vb_layer_state state,
	const char *words)
{
	scene_judge(scene);
	for (enum vb_layer i = 0; i < VB_LAYER_COUNT; i++) {
		const struct vb_layer_outcome *seen = &scene->outcome.layers[i];
		enum vb_layer_state expected =
			i == VB_LAYER_SPEC_ALLOW ? VB_LAYER_SKIPPED : VB_LAYER_APPLIED;
		ck_assert_msg(seen->state == (i == layer ? state : expected), "%s is %s: %s",
			vb_layer_name(i), vb_layer_state_name(seen->state),
			seen->reason != NULL ? seen->reason : "");
	}
	ck_assert_ptr_nonnull(scene->outcome.layers[layer].reason);
	ck_assert_msg(strstr(scene->outcome.layers[layer].reason, words) != NULL, "%s",
		scene->outcome.layers[layer].reason);
	ck_assert_int_eq(scene->outcome.level, VB_LEVEL_PARTIAL);
}
