/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle_support.h"

#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "tar_maker.h"
#include "unit.h"
#include "vb/base/buf.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

enum { LARGE_MANIFEST_MAX = 64 << 10 };

static char directory[64];

struct vb_bundle_store *bundle_start_store(void)
{
	static const char *const names[] = {"first", "no-such-directory", "second"};
	vb_auto_strv struct vb_strv directories = {0};

	/* Thousands of files are made, which need not go to a disk. */
	(void)snprintf(directory, sizeof(directory), "%s/vb-test-bundles.XXXXXX",
		access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	(void)umask(022);
	ck_assert_int_eq(mkdir("first", 0755), 0);
	ck_assert_int_eq(mkdir("second", 0755), 0);
	for (size_t i = 0; i < VB_ARRAY_SIZE(names); i++)
		ck_assert_int_eq(vb_strv_add(&directories, names[i]), 0);
	struct vb_bundle_store *store = vb_bundle_store_create(&directories);
	ck_assert_ptr_nonnull(store);
	return store;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void bundle_finish_store(struct vb_bundle_store *store)
{
	vb_bundle_store_destroy(store);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const struct vb_bundle *bundle_assert_version(struct vb_bundle_store *store, const char *version)
{
	const struct vb_bundle *bundle = NULL;
	struct vb_error err;

	ck_assert_msg(vb_bundle_store_get(store, "arm", NULL, &bundle, &err) == 0, "%s", err.what);
	ck_assert_str_eq(bundle->version, version);
	return bundle;
}

void bundle_write(const char *path, const void *data, size_t size)
{
	vb_auto_free char *parent = strndup(path, (size_t)(strrchr(path, '/') - path));
	vb_auto_free char *fresh = vb_str_format("%s.new", path);
	struct vb_error err;

	ck_assert_int_eq(vb_file_make_directories(parent, &err), 0);
	FILE *file = fopen(fresh, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(rename(fresh, path), 0);
}

void bundle_install(const char *root, const char *name, const char *text)
{
	vb_auto_free char *path = vb_str_format("%s/%s/manifest.json", root, name);

	bundle_write(path, text, strlen(text));
}

void bundle_install_made_tar(const char *root, const char *name)
{
	vb_auto_free char *path = vb_str_format("%s/%s.tar", root, name);

	bundle_write(path, tar_data(), tar_size());
}

void bundle_install_tar(const char *root, const char *name, const char *text)
{
	tar_begin();
	tar_add("./manifest.json", text);
	tar_end();
	bundle_install_made_tar(root, name);
}

const char *bundle_large_name(unsigned int number)
{
	static char name[16];

	(void)snprintf(name, sizeof(name), "b%u", number);
	return name;
}

void bundle_large_dlopen_entry(char text[64], unsigned int number, unsigned int i)
{
	(void)snprintf(text, 64, "/opt/ros/jazzy/lib/libpart_%u_%u.so", number, i * 2654435761U);
}

void bundle_install_large(const char *root, unsigned int number)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(LARGE_MANIFEST_MAX);
	char entry[64];
	int r = vb_buf_printf(text,
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"%s\",\"version\":\"1\","
		"\"dlopen_allowlist\":{\"paths\":[",
		bundle_large_name(number));

	for (unsigned int i = 0; i < BUNDLE_LARGE_DLOPEN; i++) {
		bundle_large_dlopen_entry(entry, number, i);
		r |= vb_buf_printf(text, "%s\"%s\"", i > 0 ? "," : "", entry);
	}
	r |= vb_buf_printf(text, "]},\"hardening\":{\"preload\":{\"connect_allowlist\":[");
	for (unsigned int i = 0; i < BUNDLE_LARGE_CONNECT; i++)
		r |= vb_buf_printf(text, "%s\"10.%u.%u.%u:%u\"", i > 0 ? "," : "", number % 200,
			i * 7 % 256, i * 131 % 256, 1024 + i * 17);
	r |= vb_buf_printf(text, "]}}}");
	vb_auto_free char *manifest = vb_buf_strdup(text);
	ck_assert_int_eq(r, 0);
	bundle_install(root, bundle_large_name(number), manifest);
}
