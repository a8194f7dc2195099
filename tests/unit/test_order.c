/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same inputs give the same bytes: whatever order annotations and JSON keys come in, whether
 * the manifest comes as a file or in a tar of whatever order, and through the plan file and back.
 * Over all golden cases (tests/golden/decide); the seed is printed, and VB_TEST_SEED sets it.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "../golden/decide/case.h"
#include "tar_maker.h"
#include "unit.h"
#include "vb/adjust/bundle_tar.h"
#include "vb/adjust/refusal.h"
#include "vb/base/file.h"

enum { ROUNDS = 20, MUTATIONS = 200, FILE_MAX = 1 << 20 };

static struct vb_strv directories;
static uint64_t state;
static size_t reordered; /* objects that came out with another key in front */

static void start(void)
{
	const char *seed = getenv("VB_TEST_SEED");
	struct timespec now;
	struct vb_error err;

	ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &now), 0);
	state = seed != NULL ? strtoull(seed, NULL, 10)
			     : (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	printf("VB_TEST_SEED=%llu\n", (unsigned long long)state);
	ck_assert_msg(vb_case_list(VB_TEST_DATA "/golden/decide", &directories, &err) == 0, "%s",
		err.what);
	ck_assert_uint_ge(directories.count, 60);
}

static void finish(void)
{
	vb_strv_finish(&directories);
}

/* splitmix64, Steele, Lea and Flood 2014 */
static uint64_t next_random(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static size_t below(size_t limit)
{
	return (size_t)(next_random() % limit);
}

static void shuffle_pointers(const void **items, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = below(i);
		const void *item = items[i - 1];
		items[i - 1] = items[j];
		items[j] = item;
	}
}

static json_t *shuffled(const json_t *value, bool lists_too);

static json_t *shuffled_object(const json_t *object, bool lists_too) // NOLINT(misc-no-recursion)
{
	const void *keys[64] = {NULL};
	size_t count = 0;
	json_t *copy = json_object();
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		ck_assert_uint_lt(count, VB_ARRAY_SIZE(keys));
		keys[count++] = key;
	}
	const void *front = keys[0];
	shuffle_pointers(keys, count);
	reordered += count > 1 && keys[0] != front;
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(json_object_set_new(copy, keys[i],
					 shuffled(json_object_get(object, keys[i]), lists_too)),
			0);
	return copy;
}

