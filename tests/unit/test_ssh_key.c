/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/ssh_key.h"

/* Made for these tests by `ssh-keygen -t ed25519`; the fingerprint is from `ssh-keygen -l`. */
#define PUBLIC "AAAAC3NzaC1lZDI1NTE5AAAAIBXvCdjUCiQNFQpZFo2bplclEn5Ih95dazmF3i1fjSbS"

static struct vb_error err;
static struct vb_ssh_public key;
static struct vb_ssh_secret secret;

static void start(void)
{
	memset(&err, 0, sizeof(err));
	memset(&key, 0, sizeof(key));
	memset(&secret, 0, sizeof(secret));
}

START_TEST(a_public_key_is_read_with_or_without_a_comment)
{
	static const char *const texts[] = {"ssh-ed25519 " PUBLIC,
		"ssh-ed25519 " PUBLIC " release@robots", "ssh-ed25519 " PUBLIC " two words\n",
		"ssh-ed25519 " PUBLIC "\n"};
	char fingerprint[VB_SSH_FINGERPRINT_SIZE];

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++) {
		memset(&key, 0, sizeof(key));
		ck_assert_int_eq(vb_ssh_public_parse(texts[i], &key, &err), 0);
		vb_ssh_fingerprint(&key, fingerprint);
		ck_assert_str_eq(fingerprint, "SHA256:KpHx5ZOaT3fvHJ24F468XdL1Ji08BQjPkx5slRhiEII");
	}
}
END_TEST

#define FORM "it is not of the form 'ssh-ed25519 AAAA... comment'"

