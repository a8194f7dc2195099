/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation on the way from annotations to the plan file fails once (linked with --wrap;
 * jansson by its own hook). Each time the answer is the right one all the same, or a clean -ENOMEM;
 * AddressSanitizer watches for leaks and worse.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "../golden/decide/case.h"
#include "unit.h"
#include "vb/adjust/bundle_store.h"
#include "vb/adjust/refusal.h"
#include "vb/adjust/text.h"
#include "vb/base/file.h"

enum { TEXT_MAX = 1 << 20, ALLOCATIONS_MAX = 100000 };

/* Counts while armed; the allocation whose number is fail_at fails. */
static bool armed;
static unsigned int allocations;
static unsigned int fail_at;

static bool fails(void)
{
	if (!armed || ++allocations != fail_at)
		return false;
	errno = ENOMEM;
	return true;
}

// NOLINTBEGIN(readability-identifier-naming): the linker chooses these names.
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
int __real_vasprintf(char **ret, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
int __real___vasprintf_chk(char **ret, int flag, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_vasprintf(char **ret, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
	return fails() ? NULL : __real_strndup(text, size);
}

int __wrap_vasprintf(char **ret, const char *format, va_list args)
{
	return fails() ? -1 : __real_vasprintf(ret, format, args);
}

/* What vasprintf() becomes with FORTIFY. */
int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list args)
{
	return fails() ? -1 : __real___vasprintf_chk(ret, flag, format, args);
}

/*
 * Reading counts as one allocation. Failing inside cannot be tried: the lexer of jansson 2.14 drops
 * a byte of the token when its buffer cannot grow, and then runs past the token's end (akheron/
 * jansson issue 362).
 */
json_t *__real_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *text, size_t size, size_t flags, json_error_t *error)
{
	bool was_armed = armed;

	if (fails())
		return NULL;
	armed = false;
	json_t *json = __real_json_loadb(text, size, flags, error);
	armed = was_armed;
	return json;
}

// NOLINTEND(readability-identifier-naming)

static void *json_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

static void start(void)
{
	armed = false;
	json_set_alloc_funcs(json_malloc, free);
}

/* What a scenario comes to: its answer in words, or an error. The caller frees the answer. */
typedef int (*scenario_fn)(void *context, char **ret_answer, struct vb_error *err);

static int run_armed(scenario_fn scenario, void *context, unsigned int number, char **ret_answer,
	struct vb_error *err)
{
	memset(err, 0, sizeof(*err));
	allocations = 0;
	fail_at = number;
	armed = true;
	int r = scenario(context, ret_answer, err);
	armed = false;
	return r;
}

/* Lets each allocation of the scenario fail in turn. Returns how many there are. */
static unsigned int starve(const char *name, scenario_fn scenario, void *context)
{
	struct vb_error err;
	vb_auto_free char *expected = NULL;

	ck_assert_msg(
		run_armed(scenario, context, 0, &expected, &err) == 0, "%s: %s", name, err.what);
	for (unsigned int number = 1; number < ALLOCATIONS_MAX; number++) {
		vb_auto_free char *answer = NULL;
		int r = run_armed(scenario, context, number, &answer, &err);
		if (r == 0) {
			ck_assert_msg(strcmp(answer, expected) == 0, "%s, allocation %u: %s", name,
				number, answer);
		} else {
			ck_assert_msg(r == -ENOMEM && err.errnum == ENOMEM && err.code == NULL,
				"%s, allocation %u: %d %s", name, number, r, err.what);
			ck_assert_ptr_nonnull(strstr(err.what, "Cannot allocate memory"));
			ck_assert_ptr_null(answer);
		}
		if (allocations < number)
			return number - 1;
	}
	ck_abort_msg("%s has no end", name);
}

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "render a plan");
}

/* Plan file, the plan read from it, and its text. */
static int render(const struct vb_plan *plan, char **ret_answer, struct vb_error *err)
{
	vb_auto_free char *json = vb_plan_to_json(plan);
	vb_auto_plan struct vb_plan *again = NULL;
	vb_auto_buf struct vb_buf *text = vb_buf_create(TEXT_MAX);

	if (json == NULL || text == NULL)
		return out_of_memory(err);
	int r = vb_plan_from_json(json, strlen(json), &again, err);
	if (r < 0)
		return r;
	if (vb_buf_printf(text, "%s\n", json) < 0 || vb_plan_to_text(again, 2, text) < 0)
		return out_of_memory(err);
	char *answer = vb_buf_strdup(text);
	if (answer == NULL)
		return out_of_memory(err);
	*ret_answer = answer;
	return 0;
}

