/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/profile_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "profile_part.h"
#include "vb/adjust/codes.h"
#include "vb/base/file.h"

enum {
	ENTRIES_MAX = 64,
	KEPT_BYTES_MAX = 2 << 20,
	/* Files looked at for "did you mean". */
	NEIGHBOURS_MAX = 1024,
	/* Names that differ more are no slips of the pen. */
	SLIP_MAX = 4,
};

struct entry {
	char *path;
	struct vb_file_identity identity;
	struct vb_custom_profile *profile;
};

/* Entries are in the order of their last use. */
struct vb_profile_store {
	struct entry entries[ENTRIES_MAX];
	size_t count;
	struct vb_error warning; /* nothing when its errnum is 0 */
	bool any_owner;
};

struct vb_profile_store *vb_profile_store_create(void)
{
	return calloc(1, sizeof(struct vb_profile_store));
}

static void finish_entry(struct entry *entry)
{
	free(entry->path);
	vb_custom_profile_release(entry->profile);
}

void vb_profile_store_forget(struct vb_profile_store *store)
{
	for (size_t i = 0; i < store->count; i++)
		finish_entry(&store->entries[i]);
	store->count = 0;
}

void vb_profile_store_destroy(struct vb_profile_store *store)
{
	if (store == NULL)
		return;
	vb_profile_store_forget(store);
	free(store);
}

void vb_profile_store_accept_any_owner(struct vb_profile_store *store)
{
	store->any_owner = true;
}

const char *vb_profile_store_warning(const struct vb_profile_store *store)
{
	return store->warning.errnum != 0 ? store->warning.what : NULL;
}

static int refuse_file(const char *fix, struct vb_error *err)
{
	if (err != NULL) {
		err->errnum = EPERM;
		err->code = VB_CODE_PROFILE_INVALID;
	}
	(void)vb_error_fix(err, "%s", fix);
	return -EPERM;
}

static int check_owner(
	const struct vb_profile_store *store, int fd, const char *path, struct vb_error *err)
{
	struct stat st;
	bool roots = store->any_owner;

	if (fstat(fd, &st) < 0)
		return vb_error_set(err, errno, "stat '%s'", path);
	int r = roots ? 0 : vb_file_is_roots(fd, &st, &roots);
	if (r < 0)
		return vb_error_set(err, -r, "statvfs of '%s'", path);
	if (roots)
		return 0;
	(void)vb_error_say(err, EPERM, "others than root can write '%s'", path);
	return refuse_file("chown it to root and chmod go-w", err);
}

/* The nearest name of a `.json` file beside the one that is not there; NULL when none is near. */
static char *find_neighbour(const struct vb_profile_place *place)
{
	const char *slash = strrchr(place->file, '/');
	const char *name = slash != NULL ? slash + 1 : place->file;
	vb_auto_free char *parent =
		slash != NULL ? strndup(place->file, (size_t)(slash - place->file)) : strdup(".");
	int fd = -1;
	char *nearest = NULL;
	size_t best = SLIP_MAX;

	if (parent == NULL ||
		vb_file_open_beneath(place->dirfd, parent, O_RDONLY | O_DIRECTORY, &fd, NULL) < 0)
		return NULL;
	DIR *directory = fdopendir(fd);
	if (directory == NULL) {
		(void)close(fd);
		return NULL;
	}
	for (size_t i = 0; i < NEIGHBOURS_MAX; i++) {
		const struct dirent *entry = readdir(directory);
		if (entry == NULL)
			break;
		const char *dot = strrchr(entry->d_name, '.');
		size_t distance = vb_str_distance(entry->d_name, name);
		if (dot == NULL || strcmp(dot, ".json") != 0 || distance >= best)
			continue;
		free(nearest);
		nearest = strdup(entry->d_name);
		best = distance;
	}
	(void)closedir(directory);
	return nearest;
}

static int refuse_missing(const struct vb_profile_place *place, struct vb_error *err)
{
	vb_auto_free char *neighbour = find_neighbour(place);

	(void)vb_error_refuse(err, VB_CODE_PROFILE_INVALID, "there is no file '%.200s' in '%.200s'",
		place->file, place->directory);
	if (neighbour != NULL)
		return vb_error_fix(
			err, "did you mean '%.64s'? else put the file there", neighbour);
	return vb_error_fix(err, "put the file there, or name another profile");
}

