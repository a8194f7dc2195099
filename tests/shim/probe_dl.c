/* SPDX-License-Identifier: Apache-2.0 */
/* Loading libraries. Each prints object=NAME of what was loaded, or dlerror=TEXT. */
#include "probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In a library that is preloaded behind the shim. */
extern void *dl_caller_open(const char *file, int flags) __attribute__((weak));

static int report(void *handle)
{
	int error = errno;
	const char *text = handle == NULL ? dlerror() : NULL;

	if (handle != NULL)
		printf("object=%s\n", ((const struct link_map *)handle)->l_name);
	else
		printf("dlerror=%s\n", text != NULL ? text : "(null)");
	printf("dlerror-again=%s\n", dlerror() == NULL ? "(null)" : "text");
	errno = error;
	return handle != NULL ? 1 : -1;
}

static int do_dlopen(char **args)
{
	return report(dlopen(args[0], RTLD_LAZY));
}

/* FLAGS FILE */
static int do_dlopen_flags(char **args)
{
	return report(dlopen(args[1], (int)strtol(args[0], NULL, 0)));
}

static int do_dlopen_null(char **args)
{
	(void)args;
	return report(dlopen(NULL, RTLD_LAZY));
}

static int do_dlopen_twice(char **args)
{
	report(dlopen(args[0], RTLD_LAZY));
	errno = 0;
	return report(dlopen(args[1], RTLD_LAZY));
}

/* FILE PROGRAM: what dlerror has of the first call is still there after the second. */
static int do_dlopen_pending(char **args)
{
	char *argv[] = {args[1], NULL};
	void *handle = dlopen(args[0], RTLD_LAZY);

	execve(args[1], argv, argv + 1);
	return report(handle);
}

static int do_dlopen_by(char **args)
{
	if (dl_caller_open == NULL)
		probe_die("no caller is preloaded");
	return report(dl_caller_open(args[0], RTLD_LAZY));
}

static int count_object(struct dl_phdr_info *info, size_t size, void *data)
{
	const char **name = data;

	(void)size;
	if (info->dlpi_name == NULL || strstr(info->dlpi_name, *name) == NULL)
		return 0;
	*name = NULL;
	return 1;
}

/* NAME: opened twice and closed twice. Is it there still? */
static int do_dlopen_by_and_close(char **args)
{
	const char *name = args[0];
	void *handles[2];

	if (dl_caller_open == NULL)
		probe_die("no caller is preloaded");
	for (int i = 0; i < 2; i++)
		handles[i] = dl_caller_open(name, RTLD_LAZY);
	if (handles[0] == NULL || handles[1] != handles[0] || dlclose(handles[0]) != 0 ||
		dlclose(handles[1]) != 0)
		probe_die(name);
	errno = 0;
	return dl_iterate_phdr(count_object, &name);
}

/* A name as long as asked. */
static int do_dlopen_long(char **args)
{
	size_t bytes = strtoul(args[0], NULL, 10);
	char *name = malloc(bytes + 1);
	void *handle;

	if (name == NULL)
		probe_die("malloc");
	memset(name, 'x', bytes);
	name[0] = '/';
	name[bytes] = '\0';
	handle = dlopen(name, RTLD_LAZY);
	free(name);
	return report(handle);
}

#ifndef LM_ID_NEWLM
/* musl has none, the shim has. */
extern void *dlmopen(long lmid, const char *file, int flags) __attribute__((weak));
#endif

/* LMID FILE */
static int do_dlmopen(char **args)
{
	return report(dlmopen(strtol(args[0], NULL, 10), args[1], RTLD_NOW));
}

#ifdef LM_ID_NEWLM
/* FILE FUNCTION ARGUMENT: calls it in a namespace of its own; the result is its own. */
static int do_dlmopen_call(char **args)
{
	void *handle = dlmopen(LM_ID_NEWLM, args[0], RTLD_NOW);
	int (*function)(const char *) = NULL;

	if (report(handle) < 0)
		return -1;
	*(void **)&function = dlsym(handle, args[1]);
	if (function == NULL)
		probe_die(args[1]);
	return function(args[2]);
}

/* FILE COUNT: how many namespaces there are to be had. */
static int do_dlmopen_many(char **args)
{
	long count = strtol(args[1], NULL, 10);
	int made = 0;

	for (long i = 0; i < count; i++)
		made += dlmopen(LM_ID_NEWLM, args[0], RTLD_NOW) != NULL;
	return made;
}
#endif

struct race {
	atomic_bool over;
	char shared[PATH_MAX];
	/* The one place where the two names differ. */
	size_t at;
	char one;
	char other;
};

static void *flip(void *data)
{
	struct race *race = data;
	volatile char *changing = &race->shared[race->at];

	while (!atomic_load(&race->over)) {
		*changing = race->one;
		*changing = race->other;
	}
	return NULL;
}

/* LISTED UNLISTED ROUNDS, which differ in one byte: how often was the unlisted one loaded? */
static int do_race_dlopen(char **args)
{
	static struct race race;
	long rounds = strtol(args[2], NULL, 10);
	pthread_t thread;
	int loaded = 0;
	int unlisted = 0;

	while (args[0][race.at] == args[1][race.at] && args[0][race.at] != '\0')
		race.at++;
	race.one = args[0][race.at];
	race.other = args[1][race.at];
	(void)snprintf(race.shared, sizeof(race.shared), "%s", args[0]);
	if (strlen(args[0]) != strlen(args[1]) || pthread_create(&thread, NULL, flip, &race) != 0)
		probe_die("race");
	/* On a busy machine the name may stay as it is for many rounds. */
	for (long i = 0; i < rounds || loaded == 0; i++) {
		void *handle = dlopen(race.shared, RTLD_LAZY);

		if (handle == NULL)
			continue;
		loaded++;
		unlisted += strcmp(((const struct link_map *)handle)->l_name, args[1]) == 0;
		dlclose(handle);
	}
	atomic_store(&race.over, true);
	pthread_join(thread, NULL);
	printf("loaded=%d\n", loaded);
	errno = 0;
	return unlisted;
}

static void *load_many(void *file)
{
	for (int i = 0; i < 200; i++) {
		void *handle = dlopen(file, RTLD_LAZY);

		if (handle == NULL)
			return file;
		dlclose(handle);
	}
	return NULL;
}

/* FILE: the first gated calls of several threads at the same time. How many threads failed? */
static int do_dlopen_threads(char **args)
{
	pthread_t threads[8];
	int failed = 0;

	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		if (pthread_create(&threads[i], NULL, load_many, args[0]) != 0)
			probe_die("thread");
	}
	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		void *result;

		pthread_join(threads[i], &result);
		failed += result != NULL;
	}
	errno = 0;
	return failed;
}

const struct probe_action probe_dl_actions[] = {
	{"dlopen", 1, do_dlopen},
	{"dlopen-flags", 2, do_dlopen_flags},
	{"dlopen-null", 0, do_dlopen_null},
	{"dlopen-twice", 2, do_dlopen_twice},
	{"dlopen-by", 1, do_dlopen_by},
	{"dlopen-by-and-close", 1, do_dlopen_by_and_close},
	{"dlopen-pending", 2, do_dlopen_pending},
	{"dlopen-long", 1, do_dlopen_long},
	{"dlopen-threads", 1, do_dlopen_threads},
	{"race-dlopen", 3, do_race_dlopen},
	{"dlmopen", 2, do_dlmopen},
#ifdef LM_ID_NEWLM
	{"dlmopen-call", 3, do_dlmopen_call},
	{"dlmopen-many", 2, do_dlmopen_many},
#endif
	{0},
};
