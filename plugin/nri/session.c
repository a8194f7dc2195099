/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "clock.h"
#include "gate.h"
#include "link.h"
#include "sync.h"
#include "turn_sys.h"
#include "vb/proto/nri.h"
#include "watch.h"

enum {
	/* The first attempt after a loss is quick: a restarted runtime listens within 0.3 s. */
	RETRY_FIRST_MS = 50,
	/* A connect to a socket that nobody serves costs next to nothing. */
	RETRY_UNREACHABLE_MAX_MS = 500,
	RETRY_REJECTED_MAX_MS = 2000,
	/* Twice what a runtime grants; behind a silent other plugin we wait for our turn. */
	REGISTRATION_TIMEOUT_S = 10,
	SMALL_PAYLOAD_MAX = 4096,
};

struct vb_session {
	struct vb_session_options options;
	struct vb_session_parts parts;
	struct vb_gate *gate;
	struct vb_watch *watch;
	struct vb_turn turn;
	bool is_waiting;      /* another plugin has the turn */
	struct vb_link *link; /* NULL while there is no connection */
	uint64_t generation;  /* counts connections */
	uint32_t register_id;
	bool registered;
	bool configured;
	bool served; /* a request after Configure has come: the runtime took our events */
	/*
	 * The runtime closed right after Configure, as it does when it does not know an event; the
	 * next connection leaves out the newest one.
	 */
	bool without_validate;
	bool rejected;
	struct vb_sync *sync; /* NULL but between the chunks of Synchronize */
	unsigned int retry_ms;
	struct event *retry;
	struct event *registration_timeout;
	char problem[VB_ERROR_WHAT_MAX + 64]; /* while there is one */
};

static void log_event(struct vb_session *session, const char *event, const char *error)
{
	struct vb_log_line line;

	(void)snprintf(session->problem, sizeof(session->problem),
		"not registered with the runtime (%s%s%s)", event, error != NULL ? ": " : "",
		error != NULL ? error : "");
	vb_log_begin(&line, NULL, event);
	if (error != NULL)
		vb_log_text(&line, "error", error);
	vb_log_write_limited(session->parts.reporter->log, &line);
}

static void schedule_retry(struct vb_session *session, unsigned int max_ms)
{
	if (session->retry_ms > max_ms)
		session->retry_ms = max_ms;
	const struct timeval interval = vb_clock_interval(session->retry_ms);

	(void)evtimer_add(session->retry, &interval);
	session->retry_ms *= 2;
}

/* Whether the runtime sends us its events. */
static void set_registered(struct vb_session *session, bool is_registered)
{
	const struct vb_reporter *reporter = session->parts.reporter;

	if (is_registered && !reporter->metrics->is_registered)
		reporter->metrics->registrations++;
	/* With a connection begins a new account of what runs. */
	vb_levels_clear(reporter->levels);
	reporter->metrics->is_registered = is_registered;
}

static void drop_link(struct vb_session *session)
{
	vb_link_destroy(session->link);
	session->link = NULL;
	vb_turn_give_back(&session->turn);
	session->generation++;
	vb_status_set_connected(session->parts.reporter->status, false);
	set_registered(session, false);
	(void)evtimer_del(session->registration_timeout);
	vb_sync_destroy(session->sync);
	session->sync = NULL;
}

/* A connection that has come to nothing, on our side or by the runtime's word. */
static void give_up_connection(struct vb_session *session, unsigned int max_ms)
{
	drop_link(session);
	if (session->options.launched_fd >= 0) {
		session->rejected = true;
		(void)event_base_loopbreak(session->parts.base);
		return;
	}
	schedule_retry(session, max_ms);
}

static void on_closed(void *context, const struct vb_error *err)
{
	struct vb_session *session = context;

	log_event(session, "disconnected", err->what);
	session->without_validate =
		session->configured && !session->served && !session->without_validate;
	drop_link(session);
	if (session->options.launched_fd >= 0)
		(void)event_base_loopbreak(session->parts.base);
	else
		schedule_retry(session, RETRY_UNREACHABLE_MAX_MS);
}

