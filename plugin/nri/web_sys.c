/* SPDX-License-Identifier: Apache-2.0 */
#include "web_sys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <string.h>

#include "clock.h"
#include "loop.h"

enum {
	CONNECTIONS_MAX = 16,
	BACKLOG = 16,
	IDLE_MAX_S = 5,
	LIFE_MAX_US = 10 * 1000 * 1000,
	HEAD_MAX_BYTES = 4096,
	BODY_MAX_BYTES = 4096, /* which nobody reads, so that the answer can say so */
	TEXT_MAX_BYTES = 64 * 1024,
	TICK_BUSY_S = 1,
	TICK_IDLE_S = 5,
};

/*
 * evhttp (2.1) neither limits its connections nor says when one ends that never got as far as a
 * request. So each one's bufferevent is held here until evhttp has left it.
 */
struct connection {
	struct bufferevent *channel;
	int64_t since_us;
};

struct vb_web {
	struct vb_web_parts parts;
	struct evhttp *http;
	struct vb_connect_entry address;
	struct evhttp_bound_socket *bound; /* NULL: not listening */
	bool is_failing;
	struct connection connections[CONNECTIONS_MAX];
	size_t count;
	struct event *tick;
};

static void log_address(struct vb_web *web, const char *event, const struct vb_error *err)
{
	char address[VB_CONNECT_TEXT_MAX];
	struct vb_log_line line;

	vb_connect_format(&web->address, address);
	vb_log_begin(&line, NULL, event);
	vb_log_text(&line, "address", address);
	if (err != NULL)
		vb_log_text(&line, "error", err->what);
	vb_log_write(web->parts.log, &line);
}

static void tick_again(struct vb_web *web)
{
	const struct timeval interval = {.tv_sec = web->count > 0 ? TICK_BUSY_S : TICK_IDLE_S};

	(void)evtimer_add(web->tick, &interval);
}

static void set_accepting(struct vb_web *web, bool accepts)
{
	if (web->bound == NULL)
		return;
	struct evconnlistener *listener = evhttp_bound_socket_get_listener(web->bound);
	if (accepts)
		(void)evconnlistener_enable(listener);
	else
		(void)evconnlistener_disable(listener);
}

/* evhttp takes its callbacks off when it frees a connection. */
static bool has_ended(struct bufferevent *channel)
{
	bufferevent_event_cb callback = NULL;

	bufferevent_getcb(channel, NULL, NULL, &callback, NULL);
	return callback == NULL;
}

static void remove_connection(struct vb_web *web, size_t index)
{
	(void)bufferevent_decref(web->connections[index].channel);
	web->connections[index] = web->connections[--web->count];
}

/* Reading on, evhttp finds the end. */
static void cut(struct bufferevent *channel)
{
	(void)shutdown(bufferevent_getfd(channel), SHUT_RDWR);
}

static void sweep(struct vb_web *web)
{
	int64_t now_us = vb_clock_us();

	for (size_t i = web->count; i-- > 0;) {
		struct connection *connection = &web->connections[i];
		if (has_ended(connection->channel)) {
			remove_connection(web, i);
			continue;
		}
		/* Setting its descriptor has set a new one's priority back. */
		(void)bufferevent_priority_set(connection->channel, VB_LOOP_LAST);
		if (now_us - connection->since_us >= LIFE_MAX_US)
			cut(connection->channel);
	}
}

static struct bufferevent *on_accept(struct event_base *base, void *context)
{
	struct vb_web *web = context;
	struct bufferevent *channel = bufferevent_socket_new(base, -1, 0);

	/* Out of memory, evhttp tries for itself. At the limit nothing is accepted. */
	if (channel == NULL || web->count == CONNECTIONS_MAX)
		return channel;
	bufferevent_incref(channel);
	web->connections[web->count++] =
		(struct connection){.channel = channel, .since_us = vb_clock_us()};
	if (web->count == CONNECTIONS_MAX)
		set_accepting(web, false);
	/* Behind this callback, ahead of what the peer sends. */
	event_active(web->tick, EV_TIMEOUT, 0);
	return channel;
}

static void on_close(struct evhttp_connection *connection, void *context)
{
	struct vb_web *web = context;
	struct bufferevent *channel = evhttp_connection_get_bufferevent(connection);

	for (size_t i = 0; i < web->count; i++) {
		if (web->connections[i].channel != channel)
			continue;
		remove_connection(web, i);
		break;
	}
	set_accepting(web, true);
}

static void reply(
	struct evhttp_request *request, int status, const char *type, const void *body, size_t size)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *buffer = evhttp_request_get_output_buffer(request);
	char length[24];

	(void)snprintf(length, sizeof(length), "%zu", size);
	(void)evhttp_add_header(headers, "Content-Type", type);
	(void)evhttp_add_header(headers, "Content-Length", length);
	(void)evhttp_add_header(headers, "Connection", "close");
	if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD)
		(void)evbuffer_add(buffer, body, size);
	evhttp_send_reply(request, status, NULL, NULL);
}

static void reply_line(struct evhttp_request *request, int status, const char *text)
{
	char line[1024];

	int n = snprintf(line, sizeof(line) - 1, "%s\n", text);
	if (n >= (int)sizeof(line) - 1)
		n = (int)sizeof(line) - 2;
	reply(request, status, "text/plain; charset=utf-8", line, (size_t)n);
}

static void send_metrics(struct vb_web *web, struct evhttp_request *request)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(TEXT_MAX_BYTES);

	if (text == NULL || web->parts.render(web->parts.context, text) < 0)
		reply_line(request, HTTP_INTERNAL, "the metrics could not be written");
	else
		reply(request, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
			vb_buf_data(text), vb_buf_size(text));
}

