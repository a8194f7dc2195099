/* SPDX-License-Identifier: Apache-2.0 */
/* A detached signature: what is read verifies or does not, and nothing else happens. */
#include <errno.h>

#include "fuzz_adjust.h"
#include "vb/adjust/sshsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vb_sshsig signature;
	struct vb_error err;

	int r = vb_sshsig_parse((const char *)data, size, &signature, &err);
	if (r < 0) {
		fuzz_check_error(r, &err);
		fuzz_require(r == -EINVAL);
		return 0;
	}
	r = vb_sshsig_verify(&signature, "hello", 5);
	fuzz_require(r == 0 || r == -EBADMSG);
	return 0;
}
