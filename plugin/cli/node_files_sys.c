/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vb/adjust/plan.h"
#include "vb/adjust/json.h"
#include "vb/base/file.h"
#include "vb/base/file_identity.h"
#include "vb/base/program.h"

#define VERSIONS VB_NODE_PREFIX "/versions"
#define CURRENT  VB_NODE_PREFIX "/current"

enum { PROGRAM_MAX = 64 << 20, TRY_TIMEOUT_MS = 10000, TRY_OUTPUT_MAX = 64 << 10, OUR_MODE = 0644 };

/* What is installed: where it may lie in the source, and the link by which it is known. */
static const struct program {
	const char *name;
	const char *link;
	bool is_optional;
} programs[] = {
	{"vambrace-oci", VB_NODE_PREFIX "/bin/vambrace-oci", false},
	{"libautonomy_preload.so", VB_NODE_PREFIX "/lib/libautonomy_preload.so", false},
	{"vambrace", VB_NODE_PREFIX "/sbin/vambrace", false},
	{"vambrace-nri", VB_NODE_PREFIX "/bin/vambrace-nri", true},
};

int vb_node_remove_tree(const char *path)
{
	char *const paths[] = {(char *)(uintptr_t)path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	int result = 0;

	if (tree == NULL)
		return -errno;
	for (const FTSENT *entry = fts_read(tree); entry != NULL; entry = fts_read(tree)) {
		int r = 0;
		if (entry->fts_info == FTS_DP)
			r = rmdir(entry->fts_accpath);
		else if (entry->fts_info != FTS_D)
			r = unlink(entry->fts_accpath);
		if (r < 0 && errno != ENOENT && result == 0)
			result = -errno;
	}
	(void)fts_close(tree);
	return result;
}

int vb_node_find_missing(const char *directory, char **ret_top)
{
	vb_auto_free char *path = strdup(directory);
	vb_auto_free char *top = NULL;
	struct stat st;

	while (path != NULL && stat(path, &st) < 0 && errno == ENOENT) {
		char *parent = vb_path_parent(path);
		free(top);
		top = path;
		path = parent;
	}
	if (path == NULL)
		return -ENOMEM;
	*ret_top = VB_STEAL(top);
	return 0;
}

void vb_node_remove_made(const char *directory, const char *made)
{
	vb_auto_free char *path = made != NULL ? strdup(directory) : NULL;

	while (path != NULL && vb_path_is_within(path, made) && rmdir(path) == 0) {
		char *parent = vb_path_parent(path);
		free(path);
		path = parent;
	}
}

/* Beside this program, or where a package has it. */
static int open_program(int source_fd, const char *name)
{
	static const char *const places[] = {
		"", "../lib/", "../lib/vambrace/", "../sbin/", "../lib/vambrace/preload/"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(places); i++) {
		vb_auto_free char *path = vb_str_format("%s%s", places[i], name);
		int fd = path != NULL ? openat(source_fd, path, O_RDONLY | O_CLOEXEC) : -1;
		if (fd >= 0 || path == NULL)
			return fd;
	}
	return -1;
}

/* Copies one program and takes its digest into the list. */
static int copy_program(const struct vb_node_host *host, const struct program *program,
	const char *directory, struct vb_buf *digests, struct vb_error *err)
{
	char digest[VB_DIGEST_SIZE];
	vb_auto_free char *target = vb_str_format("%s/%s", directory, program->name);
	vb_auto_free char *data = NULL;
	size_t size = 0;

	if (target == NULL)
		return vb_error_set(err, ENOMEM, "install %s", program->name);
	vb_auto_close int fd = open_program(host->source_fd, program->name);
	if (fd < 0 && program->is_optional)
		return 0;
	if (fd < 0) {
		(void)vb_error_set(err, errno, "find %s to install", program->name);
		return vb_error_fix(err, "name the directory of the programs: --from DIR");
	}
	int r = vb_file_read_fd(fd, program->name, PROGRAM_MAX, &data, &size, err);
	if (r < 0)
		return r;
	if (size < 20 || memcmp(data, "\177ELF", 4) != 0)
		return vb_error_say(err, ENOEXEC, "%s is no program", program->name);
	vb_digest(data, size, digest);
	if (vb_buf_printf(digests, "%s %s\n", program->name, digest) < 0)
		return vb_error_set(err, ENOMEM, "install %s", program->name);
	return vb_file_replace(target, data, size, 0755, err);
}

static char *name_version(const struct vb_buf *digests)
{
	char digest[VB_DIGEST_SIZE];

	vb_digest(vb_buf_data(digests), vb_buf_size(digests), digest);
	return vb_str_format(VB_VERSION "-%.12s", digest + strlen("sha256:"));
}

/* Whether the directory holds the very programs of the list, so that what runs of it may stay. */
static bool is_complete(const char *directory, const struct vb_buf *digests)
{
	vb_auto_buf struct vb_buf *found = vb_buf_create(4096);
	int r = found != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < VB_ARRAY_SIZE(programs); i++) {
		char digest[VB_DIGEST_SIZE];
		vb_auto_free char *path = vb_str_format("%s/%s", directory, programs[i].name);
		vb_auto_free char *data = NULL;
		size_t size = 0;
		r = path != NULL ? vb_file_read(path, PROGRAM_MAX, &data, &size, NULL) : -ENOMEM;
		if (r == -ENOENT && programs[i].is_optional) {
			r = 0;
			continue;
		}
		if (r < 0 || access(path, X_OK) < 0)
			return false;
		vb_digest(data, size, digest);
		r = vb_buf_printf(found, "%s %s\n", programs[i].name, digest);
	}
	return r == 0 && vb_buf_size(found) == vb_buf_size(digests) &&
	       memcmp(vb_buf_data(found), vb_buf_data(digests), vb_buf_size(found)) == 0;
}

