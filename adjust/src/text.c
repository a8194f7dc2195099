/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "plan_names.h"
#include "vb/adjust/caps.h"

enum {
	NAME_COLUMNS = 19,
	TAG_MAX = 128,
	DETAILS_MAX = 4 << 20, /* three lists of the longest legal kind fit */
};

typedef int (*detail_fn)(const struct vb_plan *plan, struct vb_buf *out);

static int print_sources(unsigned int sources, struct vb_buf *out)
{
	const char *separator = "";
	int r = 0;

	for (size_t i = 0; r == 0 && i < VB_ARRAY_SIZE(vb_source_names); i++) {
		if (!(sources & 1U << i))
			continue;
		r = vb_buf_printf(out, "%s%s", separator, vb_source_names[i]);
		separator = "+";
	}
	return r;
}

/* "starter+closure": what is met, in one word. */
static int print_parts(const struct vb_plan_seccomp *seccomp, struct vb_buf *out)
{
	const struct {
		bool is_there;
		const char *name;
	} parts[] = {{seccomp->starter, "starter"}, {seccomp->runtime_default, "runtime-default"},
		{seccomp->closure, "closure"}, {seccomp->deny_io_uring, "no-io_uring"},
		{seccomp->native_abi_only, "native-abi-only"}, {seccomp->log, "log"}};
	const char *separator = "";
	int r = 0;

	for (size_t i = 0; r == 0 && i < seccomp->profiles.count; i++) {
		r = vb_buf_printf(out, "%s%s", separator, seccomp->profiles.items[i].name);
		separator = "+";
	}
	for (size_t i = 0; r == 0 && i < VB_ARRAY_SIZE(parts); i++) {
		if (!parts[i].is_there)
			continue;
		r = vb_buf_printf(out, "%s%s", separator, parts[i].name);
		separator = "+";
	}
	return r;
}

static int print_seccomp(const struct vb_plan *plan, struct vb_buf *out)
{
	const struct vb_plan_seccomp *seccomp = &plan->seccomp;

	int r = print_parts(seccomp, out);
	if (r == 0)
		r = vb_buf_append_string(out, " met with the container's own profile");
	for (size_t i = 0; r == 0 && i < seccomp->profiles.count; i++) {
		const struct vb_plan_profile *profile = &seccomp->profiles.items[i];
		r = vb_buf_printf(out, "; %s: ", profile->name);
		if (r == 0)
			r = print_sources(profile->sources, out);
		if (r == 0)
			r = vb_buf_printf(out, ", %s", profile->digest);
	}
	return r;
}

static int print_spec_allow(const struct vb_plan *plan, struct vb_buf *out)
{
	return vb_buf_append_string(out, vb_spec_allow_names[plan->spec_allow]);
}

static int print_capabilities(const struct vb_plan *plan, struct vb_buf *out)
{
	int r = vb_buf_append_string(out, "drop");

	if (plan->cap_drop == VB_CAP_ALL)
		return r < 0 ? r : vb_buf_append_string(out, " ALL");
	for (unsigned int i = 0; r == 0 && i < VB_CAP_COUNT; i++)
		if (plan->cap_drop & UINT64_C(1) << i)
			r = vb_buf_printf(out, " %s", vb_cap_name(i));
	return r;
}

static int print_on(const struct vb_plan *plan, struct vb_buf *out)
{
	(void)plan;
	return vb_buf_append_string(out, "on");
}

/* In the largest unit that loses nothing, as annotations and bundles write it. */
static int print_size(uint64_t bytes, struct vb_buf *out)
{
	static const char *const units[] = {" bytes", "Ki", "Mi", "Gi"};
	size_t unit = 0;

	while (unit + 1 < VB_ARRAY_SIZE(units) && bytes != 0 && (bytes & 1023) == 0) {
		bytes >>= 10;
		unit++;
	}
	return vb_buf_printf(out, "%" PRIu64 "%s", bytes, units[unit]);
}

