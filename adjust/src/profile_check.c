/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_check.h"

#include <errno.h>
#include <string.h>

#include "profile_piece.h"

enum {
	/* libseccomp's time grows with the square of the rules, but every filter costs some, too */
	PIECE_NAMES = 24,
	DIRECT_FIRST = 330, /* i386's own numbers of calls that were multiplexed before */
	DIRECT_LAST = 430,
};

/* About a second if all of them were run, and a hundred times what the runtimes' defaults take. */
static const uint64_t quick_work = UINT64_C(4000000000);

static void check_finish(struct vb_check *check)
{
	vb_subjects_finish(&check->subjects);
	vb_cleanup_close(&check->scratch_fd);
}

/* An ABI may be open only where both inputs cover it. */
static int check_archs(const struct vb_check *check)
{
	const struct vb_profile *base = check->base;

	for (size_t i = 0; i < check->result->arch_count; i++) {
		uint32_t arch = check->result->archs[i];
		if (vb_profile_covers_arch(check->tighter, arch) &&
			(base == NULL || vb_profile_covers_arch(base, arch)) &&
			arch != SCMP_ARCH_X32)
			continue;
		return vb_error_say(check->err, EILSEQ, "the result leaves %s open",
			vb_profile_arch_name(arch));
	}
	return 0;
}

static int check_begin(struct vb_check *check, const struct vb_profile *base,
	const struct vb_profile *tighter, const struct vb_profile *result)
{
	check->base = base;
	check->tighter = tighter;
	check->result = result;
	int r = check_archs(check);
	if (r == 0)
		r = vb_filter_guard(base, check->err);
	if (r == 0)
		r = vb_filter_guard(tighter, check->err);
	if (r == 0)
		r = vb_filter_guard(result, check->err);
	if (r < 0)
		return r;
	r = vb_subjects_collect(&check->subjects, base, tighter, result);
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
			if (!vb_condition_equal(&x[j], &y[j]))
				return false;
	}
	return true;
}

static bool allows_all(const struct vb_rules *rules)
{
	return rules->count == 0 && rules->default_action == SCMP_ACT_ALLOW;
}

/* Whether the result's rules are those of one side and the other has nothing to say. */
static bool is_from(
	const struct vb_subject *subject, const struct vb_rules *one, const struct vb_rules *other)
{
	return same_rules(&subject->result, one) && allows_all(other);
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
	const struct vb_subject **plain; /* in pieces of the result's filter */
	size_t plain_count;
	const struct vb_subject **conditional;
	size_t conditional_count;
	const struct vb_subject **multiplexed;
	size_t multiplexed_count;
	bool multiplexed_conditions;
	/* Together they make up one call's rules: only all of one side are what they were. */
	bool multiplexed_not_base;
	bool multiplexed_not_tighter;
	/* With different actions the order matters, which writing changes. */
	bool multiplexed_mixed;
	const struct vb_subject **absent; /* calls that the architecture does not have */
	size_t absent_count;
};

static void sorted_finish(struct sorted *sorted)
{
	free(sorted->plain);
	free(sorted->conditional);
	free(sorted->multiplexed);
	free(sorted->absent);
}

static int sorted_begin(struct sorted *sorted, size_t count, struct vb_error *err)
{
	const size_t size = sizeof(const struct vb_subject *);

	sorted->plain = calloc(count + 1, size);
	/* Room for those of `absent` and one more. */
	sorted->conditional = calloc(2 * count + 1, size);
	sorted->multiplexed = calloc(2 * count + 1, size);
	sorted->absent = calloc(count + 1, size);
	if (sorted->plain == NULL || sorted->conditional == NULL || sorted->multiplexed == NULL ||
		sorted->absent == NULL)
		return vb_error_set(err, ENOMEM, "check a profile");
	return 0;
}

/* Whether a rule has another action than the first one of the multiplexed calls. */
static bool is_mixed(const struct sorted *sorted, const struct vb_subject *subject)
{
	const struct vb_rules *rules = &subject->result;
	const struct vb_rule *first = NULL;

	for (size_t i = 0; i < sorted->multiplexed_count && first == NULL; i++)
		if (sorted->multiplexed[i]->result.count > 0)
			first = &sorted->multiplexed[i]->result.rules[0];
	for (size_t i = 0; i < rules->count; i++)
		if (first != NULL && rules->rules[i].action != first->action)
			return true;
	return false;
}

static void sort_name(
	struct sorted *sorted, const struct vb_subject *subject, int number, bool multiplexes)
{
	if (multiplexes && is_multiplexed(subject->name, number)) {
		sorted->multiplexed[sorted->multiplexed_count++] = subject;
		if (has_conditions(subject))
			sorted->multiplexed_conditions = true;
		sorted->multiplexed_mixed = sorted->multiplexed_mixed || is_mixed(sorted, subject);
		if (!is_from(subject, &subject->base, &subject->tighter))
			sorted->multiplexed_not_base = true;
		if (!is_from(subject, &subject->tighter, &subject->base))
			sorted->multiplexed_not_tighter = true;
	} else if (number < 0) {
		sorted->absent[sorted->absent_count++] = subject;
	} else if (has_conditions(subject)) {
		sorted->conditional[sorted->conditional_count++] = subject;
	} else {
		sorted->plain[sorted->plain_count++] = subject;
	}
}

