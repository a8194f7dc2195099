/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_TAR_MAKER_H
#define VB_TESTS_TAR_MAKER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Makes tars, good and hostile ones, header by header. They stand in one place, which the next
 * tar_begin() takes again.
 */

struct tar_header {
	const char *name;
	char type;              /* '0' when it is 0 */
	const char *link;       /* NULL: none */
	const char *size_field; /* 12 bytes to stand for the size; NULL: that of the content */
};

enum { TAR_MAKER_MAX = 17 << 20 };

void tar_begin(void);
void tar_add_header(const struct tar_header *header, size_t content_size);
/* Content, filled up to a whole block. */
void tar_add_content(const void *data, size_t size);
/* A regular file. */
void tar_add(const char *name, const char *text);
void tar_add_bytes(const void *data, size_t size);
/* The end mark: two blocks of zeros. */
void tar_end(void);

const uint8_t *tar_data(void);
size_t tar_size(void);

#endif
