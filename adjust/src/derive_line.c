/* SPDX-License-Identifier: Apache-2.0 */
#include "derive_line.h"

#include <string.h>

#include "text_cursor.h"

#define AUDIT_MARK  "autonomy-preload-audit: "
#define DENIAL_MARK "autonomy-preload: "

/* The shim cuts a path whose escaped form is longer, and ends it with three dots. */
enum { ESCAPED_MAX = 2600, ESCAPED_CUT_MIN = ESCAPED_MAX - 3 };

static const struct operation {
	const char *name;
	const char *key; /* of the name in an audit line */
	enum vb_derive_list list;
	bool has_lmid;
} operations[] = {
	{"dlopen", "filename", VB_DERIVE_DLOPEN, false},
	{"dlmopen", "filename", VB_DERIVE_DLOPEN, true},
	{"execve", "path", VB_DERIVE_EXEC, false},
	{"execveat", "path", VB_DERIVE_EXEC, false},
	{"connect", "address", VB_DERIVE_CONNECT, false},
	{"sendto", "address", VB_DERIVE_CONNECT, false},
	{"sendmsg", "address", VB_DERIVE_CONNECT, false},
};

static const char *const variables[VB_DERIVE_LIST_COUNT] = {
	[VB_DERIVE_DLOPEN] = "AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST",
	[VB_DERIVE_EXEC] = "AUTONOMY_PRELOAD_EXEC_ALLOWLIST",
	[VB_DERIVE_CONNECT] = "AUTONOMY_PRELOAD_CONNECT_ALLOWLIST",
};

static const struct {
	const char *text;
	enum vb_derive_result result;
	bool of_library;
	bool of_other;
} results[] = {
	{"loaded", VB_DERIVE_ALLOWED, true, false},
	{"load_failed", VB_DERIVE_FAILED, true, false},
	{"allowed", VB_DERIVE_ALLOWED, false, true},
	{"denied", VB_DERIVE_DENIED, true, true},
};

const char *vb_derive_operation_name(unsigned int operation)
{
	return operations[operation].name;
}

/* The same at the other end. */
static bool take_end(struct vb_text_cursor *cursor, const char *text)
{
	size_t length = strlen(text);

	if (vb_text_left(cursor) < length || memcmp(cursor->end - length, text, length) != 0)
		return false;
	cursor->end -= length;
	return true;
}

static bool take_digits(struct vb_text_cursor *cursor, const char *digits)
{
	const char *start = cursor->at;

	while (cursor->at < cursor->end && *cursor->at != '\0' &&
		strchr(digits, *cursor->at) != NULL)
		cursor->at++;
	return cursor->at > start;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_control(unsigned char byte)
{
	return byte < 0x20 || byte == 0x7f;
}

/* What stands behind a backslash. The shim escapes nothing but what has to be. */
static bool take_escape(struct vb_text_cursor *cursor, char *ret_byte)
{
	if (vb_text_take(cursor, "\\"))
		*ret_byte = '\\';
	else if (vb_text_take(cursor, "\""))
		*ret_byte = '"';
	else if (!vb_text_take(cursor, "x") || vb_text_left(cursor) < 2)
		return false;
	else {
		int high = hex_value(cursor->at[0]);
		int low = hex_value(cursor->at[1]);
		/* A NUL ends a path before anybody writes it. */
		if (high < 0 || low < 0 || (high == 0 && low == 0) ||
			!is_control((unsigned char)(high << 4 | low)))
			return false;
		*ret_byte = (char)(high << 4 | low);
		cursor->at += 2;
	}
	return true;
}

/* The name up to an unescaped quote or the end. The buffer is as large as the longest line. */
static bool take_name(struct vb_text_cursor *cursor, struct vb_derive_event *event)
{
	const char *start = cursor->at;
	size_t length = 0;

	while (cursor->at < cursor->end && *cursor->at != '"') {
		char byte = *cursor->at++;
		if (is_control((unsigned char)byte) ||
			(byte == '\\' && !take_escape(cursor, &byte)))
			return false;
		event->name[length++] = byte;
	}
	event->name[length] = '\0';
	size_t escaped = (size_t)(cursor->at - start);
	if (escaped >= ESCAPED_CUT_MIN && length > 3 &&
		strcmp(event->name + length - 3, "...") == 0)
		event->flaw = VB_DERIVE_CUT;
	return length > 0 && escaped <= ESCAPED_MAX;
}

static bool take_result(struct vb_text_cursor *cursor, struct vb_derive_event *event)
{
	bool of_library = event->list == VB_DERIVE_DLOPEN;

	for (size_t i = 0; i < VB_ARRAY_SIZE(results); i++) {
		if (!(of_library ? results[i].of_library : results[i].of_other) ||
			vb_text_left(cursor) != strlen(results[i].text) ||
			!vb_text_take(cursor, results[i].text))
			continue;
		event->result = results[i].result;
		return true;
	}
	return false;
}

/* `execve(`: the operation, or NULL. */
static const struct operation *take_operation(
	struct vb_text_cursor *cursor, struct vb_derive_event *event)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(operations); i++) {
		struct vb_text_cursor rest = *cursor;
		if (!vb_text_take(&rest, operations[i].name) || !vb_text_take(&rest, "("))
			continue;
		*cursor = rest;
		event->list = operations[i].list;
		event->operation = (unsigned int)i;
		return &operations[i];
	}
	return NULL;
}

