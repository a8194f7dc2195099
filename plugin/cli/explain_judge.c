/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "explain.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/decide.h"
#include "vb/adjust/request.h"

const char *vb_verdict_name(enum vb_verdict verdict)
{
	switch (verdict) {
	case VB_VERDICT_PLANNED:
		return "planned";
	case VB_VERDICT_UNTOUCHED:
		return "untouched";
	case VB_VERDICT_REFUSED:
		return "refused";
	case VB_VERDICT_COUNT:
		break;
	}
	return "unknown";
}

void vb_explained_finish(struct vb_explained *explained)
{
	vb_plan_destroy(explained->plan);
	free(explained->plan_json);
	vb_strv_finish(&explained->writable);
	vb_strv_finish(&explained->not_gated);
	vb_strv_finish(&explained->assumptions);
	vb_strv_finish(&explained->warnings);
	*explained = (struct vb_explained){0};
}

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "explain a container");
}

/* The same steps in the same order as the plugin, so that the same mistake is found first. */
static int decide(const struct vb_config *config, const struct vb_stores *stores,
	struct vb_explained *explained, struct vb_error *err)
{
	const struct vb_pod *pod = explained->pod;
	const struct vb_pod_container *container = explained->container;
	const struct vb_annotations annotations = {pod->annotations, pod->annotation_count};
	const struct vb_subject subject = {
		.namespace_name = pod->namespace_name,
		.pod = pod->pod_name,
		.container = container->name,
		.handler = pod->handler,
		.env = (const char *const *)container->env.items,
		.env_count = container->env.count,
		.mounts = container->mounts,
		.mount_count = container->mount_count,
		.shim_installed = true,
	};
	vb_auto_request struct vb_request request = {0};
	const struct vb_supply_question question = {pod->namespace_name, &request};
	vb_auto_supply_notes struct vb_supply_notes notes = {0};
	vb_auto_supply struct vb_supply supply = {0};

	int r = vb_request_parse(&annotations, container->name, &request, err);
	if (r == 0)
		r = vb_supply_gather(stores, config, &question, &notes, &supply, err);
	if (r < 0)
		return r;
	if (vb_supply_notes_list(&notes, &explained->warnings) < 0 ||
		(supply.floor != NULL &&
			vb_strv_copy(&explained->warnings, &supply.floor->warnings) < 0) ||
		(supply.bundle != NULL && supply.bundle != supply.floor &&
			vb_strv_copy(&explained->warnings, &supply.bundle->warnings) < 0))
		return out_of_memory(err);
	return vb_plan_decide(&subject, &request, &supply, config, &explained->plan, err);
}

/* What the hook finds in config.json when the container starts, where the pod says it already. */
static int check_hook(
	const struct vb_pod_container *container, const struct vb_plan *plan, struct vb_error *err)
{
	if (!plan->seccomp.runtime_default || container->seccomp != VB_POD_SECCOMP_UNCONFINED)
		return 0;
	(void)vb_error_refuse(err, VB_CODE_CONFLICT,
		"the profile runtime-default is asked for, but the container is unconfined");
	return vb_error_fix(
		err, "set securityContext.seccompProfile.type: RuntimeDefault in the pod");
}

/* The runtime's own files under /etc, which a read-only root makes read-only too. */
static bool is_closed_with_root(const char *path)
{
	static const char *const paths[] = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(paths); i++)
		if (strcmp(paths[i], path) == 0)
			return true;
	return false;
}

static int list_writable(struct vb_explained *explained, struct vb_error *err)
{
	const struct vb_pod_container *container = explained->container;

	if (!vb_plan_has(explained->plan, VB_LAYER_READ_ONLY_ROOTFS))
		return 0;
	for (size_t i = 0; i < container->mount_count; i++) {
		const struct vb_subject_mount *mount = &container->mounts[i];
		bool data = strcmp(mount->type, "bind") == 0 || strcmp(mount->type, "tmpfs") == 0;
		if (!data || mount->read_only || is_closed_with_root(mount->destination))
			continue;
		if (vb_strv_add(&explained->writable, mount->destination) < 0)
			return out_of_memory(err);
	}
	for (size_t i = 0; i < explained->plan->tmpfs.count; i++)
		if (vb_strv_add(&explained->writable, explained->plan->tmpfs.items[i].path) < 0)
			return out_of_memory(err);
	vb_strv_sort_unique(&explained->writable);
	return 0;
}

