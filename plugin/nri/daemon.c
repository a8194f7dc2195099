/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "clock.h"
#include "loop.h"
#include "report.h"
#include "scrape.h"
#include "worker.h"

enum {
	WORKER_STOP_MS = 1000,
	/* How often is looked for refusals that wait to be reported. */
	DUE_EVERY_S = 300,
};

struct daemon {
	const struct vb_daemon_options *options;
	struct vb_workshop shop;
	struct vb_reporter reporter;
	struct vb_metrics metrics;
	struct event_base *base;
	struct vb_worker *worker;
	struct vb_web *web;
	struct vb_reload *reload;
	struct vb_session *session;
	struct event *stop_signals[2];
	struct event *times_signal;
	struct event *reload_signal;
	struct event *due_timer;
};

static void report_daemon(const struct daemon *daemon, const char *event)
{
	struct vb_audit_frame frame;
	const struct timespec now = vb_clock_now();

	vb_audit_begin(&frame, event, &now);
	vb_audit_text(&frame, "version", daemon->options->version);
	vb_auditor_write(daemon->reporter.audit, &frame);
}

static void on_stop(evutil_socket_t signal_number, short what, void *context)
{
	struct daemon *daemon = context;
	struct vb_log_line line;

	(void)what;
	vb_log_begin(&line, NULL, "stopping");
	vb_log_number(&line, "signal", signal_number);
	vb_log_write(daemon->reporter.log, &line);
	(void)event_base_loopbreak(daemon->base);
}

static void on_times(evutil_socket_t signal_number, short what, void *context)
{
	const struct daemon *daemon = context;

	(void)signal_number;
	(void)what;
	vb_session_log_times(daemon->session);
}

static void on_reload(evutil_socket_t signal_number, short what, void *context)
{
	const struct daemon *daemon = context;

	(void)signal_number;
	(void)what;
	vb_reload_force(daemon->reload);
}

static void on_due(evutil_socket_t fd, short what, void *context)
{
	const struct daemon *daemon = context;
	const struct timespec now = vb_clock_now();

	(void)fd;
	(void)what;
	vb_refusals_report_due(daemon->reporter.refusals, &now);
}

static void on_probed(struct vb_job *job)
{
	vb_auto_task struct vb_task *task = vb_task_of(job);
	const struct daemon *daemon = task->owner;
	struct vb_log_line line;

	vb_log_begin(&line, NULL, "probed");
	if (task->result < 0)
		vb_log_text(&line, "error", task->err.what);
	else
		vb_log_word(&line, "node_effect",
			vb_spec_effect_name(vb_speculation_effect(&task->shop->probe, NULL)));
	vb_log_write(daemon->reporter.log, &line);
}

/* First of all jobs, so every outcome has its result. */
static int start_probe(struct daemon *daemon)
{
	struct vb_task *task = vb_task_create(&daemon->shop, VB_TASK_PROBE, on_probed);

	if (task == NULL)
		return -ENOMEM;
	task->owner = daemon;
	vb_worker_submit(daemon->worker, &task->job, VB_JOB_URGENT);
	return 0;
}

static int add_signal(
	struct daemon *daemon, int number, event_callback_fn callback, struct event **ret_event)
{
	*ret_event = evsignal_new(daemon->base, number, callback, daemon);
	return *ret_event == NULL || evsignal_add(*ret_event, NULL) < 0 ? -ENOMEM : 0;
}

static int add_events(struct daemon *daemon)
{
	const struct timeval interval = {.tv_sec = DUE_EVERY_S};

	daemon->due_timer = event_new(daemon->base, -1, EV_PERSIST, on_due, daemon);
	if (daemon->due_timer == NULL || evtimer_add(daemon->due_timer, &interval) < 0)
		return -ENOMEM;
	if (add_signal(daemon, SIGTERM, on_stop, &daemon->stop_signals[0]) < 0 ||
		add_signal(daemon, SIGINT, on_stop, &daemon->stop_signals[1]) < 0 ||
		add_signal(daemon, SIGUSR1, on_times, &daemon->times_signal) < 0 ||
		add_signal(daemon, SIGHUP, on_reload, &daemon->reload_signal) < 0)
		return -ENOMEM;
	return 0;
}

