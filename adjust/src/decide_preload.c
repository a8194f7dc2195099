/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "decide_internal.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/connect.h"
#include "vb/base/utf8.h"

/* Linux refuses an argument or environment string of 128 KiB (MAX_ARG_STRLEN), its NUL included. */
enum { ENV_STRING_MAX = 131071 };

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "decide a plan");
}

/* Finds the first entry of inner that outer does not cover; NULL stays when it covers all. */
typedef int (*uncovered_fn)(const struct vb_allowlist *outer, const struct vb_allowlist *inner,
	const char **ret_entry, struct vb_error *err);

static int find_uncovered_path(const struct vb_allowlist *outer, const struct vb_allowlist *inner,
	const char **ret_entry, struct vb_error *err)
{
	size_t at = 0;

	(void)err;
	/* Both are sorted, so one walk along both is enough. */
	for (size_t i = 0; i < inner->entries.count; i++) {
		const char *entry = inner->entries.items[i];
		while (at < outer->entries.count && strcmp(outer->entries.items[at], entry) < 0)
			at++;
		if (at < outer->entries.count && strcmp(outer->entries.items[at], entry) == 0)
			continue;
		*ret_entry = entry;
		return 0;
	}
	return 0;
}

static bool is_network_within(
	const struct vb_connect_entry *networks, size_t count, const struct vb_connect_entry *inner)
{
	for (size_t i = 0; i < count; i++)
		if (vb_connect_contains(&networks[i], inner))
			return true;
	return false;
}

static int find_uncovered_network(const struct vb_allowlist *outer,
	const struct vb_allowlist *inner, const char **ret_entry, struct vb_error *err)
{
	size_t count = outer->entries.count;
	/* One more, for a list that denies everything. */
	vb_auto_free struct vb_connect_entry *networks = calloc(count + 1, sizeof(*networks));
	struct vb_connect_entry network;

	if (networks == NULL)
		return out_of_memory(err);
	for (size_t i = 0; i < count; i++) {
		int r = vb_connect_parse(outer->entries.items[i], &networks[i], err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < inner->entries.count; i++) {
		int r = vb_connect_parse(inner->entries.items[i], &network, err);
		if (r < 0)
			return r;
		if (is_network_within(networks, count, &network))
			continue;
		*ret_entry = inner->entries.items[i];
		return 0;
	}
	return 0;
}

/* One allowlist as bundle and annotation give it, and how its entries compare. */
struct list_inputs {
	const char *annotation; /* the key, for messages */
	uncovered_fn find_uncovered;
	const struct vb_allowlist *annotated;
	const struct vb_allowlist *bundled; /* NULL without a bundle */
};

/*
 * The meet of the two. The annotation may only tighten: an entry of it that the bundle does not
 * cover would vanish silently, so it is refused. What remains then is the annotation's list.
 */
static int meet_lists(const struct vb_decision *d, const struct list_inputs *inputs,
	struct vb_allowlist *ret_list, struct vb_error *err)
{
	const struct vb_allowlist *annotated = inputs->annotated;
	const struct vb_allowlist *bundled = inputs->bundled;
	const struct vb_allowlist *result = annotated->set ? annotated : bundled;
	const char *uncovered = NULL;
	int r = 0;

	if (bundled != NULL && bundled->set)
		r = inputs->find_uncovered(bundled, annotated, &uncovered, err);
	if (r < 0)
		return r;
	if (uncovered != NULL) {
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"entry '%.128s' of %s is not allowed by bundle '%s'", uncovered,
			inputs->annotation, d->bundle->name);
		return vb_error_fix(err, "remove the entry, or add it to the bundle");
	}
	if (result == NULL || !result->set)
		return 0;
	ret_list->set = true;
	return vb_strv_copy(&ret_list->entries, &result->entries) < 0 ? out_of_memory(err) : 0;
}

static int decide_lists(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	const struct vb_plan_preload *bundled =
		d->bundle != NULL ? &d->bundle->preload_settings : NULL;
	const struct list_inputs exec = {"preload-exec-allowlist.vambrace.dev", find_uncovered_path,
		&d->request->exec, bundled != NULL ? &bundled->exec : NULL};
	const struct list_inputs connect = {"preload-connect-allowlist.vambrace.dev",
		find_uncovered_network, &d->request->connect,
		bundled != NULL ? &bundled->connect : NULL};

	int r = meet_lists(d, &exec, &plan->preload.exec, err);
	if (r == 0)
		r = meet_lists(d, &connect, &plan->preload.connect, err);
	if (r < 0 || bundled == NULL || !bundled->dlopen.set)
		return r;
	plan->preload.dlopen.set = true;
	return vb_strv_copy(&plan->preload.dlopen.entries, &bundled->dlopen.entries) < 0
		       ? out_of_memory(err)
		       : 0;
}

int vb_decide_preload(const struct vb_decision *d, struct vb_plan *plan, struct vb_error *err)
{
	const struct vb_request *request = d->request;
	bool annotated = request->preload_on || request->exec.set || request->connect.set ||
			 request->preload_audit != 0;
	bool bundled = d->bundle != NULL && d->bundle->preload;

	if (!annotated && !bundled)
		return 0;
	if (!d->subject->shim_installed) {
		(void)vb_error_refuse(err, VB_CODE_PRELOAD_UNCOVERED,
			"the preload shim is asked for, but is not installed on this node");
		return vb_error_fix(
			err, "install %s (vambrace's installer does)", VB_SHIM_HOST_PATH);
	}
	if (annotated)
		plan->sources[VB_LAYER_PRELOAD] |= VB_SOURCE_ANNOTATION;
	if (bundled)
		plan->sources[VB_LAYER_PRELOAD] |= VB_SOURCE_BUNDLE;
	plan->preload.require = request->preload_require;
	plan->preload.audit = request->preload_audit;
	plan->preload.datagrams = true;
	if (bundled) {
		plan->preload.require |= d->bundle->preload_settings.require;
		plan->preload.audit |= d->bundle->preload_settings.audit;
		plan->preload.datagrams = d->bundle->preload_settings.datagrams;
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
