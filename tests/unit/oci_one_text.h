/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_OCI_ONE_TEXT_H
#define VB_TESTS_UNIT_OCI_ONE_TEXT_H

#include "vb/adjust/oci_apply.h"

/* A fake memory of one text, in place of the hook's files; whoever has it frees the text. */
struct one_text {
	char key[VB_DIGEST_SIZE];
	char *text;
	unsigned int recalled;
	unsigned int kept;
};

struct vb_oci_memory one_text_memory(struct one_text *one);

#endif
