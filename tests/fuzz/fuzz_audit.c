/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the audit log, with names and texts as a pod's author may write them. */
#include <jansson.h>

#include "audit_frame.h"
#include "fuzz_adjust.h"

enum { TEXTS = 24 };

/* Up to TEXTS texts, each ended by a NUL. NULL where the input has no more. */
static void split(char *input, size_t size, const char *texts[TEXTS])
{
	const char *end = input + size;
	size_t count = 0;

	for (const char *text = input; text < end && count < TEXTS; text += strlen(text) + 1)
		texts[count++] = text;
}

static void check(const struct vb_audit_frame *frame)
{
	json_error_t error;

	fuzz_require(frame->used <= VB_AUDIT_FRAME_MAX);
	fuzz_require(memchr(frame->text, '\n', frame->used) == frame->text + frame->used - 1);
	fuzz_require(memcmp(frame->text, "{\"event\":\"refusal\",\"ts\":\"", 25) == 0);
	for (size_t i = 0; i + 1 < frame->used; i++)
		fuzz_require((unsigned char)frame->text[i] >= 0x20 && frame->text[i] != 0x7f);
	json_t *object = json_loadb(frame->text, frame->used, JSON_REJECT_DUPLICATES, &error);
	fuzz_require(json_object_get(object, "plan_digest") != NULL);
	json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *texts[TEXTS] = {NULL};
	const struct timespec at = {.tv_sec = 1};
	struct vb_audit_frame frame;
	char *input = calloc(size + 1, 1);
	char key[] = "a";

	fuzz_require(input != NULL);
	memcpy(input, data, size);
	split(input, size, texts);
	const struct vb_audit_subject subject = {
		texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], texts[7]};
	vb_audit_begin(&frame, "refusal", &at);
	vb_audit_subject(&frame, &subject);
	for (size_t i = 8; i < TEXTS; i++, key[0]++) {
		if (i == TEXTS / 2)
			vb_audit_open(&frame, "layers");
		vb_audit_text(&frame, key, texts[i]);
	}
	vb_audit_close(&frame);
	vb_audit_number(&frame, "count", size);
	vb_audit_end(&frame);
	check(&frame);
	free(input);
	return 0;
}
