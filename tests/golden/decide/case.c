/* SPDX-License-Identifier: Apache-2.0 */
#include "case.h"

#include <errno.h>
#include <glob.h>
#include <string.h>

#include "vb/adjust/codes.h"
#include "vb/base/buf.h"
#include "vb/base/file.h"

enum { FILE_MAX = 1 << 20, REPLACED_MAX = 2 << 20, POD_DEPTH_MAX = 8 };

/* An absent file leaves NULL. */
static int read_optional(
	const char *directory, const char *name, char **ret_text, struct vb_error *err)
{
	vb_auto_free char *path = vb_str_format("%s/%s", directory, name);
	size_t size;

	if (path == NULL)
		return vb_error_set(err, ENOMEM, "read '%s'", name);
	int r = vb_file_read(path, FILE_MAX, ret_text, &size, err);
	return r == -ENOENT ? 0 : r;
}

const char *vb_case_dir_name(enum vb_case_dir dir)
{
	static const char *const names[VB_CASE_DIRS] = {
		[VB_CASE_BUNDLE_PROFILES] = "profiles",
		[VB_CASE_FLOOR_PROFILES] = "floor-profiles",
		[VB_CASE_NODE_PROFILES] = "node-profiles",
	};

	return names[dir];
}

char *vb_case_replace(const char *text, const char *from, const char *to)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create(REPLACED_MAX);

	for (const char *at; out != NULL && (at = strstr(text, from)) != NULL;
		text = at + strlen(from))
		if (vb_buf_append(out, text, (size_t)(at - text)) < 0 ||
			vb_buf_append_string(out, to) < 0)
			return NULL;
	return out == NULL || vb_buf_append_string(out, text) < 0 ? NULL : vb_buf_strdup(out);
}

/* A text with the name of the node's directory filled in. */
static int read_template(const char *directory, const char *name, const char *node, char **ret_text,
	struct vb_error *err)
{
	vb_auto_free char *text = NULL;

	int r = read_optional(directory, name, &text, err);
	if (r < 0 || text == NULL)
		return r;
	*ret_text = vb_case_replace(text, "@NODE@", node);
	return *ret_text == NULL ? vb_error_set(err, ENOMEM, "read '%s'", name) : 0;
}

static int read_profiles(
	const char *directory, enum vb_case_dir dir, json_t **ret_profiles, struct vb_error *err)
{
	vb_auto_free char *pattern =
		vb_str_format("%s/%s/*.json", directory, vb_case_dir_name(dir));
	vb_auto_json json_t *profiles = json_object();
	glob_t found = {0};
	int r = 0;

	if (pattern == NULL || profiles == NULL)
		return vb_error_set(err, ENOMEM, "read profiles");
	(void)glob(pattern, 0, NULL, &found);
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
		const char *name = strrchr(found.gl_pathv[i], '/') + 1;
		vb_auto_free char *text = NULL;
		size_t size;
		r = vb_file_read(found.gl_pathv[i], FILE_MAX, &text, &size, err);
		if (r == 0 && json_object_set_new(profiles, name, json_string(text)) < 0)
			r = vb_error_say(err, EINVAL, "'%s' is not UTF-8", name);
	}
	globfree(&found);
	if (r == 0)
		*ret_profiles = VB_STEAL(profiles);
	return r;
}

int vb_case_load(struct vb_case *c, const char *directory, const char *node, struct vb_error *err)
{
	vb_auto_free char *pod = NULL;

	*c = (struct vb_case){0};
	int r = read_template(directory, "pod.json", node, &pod, err);
	if (r == 0 && pod == NULL)
		r = vb_error_say(err, ENOENT, "no pod.json in '%s'", directory);
	if (r == 0)
		r = vb_json_parse(pod, strlen(pod), POD_DEPTH_MAX, &c->pod, err);
	if (r == 0)
		r = read_optional(directory, "manifest.json", &c->manifest, err);
	if (r == 0)
		r = read_optional(directory, "floor.json", &c->floor, err);
	if (r == 0)
		r = read_template(directory, "config.json", node, &c->config, err);
	for (enum vb_case_dir dir = 0; r == 0 && dir < VB_CASE_DIRS; dir++)
		r = read_profiles(directory, dir, &c->profiles[dir], err);
	return r < 0 ? r : vb_case_bind(c, err);
}

static int bind_annotations(struct vb_case *c, struct vb_error *err)
{
	json_t *annotations = json_object_get(c->pod, "annotations");
	const char *key;
	json_t *value;

	c->annotations = calloc(json_object_size(annotations) + 1, sizeof(*c->annotations));
	if (c->annotations == NULL)
		return vb_error_set(err, ENOMEM, "read annotations");
	json_object_foreach(annotations, key, value) {
		if (!json_is_string(value))
			return vb_error_say(err, EINVAL, "annotation '%s' is no string", key);
		c->annotations[c->annotation_count++] =
			(struct vb_annotation){key, json_string_value(value)};
	}
	return 0;
}

