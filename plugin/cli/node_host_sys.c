/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "toml_dump.h"
#include "vb/base/file.h"
#include "vb/base/program.h"

#define CONFIG_DEFAULT "/etc/containerd/config.toml"
#define PATH_DEFAULT   "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum {
	DUMP_TIMEOUT_MS = 10000,
	ENVIRONMENT_MAX = 256 << 10,
	CGROUP_MAX = 64 << 10,
	LOOKS = 5,
	LOOK_MS = 20,
	/* To stop and to start again takes longer than to answer, and k3s is more than containerd.
	 */
	RESTART_FACTOR = 5,
};

void vb_node_host_finish(struct vb_node_host *host)
{
	vb_containerd_finish(&host->containerd);
	free(host->address);
	free(host->program);
	free(host->config);
	free(host->version);
	free(host->path);
	free(host->unit);
	vb_cleanup_close(&host->mounts_fd);
	vb_cleanup_close(&host->source_fd);
	vb_node_unlock(host->lock_fd);
}

static int read_proc(pid_t pid, const char *name, size_t max, char **ret_text)
{
	vb_auto_free char *path = vb_str_format("/proc/%d/%s", (int)pid, name);

	return path == NULL ? -ENOMEM : vb_file_read_stream(AT_FDCWD, path, max, ret_text, NULL);
}

/* The last part of its cgroup, "containerd.service", "k3s-agent.service". */
static char *find_unit(pid_t pid)
{
	vb_auto_free char *text = NULL;

	if (read_proc(pid, "cgroup", CGROUP_MAX, &text) < 0)
		return NULL;
	for (char *line = text; *line != '\0';) {
		size_t length = strcspn(line, "\n");
		char *end = line + length;
		bool is_last = *end == '\0';
		*end = '\0';
		const char *slash = strrchr(line, '/');
		size_t name_size = slash != NULL ? strlen(slash + 1) : 0;
		if (name_size > 8 && strcmp(slash + 1 + name_size - 8, ".service") == 0)
			return strdup(slash + 1);
		line = is_last ? end : end + 1;
	}
	return NULL;
}

/* PATH among its NUL-terminated variables; only the first of them are looked at. */
static char *find_path(pid_t pid)
{
	vb_auto_free char *file = vb_str_format("/proc/%d/environ", (int)pid);
	vb_auto_buf struct vb_buf *text = vb_buf_create(ENVIRONMENT_MAX);
	uint8_t *space = NULL;

	vb_auto_close int fd = file != NULL ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || text == NULL || vb_buf_reserve(text, ENVIRONMENT_MAX - 1, &space) < 0)
		return NULL;
	ssize_t n = read(fd, space, ENVIRONMENT_MAX - 1);
	if (n <= 0)
		return NULL;
	space[n] = '\0';
	for (const char *at = (const char *)space; at < (const char *)space + n;
		at += strlen(at) + 1) {
		const char *value = vb_str_after(at, "PATH=");
		if (value != NULL)
			return strdup(value);
	}
	return NULL;
}

static int open_source(const struct vb_node_options *options, int *ret_fd, struct vb_error *err)
{
	vb_auto_free char *own = NULL;
	char program[PATH_MAX];
	const char *directory = options->from;

	if (directory == NULL) {
		ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
		if (length < 0)
			return vb_error_set(err, errno, "find the directory of this program");
		program[length] = '\0';
		directory = own = vb_path_parent(program);
	}
	if (directory == NULL)
		return vb_error_set(err, ENOMEM, "find the programs");
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return vb_error_set(err, errno, "open the directory of programs '%s'", directory);
	*ret_fd = fd;
	return 0;
}

/* A namespace of its own, so that what is staged is never seen by anybody else. */
static int change_root(const char *root, struct vb_error *err)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return vb_error_set(err, errno, "make a mount namespace for staging");
	if (strcmp(root, "/") != 0 && chroot(root) < 0)
		return vb_error_set(err, errno, "enter '%s'", root);
	return chdir("/") < 0 ? vb_error_set(err, errno, "enter '%s'", root) : 0;
}

static int open_mounts(pid_t pid, int *ret_fd, struct vb_error *err)
{
	vb_auto_free char *path =
		pid > 0 ? vb_str_format("/proc/%d/ns/mnt", (int)pid) : strdup("/proc/self/ns/mnt");

	if (path == NULL)
		return vb_error_set(err, ENOMEM, "look at containerd");
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? vb_error_set(err, errno, "open '%s'", path) : 0;
}

