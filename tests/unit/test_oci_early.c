/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "early.h"
#include "oci_support.h"
#include "vb/adjust/oci_config.h"
#include "vb/base/str.h"

/* The path that the early reader finds, or NULL; the full reader must agree with it. */
static char *find(const char *text, const char *handler)
{
	vb_auto_oci_handler struct vb_oci_handler full = {0};
	const char *path = NULL;
	size_t length = 0;

	if (!vb_early_find_runtime(text, strlen(text), handler, &path, &length))
		return NULL;
	char *found = strndup(path, length);
	ck_assert_ptr_nonnull(found);
	ck_assert_int_eq(vb_oci_config_find(text, strlen(text), handler, &full, NULL), 0);
	ck_assert_str_eq(found, full.runtime);
	return found;
}

static void assert_found(const char *text, const char *handler, const char *expected)
{
	vb_auto_free char *found = find(text, handler);

	ck_assert_msg(vb_str_equal(found, expected), "%s: %s", text, found);
}

START_TEST(plain_settings_are_understood)
{
	static const char two[] =
		"{\"handlers\":{\"vambrace\":{\"runtime\":\"/usr/sbin/runc\"},"
		"\"runc\":{\"unplanned\":\"pass\",\"runtime\":\"/usr/bin/crun\"}}}";
	static const char spaced[] = " {\n\t\"handlers\" : { \"v\" : { \"runtime\" : \"/r\" ,\r\n"
				     " \"unplanned\" : \"refuse\" } } }\n";

	assert_found(two, "vambrace", "/usr/sbin/runc");
	assert_found(two, "runc", "/usr/bin/crun");
	assert_found(spaced, "v", "/r");
}
END_TEST

START_TEST(at_the_least_doubt_nothing_is_found)
{
	static const char *const texts[] = {"", "{", "[]", "{}", "{\"handlers\":{}}",
		"{\"handlers\":{\"x\":{\"runtime\":\"/r\"}}}", "{\"handlers\":{\"v\":{}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"r\"}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"\"}}}",
		"{\"handlers\":{\"v\":{\"runtime\":7}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\"}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\"}}}x",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\"}},\"x\":1}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\"},}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\",}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\"}\"x\":{\"runtime\":\"/r\"}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\"},\"x\":{}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\"},\"x\":{\"runtime\":\"r\"}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\"},\"v\":{\"runtime\":\"/s\"}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\",\"runtime\":\"/s\"}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\",\"unplanned\":\"allow\"}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\",\"other\":\"x\"}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\\u0041\"}}}",
		"{\"handlers\":{\"\\u0076\":{\"runtime\":\"/r\"}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\xc3\xa4\"}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r\n\"}}}",
		"{\"handlers\":{\"v\":{\"runtime\":\"/r",
		"{\"handler\":{\"v\":{\"runtime\":\"/r\"}}}"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(texts); i++)
		assert_found(texts[i], "v", NULL);
	assert_found("{\"handlers\":{\"v\":{\"unplanned\":\"pass\",\"unplanned\":\"pass\","
		     "\"runtime\":\"/r\"}}}",
		"v", NULL);
	assert_found("{\"handlers\":{\"x\":{\"runtime\":\"/r\"},\"x\":{\"runtime\":\"/r\"},"
		     "\"v\":{\"runtime\":\"/r\"}}}",
		"v", NULL);
	assert_found("{\"handlers\":{\"vv\":{\"runtime\":\"/r\"}}}", "v", NULL);
	assert_found("{\"handlers\":{\"v\":{\"runtime\":\"/r\"}}}", "vv", NULL);
	assert_found("{\"handlers\":{\"v\":{\"runtime\":\"/r\"}}}", "", NULL);
}
END_TEST

START_TEST(a_text_is_not_read_beyond_its_size)
{
	static const char text[] = "{\"handlers\":{\"v\":{\"runtime\":\"/r\"}}}";
	const char *path = NULL;
	size_t length = 0;

	for (size_t size = 0; size < sizeof(text) - 1; size++) {
		/* A copy of exactly this size, for AddressSanitizer to watch. */
		char *copy = malloc(size > 0 ? size : 1);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, text, size);
		ck_assert(!vb_early_find_runtime(copy, size, "v", &path, &length));
		free(copy);
	}
	ck_assert(vb_early_find_runtime(text, sizeof(text) - 1, "v", &path, &length));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("oci_early");

	tcase_add_test(tcase, plain_settings_are_understood);
	tcase_add_test(tcase, at_the_least_doubt_nothing_is_found);
	tcase_add_test(tcase, a_text_is_not_read_beyond_its_size);
	return support_run(tcase);
}