static int sort_names(struct sorted *sorted, const struct vb_check *check, uint32_t arch)
{
	bool multiplexes = arch_multiplexes(arch);
	int r = sorted_begin(sorted, check->subjects.count, check->err);

	for (size_t i = 0; i < check->subjects.count && r == 0; i++) {
		const struct vb_subject *subject = &check->subjects.items[i];
		int number = seccomp_syscall_resolve_name_arch(arch, subject->name);
		sort_name(sorted, subject, number, multiplexes);
	}
	return r;
}

static int check_plain(
	const struct vb_check *check, uint32_t arch, const struct sorted *sorted, size_t at)
{
	vb_auto_piece struct vb_piece piece = {.check = check, .arch = arch};
	size_t left = sorted->plain_count - at;
	size_t count = left < PIECE_NAMES ? left : PIECE_NAMES;
	int r = vb_piece_compile_result(&piece, &sorted->plain[at], count);

	return r == 0 ? test_names(&piece, &sorted->plain[at], count) : r;
}

/*
 * libseccomp 2.5.4 orders calls by the cost of their conditions and lets the first one load the
 * number, without noticing that it leaves out a first one that the architecture does not have: all
 * others are then compared with the architecture. So the filters that test conditions contain the
 * absent calls of the whole filter, and one plain call where it has any to put first.
 */
static size_t add_companions(
	const struct sorted *sorted, const struct vb_subject **subjects, size_t count)
{
	for (size_t i = 0; i < sorted->absent_count; i++)
		subjects[count++] = sorted->absent[i];
	for (size_t i = 0; i < sorted->plain_count; i++) {
		if (sorted->plain[i]->result.count == 0)
			continue;
		subjects[count++] = sorted->plain[i];
		break;
	}
	return count;
}

/* subjects has room for the companions; *count then includes them. */
static int compile_with_companions(struct vb_piece *piece, const struct sorted *sorted,
	const struct vb_subject **subjects, size_t *count)
{
	int r = vb_piece_compile_inputs(piece, subjects, *count);

	if (r < 0)
		return r;
	*count = add_companions(sorted, subjects, *count);
	return vb_piece_compile_result(piece, subjects, *count);
}

static int test_companions(
	struct vb_piece *piece, const struct vb_subject *const *companions, size_t count)
{
	piece->by_rules = true;
	return test_names(piece, companions, count);
}

static int check_conditional(
	const struct vb_check *check, uint32_t arch, const struct sorted *sorted)
{
	vb_auto_piece struct vb_piece piece = {.check = check, .arch = arch};
	size_t own = sorted->conditional_count;
	size_t count = own;
	int r = compile_with_companions(&piece, sorted, sorted->conditional, &count);

	if (r == 0)
		r = test_names(&piece, sorted->conditional, own);
	return r == 0 ? test_companions(&piece, &sorted->conditional[own], count - own) : r;
}

/* What is all of one side need not be tested; but it must compile. */
static int check_multiplexed(
	const struct vb_check *check, uint32_t arch, const struct sorted *sorted)
{
	vb_auto_piece struct vb_piece piece = {.check = check, .arch = arch};
	bool changed = sorted->multiplexed_mixed ||
		       (sorted->multiplexed_not_base && sorted->multiplexed_not_tighter);
	size_t own = sorted->multiplexed_count;
	size_t count = own;
	int r = 0;

	if (!changed && !sorted->multiplexed_conditions)
		return 0;
	if (!changed)
		return vb_piece_compile_result(&piece, sorted->multiplexed, own);
	r = compile_with_companions(&piece, sorted, sorted->multiplexed, &count);
	if (r == 0)
		r = test_multiplexed(&piece, sorted->multiplexed, own);
	return r == 0 ? test_companions(&piece, &sorted->multiplexed[own], count - own) : r;
}

static int check_arch(const struct vb_check *check, uint32_t arch)
{
	vb_auto(sorted_finish) struct sorted sorted = {0};
	int r = sort_names(&sorted, check, arch);

	if (r == 0)
		r = check_conditional(check, arch, &sorted);
	if (r == 0)
		r = check_multiplexed(check, arch, &sorted);
	for (size_t at = 0; at < sorted.plain_count && r == 0; at += PIECE_NAMES)
		r = check_plain(check, arch, &sorted, at);
	return r;
}

int vb_profile_check_quick(const struct vb_profile *base, const struct vb_profile *tighter,
	const struct vb_profile *result, struct vb_error *err)
{
	uint64_t work = quick_work;
	vb_auto(check_finish) struct vb_check check = {
		.scratch_fd = -1, .optimize = 1, .work = &work, .err = err};
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
	for (int number = 0; number < VB_PIECE_NUMBERS && r == 0; number++)
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
	int r = vb_piece_compile_result(&piece, all, check->subjects.count);
	if (r == 0)
		r = vb_piece_compile_inputs(&piece, all, check->subjects.count);
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
	uint64_t work = UINT64_MAX;
	vb_auto(check_finish) struct vb_check check = {
		.scratch_fd = -1, .whole = true, .work = &work, .err = err};
	int r = check_begin(&check, base, tighter, result);

	if (r == 0)
		r = check_whole(&check, 1);
	return r == 0 ? check_whole(&check, 2) : r;
}
