/* SPDX-License-Identifier: Apache-2.0 */
#include "node_plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node.h"
#include "node_unit.h"
#include "status.h"
#include "vb/adjust/config.h"
#include "vb/adjust/json.h"
#include "vb/adjust/state.h"
#include "vb/base/file.h"

/* The index is that of vambrace-nri's own default. */
#define LINK_NAME "10-vambrace"
#define DAEMON    VB_STATE_DIR "/daemon.json"
#define TARGET    VB_NODE_PREFIX "/current/vambrace-nri"
#define UNIT_NAME "vambrace-nri.service"
#define UNIT      "/etc/systemd/system/" UNIT_NAME

enum { UNIT_MAX = 64 << 10, LOOK_MS = 50, SYSTEMCTL_S = 300 };

static const char *const kinds[] = {
	[VB_NODE_PLUGIN_NONE] = "none",
	[VB_NODE_PLUGIN_LAUNCHED] = "launched",
	[VB_NODE_PLUGIN_SERVICE] = "service",
};

const char *vb_node_plugin_kind_name(enum vb_node_plugin_kind kind)
{
	return kinds[kind];
}

void vb_node_plugin_finish(struct vb_node_plugin *plugin)
{
	free(plugin->path);
	free(plugin->made);
	*plugin = (struct vb_node_plugin){0};
}

int vb_node_plugin_copy(const struct vb_node_plugin *plugin, struct vb_node_plugin *ret_copy)
{
	struct vb_node_plugin copy = {.kind = plugin->kind,
		.path = plugin->path != NULL ? strdup(plugin->path) : NULL,
		.made = plugin->made != NULL ? strdup(plugin->made) : NULL};

	if ((plugin->path != NULL && copy.path == NULL) ||
		(plugin->made != NULL && copy.made == NULL)) {
		vb_node_plugin_finish(&copy);
		return -ENOMEM;
	}
	*ret_copy = copy;
	return 0;
}

/* A plugin that ends comes back through the socket, even one that containerd launched. */
static int check_nri(const struct vb_node_nri *nri, struct vb_error *err)
{
	if (!nri->accepts_plugins) {
		(void)vb_error_say(err, EPERM,
			"NRI takes no connections in containerd's configuration, so a plugin that "
			"ends could not come back");
		return vb_error_fix(err, "set `disable_connections = false` in "
					 "[plugins.\"io.containerd.nri.v1.nri\"]");
	}
	if (strcmp(nri->socket_path, VB_NODE_NRI_SOCKET) == 0 ||
		strcmp(nri->socket_path, "/run/nri/nri.sock") == 0)
		return 0;
	(void)vb_error_say(err, EPERM,
		"NRI's socket is '%.200s' in containerd's configuration, where vambrace-nri does "
		"not look by itself",
		nri->socket_path);
	return vb_error_fix(err,
		"set `socket_path = \"" VB_NODE_NRI_SOCKET "\"`, or run vambrace-nri --socket");
}

static int choose_new(const struct vb_node_host *host, const struct vb_node_nri *nri,
	struct vb_node_plugin *plugin, struct vb_error *err)
{
	struct stat st;

	/* Before NRI 0.7 a launched plugin is not told what runs already. */
	plugin->kind =
		vb_node_is_at_least(host, 2, 0) ? VB_NODE_PLUGIN_LAUNCHED : VB_NODE_PLUGIN_SERVICE;
	if (plugin->kind == VB_NODE_PLUGIN_SERVICE && access("/run/systemd/system", F_OK) < 0) {
		(void)vb_error_say(err, ENOSYS,
			"with containerd %s vambrace-nri has to be a service, and there is no "
			"systemd here",
			host->version);
		return vb_error_fix(err,
			"install without --pre-registered, and let your own supervisor keep "
			"/opt/vambrace/bin/vambrace-nri running");
	}
	plugin->path = plugin->kind == VB_NODE_PLUGIN_SERVICE
			       ? strdup(UNIT)
			       : vb_str_format("%s/" LINK_NAME, nri->plugin_path);
	vb_auto_free char *directory = plugin->path != NULL ? vb_path_parent(plugin->path) : NULL;
	if (directory == NULL || vb_node_find_missing(directory, &plugin->made) < 0)
		return vb_error_set(err, ENOMEM, "choose how the plugin is started");
	if (lstat(plugin->path, &st) == 0) {
		(void)vb_error_say(err, EEXIST, "'%s' is there already", plugin->path);
		return vb_error_fix(err, "remove it first, if it is an installation by hand");
	}
	return 0;
}

int vb_node_plugin_choose(const struct vb_node_host *host, const struct vb_node_nri *nri,
	const struct vb_node_plugin *before, struct vb_node_plugin *ret_plugin,
	struct vb_error *err)
{
	vb_auto(vb_node_plugin_finish) struct vb_node_plugin plugin = {0};

