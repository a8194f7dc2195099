/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_BASE_ERROR_H
#define VB_BASE_ERROR_H

/*
 * One shape of failure for the whole project: a function returns 0 or -errno and, when the caller
 * passed a struct vb_error, fills it. The caller owns the storage, nothing is allocated, and a
 * successful call leaves it untouched. Every text is one printable line of valid UTF-8, whatever
 * was formatted into it: it ends up in pod events and in ttrpc strings, which must be UTF-8.
 */

enum {
	VB_ERROR_WHAT_MAX = 640,
	VB_ERROR_FIX_MAX = 384,
	VB_ERROR_PLACE_MAX = 96,
};

struct vb_error {
	int errnum;       /* positive errno */
	const char *code; /* refusal code such as "ErrInvalidValue" (static), or NULL */
	char what[VB_ERROR_WHAT_MAX];
	char fix[VB_ERROR_FIX_MAX];     /* how to fix it; empty when nothing was said */
	char place[VB_ERROR_PLACE_MAX]; /* in the document that was read; empty when not said */
};

/*
 * Each function below accepts err == NULL, then only the return value counts.
 * The result is always negative, so `return vb_error_set(...)` reads well.
 */

/* Sets err to the formatted text followed by the text of errnum. Returns -errnum. */
int vb_error_set(struct vb_error *err, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets err to the formatted text alone, for failures that errno says nothing about. */
int vb_error_say(struct vb_error *err, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets err to a refusal: code must be a string literal. Returns -EPERM. */
int vb_error_refuse(struct vb_error *err, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds the advice to an error that is already set. Returns the error's own -errnum. */
int vb_error_fix(struct vb_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prefixes context to an error that is already set. Returns the error's own -errnum. */
int vb_error_wrap(struct vb_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Adds to an error that is already set where in a JSON document it stands, as a path such as
 * "syscalls[3].args[0]"; what an inner function has said stays. Returns the error's own -errnum.
 */
int vb_error_at(struct vb_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * They never return 0, which neither the compiler nor an analyzer can see from the declarations;
 * told so, it does not follow paths on which a failed function left its outputs unset.
 */
static inline int vb_error_result(int result)
{
	if (result >= 0)
		__builtin_unreachable();
	return result;
}

#define vb_error_set(...)    vb_error_result(vb_error_set(__VA_ARGS__))
#define vb_error_say(...)    vb_error_result(vb_error_say(__VA_ARGS__))
#define vb_error_refuse(...) vb_error_result(vb_error_refuse(__VA_ARGS__))
#define vb_error_fix(...)    vb_error_result(vb_error_fix(__VA_ARGS__))
#define vb_error_wrap(...)   vb_error_result(vb_error_wrap(__VA_ARGS__))
#define vb_error_at(...)     vb_error_result(vb_error_at(__VA_ARGS__))

#endif
