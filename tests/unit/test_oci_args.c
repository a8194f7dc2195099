/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "args.h"
#include "oci_support.h"

enum { ARGUMENTS_MAX = 32 };

/* Splits the words of a command line; they live until the next call. */
static struct vb_hook_args parse(const char *line)
{
	static char text[512];
	static char *argv[ARGUMENTS_MAX];
	struct vb_hook_args args;
	size_t count = 0;

	ck_assert_uint_lt(strlen(line), sizeof(text));
	(void)snprintf(text, sizeof(text), "%s", line);
	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
		ck_assert_uint_lt(count, ARGUMENTS_MAX - 1);
		argv[count++] = word;
	}
	argv[count] = NULL;
	vb_hook_args_parse(argv, &args);
	return args;
}

START_TEST(what_containerd_says_at_create_is_understood)
{
	struct vb_hook_args args = parse(
		"/opt/vambrace/bin/vambrace --root /run/containerd/runc/k8s.io --log /b/log.json "
		"--log-format json --systemd-cgroup create --bundle /b --pid-file /b/init.pid "
		"--console-socket /c abc");

	ck_assert_int_eq(args.command, VB_HOOK_CREATE);
	ck_assert_str_eq(args.root, "/run/containerd/runc/k8s.io");
	ck_assert_str_eq(args.log, "/b/log.json");
	ck_assert_str_eq(args.bundle, "/b");
	ck_assert_str_eq(args.pid_file, "/b/init.pid");
	ck_assert_str_eq(args.id, "abc");
	ck_assert_ptr_null(args.unknown);
	ck_assert(!args.extra);
}
END_TEST

START_TEST(what_containerd_says_at_exec_is_understood)
{
	struct vb_hook_args args = parse("v --root /r --log /l --log-format json exec --process "
					 "/tmp/runc-process1 --detach --pid-file /b/e.pid abc");

	ck_assert_int_eq(args.command, VB_HOOK_EXEC);
	ck_assert_str_eq(args.process, "/tmp/runc-process1");
	ck_assert_str_eq(args.id, "abc");
	ck_assert(!args.cap);
	ck_assert(!args.extra);
	ck_assert_ptr_null(args.unknown);
}
END_TEST

START_TEST(values_may_be_attached_with_an_equals_sign)
{
	struct vb_hook_args args =
		parse("v --root=/r --log= --debug=true create --bundle=/b=c --no-pivot abc");

	ck_assert_str_eq(args.root, "/r");
	ck_assert_str_eq(args.log, "");
	ck_assert_str_eq(args.bundle, "/b=c");
	ck_assert_str_eq(args.id, "abc");
	args = parse("v exec --process=/p --cap=CAP_KILL abc");
	ck_assert_str_eq(args.process, "/p");
	ck_assert(args.cap);
}
END_TEST

START_TEST(the_last_of_repeated_options_counts_as_it_does_for_the_runtime)
{
	ck_assert_str_eq(parse("v create -b /a --bundle /b abc").bundle, "/b");
	ck_assert_str_eq(parse("v create --bundle /b -b /a abc").bundle, "/a");
	ck_assert_str_eq(parse("v exec -p /a -p /b abc").process, "/b");
	ck_assert_str_eq(parse("v --log /a --log /b kill abc").log, "/b");
}
END_TEST

START_TEST(a_value_that_looks_like_an_option_is_a_value)
{
	struct vb_hook_args args = parse("v --log --root create --bundle -b abc");

	ck_assert_str_eq(args.log, "--root");
	ck_assert_ptr_null(args.root);
	ck_assert_str_eq(args.bundle, "-b");
	ck_assert_str_eq(args.id, "abc");
}
END_TEST

START_TEST(options_of_create_and_exec_that_are_not_known_are_told)
{
	static const char *const lines[] = {"v create --config /x abc", "v create -f /x abc",
		"v create --bund /b abc", "v create -bundle /b abc", "v create -b/b abc",
		"v create -b=/b abc", "v create --bundle", "v create -- abc", "v create - abc",
		"v create abc --config=/x", "v exec --proc /p abc", "v exec -process /p abc",
		"v exec -dt abc", "v exec -p", "v exec --no-such abc", "v exec --b /b abc"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(lines); i++) {
		struct vb_hook_args args = parse(lines[i]);
		ck_assert_msg(args.unknown != NULL, "%s", lines[i]);
	}
}
END_TEST

