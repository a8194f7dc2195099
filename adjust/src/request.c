/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/request.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "vb/adjust/codes.h"
#include "vb/adjust/json.h"
#include "vb/adjust/values.h"
#include "vb/base/utf8.h"

#define DOMAIN "vambrace.dev"

#define CONTAINER_MAP "containers"

static const char container_map_key[] = CONTAINER_MAP "." DOMAIN;

static const char container_suffix[] = "/container.";

enum { MAP_DEPTH_MAX = 4, REASON_MAX = 512 };

/* How close to the container an annotation is; the closest one wins. */
enum level {
	LEVEL_OTHER = -1, /* for another container */
	LEVEL_BARE,
	LEVEL_POD,
	LEVEL_CONTAINER,
	LEVEL_COUNT,
};

typedef int (*value_fn)(const char *value, struct vb_request *request, struct vb_error *err);

static int parse_bundle(const char *value, struct vb_request *request, struct vb_error *err)
{
	return vb_value_bundle(value, &request->bundle_name, &request->bundle_digest, err);
}

static int copy_text(const char *value, char **ret_text, struct vb_error *err)
{
	*ret_text = strdup(value);
	return *ret_text == NULL ? vb_error_set(err, ENOMEM, "read an annotation") : 0;
}

static int parse_profile(const char *value, struct vb_request *request, struct vb_error *err)
{
	return copy_text(value, &request->seccomp_profile, err);
}

static int parse_opt_out(const char *value, struct vb_request *request, struct vb_error *err)
{
	if (strcmp(value, "opt-out") != 0) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
			"'%.64s' is not 'opt-out', the only value", value);
		return vb_error_fix(
			err, "write opt-out, or choose a profile with seccomp-profile." DOMAIN);
	}
	request->seccomp_opt_out = true;
	return 0;
}

/* It stands in log lines and in reports for terminals. */
static int parse_reason(const char *value, struct vb_request *request, struct vb_error *err)
{
	if (vb_utf8_has_control(value)) {
		(void)vb_error_refuse(
			err, VB_CODE_INVALID_VALUE, "the reason has a control character");
		return vb_error_fix(err, "write it in one line");
	}
	if (strlen(value) > REASON_MAX) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
			"the reason has %zu bytes, at most %d are kept", strlen(value), REASON_MAX);
		return vb_error_fix(err, "shorten it");
	}
	if (value[strspn(value, " ")] == '\0') {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE, "the reason is blank");
		return vb_error_fix(err, "say why the container opts out");
	}
	return copy_text(value, &request->opt_out_reason, err);
}

static int parse_spec_allow(const char *value, struct vb_request *request, struct vb_error *err)
{
	return vb_value_spec_allow(value, &request->spec_allow, err);
}

static int parse_cap_drop(const char *value, struct vb_request *request, struct vb_error *err)
{
	return vb_value_caps(value, &request->cap_drop, err);
}

static int parse_read_only(const char *value, struct vb_request *request, struct vb_error *err)
{
	return vb_value_true(value, &request->read_only_rootfs, err);
}

static int parse_tmpfs(const char *value, struct vb_request *request, struct vb_error *err)
{
	return vb_value_tmpfs(value, &request->tmpfs, err);
}

static int parse_no_new_privs(const char *value, struct vb_request *request, struct vb_error *err)
{
	return vb_value_true(value, &request->no_new_privileges, err);
}

static int parse_preload(const char *value, struct vb_request *request, struct vb_error *err)
{
	request->preload_require = strcmp(value, "require") == 0;
	request->preload_on = request->preload_require || strcmp(value, "on") == 0;
	if (request->preload_on)
		return 0;
	(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE, "unknown preload value '%.64s'", value);
	return vb_error_fix(err, "write on or require");
}

static int parse_exec(const char *value, struct vb_request *request, struct vb_error *err)
{
	return vb_value_exec_list(value, &request->exec, err);
}

static int parse_connect(const char *value, struct vb_request *request, struct vb_error *err)
{
	return vb_value_connect_list(value, &request->connect, err);
}

static int add_audit(const char *entry, void *context, struct vb_error *err)
{
	struct vb_request *request = context;
	unsigned int bit = 0;
	int r = vb_value_audit(entry, &bit, err);

	request->preload_audit |= bit;
	return r;
}

static int parse_audit(const char *value, struct vb_request *request, struct vb_error *err)
{
	return vb_value_split(value, ',', add_audit, request, err);
}

