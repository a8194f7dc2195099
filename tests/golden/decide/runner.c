/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden_decide [--write] CASE-DIRECTORY: decides the case and compares plan file, text and
 * refusal with what the directory says must come out; with --write it says so from now on.
 */
#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "case.h"
#include "vb/adjust/refusal.h"
#include "vb/adjust/text.h"
#include "vb/base/file.h"

enum { FILE_MAX = 1 << 20, TEXT_MAX = 1 << 20 };

/* A finder that puts manifest and profiles on disk and looks them up as the plugin does. */
struct stored {
	struct vb_case_finder finder;
	char bundles[64];
	char node_profiles[64];
	struct vb_stores stores;
	struct vb_strv warnings;
};

static int install_profiles(const json_t *profiles, const char *directory, struct vb_error *err)
{
	const char *name;
	json_t *text;

	int r = vb_file_make_directories(directory, err);
	json_object_foreach((json_t *)(uintptr_t)profiles, name, text) {
		vb_auto_free char *file = vb_str_format("%s/%s", directory, name);
		if (r == 0 && file != NULL)
			r = vb_file_replace(
				file, json_string_value(text), json_string_length(text), 0644, err);
	}
	return r;
}

static int install_bundle(const struct stored *stored, const char *name, const char *manifest,
	const json_t *profiles, struct vb_error *err)
{
	vb_auto_free char *file = vb_str_format("%s/%s/manifest.json", stored->bundles, name);
	vb_auto_free char *directory = vb_str_format("%s/%s/profiles", stored->bundles, name);

	if (file == NULL || directory == NULL)
		return vb_error_set(err, ENOMEM, "install a bundle");
	int r = install_profiles(profiles, directory, err);
	return r < 0 ? r : vb_file_replace(file, manifest, strlen(manifest), 0644, err);
}

/* What the decision will look for, where the case has it. */
static int install(const struct stored *stored, const struct vb_case *c,
	const struct vb_bundle_choice *choice, struct vb_error *err)
{
	int r = install_profiles(c->profiles[VB_CASE_NODE_PROFILES], stored->node_profiles, err);

	if (r == 0 && choice->bundle != NULL && c->manifest != NULL)
		r = install_bundle(stored, choice->bundle, c->manifest,
			c->profiles[VB_CASE_BUNDLE_PROFILES], err);
	if (r == 0 && choice->floor != NULL && c->floor != NULL)
		r = install_bundle(
			stored, choice->floor, c->floor, c->profiles[VB_CASE_FLOOR_PROFILES], err);
	return r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int find_stored(struct vb_case_finder *finder, const struct vb_case *c,
	const struct vb_config *config, const struct vb_request *request,
	struct vb_supply *ret_supply, struct vb_error *err)
{
	/* The finder is the first member. */
	struct stored *stored = (struct stored *)(void *)finder;
	const struct vb_supply_question question = {c->subject.namespace_name, request};
	vb_auto_strv struct vb_strv directories = {0};
	struct vb_bundle_choice choice = {0};

	int r = vb_supply_choose(config, &question, &choice, err);
	if (r == 0)
		r = install(stored, c, &choice, err);
	if (r == 0)
		r = c->manifest != NULL || c->floor != NULL
			    ? vb_strv_add(&directories, stored->bundles)
			    : vb_strv_copy(&directories, &config->bundle_dirs);
	if (r < 0)
		return r;
	stored->stores.bundles = vb_bundle_store_create(&directories);
	stored->stores.profiles = vb_profile_store_create();
	if (stored->stores.bundles == NULL || stored->stores.profiles == NULL)
		return vb_error_set(err, ENOMEM, "make the stores");
	vb_bundle_store_accept_any_owner(stored->stores.bundles);
	vb_profile_store_accept_any_owner(stored->stores.profiles);
	r = vb_bundle_store_trust(
		stored->stores.bundles, &config->trusted_keys, config->require_signature, err);
	if (r < 0)
		return r;
	vb_auto_supply_notes struct vb_supply_notes notes = {0};
	r = vb_supply_gather(&stored->stores, config, &question, &notes, ret_supply, err);
	if (r == 0)
		r = vb_supply_notes_list(&notes, &stored->warnings);
	if (r < 0 || ret_supply->bundle == NULL)
		return r;
	return vb_strv_copy(&stored->warnings, &ret_supply->bundle->warnings);
}

/* What comes out of a case; NULL where a file must not be there. */
struct outcome {
	char *json;
	char *text;
	char *error;
};

static const struct {
	const char *name;
	size_t offset;
} files[] = {{"expected.json", offsetof(struct outcome, json)},
	{"expected.txt", offsetof(struct outcome, text)},
	{"error", offsetof(struct outcome, error)}};

static char **outcome_part(struct outcome *outcome, size_t file)
{
	return (char **)(void *)((char *)outcome + files[file].offset);
}

static char *render_text(const struct vb_plan *plan, const struct vb_strv *warnings)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(TEXT_MAX);
	int r = text == NULL ? -ENOMEM : vb_plan_to_text(plan, 0, text);

	for (size_t i = 0; r == 0 && i < warnings->count; i++)
		r = vb_buf_printf(text, "warning: %s\n", warnings->items[i]);
	return r < 0 ? NULL : vb_buf_strdup(text);
}

