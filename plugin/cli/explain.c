/* SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "input.h"
#include "pod.h"
#include "pod_yaml.h"
#include "vb/adjust/json.h"
#include "vb/base/utf8.h"

/* A report of some ten thousand containers; more is no question that a person asks. */
enum { REPORT_MAX = 256 << 20 };

static const char help_begin[] =
	"Usage: vambrace explain POD.yaml|- [OPTIONS]\n"
	"\n"
	"Says for each container in a manifest what Vambrace would apply, who enforces\n"
	"it and which annotation or bundle asked for it; or the line with which the\n"
	"container would be refused. Nothing is changed, and no cluster is asked.\n"
	"\n"
	"POD.yaml is YAML or JSON, `-` is standard input. Pods are looked for in Pod,\n"
	"Deployment, DaemonSet, StatefulSet, ReplicaSet, ReplicationController, Job,\n"
	"CronJob, PodTemplate and lists of them; several documents may follow each\n"
	"other.\n";

static const char help_end[] =
	"What it takes for granted:\n"
	"  - the handler of a RuntimeClass has the same name as the RuntimeClass;\n"
	"  - the image sets no LD_PRELOAD and no AUTONOMY_PRELOAD_* variable: only the\n"
	"    pod's own literal values are known here;\n"
	"  - annotations are those of the sandbox's creation: one that is changed on a\n"
	"    running pod has no effect until the pod is made anew. Bundles and node\n"
	"    config are those of now;\n"
	"  - the node does not know a bundle yet: where one breaks under a daemon that\n"
	"    has used it, the daemon goes on with the version before. See status.\n"
	"The hook looks once more when the container starts: at mount points after\n"
	"following the image's links, and at the entrypoint.\n"
	"\n"
	"Exit codes: 0 nothing is refused, 1 something is, 2 wrong usage or\n"
	"unreadable input.\n"
	"\n"
	"Examples:\n"
	"  vambrace explain arm.yaml\n"
	"  vambrace explain arm.yaml --bundles ./bundles --node-config node.json\n"
	"  kubectl get pod arm -o yaml | vambrace explain -\n"
	"  kubectl get deploy -A -o json | vambrace explain - --json |\n"
	"    jq -r '.pods[].containers[].refusal.line // empty'\n";

struct options {
	const char *input;
	const char *config_path;
	const char *default_namespace;
	struct vb_strv bundle_dirs;
	bool json;
};

static void finish_options(struct options *options)
{
	vb_strv_finish(&options->bundle_dirs);
}

/* Counts and shows results as they come: text goes out pod by pod, JSON at the end. */
struct report {
	const struct vb_explain_setting *setting;
	struct vb_explain_totals totals;
	struct vb_buf *text;
	json_t *pods; /* NULL: text is wanted */
};

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "explain");
}

static int write_out(struct vb_buf *text, struct vb_error *err)
{
	size_t size = vb_buf_size(text);

	int r = vb_command_print(text, err);
	if (r == 0)
		vb_buf_consume(text, size);
	return r;
}

static int add_assumptions(struct vb_strv *all, const struct vb_strv *more)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < more->count; i++)
		if (!vb_strv_contains(all, more->items[i]))
			r = vb_strv_add(all, more->items[i]);
	return r;
}

static int explain_container(struct report *report, const struct vb_pod *pod,
	const struct vb_pod_container *container, const struct vb_stores *stores,
	struct vb_error *err)
{
	vb_auto_explained struct vb_explained explained = {0};

	int r = vb_explain_container(
		pod, container, report->setting->config, stores, &explained, err);
	if (r < 0)
		return r;
	report->totals.counts[explained.verdict]++;
	if (add_assumptions(&report->totals.assumptions, &explained.assumptions) < 0)
		return out_of_memory(err);
	if (report->pods == NULL)
		return vb_explain_text_container(&explained, report->text) < 0 ? out_of_memory(err)
									       : 0;
	json_t *last = json_array_get(report->pods, json_array_size(report->pods) - 1);
	return json_array_append_new(json_object_get(last, "containers"),
		       vb_explain_json_container(&explained)) < 0
		       ? out_of_memory(err)
		       : 0;
}