static void on_registration_timeout(evutil_socket_t fd, short what, void *context)
{
	struct vb_session *session = context;

	(void)fd;
	(void)what;
	log_event(session, "registration-timeout", NULL);
	give_up_connection(session, RETRY_REJECTED_MAX_MS);
}

static void on_response(
	void *context, uint32_t request_id, const struct vb_ttrpc_response *response)
{
	struct vb_session *session = context;

	if (request_id != session->register_id || session->registered)
		return;
	(void)evtimer_del(session->registration_timeout);
	if (response->code != VB_TTRPC_OK) {
		/* The runtime leaves the socket open, but will never call us on it. */
		log_event(session, "registration-rejected", response->message);
		give_up_connection(session, RETRY_REJECTED_MAX_MS);
		return;
	}
	session->registered = true;
	log_event(session, "registered", NULL);
	(void)snprintf(session->problem, sizeof(session->problem),
		"registered, but the runtime has not told what runs yet");
}

static void on_garbage(void *context, const struct vb_error *err)
{
	log_event(context, "garbage", err->what);
}

static void configure(
	struct vb_session *session, uint32_t stream_id, const struct vb_ttrpc_request *request)
{
	struct vb_nri_configure configure = {0};
	struct vb_error err = {0};
	struct vb_log_line line;
	uint32_t wanted = VB_NRI_EVENTS_WANTED;
	vb_auto_arena struct vb_arena *arena = vb_arena_create(VB_ARENA_DEFAULT_BYTES);
	vb_auto_buf struct vb_buf *payload = vb_buf_create(SMALL_PAYLOAD_MAX);

	int r = arena == NULL || payload == NULL ? vb_error_set(&err, ENOMEM, "configure")
						 : vb_nri_decode_configure(arena, request->payload,
							   request->payload_size, &configure, &err);
	if (session->without_validate)
		wanted &= ~VB_NRI_EVENT_BIT(VB_NRI_EVENT_VALIDATE_ADJUSTMENT);
	uint32_t events = r == 0 ? vb_nri_event_mask(&configure, wanted) : 0;
	if (r == 0)
		r = vb_nri_encode_configure(payload, events, &err);
	if (r < 0) {
		vb_link_refuse(session->link, stream_id, VB_TTRPC_UNKNOWN, err.what);
		log_event(session, "not-configured", err.what);
		return;
	}
	vb_log_begin(&line, NULL, "configured");
	vb_log_text(&line, "runtime", configure.runtime_name);
	vb_log_text(&line, "version", configure.runtime_version);
	vb_log_word(&line, "validates",
		(events & VB_NRI_EVENT_BIT(VB_NRI_EVENT_VALIDATE_ADJUSTMENT)) != 0 ? "true"
										   : "false");
	vb_log_write_limited(session->parts.reporter->log, &line);
	vb_status_set_runtime(session->parts.reporter->status, &configure,
		(events & VB_NRI_EVENT_BIT(VB_NRI_EVENT_VALIDATE_ADJUSTMENT)) != 0);
	session->configured = true;
	/* A runtime that launched us need not synchronize (containerd 1.7). */
	if (session->options.launched_fd >= 0)
		set_registered(session, true);
	vb_link_reply(session->link, stream_id, payload);
}

/*
 * Every chunk is answered at once, what to make of it comes later. An error here would leave us
 * connected and never called (NRI 0.6), so after one we begin again.
 */
static void synchronize(
	struct vb_session *session, uint32_t stream_id, const struct vb_ttrpc_request *request)
{
	struct vb_error err = {0};
	bool more = false;
	vb_auto_buf struct vb_buf *payload = vb_buf_create(SMALL_PAYLOAD_MAX);

