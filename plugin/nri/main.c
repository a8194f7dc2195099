/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "session.h"
#include "vb/adjust/config.h"
#include "vb/base/file.h"
#include "worker.h"

enum {
	EXIT_USAGE = 2,
	WORKER_STOP_MS = 1000,
	/* Freed memory above this goes back to the kernel; one config.json as a tree fits in. */
	KEPT_MEMORY_MAX = 512 * 1024,
};

struct options {
	struct vb_session_options session;
	const char *config_path;
};

struct daemon {
	struct event_base *base;
	struct vb_log *log;
	struct vb_worker *worker;
	struct vb_session *session;
	struct event *stop_signals[2];
	struct event *times_signal;
};

static void print_usage(FILE *out)
{
	(void)fputs("usage: vambrace-nri [--socket PATH] [--name NAME] [--index NN]"
		    " [--config PATH]\n",
		out);
}

static bool is_index(const char *text)
{
	return isdigit((unsigned char)text[0]) && isdigit((unsigned char)text[1]) &&
	       text[2] == '\0';
}

/* Returns -1 to go on, otherwise the exit status. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {{"socket", required_argument, NULL, 's'},
		{"name", required_argument, NULL, 'n'}, {"index", required_argument, NULL, 'i'},
		{"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};

	for (int option = 0; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		switch (option) {
		case 's':
			options->session.socket_path = optarg;
			break;
		case 'n':
			options->session.name = optarg;
			break;
		case 'i':
			options->session.index = optarg;
			break;
		case 'c':
			options->config_path = optarg;
			break;
		case 'h':
			print_usage(stdout);
			return EXIT_SUCCESS;
		case 'v':
			(void)puts("vambrace-nri " VB_VERSION);
			return EXIT_SUCCESS;
		default:
			print_usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc && is_index(options->session.index))
		return -1;
	print_usage(stderr);
	return EXIT_USAGE;
}

/* The socket of a runtime that launched us; -1 when none did. */
static int launched_socket(void)
{
	const char *text = getenv("NRI_PLUGIN_SOCKET");
	char *end = NULL;

	if (text == NULL)
		return -1;
	long fd = strtol(text, &end, 10);
	if (end == text || *end != '\0' || fd < 3 || fd > 1024 ||
		fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	return (int)fd;
}

static int load_config(const char *path, struct vb_config *ret_config, struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	size_t size = 0;

	int r = vb_file_read(path, VB_CONFIG_FILE_MAX, &text, &size, err);
	if (r == 0)
		r = vb_config_parse(text, size, ret_config, err);
	else if (r == -ENOENT)
		return vb_config_init(ret_config);
	return r < 0 ? vb_error_wrap(err, "node config '%s'", path) : 0;
}

static void on_stop(evutil_socket_t signal_number, short what, void *context)
{
	struct daemon *daemon = context;
	struct vb_log_line line;

	(void)what;
	vb_log_begin(&line, NULL, "stopping");
	vb_log_number(&line, "signal", signal_number);
	vb_log_write(daemon->log, &line);
	(void)event_base_loopbreak(daemon->base);
}

static void on_times(evutil_socket_t signal_number, short what, void *context)
{
	const struct daemon *daemon = context;

	(void)signal_number;
	(void)what;
	vb_session_log_times(daemon->session);
}

static int add_signal(
	struct daemon *daemon, int number, event_callback_fn callback, struct event **ret_event)
{
	*ret_event = evsignal_new(daemon->base, number, callback, daemon);
	return *ret_event == NULL || evsignal_add(*ret_event, NULL) < 0 ? -ENOMEM : 0;
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
	vb_log_write(daemon->log, &line);
}

/* First of all jobs, so every outcome has its result. */
static int start_probe(struct daemon *daemon, struct vb_workshop *shop)
{
	struct vb_task *task = vb_task_create(shop, VB_TASK_PROBE, on_probed);

	if (task == NULL)
		return -ENOMEM;
	task->owner = daemon;
	vb_worker_submit(daemon->worker, &task->job, VB_JOB_URGENT);
	return 0;
}

static int start(struct daemon *daemon, const struct options *options, struct vb_workshop *shop)
{
	daemon->base = event_base_new();
	if (daemon->base == NULL)
		return -ENOMEM;
	daemon->worker = vb_worker_create(daemon->base);
	if (daemon->worker == NULL || start_probe(daemon, shop) < 0)
		return -ENOMEM;
	const struct vb_session_parts parts = {.base = daemon->base,
		.worker = daemon->worker,
		.shop = shop,
		.config = shop->config,
		.log = daemon->log};
	daemon->session = vb_session_create(&options->session, &parts);
	if (daemon->session == NULL ||
		add_signal(daemon, SIGTERM, on_stop, &daemon->stop_signals[0]) < 0 ||
		add_signal(daemon, SIGINT, on_stop, &daemon->stop_signals[1]) < 0 ||
		add_signal(daemon, SIGUSR1, on_times, &daemon->times_signal) < 0)
		return -ENOMEM;
	return 0;
}

static void finish(struct daemon *daemon)
{
	/* A worker that hangs on a disk cannot be waited for, nor anything freed that it uses. */
	if (vb_worker_stop(daemon->worker, WORKER_STOP_MS) < 0)
		_exit(EXIT_SUCCESS);
	vb_session_destroy(daemon->session);
	for (size_t i = 0; i < VB_ARRAY_SIZE(daemon->stop_signals); i++)
		if (daemon->stop_signals[i] != NULL)
			event_free(daemon->stop_signals[i]);
	if (daemon->times_signal != NULL)
		event_free(daemon->times_signal);
	if (daemon->base != NULL)
		event_base_free(daemon->base);
}

static int serve(const struct options *options, struct vb_log *log, struct vb_workshop *shop)
{
	struct daemon daemon = {.log = log};
	struct vb_log_line line;
	int status = EXIT_FAILURE;

	if (start(&daemon, options, shop) == 0) {
		vb_log_begin(&line, NULL, "started");
		vb_log_word(&line, "version", VB_VERSION);
		vb_log_write(log, &line);
		vb_session_start(daemon.session);
		/* Breaking a loop that does not run yet has no effect on it. */
		if (!vb_session_is_rejected(daemon.session))
			(void)event_base_dispatch(daemon.base);
		status = vb_session_is_rejected(daemon.session) ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	finish(&daemon);
	return status;
}

/* A bad config ends an external plugin; a launched one would take its runtime along. */
static int prepare_config(const struct options *options, struct vb_config *ret_config,
	char problem[VB_ERROR_WHAT_MAX], struct vb_log *log)
{
	struct vb_error err = {0};
	struct vb_log_line line;

	if (load_config(options->config_path, ret_config, &err) == 0)
		return 0;
	vb_log_begin(&line, NULL, "bad-config");
	vb_log_text(&line, "error", err.what);
	vb_log_write(log, &line);
	if (options->session.launched_fd < 0)
		return -EINVAL;
	memcpy(problem, err.what, sizeof(err.what));
	return vb_config_init(ret_config);
}

static int run(const struct options *options, int log_fd)
{
	bool is_launched = options->session.launched_fd >= 0;
	vb_auto_log struct vb_log *log =
		vb_log_create(log_fd, is_launched ? VB_LOG_KMSG : VB_LOG_STDERR);
	vb_auto_config struct vb_config config = {0};
	char problem[VB_ERROR_WHAT_MAX] = "";

	if (log == NULL || prepare_config(options, &config, problem, log) < 0)
		return EXIT_FAILURE;
	vb_auto_bundle_store struct vb_bundle_store *bundles =
		vb_bundle_store_create(&config.bundle_dirs);
	vb_auto_spec_cache struct vb_spec_cache *specs = vb_spec_cache_create();
	struct vb_workshop shop = {.config = &config,
		.config_problem = problem[0] != '\0' ? problem : NULL,
		.bundles = bundles,
		.specs = specs};
	if (bundles == NULL || specs == NULL)
		return EXIT_FAILURE;
	return serve(options, log, &shop);
}

int main(int argc, char **argv)
{
	struct options options = {.session = {.socket_path = "/var/run/nri/nri.sock",
					  .launched_fd = launched_socket(),
					  .name = "vambrace",
					  .index = "10"},
		.config_path = VB_CONFIG_PATH};
	vb_auto_close int kmsg = -1;

	int status = parse_options(argc, argv, &options);
	if (status >= 0)
		return status;
	/* One heap for both threads, and no hoarding: we stay on the node for ever. */
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MMAP_THRESHOLD, KEPT_MEMORY_MAX);
	(void)mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY_MAX);
	(void)signal(SIGPIPE, SIG_IGN);
	/* Sent by habit to make a daemon reload; an end would refuse all pods until a restart. */
	(void)signal(SIGHUP, SIG_IGN);
	if (options.session.launched_fd >= 0)
		kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	return run(&options, kmsg >= 0 ? kmsg : STDERR_FILENO);
}
