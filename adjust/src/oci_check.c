/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/oci_check.h"

#include <errno.h>
#include <string.h>

#include "oci_entrypoint.h"
#include "oci_internal.h"
#include "oci_resolve.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/request.h"
#include "vb/adjust/values.h"
#include "vb/base/str.h"

const char *vb_oci_annotation(const json_t *spec, const char *key)
{
	return json_string_value(json_object_get(json_object_get(spec, "annotations"), key));
}

bool vb_oci_has_annotation_of_ours(const json_t *spec)
{
	/* json_object_iter() takes a non-const object but only reads it. */
	json_t *annotations = json_object_get(spec, "annotations");

	for (void *iter = json_object_iter(annotations); iter != NULL;
		iter = json_object_iter_next(annotations, iter))
		if (vb_annotation_is_ours(json_object_iter_key(iter)))
			return true;
	return false;
}

static int refuse_mismatch(struct vb_error *err)
{
	return vb_error_fix(err, "the answer of vambrace-nri came too late or another NRI plugin "
				 "changed it; kubelet "
				 "retries, and another plugin must not touch what vambrace adds");
}

static int check_digest(const json_t *spec, const char *digest, struct vb_error *err)
{
	const char *said = vb_oci_annotation(spec, VB_PLAN_DIGEST_ANNOTATION);

	if (said == NULL)
		(void)vb_error_refuse(err, VB_CODE_PLAN_MISMATCH,
			"config.json has no annotation " VB_PLAN_DIGEST_ANNOTATION);
	else if (strcmp(said, digest) != 0)
		(void)vb_error_refuse(err, VB_CODE_PLAN_MISMATCH,
			"the annotation " VB_PLAN_DIGEST_ANNOTATION " is not that of the plan");
	else
		return 0;
	return refuse_mismatch(err);
}

static int refuse_override(const char *annotation, struct vb_error *err)
{
	(void)vb_error_refuse(
		err, VB_CODE_CONFLICT, "the annotation %s would override the plan", annotation);
	return vb_error_fix(err, "remove the annotation %s from the pod", annotation);
}

/* crun mounts a cgroup instead of what the document has at this place, which it compares so. */
static bool replaces_a_mount(const json_t *spec, const char *annotation, const struct vb_plan *plan)
{
	const char *place = vb_oci_annotation(spec, annotation);

	for (size_t i = 0; place != NULL && i < plan->mounts.count; i++)
		if (strcmp(plan->mounts.items[i].destination, place) == 0)
			return true;
	return false;
}

/*
 * Annotations by which crun would take another filter than linux.seccomp, hand what the filter
 * notifies of to somebody else than its listener, mount another thing, or run the container in
 * another way altogether (crun.1). runc knows none like them.
 */
static int check_overrides(const json_t *spec, const struct vb_plan *plan, struct vb_error *err)
{
	static const char *const overrides[] = {"run.oci.seccomp_bpf_data",
		"run.oci.seccomp.plugins", "run.oci.seccomp.receiver", "run.oci.handler"};
	static const char cgroup[] = "run.oci.systemd.force_cgroup_v1";

	for (size_t i = 0; i < VB_ARRAY_SIZE(overrides); i++)
		if (vb_oci_annotation(spec, overrides[i]) != NULL)
			return refuse_override(overrides[i], err);
	return replaces_a_mount(spec, cgroup, plan) ? refuse_override(cgroup, err) : 0;
}

/* The same options in any order; runtimes and plugins sort them as they like. */
static bool has_options(json_t *mount, const struct vb_strv *options)
{
	if (json_array_size(json_object_get(mount, "options")) != options->count)
		return false;
	for (size_t i = 0; i < options->count; i++)
		if (!vb_oci_mount_has(mount, options->items[i]))
			return false;
	return true;
}

static bool is_planned(const struct vb_oci_mount *mount, const struct vb_plan_mount *planned)
{
	json_t *json = mount->json;

	return strcmp(mount->destination, planned->destination) == 0 &&
	       vb_str_equal(json_string_value(json_object_get(json, "type")), planned->type) &&
	       vb_str_equal(json_string_value(json_object_get(json, "source")), planned->source) &&
	       has_options(json, &planned->options);
}

/* What the runtime itself mounts into every container; ours may take its place. */
static bool is_volume(const struct vb_oci_mount *mount)
{
	static const char *const own[] = {"/dev/shm", "/dev/termination-log", "/etc/hosts",
		"/etc/hostname", "/etc/resolv.conf"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(own); i++)
		if (strcmp(mount->destination, own[i]) == 0)
			return false;
	return mount->source != NULL;
}

static int refuse_volume(const struct vb_plan_mount *planned, const struct vb_oci_mount *volume,
	const char *why, struct vb_error *err)
{
	bool linked = strcmp(volume->destination, volume->resolved) != 0;

	(void)vb_error_refuse(err, VB_CODE_CONFLICT,
		"the planned mount '%.128s' %s the volume mount '%.128s'%s%.128s%s",
		planned->destination, why, volume->destination, linked ? " (in this image '" : "",
		linked ? volume->resolved : "", linked ? "')" : "");
	return vb_error_fix(err,
		"mount the volume elsewhere, or take the path out of the annotation or bundle that "
		"plans it");
}

