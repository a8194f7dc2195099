/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "bundle_support.h"
#include "unit.h"
#include "vb/adjust/supply.h"
#include "vb/base/str.h"

static struct vb_error err;
static struct vb_config config;
static struct vb_request request;
static struct vb_bundle_store *store;

/* Updates `arm` ahead of that lookup; 0: never. */
static unsigned int update_before;
static unsigned int lookups;

// NOLINTBEGIN(readability-identifier-naming): the linker chooses these names.
int __real_vb_bundle_store_get(struct vb_bundle_store *in, const char *name,
	const struct vb_bundle_pin *pin, const struct vb_bundle **ret_bundle,
	struct vb_error *ret_err);
int __wrap_vb_bundle_store_get(struct vb_bundle_store *in, const char *name,
	const struct vb_bundle_pin *pin, const struct vb_bundle **ret_bundle,
	struct vb_error *ret_err);

int __wrap_vb_bundle_store_get(struct vb_bundle_store *in, const char *name,
	const struct vb_bundle_pin *pin, const struct vb_bundle **ret_bundle,
	struct vb_error *ret_err)
{
	if (++lookups == update_before)
		bundle_install("first", "arm", MANIFEST("2"));
	return __real_vb_bundle_store_get(in, name, pin, ret_bundle, ret_err);
}
// NOLINTEND(readability-identifier-naming)

static void start(void)
{
	memset(&err, 0, sizeof(err));
	config = (struct vb_config){0};
	request = (struct vb_request){0};
	lookups = 0;
	update_before = 0;
	store = bundle_start_store();
	vb_bundle_store_accept_any_owner(store);
	bundle_install("first", "arm", MANIFEST("1"));
}

static void finish(void)
{
	vb_request_finish(&request);
	vb_config_finish(&config);
	bundle_finish_store(store);
}

/* A rule of the namespace with `arm` for its floor and these words. */
static void rule(const char *pin, const char *more)
{
	vb_auto_free char *text = vb_str_format(
		"{\"rules\":[{\"namespaces\":[\"robots\"],\"floor\":\"arm%s\"%s}]}", pin, more);

	ck_assert_ptr_nonnull(text);
	ck_assert_msg(vb_config_parse(text, strlen(text), &config, &err) == 0, "%s", err.what);
}

static int gather(struct vb_supply *ret_supply)
{
	const struct vb_stores stores = {.bundles = store};
	const struct vb_supply_question question = {"robots", &request};

	return vb_supply_gather(&stores, &config, &question, NULL, ret_supply, &err);
}

static void digest_of(const char *manifest, char digest[VB_DIGEST_SIZE])
{
	vb_digest(manifest, strlen(manifest), digest);
}

START_TEST(a_floor_that_is_the_pods_bundle_too_is_of_the_same_version)
{
	struct vb_supply supply = {0};

	rule("", ",\"default\":\"arm\"");
	update_before = 2;
	ck_assert_msg(gather(&supply) == 0, "%s", err.what);
	ck_assert_ptr_eq(supply.floor, supply.bundle);
	ck_assert_str_eq(supply.floor->version, "2");
	vb_supply_finish(&supply);
}
END_TEST

START_TEST(an_update_between_the_lookups_does_not_get_round_the_floors_pin)
{
	char pinned[VB_DIGEST_SIZE];
	char updated[VB_DIGEST_SIZE];
	char pin[VB_DIGEST_SIZE + 1];
	struct vb_supply supply = {0};

	digest_of(MANIFEST("1"), pinned);
	digest_of(MANIFEST("2"), updated);
	(void)snprintf(pin, sizeof(pin), "@%s", pinned);
	rule(pin, ",\"default\":\"arm\"");
	update_before = 2;
	vb_auto_free char *refusal = vb_str_format(
		"ErrBundleDigest: floor of namespace 'robots': bundle 'arm' on this node has "
		"digest %s, the node's rule pins %s: install the pinned version, or correct the "
		"node's rules",
		updated, pinned);
	vb_assert_refused(gather(&supply), &err, refusal);
	ck_assert_uint_eq(lookups, 2);
	ck_assert_ptr_null(supply.floor);
}
END_TEST

START_TEST(a_floor_alone_is_looked_up_once)
{
	struct vb_supply supply = {0};

	rule("", "");
	ck_assert_msg(gather(&supply) == 0, "%s", err.what);
	ck_assert_uint_eq(lookups, 1);
	ck_assert_str_eq(supply.floor->version, "1");
	ck_assert_ptr_null(supply.bundle);
	vb_supply_finish(&supply);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("supply");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, a_floor_that_is_the_pods_bundle_too_is_of_the_same_version);
	tcase_add_test(tcase, an_update_between_the_lookups_does_not_get_round_the_floors_pin);
	tcase_add_test(tcase, a_floor_alone_is_looked_up_once);
	return vb_unit_run("supply", tcase);
}
