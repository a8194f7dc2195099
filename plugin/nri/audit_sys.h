/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_AUDIT_SYS_H
#define VB_PLUGIN_NRI_AUDIT_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/base/cleanup.h"
#include "vb/base/error.h"

/*
 * The audit log's file. Frames are only ever appended, each by one write(2) under O_APPEND, so
 * what is there already cannot be lost by whatever happens to us. A last line that a crash or a
 * full disk left incomplete is ended by a newline before anything else is written, and the frame
 * `audit-repaired` says so; a reader sees one line that is no JSON in front of it at most.
 *
 * Before each frame the path is looked at, so a file that logrotate has put away is left at once
 * and a new one begun; one that was truncated in place is simply written on.
 *
 * Not thread-safe: one thread uses it. Nothing is opened before the first append.
 */
struct vb_audit_file;

struct vb_audit_counters {
	uint64_t frames;    /* written */
	uint64_t bytes;     /* written */
	uint64_t syncs;     /* fsync(2) calls that frames waited for */
	uint64_t lost;      /* frames that could not be written */
	uint64_t repairs;   /* incomplete lines that were ended */
	uint64_t rotations; /* times that the size cap was reached */
};

enum vb_audit_durability {
	VB_AUDIT_WRITTEN, /* with the kernel: outlives us, not a power loss */
	VB_AUDIT_SYNCED,  /* on the disk, and with it all frames before it */
};

/* NULL when out of memory. */
struct vb_audit_file *vb_audit_file_create(void) VB_WARN_UNUSED;
void vb_audit_file_destroy(struct vb_audit_file *file);

static inline void vb_cleanup_audit_file(struct vb_audit_file *const *file)
{
	vb_audit_file_destroy(*file);
}
#define vb_auto_audit_file vb_auto(vb_cleanup_audit_file)

/*
 * Where to write, and the size at which the file is put away as `<path>.old`, in place of the one
 * before. Same values: nothing happens. 0 or -ENOMEM, then all stays as it was.
 */
int vb_audit_file_configure(
	struct vb_audit_file *file, const char *path, uint64_t max_bytes) VB_WARN_UNUSED;

/* Closes the file; the next frame opens it anew. */
void vb_audit_file_reopen(struct vb_audit_file *file);

/*
 * Appends a line, which ends in a newline. The file is made with mode 0640 where it is missing, its
 * directory with 0750. On failure the frame counts as lost, and the next that gets through is
 * preceded by a frame `audit-lost` with the number. Errnos of open(2), mkdir(2), write(2),
 * fsync(2), rename(2); -EINVAL when the path is no regular file.
 */
int vb_audit_file_append(struct vb_audit_file *file, const char *line, size_t size,
	enum vb_audit_durability durability, struct vb_error *err) VB_WARN_UNUSED;

/* So many frames were lost before they came here. */
void vb_audit_file_count_lost(struct vb_audit_file *file, uint64_t frames);

const struct vb_audit_counters *vb_audit_file_counters(const struct vb_audit_file *file);

#endif
