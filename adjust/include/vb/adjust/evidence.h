/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_EVIDENCE_H
#define VB_ADJUST_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/adjust/custom_profile.h"
#include "vb/adjust/plan.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"
#include "vb/base/str.h"

/*
 * What the kernel says about a process, read from the texts of /proc/<pid> (proc(5)). Parsers of
 * bounded, NUL-terminated text; who reads the files is none of their business. The workload chooses
 * some of the words in these texts (its name, mount sources), so a line that does not fit is an
 * error and never guessed at.
 */

enum {
	VB_PROC_STATUS_MAX = 64 << 10,
	VB_PROC_LIMITS_MAX = 16 << 10,
	VB_PROC_CGROUP_MAX = 64 << 10,
	VB_PROC_MOUNTINFO_MAX = 2 << 20,
	VB_PROC_MOUNTS_MAX = 4096, /* entries of one mountinfo */
};

/* /proc/<pid>/status. */
struct vb_proc_status {
	bool is_dead; /* a zombie, or on its way out */
	unsigned int seccomp_mode;
	bool has_seccomp_filters; /* Linux 5.9 */
	unsigned int seccomp_filters;
	/* Sets of caps.h. */
	uint64_t cap_inheritable;
	uint64_t cap_permitted;
	uint64_t cap_effective;
	uint64_t cap_bounding;
	uint64_t cap_ambient;
	bool no_new_privileges;
	char store_bypass[32];    /* Speculation_Store_Bypass; empty: not shown */
	char indirect_branch[32]; /* SpeculationIndirectBranch (Linux 5.11); empty: not shown */
};

/* -EINVAL when a line that Linux 4.10 has is missing or malformed. */
int vb_proc_status_parse(
	const char *text, struct vb_proc_status *ret_status, struct vb_error *err) VB_WARN_UNUSED;

/* One line of /proc/<pid>/mountinfo, with the octal escapes undone. */
struct vb_mount {
	uint64_t id;
	uint64_t parent;
	char *root;        /* which part of the file system is mounted */
	char *mount_point; /* as the process sees it */
	char *options;     /* of this mount: "ro,nosuid,relatime" */
	char *fs_type;
	char *source;
	char *super_options; /* of the file system: "rw,size=65536k" */
};

struct vb_mountinfo {
	struct vb_mount *items;
	size_t count;
};

void vb_mountinfo_finish(struct vb_mountinfo *mountinfo);
#define vb_auto_mountinfo vb_auto(vb_mountinfo_finish)

/* -EINVAL for a malformed line, -E2BIG above VB_PROC_MOUNTS_MAX lines, -ENOMEM. */
int vb_mountinfo_parse(
	const char *text, struct vb_mountinfo *ret_mountinfo, struct vb_error *err) VB_WARN_UNUSED;

/*
 * The mount that a process reaches at a clean absolute path: walks down from the root and steps
 * onto each mount that covers the place reached so far, so one that lies hidden below a later mount
 * is not taken for it. NULL when nothing is mounted exactly there.
 */
const struct vb_mount *vb_mountinfo_topmost(const struct vb_mountinfo *mountinfo, const char *path);

/* Whether the comma-separated options hold the word. */
bool vb_mount_options_have(const char *options, const char *word);

/* What follows `key=` in the comma-separated options, up to the next comma; false: not there. */
bool vb_mount_options_get(
	const char *options, const char *key, const char **ret_value, size_t *ret_length);

/*
 * The limits of one RLIMIT_ name in /proc/<pid>/limits; UINT64_MAX is "unlimited". -ENOENT for a
 * name that the kernel does not show, -EINVAL for a malformed line.
 */
