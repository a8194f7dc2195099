/* SPDX-License-Identifier: Apache-2.0 */
#include "nri_runtime.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oci_node.h"

enum {
	PATIENCE_MS = 30000,
	STEP_MS = 5,
	PAYLOAD_MAX = 2 << 20,
	FRAMES_MAX = 3 << 20,
};

static void pause_ms(unsigned int ms)
{
	const struct timespec step = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	(void)nanosleep(&step, NULL);
}

void runtime_reopen(struct runtime *runtime)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = RUNTIME_SOCKET};

	(void)unlink(RUNTIME_SOCKET);
	runtime->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(runtime->listener, 0);
	ck_assert_int_eq(
		bind(runtime->listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(runtime->listener, 4), 0);
}

/* So that the ports of daemons of tests that run side by side are their own. */
static void enter_network(void)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	ck_assert_msg(unshare(CLONE_NEWNET) == 0, "network namespace: %s", strerror(errno));
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &loopback), 0);
	(void)close(fd);
}

void runtime_init(struct runtime *runtime)
{
	support_enter_node();
	enter_network();
	support_make_directories(RUNTIME_DIR);
	support_make_directories(RUNTIME_BUNDLE);
	*runtime = (struct runtime){.daemon = -1, .fd = -1, .timeout_ns = 60000000000};
	runtime_reopen(runtime);
}

/* In the child. */
static void exec_daemon(int nri_fd)
{
	char *const arguments[] = {(char[]){"vambrace-nri"}, (char[]){"--socket"},
		(char[]){RUNTIME_SOCKET}, (char[]){"--config"}, (char[]){RUNTIME_CONFIG}, NULL};
	char *const environment[] = {(char[]){"NRI_PLUGIN_SOCKET=3"}, NULL};
	int log = open(RUNTIME_LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (log < 0 || dup2(log, STDERR_FILENO) < 0)
		_exit(126);
	/* Ahead of dup2, which would not clear the flag of a descriptor that is 3 already. */
	if (nri_fd >= 0 && (nri_fd = fcntl(nri_fd, F_DUPFD_CLOEXEC, 10)) >= 0 &&
		dup2(nri_fd, 3) < 0)
		_exit(126);
	(void)execve(VB_TEST_DAEMON, arguments, nri_fd >= 0 ? environment : environ);
	_exit(127);
}

static void start(struct runtime *runtime, const char *config, int nri_fd)
{
	if (config != NULL)
		support_write_file(RUNTIME_CONFIG, config, 0644);
	runtime->daemon = fork();
	ck_assert_int_ge(runtime->daemon, 0);
	if (runtime->daemon == 0)
		exec_daemon(nri_fd);
}

void runtime_start_daemon(struct runtime *runtime, const char *config)
{
	start(runtime, config, -1);
}

static void adopt_connection(struct runtime *runtime, int fd)
{
	runtime->fd = fd;
	runtime->mux = vb_mux_create();
	ck_assert_ptr_nonnull(runtime->mux);
	runtime->next_stream_id = VB_TTRPC_STREAM_ID_FIRST;
}

void runtime_launch_daemon(struct runtime *runtime, const char *config)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	start(runtime, config, pair[1]);
	(void)close(pair[1]);
	adopt_connection(runtime, pair[0]);
}

int runtime_wait_daemon(struct runtime *runtime)
{
	int status = 0;

	for (unsigned int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		pid_t pid = waitpid(runtime->daemon, &status, WNOHANG);
		ck_assert_int_ge(pid, 0);
		if (pid == runtime->daemon) {
			ck_assert_msg(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
			return WEXITSTATUS(status);
		}
		pause_ms(STEP_MS);
	}
	(void)kill(runtime->daemon, SIGKILL);
	ck_abort_msg("the daemon does not end");
	return -1;
}

void runtime_finish(struct runtime *runtime)
{
	ck_assert_int_eq(kill(runtime->daemon, SIGTERM), 0);
	ck_assert_int_eq(runtime_wait_daemon(runtime), 0);
	runtime_close(runtime);
	if (runtime->listener >= 0)
		(void)close(runtime->listener);
}

static void wait_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	ck_assert_msg(poll(&poll_fd, 1, PATIENCE_MS) == 1, "the daemon does not speak");
}

