/* SPDX-License-Identifier: Apache-2.0 */
/* A program file of an image, looked at for both architectures. */
#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vb/adjust/oci_program.h"

struct input {
	const uint8_t *data;
	size_t size;
};

static int read_input(void *context, uint64_t offset, void *buffer, size_t size)
{
	const struct input *input = context;

	if (offset >= input->size)
		return 0;
	size_t left = input->size - (size_t)offset;
	size_t n = size < left ? size : left;
	memcpy(buffer, input->data + offset, n);
	return (int)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned int machines[] = {EM_X86_64, EM_AARCH64};
	struct input input = {.data = data, .size = size};

	for (size_t i = 0; i < 2; i++) {
		struct vb_oci_program program;
		if (vb_oci_program_inspect(read_input, &input, machines[i], &program) != 0)
			abort();
		bool names = program.kind == VB_OCI_PROGRAM_DYNAMIC ||
			     program.kind == VB_OCI_PROGRAM_SCRIPT ||
			     program.kind == VB_OCI_PROGRAM_GO;
		/* A loader's name may begin with the NUL that ends it, nothing else may be empty.
		 */
		if (!names && program.interpreter[0] != '\0')
			abort();
		if (program.kind == VB_OCI_PROGRAM_SCRIPT && program.interpreter[0] == '\0')
			abort();
	}
	return 0;
}
