/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/decide.h"

#include <errno.h>
#include <string.h>

#include "decide_internal.h"
#include "vb/adjust/codes.h"
#include "vb/base/utf8.h"

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "decide a plan");
}

static int copy_text(char **ret_text, const char *text, struct vb_error *err)
{
	*ret_text = strdup(text);
	return *ret_text == NULL ? out_of_memory(err) : 0;
}

/* Names come from the runtime, which takes them from anyone who talks to it. */
static int copy_name(char **ret_name, const char *name, struct vb_error *err)
{
	if (!vb_utf8_is_valid(name, strlen(name)))
		return vb_error_say(err, EILSEQ, "the name '%.63s' is not UTF-8", name);
	return copy_text(ret_name, name, err);
}

static int identify(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	int r = copy_name(&plan->namespace_name, d->subject->namespace_name, err);

	if (r == 0)
		r = copy_name(&plan->pod, d->subject->pod, err);
	if (r == 0)
		r = copy_name(&plan->container, d->subject->container, err);
	if (r == 0)
		r = copy_name(&plan->handler, d->subject->handler, err);
	plan->hooked = vb_config_has_handler(d->config, d->subject->handler);
	if (r < 0 || d->bundle == NULL)
		return r;
	r = copy_text(&plan->bundle_name, d->bundle->name, err);
	if (r == 0)
		r = copy_text(&plan->bundle_version, d->bundle->version, err);
	if (r == 0)
		r = copy_text(&plan->bundle_digest, d->bundle->digest, err);
	return r;
}

static void ask(struct vb_plan *plan, enum vb_layer layer, enum vb_source source, bool asked)
{
	if (asked)
		plan->sources[layer] |= source;
}

static int decide_spec_allow(
	const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	enum vb_spec_allow annotated = d->request->spec_allow;
	enum vb_spec_allow bundled =
		d->bundle != NULL ? d->bundle->spec_allow : VB_SPEC_ALLOW_INHERIT;

	if (annotated == VB_SPEC_ALLOW_ALLOW && bundled == VB_SPEC_ALLOW_MITIGATE) {
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"spec-allow.vambrace.dev says allow, bundle '%s' says mitigate",
			d->bundle->name);
		return vb_error_fix(err, "remove the annotation; it can only tighten");
	}
	if (annotated == VB_SPEC_ALLOW_ALLOW) {
		(void)vb_error_refuse(err, VB_CODE_NOT_PERMITTED,
			"spec-allow.vambrace.dev says allow, which this node does not permit");
		return vb_error_fix(err, "remove the annotation, or write mitigate");
	}
	/* The flag gives a container more than it may have had; the bundle too needs the permit. */
	if (bundled == VB_SPEC_ALLOW_ALLOW && annotated != VB_SPEC_ALLOW_MITIGATE) {
		(void)vb_error_refuse(err, VB_CODE_NOT_PERMITTED,
			"bundle '%s' says spec_allow: allow, which this node does not permit",
			d->bundle->name);
		return vb_error_fix(err, "remove it from the bundle, or write mitigate");
	}
	bool by_annotation = annotated == VB_SPEC_ALLOW_MITIGATE;
	bool by_bundle = bundled == VB_SPEC_ALLOW_MITIGATE;
	ask(plan, VB_LAYER_SPEC_ALLOW, VB_SOURCE_ANNOTATION, by_annotation);
	ask(plan, VB_LAYER_SPEC_ALLOW, VB_SOURCE_BUNDLE, by_bundle);
	if (by_annotation || by_bundle)
		plan->spec_allow = VB_SPEC_ALLOW_MITIGATE;
	return 0;
}

static void decide_flags(const struct vb_decision *d, struct vb_plan *plan)
{
	const struct vb_request *request = d->request;

	plan->cap_drop = request->cap_drop;
	ask(plan, VB_LAYER_CAPABILITIES, VB_SOURCE_ANNOTATION, request->cap_drop != 0);
	ask(plan, VB_LAYER_READ_ONLY_ROOTFS, VB_SOURCE_ANNOTATION, request->read_only_rootfs);
	ask(plan, VB_LAYER_NO_NEW_PRIVILEGES, VB_SOURCE_ANNOTATION, request->no_new_privileges);
	if (d->bundle == NULL)
		return;
	plan->cap_drop |= d->bundle->cap_drop;
	ask(plan, VB_LAYER_CAPABILITIES, VB_SOURCE_BUNDLE, d->bundle->cap_drop != 0);
	ask(plan, VB_LAYER_READ_ONLY_ROOTFS, VB_SOURCE_BUNDLE, d->bundle->read_only_rootfs);
	ask(plan, VB_LAYER_NO_NEW_PRIVILEGES, VB_SOURCE_BUNDLE, d->bundle->no_new_privileges);
}