START_TEST(options_behind_the_id_count_for_create_and_not_for_exec)
{
	struct vb_hook_args args = parse("v create abc --bundle /b");

	ck_assert_str_eq(args.bundle, "/b");
	ck_assert_str_eq(args.id, "abc");
	ck_assert(!args.extra);
	ck_assert(parse("v create abc def").extra);
	args = parse("v exec abc --process /p");
	ck_assert_ptr_null(args.process);
	ck_assert(args.extra);
	args = parse("v exec --process /p abc sh -c x");
	ck_assert_str_eq(args.process, "/p");
	ck_assert(args.extra);
	ck_assert_ptr_null(args.unknown);
}
END_TEST

static void assert_command(const char *line, enum vb_hook_command command)
{
	struct vb_hook_args args = parse(line);

	ck_assert_msg(args.command == command, "%s: %u", line, args.command);
}

START_TEST(commands_are_told_apart)
{
	assert_command("v", VB_HOOK_PASS);
	assert_command("v --version", VB_HOOK_PASS);
	assert_command("v -v", VB_HOOK_PASS);
	assert_command("v features", VB_HOOK_PASS);
	assert_command("v spec --bundle /b", VB_HOOK_PASS);
	assert_command("v update --resources - abc", VB_HOOK_PASS);
	assert_command("v start abc", VB_HOOK_STOP);
	assert_command("v kill --all abc 9", VB_HOOK_STOP);
	assert_command("v state abc", VB_HOOK_STOP);
	assert_command("v delete --force abc", VB_HOOK_DELETE);
	assert_command("v restore --bundle /b abc", VB_HOOK_FORBID);
	assert_command("v run abc", VB_HOOK_FORBID);
	assert_command("v frobnicate abc", VB_HOOK_PASS);
	assert_command("v frobnicate --bundle /b abc", VB_HOOK_FORBID);
	assert_command("v frobnicate abc --bundle=/b", VB_HOOK_FORBID);
	assert_command("v frobnicate -b /b", VB_HOOK_FORBID);
	assert_command("v frobnicate -bundle /b", VB_HOOK_FORBID);
	assert_command("v frobnicate --bun /b", VB_HOOK_FORBID);
	assert_command("v Create --bundle /b abc", VB_HOOK_FORBID);
}
END_TEST

START_TEST(the_id_of_a_stopping_command_is_found)
{
	ck_assert_str_eq(parse("v kill --all abc 9").id, "abc");
	ck_assert_str_eq(parse("v delete --force abc").id, "abc");
	ck_assert_str_eq(parse("v state abc").id, "abc");
	ck_assert_ptr_null(parse("v delete --force").id);
}
END_TEST

START_TEST(behind_an_unknown_global_option_nothing_can_be_created)
{
	assert_command("v --x create --bundle /b abc", VB_HOOK_UNCLEAR);
	assert_command("v --x kill create abc", VB_HOOK_UNCLEAR);
	assert_command("v -root /r exec --process /p abc", VB_HOOK_UNCLEAR);
	assert_command("v --x y run abc", VB_HOOK_UNCLEAR);
	assert_command("v --x y restore abc", VB_HOOK_UNCLEAR);
	assert_command("v --x y other --bundle /b", VB_HOOK_UNCLEAR);
	assert_command("v -- create abc", VB_HOOK_UNCLEAR);
	assert_command("v --x y kill abc 9", VB_HOOK_PASS);
	assert_command("v --x=y create --bundle /b abc", VB_HOOK_CREATE);
	assert_command("v --x=y delete abc", VB_HOOK_DELETE);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("oci_args");

	tcase_add_test(tcase, what_containerd_says_at_create_is_understood);
	tcase_add_test(tcase, what_containerd_says_at_exec_is_understood);
	tcase_add_test(tcase, values_may_be_attached_with_an_equals_sign);
	tcase_add_test(tcase, the_last_of_repeated_options_counts_as_it_does_for_the_runtime);
	tcase_add_test(tcase, a_value_that_looks_like_an_option_is_a_value);
	tcase_add_test(tcase, options_of_create_and_exec_that_are_not_known_are_told);
	tcase_add_test(tcase, options_behind_the_id_count_for_create_and_not_for_exec);
	tcase_add_test(tcase, commands_are_told_apart);
	tcase_add_test(tcase, the_id_of_a_stopping_command_is_found);
	tcase_add_test(tcase, behind_an_unknown_global_option_nothing_can_be_created);
	return support_run(tcase);
}
