/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "connect_meet.h"
#include "decide_internal.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/values.h"
#include "vb/base/utf8.h"

/* Linux refuses an argument or environment string of 128 KiB (MAX_ARG_STRLEN), its NUL included. */
enum { ENV_STRING_MAX = 131071 };

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "decide a plan");
}

/* Finds the first entry of inner that outer does not cover; NULL stays when it covers all. */
static int find_uncovered_path(const struct vb_strv *outer, const struct vb_strv *inner,
	const char **ret_entry, struct vb_error *err)
{
	size_t at = 0;

	(void)err;
	/* Both are sorted, so one walk along both is enough. */
	for (size_t i = 0; i < inner->count; i++) {
		const char *entry = inner->items[i];
		while (at < outer->count && strcmp(outer->items[at], entry) < 0)
			at++;
		if (at < outer->count && strcmp(outer->items[at], entry) == 0)
			continue;
		*ret_entry = entry;
		return 0;
	}
	return 0;
}

static int intersect_paths(const struct vb_strv *a, const struct vb_strv *b,
	struct vb_strv *ret_entries, struct vb_error *err)
{
	size_t at = 0;

	for (size_t i = 0; i < a->count; i++) {
		while (at < b->count && strcmp(b->items[at], a->items[i]) < 0)
			at++;
		if (at < b->count && strcmp(b->items[at], a->items[i]) == 0 &&
			vb_strv_add(ret_entries, a->items[i]) < 0)
			return out_of_memory(err);
	}
	return 0;
}

static const struct vb_allowlist *dlopen_list(const struct vb_plan_preload *preload)
{
	return &preload->dlopen;
}

static const struct vb_allowlist *exec_list(const struct vb_plan_preload *preload)
{
	return &preload->exec;
}

static const struct vb_allowlist *connect_list(const struct vb_plan_preload *preload)
{
	return &preload->connect;
}

/* One kind of allowlist: where it is, and how its entries compare. */
struct list_kind {
	const char *annotation; /* the key, for messages */
	const char *name;       /* in bundles */
	const struct vb_allowlist *(*of)(const struct vb_plan_preload *preload);
	int (*find_uncovered)(const struct vb_strv *outer, const struct vb_strv *inner,
		const char **ret_entry, struct vb_error *err);
	int (*intersect)(const struct vb_strv *a, const struct vb_strv *b,
		struct vb_strv *ret_entries, struct vb_error *err);
};

/*
 * The annotation may only tighten: an entry of it that a bundle does not cover would vanish
 * silently, so it is refused. What remains then is the annotation's list.
 */
static int check_annotated(const struct vb_decision *d, const struct list_kind *kind,
	const struct vb_allowlist *annotated, struct vb_error *err)
{
	for (size_t i = 0; i < d->side_count; i++) {
		const struct vb_side *side = &d->sides[i];
		const struct vb_allowlist *bundled = kind->of(&side->bundle->preload_settings);
		const char *uncovered = NULL;
		if (!bundled->set)
			continue;
		int r = kind->find_uncovered(
			&bundled->entries, &annotated->entries, &uncovered, err);
		if (r < 0)
			return r;
		if (uncovered == NULL)
			continue;
		const struct vb_who who = vb_side_who(side, NULL);
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"entry '%.128s' of %s is not allowed by %s", uncovered, kind->annotation,
			who.text);
		return vb_error_fix(err, "remove the entry, or add it to the bundle");
	}
	return 0;
}

static int copy_list(
	const struct vb_allowlist *from, struct vb_allowlist *ret_list, struct vb_error *err)
{
	ret_list->set = true;
	return vb_strv_copy(&ret_list->entries, &from->entries) < 0 ? out_of_memory(err) : 0;
}

static int intersect_lists(const struct vb_decision *d, const struct list_kind *kind,
	struct vb_allowlist *ret_list, struct vb_error *err)
{
	const struct vb_allowlist *first = kind->of(&d->sides[0].bundle->preload_settings);
	const struct vb_allowlist *second = kind->of(&d->sides[1].bundle->preload_settings);

	ret_list->set = true;
	int r = kind->intersect(&first->entries, &second->entries, &ret_list->entries, err);
	if (r != -E2BIG)
		return r;
	(void)vb_error_refuse(err, VB_CODE_CONFLICT,
		"%s of floor '%.63s' and bundle '%.63s' have more than %d entries in common",
		kind->name, d->sides[0].bundle->name, d->sides[1].bundle->name, VB_VALUE_LIST_MAX);
	return vb_error_fix(err, "write fewer and wider entries");
}