/* What was in the node's directory is told by the name that the case has for it. */
static void take_node_out(struct outcome *outcome, const char *node)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(files); i++) {
		char **part = outcome_part(outcome, i);
		char *replaced = *part != NULL ? vb_case_replace(*part, node, "@NODE@") : NULL;
		free(*part);
		*part = replaced;
	}
}

static int render(const struct vb_case *c, const char *node, struct outcome *outcome)
{
	struct stored stored = {.finder.find = find_stored};
	vb_auto_plan struct vb_plan *plan = NULL;
	char line[VB_REFUSAL_LINE_MAX];
	struct vb_error err;

	(void)snprintf(stored.bundles, sizeof(stored.bundles), "%s/bundles", node);
	(void)snprintf(
		stored.node_profiles, sizeof(stored.node_profiles), "%s/node-profiles", node);
	int r = vb_case_decide(c, &stored.finder, &plan, &err);
	if (r < 0) {
		vb_refusal_format(line, &err, c->subject.namespace_name, c->subject.pod,
			c->subject.container);
		outcome->error = vb_str_format("%s\n", line);
	} else if (plan == NULL) {
		outcome->text = vb_str_format("left alone\n");
	} else {
		vb_auto_free char *json = vb_plan_to_json(plan);
		outcome->json = json != NULL ? vb_str_format("%s\n", json) : NULL;
		outcome->text = render_text(plan, &stored.warnings);
	}
	vb_bundle_store_destroy(stored.stores.bundles);
	vb_profile_store_destroy(stored.stores.profiles);
	vb_strv_finish(&stored.warnings);
	take_node_out(outcome, node);
	return outcome->error != NULL || outcome->text != NULL ? 0 : -ENOMEM;
}

/* 0 when the file is what came out, or is made so. */
static int settle(const char *directory, const char *name, const char *text, bool write)
{
	vb_auto_free char *path = vb_str_format("%s/%s", directory, name);
	vb_auto_free char *expected = NULL;
	struct vb_error err;
	size_t size;

	if (write && text == NULL)
		return unlink(path) < 0 && errno != ENOENT ? 1 : 0;
	if (write)
		return vb_file_replace(path, text, strlen(text), 0644, &err) < 0;
	int r = vb_file_read(path, FILE_MAX, &expected, &size, &err);
	if (r < 0 && r != -ENOENT) {
		(void)fprintf(stderr, "%s\n", err.what);
		return 1;
	}
	if (vb_str_equal(expected, text))
		return 0;
	(void)fprintf(stderr, "%s\n--- expected\n%s--- got\n%s", path,
		expected != NULL ? expected : "(nothing)\n", text != NULL ? text : "(nothing)\n");
	return 1;
}

int main(int argc, char **argv)
{
	bool write = argc == 3 && strcmp(argv[1], "--write") == 0;
	const char *directory = argv[argc - 1];
	struct outcome outcome = {0};
	struct vb_case c = {0};
	char node[] = "/tmp/vb-golden.XXXXXX";
	struct vb_error err;
	int failed = 0;

	if (argc != 2 && !write) {
		(void)fprintf(stderr, "usage: %s [--write] CASE-DIRECTORY\n", argv[0]);
		return 2;
	}
	if (mkdtemp(node) == NULL || vb_case_load(&c, directory, node, &err) < 0 ||
		render(&c, node, &outcome) < 0) {
		(void)fprintf(stderr, "%s: %s\n", directory, err.what);
		return 2;
	}
	for (size_t i = 0; i < VB_ARRAY_SIZE(files); i++) {
		failed |= settle(directory, files[i].name, *outcome_part(&outcome, i), write);
		free(*outcome_part(&outcome, i));
	}
	vb_case_finish(&c);
	(void)nftw(node, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return failed;
}
