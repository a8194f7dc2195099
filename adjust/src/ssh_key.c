/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/ssh_key.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "ssh_wire.h"
#include "vb/base/str.h"

static const char private_label[] = "OPENSSH PRIVATE KEY";
static const char private_magic[] = "openssh-key-v1";

/* The blob of an ed25519 public key has 51 bytes; one of another type may be longer. */
enum { PUBLIC_BLOB_MAX = VB_SSH_PUBLIC_TEXT_MAX };

void vb_ssh_secret_wipe(struct vb_ssh_secret *secret)
{
	sodium_memzero(secret, sizeof(*secret));
}

static int bad_public(struct vb_error *err)
{
	return vb_error_say(err, EINVAL, "it is not of the form 'ssh-ed25519 AAAA... comment'");
}

int vb_ssh_public_parse(const char *text, struct vb_ssh_public *ret_key, struct vb_error *err)
{
	uint8_t blob[PUBLIC_BLOB_MAX];
	size_t length = strnlen(text, VB_SSH_PUBLIC_TEXT_MAX);
	const char *base64 = vb_str_after(text, "ssh-ed25519 ");
	struct vb_ssh_string string = {.data = blob};
	const char *end;

	if (length == VB_SSH_PUBLIC_TEXT_MAX)
		return vb_error_say(err, EINVAL, "it has %d bytes or more", VB_SSH_PUBLIC_TEXT_MAX);
	/* One line is one key: a second one would be ignored in silence. */
	const char *newline = strchr(text, '\n');
	if (base64 == NULL || (newline != NULL && newline[1] != '\0'))
		return bad_public(err);
	if (sodium_base642bin(blob, sizeof(blob), base64, length - (size_t)(base64 - text), NULL,
		    &string.size, &end, sodium_base64_VARIANT_ORIGINAL) < 0 ||
		(*end != '\0' && *end != ' ' && *end != '\n'))
		return bad_public(err);
	return vb_ssh_read_ed25519(&string, VB_SSH_PUBLIC_SIZE, ret_key->bytes, err);
}