/* Reads once, and feeds the multiplexer; false at the end. */
static bool receive_some(struct runtime *runtime)
{
	uint8_t data[65536];
	struct vb_error err = {0};

	wait_readable(runtime->fd);
	ssize_t n = recv(runtime->fd, data, sizeof(data), 0);
	if (n <= 0)
		return false;
	ck_assert_int_eq(vb_mux_feed(runtime->mux, data, (size_t)n, &err), 0);
	return true;
}

/* Waits for a whole message on a conn. */
static struct vb_ttrpc_header wait_message(struct runtime *runtime, enum vb_mux_conn conn)
{
	for (;;) {
		const uint8_t *data = NULL;
		struct vb_ttrpc_header header = {0};
		size_t size = vb_mux_peek(runtime->mux, conn, &data);
		if (vb_ttrpc_peek(data, size, &header) == 1)
			return header;
		ck_assert_msg(receive_some(runtime), "the daemon closed the connection");
	}
}

static uint32_t take_registration(struct runtime *runtime)
{
	struct vb_ttrpc_header header = wait_message(runtime, VB_MUX_CONN_RUNTIME);
	struct vb_ttrpc_request request = {0};
	struct vb_error err = {0};
	static const uint8_t expected[] = "\x0a\x08vambrace\x12\x02\x31\x30";

	ck_assert_int_eq(vb_ttrpc_decode_request(&header, &request, &err), 0);
	ck_assert_str_eq(request.service, VB_NRI_SERVICE_RUNTIME);
	ck_assert_str_eq(request.method, VB_NRI_METHOD_REGISTER);
	ck_assert_uint_ge(request.payload_size, sizeof(expected) - 1);
	ck_assert_int_eq(memcmp(request.payload, expected, sizeof(expected) - 1), 0);
	vb_mux_consume(runtime->mux, VB_MUX_CONN_RUNTIME, header.total);
	return header.stream_id;
}

uint32_t runtime_accept(struct runtime *runtime)
{
	if (runtime->fd < 0) {
		wait_readable(runtime->listener);
		adopt_connection(runtime, accept4(runtime->listener, NULL, NULL, SOCK_CLOEXEC));
	}
	return take_registration(runtime);
}

static void send_message(
	struct runtime *runtime, enum vb_mux_conn conn, const struct vb_buf *message)
{
	vb_auto_buf struct vb_buf *frames = vb_buf_create(FRAMES_MAX);
	struct vb_error err = {0};

	ck_assert_int_eq(vb_mux_append_message(frames, conn, message, &err), 0);
	ck_assert_int_eq(send(runtime->fd, vb_buf_data(frames), vb_buf_size(frames), MSG_NOSIGNAL),
		(ssize_t)vb_buf_size(frames));
}

void runtime_answer_registration(struct runtime *runtime, uint32_t stream_id, int code)
{
	vb_auto_buf struct vb_buf *message = vb_buf_create(PAYLOAD_MAX);
	vb_auto_buf struct vb_buf *empty = vb_buf_create(0);
	struct vb_error err = {0};

	int r = code == 0 ? vb_ttrpc_append_response(message, stream_id, empty, &err)
			  : vb_ttrpc_append_error(
				    message, stream_id, VB_TTRPC_UNKNOWN, "not you", &err);
	ck_assert_int_eq(r, 0);
	send_message(runtime, VB_MUX_CONN_RUNTIME, message);
}

