/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/sshsig.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "ssh_wire.h"

/* PROTOCOL.sshsig: "SSHSIG" without a NUL, in the file and in front of what is signed. */
static const char magic[] = "SSHSIG";
static const char label[] = "SSH SIGNATURE";

enum {
	MAGIC_SIZE = sizeof(magic) - 1,
	VERSION = 1,
	/* What is signed: magic, namespace, nothing, name of the hash, hash. */
	SIGNED_MAX = 256,
	BLOB_MAX = 512,
};

static const char *const hash_names[] = {
	[VB_SSHSIG_SHA512] = "sha512",
	[VB_SSHSIG_SHA256] = "sha256",
};

static int damaged(struct vb_error *err)
{
	return vb_error_say(err, EINVAL, "it is cut off or damaged");
}

static int read_hash(
	const struct vb_ssh_string *name, enum vb_sshsig_hash *ret_hash, struct vb_error *err)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(hash_names); i++)
		if (vb_ssh_string_equals(name, hash_names[i])) {
			*ret_hash = (enum vb_sshsig_hash)i;
			return 0;
		}
	return vb_error_say(err, EINVAL, "its hash is neither sha512 nor sha256");
}

static int check_namespace(const struct vb_ssh_string *name, struct vb_error *err)
{
	if (vb_ssh_string_equals(name, VB_SSHSIG_NAMESPACE))
		return 0;
	return vb_error_say(err, EINVAL, "it was made for the namespace '%.*s', not for '%s'",
		(int)(name->size < 64 ? name->size : 64), (const char *)name->data,
		VB_SSHSIG_NAMESPACE);
}

static int read_head(struct vb_reader *reader, struct vb_error *err)
{
	const uint8_t *bytes;
	uint32_t version;

	if (vb_reader_bytes(reader, MAGIC_SIZE, &bytes) < 0 ||
		memcmp(bytes, magic, MAGIC_SIZE) != 0 || vb_reader_u32be(reader, &version) < 0)
		return damaged(err);
	if (version != VERSION)
		return vb_error_say(err, EINVAL, "it is of version %u, not 1", version);
	return 0;
}

static int read_blob(
	const uint8_t *data, size_t size, struct vb_sshsig *ret_signature, struct vb_error *err)
{
	struct vb_ssh_string key_blob;
	struct vb_ssh_string name;
	struct vb_ssh_string reserved;
	struct vb_ssh_string hash;
	struct vb_ssh_string signature_blob;
	struct vb_reader reader;

	vb_reader_init(&reader, data, size);
	int r = read_head(&reader, err);
	if (r < 0)
		return r;
	if (vb_ssh_read_string(&reader, &key_blob) < 0 || vb_ssh_read_string(&reader, &name) < 0 ||
		vb_ssh_read_string(&reader, &reserved) < 0 || reserved.size != 0 ||
		vb_ssh_read_string(&reader, &hash) < 0 ||
		vb_ssh_read_string(&reader, &signature_blob) < 0 || reader.left != 0)
		return damaged(err);
	r = vb_ssh_read_ed25519(&key_blob, VB_SSH_PUBLIC_SIZE, ret_signature->key.bytes, err);
	if (r == 0)
		r = vb_ssh_read_ed25519(
			&signature_blob, VB_SSHSIG_SIZE, ret_signature->signature, err);
	if (r == 0)
		r = check_namespace(&name, err);
	if (r == 0)
		r = read_hash(&hash, &ret_signature->hash, err);
	return r;
}

int vb_sshsig_parse(
	const char *text, size_t size, struct vb_sshsig *ret_signature, struct vb_error *err)
{
	vb_auto_free uint8_t *data = NULL;
	struct vb_sshsig signature;
	size_t data_size = 0;

	if (size > VB_SSHSIG_FILE_MAX)
		return vb_error_say(err, EINVAL, "it has more than %d bytes", VB_SSHSIG_FILE_MAX);
	int r = vb_ssh_unarmor(text, size, label, &data, &data_size, err);
	if (r == 0)
		r = read_blob(data, data_size, &signature, err);
	if (r == 0)
		*ret_signature = signature;
	return r;
}