static int complete(struct vb_node_host *host, struct vb_error *err)
{
	if (host->path == NULL)
		host->path = strdup(PATH_DEFAULT);
	host->config =
		strdup(host->containerd.config != NULL ? host->containerd.config : CONFIG_DEFAULT);
	if (host->path == NULL || host->config == NULL)
		return vb_error_set(err, ENOMEM, "look at containerd");
	if (host->containerd.executable != NULL)
		host->program = strdup(host->containerd.executable);
	else if (vb_node_find_program(host, "containerd", &host->program, err) < 0) {
		(void)vb_error_wrap(err, "containerd neither runs nor is installed");
		return vb_error_fix(err, "install it first; where it has gone for good, remove "
					 "/opt/vambrace to take Vambrace away");
	}
	if (host->program == NULL)
		return vb_error_set(err, ENOMEM, "look at containerd");
	host->version = vb_containerd_version(host->program);
	if (host->version != NULL)
		return 0;
	(void)vb_error_say(err, EIO, "'%s' does not say its version", host->program);
	return strstr(host->program, " (deleted)") == NULL
		       ? -EIO
		       : vb_error_fix(err, "the containerd that runs was replaced on the disk: "
					   "restart it first");
}

/* Which one is meant is for somebody to say who knows. */
static int check_single(const char *root, const struct vb_containerd *one, struct vb_error *err)
{
	vb_auto_containerd struct vb_containerd other = {0};

	if (vb_containerd_find_other(root, one, &other) < 0)
		return 0;
	(void)vb_error_say(err, EINVAL,
		"several containerds run here: pid %d with '%.200s', pid %d with '%.200s'",
		(int)one->pid, one->config != NULL ? one->config : CONFIG_DEFAULT, (int)other.pid,
		other.config != NULL ? other.config : CONFIG_DEFAULT);
	return vb_error_fix(err, "name the socket of the one that is meant, as kubelet has it in "
				 "containerRuntimeEndpoint: --address SOCKET");
}

/* The one that listens there; address NULL: the only one that there is, if any. */
static int choose_containerd(
	const char *root, const char *address, struct vb_containerd *ret, struct vb_error *err)
{
	int r = address != NULL ? vb_containerd_find_listener(root, address, ret)
				: vb_containerd_find(root, ret);

	if (address == NULL && r == -ENOENT)
		return 0;
	if (r < 0 && address != NULL)
		return vb_error_set(err, -r, "look for the containerd at '%s'", address);
	if (r < 0)
		return vb_error_set(err, -r, "look for a containerd of '%s'", root);
	return address == NULL ? check_single(root, ret, err) : 0;
}

/* -ESRCH when it has ended while it was looked at; then it is another one, or none. */
static int look_at_containerd(
	const char *root, const char *address, struct vb_node_host *host, struct vb_error *err)
{
	int r = choose_containerd(root, address, &host->containerd, err);

	if (r < 0)
		return r;
	if (host->containerd.pid > 0) {
		host->unit = find_unit(host->containerd.pid);
		host->path = find_path(host->containerd.pid);
	}
	r = open_mounts(host->containerd.pid, &host->mounts_fd, err);
	bool has_ended = r == -ENOENT || (r == 0 && host->containerd.pid > 0 &&
						 host->containerd.executable == NULL);
	return has_ended ? vb_error_say(err, ESRCH, "containerd ends while it is looked at") : r;
}

static int find_containerd(
	const char *root, const char *address, struct vb_node_host *ret_host, struct vb_error *err)
{
	int r = -ESRCH;

	for (int i = 0; i < LOOKS && r == -ESRCH; i++) {
		vb_node_host_finish(ret_host);
		*ret_host = (struct vb_node_host)VB_NODE_HOST_NONE;
		r = look_at_containerd(root, address, ret_host, err);
	}
	return r;
}

/* A pod of the DaemonSet is of the containerd that its shim reports to. */
static int find_ours(
	const struct vb_node_options *options, struct vb_node_host *ret_host, struct vb_error *err)
{
	vb_auto_free char *own = options->daemonset && options->address == NULL
					 ? vb_containerd_shim_address(getppid())
					 : NULL;
	const char *given =
		options->address != NULL ? vb_str_after(options->address, "unix://") : NULL;
	const char *address = own != NULL ? own : given != NULL ? given : options->address;

	int r = find_containerd(options->root, address, ret_host, err);
	if (r < 0 && own != NULL)
		return find_containerd(options->root, NULL, ret_host, err);
	if (r < 0)
		return r;
	if (address == NULL)
		address = ret_host->containerd.address;
	ret_host->address = address != NULL ? strdup(address) : NULL;
	return address != NULL && ret_host->address == NULL
		       ? vb_error_set(err, ENOMEM, "look at containerd")
		       : 0;
}