static int start_reporter(struct daemon *daemon)
{
	struct vb_reporter *reporter = &daemon->reporter;
	const struct vb_auditor_parts audit_parts = {
		.worker = daemon->worker, .file = daemon->shop.audit, .log = reporter->log};

	reporter->audit = vb_auditor_create(&audit_parts);
	if (reporter->audit == NULL)
		return -ENOMEM;
	reporter->refusals = vb_refusals_create(vb_report_due_refusal, reporter->audit);
	if (reporter->refusals == NULL)
		return -ENOMEM;
	const struct vb_status_parts status_parts = {.base = daemon->base,
		.worker = daemon->worker,
		.log = reporter->log,
		.audit = reporter->audit,
		.refusals = reporter->refusals,
		.version = daemon->options->version,
		.config_path = daemon->options->config_path};
	reporter->status = vb_status_create(&status_parts);
	return reporter->status == NULL ? -ENOMEM : 0;
}

static int render(void *context, struct vb_buf *text)
{
	const struct daemon *daemon = context;

	return vb_scrape(&daemon->reporter, text);
}

static const char *why_unready(void *context)
{
	const struct daemon *daemon = context;

	return vb_session_problem(daemon->session);
}

static int start_metrics(struct daemon *daemon)
{
	const struct vb_web_parts web_parts = {.base = daemon->base,
		.log = daemon->reporter.log,
		.render = render,
		.why_unready = why_unready,
		.context = daemon};

	daemon->metrics.version = daemon->options->version;
	daemon->reporter.metrics = &daemon->metrics;
	daemon->reporter.levels = vb_levels_create();
	daemon->web = vb_web_create(&web_parts);
	return daemon->reporter.levels == NULL || daemon->web == NULL ? -ENOMEM : 0;
}

/* Takes the settings over on success. */
static int start_reload(struct daemon *daemon, struct vb_settings *settings)
{
	const struct vb_reload_parts reload_parts = {.base = daemon->base,
		.worker = daemon->worker,
		.shop = &daemon->shop,
		.log = daemon->reporter.log,
		.audit = daemon->reporter.audit,
		.status = daemon->reporter.status,
		.metrics = &daemon->metrics,
		.web = daemon->web,
		.path = daemon->options->config_path};

	if (add_events(daemon) < 0)
		return -ENOMEM;
	daemon->reload = vb_reload_create_take(&reload_parts, settings);
	return daemon->reload == NULL ? -ENOMEM : 0;
}

static int start(struct daemon *daemon, struct vb_settings **settings)
{
	daemon->base = event_base_new();
	if (daemon->base == NULL || event_base_priority_init(daemon->base, VB_LOOP_PRIORITIES) < 0)
		return -ENOMEM;
	daemon->worker = vb_worker_create(daemon->base);
	if (daemon->worker == NULL || start_probe(daemon) < 0 || start_reporter(daemon) < 0 ||
		start_metrics(daemon) < 0 || start_reload(daemon, *settings) < 0)
		return -ENOMEM;
	(void)VB_STEAL(*settings);
	const struct vb_session_parts parts = {.base = daemon->base,
		.worker = daemon->worker,
		.shop = &daemon->shop,
		.reload = daemon->reload,
		.reporter = &daemon->reporter};
	daemon->session = vb_session_create(&daemon->options->session, &parts);
	return daemon->session == NULL ? -ENOMEM : 0;
}

static void free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

