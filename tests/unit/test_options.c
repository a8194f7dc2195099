/* SPDX-License-Identifier: Apache-2.0 */
/* How commands read what stands behind them, and every complaint about it. */
#include <errno.h>
#include <string.h>

#include "options.h"
#include "unit.h"

enum { WORDS_MAX = 12 };

static struct {
	bool strict;
	const char *state;
	const char *format;
	struct vb_strv logs;
	unsigned int seconds;
	const char *taken;
} given;

static struct vb_arguments arguments;
static struct vb_error err;

static int take(const char *value, void *context, struct vb_error *error)
{
	if (strcmp(value, "bad") == 0) {
		(void)vb_error_say(error, EDOM, "'%s' is no good", value);
		return vb_error_fix(error, "take another");
	}
	*(const char **)context = value;
	return 0;
}

static const char *const formats[] = {"text", "json", NULL};

static const struct vb_option options[] = {
	{.name = "strict", .flag = &given.strict, .help = "warnings count as errors"},
	{.name = "state", .letter = 's', .value = "DIR", .text = &given.state, .help = "a copy"},
	{.name = "format", .value = "NAME", .text = &given.format, .choices = formats, .help = "f"},
	{.name = "log",
		.value = "FILE",
		.list = &given.logs,
		.help = "of a workload; may be repeated, and then all of them count, however many "
			"there are"},
	{.name = "timeout",
		.value = "SECONDS",
		.number = &given.seconds,
		.min = 1,
		.max = 3600,
		.help = "for an answer"},
	{.name = "since", .value = "TIME", .take = take, .context = &given.taken, .help = "t"},
};

static const struct vb_syntax plain = {.command = "look",
	.help_begin = "Usage: vambrace look [OPTIONS]\n",
	.help_end = "Exit codes: 0\n",
	.options = options,
	.option_count = VB_ARRAY_SIZE(options),
	.operands = {"NAME...", 0, 3}};

static const struct vb_action actions[] = {{"show", {"FILE", 1, 1}}, {"meet", {"A B", 2, 2}}};

static const struct vb_syntax acting = {.command = "work",
	.options = options,
	.option_count = VB_ARRAY_SIZE(options),
	.actions = actions,
	.action_count = VB_ARRAY_SIZE(actions)};

static void set_up(void)
{
	memset(&given, 0, sizeof(given));
	memset(&arguments, 0, sizeof(arguments));
	memset(&err, 0, sizeof(err));
}

static void tear_down(void)
{
	vb_strv_finish(&given.logs);
}