int vb_node_enter(
	const struct vb_node_options *options, struct vb_node_host *ret_host, struct vb_error *err)
{
	vb_auto_node_host struct vb_node_host host = VB_NODE_HOST_NONE;

	int r = find_ours(options, &host, err);
	if (r == 0)
		r = open_source(options, &host.source_fd, err);
	if (r == 0)
		r = change_root(options->root, err);
	if (r == -EPERM || r == -EACCES)
		return vb_error_fix(err, "run it as root; in a container, with `privileged: true`");
	if (r == 0)
		r = complete(&host, err);
	if (r < 0)
		return r;
	*ret_host = host;
	host = (struct vb_node_host)VB_NODE_HOST_NONE;
	return 0;
}

bool vb_node_is_at_least(const struct vb_node_host *host, long major, long minor)
{
	char *end = NULL;
	long has_major = strtol(host->version, &end, 10);
	long has_minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;

	return has_major > major || (has_major == major && has_minor >= minor);
}

/*
 * k3s runs from data/<digest>/bin, which its next upgrade takes away; data/current stays. Takes the
 * path.
 */
static char *keep_current(char *path)
{
	vb_auto_free char *own = path;
	char *data = strstr(own, "/data/");
	char *rest = data != NULL ? strchr(data + strlen("/data/"), '/') : NULL;

	if (rest == NULL || strncmp(rest, "/bin/", 5) != 0)
		return VB_STEAL(own);
	vb_auto_free char *current =
		vb_str_format("%.*s/data/current%s", (int)(data - own), own, rest);
	if (current == NULL)
		return NULL;
	return access(current, X_OK) == 0 ? VB_STEAL(current) : VB_STEAL(own);
}

int vb_node_find_program(
	const struct vb_node_host *host, const char *name, char **ret_path, struct vb_error *err)
{
	const char *directories = strchr(name, '/') != NULL ? "" : host->path;

	for (const char *at = directories;; at++) {
		size_t length = strcspn(at, ":");
		vb_auto_free char *path =
			length > 0 ? vb_str_format("%.*s/%s", (int)length, at, name) : strdup(name);
		if (path == NULL)
			return vb_error_set(err, ENOMEM, "find '%s'", name);
		if (path[0] == '/' && access(path, X_OK) == 0) {
			*ret_path = keep_current(VB_STEAL(path));
			return *ret_path != NULL ? 0 : vb_error_set(err, ENOMEM, "find '%s'", name);
		}
		at += length;
		if (*at == '\0')
			return vb_error_say(err, ENOENT,
				"there is no program '%.128s' where containerd looks: %.256s", name,
				host->path);
	}
}

/* The nearest directory above the path that exists. */
static char *existing_parent(const char *path)
{
	struct stat st;
	char *directory = vb_path_parent(path);

	while (directory != NULL && stat(directory, &st) < 0 && strcmp(directory, "/") != 0) {
		char *parent = vb_path_parent(directory);
		free(directory);
		directory = parent;
	}
	return directory;
}

static int ask_dump(
	const struct vb_node_host *host, struct vb_node_dump **ret_dump, struct vb_error *err)
{
	const char *const argv[] = {
		host->program, "--config", host->config, "config", "dump", NULL};
	vb_auto_buf struct vb_buf *answer = vb_buf_create(VB_TOML_DUMP_MAX);

	if (answer == NULL)
		return vb_error_set(err, ENOMEM, "ask containerd for its configuration");
	int r = vb_program_run(argv, DUMP_TIMEOUT_MS, answer);
	if (r == -EIO)
		return vb_error_say(err, EIO,
			"containerd %s does not accept the configuration (`containerd --config %s "
			"config dump` fails)",
			host->version, host->config);
	if (r < 0)
		return vb_error_set(err, -r, "run `%s config dump`", host->program);
	r = vb_node_dump_parse(
		(const char *)vb_buf_data(answer), vb_buf_size(answer), ret_dump, err);
	return r < 0 ? vb_error_fix(err,
			       "see `%.128s --config %.128s config dump`: on its standard output "
			       "must be the configuration and nothing else",
			       host->program, host->config)
		     : 0;
}

/* A directory that holds nothing but the text, at the place where it stands below `below`. */
static int fill_stage(const char *stage, const char *below, const char *path,
	const struct vb_buf *text, struct vb_error *err)
{
	size_t skipped = strcmp(below, "/") == 0 ? 0 : strlen(below);
	vb_auto_free char *file = vb_str_format("%s%s", stage, path + skipped);
	vb_auto_free char *directory = file != NULL ? vb_path_parent(file) : NULL;

	if (directory == NULL)
		return vb_error_set(err, ENOMEM, "stage '%s'", path);
	int r = vb_file_make_directories(directory, err);
	return r < 0 ? r : vb_file_replace(file, vb_buf_data(text), vb_buf_size(text), 0600, err);
}

