/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_OCI_NODE_H
#define VB_TESTS_UNIT_OCI_NODE_H

#include <stddef.h>
#include <sys/types.h>

/* A node for one test: a mount namespace of its own, so that fixed paths can be used. */

/*
 * Leaves the machine's mounts and puts empty file systems on /run, /opt and /var/log; as a user
 * without privileges, inside a user namespace of its own. Fails the test when the kernel refuses
 * that.
 */
void support_enter_node(void);

void support_write_file(const char *path, const char *text, mode_t mode);
/* The whole file, freed by the caller. */
char *support_read_file(const char *path);
void support_make_directories(const char *path);

#endif
