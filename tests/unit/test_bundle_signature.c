/* SPDX-License-Identifier: Apache-2.0 */
/* Whose bundles a node takes. */
#include <errno.h>
#include <string.h>

#include "bundle_support.h"
#include "tar_maker.h"
#include "unit.h"
#include "vb/adjust/bundle_store.h"
#include "vb/adjust/bundle_trust.h"
#include "vb/adjust/sshsig.h"

static struct vb_error err;
static struct vb_bundle_store *store;
static const struct vb_bundle *bundle;

/* Two signers; keys as they stand in a node config. */
static struct vb_ssh_secret secrets[2];
static const char private_keys[2][512] = {
	"-----BEGIN OPENSSH PRIVATE KEY-----\n"
	"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
	"QyNTUxOQAAACAV7wnY1AokDRUKWRaNm6ZXJRJ+SIfeXWs5hd4tX40m0gAAAJh2ckDodnJA\n"
	"6AAAAAtzc2gtZWQyNTUxOQAAACAV7wnY1AokDRUKWRaNm6ZXJRJ+SIfeXWs5hd4tX40m0g\n"
	"AAAECECcBAhn8yVxmaZ0I50tjWPedxvUXkBh2LOE2HoI477xXvCdjUCiQNFQpZFo2bplcl\n"
	"En5Ih95dazmF3i1fjSbSAAAADnJlbGVhc2VAcm9ib3RzAQIDBAUGBw==\n"
	"-----END OPENSSH PRIVATE KEY-----\n",
	"-----BEGIN OPENSSH PRIVATE KEY-----\n"
	"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
	"QyNTUxOQAAACB2io+s07wzq4Vzl6JEVPMyEj34mtnSfJGdFiwBM+PzyAAAAJA79k2mO/ZN\n"
	"pgAAAAtzc2gtZWQyNTUxOQAAACB2io+s07wzq4Vzl6JEVPMyEj34mtnSfJGdFiwBM+PzyA\n"
	"AAAEDxxBoWGyaU9GwV2iXdoTs5riS3MAA8w+5DtAMaVNYBqnaKj6zTvDOrhXOXokRU8zIS\n"
	"Pfia2dJ8kZ0WLAEz4/PIAAAABnNlY29uZAECAwQFBgc=\n"
	"-----END OPENSSH PRIVATE KEY-----\n"};