/* A refusal is an answer too; an error without a code is none. */
static int decide_case(void *context, char **ret_answer, struct vb_error *err)
{
	const struct vb_case *c = context;
	vb_auto_plan struct vb_plan *plan = NULL;
	struct vb_case_parser parser;
	char line[VB_REFUSAL_LINE_MAX];

	vb_case_parser_init(&parser, NULL);
	int r = vb_case_decide(c, &parser.finder, &plan, err);
	vb_case_parser_finish(&parser);
	if (r == -ENOMEM)
		return r;
	if (r == 0 && plan != NULL)
		return render(plan, ret_answer, err);
	vb_refusal_format(
		line, err, c->subject.namespace_name, c->subject.pod, c->subject.container);
	*ret_answer = __real_strdup(r == 0 ? "left alone" : line);
	return 0;
}

START_TEST(every_golden_case_survives_every_failing_allocation)
{
	vb_auto_strv struct vb_strv directories = {0};
	struct vb_error err;
	unsigned int total = 0;

	ck_assert_msg(vb_case_list(VB_TEST_DATA "/golden/decide", &directories, &err) == 0, "%s",
		err.what);
	for (size_t i = 0; i < directories.count; i++) {
		struct vb_case c;
		ck_assert_msg(vb_case_load(&c, directories.items[i], &err) == 0, "%s", err.what);
		total += starve(directories.items[i], decide_case, &c);
		vb_case_finish(&c);
	}
	printf("%u allocations failed in %zu cases\n", total, directories.count);
	ck_assert_uint_gt(total, 1000);
}
END_TEST

struct store_scenario {
	const char *directory;
	const char *name;
	const char *digest;
};

/* Looks a bundle up twice, as one that is not kept and as one that is. */
static int look_up(void *context, char **ret_answer, struct vb_error *err)
{
	const struct store_scenario *scenario = context;
	vb_auto_strv struct vb_strv directories = {0};
	vb_auto_bundle_store struct vb_bundle_store *store = NULL;
	const struct vb_bundle *bundle = NULL;

	if (vb_strv_add(&directories, "/nowhere") < 0 ||
		vb_strv_add(&directories, scenario->directory) < 0)
		return out_of_memory(err);
	store = vb_bundle_store_create(&directories);
	if (store == NULL)
		return out_of_memory(err);
	vb_bundle_store_accept_any_owner(store);
	int r = vb_bundle_store_get(store, scenario->name, NULL, &bundle, err);
	if (r == 0)
		r = vb_bundle_store_get(store, scenario->name, scenario->digest, &bundle, err);
	if (r == -ENOMEM)
		return r;
	*ret_answer = __real_strdup(r == 0 ? bundle->version : err->what);
	return 0;
}

START_TEST(every_bundle_lookup_survives_every_failing_allocation)
{
	static const char manifest[] =
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\",\"version\":"
		"\"1\",\"hardening\":{\"tmpfs\":[{\"path\":\"/tmp\"}]}}";
	char directory[] = "/tmp/vb-test-allocation.XXXXXX";
	struct vb_error err;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	vb_auto_free char *bundle = vb_str_format("%s/arm", directory);
	vb_auto_free char *file = vb_str_format("%s/manifest.json", bundle);
	ck_assert_int_eq(mkdir(bundle, 0755), 0);
	ck_assert_int_eq(vb_file_replace(file, manifest, strlen(manifest), 0644, &err), 0);
	struct store_scenario found = {directory, "arm", NULL};
	struct store_scenario missing = {directory, "leg", NULL};
	struct store_scenario pinned = {directory, "arm", "sha256:other"};
	ck_assert_uint_gt(starve("found", look_up, &found), 10);
	ck_assert_uint_gt(starve("missing", look_up, &missing), 4);
	ck_assert_uint_gt(starve("pinned", look_up, &pinned), 10);
	ck_assert_int_eq(unlink(file) | rmdir(bundle) | rmdir(directory), 0);
}
END_TEST

START_TEST(without_an_error_to_fill_out_of_memory_is_still_told)
{
	static const struct vb_annotation items[] = {
		{"containers.vambrace.dev", "{\"app\":{\"tmpfs\":\"/tmp\"}}"},
		{"preload-exec-allowlist.vambrace.dev", "/bin/ls,/bin/sh"}};
	const struct vb_annotations annotations = {items, VB_ARRAY_SIZE(items)};
	unsigned int refused = 0;

	for (unsigned int number = 1;; number++) {
		struct vb_request request = {0};
		allocations = 0;
		fail_at = number;
		armed = true;
		int r = vb_request_parse(&annotations, "app", &request, NULL);
		armed = false;
		vb_request_finish(&request);
		if (allocations < number)
			break;
		ck_assert_msg(r == 0 || r == -ENOMEM, "allocation %u: %d", number, r);
		refused += r < 0;
	}
	ck_assert_uint_gt(refused, 10);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("allocation");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, every_golden_case_survives_every_failing_allocation);
	tcase_add_test(tcase, every_bundle_lookup_survives_every_failing_allocation);
	tcase_add_test(tcase, without_an_error_to_fill_out_of_memory_is_still_told);
	return vb_unit_run("allocation", tcase);
}
