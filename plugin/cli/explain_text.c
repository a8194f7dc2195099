/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "explain.h"
#include "report_text.h"
#include "vb/adjust/text.h"
#include "vb/base/utf8.h"

enum {
	TITLE_INDENT = 2,
	FIELD_INDENT = 4,
	DIGEST_INDENT = 6,
};

static char *join(const struct vb_strv *list, const char *separator)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(VB_YAML_SIZE_MAX);

	for (size_t i = 0; text != NULL && i < list->count; i++)
		if (vb_buf_printf(text, "%s%s", i > 0 ? separator : "", list->items[i]) < 0)
			return NULL;
	return text != NULL ? vb_buf_strdup(text) : NULL;
}

int vb_explain_text_head(const struct vb_explain_setting *setting, struct vb_buf *out)
{
	vb_auto_free char *directories = join(&setting->config->bundle_dirs, ", ");
	const char *config = setting->config_path;
	int r = 0;

	if (directories == NULL)
		return -ENOMEM;
	r = vb_report_paragraph_take(out, 0,
		vb_str_format("Node config: %s. Bundles from %s.",
			config != NULL ? config : "built-in defaults", directories));
	for (size_t i = 0; r == 0 && i < setting->notes->count; i++)
		r = vb_report_paragraph_take(
			out, 0, vb_str_format("Note: %s.", setting->notes->items[i]));
	return r;
}

int vb_explain_text_pod(
	const struct vb_explain_setting *setting, const struct vb_pod *pod, struct vb_buf *out)
{
	bool template = strcmp(pod->kind, "Pod") != 0;
	vb_auto_free char *of =
		template ? vb_str_format(" of %s %s", pod->kind, pod->name) : strdup("");
	vb_auto_free char *handler = pod->handler[0] != '\0'
					     ? vb_str_format("handler %s", pod->handler)
					     : strdup("the node's default handler");
	vb_auto_free char *line = pod->line > 0 ? vb_str_format(":%lu", pod->line) : strdup("");

	if (of == NULL || handler == NULL || line == NULL)
		return -ENOMEM;
	int r = vb_buf_append_string(out, "\n");
	return r < 0 ? r
		     : vb_report_paragraph_take(out, 0,
			       vb_str_format("Pod %s/%s%s (%s%s), %s", pod->namespace_name,
				       pod->pod_name, of, setting->input, line, handler));
}

static int print_title(const struct vb_explained *explained, struct vb_buf *out)
{
	static const char *const titles[VB_VERDICT_COUNT] = {
		[VB_VERDICT_PLANNED] = "to be hardened",
		[VB_VERDICT_UNTOUCHED] = "left alone",
		[VB_VERDICT_REFUSED] = "refused",
	};
	const struct vb_pod_container *container = explained->container;

	return vb_buf_printf(out, "\n%*s%s %s: %s\n", TITLE_INDENT, "",
		vb_pod_container_kind_name(container->kind), container->name,
		titles[explained->verdict]);
}

static int print_digest(struct vb_buf *out, const char *digest)
{
	return vb_buf_printf(out, "%*s%s\n", DIGEST_INDENT, "", digest);
}

static int print_bundle(struct vb_buf *out, const char *title, const char *name,
	const char *version, const char *digest)
{
	if (name == NULL)
		return 0;
	vb_auto_free char *text = vb_str_format("%s %s", name, version != NULL ? version : "");
	if (text == NULL)
		return -ENOMEM;
	vb_utf8_scrub(text);
	int r = vb_text_field(out, FIELD_INDENT, title, text);
	return r < 0 ? r : print_digest(out, digest);
}

static int print_bundles(const struct vb_plan *plan, struct vb_buf *out)
{
	int r = print_bundle(
		out, "floor", plan->floor_name, plan->floor_version, plan->floor_digest);

	return r < 0 ? r
		     : print_bundle(out, plan->bundle_is_default ? "default bundle" : "bundle",
			       plan->bundle_name, plan->bundle_version, plan->bundle_digest);
}

/* One field for each entry, the name on the first alone. */
static int print_list(struct vb_buf *out, const char *name, const struct vb_strv *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++)
		r = vb_text_field(out, FIELD_INDENT, i == 0 ? name : "", list->items[i]);
	return r;
}

static int print_writable(const struct vb_strv *writable, struct vb_buf *out)
{
	vb_auto_free char *text = join(writable, ", ");

	if (text == NULL)
		return -ENOMEM;
	vb_utf8_scrub(text);
	return writable->count == 0 ? 0 : vb_text_field(out, FIELD_INDENT, "stays writable", text);
}

static int print_plan(const struct vb_explained *explained, struct vb_buf *out)
{
	int r = print_bundles(explained->plan, out);

	if (r == 0)
		r = vb_plan_to_text(explained->plan, FIELD_INDENT, out);
	if (r == 0)
		r = print_writable(&explained->writable, out);
	if (r == 0)
		r = print_list(out, "not gated", &explained->not_gated);
	if (r == 0)
		r = print_list(out, "warning", &explained->warnings);
	if (r < 0)
		return r;
	if (explained->pod->name_is_generated)
		return vb_text_field(out, FIELD_INDENT, "plan digest",
			"of each pod its own: its generated name is part of the plan");
	r = vb_buf_printf(out, "%*splan digest\n", FIELD_INDENT, "");
	return r < 0 ? r : print_digest(out, explained->digest);
}

int vb_explain_text_container(const struct vb_explained *explained, struct vb_buf *out)
{
	int r = print_title(explained, out);

	if (r < 0)
		return r;
	switch (explained->verdict) {
	case VB_VERDICT_PLANNED:
		return print_plan(explained, out);
	case VB_VERDICT_UNTOUCHED:
		return vb_text_paragraph(out, FIELD_INDENT,
			"no annotation or rule of the node asks for anything, and the handler is "
			"none "
			"of Vambrace's");
	case VB_VERDICT_REFUSED:
		/* Whole, as the event has it, so that it can be searched for. */
		return vb_buf_printf(out, "%*s%s\n", FIELD_INDENT, "", explained->line);
	case VB_VERDICT_COUNT:
		break;
	}
	return 0;
}

int vb_explain_text_tail(const struct vb_explain_setting *setting,
	const struct vb_explain_totals *totals, struct vb_buf *out)
{
	const size_t *counts = totals->counts;
	size_t containers = counts[VB_VERDICT_PLANNED] + counts[VB_VERDICT_UNTOUCHED] +
			    counts[VB_VERDICT_REFUSED];
	int r = vb_buf_append_string(out, "\n");

	if (r == 0)
		r = vb_report_paragraph_take(out, 0,
			vb_str_format("%zu pod%s, %zu container%s: %zu to be hardened, %zu left "
				      "alone, %zu refused.",
				setting->pod_count, setting->pod_count == 1 ? "" : "s", containers,
				containers == 1 ? "" : "s", counts[VB_VERDICT_PLANNED],
				counts[VB_VERDICT_UNTOUCHED], counts[VB_VERDICT_REFUSED]));
	for (size_t i = 0; r == 0 && i < totals->assumptions.count; i++)
		r = vb_report_paragraph_take(
			out, 0, vb_str_format("Assumed: %s.", totals->assumptions.items[i]));
	if (r == 0)
		r = vb_text_paragraph(out, 0,
			"On a node, annotations count as they were when the pod's sandbox was "
			"made, bundles and node config as they are when a container is created; "
			"this report took all of them as they are now.");
	return r;
}