static int show_stage(const struct vb_node_host *host, const char *stage, const char *below,
	struct vb_node_dump **ret_dump, struct vb_error *err)
{
	vb_auto_free char *options = vb_str_format("lowerdir=%s:%s", stage, below);

	if (options == NULL)
		return vb_error_set(err, ENOMEM, "stage the configuration");
	if (strpbrk(below, ":,\\") != NULL)
		return vb_error_say(err, EINVAL, "'%s' cannot be staged", below);
	if (mount("overlay", below, "overlay", MS_RDONLY, options) < 0)
		return vb_error_set(err, errno, "stage the configuration over '%s'", below);
	int r = ask_dump(host, ret_dump, err);
	(void)umount2(below, MNT_DETACH);
	return r;
}

int vb_node_dump_staged(const struct vb_node_host *host, const char *path,
	const struct vb_buf *text, struct vb_node_dump **ret_dump, struct vb_error *err)
{
	char stage[] = "/run/vambrace-node.XXXXXX";
	vb_auto_free char *below = existing_parent(path);

	if (text == NULL)
		return ask_dump(host, ret_dump, err);
	if (below == NULL)
		return vb_error_set(err, ENOMEM, "stage '%s'", path);
	if (mkdtemp(stage) == NULL)
		return vb_error_set(err, errno, "make directory '%s'", stage);
	int r = fill_stage(stage, below, path, text, err);
	if (r == 0)
		r = show_stage(host, stage, below, ret_dump, err);
	(void)vb_node_remove_tree(stage);
	return r;
}

/* Whoever keeps containerd running starts it again: systemd's Restart=always does. */
static int end_it(const struct vb_node_host *host, unsigned int timeout_s, struct vb_error *err)
{
	vb_auto_containerd struct vb_containerd running = {0};

	/* The second time, for a rollback, it is another process. */
	int r = vb_containerd_find_again("/", &host->containerd, &running);
	pid_t pid = r == 0 ? running.pid : host->containerd.pid;
	if (pid <= 0 || (kill(pid, SIGTERM) < 0 && errno == ESRCH))
		return 0;
	for (unsigned int i = 0; i < timeout_s * (1000 / LOOK_MS); i++) {
		if (kill(pid, 0) < 0)
			return errno == ESRCH ? 0 : vb_error_set(err, errno, "end containerd");
		r = vb_node_pause(LOOK_MS, err);
		if (r < 0)
			return r;
	}
	return vb_error_say(err, ETIMEDOUT, "containerd does not end");
}

/* Empty: not known. */
static const char *method_of(const struct vb_node_host *host, const struct vb_node_options *options)
{
	bool has_systemd = host->unit != NULL && access("/run/systemd/system", F_OK) == 0;

	if (strcmp(options->restart, "auto") != 0)
		return options->restart;
	if (options->restart_command != NULL)
		return "command";
	return has_systemd ? "systemd" : "";
}

int vb_node_check_restart(const struct vb_node_host *host, const struct vb_node_options *options,
	struct vb_error *err)
{
	const char *method = method_of(host, options);

	if (*method == '\0') {
		(void)vb_error_say(err, EINVAL, "how containerd is restarted here is not known");
		return vb_error_fix(
			err, "say it: --restart signal, or --restart-command 'COMMAND'");
	}
	if (strcmp(method, "command") == 0 && options->restart_command == NULL)
		return vb_error_say(
			err, EINVAL, "--restart command needs --restart-command 'COMMAND'");
	if (strcmp(method, "systemd") == 0 && host->unit == NULL)
		return vb_error_say(err, EINVAL, "containerd belongs to no service of systemd");
	return 0;
}

int vb_node_restart(const struct vb_node_host *host, const struct vb_node_options *options,
	struct vb_error *err)
{
	int r = vb_node_check_restart(host, options, err);
	if (r < 0)
		return r;
	const char *method = method_of(host, options);
	unsigned int limit_s = RESTART_FACTOR * options->timeout_s;
	const char *const systemctl[] = {"systemctl", "restart", host->unit, NULL};
	const char *const command[] = {"/bin/sh", "-c", options->restart_command, NULL};
	if (strcmp(method, "systemd") == 0)
		r = vb_node_run_there(host, systemctl, limit_s, err);
	else if (strcmp(method, "command") == 0)
		r = vb_node_run_there(host, command, limit_s, err);
	else if (strcmp(method, "signal") == 0)
		r = end_it(host, options->timeout_s, err);
	if (r == -ETIMEDOUT)
		(void)vb_error_fix(
			err, "see what it waits for, or give it longer by --timeout SECONDS");
	return r < 0 ? vb_error_wrap(err, "restart containerd") : 0;
}

bool vb_node_restarts(const struct vb_node_host *host, const struct vb_node_options *options)
{
	return host->containerd.pid > 0 && !vb_str_equal(method_of(host, options), "none");
}
