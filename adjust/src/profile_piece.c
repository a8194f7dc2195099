/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_piece.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>

#include "profile_points.h"
#include "vb/adjust/bpf_sim.h"

enum {
	UNKNOWN_NUMBER = 9999,
	NO_NUMBER = -1, /* of a call that a tracer has cancelled; x86 filters treat it apart */
	X32_LAST = 0x3fffffff,
	RULE_WORK = 8,        /* instructions that a rule stands for when it is read */
	MULTIPLEXED_MAX = 25, /* more calls than socketcall (20) and ipc (24) know */
};

/* An architecture that no node of ours has, and no profile in its result. */
#define FOREIGN SCMP_ARCH_PARISC

void vb_piece_finish(struct vb_piece *piece)
{
	vb_filter_finish(&piece->base);
	vb_filter_finish(&piece->tighter);
	vb_filter_finish(&piece->result);
}

static int compile_side(struct vb_piece *piece, const struct vb_profile *profile,
	const struct vb_rule **rules, size_t count, struct vb_filter *ret_filter)
{
	const struct vb_check *check = piece->check;
	struct vb_compilation compilation = {
		.default_action = profile->default_action,
		.archs = check->whole ? profile->archs : &piece->arch,
		.arch_count = check->whole ? profile->arch_count : 1,
		.rules = rules,
		.rule_count = count,
		.conditions = profile->conditions,
		.optimize = check->optimize,
	};

	return vb_filter_compile(&compilation, check->scratch_fd, ret_filter, check->err);
}

enum side { SIDE_BASE, SIDE_TIGHTER, SIDE_RESULT };

static const struct vb_rules *side_of(const struct vb_subject *subject, enum side side)
{
	switch (side) {
	case SIDE_BASE:
		return &subject->base;
	case SIDE_TIGHTER:
		return &subject->tighter;
	case SIDE_RESULT:
	default:
		return &subject->result;
	}
}

/* Compiles one side's rules for the names. */
static int compile_names(struct vb_piece *piece, enum side side,
	const struct vb_subject *const *subjects, size_t subject_count)
{
	const struct vb_check *check = piece->check;
	const struct vb_profile *const profiles[] = {check->base, check->tighter, check->result};
	struct vb_filter *const filters[] = {&piece->base, &piece->tighter, &piece->result};
	size_t count = 0;

	if (profiles[side] == NULL)
		return 0;
	vb_auto_free const struct vb_rule **rules =
		calloc(profiles[side]->rule_count + 1, sizeof(const struct vb_rule *));
	if (rules == NULL)
		return vb_error_set(check->err, ENOMEM, "check a profile");
	for (size_t i = 0; i < subject_count; i++) {
		const struct vb_rules *own = side_of(subjects[i], side);
		for (size_t j = 0; j < own->count; j++)
			rules[count++] = &own->rules[j];
	}
	return compile_side(piece, profiles[side], rules, count, filters[side]);
}

static void know(struct vb_piece *piece, int number)
{
	if (number >= 0 && number < VB_PIECE_NUMBERS)
		piece->known[number / 64] |= UINT64_C(1) << (number % 64);
}

/* Whether a call of the piece has the number. arm's own few, above all others, are not tracked. */
static bool may_know(const struct vb_piece *piece, int number)
{
	if (number >= VB_PIECE_NUMBERS)
		return true;
	return number >= 0 && (piece->known[number / 64] >> (number % 64) & 1) != 0;
}

int vb_piece_compile_result(
	struct vb_piece *piece, const struct vb_subject *const *subjects, size_t count)
{
	for (size_t i = 0; i < count && !piece->check->whole; i++)
		know(piece, seccomp_syscall_resolve_name_arch(piece->arch, subjects[i]->name));
	return compile_names(piece, SIDE_RESULT, subjects, count);
}

int vb_piece_compile_inputs(
	struct vb_piece *piece, const struct vb_subject *const *subjects, size_t count)
{
	int r = compile_names(piece, SIDE_BASE, subjects, count);

	return r == 0 ? compile_names(piece, SIDE_TIGHTER, subjects, count) : r;
}

