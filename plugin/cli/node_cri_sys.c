/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "node_cri.h"

enum {
	CALL_TIMEOUT_MS = 5000,
	RETRY_MS = 50,
	INPUT_MAX = 64 << 10,
	OUTPUT_MAX = 64 << 10,
	READ_SIZE = 16 << 10,
};

static long long now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	vb_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return vb_steal_fd(&fd);
}

static int send_all(int fd, struct vb_buf *output)
{
	while (vb_buf_size(output) > 0) {
		ssize_t n = send(fd, vb_buf_data(output), vb_buf_size(output), MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		vb_buf_consume(output, (size_t)n);
	}
	return 0;
}

static int receive(int fd, long long deadline_ms, struct vb_buf *input)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	long long left = deadline_ms - now_ms();
	uint8_t *space = NULL;

	int ready = left > 0 ? poll(&waiting, 1, (int)left) : 0;
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	if (ready == 0)
		return -ETIMEDOUT;
	int r = vb_buf_reserve(input, READ_SIZE, &space);
	if (r < 0)
		return r;
	ssize_t n = read(fd, space, READ_SIZE);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	vb_buf_commit(input, (size_t)n);
	return 0;
}

/* One unary call; the answer's body belongs to the caller. */
static int call(const char *path, const char *method, const char *message, size_t size,
	struct vb_cri_answer *answer)
{
	vb_auto_buf struct vb_buf *input = vb_buf_create(INPUT_MAX);
	vb_auto_buf struct vb_buf *output = vb_buf_create(OUTPUT_MAX);
	long long deadline = now_ms() + CALL_TIMEOUT_MS;

	if (input == NULL || output == NULL)
		return -ENOMEM;
	int r = vb_cri_request(method, message, size, output);
	if (r < 0)
		return r;
	vb_auto_close int fd = connect_to(path);
	if (fd < 0)
		return fd;
	while (r == 0 && !answer->is_done) {
		r = send_all(fd, output);
		if (r == 0)
			r = receive(fd, deadline, input);
		if (r == 0)
			r = vb_cri_take_frames(answer, input, output);
	}
	return r;
}

static int ask(const char *path, const char *method, const char *message, size_t size,
	struct vb_buf **ret_body)
{
	struct vb_cri_answer answer = {
		.body = vb_buf_create(VB_CRI_MESSAGE_MAX + VB_CRI_BODY_EXTRA)};
	const uint8_t *start = NULL;
	size_t length = 0;

	int r = answer.body != NULL ? call(path, method, message, size, &answer) : -ENOMEM;
	if (r == 0)
		r = vb_cri_message(&answer, &start, &length);
	if (r < 0) {
		vb_buf_destroy(answer.body);
		return r;
	}
	vb_buf_consume(answer.body, VB_CRI_BODY_EXTRA);
	*ret_body = answer.body;
	return 0;
}

static int fail(const char *method, int r, struct vb_error *err)
{
	if (r == -ENODATA)
		return vb_error_say(err, ENODATA, "containerd refuses the CRI call %s", method);
	return vb_error_set(err, -r, "CRI call %s", method);
}

static int ask_once(const char *path, const struct vb_node_handlers *handlers, struct vb_error *err)
{
	vb_auto_cri_status struct vb_cri_status status = {0};
	vb_auto_buf struct vb_buf *version = NULL;
	vb_auto_buf struct vb_buf *body = NULL;

	int r = ask(path, "Version", "", 0, &version);
	if (r < 0)
		return fail("Version", r, err);
	/* StatusRequest{verbose=1: true} */
	r = ask(path, "Status", "\x08\x01", 2, &body);
	if (r == 0)
		r = vb_cri_parse_status(vb_buf_data(body), vb_buf_size(body), &status);
	if (r < 0)
		return fail("Status", r, err);
	if (!status.is_ready)
		return vb_error_say(err, EAGAIN, "the CRI answers that its runtime is not ready");
	for (size_t i = 0; i < handlers->count; i++)
		if (!vb_strv_contains(&status.handlers, handlers->items[i].name))
			return vb_error_say(err, ESRCH, "the CRI does not list the handler '%s'",
				handlers->items[i].name);
	return 0;
}

int vb_node_cri_wait(const char *socket_path, const struct vb_node_handlers *handlers,
	unsigned int timeout_s, struct vb_error *err)
{
	long long deadline = now_ms() + timeout_s * 1000LL;
	struct vb_error last = {0};

	for (;;) {
		int r = ask_once(socket_path, handlers, &last);
		if (r == 0)
			return 0;
		if (now_ms() >= deadline) {
			if (err != NULL)
				*err = last;
			return r;
		}
		r = vb_node_pause(RETRY_MS, err);
		if (r < 0)
			return r;
	}
}

int vb_node_cri_sandboxes(const char *socket_path, const struct vb_node_handlers *handlers,
	struct vb_strv *sandboxes, struct vb_error *err)
{
	vb_auto_strv struct vb_strv all = {0};
	vb_auto_buf struct vb_buf *body = NULL;

	int r = ask(socket_path, "ListPodSandbox", "", 0, &body);
	if (r == 0)
		r = vb_cri_parse_sandboxes(vb_buf_data(body), vb_buf_size(body), &all);
	/* A node without a single pod answers with a message that is empty, and is one. */
	for (size_t i = 0; r == 0 && i < all.count; i++) {
		const char *tab = strchr(all.items[i], '\t');
		vb_auto_free char *name = strndup(all.items[i], strcspn(all.items[i], "\t"));
		if (name == NULL || tab == NULL)
			r = -ENOMEM;
		else if (vb_node_handlers_find(handlers, name) != NULL)
			r = vb_strv_add(sandboxes, tab + 1);
	}
	return r < 0 ? fail("ListPodSandbox", r, err) : 0;
}
