/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vb/base/cleanup.h"
#include "vb/base/timestamp.h"
#include "vb/base/utf8.h"

enum {
	/* Kept free for what closes any frame: `,"cut":true` and `}}` and the newline. */
	TAIL_BYTES = 16,
	/* The longest that one character becomes: \u001b. */
	ESCAPED_MAX = 6,
	/* Of a name as written: Kubernetes caps pod names at 253 characters. */
	NAME_MAX_BYTES = 320,
};

static void put(struct vb_audit_frame *frame, const char *text)
{
	size_t length = strlen(text);

	memcpy(frame->text + frame->used, text, length);
	frame->used += length;
}

/*
 * Begins a member for whose value at most value_max bytes are needed; false when there is no room
 * for all of it.
 */
static bool begin_member(struct vb_audit_frame *frame, const char *key, size_t value_max)
{
	size_t needed = strlen(key) + sizeof(",\"\":") + value_max + TAIL_BYTES;

	if (frame->is_skipping || needed > sizeof(frame->text) - frame->used) {
		frame->cut = true;
		return false;
	}
	put(frame, frame->is_first ? "\"" : ",\"");
	put(frame, key);
	put(frame, "\":");
	frame->is_first = false;
	return true;
}

void vb_audit_begin(struct vb_audit_frame *frame, const char *event, const struct timespec *at)
{
	frame->used = 0;
	frame->depth = 1;
	frame->is_first = true;
	frame->is_skipping = false;
	frame->cut = false;
	put(frame, "{");
	vb_audit_text(frame, "event", event);
	vb_audit_time(frame, "ts", at);
}

/* One well-formed character or one byte that is none; returns how it is written. */
static const char *escape(const uint8_t *bytes, size_t length, char ret_escaped[ESCAPED_MAX + 1])
{
	if (length == 0)
		return "\\ufffd";
	if (vb_utf8_is_control(bytes)) {
		/* Of the two bytes of a C1, the second is the code point. */
		unsigned int code = bytes[length - 1];
		if (length == 3)
			code = (bytes[0] & 0xfU) << 12 | (bytes[1] & 0x3fU) << 6 | (code & 0x3fU);
		(void)snprintf(ret_escaped, ESCAPED_MAX + 1, "\\u%04x", code);
		return ret_escaped;
	}
	size_t used = 0;
	if (bytes[0] == '"' || bytes[0] == '\\')
		ret_escaped[used++] = '\\';
	memcpy(ret_escaped + used, bytes, length);
	ret_escaped[used + length] = '\0';
	return ret_escaped;
}

static void put_text(
	struct vb_audit_frame *frame, const char *key, const char *text, size_t max_bytes)
{
	char escaped[ESCAPED_MAX + 1];
	size_t size = text != NULL ? strlen(text) : 0;
	size_t needed = size < max_bytes / ESCAPED_MAX ? size * ESCAPED_MAX : max_bytes;

	if (!begin_member(frame, key, needed + sizeof("null")))
		return;
	if (text == NULL) {
		put(frame, "null");
		return;
	}
	put(frame, "\"");
	const size_t limit = frame->used + max_bytes - strlen("...");
	for (size_t pos = 0; pos < size;) {
		const uint8_t *bytes = (const uint8_t *)text + pos;
		size_t length = vb_utf8_sequence_length(bytes, size - pos);
		const char *next = escape(bytes, length, escaped);
		if (frame->used + strlen(next) > limit) {
			put(frame, "...");
			break;
		}
		put(frame, next);
		pos += length > 0 ? length : 1;
	}
	put(frame, "\"");
}

void vb_audit_text(struct vb_audit_frame *frame, const char *key, const char *text)
{
	put_text(frame, key, text, VB_AUDIT_TEXT_MAX);
}

void vb_audit_time(struct vb_audit_frame *frame, const char *key, const struct timespec *at)
{
	char text[VB_TIMESTAMP_SIZE];

	vb_timestamp_format(at, text);
	vb_audit_text(frame, key, text);
}

void vb_audit_number(struct vb_audit_frame *frame, const char *key, uint64_t number)
{
	char digits[24];

	(void)snprintf(digits, sizeof(digits), "%" PRIu64, number);
	if (begin_member(frame, key, sizeof(digits)))
		put(frame, digits);
}

void vb_audit_flag(struct vb_audit_frame *frame, const char *key, bool flag)
{
	const char *word = flag ? "true" : "false";

	if (begin_member(frame, key, strlen(word)))
		put(frame, word);
}

void vb_audit_open(struct vb_audit_frame *frame, const char *key)
{
	if (!begin_member(frame, key, sizeof("{}"))) {
		frame->is_skipping = true;
		return;
	}
	put(frame, "{");
	frame->depth++;
	frame->is_first = true;
}

void vb_audit_close(struct vb_audit_frame *frame)
{
	frame->is_skipping = false;
	if (frame->depth < 2)
		return;
	put(frame, "}");
	frame->depth--;
	frame->is_first = false;
}

void vb_audit_end(struct vb_audit_frame *frame)
{
	vb_audit_close(frame);
	put(frame, frame->cut ? ",\"cut\":true}\n" : "}\n");
	frame->depth = 0;
}

void vb_audit_subject(struct vb_audit_frame *frame, const struct vb_audit_subject *subject)
{
	const struct {
		const char *key;
		const char *text;
	} names[] = {
		{"namespace", subject->namespace_name},
		{"pod", subject->pod},
		{"container", subject->container},
		{"container_id", subject->container_id},
		{"handler", subject->handler},
		{"bundle", subject->bundle},
		{"bundle_digest", subject->bundle_digest},
		{"plan_digest", subject->plan_digest},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(names); i++)
		put_text(frame, names[i].key, names[i].text, NAME_MAX_BYTES);
}
