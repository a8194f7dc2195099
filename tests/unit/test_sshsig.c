/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "vb/adjust/sshsig.h"

/* Made for these tests by ssh-keygen of OpenSSH 9.2, over the text "hello". */
static const char private_key[] =
	"-----BEGIN OPENSSH PRIVATE KEY-----\n"
	"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
	"QyNTUxOQAAACAV7wnY1AokDRUKWRaNm6ZXJRJ+SIfeXWs5hd4tX40m0gAAAJh2ckDodnJA\n"
	"6AAAAAtzc2gtZWQyNTUxOQAAACAV7wnY1AokDRUKWRaNm6ZXJRJ+SIfeXWs5hd4tX40m0g\n"
	"AAAECECcBAhn8yVxmaZ0I50tjWPedxvUXkBh2LOE2HoI477xXvCdjUCiQNFQpZFo2bplcl\n"
	"En5Ih95dazmF3i1fjSbSAAAADnJlbGVhc2VAcm9ib3RzAQIDBAUGBw==\n"
	"-----END OPENSSH PRIVATE KEY-----\n";
static const char signature_sha512[] =
	"-----BEGIN SSH SIGNATURE-----\n"
	"U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgFe8J2NQKJA0VClkWjZumVyUSfk\n"
	"iH3l1rOYXeLV+NJtIAAAAPdmFtYnJhY2UtYnVuZGxlAAAAAAAAAAZzaGE1MTIAAABTAAAA\n"
	"C3NzaC1lZDI1NTE5AAAAQDyUY32IryqqPxzIV0DdAkNaPLF7MV0IgL6ScDA81Ee7nU/kuG\n"
	"qrSjjqH14Dhuv8djo9rmIfRZNrLs5oxox+iQE=\n"
	"-----END SSH SIGNATURE-----\n";
static const char signature_sha256[] =
	"-----BEGIN SSH SIGNATURE-----\n"
	"U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgFe8J2NQKJA0VClkWjZumVyUSfk\n"
	"iH3l1rOYXeLV+NJtIAAAAPdmFtYnJhY2UtYnVuZGxlAAAAAAAAAAZzaGEyNTYAAABTAAAA\n"
	"C3NzaC1lZDI1NTE5AAAAQP05ddEuj+mjPIjTAMAaGIe+mwM0iTQqGcRrCl0YRW0Mtl9b+t\n"
	"3GkR8m5IjLLHrwuiMl0DhzeZmPtt+3MDVm5wo=\n"
	"-----END SSH SIGNATURE-----\n";
static const char signature_for_files[] =
	"-----BEGIN SSH SIGNATURE-----\n"
	"U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgFe8J2NQKJA0VClkWjZumVyUSfk\n"
	"iH3l1rOYXeLV+NJtIAAAAEZmlsZQAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUx\n"
	"OQAAAEDgel2+ysfsp64QGbSTrIOHV6yQd0OSljkv16pHTB1I0ps8ST1XziOSm0J0rel6El\n"
	"GUdOtJ21/cWZUQmJUTuwYF\n"
	"-----END SSH SIGNATURE-----\n";