/* `dlmopen(lmid=-1, filename="/usr/lib/libfoo.so", flags=0x1, result=loaded)` */
static bool read_audit(struct vb_text_cursor *line, struct vb_derive_event *event)
{
	const struct operation *operation = take_operation(line, event);

	if (operation == NULL || !take_end(line, ")"))
		return false;
	if (operation->has_lmid &&
		!(vb_text_take(line, "lmid=") && (vb_text_take(line, "-") || true) &&
			take_digits(line, "0123456789") && vb_text_take(line, ", ")))
		return false;
	if (!vb_text_take(line, operation->key) || !vb_text_take(line, "=\"") ||
		!take_name(line, event) || !vb_text_take(line, "\", "))
		return false;
	if (event->list == VB_DERIVE_DLOPEN &&
		!(vb_text_take(line, "flags=0x") && take_digits(line, "0123456789abcdef") &&
			vb_text_take(line, ", ")))
		return false;
	event->kind = VB_DERIVE_AUDIT;
	return vb_text_take(line, "result=") && take_result(line, event);
}

/* `execve(/bin/sh) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST` */
static bool read_denial(struct vb_text_cursor *line, struct vb_derive_event *event)
{
	event->kind = VB_DERIVE_DENIAL;
	event->result = VB_DERIVE_DENIED;
	return take_operation(line, event) != NULL && take_end(line, variables[event->list]) &&
	       take_end(line, ") denied by ") && take_name(line, event) && line->at == line->end;
}

/*
 * `execveat(dirfd=-100, pathname="", flags=0x0) denied — could not resolve to absolute path for
 * allowlist check`
 */
static bool read_unresolved(struct vb_text_cursor *line, struct vb_derive_event *event)
{
	event->kind = VB_DERIVE_FLAWED;
	event->flaw = VB_DERIVE_UNRESOLVED;
	return vb_text_take(line, "execveat(dirfd=") &&
	       take_end(line, ") denied — could not resolve to absolute path for allowlist check");
}

/* `3 line(s) dropped, stderr was full`; `9 more datagram(s) denied, at most 10 lines a second` */
static bool read_lost(struct vb_text_cursor *line, struct vb_derive_event *event)
{
	const char *start = line->at;

	event->lost = 0;
	if (!take_digits(line, "0123456789") || line->at - start > 10)
		return false;
	for (const char *digit = start; digit < line->at; digit++)
		event->lost = event->lost * 10 + (uint64_t)(*digit - '0');
	bool datagrams = vb_text_take(line, " more datagram(s) denied, at most 10 lines a second");
	event->kind = datagrams ? VB_DERIVE_LOST_DATAGRAMS : VB_DERIVE_LOST;
	return (datagrams || vb_text_take(line, " line(s) dropped, stderr was full")) &&
	       line->at == line->end;
}

