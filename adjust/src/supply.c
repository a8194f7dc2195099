/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/supply.h"

#include <errno.h>
#include <string.h>

#include "vb/adjust/codes.h"

/* Names that differ more are no slips of the pen. */
enum { SLIP_MAX = 3 };

/* What a gathering works with and what it fills. */
struct gathering {
	const struct vb_stores *stores;
	const struct vb_config *config;
	struct vb_supply_notes *notes; /* or NULL */
};

/* Somebody's wish for a profile. */
struct wish {
	const char *value;
	const char *who;                /* for messages */
	const struct vb_bundle *bundle; /* whose profiles/ has it; or NULL */
};

/* Once each. Out of memory, the warning is lost; the bundle is used all the same. */
static void warn(struct vb_strv *warnings, const char *warning)
{
	if (warning != NULL && !vb_strv_contains(warnings, warning))
		(void)!vb_strv_add(warnings, warning);
}

static void note_bundle(
	const struct gathering *g, const char *name, unsigned int roles, const char *warning)
{
	struct vb_supply_notes *notes = g->notes;
	size_t i = 0;

	if (notes == NULL)
		return;
	while (i < notes->bundle_count && strcmp(notes->bundles[i].name, name) != 0)
		i++;
	if (i == VB_ARRAY_SIZE(notes->bundles))
		return;
	struct vb_bundle_note *note = &notes->bundles[i];
	if (i == notes->bundle_count) {
		note->name = strdup(name);
		notes->bundle_count += note->name != NULL;
	}
	if (note->name == NULL)
		return;
	note->roles |= roles;
	warn(&note->warnings, warning);
}

static int advise(const char *value, const char *fix, struct vb_error *err)
{
	static const char *const own[] = {"starter", "runtime-default"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(own); i++)
		if (vb_str_distance(value, own[i]) <= SLIP_MAX)
			return vb_error_fix(err, "did you mean '%s'?", own[i]);
	return fix != NULL ? vb_error_fix(err, "%s", fix) : -EPERM;
}

static int load_bundled(const struct gathering *g, const struct wish *wish,
	struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	if (wish->bundle == NULL) {
		(void)vb_error_refuse(err, VB_CODE_PROFILE_INVALID,
			"it is looked for in a bundle, and the pod names none");
		return advise(wish->value,
			"name a bundle that has it, a path, starter or runtime-default", err);
	}
	int r = vb_bundle_store_profile(
		g->stores->bundles, wish->bundle, wish->value, ret_profile, err);
	note_bundle(g, wish->bundle->name, 0, vb_bundle_store_warning(g->stores->bundles));
	return r == -EPERM ? advise(wish->value, NULL, err) : r;
}

static int load_path(const struct gathering *g, const struct wish *wish,
	struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	int r = vb_profile_store_get(
		g->stores->profiles, &g->config->profile_dirs, wish->value, ret_profile, err);

	if (g->notes != NULL)
		warn(&g->notes->profile_warnings, vb_profile_store_warning(g->stores->profiles));
	return r;
}

static int refuse_name(const struct wish *wish, struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_PROFILE_INVALID, "it is not the name of a profile");
	return advise(wish->value,
		"name starter, runtime-default, a file of the bundle's profiles/ without .json, or "
		"an absolute path",
		err);
}

static int load_wish(const struct gathering *g, const struct wish *wish,
	struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	switch (vb_profile_kind(wish->value)) {
	case VB_PROFILE_KIND_STARTER:
	case VB_PROFILE_KIND_RUNTIME_DEFAULT:
		return 0;
	case VB_PROFILE_KIND_BUNDLED:
		return load_bundled(g, wish, ret_profile, err);
	case VB_PROFILE_KIND_PATH:
		return load_path(g, wish, ret_profile, err);
	case VB_PROFILE_KIND_INVALID:
		break;
	}
	return refuse_name(wish, err);
}

/* *ret_profile stays NULL where the wish needs no file. */
static int load_profile(const struct gathering *g, const struct wish *wish,
	struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	if (wish->value == NULL)
		return 0;
	int r = load_wish(g, wish, ret_profile, err);
	return r == -EPERM ? vb_error_wrap(
				     err, "seccomp profile '%.128s' of %s", wish->value, wish->who)
			   : r;
}

int vb_supply_choose(const struct vb_config *config, const struct vb_supply_question *question,
	struct vb_bundle_choice *ret_choice, struct vb_error *err)
{
	const struct vb_rule *rule = vb_config_rule(config, question->namespace_name);
	const struct vb_request *request = question->request;
	struct vb_bundle_choice choice = {.bundle = rule->default_bundle.name,
		.bundle_digest = rule->default_bundle.digest,
		.floor = rule->floor.name,
		.floor_digest = rule->floor.digest};

	if (request->bundle_name != NULL) {
		choice.bundle = request->bundle_name;
		choice.bundle_digest = request->bundle_digest;
	}
	if (request->bundle_name == NULL || vb_rule_permits_bundle(rule, request->bundle_name)) {
		*ret_choice = choice;
		return 0;
	}
	vb_auto_free char *permitted = vb_strv_join(&rule->bundles, ',');
	if (permitted == NULL)
		return vb_error_set(err, ENOMEM, "look up a bundle");
	(void)vb_error_refuse(err, VB_CODE_NOT_PERMITTED,
		"bundle '%.63s' is not permitted in namespace '%.63s' of this node",
		request->bundle_name, question->namespace_name);
	if (rule->bundles.count == 0)
		return vb_error_fix(err, "remove bundle.vambrace.dev, or have the node's rules "
					 "changed");
	return vb_error_fix(err, "name one of %.200s, or have the node's rules changed", permitted);
}

