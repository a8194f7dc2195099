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

static int name_bundles(const struct vb_supply *supply, struct vb_plan *plan, struct vb_error *err)
{
	int r = 0;

	if (supply->bundle != NULL) {
		r = copy_text(&plan->bundle_name, supply->bundle->name, err);
		if (r == 0)
			r = copy_text(&plan->bundle_version, supply->bundle->version, err);
		if (r == 0)
			r = copy_text(&plan->bundle_digest, supply->bundle->digest, err);
	}
	if (r < 0 || supply->floor == NULL)
		return r;
	r = copy_text(&plan->floor_name, supply->floor->name, err);
	if (r == 0)
		r = copy_text(&plan->floor_version, supply->floor->version, err);
	return r < 0 ? r : copy_text(&plan->floor_digest, supply->floor->digest, err);
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
	plan->bundle_is_default = d->supply->bundle != NULL && d->request->bundle_name == NULL;
	return r < 0 ? r : name_bundles(d->supply, plan, err);
}

static void ask(struct vb_plan *plan, enum vb_layer layer, enum vb_source source, bool asked)
{
	if (asked)
		plan->sources[layer] |= source;
}

/* Who says what about speculation. */
struct spec_votes {
	unsigned int allow; /* enum vb_source */
	unsigned int mitigate;
	const struct vb_side *allowing; /* the first bundle of each kind; or NULL */
	const struct vb_side *mitigating;
};

static struct spec_votes count_votes(const struct vb_decision *d)
{
	struct spec_votes votes = {0};

	for (size_t i = 0; i < d->side_count; i++) {
		const struct vb_side *side = &d->sides[i];
		if (side->bundle->spec_allow == VB_SPEC_ALLOW_MITIGATE) {
			votes.mitigate |= side->source;
			votes.mitigating = votes.mitigating != NULL ? votes.mitigating : side;
		} else if (side->bundle->spec_allow == VB_SPEC_ALLOW_ALLOW) {
			votes.allow |= side->source;
			votes.allowing = votes.allowing != NULL ? votes.allowing : side;
		}
	}
	if (d->request->spec_allow == VB_SPEC_ALLOW_MITIGATE)
		votes.mitigate |= VB_SOURCE_ANNOTATION;
	else if (d->request->spec_allow == VB_SPEC_ALLOW_ALLOW)
		votes.allow |= VB_SOURCE_ANNOTATION;
	return votes;
}

/* The flag gives a container more than it may have had; a bundle too needs the permit. */
static int refuse_allow(const struct spec_votes *votes, struct vb_error *err)
{
	if (votes->allow & VB_SOURCE_ANNOTATION) {
		(void)vb_error_refuse(err, VB_CODE_NOT_PERMITTED,
			"spec-allow.vambrace.dev says allow, which this node does not permit");
		return vb_error_fix(err, "remove the annotation, or write mitigate");
	}
	const struct vb_who who = vb_side_who(votes->allowing, NULL);
	(void)vb_error_refuse(err, VB_CODE_NOT_PERMITTED,
		"%s says spec_allow: allow, which this node does not permit", who.text);
	return vb_error_fix(err, "remove it from the bundle, or write mitigate");
}

static int decide_spec_allow(
	const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	const struct spec_votes votes = count_votes(d);

	if ((votes.allow & VB_SOURCE_ANNOTATION) && votes.mitigating != NULL) {
		const struct vb_who who = vb_side_who(votes.mitigating, NULL);
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"spec-allow.vambrace.dev says allow, %s says mitigate", who.text);
		return vb_error_fix(err, "remove the annotation; it can only tighten");
	}
	if (votes.mitigate != 0) {
		plan->sources[VB_LAYER_SPEC_ALLOW] = votes.mitigate;
		plan->spec_allow = VB_SPEC_ALLOW_MITIGATE;
		return 0;
	}
	if (votes.allow == 0)
		return 0;
	if (!(d->rule->permits & VB_PERMIT_SPEC_ALLOW))
		return refuse_allow(&votes, err);
	plan->sources[VB_LAYER_SPEC_ALLOW] = votes.allow;
	plan->spec_allow = VB_SPEC_ALLOW_ALLOW;
	return 0;
}

static void decide_flags(const struct vb_decision *d, struct vb_plan *plan)
{
	const struct vb_request *request = d->request;

	plan->cap_drop = request->cap_drop;
	ask(plan, VB_LAYER_CAPABILITIES, VB_SOURCE_ANNOTATION, request->cap_drop != 0);
	ask(plan, VB_LAYER_READ_ONLY_ROOTFS, VB_SOURCE_ANNOTATION, request->read_only_rootfs);
	ask(plan, VB_LAYER_NO_NEW_PRIVILEGES, VB_SOURCE_ANNOTATION, request->no_new_privileges);
	for (size_t i = 0; i < d->side_count; i++) {
		const struct vb_bundle *bundle = d->sides[i].bundle;
		enum vb_source source = d->sides[i].source;
		plan->cap_drop |= bundle->cap_drop;
		ask(plan, VB_LAYER_CAPABILITIES, source, bundle->cap_drop != 0);
		ask(plan, VB_LAYER_READ_ONLY_ROOTFS, source, bundle->read_only_rootfs);
		ask(plan, VB_LAYER_NO_NEW_PRIVILEGES, source, bundle->no_new_privileges);
	}
}

