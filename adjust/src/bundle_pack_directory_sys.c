/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "vb/adjust/bundle_look.h"
#include "vb/adjust/bundle_tar.h"
#include "vb/base/file.h"

enum {
	BLOCK_SIZE = 512,
	/* Of a ustar header without its prefix field. */
	NAME_MAX_BYTES = 100,
	MODE_AT = 100,
	UID_AT = 108,
	GID_AT = 116,
	SIZE_AT = 124,
	MTIME_AT = 136,
	CHECKSUM_AT = 148,
	CHECKSUM_SIZE = 8,
	TYPE_AT = 156,
	MAGIC_AT = 257,
};

static void put_octal(uint8_t *field, int digits, size_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%0*zo", digits, value);
	memcpy(field, text, (size_t)digits);
}

/* A header of a regular file: mode 0644, root's, from the beginning of time. */
static void make_header(uint8_t header[BLOCK_SIZE], const char *name, size_t size)
{
	static const char magic[] = "ustar\00000";
	size_t sum = 0;

	memset(header, 0, BLOCK_SIZE);
	memcpy(header, name, strnlen(name, NAME_MAX_BYTES));
	put_octal(header + MODE_AT, 7, 0644);
	put_octal(header + UID_AT, 7, 0);
	put_octal(header + GID_AT, 7, 0);
	put_octal(header + SIZE_AT, 11, size);
	put_octal(header + MTIME_AT, 11, 0);
	memset(header + CHECKSUM_AT, ' ', CHECKSUM_SIZE);
	header[TYPE_AT] = '0';
	memcpy(header + MAGIC_AT, magic, sizeof(magic) - 1);
	for (size_t i = 0; i < BLOCK_SIZE; i++)
		sum += header[i];
	put_octal(header + CHECKSUM_AT, 6, sum);
	header[CHECKSUM_AT + 6] = 0;
}

static int append_file(struct vb_buf *tar, const char *name, const void *data, size_t size)
{
	static const uint8_t zeros[BLOCK_SIZE];
	uint8_t header[BLOCK_SIZE];

	make_header(header, name, size);
	int r = vb_buf_append(tar, header, sizeof(header));
	if (r == 0)
		r = vb_buf_append(tar, data, size);
	if (r == 0)
		r = vb_buf_append(tar, zeros, (BLOCK_SIZE - size % BLOCK_SIZE) % BLOCK_SIZE);
	return r;
}

struct listing {
	int root;
	struct vb_strv directories; /* still to be looked at; "." is the bundle's own */
	struct vb_strv files;
};

static void finish_listing(struct listing *listing)
{
	vb_cleanup_close(&listing->root);
	vb_strv_finish(&listing->directories);
	vb_strv_finish(&listing->files);
}

/* Editors' and volumes' own files, and what signs the tar from outside. */
static bool is_left_out(const char *name)
{
	size_t length = strlen(name);

	return name[0] == '.' || (length > 4 && strcmp(name + length - 4, ".sig") == 0);
}

static int list_entry(
	struct listing *listing, const char *directory, const char *name, struct vb_error *err)
{
	vb_auto_free char *path = strcmp(directory, ".") == 0
					  ? strdup(name)
					  : vb_str_format("%s/%s", directory, name);
	vb_auto_close int fd = -1;
	struct stat st;

	if (path == NULL)
		return vb_error_set(err, ENOMEM, "pack a bundle");
	int r = vb_file_open_beneath(listing->root, path, O_PATH, &fd, err);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return vb_error_set(err, errno, "stat '%s'", path);
	if (listing->files.count + listing->directories.count == VB_BUNDLE_TAR_MEMBERS_MAX)
		return vb_error_say(err, EFBIG, "there are more than %d files and directories",
			VB_BUNDLE_TAR_MEMBERS_MAX);
	if (S_ISREG(st.st_mode) && strlen(path) > NAME_MAX_BYTES)
		return vb_error_say(
			err, EINVAL, "'%s' has more than %d bytes", path, NAME_MAX_BYTES);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return vb_error_say(err, EINVAL, "'%s' is neither a file nor a directory", path);
	r = vb_strv_add(S_ISREG(st.st_mode) ? &listing->files : &listing->directories, path);
	return r < 0 ? vb_error_set(err, ENOMEM, "pack a bundle") : 0;
}

