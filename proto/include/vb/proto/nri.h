/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PROTO_NRI_H
#define VB_PROTO_NRI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vb/base/buf.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"
#include "vb/proto/arena.h"

/*
 * The payloads of NRI (nri.pkg.api.v1alpha1, containerd 1.7 to 2.3) as plain data.
 *
 * A session: encode_register -> conn 2. On conn 1: Configure (answer: event mask), Synchronize
 * (one or more chunks, each answered), then one request per lifecycle event. Requests of the
 * dedicated style and of the StateChange style decode to the same struct vb_nri_request.
 *
 * Decoding never trusts the payload: it is walked and checked before protobuf-c sees it, and
 * decoded objects come from the caller's arena; strings and arrays in a result live as long as the
 * arena's content, and strings are never NULL (empty arrays may be). Errnos of all decoders:
 * -EBADMSG not a well-formed message, -ENOBUFS over the arena's budget, -ENOMEM. Answer any of them
 * with vb_ttrpc_append_error(), which makes the runtime fail the operation.
 */

#define VB_NRI_SERVICE_RUNTIME "nri.pkg.api.v1alpha1.Runtime"
#define VB_NRI_SERVICE_PLUGIN  "nri.pkg.api.v1alpha1.Plugin"
#define VB_NRI_METHOD_REGISTER "RegisterPlugin"

/* What the runtime may call on us. */
enum vb_nri_method {
	VB_NRI_METHOD_UNKNOWN, /* answer VB_TTRPC_UNIMPLEMENTED */
	VB_NRI_METHOD_CONFIGURE,
	VB_NRI_METHOD_SYNCHRONIZE,
	VB_NRI_METHOD_SHUTDOWN,
	VB_NRI_METHOD_STATE_CHANGE,
	/* The rest are events; vb_nri_decode_request() takes them and StateChange. */
	VB_NRI_METHOD_RUN_POD_SANDBOX,
	VB_NRI_METHOD_UPDATE_POD_SANDBOX,
	VB_NRI_METHOD_POST_UPDATE_POD_SANDBOX,
	VB_NRI_METHOD_STOP_POD_SANDBOX,
	VB_NRI_METHOD_REMOVE_POD_SANDBOX,
	VB_NRI_METHOD_CREATE_CONTAINER,
	VB_NRI_METHOD_POST_CREATE_CONTAINER,
	VB_NRI_METHOD_START_CONTAINER,
	VB_NRI_METHOD_POST_START_CONTAINER,
	VB_NRI_METHOD_UPDATE_CONTAINER,
	VB_NRI_METHOD_POST_UPDATE_CONTAINER,
	VB_NRI_METHOD_STOP_CONTAINER,
	VB_NRI_METHOD_REMOVE_CONTAINER,
	VB_NRI_METHOD_VALIDATE_ADJUSTMENT,
};

/* VB_NRI_METHOD_UNKNOWN when the service is not the Plugin service or has no such method. */
enum vb_nri_method vb_nri_method_find(const char *service, const char *method);

/* The numbers are those of the wire. */
enum vb_nri_event {
	VB_NRI_EVENT_UNKNOWN = 0, /* also any number that this version does not know */
	VB_NRI_EVENT_RUN_POD_SANDBOX = 1,
	VB_NRI_EVENT_STOP_POD_SANDBOX = 2,
	VB_NRI_EVENT_REMOVE_POD_SANDBOX = 3,
	VB_NRI_EVENT_CREATE_CONTAINER = 4,
	VB_NRI_EVENT_POST_CREATE_CONTAINER = 5,
	VB_NRI_EVENT_START_CONTAINER = 6,
	VB_NRI_EVENT_POST_START_CONTAINER = 7,
	VB_NRI_EVENT_UPDATE_CONTAINER = 8,
	VB_NRI_EVENT_POST_UPDATE_CONTAINER = 9,
	VB_NRI_EVENT_STOP_CONTAINER = 10,
	VB_NRI_EVENT_REMOVE_CONTAINER = 11,
	VB_NRI_EVENT_UPDATE_POD_SANDBOX = 12,
	VB_NRI_EVENT_POST_UPDATE_POD_SANDBOX = 13,
	VB_NRI_EVENT_VALIDATE_ADJUSTMENT = 14,
};

/* The bit of an event in a subscription mask. */
#define VB_NRI_EVENT_BIT(event) (UINT32_C(1) << ((unsigned int)(event)-1))