/* What had the name before, and was not complete, goes. */
static int take_name(const char *staged, const char *final)
{
	struct stat st;
	bool is_there = lstat(final, &st) == 0;

	if (is_there ? renameat2(AT_FDCWD, staged, AT_FDCWD, final, RENAME_EXCHANGE) < 0
		     : rename(staged, final) < 0)
		return -errno;
	return vb_file_sync_directory(VERSIONS);
}

int vb_node_stage_version(const struct vb_node_host *host, char **ret_version, struct vb_error *err)
{
	char staged[] = VERSIONS "/.new-XXXXXX";
	vb_auto_buf struct vb_buf *digests = vb_buf_create(4096);

	if (digests == NULL)
		return vb_error_set(err, ENOMEM, "install the programs");
	int r = vb_file_make_directories(VERSIONS, err);
	if (r < 0)
		return r;
	if (mkdtemp(staged) == NULL || chmod(staged, 0755) < 0)
		return vb_error_set(err, errno, "make directory '%s'", staged);
	for (size_t i = 0; r == 0 && i < VB_ARRAY_SIZE(programs); i++)
		r = copy_program(host, &programs[i], staged, digests, err);
	vb_auto_free char *version = r == 0 ? name_version(digests) : NULL;
	vb_auto_free char *final = version != NULL ? vb_str_format(VERSIONS "/%s", version) : NULL;
	if (r == 0 && final == NULL)
		r = vb_error_set(err, ENOMEM, "install the programs");
	if (r == 0 && !is_complete(final, digests)) {
		r = take_name(staged, final);
		if (r < 0)
			r = vb_error_set(err, -r, "name '%s'", final);
	}
	(void)vb_node_remove_tree(staged);
	if (r < 0)
		return r;
	*ret_version = VB_STEAL(version);
	return 0;
}

/* Runs the program of a version, called by a name, to its end. Errnos of vb_program_run(). */
static int try_program(const char *version, const char *program, const char *name)
{
	const char *const argv[] = {name, "--version", NULL};
	vb_auto_free char *path = vb_str_format(VERSIONS "/%s/%s", version, program);
	vb_auto_buf struct vb_buf *output = vb_buf_create(TRY_OUTPUT_MAX);

	if (path == NULL || output == NULL)
		return -ENOMEM;
	return vb_program_run_as(path, argv, TRY_TIMEOUT_MS, output);
}

/* What has just been copied there, executable. */
static int fail_noexec(struct vb_error *err)
{
	(void)vb_error_set(err, EACCES, "run a program of '" VERSIONS "'");
	return vb_error_fix(err, "the file system of /opt must allow it: mount it without noexec");
}

