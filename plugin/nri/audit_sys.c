/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "audit_frame.h"
#include "clock.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

enum {
	FILE_MODE = 0640,
	DIRECTORY_MODE = 0750,
	/* No note of our own about the log is longer. */
	NOTE_MAX = 128,
};

struct vb_audit_file {
	char *path; /* NULL: not configured */
	char *directory;
	char *old_path;
	uint64_t max_bytes;
	int fd; /* -1: not open */
	dev_t device;
	ino_t inode;
	bool tail_is_suspect; /* the file may not end in a newline */
	uint64_t unannounced; /* of the lost ones */
	struct vb_audit_counters counters;
};

struct vb_audit_file *vb_audit_file_create(void)
{
	struct vb_audit_file *file = calloc(1, sizeof(*file));

	if (file != NULL)
		file->fd = -1;
	return file;
}

void vb_audit_file_reopen(struct vb_audit_file *file)
{
	if (file->fd >= 0)
		(void)close(file->fd);
	file->fd = -1;
}

void vb_audit_file_destroy(struct vb_audit_file *file)
{
	if (file == NULL)
		return;
	vb_audit_file_reopen(file);
	free(file->path);
	free(file->directory);
	free(file->old_path);
	free(file);
}

int vb_audit_file_configure(struct vb_audit_file *file, const char *path, uint64_t max_bytes)
{
	vb_auto_free char *copy = strdup(path);
	vb_auto_free char *directory = vb_path_parent(path);
	vb_auto_free char *old_path = vb_str_format("%s.old", path);

	if (copy == NULL || directory == NULL || old_path == NULL)
		return -ENOMEM;
	file->max_bytes = max_bytes;
	if (vb_str_equal(file->path, path))
		return 0;
	vb_audit_file_reopen(file);
	free(file->path);
	free(file->directory);
	free(file->old_path);
	file->path = VB_STEAL(copy);
	file->directory = VB_STEAL(directory);
	file->old_path = VB_STEAL(old_path);
	return 0;
}

/* The parents get the usual mode; what is in the log is not for everyone on the node. */
static int make_directory(const struct vb_audit_file *file, struct vb_error *err)
{
	vb_auto_free char *parent = vb_path_parent(file->directory);

	if (parent == NULL)
		return vb_error_set(err, ENOMEM, "make directory '%s'", file->directory);
	int r = vb_file_make_directories(parent, err);
	if (r < 0)
		return r;
	if (mkdir(file->directory, DIRECTORY_MODE) < 0 && errno != EEXIST)
		return vb_error_set(err, errno, "make directory '%s'", file->directory);
	return 0;
}

/* Reading is for the look at the last byte. A FIFO must not hold us up, hence O_NONBLOCK. */
static int open_path(const struct vb_audit_file *file, int flags)
{
	return open(file->path,
		O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | flags,
		FILE_MODE);
}

/* A new file's name is on the disk as soon as the file may hold a frame that was waited for. */
static int create_file(const struct vb_audit_file *file, int *ret_fd, struct vb_error *err)
{
	int r = 0;

	vb_auto_close int fd = open_path(file, O_CREAT);
	if (fd < 0 && errno == ENOENT) {
		r = make_directory(file, err);
		if (r < 0)
			return r;
		fd = open_path(file, O_CREAT);
	}
	if (fd < 0)
		return vb_error_set(err, errno, "create '%s'", file->path);
	r = vb_file_sync_directory(file->directory);
	if (r < 0)
		return vb_error_set(err, -r, "sync '%s'", file->directory);
	*ret_fd = vb_steal_fd(&fd);
	return 0;
}

static int open_file(struct vb_audit_file *file, struct vb_error *err)
{
	struct stat st;
	int r = 0;

	if (file->path == NULL)
		return vb_error_say(err, EINVAL, "the audit log has no path");
	vb_auto_close int fd = open_path(file, 0);
	if (fd < 0 && errno == ENOENT)
		r = create_file(file, &fd, err);
	else if (fd < 0)
		r = vb_error_set(err, errno, "open '%s'", file->path);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return vb_error_set(err, errno, "look at '%s'", file->path);
	if (!S_ISREG(st.st_mode))
		return vb_error_say(err, EINVAL, "'%s' is no regular file", file->path);
	file->device = st.st_dev;
	file->inode = st.st_ino;
	file->fd = vb_steal_fd(&fd);
	file->tail_is_suspect = true;
	return 0;
}

/* Whether the path still leads to the open file. */
static bool is_current(const struct vb_audit_file *file)
{
	struct stat st;

	return lstat(file->path, &st) == 0 && st.st_dev == file->device && st.st_ino == file->inode;
}

static int write_once(
	struct vb_audit_file *file, const char *text, size_t size, struct vb_error *err)
{
	ssize_t n = -1;

