/* SPDX-License-Identifier: Apache-2.0 */
/* How the daemon behaves as a plugin: connecting, registering, being left and launched. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel_log.h"
#include "nri_runtime.h"
#include "oci_node.h"
#include "unit.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

/* RemovePod, Create, Start, PostStart, Stop, Remove; and Validate. */
enum { EVENTS = 0x66c, VALIDATE = 0x2000 };

static struct runtime runtime;

static void set_up(void)
{
	runtime_init(&runtime);
}

static int64_t now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

START_TEST(configure_may_come_before_or_behind_the_answer_to_the_registration)
{
	for (int first = 0; first < 2; first++) {
		if (first == 0)
			runtime_start_daemon(&runtime, NULL);
		uint32_t stream_id = runtime_accept(&runtime);
		if (first == 0)
			runtime_answer_registration(&runtime, stream_id, 0);
		const struct answer *answer =
			runtime_call(&runtime, "Configure", configure_payload("2.1.9"));
		ck_assert_int_eq(answer->code, 0);
		if (first == 1)
			runtime_answer_registration(&runtime, stream_id, 0);
		answer = runtime_call(&runtime, "Synchronize", payload_new());
		ck_assert_int_eq(answer->code, 0);
		ck_assert_uint_eq(answer->payload_size, 0);
		runtime_close(&runtime);
	}
	runtime_finish(&runtime);
}
END_TEST

START_TEST(the_events_are_those_that_the_runtime_knows)
{
	static const struct {
		const char *version;
		uint32_t mask;
	} runtimes[] = {{"1.7.24~ds1", EVENTS}, {"2.1.9+unknown", EVENTS},
		{"v2.2.7", EVENTS | VALIDATE}, {"2.3.4", EVENTS | VALIDATE}, {"", EVENTS}};

	runtime_start_daemon(&runtime, NULL);
	for (size_t i = 0; i < VB_ARRAY_SIZE(runtimes); i++) {
		ck_assert_uint_eq(runtime_greet(&runtime, runtimes[i].version), runtimes[i].mask);
		runtime_close(&runtime);
	}
	runtime_finish(&runtime);
}
END_TEST

START_TEST(a_runtime_that_closes_on_the_event_mask_is_asked_for_less)
{
	runtime_start_daemon(&runtime, NULL);
	for (int i = 0; i < 2; i++) {
		runtime_answer_registration(&runtime, runtime_accept(&runtime), 0);
		const struct answer *answer =
			runtime_call(&runtime, "Configure", configure_payload("2.2.7"));
		uint32_t mask = (answer->payload[1] & 0x7fU) | (answer->payload[2] & 0x7fU) << 7;
		ck_assert_uint_eq(mask, i == 0 ? EVENTS | VALIDATE : EVENTS);
		if (i == 0)
			runtime_close(&runtime);
	}
	ck_assert_int_eq(runtime_call(&runtime, "Synchronize", payload_new())->code, 0);
	runtime_close(&runtime);
	/* After a session that worked everything is tried again. */
	ck_assert_uint_eq(runtime_greet(&runtime, "2.2.7"), EVENTS | VALIDATE);
	runtime_finish(&runtime);
}
END_TEST

START_TEST(chunks_of_synchronize_are_answered_as_they_come)
{
	runtime_start_daemon(&runtime, NULL);
	runtime_answer_registration(&runtime, runtime_accept(&runtime), 0);
	for (int i = 0; i < 3; i++) {
		struct vb_buf *chunk = payload_new();
		put_number(chunk, 3, i < 2);
		const struct answer *answer = runtime_call(&runtime, "Synchronize", chunk);
		ck_assert_int_eq(answer->code, 0);
		/* {more: true} */
		ck_assert_uint_eq(answer->payload_size, i < 2 ? 2 : 0);
		if (i < 2)
			ck_assert_int_eq(memcmp(answer->payload, "\x10\x01", 2), 0);
	}
	runtime_finish(&runtime);
}
END_TEST

START_TEST(a_synchronize_that_cannot_be_read_begins_a_new_connection)
{
	runtime_start_daemon(&runtime, NULL);
	runtime_answer_registration(&runtime, runtime_accept(&runtime), 0);
	struct vb_buf *broken = payload_new();
	ck_assert_int_eq(vb_buf_append(broken, "\x0a\x7f", 2), 0);
	(void)runtime_send(&runtime, "Synchronize", broken);
	runtime_wait_closed(&runtime);
	(void)runtime_greet(&runtime, "2.1.9");
	runtime_finish(&runtime);
}
END_TEST