static int list_not_gated(struct vb_explained *explained, struct vb_error *err)
{
	const struct vb_plan_preload *preload = &explained->plan->preload;
	bool gated = preload->exec.set || preload->connect.set || preload->dlopen.set;
	struct vb_strv *list = &explained->not_gated;
	int r = 0;

	if (preload->exec.set)
		r = vb_strv_add(list,
			"the entrypoint itself, and what kubectl exec and probes run; the shim "
			"sees what those start");
	if (r == 0 && gated)
		r = vb_strv_add(list,
			"programs that load no shim or do not call libc: static binaries, Go");
	if (r == 0 && preload->dlopen.set)
		r = vb_strv_add(list,
			"libraries that a loaded one needs, and those that libc loads itself (NSS, "
			"gconv)");
	if (r == 0 && preload->connect.set && !preload->datagrams)
		r = vb_strv_add(list, "datagrams sent without connect: the bundle lets them pass");
	if (r == 0 && gated && (!explained->plan->hooked || preload->foreign_abi))
		r = vb_strv_add(list, "32-bit programs");
	return r < 0 ? out_of_memory(err) : 0;
}

static int assume(struct vb_explained *explained, const char *text, bool condition)
{
	return condition ? vb_strv_add(&explained->assumptions, text) : 0;
}

static int list_assumptions(struct vb_explained *explained, struct vb_error *err)
{
	const struct vb_plan *plan = explained->plan;
	bool preload = vb_plan_has(plan, VB_LAYER_PRELOAD);
	bool env_unknown = explained->container->env_unknown;

	int r = assume(
		explained, "the shim is installed on the node at " VB_SHIM_HOST_PATH, preload);
	if (r == 0)
		r = assume(explained,
			"the image does not set LD_PRELOAD or AUTONOMY_PRELOAD_* itself; its "
			"environment is not known here",
			preload);
	if (r == 0)
		r = assume(explained,
			"the entrypoint can be covered where preload is required: a dynamically "
			"linked 64-bit program; else the start is refused",
			preload && plan->preload.require);
	if (r == 0)
		r = assume(explained,
			"ConfigMaps, Secrets and fields that variables are taken from do not set "
			"them either",
			preload && env_unknown);
	if (r == 0)
		r = assume(explained,
			"the kubelet's seccompDefault is on where runtime-default is asked for and "
			"the pod has no seccompProfile; else the start is refused",
			plan->seccomp.runtime_default &&
				explained->container->seccomp == VB_POD_SECCOMP_UNSAID);
	if (r == 0)
		r = assume(explained,
			"containerd is 2.2 or newer where the handler is not one of Vambrace's; "
			"with an older one these layers are best effort and the outcome is "
			"partial (no hook)",
			!plan->hooked);
	return r < 0 ? out_of_memory(err) : 0;
}

static int describe_plan(struct vb_explained *explained, struct vb_error *err)
{
	explained->plan_json = vb_plan_to_json(explained->plan);
	if (explained->plan_json == NULL)
		return out_of_memory(err);
	vb_digest(explained->plan_json, strlen(explained->plan_json), explained->digest);
	int r = list_writable(explained, err);
	if (r == 0)
		r = list_not_gated(explained, err);
	return r < 0 ? r : list_assumptions(explained, err);
}

int vb_explain_container(const struct vb_pod *pod, const struct vb_pod_container *container,
	const struct vb_config *config, const struct vb_stores *stores,
	struct vb_explained *ret_explained, struct vb_error *err)
{
	vb_auto_explained struct vb_explained explained = {.pod = pod, .container = container};
	struct vb_error refusal = {0};

	int r = decide(config, stores, &explained, &refusal);
	if (r == 0 && explained.plan != NULL)
		r = check_hook(container, explained.plan, &refusal);
	/* Without a code it is this machine's trouble and says nothing of the node. */
	if (r < 0 && refusal.code == NULL) {
		if (err != NULL)
			*err = refusal;
		return r;
	}
	if (r < 0) {
		explained.verdict = VB_VERDICT_REFUSED;
		vb_plan_destroy(explained.plan);
		explained.plan = NULL;
		explained.refusal = refusal;
		vb_refusal_format(explained.line, &refusal, pod->namespace_name, pod->pod_name,
			container->name);
	} else if (explained.plan == NULL) {
		explained.verdict = VB_VERDICT_UNTOUCHED;
	} else {
		explained.verdict = VB_VERDICT_PLANNED;
		r = describe_plan(&explained, err);
		if (r < 0)
			return r;
	}
	*ret_explained = explained;
	explained = (struct vb_explained){0};
	return 0;
}
