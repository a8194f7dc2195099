/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "vb/base/str.h"

static int read_all(int fd, char *data, size_t size, size_t *ret_read)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, data + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_read = done;
	return 0;
}

int vb_file_read_fd(int fd, const char *name, size_t max_bytes, char **ret_data, size_t *ret_size,
	struct vb_error *err)
{
	struct stat st;
	size_t size;

	if (fstat(fd, &st) < 0)
		return vb_error_set(err, errno, "stat '%s'", name);
	if (!S_ISREG(st.st_mode))
		return vb_error_say(err, EINVAL, "'%s' is not a regular file", name);
	if ((unsigned long long)st.st_size > max_bytes)
		return vb_error_say(err, EFBIG, "'%s' has %lld bytes, at most %zu are read", name,
			(long long)st.st_size, max_bytes);
	vb_auto_free char *data = malloc((size_t)st.st_size + 1);
	if (data == NULL)
		return vb_error_set(err, ENOMEM, "read '%s'", name);
	int r = read_all(fd, data, (size_t)st.st_size, &size);
	if (r < 0)
		return vb_error_set(err, -r, "read '%s'", name);
	data[size] = '\0';
	*ret_data = VB_STEAL(data);
	*ret_size = size;
	return 0;
}

int vb_file_read(
	const char *path, size_t max_bytes, char **ret_data, size_t *ret_size, struct vb_error *err)
{
	/* O_NONBLOCK: a FIFO put in the file's place must not hold us. */
	vb_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return vb_error_set(err, errno, "open '%s'", path);
	return vb_file_read_fd(fd, path, max_bytes, ret_data, ret_size, err);
}