/* What vambrace-nri subscribes to, before vb_nri_event_mask() cuts it down to the runtime's. */
#define VB_NRI_EVENTS_WANTED                                                                       \
	(VB_NRI_EVENT_BIT(VB_NRI_EVENT_REMOVE_POD_SANDBOX) |                                       \
		VB_NRI_EVENT_BIT(VB_NRI_EVENT_CREATE_CONTAINER) |                                  \
		VB_NRI_EVENT_BIT(VB_NRI_EVENT_START_CONTAINER) |                                   \
		VB_NRI_EVENT_BIT(VB_NRI_EVENT_POST_START_CONTAINER) |                              \
		VB_NRI_EVENT_BIT(VB_NRI_EVENT_STOP_CONTAINER) |                                    \
		VB_NRI_EVENT_BIT(VB_NRI_EVENT_REMOVE_CONTAINER) |                                  \
		VB_NRI_EVENT_BIT(VB_NRI_EVENT_VALIDATE_ADJUSTMENT))

/* For logs: the method's name on the wire, such as "StartContainer". "unknown" for the rest. */
const char *vb_nri_event_name(enum vb_nri_event event);

struct vb_nri_strings {
	char *const *items;
	size_t count;
};

struct vb_nri_pair {
	const char *key;
	const char *value;
};

struct vb_nri_pairs {
	const struct vb_nri_pair *items;
	size_t count;
};

/* The value of the last pair with that key, or NULL. */
const char *vb_nri_pairs_get(const struct vb_nri_pairs *pairs, const char *key);

struct vb_nri_mount {
	const char *destination;
	const char *type;
	const char *source;
	struct vb_nri_strings options;
};

struct vb_nri_mounts {
	const struct vb_nri_mount *items;
	size_t count;
};

struct vb_nri_rlimit {
	const char *type; /* "RLIMIT_NOFILE" */
	uint64_t hard;
	uint64_t soft;
};

struct vb_nri_namespace {
	const char *type; /* "pid", "mount", ... */
	const char *path; /* empty: a new one */
};

struct vb_nri_seccomp_argument {
	uint32_t index;
	uint64_t value;
	uint64_t value_two;
	const char *op;
};

struct vb_nri_seccomp_rule {
	struct vb_nri_strings names;
	const char *action;
	bool has_errno;
	uint32_t errno_ret;
	const struct vb_nri_seccomp_argument *arguments;
	size_t argument_count;
};

struct vb_nri_seccomp {
	const char *default_action;
	bool has_default_errno;
	uint32_t default_errno;
	struct vb_nri_strings architectures;
	struct vb_nri_strings flags;
	const char *listener_path;
	const struct vb_nri_seccomp_rule *rules;
	size_t rule_count;
};

struct vb_nri_pod {
	const char *id;
	const char *name;
	const char *uid;
	const char *name_space;
	const char *runtime_handler; /* empty: the node's default */
	const char *cgroup_parent;
	const char *cgroups_path;
	struct vb_nri_pairs labels;
	struct vb_nri_pairs annotations;
	uint32_t pid; /* 0 in the stripped pod of some Stop and Remove events */
	/*
	 * A string of it held a NUL or was not UTF-8: such strings are cut or scrubbed, so decide
	 * nothing favourable on them. Pod authors can bring this about.
	 */
	bool has_bad_text;
};

enum vb_nri_container_state {
	VB_NRI_CONTAINER_UNKNOWN = 0, /* also in CreateContainer */
	VB_NRI_CONTAINER_CREATED = 1,
	VB_NRI_CONTAINER_PAUSED = 2,
	VB_NRI_CONTAINER_RUNNING = 3,
	VB_NRI_CONTAINER_STOPPED = 4,
};

struct vb_nri_container {
	const char *id;
	const char *pod_sandbox_id;
	const char *name;
	enum vb_nri_container_state state;
	struct vb_nri_pairs labels;
	struct vb_nri_pairs annotations;
	struct vb_nri_strings args;
	struct vb_nri_strings env; /* KEY=value */
	struct vb_nri_mounts mounts;
	const struct vb_nri_rlimit *rlimits; /* filled from containerd 2.3 on */
	size_t rlimit_count;
	const struct vb_nri_namespace *namespaces;
	size_t namespace_count;
	const char *cgroups_path;
	uint32_t pid;
	int64_t created_at_ns;
	int64_t started_at_ns;
	int64_t finished_at_ns;
	int32_t exit_code;
	bool has_user; /* from containerd 2.3 on */
	uint32_t uid;
	uint32_t gid;
	const uint32_t *additional_gids;
	size_t additional_gid_count;
	const struct vb_nri_seccomp *seccomp; /* from containerd 2.2 on; NULL: none shown */
	bool has_bad_text;                    /* as in struct vb_nri_pod */
};

/*
 * What a plugin asks for. A mount, annotation or env key with a leading '-' is a removal. The
 * runtime fails the creation when one thing is set twice, by one plugin or by two.
 */
struct vb_nri_adjustment {
	struct vb_nri_pairs annotations;
	struct vb_nri_pairs env;
	struct vb_nri_mounts mounts;
};

struct vb_nri_configure {
	const char *config; /* the file of a launched plugin; empty for others */
	const char *runtime_name;
	const char *runtime_version;
	const char *nri_version;         /* empty before NRI 0.12 */
	int64_t registration_timeout_ms; /* 0 before NRI 0.7 */
	int64_t request_timeout_ms;
};