int vb_proc_limits_get(const char *text, const char *type, uint64_t *ret_soft, uint64_t *ret_hard,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Whether /proc/<pid>/cgroup puts the process into a cgroup of the container: the id stands as a
 * component, or ends one after '-' or ':', with or without ".scope".
 */
bool vb_proc_cgroup_is_of(const char *text, const char *container_id);

/*
 * Looks for a mapped file in /proc/<pid>/maps, which has no useful bound, so the text is fed in
 * pieces of any size. Zero-initialise.
 */
struct vb_maps_scan {
	char line[4608]; /* PATH_MAX and the columns before it */
	size_t used;
	bool too_long; /* the rest of this line does not matter */
	bool found;
};

/* Once found, later pieces change nothing. A file that was replaced on disk counts too. */
void vb_maps_scan_feed(struct vb_maps_scan *scan, const char *data, size_t size, const char *path);

/* What config.json, read again after create, says. The runtime has built the container from it. */
enum vb_containment {
	VB_CONTAINMENT_ABSENT,   /* config.json has no seccomp profile */
	VB_CONTAINMENT_LACKING,  /* it allows something that the plan denies */
	VB_CONTAINMENT_COMPLETE, /* meeting it with the plan's profile changes nothing */
};

struct vb_spec_evidence {
	bool is_read;
	char digest[VB_DIGEST_SIZE];
	char *plan_digest; /* the annotation; NULL: not there */
	struct vb_strv env;
	bool no_new_privileges;
	enum vb_containment seccomp;
	char *seccomp_reason;    /* of VB_CONTAINMENT_LACKING */
	struct vb_strv flags;    /* of the seccomp profile: "SECCOMP_FILTER_FLAG_LOG", ... */
	bool allows_speculation; /* SPEC_ALLOW is among them */
};

/*
 * Remembers for the last few seccomp profiles whether they contain a plan's: that takes
 * milliseconds, and most containers of a node have the same one. kernel is the node's. Not
 * thread-safe. NULL when out of memory.
 */
struct vb_spec_cache;
struct vb_spec_cache *vb_spec_cache_create(struct vb_kernel_version kernel) VB_WARN_UNUSED;
void vb_spec_cache_destroy(struct vb_spec_cache *cache);

static inline void vb_cleanup_spec_cache(struct vb_spec_cache *const *cache)
{
	vb_spec_cache_destroy(*cache);
}
#define vb_auto_spec_cache vb_auto(vb_cleanup_spec_cache)

/*
 * Reads config.json (OCI runtime specification 1.0); plan says what its seccomp profile has to
 * contain. Only the members that matter are looked at: that the text is the one that the hook wrote
 * is told by its digest. Finish *ret_spec. -EINVAL, -ENOMEM.
 */
int vb_spec_evidence_parse(const char *text, size_t size, const struct vb_plan *plan,
	struct vb_spec_cache *cache, struct vb_spec_evidence *ret_spec,
	struct vb_error *err) VB_WARN_UNUSED;
void vb_spec_evidence_finish(struct vb_spec_evidence *spec);
#define vb_auto_spec_evidence vb_auto(vb_spec_evidence_finish)

/* When the process was looked at. */
enum vb_stage {
	VB_STAGE_START,   /* created, the workload does not run yet */
	VB_STAGE_RUNNING, /* the runtime was told to start it */
	VB_STAGE_GONE,    /* it exited before it could be seen running */
};

struct vb_evidence {
	enum vb_stage stage;
	struct vb_proc_status status;
	struct vb_mountinfo mounts;
	/*
	 * Where the plan's mount destinations lead to in the container's file system, in the
	 * plan's order; an empty string where mounts already has the path, or where that could not
	 * be found out.
	 */
	struct vb_strv destinations;
	char *limits; /* the text of /proc/<pid>/limits */
	uint64_t page_size_bytes;
	bool shim_mapped; /* looked for in stage RUNNING only */
	struct vb_spec_evidence spec;
};

void vb_evidence_finish(struct vb_evidence *evidence);

/*
 * Where the shim lies in the container's file system, and so the path that its mapping shows:
 * VB_SHIM_CONTAINER_PATH, or where that leads to when the image has a symbolic link on it.
 */
const char *vb_evidence_shim_path(const struct vb_evidence *evidence, const struct vb_plan *plan);
#define vb_auto_evidence vb_auto(vb_evidence_finish)

#endif