static int explain_pod(struct report *report, const struct vb_pod *pod,
	const struct vb_stores *stores, struct vb_error *err)
{
	int r = report->pods != NULL ? json_array_append_new(report->pods, vb_explain_json_pod(pod))
				     : vb_explain_text_pod(report->setting, pod, report->text);

	if (r < 0)
		return out_of_memory(err);
	for (size_t i = 0; i < pod->container_count; i++) {
		r = explain_container(report, pod, &pod->containers[i], stores, err);
		if (r < 0)
			return r;
	}
	return report->pods == NULL ? write_out(report->text, err) : 0;
}

static int write_json(struct report *report, struct vb_error *err)
{
	vb_auto_json json_t *root =
		vb_explain_json_report(report->setting, &report->totals, report->pods);

	return vb_command_print_json(root, JSON_INDENT(2), err);
}

static int explain_all(struct report *report, const struct vb_pod_list *pods,
	const struct vb_stores *stores, struct vb_error *err)
{
	int r = 0;

	if (report->pods == NULL && vb_explain_text_head(report->setting, report->text) < 0)
		return out_of_memory(err);
	for (size_t i = 0; r == 0 && i < pods->count; i++)
		r = explain_pod(report, &pods->items[i], stores, err);
	if (r < 0)
		return r;
	if (report->pods != NULL)
		return write_json(report, err);
	if (vb_explain_text_tail(report->setting, &report->totals, report->text) < 0)
		return out_of_memory(err);
	return write_out(report->text, err);
}

static int check_directories(const struct vb_strv *directories, struct vb_error *err)
{
	for (size_t i = 0; i < directories->count; i++) {
		struct stat st;
		if (stat(directories->items[i], &st) < 0)
			return vb_error_set(err, errno, "--bundles %s", directories->items[i]);
		if (!S_ISDIR(st.st_mode))
			return vb_error_set(err, ENOTDIR, "--bundles %s", directories->items[i]);
	}
	return 0;
}

/* Reads the node's settings; *path becomes NULL when the default file is not there. */
static int load_config(const char **path, struct vb_config *ret_config, struct vb_error *err)
{
	if (*path != NULL)
		return vb_input_config(*path, ret_config, err);
	int r = vb_config_load(VB_CONFIG_PATH, ret_config, err);
	if (r == -ENOENT)
		return vb_config_init(ret_config) < 0 ? out_of_memory(err) : 0;
	*path = VB_CONFIG_PATH;
	return r < 0 ? vb_error_wrap(err, VB_CONFIG_PATH) : 0;
}

static void close_stores(const struct vb_stores *stores)
{
	vb_bundle_store_destroy(stores->bundles);
	vb_profile_store_destroy(stores->profiles);
}

/*
 * A person's own bundles, and profiles that a node config of one's own leads to, need not belong to
 * root, nor be signed yet; those of the node must, as there.
 */
static int open_stores(const struct options *options, struct vb_config *config,
	struct vb_stores *stores, struct vb_error *err)
{
	bool own = options->bundle_dirs.count > 0;

	if (own) {
		int r = check_directories(&options->bundle_dirs, err);
		if (r < 0)
			return r;
		vb_strv_finish(&config->bundle_dirs);
		if (vb_strv_copy(&config->bundle_dirs, &options->bundle_dirs) < 0)
			return out_of_memory(err);
	}
	stores->bundles = vb_bundle_store_create(&config->bundle_dirs);
	stores->profiles = vb_profile_store_create();
	if (stores->bundles == NULL || stores->profiles == NULL)
		return out_of_memory(err);
	if (own || options->config_path != NULL)
		vb_profile_store_accept_any_owner(stores->profiles);
	if (!own)
		return vb_bundle_store_trust(
			stores->bundles, &config->trusted_keys, config->require_signature, err);
	vb_bundle_store_accept_any_owner(stores->bundles);
	return 0;
}

