/* SPDX-License-Identifier: Apache-2.0 */
/* Many bundles: what is kept of them, and for how long. */
#include <errno.h>
#include <string.h>

#include "bundle_support.h"
#include "unit.h"
#include "vb/adjust/bundle_store.h"
#include "vb/base/buf.h"

static struct vb_error err;
static struct vb_bundle_store *store;

static void start(void)
{
	memset(&err, 0, sizeof(err));
	store = bundle_start_store();
	vb_bundle_store_accept_any_owner(store);
}

static void finish(void)
{
	bundle_finish_store(store);
}

static const struct vb_bundle *get(unsigned int number)
{
	const struct vb_bundle *bundle = NULL;

	ck_assert_msg(
		vb_bundle_store_get(store, bundle_large_name(number), NULL, &bundle, &err) == 0,
		"%s", err.what);
	return bundle;
}

static void assert_whole(const struct vb_bundle *bundle, unsigned int number)
{
	char entry[64];

	ck_assert_str_eq(bundle->name, bundle_large_name(number));
	ck_assert_uint_eq(bundle->preload_settings.dlopen.entries.count, BUNDLE_LARGE_DLOPEN);
	ck_assert_uint_eq(bundle->preload_settings.exec.entries.count, 0);
	ck_assert_uint_eq(bundle->preload_settings.connect.entries.count, BUNDLE_LARGE_CONNECT);
	for (unsigned int i = 0; i < BUNDLE_LARGE_DLOPEN; i++) {
		bundle_large_dlopen_entry(entry, number, i);
		ck_assert(vb_strv_contains(&bundle->preload_settings.dlopen.entries, entry));
	}
	for (unsigned int i = 1; i < BUNDLE_LARGE_CONNECT; i++)
		ck_assert_int_lt(strcmp(bundle->preload_settings.connect.entries.items[i - 1],
					 bundle->preload_settings.connect.entries.items[i]),
			0);
}

START_TEST(a_thousand_bundles_all_have_their_last_good_version)
{
	for (unsigned int i = 0; i < 1000; i++) {
		bundle_install_large("first", i);
		assert_whole(get(i), i);
		ck_assert_uint_eq(vb_bundle_store_usage(store).count, i + 1);
	}
	/* 1,200 of them fit into 3 MiB. */
	ck_assert_uint_gt(vb_bundle_store_usage(store).bytes, 2 << 20);
	ck_assert_uint_le(vb_bundle_store_usage(store).bytes, 3 << 20);
	for (unsigned int i = 0; i < 1000; i++) {
		bundle_install("first", bundle_large_name(i), "{");
		assert_whole(get(i), i);
		ck_assert_ptr_nonnull(vb_bundle_store_warning(store));
	}
}
END_TEST

START_TEST(two_bundles_can_be_used_together)
{
	for (unsigned int i = 0; i < 100; i++)
		bundle_install_large("first", i);
	const struct vb_bundle *former = get(0);
	for (unsigned int i = 1; i < 100; i++) {
		const struct vb_bundle *bundle = get(i);
		assert_whole(bundle, i);
		assert_whole(former, i - 1);
		former = bundle;
	}
}
END_TEST

/* Lists that take more than all that is kept ready. */
static void install_huge(const char *name)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(VB_BUNDLE_MANIFEST_MAX);
	int r = vb_buf_printf(text,
		"{\"kind\":\"bundle\",\"schema_version\":\"1.5\",\"name\":\"%s\",\"version\":\"1\","
		"\"dlopen_allowlist\":{\"paths\":[",
		name);

	for (int i = 0; i < VB_BUNDLE_LIST_MAX; i++)
		r |= vb_buf_printf(text, "%s\"/opt/%s/%064d.so\"", i > 0 ? "," : "", name, i);
	r |= vb_buf_printf(text, "]}}");
	vb_auto_free char *manifest = vb_buf_strdup(text);
	ck_assert_int_eq(r, 0);
	bundle_install("first", name, manifest);
}

START_TEST(two_bundles_above_the_budget_can_be_used_together)
{
	const struct vb_bundle *bundles[2] = {NULL, NULL};
	static const char *const names[2] = {"left", "right"};

	for (size_t i = 0; i < 2; i++)
		install_huge(names[i]);
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(vb_bundle_store_get(store, names[i], NULL, &bundles[i], &err), 0);
	for (size_t i = 0; i < 2; i++)
		ck_assert_uint_eq(
			bundles[i]->preload_settings.dlopen.entries.count, VB_BUNDLE_LIST_MAX);
}
END_TEST

START_TEST(a_bundle_replaced_while_it_is_used_stays_whole)
{
	bundle_install_large("first", 0);
	const struct vb_bundle *former = get(0);
	bundle_install("first", "b0", MANIFEST_OF("b0", "2"));
	ck_assert_str_eq(get(0)->version, "2");
	assert_whole(former, 0);
}
END_TEST

START_TEST(above_the_budget_the_one_not_used_for_longest_is_forgotten)
{
	const struct vb_bundle *bundle = NULL;
	unsigned int count = 3000;

	for (unsigned int i = 0; i < count; i++) {
		bundle_install_large("first", i);
		(void)get(i);
		/* Used again and again, so never the one. */
		assert_whole(get(0), 0);
	}
	bundle_install("first", bundle_large_name(0), "{");
	assert_whole(get(0), 0);
	bundle_install("first", bundle_large_name(count - 1), "{");
	assert_whole(get(count - 1), count - 1);
	bundle_install("first", bundle_large_name(1), "{");
	ck_assert_int_eq(
		vb_bundle_store_get(store, bundle_large_name(1), NULL, &bundle, &err), -EPERM);
	ck_assert_str_eq(err.code, "ErrBundleInvalid");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("bundle_cache");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, a_thousand_bundles_all_have_their_last_good_version);
	tcase_add_test(tcase, two_bundles_can_be_used_together);
	tcase_add_test(tcase, two_bundles_above_the_budget_can_be_used_together);
	tcase_add_test(tcase, a_bundle_replaced_while_it_is_used_stays_whole);
	tcase_add_test(tcase, above_the_budget_the_one_not_used_for_longest_is_forgotten);
	return vb_unit_run("bundle_cache", tcase);
}
