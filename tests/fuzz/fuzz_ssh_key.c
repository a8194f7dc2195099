/* SPDX-License-Identifier: Apache-2.0 */
/* Key files, private and public: a private key that is taken signs what its public one verifies. */
#include <errno.h>

#include "fuzz_adjust.h"
#include "vb/adjust/sshsig.h"

static void read_public(const uint8_t *data, size_t size)
{
	vb_auto_free char *text = strndup((const char *)data, size);
	struct vb_ssh_public key;
	struct vb_error err;

	fuzz_require(text != NULL);
	int r = vb_ssh_public_parse(text, &key, &err);
	if (r < 0)
		fuzz_check_error(r, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vb_auto_ssh_secret struct vb_ssh_secret secret = {0};
	struct vb_sshsig signature;
	struct vb_error err;

	read_public(data, size);
	int r = vb_ssh_private_parse((const char *)data, size, &secret, &err);
	if (r < 0) {
		fuzz_check_error(r, &err);
		fuzz_require(r == -EINVAL || r == -EACCES);
		return 0;
	}
	vb_auto_free char *text = vb_sshsig_sign(&secret, data, size);
	fuzz_require(text != NULL);
	fuzz_require(vb_sshsig_parse(text, strlen(text), &signature, &err) == 0);
	fuzz_require(vb_sshsig_verify(&signature, data, size) == 0);
	return 0;
}