/* What one side's rules say about the call under test. */
static uint32_t read_rules(
	const struct vb_piece *piece, enum side side, const struct seccomp_data *data)
{
	const struct vb_profile *const profiles[] = {piece->check->base, piece->check->tighter};
	uint64_t args[VB_PROFILE_ARGS];

	if (profiles[side] == NULL)
		return SCMP_ACT_ALLOW;
	if (piece->subject == NULL)
		return profiles[side]->default_action;
	for (unsigned int i = 0; i < VB_PROFILE_ARGS; i++)
		args[i] = data->args[i];
	return vb_rules_action(
		side_of(piece->subject, side), args, vb_arch_is_narrow(piece->arch), NULL);
}

/* What one side answers: its filter, or, without one, its rules. */
static uint32_t answer(
	const struct vb_piece *piece, enum side side, const struct seccomp_data *data)
{
	const struct vb_filter *filter = side == SIDE_BASE ? &piece->base : &piece->tighter;

	return filter->count > 0 && !piece->by_rules ? vb_bpf_run(filter->program, data)
						     : read_rules(piece, side, data);
}

static int complain(const struct vb_piece *piece, const struct seccomp_data *data,
	uint32_t expected, uint32_t got)
{
	struct vb_error *err = piece->check->err;
	const char *name = piece->subject != NULL ? piece->subject->name : "unknown call";

	vb_error_say(err, EILSEQ,
		"the compiled filter answers '%s' (%d) on %s with %s (data %u) instead of %s (data "
		"%u), for arguments 0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64
		", 0x%" PRIx64 ", 0x%" PRIx64,
		name, data->nr, vb_profile_arch_name(piece->arch), vb_profile_action_name(got),
		got & SECCOMP_RET_DATA, vb_profile_action_name(expected),
		expected & SECCOMP_RET_DATA, (uint64_t)data->args[0], (uint64_t)data->args[1],
		(uint64_t)data->args[2], (uint64_t)data->args[3], (uint64_t)data->args[4],
		(uint64_t)data->args[5]);
	if (piece->subject != NULL && piece->subject->tighter.count > 0)
		(void)vb_error_at(err, "syscalls[%u]", piece->subject->tighter.rules[0].source);
	if (piece->arch != piece->check->result->native)
		return vb_error_fix(err, "list only %s in the profile's architectures",
			vb_profile_arch_name(piece->check->result->native));
	return vb_error_fix(err,
		"write the conditions on '%s' in another way, and leave out calls that %s does not "
		"have",
		name, vb_profile_arch_name(piece->arch));
}

/*
 * A profile can be made so that its conditions have more boundary values than anybody can wait for.
 * Profiles come from bundles, which nobody vouches for, and containers wait.
 */
static int spend_work(const struct vb_piece *piece)
{
	const struct vb_subject *subject = piece->subject;
	uint64_t cost = piece->base.count + piece->tighter.count + piece->result.count;

	if (subject != NULL)
		cost += RULE_WORK * (subject->base.count + subject->tighter.count);
	if (*piece->check->work < cost) {
		vb_error_say(piece->check->err, EOPNOTSUPP,
			"the conditions of the profiles have too many boundary values to be "
			"checked");
		return vb_error_fix(piece->check->err,
			"use fewer rules with conditions, above all with several arguments");
	}
	*piece->check->work -= cost;
	return 0;
}

static int test_call(void *context, const uint64_t args[VB_PROFILE_ARGS])
{
	const struct vb_piece *piece = context;
	struct seccomp_data data;

	int r = spend_work(piece);
	if (r < 0)
		return r;
	vb_call_data(piece->arch, piece->number, args, &data);
	uint32_t expected = vb_action_stricter(
		answer(piece, SIDE_BASE, &data), answer(piece, SIDE_TIGHTER, &data));
	uint32_t got = vb_bpf_run(piece->result.program, &data);
	if (got != expected)
		return complain(piece, &data, expected, got);
	/* The rules may be mistaken on both sides alike; for an unknown call there are none. */
	if (piece->subject == NULL)
		return 0;
	expected = vb_action_stricter(
		read_rules(piece, SIDE_BASE, &data), read_rules(piece, SIDE_TIGHTER, &data));
	return got == expected ? 0 : complain(piece, &data, expected, got);
}

