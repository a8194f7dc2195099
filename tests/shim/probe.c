/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	EXIT_BROKEN = 99,
	SMALL_STACK_BYTES = 16384,
	HANDLER_BYTES = 6144,
	VALUE_BYTES = 64,
	SIGNAL_FRAME_ENTRY = 51 /* AT_MINSIGSTKSZ */,
};

void probe_die(const char *what)
{
	printf("probe: %s: %s\n", what, strerror(errno));
	exit(EXIT_BROKEN);
}

/* The call under way, where a thread or a signal handler finds it. */
static struct call {
	const struct probe_action *action;
	char **args;
} current;

static void run_current(void)
{
	int result;

	errno = 0;
	result = current.action->run(current.args);
	printf("result=%d errno=%d\n", result, errno);
	(void)fflush(stdout);
}

static void *run_in_thread(void *unused)
{
	run_current();
	return unused;
}

/* The smallest stack that glibc allows; the thread's own data is in there, too. */
static void run_small_stack(void)
{
	size_t bytes = PTHREAD_STACK_MIN > SMALL_STACK_BYTES ? (size_t)PTHREAD_STACK_MIN
							     : (size_t)SMALL_STACK_BYTES;
	pthread_attr_t attributes;
	pthread_t thread;

	if (pthread_attr_init(&attributes) != 0 ||
		pthread_attr_setstacksize(&attributes, bytes) != 0 ||
		pthread_create(&thread, &attributes, run_in_thread, NULL) != 0 ||
		pthread_join(thread, NULL) != 0)
		probe_die("thread");
}

/* Prints nothing: printf alone takes most of such a stack. */
static void run_in_handler(int signal_number)
{
	(void)signal_number;
	errno = 0;
	_exit(current.action->run(current.args) == -1 && errno == EPERM ? 42 : 1);
}

static void run_alternate_stack(void)
{
	/* The kernel's part depends on the registers of the processor. */
	size_t bytes = getauxval(SIGNAL_FRAME_ENTRY) + HANDLER_BYTES;
	stack_t stack = {.ss_sp = malloc(bytes), .ss_size = bytes};
	struct sigaction action = {.sa_handler = run_in_handler, .sa_flags = SA_ONSTACK};

	if (sigaltstack(&stack, NULL) < 0 || sigaction(SIGUSR1, &action, NULL) < 0 ||
		raise(SIGUSR1) != 0)
		probe_die("signal");
}

static void run_forked(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		run_current();
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		probe_die("fork");
	printf("child=%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

/* What it opens is open in no other thread. */
static void *run_with_own_descriptors(void *unused)
{
	if (unshare(CLONE_FILES) < 0)
		probe_die("unshare");
	run_current();
	return unused;
}

static void run_own_descriptors(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_with_own_descriptors, NULL) != 0 ||
		pthread_join(thread, NULL) != 0)
		probe_die("thread");
}

/* A SIGPIPE of the program's own is still there after the call. */
static void run_with_pending_signal(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGPIPE);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0 || raise(SIGPIPE) != 0)
		probe_die("signal");
	run_current();
	if (sigpending(&signals) < 0)
		probe_die("sigpending");
	printf("pending=%d\n", sigismember(&signals, SIGPIPE));
}

static void (*run_mode)(void) = run_current;
static int repetitions = 1;

static void small_stack(const char *unused)
{
	(void)unused;
	run_mode = run_small_stack;
}

static void alternate_stack(const char *unused)
{
	(void)unused;
	run_mode = run_alternate_stack;
}

static void forked(const char *unused)
{
	(void)unused;
	run_mode = run_forked;
}

static void own_descriptors(const char *unused)
{
	(void)unused;
	run_mode = run_own_descriptors;
}

static void pending_signal(const char *unused)
{
	(void)unused;
	run_mode = run_with_pending_signal;
}

static void repeat(const char *count)
{
	repetitions = (int)strtol(count, NULL, 10);
}

static void close_stderr(const char *unused)
{
	(void)unused;
	close(STDERR_FILENO);
}

static void hide_proc(const char *unused)
{
	(void)unused;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", "/proc", "tmpfs", 0, NULL) < 0)
		probe_die("hide /proc");
}

static void no_more_files(const char *unused)
{
	struct rlimit limit = {.rlim_cur = 3, .rlim_max = 3};

	(void)unused;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		probe_die("setrlimit");
}

/* struct sock_filter and sock_fprog, whose headers musl's compiler does not have. */
struct filter_step {
	uint16_t code;
	uint8_t if_true;
	uint8_t if_false;
	uint32_t value;
};

struct filter {
	unsigned short count;
	const struct filter_step *steps;
};

static void answer_call(uint32_t number, uint32_t error)
{
	const struct filter_step steps[] = {
		{0x20 /* load the call's number */, 0, 0, 0},
		{0x15 /* is it this one? */, 0, 1, number},
		{0x06 /* answer */, 0, 0, 0x00050000 /* SECCOMP_RET_ERRNO */ | error},
		{0x06, 0, 0, 0x7fff0000 /* SECCOMP_RET_ALLOW */},
	};
	struct filter filter = {.count = sizeof(steps) / sizeof(steps[0]), .steps = steps};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, 2 /* SECCOMP_MODE_FILTER */, &filter) < 0)
		probe_die("seccomp");
}