static const struct known_key {
	const char *name; /* in front of ".vambrace.dev" */
	value_fn parse;
} known_keys[] = {
	{"bundle", parse_bundle},
	{"seccomp-profile", parse_profile},
	{"seccomp", parse_opt_out},
	{"seccomp-opt-out-reason", parse_reason},
	{"spec-allow", parse_spec_allow},
	{"cap-drop", parse_cap_drop},
	{"read-only-rootfs", parse_read_only},
	{"tmpfs", parse_tmpfs},
	{"no-new-privileges", parse_no_new_privs},
	{"preload", parse_preload},
	{"preload-exec-allowlist", parse_exec},
	{"preload-connect-allowlist", parse_connect},
	{"preload-audit", parse_audit},
};

enum { KEY_COUNT = VB_ARRAY_SIZE(known_keys) };

/* For each known key, what each level says; borrowed from the annotations. */
struct collected {
	const char *values[KEY_COUNT][LEVEL_COUNT];
};

bool vb_annotation_is_ours(const char *key)
{
	size_t length = strcspn(key, "/");
	size_t domain = sizeof(DOMAIN) - 1;

	/* Names of the DNS have no case: under Vambrace.dev too somebody asks for us. */
	if (length < domain || strncasecmp(key + length - domain, DOMAIN, domain) != 0)
		return false;
	return length == domain || key[length - domain - 1] == '.';
}

static size_t find_name(const char *name, size_t length)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (strlen(known_keys[i].name) == length &&
			strncmp(known_keys[i].name, name, length) == 0)
			return i;
	return KEY_COUNT;
}

/* The name nearest to an unknown one, among the known keys and one more; all without domain. */
static const char *nearest_name(const char *name, size_t length, const char *further)
{
	/* Cut where vb_str_distance() gives up anyway, which spares an allocation. */
	char copy[65] = {0};
	const char *nearest = further;

	memcpy(copy, name, length < sizeof(copy) ? length : sizeof(copy) - 1);
	size_t best = vb_str_distance(copy, further);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		size_t distance = vb_str_distance(copy, known_keys[i].name);
		if (distance < best) {
			best = distance;
			nearest = known_keys[i].name;
		}
	}
	return nearest;
}

static int refuse_unknown(const char *key, struct vb_error *err)
{
	size_t prefix = strcspn(key, "/");
	const char *name = key;
	size_t length = prefix - (sizeof(DOMAIN) - 1);

	if (length > 0) {
		length--; /* the dot in front of the domain */
	} else if (key[prefix] == '/') {
		/* "vambrace.dev/tmpfs", as most projects write theirs. */
		name = key + prefix + 1;
		length = strcspn(name, "/");
	}
	const char *nearest = nearest_name(name, length, CONTAINER_MAP);

	(void)vb_error_refuse(err, VB_CODE_UNKNOWN_ANNOTATION, "unknown annotation '%.200s'", key);
	return vb_error_fix(err, "the nearest known key is %s." DOMAIN, nearest);
}

/* Which container a key's suffix means. */
static int parse_level(
	const char *key, const char *container, enum level *ret_level, struct vb_error *err)
{
	const char *suffix = strchr(key, '/');
	const char *name = suffix != NULL ? vb_str_after(suffix, container_suffix) : NULL;

	if (suffix == NULL)
		*ret_level = LEVEL_BARE;
	else if (strcmp(suffix, "/pod") == 0)
		*ret_level = LEVEL_POD;
	else if (name != NULL && name[0] != '\0')
		*ret_level = strcmp(name, container) == 0 ? LEVEL_CONTAINER : LEVEL_OTHER;
	else {
		(void)vb_error_refuse(err, VB_CODE_UNKNOWN_ANNOTATION,
			"unknown suffix in annotation '%.200s'", key);
		return vb_error_fix(err, "use <key>, <key>/pod or <key>/container.<name>");
	}
	return 0;
}

/* Parses a value for its errors alone: a mistake anywhere in the pod is a mistake. */
static int check_value(size_t key, const char *name, const char *value, struct vb_error *err)
{
	vb_auto_request struct vb_request scratch = {0};
	int r;

	if (value[0] == '\0') {
		(void)vb_error_refuse(
			err, VB_CODE_INVALID_VALUE, "annotation '%.128s' is empty", name);
		return vb_error_fix(err, "give it a value, or remove it");
	}
	if (!vb_utf8_is_valid(value, strlen(value))) {
		(void)vb_error_refuse(
			err, VB_CODE_INVALID_VALUE, "annotation '%.128s' is not UTF-8", name);
		return vb_error_fix(err, "write the value in UTF-8");
	}
	r = known_keys[key].parse(value, &scratch, err);
	if (r < 0)
		(void)vb_error_wrap(err, "annotation '%.128s'", name);
	return r;
}