int vb_node_check_daemon(const char *version, struct vb_error *err)
{
	int r = try_program(version, "vambrace-nri", "vambrace-nri");

	if (r == 0)
		return 0;
	if (r == -EACCES)
		return fail_noexec(err);
	if (r == -ETIMEDOUT)
		return vb_error_say(err, ETIMEDOUT,
			"the vambrace-nri to install does not say its version within %d s",
			TRY_TIMEOUT_MS / 1000);
	(void)vb_error_say(err, ENOEXEC, "there is no vambrace-nri to install that runs");
	return vb_error_fix(err, "name the directory of the programs: --from DIR");
}

int vb_node_check_hook(
	const char *version, const struct vb_node_handler *handler, struct vb_error *err)
{
	int r = try_program(version, "vambrace-oci", handler->name);

	if (r == 0)
		return 0;
	if (r == -EACCES)
		return fail_noexec(err);
	if (r == -ETIMEDOUT)
		r = vb_error_say(err, ETIMEDOUT,
			"the hook, called as '%s', waits for its runtime for more than %d s",
			handler->name, TRY_TIMEOUT_MS / 1000);
	else
		r = vb_error_say(err, ENOEXEC,
			"the hook, called as '%s', does not come to its runtime", handler->name);
	return handler->runtime == NULL
		       ? r
		       : vb_error_fix(err, "see what `%s --version` does on this host",
				 handler->runtime);
}

/* A link that is right already is left alone; another one, or a file, is replaced in one step. */
static int put_link(const char *target, const char *path, struct vb_error *err)
{
	vb_auto_free char *temporary = vb_str_format("%s.new", path);
	vb_auto_free char *directory = vb_path_parent(path);
	char has[PATH_MAX];

	if (temporary == NULL || directory == NULL)
		return vb_error_set(err, ENOMEM, "link '%s'", path);
	ssize_t length = readlink(path, has, sizeof(has) - 1);
	if (length >= 0 && (size_t)length == strlen(target) &&
		memcmp(has, target, (size_t)length) == 0)
		return 0;
	int r = vb_file_make_directories(directory, err);
	if (r < 0)
		return r;
	(void)unlink(temporary);
	if (symlink(target, temporary) < 0 || rename(temporary, path) < 0)
		return vb_error_set(err, errno, "link '%s'", path);
	r = vb_file_sync_directory(directory);
	return r < 0 ? vb_error_set(err, -r, "sync '%s'", directory) : 0;
}

int vb_node_switch_version(
	const char *version, const struct vb_node_handlers *handlers, struct vb_error *err)
{
	vb_auto_free char *target = vb_str_format("versions/%s", version);

	if (target == NULL)
		return vb_error_set(err, ENOMEM, "switch the version");
	int r = put_link(target, CURRENT, err);
	for (size_t i = 0; r == 0 && i < VB_ARRAY_SIZE(programs); i++) {
		vb_auto_free char *to = vb_str_format("../current/%s", programs[i].name);
		vb_auto_free char *file = vb_str_format(CURRENT "/%s", programs[i].name);
		if (to == NULL || file == NULL)
			return vb_error_set(err, ENOMEM, "switch the version");
		if (access(file, F_OK) == 0)
			r = put_link(to, programs[i].link, err);
	}
	for (size_t i = 0; r == 0 && i < handlers->count; i++) {
		vb_auto_free char *path =
			vb_str_format(VB_NODE_PREFIX "/bin/%s", handlers->items[i].name);
		r = path != NULL ? put_link("vambrace-oci", path, err)
				 : vb_error_set(err, ENOMEM, "link the handlers");
	}
	return r;
}

void vb_node_drop_links(
	const struct vb_node_handlers *handlers, const struct vb_node_handlers *kept)
{
	for (size_t i = 0; i < handlers->count; i++) {
		const char *name = handlers->items[i].name;
		vb_auto_free char *path = vb_str_format(VB_NODE_PREFIX "/bin/%s", name);
		if (path != NULL && vb_node_handlers_find(kept, name) == NULL)
			(void)unlink(path);
	}
}

