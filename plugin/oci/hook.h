/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_OCI_HOOK_H
#define VB_PLUGIN_OCI_HOOK_H

#include <jansson.h>
#include <stddef.h>

#include "args.h"
#include "vb/adjust/oci_check.h"
#include "vb/adjust/oci_apply.h"
#include "vb/adjust/oci_config.h"
#include "vb/adjust/oci_document.h"
#include "vb/adjust/oci_features.h"
#include "vb/adjust/plan.h"
#include "vb/base/error.h"

/*
 * One run of the hook: vb_hook_args_parse(), vb_hook_find_runtime(), vb_hook_create() or
 * vb_hook_exec() where the command is one of these, then vb_hook_become() the real runtime.
 */

#define VB_HOOK_CONFIG_PATH "/opt/vambrace/etc/oci.json"

struct vb_hook {
	struct vb_hook_args args;
	const char *handler; /* the name under which the hook was called */
	struct vb_oci_handler settings;

	/* Whom a refusal is about; NULL until known. */
	char *namespace_name;
	char *pod;
	char *container;
};

/* The plan of the container, its digest, and its names for a refusal. -ENOENT without a plan. */
int vb_hook_load_plan(struct vb_hook *hook, struct vb_plan **ret_plan,
	char ret_digest[VB_DIGEST_SIZE], struct vb_error *err) VB_WARN_UNUSED;

/* Reads an OCI document; of config.json linux.seccomp is apart. */
int vb_hook_load_document(const char *path, struct vb_oci_document *ret_document,
	struct vb_error *err) VB_WARN_UNUSED;

/* The inherited limit, for vb_oci_edit. */
int vb_hook_limit(const char *type, uint64_t *ret_soft, uint64_t *ret_hard);

/* The file system as the checks see it; rootfs is borrowed. */
void vb_hook_view(const char *rootfs, struct vb_oci_view *ret_view);

/*
 * What the runtime's `features` says, or said less than ten minutes ago when the program was the
 * same file. A runtime that does not answer within two seconds, or that cannot be asked for lack of
 * processes or memory, is not known, and the next container asks again. Check the runtime first.
 */
void vb_hook_features(const char *runtime, struct vb_oci_features *ret_features);

/*
 * `create`: config.json edited and the receipt written, or neither. A container that passes
 * without a plan leaves a mark for exec.
 */
int vb_hook_create(struct vb_hook *hook, struct vb_error *err) VB_WARN_UNUSED;

/* Takes back what vb_hook_create() left outside the bundle; that there is nothing is fine. */
void vb_hook_forget(const struct vb_hook *hook);

/*
 * `delete`: the same, when there is no plan any more. While there is one, the plugin still has the
 * container in its books, may look at the receipt, and removes both in the end.
 */
void vb_hook_clean_up(const struct vb_hook *hook);

/*
 * Files under /run/vambrace/meets, which only root can reach, as the memory of vb_oci_edit. Read
 * or written as far as that works: nothing but time depends on them.
 */
extern const struct vb_oci_memory vb_hook_memory;

/* `exec`: the process file edited, or untouched. */
int vb_hook_exec(struct vb_hook *hook, struct vb_error *err) VB_WARN_UNUSED;

/* The layers that this build writes: all but in test builds that prove the START gate. */
unsigned int vb_hook_layers(void);

/* The runtime of the handler, from the settings file. */
int vb_hook_find_runtime(struct vb_hook *hook, struct vb_error *err) VB_WARN_UNUSED;

/* Whether there is such a runtime, and it is not the hook. Errnos of stat(2), -ELOOP. */
int vb_hook_check_runtime(const char *runtime, struct vb_error *err) VB_WARN_UNUSED;

/* Becomes the runtime. Returns only on failure, with -errno. */
int vb_hook_become(const char *runtime, char *argv[], struct vb_error *err);

/*
 * The same without settings, for commands that must work whatever is broken: the runtime whose
 * state directory knows the container.
 */
int vb_hook_become_any(const struct vb_hook *hook, char *argv[], struct vb_error *err);

/* Tells the caller: a line for the --log file, which reaches the CRI reply, and one for stderr. */
void vb_hook_report(const struct vb_hook *hook, const struct vb_error *err);

#endif
