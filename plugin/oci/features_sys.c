/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hook.h"
#include "vb/adjust/json.h"
#include "vb/adjust/state.h"
#include "vb/base/buf.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

#define FEATURES_DIR VB_STATE_DIR "/features"

enum {
	ANSWER_TIMEOUT_MS = 2000,
	/* A wrapper stays the same file when the runtime behind it is exchanged. */
	CACHE_SECONDS = 600,
	CACHE_FILE_MAX = 4096,
	READ_SIZE = 16 << 10,
};

extern char **environ;

/* The cache file's path: the program and everything that changes when it does. */
static char *cache_path(const char *runtime)
{
	char digest[VB_DIGEST_SIZE];
	struct stat st;

	if (stat(runtime, &st) < 0)
		return NULL;
	vb_auto_free char *identity = vb_str_format("%s %llu %llu %lld %lld.%ld %lld.%ld", runtime,
		(unsigned long long)st.st_dev, (unsigned long long)st.st_ino, (long long)st.st_size,
		(long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec,
		st.st_ctim.tv_nsec);
	if (identity == NULL)
		return NULL;
	vb_digest(identity, strlen(identity), digest);
	return vb_str_format(FEATURES_DIR "/%s.json", vb_str_after(digest, "sha256:"));
}

static int load(const char *path, struct vb_oci_features *ret_features)
{
	vb_auto_free char *text = NULL;
	vb_auto_json json_t *object = NULL;
	int known = 0;
	int allows = 0;
	int flags = 0;
	struct stat st;
	size_t size = 0;
	time_t now = time(NULL);

	if (stat(path, &st) < 0 || st.st_mtim.tv_sec > now ||
		now - st.st_mtim.tv_sec >= CACHE_SECONDS)
		return -ENOENT;
	int r = vb_file_read(path, CACHE_FILE_MAX, &text, &size, NULL);
	if (r < 0)
		return r;
	object = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	if (json_unpack(object, "{s:b,s:i,s:b!}", "allows_by_default", &allows, "flags", &flags,
		    "is_known", &known) < 0)
		return -EINVAL;
	*ret_features = (struct vb_oci_features){.is_known = known != 0,
		.allows_by_default = allows != 0,
		.flags = (unsigned int)flags};
	return 0;
}

/* The cache only saves time, so nothing depends on its being written. */
static void store(const char *path, const struct vb_oci_features *features)
{
	vb_auto_free char *text =
		vb_str_format("{\"allows_by_default\":%s,\"flags\":%u,\"is_known\":%s}",
			features->allows_by_default ? "true" : "false", features->flags,
			features->is_known ? "true" : "false");

	if (text == NULL || (mkdir(VB_STATE_DIR, 0700) < 0 && errno != EEXIST) ||
		(mkdir(FEATURES_DIR, 0700) < 0 && errno != EEXIST))
		return;
	int ignored = vb_file_replace(path, text, strlen(text), 0600, NULL);
	(void)ignored;
}

static int start(const char *runtime, int output, pid_t *ret_pid)
{
	char program[] = "features";
	/* posix_spawn() takes its arguments non-const and leaves them alone. */
	char *argv[] = {(char *)(uintptr_t)runtime, program, NULL};
	posix_spawn_file_actions_t actions;

	int error = posix_spawn_file_actions_init(&actions);
	if (error != 0)
		return -error;
	error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_addopen(
			&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (error == 0)
		error = posix_spawn(ret_pid, runtime, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -error;
}

static long long now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Reads to the end, within the time and the size that an answer may have. */
static int collect(int input, struct vb_buf *answer)
{
	long long deadline = now_ms() + ANSWER_TIMEOUT_MS;

	for (;;) {
		struct pollfd waiting = {.fd = input, .events = POLLIN};
		uint8_t *space = NULL;
		long long left = deadline - now_ms();
		if (left <= 0 || poll(&waiting, 1, (int)left) <= 0)
			return -ETIMEDOUT;
		int r = vb_buf_reserve(answer, READ_SIZE, &space);
		if (r < 0)
			return r;
		ssize_t n = read(input, space, READ_SIZE);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0)
			vb_buf_commit(answer, (size_t)n);
	}
}

static int ask(const char *runtime, struct vb_buf *answer)
{
	int ends[2];
	pid_t pid = -1;
	int status = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	vb_auto_close int input = ends[0];
	vb_auto_close int output = ends[1];
	int r = start(runtime, output, &pid);
	if (r < 0)
		return r;
	(void)close(vb_steal_fd(&output));
	r = collect(input, answer);
	if (r < 0)
		(void)kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return r == 0 && status != 0 ? -EIO : r;
}

void vb_hook_features(const char *runtime, struct vb_oci_features *ret_features)
{
	vb_auto_free char *path = cache_path(runtime);
	vb_auto_buf struct vb_buf *answer = vb_buf_create(VB_OCI_FEATURES_MAX + READ_SIZE);
	struct vb_oci_features features = {0};

	*ret_features = features;
	if (path == NULL || answer == NULL || load(path, ret_features) == 0)
		return;
	int r = ask(runtime, answer);
	if (r == 0 && vb_oci_features_parse((const char *)vb_buf_data(answer), vb_buf_size(answer),
			      &features, NULL) < 0)
		features = (struct vb_oci_features){0};
	/* A busy node says nothing about the runtime; the next container asks again. */
	if (r != -ETIMEDOUT)
		store(path, &features);
	*ret_features = features;
}