static const char signature_rsa[] =
	"-----BEGIN SSH SIGNATURE-----\n"
	"U1NIU0lHAAAAAQAAARcAAAAHc3NoLXJzYQAAAAMBAAEAAAEBALQVy+r/exBKIEzDjq0UoT\n"
	"M1XVN84DCeQWvFE8dfWr87hR/03A4Z+L8u68AcOYNqjQOsogEF5WU8JYJP+7seVlWCrrQg\n"
	"zASVzbELSfdordam777lheqPQEqFQYa26uZDAiKXt2WH8qgs5xZbmgepn4p1hnQjVTKoid\n"
	"s63PezHCMUV1uqhSAxHfhZxSatdXa6BmX1ZF7HdK+zcBD3skfcLr2O8o4MDrO83YaSlcwW\n"
	"Aba/7ammla2lscAZpcvrGueHcFg8VHnAqYW53G9tOdcmTYsaQvuNqlpK7GgnA4P/AOGV4W\n"
	"A72L8pspTdzlOylFOAa07ewNF/KqkFDU8Uv6uaQRkAAAAPdmFtYnJhY2UtYnVuZGxlAAAA\n"
	"AAAAAAZzaGE1MTIAAAEUAAAADHJzYS1zaGEyLTUxMgAAAQAmTV8AWv+vu7KSDPTiJP4gbq\n"
	"dHNTi+Dddw1qdVzX4N+5OMwK8rYQYCOTSXWD8xfkt2OfcniEEgMwYXjkGQ8CyCyACcnr0w\n"
	"w30kTkEHmlmamzMgMUSUDigxmcOVPWH+lQXifveZ8h+eH0zrxuw+j8om1jIkT+bFg7UC8J\n"
	"FJPuPL4NvTQf+Nqcc5Nd81CySOCwA9SO72krYboX/9vvK8f7tzoYVABki/v6Gw2QDvUoKd\n"
	"nlm8ngEPBxJLjIV79+HNd/MJUWRPjijVappQoJwnekngBIEaGSUWj1epEDfaEAvJ2uHu3n\n"
	"JkxQz8E10pfPQ1CIvX8LPWBxa0AB4djXizQu2f\n"
	"-----END SSH SIGNATURE-----\n";
static const char message[] = "hello";

enum { MESSAGE_SIZE = sizeof(message) - 1 };

static struct vb_error err;
static struct vb_sshsig signature;

static void start(void)
{
	memset(&err, 0, sizeof(err));
	memset(&signature, 0, sizeof(signature));
}

static int parse(const char *text)
{
	return vb_sshsig_parse(text, strlen(text), &signature, &err);
}

START_TEST(what_ssh_keygen_signed_is_verified)
{
	ck_assert_msg(parse(signature_sha512) == 0, "%s", err.what);
	ck_assert_int_eq(signature.hash, VB_SSHSIG_SHA512);
	ck_assert_int_eq(vb_sshsig_verify(&signature, message, MESSAGE_SIZE), 0);
	ck_assert_msg(parse(signature_sha256) == 0, "%s", err.what);
	ck_assert_int_eq(signature.hash, VB_SSHSIG_SHA256);
	ck_assert_int_eq(vb_sshsig_verify(&signature, message, MESSAGE_SIZE), 0);
}
END_TEST

START_TEST(another_message_key_or_hash_is_not)
{
	ck_assert_int_eq(parse(signature_sha512), 0);
	ck_assert_int_eq(vb_sshsig_verify(&signature, "hallo", MESSAGE_SIZE), -EBADMSG);
	ck_assert_int_eq(vb_sshsig_verify(&signature, message, MESSAGE_SIZE - 1), -EBADMSG);
	ck_assert_int_eq(vb_sshsig_verify(&signature, message, MESSAGE_SIZE + 1), -EBADMSG);
	ck_assert_int_eq(vb_sshsig_verify(&signature, "", 0), -EBADMSG);
	signature.hash = VB_SSHSIG_SHA256;
	ck_assert_int_eq(vb_sshsig_verify(&signature, message, MESSAGE_SIZE), -EBADMSG);
	signature.hash = VB_SSHSIG_SHA512;
	signature.key.bytes[0] ^= 1;
	ck_assert_int_eq(vb_sshsig_verify(&signature, message, MESSAGE_SIZE), -EBADMSG);
	signature.key.bytes[0] ^= 1;
	for (size_t i = 0; i < VB_SSHSIG_SIZE; i++) {
		signature.signature[i] ^= 0x10;
		ck_assert_int_eq(vb_sshsig_verify(&signature, message, MESSAGE_SIZE), -EBADMSG);
		signature.signature[i] ^= 0x10;
	}
	ck_assert_int_eq(vb_sshsig_verify(&signature, message, MESSAGE_SIZE), 0);
}
END_TEST

