/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "daemon.h"
#include "supervise.h"
#include "vb/adjust/config.h"

enum {
	EXIT_USAGE = 2,
	/* Freed memory above this goes back to the kernel; one config.json as a tree fits in. */
	KEPT_MEMORY_MAX = 512 * 1024,
};

static const char help[] =
	"Usage: vambrace-nri [OPTIONS]\n"
	"\n"
	"The NRI plugin: decides how containers are hardened and checks that they are.\n"
	"\n"
	"Options:\n"
	"  --socket PATH      containerd's NRI socket (/var/run/nri/nri.sock)\n"
	"  --name NAME        to register under (vambrace)\n"
	"  --index NN         its place among the node's plugins, two digits (10)\n"
	"  --config PATH      the node config (/etc/vambrace/config.json)\n"
	"  --runtime-pid PID  the only process to register with; given by the parent\n"
	"  --version          print the version\n"
	"  --help             this text\n"
	"\n"
	"Exit codes: 0 ended by a signal or by the runtime that launched it, 1 bad config\n"
	"or rejected by that runtime, 2 wrong usage. More in vambrace-nri(8).\n";

/* what: NULL where getopt_long() has said it. */
static int refuse_usage(const char *what)
{
	if (what != NULL)
		(void)fprintf(stderr, "vambrace-nri: %s\n", what);
	(void)fputs("Try 'vambrace-nri --help'.\n", stderr);
	return EXIT_USAGE;
}

static bool is_index(const char *text)
{
	return isdigit((unsigned char)text[0]) && isdigit((unsigned char)text[1]) &&
	       text[2] == '\0';
}

/* 0 for what is no process id. */
static int pid_of(const char *text)
{
	char *end = NULL;
	long pid = strtol(text, &end, 10);

	return end == text || *end != '\0' || pid < 1 || pid > INT_MAX ? 0 : (int)pid;
}

/* Returns -1 to go on, otherwise the exit status. */
static int parse_options(int argc, char **argv, struct vb_daemon_options *options)
{
	static const struct option known[] = {{"socket", required_argument, NULL, 's'},
		{"name", required_argument, NULL, 'n'}, {"index", required_argument, NULL, 'i'},
		{"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'}, {"runtime-pid", required_argument, NULL, 'p'},
		{NULL, 0, NULL, 0}};

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
		case 'p':
			options->session.runtime_pid = pid_of(optarg);
			if (options->session.runtime_pid == 0)
				return refuse_usage("--runtime-pid takes the id of a process");
			break;
		case 'h':
			(void)fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'v':
			(void)puts("vambrace-nri " VB_VERSION);
			return EXIT_SUCCESS;
		default:
			return refuse_usage(NULL);
		}
	}
	if (optind < argc)
		return refuse_usage("it takes options only");
	if (!is_index(options->session.index))
		return refuse_usage("--index takes two digits");
	return -1;
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

/* The name that a launching runtime gives, or the default. */
static const char *launched_as(const char *variable, const char *otherwise)
{
	const char *value = getenv(variable);

	return value != NULL && *value != '\0' ? value : otherwise;
}

/* A launched plugin that ends is started again by its parent; without one it stays away. */
static void supervise(int launched_fd, char **argv, struct vb_log *log)
{
	const struct vb_supervise_parts parts = {
		.launched_fd = launched_fd, .argv = argv, .log = log};
	struct vb_error err = {0};
	struct vb_log_line line;

	if (vb_supervise_start(&parts, &err) == 0)
		return;
	vb_log_begin(&line, NULL, "not-supervised");
	vb_log_text(&line, "error", err.what);
	vb_log_write(log, &line);
}

int main(int argc, char **argv)
{
	struct vb_daemon_options options = {
		.session = {.socket_path = "/var/run/nri/nri.sock",
			.launched_fd = launched_socket(),
			.name = launched_as("NRI_PLUGIN_NAME", "vambrace"),
			.index = launched_as("NRI_PLUGIN_IDX", "10")},
		.config_path = VB_CONFIG_PATH,
		.version = VB_VERSION};
	vb_auto_close int kmsg = -1;

	int status = parse_options(argc, argv, &options);
	if (status >= 0)
		return status;
	/* One heap for both threads, and no hoarding: we stay on the node for ever. */
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MMAP_THRESHOLD, KEPT_MEMORY_MAX);
	(void)mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY_MAX);
	(void)signal(SIGPIPE, SIG_IGN);
	/* Until the loop takes it, it must not end us. */
	(void)signal(SIGHUP, SIG_IGN);
	/* containerd runs it by the name of a link, NN-vambrace. */
	(void)prctl(PR_SET_NAME, "vambrace-nri");
	bool is_launched = vb_session_is_launched(&options.session);
	if (is_launched)
		kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	vb_auto_log struct vb_log *log = vb_log_create(
		kmsg >= 0 ? kmsg : STDERR_FILENO, is_launched ? VB_LOG_KMSG : VB_LOG_STDERR);
	if (log != NULL && options.session.launched_fd >= 0)
		supervise(options.session.launched_fd, argv, log);
	return log != NULL ? vb_daemon_run(&options, log) : EXIT_FAILURE;
}
