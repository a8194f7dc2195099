/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_NRI_RUNTIME_H
#define VB_TESTS_UNIT_NRI_RUNTIME_H

#include <stdbool.h>
#include <sys/types.h>

#include "vb/base/buf.h"
#include "vb/proto/mux.h"
#include "vb/proto/nri.h"
#include "vb/proto/ttrpc.h"

/*
 * The runtime's side of the NRI wire, played to the real daemon. Every function fails the running
 * test when something does not happen within a few seconds.
 */

#define RUNTIME_DIR    "/run/nri"
#define RUNTIME_SOCKET RUNTIME_DIR "/nri.sock"
#define RUNTIME_CONFIG RUNTIME_DIR "/config.json"
#define RUNTIME_LOG    RUNTIME_DIR "/log"
#define RUNTIME_BUNDLE RUNTIME_DIR "/bundles"
#define RUNTIME_AUDIT  "/var/log/vambrace/audit.jsonl"

#define CONTAINER_ID "c0ffee0123456789"

struct runtime {
	pid_t daemon;
	int listener;
	int fd; /* the connection, -1 while there is none */
	struct vb_mux *mux;
	uint32_t next_stream_id;
	int64_t timeout_ns; /* that requests are sent with */
};

/* What the daemon answered. */
struct answer {
	int32_t code;
	char message[VB_TTRPC_STATUS_MESSAGE_MAX + 1];
	uint8_t payload[1 << 16];
	size_t payload_size;
};

/* A node and a network of its own for the test (oci_node.h), with a listening socket on it. */
void runtime_init(struct runtime *runtime);
/* Listens again after the listener was closed. */
void runtime_reopen(struct runtime *runtime);

/* Starts the daemon on the socket; config NULL: without a config file. */
void runtime_start_daemon(struct runtime *runtime, const char *config);
/* The same as a runtime would launch it, connected through descriptor 3. */
void runtime_launch_daemon(struct runtime *runtime, const char *config);

/* Waits for the daemon's end; its exit code. */
int runtime_wait_daemon(struct runtime *runtime);
/* Ends the daemon with SIGTERM, and demands that it exits with 0. */
void runtime_finish(struct runtime *runtime);

/* Takes the next connection and the registration on it; returns the stream id to answer. */
uint32_t runtime_accept(struct runtime *runtime);
void runtime_answer_registration(struct runtime *runtime, uint32_t stream_id, int code);
void runtime_close(struct runtime *runtime);
/* Waits until the daemon has closed the connection. */
void runtime_wait_closed(struct runtime *runtime);

/* Registration, Configure as this containerd and an empty Synchronize; returns the event mask. */
uint32_t runtime_greet(struct runtime *runtime, const char *version);

/* Sends a request; returns its stream id. The payload is freed. */
uint32_t runtime_send(struct runtime *runtime, const char *method, struct vb_buf *payload);
/* Sends bytes as they are on conn 1. */
void runtime_send_raw(struct runtime *runtime, const void *data, size_t size);
const struct answer *runtime_receive(struct runtime *runtime, uint32_t stream_id);
const struct answer *runtime_call(
	struct runtime *runtime, const char *method, struct vb_buf *payload);

bool answer_has(const struct answer *answer, const char *text);

/* Payloads, field by field. NULL texts are left out. */
struct vb_buf *payload_new(void);
void put_text(struct vb_buf *payload, unsigned int field, const char *text);
void put_number(struct vb_buf *payload, unsigned int field, uint64_t number);
/* Frees the part. */
void put_part(struct vb_buf *payload, unsigned int field, struct vb_buf *part);
void put_pair(struct vb_buf *payload, unsigned int field, const char *key, const char *value);

/* A pod and a container of it as the payload of an event. */
struct event_text {
	const char *id;         /* NULL: CONTAINER_ID */
	const char *handler;    /* NULL: the default one */
	const char *annotation; /* of the pod: key, NULL: none */
	const char *value;
	const char *plan_digest; /* annotation of the container */
};
struct vb_buf *event_payload(const struct event_text *text);
struct vb_buf *event_pod(const struct event_text *text);
struct vb_buf *event_container(const struct event_text *text);
/* The same for StateChange. */
struct vb_buf *state_change_payload(enum vb_nri_event event, const struct event_text *text);
struct vb_buf *configure_payload(const char *version);

bool runtime_has_file(const char *path);
/* Waits until the file is there, or is not. */
void runtime_wait_file(const char *path, bool is_there);
/* Waits until the file, the daemon's log or its audit log holds the text. */
void runtime_wait_text(const char *path, const char *text);
void runtime_wait_log(const char *text);
void runtime_wait_audit(const char *text);

#endif
