/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to a library that is not in the list, and around the functions of libc that are gated. */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#include "attack.h"

/* A library in no list, whose number() is this. */
#define INTRUDER "/opt/lib/libintruder.so"

enum { INTRUDERS_NUMBER = 666 };

static int load(Lmid_t space, const char *path)
{
	errno = 0;
	void *library =
		space == LM_ID_BASE ? dlopen(path, RTLD_NOW) : dlmopen(space, path, RTLD_NOW);
	if (library != NULL)
		return 0;
	return errno != 0 ? errno : ELIBACC;
}

static int try_dlopen(const char *path)
{
	return load(LM_ID_BASE, path);
}

static int try_dlmopen(const char *path)
{
	return load(LM_ID_NEWLM, path);
}

/* Makes the file the intruder, loads it, and looks which of the two it is. */
static int try_overwrite_library(const char *path)
{
	int r = attack_copy(INTRUDER, path);
	if (r != 0)
		return r;
	void *library = dlopen(path, RTLD_NOW);
	if (library == NULL)
		return errno;
	int (*number)(void) = dlsym(library, "number");
	return number != NULL && number() == INTRUDERS_NUMBER ? 0 : ESTALE;
}

void *attack_libc_symbol(const char *name)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);

	return libc != NULL ? dlsym(libc, name) : NULL;
}

const struct attempt attack_libraries[] = {
	{"dlopen", try_dlopen},
	{"dlmopen", try_dlmopen},
	{"overwrite-library", try_overwrite_library},
	{NULL, NULL},
};
