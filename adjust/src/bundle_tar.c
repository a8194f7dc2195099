/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/bundle_tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

enum {
	BLOCK_SIZE = 512,
	/* What one member's header may take with its extensions, which libarchive keeps in memory.
	 */
	HEADER_MAX = 64 << 10,
};

/* Hands the bytes to libarchive in blocks, up to where it may read by now. */
struct source {
	const uint8_t *data;
	size_t size;
	size_t at;
	size_t limit;
	bool limit_hit;
};

struct walk {
	struct archive *archive;
	struct source source;
	struct vb_strv names; /* of all members */
	const char *wanted;
	size_t max_bytes;
	struct vb_bundle_tar tar;
};

void vb_bundle_tar_finish(struct vb_bundle_tar *tar)
{
	vb_strv_finish(&tar->files);
	free(tar->content);
}

static void finish_walk(struct walk *walk)
{
	(void)archive_read_free(walk->archive);
	vb_strv_finish(&walk->names);
	vb_bundle_tar_finish(&walk->tar);
}

static la_ssize_t read_block(struct archive *archive, void *context, const void **ret_block)
{
	struct source *source = context;
	size_t left = source->size - source->at;
	size_t size = left < BLOCK_SIZE ? left : BLOCK_SIZE;

	if (source->at >= source->limit && size > 0) {
		source->limit_hit = true;
		archive_set_error(archive, EFBIG, "it is too long");
		return -1;
	}
	*ret_block = source->data + source->at;
	source->at += size;
	return (la_ssize_t)size;
}

static void allow(struct source *source, size_t bytes)
{
	source->limit = source->at + bytes;
}

/* The member that was read last, for messages about what comes behind it. */
static const char *last_name(const struct walk *walk)
{
	return walk->names.count > 0 ? walk->names.items[walk->names.count - 1] : "";
}

/* entry is NULL before the first header; libarchive leaves there what it could make out. */
static int fail_in_header(
	const struct walk *walk, struct archive_entry *entry, struct vb_error *err)
{
	const char *text = archive_error_string(walk->archive);
	const char *name = entry != NULL ? archive_entry_pathname(entry) : NULL;

	if (archive_errno(walk->archive) == ENOMEM)
		return vb_error_set(err, ENOMEM, "read a tar");
	if (walk->source.limit_hit)
		return vb_error_say(err, EINVAL,
			"the header behind member '%.255s' has more than 64 KiB", last_name(walk));
	if (archive_format(walk->archive) == 0)
		return vb_error_say(err, EINVAL, "it is not a tar, or a compressed one");
	if (name != NULL)
		return vb_error_say(err, EINVAL, "member '%.255s' has a bad header: %.200s", name,
			text != NULL ? text : "unknown");
	return vb_error_say(err, EINVAL, "it is damaged behind member '%.255s': %.200s",
		last_name(walk), text != NULL ? text : "unknown");
}

static int refuse_member(const char *name, const char *why, struct vb_error *err)
{
	return vb_error_say(err, EINVAL, "member '%.255s' %s", name, why);
}

/* Why a member of this name cannot be in a bundle; NULL when it can. */
static const char *find_fault(const char *name)
{
	if (strlen(name) > VB_BUNDLE_TAR_NAME_MAX)
		return "has a name of more than 255 bytes";
	if (name[0] == '/')
		return "has an absolute name";
	for (const char *part = name; *part != '\0';) {
		size_t length = strcspn(part, "/");
		if (length == 2 && part[0] == '.' && part[1] == '.')
			return "leads out of the bundle";
		if (length == 0 || (length == 1 && part[0] == '.'))
			return "has a name that is not in its shortest form";
		part += length;
		part += *part == '/';
	}
	return NULL;
}

/* The name as the bundle's directory would have it; the bundle itself is "". */
static char *clean_name(const char *name)
{
	while (name[0] == '.' && name[1] == '/')
		name += 2;
	if (strcmp(name, ".") == 0)
		name = "";
	size_t length = strlen(name);
	if (length > 1 && name[length - 1] == '/')
		length--;
	return strndup(name, length);
}

static const char *find_type_fault(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry) != NULL || archive_entry_hardlink_utf8(entry) != NULL)
		return "is a hard link";
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return archive_entry_sparse_count(entry) > 0 ? "is a sparse file" : NULL;
	case AE_IFDIR:
		return NULL;
	case AE_IFLNK:
		return "is a symbolic link";
	case AE_IFCHR:
	case AE_IFBLK:
		return "is a device";
	default:
		return "is neither a file nor a directory";
	}
}

static int check_member(const struct walk *walk, struct archive_entry *entry, const char *name,
	struct vb_error *err)
{
	la_int64_t size = archive_entry_size(entry);
	const char *fault = find_fault(name);

	if (fault == NULL)
		fault = find_type_fault(entry);
	if (fault == NULL && vb_strv_contains(&walk->names, name))
		fault = "stands there twice";
	if (fault != NULL)
		return refuse_member(name, fault, err);
	if (walk->names.count == VB_BUNDLE_TAR_MEMBERS_MAX)
		return refuse_member(name, "is one more than the 256 that are read", err);
	if (size < 0 || (uint64_t)size > walk->source.size - walk->source.at)
		return vb_error_say(err, EINVAL,
			"member '%.255s' claims %lld bytes, %zu are left in the tar", name,
			(long long)size, walk->source.size - walk->source.at);
	return 0;
}

