/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hook.h"
#include "vb/adjust/refusal.h"
#include "vb/base/str.h"

enum {
	/* Every character of the line escaped, and the rest of the object. */
	LOG_LINE_MAX = 2 * VB_REFUSAL_LINE_MAX + 128,
};

/* The line is UTF-8 without control characters, so two characters need escaping (RFC 8259). */
static void escape(const char *text, char *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			*out++ = '\\';
		*out++ = *text;
	}
	*out = '\0';
}

static void write_all(int fd, const char *text)
{
	size_t size = strlen(text);

	/* Nobody is left to tell when this fails. */
	for (ssize_t n; size > 0 && (n = write(fd, text, size)) > 0; size -= (size_t)n)
		text += n;
}

/*
 * containerd decodes the file as a series of JSON objects with level, msg and time, and takes msg
 * of the last one with level "error" (getLastRuntimeError); time must be RFC 3339 for Go.
 */
static void append_to_log(const char *path, const char *line)
{
	char escaped[2 * VB_REFUSAL_LINE_MAX];
	char text[LOG_LINE_MAX];
	char when[sizeof("YYYY-MM-DDTHH:MM:SSZ")];
	time_t now = time(NULL);
	struct tm utc;

	if (gmtime_r(&now, &utc) == NULL ||
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		return;
	escape(line, escaped);
	(void)snprintf(text, sizeof(text), "{\"level\":\"error\",\"msg\":\"%s\",\"time\":\"%s\"}\n",
		escaped, when);
	vb_auto_close int fd = open(
		path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	if (fd >= 0)
		write_all(fd, text);
}

void vb_hook_report(const struct vb_hook *hook, const struct vb_error *err)
{
	char line[VB_REFUSAL_LINE_MAX];

	vb_refusal_format(line, err, hook->namespace_name, hook->pod,
		hook->container != NULL ? hook->container : hook->args.id);
	if (hook->args.log != NULL && hook->args.log[0] != '\0') {
		/* crun takes "file:PATH" as well. */
		const char *path = vb_str_after(hook->args.log, "file:");
		append_to_log(path != NULL ? path : hook->args.log, line);
	}
	write_all(STDERR_FILENO, line);
	write_all(STDERR_FILENO, "\n");
}
