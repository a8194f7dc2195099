/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon serves over HTTP, and what it costs those who wait for decisions: nothing. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "nri_runtime.h"
#include "oci_node.h"
#include "unit.h"
#include "vb/base/str.h"

#define CONFIG    "{\"bundle_dirs\":[\"" RUNTIME_BUNDLE "\"]"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define UNKNOWN   "vambrace_decisions_total{result=\"refused\",code=\"ErrUnknownAnnotation\"} "
#define ADMITTED  "vambrace_decisions_total{result=\"admitted\",code=\"\"} "
#define PASSED    "vambrace_decisions_total{result=\"passed\",code=\"\"} "

enum {
	PORT = 9465,
	OTHER_PORT = 9466,
	/* Ten seconds are what the daemon gives a connection. */
	PATIENCE_MS = 20000,
	SERVED = 16,
	/* That the daemon has open for a moment, to write them. */
	FILES = 4,
	/* More than the daemon takes at once, fewer than the kernel lets wait besides. */
	MANY = 30,
};

static const struct event_text hardened = {
	.handler = "vambrace", .annotation = "no-new-privileges.vambrace.dev", .value = "true"};
static const struct event_text unknown = {
	.handler = "vambrace", .annotation = "cap-dorp.vambrace.dev", .value = "ALL"};
static const struct event_text others = {.handler = "runc"};

static struct runtime runtime;
static char page[1 << 17];

static void set_up(void)
{
	runtime_init(&runtime);
	runtime_start_daemon(&runtime, CONFIG "}");
	(void)runtime_greet(&runtime, "2.2.7");
}

static void tear_down(void)
{
	runtime_finish(&runtime);
}

static const struct answer *call(const char *method, const struct event_text *text)
{
	return runtime_call(&runtime, method, event_payload(text));
}

/* -errno where nobody listens. */
static int dial(uint16_t port)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int r = -errno;
	(void)close(fd);
	return r;
}

static int dial_daemon(void)
{
	int fd = dial(PORT);

	ck_assert_msg(fd >= 0, "%s", strerror(-fd));
	return fd;
}