static void send_readiness(struct vb_web *web, struct evhttp_request *request)
{
	const char *why = web->parts.why_unready(web->parts.context);

	reply_line(request, why == NULL ? HTTP_OK : HTTP_SERVUNAVAIL, why == NULL ? "ok" : why);
}

static void on_request(struct evhttp_request *request, void *context)
{
	struct vb_web *web = context;
	enum evhttp_cmd_type method = evhttp_request_get_command(request);
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;

	evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_close, web);
	if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		(void)evhttp_add_header(
			evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
		reply_line(request, HTTP_BADMETHOD, "only GET and HEAD");
	} else if (path != NULL && strcmp(path, "/metrics") == 0) {
		send_metrics(web, request);
	} else if (path != NULL && strcmp(path, "/healthz") == 0) {
		reply_line(request, HTTP_OK, "ok");
	} else if (path != NULL && strcmp(path, "/readyz") == 0) {
		send_readiness(web, request);
	} else {
		reply_line(request, HTTP_NOTFOUND, "there are /metrics, /healthz and /readyz");
	}
}

/*
 * Out of descriptors, say: the connection that waits would wake us again at once. The next tick
 * accepts again.
 */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
	(void)context;
	(void)evconnlistener_disable(listener);
}

static socklen_t fill_address(
	const struct vb_connect_entry *address, struct sockaddr_storage *ret_storage)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(address->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};

	if (address->family == AF_INET) {
		memcpy(&v4.sin_addr, address->address, sizeof(v4.sin_addr));
		memcpy(ret_storage, &v4, sizeof(v4));
		return sizeof(v4);
	}
	memcpy(&v6.sin6_addr, address->address, sizeof(v6.sin6_addr));
	memcpy(ret_storage, &v6, sizeof(v6));
	return sizeof(v6);
}

static int open_socket(const struct vb_connect_entry *address, int *ret_fd, struct vb_error *err)
{
	const int on = 1;
	struct sockaddr_storage storage = {0};
	socklen_t size = fill_address(address, &storage);

	vb_auto_close int fd =
		socket(address->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return vb_error_set(err, errno, "make a socket");
	/* A daemon that takes another's place finds the other's connections still ending. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&storage, size) < 0)
		return vb_error_set(err, errno, "bind");
	if (listen(fd, BACKLOG) < 0)
		return vb_error_set(err, errno, "listen");
	*ret_fd = vb_steal_fd(&fd);
	return 0;
}

static int bind_address(struct vb_web *web, struct vb_error *err)
{
	vb_auto_close int fd = -1;

	int r = open_socket(&web->address, &fd, err);
	if (r < 0)
		return r;
	struct evconnlistener *listener = evconnlistener_new(
		web->parts.base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (listener == NULL)
		return vb_error_set(err, ENOMEM, "listen");
	(void)vb_steal_fd(&fd);
	web->bound = evhttp_bind_listener(web->http, listener);
	if (web->bound == NULL) {
		evconnlistener_free(listener);
		return vb_error_set(err, ENOMEM, "listen");
	}
	evconnlistener_set_error_cb(listener, on_accept_error);
	return 0;
}

/* One line when it begins to fail, and one when it is over. */
static void try_to_bind(struct vb_web *web)
{
	struct vb_error err = {0};

	int r = bind_address(web, &err);
	if (r == 0)
		log_address(web, "metrics-listening", NULL);
	else if (!web->is_failing)
		log_address(web, "metrics-not-listening", &err);
	web->is_failing = r < 0;
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct vb_web *web = context;

	(void)fd;
	(void)what;
	sweep(web);
	set_accepting(web, web->count < CONNECTIONS_MAX);
	if (web->bound == NULL && web->address.port != 0)
		try_to_bind(web);
	if (web->count > 0 || web->address.port != 0)
		tick_again(web);
}

void vb_web_listen(struct vb_web *web, const struct vb_connect_entry *address)
{
	if (vb_connect_contains(&web->address, address) &&
		vb_connect_contains(address, &web->address))
		return;
	if (web->bound != NULL)
		evhttp_del_accept_socket(web->http, web->bound);
	web->bound = NULL;
	web->address = *address;
	web->is_failing = false;
	if (address->port == 0)
		return;
	try_to_bind(web);
	tick_again(web);
}

static int make_http(struct vb_web *web)
{
	web->http = evhttp_new(web->parts.base);
	web->tick = event_new(web->parts.base, -1, 0, on_tick, web);
	if (web->http == NULL || web->tick == NULL)
		return -ENOMEM;
	evhttp_set_bevcb(web->http, on_accept, web);
	evhttp_set_gencb(web->http, on_request, web);
	evhttp_set_timeout(web->http, IDLE_MAX_S);
	evhttp_set_max_headers_size(web->http, HEAD_MAX_BYTES);
	evhttp_set_max_body_size(web->http, BODY_MAX_BYTES);
	/* All known ones: on_request() says which are served. */
	evhttp_set_allowed_methods(web->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
						      EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
						      EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
						      EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
	return 0;
}

struct vb_web *vb_web_create(const struct vb_web_parts *parts)
{
	struct vb_web *web = calloc(1, sizeof(*web));

	if (web == NULL)
		return NULL;
	web->parts = *parts;
	if (make_http(web) < 0) {
		vb_web_destroy(web);
		return NULL;
	}
	return web;
}

void vb_web_destroy(struct vb_web *web)
{
	if (web == NULL)
		return;
	web->bound = NULL;
	if (web->http != NULL)
		evhttp_free(web->http);
	while (web->count > 0)
		remove_connection(web, web->count - 1);
	if (web->tick != NULL)
		event_free(web->tick);
	free(web);
}