static int compare_rlimits(const void *a, const void *b)
{
	const struct vb_rlimit *left = a;
	const struct vb_rlimit *right = b;

	return strcmp(left->type, right->type);
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Of each type the lower limits of all who name it. */
static int add_rlimit(
	struct vb_rlimit_list *rlimits, const struct vb_rlimit *rlimit, struct vb_error *err)
{
	for (size_t i = 0; i < rlimits->count; i++) {
		struct vb_rlimit *known = &rlimits->items[i];
		if (strcmp(known->type, rlimit->type) != 0)
			continue;
		known->soft = lower(known->soft, rlimit->soft);
		known->hard = lower(known->hard, rlimit->hard);
		return 0;
	}
	return vb_rlimit_list_add(rlimits, rlimit) < 0 ? out_of_memory(err) : 0;
}

static int decide_rlimits(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	int r = 0;

	for (size_t i = 0; i < d->side_count; i++) {
		const struct vb_rlimit_list *rlimits = &d->sides[i].bundle->rlimits;
		ask(plan, VB_LAYER_RLIMITS, d->sides[i].source, rlimits->count > 0);
		for (size_t j = 0; r == 0 && j < rlimits->count; j++)
			r = add_rlimit(&plan->rlimits, &rlimits->items[j], err);
	}
	if (r == 0 && plan->rlimits.count > 0)
		qsort(plan->rlimits.items, plan->rlimits.count, sizeof(*plan->rlimits.items),
			compare_rlimits);
	return r;
}

/* Which of the node's handlers leads to the hook; its RuntimeClass has the same name. */
static const char *usual_handler(const struct vb_config *config)
{
	static const char usual[] = "vambrace";
	const struct vb_strv *handlers = &config->runtime_handlers;

	if (vb_config_has_handler(config, usual))
		return usual;
	for (size_t i = 0; i < handlers->count; i++)
		if (handlers->items[i][0] != '\0')
			return handlers->items[i];
	return handlers->count > 0 ? handlers->items[0] : NULL;
}

static int lead_to_hook(const struct vb_config *config, const char *or_else, struct vb_error *err)
{
	const char *handler = usual_handler(config);

	if (handler == NULL)
		return vb_error_fix(err,
			"have a handler added to runtime_handlers of the node config%s", or_else);
	if (handler[0] == '\0')
		return vb_error_fix(err, "remove runtimeClassName from the pod%s", or_else);
	return vb_error_fix(err, "set runtimeClassName: %.63s on the pod%s", handler, or_else);
}

/* A floor of which a part falls away is no floor, so it takes the hook whatever it asks for. */
static int check_floor(
	const struct vb_decision *d, const struct vb_plan *plan, struct vb_error *err)
{
	if (d->supply->floor == NULL || plan->hooked)
		return 0;
	if (plan->handler[0] == '\0')
		(void)vb_error_refuse(err, VB_CODE_REQUIRES_RUNTIME,
			"floor '%s' of namespace '%.63s' cannot be enforced by the node's default "
			"runtime handler",
			d->supply->floor->name, plan->namespace_name);
	else
		(void)vb_error_refuse(err, VB_CODE_REQUIRES_RUNTIME,
			"floor '%s' of namespace '%.63s' cannot be enforced by runtime handler "
			"'%.63s'",
			d->supply->floor->name, plan->namespace_name, plan->handler);
	return lead_to_hook(d->config, "", err);
}

/* Without the hook only mounts and environment can be brought in, and nobody sees the entrypoint.
 */
static int check_handler(
	const struct vb_decision *d, const struct vb_plan *plan, struct vb_error *err)
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
	return lead_to_hook(d->config, ", or drop these layers", err);
}

static int decide_layers(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	int r = check_floor(d, plan, err);

	if (r == 0)
		r = vb_decide_seccomp(d, plan, err);
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
		r = check_handler(d, plan, err);
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
	struct vb_decision decision = {.subject = subject,
		.request = request,
		.supply = supply,
		.config = config,
		.rule = vb_config_rule(config, subject->namespace_name)};
	vb_auto_plan struct vb_plan *plan = NULL;

	vb_decision_add_side(
		&decision, VB_SOURCE_FLOOR, "floor", supply->floor, supply->floor_profile);
	vb_decision_add_side(
		&decision, VB_SOURCE_BUNDLE, "bundle", supply->bundle, supply->bundled_profile);
	if (!request->asked && decision.side_count == 0 &&
		!vb_config_has_handler(config, subject->handler)) {
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
