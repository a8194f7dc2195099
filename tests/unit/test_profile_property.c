/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random pairs of profiles: wherever the engine gives a meet, the filter that a runtime makes of it
 * answers every call with exactly the stricter of what the filters of the two answer. Neither the
 * filters nor the points are the engine's. VB_SEED makes another run than the usual one, VB_PAIRS a
 * longer one. ablation.cmake shows that the test sees a wrong engine.
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "profile_model.h"
#include "profile_runtime.h"
#include "profile_support.h"
#include "unit.h"
#include "vb/adjust/bpf_sim.h"
#include "vb/adjust/oci_number.h"

enum {
	PAIRS = 1000,
	POINTS = 80,
	NAMES_MOST = 6,
	VARIETY_LEAST = 50,
};

/* libseccomp 2.5.4 loses branches when it merges rules of different length. */
const char *__lsan_default_suppressions(void); // NOLINT(readability-identifier-naming)
const char *__lsan_default_suppressions(void)  // NOLINT(readability-identifier-naming)
{
	return "leak:libseccomp";
}

/* xorshift64: the same numbers everywhere. */
static uint64_t state;

static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

static bool chance(unsigned int percent)
{
	return draw(100) < percent;
}

/* Ordinary ones, ones that i386 multiplexes, absent ones, and one that nobody knows. */
static const char *const names[] = {"read", "ioctl", "clone", "personality", "mmap", "prctl",
	"socket", "connect", "shmget", "umount", "mknod", "socketcall", "call_of_2031"};

static const struct {
	const char *name;
	bool has_errno;
} actions[] = {
	{"SCMP_ACT_ALLOW", false},
	{"SCMP_ACT_ERRNO", true},
	{"SCMP_ACT_KILL_PROCESS", false},
	{"SCMP_ACT_KILL", false},
	{"SCMP_ACT_TRAP", false},
	{"SCMP_ACT_TRACE", true},
	{"SCMP_ACT_LOG", false},
	{"SCMP_ACT_NOTIFY", false},
};

