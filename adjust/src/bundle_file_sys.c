/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle_file.h"

#include <errno.h>
#include <fcntl.h>

#include "vb/adjust/codes.h"
#include "vb/adjust/custom_profile.h"
#include "vb/adjust/sshsig.h"
#include "vb/base/file.h"

/* A name has 63 characters at most. */
enum { FILE_NAME_SIZE = 96 };

struct file_names {
	char tar[FILE_NAME_SIZE];
	char signature[FILE_NAME_SIZE];
};

static struct file_names name_files(const char *name)
{
	struct file_names names;

	(void)snprintf(names.tar, sizeof(names.tar), "%.63s.tar", name);
	(void)snprintf(names.signature, sizeof(names.signature), "%.63s.tar.sig", name);
	return names;
}

void vb_bundle_file_finish(struct vb_bundle_file *file)
{
	vb_cleanup_close(&file->fd);
	vb_cleanup_close(&file->signature_fd);
}

void vb_bundle_read_finish(struct vb_bundle_read *read)
{
	vb_bundle_destroy(read->bundle);
	free(read->text.data);
	vb_strv_finish(&read->files);
}

bool vb_bundle_origin_is_same(const struct vb_bundle_origin *a, const struct vb_bundle_origin *b)
{
	return a->is_tar == b->is_tar && a->has_signature == b->has_signature &&
	       vb_file_identity_is_same(&a->file, &b->file) &&
	       vb_file_identity_is_same(&a->signature, &b->signature);
}

/* Turns an error into a refusal for what is on the disk, and says which bundle it is. */
static int refuse(const struct vb_bundle_place *place, const char *code, const char *fix,
	struct vb_error *err)
{
	if (err == NULL)
		return -EPERM;
	err->errnum = EPERM;
	err->code = code;
	(void)vb_error_fix(err, "%s", fix);
	return vb_error_wrap(err, "bundle '%s' in %s", place->name, place->directory);
}

/* Who can write a bundle decides what robots run. */
static int check_ownership(
	const struct vb_bundle_place *place, int fd, struct stat *ret_st, struct vb_error *err)
{
	bool roots = place->any_owner;

	if (fstat(fd, ret_st) < 0)
		return vb_error_set(err, errno, "stat bundle '%s'", place->name);
	int r = roots ? 0 : vb_file_is_roots(fd, ret_st, &roots);
	if (r < 0)
		return vb_error_set(err, -r, "statvfs of bundle '%s'", place->name);
	if (roots)
		return 0;
	(void)vb_error_refuse(err, VB_CODE_BUNDLE_INVALID,
		"bundle '%s' has a file or directory that others than root can write", place->name);
	return vb_error_fix(err, "chown it to root and chmod go-w");
}

/* A link that leads out of the bundle and a file in a directory's place are the bundle's fault. */
static int open_part(const struct vb_bundle_place *place, int dirfd, const char *path, int flags,
	int *ret_fd, struct vb_error *err)
{
	int r = vb_file_open_beneath(dirfd, path, flags, ret_fd, err);

	if (r == -EXDEV || r == -ENOTDIR || r == -ELOOP)
		return refuse(place, VB_CODE_BUNDLE_INVALID,
			"put a directory with a manifest.json or a tar there, and no links out",
			err);
	return r < 0 && r != -ENOENT
		       ? vb_error_wrap(err, "bundle '%s' in %s", place->name, place->directory)
		       : r;
}

static int open_root(const struct vb_bundle_place *place, int *ret_fd, struct vb_error *err)
{
	*ret_fd = open(place->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? vb_error_set(err, errno, "open '%s'", place->directory) : 0;
}

static int open_directory(
	const struct vb_bundle_place *place, int root, int *ret_fd, struct vb_error *err)
{
	vb_auto_close int fd = -1;
	struct stat st;

	int r = open_part(place, root, place->name, O_RDONLY | O_DIRECTORY, &fd, err);
	if (r == 0)
		r = check_ownership(place, fd, &st, err);
	if (r == 0)
		*ret_fd = vb_steal_fd(&fd);
	return r;
}

int vb_bundle_file_open_directory(
	const struct vb_bundle_place *place, int *ret_fd, struct vb_error *err)
{
	vb_auto_close int root = -1;
	int r = open_root(place, &root, err);

	return r < 0 ? r : open_directory(place, root, ret_fd, err);
}

/* `<name>.tar`; a directory of that name is another bundle. O_NONBLOCK: a FIFO must not hold us. */
static int open_tar(
	const struct vb_bundle_place *place, int root, int *ret_fd, struct vb_error *err)
{
	const struct file_names names = name_files(place->name);
	vb_auto_close int fd = -1;
	struct stat st;

	int r = open_part(place, root, names.tar, O_RDONLY | O_NONBLOCK, &fd, err);
	if (r < 0)
		return r;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return vb_error_set(err, ENOENT, "open '%s'", names.tar);
	*ret_fd = vb_steal_fd(&fd);
	return 0;
}

static int open_signature(const struct vb_bundle_place *place, int dirfd, const char *name,
	struct vb_bundle_file *file, struct vb_error *err)
{
	struct stat st;
	/* Its own: that there is none is no error. */
	struct vb_error found;

	int r = open_part(place, dirfd, name, O_RDONLY | O_NONBLOCK, &file->signature_fd, &found);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		if (err != NULL)
			*err = found;
		return r;
	}
	if (fstat(file->signature_fd, &st) < 0)
		return vb_error_set(err, errno, "stat '%s'", name);
	file->origin.has_signature = true;
	file->origin.signature = vb_file_identity(&st);
	return 0;
}