static int compare_rlimits(const void *a, const void *b)
{
	const struct vb_rlimit *left = a;
	const struct vb_rlimit *right = b;

	return strcmp(left->type, right->type);
}

static int decide_rlimits(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	if (d->bundle == NULL)
		return 0;
	for (size_t i = 0; i < d->bundle->rlimits.count; i++)
		if (vb_rlimit_list_add(&plan->rlimits, &d->bundle->rlimits.items[i]) < 0)
			return out_of_memory(err);
	if (plan->rlimits.count == 0)
		return 0;
	qsort(plan->rlimits.items, plan->rlimits.count, sizeof(*plan->rlimits.items),
		compare_rlimits);
	ask(plan, VB_LAYER_RLIMITS, VB_SOURCE_BUNDLE, true);
	return 0;
}

/* Without the hook only mounts and environment can be brought in, and nobody sees the entrypoint.
 */
static int check_handler(const struct vb_plan *plan, struct vb_error *err)
{
	static const enum vb_layer hook_layers[] = {VB_LAYER_SECCOMP, VB_LAYER_SPEC_ALLOW,
		VB_LAYER_CAPABILITIES, VB_LAYER_READ_ONLY_ROOTFS, VB_LAYER_NO_NEW_PRIVILEGES,
		VB_LAYER_RLIMITS};
	vb_auto_strv struct vb_strv names = {0};

	if (plan->hooked)
		return 0;
	for (size_t i = 0; i < VB_ARRAY_SIZE(hook_layers); i++)
		if (vb_plan_has(plan, hook_layers[i]) &&
			vb_strv_add(&names, vb_layer_name(hook_layers[i])) < 0)
			return out_of_memory(err);
	if (plan->preload.require && vb_strv_add(&names, "preload.require") < 0)
		return out_of_memory(err);
	if (names.count == 0)
		return 0;
	vb_auto_free char *list = vb_strv_join(&names, ',');
	if (list == NULL)
		return out_of_memory(err);
	if (plan->handler[0] == '\0')
		(void)vb_error_refuse(err, VB_CODE_REQUIRES_RUNTIME,
			"the node's default runtime handler cannot enforce %s", list);
	else
		(void)vb_error_refuse(err, VB_CODE_REQUIRES_RUNTIME,
			"runtime handler '%.63s' cannot enforce %s", plan->handler, list);
	return vb_error_fix(err, "set runtimeClassName: vambrace on the pod, or drop these layers");
}

static int decide_layers(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	int r = vb_decide_seccomp(d, plan, err);

	if (r == 0)
		r = decide_spec_allow(d, plan, err);
	if (r == 0) {
		decide_flags(d, plan);
		r = decide_rlimits(d, plan, err);
	}
	if (r == 0)
		r = vb_decide_tmpfs(d, plan, err);
	if (r == 0)
		r = vb_decide_preload(d, plan, err);
	if (r == 0)
		r = check_handler(plan, err);
	if (r < 0)
		return r;
	vb_derive_seccomp(d, plan);
	r = vb_decide_mounts(d, plan, err);
	return r < 0 ? r : vb_decide_env(d, plan, err);
}

int vb_plan_decide(const struct vb_subject *subject, const struct vb_request *request,
	const struct vb_supply *supply, const struct vb_config *config, struct vb_plan **ret_plan,
	struct vb_error *err)
{
	const struct vb_decision decision = {subject, request, supply, supply->bundle, config};
	vb_auto_plan struct vb_plan *plan = NULL;

	if (!request->asked && !vb_config_has_handler(config, subject->handler)) {
		*ret_plan = NULL;
		return 0;
	}
	plan = vb_plan_create();
	if (plan == NULL)
		return out_of_memory(err);
	int r = identify(&decision, plan, err);
	if (r == 0)
		r = decide_layers(&decision, plan, err);
	if (r < 0)
		return r;
	*ret_plan = VB_STEAL(plan);
	return 0;
}