int vb_nri_decode_configure(struct vb_arena *arena, const uint8_t *payload, size_t size,
	struct vb_nri_configure *ret_configure, struct vb_error *err) VB_WARN_UNUSED;

/*
 * The runtime's version number: "2.1.9+unknown", "1.7.24~ds1", "v2.2.0-rc.1". What follows the
 * third number is ignored but for a pre-release mark (alpha, beta, rc). Missing numbers are 0.
 */
struct vb_nri_version {
	unsigned int major;
	unsigned int minor;
	unsigned int patch;
	bool is_prerelease;
};

/* False when the text has no number at its start; *ret_version is zero then. */
bool vb_nri_version_parse(const char *text, struct vb_nri_version *ret_version);

/*
 * Reduces the wanted events to those that the runtime knows; it disconnects a plugin that asks for
 * others. containerd before 2.2 and runtimes that we cannot place know the first eleven events;
 * containerd from 2.2 on, and whoever names an NRI version (0.12), all fourteen.
 * The result is never used when it is 0: on the wire that means every event.
 */
uint32_t vb_nri_event_mask(const struct vb_nri_configure *configure, uint32_t wanted);

/*
 * A lifecycle event with its pod and container; of Update events the resources are left out.
 * adjustment and plugin_names are those of ValidateContainerAdjustment, empty otherwise.
 */
struct vb_nri_request {
	enum vb_nri_event event;
	struct vb_nri_pod pod;
	bool has_container; /* false in pod events */
	struct vb_nri_container container;
	/* What all plugins together asked for, and the plugins ("10-vambrace") that were asked. */
	struct vb_nri_adjustment adjustment;
	struct vb_nri_strings plugin_names;
	bool adjustment_has_bad_text;
};

/*
 * Decodes StateChange and every event method. -EBADMSG also when a container event has no
 * container, or any event but StopContainer and RemoveContainer no pod: the runtime may have
 * forgotten the pod by then, and pod.id is empty. -EINVAL when the method is none of these.
 *
 * Ids of pods and containers are fit to be file names: letters, digits and ._-, first a letter or
 * digit, at most 128 bytes. Others are -EBADMSG, here and in vb_nri_synchronize_next().
 */
int vb_nri_decode_request(struct vb_arena *arena, enum vb_nri_method method, const uint8_t *payload,
	size_t size, struct vb_nri_request *ret_request, struct vb_error *err) VB_WARN_UNUSED;

/*
 * One chunk of Synchronize, decoded item by item: a node's whole state can be megabytes, and one
 * tenant's odd pod must not make the rest undecodable. Pods come before containers. When `more` is
 * set, answer with more and keep what was learnt: further chunks follow.
 */
struct vb_nri_synchronize {
	bool more;
	const uint8_t *next; /* private */
	size_t left;         /* private */
};

struct vb_nri_item {
	bool is_container;
	struct vb_nri_pod pod;             /* when it is not */
	struct vb_nri_container container; /* when it is */
};

/* Checks the chunk's outline. The payload must outlive *ret_synchronize. */
int vb_nri_decode_synchronize(const uint8_t *payload, size_t size,
	struct vb_nri_synchronize *ret_synchronize, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Decodes the next pod or container. Returns 1, 0 at the end, or an error about this one item,
 * after which the next call goes on behind it. The arena may be reset between two calls.
 */
int vb_nri_synchronize_next(struct vb_nri_synchronize *synchronize, struct vb_arena *arena,
	struct vb_nri_item *ret_item, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Each appends a payload to out, for vb_ttrpc_append_request() or vb_ttrpc_append_response().
 * -EINVAL when a string is not UTF-8 (a Go peer rejects the whole message), -ENOSPC at the cap of
 * out, -ENOMEM; out is unchanged then. Responses to all other methods have an empty payload.
 */

/* index: two digits; name: [A-Za-z0-9._+-]+ (NRI 0.12 checks; -EINVAL otherwise). */
int vb_nri_encode_register(struct vb_buf *out, const char *name, const char *index,
	struct vb_error *err) VB_WARN_UNUSED;

/* events must not be 0 (-EINVAL), which would subscribe to everything. */
int vb_nri_encode_configure(
	struct vb_buf *out, uint32_t events, struct vb_error *err) VB_WARN_UNUSED;

/* more: as the request said. */
int vb_nri_encode_synchronize(struct vb_buf *out, bool more, struct vb_error *err) VB_WARN_UNUSED;

int vb_nri_encode_create(struct vb_buf *out, const struct vb_nri_adjustment *adjustment,
	struct vb_error *err) VB_WARN_UNUSED;

/* reason NULL: no objection. */
int vb_nri_encode_validate(
	struct vb_buf *out, const char *reason, struct vb_error *err) VB_WARN_UNUSED;

#endif