static int bind_env(struct vb_case *c, struct vb_error *err)
{
	const json_t *env = json_object_get(c->pod, "env");
	const json_t *item;
	size_t i;

	c->env = calloc(json_array_size(env) + 1, sizeof(*c->env));
	if (c->env == NULL)
		return vb_error_set(err, ENOMEM, "read env");
	json_array_foreach(env, i, item) {
		if (!json_is_string(item))
			return vb_error_say(err, EINVAL, "env[%zu] is no string", i);
		c->env[c->subject.env_count++] = json_string_value(item);
	}
	c->subject.env = c->env;
	return 0;
}

static int bind_mounts(struct vb_case *c, struct vb_error *err)
{
	static const char *const known[] = {"destination", "type", "source", "read_only", NULL};
	const json_t *mounts = json_object_get(c->pod, "mounts");
	const json_t *item;
	size_t i;

	c->mounts = calloc(json_array_size(mounts) + 1, sizeof(*c->mounts));
	if (c->mounts == NULL)
		return vb_error_set(err, ENOMEM, "read mounts");
	json_array_foreach(mounts, i, item) {
		struct vb_subject_mount mount = {.type = "bind"};
		int r = vb_json_check_keys(item, "mount", known, err);
		if (r == 0)
			r = vb_json_get_string(
				item, "mount", "destination", &mount.destination, err);
		if (r == 0)
			r = vb_json_get_string(item, "mount", "type", &mount.type, err);
		if (r == 0)
			r = vb_json_get_string(item, "mount", "source", &mount.source, err);
		if (r == 0)
			r = vb_json_get_bool(item, "mount", "read_only", &mount.read_only, err);
		if (r == 0 && mount.destination == NULL)
			r = vb_error_say(err, EINVAL, "a mount has no destination");
		if (r < 0)
			return r;
		c->mounts[c->subject.mount_count++] = mount;
	}
	c->subject.mounts = c->mounts;
	return 0;
}

int vb_case_bind(struct vb_case *c, struct vb_error *err)
{
	static const char *const known[] = {"namespace", "pod", "container", "handler",
		"annotations", "env", "mounts", "shim_installed", NULL};
	const json_t *handler = json_object_get(c->pod, "handler");

	c->subject = (struct vb_subject){.namespace_name = "robots",
		.pod = "arm-7",
		.container = "driver",
		.handler = json_is_string(handler) ? json_string_value(handler) : "vambrace",
		.shim_installed = true};
	int r = vb_json_check_keys(c->pod, "pod.json", known, err);
	if (r == 0)
		r = vb_json_get_string(
			c->pod, "pod.json", "namespace", &c->subject.namespace_name, err);
	if (r == 0)
		r = vb_json_get_string(c->pod, "pod.json", "pod", &c->subject.pod, err);
	if (r == 0)
		r = vb_json_get_string(c->pod, "pod.json", "container", &c->subject.container, err);
	if (r == 0)
		r = vb_json_get_bool(
			c->pod, "pod.json", "shim_installed", &c->subject.shim_installed, err);
	if (r == 0)
		r = bind_annotations(c, err);
	if (r == 0)
		r = bind_env(c, err);
	return r < 0 ? r : bind_mounts(c, err);
}

void vb_case_finish(struct vb_case *c)
{
	json_decref(c->pod);
	for (enum vb_case_dir dir = 0; dir < VB_CASE_DIRS; dir++)
		json_decref(c->profiles[dir]);
	free(c->manifest);
	free(c->floor);
	free(c->config);
	free(c->annotations);
	free(c->mounts);
	free((void *)c->env);
	*c = (struct vb_case){0};
}

int vb_case_list(const char *root, struct vb_strv *directories, struct vb_error *err)
{
	vb_auto_free char *pattern = vb_str_format("%s/*/pod.json", root);
	glob_t found;
	int r = 0;

	if (pattern == NULL)
		return vb_error_set(err, ENOMEM, "list cases");
	if (glob(pattern, 0, NULL, &found) != 0)
		return vb_error_say(err, ENOENT, "no cases in '%s'", root);
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
		const char *slash = strrchr(found.gl_pathv[i], '/');
		r = vb_strv_add_n(
			directories, found.gl_pathv[i], (size_t)(slash - found.gl_pathv[i]));
	}
	globfree(&found);
	return r < 0 ? vb_error_set(err, ENOMEM, "list cases") : 0;
}

static int read_config(const struct vb_case *c, struct vb_config *config, struct vb_error *err)
{
	if (c->config != NULL)
		return vb_config_parse(c->config, strlen(c->config), config, err);
	return vb_config_init(config) < 0 ? vb_error_set(err, ENOMEM, "read the node config") : 0;
}

