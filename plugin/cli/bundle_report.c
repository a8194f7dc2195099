/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bundle.h"
#include "command.h"
#include "json_writer.h"
#include "vb/adjust/json.h"
#include "vb/adjust/text.h"
#include "vb/base/str.h"
#include "vb/base/utf8.h"

enum { REPORT_MAX = 16 << 20 };

/* A layer that the bundle asks for, with what can be said of it in a word. */
struct layer {
	const char *name;
	size_t count; /* of entries; 0: there is nothing to count */
	const char *word;
};

enum { LAYERS_MAX = 16 };

struct layers {
	struct layer items[LAYERS_MAX];
	size_t count;
};

static void add_layer(struct layers *layers, const char *name, size_t count, const char *word)
{
	layers->items[layers->count] = (struct layer){.name = name, .count = count, .word = word};
	layers->count++;
}

static void add_allowlist(
	struct layers *layers, const char *name, const struct vb_allowlist *allowlist)
{
	size_t count = allowlist->entries.count;

	if (allowlist->set)
		add_layer(layers, name, count, count == 0 ? "none" : NULL);
}

static struct layers list_layers(const struct vb_bundle *bundle)
{
	const struct vb_plan_preload *preload = &bundle->preload_settings;
	struct layers layers = {0};

	if (bundle->seccomp_profile != NULL)
		add_layer(&layers, "seccomp", 0, bundle->seccomp_profile);
	if (bundle->spec_allow == VB_SPEC_ALLOW_MITIGATE)
		add_layer(&layers, "spec_allow", 0, "mitigate");
	if (bundle->spec_allow == VB_SPEC_ALLOW_ALLOW)
		add_layer(&layers, "spec_allow", 0, "allow");
	if (bundle->cap_drop != 0)
		add_layer(&layers, "capabilities", 0, NULL);
	if (bundle->read_only_rootfs)
		add_layer(&layers, "read_only_rootfs", 0, NULL);
	if (bundle->tmpfs.count > 0)
		add_layer(&layers, "tmpfs", bundle->tmpfs.count, NULL);
	if (bundle->no_new_privileges)
		add_layer(&layers, "no_new_privileges", 0, NULL);
	if (bundle->rlimits.count > 0)
		add_layer(&layers, "rlimits", bundle->rlimits.count, NULL);
	if (bundle->preload)
		add_layer(&layers, "preload", 0, NULL);
	add_allowlist(&layers, "preload dlopen list", &preload->dlopen);
	add_allowlist(&layers, "preload exec list", &preload->exec);
	add_allowlist(&layers, "preload connect list", &preload->connect);
	return layers;
}

static const char *signature_word(const struct vb_bundle_look *look)
{
	if (look->signer[0] != '\0')
		return "good";
	return look->has_signature ? "unchecked" : "none";
}

static int print_layers(const struct vb_bundle *bundle, struct vb_buf *out)
{
	const struct layers layers = list_layers(bundle);
	vb_auto_buf struct vb_buf *text = vb_buf_create(REPORT_MAX);
	int r = text == NULL ? -ENOMEM : 0;

	for (size_t i = 0; r == 0 && i < layers.count; i++) {
		r = vb_buf_printf(text, "%s%s", i > 0 ? ", " : "", layers.items[i].name);
		if (r == 0 && layers.items[i].count > 0)
			r = vb_buf_printf(text, " (%zu)", layers.items[i].count);
		if (r == 0 && layers.items[i].word != NULL)
			r = vb_buf_printf(text, " %s", layers.items[i].word);
	}
	vb_auto_free char *line = r == 0 ? vb_buf_strdup(text) : NULL;
	if (line == NULL)
		return -ENOMEM;
	return vb_text_field(out, 2, "layers", layers.count > 0 ? line : "none");
}

static int print_profiles(const struct vb_bundle_look *look, struct vb_buf *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < look->profiles.count; i++) {
		const struct vb_bundle_profile *profile = &look->profiles.items[i];
		const char *bound = vb_bundle_profile_digest(look->bundle, profile->name);
		const char *state = vb_str_equal(bound, profile->digest) ? "bound by the manifest"
				    : bound != NULL ? "NOT the one that the manifest binds"
				    : look->is_tar  ? "in the tar"
						    : "not bound by the manifest";
		vb_auto_free char *text =
			vb_str_format("%s %s, %s", profile->name, profile->digest, state);
		r = text != NULL ? vb_text_field(out, 2, "profile", text) : -ENOMEM;
	}
	return r;
}

static int print_signature(const struct vb_bundle_look *look, struct vb_buf *out)
{
	vb_auto_free char *text = NULL;

	if (look->signer[0] != '\0')
		text = vb_str_format("good, by %s", look->signer);
	else
		text = strdup(
			look->has_signature ? "there, not checked (no trusted keys)" : "none");
	return text != NULL ? vb_text_field(out, 2, "signature", text) : -ENOMEM;
}