static const struct {
	const char *text;
	const char *why;
} bad_public[] = {
	{"", FORM},
	{PUBLIC, FORM},
	{"ssh-ed25519", FORM},
	{" ssh-ed25519 " PUBLIC, FORM},
	{"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQ==", FORM},
	{"ssh-ed25519 " PUBLIC "\nssh-ed25519 " PUBLIC, FORM},
	{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5*", FORM},
	{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5A", FORM},
	{"ssh-ed25519 ", "it is cut off"},
	{"ssh-ed25519 AAAAC3NzaC1l", "it is cut off"},
	{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "it has not the length of an ssh-ed25519 one"},
	{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBXvCdjUCiQNFQpZFo2bplclEn5Ih95dazmF3i1fjSY=",
		"it has not the length of an ssh-ed25519 one"},
};

START_TEST(another_public_key_is_refused)
{
	ck_assert_int_eq(vb_ssh_public_parse(bad_public[_i].text, &key, &err), -EINVAL);
	ck_assert_str_eq(err.what, bad_public[_i].why);
	ck_assert_uint_eq(key.bytes[0], 0);
}
END_TEST

START_TEST(a_key_of_another_type_in_the_blob_is_named)
{
	/* string "ssh-rsa" behind the word ssh-ed25519 */
	ck_assert_int_eq(
		vb_ssh_public_parse("ssh-ed25519 AAAAB3NzaC1yc2EAAAAA", &key, &err), -EINVAL);
	ck_assert_str_eq(err.what, "it is of type 'ssh-rsa', only ssh-ed25519 is taken");
}
END_TEST

START_TEST(a_long_public_key_is_refused)
{
	static char text[VB_SSH_PUBLIC_TEXT_MAX + 1];

	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "ssh-ed25519 " PUBLIC " ", strlen("ssh-ed25519 " PUBLIC " "));
	text[VB_SSH_PUBLIC_TEXT_MAX - 1] = '\0';
	ck_assert_int_eq(vb_ssh_public_parse(text, &key, &err), 0);
	text[VB_SSH_PUBLIC_TEXT_MAX - 1] = 'x';
	ck_assert_int_eq(vb_ssh_public_parse(text, &key, &err), -EINVAL);
	ck_assert_str_eq(err.what, "it has 1024 bytes or more");
}
END_TEST

#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define END   "-----END OPENSSH PRIVATE KEY-----\n"

static const char private_file[] =
	BEGIN "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
	      "QyNTUxOQAAACAV7wnY1AokDRUKWRaNm6ZXJRJ+SIfeXWs5hd4tX40m0gAAAJh2ckDodnJA\n"
	      "6AAAAAtzc2gtZWQyNTUxOQAAACAV7wnY1AokDRUKWRaNm6ZXJRJ+SIfeXWs5hd4tX40m0g\n"
	      "AAAECECcBAhn8yVxmaZ0I50tjWPedxvUXkBh2LOE2HoI477xXvCdjUCiQNFQpZFo2bplcl\n"
	      "En5Ih95dazmF3i1fjSbSAAAADnJlbGVhc2VAcm9ib3RzAQIDBAUGBw==\n" END;

static int parse_private(const char *text)
{
	return vb_ssh_private_parse(text, strlen(text), &secret, &err);
}

START_TEST(a_private_key_without_a_passphrase_is_read)
{
	ck_assert_msg(parse_private(private_file) == 0, "%s", err.what);
	ck_assert_int_eq(vb_ssh_public_parse("ssh-ed25519 " PUBLIC, &key, &err), 0);
	ck_assert_mem_eq(secret.public_key.bytes, key.bytes, sizeof(key.bytes));
}
END_TEST

START_TEST(a_wiped_key_is_zero)
{
	static const struct vb_ssh_secret zero;

	ck_assert_int_eq(parse_private(private_file), 0);
	vb_ssh_secret_wipe(&secret);
	ck_assert_mem_eq(&secret, &zero, sizeof(secret));
}
END_TEST

START_TEST(a_private_key_cut_off_anywhere_is_refused)
{
	for (size_t size = 0; size < strlen(private_file) - 1; size++) {
		ck_assert_int_eq(vb_ssh_private_parse(private_file, size, &secret, &err), -EINVAL);
		ck_assert_uint_eq(secret.public_key.bytes[0], 0);
	}
}
END_TEST

START_TEST(a_private_key_with_any_byte_changed_is_refused_or_the_same_key)
{
	char text[sizeof(private_file)];
	struct vb_ssh_secret same;

	ck_assert_int_eq(parse_private(private_file), 0);
	same = secret;
	for (size_t i = 0; i < sizeof(private_file) - 1; i++) {
		memcpy(text, private_file, sizeof(text));
		text[i] = text[i] == 'A' ? 'B' : 'A';
		memset(&secret, 0, sizeof(secret));
		/* The check numbers and the comment carry nothing. */
		if (parse_private(text) == 0)
			ck_assert_mem_eq(&secret, &same, sizeof(same));
	}
}
END_TEST

static const struct {
	const char *text;
	int errnum;
	const char *why;
} bad_private[] = {
	{"", EINVAL, "it does not begin with '-----BEGIN OPENSSH PRIVATE KEY-----'"},
	{"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n",
		EINVAL, "it does not begin with '-----BEGIN OPENSSH PRIVATE KEY-----'"},
	{BEGIN END, EINVAL, "it is cut off or damaged"},
	{BEGIN "????\n" END, EINVAL, "it is not base64 up to '-----END OPENSSH PRIVATE KEY-----'"},
	{BEGIN "AAAA\n" END "more", EINVAL,
		"it is not base64 up to '-----END OPENSSH PRIVATE KEY-----'"},
	/* The head of one that `ssh-keygen -N passphrase` made. */
	{BEGIN "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABC4gwb/7N"
	       "UwXcR1cBFevdLMAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIIxqpYSXmRL9cnWy"
	       "VsWrqzksp595fyeQAkyIb7yUjjMcAAAAkJhnOl5JQHBW0B32pQEAmRFLo8+6bzhkJ/mrpf"
	       "iyvujUGd2TGCwB/M/WR1Ytfi+UP23PY5/ZVFf1xA/el+ZnqWnmnC9IUjxDrh9boRWzZgv2"
	       "lo67D32Mv7lXPa9zoFLh8wwh5v+YsrdDNNiAikQ9TJp+MUCPzwR2CSTvK9wba8gmtYwrfZ"
	       "I7GCllaO40sYxw2Q==\n" END,
		EACCES, "it is protected by a passphrase"},
};

START_TEST(another_private_key_is_refused)
{
	ck_assert_int_eq(parse_private(bad_private[_i].text), -bad_private[_i].errnum);
	ck_assert_str_eq(err.what, bad_private[_i].why);
	ck_assert_uint_eq(secret.public_key.bytes[0], 0);
}
END_TEST

START_TEST(a_long_private_key_file_is_refused)
{
	static char text[VB_SSH_PRIVATE_FILE_MAX + 2];

	memset(text, '\n', sizeof(text) - 1);
	ck_assert_int_eq(parse_private(text), -EINVAL);
	ck_assert_str_eq(err.what, "it has more than 16384 bytes");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("ssh_key");

	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, a_public_key_is_read_with_or_without_a_comment);
	tcase_add_loop_test(
		tcase, another_public_key_is_refused, 0, (int)VB_ARRAY_SIZE(bad_public));
	tcase_add_test(tcase, a_key_of_another_type_in_the_blob_is_named);
	tcase_add_test(tcase, a_long_public_key_is_refused);
	tcase_add_test(tcase, a_private_key_without_a_passphrase_is_read);
	tcase_add_test(tcase, a_wiped_key_is_zero);
	tcase_add_test(tcase, a_private_key_cut_off_anywhere_is_refused);
	tcase_add_test(tcase, a_private_key_with_any_byte_changed_is_refused_or_the_same_key);
	tcase_add_loop_test(
		tcase, another_private_key_is_refused, 0, (int)VB_ARRAY_SIZE(bad_private));
	tcase_add_test(tcase, a_long_private_key_file_is_refused);
	return vb_unit_run("ssh_key", tcase);
}
