/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_RECEIPT_H
#define VB_ADJUST_RECEIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "vb/adjust/plan.h"
#include "vb/adjust/speculation.h"

/* Of a container whose seccomp profile the hook has edited. */
struct vb_receipt_speculation {
	bool is_set;
	enum vb_spec_state had;          /* what the container would have had */
	enum vb_spec_state has;          /* what its profile means now */
	bool takes_flag;                 /* the runtime takes the flag SPEC_ALLOW */
	struct vb_speculation inherited; /* by the hook, and so by the container's process */
};

/*
 * The receipt: what vambrace-oci says it did at create, at
 * /run/vambrace/receipts/<container-id>.json. The START gate compares it with the kernel, and
 * `exec` clamps its process to the capabilities saved here.
 */
struct vb_receipt {
	char *container_id;
	char *plan_digest;
	char *bundle_dir;    /* the OCI bundle: where config.json lies */
	char *config_digest; /* of config.json as the hook wrote it */
	char *pid_file;      /* where the runtime puts the pid; NULL when not said */
	char *runtime;       /* the real runtime's path */

	/* The process's capability sets as written into config.json (sets of caps.h). */
	uint64_t cap_bounding;
	uint64_t cap_effective;
	uint64_t cap_permitted;
	uint64_t cap_inheritable;
	uint64_t cap_ambient;
	bool no_new_privileges;

	struct vb_receipt_speculation speculation;

	struct vb_strv writable_mounts; /* left writable under a read-only root, sorted */
	char *preload_verdict; /* "covered" or "not covered: <why>"; NULL without preload */
};

void vb_receipt_finish(struct vb_receipt *receipt);
#define vb_auto_receipt vb_auto(vb_receipt_finish)

/* Canonical JSON; the caller frees it. NULL when out of memory. */
char *vb_receipt_to_json(const struct vb_receipt *receipt) VB_WARN_UNUSED;

/* -EINVAL for anything that vb_receipt_to_json() would not write. */
int vb_receipt_from_json(const char *text, size_t size, struct vb_receipt *ret_receipt,
	struct vb_error *err) VB_WARN_UNUSED;

#endif
