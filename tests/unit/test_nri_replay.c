/* SPDX-License-Identifier: Apache-2.0 */
/* What recorded runtimes really sent, played to the daemon: every request is answered, in order. */
#include <check.h>
#include <string.h>
#include <sys/socket.h>

#include "nri_runtime.h"
#include "unit.h"
#include "vectors.h"

static struct runtime runtime;

static void set_up(void)
{
	runtime_init(&runtime);
}

static void send_all(const struct session *session)
{
	size_t sent = 0;

	while (sent < session->sizes[TO_PLUGIN]) {
		ssize_t n = send(runtime.fd, session->bytes[TO_PLUGIN] + sent,
			session->sizes[TO_PLUGIN] - sent, MSG_NOSIGNAL);
		ck_assert_int_gt(n, 0);
		sent += (size_t)n;
	}
}

static void expect_answer(const struct session *session, const json_t *message)
{
	const json_t *request = json_object_get(message, "request");
	const char *method = json_string_value(json_object_get(request, "method"));
	json_int_t stream_id =
		json_integer_value(json_object_get(json_object_get(message, "ttrpc"), "stream"));

	ck_assert_ptr_nonnull(method);
	const struct answer *answer = runtime_receive(&runtime, (uint32_t)stream_id);
	ck_assert_msg(answer->code == 0, "%s: %s: %s", session->name, method, answer->message);
	/* No pod of the recordings asks for anything of ours. */
	if (strcmp(method, "CreateContainer") == 0)
		ck_assert_uint_eq(answer->payload_size, 0);
}

START_TEST(every_request_of_a_recorded_session_is_answered)
{
	struct session session = {0};
	size_t position = 0;
	size_t answered = 0;

	vectors_load((size_t)_i, &session);
	runtime_start_daemon(&runtime, NULL);
	(void)runtime_accept(&runtime);
	send_all(&session);
	for (const json_t *message = NULL; (message = vectors_next_message(&session, TO_PLUGIN,
						    VB_MUX_CONN_PLUGIN, &position)) != NULL;
		answered++)
		expect_answer(&session, message);
	if (strstr(session.name, "session-full") != NULL)
		ck_assert_uint_gt(answered, 10);
	vectors_unload(&session);
	runtime_finish(&runtime);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("replay");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(
		tcase, every_request_of_a_recorded_session_is_answered, 0, (int)vectors_count());
	return vb_unit_run("replay", tcase);
}
