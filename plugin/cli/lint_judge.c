/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "lint.h"
#include "seccomp.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/json.h"
#include "vb/adjust/supply.h"
#include "vb/base/utf8.h"

/* The findings about one text go to the report. */
struct judgement {
	const struct vb_lint_text *text;
	struct vb_lint_report *report;
};

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "lint a bundle");
}

static int take_problem(
	void *context, enum vb_bundle_severity severity, const struct vb_error *problem)
{
	const struct judgement *judgement = context;
	struct vb_json_place place = {0};
	struct vb_error located = *problem;
	char what[JSON_ERROR_TEXT_LENGTH] = "";

	/* What is not JSON has no path in it, but a line and a column that jansson knows. */
	if (problem->place[0] == '\0')
		place = vb_json_find_error(judgement->text->data, judgement->text->size, what);
	if (what[0] != '\0') {
		(void)vb_error_say(&located, EINVAL, "not JSON: %s", what);
		(void)vb_error_fix(&located, "correct the text at this place");
	}
	int r = vb_lint_add(judgement->report, judgement->text,
		severity == VB_BUNDLE_ERROR ? VB_LINT_ERROR : VB_LINT_WARNING, &located);
	size_t count = judgement->report->count;
	if (r == 0 && what[0] != '\0' && judgement->report->left_out == 0)
		judgement->report->findings[count - 1].at = place;
	return r;
}

/* A name that no annotation can have; the plugin would only say that there is no such bundle. */
static int judge_name(const struct vb_lint_bundle *bundle, const struct vb_lint_text *text,
	struct vb_lint_report *report)
{
	struct vb_error problem = {0};

	if (vb_bundle_name_is_valid(bundle->name))
		return 0;
	(void)vb_error_say(&problem, EINVAL, "'%.128s' cannot be a bundle's name", bundle->name);
	(void)vb_error_fix(
		&problem, "use at most 63 of a-z, 0-9, '.', '_' and '-', a letter or digit first");
	(void)vb_error_at(&problem, "name");
	return vb_lint_add(report, text, VB_LINT_ERROR, &problem);
}

static int judge_manifest(const struct vb_lint_setting *setting,
	const struct vb_lint_bundle *bundle, const struct vb_lint_text *text,
	struct vb_lint_report *report)
{
	struct judgement judgement = {.text = text, .report = report};
	vb_auto_json json_t *manifest = NULL;
	struct vb_error reported;

	int r = vb_bundle_check(text->data, text->size, bundle->name, take_problem, &judgement);
	if (r < 0)
		return r;
	r = vb_json_parse(text->data, text->size, VB_BUNDLE_JSON_DEPTH_MAX, &manifest, &reported);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return vb_lint_advise(setting, manifest, text, report);
}

static int take_profile_finding(
	void *context, enum vb_profile_severity severity, const struct vb_error *finding)
{
	const struct judgement *judgement = context;

	return vb_lint_add(judgement->report, judgement->text,
		severity == VB_PROFILE_ERROR ? VB_LINT_ERROR : VB_LINT_WARNING, finding);
}

/* One in Docker's format is resolved for this machine and a container without capabilities. */
static int judge_profile(struct vb_seccomp_input *input, struct vb_lint_report *report)
{
	struct vb_kernel_version kernel = vb_kernel_version_read();
	const struct vb_seccomp_options options = {.arch = vb_profile_node_arch(VB_PROFILE_NATIVE),
		.kernel_major = kernel.major,
		.kernel_minor = kernel.minor};
	const struct vb_lint_text text = {input->name, input->text, input->size};
	struct judgement judgement = {.text = &text, .report = report};
	struct vb_error refusal = {0};

	int code = vb_seccomp_parse(&options, input, &refusal);
	if (code == VB_EXIT_TROUBLE)
		return -ENOMEM;
	if (code == VB_EXIT_OK)
		return vb_seccomp_judge(input, take_profile_finding, &judgement);
	if (refusal.fix[0] == '\0')
		(void)vb_error_fix(&refusal, "'vambrace seccomp check' tells more");
	int r = vb_lint_add(report, &text, VB_LINT_ERROR, &refusal);
	if (r == 0 && report->left_out == 0)
		report->findings[report->count - 1].at = input->place;
	return r;
}

static int judge_profiles(
	const struct vb_lint_bundle *bundle, struct vb_lint_report *report, struct vb_error *err)
{
	for (size_t i = 0; i < bundle->profiles.count; i++) {
		const char *name = bundle->profiles.items[i];
		vb_auto_seccomp_input struct vb_seccomp_input input = {0};
		int r = vb_lint_profile_read(bundle, name, &input.text, &input.size, err);
		if (r < 0)
			return r;
		input.name = vb_str_format("%s%sprofiles/%s.json", bundle->shown,
			bundle->tar != NULL ? ":" : "/", name);
		if (input.name == NULL || judge_profile(&input, report) < 0)
			return out_of_memory(err);
	}
	return 0;
}