static int print_bundle(const struct vb_bundle_result *result, struct vb_buf *out)
{
	const struct vb_bundle_look *look = result->look;
	const struct vb_bundle *bundle = look->bundle;

	vb_auto_free char *title = vb_str_format(
		"%s %s (%s)", bundle->name, bundle->version, look->is_tar ? "tar" : "directory");

	if (title == NULL)
		return -ENOMEM;
	/* The version is the one text that whoever made the bundle is free in. */
	vb_utf8_scrub(title);
	int r = vb_buf_printf(out, "%s\n", title);
	if (r == 0)
		r = vb_text_field(out, 2, "digest", bundle->digest);
	if (r == 0)
		r = print_signature(look, out);
	if (r == 0)
		r = print_layers(bundle, out);
	if (r == 0)
		r = print_profiles(look, out);
	for (size_t i = 0; r == 0 && i < bundle->warnings.count; i++)
		r = vb_text_field(out, 2, "warning", bundle->warnings.items[i]);
	return r;
}

static int print_result(const struct vb_bundle_report *report,
	const struct vb_bundle_result *result, struct vb_buf *out)
{
	const struct vb_bundle_look *look = result->look;
	const char *command = report->options->arguments.name;

	if (strcmp(command, "show") == 0)
		return print_bundle(result, out);
	if (strcmp(command, "pack") == 0)
		return vb_buf_printf(out, "%s\n  %s\n", result->written, look->bundle->digest);
	if (strcmp(command, "sign") == 0)
		return vb_buf_printf(out, "%s\n  by %s\n", result->written, look->signer);
	return vb_buf_printf(out, "%s: good\n  by %s\n", result->path, look->signer);
}

static int print_failure(const struct vb_bundle_result *result)
{
	const struct vb_error *err = result->err;

	(void)fprintf(stderr, "vambrace: %s%s%s%s%s\n", result->path, ": ",
		err->code != NULL ? err->code : "", err->code != NULL ? ": " : "", err->what);
	if (err->fix[0] != '\0')
		(void)fprintf(stderr, "  %s\n", err->fix);
	return 0;
}

static json_t *layers_to_json(const struct vb_bundle *bundle)
{
	const struct layers layers = list_layers(bundle);
	json_t *array = json_array();

	for (size_t i = 0; i < layers.count; i++)
		if (json_array_append_new(array, json_string(layers.items[i].name)) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *profiles_to_json(const struct vb_bundle_look *look)
{
	json_t *array = json_array();

	for (size_t i = 0; i < look->profiles.count; i++) {
		const struct vb_bundle_profile *profile = &look->profiles.items[i];
		struct vb_json_writer writer = vb_json_begin();
		vb_json_put_text(&writer, "name", profile->name);
		vb_json_put_text(&writer, "digest", profile->digest);
		vb_json_put_text(&writer, "bound_digest",
			vb_bundle_profile_digest(look->bundle, profile->name));
		if (json_array_append_new(array, vb_json_end(&writer)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *look_to_json(const struct vb_bundle_look *look)
{
	struct vb_json_writer writer = vb_json_begin();

	vb_json_put_text(&writer, "name", look->bundle->name);
	vb_json_put_text(&writer, "version", look->bundle->version);
	vb_json_put_text(&writer, "form", look->is_tar ? "tar" : "directory");
	vb_json_put_text(&writer, "digest", look->bundle->digest);
	vb_json_put_text(&writer, "signature", signature_word(look));
	vb_json_put_text(&writer, "signer", look->signer[0] != '\0' ? look->signer : NULL);
	vb_json_put(&writer, "layers", layers_to_json(look->bundle));
	vb_json_put(&writer, "profiles", profiles_to_json(look));
	vb_json_put(&writer, "warnings", vb_json_strings(&look->bundle->warnings));
	return vb_json_end(&writer);
}

static json_t *error_to_json(const struct vb_error *err)
{
	struct vb_json_writer writer = vb_json_begin();

	vb_json_put_text(&writer, "code", err->code);
	vb_json_put_text(&writer, "what", err->what);
	vb_json_put_text(&writer, "fix", err->fix);
	return vb_json_end(&writer);
}

static json_t *result_to_json(const struct vb_bundle_result *result)
{
	struct vb_json_writer writer = vb_json_begin();

	vb_json_put_text(&writer, "path", result->path);
	vb_json_put_text(&writer, "written", result->written);
	vb_json_put(
		&writer, "bundle", result->look != NULL ? look_to_json(result->look) : json_null());
	vb_json_put(
		&writer, "error", result->err != NULL ? error_to_json(result->err) : json_null());
	return vb_json_end(&writer);
}

int vb_bundle_report_add(struct vb_bundle_report *report, const struct vb_bundle_result *result)
{
	if (report->options->json)
		return json_array_append_new(report->bundles, result_to_json(result)) < 0 ? -ENOMEM
											  : 0;
	if (result->look == NULL)
		return print_failure(result);
	vb_auto_buf struct vb_buf *text = vb_buf_create(REPORT_MAX);
	int r = text == NULL ? -ENOMEM : print_result(report, result, text);
	/* A write that fails is seen when the report ends. */
	if (r == 0 && vb_command_print(text, NULL) == -ENOMEM)
		r = -ENOMEM;
	return r;
}

int vb_bundle_report_finish(struct vb_bundle_report *report)
{
	if (!report->options->json)
		return 0;
	struct vb_json_writer writer = vb_json_begin();
	vb_json_put(&writer, "bundle_version", json_integer(1));
	vb_json_put_text(&writer, "command", report->options->arguments.name);
	vb_json_put(&writer, "bundles", json_incref(report->bundles));
	vb_auto_json json_t *root = vb_json_end(&writer);
	if (root == NULL || json_dumpf(root, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF)
		return -ENOMEM;
	return 0;
}
