/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hook.h"
#include "vb/adjust/json.h"
#include "vb/adjust/state.h"
#include "vb/base/buf.h"
#include "vb/base/file.h"
#include "vb/base/program.h"
#include "vb/base/str.h"

#define FEATURES_DIR VB_STATE_DIR "/features"

enum {
	ANSWER_TIMEOUT_MS = 2000,
	/* A wrapper stays the same file when the runtime behind it is exchanged. */
	CACHE_SECONDS = 600,
	CACHE_FILE_MAX = 4096,
	READ_SIZE = 16 << 10,
};

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

void vb_hook_features(const char *runtime, struct vb_oci_features *ret_features)
{
	const char *const argv[] = {runtime, "features", NULL};
	vb_auto_free char *path = cache_path(runtime);
	vb_auto_buf struct vb_buf *answer = vb_buf_create(VB_OCI_FEATURES_MAX + READ_SIZE);
	struct vb_oci_features features = {0};

	*ret_features = features;
	if (path == NULL || answer == NULL || load(path, ret_features) == 0)
		return;
	int r = vb_program_run(argv, ANSWER_TIMEOUT_MS, answer);
	if (r == 0 && vb_oci_features_parse((const char *)vb_buf_data(answer), vb_buf_size(answer),
			      &features, NULL) < 0)
		features = (struct vb_oci_features){0};
	/* A node that is busy, or out of something, says nothing about the runtime; the next
	 * container asks again. */
	if (r == 0 || r == -EIO || r == -ENOSPC)
		store(path, &features);
	*ret_features = features;
}
