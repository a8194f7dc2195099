/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "toml_dump.h"
#include "vb/adjust/json.h"
#include "vb/base/file.h"
#include "vb/base/program.h"
#include "vb/base/str.h"

#define NRI_SOCKET_DEFAULT "/var/run/nri/nri.sock"

enum {
	COMMAND_LINE_MAX = 64 << 10,
	ANSWER_TIMEOUT_MS = 5000,
	VERSION_MAX = 4096,
};

/* The containerd that runs here, and how it was started. */
struct process {
	char *executable; /* NULL: it may not be seen */
	char *config;     /* of --config; NULL: the default */
};

static void finish_process(struct process *process)
{
	free(process->executable);
	free(process->config);
}

static bool is_named_containerd(int proc, const char *pid)
{
	vb_auto_free char *path = vb_str_format("%s/comm", pid);
	vb_auto_free char *name = NULL;

	return path != NULL && vb_file_read_stream(proc, path, 64, &name, NULL) == 0 &&
	       strcmp(name, "containerd\n") == 0;
}

static int read_link(int proc, const char *pid, const char *name, char **ret_target)
{
	vb_auto_free char *path = vb_str_format("%s/%s", pid, name);
	char target[PATH_MAX];

	if (path == NULL)
		return -ENOMEM;
	ssize_t length = readlinkat(proc, path, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	*ret_target = strdup(target);
	return *ret_target == NULL ? -ENOMEM : 0;
}

/* A containerd in a container, as kind's nodes are, is not the one that doctor is asked about. */
static bool is_elsewhere(int proc, const char *pid)
{
	vb_auto_free char *theirs = NULL;
	vb_auto_free char *ours = NULL;

	return read_link(proc, pid, "ns/mnt", &theirs) == 0 &&
	       read_link(proc, "self", "ns/mnt", &ours) == 0 && !vb_str_equal(theirs, ours);
}

/* The value of --config or -c among NUL-terminated arguments. */
static char *find_config(const char *arguments, size_t size)
{
	const char *end = arguments + size;

	while (arguments < end) {
		const char *value = vb_str_after(arguments, "--config=");
		const char *next = arguments + strlen(arguments) + 1;
		if (value != NULL)
			return strdup(value);
		if ((strcmp(arguments, "--config") == 0 || strcmp(arguments, "-c") == 0) &&
			next < end)
			return strdup(next);
		arguments = next;
	}
	return NULL;
}

static void look_at_process(int proc, const char *pid, struct process *process)
{
	vb_auto_free char *path = vb_str_format("/proc/%s/cmdline", pid);
	vb_auto_buf struct vb_buf *arguments = vb_buf_create(COMMAND_LINE_MAX);
	uint8_t *space = NULL;

	(void)read_link(proc, pid, "exe", &process->executable);
	if (path == NULL || arguments == NULL ||
		vb_buf_reserve(arguments, COMMAND_LINE_MAX - 1, &space) < 0)
		return;
	vb_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, space, COMMAND_LINE_MAX - 1);
	if (n <= 0)
		return;
	vb_buf_commit(arguments, (size_t)n);
	if (vb_buf_append(arguments, "", 1) == 0)
		process->config = find_config((const char *)vb_buf_data(arguments), (size_t)n);
}

/* -ENOENT when none runs. */
static int find_process(struct process *ret_process)
{
	DIR *proc = opendir("/proc");
	int r = -ENOENT;

	if (proc == NULL)
		return -errno;
	for (const struct dirent *entry = readdir(proc); entry != NULL; entry = readdir(proc)) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
			!is_named_containerd(dirfd(proc), entry->d_name) ||
			is_elsewhere(dirfd(proc), entry->d_name))
			continue;
		look_at_process(dirfd(proc), entry->d_name, ret_process);
		r = 0;
		break;
	}
	(void)closedir(proc);
	return r;
}

/* "containerd github.com/containerd/containerd 1.7.24~ds1 ..." */
static char *ask_version(const char *executable)
{
	const char *const argv[] = {executable, "--version", NULL};
	vb_auto_buf struct vb_buf *answer = vb_buf_create(VERSION_MAX + (16 << 10));

	if (answer == NULL || vb_program_run(argv, ANSWER_TIMEOUT_MS, answer) < 0)
		return NULL;
	vb_auto_free char *text = vb_buf_strdup(answer);
	if (text == NULL)
		return NULL;
	const char *word = text;
	for (int i = 0; i < 2; i++) {
		word += strcspn(word, " \n");
		word += strspn(word, " ");
	}
	word += *word == 'v';
	return strndup(word, strcspn(word, " \n"));
}