void runtime_close(struct runtime *runtime)
{
	if (runtime->fd >= 0)
		(void)close(runtime->fd);
	runtime->fd = -1;
	vb_mux_destroy(runtime->mux);
	runtime->mux = NULL;
}

void runtime_wait_closed(struct runtime *runtime)
{
	while (receive_some(runtime))
		;
	runtime_close(runtime);
}

uint32_t runtime_greet(struct runtime *runtime, const char *version)
{
	runtime_answer_registration(runtime, runtime_accept(runtime), 0);
	const struct answer *answer =
		runtime_call(runtime, "Configure", configure_payload(version));
	ck_assert_int_eq(answer->code, 0);
	ck_assert_uint_ge(answer->payload_size, 3);
	ck_assert_uint_eq(answer->payload[0], 0x10);
	uint32_t mask = (answer->payload[1] & 0x7fU) | (uint32_t)answer->payload[2] << 7;
	ck_assert_int_eq(runtime_call(runtime, "Synchronize", payload_new())->code, 0);
	return mask;
}

uint32_t runtime_send(struct runtime *runtime, const char *method, struct vb_buf *payload)
{
	vb_auto_buf struct vb_buf *message = vb_buf_create(PAYLOAD_MAX);
	struct vb_ttrpc_request request = {.service = VB_NRI_SERVICE_PLUGIN,
		.timeout_ns = runtime->timeout_ns,
		.payload = vb_buf_data(payload),
		.payload_size = vb_buf_size(payload)};
	struct vb_error err = {0};
	uint32_t stream_id = runtime->next_stream_id;

	(void)snprintf(request.method, sizeof(request.method), "%s", method);
	ck_assert_int_eq(vb_ttrpc_append_request(message, stream_id, &request, &err), 0);
	runtime->next_stream_id += VB_TTRPC_STREAM_ID_STEP;
	send_message(runtime, VB_MUX_CONN_PLUGIN, message);
	vb_buf_destroy(payload);
	return stream_id;
}

void runtime_send_raw(struct runtime *runtime, const void *data, size_t size)
{
	vb_auto_buf struct vb_buf *message = vb_buf_create(PAYLOAD_MAX);

	ck_assert_int_eq(vb_buf_append(message, data, size), 0);
	send_message(runtime, VB_MUX_CONN_PLUGIN, message);
}

const struct answer *runtime_receive(struct runtime *runtime, uint32_t stream_id)
{
	static struct answer answer;
	struct vb_ttrpc_header header = wait_message(runtime, VB_MUX_CONN_PLUGIN);
	struct vb_ttrpc_response response = {0};
	struct vb_error err = {0};

	ck_assert_uint_eq(header.type, VB_TTRPC_RESPONSE);
	ck_assert_uint_eq(header.stream_id, stream_id);
	ck_assert_int_eq(vb_ttrpc_decode_response(&header, &response, &err), 0);
	answer = (struct answer){.code = response.code, .payload_size = response.payload_size};
	memcpy(answer.message, response.message, sizeof(answer.message));
	ck_assert_uint_le(response.payload_size, sizeof(answer.payload));
	memcpy(answer.payload, response.payload, response.payload_size);
	vb_mux_consume(runtime->mux, VB_MUX_CONN_PLUGIN, header.total);
	return &answer;
}

const struct answer *runtime_call(
	struct runtime *runtime, const char *method, struct vb_buf *payload)
{
	return runtime_receive(runtime, runtime_send(runtime, method, payload));
}

bool answer_has(const struct answer *answer, const char *text)
{
	return memmem(answer->payload, answer->payload_size, text, strlen(text)) != NULL;
}

struct vb_buf *payload_new(void)
{
	struct vb_buf *payload = vb_buf_create(PAYLOAD_MAX);

	ck_assert_ptr_nonnull(payload);
	return payload;
}

