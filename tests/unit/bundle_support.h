/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_BUNDLE_SUPPORT_H
#define VB_TESTS_BUNDLE_SUPPORT_H

#include <stddef.h>

#include "vb/adjust/bundle_store.h"

/* Bundles on a disk, for the tests of what finds them. */

#define MANIFEST_OF(name, version)                                                                 \
	"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"" name                         \
	"\",\"version\":\"" version "\"}"
#define MANIFEST(version) MANIFEST_OF("arm", version)

/*
 * Makes a directory with `first` and `second` in it, goes there, and makes a store that looks in
 * first, no-such-directory and second, in this order.
 */
struct vb_bundle_store *bundle_start_store(void);
/* Removes all of it again. */
void bundle_finish_store(struct vb_bundle_store *store);

/* Asserts that the store finds `arm` in this version, and returns it. */
const struct vb_bundle *bundle_assert_version(struct vb_bundle_store *store, const char *version);

/* A file, replaced as an installer would, with the directories on its way. */
void bundle_write(const char *path, const void *data, size_t size);

/* "<root>/<name>/manifest.json". */
void bundle_install(const char *root, const char *name, const char *text);

/* "<root>/<name>.tar" with that manifest, or as tar_maker.h has it now. */
void bundle_install_tar(const char *root, const char *name, const char *text);
void bundle_install_made_tar(const char *root, const char *name);

/*
 * One of many bundles of 80 dlopen and 200 connect entries, which no other one has: its name, one
 * of its entries (i below 80), and the bundle itself.
 */
enum { BUNDLE_LARGE_DLOPEN = 80, BUNDLE_LARGE_CONNECT = 200 };
const char *bundle_large_name(unsigned int number);
void bundle_large_dlopen_entry(char text[64], unsigned int number, unsigned int i);
void bundle_install_large(const char *root, unsigned int number);

#endif