static bool is_cri_table(const struct vb_strv *table)
{
	return table->count >= 5 && strcmp(table->items[0], "plugins") == 0 &&
	       (strcmp(table->items[1], "io.containerd.grpc.v1.cri") == 0 ||
		       strcmp(table->items[1], "io.containerd.cri.v1.runtime") == 0) &&
	       strcmp(table->items[2], "containerd") == 0 &&
	       strcmp(table->items[3], "runtimes") == 0;
}

static json_t *member(json_t *object, const char *key, json_t *made)
{
	if (json_object_get(object, key) == NULL)
		(void)json_object_set_new(object, key, made);
	else
		json_decref(made);
	return json_object_get(object, key);
}

static int take_nri(json_t *facts, const char *key, const char *value)
{
	json_t *nri = member(facts, "nri", json_object());
	vb_auto_free char *text = NULL;

	if (strcmp(key, "disable") == 0)
		return json_object_set_new(
			nri, "enabled", json_boolean(strcmp(value, "false") == 0));
	if (strcmp(key, "socket_path") == 0 && vb_toml_dump_string(value, &text) == 0)
		return json_object_set_new(nri, "socket", json_string(text));
	return 0;
}

static int take_handler(
	json_t *facts, const struct vb_strv *table, const char *key, const char *value)
{
	json_t *handlers = member(facts, "handlers", json_object());
	json_t *handler = member(handlers, table->items[4], json_object());
	vb_auto_free char *text = NULL;
	vb_auto_strv struct vb_strv globs = {0};

	if (table->count == 6 && strcmp(key, "BinaryName") == 0 &&
		vb_toml_dump_string(value, &text) == 0)
		return json_object_set_new(handler, "binary", json_string(text));
	if (table->count != 5 || strcmp(key, "pod_annotations") != 0 ||
		vb_toml_dump_strings(value, &globs) < 0)
		return 0;
	json_t *array = member(handler, "pod_annotations", json_array());
	for (size_t i = 0; i < globs.count; i++)
		(void)json_array_append_new(array, json_string(globs.items[i]));
	return 0;
}

static int take_key(const struct vb_strv *table, const char *key, const char *value, void *context)
{
	int r = 0;

	if (table->count == 2 && strcmp(table->items[1], "io.containerd.nri.v1.nri") == 0)
		r = take_nri(context, key, value);
	else if (is_cri_table(table))
		r = take_handler(context, table, key, value);
	return r < 0 ? -ENOMEM : 0;
}

/* containerd's own view of all its files merged: what it would start with now. */
static int ask_config(const struct process *process, json_t *facts)
{
	const char *const with_config[] = {
		process->executable, "--config", process->config, "config", "dump", NULL};
	const char *const plain[] = {process->executable, "config", "dump", NULL};
	vb_auto_buf struct vb_buf *answer = vb_buf_create(VB_TOML_DUMP_MAX);

	if (answer == NULL)
		return -ENOMEM;
	int r = vb_program_run(
		process->config != NULL ? with_config : plain, ANSWER_TIMEOUT_MS, answer);
	return r < 0 ? r
		     : vb_toml_dump_walk((const char *)vb_buf_data(answer), vb_buf_size(answer),
			       take_key, facts, NULL);
}

static void put_text(json_t *object, const char *key, const char *text)
{
	if (text != NULL)
		(void)json_object_set_new(object, key, json_string(text));
}

static const char *try_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	vb_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return strerrorname_np(fd < 0 ? errno : ENAMETOOLONG);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return strerrorname_np(errno);
	return "ok";
}

void vb_doctor_gather_containerd(json_t *facts)
{
	vb_auto(finish_process) struct process process = {0};
	json_t *containerd = member(facts, "containerd", json_object());

	int r = find_process(&process);
	(void)json_object_set_new(containerd, "running", json_boolean(r == 0));
	put_text(containerd, "binary", process.executable);
	put_text(containerd, "config", process.config);
	if (process.executable != NULL && access(process.executable, X_OK) == 0) {
		vb_auto_free char *version = ask_version(process.executable);
		put_text(containerd, "version", version);
		r = ask_config(&process, facts);
		put_text(containerd, "config_dump", r == 0 ? "ok" : strerrorname_np(-r));
	}
	json_t *nri = member(facts, "nri", json_object());
	const char *socket_path = json_string_value(json_object_get(nri, "socket"));
	if (socket_path == NULL)
		socket_path = NRI_SOCKET_DEFAULT;
	put_text(nri, "connect", try_connect(socket_path));
	put_text(nri, "socket", socket_path);
}
