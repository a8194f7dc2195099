/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_VECTORS_H
#define VB_TESTS_VECTORS_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/proto/nri.h"

/* The recorded sessions of tests/vectors, and what to compare decoded messages with. */

enum direction {
	TO_RUNTIME, /* p2r */
	TO_PLUGIN,  /* r2p */
	DIRECTIONS,
};

struct session {
	char *name; /* "containerd-2.1.9/session-full" */
	json_t *index;
	uint8_t *bytes[DIRECTIONS];
	size_t sizes[DIRECTIONS];
};

/* How many sessions there are; a session's number is below that. */
size_t vectors_count(void);

/* Fails the running test when the session cannot be loaded. */
void vectors_load(size_t number, struct session *session);
void vectors_unload(struct session *session);

/* Walks the index: the messages, or frames, of one direction, in order. NULL at the end. */
json_t *vectors_next_message(
	const struct session *session, enum direction direction, uint32_t conn, size_t *position);
json_t *vectors_next_frame(
	const struct session *session, enum direction direction, size_t *position);

/* What the payload of a call to, or an answer of, that method is; NULL when we do not know it. */
const ProtobufCMessageDescriptor *vectors_payload_type(const char *method, bool is_request);

/*
 * Fails the running test unless the message has exactly what the index says it has; but for the
 * parts that nri.proto leaves out.
 */
void vectors_compare(const ProtobufCMessage *message, json_t *decoded);

/* Fails the running test unless the plain data says what protobuf-c's structs say. */
void vectors_compare_pod(const struct vb_nri_pod *pod, const void *pb_pod);
void vectors_compare_container(const struct vb_nri_container *container, const void *pb_container);
void vectors_compare_adjustment(
	const struct vb_nri_adjustment *adjustment, const void *pb_adjustment);

#endif