static int collect_value(struct collected *collected, size_t key, enum level level,
	const char *value, struct vb_error *err)
{
	if (level == LEVEL_OTHER)
		return 0;
	if (collected->values[key][level] != NULL) {
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"'%s' is set twice for this container, by %s." DOMAIN
			"/container.<name> and by %s",
			known_keys[key].name, known_keys[key].name, container_map_key);
		return vb_error_fix(err, "remove one of them");
	}
	collected->values[key][level] = value;
	return 0;
}

static int collect_map_layer(struct collected *collected, const char *layer, const json_t *value,
	enum level level, struct vb_error *err)
{
	size_t key = find_name(layer, strlen(layer));

	if (key == KEY_COUNT) {
		(void)vb_error_refuse(err, VB_CODE_UNKNOWN_ANNOTATION,
			"unknown layer '%.64s' in %s", layer, container_map_key);
		return vb_error_fix(err, "the nearest known one is %s",
			nearest_name(layer, strlen(layer), known_keys[0].name));
	}
	if (!json_is_string(value)) {
		(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
			"the value of '%s' in %s is not a string", layer, container_map_key);
		return vb_error_fix(err, "put the value in quotes");
	}
	int r = check_value(key, layer, json_string_value(value), err);
	if (r < 0) {
		(void)vb_error_wrap(err, "%s", container_map_key);
		return r;
	}
	return collect_value(collected, key, level, json_string_value(value), err);
}

/* {"<container>": {"<layer>": "<value>"}}: for names too long for a key's suffix. */
static int collect_map(
	struct collected *collected, json_t *map, const char *container, struct vb_error *err)
{
	const char *name;
	const char *layer;
	json_t *layers;
	json_t *value;