	do
		n = write(file->fd, text, size);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)size) {
		file->counters.bytes += size;
		return 0;
	}
	/* A part of it is there when the disk became full. */
	file->tail_is_suspect = true;
	return vb_error_set(err, n < 0 ? errno : ENOSPC, "write to '%s'", file->path);
}

/* A frame of our own about the log itself; prefix is written in front, by the same write. */
static int write_note(struct vb_audit_file *file, const char *prefix, const char *event,
	uint64_t number, struct vb_error *err)
{
	char text[NOTE_MAX];
	struct vb_audit_frame frame;
	const struct timespec now = vb_clock_now();

	vb_audit_begin(&frame, event, &now);
	vb_audit_number(&frame, "count", number);
	vb_audit_end(&frame);
	int n = snprintf(text, sizeof(text), "%s%.*s", prefix, (int)frame.used, frame.text);
	int r = write_once(file, text, (size_t)n, err);
	if (r == 0)
		file->counters.frames++;
	return r;
}

/* How many bytes stand behind the last newline of the file; those far from the end count too. */
static int measure_fragment(const struct vb_audit_file *file, uint64_t *ret_bytes)
{
	char data[4096];
	struct stat st;

	if (fstat(file->fd, &st) < 0)
		return -errno;
	for (off_t end = st.st_size; end > 0;) {
		off_t start = end > (off_t)sizeof(data) ? end - (off_t)sizeof(data) : 0;
		ssize_t n = pread(file->fd, data, (size_t)(end - start), start);
		if (n != (ssize_t)(end - start))
			return n < 0 ? -errno : -EIO;
		const char *newline = memrchr(data, '\n', (size_t)n);
		if (newline != NULL) {
			*ret_bytes = (uint64_t)(st.st_size - start - (newline - data) - 1);
			return 0;
		}
		end = start;
	}
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

static int mend_tail(struct vb_audit_file *file, struct vb_error *err)
{
	uint64_t fragment = 0;

	if (!file->tail_is_suspect)
		return 0;
	int r = measure_fragment(file, &fragment);
	if (r < 0)
		return vb_error_set(err, -r, "read '%s'", file->path);
	if (fragment > 0) {
		r = write_note(file, "\n", "audit-repaired", fragment, err);
		if (r < 0)
			return r;
		file->counters.repairs++;
	}
	file->tail_is_suspect = false;
	return 0;
}

/* At the cap the file is put away, with a note as the new one's first frame. */
static int keep_below_cap(struct vb_audit_file *file, size_t more, struct vb_error *err)
{
	struct stat st;

	if (fstat(file->fd, &st) < 0)
		return vb_error_set(err, errno, "look at '%s'", file->path);
	if (st.st_size == 0 || (uint64_t)st.st_size + more <= file->max_bytes)
		return 0;
	if (rename(file->path, file->old_path) < 0)
		return vb_error_set(err, errno, "put '%s' away", file->path);
	file->counters.rotations++;
	vb_audit_file_reopen(file);
	int r = open_file(file, err);
	if (r == 0)
		r = write_note(file, "", "audit-rotated", (uint64_t)st.st_size, err);
	return r;
}

static int announce_lost(struct vb_audit_file *file, struct vb_error *err)
{
	if (file->unannounced == 0)
		return 0;
	int r = write_note(file, "", "audit-lost", file->unannounced, err);
	if (r == 0)
		file->unannounced = 0;
	return r;
}

static int append(struct vb_audit_file *file, const char *line, size_t size, struct vb_error *err)
{
	if (file->fd >= 0 && !is_current(file))
		vb_audit_file_reopen(file);
	int r = file->fd >= 0 ? 0 : open_file(file, err);
	if (r == 0)
		r = mend_tail(file, err);
	if (r == 0)
		r = keep_below_cap(file, size + (file->unannounced > 0 ? NOTE_MAX : 0), err);
	if (r == 0)
		r = announce_lost(file, err);
	if (r == 0)
		r = write_once(file, line, size, err);
	if (r == 0)
		file->counters.frames++;
	return r;
}

int vb_audit_file_append(struct vb_audit_file *file, const char *line, size_t size,
	enum vb_audit_durability durability, struct vb_error *err)
{
	int r = append(file, line, size, err);

	if (r < 0)
		vb_audit_file_count_lost(file, 1);
	if (r < 0 || durability == VB_AUDIT_WRITTEN)
		return r;
	file->counters.syncs++;
	if (fsync(file->fd) < 0)
		return vb_error_set(err, errno, "sync '%s'", file->path);
	return 0;
}

void vb_audit_file_count_lost(struct vb_audit_file *file, uint64_t frames)
{
	file->counters.lost += frames;
	file->unannounced += frames;
}

const struct vb_audit_counters *vb_audit_file_counters(const struct vb_audit_file *file)
{
	return &file->counters;
}
