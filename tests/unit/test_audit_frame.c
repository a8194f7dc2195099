/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <string.h>

#include "audit_frame.h"
#include "unit.h"
#include "vb/base/cleanup.h"
#include "vb/base/utf8.h"

static const struct timespec at = {.tv_sec = 1795917833, .tv_nsec = 42};

#define HEAD "\"ts\":\"2026-11-29T02:03:53.000000042Z\""

static struct vb_audit_frame frame;

static void start(void)
{
	vb_audit_begin(&frame, "refusal", &at);
}

/* What the line holds, which must be one line of JSON. */
static json_t *parse(void)
{
	json_error_t error;

	ck_assert_uint_le(frame.used, VB_AUDIT_FRAME_MAX);
	ck_assert_ptr_eq(memchr(frame.text, '\n', frame.used), frame.text + frame.used - 1);
	ck_assert(vb_utf8_is_valid(frame.text, frame.used));
	for (size_t i = 0; i + 1 < frame.used; i++)
		ck_assert_uint_ge((unsigned char)frame.text[i], 0x20);
	json_t *object = json_loadb(frame.text, frame.used, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(object != NULL, "%s: %.*s", error.text, (int)frame.used, frame.text);
	return object;
}

static void expect(const char *line)
{
	ck_assert_uint_eq(frame.used, strlen(line));
	ck_assert_mem_eq(frame.text, line, frame.used);
	json_decref(parse());
}

START_TEST(the_event_comes_first_and_the_time_second)
{
	vb_audit_end(&frame);
	expect("{\"event\":\"refusal\"," HEAD "}\n");
}
END_TEST

START_TEST(a_subject_names_what_is_not_known_as_null)
{
	const struct vb_audit_subject subject = {.namespace_name = "robots",
		.pod = "arm-0",
		.container = "ctl",
		.container_id = "c0ffee",
		.handler = ""};

	vb_audit_subject(&frame, &subject);
	vb_audit_number(&frame, "count", INT64_MAX);
	vb_audit_end(&frame);
	expect("{\"event\":\"refusal\"," HEAD ",\"namespace\":\"robots\",\"pod\":\"arm-0\","
	       "\"container\":\"ctl\",\"container_id\":\"c0ffee\",\"handler\":\"\","
	       "\"bundle\":null,\"bundle_digest\":null,\"plan_digest\":null,"
	       "\"count\":9223372036854775807}\n");
}
END_TEST

START_TEST(an_object_holds_the_members_up_to_its_end)
{
	vb_audit_open(&frame, "layers");
	vb_audit_text(&frame, "seccomp", "applied");
	vb_audit_text(&frame, "tmpfs", "skipped");
	vb_audit_close(&frame);
	vb_audit_open(&frame, "empty");
	vb_audit_close(&frame);
	vb_audit_text(&frame, "level", "full");
	vb_audit_end(&frame);
	expect("{\"event\":\"refusal\"," HEAD ",\"layers\":{\"seccomp\":\"applied\","
	       "\"tmpfs\":\"skipped\"},\"empty\":{},\"level\":\"full\"}\n");
}
END_TEST

static const struct {
	const char *text;
	const char *written;
} escaped[] = {
	{"plain", "plain"},
	{"a\"b\\c", "a\\\"b\\\\c"},
	{"two\nlines\r\t", "two\\u000alines\\u000d\\u0009"},
	{"\x1b[31m\x7f", "\\u001b[31m\\u007f"},
	{"\xc2\x9b"
	 "31m",
		"\\u009b31m"},
	{"\xc3\xa9 \xe2\x82\xac \xf0\x9f\xa4\x96", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\xa4\x96"},
	{"\xe2\x80\xaegpj\xe2\x81\xa9\xe2\x80\xa8", "\\u202egpj\\u2069\\u2028"},
	{"bad\xff\xc3", "bad\\ufffd\\ufffd"},
	{"\",\"event\":\"seccomp-opt-out", "\\\",\\\"event\\\":\\\"seccomp-opt-out"},
};

START_TEST(text_from_outside_stays_inside_its_quotes)
{
	char line[256];

	vb_audit_text(&frame, "error", escaped[_i].text);
	vb_audit_end(&frame);
	(void)snprintf(line, sizeof(line), "{\"event\":\"refusal\"," HEAD ",\"error\":\"%s\"}\n",
		escaped[_i].written);
	expect(line);
}
END_TEST

START_TEST(every_byte_in_front_of_every_kind_of_byte_makes_a_valid_line)
{
	static const unsigned char kinds[] = {0x01, 0x1f, '"', '\\', 0x7f, 0x80, 0x9f, 0xa0, 0xbf,
		0xc0, 0xc2, 0xe0, 0xed, 0xf4, 0xff};

	for (unsigned int first = 0x01; first <= 0xff; first++) {
		for (size_t i = 0; i < VB_ARRAY_SIZE(kinds); i++) {
			const char text[] = {(char)first, (char)kinds[i], 'z', '\0'};
			start();
			vb_audit_text(&frame, "error", text);
			vb_audit_end(&frame);
			json_decref(parse());
		}
	}
}
END_TEST

/* Fills a text of that many bytes with one character over and over. */
static char *repeat(const char *character, size_t size)
{
	char *text = calloc(size + 1, 1);

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < size; i++)
		text[i] = character[i % strlen(character)];
	return text;
}

START_TEST(a_long_text_is_cut_between_characters)
{
	static const char *const characters[] = {"x", "\x01", "\"", "\xe2\x82\xac", "\xff"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(characters); i++) {
		vb_auto_free char *text = repeat(characters[i], 9000);
		start();
		vb_audit_text(&frame, "error", text);
		vb_audit_text(&frame, "after", "there");
		vb_audit_end(&frame);
		json_t *object = parse();
		const char *error = json_string_value(json_object_get(object, "error"));
		ck_assert_str_eq(error + strlen(error) - 3, "...");
		ck_assert_uint_gt(strlen(error), VB_AUDIT_TEXT_MAX / 6 - 6);
		ck_assert_str_eq(json_string_value(json_object_get(object, "after")), "there");
		ck_assert_ptr_null(json_object_get(object, "cut"));
		json_decref(object);
	}
}
END_TEST

START_TEST(names_of_any_length_leave_room_for_the_rest)
{
	vb_auto_free char *name = repeat("\x01", 5000);
	const struct vb_audit_subject subject = {name, name, name, name, name, name, name, name};

	vb_audit_subject(&frame, &subject);
	vb_audit_text(&frame, "error", name);
	vb_audit_text(&frame, "reason", name);
	vb_audit_end(&frame);
	json_t *object = parse();
	ck_assert_uint_eq(json_object_size(object), 2 + 8 + 2);
	json_decref(object);
}
END_TEST

START_TEST(what_has_no_room_is_left_out_and_the_line_says_so)
{
	vb_auto_free char *text = repeat("x", 5000);
	char key[] = "text0";

	for (; key[4] <= '9'; key[4]++)
		vb_audit_text(&frame, key, text);
	vb_audit_open(&frame, "layers");
	vb_audit_text(&frame, "seccomp", "applied");
	vb_audit_end(&frame);
	json_t *object = parse();
	ck_assert(json_is_true(json_object_get(object, "cut")));
	ck_assert_ptr_nonnull(json_object_get(object, "text0"));
	ck_assert_ptr_null(json_object_get(object, "text9"));
	json_decref(object);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("audit_frame");

	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, the_event_comes_first_and_the_time_second);
	tcase_add_test(tcase, a_subject_names_what_is_not_known_as_null);
	tcase_add_test(tcase, an_object_holds_the_members_up_to_its_end);
	tcase_add_loop_test(
		tcase, text_from_outside_stays_inside_its_quotes, 0, (int)VB_ARRAY_SIZE(escaped));
	tcase_add_test(tcase, every_byte_in_front_of_every_kind_of_byte_makes_a_valid_line);
	tcase_add_test(tcase, a_long_text_is_cut_between_characters);
	tcase_add_test(tcase, names_of_any_length_leave_room_for_the_rest);
	tcase_add_test(tcase, what_has_no_room_is_left_out_and_the_line_says_so);
	return vb_unit_run("audit_frame", tcase);
}
