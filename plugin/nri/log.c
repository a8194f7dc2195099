/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vb/base/utf8.h"

enum {
	BURST = 100,
	REFILL_PER_SECOND = 10,
	/* Room that stays free so that a cut line can still be closed. */
	TAIL_BYTES = 8,
	/* Of a container's id, as vb_container_id_is_valid() has it. */
	ID_MAX = 128,
};

struct vb_log {
	int fd;
	enum vb_log_target target;
	uint64_t dropped;    /* lines that found a full pipe */
	uint64_t suppressed; /* lines over the limit */
	double tokens;
	struct timespec refilled;
};

static void put_char(struct vb_log_line *line, char c)
{
	if (!line->cut && line->used < sizeof(line->text) - TAIL_BYTES)
		line->text[line->used++] = c;
	else
		line->cut = true;
}

static void put(struct vb_log_line *line, const char *text)
{
	for (; *text != '\0'; text++)
		put_char(line, *text);
}

static void put_key(struct vb_log_line *line, const char *key)
{
	put_char(line, ' ');
	put(line, key);
	put_char(line, '=');
}

/* It comes from the runtime and stands unquoted, so it must be one word on one line. */
static void put_id(struct vb_log_line *line, const char *id)
{
	size_t length = strnlen(id, ID_MAX);

	for (size_t i = 0; i < length; i++) {
		bool is_plain = isalnum((unsigned char)id[i]) || strchr("._-", id[i]) != NULL;
		put_char(line, (char)(is_plain ? id[i] : '?'));
	}
}

void vb_log_begin(struct vb_log_line *line, const char *container_id, const char *event)
{
	line->used = 0;
	line->cut = false;
	put(line, "container_id=");
	put_id(line, container_id != NULL ? container_id : "-");
	vb_log_word(line, "event", event);
}

void vb_log_word(struct vb_log_line *line, const char *key, const char *word)
{
	put_key(line, key);
	put(line, word);
}

/* A whole character, or none of it: half of one is no UTF-8, and journald would show no text. */
static void put_character(struct vb_log_line *line, const char *bytes, size_t length)
{
	if (line->used + length > sizeof(line->text) - TAIL_BYTES)
		line->cut = true;
	for (size_t i = 0; i < length; i++)
		put_char(line, bytes[i]);
}

void vb_log_text_max(struct vb_log_line *line, const char *key, const char *text, size_t max_bytes)
{
	const char *end = text != NULL ? text + strlen(text) : NULL;
	size_t length = 0;

	put_key(line, key);
	put_char(line, '"');
	for (size_t written = 0; text != end; text += length) {
		const uint8_t *bytes = (const uint8_t *)text;
		bool is_escaped = *text == '"' || *text == '\\';
		length = vb_utf8_sequence_length(bytes, (size_t)(end - text));
		bool is_shown = length > 0 && !vb_utf8_is_control(bytes);
		length = length > 0 ? length : 1;
		written += is_escaped ? 2 : length;
		if (written > max_bytes - strlen("...")) {
			put(line, "...");
			break;
		}
		if (is_escaped)
			put_char(line, '\\');
		put_character(line, is_shown ? text : "????", length);
	}
	put_char(line, '"');
}

void vb_log_text(struct vb_log_line *line, const char *key, const char *text)
{
	vb_log_text_max(line, key, text, VB_LOG_LINE_MAX);
}

void vb_log_words(struct vb_log_line *line, const char *words)
{
	put_char(line, ' ');
	put(line, words);
}

void vb_log_number(struct vb_log_line *line, const char *key, int64_t number)
{
	char digits[24];

	(void)snprintf(digits, sizeof(digits), "%" PRId64, number);
	vb_log_word(line, key, digits);
}

struct vb_log *vb_log_create(int fd, enum vb_log_target target)
{
	struct vb_log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return NULL;
	log->fd = fd;
	log->target = target;
	log->tokens = BURST;
	(void)clock_gettime(CLOCK_MONOTONIC, &log->refilled);
	return log;
}

void vb_log_destroy(struct vb_log *log)
{
	free(log);
}

/* The kernel's log takes every record at once, but never polls writable. */
static bool has_room(const struct vb_log *log)
{
	struct pollfd poll_fd = {.fd = log->fd, .events = POLLOUT};

	return log->target == VB_LOG_KMSG ||
	       (poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLOUT) != 0);
}

/* A pipe that polls writable takes PIPE_BUF (4096) bytes at once, and so any whole line. */
static bool write_text(struct vb_log *log, const char *text, size_t size)
{
	return has_room(log) && write(log->fd, text, size) == (ssize_t)size;
}

static void announce_dropped(struct vb_log *log)
{
	char text[96];

	int n = snprintf(text, sizeof(text),
		"container_id=- event=log-lines-dropped count=%" PRIu64 "\n", log->dropped);
	if (n > 0 && write_text(log, text, (size_t)n))
		log->dropped = 0;
}

void vb_log_write(struct vb_log *log, const struct vb_log_line *line)
{
	char text[VB_LOG_LINE_MAX + 32];
	const char *prefix = log->target == VB_LOG_KMSG ? "<6>vambrace-nri: " : "";

	if (log->dropped > 0)
		announce_dropped(log);
	int n = snprintf(text, sizeof(text), "%s%.*s%s\n", prefix, (int)line->used, line->text,
		line->cut ? "...\"" : "");
	/* The kernel takes less than 1 KiB a record and refuses a longer one whole. */
	if (log->target == VB_LOG_KMSG && n > 960) {
		n = 960;
		text[n - 1] = '\n';
	}
	if (n <= 0 || !write_text(log, text, (size_t)n))
		log->dropped++;
}

static int open_again(int fd)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_CLOEXEC);
}

void vb_log_write_for_sure(struct vb_log *log, const struct vb_log_line *line)
{
	const int usual = log->fd;
	/*
	 * Of what comes through one open file, the kernel keeps ten records in five seconds and
	 * drops the rest without a word (printk.devkmsg=ratelimit, the default; systemd lifts it).
	 */
	vb_auto_close int own = log->target == VB_LOG_KMSG ? open_again(usual) : -1;

	if (own >= 0)
		log->fd = own;
	vb_log_write(log, line);
	log->fd = usual;
}

static void refill(struct vb_log *log)
{
	struct timespec now = {0};

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		return;
	double seconds = (double)(now.tv_sec - log->refilled.tv_sec) +
			 (double)(now.tv_nsec - log->refilled.tv_nsec) / 1e9;
	log->refilled = now;
	log->tokens += seconds * REFILL_PER_SECOND;
	if (log->tokens > BURST)
		log->tokens = BURST;
}

void vb_log_write_limited(struct vb_log *log, struct vb_log_line *line)
{
	refill(log);
	if (log->tokens < 1) {
		log->suppressed++;
		return;
	}
	log->tokens -= 1;
	if (log->suppressed > 0) {
		vb_log_number(line, "suppressed", (int64_t)log->suppressed);
		log->suppressed = 0;
	}
	vb_log_write(log, line);
}