/* The meet of all lists of one kind: not set where none is, and empty where they share nothing. */
static int meet_lists(const struct vb_decision *d, const struct list_kind *kind,
	const struct vb_allowlist *annotated, struct vb_allowlist *ret_list, struct vb_error *err)
{
	const struct vb_allowlist *only = NULL;
	size_t count = 0;

	if (annotated != NULL && annotated->set) {
		int r = check_annotated(d, kind, annotated, err);
		return r < 0 ? r : copy_list(annotated, ret_list, err);
	}
	for (size_t i = 0; i < d->side_count; i++) {
		const struct vb_allowlist *list = kind->of(&d->sides[i].bundle->preload_settings);
		if (!list->set)
			continue;
		only = list;
		count++;
	}
	/* The same bundle twice, as floor and default, has one list. */
	if (count == 2 && d->sides[0].bundle != d->sides[1].bundle)
		return intersect_lists(d, kind, ret_list, err);
	return only != NULL ? copy_list(only, ret_list, err) : 0;
}

static int decide_lists(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	static const struct list_kind dlopen = {
		NULL, "dlopen_allowlist", dlopen_list, find_uncovered_path, intersect_paths};
	static const struct list_kind exec = {"preload-exec-allowlist.vambrace.dev",
		"exec_allowlist", exec_list, find_uncovered_path, intersect_paths};
	static const struct list_kind connect = {"preload-connect-allowlist.vambrace.dev",
		"connect_allowlist", connect_list, vb_connect_find_uncovered, vb_connect_intersect};

	int r = meet_lists(d, &exec, &d->request->exec, &plan->preload.exec, err);
	if (r == 0)
		r = meet_lists(d, &connect, &d->request->connect, &plan->preload.connect, err);
	return r < 0 ? r : meet_lists(d, &dlopen, NULL, &plan->preload.dlopen, err);
}

/* Datagrams pass only where all bundles that have a say let them. */
static void decide_settings(const struct vb_decision *d, struct vb_plan *plan)
{
	struct vb_plan_preload *preload = &plan->preload;
	bool bundled = false;

	preload->require = d->request->preload_require;
	preload->audit = d->request->preload_audit;
	for (size_t i = 0; i < d->side_count; i++) {
		const struct vb_bundle *bundle = d->sides[i].bundle;
		if (!bundle->preload)
			continue;
		plan->sources[VB_LAYER_PRELOAD] |= d->sides[i].source;
		preload->require |= bundle->preload_settings.require;
		preload->audit |= bundle->preload_settings.audit;
		preload->datagrams |= bundle->preload_settings.datagrams;
		bundled = true;
	}
	preload->datagrams |= !bundled && vb_plan_has(plan, VB_LAYER_PRELOAD);
}

int vb_decide_preload(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	const struct vb_request *request = d->request;

	if (request->preload_on || request->exec.set || request->connect.set ||
		request->preload_audit != 0)
		plan->sources[VB_LAYER_PRELOAD] |= VB_SOURCE_ANNOTATION;
	decide_settings(d, plan);
	if (!vb_plan_has(plan, VB_LAYER_PRELOAD))
		return 0;
	if (!d->subject->shim_installed) {
		(void)vb_error_refuse(err, VB_CODE_PRELOAD_UNCOVERED,
			"the preload shim is asked for, but is not installed on this node");
		return vb_error_fix(
			err, "install %s (vambrace's installer does)", VB_SHIM_HOST_PATH);
	}
	return decide_lists(d, plan, err);
}

/* The value of a variable in the container as it is so far, or NULL. The last one counts. */
static const char *subject_env(const struct vb_subject *subject, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < subject->env_count; i++) {
		const char *after = vb_str_after(subject->env[i], name);
		if (after != NULL && after[0] == '=')
			value = after + 1;
	}
	return value;
}

static int add_env(struct vb_plan *plan, const char *name, const char *value, struct vb_error *err)
{
	vb_auto_free char *variable = vb_str_format("%s=%s", name, value);

	if (variable == NULL)
		return out_of_memory(err);
	if (strlen(variable) > ENV_STRING_MAX) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
			"%s would have %zu bytes, the kernel takes at most %d in one variable",
			name, strlen(variable), ENV_STRING_MAX);
		return vb_error_fix(err, "shorten the list");
	}
	return vb_strv_add(&plan->env, variable) < 0 ? out_of_memory(err) : 0;
}

