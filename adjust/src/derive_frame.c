/* SPDX-License-Identifier: Apache-2.0 */
#include "derive_frame.h"

#include <ctype.h>
#include <string.h>

void vb_derive_frame_reset(struct vb_derive_frame *frame)
{
	frame->line = 0;
	frame->raw.begun = false;
	frame->streams[0].begun = false;
	frame->streams[1].begun = false;
}

static void add(struct vb_derive_part *part, const char *bytes, size_t size)
{
	if (!part->begun) {
		part->size = 0;
		part->longer = false;
		part->begun = true;
	}
	size_t room = sizeof(part->bytes) - part->size;
	if (size > room) {
		part->longer = true;
		size = room;
	}
	memcpy(part->bytes + part->size, bytes, size);
	part->size += size;
}

/* Steps over the text, when it is the next one. */
static bool take(struct vb_derive_payload *rest, const char *text)
{
	size_t length = strlen(text);

	if (rest->size < length || memcmp(rest->text, text, length) != 0)
		return false;
	rest->text += length;
	rest->size -= length;
	return true;
}

/* Steps over characters of a form: 0 is a digit, anything else itself. */
static bool take_form(struct vb_derive_payload *rest, const char *form)
{
	size_t length = strlen(form);

	if (rest->size < length)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = rest->text[i];
		if (form[i] == '0' ? !isdigit((unsigned char)c) : c != form[i])
			return false;
	}
	rest->text += length;
	rest->size -= length;
	return true;
}

static bool is_in_pod_name(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '/';
}

/* `[pod/arm-7/driver] `, as `kubectl logs --prefix` writes it. */
static void skip_pod(struct vb_derive_payload *payload)
{
	struct vb_derive_payload rest = *payload;

	if (!take(&rest, "[pod/"))
		return;
	while (rest.size > 0 && is_in_pod_name(rest.text[0])) {
		rest.text++;
		rest.size--;
	}
	if (take(&rest, "] "))
		*payload = rest;
}

/* `2026-11-29T08:15:00.123456789Z `, or with `+01:00` for the `Z`. */
static bool skip_time(struct vb_derive_payload *payload)
{
	struct vb_derive_payload rest = *payload;

	if (!take_form(&rest, "0000-00-00T00:00:00"))
		return false;
	if (take(&rest, "."))
		while (take_form(&rest, "0"))
			;
	if (!take(&rest, "Z") && !take_form(&rest, "+00:00") && !take_form(&rest, "-00:00"))
		return false;
	const char *end = rest.text;
	if (!take(&rest, " "))
		return false;
	rest.time = payload->text;
	rest.time_size = (size_t)(end - payload->text);
	*payload = rest;
	return true;
}

/* `stderr F ` behind the time of a CRI log file. Returns 0 or 1 for the stream, or -1. */
static int skip_stream(struct vb_derive_payload *payload, bool *ret_partial)
{
	struct vb_derive_payload rest = *payload;
	int stream = take(&rest, "stdout ") ? 0 : take(&rest, "stderr ") ? 1 : -1;

	if (stream < 0)
		return -1;
	bool partial = take(&rest, "P");
	if (!partial && !take(&rest, "F"))
		return -1;
	/* Further tags, which nobody writes yet, would follow a colon. */
	if (rest.size > 0 && rest.text[0] == ':') {
		const char *space = memchr(rest.text, ' ', rest.size);
		if (space == NULL)
			return -1;
		rest.size -= (size_t)(space - rest.text);
		rest.text = space;
	}
	if (!take(&rest, " "))
		return -1;
	*payload = rest;
	*ret_partial = partial;
	return stream;
}

static int hand_out(struct vb_derive_frame *frame, struct vb_derive_payload *payload,
	vb_derive_payload_fn function, void *context)
{
	/* A terminal (`tty: true`) ends its lines so; the shim never writes one. */
	if (payload->size > 0 && payload->text[payload->size - 1] == '\r')
		payload->size--;
	return function(payload, frame->line, context);
}

static int take_line(struct vb_derive_frame *frame, bool unfinished, vb_derive_payload_fn function,
	void *context)
{
	struct vb_derive_part *raw = &frame->raw;
	struct vb_derive_payload payload = {.text = raw->bytes,
		.size = raw->size,
		.longer = raw->longer,
		.unfinished = unfinished};
	bool partial = false;

	raw->begun = false;
	skip_pod(&payload);
	int stream = skip_time(&payload) ? skip_stream(&payload, &partial) : -1;
	if (stream < 0)
		return hand_out(frame, &payload, function, context);
	struct vb_derive_part *part = &frame->streams[stream];
	if (!partial && !part->begun)
		return hand_out(frame, &payload, function, context);
	add(part, payload.text, payload.size);
	part->longer = part->longer || payload.longer;
	if (partial)
		return 0;
	part->begun = false;
	struct vb_derive_payload joined = {.text = part->bytes,
		.size = part->size,
		.time = payload.time,
		.time_size = payload.time_size,
		.longer = part->longer,
		.unfinished = unfinished};
	return hand_out(frame, &joined, function, context);
}

int vb_derive_frame_feed(struct vb_derive_frame *frame, const char *data, size_t size,
	vb_derive_payload_fn function, void *context)
{
	while (size > 0) {
		const char *newline = memchr(data, '\n', size);
		size_t length = newline != NULL ? (size_t)(newline - data) : size;
		if (!frame->raw.begun)
			frame->line++;
		add(&frame->raw, data, length);
		if (newline == NULL)
			return 0;
		int r = take_line(frame, false, function, context);
		if (r < 0)
			return r;
		data += length + 1;
		size -= length + 1;
	}
	return 0;
}

int vb_derive_frame_end(struct vb_derive_frame *frame, vb_derive_payload_fn function, void *context)
{
	int r = frame->raw.begun ? take_line(frame, true, function, context) : 0;

	for (size_t i = 0; r >= 0 && i < VB_ARRAY_SIZE(frame->streams); i++) {
		struct vb_derive_part *part = &frame->streams[i];
		if (!part->begun)
			continue;
		struct vb_derive_payload payload = {.text = part->bytes,
			.size = part->size,
			.longer = part->longer,
			.unfinished = true};
		r = hand_out(frame, &payload, function, context);
	}
	vb_derive_frame_reset(frame);
	return r;
}
