/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_one_text.h"

#include <stdlib.h>
#include <string.h>

static char *recall(void *context, const char *key)
{
	struct one_text *one = context;

	if (one->text == NULL || strcmp(one->key, key) != 0)
		return NULL;
	one->recalled++;
	return strdup(one->text);
}

static void keep(void *context, const char *key, const char *text)
{
	struct one_text *one = context;

	free(one->text);
	one->text = strdup(text);
	memcpy(one->key, key, sizeof(one->key));
	one->kept++;
}

struct vb_oci_memory one_text_memory(struct one_text *one)
{
	return (struct vb_oci_memory){.recall = recall, .keep = keep, .context = one};
}