/* The same steps as the plugin's for a pod that names the bundle and asks for nothing else. */
static int decide(const struct vb_lint_setting *setting, const struct vb_stores *stores, char *name,
	struct vb_error *err)
{
	const struct vb_request request = {.asked = true, .bundle_name = name};
	const struct vb_supply_question question = {setting->namespace_name, &request};
	const struct vb_subject subject = {.namespace_name = setting->namespace_name,
		.pod = "lint",
		.container = "lint",
		.handler = "vambrace",
		.shim_installed = true};
	vb_auto_supply struct vb_supply supply = {0};
	vb_auto_plan struct vb_plan *plan = NULL;

	int r = vb_supply_gather(stores, setting->config, &question, NULL, &supply, err);
	return r == 0 ? vb_plan_decide(&subject, &request, &supply, setting->config, &plan, err)
		      : r;
}

static int ask_plugin(const struct vb_lint_setting *setting, const struct vb_lint_bundle *bundle,
	struct vb_error *err)
{
	const struct vb_config *config = setting->config;
	vb_auto_strv struct vb_strv directories = {0};
	vb_auto_profile_store struct vb_profile_store *profiles = vb_profile_store_create();

	/* The node's own for the floor only: the bundle itself is found in the first. */
	if (profiles == NULL || vb_strv_add(&directories, bundle->directory) < 0 ||
		vb_strv_copy(&directories, &config->bundle_dirs) < 0)
		return out_of_memory(err);
	vb_auto_bundle_store struct vb_bundle_store *bundles = vb_bundle_store_create(&directories);
	if (bundles == NULL)
		return out_of_memory(err);
	vb_bundle_store_accept_any_owner(bundles);
	vb_profile_store_accept_any_owner(profiles);
	int r = vb_bundle_store_trust(
		bundles, &config->trusted_keys, config->require_signature, err);
	const struct vb_stores stores = {.bundles = bundles, .profiles = profiles};
	return r == 0 ? decide(setting, &stores, bundle->name, err) : r;
}

/* What in the manifest makes the plugin refuse a bundle that reads well. */
static const char *place_for(
	const struct vb_lint_setting *setting, const char *bundle, const char *code)
{
	const struct vb_rule *rule = vb_config_rule(setting->config, setting->namespace_name);

	if (!vb_rule_permits_bundle(rule, bundle))
		return "";
	if (vb_str_equal(code, VB_CODE_PROFILE_INVALID))
		return "hardening.seccomp.profile";
	if (vb_str_equal(code, VB_CODE_NOT_PERMITTED))
		return "hardening.seccomp";
	if (vb_str_equal(code, VB_CODE_BUNDLE_DIGEST))
		return "profiles";
	if (vb_str_equal(code, VB_CODE_CONFLICT))
		return "hardening.tmpfs";
	return "";
}

/* The plugin has the last word: what it refuses is never fine, whatever was not found above. */
static int judge_as_plugin(const struct vb_lint_setting *setting,
	const struct vb_lint_bundle *bundle, const struct vb_lint_text *text,
	struct vb_lint_report *report, struct vb_error *err)
{
	struct vb_error refusal = {0};

	if (report->errors > 0)
		return 0;
	int r = ask_plugin(setting, bundle, &refusal);
	if (r == 0)
		return 0;
	if (refusal.code == NULL) {
		*err = refusal;
		return r;
	}
	(void)vb_error_at(&refusal, "%s", place_for(setting, bundle->name, refusal.code));
	return vb_lint_add(report, text, VB_LINT_ERROR, &refusal) < 0 ? out_of_memory(err) : 0;
}

int vb_lint_judge(const struct vb_lint_setting *setting, const struct vb_lint_bundle *bundle,
	struct vb_lint_report *report, struct vb_error *err)
{
	const struct vb_lint_text text = {
		.name = bundle->manifest != NULL ? bundle->manifest_name : bundle->shown,
		.data = bundle->manifest,
		.size = bundle->manifest_size};
	int r = 0;

	report->bundle = strdup(bundle->name);
	if (report->bundle == NULL)
		return out_of_memory(err);
	vb_utf8_scrub(report->bundle);
	if (judge_name(bundle, &text, report) < 0)
		return out_of_memory(err);
	if (bundle->manifest != NULL && judge_manifest(setting, bundle, &text, report) < 0)
		return out_of_memory(err);
	r = judge_profiles(bundle, report, err);
	if (r == 0)
		r = judge_as_plugin(setting, bundle, &text, report, err);
	vb_lint_sort(report);
	return r;
}