int vb_file_read_stream(
	int dirfd, const char *path, size_t max_bytes, char **ret_data, struct vb_error *err)
{
	vb_auto_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	vb_auto_free char *data = NULL;
	size_t size = 0;

	if (fd < 0)
		return vb_error_set(err, errno, "open '%s'", path);
	for (size_t room = 4096;; room *= 2) {
		size_t n = 0;
		char *grown = realloc(data, room + 1);
		if (grown == NULL)
			return vb_error_set(err, ENOMEM, "read '%s'", path);
		data = grown;
		int r = read_all(fd, data + size, room - size, &n);
		if (r < 0)
			return vb_error_set(err, -r, "read '%s'", path);
		size += n;
		if (size > max_bytes)
			return vb_error_set(err, EFBIG, "read '%s'", path);
		if (size < room)
			break;
	}
	data[size] = '\0';
	*ret_data = VB_STEAL(data);
	return 0;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int vb_file_sync_directory(const char *path)
{
	vb_auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* How a file is to be when it has its name. */
struct finish {
	mode_t mode;
	const struct stat *owner; /* NULL: whoever we are */
	enum vb_file_durability durability;
};

/* Mode and, unless it is what a new file has anyway, owner. */
static int dress(int fd, const struct finish *finish)
{
	const struct stat *owner = finish->owner;
	struct stat st;

	if (owner != NULL) {
		if (fstat(fd, &st) < 0)
			return -errno;
		if ((st.st_uid != owner->st_uid || st.st_gid != owner->st_gid) &&
			fchown(fd, owner->st_uid, owner->st_gid) < 0)
			return -errno;
	}
	/* After the owner: changing that may take bits away. */
	return fchmod(fd, finish->mode) < 0 ? -errno : 0;
}

static int fill_temporary(int fd, const void *data, size_t size, const struct finish *finish)
{
	int r = write_all(fd, data, size);

	if (r == 0)
		r = dress(fd, finish);
	if (r < 0)
		return r;
	return finish->durability == VB_FILE_DURABLE && fsync(fd) < 0 ? -errno : 0;
}

struct place {
	const char *path, *directory;
};

/*
 * Written without a name, so that nothing is left of it if we are killed meanwhile, and named only
 * for the rename. *ret_temporary is that name. Not every file system has such files, nor every
 * container the /proc that names them.
 */
static int write_unnamed(const struct place *place, const void *data, size_t size,
	const struct finish *finish, char **ret_temporary)
{
	vb_auto_close int fd = open(place->directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	uint32_t number = 0;

	if (fd < 0)
		return -errno;
	int r = fill_temporary(fd, data, size, finish);
	if (r < 0)
		return r;
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != (ssize_t)sizeof(number))
		return -EAGAIN;
	vb_auto_free char *temporary = vb_str_format("%s.%08x", place->path, number);
	vb_auto_free char *file = vb_str_format("/proc/self/fd/%d", fd);
	if (temporary == NULL || file == NULL)
		return -ENOMEM;
	if (linkat(AT_FDCWD, file, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	*ret_temporary = VB_STEAL(temporary);
	return 0;
}

static int write_named(const struct place *place, const void *data, size_t size,
	const struct finish *finish, char **ret_temporary, struct vb_error *err)
{
	vb_auto_free char *temporary = vb_str_format("%s.XXXXXX", place->path);

	if (temporary == NULL)
		return vb_error_set(err, ENOMEM, "write '%s'", place->path);
	vb_auto_close int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return vb_error_set(err, errno, "create a file in '%s'", place->directory);
	int r = fill_temporary(fd, data, size, finish);
	if (r < 0) {
		(void)unlink(temporary);
		return vb_error_set(err, -r, "write '%s'", place->path);
	}
	*ret_temporary = VB_STEAL(temporary);
	return 0;
}

static int replace(const char *path, const void *data, size_t size, const struct finish *finish,
	struct vb_error *err)
{
	bool is_durable = finish->durability == VB_FILE_DURABLE;
	vb_auto_free char *directory = vb_path_parent(path);
	vb_auto_free char *temporary = NULL;
	int r = -EOPNOTSUPP;

	if (directory == NULL)
		return vb_error_set(err, ENOMEM, "write '%s'", path);
	const struct place place = {path, directory};
	if (is_durable)
		r = write_unnamed(&place, data, size, finish, &temporary);
	if (r < 0)
		r = write_named(&place, data, size, finish, &temporary, err);
	if (temporary == NULL)
		return r;
	if (rename(temporary, path) < 0) {
		r = -errno;
		(void)unlink(temporary);
		return vb_error_set(err, -r, "write '%s'", path);
	}
	if (is_durable)
		r = vb_file_sync_directory(directory);
	return r < 0 ? vb_error_set(err, -r, "sync '%s'", directory) : 0;
}

int vb_file_replace(
	const char *path, const void *data, size_t size, mode_t mode, struct vb_error *err)
{
	const struct finish finish = {.mode = mode, .durability = VB_FILE_DURABLE};

	return replace(path, data, size, &finish, err);
}

int vb_file_rewrite(const char *path, const void *data, size_t size,
	enum vb_file_durability durability, struct vb_error *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return vb_error_set(err, errno, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return vb_error_say(err, EINVAL, "'%s' is not a regular file", path);
	const struct finish finish = {
		.mode = st.st_mode & 07777, .owner = &st, .durability = durability};
	return replace(path, data, size, &finish, err);
}

static int make_directory(const char *path, struct vb_error *err)
{
	struct stat st;

	if (mkdir(path, 0755) == 0)
		return 0;
	if (errno != EEXIST)
		return vb_error_set(err, errno, "make directory '%s'", path);
	/* Something is there already; it may be a file. */
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return vb_error_set(err, ENOTDIR, "make directory '%s'", path);
	return 0;
}

int vb_file_make_directories(const char *path, struct vb_error *err)
{
	vb_auto_free char *copy = strdup(path);
	char *end = copy;

	if (copy == NULL)
		return vb_error_set(err, ENOMEM, "make directory '%s'", path);
	do {
		end += strspn(end, "/");
		end += strcspn(end, "/");
		char separator = *end;
		*end = '\0';
		int r = make_directory(copy, err);
		if (r < 0)
			return r;
		*end = separator;
	} while (*end != '\0');
	return 0;
}

int vb_file_open_beneath(int dirfd, const char *path, int flags, int *ret_fd, struct vb_error *err)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC), .resolve = RESOLVE_BENEATH};
	long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	if (fd < 0)
		return vb_error_set(err, errno, "open '%s'", path);
	*ret_fd = (int)fd;
	return 0;
}
