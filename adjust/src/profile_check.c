/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_check.h"

#include <errno.h>
#include <string.h>

#include "profile_piece.h"

enum {
	/* libseccomp's time grows with the square of the rules; each filter has a fixed cost too.
	 */
	PIECE_NAMES = 32,
	NUMBERS_MAX = 512,  /* above all calls of the x86 and generic tables */
	DIRECT_FIRST = 330, /* i386's own numbers of calls that were multiplexed before */
	DIRECT_LAST = 430,
};

static void check_finish(struct vb_check *check)
{
	vb_subjects_finish(&check->subjects);
	vb_cleanup_close(&check->scratch_fd);
}

static int check_begin(struct vb_check *check, const struct vb_profile *base,
	const struct vb_profile *tighter, const struct vb_profile *result)
{
	check->base = base;
	check->tighter = tighter;
	check->result = result;
	int r = vb_subjects_collect(&check->subjects, base, tighter, result);
	if (r < 0)
		return vb_error_set(check->err, -r, "check a profile");
	return vb_filter_scratch(&check->scratch_fd, check->err);
}

/*
 * Calls that hide behind one number and are told apart by the first argument: socketcall and ipc
 * of i386 and a few more. Where they do, libseccomp numbers them -100 - n and -200 - n.
 */
static bool arch_multiplexes(uint32_t arch)
{
	return seccomp_syscall_resolve_name_arch(arch, "socketcall") >= 0;
}

static bool is_multiplexed(const char *name, int number)
{
	return (number <= -100 && number > -300) || strcmp(name, "socketcall") == 0 ||
	       strcmp(name, "ipc") == 0;
}

static bool same_rules(const struct vb_rules *a, const struct vb_rules *b)
{
	if (a->count != b->count || a->default_action != b->default_action)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct vb_condition *x = vb_rules_conditions(a, i);
		const struct vb_condition *y = vb_rules_conditions(b, i);
		if (a->rules[i].action != b->rules[i].action ||
			a->rules[i].count != b->rules[i].count)
			return false;
		for (size_t j = 0; j < a->rules[i].count; j++)
			if (x[j].index != y[j].index || x[j].op != y[j].op ||
				x[j].value != y[j].value || x[j].mask != y[j].mask)
				return false;
	}
	return true;
}

static bool allows_all(const struct vb_rules *rules)
{
	return rules->count == 0 && rules->default_action == SCMP_ACT_ALLOW;
}

/* Whether the result's rules are one side's and the other side has nothing to say. */
static bool is_taken_over(const struct vb_subject *subject)
{
	return (same_rules(&subject->result, &subject->base) && allows_all(&subject->tighter)) ||
	       (same_rules(&subject->result, &subject->tighter) && allows_all(&subject->base));
}

static bool has_conditions(const struct vb_subject *subject)
{
	return vb_rules_conditional(&subject->base) || vb_rules_conditional(&subject->tighter) ||
	       vb_rules_conditional(&subject->result);
}

/* The calls that have a number of their own besides. */
static int test_direct_numbers(
	struct vb_piece *piece, const struct vb_subject *const *subjects, size_t count)
{
	int r = 0;

	for (int number = DIRECT_FIRST; number <= DIRECT_LAST && r == 0; number++) {
		vb_auto_free char *name = seccomp_syscall_resolve_num_arch(piece->arch, number);
		for (size_t i = 0; i < count && name != NULL && r == 0; i++)
			if (strcmp(subjects[i]->name, name) == 0)
				r = vb_piece_test_subject(piece, subjects[i], number);
	}
	return r;
}

static int test_multiplexed(
	struct vb_piece *piece, const struct vb_subject *const *subjects, size_t count)
{
	static const char *const names[] = {"socketcall", "ipc"};
	int r = test_direct_numbers(piece, subjects, count);

	for (size_t i = 0; i < VB_ARRAY_SIZE(names) && r == 0; i++) {
		int number = seccomp_syscall_resolve_name_arch(piece->arch, names[i]);
		if (number >= 0)
			r = vb_piece_test_multiplexer(piece, subjects, count, number);
	}
	return r;
}

static int test_names(
	struct vb_piece *piece, const struct vb_subject *const *subjects, size_t count)
{
	int r = vb_piece_test_outside(piece);

	for (size_t i = 0; i < count && r == 0; i++) {
		int number = seccomp_syscall_resolve_name_arch(piece->arch, subjects[i]->name);
		if (number >= 0)
			r = vb_piece_test_subject(piece, subjects[i], number);
	}
	return r;
}

/* The names of one architecture, by how they are tested. */
struct sorted {
	const struct vb_subject **plain; /* filters of the result, by the piece */
	const struct vb_subject **conditional;
	const struct vb_subject **multiplexed;
	size_t plain_count;
	size_t conditional_count;
	size_t multiplexed_count;
	bool multiplexed_changed;
};

static void sorted_finish(struct sorted *sorted)
{
	free(sorted->plain);
	free(sorted->conditional);
	free(sorted->multiplexed);
}