	if (session->sync == NULL)
		session->sync = vb_sync_create();
	int r = session->sync == NULL || payload == NULL
			? vb_error_set(&err, ENOMEM, "synchronize")
			: vb_sync_add(session->sync, request->payload, request->payload_size, &more,
				  &err);
	if (r == 0)
		r = vb_nri_encode_synchronize(payload, more, &err);
	if (r < 0) {
		log_event(session, "not-synchronized", err.what);
		give_up_connection(session, RETRY_REJECTED_MAX_MS);
		return;
	}
	vb_link_reply(session->link, stream_id, payload);
	if (more)
		return;
	const struct vb_sync_parts parts = {.shop = session->parts.shop,
		.worker = session->parts.worker,
		.watch = session->watch,
		.log = session->parts.reporter->log};
	vb_sync_finish(session->sync, vb_reload_config(session->parts.reload), &parts);
	vb_status_set_connected(session->parts.reporter->status, true);
	set_registered(session, true);
	vb_sync_destroy(session->sync);
	session->sync = NULL;
	session->retry_ms = RETRY_FIRST_MS;
}

static void forget(struct vb_session *session, const char *container_id)
{
	vb_watch_forget(session->watch, container_id);
	vb_levels_forget(session->parts.reporter->levels, container_id);
}

/* Events that only tell us something; they are answered at once. */
static void take_notice(struct vb_session *session, const struct vb_nri_request *request)
{
	const char *id = request->container.id;

	switch (request->event) {
	case VB_NRI_EVENT_POST_START_CONTAINER:
		vb_watch_started(session->watch, id);
		break;
	case VB_NRI_EVENT_STOP_CONTAINER:
		forget(session, id);
		break;
	case VB_NRI_EVENT_REMOVE_CONTAINER:
		forget(session, id);
		vb_task_submit_removal(session->parts.shop, session->parts.worker, id);
		break;
	case VB_NRI_EVENT_UNKNOWN:
	case VB_NRI_EVENT_RUN_POD_SANDBOX:
	case VB_NRI_EVENT_STOP_POD_SANDBOX:
	case VB_NRI_EVENT_REMOVE_POD_SANDBOX:
	case VB_NRI_EVENT_CREATE_CONTAINER:
	case VB_NRI_EVENT_POST_CREATE_CONTAINER:
	case VB_NRI_EVENT_START_CONTAINER:
	case VB_NRI_EVENT_UPDATE_CONTAINER:
	case VB_NRI_EVENT_POST_UPDATE_CONTAINER:
	case VB_NRI_EVENT_UPDATE_POD_SANDBOX:
	case VB_NRI_EVENT_POST_UPDATE_POD_SANDBOX:
	case VB_NRI_EVENT_VALIDATE_ADJUSTMENT:
		break;
	}
}

static bool is_gated(enum vb_nri_event event)
{
	return event == VB_NRI_EVENT_CREATE_CONTAINER || event == VB_NRI_EVENT_START_CONTAINER ||
	       event == VB_NRI_EVENT_VALIDATE_ADJUSTMENT;
}

static void handle_event(struct vb_session *session, const struct vb_ticket *ticket,
	enum vb_nri_method method, const struct vb_ttrpc_request *request)
{
	struct vb_nri_request event = {0};
	struct vb_error err = {0};
	vb_auto_arena struct vb_arena *arena = vb_arena_create(VB_ARENA_DEFAULT_BYTES);

	int r = arena == NULL ? vb_error_set(&err, ENOMEM, "read a request")
			      : vb_nri_decode_request(arena, method, request->payload,
					request->payload_size, &event, &err);
	if (r < 0) {
		vb_gate_take_unreadable(session->gate, ticket, &err);
	} else if (is_gated(event.event)) {
		vb_gate_take(session->gate, ticket, &event, VB_STEAL(arena));
	} else {
		take_notice(session, &event);
		vb_link_reply(session->link, ticket->stream_id, NULL);
	}
}

