/* SPDX-License-Identifier: Apache-2.0 */
#include "allocation.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vb/base/cleanup.h"

enum { DENSE_MAX = 500 };

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

void allocation_start(void)
{
	armed = false;
	json_set_alloc_funcs(json_malloc, free);
}

char *allocation_strdup(const char *text)
{
	return __real_strdup(text);
}

bool allocation_fail_one(unsigned int number, void (*function)(void *context), void *context)
{
	allocations = 0;
	fail_at = number;
	armed = true;
	function(context);
	armed = false;
	return number > 0 && allocations >= number;
}

struct run {
	allocation_scenario_fn scenario;
	void *context;
	char *answer;
	struct vb_error err;
	int r;
};

static void run_scenario(void *context)
{
	struct run *run = context;

	run->answer = NULL;
	memset(&run->err, 0, sizeof(run->err));
	run->r = run->scenario(run->context, &run->answer, &run->err);
}

static void check_run(
	const char *name, unsigned int number, const struct run *run, const char *expected)
{
	if (run->r == 0) {
		ck_assert_msg(strcmp(run->answer, expected) == 0, "%s, allocation %u: %s", name,
			number, run->answer);
		return;
	}
	ck_assert_msg(run->r == -ENOMEM && run->err.errnum == ENOMEM && run->err.code == NULL,
		"%s, allocation %u: %d %s", name, number, run->r, run->err.what);
	ck_assert_msg(strstr(run->err.what, "Cannot allocate memory") != NULL,
		"%s, allocation %u: %s", name, number, run->err.what);
	ck_assert_ptr_null(run->answer);
}

unsigned int allocation_starve(
	const char *name, allocation_scenario_fn scenario, void *context, unsigned int stride)
{
	struct run run = {.scenario = scenario, .context = context};
	unsigned int failed = 0;

	(void)allocation_fail_one(0, run_scenario, &run);
	ck_assert_msg(run.r == 0, "%s: %s", name, run.err.what);
	vb_auto_free char *expected = run.answer;
	for (unsigned int number = 1;; number += number < DENSE_MAX ? 1 : stride) {
		bool was_one = allocation_fail_one(number, run_scenario, &run);
		check_run(name, number, &run, expected);
		free(run.answer);
		if (!was_one)
			return failed;
		failed++;
	}
}