	int r = check_nri(nri, err);
	if (r < 0)
		return r;
	if (before->kind == VB_NODE_PLUGIN_NONE)
		r = choose_new(host, nri, &plugin, err);
	else if (vb_node_plugin_copy(before, &plugin) < 0)
		r = vb_error_set(err, ENOMEM, "choose how the plugin is started");
	if (r < 0)
		return r;
	vb_auto_free char *directory = vb_path_parent(plugin.path);
	if (directory == NULL)
		return vb_error_set(err, ENOMEM, "choose how the plugin is started");
	if (plugin.kind == VB_NODE_PLUGIN_LAUNCHED && strcmp(directory, nri->plugin_path) != 0)
		return vb_error_say(err, EINVAL,
			"the plugin is in '%s', but containerd looks in '%s' now: uninstall first",
			directory, nri->plugin_path);
	*ret_plugin = plugin;
	plugin = (struct vb_node_plugin){0};
	return 0;
}

static int check_link(const char *path, struct vb_error *err)
{
	char target[PATH_MAX];

	ssize_t length = readlink(path, target, sizeof(target));
	if (length < 0 && errno != EINVAL)
		return vb_error_set(err, errno, "look at the plugin '%s'", path);
	if (length == (ssize_t)strlen(TARGET) && memcmp(target, TARGET, (size_t)length) == 0)
		return 0;
	return vb_error_say(err, EEXIST, "the plugin '%s' is no link to %s", path, TARGET);
}

int vb_node_plugin_check(const struct vb_node_plugin *plugin, struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	size_t size = 0;

	if (plugin->kind == VB_NODE_PLUGIN_NONE)
		return 0;
	if (plugin->kind == VB_NODE_PLUGIN_LAUNCHED)
		return check_link(plugin->path, err);
	int r = vb_file_read(plugin->path, UNIT_MAX, &text, &size, err);
	if (r < 0 || strcmp(text, vb_node_unit) == 0)
		return r;
	return vb_error_say(err, EEXIST, "'%s' is not the unit of this release", plugin->path);
}

/* What the daemon last said of itself; NULL when there is nothing, or it has stopped since. */
static json_t *load_daemon(void)
{
	vb_auto_json json_t *daemon = NULL;

	if (vb_status_load_json(DAEMON, &daemon, NULL) < 0 ||
		!json_is_null(json_object_get(daemon, "stopped_at")))
		return NULL;
	return VB_STEAL(daemon);
}

static pid_t pid_of(const json_t *daemon)
{
	return (pid_t)json_integer_value(json_object_get(daemon, "pid"));
}

static bool is_of_version(pid_t pid, const char *version)
{
	vb_auto_free char *process = vb_str_format("/proc/%d/exe", (int)pid);
	vb_auto_free char *program =
		vb_str_format(VB_NODE_PREFIX "/versions/%s/vambrace-nri", version);
	struct stat runs;
	struct stat is_there;

	return process != NULL && program != NULL && stat(process, &runs) == 0 &&
	       stat(program, &is_there) == 0 && runs.st_dev == is_there.st_dev &&
	       runs.st_ino == is_there.st_ino;
}

static bool runs_in(const char *version)
{
	vb_auto_json json_t *daemon = load_daemon();

	return daemon != NULL && is_of_version(pid_of(daemon), version);
}

static int systemctl(const struct vb_node_host *host, const char *verb, const char *option,
	const char *unit, struct vb_error *err)
{
	const char *argv[5] = {"systemctl", verb};
	size_t count = 2;

	if (option != NULL)
		argv[count++] = option;
	if (unit != NULL)
		argv[count++] = unit;
	int r = vb_node_run_there(host, argv, SYSTEMCTL_S, err);
	return r < 0 ? vb_error_wrap(err, "systemctl %s", verb) : 0;
}

static int put_service(const struct vb_node_host *host, const struct vb_node_plugin *plugin,
	const char *version, struct vb_error *err)
{
	int r = vb_node_plugin_check(plugin, NULL);
	bool runs = r == 0 && runs_in(version);

	if (r < 0) {
		r = vb_file_replace(plugin->path, vb_node_unit, strlen(vb_node_unit), 0644, err);
		if (r == 0)
			r = systemctl(host, "daemon-reload", NULL, NULL, err);
	}
	if (r == 0)
		r = systemctl(host, "enable", "--quiet", UNIT_NAME, err);
	return r == 0 && !runs ? systemctl(host, "restart", NULL, UNIT_NAME, err) : r;
}

/*
 * A link is one step from nothing to its last name; containerd does not start its CRI while there
 * is any other name in that directory. Which release it leads to is swapped elsewhere.
 */
static int put_link(const char *path, const char *directory, struct vb_error *err)
{
	if (symlink(TARGET, path) < 0) {
		int r = -errno;
		if (r != -EEXIST || check_link(path, NULL) < 0)
			return vb_error_set(err, -r, "link '%s'", path);
	}
	int r = vb_file_sync_directory(directory);
	return r < 0 ? vb_error_set(err, -r, "sync '%s'", directory) : 0;
}