static void on_request(void *context, uint32_t stream_id, const struct vb_ttrpc_request *request)
{
	struct vb_session *session = context;
	enum vb_nri_method method = vb_nri_method_find(request->service, request->method);
	const struct vb_ticket ticket = {.session = session->generation,
		.stream_id = stream_id,
		.started_us = vb_clock_us(),
		.timeout_ns = request->timeout_ns};
	char text[VB_TTRPC_NAME_MAX + 32];

	session->served = session->served || method != VB_NRI_METHOD_CONFIGURE;
	if (method == VB_NRI_METHOD_CONFIGURE) {
		configure(session, stream_id, request);
	} else if (method == VB_NRI_METHOD_SYNCHRONIZE) {
		synchronize(session, stream_id, request);
	} else if (method == VB_NRI_METHOD_SHUTDOWN) {
		vb_link_reply(session->link, stream_id, NULL);
	} else if (method == VB_NRI_METHOD_UNKNOWN) {
		(void)snprintf(text, sizeof(text), "method %s", request->method);
		vb_link_refuse(session->link, stream_id, VB_TTRPC_UNIMPLEMENTED, text);
	} else {
		handle_event(session, &ticket, method, request);
	}
}

/* Another containerd launches a plugin of its own by this name, and must not get a second one. */
static int check_runtime(int fd, int wanted_pid, struct vb_error *err)
{
	struct ucred runtime = {0};
	socklen_t size = sizeof(runtime);

	if (wanted_pid == 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &runtime, &size) < 0)
		return vb_error_set(err, errno, "ask whose the runtime's socket is");
	if (runtime.pid == wanted_pid)
		return 0;
	return vb_error_say(err, ESRCH, "the socket is of process %d, not of the runtime %d",
		(int)runtime.pid, wanted_pid);
}