void vb_node_prune_versions(const char *kept, const char *also_kept)
{
	DIR *versions = opendir(VERSIONS);

	if (versions == NULL)
		return;
	for (const struct dirent *entry = readdir(versions); entry != NULL;
		entry = readdir(versions)) {
		vb_auto_free char *path = vb_str_format(VERSIONS "/%s", entry->d_name);
		if (path == NULL || strcmp(entry->d_name, ".") == 0 ||
			strcmp(entry->d_name, "..") == 0 || vb_str_equal(entry->d_name, kept) ||
			vb_str_equal(entry->d_name, also_kept))
			continue;
		(void)vb_node_remove_tree(path);
	}
	(void)closedir(versions);
}

int vb_node_put_file(const char *path, const char *text, struct vb_error *err)
{
	vb_auto_free char *directory = vb_path_parent(path);
	vb_auto_free char *has = NULL;
	size_t size = 0;
	struct stat st;

	if (directory == NULL)
		return vb_error_set(err, ENOMEM, "write '%s'", path);
	if (vb_file_read(path, strlen(text), &has, &size, NULL) == 0 && strcmp(has, text) == 0 &&
		lstat(path, &st) == 0 && st.st_uid == 0 && (st.st_mode & 07777) == OUR_MODE)
		return 0;
	int r = vb_file_make_directories(directory, err);
	return r < 0 ? r : vb_file_replace(path, text, strlen(text), OUR_MODE, err);
}

int vb_node_write_oci(const struct vb_node_handlers *handlers, struct vb_error *err)
{
	vb_auto_json json_t *settings = json_object();
	json_t *all = json_object();

	(void)json_object_set_new(settings, "handlers", all);
	for (size_t i = 0; i < handlers->count; i++)
		if (json_object_set_new(all, handlers->items[i].name,
			    json_pack("{s:s}", "runtime", handlers->items[i].runtime)) < 0)
			return vb_error_set(err, ENOMEM, "write '%s'", VB_NODE_OCI);
	vb_auto_free char *text = vb_json_dump(settings, JSON_INDENT(2) | JSON_SORT_KEYS);
	if (text == NULL)
		return vb_error_set(err, ENOMEM, "write '%s'", VB_NODE_OCI);
	return vb_node_put_file(VB_NODE_OCI, text, err);
}

/* By the last part an uninstallation that was interrupted knows that there is something to do. */
int vb_node_remove_all(struct vb_error *err)
{
	static const char *const parts[] = {VB_NODE_PREFIX "/sbin", VB_NODE_PREFIX "/lib",
		VB_NODE_PREFIX "/bin", CURRENT, CURRENT ".new", VERSIONS, VB_NODE_PREFIX "/etc"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(parts); i++) {
		int r = vb_node_remove_tree(parts[i]);
		/* Trouble it is, whatever the errno: EBUSY would be a no. */
		if (r < 0)
			return vb_error_say(
				err, EIO, "remove '%s': %s", parts[i], strerrordesc_np(-r));
	}
	if (rmdir(VB_NODE_PREFIX) == 0 || errno == ENOENT)
		return 0;
	int r = vb_error_set(err, errno, "remove '%s'", VB_NODE_PREFIX);
	return r == -ENOTEMPTY ? vb_error_fix(err, "what is left there was not installed: look at "
						   "it, and remove it")
			       : r;
}

/* Whoever may write in one of them says which programs containerd runs as root. */
int vb_node_check_directories(struct vb_error *err)
{
	static const char *const paths[] = {"/opt", VB_NODE_PREFIX, VB_NODE_PREFIX "/bin",
		VB_NODE_PREFIX "/etc", VB_NODE_PREFIX "/lib", VB_NODE_PREFIX "/sbin", VERSIONS};

	for (size_t i = 0; i < VB_ARRAY_SIZE(paths); i++) {
		vb_auto_close int fd = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct stat st;
		bool is_roots = false;
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0 || fstat(fd, &st) < 0)
			return vb_error_set(err, errno, "look at '%s'", paths[i]);
		int r = vb_file_is_roots(fd, &st, &is_roots);
		if (r < 0)
			return vb_error_set(err, -r, "look at '%s'", paths[i]);
		if (is_roots)
			continue;
		(void)vb_error_say(err, EPERM,
			"users other than root can write to '%s', where programs that run as root "
			"are put",
			paths[i]);
		return vb_error_fix(err, "chown root '%s' && chmod go-w '%s'", paths[i], paths[i]);
	}
	return 0;
}
