/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/receipt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vb/adjust/caps.h"
#include "vb/adjust/json.h"

enum { RECEIPT_VERSION = 1, RECEIPT_DEPTH_MAX = 4 };

enum { CAP_SETS = 5 };

/* In the order of OCI's process.capabilities, which is alphabetical. */
static const char *const set_names[CAP_SETS] = {
	"ambient", "bounding", "effective", "inheritable", "permitted"};

void vb_receipt_finish(struct vb_receipt *receipt)
{
	free(receipt->container_id);
	free(receipt->plan_digest);
	free(receipt->bundle_dir);
	free(receipt->config_digest);
	free(receipt->pid_file);
	free(receipt->runtime);
	free(receipt->preload_verdict);
	vb_strv_finish(&receipt->writable_mounts);
	*receipt = (struct vb_receipt){0};
}

static json_t *cap_sets(const struct vb_receipt *receipt)
{
	const uint64_t sets[CAP_SETS] = {receipt->cap_ambient, receipt->cap_bounding,
		receipt->cap_effective, receipt->cap_inheritable, receipt->cap_permitted};
	vb_auto_json json_t *object = json_object();

	for (size_t i = 0; i < CAP_SETS; i++)
		if (json_object_set_new(object, set_names[i], vb_caps_to_json(sets[i])) < 0)
			return NULL;
	return VB_STEAL(object);
}

static json_t *strings(const struct vb_strv *strv)
{
	vb_auto_json json_t *array = json_array();

	for (size_t i = 0; i < strv->count; i++)
		if (json_array_append_new(array, json_string(strv->items[i])) < 0)
			return NULL;
	return VB_STEAL(array);
}

static json_t *speculation_object(const struct vb_receipt_speculation *speculation)
{
	return json_pack("{s:s,s:s,s:{s:i,s:i},s:b}", "had", vb_spec_state_name(speculation->had),
		"has", vb_spec_state_name(speculation->has), "inherited", "store_bypass",
		speculation->inherited.store_bypass, "indirect_branch",
		speculation->inherited.indirect_branch, "takes_flag", speculation->takes_flag);
}

/* An absent text stays out. */
static int add_text(json_t *object, const char *key, const char *text)
{
	return text == NULL ? 0 : json_object_set_new(object, key, json_string(text));
}

char *vb_receipt_to_json(const struct vb_receipt *receipt)
{
	vb_auto_json json_t *object = json_object();

	if (add_text(object, "container_id", receipt->container_id) < 0 ||
		add_text(object, "plan_digest", receipt->plan_digest) < 0 ||
		add_text(object, "bundle_dir", receipt->bundle_dir) < 0 ||
		add_text(object, "config_digest", receipt->config_digest) < 0 ||
		add_text(object, "pid_file", receipt->pid_file) < 0 ||
		add_text(object, "runtime", receipt->runtime) < 0 ||
		add_text(object, "preload_verdict", receipt->preload_verdict) < 0 ||
		json_object_set_new(object, "capabilities", cap_sets(receipt)) < 0 ||
		json_object_set_new(object, "no_new_privileges",
			json_boolean(receipt->no_new_privileges)) < 0 ||
		json_object_set_new(object, "writable_mounts", strings(&receipt->writable_mounts)) <
			0 ||
		json_object_set_new(object, "receipt_version", json_integer(RECEIPT_VERSION)) < 0)
		return NULL;
	if (receipt->speculation.is_set && json_object_set_new(object, "speculation",
						   speculation_object(&receipt->speculation)) < 0)
		return NULL;
	return vb_json_dump(object, JSON_COMPACT | JSON_SORT_KEYS);
}

static int copy_text(const json_t *object, const char *key, char **ret_text, struct vb_error *err)
{
	const char *text = NULL;

	int r = vb_json_get_string(object, "receipt", key, &text, err);
	if (r < 0 || text == NULL)
		return r;
	*ret_text = strdup(text);
	return *ret_text != NULL ? 0 : vb_error_set(err, ENOMEM, "read receipt");
}

