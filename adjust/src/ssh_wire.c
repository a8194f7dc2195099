/* SPDX-License-Identifier: Apache-2.0 */
#include "ssh_wire.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "vb/base/str.h"

/* As ssh-keygen breaks its lines. */
enum { ARMOR_COLUMNS = 70 };

static const char key_type[] = "ssh-ed25519";

int vb_ssh_read_string(struct vb_reader *reader, struct vb_ssh_string *ret_string)
{
	const struct vb_reader before = *reader;
	const uint8_t *data;
	uint32_t size;

	if (vb_reader_u32be(reader, &size) < 0)
		return -ENODATA;
	if (vb_reader_bytes(reader, size, &data) < 0) {
		*reader = before;
		return -ENODATA;
	}
	*ret_string = (struct vb_ssh_string){.data = data, .size = size};
	return 0;
}

bool vb_ssh_string_equals(const struct vb_ssh_string *string, const char *text)
{
	return string->size == strlen(text) && memcmp(string->data, text, string->size) == 0;
}

int vb_ssh_append_string(struct vb_buf *buf, const void *data, size_t size)
{
	int r = vb_buf_append_u32be(buf, (uint32_t)size);

	return r < 0 ? r : vb_buf_append(buf, data, size);
}

int vb_ssh_read_ed25519(
	const struct vb_ssh_string *blob, size_t size, uint8_t *ret_bytes, struct vb_error *err)
{
	struct vb_ssh_string type;
	struct vb_ssh_string bytes;
	struct vb_reader reader;

	vb_reader_init(&reader, blob->data, blob->size);
	if (vb_ssh_read_string(&reader, &type) < 0)
		return vb_error_say(err, EINVAL, "it is cut off");
	if (!vb_ssh_string_equals(&type, key_type))
		return vb_error_say(err, EINVAL, "it is of type '%.*s', only %s is taken",
			(int)(type.size < 64 ? type.size : 64), (const char *)type.data, key_type);
	if (vb_ssh_read_string(&reader, &bytes) < 0 || bytes.size != size || reader.left != 0)
		return vb_error_say(err, EINVAL, "it has not the length of an %s one", key_type);
	memcpy(ret_bytes, bytes.data, size);
	return 0;
}

int vb_ssh_append_ed25519(struct vb_buf *buf, const uint8_t *bytes, size_t size)
{
	int r = vb_ssh_append_string(buf, key_type, sizeof(key_type) - 1);

	return r < 0 ? r : vb_ssh_append_string(buf, bytes, size);
}

/* The text behind the line "-----<word> <label>-----", or NULL when that is not there. */
static const char *skip_line(const char *text, const char *end, const char *word, const char *label)
{
	const char *const parts[] = {"-----", word, " ", label, "-----"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(parts); i++) {
		size_t length = strlen(parts[i]);
		if ((size_t)(end - text) < length || memcmp(text, parts[i], length) != 0)
			return NULL;
		text += length;
	}
	return text;
}

static const char *skip_blanks(const char *text, const char *end)
{
	while (text < end && (*text == '\n' || *text == '\r' || *text == ' ' || *text == '\t'))
		text++;
	return text;
}

int vb_ssh_unarmor(const char *text, size_t size, const char *label, uint8_t **ret_data,
	size_t *ret_size, struct vb_error *err)
{
	const char *const end = text + size;
	const char *body = skip_line(skip_blanks(text, end), end, "BEGIN", label);
	const char *behind = NULL;
	size_t data_size = 0;

	if (body == NULL)
		return vb_error_say(
			err, EINVAL, "it does not begin with '-----BEGIN %s-----'", label);
	vb_auto_free uint8_t *data = malloc(size);
	if (data == NULL)
		return vb_error_set(err, ENOMEM, "read '%s'", label);
	/* Stops at the first character that is no base64: the `-` of the last line. */
	int r = sodium_base642bin(data, size, body, (size_t)(end - body), "\r\n", &data_size,
		&behind, sodium_base64_VARIANT_ORIGINAL);
	const char *rest = r == 0 ? skip_line(behind, end, "END", label) : NULL;
	if (rest == NULL || skip_blanks(rest, end) != end) {
		sodium_memzero(data, size);
		return vb_error_say(
			err, EINVAL, "it is not base64 up to '-----END %s-----'", label);
	}
	*ret_data = VB_STEAL(data);
	*ret_size = data_size;
	return 0;
}

static int append_armor(
	struct vb_buf *text, const char *label, const char *base64, size_t base64_size)
{
	int r = vb_buf_printf(text, "-----BEGIN %s-----\n", label);

	for (size_t at = 0; r == 0 && at < base64_size; at += ARMOR_COLUMNS)
		r = vb_buf_printf(text, "%.*s\n", ARMOR_COLUMNS, base64 + at);
	return r < 0 ? r : vb_buf_printf(text, "-----END %s-----\n", label);
}

char *vb_ssh_armor(const char *label, const uint8_t *data, size_t size)
{
	size_t base64_size = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
	vb_auto_free char *base64 = malloc(base64_size);
	vb_auto_buf struct vb_buf *text = vb_buf_create(SIZE_MAX);

	if (base64 == NULL || text == NULL)
		return NULL;
	sodium_bin2base64(base64, base64_size, data, size, sodium_base64_VARIANT_ORIGINAL);
	if (append_armor(text, label, base64, base64_size - 1) < 0)
		return NULL;
	return vb_buf_strdup(text);
}