/* Steals the descriptors into the file when it is all there. */
static int finish_open(const struct vb_bundle_place *place, int signature_dirfd,
	struct vb_bundle_file *file, struct vb_bundle_file *ret_file, struct vb_error *err)
{
	const struct file_names names = name_files(place->name);
	struct stat st;

	int r = check_ownership(place, file->fd, &st, err);
	if (r < 0)
		return r;
	file->origin.file = vb_file_identity(&st);
	r = open_signature(place, signature_dirfd,
		file->origin.is_tar ? names.signature : "manifest.json.sig", file, err);
	if (r < 0)
		return r;
	*ret_file = *file;
	file->fd = -1;
	file->signature_fd = -1;
	return 0;
}

static int refuse_twins(const struct vb_bundle_place *place, struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_BUNDLE_INVALID,
		"bundle '%s' is in %s twice, as the directory '%s' and as '%s.tar'", place->name,
		place->directory, place->name, place->name);
	return vb_error_fix(err, "remove one of them");
}

/* -ENOENT leaves the descriptor as it is. */
static int open_forms(const struct vb_bundle_place *place, int root, int *ret_directory,
	int *ret_tar, struct vb_error *err)
{
	int directory = -ENOENT;
	int tar = -ENOENT;

	if (place->form != VB_BUNDLE_TAR)
		directory = open_directory(place, root, ret_directory, err);
	if (directory < 0 && directory != -ENOENT)
		return directory;
	if (place->form != VB_BUNDLE_DIRECTORY)
		tar = open_tar(place, root, ret_tar, err);
	if (directory == 0 && tar == 0)
		return refuse_twins(place, err);
	return directory == 0 && tar == -ENOENT ? 0 : tar;
}

int vb_bundle_file_open(
	const struct vb_bundle_place *place, struct vb_bundle_file *ret_file, struct vb_error *err)
{
	vb_auto_close int root = -1;
	vb_auto_close int directory = -1;
	vb_auto_bundle_file struct vb_bundle_file file = {.fd = -1, .signature_fd = -1};

	int r = open_root(place, &root, err);
	if (r == 0)
		r = open_forms(place, root, &directory, &file.fd, err);
	if (r < 0)
		return r;
	file.origin.is_tar = directory < 0;
	if (directory >= 0)
		r = open_part(
			place, directory, "manifest.json", O_RDONLY | O_NONBLOCK, &file.fd, err);
	if (r == -ENOENT)
		return vb_error_say(err, ENODATA, "'%s/%s' has no manifest.json", place->directory,
			place->name);
	if (r < 0)
		return r;
	return finish_open(place, directory < 0 ? root : directory, &file, ret_file, err);
}

static int read_text(const struct vb_bundle_file *file, const struct vb_bundle_place *place,
	struct vb_bundle_text *ret_text, struct vb_error *err)
{
	const struct file_names names = name_files(place->name);
	const char *name = file->origin.is_tar ? names.tar : "manifest.json";
	size_t max = file->origin.is_tar ? VB_BUNDLE_TAR_MAX : VB_BUNDLE_MANIFEST_MAX;

	int r = vb_file_read_fd(file->fd, name, max, &ret_text->data, &ret_text->size, err);
	return r < 0 && r != -ENOMEM
		       ? refuse(place, VB_CODE_BUNDLE_INVALID, "see the file on the node", err)
		       : r;
}

static int read_signature(const struct vb_bundle_file *file, const struct vb_bundle_place *place,
	struct vb_bundle_text *ret_text, struct vb_error *err)
{
	if (file->signature_fd < 0)
		return 0;
	int r = vb_file_read_fd(file->signature_fd, "the signature", VB_SSHSIG_FILE_MAX,
		&ret_text->data, &ret_text->size, err);
	return r < 0 && r != -ENOMEM
		       ? refuse(place, VB_CODE_BUNDLE_SIGNATURE,
				 "put the file there that 'vambrace bundle sign' writes", err)
		       : r;
}

static void finish_text(struct vb_bundle_text *text)
{
	free(text->data);
}

