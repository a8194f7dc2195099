/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter of filters. */
#include <check.h>
#include <errno.h>
#include <stddef.h>

#include "unit.h"
#include "vb/adjust/bpf_sim.h"

#define STMT(code, k)         BPF_STMT((code), (uint32_t)(k))
#define JUMP(code, k, jt, jf) BPF_JUMP((code), (uint32_t)(k), (jt), (jf))
#define LOAD(field)           STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RET(value)            STMT(BPF_RET | BPF_K, (value))

#define CHECK(...)                                                                                 \
	vb_bpf_check((const struct sock_filter[]){__VA_ARGS__},                                    \
		sizeof((const struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter))

START_TEST(comparisons_choose_between_both_ways)
{
	const struct sock_filter program[] = {
		LOAD(nr),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 1),
		RET(1),
		JUMP(BPF_JMP | BPF_JGT | BPF_K, 100, 0, 1),
		RET(2),
		JUMP(BPF_JMP | BPF_JGE | BPF_K, 100, 0, 1),
		RET(3),
		JUMP(BPF_JMP | BPF_JSET | BPF_K, 8, 1, 0),
		RET(4),
		STMT(BPF_JMP | BPF_JA, 1),
		RET(5),
		RET(6),
	};
	const struct {
		int number;
		uint32_t expected;
	} cases[] = {{5, 1}, {101, 2}, {100, 3}, {4, 4}, {8, 6}, {-1, 2}};

	ck_assert_int_eq(vb_bpf_check(program, sizeof(program) / sizeof(program[0])), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct seccomp_data data = {.nr = cases[i].number};
		ck_assert_uint_eq(vb_bpf_run(program, &data), cases[i].expected);
	}
}
END_TEST

START_TEST(halves_of_arguments_are_loaded_and_masked)
{
	const struct sock_filter program[] = {
		STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + 4),
		STMT(BPF_ALU | BPF_AND | BPF_K, 0xff00),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x1200, 0, 1),
		RET(SECCOMP_RET_ALLOW),
		RET(SECCOMP_RET_ERRNO | 13),
	};
	const struct seccomp_data match = {.args = {0, UINT64_C(0x1234) << 32}};
	const struct seccomp_data other = {.args = {0, 0x1234}};

	ck_assert_int_eq(vb_bpf_check(program, sizeof(program) / sizeof(program[0])), 0);
	ck_assert_uint_eq(vb_bpf_run(program, &match), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(vb_bpf_run(program, &other), SECCOMP_RET_ERRNO | 13);
}
END_TEST

START_TEST(what_the_kernel_would_not_load_is_refused)
{
	const struct sock_filter none = RET(0);
	static struct sock_filter many[BPF_MAXINSNS + 1];

	for (size_t i = 0; i <= BPF_MAXINSNS; i++)
		many[i] = (struct sock_filter)RET(0);
	ck_assert_int_eq(vb_bpf_check(&none, 0), -EINVAL);
	ck_assert_int_eq(vb_bpf_check(many, BPF_MAXINSNS + 1), -EINVAL);
	ck_assert_int_eq(vb_bpf_check(many, BPF_MAXINSNS), 0);
	ck_assert_int_eq(CHECK(LOAD(nr)), -EINVAL);
	ck_assert_int_eq(CHECK(STMT(BPF_LD | BPF_W | BPF_ABS, 2), RET(0)), -EINVAL);
	ck_assert_int_eq(CHECK(STMT(BPF_LD | BPF_W | BPF_ABS, sizeof(struct seccomp_data)), RET(0)),
		-EINVAL);
	ck_assert_int_eq(CHECK(JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), RET(0)), -EINVAL);
	ck_assert_int_eq(CHECK(JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), RET(0)), -EINVAL);
	ck_assert_int_eq(CHECK(STMT(BPF_JMP | BPF_JA, 1), RET(0)), -EINVAL);
	ck_assert_int_eq(CHECK(STMT(BPF_JMP | BPF_JA, UINT32_MAX), RET(0)), -EINVAL);
}
END_TEST

START_TEST(what_libseccomp_never_writes_is_refused)
{
	ck_assert_int_eq(CHECK(STMT(BPF_LD | BPF_B | BPF_ABS, 0), RET(0)), -EINVAL);
	ck_assert_int_eq(CHECK(STMT(BPF_LD | BPF_MEM, 0), RET(0)), -EINVAL);
	ck_assert_int_eq(CHECK(STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET(0)), -EINVAL);
	ck_assert_int_eq(CHECK(JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 0), RET(0)), -EINVAL);
	ck_assert_int_eq(CHECK(STMT(BPF_RET | BPF_A, 0)), -EINVAL);
	ck_assert_int_eq(CHECK(STMT(0xffff, 0), RET(0)), -EINVAL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile_bpf");

	tcase_add_test(tcase, comparisons_choose_between_both_ways);
	tcase_add_test(tcase, halves_of_arguments_are_loaded_and_masked);
	tcase_add_test(tcase, what_the_kernel_would_not_load_is_refused);
	tcase_add_test(tcase, what_libseccomp_never_writes_is_refused);
	return vb_unit_run("profile_bpf", tcase);
}