/* Not over the message itself but over this; at most SIGNED_MAX bytes. */
static int build_signed(
	struct vb_buf *out, enum vb_sshsig_hash hash, const void *message, size_t size)
{
	uint8_t digest[crypto_hash_sha512_BYTES];
	size_t digest_size = crypto_hash_sha512_BYTES;

	if (hash == VB_SSHSIG_SHA512) {
		crypto_hash_sha512(digest, message, size);
	} else {
		crypto_hash_sha256(digest, message, size);
		digest_size = crypto_hash_sha256_BYTES;
	}
	int r = vb_buf_append(out, magic, MAGIC_SIZE);
	if (r == 0)
		r = vb_ssh_append_string(out, VB_SSHSIG_NAMESPACE, sizeof(VB_SSHSIG_NAMESPACE) - 1);
	if (r == 0)
		r = vb_ssh_append_string(out, "", 0);
	if (r == 0)
		r = vb_ssh_append_string(out, hash_names[hash], strlen(hash_names[hash]));
	return r < 0 ? r : vb_ssh_append_string(out, digest, digest_size);
}

int vb_sshsig_verify(const struct vb_sshsig *signature, const void *message, size_t size)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(SIGNED_MAX);

	if (text == NULL || build_signed(text, signature->hash, message, size) < 0)
		return -ENOMEM;
	return crypto_sign_verify_detached(signature->signature, vb_buf_data(text),
		       vb_buf_size(text), signature->key.bytes) == 0
		       ? 0
		       : -EBADMSG;
}

static int append_blob(struct vb_buf *out, const struct vb_ssh_public *key,
	const uint8_t signature[VB_SSHSIG_SIZE])
{
	vb_auto_buf struct vb_buf *key_blob = vb_buf_create(SIGNED_MAX);
	vb_auto_buf struct vb_buf *signature_blob = vb_buf_create(SIGNED_MAX);

	if (key_blob == NULL || signature_blob == NULL ||
		vb_ssh_append_ed25519(key_blob, key->bytes, VB_SSH_PUBLIC_SIZE) < 0 ||
		vb_ssh_append_ed25519(signature_blob, signature, VB_SSHSIG_SIZE) < 0 ||
		vb_buf_append(out, magic, MAGIC_SIZE) < 0 ||
		vb_buf_append_u32be(out, VERSION) < 0 ||
		vb_ssh_append_string(out, vb_buf_data(key_blob), vb_buf_size(key_blob)) < 0 ||
		vb_ssh_append_string(out, VB_SSHSIG_NAMESPACE, sizeof(VB_SSHSIG_NAMESPACE) - 1) <
			0 ||
		vb_ssh_append_string(out, "", 0) < 0 ||
		vb_ssh_append_string(out, hash_names[VB_SSHSIG_SHA512],
			strlen(hash_names[VB_SSHSIG_SHA512])) < 0)
		return -ENOMEM;
	return vb_ssh_append_string(out, vb_buf_data(signature_blob), vb_buf_size(signature_blob));
}

char *vb_sshsig_sign(const struct vb_ssh_secret *secret, const void *message, size_t size)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(SIGNED_MAX);
	vb_auto_buf struct vb_buf *blob = vb_buf_create(BLOB_MAX);
	uint8_t signature[VB_SSHSIG_SIZE];

	if (text == NULL || blob == NULL || build_signed(text, VB_SSHSIG_SHA512, message, size) < 0)
		return NULL;
	crypto_sign_detached(signature, NULL, vb_buf_data(text), vb_buf_size(text), secret->bytes);
	if (append_blob(blob, &secret->public_key, signature) < 0)
		return NULL;
	return vb_ssh_armor(label, vb_buf_data(blob), vb_buf_size(blob));
}