static const char *const public_keys[2] = {
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBXvCdjUCiQNFQpZFo2bplclEn5Ih95dazmF3i1fjSbS "
	"release@robots",
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHaKj6zTvDOrhXOXokRU8zISPfia2dJ8kZ0WLAEz4/PI second"};

static void trust(int first, int second, bool require_signature)
{
	vb_auto_strv struct vb_strv keys = {0};

	if (first >= 0)
		ck_assert_int_eq(vb_strv_add(&keys, public_keys[first]), 0);
	if (second >= 0)
		ck_assert_int_eq(vb_strv_add(&keys, public_keys[second]), 0);
	ck_assert_int_eq(vb_bundle_store_trust(store, &keys, require_signature, &err), 0);
}

static void start(void)
{
	bundle = NULL;
	memset(&err, 0, sizeof(err));
	for (size_t i = 0; i < VB_ARRAY_SIZE(secrets); i++)
		ck_assert_int_eq(vb_ssh_private_parse(private_keys[i], strlen(private_keys[i]),
					 &secrets[i], &err),
			0);
	store = bundle_start_store();
	vb_bundle_store_accept_any_owner(store);
}

static void finish(void)
{
	bundle_finish_store(store);
}

static void sign(const char *path, int key, const void *data, size_t size)
{
	vb_auto_free char *text = vb_sshsig_sign(&secrets[key], data, size);

	ck_assert_ptr_nonnull(text);
	bundle_write(path, text, strlen(text));
}

static void install_signed(int key, const char *manifest)
{
	bundle_install("first", "arm", manifest);
	sign("first/arm/manifest.json.sig", key, manifest, strlen(manifest));
}

static int get(void)
{
	return vb_bundle_store_get(store, "arm", NULL, &bundle, &err);
}

static void assert_taken(const char *version, enum vb_bundle_signature signature)
{
	ck_assert_msg(get() == 0, "%s", err.what);
	ck_assert_str_eq(bundle->version, version);
	ck_assert_int_eq(bundle->signature, signature);
}

static void assert_refused(const char *text)
{
	vb_assert_refused(get(), &err, text);
}

#define UNSIGNED                                                                                   \
	"ErrBundleSignature: bundle 'arm' has no signature, and this node requires one: sign it "  \
	"with 'vambrace bundle sign --key KEY first/arm' and install the .sig file beside it"
#define FORGED                                                                                     \
	"ErrBundleSignature: the signature of bundle 'arm' does not match what is there: if the "  \
	"change is yours, sign it again with 'vambrace bundle sign --key KEY first/arm'"

START_TEST(without_trusted_keys_nobody_looks)
{
	install_signed(0, MANIFEST("1"));
	bundle_write("first/arm/manifest.json.sig", "noise", 5);
	assert_taken("1", VB_BUNDLE_UNCHECKED);
}
END_TEST

START_TEST(a_signature_of_a_trusted_key_is_good)
{
	trust(0, -1, true);
	install_signed(0, MANIFEST("1"));
	assert_taken("1", VB_BUNDLE_SIGNED);
	/* From what is kept. */
	assert_taken("1", VB_BUNDLE_SIGNED);
}
END_TEST

START_TEST(a_missing_signature_is_refused_only_where_it_is_required)
{
	bundle_install("first", "arm", MANIFEST("1"));
	trust(0, -1, false);
	assert_taken("1", VB_BUNDLE_UNSIGNED);
	trust(0, -1, true);
	assert_refused(UNSIGNED);
}
END_TEST

START_TEST(a_bad_signature_is_refused_even_where_none_is_required)
{
	trust(0, -1, false);
	install_signed(0, MANIFEST("1"));
	bundle_install("first", "arm", MANIFEST("2"));
	assert_refused(FORGED);
}
END_TEST

START_TEST(a_stranger_s_signature_is_refused_naming_the_key)
{
	trust(0, -1, false);
	install_signed(1, MANIFEST("1"));
	assert_refused("ErrBundleSignature: bundle 'arm' is signed by key "
		       "SHA256:LwkU782W6weIC6foGYGiu+A/NwX4sdDOWYAtiO7oruk, which "
		       "this node does not trust: sign it with a key of trusted_keys, or add this "
		       "one to them");
}
END_TEST

START_TEST(keys_are_rotated_by_trusting_two)
{
	install_signed(0, MANIFEST("1"));
	trust(0, 1, true);
	assert_taken("1", VB_BUNDLE_SIGNED);
	install_signed(1, MANIFEST("1"));
	assert_taken("1", VB_BUNDLE_SIGNED);
	trust(1, -1, true);
	assert_taken("1", VB_BUNDLE_SIGNED);
	install_signed(0, MANIFEST("1"));
	ck_assert_int_eq(get(), -EPERM);
	ck_assert_str_eq(err.code, "ErrBundleSignature");
}
END_TEST

START_TEST(other_keys_forget_what_the_former_ones_took)
{
	install_signed(0, MANIFEST("1"));
	trust(0, -1, true);
	assert_taken("1", VB_BUNDLE_SIGNED);
	trust(1, -1, true);
	ck_assert_int_eq(get(), -EPERM);
	ck_assert_str_eq(err.code, "ErrBundleSignature");
}
END_TEST

START_TEST(a_forged_update_has_no_last_good_version)
{
	trust(0, -1, true);
	install_signed(0, MANIFEST("1"));
	assert_taken("1", VB_BUNDLE_SIGNED);
	bundle_install("first", "arm", MANIFEST("2"));
	assert_refused(FORGED);
	ck_assert_ptr_null(vb_bundle_store_warning(store));
	/* One that is signed but does not parse has. */
	bundle_install("first", "arm", MANIFEST("1"));
	assert_taken("1", VB_BUNDLE_SIGNED);
	install_signed(0, "{");
	assert_taken("1", VB_BUNDLE_SIGNED);
	ck_assert_ptr_nonnull(vb_bundle_store_warning(store));
}
END_TEST

START_TEST(a_signature_that_goes_away_is_seen)
{
	trust(0, -1, true);
	install_signed(0, MANIFEST("1"));
	assert_taken("1", VB_BUNDLE_SIGNED);
	ck_assert_int_eq(unlink("first/arm/manifest.json.sig"), 0);
	assert_refused(UNSIGNED);
	install_signed(0, MANIFEST("1"));
	assert_taken("1", VB_BUNDLE_SIGNED);
}
END_TEST

START_TEST(an_unreadable_signature_is_refused_saying_why)
{
	static char long_text[VB_SSHSIG_FILE_MAX + 1];

	trust(0, -1, false);
	bundle_install("first", "arm", MANIFEST("1"));
	bundle_write("first/arm/manifest.json.sig", "", 0);
	assert_refused("ErrBundleSignature: signature of bundle 'arm': it does not begin with "
		       "'-----BEGIN SSH SIGNATURE-----': sign it again with 'vambrace bundle sign "
		       "--key KEY first/arm', or with ssh-keygen -Y sign -n vambrace-bundle");
	bundle_write("first/arm/manifest.json.sig", long_text, sizeof(long_text));
	assert_refused("ErrBundleSignature: bundle 'arm' in first: 'the signature' has 8193 bytes, "
		       "at most 8192 are read: put the file there that 'vambrace bundle sign' "
		       "writes");
}
END_TEST

START_TEST(a_tar_is_signed_as_a_whole)
{
	trust(0, -1, true);
	bundle_install_tar("first", "arm", MANIFEST("1"));
	assert_refused("ErrBundleSignature: bundle 'arm' has no signature, and this node requires "
		       "one: sign it with 'vambrace bundle sign --key KEY first/arm.tar' and "
		       "install the .sig file beside it");
	sign("first/arm.tar.sig", 0, tar_data(), tar_size());
	assert_taken("1", VB_BUNDLE_SIGNED);
	/* Another member, of no use to anyone. */
	tar_begin();
	tar_add("./manifest.json", MANIFEST("1"));
	tar_add("policies/p", "x");
	tar_end();
	bundle_install_made_tar("first", "arm");
	ck_assert_int_eq(get(), -EPERM);
	ck_assert_str_eq(err.code, "ErrBundleSignature");
}
END_TEST

START_TEST(a_key_that_is_none_leaves_the_former_ones)
{
	vb_auto_strv struct vb_strv keys = {0};

	trust(0, -1, true);
	ck_assert_int_eq(vb_strv_add(&keys, "ssh-rsa AAAA"), 0);
	ck_assert_int_eq(vb_bundle_store_trust(store, &keys, false, &err), -EINVAL);
	bundle_install("first", "arm", MANIFEST("1"));
	assert_refused(UNSIGNED);
}
END_TEST

#define PROFILE "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}"

static int get_profile(void)
{
	vb_auto_custom_profile struct vb_custom_profile *profile = NULL;

	ck_assert_msg(get() == 0, "%s", err.what);
	return vb_bundle_store_profile(store, bundle, "camera", &profile, &err);
}

START_TEST(a_signed_manifest_must_bind_its_profiles)
{
	char digest[VB_DIGEST_SIZE];
	char text[512];

	vb_digest(PROFILE, strlen(PROFILE), digest);
	bundle_write("first/arm/profiles/camera.json", PROFILE, strlen(PROFILE));
	install_signed(0, MANIFEST("1"));
	ck_assert_int_eq(get_profile(), 0);
	trust(0, -1, false);
	(void)snprintf(text, sizeof(text),
		"ErrBundleSignature: profile 'camera' is not covered by the signature of bundle "
		"'arm': add \"profiles\": {\"camera\": \"%s\"} to manifest.json, or pack the "
		"bundle, "
		"and sign again",
		digest);
	vb_assert_refused(get_profile(), &err, text);
	(void)snprintf(text, sizeof(text),
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\","
		"\"version\":\"1\",\"profiles\":{\"camera\":\"%s\"}}",
		digest);
	install_signed(0, text);
	ck_assert_msg(get_profile() == 0, "%s", err.what);
}
END_TEST

START_TEST(a_profile_that_the_manifest_binds_cannot_be_another)
{
	static const char manifest[] =
		"{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\","
		"\"version\":\"1\",\"profiles\":{\"camera\":\"sha256:"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}}";
	char digest[VB_DIGEST_SIZE];
	char text[512];

	vb_digest(PROFILE, strlen(PROFILE), digest);
	bundle_write("first/arm/profiles/camera.json", PROFILE, strlen(PROFILE));
	bundle_install("first", "arm", manifest);
	(void)snprintf(text, sizeof(text),
		"ErrBundleDigest: profile 'camera' of bundle 'arm' has digest %s, the manifest "
		"says "
		"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef: install "
		"the right file, or correct the manifest",
		digest);
	vb_assert_refused(get_profile(), &err, text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("bundle_signature");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, without_trusted_keys_nobody_looks);
	tcase_add_test(tcase, a_signature_of_a_trusted_key_is_good);
	tcase_add_test(tcase, a_missing_signature_is_refused_only_where_it_is_required);
	tcase_add_test(tcase, a_bad_signature_is_refused_even_where_none_is_required);
	tcase_add_test(tcase, a_stranger_s_signature_is_refused_naming_the_key);
	tcase_add_test(tcase, keys_are_rotated_by_trusting_two);
	tcase_add_test(tcase, other_keys_forget_what_the_former_ones_took);
	tcase_add_test(tcase, a_forged_update_has_no_last_good_version);
	tcase_add_test(tcase, a_signature_that_goes_away_is_seen);
	tcase_add_test(tcase, an_unreadable_signature_is_refused_saying_why);
	tcase_add_test(tcase, a_tar_is_signed_as_a_whole);
	tcase_add_test(tcase, a_key_that_is_none_leaves_the_former_ones);
	tcase_add_test(tcase, a_signed_manifest_must_bind_its_profiles);
	tcase_add_test(tcase, a_profile_that_the_manifest_binds_cannot_be_another);
	return vb_unit_run("bundle_signature", tcase);
}
