/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/text.h"

#include <errno.h>
#include <inttypes.h>

#include "plan_names.h"
#include "vb/adjust/caps.h"

typedef int (*detail_fn)(const struct vb_plan *plan, struct vb_buf *out);

static int print_seccomp(const struct vb_plan *plan, struct vb_buf *out)
{
	const struct vb_plan_seccomp *seccomp = &plan->seccomp;

	return vb_buf_printf(out, "%s%s%s%s%s%s met with the container's own profile",
		seccomp->starter ? "starter" : "",
		seccomp->starter && seccomp->runtime_default ? "+" : "",
		seccomp->runtime_default ? "runtime-default" : "",
		seccomp->closure ? "+closure" : "", seccomp->deny_io_uring ? "+no-io_uring" : "",
		seccomp->native_abi_only ? "+native-abi-only" : "");
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

static int print_tmpfs(const struct vb_plan *plan, struct vb_buf *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->tmpfs.count; i++) {
		const struct vb_tmpfs *tmpfs = &plan->tmpfs.items[i];
		r = vb_buf_printf(out, "%s%s (%" PRIu64 " KiB, mode %04o%s)", i > 0 ? ", " : "",
			tmpfs->path, tmpfs->size_bytes >> 10, tmpfs->mode,
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

static int print_layer(
	const struct vb_plan *plan, enum vb_layer layer, unsigned int indent, struct vb_buf *out)
{
	if (!vb_plan_has(plan, layer))
		return 0;
	int r = vb_buf_printf(out, "%*s%-18s ", (int)indent, "", vb_layer_name(layer));
	if (r == 0)
		r = layers[layer].print(plan, out);
	if (r == 0)
		r = vb_buf_printf(out, "  [from ");
	if (r == 0)
		r = print_sources(plan->sources[layer], out);
	return r < 0 ? r : vb_buf_printf(out, ", by %s]\n", layers[layer].enforcer);
}

int vb_plan_to_text(const struct vb_plan *plan, unsigned int indent, struct vb_buf *out)
{
	int r = 0;

	for (unsigned int layer = 0; r == 0 && layer < VB_LAYER_COUNT; layer++)
		r = print_layer(plan, layer, indent, out);
	return r;
}
