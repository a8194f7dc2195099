/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle's manifest.json, and the plan of a container that names the bundle. */
#include "fuzz_adjust.h"
#include "vb/adjust/decide.h"

static void decide(const struct vb_bundle *bundle)
{
	const struct vb_subject subject = {.namespace_name = "robots",
		.pod = "arm-7",
		.container = "driver",
		.handler = "vambrace",
		.shim_installed = true};
	const struct vb_request request = {.asked = true};
	vb_auto_config struct vb_config config = {0};
	vb_auto_plan struct vb_plan *plan = NULL;
	struct vb_error err;

	fuzz_require(vb_config_init(&config) == 0);
	const struct vb_supply supply = {.bundle = bundle};
	int r = vb_plan_decide(&subject, &request, &supply, &config, &plan, &err);
	if (r < 0)
		fuzz_check_error(r, &err);
	else
		fuzz_check_plan(plan);
}

/* What a manifest is refused for is among all that is wrong with it, and nothing else is. */
static int take_problem(
	void *context, enum vb_bundle_severity severity, const struct vb_error *problem)
{
	size_t *errors = context;

	fuzz_require(problem->what[0] != '\0');
	fuzz_require_line(problem->what);
	fuzz_require_line(problem->fix);
	*errors += severity == VB_BUNDLE_ERROR;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vb_auto_bundle struct vb_bundle *bundle = NULL;
	struct vb_error err;
	size_t errors = 0;

	fuzz_require(vb_bundle_check((const char *)data, size, "arm", take_problem, &errors) == 0);
	int r = vb_bundle_parse((const char *)data, size, "arm", &bundle, &err);
	fuzz_require((r < 0) == (errors > 0));
	if (r < 0) {
		fuzz_check_error(r, &err);
		fuzz_require(err.code != NULL);
		return 0;
	}
	fuzz_require(strcmp(bundle->name, "arm") == 0);
	for (size_t i = 0; i < bundle->warnings.count; i++)
		fuzz_require_line(bundle->warnings.items[i]);
	decide(bundle);
	return 0;
}