	json_object_foreach(map, name, layers) {
		enum level level = strcmp(name, container) == 0 ? LEVEL_CONTAINER : LEVEL_OTHER;
		if (!json_is_object(layers)) {
			(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE,
				"'%.64s' in %s is not an object", name, container_map_key);
			return vb_error_fix(
				err, "write {\"<container>\": {\"<layer>\": \"<value>\"}}");
		}
		json_object_foreach(layers, layer, value) {
			int r = collect_map_layer(collected, layer, value, level, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* The collected values borrow from *ret_map, which therefore has to live as long. */
static int parse_map(const char *value, json_t **ret_map, struct vb_error *err)
{
	if (*ret_map != NULL) {
		(void)vb_error_refuse(
			err, VB_CODE_CONFLICT, "annotation '%s' is there twice", container_map_key);
		return vb_error_fix(err, "remove one of them");
	}
	int r = vb_json_parse(value, strlen(value), MAP_DEPTH_MAX, ret_map, err);
	if (r == -ENOMEM)
		return r;
	if (r == 0 && json_is_object(*ret_map))
		return 0;
	char reason[128] = "not a JSON object";
	if (r < 0 && err != NULL)
		(void)snprintf(reason, sizeof(reason), "%.127s", err->what);
	(void)vb_error_refuse(
		err, VB_CODE_INVALID_VALUE, "annotation '%s': %s", container_map_key, reason);
	return vb_error_fix(err, "write {\"<container>\": {\"<layer>\": \"<value>\"}}");
}

static int collect_annotation(struct collected *collected, const struct vb_annotation *annotation,
	const char *container, struct vb_error *err)
{
	const char *domain = strstr(annotation->key, "." DOMAIN);
	size_t length = domain != NULL ? (size_t)(domain - annotation->key) : 0;
	size_t key = find_name(annotation->key, length);
	enum level level = LEVEL_OTHER;

	if (key == KEY_COUNT || strcspn(annotation->key, "/") != length + sizeof("." DOMAIN) - 1)
		return refuse_unknown(annotation->key, err);
	int r = parse_level(annotation->key, container, &level, err);
	if (r == 0)
		r = check_value(key, annotation->key, annotation->value, err);
	if (r == 0)
		r = collect_value(collected, key, level, annotation->value, err);
	return r;
}

static int compare_keys(const void *a, const void *b)
{
	const struct vb_annotation *left = a;
	const struct vb_annotation *right = b;

	return strcmp(left->key, right->key);
}

/* Ours, by key: runtimes hand annotations over in no order, and the first mistake is the one told.
 */
static int sort_ours(const struct vb_annotations *annotations, struct vb_annotation **ret_items,
	size_t *ret_count, struct vb_error *err)
{
	struct vb_annotation *items = calloc(annotations->count + 1, sizeof(*items));
	size_t count = 0;

	if (items == NULL)
		return vb_error_set(err, ENOMEM, "read the annotations");
	for (size_t i = 0; i < annotations->count; i++)
		if (vb_annotation_is_ours(annotations->items[i].key))
			items[count++] = annotations->items[i];
	qsort(items, count, sizeof(*items), compare_keys);
	*ret_items = items;
	*ret_count = count;
	return 0;
}

static int collect(struct collected *collected, json_t **ret_map,
	const struct vb_annotations *annotations, const char *container, struct vb_error *err)
{
	vb_auto_free struct vb_annotation *items = NULL;
	size_t count = 0;

	int r = sort_ours(annotations, &items, &count, err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (strcmp(items[i].key, container_map_key) == 0)
			r = parse_map(items[i].value, ret_map, err);
		else
			r = collect_annotation(collected, &items[i], container, err);
	}
	if (r < 0)
		return r;
	return *ret_map != NULL ? collect_map(collected, *ret_map, container, err) : 0;
}

static bool is_set_anywhere(const struct collected *collected, const char *name)
{
	size_t key = find_name(name, strlen(name));

	for (size_t level = 0; level < LEVEL_COUNT; level++)
		if (collected->values[key][level] != NULL)
			return true;
	return false;
}

static int parse_winners(
	const struct collected *collected, struct vb_request *request, struct vb_error *err)
{
	for (size_t key = 0; key < KEY_COUNT; key++) {
		const char *winner = NULL;
		for (size_t level = 0; level < LEVEL_COUNT; level++)
			if (collected->values[key][level] != NULL)
				winner = collected->values[key][level];
		if (winner == NULL)
			continue;
		request->asked = true;
		int r = known_keys[key].parse(winner, request, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int vb_request_parse(const struct vb_annotations *annotations, const char *container,
	struct vb_request *ret_request, struct vb_error *err)
{
	struct collected collected = {0};
	vb_auto_json json_t *map = NULL;
	vb_auto_request struct vb_request request = {0};

	int r = collect(&collected, &map, annotations, container, err);
	if (r < 0)
		return r;
	/* At any level: a container's profile must not turn the pod's opt-out into an accident. */
	if (is_set_anywhere(&collected, "seccomp") &&
		is_set_anywhere(&collected, "seccomp-profile")) {
		(void)vb_error_refuse(err, VB_CODE_CONFLICT,
			"seccomp." DOMAIN " opts out while seccomp-profile." DOMAIN
			" names a profile");
		return vb_error_fix(err, "remove one of the two annotations");
	}
	r = parse_winners(&collected, &request, err);
	if (r < 0)
		return r;
	*ret_request = request;
	request = (struct vb_request){0};
	return 0;
}

static int name_mapped(const char *value, struct vb_strv *names)
{
	vb_auto_json json_t *map = NULL;
	const char *name;
	json_t *layers;

	/* What is wrong with a map a refusal says. */
	int r = parse_map(value, &map, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	json_object_foreach(map, name, layers) {
		r = vb_strv_add(names, name);
		if (r < 0)
			return r;
	}
	return 0;
}

int vb_annotation_containers(const struct vb_annotation *annotation, struct vb_strv *names)
{
	const char *suffix = strchr(annotation->key, '/');
	const char *name = suffix != NULL ? vb_str_after(suffix, container_suffix) : NULL;

	if (!vb_annotation_is_ours(annotation->key))
		return 0;
	if (strcmp(annotation->key, container_map_key) == 0)
		return name_mapped(annotation->value, names);
	return name != NULL ? vb_strv_add(names, name) : 0;
}

void vb_request_finish(struct vb_request *request)
{
	free(request->bundle_name);
	free(request->bundle_digest);
	free(request->seccomp_profile);
	free(request->opt_out_reason);
	vb_tmpfs_list_finish(&request->tmpfs);
	vb_allowlist_finish(&request->exec);
	vb_allowlist_finish(&request->connect);
	*request = (struct vb_request){0};
}