int vb_case_decide(const struct vb_case *c, struct vb_case_finder *finder,
	struct vb_plan **ret_plan, struct vb_error *err)
{
	const struct vb_annotations annotations = {c->annotations, c->annotation_count};
	vb_auto_supply struct vb_supply supply = {0};
	vb_auto_config struct vb_config config = {0};
	vb_auto_request struct vb_request request = {0};

	int r = read_config(c, &config, err);
	if (r == 0)
		r = vb_request_parse(&annotations, c->subject.container, &request, err);
	if (r == 0)
		r = finder->find(finder, c, &config, &request, &supply, err);
	return r < 0 ? r : vb_plan_decide(&c->subject, &request, &supply, &config, ret_plan, err);
}

static int parse_manifest(const struct vb_case_parser *parser, const char *manifest,
	const char *name, struct vb_bundle **ret_bundle, struct vb_error *err)
{
	if (manifest == NULL)
		return vb_error_refuse(err, VB_CODE_BUNDLE_NOT_FOUND, "no manifest of '%s'", name);
	int r = vb_bundle_parse(manifest, strlen(manifest), name, ret_bundle, err);
	if (r == 0 && parser->digest != NULL)
		(void)snprintf(
			(*ret_bundle)->digest, sizeof((*ret_bundle)->digest), "%s", parser->digest);
	return r;
}

static int parse_bundles(struct vb_case_parser *parser, const struct vb_case *c,
	const struct vb_bundle_choice *choice, struct vb_error *err)
{
	int r = 0;

	if (choice->bundle != NULL)
		r = parse_manifest(parser, c->manifest, choice->bundle, &parser->bundle, err);
	if (r == 0 && choice->floor != NULL && !vb_str_equal(choice->floor, choice->bundle))
		r = parse_manifest(parser, c->floor, choice->floor, &parser->floor, err);
	return r;
}

/* *ret_profile stays NULL where the case has no such file: the decision refuses it then. */
static int parse_profile(const struct vb_case *c, enum vb_case_dir dir, const char *value,
	struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	bool by_path = value != NULL && value[0] == '/';
	vb_auto_free char *file = NULL;

	if (value == NULL)
		return 0;
	file = by_path ? strdup(strrchr(value, '/') + 1) : vb_str_format("%s.json", value);
	if (file == NULL)
		return vb_error_set(err, ENOMEM, "read a profile");
	const char *text = json_string_value(
		json_object_get(c->profiles[by_path ? VB_CASE_NODE_PROFILES : dir], file));
	if (text == NULL)
		return 0;
	char *copy = strdup(text);
	return copy == NULL ? vb_error_set(err, ENOMEM, "read a profile")
			    : vb_custom_profile_create_take(copy, strlen(copy), ret_profile, err);
}

static int parse_profiles(const struct vb_case *c, const struct vb_request *request,
	struct vb_supply *supply, struct vb_error *err)
{
	enum vb_case_dir floor_dir =
		supply->floor == supply->bundle ? VB_CASE_BUNDLE_PROFILES : VB_CASE_FLOOR_PROFILES;
	int r = 0;

	if (supply->floor != NULL)
		r = parse_profile(
			c, floor_dir, supply->floor->seccomp_profile, &supply->floor_profile, err);
	if (r == 0 && supply->bundle != NULL)
		r = parse_profile(c, VB_CASE_BUNDLE_PROFILES, supply->bundle->seccomp_profile,
			&supply->bundled_profile, err);
	return r < 0 ? r
		     : parse_profile(c, VB_CASE_BUNDLE_PROFILES, request->seccomp_profile,
			       &supply->annotated_profile, err);
}

static int find_by_parsing(struct vb_case_finder *finder, const struct vb_case *c,
	const struct vb_config *config, const struct vb_request *request,
	struct vb_supply *ret_supply, struct vb_error *err)
{
	/* The finder is the parser's first member. */
	struct vb_case_parser *parser = (struct vb_case_parser *)(void *)finder;
	const struct vb_supply_question question = {c->subject.namespace_name, request};
	struct vb_bundle_choice choice = {0};
	vb_auto_supply struct vb_supply supply = {0};

	int r = vb_supply_choose(config, &question, &choice, err);
	if (r == 0)
		r = parse_bundles(parser, c, &choice, err);
	if (r < 0)
		return r;
	supply.bundle = parser->bundle;
	supply.floor =
		parser->floor != NULL || choice.floor == NULL ? parser->floor : parser->bundle;
	r = parse_profiles(c, request, &supply, err);
	if (r < 0)
		return r;
	*ret_supply = supply;
	supply = (struct vb_supply){0};
	return 0;
}

void vb_case_parser_init(struct vb_case_parser *parser, const char *digest)
{
	*parser = (struct vb_case_parser){.finder.find = find_by_parsing, .digest = digest};
}

void vb_case_parser_finish(struct vb_case_parser *parser)
{
	vb_bundle_destroy(parser->bundle);
	vb_bundle_destroy(parser->floor);
	parser->bundle = NULL;
	parser->floor = NULL;
}
