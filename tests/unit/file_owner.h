/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_FILE_OWNER_H
#define VB_TESTS_UNIT_FILE_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Who owns a file, and whether its mount is read-only, are what the test says (linked with
 * --wrap): a store's answer must not depend on who runs the tests, and where.
 */
extern uid_t file_owner;
extern bool file_read_only_mount;

#endif