static int refuse_own_value(const char *name, struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_CONFLICT, "the pod or its image sets %s itself", name);
	return vb_error_fix(err, "remove the variable; the bundle or the annotation sets it");
}

/* Sets a variable of the contract, which nobody else may have set. */
static int add_own_env(const struct vb_decision *d, struct vb_plan *plan, const char *name,
	const char *value, struct vb_error *err)
{
	const char *present = subject_env(d->subject, name);

	if (present != NULL && present[0] != '\0')
		return refuse_own_value(name, err);
	return add_env(plan, name, value, err);
}

/*
 * The shim gates datagrams with the connect list unless this variable is 0. Where the plan gates
 * them nobody else may set it, or a pod could take them out of its bundle's list.
 */
static int add_datagrams_env(
	const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	static const char name[] = "AUTONOMY_PRELOAD_CONNECT_DATAGRAMS";
	const char *present = subject_env(d->subject, name);

	if (!plan->preload.connect.set)
		return 0;
	if (!plan->preload.datagrams)
		return add_own_env(d, plan, name, "0", err);
	return present != NULL && present[0] != '\0' ? refuse_own_value(name, err) : 0;
}

static int add_list_env(const struct vb_decision *d, struct vb_plan *plan, const char *name,
	const struct vb_allowlist *list, char separator, struct vb_error *err)
{
	if (!list->set)
		return 0;
	vb_auto_free char *joined = vb_strv_join(&list->entries, separator);
	if (joined == NULL)
		return out_of_memory(err);
	/* An empty value would mean pass-through to the shim. */
	return add_own_env(d, plan, name, list->entries.count > 0 ? joined : "none", err);
}

/*
 * LD_PRELOAD with the shim in front of what the image has there, and nowhere else. ld.so(8) takes
 * blanks and colons between entries.
 */
static int add_ld_preload(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	const char *present = subject_env(d->subject, "LD_PRELOAD");
	vb_auto_strv struct vb_strv entries = {0};

	if (present != NULL && !vb_utf8_is_valid(present, strlen(present))) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
			"LD_PRELOAD of the pod or its image is not UTF-8");
		return vb_error_fix(err, "correct the variable");
	}
	if (vb_strv_add(&entries, VB_SHIM_CONTAINER_PATH) < 0)
		return out_of_memory(err);
	while (present != NULL && *present != '\0') {
		size_t length = strcspn(present, ": ");
		bool is_shim = length == strlen(VB_SHIM_CONTAINER_PATH) &&
			       strncmp(present, VB_SHIM_CONTAINER_PATH, length) == 0;
		if (length > 0 && !is_shim && vb_strv_add_n(&entries, present, length) < 0)
			return out_of_memory(err);
		present += length + (present[length] != '\0' ? 1 : 0);
	}
	vb_auto_free char *value = vb_strv_join(&entries, ':');
	return value == NULL ? out_of_memory(err) : add_env(plan, "LD_PRELOAD", value, err);
}

static int add_audit_env(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} variables[] = {{VB_AUDIT_DLOPEN, "AUTONOMY_PRELOAD_DLOPEN_AUDIT"},
		{VB_AUDIT_EXEC, "AUTONOMY_PRELOAD_EXEC_AUDIT"},
		{VB_AUDIT_CONNECT, "AUTONOMY_PRELOAD_CONNECT_AUDIT"}};

	for (size_t i = 0; i < VB_ARRAY_SIZE(variables); i++) {
		if (!(plan->preload.audit & variables[i].bit))
			continue;
		int r = add_own_env(d, plan, variables[i].name, "1", err);
		if (r < 0)
			return r;
	}
	return 0;
}

int vb_decide_env(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	const struct vb_plan_preload *preload = &plan->preload;

	if (!vb_plan_has(plan, VB_LAYER_PRELOAD))
		return 0;
	int r = add_ld_preload(d, plan, err);
	if (r == 0)
		r = add_list_env(
			d, plan, "AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST", &preload->dlopen, ':', err);
	if (r == 0)
		r = add_list_env(
			d, plan, "AUTONOMY_PRELOAD_EXEC_ALLOWLIST", &preload->exec, ':', err);
	if (r == 0)
		r = add_list_env(
			d, plan, "AUTONOMY_PRELOAD_CONNECT_ALLOWLIST", &preload->connect, ',', err);
	if (r == 0)
		r = add_datagrams_env(d, plan, err);
	if (r == 0)
		r = add_audit_env(d, plan, err);
	vb_strv_sort_unique(&plan->env);
	return r;
}