static int sort_names(struct sorted *sorted, const struct vb_check *check, uint32_t arch)
{
	size_t count = check->subjects.count;
	bool multiplexes = arch_multiplexes(arch);

	sorted->plain = calloc(count + 1, sizeof(const struct vb_subject *));
	sorted->conditional = calloc(count + 1, sizeof(const struct vb_subject *));
	sorted->multiplexed = calloc(count + 1, sizeof(const struct vb_subject *));
	if (sorted->plain == NULL || sorted->conditional == NULL || sorted->multiplexed == NULL)
		return vb_error_set(check->err, ENOMEM, "check a profile");
	for (size_t i = 0; i < count; i++) {
		const struct vb_subject *subject = &check->subjects.items[i];
		int number = seccomp_syscall_resolve_name_arch(arch, subject->name);
		if (multiplexes && is_multiplexed(subject->name, number)) {
			sorted->multiplexed[sorted->multiplexed_count++] = subject;
			if (!is_taken_over(subject))
				sorted->multiplexed_changed = true;
		} else if (number < 0) {
			continue;
		} else if (has_conditions(subject)) {
			sorted->conditional[sorted->conditional_count++] = subject;
		} else {
			sorted->plain[sorted->plain_count++] = subject;
		}
	}
	return 0;
}

static int check_plain(
	const struct vb_check *check, uint32_t arch, const struct sorted *sorted, size_t at)
{
	vb_auto_piece struct vb_piece piece = {.check = check, .arch = arch};
	size_t left = sorted->plain_count - at;
	size_t count = left < PIECE_NAMES ? left : PIECE_NAMES;
	int r = vb_piece_compile(&piece, &sorted->plain[at], count, false);

	return r == 0 ? test_names(&piece, &sorted->plain[at], count) : r;
}

static int check_conditional(
	const struct vb_check *check, uint32_t arch, const struct sorted *sorted)
{
	vb_auto_piece struct vb_piece piece = {.check = check, .arch = arch};
	int r = vb_piece_compile(&piece, sorted->conditional, sorted->conditional_count, true);

	return r == 0 ? test_names(&piece, sorted->conditional, sorted->conditional_count) : r;
}

static int check_multiplexed(
	const struct vb_check *check, uint32_t arch, const struct sorted *sorted)
{
	vb_auto_piece struct vb_piece piece = {.check = check, .arch = arch};
	int r = vb_piece_compile(&piece, sorted->multiplexed, sorted->multiplexed_count, true);

	return r == 0 ? test_multiplexed(&piece, sorted->multiplexed, sorted->multiplexed_count)
		      : r;
}

static int check_arch(const struct vb_check *check, uint32_t arch)
{
	vb_auto(sorted_finish) struct sorted sorted = {0};
	int r = sort_names(&sorted, check, arch);

	if (r == 0)
		r = check_conditional(check, arch, &sorted);
	if (r == 0 && sorted.multiplexed_changed)
		r = check_multiplexed(check, arch, &sorted);
	for (size_t at = 0; at < sorted.plain_count && r == 0; at += PIECE_NAMES)
		r = check_plain(check, arch, &sorted, at);
	return r;
}

int vb_profile_check_quick(const struct vb_profile *base, const struct vb_profile *tighter,
	const struct vb_profile *result, struct vb_error *err)
{
	vb_auto(check_finish) struct vb_check check = {.scratch_fd = -1, .optimize = 1, .err = err};
	int r = check_begin(&check, base, tighter, result);

	for (size_t i = 0; i < result->arch_count && r == 0; i++)
		r = check_arch(&check, result->archs[i]);
	return r;
}

/* One architecture of the whole filters. */
static int test_whole(struct vb_piece *piece, const struct sorted *sorted)
{
	int r = test_names(piece, sorted->plain, sorted->plain_count);

	if (r == 0)
		r = test_names(piece, sorted->conditional, sorted->conditional_count);
	if (r == 0 && sorted->multiplexed_count > 0)
		r = test_multiplexed(piece, sorted->multiplexed, sorted->multiplexed_count);
	for (int number = 0; number < NUMBERS_MAX && r == 0; number++)
		r = vb_piece_test_plain(piece, NULL, number);
	return r;
}

static int check_whole(struct vb_check *check, unsigned int optimize)
{
	vb_auto_piece struct vb_piece piece = {.check = check};
	vb_auto_free const struct vb_subject **all =
		calloc(check->subjects.count + 1, sizeof(const struct vb_subject *));

	check->optimize = optimize;
	if (all == NULL)
		return vb_error_set(check->err, ENOMEM, "check a profile");
	for (size_t i = 0; i < check->subjects.count; i++)
		all[i] = &check->subjects.items[i];
	int r = vb_piece_compile(&piece, all, check->subjects.count, true);
	for (size_t i = 0; i < check->result->arch_count && r == 0; i++) {
		vb_auto(sorted_finish) struct sorted sorted = {0};
		piece.arch = check->result->archs[i];
		r = sort_names(&sorted, check, piece.arch);
		if (r == 0)
			r = test_whole(&piece, &sorted);
	}
	return r;
}

int vb_profile_check(const struct vb_profile *base, const struct vb_profile *tighter,
	const struct vb_profile *result, struct vb_error *err)
{
	vb_auto(check_finish) struct vb_check check = {.scratch_fd = -1, .whole = true, .err = err};
	int r = check_begin(&check, base, tighter, result);

	if (r == 0)
		r = check_whole(&check, 1);
	return r == 0 ? check_whole(&check, 2) : r;
}