/* The words of the line, at its single blanks, behind the command. */
static int parse(const struct vb_syntax *syntax, const char *line)
{
	static char text[256];
	static char *argv[WORDS_MAX + 2];
	static char command[] = "command";
	int argc = 0;
	char *rest = NULL;

	ck_assert_uint_lt(strlen(line), sizeof(text));
	(void)snprintf(text, sizeof(text), "%s", line);
	argv[argc++] = command;
	for (char *word = strtok_r(text, " ", &rest); word != NULL;
		word = strtok_r(NULL, " ", &rest)) {
		ck_assert_int_le(argc, WORDS_MAX);
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	return vb_options_parse(syntax, argc, argv, &arguments, &err);
}

static void expect_operands(const char *first, const char *second, const char *third)
{
	const char *const expected[] = {first, second, third};
	int count = 0;

	for (; count < 3 && expected[count] != NULL; count++)
		ck_assert_str_eq(arguments.operands[count], expected[count]);
	ck_assert_int_eq(arguments.operand_count, count);
	ck_assert_ptr_null(arguments.operands[count]);
}

START_TEST(options_stand_anywhere_among_the_operands)
{
	ck_assert_int_eq(parse(&plain, "one --strict two --state /run three"), 0);
	ck_assert(given.strict);
	ck_assert_str_eq(given.state, "/run");
	expect_operands("one", "two", "three");
}
END_TEST

static const char *const state_forms[] = {
	"--state /run", "--state=/run", "-s /run", "-s/run", "--state /old -s /run"};

START_TEST(a_value_is_the_next_word_or_the_rest_of_the_word_and_the_last_one_counts)
{
	ck_assert_int_eq(parse(&plain, state_forms[_i]), 0);
	ck_assert_str_eq(given.state, "/run");
	expect_operands(NULL, NULL, NULL);
}
END_TEST

START_TEST(a_value_may_be_empty_or_look_like_an_option)
{
	ck_assert_int_eq(parse(&plain, "--state= --since --strict"), 0);
	ck_assert_str_eq(given.state, "");
	ck_assert_str_eq(given.taken, "--strict");
	ck_assert(!given.strict);
}
END_TEST

START_TEST(two_dashes_end_the_options_and_one_is_an_operand)
{
	ck_assert_int_eq(parse(&plain, "- -- --strict --"), 0);
	ck_assert(!given.strict);
	expect_operands("-", "--strict", "--");
}
END_TEST

START_TEST(a_list_keeps_each_value)
{
	ck_assert_int_eq(parse(&plain, "--log=a --log b --log a"), 0);
	ck_assert_uint_eq(given.logs.count, 3);
	ck_assert_str_eq(given.logs.items[0], "a");
	ck_assert_str_eq(given.logs.items[1], "b");
	ck_assert_str_eq(given.logs.items[2], "a");
}
END_TEST

START_TEST(a_number_may_be_the_least_and_the_greatest)
{
	ck_assert_int_eq(parse(&plain, "--timeout 1"), 0);
	ck_assert_uint_eq(given.seconds, 1);
	ck_assert_int_eq(parse(&plain, "--timeout 3600"), 0);
	ck_assert_uint_eq(given.seconds, 3600);
	ck_assert_int_eq(parse(&plain, "--timeout 0060"), 0);
	ck_assert_uint_eq(given.seconds, 60);
}
END_TEST

START_TEST(a_choice_is_kept_as_it_was_given)
{
	ck_assert_int_eq(parse(&plain, "--format json"), 0);
	ck_assert_str_eq(given.format, "json");
}
END_TEST

START_TEST(behind_help_nothing_is_looked_at)
{
	ck_assert_int_eq(parse(&plain, "--help --nonsense"), 1);
	ck_assert_int_eq(parse(&plain, "-h a b c d"), 1);
	ck_assert_int_eq(parse(&acting, "--help"), 1);
	ck_assert_int_eq(parse(&plain, "-- --help"), 0);
}
END_TEST

START_TEST(an_action_is_the_first_operand_wherever_it_stands)
{
	ck_assert_int_eq(parse(&acting, "--strict meet --state x a b"), 0);
	ck_assert_uint_eq(arguments.action, 1);
	expect_operands("a", "b", NULL);
	ck_assert_int_eq(parse(&acting, "show -- -a"), 0);
	ck_assert_uint_eq(arguments.action, 0);
	expect_operands("-a", NULL, NULL);
}
END_TEST

#define LONG_WORD "--0123456789012345678901234567890123456789012345678901234567890123456789"

static const struct {
	const struct vb_syntax *syntax;
	const char *line;
	const char *what;
} refused[] = {
	{&plain, "--nonsense", "unknown option '--nonsense'"},
	{&plain, "--sttae x", "unknown option '--sttae', did you mean '--state'?"},
	{&plain, "--timeuot=5", "unknown option '--timeuot', did you mean '--timeout'?"},
	{&plain, "--hlep", "unknown option '--hlep', did you mean '--help'?"},
	/* Abbreviated, it could come to mean another one some day. */
	{&plain, "--tim 5", "unknown option '--tim', did you mean '--timeout'?"},
	{&plain, "--strictly", "unknown option '--strictly', did you mean '--strict'?"},
	{&plain, "---strict", "unknown option '---strict', did you mean '--strict'?"},
	{&plain, "-x", "unknown option '-x'"},
	{&plain, "-100", "unknown option '-100'"},
	{&plain, LONG_WORD,
		"unknown option '--0123456789012345678901234567890123456789012345678901234567890'"},
	{&plain, "--state", "--state needs a value: DIR"},
	{&plain, "a -s", "--state needs a value: DIR"},
	{&plain, "--strict=yes", "--strict takes no value"},
	{&plain, "--help=yes", "--help takes no value"},
	{&plain, "-hs", "--help takes no value"},
	{&plain, "--timeout 0", "--timeout: '0' is not a number from 1 to 3600"},
	{&plain, "--timeout=3601", "--timeout: '3601' is not a number from 1 to 3600"},
	{&plain, "--timeout 4294967297", "--timeout: '4294967297' is not a number from 1 to 3600"},
	{&plain, "--timeout -1", "--timeout: '-1' is not a number from 1 to 3600"},
	{&plain, "--timeout +1", "--timeout: '+1' is not a number from 1 to 3600"},
	{&plain, "--timeout 5s", "--timeout: '5s' is not a number from 1 to 3600"},
	{&plain, "--timeout=", "--timeout: '' is not a number from 1 to 3600"},
	{&plain, "--format yaml", "--format: 'yaml' is not one of text, json"},
	{&plain, "a b c d e", "extra operand 'd': look takes NAME..."},
	{&acting, "", "missing operand: one of show, meet"},
	{&acting, "chew a", "'chew' is not one of show, meet"},
	{&acting, "meet a", "missing operand: meet takes A B"},
	{&acting, "meet a b c", "extra operand 'c': meet takes A B"},
};

START_TEST(what_is_wrong_is_said_in_one_line)
{
	int r = parse(refused[_i].syntax, refused[_i].line);

	vb_assert_failed(r, EINVAL, &err, refused[_i].what);
	ck_assert_ptr_null(arguments.operands);
}
END_TEST

START_TEST(a_command_without_operands_says_so)
{
	const struct vb_syntax none = {.command = "doctor"};

	vb_assert_failed(
		parse(&none, "now"), EINVAL, &err, "extra operand 'now': doctor takes none");
}
END_TEST

START_TEST(a_function_refuses_a_value_with_its_own_words_and_advice)
{
	vb_assert_failed(parse(&plain, "--since bad"), EDOM, &err, "--since: 'bad' is no good");
	ck_assert_str_eq(err.fix, "take another");
}
END_TEST

START_TEST(a_refused_value_leaves_the_one_before)
{
	ck_assert_int_eq(parse(&plain, "--timeout 5 --timeout no"), -EINVAL);
	ck_assert_uint_eq(given.seconds, 5);
	ck_assert_int_eq(parse(&plain, "--format text --format no"), -EINVAL);
	ck_assert_str_eq(given.format, "text");
}
END_TEST

START_TEST(the_help_lists_every_option_in_two_columns)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create(4096);

	ck_assert_int_eq(vb_options_help(&plain, out), 0);
	vb_auto_free char *text = vb_buf_strdup(out);
	ck_assert_str_eq(text,
		"Usage: vambrace look [OPTIONS]\n"
		"\n"
		"Options:\n"
		"  --strict           warnings count as errors\n"
		"  -s, --state DIR    a copy\n"
		"  --format NAME      f\n"
		"  --log FILE         of a workload; may be repeated, and then all of them count,\n"
		"                     however many there are\n"
		"  --timeout SECONDS  for an answer\n"
		"  --since TIME       t\n"
		"  -h, --help         this text\n"
		"\n"
		"Exit codes: 0\n");
}
END_TEST