static int connect_to_runtime(
	const struct vb_session_options *options, int *ret_fd, struct vb_error *err)
{
	const char *path = options->socket_path;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return vb_error_say(err, ENAMETOOLONG, "the socket path is too long");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	vb_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return vb_error_set(err, errno, "make a socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return vb_error_set(err, errno, "connect to '%s'", path);
	int r = check_runtime(fd, options->runtime_pid, err);
	if (r < 0)
		return r;
	*ret_fd = vb_steal_fd(&fd);
	return 0;
}

static int register_plugin(struct vb_session *session, struct vb_error *err)
{
	const struct timeval timeout = {.tv_sec = REGISTRATION_TIMEOUT_S};
	vb_auto_buf struct vb_buf *payload = vb_buf_create(SMALL_PAYLOAD_MAX);

	if (payload == NULL)
		return vb_error_set(err, ENOMEM, "register");
	int r = vb_nri_encode_register(payload, session->options.name, session->options.index, err);
	if (r < 0)
		return r;
	session->register_id = vb_link_call(session->link, VB_NRI_METHOD_REGISTER, payload);
	if (session->register_id == 0)
		return vb_error_say(err, EIO, "the registration could not be sent");
	(void)evtimer_add(session->registration_timeout, &timeout);
	return 0;
}

/* Begins a session on a connected socket, which it takes over. */
static int begin(struct vb_session *session, int socket_fd, struct vb_error *err)
{
	const struct vb_link_callbacks callbacks = {.on_request = on_request,
		.on_response = on_response,
		.on_garbage = on_garbage,
		.on_closed = on_closed,
		.context = session};
	vb_auto_close int fd = socket_fd;

	int r = vb_link_create(session->parts.base, fd, &callbacks, &session->link, err);
	if (r < 0)
		return r;
	(void)vb_steal_fd(&fd);
	session->registered = false;
	session->configured = false;
	session->served = false;
	r = register_plugin(session, err);
	if (r < 0)
		drop_link(session);
	return r;
}

/* The other one's daemon.json is not to be written over. */
static void set_waiting(struct vb_session *session, const char *why)
{
	bool was_waiting = session->is_waiting;

	session->is_waiting = why != NULL;
	vb_status_set_anothers(session->parts.reporter->status, session->is_waiting);
	if (session->is_waiting && !was_waiting)
		log_event(session, "waiting", why);
	if (was_waiting && !session->is_waiting)
		session->retry_ms = RETRY_FIRST_MS;
}

static int try_connection(struct vb_session *session, struct vb_error *err)
{
	vb_auto_close int fd = -1;

	int r = vb_turn_check(&session->turn, err);
	if (r == 0)
		r = connect_to_runtime(&session->options, &fd, err);
	if (r == 0)
		r = vb_turn_take(&session->turn, fd, err);
	set_waiting(session, r == -EBUSY ? err->what : NULL);
	return r == 0 ? begin(session, vb_steal_fd(&fd), err) : r;
}

static void connect_again(struct vb_session *session)
{
	struct vb_error err = {0};

	if (try_connection(session, &err) == 0)
		return;
	vb_status_set_unreachable(session->parts.reporter->status, err.what);
	/* Once is enough to say; the retries go on for as long as the runtime is away. */
	if (session->retry_ms == RETRY_FIRST_MS && !session->is_waiting)
		log_event(session, "not-connected", err.what);
	schedule_retry(session, RETRY_UNREACHABLE_MAX_MS);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	connect_again(context);
}

void vb_session_start(struct vb_session *session)
{
	struct vb_error err = {0};

	if (session->options.launched_fd < 0) {
		connect_again(session);
		return;
	}
	/* It has no second chance, so it does not wait. */
	if (vb_turn_take(&session->turn, session->options.launched_fd, &err) < 0)
		log_event(session, "not-alone", err.what);
	if (begin(session, session->options.launched_fd, &err) < 0) {
		log_event(session, "not-connected", err.what);
		session->rejected = true;
		(void)event_base_loopbreak(session->parts.base);
	}
}

static bool port_reply(void *context, const struct vb_ticket *ticket, const struct vb_buf *payload)
{
	struct vb_session *session = context;

	if (session->link == NULL || ticket->session != session->generation)
		return false;
	vb_link_reply(session->link, ticket->stream_id, payload);
	return true;
}

static bool port_refuse(void *context, const struct vb_ticket *ticket, const char *line)
{
	struct vb_session *session = context;

	if (session->link == NULL || ticket->session != session->generation)
		return false;
	vb_link_refuse(session->link, ticket->stream_id, VB_TTRPC_UNKNOWN, line);
	return true;
}

static int make_parts(struct vb_session *session)
{
	const struct vb_session_parts *parts = &session->parts;
	const struct vb_watch_parts watch_parts = {.base = parts->base,
		.worker = parts->worker,
		.shop = parts->shop,
		.reporter = parts->reporter};
	const struct vb_gate_port port = {
		.reply = port_reply, .refuse = port_refuse, .context = session};

	session->watch = vb_watch_create(&watch_parts);
	const struct vb_gate_parts gate_parts = {.base = parts->base,
		.worker = parts->worker,
		.shop = parts->shop,
		.reload = parts->reload,
		.reporter = parts->reporter,
		.watch = session->watch};
	session->gate = vb_gate_create(&gate_parts, &port);
	session->retry = evtimer_new(parts->base, on_retry, session);
	session->registration_timeout = evtimer_new(parts->base, on_registration_timeout, session);
	return session->watch == NULL || session->gate == NULL || session->retry == NULL ||
			       session->registration_timeout == NULL
		       ? -ENOMEM
		       : 0;
}

struct vb_session *vb_session_create(
	const struct vb_session_options *options, const struct vb_session_parts *parts)
{
	struct vb_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->options = *options;
	session->parts = *parts;
	session->turn = (struct vb_turn)VB_TURN_NONE;
	session->retry_ms = RETRY_FIRST_MS;
	(void)snprintf(session->problem, sizeof(session->problem),
		"not registered with the runtime (connecting)");
	if (make_parts(session) < 0) {
		vb_session_destroy(session);
		return NULL;
	}
	return session;
}

void vb_session_destroy(struct vb_session *session)
{
	if (session == NULL)
		return;
	vb_link_destroy(session->link);
	vb_turn_finish(&session->turn);
	vb_sync_destroy(session->sync);
	vb_gate_destroy(session->gate);
	vb_watch_destroy(session->watch);
	if (session->retry != NULL)
		event_free(session->retry);
	if (session->registration_timeout != NULL)
		event_free(session->registration_timeout);
	free(session);
}

const char *vb_session_problem(const struct vb_session *session)
{
	return session->parts.reporter->metrics->is_registered ? NULL : session->problem;
}

bool vb_session_is_rejected(const struct vb_session *session)
{
	return session->rejected;
}

void vb_session_log_times(const struct vb_session *session)
{
	vb_gate_log_times(session->gate);
}