static int refuse_open(int r, const struct vb_profile_place *place, struct vb_error *err)
{
	if (r == -ENOENT || r == -ENOTDIR)
		return refuse_missing(place, err);
	if (r == -EXDEV || r == -ELOOP) {
		(void)vb_error_say(err, EPERM,
			"a link on the way to '%.200s' leads out of '%.200s'", place->file,
			place->directory);
		return refuse_file("put the file itself there", err);
	}
	return r;
}

/* Who can write a directory on the way can put another file there. */
static int check_parents(const struct vb_profile_store *store, const struct vb_profile_place *place,
	struct vb_error *err)
{
	const char *slash = place->file;

	int r = check_owner(store, place->dirfd, place->directory, err);
	while (r == 0 && (slash = strchr(slash, '/')) != NULL) {
		vb_auto_free char *parent = strndup(place->file, (size_t)(slash - place->file));
		vb_auto_close int fd = -1;
		if (parent == NULL)
			return vb_error_set(err, ENOMEM, "open a seccomp profile");
		r = vb_file_open_beneath(place->dirfd, parent, O_PATH | O_DIRECTORY, &fd, err);
		r = r < 0 ? refuse_open(r, place, err) : check_owner(store, fd, parent, err);
		slash++;
	}
	return r;
}

static int open_file(const struct vb_profile_store *store, const struct vb_profile_place *place,
	int *ret_fd, struct vb_error *err)
{
	vb_auto_close int fd = -1;

	int r = check_parents(store, place, err);
	if (r < 0)
		return r;
	/* O_NONBLOCK: a FIFO put in the file's place must not hold us. */
	r = vb_file_open_beneath(place->dirfd, place->file, O_RDONLY | O_NONBLOCK, &fd, err);
	r = r < 0 ? refuse_open(r, place, err) : check_owner(store, fd, place->file, err);
	if (r == 0)
		*ret_fd = vb_steal_fd(&fd);
	return r;
}

struct open_file {
	int fd;
	const char *name;
};

static int read_file(const void *context, char **ret_text, size_t *ret_size, struct vb_error *err)
{
	const struct open_file *file = context;

	int r = vb_file_read_fd(
		file->fd, file->name, VB_CUSTOM_PROFILE_MAX, ret_text, ret_size, err);
	return r == -EFBIG || r == -EINVAL
		       ? refuse_file("put a JSON file of at most 1 MiB there", err)
		       : r;
}

static int read_profile(const struct vb_profile_part *part, struct vb_custom_profile **ret_profile,
	struct vb_error *err)
{
	char *text = NULL;
	size_t size = 0;

	int r = part->read(part->context, &text, &size, err);
	if (r < 0)
		return r;
	r = vb_custom_profile_create_take(text, size, ret_profile, err);
	return r < 0 && r != -ENOMEM
		       ? refuse_file(
				 "correct the file; 'vambrace seccomp check' tells more of it", err)
		       : r;
}

static struct entry *find_entry(struct vb_profile_store *store, const char *path)
{
	for (size_t i = 0; i < store->count; i++) {
		if (strcmp(store->entries[i].path, path) != 0)
			continue;
		/* Used last now. */
		const struct entry entry = store->entries[i];
		memmove(&store->entries[i], &store->entries[i + 1],
			(store->count - i - 1) * sizeof(entry));
		store->entries[store->count - 1] = entry;
		return &store->entries[store->count - 1];
	}
	return NULL;
}

static size_t kept_bytes(const struct vb_profile_store *store)
{
	size_t bytes = 0;

	for (size_t i = 0; i < store->count; i++)
		bytes += strlen(store->entries[i].profile->text);
	return bytes;
}

/* Makes room for one more, at the cost of the least recently used ones. */
static void make_room(struct vb_profile_store *store, size_t bytes)
{
	while (store->count > 0 &&
		(store->count == ENTRIES_MAX || kept_bytes(store) + bytes > KEPT_BYTES_MAX)) {
		finish_entry(&store->entries[0]);
		store->count--;
		memmove(&store->entries[0], &store->entries[1],
			store->count * sizeof(store->entries[0]));
	}
}

