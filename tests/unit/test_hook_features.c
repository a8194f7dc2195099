/* SPDX-License-Identifier: Apache-2.0 */
/* What the hook remembers of a runtime's features: answers, and no troubles of the node. */
#include <errno.h>
#include <string.h>

#include "hook.h"
#include "oci_node.h"
#include "unit.h"
#include "vb/base/program.h"

#define RUNTIME "/opt/runtime"

/* What the runtime is made to do, next. */
static int result;
static const char *answer;
static unsigned int calls;

/* The names are the linker's (--wrap). NOLINTBEGIN(readability-identifier-naming) */
int __wrap_vb_program_run(const char *const argv[], unsigned int timeout_ms, struct vb_buf *output);

int __wrap_vb_program_run(const char *const argv[], unsigned int timeout_ms, struct vb_buf *output)
{
	ck_assert_str_eq(argv[0], RUNTIME);
	ck_assert_uint_gt(timeout_ms, 0);
	calls++;
	return result < 0 ? result : vb_buf_append_string(output, answer);
}
/* NOLINTEND(readability-identifier-naming) */

static struct vb_oci_features ask(void)
{
	struct vb_oci_features features = {.flags = 99};

	vb_hook_features(RUNTIME, &features);
	return features;
}

static void set_up(void)
{
	support_enter_node();
	support_write_file(RUNTIME, "", 0755);
	result = 0;
	answer = "{\"annotations\":{\"run.oci.crun.version\":\"1.28\"}}";
	calls = 0;
}

START_TEST(an_answer_is_remembered)
{
	ck_assert(ask().is_known);
	ck_assert(ask().is_known);
	ck_assert_uint_eq(calls, 1);
}
END_TEST

/* It has no such command, or prints without end: so will it the next time. */
static const int answers[] = {-EIO, -ENOSPC};

START_TEST(that_a_runtime_does_not_know_the_command_is_remembered)
{
	result = answers[_i];
	ck_assert(!ask().is_known);
	result = 0;
	ck_assert(!ask().is_known);
	ck_assert_uint_eq(calls, 1);
}
END_TEST

/* No time, no process, no memory, no descriptor. */
static const int troubles[] = {-ETIMEDOUT, -EAGAIN, -ENOMEM, -EMFILE};

START_TEST(trouble_of_the_node_is_not_remembered)
{
	result = troubles[_i];
	ck_assert(!ask().is_known);
	result = 0;
	ck_assert(ask().is_known);
	ck_assert_uint_eq(calls, 2);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("hook_features");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, an_answer_is_remembered);
	tcase_add_loop_test(tcase, that_a_runtime_does_not_know_the_command_is_remembered, 0,
		VB_ARRAY_SIZE(answers));
	tcase_add_loop_test(
		tcase, trouble_of_the_node_is_not_remembered, 0, VB_ARRAY_SIZE(troubles));
	return vb_unit_run("hook_features", tcase);
}
