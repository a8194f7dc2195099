/* SPDX-License-Identifier: Apache-2.0 */
/* What a CRI server sends: the first byte says which answer it is, the rest comes in pieces. */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node_cri.h"

enum { INPUT_MAX = 1 << 20, PIECE = 7 };

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void parse(const uint8_t *message, size_t size, bool is_status)
{
	vb_auto_cri_status struct vb_cri_status status = {0};
	vb_auto_strv struct vb_strv sandboxes = {0};

	int r = is_status ? vb_cri_parse_status(message, size, &status)
			  : vb_cri_parse_sandboxes(message, size, &sandboxes);
	require(r == 0 || r == -EBADMSG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vb_auto_buf struct vb_buf *input = vb_buf_create(INPUT_MAX);
	vb_auto_buf struct vb_buf *output = vb_buf_create(INPUT_MAX);
	vb_auto_buf struct vb_buf *body = vb_buf_create(INPUT_MAX);
	struct vb_cri_answer answer = {.body = body};
	const uint8_t *message = NULL;
	size_t length = 0;
	int r = 0;

	require(input != NULL && output != NULL && body != NULL);
	if (size < 1 || size > INPUT_MAX / 4)
		return 0;
	bool is_status = (data[0] & 1) != 0;
	parse(data + 1, size - 1, is_status);
	for (size_t at = 1; r == 0 && at < size; at += PIECE) {
		require(vb_buf_append(input, data + at, size - at < PIECE ? size - at : PIECE) ==
			0);
		r = vb_cri_take_frames(&answer, input, output);
	}
	require(r == 0 || r == -ECONNRESET || r == -EBADMSG);
	if (r == 0 && vb_cri_message(&answer, &message, &length) == 0)
		parse(message, length, is_status);
	return 0;
}
