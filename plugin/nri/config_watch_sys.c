/* SPDX-License-Identifier: Apache-2.0 */
#include "config_watch_sys.h"

#include <sys/inotify.h>

#include "loop.h"
#include "vb/base/str.h"

struct vb_config_watch {
	int fd;
	struct event *readable;
	char *directory;
	vb_config_watch_fn changed;
	void *context;
};

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct vb_config_watch *watch = context;
	char events[4096];

	(void)what;
	while (read(fd, events, sizeof(events)) > 0)
		;
	watch->changed(watch->context);
}

void vb_config_watch_renew(struct vb_config_watch *watch)
{
	/* The same directory again is the same watch. */
	(void)inotify_add_watch(watch->fd, watch->directory,
		IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ONLYDIR);
}

void vb_config_watch_destroy(struct vb_config_watch *watch)
{
	if (watch == NULL)
		return;
	if (watch->readable != NULL)
		event_free(watch->readable);
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
	watch->changed = changed;
	watch->context = context;
	watch->directory = vb_path_parent(path);
	watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->fd >= 0)
		watch->readable =
			event_new(base, watch->fd, EV_READ | EV_PERSIST, on_readable, watch);
	if (watch->directory == NULL || watch->readable == NULL ||
		event_priority_set(watch->readable, VB_LOOP_FIRST) < 0 ||
		event_add(watch->readable, NULL) < 0) {
		vb_config_watch_destroy(watch);
		return NULL;
	}
	vb_config_watch_renew(watch);
	return watch;
}