static int refuse_place(const struct vb_oci_mount *mount, struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_CONFLICT,
		"the planned mount '%.128s' leads to '%.128s' in this image, where nothing may be "
		"mounted",
		mount->destination, mount->resolved);
	return vb_error_fix(err, "remove the symbolic links on that path from the image, or take "
				 "the path out of the annotation or bundle that plans it");
}

/* mounts->items[index] is the planned one; nothing else may stand at its place or over it. */
static int check_place(const struct vb_oci_mounts *mounts, size_t index,
	const struct vb_plan_mount *planned, struct vb_error *err)
{
	const struct vb_oci_mount *own = &mounts->items[index];

	/* The plan names no such place, so a symbolic link of the image leads there. */
	if (strcmp(own->destination, own->resolved) != 0 &&
		vb_tmpfs_path_is_forbidden(own->resolved))
		return refuse_place(own, err);
	for (size_t i = index + 1; i < mounts->count; i++)
		if (vb_path_is_within(own->resolved, mounts->items[i].resolved))
			return refuse_volume(planned, &mounts->items[i], "is covered by", err);
	for (size_t i = 0; i < index; i++)
		if (strcmp(mounts->items[i].resolved, own->resolved) == 0 &&
			is_volume(&mounts->items[i]) && !is_planned(&mounts->items[i], planned))
			return refuse_volume(planned, &mounts->items[i], "would cover", err);

	const struct vb_oci_mount *below = vb_oci_mounts_covering(mounts, index, own->resolved);
	if (below != NULL && below->read_only && strcmp(below->resolved, own->resolved) != 0)
		return refuse_volume(planned, below, "lies in", err);
	return 0;
}

static int check_mount(const struct vb_oci_mounts *mounts, const struct vb_plan_mount *planned,
	struct vb_error *err)
{
	for (size_t i = mounts->count; i-- > 0;)
		if (is_planned(&mounts->items[i], planned))
			return check_place(mounts, i, planned, err);
	(void)vb_error_refuse(err, VB_CODE_PLAN_MISMATCH,
		"the planned mount '%.128s' is missing or not as planned", planned->destination);
	return refuse_mismatch(err);
}

static int check_preload(json_t *spec, const struct vb_plan *plan,
	const struct vb_oci_mounts *mounts, const struct vb_oci_view *view, char **ret_verdict,
	struct vb_error *err)
{
	vb_auto_free char *verdict = NULL;

	if (!vb_plan_has(plan, VB_LAYER_PRELOAD))
		return 0;
	int r = vb_oci_entrypoint_verdict(spec, plan, mounts, view, &verdict, err);
	if (r < 0)
		return r;
	const char *why = vb_str_after(verdict, "not covered: ");
	if (plan->preload.require && why != NULL) {
		(void)vb_error_refuse(err, VB_CODE_PRELOAD_UNCOVERED,
			"the preload shim cannot cover the container's program: %.200s", why);
		return vb_error_fix(err,
			"use a dynamically linked program, or do not demand coverage (preload "
			"'require' in annotation or bundle)");
	}
	*ret_verdict = VB_STEAL(verdict);
	return 0;
}

/* What depends on where things lie in the container's file system. */
static int check_places(json_t *spec, const struct vb_plan *plan, const struct vb_oci_view *view,
	char **ret_verdict, struct vb_error *err)
{
	vb_auto_oci_mounts struct vb_oci_mounts mounts = {0};

	if (plan->mounts.count == 0 && !vb_plan_has(plan, VB_LAYER_PRELOAD))
		return 0;
	int r = vb_oci_mounts_resolve(spec, view, &mounts, err);
	for (size_t i = 0; r == 0 && i < plan->mounts.count; i++)
		r = check_mount(&mounts, &plan->mounts.items[i], err);
	return r == 0 ? check_preload(spec, plan, &mounts, view, ret_verdict, err) : r;
}

int vb_oci_check(json_t *spec, const struct vb_plan *plan, const char *digest,
	const struct vb_oci_view *view, char **ret_verdict, struct vb_error *err)
{
	json_t *process = NULL;

	*ret_verdict = NULL;
	int r = check_digest(spec, digest, err);
	if (r == 0)
		r = check_overrides(spec, plan, err);
	if (r == 0)
		r = vb_oci_names_check(spec, err);
	if (r == 0)
		r = vb_oci_get_object(spec, "config.json", "process", &process, err);
	if (r == 0 && process == NULL)
		r = vb_error_say(err, EINVAL, "config.json has no process");
	if (r == 0)
		r = vb_oci_env_check(process, plan, err);
	return r == 0 ? check_places(spec, plan, view, ret_verdict, err) : r;
}
