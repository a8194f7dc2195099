/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_LOG_H
#define VB_PLUGIN_NRI_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/base/cleanup.h"

/*
 * The daemon's log: one line per event, `container_id=... event=... key=value ...`. Values that
 * come from outside are quoted. Used by the event loop's thread only. Writing never blocks: a line
 * that finds a full pipe is dropped, and the next one that gets through says how many were.
 *
 * A line is built in place and written:
 *	struct vb_log_line line;
 *	vb_log_begin(&line, container_id, "refused");
 *	vb_log_text(&line, "pod", pod);
 *	vb_log_write(log, &line);
 */

enum { VB_LOG_LINE_MAX = 4096 };

struct vb_log_line {
	char text[VB_LOG_LINE_MAX];
	size_t used;
	bool cut;
};

/*
 * Takes neither the text nor the key over. container_id NULL: the event is of no container; what no
 * container's id has in it is written as '?'.
 */
void vb_log_begin(struct vb_log_line *line, const char *container_id, const char *event);
/* A word that we chose ourselves, unquoted. */
void vb_log_word(struct vb_log_line *line, const char *key, const char *word);
/*
 * Any text, quoted, with quotes escaped; control characters and what is not UTF-8 become '?'. NULL
 * writes "".
 */
void vb_log_text(struct vb_log_line *line, const char *key, const char *text);
/* The same, of at most max_bytes between the quotes; a longer one ends in "...". */
void vb_log_text_max(struct vb_log_line *line, const char *key, const char *text, size_t max_bytes);
/* Words at the end of the line, as they are. */
void vb_log_words(struct vb_log_line *line, const char *words);
void vb_log_number(struct vb_log_line *line, const char *key, int64_t number);

enum vb_log_target {
	VB_LOG_STDERR,
	VB_LOG_KMSG, /* the kernel's log: where a launched plugin has no stderr */
};

struct vb_log;

/* fd is borrowed. NULL when out of memory. */
struct vb_log *vb_log_create(int fd, enum vb_log_target target) VB_WARN_UNUSED;
void vb_log_destroy(struct vb_log *log);

static inline void vb_cleanup_log(struct vb_log *const *log)
{
	vb_log_destroy(*log);
}
#define vb_auto_log vb_auto(vb_cleanup_log)

void vb_log_write(struct vb_log *log, const struct vb_log_line *line);

/* For a line that others depend on: the kernel's own limit for its log does not hold it back. */
void vb_log_write_for_sure(struct vb_log *log, const struct vb_log_line *line);

/*
 * For lines that a peer can bring about at will: at most a burst of 100, refilled by 10 a second;
 * what is left out is counted in the next line that is not.
 */
void vb_log_write_limited(struct vb_log *log, struct vb_log_line *line);

#endif