static void close_directory(DIR *const *directory)
{
	if (*directory != NULL)
		(void)closedir(*directory);
}

static int list_directory(struct listing *listing, const char *path, struct vb_error *err)
{
	int fd = -1;
	int r = vb_file_open_beneath(listing->root, path, O_RDONLY | O_DIRECTORY, &fd, err);

	if (r < 0)
		return r;
	vb_auto(close_directory) DIR *directory = fdopendir(fd);
	if (directory == NULL) {
		(void)close(fd);
		return vb_error_set(err, ENOMEM, "list '%s'", path);
	}
	for (const struct dirent *entry; r == 0 && (entry = readdir(directory)) != NULL;)
		if (!is_left_out(entry->d_name))
			r = list_entry(listing, path, entry->d_name, err);
	return r;
}

static int list_all(struct listing *listing, struct vb_error *err)
{
	int r = vb_strv_add(&listing->directories, ".");

	if (r < 0)
		return vb_error_set(err, ENOMEM, "pack a bundle");
	/* The list grows while it is walked; a link to a directory above ends at the limit. */
	for (size_t i = 0; r == 0 && i < listing->directories.count; i++) {
		vb_auto_free char *path = strdup(listing->directories.items[i]);
		r = path != NULL ? list_directory(listing, path, err)
				 : vb_error_set(err, ENOMEM, "pack a bundle");
	}
	vb_strv_sort_unique(&listing->files);
	return r;
}

static int pack_file(
	const struct listing *listing, const char *name, struct vb_buf *tar, struct vb_error *err)
{
	vb_auto_free char *data = NULL;
	vb_auto_close int fd = -1;
	size_t size = 0;

	int r = vb_file_open_beneath(listing->root, name, O_RDONLY | O_NONBLOCK, &fd, err);
	if (r == 0)
		r = vb_file_read_fd(fd, name, VB_BUNDLE_TAR_MAX, &data, &size, err);
	if (r < 0)
		return r;
	r = append_file(tar, name, data, size);
	if (r == -ENOSPC)
		return vb_error_say(
			err, EFBIG, "the tar would have more than 16 MiB with '%s'", name);
	return r < 0 ? vb_error_set(err, -r, "pack a bundle") : 0;
}

int vb_bundle_pack_directory(const char *path, struct vb_buf **ret_tar, struct vb_error *err)
{
	static const uint8_t end_mark[2 * BLOCK_SIZE];
	vb_auto(finish_listing) struct listing listing = {
		.root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)};
	vb_auto_buf struct vb_buf *tar = vb_buf_create(VB_BUNDLE_TAR_MAX - sizeof(end_mark));
	vb_auto_buf struct vb_buf *whole = vb_buf_create(VB_BUNDLE_TAR_MAX);

	if (listing.root < 0)
		return vb_error_set(err, errno, "open '%s'", path);
	if (tar == NULL || whole == NULL)
		return vb_error_set(err, ENOMEM, "pack a bundle");
	int r = list_all(&listing, err);
	for (size_t i = 0; r == 0 && i < listing.files.count; i++)
		r = pack_file(&listing, listing.files.items[i], tar, err);
	if (r < 0)
		return r;
	if (vb_buf_append(whole, vb_buf_data(tar), vb_buf_size(tar)) < 0 ||
		vb_buf_append(whole, end_mark, sizeof(end_mark)) < 0)
		return vb_error_set(err, ENOMEM, "pack a bundle");
	*ret_tar = VB_STEAL(whole);
	return 0;
}