static int load_bundle(const struct gathering *g, const char *name, const struct vb_bundle_pin *pin,
	enum vb_bundle_role role, const struct vb_bundle **ret_bundle, struct vb_error *err)
{
	if (name == NULL)
		return 0;
	int r = vb_bundle_store_get(g->stores->bundles, name, pin, ret_bundle, err);
	note_bundle(g, name, role, vb_bundle_store_warning(g->stores->bundles));
	return r;
}

/* A floor or a default that fails is not the pod's fault, and the refusal says so. */
static int blame_rule(
	const char *what, const struct vb_supply_question *question, int r, struct vb_error *err)
{
	if (r == -ENOMEM || err == NULL)
		return r;
	if (vb_str_equal(err->code, VB_CODE_BUNDLE_NOT_FOUND))
		(void)vb_error_fix(err, "install it, or correct the node's rules");
	else if (vb_str_equal(err->code, VB_CODE_BUNDLE_DIGEST))
		(void)vb_error_fix(err, "install the pinned version, or correct the node's rules");
	return vb_error_wrap(err, "%s of namespace '%.63s'", what, question->namespace_name);
}

static int load_bundles(const struct gathering *g, const struct vb_supply_question *question,
	struct vb_supply *supply, struct vb_error *err)
{
	struct vb_bundle_choice choice = {0};
	static const char rule_pins[] = "the node's rule";
	bool by_rule = question->request->bundle_name == NULL;

	int r = vb_supply_choose(g->config, question, &choice, err);
	if (r < 0)
		return r;
	const struct vb_bundle_pin floor_pin = {choice.floor_digest, rule_pins};
	const struct vb_bundle_pin pin = {choice.bundle_digest, by_rule ? rule_pins : "the pod"};
	r = load_bundle(g, choice.floor, &floor_pin, VB_BUNDLE_FLOOR, &supply->floor, err);
	if (r < 0)
		return blame_rule("floor", question, r, err);
	r = load_bundle(g, choice.bundle, &pin, by_rule ? VB_BUNDLE_DEFAULT : VB_BUNDLE_OF_POD,
		&supply->bundle, err);
	if (r < 0)
		return by_rule ? blame_rule("default", question, r, err) : r;
	if (supply->floor == NULL || !vb_str_equal(choice.bundle, choice.floor))
		return 0;
	/* Of one name there is one bundle, the one looked up last: an update may lie in between. */
	supply->floor = supply->bundle;
	r = vb_bundle_pin_check(&floor_pin, supply->floor, err);
	return r < 0 ? blame_rule("floor", question, r, err) : 0;
}

static int load_side_profile(const struct gathering *g, const struct vb_bundle *bundle,
	const char *kind, struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	char who[80];

	if (bundle == NULL)
		return 0;
	(void)snprintf(who, sizeof(who), "%s '%.63s'", kind, bundle->name);
	const struct wish wish = {.value = bundle->seccomp_profile, .who = who, .bundle = bundle};
	return load_profile(g, &wish, ret_profile, err);
}

static int load_profiles(const struct gathering *g, const struct vb_request *request,
	struct vb_supply *supply, struct vb_error *err)
{
	const struct wish annotated = {.value = request->seccomp_profile,
		.who = "seccomp-profile.vambrace.dev",
		.bundle = supply->bundle};

	int r = load_side_profile(g, supply->floor, "floor", &supply->floor_profile, err);
	if (r == 0)
		r = load_side_profile(g, supply->bundle, "bundle", &supply->bundled_profile, err);
	return r < 0 ? r : load_profile(g, &annotated, &supply->annotated_profile, err);
}

int vb_supply_gather(const struct vb_stores *stores, const struct vb_config *config,
	const struct vb_supply_question *question, struct vb_supply_notes *notes,
	struct vb_supply *ret_supply, struct vb_error *err)
{
	const struct gathering gathering = {stores, config, notes};
	vb_auto_supply struct vb_supply supply = {0};

	int r = load_bundles(&gathering, question, &supply, err);
	if (r == 0)
		r = load_profiles(&gathering, question->request, &supply, err);
	if (r < 0)
		return r;
	*ret_supply = supply;
	supply = (struct vb_supply){0};
	return 0;
}

void vb_supply_finish(struct vb_supply *supply)
{
	vb_custom_profile_release(supply->floor_profile);
	vb_custom_profile_release(supply->bundled_profile);
	vb_custom_profile_release(supply->annotated_profile);
	*supply = (struct vb_supply){0};
}

void vb_supply_notes_finish(struct vb_supply_notes *notes)
{
	for (size_t i = 0; i < notes->bundle_count; i++) {
		free(notes->bundles[i].name);
		vb_strv_finish(&notes->bundles[i].warnings);
	}
	vb_strv_finish(&notes->profile_warnings);
	*notes = (struct vb_supply_notes){0};
}

int vb_supply_notes_list(const struct vb_supply_notes *notes, struct vb_strv *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < notes->bundle_count; i++)
		r = vb_strv_copy(list, &notes->bundles[i].warnings);
	return r == 0 ? vb_strv_copy(list, &notes->profile_warnings) : r;
}
