/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_REQUEST_H
#define VB_ADJUST_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "vb/adjust/plan.h"
#include "vb/base/error.h"

/*
 * What a pod's annotations ask for one of its containers, parsed and checked, with NRI's
 * precedence (`<key>/container.<name>` over `<key>/pod` over `<key>`) already applied.
 */

struct vb_annotation {
	const char *key;
	const char *value;
};

struct vb_annotations {
	const struct vb_annotation *items;
	size_t count;
};

struct vb_request {
	bool asked; /* at least one annotation of ours applies to this container */

	char *bundle_name;   /* NULL: none named */
	char *bundle_digest; /* "sha256:<hex>" pinned, or NULL */

	char *seccomp_profile; /* NULL: none named */
	bool seccomp_opt_out;
	char *opt_out_reason;
	enum vb_spec_allow spec_allow;
	uint64_t cap_drop;
	bool read_only_rootfs;
	bool no_new_privileges;
	struct vb_tmpfs_list tmpfs;
	bool preload_on;
	bool preload_require;
	unsigned int preload_audit;
	struct vb_allowlist exec;
	struct vb_allowlist connect;
};

void vb_request_finish(struct vb_request *request);
#define vb_auto_request vb_auto(vb_request_finish)

/*
 * Parses all annotations under vambrace.dev, also those meant for other containers: a pod with a
 * mistake in it comes up nowhere. Annotations of other domains are not looked at. Refuses with
 * ErrUnknownAnnotation, ErrInvalidValue or ErrConflict; -ENOMEM. *ret_request is written on
 * success only; finish it.
 */
int vb_request_parse(const struct vb_annotations *annotations, const char *container,
	struct vb_request *ret_request, struct vb_error *err) VB_WARN_UNUSED;

/* Whether the key is one of ours, known or not: under vambrace.dev, in capitals or not. */
bool vb_annotation_is_ours(const char *key);

/*
 * Adds the names of the containers that an annotation is for, by its key's suffix or in its map:
 * none where it is for all of them, malformed, or not ours. -ENOMEM.
 */
int vb_annotation_containers(
	const struct vb_annotation *annotation, struct vb_strv *names) VB_WARN_UNUSED;

#endif