static void put_varint(struct vb_buf *payload, uint64_t number)
{
	do {
		uint8_t byte = (uint8_t)(number & 0x7f) | (number > 0x7f ? 0x80 : 0);
		ck_assert_int_eq(vb_buf_append(payload, &byte, 1), 0);
		number >>= 7;
	} while (number > 0);
}

static void put_bytes(struct vb_buf *payload, unsigned int field, const void *data, size_t size)
{
	put_varint(payload, field << 3 | 2);
	put_varint(payload, size);
	ck_assert_int_eq(vb_buf_append(payload, data, size), 0);
}

void put_text(struct vb_buf *payload, unsigned int field, const char *text)
{
	if (text != NULL)
		put_bytes(payload, field, text, strlen(text));
}

void put_number(struct vb_buf *payload, unsigned int field, uint64_t number)
{
	put_varint(payload, field << 3);
	put_varint(payload, number);
}

void put_part(struct vb_buf *payload, unsigned int field, struct vb_buf *part)
{
	put_bytes(payload, field, vb_buf_data(part), vb_buf_size(part));
	vb_buf_destroy(part);
}

void put_pair(struct vb_buf *payload, unsigned int field, const char *key, const char *value)
{
	struct vb_buf *pair = payload_new();

	put_text(pair, 1, key);
	put_text(pair, 2, value);
	put_part(payload, field, pair);
}

struct vb_buf *event_pod(const struct event_text *text)
{
	struct vb_buf *pod = payload_new();

	put_text(pod, 1, "pod1");
	put_text(pod, 2, "arm-0");
	put_text(pod, 4, "robots");
	if (text->annotation != NULL)
		put_pair(pod, 6, text->annotation, text->value);
	put_text(pod, 7, text->handler);
	return pod;
}

struct vb_buf *event_container(const struct event_text *text)
{
	struct vb_buf *container = payload_new();

	put_text(container, 1, text->id != NULL ? text->id : CONTAINER_ID);
	put_text(container, 2, "pod1");
	put_text(container, 3, "ctl");
	if (text->plan_digest != NULL)
		put_pair(container, 6, "plan-digest.vambrace.dev", text->plan_digest);
	put_text(container, 7, "/bin/ctl");
	put_text(container, 8, "PATH=/bin");
	return container;
}

struct vb_buf *event_payload(const struct event_text *text)
{
	struct vb_buf *payload = payload_new();

	put_part(payload, 1, event_pod(text));
	put_part(payload, 2, event_container(text));
	return payload;
}

struct vb_buf *state_change_payload(enum vb_nri_event event, const struct event_text *text)
{
	struct vb_buf *payload = payload_new();

	put_number(payload, 1, event);
	put_part(payload, 2, event_pod(text));
	put_part(payload, 3, event_container(text));
	return payload;
}

struct vb_buf *configure_payload(const char *version)
{
	struct vb_buf *payload = payload_new();

	put_text(payload, 2, "containerd");
	put_text(payload, 3, version);
	return payload;
}

bool runtime_has_file(const char *path)
{
	return access(path, F_OK) == 0;
}

void runtime_wait_file(const char *path, bool is_there)
{
	for (unsigned int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		if (runtime_has_file(path) == is_there)
			return;
		pause_ms(STEP_MS);
	}
	ck_abort_msg("%s is %s", path, is_there ? "not there" : "still there");
}

void runtime_wait_text(const char *path, const char *text)
{
	for (unsigned int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		if (runtime_has_file(path)) {
			vb_auto_free char *content = support_read_file(path);
			if (strstr(content, text) != NULL)
				return;
		}
		pause_ms(STEP_MS);
	}
	vb_auto_free char *content = support_read_file(path);
	ck_abort_msg("no '%s' in %s:\n%s", text, path, content);
}

void runtime_wait_log(const char *text)
{
	runtime_wait_text(RUNTIME_LOG, text);
}

void runtime_wait_audit(const char *text)
{
	runtime_wait_text(RUNTIME_AUDIT, text);
}
