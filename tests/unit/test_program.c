/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "vb/base/program.h"

static struct vb_buf *output;

static void start(void)
{
	output = vb_buf_create(64 << 10);
	ck_assert_ptr_nonnull(output);
}

static void finish(void)
{
	vb_buf_destroy(output);
}

static int shell(const char *script, unsigned int timeout_ms)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};

	return vb_program_run(argv, timeout_ms, output);
}

/* The process that printed its id. */
static void expect_gone(void)
{
	vb_auto_free char *pid = vb_buf_strdup(output);

	ck_assert_ptr_nonnull(pid);
	ck_assert_int_eq(kill((pid_t)strtol(pid, NULL, 10), 0), -1);
	ck_assert_int_eq(errno, ESRCH);
}

START_TEST(what_a_program_prints_is_returned)
{
	ck_assert_int_eq(
		shell("echo one; read x; echo \"[$x]\"; echo error >&2; echo two", 30000), 0);
	ck_assert_uint_eq(vb_buf_size(output), strlen("one\n[]\ntwo\n"));
	ck_assert_mem_eq(vb_buf_data(output), "one\n[]\ntwo\n", vb_buf_size(output));
}
END_TEST

START_TEST(a_program_can_be_called_by_another_name)
{
	const char *const argv[] = {"handler", "-c", "echo \"$0\"", NULL};

	ck_assert_int_eq(vb_program_run_as("/bin/sh", argv, 30000, output), 0);
	ck_assert_mem_eq(vb_buf_data(output), "handler\n", vb_buf_size(output));
}
END_TEST

START_TEST(a_program_that_fails_is_an_error)
{
	ck_assert_int_eq(shell("echo one; exit 3", 30000), -EIO);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_an_error)
{
	const char *const argv[] = {"/nonexistent", NULL};

	ck_assert_int_eq(vb_program_run(argv, 30000, output), -ENOENT);
}
END_TEST

START_TEST(a_program_that_does_not_end_is_killed)
{
	ck_assert_int_eq(shell("echo $$; exec sleep 1000", 2000), -ETIMEDOUT);
	expect_gone();
}
END_TEST

START_TEST(a_program_that_closes_its_output_and_lives_on_is_killed)
{
	ck_assert_int_eq(shell("echo $$; exec >&-; exec sleep 1000", 2000), -ETIMEDOUT);
	expect_gone();
}
END_TEST

START_TEST(an_answer_without_end_is_cut_off)
{
	ck_assert_int_eq(shell("exec cat /dev/zero", 30000), -ENOSPC);
	ck_assert_uint_le(vb_buf_size(output), 64 << 10);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("program");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, what_a_program_prints_is_returned);
	tcase_add_test(tcase, a_program_can_be_called_by_another_name);
	tcase_add_test(tcase, a_program_that_fails_is_an_error);
	tcase_add_test(tcase, a_program_that_is_not_there_is_an_error);
	tcase_add_test(tcase, a_program_that_does_not_end_is_killed);
	tcase_add_test(tcase, a_program_that_closes_its_output_and_lives_on_is_killed);
	tcase_add_test(tcase, an_answer_without_end_is_cut_off);
	return vb_unit_run("program", tcase);
}
