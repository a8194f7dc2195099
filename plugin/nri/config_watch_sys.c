/* SPDX-License-Identifier: Apache-2.0 */
#include "config_watch_sys.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/inotify.h>

#include "clock.h"
#include "loop.h"
#include "vb/base/str.h"

/* So soon a directory that came, or an inotify instance that was given back, is noticed. */
enum { RETRY_MS = 2000 };

struct vb_config_watch {
	struct event_base *base;
	int fd;                 /* -1: there was no inotify instance to be had */
	int wd;                 /* -1: the directory is not watched */
	struct event *readable; /* NULL with fd -1 */
	struct event *retry;    /* pending while the directory is not watched */
	char *directory;
	vb_config_watch_fn changed;
	void *context;
};

/* Whether the watch is at an end, or on a directory that lies elsewhere now. */
static bool is_end(const struct vb_config_watch *watch, const struct inotify_event *event)
{
	return event->wd == watch->wd && (event->mask & (IN_IGNORED | IN_MOVE_SELF)) != 0;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct vb_config_watch *watch = context;
	_Alignas(struct inotify_event) char events[4096];
	bool is_over = false;
	ssize_t n = 0;

	(void)what;
	while ((n = read(fd, events, sizeof(events))) > 0) {
		const char *end = events + n;
		for (const char *next = events; next < end;) {
			const struct inotify_event *event = (const void *)next;
			is_over = is_over || is_end(watch, event);
			next += sizeof(*event) + event->len;
		}
	}
	if (is_over)
		vb_config_watch_renew(watch);
	watch->changed(watch->context);
}

static int open_instance(struct vb_config_watch *watch)
{
	vb_auto_close int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0)
		return -errno;
	watch->readable = event_new(watch->base, fd, EV_READ | EV_PERSIST, on_readable, watch);
	if (watch->readable == NULL || event_priority_set(watch->readable, VB_LOOP_FIRST) < 0 ||
		event_add(watch->readable, NULL) < 0) {
		if (watch->readable != NULL)
			event_free(watch->readable);
		watch->readable = NULL;
		return -ENOMEM;
	}
	watch->fd = vb_steal_fd(&fd);
	return 0;
}

void vb_config_watch_renew(struct vb_config_watch *watch)
{
	const struct timeval interval = vb_clock_interval(RETRY_MS);
	const int former = watch->wd;

	watch->wd = -1;
	/* The same directory again is the same watch. */
	if (watch->fd >= 0 || open_instance(watch) == 0)
		watch->wd = inotify_add_watch(watch->fd, watch->directory,
			IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |
				IN_MOVE_SELF | IN_ONLYDIR);
	if (former >= 0 && former != watch->wd)
		(void)inotify_rm_watch(watch->fd, former);
	if (watch->wd < 0)
		(void)evtimer_add(watch->retry, &interval);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct vb_config_watch *watch = context;

	(void)fd;
	(void)what;
	vb_config_watch_renew(watch);
	/* Nobody told what happened before. */
	if (watch->wd >= 0)
		watch->changed(watch->context);
}

void vb_config_watch_destroy(struct vb_config_watch *watch)
{
	if (watch == NULL)
		return;
	if (watch->readable != NULL)
		event_free(watch->readable);
	if (watch->retry != NULL)
		event_free(watch->retry);
	if (watch->fd >= 0)
		(void)close(watch->fd);
	free(watch->directory);
	free(watch);
}

struct vb_config_watch *vb_config_watch_create(
	struct event_base *base, const char *path, vb_config_watch_fn changed, void *context)
{
	struct vb_config_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->base = base;
	watch->fd = -1;
	watch->wd = -1;
	watch->changed = changed;
	watch->context = context;
	watch->directory = vb_path_parent(path);
	watch->retry = evtimer_new(base, on_retry, watch);
	if (watch->directory == NULL || watch->retry == NULL) {
		vb_config_watch_destroy(watch);
		return NULL;
	}
	vb_config_watch_renew(watch);
	return watch;
}