static void wait_for_end(pid_t pid)
{
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void wait_described(pid_t pid)
{
	vb_auto_free char *text = vb_str_format("\"pid\":%d,", (int)pid);

	ck_assert_ptr_nonnull(text);
	runtime_wait_text("/run/vambrace/daemon.json", text);
}

/* Who waits has closed its connection again. */
static void take_closed_connection(void)
{
	vb_auto_close int fd = accept4(runtime.listener, NULL, NULL, SOCK_CLOEXEC);
	char byte = 0;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, &byte, 1), 0);
}

/* A host's own and a pod's, say: a runtime refuses each container of which both set the plan. */
START_TEST(a_second_plugin_waits_until_the_first_has_ended)
{
	runtime_start_daemon(&runtime, NULL);
	(void)runtime_greet(&runtime, "2.1.9");
	pid_t first = runtime.daemon;
	wait_described(first);
	runtime_start_daemon(&runtime, NULL);
	take_closed_connection();
	vb_auto_free char *says = vb_str_format(
		"event=waiting error=\"another vambrace-nri, pid %d, serves this runtime\"",
		(int)first);
	runtime_wait_log(says);
	/* daemon.json is the first one's, even when this one ends. */
	pid_t second = runtime.daemon;
	ck_assert_int_eq(kill(second, SIGTERM), 0);
	wait_for_end(second);
	wait_described(first);
	runtime_start_daemon(&runtime, NULL);
	take_closed_connection();
	/* However the first one ends. */
	ck_assert_int_eq(kill(first, SIGKILL), 0);
	wait_for_end(first);
	runtime_close(&runtime);
	(void)runtime_greet(&runtime, "2.1.9");
	wait_described(runtime.daemon);
	runtime_finish(&runtime);
}
END_TEST

START_TEST(unknown_methods_and_services_are_unimplemented)
{
	runtime_start_daemon(&runtime, NULL);
	(void)runtime_greet(&runtime, "2.3.4");
	const struct answer *answer = runtime_call(&runtime, "NoSuchThing", payload_new());
	ck_assert_int_eq(answer->code, VB_TTRPC_UNIMPLEMENTED);
	ck_assert_str_eq(answer->message, "method NoSuchThing");
	ck_assert_int_eq(runtime_call(&runtime, "Shutdown", payload_new())->code, 0);
	runtime_finish(&runtime);
}
END_TEST

START_TEST(garbage_is_refused_and_the_connection_goes_on)
{
	static const uint8_t bad_envelope[] = {0, 0, 0, 2, 0, 0, 0, 5, 1, 0, 0x0a, 0x7f};
	static const uint8_t data_message[] = {0, 0, 0, 1, 0, 0, 0, 5, 3, 0, 'x'};
	static const uint8_t too_long[] = {1, 0, 0, 1, 0, 0, 0, 7, 1, 0};
	static uint8_t filler[1 << 20];

	runtime_start_daemon(&runtime, NULL);
	(void)runtime_greet(&runtime, "2.1.9");
	runtime_send_raw(&runtime, bad_envelope, sizeof(bad_envelope));
	ck_assert_int_eq(runtime_receive(&runtime, 5)->code, VB_TTRPC_INVALID_ARGUMENT);
	runtime_send_raw(&runtime, data_message, sizeof(data_message));
	runtime_send_raw(&runtime, too_long, sizeof(too_long));
	ck_assert_int_eq(runtime_receive(&runtime, 7)->code, VB_TTRPC_RESOURCE_EXHAUSTED);
	for (int i = 0; i < 16; i++)
		runtime_send_raw(&runtime, filler, sizeof(filler));
	runtime_send_raw(&runtime, filler, 1);
	runtime.next_stream_id = 9;
	struct vb_buf *broken = payload_new();
	ck_assert_int_eq(vb_buf_append(broken, "\x12\x7f", 2), 0);
	const struct answer *answer = runtime_call(&runtime, "CreateContainer", broken);
	ck_assert_int_eq(answer->code, VB_TTRPC_UNKNOWN);
	ck_assert_int_eq(strncmp(answer->message, "vambrace: ErrInternal: ", 23), 0);
	ck_assert_int_eq(runtime_call(&runtime, "Shutdown", payload_new())->code, 0);
	runtime_finish(&runtime);
}
END_TEST