START_TEST(a_help_without_room_is_enospc)
{
	vb_auto_buf struct vb_buf *out = vb_buf_create(200);

	ck_assert_int_eq(vb_options_help(&plain, out), -ENOSPC);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("options");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, options_stand_anywhere_among_the_operands);
	tcase_add_loop_test(tcase,
		a_value_is_the_next_word_or_the_rest_of_the_word_and_the_last_one_counts, 0,
		VB_ARRAY_SIZE(state_forms));
	tcase_add_test(tcase, a_value_may_be_empty_or_look_like_an_option);
	tcase_add_test(tcase, two_dashes_end_the_options_and_one_is_an_operand);
	tcase_add_test(tcase, a_list_keeps_each_value);
	tcase_add_test(tcase, a_number_may_be_the_least_and_the_greatest);
	tcase_add_test(tcase, a_choice_is_kept_as_it_was_given);
	tcase_add_test(tcase, behind_help_nothing_is_looked_at);
	tcase_add_test(tcase, an_action_is_the_first_operand_wherever_it_stands);
	tcase_add_loop_test(tcase, what_is_wrong_is_said_in_one_line, 0, VB_ARRAY_SIZE(refused));
	tcase_add_test(tcase, a_command_without_operands_says_so);
	tcase_add_test(tcase, a_function_refuses_a_value_with_its_own_words_and_advice);
	tcase_add_test(tcase, a_refused_value_leaves_the_one_before);
	tcase_add_test(tcase, the_help_lists_every_option_in_two_columns);
	tcase_add_test(tcase, a_help_without_room_is_enospc);
	return vb_unit_run("options", tcase);
}