static int load_pods(const struct options *options, struct vb_yaml **ret_yaml,
	struct vb_pod_list *ret_pods, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *data = NULL;
	vb_auto_yaml struct vb_yaml *yaml = NULL;
	const char *name = vb_input_name(options->input);

	int r = vb_input_read(options->input, VB_YAML_SIZE_MAX, &data, err);
	if (r == 0)
		r = vb_yaml_parse(
			name, (const char *)vb_buf_data(data), vb_buf_size(data), &yaml, err);
	if (r == 0)
		r = vb_pod_list_read(yaml, options->default_namespace, ret_pods, err);
	if (r < 0)
		return r;
	if (ret_pods->count == 0) {
		(void)vb_error_say(err, EINVAL, "%s: no pod in it", name);
		return vb_error_fix(err, "see 'vambrace explain --help' for the kinds that count");
	}
	*ret_yaml = VB_STEAL(yaml);
	return 0;
}

/* Returns the exit code, or an errno. */
static int explain(const struct options *options, struct vb_error *err)
{
	vb_auto_yaml struct vb_yaml *yaml = NULL; /* pods borrow from it: destroyed after them */
	vb_auto_pod_list struct vb_pod_list pods = {0};
	vb_auto_config struct vb_config config = {0};
	vb_auto(close_stores) struct vb_stores stores = {0};
	vb_auto_json json_t *json = options->json ? json_array() : NULL;
	vb_auto_buf struct vb_buf *text = vb_buf_create(REPORT_MAX);
	struct vb_explain_setting setting = {.input = vb_input_name(options->input),
		.config_path = options->config_path,
		.config = &config,
		.notes = &pods.notes};

	if (text == NULL || (options->json && json == NULL))
		return out_of_memory(err);
	int r = load_config(&setting.config_path, &config, err);
	if (r == 0)
		r = open_stores(options, &config, &stores, err);
	if (r == 0)
		r = load_pods(options, &yaml, &pods, err);
	if (r < 0)
		return r;
	setting.pod_count = pods.count;
	struct report report = {.setting = &setting, .text = text, .pods = json};
	r = explain_all(&report, &pods, &stores, err);
	vb_strv_finish(&report.totals.assumptions);
	if (r < 0)
		return r;
	return report.totals.counts[VB_VERDICT_REFUSED] > 0 ? VB_EXIT_REFUSED : VB_EXIT_OK;
}

static int parse(int argc, char **argv, struct options *options)
{
	const struct vb_option known[] = {
		{.name = "node-config",
			.value = "FILE",
			.text = &options->config_path,
			.help = "the node's settings (default: " VB_CONFIG_PATH
				", and the built-in ones when it is not there)"},
		{.name = "bundles",
			.value = "DIR",
			.list = &options->bundle_dirs,
			.help = "look for bundles here instead of where the node config says; may "
				"be repeated, the first that has it wins"},
		{.name = "namespace",
			.letter = 'n',
			.value = "NS",
			.text = &options->default_namespace,
			.help = "of objects that name none (default: default)"},
		{.name = "json",
			.flag = &options->json,
			.help = "for scripts (docs/explain.schema.json)"},
	};
	const struct vb_syntax syntax = {.command = "explain",
		.help_begin = help_begin,
		.help_end = help_end,
		.options = known,
		.option_count = VB_ARRAY_SIZE(known),
		.operands = {"one POD.yaml or -", 1, 1}};
	struct vb_arguments arguments;

	int code = vb_command_parse(&syntax, argc, argv, &arguments);
	if (code < 0)
		options->input = arguments.operands[0];
	return code;
}

static int run(int argc, char **argv)
{
	vb_auto(finish_options) struct options options = {.default_namespace = "default"};
	struct vb_error err = {0};

	int code = parse(argc, argv, &options);
	if (code >= 0)
		return code;
	int r = explain(&options, &err);
	return r < 0 ? vb_command_fail(&err) : r;
}

const struct vb_command vb_command_explain = {
	.name = "explain",
	.summary = "what would be applied to the containers of a manifest",
	.run = run,
};
