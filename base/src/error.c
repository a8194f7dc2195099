/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vb/base/utf8.h"

__attribute__((format(printf, 3, 0))) static void format_text(
	char *text, size_t size, const char *format, va_list args)
{
	if (vsnprintf(text, size, format, args) < 0)
		text[0] = '\0';
	vb_utf8_scrub(text);
}

__attribute__((format(printf, 4, 0))) static int fill(
	struct vb_error *err, int errnum, const char *code, const char *format, va_list args)
{
	/* An error is an error, also when errno was not set. */
	if (errnum <= 0)
		errnum = EIO;
	if (err == NULL)
		return -errnum;
	err->errnum = errnum;
	err->code = code;
	err->fix[0] = '\0';
	err->place[0] = '\0';
	format_text(err->what, sizeof(err->what), format, args);
	return -errnum;
}

int(vb_error_set)(struct vb_error *err, int errnum, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int r = fill(err, errnum, NULL, format, args);
	va_end(args);
	if (err != NULL) {
		size_t used = strlen(err->what);
		/* strerror() is not thread-safe; this one returns a constant (glibc 2.32). */
		const char *text = strerrordesc_np(-r);
		(void)snprintf(err->what + used, sizeof(err->what) - used, ": %s",
			text != NULL ? text : "unknown error");
	}
	return r;
}

int(vb_error_say)(struct vb_error *err, int errnum, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int r = fill(err, errnum, NULL, format, args);
	va_end(args);
	return r;
}

int(vb_error_refuse)(struct vb_error *err, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int r = fill(err, EPERM, code, format, args);
	va_end(args);
	return r;
}

int(vb_error_fix)(struct vb_error *err, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return -EPERM;
	va_start(args, format);
	format_text(err->fix, sizeof(err->fix), format, args);
	va_end(args);
	return err->errnum > 0 ? -err->errnum : -EIO;
}

int(vb_error_at)(struct vb_error *err, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return -EPERM;
	va_start(args, format);
	if (err->place[0] == '\0')
		format_text(err->place, sizeof(err->place), format, args);
	va_end(args);
	return err->errnum > 0 ? -err->errnum : -EIO;
}

int(vb_error_wrap)(struct vb_error *err, const char *format, ...)
{
	char inner[VB_ERROR_WHAT_MAX];
	va_list args;

	if (err == NULL)
		return -EPERM;
	memcpy(inner, err->what, sizeof(inner));
	va_start(args, format);
	format_text(err->what, sizeof(err->what), format, args);
	va_end(args);
	size_t used = strlen(err->what);
	(void)snprintf(err->what + used, sizeof(err->what) - used, ": %s", inner);
	vb_utf8_scrub(err->what);
	return err->errnum > 0 ? -err->errnum : -EIO;
}