/* `io_uring_setup(entries=64) denied by AUTONOMY_PRELOAD_CONNECT_ALLOWLIST`: no list allows it. */
static bool read_ring(struct vb_text_cursor *line, struct vb_derive_event *event)
{
	event->kind = VB_DERIVE_RING;
	if (!vb_text_take(line, "io_uring_setup(entries=") || !take_digits(line, "0123456789") ||
		!vb_text_take(line, ") denied by "))
		return false;
	event->list =
		vb_text_take(line, variables[VB_DERIVE_EXEC]) ? VB_DERIVE_EXEC : VB_DERIVE_CONNECT;
	return (event->list == VB_DERIVE_EXEC ||
		       vb_text_take(line, variables[VB_DERIVE_CONNECT])) &&
	       line->at == line->end;
}

/* `AUTONOMY_PRELOAD_EXEC_ALLOWLIST: skipped 1 malformed, first "sh"; none is left, all is denied`
 */
static bool read_notice(struct vb_text_cursor *line, struct vb_derive_event *event)
{
	event->kind = VB_DERIVE_NOTICE;
	for (size_t i = 0; i < VB_ARRAY_SIZE(variables); i++) {
		struct vb_text_cursor rest = *line;
		if (vb_text_take(&rest, variables[i]) && vb_text_take(&rest, ": skipped ") &&
			take_digits(&rest, "0123456789") &&
			vb_text_take(&rest, " malformed, first \""))
			return true;
	}
	return false;
}

static bool read_marked(const struct vb_text_cursor *line, struct vb_derive_event *event)
{
	static bool (*const readers[])(struct vb_text_cursor *, struct vb_derive_event *) = {
		read_denial, read_unresolved, read_lost, read_ring, read_notice};
	struct vb_text_cursor rest = *line;

	if (vb_text_take(&rest, AUDIT_MARK))
		return read_audit(&rest, event);
	for (size_t i = 0; i < VB_ARRAY_SIZE(readers); i++) {
		rest = *line;
		event->flaw = VB_DERIVE_FLAW_COUNT;
		if (vb_text_take(&rest, DENIAL_MARK) && readers[i](&rest, event))
			return true;
	}
	return false;
}

static bool has(const struct vb_text_cursor *line, const char *text)
{
	return memmem(line->at, vb_text_left(line), text, strlen(text)) != NULL;
}

static void set_flaw(struct vb_derive_event *event, enum vb_derive_flaw flaw)
{
	event->kind = VB_DERIVE_FLAWED;
	event->flaw = flaw;
}

void vb_derive_read_line(const struct vb_derive_payload *payload, struct vb_derive_event *ret_event)
{
	const struct vb_text_cursor line = {
		.at = payload->text, .end = payload->text + payload->size};
	struct vb_text_cursor rest = line;

	ret_event->kind = VB_DERIVE_FOREIGN;
	ret_event->flaw = VB_DERIVE_FLAW_COUNT;
	if (!vb_text_take(&rest, AUDIT_MARK) && !vb_text_take(&rest, DENIAL_MARK)) {
		if (has(&line, AUDIT_MARK) || has(&line, DENIAL_MARK))
			set_flaw(ret_event, VB_DERIVE_MISPLACED);
		return;
	}
	/* The newline is part of the longest line. */
	if (payload->longer || payload->size >= VB_DERIVE_SHIM_LINE_MAX ||
		!read_marked(&line, ret_event))
		set_flaw(ret_event,
			payload->unfinished ? VB_DERIVE_UNFINISHED : VB_DERIVE_MALFORMED);
	else if (ret_event->flaw == VB_DERIVE_CUT)
		set_flaw(ret_event, VB_DERIVE_CUT);
}