static void finish(struct daemon *daemon, int status)
{
	/* A worker that hangs on a disk cannot be waited for, nor anything freed that it uses. */
	if (vb_worker_stop(daemon->worker, WORKER_STOP_MS) < 0)
		_exit(status);
	vb_web_destroy(daemon->web);
	vb_session_destroy(daemon->session);
	vb_reload_destroy(daemon->reload);
	vb_status_destroy(daemon->reporter.status);
	vb_refusals_destroy(daemon->reporter.refusals);
	vb_auditor_destroy(daemon->reporter.audit);
	vb_levels_destroy(daemon->reporter.levels);
	for (size_t i = 0; i < VB_ARRAY_SIZE(daemon->stop_signals); i++)
		free_event(daemon->stop_signals[i]);
	free_event(daemon->times_signal);
	free_event(daemon->reload_signal);
	free_event(daemon->due_timer);
	if (daemon->base != NULL)
		event_base_free(daemon->base);
	vb_bundle_store_destroy(daemon->shop.stores.bundles);
	vb_profile_store_destroy(daemon->shop.stores.profiles);
	vb_audit_file_destroy(daemon->shop.audit);
	vb_spec_cache_destroy(daemon->shop.specs);
	vb_settings_file_destroy(daemon->shop.settings_file);
}

static int serve(struct daemon *daemon)
{
	struct vb_log_line line;

	vb_log_begin(&line, NULL, "started");
	vb_log_word(&line, "version", daemon->options->version);
	vb_log_write(daemon->reporter.log, &line);
	report_daemon(daemon, "started");
	vb_session_start(daemon->session);
	/* Breaking a loop that does not run yet has no effect on it. */
	if (!vb_session_is_rejected(daemon->session))
		(void)event_base_dispatch(daemon->base);
	vb_refusals_report_due(daemon->reporter.refusals, NULL);
	report_daemon(daemon, "stopped");
	return vb_session_is_rejected(daemon->session) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A bad config ends an external plugin; a launched one would take containerd 1.7 along. */
static int load_settings(struct daemon *daemon, struct vb_settings **ret_settings)
{
	struct vb_error err = {0};
	struct vb_log_line line;

	if (vb_settings_load(daemon->shop.settings_file, ret_settings, &err) == 0)
		return 0;
	vb_log_begin(&line, NULL, "bad-config");
	vb_log_text(&line, "error", err.what);
	vb_log_write(daemon->reporter.log, &line);
	if (!vb_session_is_launched(&daemon->options->session))
		return -EINVAL;
	*ret_settings = vb_settings_create_default(err.what);
	return *ret_settings != NULL ? 0 : -ENOMEM;
}

static int equip(struct vb_workshop *shop, const struct vb_settings *settings)
{
	const struct vb_config *config = &settings->config;

	shop->config = config;
	shop->config_problem = settings->problem;
	shop->stores.bundles = vb_task_create_bundles(config);
	shop->stores.profiles = vb_profile_store_create();
	shop->specs = vb_spec_cache_create(vb_kernel_version_read());
	shop->audit = vb_audit_file_create();
	if (shop->stores.bundles == NULL || shop->stores.profiles == NULL || shop->specs == NULL ||
		shop->audit == NULL)
		return -ENOMEM;
	return vb_audit_file_configure(shop->audit, config->audit_log, config->audit_log_max_bytes);
}

int vb_daemon_run(const struct vb_daemon_options *options, struct vb_log *log)
{
	struct daemon daemon = {.options = options, .reporter = {.log = log}};
	vb_auto_settings struct vb_settings *settings = NULL;
	int status = EXIT_FAILURE;

	daemon.shop.settings_file = vb_settings_file_create(options->config_path);
	if (daemon.shop.settings_file == NULL)
		return EXIT_FAILURE;
	if (load_settings(&daemon, &settings) == 0 && equip(&daemon.shop, settings) == 0 &&
		start(&daemon, &settings) == 0)
		status = serve(&daemon);
	finish(&daemon, status);
	return status;
}