void vb_ssh_fingerprint(
	const struct vb_ssh_public *key, char ret_fingerprint[VB_SSH_FINGERPRINT_SIZE])
{
	/* The blob around the key is the same for all keys. */
	static const uint8_t head[] = {0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5',
		'1', '9', 0, 0, 0, VB_SSH_PUBLIC_SIZE};
	static const char prefix[] = "SHA256:";
	uint8_t blob[sizeof(head) + VB_SSH_PUBLIC_SIZE];
	uint8_t hash[crypto_hash_sha256_BYTES];

	memcpy(blob, head, sizeof(head));
	memcpy(blob + sizeof(head), key->bytes, VB_SSH_PUBLIC_SIZE);
	crypto_hash_sha256(hash, blob, sizeof(blob));
	memcpy(ret_fingerprint, prefix, sizeof(prefix));
	sodium_bin2base64(ret_fingerprint + sizeof(prefix) - 1,
		VB_SSH_FINGERPRINT_SIZE - (sizeof(prefix) - 1), hash, sizeof(hash),
		sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

static int cut_off(struct vb_error *err)
{
	return vb_error_say(err, EINVAL, "it is cut off or damaged");
}

/* The part that would be encrypted: two equal check numbers, the key, its comment, padding. */
static int read_secret(const struct vb_ssh_string *section, const struct vb_ssh_public *outer,
	struct vb_ssh_secret *ret_secret, struct vb_error *err)
{
	struct vb_ssh_string type;
	struct vb_ssh_string public_key;
	struct vb_ssh_string secret;
	struct vb_ssh_string comment;
	struct vb_reader reader;
	uint32_t check[2];

	vb_reader_init(&reader, section->data, section->size);
	if (vb_reader_u32be(&reader, &check[0]) < 0 || vb_reader_u32be(&reader, &check[1]) < 0 ||
		check[0] != check[1] || vb_ssh_read_string(&reader, &type) < 0 ||
		!vb_ssh_string_equals(&type, "ssh-ed25519") ||
		vb_ssh_read_string(&reader, &public_key) < 0 ||
		public_key.size != VB_SSH_PUBLIC_SIZE || vb_ssh_read_string(&reader, &secret) < 0 ||
		secret.size != VB_SSH_SECRET_SIZE || vb_ssh_read_string(&reader, &comment) < 0)
		return cut_off(err);
	/* 1, 2, 3, ... up to the cipher's block size. */
	for (size_t i = 0; i < reader.left; i++)
		if (reader.data[i] != (uint8_t)(i + 1))
			return cut_off(err);
	vb_auto_ssh_secret struct vb_ssh_secret derived = {0};
	crypto_sign_seed_keypair(derived.public_key.bytes, derived.bytes, secret.data);
	/* A signature under a public key that is not the secret one's would give the secret away.
	 */
	if (sodium_memcmp(derived.bytes, secret.data, VB_SSH_SECRET_SIZE) != 0 ||
		memcmp(derived.public_key.bytes, public_key.data, VB_SSH_PUBLIC_SIZE) != 0 ||
		memcmp(derived.public_key.bytes, outer->bytes, VB_SSH_PUBLIC_SIZE) != 0)
		return vb_error_say(err, EINVAL, "its public and its private half do not match");
	*ret_secret = derived;
	return 0;
}

static int check_passphrase(const struct vb_ssh_string *cipher, const struct vb_ssh_string *kdf,
	const struct vb_ssh_string *options, struct vb_error *err)
{
	if (vb_ssh_string_equals(cipher, "none") && vb_ssh_string_equals(kdf, "none") &&
		options->size == 0)
		return 0;
	return vb_error_say(err, EACCES, "it is protected by a passphrase");
}

static int read_private(
	const uint8_t *data, size_t size, struct vb_ssh_secret *ret_secret, struct vb_error *err)
{
	struct vb_ssh_string cipher;
	struct vb_ssh_string kdf;
	struct vb_ssh_string options;
	struct vb_ssh_string blob;
	struct vb_ssh_string section;
	const uint8_t *magic;
	struct vb_ssh_public public_key;
	struct vb_reader reader;
	uint32_t count;

	vb_reader_init(&reader, data, size);
	/* The magic's NUL is part of it. */
	if (vb_reader_bytes(&reader, sizeof(private_magic), &magic) < 0 ||
		memcmp(magic, private_magic, sizeof(private_magic)) != 0 ||
		vb_ssh_read_string(&reader, &cipher) < 0 || vb_ssh_read_string(&reader, &kdf) < 0 ||
		vb_ssh_read_string(&reader, &options) < 0 || vb_reader_u32be(&reader, &count) < 0)
		return cut_off(err);
	if (count != 1)
		return vb_error_say(err, EINVAL, "it holds %u keys, not one", count);
	if (vb_ssh_read_string(&reader, &blob) < 0)
		return cut_off(err);
	int r = vb_ssh_read_ed25519(&blob, VB_SSH_PUBLIC_SIZE, public_key.bytes, err);
	if (r == 0)
		r = check_passphrase(&cipher, &kdf, &options, err);
	if (r < 0)
		return r;
	if (vb_ssh_read_string(&reader, &section) < 0 || reader.left != 0)
		return cut_off(err);
	return read_secret(&section, &public_key, ret_secret, err);
}

int vb_ssh_private_parse(
	const char *text, size_t size, struct vb_ssh_secret *ret_secret, struct vb_error *err)
{
	vb_auto_free uint8_t *data = NULL;
	size_t data_size = 0;

	if (size > VB_SSH_PRIVATE_FILE_MAX)
		return vb_error_say(
			err, EINVAL, "it has more than %d bytes", VB_SSH_PRIVATE_FILE_MAX);
	int r = vb_ssh_unarmor(text, size, private_label, &data, &data_size, err);
	if (r < 0)
		return r;
	r = read_private(data, data_size, ret_secret, err);
	sodium_memzero(data, data_size);
	return r;
}
