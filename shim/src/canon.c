/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/canon.h"

#include <stdbool.h>
#include <string.h>

#include "raw.h"

/* As many as the kernel follows (path_resolution(7)). */
enum { SYMLINKS_MAX = 40, FD_DIGITS = 10 };

/* thread-self, not self: a thread may have a descriptor table of its own (CLONE_FILES). */
static const char fd_links[] = "/proc/thread-self/fd/";

/*
 * readlinkat into a NUL-terminated buffer of VB_SHIM_PATH_MAX. Returns the length or -errno; a
 * target that fills the buffer may have been cut and is -ENAMETOOLONG.
 */
static long read_link(const char *path, char *out)
{
	long length = VB_RAW_4(__NR_readlinkat, AT_FDCWD, path, out, VB_SHIM_PATH_MAX);

	if (length == VB_SHIM_PATH_MAX)
		return -ENAMETOOLONG;
	if (length >= 0)
		out[length] = '\0';
	return length;
}

static int fd_to_path(int fd, char *out)
{
	char link[sizeof(fd_links) + FD_DIGITS] = {0};
	char *at = link + sizeof(fd_links) - 1;
	char digits[FD_DIGITS];
	unsigned int rest = (unsigned int)fd;
	int count = 0;

	if (fd < 0)
		return -ENOTRECOVERABLE;
	memcpy(link, fd_links, sizeof(fd_links) - 1);
	do {
		digits[count++] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	while (count > 0)
		*at++ = digits[--count];
	/* "pipe:[7]" and "(unreachable)/x" are no paths. */
	return read_link(link, out) > 0 && out[0] == '/' ? 0 : -ENOTRECOVERABLE;
}

/* The working directory; "/" becomes the empty string, to which components are added. */
static int start_of_walk(const char *path, char *out)
{
	long length;

	out[0] = '\0';
	if (path[0] == '/')
		return 0;
	length = VB_RAW_2(__NR_getcwd, out, VB_SHIM_PATH_MAX);
	if (length < 0)
		return (int)length;
	if (out[0] != '/')
		return -ENOTRECOVERABLE;
	if (out[1] == '\0')
		out[0] = '\0';
	return 0;
}

/* Takes the first component off *rest; its length, 0 at the end. */
static size_t take_component(const char **rest, const char **ret_component)
{
	const char *at = *rest;
	size_t length = 0;

	while (*at == '/')
		at++;
	while (at[length] != '\0' && at[length] != '/')
		length++;
	*ret_component = at;
	*rest = at + length;
	return length;
}

/* "x/" must be a directory: the kernel says so when asked for something inside it. */
static int check_directory(char *out)
{
	size_t length = strlen(out);
	long result;

	if (length + 2 >= VB_SHIM_PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(out + length, "/.", 3);
	result = VB_RAW_3(__NR_faccessat, AT_FDCWD, out, 0);
	out[length] = '\0';
	return (int)result;
}

/* Puts link (of link_bytes) and what is left of the path into scratch->rest. */
static int splice(struct vb_shim_scratch *scratch, const char *left, size_t link_bytes)
{
	size_t left_bytes = strlen(left);

	if (link_bytes + left_bytes >= VB_SHIM_PATH_MAX)
		return -ENAMETOOLONG;
	/* left is a tail of scratch->rest itself. */
	memmove(scratch->rest + link_bytes, left, left_bytes + 1);
	memcpy(scratch->rest, scratch->link, link_bytes);
	return 0;
}

static void drop_component(char *out)
{
	size_t length = strlen(out);

	while (length > 0 && out[length - 1] != '/')
		length--;
	out[length > 0 ? length - 1 : 0] = '\0';
}

static int add_component(char *out, const char *component, size_t length)
{
	size_t used = strlen(out);

	if (used + length + 2 > VB_SHIM_PATH_MAX)
		return -ENAMETOOLONG;
	out[used] = '/';
	memcpy(out + used + 1, component, length);
	out[used + 1 + length] = '\0';
	return 0;
}

/*
 * Resolves one component onto scratch->canonical. *left is what follows it; after a symlink it is
 * the link's target with the rest behind.
 */
static int walk_component(
	struct vb_shim_scratch *scratch, const char *component, size_t length, const char **left)
{
	char *out = scratch->canonical;
	long target;
	int result;

	if (length == 1 && component[0] == '.')
		return check_directory(out);
	if (length == 2 && component[0] == '.' && component[1] == '.') {
		result = check_directory(out);
		drop_component(out);
		return result;
	}
	result = add_component(out, component, length);
	if (result < 0)
		return result;
	target = read_link(out, scratch->link);
	if (target == -EINVAL)
		return 0;
	if (target <= 0)
		return target < 0 ? (int)target : -ENOENT;
	result = splice(scratch, *left, (size_t)target);
	if (result < 0)
		return result;
	*left = scratch->rest;
	if (scratch->link[0] == '/')
		out[0] = '\0';
	else
		drop_component(out);
	return 1;
}

static int walk(struct vb_shim_scratch *scratch, const char *path)
{
	const char *left = scratch->rest;
	const char *component;
	int symlinks = 0;
	int result = start_of_walk(path, scratch->canonical);

	if (result < 0)
		return result;
	memcpy(scratch->rest, path, strlen(path) + 1);
	for (;;) {
		bool slashed = *left == '/';
		size_t length = take_component(&left, &component);

		if (length == 0) {
			result = slashed ? check_directory(scratch->canonical) : 0;
			break;
		}
		result = walk_component(scratch, component, length, &left);
		symlinks += result > 0;
		if (symlinks > SYMLINKS_MAX)
			result = -ELOOP;
		if (result < 0)
			break;
	}
	if (result == 0 && scratch->canonical[0] == '\0')
		memcpy(scratch->canonical, "/", 2);
	return result;
}

static int open_path(int dirfd, const char *path)
{
	return (int)VB_RAW_4(__NR_openat, dirfd, path, O_PATH | O_CLOEXEC, 0);
}

int vb_shim_canon(struct vb_shim_scratch *scratch, int dirfd, const char *path)
{
	bool from_cwd = path[0] == '/' || dirfd == AT_FDCWD;
	int result = -ENOTRECOVERABLE;
	int fd;

	if (path[0] == '\0')
		return fd_to_path(dirfd, scratch->canonical);
	fd = open_path(dirfd, path);
	if (fd >= 0) {
		result = fd_to_path(fd, scratch->canonical);
		VB_RAW_1(__NR_close, fd);
	} else if (fd == -EBADF) {
		return -ENOTRECOVERABLE;
	} else if (fd != -EMFILE && fd != -ENFILE && fd != -ENOMEM) {
		return fd;
	}
	return result < 0 && from_cwd ? walk(scratch, path) : result;
}