int vb_node_plugin_put(const struct vb_node_host *host, const struct vb_node_plugin *plugin,
	const char *version, struct vb_error *err)
{
	vb_auto_free char *directory = NULL;

	if (plugin->kind == VB_NODE_PLUGIN_NONE)
		return 0;
	directory = vb_path_parent(plugin->path);
	if (directory == NULL)
		return vb_error_set(err, ENOMEM, "install the plugin");
	int r = vb_file_make_directories(directory, err);
	if (r < 0)
		return r;
	return plugin->kind == VB_NODE_PLUGIN_SERVICE ? put_service(host, plugin, version, err)
						      : put_link(plugin->path, directory, err);
}

int vb_node_plugin_remove(
	const struct vb_node_host *host, const struct vb_node_plugin *plugin, struct vb_error *err)
{
	bool is_service = plugin->kind == VB_NODE_PLUGIN_SERVICE;
	int r = 0;

	if (plugin->kind == VB_NODE_PLUGIN_NONE)
		return 0;
	if (is_service && access(plugin->path, F_OK) == 0)
		r = systemctl(host, "disable", "--now", UNIT_NAME, err);
	if (r < 0)
		return r;
	if (unlink(plugin->path) < 0 && errno != ENOENT)
		return vb_error_set(err, errno, "remove '%s'", plugin->path);
	/* Gone for good before what it leads to is: containerd launches it at the next boot. */
	vb_auto_free char *directory = vb_path_parent(plugin->path);
	r = directory != NULL ? vb_file_sync_directory(directory) : -ENOMEM;
	if (r < 0 && r != -ENOENT)
		return vb_error_set(err, -r, "remove '%s'", plugin->path);
	vb_node_remove_made(directory, plugin->made);
	return is_service ? systemctl(host, "daemon-reload", NULL, NULL, err) : 0;
}

void vb_node_plugin_renew(const struct vb_node_plugin *plugin, const char *version)
{
	vb_auto_json json_t *daemon = load_daemon();
	pid_t pid = pid_of(daemon);

	if (plugin->kind == VB_NODE_PLUGIN_LAUNCHED && pid > 1 && vb_status_is_daemon(pid) &&
		!is_of_version(pid, version))
		(void)kill(pid, SIGTERM);
}

/* Of two the last one that had something to say has said it, if only that it ends. */
static int fail_unknown(const char *version, struct vb_error *err)
{
	struct vb_node_daemons daemons;

	vb_node_daemons_find(VB_NODE_DAEMONS_ON_HOST, VB_NODE_DAEMONS_MAX, &daemons);
	for (size_t i = 0; i < daemons.count; i++) {
		pid_t pid = daemons.items[i].pid;
		if (!is_of_version(pid, version))
			continue;
		(void)vb_error_say(err, ETIMEDOUT,
			"vambrace-nri of this installation runs, pid %d, but " DAEMON
			" describes another one",
			(int)pid);
		return vb_error_fix(err, "make it write the file again: kill -HUP %d", (int)pid);
	}
	return vb_error_say(err, ETIMEDOUT, "vambrace-nri of this installation does not run");
}

static int look(const char *version, struct vb_error *err)
{
	vb_auto_json json_t *daemon = load_daemon();
	const json_t *runtime = json_object_get(daemon, "runtime");
	const char *problem = json_string_value(json_object_get(runtime, "problem"));

	if (daemon == NULL || !is_of_version(pid_of(daemon), version))
		return fail_unknown(version, err);
	if (json_is_true(json_object_get(runtime, "connected")))
		return 0;
	return vb_error_say(err, ETIMEDOUT, "vambrace-nri is not registered with containerd%s%s",
		problem != NULL ? ": " : "", problem != NULL ? problem : "");
}

int vb_node_plugin_wait(const char *version, unsigned int timeout_s, struct vb_error *err)
{
	int r = look(version, err);

	for (unsigned int i = 0; r < 0 && i < timeout_s * (1000 / LOOK_MS); i++) {
		r = vb_node_pause(LOOK_MS, err);
		if (r < 0)
			return r;
		r = look(version, err);
	}
	return r;
}

bool vb_node_config_is_elsewhere(void)
{
	vb_auto_json json_t *daemon = load_daemon();

	return access(VB_CONFIG_PATH, F_OK) < 0 &&
	       json_is_string(json_object_get(json_object_get(daemon, "config"), "digest"));
}

int vb_node_check_named(const struct vb_node_handlers *handlers, struct vb_error *err)
{
	vb_auto_config struct vb_config config = {0};

	int r = vb_config_load(VB_CONFIG_PATH, &config, err);
	if (r == -ENOENT && vb_node_config_is_elsewhere())
		return 0;
	if (r == -ENOENT)
		r = vb_config_init(&config);
	if (r < 0)
		return vb_error_wrap(err, "node config '" VB_CONFIG_PATH "'");
	for (size_t i = 0; i < handlers->count; i++) {
		const char *name = handlers->items[i].name;
		if (vb_config_has_handler(&config, name))
			continue;
		(void)vb_error_say(err, ESRCH,
			"the node config does not name handler '%s', so that what only the hook "
			"can do is refused on it",
			name);
		return vb_error_fix(err, "add \"%s\" to runtime_handlers in " VB_CONFIG_PATH, name);
	}
	return 0;
}
