/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden_decide [--write] CASE-DIRECTORY: decides the case and compares plan file, text and
 * refusal with what the directory says must come out; with --write it says so from now on.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "case.h"
#include "vb/adjust/bundle_store.h"
#include "vb/adjust/refusal.h"
#include "vb/adjust/text.h"
#include "vb/base/file.h"

enum { FILE_MAX = 1 << 20, TEXT_MAX = 1 << 20 };

/* A finder that puts the manifest on disk and looks it up as the plugin does. */
struct stored {
	struct vb_case_finder finder;
	char directory[64];
	struct vb_bundle_store *store;
	struct vb_strv warnings;
};

static int install(struct stored *stored, const char *name, const char *manifest,
	struct vb_strv *directories, struct vb_error *err)
{
	(void)snprintf(stored->directory, sizeof(stored->directory), "/tmp/vb-golden.XXXXXX");
	if (mkdtemp(stored->directory) == NULL)
		return vb_error_set(err, errno, "make a directory");
	vb_auto_free char *bundle = vb_str_format("%s/%s", stored->directory, name);
	vb_auto_free char *file = vb_str_format("%s/manifest.json", bundle);
	if (file == NULL || vb_strv_add(directories, stored->directory) < 0)
		return vb_error_set(err, ENOMEM, "install a bundle");
	int r = vb_file_make_directories(bundle, err);
	return r < 0 ? r : vb_file_replace(file, manifest, strlen(manifest), 0644, err);
}

static void uninstall(struct stored *stored, const char *name)
{
	vb_auto_free char *bundle = vb_str_format("%s/%s", stored->directory, name);
	vb_auto_free char *file = vb_str_format("%s/manifest.json", bundle);

	(void)unlink(file);
	(void)rmdir(bundle);
	(void)rmdir(stored->directory);
}

static int find_stored(struct vb_case_finder *finder, const struct vb_case *c,
	const struct vb_config *config, const struct vb_request *request,
	const struct vb_bundle **ret_bundle, struct vb_error *err)
{
	/* The finder is the first member. */
	struct stored *stored = (struct stored *)(void *)finder;
	vb_auto_strv struct vb_strv directories = {0};
	int r = c->manifest != NULL
			? install(stored, request->bundle_name, c->manifest, &directories, err)
			: vb_strv_copy(&directories, &config->bundle_dirs);

	if (r < 0)
		return r;
	stored->store = vb_bundle_store_create(&directories);
	if (stored->store == NULL)
		return vb_error_set(err, ENOMEM, "make a bundle store");
	vb_bundle_store_accept_any_owner(stored->store);
	r = vb_bundle_store_get(
		stored->store, request->bundle_name, request->bundle_digest, ret_bundle, err);
	if (c->manifest != NULL)
		uninstall(stored, request->bundle_name);
	return r < 0 ? r : vb_strv_copy(&stored->warnings, &(*ret_bundle)->warnings);
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

static int render(const struct vb_case *c, struct outcome *outcome)
{
	struct stored stored = {.finder.find = find_stored};
	vb_auto_plan struct vb_plan *plan = NULL;
	char line[VB_REFUSAL_LINE_MAX];
	struct vb_error err;

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
	vb_bundle_store_destroy(stored.store);
	vb_strv_finish(&stored.warnings);
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
	struct vb_error err;
	int failed = 0;

	if (argc != 2 && !write) {
		(void)fprintf(stderr, "usage: %s [--write] CASE-DIRECTORY\n", argv[0]);
		return 2;
	}
	if (vb_case_load(&c, directory, &err) < 0 || render(&c, &outcome) < 0) {
		(void)fprintf(stderr, "%s: %s\n", directory, err.what);
		return 2;
	}
	for (size_t i = 0; i < VB_ARRAY_SIZE(files); i++) {
		failed |= settle(directory, files[i].name, *outcome_part(&outcome, i), write);
		free(*outcome_part(&outcome, i));
	}
	vb_case_finish(&c);
	return failed;
}
