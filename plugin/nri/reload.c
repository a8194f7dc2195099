/* SPDX-License-Identifier: Apache-2.0 */
#include "reload.h"

#include <errno.h>

#include "clock.h"
#include "config_watch_sys.h"

struct vb_reload {
	struct vb_reload_parts parts;
	struct vb_settings *settings;
	struct vb_config_watch *watch; /* NULL: SIGHUP and decisions have to do */
	unsigned int pending;
};

static void on_done(struct vb_job *job)
{
	vb_auto_task struct vb_task *task = vb_task_of(job);
	struct vb_reload *reload = task->owner;

	reload->pending--;
	vb_reload_take(reload, task);
}

/* Ahead of all requests that come behind it. */
static void submit(struct vb_reload *reload, bool forced)
{
	struct vb_task *task = vb_task_create(reload->parts.shop, VB_TASK_RELOAD, on_done);

	/* Out of memory, the next decision looks at the file. */
	if (task == NULL)
		return;
	task->owner = reload;
	task->is_forced = forced;
	reload->pending++;
	vb_worker_submit(reload->parts.worker, &task->job, VB_JOB_URGENT);
}

static void on_changed(void *context)
{
	submit(context, false);
}

/* Tells those who go by the config in force. */
static void announce(struct vb_reload *reload, const char *problem)
{
	const struct vb_settings *settings = reload->settings;

	vb_status_set_config(reload->parts.status, settings, problem);
	reload->parts.metrics->has_config_problem = problem != NULL || settings->problem != NULL;
	vb_web_listen(reload->parts.web, &settings->config.metrics_listen);
}

struct vb_reload *vb_reload_create_take(
	const struct vb_reload_parts *parts, struct vb_settings *settings)
{
	struct vb_reload *reload = calloc(1, sizeof(*reload));

	if (reload == NULL)
		return NULL;
	reload->parts = *parts;
	reload->settings = settings;
	reload->watch = vb_config_watch_create(parts->base, parts->path, on_changed, reload);
	announce(reload, NULL);
	return reload;
}

void vb_reload_destroy(struct vb_reload *reload)
{
	if (reload == NULL)
		return;
	vb_config_watch_destroy(reload->watch);
	vb_settings_destroy(reload->settings);
	free(reload);
}

const struct vb_config *vb_reload_config(const struct vb_reload *reload)
{
	return &reload->settings->config;
}

bool vb_reload_is_pending(const struct vb_reload *reload)
{
	return reload->pending > 0;
}

void vb_reload_force(struct vb_reload *reload)
{
	if (reload->watch != NULL)
		vb_config_watch_renew(reload->watch);
	submit(reload, true);
}

static void report(struct vb_reload *reload, const char *event, const char *error)
{
	struct vb_log_line line;
	struct vb_audit_frame frame;
	const struct timespec now = vb_clock_now();

	vb_log_begin(&line, NULL, event);
	vb_log_text(&line, "path", reload->parts.path);
	if (error != NULL)
		vb_log_text(&line, "error", error);
	vb_log_write_limited(reload->parts.log, &line);
	vb_audit_begin(&frame, event, &now);
	vb_audit_text(&frame, "path", reload->parts.path);
	vb_audit_text(&frame, "digest", reload->settings->digest);
	vb_audit_text(&frame, "error", error);
	vb_auditor_write(reload->parts.audit, &frame);
}

void vb_reload_take(struct vb_reload *reload, struct vb_task *task)
{
	if (task->news.settings != NULL) {
		/* The worker has left the old ones: its jobs run one after the other. */
		vb_settings_destroy(reload->settings);
		reload->settings = VB_STEAL(task->news.settings);
		announce(reload, NULL);
		reload->parts.metrics->configs_loaded++;
		report(reload, "config-loaded", NULL);
	} else if (task->news.result < 0) {
		announce(reload, task->news.err.what);
		reload->parts.metrics->configs_kept++;
		report(reload, "config-kept", task->news.err.what);
	}
}