START_TEST(our_signature_is_the_one_that_ssh_keygen_makes)
{
	vb_auto_ssh_secret struct vb_ssh_secret secret;

	ck_assert_int_eq(vb_ssh_private_parse(private_key, strlen(private_key), &secret, &err), 0);
	vb_auto_free char *text = vb_sshsig_sign(&secret, message, MESSAGE_SIZE);
	ck_assert_str_eq(text, signature_sha512);
}
END_TEST

START_TEST(a_signature_cut_off_anywhere_is_refused)
{
	for (size_t size = 0; size < strlen(signature_sha512) - 1; size++) {
		ck_assert_int_eq(
			vb_sshsig_parse(signature_sha512, size, &signature, &err), -EINVAL);
		ck_assert_uint_eq(signature.key.bytes[0], 0);
	}
}
END_TEST

START_TEST(a_signature_with_any_character_changed_does_not_count)
{
	char text[sizeof(signature_sha512)];

	for (size_t i = 0; i < strlen(signature_sha512); i++) {
		memcpy(text, signature_sha512, sizeof(text));
		text[i] = text[i] == 'A' ? 'B' : 'A';
		if (parse(text) == 0)
			ck_assert_int_eq(
				vb_sshsig_verify(&signature, message, MESSAGE_SIZE), -EBADMSG);
	}
}
END_TEST

START_TEST(blank_space_around_it_does_not_matter)
{
	char text[sizeof(signature_sha512) + 8];

	(void)snprintf(text, sizeof(text), "\r\n%s\n", signature_sha512);
	ck_assert_int_eq(parse(text), 0);
}
END_TEST

#define BEGIN      "-----BEGIN SSH SIGNATURE-----\n"
#define END        "-----END SSH SIGNATURE-----\n"
#define NOT_BASE64 "it is not base64 up to '-----END SSH SIGNATURE-----'"

static const struct {
	const char *text;
	const char *why;
} bad[] = {
	{"", "it does not begin with '-----BEGIN SSH SIGNATURE-----'"},
	{"-----BEGIN PGP SIGNATURE-----\n",
		"it does not begin with '-----BEGIN SSH SIGNATURE-----'"},
	{BEGIN, NOT_BASE64},
	{BEGIN END, "it is cut off or damaged"},
	{BEGIN "AAAA\n" END "AAAA\n" END, NOT_BASE64},
	{BEGIN "A AA\n" END, NOT_BASE64},
	{BEGIN "U1NIU0lHAAAAAg==\n" END, "it is of version 2, not 1"},
	{BEGIN "U1NIU0lHAAAAAf////8=\n" END, "it is cut off or damaged"},
	{signature_for_files, "it was made for the namespace 'file', not for 'vambrace-bundle'"},
	{signature_rsa, "it is of type 'ssh-rsa', only ssh-ed25519 is taken"},
};

START_TEST(another_signature_is_refused)
{
	vb_assert_failed(parse(bad[_i].text), EINVAL, &err, bad[_i].why);
}
END_TEST

START_TEST(a_long_signature_file_is_refused)
{
	static char text[VB_SSHSIG_FILE_MAX + 2];

	memset(text, '\n', sizeof(text) - 1);
	vb_assert_failed(parse(text), EINVAL, &err, "it has more than 8192 bytes");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("sshsig");

	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, what_ssh_keygen_signed_is_verified);
	tcase_add_test(tcase, another_message_key_or_hash_is_not);
	tcase_add_test(tcase, our_signature_is_the_one_that_ssh_keygen_makes);
	tcase_add_test(tcase, a_signature_cut_off_anywhere_is_refused);
	tcase_add_test(tcase, a_signature_with_any_character_changed_does_not_count);
	tcase_add_test(tcase, blank_space_around_it_does_not_matter);
	tcase_add_loop_test(tcase, another_signature_is_refused, 0, (int)VB_ARRAY_SIZE(bad));
	tcase_add_test(tcase, a_long_signature_file_is_refused);
	return vb_unit_run("sshsig", tcase);
}
