/* SPDX-License-Identifier: Apache-2.0 */
#include "tar_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 512, CHECKSUM_AT = 148, CHECKSUM_SIZE = 8 };

static uint8_t bytes[TAR_MAKER_MAX];
static size_t used;

void tar_begin(void)
{
	used = 0;
}

void tar_add_bytes(const void *data, size_t size)
{
	if (size > sizeof(bytes) - used)
		abort();
	if (size > 0)
		memcpy(bytes + used, data, size);
	used += size;
}

static void put_octal(char *field, size_t size, unsigned long value)
{
	(void)snprintf(field, size, "%0*lo", (int)size - 1, value);
}

void tar_add_header(const struct tar_header *header, size_t content_size)
{
	char block[BLOCK_SIZE] = {0};
	unsigned int sum = 0;

	(void)snprintf(block, 101, "%s", header->name);
	put_octal(block + 100, 8, 0644);
	put_octal(block + 108, 8, 0);
	put_octal(block + 116, 8, 0);
	put_octal(block + 124, 12, content_size);
	if (header->size_field != NULL)
		memcpy(block + 124, header->size_field, 12);
	put_octal(block + 136, 12, 0);
	if (header->type != 0)
		block[156] = header->type;
	else
		block[156] = '0';
	if (header->link != NULL)
		(void)snprintf(block + 157, 101, "%s", header->link);
	memcpy(block + 257, "ustar\00000", sizeof("ustar\00000"));
	memset(block + CHECKSUM_AT, ' ', CHECKSUM_SIZE);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += (unsigned char)block[i];
	put_octal(block + CHECKSUM_AT, 7, sum & 0777777U);
	tar_add_bytes(block, sizeof(block));
}

void tar_add_content(const void *data, size_t size)
{
	static const uint8_t zeros[BLOCK_SIZE];

	tar_add_bytes(data, size);
	tar_add_bytes(zeros, (BLOCK_SIZE - size % BLOCK_SIZE) % BLOCK_SIZE);
}

void tar_add(const char *name, const char *text)
{
	const struct tar_header header = {.name = name};

	tar_add_header(&header, strlen(text));
	tar_add_content(text, strlen(text));
}

void tar_end(void)
{
	static const uint8_t mark[2 * BLOCK_SIZE];

	tar_add_bytes(mark, sizeof(mark));
}

const uint8_t *tar_data(void)
{
	return bytes;
}

size_t tar_size(void)
{
	return used;
}