static const char *const operators[] = {"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ",
	"SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};

/* Small ones, so that conditions touch; the second half does not fit 32 bits. */
static const uint64_t values[] = {0, 1, 2, 5, 6, 17, 40, 0x7e020000, INT32_MAX, UINT32_MAX,
	UINT64_C(1) << 32, (UINT64_C(1) << 32) + 5, (UINT64_C(3) << 40) - 1, INT64_MAX, UINT64_MAX};
enum { NARROW_VALUES = 10 };

static const uint64_t masks[] = {1, 3, 6, 0xff, 0x7e020000, UINT32_MAX, 0,
	UINT64_C(0xffffffff00000000), UINT64_C(0xff00ff), UINT64_MAX};

static void set(json_t *object, const char *key, json_t *value)
{
	ck_assert_int_eq(json_object_set_new(object, key, value), 0);
}

static uint64_t draw_value(bool wide)
{
	return values[draw(wide ? VB_ARRAY_SIZE(values) : NARROW_VALUES)];
}

/* exact: no range */
static json_t *draw_condition(uint64_t index, bool exact, bool wide)
{
	json_t *argument = json_object();
	const char *op = operators[draw(VB_ARRAY_SIZE(operators))];
	if (exact)
		op = chance(50) ? "SCMP_CMP_EQ" : "SCMP_CMP_MASKED_EQ";
	bool masked = strcmp(op, "SCMP_CMP_MASKED_EQ") == 0;
	uint64_t mask = masks[draw(VB_ARRAY_SIZE(masks))];

	set(argument, "index", json_integer((json_int_t)index));
	set(argument, "op", json_string(op));
	set(argument, "value", vb_oci_number_new(masked ? mask : draw_value(wide)));
	if (masked)
		set(argument, "valueTwo", vb_oci_number_new(draw_value(wide)));
	return argument;
}

/* One to three; mostly without what libseccomp cannot do, see vb_filter_guard(). */
static json_t *draw_conditions(bool wide)
{
	json_t *args = json_array();
	uint64_t count = 1 + draw(chance(70) ? 1 : 3);
	uint64_t indices[3];
	uint64_t last = 0;
	bool wild = chance(5);

	for (uint64_t i = 0; i < count; i++) {
		indices[i] = draw(3);
		last = indices[i] > last ? indices[i] : last;
	}
	for (uint64_t i = 0; i < count; i++)
		ck_assert_int_eq(
			json_array_append_new(args,
				draw_condition(indices[i], indices[i] != last && !wild, wide)),
			0);
	return args;
}

static void set_action(json_t *object, const char *key, const char *errno_key, size_t action)
{
	set(object, key, json_string(actions[action].name));
	if (actions[action].has_errno && chance(70))
		set(object, errno_key, json_integer(chance(50) ? 38 : 13));
}

static json_t *draw_entry(const char *name, size_t action, bool wide)
{
	json_t *entry = json_object();

	set(entry, "names", json_pack("[s]", name));
	set_action(entry, "action", "errnoRet", action);
	if (chance(75))
		set(entry, "args", draw_conditions(wide));
	return entry;
}

static void add_name(json_t *entries, bool wide)
{
	const char *name = names[draw(VB_ARRAY_SIZE(names))];
	size_t action = draw(VB_ARRAY_SIZE(actions));

	for (uint64_t left = 1 + draw(4); left > 0; left--) {
		size_t own = chance(80) ? action : draw(VB_ARRAY_SIZE(actions));
		ck_assert_int_eq(json_array_append_new(entries, draw_entry(name, own, wide)), 0);
	}
}

static void set_archs(json_t *profile, uint32_t native)
{
	json_t *archs = json_array();

	if (chance(30)) {
		json_decref(archs);
		return;
	}
	for (unsigned int i = 0; i < 2; i++) {
		const char *name =
			native == SCMP_ARCH_X86_64 ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64";
		if (i == 1)
			name = native == SCMP_ARCH_X86_64 ? "SCMP_ARCH_X86" : "SCMP_ARCH_ARM";
		if (chance(60))
			ck_assert_int_eq(json_array_append_new(archs, json_string(name)), 0);
	}
	if (native == SCMP_ARCH_X86_64 && chance(20))
		ck_assert_int_eq(json_array_append_new(archs, json_string("SCMP_ARCH_X32")), 0);
	set(profile, "architectures", archs);
}

/*
 * One call that every architecture has and that comes before all others: without any, libseccomp
 * may build filters that never look at the number, and inputs like that prove nothing.
 */
static void add_anchor(json_t *entries, const char *default_action)
{
	bool allows = strcmp(default_action, "SCMP_ACT_ALLOW") == 0;

	ck_assert_int_eq(json_array_append_new(entries,
				 json_pack("{s:[s],s:s}", "names", "set_robust_list", "action",
					 allows ? "SCMP_ACT_TRAP" : "SCMP_ACT_ALLOW")),
		0);
}

/* A profile as the engine sees it, and as a runtime is given it. */
struct drawn {
	json_t *json;
	struct vb_profile *profile;
};

static void drawn_finish(struct drawn *drawn)
{
	json_decref(drawn->json);
	vb_profile_destroy(drawn->profile);
}

/* Until one reads well: rules that contradict each other are refused. */
static struct drawn draw_profile(uint32_t native)
{
	for (;;) {
		struct drawn drawn = {.json = json_object()};
		json_t *entries = json_array();
		bool wide = chance(30);
		struct vb_error err = {0};

		/* Not NOTIFY, which no runtime takes as a default. */
		set_action(drawn.json, "defaultAction", "defaultErrnoRet",
			chance(60) ? draw(2) : draw(VB_ARRAY_SIZE(actions) - 1));
		set_archs(drawn.json, native);
		for (uint64_t left = draw(NAMES_MOST); left > 0; left--)
			add_name(entries, wide);
		add_anchor(
			entries, json_string_value(json_object_get(drawn.json, "defaultAction")));
		set(drawn.json, "syscalls", entries);
		int r = vb_profile_from_json(drawn.json, native, &drawn.profile, &err);
		if (r == 0)
			return drawn;
		json_decref(drawn.json);
		ck_assert_int_eq(r, -EINVAL);
		ck_assert(strstr(err.what, "different actions") != NULL ||
			  strstr(err.what, "upper halves") != NULL);
	}
}

enum { BASE, TIGHTER, RESULT, SIDES };

struct filters {
	const json_t *profiles[SIDES];
	struct runtime_filter sides[SIDES];
};

/* What one needs to look into a failure. */
static void print_profiles(const struct filters *filters)
{
	for (size_t i = 0; i < SIDES; i++) {
		vb_auto_free char *text = json_dumps(filters->profiles[i], JSON_COMPACT);
		(void)fprintf(stderr, "%s\n", text);
	}
}

static int32_t rank(uint32_t action)
{
	return (int32_t)(action & SECCOMP_RET_ACTION_FULL);
}

static void check_call(
	const struct filters *filters, const struct seccomp_data *data, const char *name)
{
	uint32_t base = vb_bpf_run(filters->sides[BASE].program, data);
	uint32_t tighter = vb_bpf_run(filters->sides[TIGHTER].program, data);
	uint32_t result = vb_bpf_run(filters->sides[RESULT].program, data);
	uint32_t expected = rank(tighter) < rank(base) ? tighter : base;

	if (result == expected)
		return;
	print_profiles(filters);
	ck_abort_msg("%s %s(%d) on 0x%x, 0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64
		     ": 0x%x and 0x%x became 0x%x",
		rank(result) > rank(expected) ? "looser:" : "not the stricter one:", name, data->nr,
		data->arch, (uint64_t)data->args[0], (uint64_t)data->args[1],
		(uint64_t)data->args[2], base, tighter, result);
}

static uint64_t draw_argument(bool narrow)
{
	uint64_t value = values[draw(VB_ARRAY_SIZE(values))];

	if (chance(30))
		value ^= UINT64_C(1) << draw(64);
	else if (chance(50))
		value += draw(3) - 1;
	else if (chance(20))
		value = draw(UINT64_MAX) << draw(32);
	return narrow ? value & UINT32_MAX : value;
}

static void check_number(const struct filters *filters, uint32_t arch, int number, const char *name)
{
	for (unsigned int i = 0; i < POINTS; i++) {
		struct seccomp_data data = {.nr = number, .arch = arch};
		bool narrow = (arch & __AUDIT_ARCH_64BIT) == 0;
		for (unsigned int j = 0; j < VB_PROFILE_ARGS; j++)
			data.args[j] = chance(15) ? 0 : draw_argument(narrow);
		/* The number of a call behind socketcall or ipc. */
		if (number == 102 || number == 117)
			data.args[0] = draw(30);
		check_call(filters, &data, name);
	}
}

static void check_closed(const struct filters *filters, uint32_t arch, int number)
{
	struct seccomp_data data = {.nr = number, .arch = arch};

	ck_assert_int_le(
		rank(vb_bpf_run(filters->sides[RESULT].program, &data)), rank(KILL_THREAD));
}

static void check_archs(const struct vb_profile *result, const struct filters *filters)
{
	static const int others[] = {102, 117, 359, 362, 395, 9999};

	for (size_t i = 0; i < result->arch_count; i++) {
		uint32_t arch = result->archs[i];
		for (size_t j = 0; j < VB_ARRAY_SIZE(names); j++) {
			int number = seccomp_syscall_resolve_name_arch(arch, names[j]);
			if (number >= 0)
				check_number(filters, arch, number, names[j]);
		}
		for (size_t j = 0; j < VB_ARRAY_SIZE(others); j++)
			check_number(filters, arch, others[j], "other");
	}
	check_closed(filters, SCMP_ARCH_X86_64, 0x40000000);
	if (!vb_profile_covers_arch(result, SCMP_ARCH_X86))
		check_closed(filters, SCMP_ARCH_X86, 3);
	if (!vb_profile_covers_arch(result, SCMP_ARCH_ARM))
		check_closed(filters, SCMP_ARCH_ARM, 3);
}

/* What the pairs that were met had in them, so that none of it can get lost unnoticed. */
struct variety {
	unsigned int operators[VB_ARRAY_SIZE(operators)];
	unsigned int actions[VB_ARRAY_SIZE(actions)];
	unsigned int defaults[VB_ARRAY_SIZE(actions)];
	unsigned int without_conditions;
	unsigned int one_condition;
	unsigned int several_conditions;
	unsigned int several_abis; /* of the result */
};

static void count_action(unsigned int *counts, const json_t *object, const char *key)
{
	const char *name = json_string_value(json_object_get(object, key));

	for (size_t i = 0; i < VB_ARRAY_SIZE(actions); i++)
		counts[i] += strcmp(actions[i].name, name) == 0;
}

static void count_entry(struct variety *variety, const json_t *entry)
{
	const json_t *args = json_object_get(entry, "args");
	size_t count = json_array_size(args);

	count_action(variety->actions, entry, "action");
	variety->without_conditions += count == 0;
	variety->one_condition += count == 1;
	variety->several_conditions += count > 1;
	for (size_t i = 0; i < count; i++) {
		const char *op = json_string_value(json_object_get(json_array_get(args, i), "op"));
		for (size_t j = 0; j < VB_ARRAY_SIZE(operators); j++)
			variety->operators[j] += strcmp(operators[j], op) == 0;
	}
}

static void count_profile(struct variety *variety, const json_t *profile)
{
	const json_t *entries = json_object_get(profile, "syscalls");

	count_action(variety->defaults, profile, "defaultAction");
	for (size_t i = 0; i < json_array_size(entries); i++)
		count_entry(variety, json_array_get(entries, i));
}

static void check_counts(const char *what, const unsigned int *counts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(counts[i] >= VARIETY_LEAST, "%s %zu: only %u", what, i, counts[i]);
}

static void check_variety(const struct variety *variety)
{
	check_counts("operator", variety->operators, VB_ARRAY_SIZE(operators));
	check_counts("action", variety->actions, VB_ARRAY_SIZE(actions));
	/* NOTIFY, the last one, is no default. */
	check_counts("default", variety->defaults, VB_ARRAY_SIZE(actions) - 1);
	check_counts("without conditions", &variety->without_conditions, 1);
	check_counts("one condition", &variety->one_condition, 1);
	check_counts("several conditions", &variety->several_conditions, 1);
	check_counts("several ABIs", &variety->several_abis, 1);
}

struct tally {
	struct variety variety;
	unsigned int met;
	unsigned int not_exact;   /* EOPNOTSUPP */
	unsigned int miscompiled; /* EILSEQ */
	unsigned int hanging;     /* inputs at which a runtime might hang */
	unsigned int unusable;    /* inputs that a runtime would refuse */
};

/* The result must always compile; of inputs that do not, nothing is known. */
static bool compile_all(struct filters *filters, uint32_t native, struct tally *tally)
{
	for (size_t i = 0; i < SIDES; i++) {
		if (runtime_might_hang(filters->profiles[i])) {
			ck_assert_uint_ne(i, RESULT);
			tally->hanging++;
			return false;
		}
		if (!runtime_compile(
			    filters->profiles[i], native, chance(50) ? 1 : 2, &filters->sides[i])) {
			ck_assert_uint_ne(i, RESULT);
			tally->unusable++;
			return false;
		}
		ck_assert_int_eq(
			vb_bpf_check(filters->sides[i].program, filters->sides[i].count), 0);
	}
	return true;
}

static void check_pair(const struct drawn *base, const struct drawn *tighter,
	const struct vb_profile *result, struct tally *tally)
{
	static struct filters filters;
	json_t *json = vb_profile_to_json(result);

	ck_assert_ptr_nonnull(json);
	filters.profiles[BASE] = base->json;
	filters.profiles[TIGHTER] = tighter->json;
	filters.profiles[RESULT] = json;
	if (compile_all(&filters, result->native, tally)) {
		tally->met++;
		count_profile(&tally->variety, base->json);
		count_profile(&tally->variety, tighter->json);
		tally->variety.several_abis += result->arch_count > 1;
		check_archs(result, &filters);
	}
	json_decref(json);
}

static void try_pair(uint32_t native, struct tally *tally)
{
	vb_auto(drawn_finish) struct drawn base = draw_profile(native);
	vb_auto(drawn_finish) struct drawn tighter = draw_profile(native);
	vb_auto_profile struct vb_profile *result = NULL;
	struct vb_error err = {0};
	int r = vb_profile_meet(base.profile, tighter.profile, &result, &err);

	if (r == 0) {
		check_pair(&base, &tighter, result, tally);
		return;
	}
	ck_assert(r == -EOPNOTSUPP || r == -EILSEQ);
	ck_assert_str_ne(err.what, "");
	tally->not_exact += r == -EOPNOTSUPP;
	tally->miscompiled += r == -EILSEQ;
}

static void try_many(uint32_t native)
{
	const char *seed = getenv("VB_SEED");
	const char *pairs = getenv("VB_PAIRS");
	unsigned long wanted = pairs != NULL ? strtoul(pairs, NULL, 10) : PAIRS;
	struct tally tally = {0};

	state = seed != NULL ? strtoull(seed, NULL, 0) : 20260301;
	printf("seed %" PRIu64 "\n", state);
	while (tally.met < wanted)
		try_pair(native, &tally);
	printf("%s: %u pairs met; refused %u as not exact, %u as miscompiled; %u might hang a "
	       "runtime, %u it would refuse\n",
		vb_profile_arch_name(native), tally.met, tally.not_exact, tally.miscompiled,
		tally.hanging, tally.unusable);
	/* A generator of what is refused anyway would prove nothing. */
	ck_assert_uint_lt(tally.not_exact + tally.miscompiled, tally.met);
	check_variety(&tally.variety);
}

START_TEST(random_pairs_for_x86_64_meet_exactly)
{
	try_many(SCMP_ARCH_X86_64);
}
END_TEST

START_TEST(random_pairs_for_arm64_meet_exactly)
{
	try_many(SCMP_ARCH_AARCH64);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("profile_property");

	/* As long as it takes when somebody asks for more pairs. */
	tcase_set_timeout(tcase, getenv("VB_PAIRS") != NULL ? 0 : 300);
	tcase_add_test(tcase, random_pairs_for_x86_64_meet_exactly);
	tcase_add_test(tcase, random_pairs_for_arm64_meet_exactly);
	return vb_unit_run("profile_property", tcase);
}
