/* SPDX-License-Identifier: Apache-2.0 */
/* What the read-only root file system and the tmpfs mounts are there for. */
#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"

enum {
	COPY_MAX = 1 << 24,
	FILL_BYTES = 5 << 20,
	CHUNK_BYTES = 1 << 16,
};

static int try_write(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) < 0 ? errno : 0;
}

static int try_chmod(const char *path)
{
	return chmod(path, 0700) < 0 ? errno : 0;
}

static int try_chown(const char *path)
{
	return chown(path, 1, 1) < 0 ? errno : 0;
}

/* Writes 5 MiB. */
static int try_fill(const char *path)
{
	static const char chunk[CHUNK_BYTES];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r = fd < 0 ? errno : 0;

	for (int written = 0; r == 0 && written < FILL_BYTES; written += CHUNK_BYTES)
		if (write(fd, chunk, sizeof(chunk)) < 0)
			r = errno;
	if (fd >= 0)
		unlink(path);
	return r;
}

int attack_copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return errno;
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	if (out < 0)
		return errno;
	int r = sendfile(out, in, NULL, COPY_MAX) < 0 ? errno : 0;
	close(out);
	close(in);
	return r;
}

const struct attempt attack_files[] = {
	{"write", try_write},
	{"chmod", try_chmod},
	{"chown", try_chown},
	{"fill", try_fill},
	{NULL, NULL},
};