/* The daemon may have hung up already. */
static void say(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* All that comes until the daemon hangs up, as it has to; closes. */
static const char *read_all(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	size_t used = 0;
	ssize_t n = 1;

	while (n > 0) {
		ck_assert_msg(poll(&poll_fd, 1, PATIENCE_MS) == 1, "the daemon does not hang up");
		n = recv(fd, page + used, sizeof(page) - 1 - used, 0);
		used += n > 0 ? (size_t)n : 0;
	}
	page[used] = '\0';
	(void)close(fd);
	return page;
}

static const char *ask(const char *request)
{
	int fd = dial_daemon();

	say(fd, request);
	return read_all(fd);
}

static void expect_status(const char *request, const char *status)
{
	const char *answer = ask(request);

	ck_assert_msg(vb_str_after(answer, status) != NULL, "%s: %s", request, answer);
}

/* The number behind the name of a series. */
static long value_of(const char *series)
{
	vb_auto_free char *needle = vb_str_format("\n%s", series);
	const char *at = strstr(ask(GET("/metrics")), needle);

	ck_assert_msg(at != NULL, "no %s in %s", series, page);
	return strtol(at + strlen(needle), NULL, 10);
}

START_TEST(decisions_are_counted_by_result_and_code)
{
	ck_assert_int_eq(value_of(ADMITTED), 0);
	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
	ck_assert_int_ne(call("CreateContainer", &unknown)->code, 0);
	ck_assert_int_ne(call("CreateContainer", &unknown)->code, 0);
	ck_assert_int_eq(call("CreateContainer", &others)->code, 0);
	ck_assert_int_eq(value_of(ADMITTED), 1);
	ck_assert_int_eq(value_of(UNKNOWN), 2);
	ck_assert_int_eq(value_of(PASSED), 1);
	ck_assert_int_eq(
		value_of("vambrace_request_duration_seconds_count{request=\"create\"} "), 4);
	ck_assert_int_eq(value_of("vambrace_request_duration_seconds_bucket{request=\"create\","
				  "le=\"+Inf\"} "),
		4);
	ck_assert_int_gt(value_of("process_resident_memory_bytes "), 100000);
	ck_assert_int_gt(value_of("process_open_fds "), 3);
}
END_TEST

START_TEST(metrics_have_their_content_type_and_head_has_no_body)
{
	expect_status(GET("/metrics"), "HTTP/1.1 200 OK\r\n");
	ck_assert_ptr_nonnull(
		strstr(page, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	ck_assert_ptr_nonnull(strstr(page, "\r\nConnection: close\r\n"));
	ck_assert_ptr_nonnull(strstr(page, "\r\n\r\n# HELP vambrace_decisions_total "));
	expect_status("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n");
	ck_assert_str_eq(strstr(page, "\r\n\r\n"), "\r\n\r\n");
	expect_status(GET("/metrics?name=x"), "HTTP/1.1 200 OK\r\n");
}
END_TEST

START_TEST(other_paths_and_methods_are_refused)
{
	expect_status(GET("/"), "HTTP/1.1 404 ");
	expect_status(GET("/metrics/"), "HTTP/1.1 404 ");
	expect_status("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b",
		"HTTP/1.1 405 ");
	ck_assert_ptr_nonnull(strstr(page, "\r\nAllow: GET, HEAD\r\n"));
	expect_status("DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 405 ");
	expect_status("BREW /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 501 ");
}
END_TEST

START_TEST(it_is_ready_only_while_it_is_registered)
{
	expect_status(GET("/readyz"), "HTTP/1.1 200 ");
	ck_assert_int_eq(value_of("vambrace_registered "), 1);
	runtime_close(&runtime);
	(void)close(runtime.listener);
	runtime_wait_log("event=disconnected");
	expect_status(GET("/readyz"), "HTTP/1.1 503 ");
	ck_assert_ptr_nonnull(strstr(page, "\r\n\r\nnot registered with the runtime ("));
	ck_assert_int_eq(value_of("vambrace_registered "), 0);
	expect_status(GET("/healthz"), "HTTP/1.1 200 ");
	runtime_reopen(&runtime);
	runtime_answer_registration(&runtime, runtime_accept(&runtime), 0);
	expect_status(GET("/readyz"), "HTTP/1.1 503 ");
	ck_assert_int_eq(runtime_call(&runtime, "Configure", configure_payload("2.2.7"))->code, 0);
	expect_status(GET("/readyz"), "HTTP/1.1 503 ");
	ck_assert_ptr_nonnull(strstr(page, "\r\n\r\nregistered, but the runtime has not"));
	ck_assert_int_eq(runtime_call(&runtime, "Synchronize", payload_new())->code, 0);
	expect_status(GET("/readyz"), "HTTP/1.1 200 ");
	ck_assert_int_eq(value_of("vambrace_reconnects_total "), 1);
}
END_TEST

/* What is too long, malformed or cut short; the daemon hangs up on each, and lives. */
START_TEST(no_request_does_harm)
{
	static char big[256 * 1024];
	static const char head[] = "GET /metrics HTTP/1.1\r\nX: ";
	static const char *const requests[] = {"\r\n\r\n", "\x16\x03\x01\x02", "GET\r\n\r\n",
		"GET  HTTP/1.1\r\n\r\n", "GET /metrics HTTP/9.9.9\r\n\r\n",
		"GET /metrics HTTP/1.1\r\n: \r\n\r\n", "GET /metrics HTTP/1.1\r\nnothing\r\n\r\n",
		"GET //[/metrics HTTP/1.1\r\n\r\n", "GET http://a:b@[::/x HTTP/1.1\r\n\r\n",
		"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		"GET /metrics HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		"GET /metrics HTTP/1.1\r\nContent-Length: 100000\r\n\r\nx",
		"GET /metrics HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
		"CONNECT a:1 HTTP/1.1\r\n\r\n"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(requests); i++) {
		int fd = dial_daemon();
		say(fd, requests[i]);
		(void)shutdown(fd, SHUT_WR);
		ck_assert_ptr_null(strstr(read_all(fd), "HTTP/1.1 500"));
	}
	memset(big, 'a', sizeof(big) - 1);
	(void)ask(big);
	for (size_t i = 0; head[i] != '\0'; i++)
		big[i] = head[i];
	(void)snprintf(big + sizeof(big) - 5, 5, "\r\n\r\n");
	ck_assert_ptr_null(strstr(ask(big), " 200 "));
	expect_status(GET("/healthz"), "HTTP/1.1 200 ");
	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
}
END_TEST

START_TEST(of_requests_sent_together_the_first_is_answered)
{
	const char *answer = ask(GET("/healthz") GET("/metrics") GET("/readyz"));

	ck_assert_ptr_nonnull(vb_str_after(answer, "HTTP/1.1 200 "));
	ck_assert_ptr_null(strstr(answer + 1, "HTTP/1.1"));
}
END_TEST

/* Of the daemon; counted by others than the daemon, so that counting needs no connection. */
static size_t count_descriptors(void)
{
	char path[64];
	size_t count = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", runtime.daemon);
	DIR *directory = opendir(path);
	ck_assert_ptr_nonnull(directory);
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
		count += entry->d_name[0] != '.';
	(void)closedir(directory);
	return count;
}

/* Each keeps silent in the middle of a request, or does not read its answer. */
START_TEST(decisions_are_made_while_many_connections_hang)
{
	int fds[MANY];

	/* The audit log stays open from its first frame on. */
	runtime_wait_audit("\"event\":\"started\"");
	size_t before = count_descriptors();
	for (size_t i = 0; i < MANY; i++) {
		fds[i] = dial_daemon();
		say(fds[i], i % 2 == 0 ? "GET /metrics HT" : "GET /metrics HTTP/1.1\r\nA: ");
	}
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
		ck_assert_int_ne(call("CreateContainer", &unknown)->code, 0);
	}
	ck_assert_uint_le(count_descriptors(), before + SERVED + FILES);
	/* Those in front of it have their time, then its turn comes. */
	expect_status(GET("/healthz"), "HTTP/1.1 200 ");
	for (size_t i = 0; i < MANY; i++)
		(void)close(fds[i]);
	expect_status(GET("/healthz"), "HTTP/1.1 200 ");
	size_t after = before + 1;
	for (int i = 0; i < 100 && after > before; i++) {
		(void)poll(NULL, 0, 50);
		after = count_descriptors();
	}
	ck_assert_uint_le(after, before + FILES);
}
END_TEST

/* A byte now and then is no idleness; the time of a connection ends all the same. */
START_TEST(a_peer_that_dribbles_is_cut_off)
{
	int fd = dial_daemon();
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	bool is_over = false;

	say(fd, "GET /metrics HTTP/1.1\r\nA: ");
	for (int i = 0; i < 30 && !is_over; i++) {
		say(fd, "a");
		is_over = poll(&poll_fd, 1, 1000) == 1;
	}
	ck_assert_msg(is_over, "after 30 seconds it is still connected");
	(void)close(fd);
}
END_TEST

static void configure_and_wait(const char *config, const char *log)
{
	support_write_file(RUNTIME_CONFIG, config, 0644);
	runtime_wait_log(log);
}

START_TEST(a_new_address_is_taken_at_once_and_the_former_left)
{
	expect_status(GET("/healthz"), "HTTP/1.1 200 ");
	configure_and_wait(CONFIG ",\"metrics_listen\":\"127.0.0.1:9466\"}",
		"event=metrics-listening address=\"127.0.0.1:9466\"");
	ck_assert_int_eq(dial(PORT), -ECONNREFUSED);
	int fd = dial(OTHER_PORT);
	ck_assert_int_ge(fd, 0);
	say(fd, GET("/metrics"));
	ck_assert_ptr_nonnull(
		strstr(read_all(fd), "\nvambrace_config_reloads_total{result=\"loaded\"} 1\n"));
	/* What is bad changes nothing. */
	configure_and_wait(CONFIG ",\"metrics_listen\":\"localhost:9465\"}", "event=config-kept");
	fd = dial(OTHER_PORT);
	ck_assert_int_ge(fd, 0);
	say(fd, GET("/metrics"));
	ck_assert_ptr_nonnull(
		strstr(read_all(fd), "\nvambrace_config_reloads_total{result=\"kept\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(page, "\nvambrace_config_problem 1\n"));
	configure_and_wait(CONFIG ",\"metrics_listen\":\"[::1]:9465\"}",
		"event=metrics-listening address=\"[::1]:9465\"");
	ck_assert_int_eq(dial(OTHER_PORT), -ECONNREFUSED);
}
END_TEST

START_TEST(an_empty_address_is_none)
{
	support_write_file(RUNTIME_CONFIG, CONFIG ",\"metrics_listen\":\"\"}", 0644);
	for (int i = 0; i < 100 && dial(PORT) >= 0; i++)
		(void)poll(NULL, 0, 50);
	ck_assert_int_eq(dial(PORT), -ECONNREFUSED);
	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
}
END_TEST

START_TEST(an_address_that_is_taken_is_a_line_in_the_log_and_is_tried_again)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(OTHER_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	configure_and_wait(CONFIG ",\"metrics_listen\":\"127.0.0.1:9466\"}",
		"event=metrics-not-listening address=\"127.0.0.1:9466\" error=\"bind: Address "
		"already in use\"");
	ck_assert_int_eq(call("CreateContainer", &hardened)->code, 0);
	(void)close(fd);
	for (int i = 0; i < 300 && (fd = dial(OTHER_PORT)) < 0; i++)
		(void)poll(NULL, 0, 50);
	ck_assert_int_ge(fd, 0);
	say(fd, GET("/healthz"));
	ck_assert_ptr_nonnull(vb_str_after(read_all(fd), "HTTP/1.1 200 "));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("nri_metrics");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, decisions_are_counted_by_result_and_code);
	tcase_add_test(tcase, metrics_have_their_content_type_and_head_has_no_body);
	tcase_add_test(tcase, other_paths_and_methods_are_refused);
	tcase_add_test(tcase, it_is_ready_only_while_it_is_registered);
	tcase_add_test(tcase, no_request_does_harm);
	tcase_add_test(tcase, of_requests_sent_together_the_first_is_answered);
	tcase_add_test(tcase, decisions_are_made_while_many_connections_hang);
	tcase_add_test(tcase, a_peer_that_dribbles_is_cut_off);
	tcase_add_test(tcase, a_new_address_is_taken_at_once_and_the_former_left);
	tcase_add_test(tcase, an_empty_address_is_none);
	tcase_add_test(tcase, an_address_that_is_taken_is_a_line_in_the_log_and_is_tried_again);
	return vb_unit_run("nri_metrics", tcase);
}