START_TEST(a_rejected_registration_is_closed_by_us_and_tried_again)
{
	runtime_start_daemon(&runtime, NULL);
	runtime_answer_registration(&runtime, runtime_accept(&runtime), 2);
	runtime_wait_closed(&runtime);
	runtime_wait_log("event=registration-rejected error=\"not you\"");
	(void)runtime_greet(&runtime, "2.1.9");
	runtime_finish(&runtime);
}
END_TEST

START_TEST(it_is_back_within_a_second_when_the_runtime_is)
{
	runtime_start_daemon(&runtime, NULL);
	(void)runtime_greet(&runtime, "2.1.9");
	/* Gone for longer than the first quick attempts take. */
	(void)close(runtime.listener);
	runtime_close(&runtime);
	(void)usleep(1500000);
	runtime_reopen(&runtime);
	int64_t since = now_ms();
	(void)runtime_greet(&runtime, "2.1.9");
	ck_assert_int_lt(now_ms() - since, 1000);
	runtime_finish(&runtime);
}
END_TEST

START_TEST(sigterm_ends_it_with_0_connected_or_not)
{
	runtime_start_daemon(&runtime, NULL);
	(void)runtime_greet(&runtime, "2.1.9");
	runtime_finish(&runtime);
	runtime_init(&runtime);
	(void)close(runtime.listener);
	(void)unlink(RUNTIME_SOCKET);
	runtime.listener = -1;
	runtime_start_daemon(&runtime, NULL);
	runtime_wait_log("event=not-connected");
	runtime_finish(&runtime);
}
END_TEST

START_TEST(sigusr1_logs_the_handling_times)
{
	runtime_start_daemon(&runtime, NULL);
	(void)runtime_greet(&runtime, "2.1.9");
	const struct event_text plain = {0};
	ck_assert_int_eq(runtime_call(&runtime, "CreateContainer", event_payload(&plain))->code, 0);
	ck_assert_int_eq(kill(runtime.daemon, SIGUSR1), 0);
	runtime_wait_log("container_id=- event=times request=create count=1 p50_us=");
	runtime_finish(&runtime);
}
END_TEST

START_TEST(a_launched_plugin_speaks_on_the_socket_that_it_was_given)
{
	runtime_launch_daemon(&runtime, NULL);
	ck_assert_uint_eq(runtime_greet(&runtime, "1.7.24"), EVENTS);
	runtime_close(&runtime);
	ck_assert_int_eq(runtime_wait_daemon(&runtime), 0);
}
END_TEST

START_TEST(a_launched_plugin_that_is_rejected_ends)
{
	runtime_launch_daemon(&runtime, NULL);
	runtime_answer_registration(&runtime, runtime_accept(&runtime), 2);
	runtime_wait_closed(&runtime);
	ck_assert_int_eq(runtime_wait_daemon(&runtime), 1);
}
END_TEST