static int check_signature(const struct vb_bundle_file *file, const struct vb_bundle_place *place,
	const struct vb_bundle_trust *trust, const struct vb_bundle_text *text,
	struct vb_bundle_read *read, struct vb_error *err)
{
	vb_auto(finish_text) struct vb_bundle_text signature = {0};
	vb_auto_free char *path = vb_str_format(
		"%s/%s%s", place->directory, place->name, file->origin.is_tar ? ".tar" : "");

	if (path == NULL)
		return vb_error_set(err, ENOMEM, "check a signature");
	if (trust->count > 0) {
		int r = read_signature(file, place, &signature, err);
		if (r < 0)
			return r;
	}
	const struct vb_bundle_signed what = {.name = place->name,
		.sign_it = path,
		.data = text->data,
		.size = text->size,
		.signature = signature.data,
		.signature_size = signature.size};
	return vb_bundle_trust_check(trust, &what, &read->signature, read->signer, err);
}

static int walk_tar(const struct vb_bundle_place *place, const struct vb_bundle_text *text,
	const char *wanted, size_t max_bytes, struct vb_bundle_tar *ret_tar, struct vb_error *err)
{
	int r = vb_bundle_tar_read(text->data, text->size, wanted, max_bytes, ret_tar, err);

	if (r == 0 || r == -ENOMEM)
		return r;
	(void)vb_error_wrap(err, "%s.tar", place->name);
	return refuse(
		place, VB_CODE_BUNDLE_INVALID, "pack it again with 'vambrace bundle pack'", err);
}

static int parse_tar(const struct vb_bundle_place *place, const struct vb_bundle_text *text,
	struct vb_bundle_read *read, struct vb_error *err)
{
	vb_auto_bundle_tar struct vb_bundle_tar tar = {0};

	int r = walk_tar(place, text, "manifest.json", VB_BUNDLE_MANIFEST_MAX, &tar, err);
	if (r < 0)
		return r;
	if (tar.content == NULL) {
		(void)vb_error_say(err, EPERM, "%s.tar has no manifest.json", place->name);
		return refuse(place, VB_CODE_BUNDLE_INVALID,
			"pack the directory that holds the manifest.json", err);
	}
	r = vb_bundle_parse(tar.content, tar.content_size, place->name, &read->bundle, err);
	if (r < 0)
		return r;
	/* What is pinned and signed is the file on the disk. */
	vb_digest(text->data, text->size, read->bundle->digest);
	read->files = tar.files;
	tar.files = (struct vb_strv){0};
	return 0;
}

int vb_bundle_file_read(const struct vb_bundle_file *file, const struct vb_bundle_place *place,
	const struct vb_bundle_trust *trust, struct vb_bundle_read *ret_read, struct vb_error *err)
{
	vb_auto_bundle_read struct vb_bundle_read read = {0};

	int r = read_text(file, place, &read.text, err);
	/* First of all: what nobody vouches for is not even looked at. */
	if (r == 0)
		r = check_signature(file, place, trust, &read.text, &read, err);
	if (r == 0 && file->origin.is_tar)
		r = parse_tar(place, &read.text, &read, err);
	else if (r == 0)
		r = vb_bundle_parse(read.text.data, read.text.size, place->name, &read.bundle, err);
	if (r != 0)
		return r;
	read.bundle->signature = read.signature;
	*ret_read = read;
	read = (struct vb_bundle_read){0};
	return 0;
}

int vb_bundle_file_read_profile(const struct vb_bundle_file *file,
	const struct vb_bundle_place *place, const struct vb_bundle *bundle, const char *profile,
	struct vb_bundle_text *ret_text, struct vb_error *err)
{
	vb_auto(finish_text) struct vb_bundle_text text = {0};
	vb_auto_bundle_tar struct vb_bundle_tar tar = {0};
	vb_auto_free char *member = vb_str_format("profiles/%s.json", profile);
	char digest[VB_DIGEST_SIZE];

	if (member == NULL)
		return vb_error_set(err, ENOMEM, "read a tar");
	int r = read_text(file, place, &text, err);
	if (r < 0)
		return r;
	/* Its signature and its pin were checked on these bytes, and on no others. */
	vb_digest(text.data, text.size, digest);
	if (!vb_str_equal(digest, bundle->digest)) {
		(void)vb_error_say(
			err, EPERM, "%s.tar is not the one that is in force", place->name);
		return refuse(place, VB_CODE_BUNDLE_INVALID,
			"install a tar that is whole, or wait for the next try", err);
	}
	r = walk_tar(place, &text, member, VB_CUSTOM_PROFILE_MAX, &tar, err);
	if (r < 0)
		return r;
	if (tar.content == NULL)
		return vb_error_set(err, ENOENT, "find '%s' in '%s.tar'", member, place->name);
	*ret_text = (struct vb_bundle_text){.data = tar.content, .size = tar.content_size};
	tar.content = NULL;
	return 0;
}