static int print_tmpfs(const struct vb_plan *plan, struct vb_buf *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->tmpfs.count; i++) {
		const struct vb_tmpfs *tmpfs = &plan->tmpfs.items[i];
		r = vb_buf_printf(out, "%s%s (", i > 0 ? ", " : "", tmpfs->path);
		if (r == 0)
			r = print_size(tmpfs->size_bytes, out);
		if (r == 0)
			r = vb_buf_printf(out, ", mode %04o%s)", tmpfs->mode,
				tmpfs->noexec ? ", noexec" : "");
	}
	return r;
}

static int print_rlimits(const struct vb_plan *plan, struct vb_buf *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->rlimits.count; i++) {
		const struct vb_rlimit *rlimit = &plan->rlimits.items[i];
		r = vb_buf_printf(out, "%s%s %" PRIu64 "/%" PRIu64, i > 0 ? ", " : "", rlimit->type,
			rlimit->soft, rlimit->hard);
	}
	return r;
}

static int print_list(struct vb_buf *out, const char *name, const struct vb_allowlist *list)
{
	if (!list->set)
		return 0;
	if (list->entries.count == 0)
		return vb_buf_printf(out, "; %s: nothing", name);
	int r = vb_buf_printf(out, "; %s:", name);
	for (size_t i = 0; r == 0 && i < list->entries.count; i++)
		r = vb_buf_printf(out, " %s", list->entries.items[i]);
	return r;
}

static int print_preload(const struct vb_plan *plan, struct vb_buf *out)
{
	const struct vb_plan_preload *preload = &plan->preload;

	int r = vb_buf_printf(out, "shim%s", preload->require ? " required" : "");
	if (r == 0)
		r = print_list(out, "dlopen", &preload->dlopen);
	if (r == 0)
		r = print_list(out, "exec", &preload->exec);
	if (r == 0)
		r = print_list(out, "connect", &preload->connect);
	if (r == 0 && preload->foreign_abi)
		r = vb_buf_append_string(
			out, "; partial: 32-bit programs may run, and ignore the shim");
	if (r == 0 && preload->connect.set && !preload->datagrams)
		r = vb_buf_append_string(out, "; datagrams pass");
	for (size_t i = 0; r == 0 && i < VB_ARRAY_SIZE(vb_audit_names); i++)
		if (preload->audit & 1U << i)
			r = vb_buf_printf(out, "; audit %s", vb_audit_names[i]);
	return r;
}

static const struct {
	detail_fn print;
	const char *enforcer;
} layers[VB_LAYER_COUNT] = {
	[VB_LAYER_SECCOMP] = {print_seccomp, "hook"},
	[VB_LAYER_SPEC_ALLOW] = {print_spec_allow, "hook"},
	[VB_LAYER_CAPABILITIES] = {print_capabilities, "hook"},
	[VB_LAYER_READ_ONLY_ROOTFS] = {print_on, "hook"},
	[VB_LAYER_TMPFS] = {print_tmpfs, "NRI"},
	[VB_LAYER_NO_NEW_PRIVILEGES] = {print_on, "hook"},
	[VB_LAYER_RLIMITS] = {print_rlimits, "hook"},
	[VB_LAYER_PRELOAD] = {print_preload, "NRI+shim"},
};

/* Words on a line up to the right margin, further lines indented under the first word. */
struct flow {
	struct vb_buf *out;
	unsigned int hang;
	size_t column;
};

/* Adds a word that is never split: one longer than a line stands on a line of its own. */
static int flow_word(struct flow *flow, const char *gap, const char *word, size_t length)
{
	int r = 0;

	if (flow->column > flow->hang && flow->column + strlen(gap) + length > VB_TEXT_COLUMNS) {
		r = vb_buf_printf(flow->out, "\n%*s", (int)flow->hang, "");
		flow->column = flow->hang;
	} else if (flow->column > flow->hang) {
		r = vb_buf_append_string(flow->out, gap);
		flow->column += strlen(gap);
	}
	flow->column += length;
	return r < 0 ? r : vb_buf_append(flow->out, word, length);
}

