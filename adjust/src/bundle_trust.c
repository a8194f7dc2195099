/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/bundle_trust.h"

#include <errno.h>
#include <string.h>

#include "vb/adjust/codes.h"
#include "vb/adjust/sshsig.h"

void vb_bundle_trust_finish(struct vb_bundle_trust *trust)
{
	free(trust->keys);
}

int vb_bundle_trust_init(struct vb_bundle_trust *ret_trust, const struct vb_strv *keys,
	bool require_signature, struct vb_error *err)
{
	vb_auto_bundle_trust struct vb_bundle_trust trust = {
		.keys = calloc(keys->count + 1, sizeof(*trust.keys)),
		.count = keys->count,
		.require_signature = require_signature};

	if (trust.keys == NULL)
		return vb_error_set(err, ENOMEM, "read the trusted keys");
	for (size_t i = 0; i < keys->count; i++) {
		int r = vb_ssh_public_parse(keys->items[i], &trust.keys[i], err);
		if (r < 0)
			return vb_error_wrap(err, "trusted key %zu", i + 1);
	}
	*ret_trust = trust;
	trust = (struct vb_bundle_trust){0};
	return 0;
}

static bool is_trusted(const struct vb_bundle_trust *trust, const struct vb_ssh_public *key)
{
	for (size_t i = 0; i < trust->count; i++)
		if (memcmp(trust->keys[i].bytes, key->bytes, sizeof(key->bytes)) == 0)
			return true;
	return false;
}

static int refuse_unsigned(const struct vb_bundle_signed *what, struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_BUNDLE_SIGNATURE,
		"bundle '%s' has no signature, and this node requires one", what->name);
	return vb_error_fix(err,
		"sign it with 'vambrace bundle sign --key KEY %.200s' and install "
		"the .sig file beside it",
		what->sign_it);
}

static int refuse_unreadable(const struct vb_bundle_signed *what, struct vb_error *err)
{
	if (err != NULL) {
		err->errnum = EPERM;
		err->code = VB_CODE_BUNDLE_SIGNATURE;
	}
	(void)vb_error_fix(err,
		"sign it again with 'vambrace bundle sign --key KEY %.200s', or "
		"with ssh-keygen -Y sign -n " VB_SSHSIG_NAMESPACE,
		what->sign_it);
	return vb_error_wrap(err, "signature of bundle '%s'", what->name);
}

static int refuse_stranger(
	const struct vb_bundle_signed *what, const struct vb_ssh_public *key, struct vb_error *err)
{
	char fingerprint[VB_SSH_FINGERPRINT_SIZE];

	vb_ssh_fingerprint(key, fingerprint);
	(void)vb_error_refuse(err, VB_CODE_BUNDLE_SIGNATURE,
		"bundle '%s' is signed by key %s, which this node does not trust", what->name,
		fingerprint);
	return vb_error_fix(err, "sign it with a key of trusted_keys, or add this one to them");
}

static int refuse_forged(const struct vb_bundle_signed *what, struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_BUNDLE_SIGNATURE,
		"the signature of bundle '%s' does not match what is there", what->name);
	return vb_error_fix(err,
		"if the change is yours, sign it again with 'vambrace bundle sign --key KEY "
		"%.200s'",
		what->sign_it);
}

int vb_bundle_trust_check(const struct vb_bundle_trust *trust, const struct vb_bundle_signed *what,
	enum vb_bundle_signature *ret_state, char ret_signer[VB_SSH_FINGERPRINT_SIZE],
	struct vb_error *err)
{
	struct vb_sshsig signature;

	if (what->signature == NULL && trust->require_signature)
		return refuse_unsigned(what, err);
	if (what->signature == NULL || trust->count == 0) {
		*ret_state = trust->count == 0 ? VB_BUNDLE_UNCHECKED : VB_BUNDLE_UNSIGNED;
		return 0;
	}
	int r = vb_sshsig_parse(what->signature, what->signature_size, &signature, err);
	if (r < 0)
		return r == -ENOMEM ? r : refuse_unreadable(what, err);
	if (!is_trusted(trust, &signature.key))
		return refuse_stranger(what, &signature.key, err);
	r = vb_sshsig_verify(&signature, what->data, what->size);
	if (r < 0)
		return r == -ENOMEM ? vb_error_set(err, ENOMEM, "check a signature")
				    : refuse_forged(what, err);
	*ret_state = VB_BUNDLE_SIGNED;
	if (ret_signer != NULL)
		vb_ssh_fingerprint(&signature.key, ret_signer);
	return 0;
}