/* Out of memory, it is not kept and will be read again. */
static void keep(struct vb_profile_store *store, const char *path,
	const struct vb_file_identity *identity, struct vb_custom_profile *profile)
{
	struct entry *known = find_entry(store, path);

	if (known != NULL) {
		finish_entry(known);
		store->count--;
	}
	char *copy = strdup(path);
	if (copy == NULL)
		return;
	make_room(store, strlen(profile->text));
	store->entries[store->count++] = (struct entry){
		.path = copy, .identity = *identity, .profile = vb_custom_profile_hold(profile)};
}

int vb_profile_store_get_part(struct vb_profile_store *store, const struct vb_profile_part *part,
	struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	/* Its own: an update that went wrong is no error of the caller's. */
	struct vb_error found = {0};

	store->warning.errnum = 0;
	struct entry *known = find_entry(store, part->path);
	if (known != NULL && vb_file_identity_is_same(&known->identity, part->identity)) {
		*ret_profile = vb_custom_profile_hold(known->profile);
		return 0;
	}
	int r = read_profile(part, ret_profile, &found);
	if (r == -EPERM && known != NULL) {
		/* As with a bundle's manifest: what ran with the last good one goes on. */
		store->warning = found;
		*ret_profile = vb_custom_profile_hold(known->profile);
		return 0;
	}
	if (r == 0 && known != NULL && strcmp(known->profile->text, (*ret_profile)->text) == 0) {
		known->identity = *part->identity;
		vb_custom_profile_release(*ret_profile);
		*ret_profile = vb_custom_profile_hold(known->profile);
	} else if (r == 0) {
		keep(store, part->path, part->identity, *ret_profile);
	} else if (err != NULL) {
		*err = found;
	}
	return r;
}

int vb_profile_store_get_at(struct vb_profile_store *store, const struct vb_profile_place *place,
	struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	vb_auto_free char *path = vb_str_format("%s/%s", place->directory, place->file);
	vb_auto_close int fd = -1;
	struct stat st;

	store->warning.errnum = 0;
	if (path == NULL)
		return vb_error_set(err, ENOMEM, "open a seccomp profile");
	int r = open_file(store, place, &fd, err);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return vb_error_set(err, errno, "stat '%s'", path);
	const struct vb_file_identity identity = vb_file_identity(&st);
	const struct open_file file = {.fd = fd, .name = place->file};
	const struct vb_profile_part part = {
		.path = path, .identity = &identity, .read = read_file, .context = &file};
	return vb_profile_store_get_part(store, &part, ret_profile, err);
}

static int refuse_outside(const struct vb_strv *directories, struct vb_error *err)
{
	vb_auto_free char *list = vb_strv_join(directories, ',');

	if (list == NULL)
		return vb_error_set(err, ENOMEM, "look up a seccomp profile");
	(void)vb_error_refuse(
		err, VB_CODE_NOT_PERMITTED, "the path is in none of the node's profile_dirs");
	if (directories->count == 0)
		return vb_error_fix(err, "put the profile into a bundle; this node has no "
					 "profile_dirs");
	return vb_error_fix(err, "put the file below one of %s", list);
}

int vb_profile_store_get(struct vb_profile_store *store, const struct vb_strv *directories,
	const char *path, struct vb_custom_profile **ret_profile, struct vb_error *err)
{
	vb_auto_free char *clean = NULL;

	store->warning.errnum = 0;
	int r = vb_path_clean(path, &clean);
	if (r == -ENOMEM)
		return vb_error_set(err, ENOMEM, "look up a seccomp profile");
	for (size_t i = 0; r == 0 && i < directories->count; i++) {
		const char *directory = directories->items[i];
		if (!vb_path_is_within(clean, directory) || strcmp(clean, directory) == 0)
			continue;
		vb_auto_close int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) {
			(void)vb_error_set(err, errno, "open '%s' of profile_dirs", directory);
			return refuse_file("make the directory, or correct the node config", err);
		}
		const char *file = clean + strlen(directory);
		const struct vb_profile_place place = {
			.dirfd = fd, .directory = directory, .file = file + strspn(file, "/")};
		return vb_profile_store_get_at(store, &place, ret_profile, err);
	}
	return refuse_outside(directories, err);
}
