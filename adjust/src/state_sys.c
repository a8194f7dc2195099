/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/state.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "vb/base/file.h"

enum {
	ID_MAX = 128,
	/* The state directory, the longest kind, an id and ".json". */
	STATE_PATH_MAX = 256,
};

static const char *const directories[VB_STATE_KINDS] = {
	[VB_STATE_PLAN] = VB_STATE_DIR "/plans",
	[VB_STATE_RECEIPT] = VB_STATE_DIR "/receipts",
	[VB_STATE_OUTCOME] = VB_STATE_DIR "/outcomes",
	[VB_STATE_PASSED] = VB_STATE_DIR "/passed",
};

const char *vb_state_directory(enum vb_state_kind kind)
{
	return directories[kind];
}

bool vb_container_id_is_valid(const char *id)
{
	size_t length = strnlen(id, ID_MAX + 1);

	if (length == 0 || length > ID_MAX || id[0] == '.')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)id[i]) && strchr("._-", id[i]) == NULL)
			return false;
	return true;
}

static int make_path(
	enum vb_state_kind kind, const char *id, char path[STATE_PATH_MAX], struct vb_error *err)
{
	if (!vb_container_id_is_valid(id))
		return vb_error_say(err, EINVAL, "'%.128s' is not a container id", id);
	(void)snprintf(path, STATE_PATH_MAX, "%s/%s.json", directories[kind], id);
	return 0;
}

static int make_directory(const char *path, struct vb_error *err)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return vb_error_set(err, errno, "make directory '%s'", path);
	return 0;
}

/* The pod's event is all that many get to see of it. */
static int replace(const char *path, const char *text, struct vb_error *err)
{
	int r = vb_file_replace(path, text, strlen(text), 0600, err);

	if (r == -ENOSPC)
		(void)vb_error_fix(err, "make room in " VB_STATE_DIR " on the node");
	return r;
}

int vb_state_write(enum vb_state_kind kind, const char *id, const char *text, struct vb_error *err)
{
	char path[STATE_PATH_MAX];
	struct vb_error first = {0};

	int r = make_path(kind, id, path, err);
	if (r < 0)
		return r;
	/* The directories are there nearly always, so they are made only when they are missed. */
	r = replace(path, text, &first);
	if (r != -ENOENT) {
		if (r < 0 && err != NULL)
			*err = first;
		return r;
	}
	r = make_directory(VB_STATE_DIR, err);
	if (r == 0)
		r = make_directory(directories[kind], err);
	if (r < 0)
		return r;
	return replace(path, text, err);
}

int vb_state_read(enum vb_state_kind kind, const char *id, char **ret_text, size_t *ret_size,
	struct vb_error *err)
{
	char path[STATE_PATH_MAX];

	int r = make_path(kind, id, path, err);
	if (r < 0)
		return r;
	return vb_file_read(path, VB_STATE_FILE_MAX, ret_text, ret_size, err);
}

int vb_state_remove(enum vb_state_kind kind, const char *id, struct vb_error *err)
{
	char path[STATE_PATH_MAX];

	int r = make_path(kind, id, path, err);
	if (r < 0)
		return r;
	if (unlink(path) < 0 && errno != ENOENT)
		return vb_error_set(err, errno, "remove '%s'", path);
	return 0;
}