static json_t *shuffled_array(const json_t *array, bool lists_too) // NOLINT(misc-no-recursion)
{
	const void *items[64];
	size_t count = json_array_size(array);
	json_t *copy = json_array();

	ck_assert_uint_le(count, VB_ARRAY_SIZE(items));
	for (size_t i = 0; i < count; i++)
		items[i] = json_array_get(array, i);
	if (lists_too)
		shuffle_pointers(items, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(json_array_append_new(copy, shuffled(items[i], lists_too)), 0);
	return copy;
}

/* A deep copy with the keys of all objects in another order; of all arrays too when asked. */
static json_t *shuffled(const json_t *value, bool lists_too) // NOLINT(misc-no-recursion)
{
	if (json_is_object(value))
		return shuffled_object(value, lists_too);
	if (json_is_array(value))
		return shuffled_array(value, lists_too);
	return json_deep_copy(value);
}

/* A text that is no JSON stays as it is. */
static char *shuffled_text(const char *text, bool lists_too)
{
	if (text == NULL)
		return NULL;
	vb_auto_json json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (json == NULL)
		return strdup(text);
	vb_auto_json json_t *copy = shuffled(json, lists_too);
	char *result = json_dumps(copy, JSON_COMPACT);
	ck_assert_ptr_nonnull(result);
	return result;
}

/* The lists in annotations are sets. */
static void shuffle_values(json_t *annotations)
{
	static const char *const lists[] = {"cap-drop", "tmpfs", "preload-exec-allowlist",
		"preload-connect-allowlist", "preload-audit"};
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(annotations, next, key, value)
	{
		size_t length = strcspn(key, ".");
		for (size_t i = 0; i < VB_ARRAY_SIZE(lists); i++) {
			if (strlen(lists[i]) != length || strncmp(key, lists[i], length) != 0)
				continue;
			vb_auto_strv struct vb_strv parts = {0};
			vb_auto_free char *text = strdup(json_string_value(value));
			char *rest = text;
			for (char *part; (part = strsep(&rest, ",")) != NULL;)
				ck_assert_int_eq(vb_strv_add(&parts, part), 0);
			shuffle_pointers((const void **)(void *)parts.items, parts.count);
			vb_auto_free char *joined = vb_strv_join(&parts, ',');
			ck_assert_int_eq(
				json_object_set_new(annotations, key, json_string(joined)), 0);
		}
	}
}

/* The plan's bytes, or the refusal's, or "left alone"; *ret_planned says which. */
static char *decide(const struct vb_case *c, bool *ret_planned)
{
	vb_auto_plan struct vb_plan *plan = NULL;
	struct vb_case_parser parser;
	char line[VB_REFUSAL_LINE_MAX];
	struct vb_error err;

	/* The digest is that of the bytes, which differ here. */
	vb_case_parser_init(&parser, "sha256:of-the-bytes");
	int r = vb_case_decide(c, &parser.finder, &plan, &err);
	vb_case_parser_finish(&parser);
	*ret_planned = plan != NULL;
	if (r < 0) {
		vb_refusal_format(line, &err, c->subject.namespace_name, c->subject.pod,
			c->subject.container);
		return strdup(line);
	}
	return plan != NULL ? vb_plan_to_json(plan) : strdup("left alone");
}

/* The manifest as it comes out of a tar with members in some order; frees the one given. */
static char *through_tar(char *manifest_take)
{
	vb_auto_free char *manifest = manifest_take;
	vb_auto_bundle_tar struct vb_bundle_tar tar = {0};
	const void *names[] = {
		"manifest.json", "policies/arm.rego", "profiles/camera.json", "NOTES"};
	const char *prefix = below(2) == 0 ? "./" : "";
	struct vb_error err;

	if (manifest == NULL)
		return NULL;
	shuffle_pointers(names, VB_ARRAY_SIZE(names));
	tar_begin();
	for (size_t i = 0; i < VB_ARRAY_SIZE(names); i++) {
		const char *name = names[i];
		vb_auto_free char *member = vb_str_format("%s%s", prefix, name);
		tar_add(member, strcmp(name, "manifest.json") == 0 ? manifest : "other");
	}
	tar_end();
	ck_assert_msg(vb_bundle_tar_read(
			      tar_data(), tar_size(), "manifest.json", FILE_MAX, &tar, &err) == 0,
		"%s", err.what);
	ck_assert_str_eq(tar.content, manifest);
	return VB_STEAL(tar.content);
}

static void shuffle_case(const struct vb_case *c, bool planned, struct vb_case *ret)
{
	struct vb_error err;

	*ret = (struct vb_case){.pod = shuffled(c->pod, false),
		.manifest = shuffled_text(c->manifest, planned),
		.floor = shuffled_text(c->floor, planned),
		.config = shuffled_text(c->config, false)};
	if (below(2) == 0)
		ret->manifest = through_tar(ret->manifest);
	if (below(2) == 0)
		ret->floor = through_tar(ret->floor);
	/* Their texts count as they are. */
	for (enum vb_case_dir dir = 0; dir < VB_CASE_DIRS; dir++)
		ret->profiles[dir] = json_incref(c->profiles[dir]);
	if (planned)
		shuffle_values(json_object_get(ret->pod, "annotations"));
	ck_assert_msg(vb_case_bind(ret, &err) == 0, "%s", err.what);
}

START_TEST(order_does_not_matter)
{
	for (size_t i = 0; i < directories.count; i++) {
		struct vb_case c;
		struct vb_error err;
		bool planned = false;
		ck_assert_msg(
			vb_case_load(&c, directories.items[i], "/node", &err) == 0, "%s", err.what);
		vb_auto_free char *expected = decide(&c, &planned);
		for (int round = 0; round < ROUNDS; round++) {
			struct vb_case other;
			bool other_planned = false;
			shuffle_case(&c, planned, &other);
			vb_auto_free char *got = decide(&other, &other_planned);
			ck_assert_msg(strcmp(got, expected) == 0, "%s\n%s\n%s",
				directories.items[i], expected, got);
			vb_case_finish(&other);
		}
		vb_case_finish(&c);
	}
	/* It is the test that must not keep the order. */
	ck_assert_uint_gt(reordered, directories.count * ROUNDS);
}
END_TEST

/* A golden plan file without its newline, or NULL where the case has none. */
static char *read_golden(const char *directory)
{
	vb_auto_free char *path = vb_str_format("%s/expected.json", directory);
	char *text = NULL;
	struct vb_error err;
	size_t size = 0;
	int r = vb_file_read(path, FILE_MAX, &text, &size, &err);

	if (r == -ENOENT)
		return NULL;
	ck_assert_msg(r == 0, "%s", err.what);
	ck_assert_int_eq(text[size - 1], '\n');
	text[size - 1] = '\0';
	return text;
}

START_TEST(every_golden_plan_comes_back_byte_for_byte)
{
	unsigned int plans = 0;

	for (size_t i = 0; i < directories.count; i++) {
		vb_auto_free char *text = read_golden(directories.items[i]);
		vb_auto_plan struct vb_plan *plan = NULL;
		struct vb_error err;
		if (text == NULL)
			continue;
		ck_assert_msg(vb_plan_from_json(text, strlen(text), &plan, &err) == 0, "%s: %s",
			directories.items[i], err.what);
		vb_auto_free char *again = vb_plan_to_json(plan);
		ck_assert_str_eq(again, text);
		plans++;
	}
	ck_assert_uint_ge(plans, 40);
}
END_TEST

/* One to four small damages, within the size + 4 bytes that there are. */
static size_t mutate(char *text, size_t size)
{
	for (size_t left = 1 + below(4); left > 0 && size > 1; left--) {
		size_t at = below(size);
		switch (below(4)) {
		case 0:
			text[at] = (char)next_random();
			break;
		case 1:
			memmove(text + at, text + at + 1, --size - at);
			break;
		case 2:
			memmove(text + at + 1, text + at, size++ - at);
			break;
		default:
			text[at] = "\"{}[],:0\\"[below(9)];
			break;
		}
	}
	return size;
}

START_TEST(a_damaged_plan_is_refused_or_means_exactly_what_it_says)
{
	for (size_t i = 0; i < directories.count; i++) {
		vb_auto_free char *text = read_golden(directories.items[i]);
		for (int round = 0; text != NULL && round < MUTATIONS; round++) {
			vb_auto_plan struct vb_plan *plan = NULL;
			struct vb_error err;
			size_t size = strlen(text);
			/* Of its exact size, so that AddressSanitizer sees a byte too many. */
			vb_auto_free char *roomy = realloc(strdup(text), size + 5);
			size = mutate(roomy, size);
			vb_auto_free char *damaged = realloc(VB_STEAL(roomy), size);
			int r = vb_plan_from_json(damaged, size, &plan, &err);
			ck_assert(r == 0 || r == -EINVAL);
			if (r < 0)
				continue;
			vb_auto_free char *again = vb_plan_to_json(plan);
			ck_assert_uint_eq(strlen(again), size);
			ck_assert_mem_eq(again, damaged, size);
		}
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("order");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, order_does_not_matter);
	tcase_add_test(tcase, every_golden_plan_comes_back_byte_for_byte);
	tcase_add_test(tcase, a_damaged_plan_is_refused_or_means_exactly_what_it_says);
	return vb_unit_run("order", tcase);
}
