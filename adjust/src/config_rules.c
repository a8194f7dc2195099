/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rules.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "vb/adjust/json.h"
#include "vb/adjust/values.h"

enum { RULES_MAX = 1024, PLACE_MAX = 48 };

static const char *const permit_names[] = {"seccomp-opt-out", "spec-allow", NULL};
static const char *const unhardened_names[] = {"report", "kill", NULL};

static void finish_ref(struct vb_bundle_ref *ref)
{
	free(ref->name);
	free(ref->digest);
}

void vb_rules_finish(struct vb_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++) {
		struct vb_rule *rule = &rules->items[i];
		vb_strv_finish(&rule->namespaces);
		vb_strv_finish(&rule->bundles);
		finish_ref(&rule->default_bundle);
		finish_ref(&rule->floor);
	}
	free(rules->items);
	*rules = (struct vb_rules){0};
}

/* Names of namespaces and bundles with * and ?; anything else never matches one. */
static int check_patterns(
	const struct vb_strv *patterns, const char *where, const char *key, struct vb_error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-*?";

	for (size_t i = 0; i < patterns->count; i++) {
		const char *pattern = patterns->items[i];
		if (pattern[0] == '\0' || strspn(pattern, allowed) != strlen(pattern))
			return vb_error_say(err, EINVAL,
				"%s.%s[%zu]: '%.63s' can match nothing; write a name, with * and "
				"? for parts of it",
				where, key, i, pattern);
	}
	return 0;
}

static int read_ref(const json_t *item, const char *where, const char *key,
	struct vb_bundle_ref *ref, struct vb_error *err)
{
	const char *text = NULL;

	int r = vb_json_get_string(item, where, key, &text, err);
	if (r < 0 || text == NULL)
		return r;
	r = vb_value_bundle(text, &ref->name, &ref->digest, err);
	if (r == -ENOMEM)
		return r;
	return r < 0 ? vb_error_say(err, EINVAL,
			       "%s.%s: '%.80s' is neither a bundle's name nor name@sha256:<64 hex>",
			       where, key, text)
		     : 0;
}

/* The index of the word in the list; -EINVAL with the nearest one. */
static int find_word(const char *word, const char *const *words, const char *where, const char *key,
	struct vb_error *err)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return vb_error_say(err, EINVAL, "%s.%s: unknown word '%.32s', did you mean '%s'?", where,
		key, word, vb_json_nearest(word, words));
}

static int read_permits(
	const json_t *item, const char *where, unsigned int *ret_permits, struct vb_error *err)
{
	vb_auto_strv struct vb_strv words = {0};

	int r = vb_json_get_strings(item, where, "permit", &words, err);
	for (size_t i = 0; r == 0 && i < words.count; i++) {
		int bit = find_word(words.items[i], permit_names, where, "permit", err);
		if (bit < 0)
			return bit;
		*ret_permits |= 1U << bit;
	}
	return r;
}

static int read_unhardened(const json_t *item, const char *where,
	enum vb_unhardened *ret_unhardened, struct vb_error *err)
{
	const char *word = unhardened_names[VB_UNHARDENED_REPORT];

	int r = vb_json_get_string(item, where, "unhardened", &word, err);
	if (r == 0)
		r = find_word(word, unhardened_names, where, "unhardened", err);
	if (r < 0)
		return r;
	*ret_unhardened = (enum vb_unhardened)r;
	return 0;
}

static int read_namespaces(
	const json_t *item, const char *where, struct vb_rule *rule, struct vb_error *err)
{
	int r = vb_json_get_strings(item, where, "namespaces", &rule->namespaces, err);

	if (r == 0 && rule->namespaces.count == 0)
		r = vb_error_say(err, EINVAL,
			"%s has no namespaces; write [\"*\"] for all but kube-system and "
			"Vambrace's own",
			where);
	return r < 0 ? r : check_patterns(&rule->namespaces, where, "namespaces", err);
}

/* An empty list permits no bundle; no list permits all. */
static int read_bundles(
	const json_t *item, const char *where, struct vb_rule *rule, struct vb_error *err)
{
	rule->limits_bundles = json_object_get(item, "bundles") != NULL;
	int r = vb_json_get_strings(item, where, "bundles", &rule->bundles, err);
	return r < 0 ? r : check_patterns(&rule->bundles, where, "bundles", err);
}

static int read_rule(
	const json_t *item, const char *where, struct vb_rule *rule, struct vb_error *err)
{
	static const char *const known[] = {
		"namespaces", "bundles", "default", "floor", "permit", "unhardened", NULL};

	int r = json_is_object(item) ? vb_json_check_keys(item, where, known, err)
				     : vb_error_say(err, EINVAL, "%s must be an object", where);
	if (r == 0)
		r = read_namespaces(item, where, rule, err);
	if (r == 0)
		r = read_bundles(item, where, rule, err);
	if (r == 0)
		r = read_ref(item, where, "default", &rule->default_bundle, err);
	if (r == 0)
		r = read_ref(item, where, "floor", &rule->floor, err);
	if (r == 0)
		r = read_permits(item, where, &rule->permits, err);
	return r < 0 ? r : read_unhardened(item, where, &rule->unhardened, err);
}

int vb_rules_read(const json_t *root, struct vb_rules *ret_rules, struct vb_error *err)
{
	const json_t *array = NULL;

	int r = vb_json_get_array(root, "config", "rules", &array, err);
	if (r < 0 || json_array_size(array) == 0)
		return r;
	if (json_array_size(array) > RULES_MAX)
		return vb_error_say(err, EINVAL, "config.rules has more than %d rules", RULES_MAX);
	ret_rules->items = calloc(json_array_size(array), sizeof(*ret_rules->items));
	if (ret_rules->items == NULL)
		return vb_error_set(err, ENOMEM, "read the node config");
	for (size_t i = 0; r == 0 && i < json_array_size(array); i++) {
		char where[PLACE_MAX];
		(void)snprintf(where, sizeof(where), "config.rules[%zu]", i);
		/* Counted before it is complete, so that finish frees what was read of it. */
		r = read_rule(json_array_get(array, i), where,
			&ret_rules->items[ret_rules->count++], err);
	}
	return r;
}

static bool matches(const char *pattern, const char *name)
{
	return fnmatch(pattern, name, FNM_NOESCAPE) == 0;
}

/* Where a mistake takes the node down, a rule must say that it means it. */
static bool must_be_named(const struct vb_config *config, const char *namespace_name)
{
	return strcmp(namespace_name, "kube-system") == 0 ||
	       vb_str_equal(namespace_name, config->plugin_namespace);
}

static bool rule_covers(
	const struct vb_config *config, const struct vb_rule *rule, const char *namespace_name)
{
	if (must_be_named(config, namespace_name))
		return vb_strv_contains(&rule->namespaces, namespace_name);
	for (size_t i = 0; i < rule->namespaces.count; i++)
		if (matches(rule->namespaces.items[i], namespace_name))
			return true;
	return false;
}

const struct vb_rule *vb_config_rule(const struct vb_config *config, const char *namespace_name)
{
	static const struct vb_rule last = {.unhardened = VB_UNHARDENED_REPORT};

	for (size_t i = 0; i < config->rules.count; i++)
		if (rule_covers(config, &config->rules.items[i], namespace_name))
			return &config->rules.items[i];
	return &last;
}

bool vb_rule_permits_bundle(const struct vb_rule *rule, const char *name)
{
	if (!rule->limits_bundles)
		return true;
	for (size_t i = 0; i < rule->bundles.count; i++)
		if (matches(rule->bundles.items[i], name))
			return true;
	return false;
}