static int read_texts(const json_t *object, struct vb_receipt *receipt, struct vb_error *err)
{
	const struct {
		const char *key;
		char **text;
	} fields[] = {
		{"container_id", &receipt->container_id},
		{"plan_digest", &receipt->plan_digest},
		{"bundle_dir", &receipt->bundle_dir},
		{"config_digest", &receipt->config_digest},
		{"pid_file", &receipt->pid_file},
		{"runtime", &receipt->runtime},
		{"preload_verdict", &receipt->preload_verdict},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(fields); i++) {
		int r = copy_text(object, fields[i].key, fields[i].text, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_cap_set(
	const json_t *sets, const char *name, uint64_t *ret_set, struct vb_error *err)
{
	vb_auto_strv struct vb_strv names = {0};
	uint64_t set = 0;

	int r = vb_json_get_strings(sets, "receipt.capabilities", name, &names, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.count; i++) {
		uint64_t one = 0;
		r = vb_cap_parse(names.items[i], &one, err);
		if (r < 0)
			return r;
		set |= one;
	}
	*ret_set = set;
	return 0;
}

static int read_cap_sets(const json_t *object, struct vb_receipt *receipt, struct vb_error *err)
{
	uint64_t *const sets[CAP_SETS] = {&receipt->cap_ambient, &receipt->cap_bounding,
		&receipt->cap_effective, &receipt->cap_inheritable, &receipt->cap_permitted};
	const json_t *value = NULL;

	int r = vb_json_get_object(object, "receipt", "capabilities", &value, err);
	for (size_t i = 0; r == 0 && value != NULL && i < CAP_SETS; i++)
		r = read_cap_set(value, set_names[i], sets[i], err);
	return r;
}

/* What is no such name, or no number, shows when the receipt is written again. */
static enum vb_spec_state parse_state(const char *name)
{
	for (enum vb_spec_state state = VB_SPEC_STATE_ALLOW; state <= VB_SPEC_STATE_MITIGATE;
		state++)
		if (vb_str_equal(name, vb_spec_state_name(state)))
			return state;
	return VB_SPEC_STATE_UNKNOWN;
}

static int read_control(const json_t *object, const char *key)
{
	return (int)json_integer_value(json_object_get(object, key));
}

static int read_speculation(
	const json_t *object, struct vb_receipt_speculation *speculation, struct vb_error *err)
{
	static const char where[] = "receipt.speculation";
	const json_t *value = NULL;
	const char *had = NULL;
	const char *has = NULL;

	int r = vb_json_get_object(object, "receipt", "speculation", &value, err);
	if (r < 0 || value == NULL)
		return r;
	r = vb_json_get_string(value, where, "had", &had, err);
	if (r == 0)
		r = vb_json_get_string(value, where, "has", &has, err);
	if (r == 0)
		r = vb_json_get_bool(value, where, "takes_flag", &speculation->takes_flag, err);
	if (r < 0)
		return r;
	const json_t *inherited = json_object_get(value, "inherited");
	speculation->inherited.store_bypass = read_control(inherited, "store_bypass");
	speculation->inherited.indirect_branch = read_control(inherited, "indirect_branch");
	speculation->had = parse_state(had);
	speculation->has = parse_state(has);
	speculation->is_set = true;
	return 0;
}

int vb_receipt_from_json(
	const char *text, size_t size, struct vb_receipt *ret_receipt, struct vb_error *err)
{
	vb_auto_json json_t *object = NULL;
	vb_auto_receipt struct vb_receipt receipt = {0};

	int r = vb_json_parse(text, size, RECEIPT_DEPTH_MAX, &object, err);
	if (r == 0)
		r = read_texts(object, &receipt, err);
	if (r == 0)
		r = read_cap_sets(object, &receipt, err);
	if (r == 0)
		r = vb_json_get_bool(
			object, "receipt", "no_new_privileges", &receipt.no_new_privileges, err);
	if (r == 0)
		r = vb_json_get_strings(
			object, "receipt", "writable_mounts", &receipt.writable_mounts, err);
	if (r == 0)
		r = read_speculation(object, &receipt.speculation, err);
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;

	/* One text for each receipt: another version, another order or another key shows here. */
	vb_auto_free char *canonical = vb_receipt_to_json(&receipt);
	if (canonical == NULL)
		return vb_error_set(err, ENOMEM, "read receipt");
	if (strlen(canonical) != size || memcmp(canonical, text, size) != 0)
		return vb_error_say(err, EINVAL, "the receipt is not in its canonical form");
	*ret_receipt = receipt;
	receipt = (struct vb_receipt){0};
	return 0;
}