/* The process at the other end of the connection. */
static pid_t connected_pid(void)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);

	ck_assert_int_eq(getsockopt(runtime.fd, SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
	return peer.pid;
}

/* A file of the process; NULL when it is gone. */
static char *read_proc(pid_t pid, const char *name)
{
	vb_auto_free char *path = vb_str_format("/proc/%d/%s", (int)pid, name);
	char *text = NULL;

	ck_assert_ptr_nonnull(path);
	return vb_file_read_stream(AT_FDCWD, path, 4096, &text, NULL) == 0 ? text : NULL;
}

/* Its parent, which must be the supervising one. */
static pid_t parent_of(pid_t pid)
{
	vb_auto_free char *stat = read_proc(pid, "stat");
	const char *behind = stat != NULL ? strrchr(stat, ')') : NULL;

	ck_assert_ptr_nonnull(behind);
	pid_t parent = (pid_t)strtol(behind + strlen(") S "), NULL, 10);
	vb_auto_free char *name = read_proc(parent, "comm");
	ck_assert_str_eq(name, "vambrace-parent\n");
	return parent;
}

/* Gone, or nothing but its number. */
static bool has_ended(pid_t pid)
{
	vb_auto_free char *stat = read_proc(pid, "stat");
	const char *behind = stat != NULL ? strrchr(stat, ')') : NULL;

	return behind == NULL || strncmp(behind, ") Z", 3) == 0;
}

static void wait_ended(pid_t pid)
{
	for (int i = 0; i < 1000 && !has_ended(pid); i++)
		(void)usleep(5000);
	ck_assert_msg(has_ended(pid), "process %d is still there", (int)pid);
}

/* Launches it, and kills it: from here on it is one that its parent has started. */
static void launch_and_kill(void)
{
	runtime_launch_daemon(&runtime, NULL);
	(void)runtime_greet(&runtime, "2.1.9");
	ck_assert_int_eq(kill(runtime.daemon, SIGKILL), 0);
	ck_assert_int_eq(waitpid(runtime.daemon, NULL, 0), runtime.daemon);
	runtime_close(&runtime);
}

START_TEST(a_launched_plugin_that_dies_comes_back_by_the_socket_under_its_name)
{
	launch_and_kill();
	ck_assert_uint_eq(runtime_greet(&runtime, "2.1.9"), EVENTS);
	pid_t second = connected_pid();
	pid_t parent = parent_of(second);
	ck_assert_int_ne(second, runtime.daemon);
	ck_assert_int_eq(kill(second, SIGKILL), 0);
	runtime_wait_closed(&runtime);
	runtime_close(&runtime);
	ck_assert_uint_eq(runtime_greet(&runtime, "2.1.9"), EVENTS);
	pid_t third = connected_pid();
	ck_assert_int_eq(parent_of(third), parent);
	ck_assert_int_eq(kill(parent, SIGTERM), 0);
	runtime_wait_closed(&runtime);
	wait_ended(third);
	wait_ended(parent);
}
END_TEST

START_TEST(a_signal_to_the_parent_is_one_to_the_plugin)
{
	support_write_file(RUNTIME_CONFIG, "{}", 0644);
	launch_and_kill();
	(void)runtime_greet(&runtime, "2.1.9");
	pid_t plugin = connected_pid();
	pid_t parent = parent_of(plugin);
	runtime_wait_file(RUNTIME_AUDIT, true);
	ck_assert_int_eq(rename(RUNTIME_AUDIT, RUNTIME_AUDIT ".1"), 0);
	ck_assert_int_eq(kill(parent, SIGUSR1), 0);
	ck_assert_int_eq(kill(parent, SIGHUP), 0);
	runtime_wait_file(RUNTIME_AUDIT, true);
	runtime_wait_audit("{\"event\":\"config-loaded\",");
	ck_assert_int_eq(connected_pid(), plugin);
	/* That of the parent alone would leave a plugin that nobody takes away. */
	ck_assert_int_eq(kill(parent, SIGKILL), 0);
	runtime_wait_closed(&runtime);
	wait_ended(plugin);
}
END_TEST

/* In a child: somebody else who has the runtime's socket. Whether a byte came. */
static int listen_instead(int ready)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = RUNTIME_SOCKET};
	char byte = 0;

	(void)unlink(RUNTIME_SOCKET);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(listener, 4) < 0 || write(ready, "", 1) != 1)
		return 2;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	return fd < 0 ? 2 : read(fd, &byte, 1) != 0;
}

START_TEST(what_is_started_again_registers_with_no_other_runtime)
{
	int ready[2];
	int status = -1;
	char byte = 0;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid_t other = fork();
	ck_assert_int_ge(other, 0);
	if (other == 0)
		_exit(listen_instead(ready[1]));
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	launch_and_kill();
	ck_assert_int_eq(waitpid(other, &status, 0), other);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* In a child: a runtime that ends while it has a plugin that was started again. */
static int be_a_runtime(int report)
{
	pid_t pids[2];

	launch_and_kill();
	(void)runtime_greet(&runtime, "2.1.9");
	pids[0] = connected_pid();
	pids[1] = parent_of(pids[0]);
	return write(report, pids, sizeof(pids)) == (ssize_t)sizeof(pids) ? 0 : 1;
}

START_TEST(plugin_and_parent_end_with_the_runtime)
{
	int report[2];
	pid_t pids[2] = {0};

	ck_assert_int_eq(pipe2(report, O_CLOEXEC), 0);
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		/* The listener that a plugin asks is the one of this process. */
		(void)close(runtime.listener);
		runtime_reopen(&runtime);
		_exit(be_a_runtime(report[1]));
	}
	(void)close(report[1]);
	ck_assert_int_eq(read(report[0], pids, sizeof(pids)), sizeof(pids));
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	wait_ended(pids[0]);
	wait_ended(pids[1]);
}
END_TEST