static int flow_text(struct flow *flow, const char *text, size_t length)
{
	const char *end = text + length;
	int r = 0;

	for (const char *word = text; r == 0 && word < end;) {
		const char *space = memchr(word, ' ', (size_t)(end - word));
		const char *stop = space != NULL ? space : end;
		r = flow_word(flow, " ", word, (size_t)(stop - word));
		word = stop + 1;
	}
	return r;
}

static int flow_begin(struct flow *flow, unsigned int indent, const char *name)
{
	flow->hang = indent + NAME_COLUMNS;
	flow->column = flow->hang;
	return vb_buf_printf(flow->out, "%*s%-*s ", (int)indent, "", NAME_COLUMNS - 1, name);
}

int vb_text_field(struct vb_buf *out, unsigned int indent, const char *name, const char *text)
{
	struct flow flow = {.out = out};

	int r = flow_begin(&flow, indent, name);
	if (r == 0)
		r = flow_text(&flow, text, strlen(text));
	return r < 0 ? r : vb_buf_append_string(out, "\n");
}

int vb_text_paragraph(struct vb_buf *out, unsigned int indent, const char *text)
{
	struct flow flow = {.out = out, .hang = indent, .column = indent};

	int r = vb_buf_printf(out, "%*s", (int)indent, "");
	if (r == 0)
		r = flow_text(&flow, text, strlen(text));
	return r < 0 ? r : vb_buf_append_string(out, "\n");
}

const char *vb_layer_enforcer(enum vb_layer layer)
{
	return layers[layer].enforcer;
}

/* The tag stays in one piece: people search for "[from annotation". */
static int flow_tag(struct flow *flow, const struct vb_plan *plan, enum vb_layer layer)
{
	vb_auto_buf struct vb_buf *tag = vb_buf_create(TAG_MAX);

	if (tag == NULL)
		return -ENOMEM;
	int r = vb_buf_append_string(tag, "[from ");
	if (r == 0)
		r = print_sources(plan->sources[layer], tag);
	if (r == 0)
		r = vb_buf_printf(tag, ", by %s]", layers[layer].enforcer);
	if (r < 0)
		return r;
	return flow_word(flow, "  ", (const char *)vb_buf_data(tag), vb_buf_size(tag));
}

static int print_layer(
	const struct vb_plan *plan, enum vb_layer layer, unsigned int indent, struct vb_buf *out)
{
	struct flow flow = {.out = out};

	if (!vb_plan_has(plan, layer))
		return 0;
	vb_auto_buf struct vb_buf *details = vb_buf_create(DETAILS_MAX);
	if (details == NULL)
		return -ENOMEM;
	int r = layers[layer].print(plan, details);
	if (r == 0)
		r = flow_begin(&flow, indent, vb_layer_name(layer));
	if (r == 0)
		r = flow_text(&flow, (const char *)vb_buf_data(details), vb_buf_size(details));
	if (r == 0)
		r = flow_tag(&flow, plan, layer);
	return r < 0 ? r : vb_buf_append_string(out, "\n");
}

/* In the layer's place, so that nobody takes its absence for nothing asked. */
static int print_opt_out(const struct vb_plan *plan, unsigned int indent, struct vb_buf *out)
{
	static const char tag[] = "[from annotation]";
	struct flow flow = {.out = out};

	if (plan->opt_out_reason == NULL)
		return 0;
	int r = flow_begin(&flow, indent, vb_layer_name(VB_LAYER_SECCOMP));
	if (r == 0)
		r = flow_text(&flow, "opted out:", strlen("opted out:"));
	if (r == 0)
		r = flow_text(&flow, plan->opt_out_reason, strlen(plan->opt_out_reason));
	if (r == 0)
		r = flow_word(&flow, "  ", tag, strlen(tag));
	return r < 0 ? r : vb_buf_append_string(out, "\n");
}

int vb_plan_to_text(const struct vb_plan *plan, unsigned int indent, struct vb_buf *out)
{
	int r = print_opt_out(plan, indent, out);

	for (unsigned int layer = 0; r == 0 && layer < VB_LAYER_COUNT; layer++)
		r = print_layer(plan, layer, indent, out);
	return r;
}
