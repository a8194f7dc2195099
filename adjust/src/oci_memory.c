/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <string.h>

#include "json_slice.h"
#include "vb/adjust/oci_text.h"
#include "vb/base/buf.h"

enum {
	/* To be raised whenever the same inputs would give another result. */
	MEMORY_FORMAT = 5,
	KEY_MAX = 4 << 20,
};

static int print_features(const struct vb_oci_features *features, struct vb_buf *out)
{
	if (features == NULL)
		return vb_buf_append_string(out, "no features\n");
	return vb_buf_printf(out, "features %d %d %u\n", features->is_known,
		features->allows_by_default, features->flags);
}

static int print_plan(const struct vb_plan *plan, struct vb_buf *out)
{
	const struct vb_plan_seccomp *seccomp = &plan->seccomp;

	return vb_buf_printf(out, "plan %d %d %d %d %d %d %u %d\n", seccomp->starter,
		seccomp->runtime_default, seccomp->closure, seccomp->deny_io_uring,
		seccomp->native_abi_only, seccomp->log, plan->sources[VB_LAYER_SPEC_ALLOW],
		(int)plan->spec_allow);
}

/* Which entries of a profile in Docker's format apply depends on kernel and capabilities. */
static int print_profiles(const struct vb_oci_edit *edit, uint64_t bounding, struct vb_buf *out)
{
	const struct vb_plan_profiles *profiles = &edit->plan->seccomp.profiles;

	if (profiles->count == 0)
		return 0;
	int r = vb_buf_printf(out, "kernel %u.%u bounding %" PRIx64 "\n", edit->kernel.major,
		edit->kernel.minor, bounding);
	for (size_t i = 0; r == 0 && i < profiles->count; i++)
		r = vb_buf_printf(out, "profile %s\n", profiles->items[i].digest);
	return r;
}

/* What the container has. */
static int print_base(const struct vb_oci_edit *edit, const json_t *seccomp, struct vb_buf *out)
{
	if (edit->seccomp != NULL && *edit->seccomp != NULL)
		return vb_buf_append_string(out, *edit->seccomp);
	/* No profile at all is another thing than one that could not be dumped. */
	if (seccomp == NULL)
		return vb_buf_append_string(out, "unconfined");
	vb_auto_free char *text =
		json_dumps(seccomp, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);
	return text == NULL ? -ENOMEM : vb_buf_append_string(out, text);
}

/* Everything that the result of a meet depends on, libseccomp's version included. */
int vb_oci_memory_key(const struct vb_oci_edit *edit, uint64_t bounding, const json_t *seccomp,
	char ret_key[VB_DIGEST_SIZE])
{
	const struct scmp_version *version = seccomp_version();
	vb_auto_buf struct vb_buf *text = vb_buf_create(KEY_MAX);

	if (text == NULL || version == NULL)
		return -ENOMEM;
	int r = vb_buf_printf(text, "meet %d libseccomp %u.%u.%u native %u layers %u\n",
		MEMORY_FORMAT, version->major, version->minor, version->micro, edit->native,
		edit->layers);
	if (r == 0)
		r = print_features(edit->features, text);
	if (r == 0)
		r = print_plan(edit->plan, text);
	if (r == 0)
		r = print_profiles(edit, bounding, text);
	if (r == 0)
		r = print_base(edit, seccomp, text);
	if (r < 0)
		return r;
	vb_digest(vb_buf_data(text), vb_buf_size(text), ret_key);
	return 0;
}

char *vb_oci_memory_recall(const struct vb_oci_edit *edit, const char *key)
{
	if (edit->memory == NULL)
		return NULL;
	vb_auto_free char *text = edit->memory->recall(edit->memory->context, key);
	if (text == NULL)
		return NULL;
	const struct vb_json_slice object = {.text = text, .size = strlen(text)};
	struct vb_json_slice any = {0};
	return vb_json_slice_get(&object, "defaultAction", &any) < 0 ? NULL : VB_STEAL(text);
}

void vb_oci_memory_keep(const struct vb_oci_edit *edit, const char *key, const json_t *profile)
{
	if (edit->memory == NULL)
		return;
	vb_auto_free char *text = NULL;
	size_t size = 0;
	if (vb_oci_text_write(profile, &text, &size, NULL) == 0)
		edit->memory->keep(edit->memory->context, key, text);
}