/* The bytes of a file without holes; libarchive has them in pieces. */
static int copy_content(struct walk *walk, const char *name, size_t size, struct vb_error *err)
{
	vb_auto_free char *content = malloc(size + 1);
	size_t copied = 0;
	const void *piece;
	size_t piece_size;
	la_int64_t offset;
	int r;

	if (content == NULL)
		return vb_error_set(err, ENOMEM, "read a tar");
	while ((r = archive_read_data_block(walk->archive, &piece, &piece_size, &offset)) ==
		ARCHIVE_OK) {
		if (offset < 0 || (uint64_t)offset != copied || piece_size > size - copied)
			return refuse_member(name, "is a sparse file", err);
		if (piece_size > 0)
			memcpy(content + copied, piece, piece_size);
		copied += piece_size;
	}
	if (r != ARCHIVE_EOF || copied != size)
		return refuse_member(name, "is cut off", err);
	content[size] = '\0';
	walk->tar.content = VB_STEAL(content);
	walk->tar.content_size = size;
	return 0;
}

static int take_content(
	struct walk *walk, struct archive_entry *entry, const char *name, struct vb_error *err)
{
	size_t size = (size_t)archive_entry_size(entry);

	allow(&walk->source, walk->source.size);
	if (walk->wanted == NULL || strcmp(name, walk->wanted) != 0 ||
		archive_entry_filetype(entry) != AE_IFREG) {
		if (archive_read_data_skip(walk->archive) != ARCHIVE_OK)
			return refuse_member(name, "is cut off", err);
		return 0;
	}
	if (size > walk->max_bytes)
		return vb_error_say(err, EFBIG, "member '%s' has %zu bytes, at most %zu are read",
			name, size, walk->max_bytes);
	return copy_content(walk, name, size, err);
}

static int take_member(struct walk *walk, struct archive_entry *entry, struct vb_error *err)
{
	const char *text = archive_entry_pathname(entry);

	if (text == NULL)
		return vb_error_say(err, EINVAL, "the member behind '%.255s' has no readable name",
			last_name(walk));
	vb_auto_free char *name = clean_name(text);
	if (name == NULL)
		return vb_error_set(err, ENOMEM, "read a tar");
	int r = check_member(walk, entry, name, err);
	if (r < 0)
		return r;
	if (vb_strv_add(&walk->names, name) < 0 || (archive_entry_filetype(entry) == AE_IFREG &&
							   vb_strv_add(&walk->tar.files, name) < 0))
		return vb_error_set(err, ENOMEM, "read a tar");
	return take_content(walk, entry, name, err);
}

static bool is_zero(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (data[i] != 0)
			return false;
	return true;
}

/*
 * libarchive takes the end of the bytes for the end of the tar too, and looks at nothing behind the
 * end mark, where other readers find more members.
 */
static int check_end(const struct walk *walk, struct vb_error *err)
{
	la_int64_t position = archive_read_header_position(walk->archive);
	size_t end = (size_t)position;

	if (position < 0 || end > walk->source.size || walk->source.size - end < BLOCK_SIZE)
		return vb_error_say(
			err, EINVAL, "it is cut off behind member '%.255s'", last_name(walk));
	if (!is_zero(walk->source.data + end, walk->source.size - end))
		return vb_error_say(err, EINVAL,
			"it goes on behind its end mark, after member '%.255s'", last_name(walk));
	return 0;
}

static int open_archive(struct walk *walk, struct vb_error *err)
{
	if (walk->archive == NULL || archive_read_support_format_tar(walk->archive) != ARCHIVE_OK)
		return vb_error_set(err, ENOMEM, "read a tar");
	if (archive_read_open(walk->archive, &walk->source, NULL, read_block, NULL) != ARCHIVE_OK)
		return fail_in_header(walk, NULL, err);
	return 0;
}

static int walk_members(struct walk *walk, struct vb_error *err)
{
	struct archive_entry *entry = NULL;
	int r = open_archive(walk, err);

	while (r == 0) {
		allow(&walk->source, HEADER_MAX);
		int found = archive_read_next_header(walk->archive, &entry);
		if (found == ARCHIVE_EOF)
			return check_end(walk, err);
		/* A warning is a header that libarchive could only half make sense of. */
		if (found != ARCHIVE_OK)
			return fail_in_header(walk, entry, err);
		r = take_member(walk, entry, err);
	}
	return r;
}

int vb_bundle_tar_read(const void *data, size_t size, const char *wanted, size_t max_bytes,
	struct vb_bundle_tar *ret_tar, struct vb_error *err)
{
	vb_auto(finish_walk) struct walk walk = {.archive = archive_read_new(),
		.source = {.data = data, .size = size, .limit = HEADER_MAX},
		.wanted = wanted,
		.max_bytes = max_bytes};

	if (size > VB_BUNDLE_TAR_MAX)
		return vb_error_say(err, EINVAL, "it has %zu bytes, at most %d are read", size,
			VB_BUNDLE_TAR_MAX);
	int r = walk_members(&walk, err);
	if (r < 0)
		return r;
	*ret_tar = walk.tar;
	walk.tar = (struct vb_bundle_tar){0};
	return 0;
}
