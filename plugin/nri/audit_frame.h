/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_AUDIT_FRAME_H
#define VB_PLUGIN_NRI_AUDIT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * One line of the audit log: a JSON object, built in place without an allocation, so that there is
 * nothing to fail. Whatever is put in, the line is valid JSON of valid UTF-8 without control
 * characters, and no longer than VB_AUDIT_FRAME_MAX.
 *
 *	struct vb_audit_frame frame;
 *	vb_audit_begin(&frame, "refusal", &now);
 *	vb_audit_text(&frame, "namespace", namespace_name);
 *	vb_audit_end(&frame);
 *
 * Keys and events are ours and are written as they are. A text that is too long is cut and ends in
 * "..."; a member for which no room is left makes way for `"cut":true`.
 */

enum {
	VB_AUDIT_FRAME_MAX = 8192,
	/* Of one text, as it is written between its quotes. */
	VB_AUDIT_TEXT_MAX = 2048,
};

struct vb_audit_frame {
	char text[VB_AUDIT_FRAME_MAX];
	size_t used;
	unsigned int depth;
	bool is_first;    /* no member stands in the innermost object yet */
	bool is_skipping; /* there was no room for the innermost object */
	bool cut;
};

/* Starts with `{"event":"<event>","ts":"<at>"`: scrapers look for the event in first place. */
void vb_audit_begin(struct vb_audit_frame *frame, const char *event, const struct timespec *at);

/* NULL is written as null. */
void vb_audit_text(struct vb_audit_frame *frame, const char *key, const char *text);
void vb_audit_time(struct vb_audit_frame *frame, const char *key, const struct timespec *at);
void vb_audit_flag(struct vb_audit_frame *frame, const char *key, bool flag);
void vb_audit_number(struct vb_audit_frame *frame, const char *key, uint64_t number);

/* Members that follow are those of an object, until it is closed. One level deep. */
void vb_audit_open(struct vb_audit_frame *frame, const char *key);
void vb_audit_close(struct vb_audit_frame *frame);

/* Closes the object and ends the line with a newline. */
void vb_audit_end(struct vb_audit_frame *frame);

/* The container that an event is about, as every frame about one names it. NULL: not known. */
struct vb_audit_subject {
	const char *namespace_name;
	const char *pod;
	const char *container;
	const char *container_id;
	const char *handler;
	const char *bundle;
	const char *bundle_digest;
	const char *plan_digest;
};
void vb_audit_subject(struct vb_audit_frame *frame, const struct vb_audit_subject *subject);

#endif
