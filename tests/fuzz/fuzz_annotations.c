/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's annotations, all the way to the plan: the first line is the container's name, then keys
 * and values take turns. Handler, bundle, environment and mounts are always the same; so is the
 * floor of one of two namespaces.
 */
#include "fuzz_adjust.h"
#include "vb/adjust/decide.h"

enum { ANNOTATIONS_MAX = 64, ENV_STRING_MAX = 131071 };

static const char manifest[] =
	"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\",\"version\":\"1\","
	"\"dlopen_allowlist\":{\"paths\":[\"/lib/a.so\"]},\"hardening\":{"
	"\"tmpfs\":[{\"path\":\"/tmp\"}],\"preload\":{\"exec_allowlist\":[\"/bin/ls\"],"
	"\"connect_allowlist\":[\"10.42.0.0/16:8080\",\"[fe80::/10]:*\"]}}}";

static const char floor_manifest[] =
	"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"base\",\"version\":\"1\","
	"\"hardening\":{\"capabilities\":{\"drop\":[\"NET_RAW\"]},\"rlimits\":[{\"type\":\"CORE\","
	"\"soft\":0,\"hard\":0}],\"preload\":{\"exec_allowlist\":[\"/bin/ls\",\"/bin/sh\"],"
	"\"connect_allowlist\":[\"10.0.0.0/8:*\"]}}}";

static const char rules[] =
	"{\"rules\":[{\"namespaces\":[\"rul?d\"],\"bundles\":[\"a*\"],\"floor\":\"base\","
	"\"permit\":[\"seccomp-opt-out\",\"spec-allow\"]}]}";

/* Whatever a pod asks for, the floor holds. */
static void check_floor(const struct vb_plan *plan)
{
	const struct vb_allowlist *exec = &plan->preload.exec;

	fuzz_require(plan->hooked && strcmp(plan->floor_name, "base") == 0);
	fuzz_require((plan->cap_drop & UINT64_C(1) << 13) != 0 && plan->rlimits.count == 1);
	fuzz_require(exec->set && plan->preload.connect.set);
	for (size_t i = 0; i < exec->entries.count; i++)
		fuzz_require(strcmp(exec->entries.items[i], "/bin/ls") == 0 ||
			     strcmp(exec->entries.items[i], "/bin/sh") == 0);
	for (size_t i = 0; i < plan->preload.connect.entries.count; i++)
		fuzz_require(strncmp(plan->preload.connect.entries.items[i], "10.", 3) == 0);
}

static void check_env(const struct vb_plan *plan)
{
	static const char preload[] = "LD_PRELOAD=" VB_SHIM_CONTAINER_PATH;
	bool preloaded = false;

	for (size_t i = 0; i < plan->env.count; i++) {
		const char *value = strchr(plan->env.items[i], '=');
		/* An empty value would let everything pass. */
		fuzz_require(value != NULL && value[1] != '\0');
		fuzz_require(strlen(plan->env.items[i]) <= ENV_STRING_MAX);
		preloaded |= vb_str_after(plan->env.items[i], preload) != NULL;
	}
	fuzz_require(preloaded == vb_plan_has(plan, VB_LAYER_PRELOAD));
}

static void check_mounts(const struct vb_plan *plan)
{
	static const char *const forbidden[] = {"/proc", "/sys", "/dev", "/config"};

	for (size_t i = 0; i < plan->mounts.count; i++) {
		const struct vb_plan_mount *mount = &plan->mounts.items[i];
		vb_auto_free char *clean = NULL;
		fuzz_require(vb_path_clean(mount->destination, &clean) == 0);
		fuzz_require(strcmp(clean, mount->destination) == 0 && strcmp(clean, "/") != 0);
		fuzz_require(strcmp(clean, "/data") != 0);
		for (size_t j = 0; j < VB_ARRAY_SIZE(forbidden); j++)
			fuzz_require(!vb_path_is_within(clean, forbidden[j]));
		fuzz_require(vb_strv_contains(&mount->options, "nosuid"));
		fuzz_require(vb_strv_contains(&mount->options, "nodev"));
	}
}

static void decide(const struct vb_request *request, const char *container, const char *handler,
	const char *namespace_name)
{
	static const char *const env[] = {"PATH=/bin", "LD_PRELOAD=/lib/own.so:"};
	static const struct vb_subject_mount mounts[] = {
		{.destination = "/data", .type = "bind", .source = "/srv/data"},
		{.destination = "/config", .type = "bind", .source = "/srv/c", .read_only = true}};
	const struct vb_subject subject = {namespace_name, "arm-7", container, handler, env,
		VB_ARRAY_SIZE(env), mounts, VB_ARRAY_SIZE(mounts), true};
	vb_auto_config struct vb_config config = {0};
	vb_auto_bundle struct vb_bundle *bundle = NULL;
	vb_auto_bundle struct vb_bundle *floor = NULL;
	vb_auto_plan struct vb_plan *plan = NULL;
	struct vb_error err;

	fuzz_require(vb_config_parse(rules, sizeof(rules) - 1, &config, NULL) == 0);
	const struct vb_rule *rule = vb_config_rule(&config, namespace_name);
	fuzz_require(rule->floor.name == NULL ||
		     vb_bundle_parse(floor_manifest, sizeof(floor_manifest) - 1, rule->floor.name,
			     &floor, NULL) == 0);
	fuzz_require(vb_bundle_parse(manifest, sizeof(manifest) - 1, "arm", &bundle, NULL) == 0);
	const struct vb_supply supply = {
		.bundle = request->bundle_name != NULL ? bundle : NULL, .floor = floor};
	int r = vb_plan_decide(&subject, request, &supply, &config, &plan, &err);
	if (r < 0) {
		fuzz_check_error(r, &err);
		return;
	}
	fuzz_require((plan != NULL) ==
		     (request->asked || floor != NULL || strcmp(handler, "vambrace") == 0));
	if (plan == NULL)
		return;
	if (floor != NULL)
		check_floor(plan);
	check_env(plan);
	check_mounts(plan);
	fuzz_check_plan(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vb_annotation items[ANNOTATIONS_MAX];
	struct vb_annotations annotations = {.items = items};
	vb_auto_request struct vb_request request = {0};
	vb_auto_free char *text = strndup((const char *)data, size);
	struct vb_error err;

	fuzz_require(text != NULL);
	char *rest = text;
	const char *container = strsep(&rest, "\n");
	while (rest != NULL && annotations.count < ANNOTATIONS_MAX) {
		const char *key = strsep(&rest, "\n");
		const char *value = rest != NULL ? strsep(&rest, "\n") : "";
		items[annotations.count++] = (struct vb_annotation){key, value};
	}
	int r = vb_request_parse(&annotations, container, &request, &err);
	if (r < 0) {
		fuzz_check_error(r, &err);
		return 0;
	}
	decide(&request, container, "vambrace", "robots");
	decide(&request, container, "runc", "robots");
	decide(&request, container, "vambrace", "ruled");
	return 0;
}