/* An old kernel: writing without waiting is answered with ENOSYS. */
static void no_new_calls(const char *unused)
{
	(void)unused;
	answer_call(SYS_pwritev2, ENOSYS);
}

static void no_protection(const char *unused)
{
	(void)unused;
	answer_call(SYS_mprotect, EPERM);
}

static void change_directory(const char *path)
{
	if (chdir(path) < 0)
		probe_die("chdir");
}

static void change_root(const char *path)
{
	if (chroot(path) < 0 || chdir("/") < 0)
		probe_die("chroot");
}

static void clear_environment(const char *unused)
{
	(void)unused;
	if (clearenv() != 0)
		probe_die("clearenv");
}

static void set_variable(const char *assignment)
{
	if (putenv(strdup(assignment)) != 0)
		probe_die("putenv");
}

/* Behind all others, even where the name is there already. */
static void append_variable(const char *assignment)
{
	size_t count = 0;
	char **longer;

	while (environ != NULL && environ[count] != NULL)
		count++;
	longer = calloc(count + 2, sizeof(*longer));
	if (longer == NULL)
		probe_die("calloc");
	for (size_t i = 0; i < count; i++)
		longer[i] = environ[i];
	longer[count] = strdup(assignment);
	environ = longer;
}

static void fill_environment(const char *count)
{
	long variables = strtol(count, NULL, 10);

	for (long i = 0; i < variables; i++) {
		char name[VALUE_BYTES];

		(void)snprintf(name, sizeof(name), "FILLER_%ld", i);
		if (setenv(name, "x", 1) != 0)
			probe_die("setenv");
	}
}

static bool connects_at_end;

static void then_connect(const char *unused)
{
	(void)unused;
	connects_at_end = true;
}

static bool waits_between;

static void wait_between(const char *unused)
{
	(void)unused;
	waits_between = true;
}

/* Until the test has done its part. */
static void wait_for_line(void)
{
	for (int byte = 0; byte != '\n';) {
		byte = getchar();
		if (byte == EOF)
			exit(EXIT_BROKEN);
	}
}

static const struct modifier {
	const char *name;
	int arguments;
	void (*apply)(const char *argument);
} modifiers[] = {
	{"small-stack", 0, small_stack},
	{"alternate-stack", 0, alternate_stack},
	{"fork", 0, forked},
	{"repeat", 1, repeat},
	{"close-stderr", 0, close_stderr},
	{"hide-proc", 0, hide_proc},
	{"no-more-files", 0, no_more_files},
	{"no-new-calls", 0, no_new_calls},
	{"no-protection", 0, no_protection},
	{"own-descriptors", 0, own_descriptors},
	{"pending-signal", 0, pending_signal},
	{"chdir", 1, change_directory},
	{"chroot", 1, change_root},
	{"clearenv", 0, clear_environment},
	{"setenv", 1, set_variable},
	{"append-variable", 1, append_variable},
	{"fill-environment", 1, fill_environment},
	{"wait-between", 0, wait_between},
	{"then-connect", 0, then_connect},
};

/* Applies the modifier at *args and moves behind it; false when there is none. */
static bool take_modifier(char ***args)
{
	for (size_t i = 0; i < sizeof(modifiers) / sizeof(modifiers[0]); i++) {
		if (**args == NULL || strcmp(modifiers[i].name, **args) != 0)
			continue;
		modifiers[i].apply((*args)[modifiers[i].arguments]);
		*args += 1 + modifiers[i].arguments;
		return true;
	}
	return false;
}

static const struct probe_action *find_action(char **args)
{
	const struct probe_action *tables[] = {probe_exec_actions, probe_memory_actions,
		probe_net_actions, probe_race_actions, probe_send_actions, probe_swap_actions,
		probe_syscall_actions, probe_dl_actions};
	int count = 0;

	while (args[count] != NULL)
		count++;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && count > 0; i++) {
		for (const struct probe_action *action = tables[i]; action->name != NULL;
			action++) {
			if (strcmp(action->name, args[0]) == 0 && count > action->arguments)
				return action;
		}
	}
	errno = EINVAL;
	probe_die(count > 0 ? args[0] : "no action");
}

/* Makes a line of a kind that is never left out. */
static void connect_once(void)
{
	char words[][8] = {"connect", "8.8.8.8", "53"};
	char *args[] = {words[0], words[1], words[2], NULL};

	find_action(args)->run(args + 1);
}

int main(int argc, char **argv)
{
	char **args = argv + (argc > 0);

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	while (take_modifier(&args))
		;
	current.action = find_action(args);
	current.args = args + 1;
	for (int i = 0; i < repetitions; i++) {
		if (i > 0 && waits_between)
			wait_for_line();
		run_mode();
	}
	if (connects_at_end)
		connect_once();
	return 0;
}