START_TEST(a_bad_config_ends_an_external_plugin_with_one_clear_line)
{
	runtime_start_daemon(&runtime, "{\"deadline\": 5}");
	ck_assert_int_eq(runtime_wait_daemon(&runtime), 1);
	vb_auto_free char *log = support_read_file(RUNTIME_LOG);
	ck_assert_ptr_nonnull(strstr(log, "event=bad-config error=\"node config '" RUNTIME_CONFIG));
	ck_assert_ptr_nonnull(strstr(log, "deadline"));
	ck_assert_ptr_eq(strchr(log, '\n'), log + strlen(log) - 1);
}
END_TEST

START_TEST(with_a_bad_config_a_launched_plugin_refuses_what_is_ours)
{
	const struct event_text plain = {.handler = "runc"};
	const struct event_text ours = {.handler = "vambrace"};

	runtime_launch_daemon(&runtime, "{");
	(void)runtime_greet(&runtime, "1.7.24");
	const struct answer *answer =
		runtime_call(&runtime, "CreateContainer", event_payload(&ours));
	ck_assert_int_eq(answer->code, VB_TTRPC_UNKNOWN);
	ck_assert_ptr_nonnull(
		strstr(answer->message, "vambrace: ErrInternal: the node config is bad: "));
	answer = runtime_call(&runtime, "CreateContainer", event_payload(&plain));
	ck_assert_int_eq(answer->code, 0);
	runtime_finish(&runtime);
}
END_TEST

/* There its stderr is /dev/null. */
START_TEST(a_launched_plugin_tells_of_an_opt_out_in_the_kernels_log)
{
	vb_auto_close int kmsg = kernel_log_open();
	vb_auto_free char *value = vb_str_format(
		"{\"ctl\":{\"seccomp\":\"opt-out\",\"seccomp-opt-out-reason\":\"pid %d\"}}",
		(int)getpid());
	vb_auto_free char *end =
		vb_str_format("reason=\"pid %d\" Audit event: seccomp-opt-out\n", (int)getpid());
	const struct event_text opting_out = {
		.handler = "vambrace", .annotation = "containers.vambrace.dev", .value = value};

	if (kmsg < 0)
		return;
	runtime_launch_daemon(&runtime,
		"{\"rules\":[{\"namespaces\":[\"robots\"],\"permit\":[\"seccomp-opt-out\"]}]}");
	(void)runtime_greet(&runtime, "1.7.24");
	const struct answer *answer =
		runtime_call(&runtime, "CreateContainer", event_payload(&opting_out));
	ck_assert_msg(answer->code == 0, "%s", answer->message);
	kernel_log_expect(kmsg, end);
	runtime_finish(&runtime);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("session");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, configure_may_come_before_or_behind_the_answer_to_the_registration);
	tcase_add_test(tcase, the_events_are_those_that_the_runtime_knows);
	tcase_add_test(tcase, a_runtime_that_closes_on_the_event_mask_is_asked_for_less);
	tcase_add_test(tcase, chunks_of_synchronize_are_answered_as_they_come);
	tcase_add_test(tcase, a_synchronize_that_cannot_be_read_begins_a_new_connection);
	tcase_add_test(tcase, a_second_plugin_waits_until_the_first_has_ended);
	tcase_add_test(tcase, unknown_methods_and_services_are_unimplemented);
	tcase_add_test(tcase, garbage_is_refused_and_the_connection_goes_on);
	tcase_add_test(tcase, a_rejected_registration_is_closed_by_us_and_tried_again);
	tcase_add_test(tcase, it_is_back_within_a_second_when_the_runtime_is);
	tcase_add_test(tcase, sigterm_ends_it_with_0_connected_or_not);
	tcase_add_test(tcase, sigusr1_logs_the_handling_times);
	tcase_add_test(tcase, a_launched_plugin_speaks_on_the_socket_that_it_was_given);
	tcase_add_test(tcase, a_launched_plugin_that_is_rejected_ends);
	tcase_add_test(tcase, a_launched_plugin_that_dies_comes_back_by_the_socket_under_its_name);
	tcase_add_test(tcase, a_signal_to_the_parent_is_one_to_the_plugin);
	tcase_add_test(tcase, what_is_started_again_registers_with_no_other_runtime);
	tcase_add_test(tcase, plugin_and_parent_end_with_the_runtime);
	tcase_add_test(tcase, a_bad_config_ends_an_external_plugin_with_one_clear_line);
	tcase_add_test(tcase, with_a_bad_config_a_launched_plugin_refuses_what_is_ours);
	tcase_add_test(tcase, a_launched_plugin_tells_of_an_opt_out_in_the_kernels_log);
	return vb_unit_run("session", tcase);
}
