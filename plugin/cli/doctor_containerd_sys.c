/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "containerd_process_sys.h"
#include "toml_dump.h"
#include "vb/adjust/json.h"
#include "vb/base/file.h"
#include "vb/base/program.h"
#include "vb/base/str.h"

#define NRI_SOCKET_DEFAULT "/var/run/nri/nri.sock"

enum { ANSWER_TIMEOUT_MS = 5000 };

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
static int ask_config(const struct vb_containerd *process, json_t *facts)
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
	vb_auto_containerd struct vb_containerd process = {0};
	json_t *containerd = member(facts, "containerd", json_object());

	int r = vb_containerd_find("/", &process);
	(void)json_object_set_new(containerd, "running", json_boolean(r == 0));
	put_text(containerd, "binary", process.executable);
	put_text(containerd, "config", process.config);
	if (process.executable != NULL && access(process.executable, X_OK) == 0) {
		vb_auto_free char *version = vb_containerd_version(process.executable);
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