/* A call without conditions, or an unknown one. */
int vb_piece_test_plain(struct vb_piece *piece, const struct vb_subject *subject, int number)
{
	static const uint64_t zeros[VB_PROFILE_ARGS];
	static const uint64_t ones[VB_PROFILE_ARGS] = {
		UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

	piece->subject = subject;
	piece->number = number;
	int r = test_call(piece, zeros);
	return r == 0 && subject != NULL ? test_call(piece, ones) : r;
}

/* An ABI that the result leaves out must be closed, whatever the three profiles say about it. */
static int test_closed(const struct vb_piece *piece, uint32_t arch)
{
	static const uint64_t zeros[VB_PROFILE_ARGS];
	static const int numbers[] = {0, 1, X32_LAST};

	for (size_t i = 0; i < VB_ARRAY_SIZE(numbers); i++) {
		struct seccomp_data data;
		vb_call_data(arch, numbers[i], zeros, &data);
		uint32_t got = vb_bpf_run(piece->result.program, &data);
		if (vb_action_rank(got) > vb_action_rank(SCMP_ACT_KILL_THREAD))
			return vb_error_say(piece->check->err, EILSEQ,
				"the compiled filter leaves %s open and answers with %s",
				vb_profile_arch_name(arch), vb_profile_action_name(got));
	}
	return 0;
}

int vb_piece_test_outside(struct vb_piece *piece)
{
	uint32_t native = piece->check->result->native;
	uint32_t others[] = {SCMP_ARCH_X32, vb_arch_sibling(native), FOREIGN};
	int r = vb_piece_test_plain(piece, NULL, UNKNOWN_NUMBER);

	if (r == 0)
		r = vb_piece_test_plain(piece, NULL, NO_NUMBER);
	for (size_t i = 0; i < VB_ARRAY_SIZE(others) && r == 0; i++) {
		if (others[i] == 0 || others[i] == piece->arch ||
			(piece->check->whole &&
				vb_profile_covers_arch(piece->check->result, others[i])))
			continue;
		r = test_closed(piece, others[i]);
	}
	return r;
}

static bool has_conditions(const struct vb_subject *subject)
{
	return vb_rules_conditional(&subject->base) || vb_rules_conditional(&subject->tighter) ||
	       vb_rules_conditional(&subject->result);
}

static int test_conditional(struct vb_piece *piece, const struct vb_subject *subject, int number)
{
	vb_auto_points struct vb_points *points = vb_points_create(vb_arch_is_narrow(piece->arch));
	int r = points != NULL ? 0 : -ENOMEM;

	if (r == 0)
		r = vb_points_add(points, &subject->base, false);
	if (r == 0)
		r = vb_points_add(points, &subject->tighter, false);
	if (r == 0)
		r = vb_points_add(points, &subject->result, true);
	if (r < 0)
		return vb_error_set(piece->check->err, -r, "check a profile");
	piece->subject = subject;
	piece->number = number;
	return vb_points_walk(points, test_call, piece);
}

int vb_piece_test_subject(struct vb_piece *piece, const struct vb_subject *subject, int number)
{
	int r = has_conditions(subject) ? test_conditional(piece, subject, number)
					: vb_piece_test_plain(piece, subject, number);

	for (int beside = number - 1; beside <= number + 1 && r == 0; beside += 2)
		if (!may_know(piece, beside))
			r = vb_piece_test_plain(piece, NULL, beside);
	return r;
}

/* socketcall or ipc, with the conditions of everything behind it. */
int vb_piece_test_multiplexer(
	struct vb_piece *piece, const struct vb_subject *const *subjects, size_t count, int number)
{
	vb_auto_points struct vb_points *points = vb_points_create(vb_arch_is_narrow(piece->arch));
	int r = points != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && r == 0; i++) {
		r = vb_points_add(points, &subjects[i]->base, false);
		if (r == 0)
			r = vb_points_add(points, &subjects[i]->tighter, false);
		if (r == 0)
			r = vb_points_add(points, &subjects[i]->result, true);
	}
	if (r < 0)
		return vb_error_set(piece->check->err, -r, "check a profile");
	for (unsigned int call = 0; call <= MULTIPLEXED_MAX; call++)
		vb_points_add_value(points, 0, call);
	piece->subject = NULL;
	piece->number = number;
	return vb_points_walk(points, test_call, piece);
}
