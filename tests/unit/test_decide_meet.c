/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floor, bundle and annotations together: for thousands of random ones, the plan is never looser
 * than what each asks for by itself, and lists share exactly what all of them have. The seed is
 * printed, and VB_TEST_SEED sets it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "connect_meet.h"
#include "unit.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/connect.h"
#include "vb/adjust/decide.h"
#include "vb/adjust/values.h"
#include "vb/base/buf.h"

enum { ROUNDS = 3000, LIST_MAX = 6, POINTS = 40 };

static uint64_t state;
static struct vb_error err;
static struct vb_config config;

static void start(void)
{
	const char *seed = getenv("VB_TEST_SEED");
	struct timespec now;

	ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &now), 0);
	state = seed != NULL ? strtoull(seed, NULL, 10)
			     : (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	printf("VB_TEST_SEED=%llu\n", (unsigned long long)state);
	ck_assert_int_eq(vb_config_init(&config), 0);
}

static void finish(void)
{
	vb_config_finish(&config);
}

/* splitmix64, Steele, Lea and Flood 2014 */
static size_t below(size_t limit)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (size_t)((z ^ z >> 31) % limit);
}

/* Few addresses, prefixes and ports, so that entries often meet. */
static void print_network(struct vb_buf *out)
{
	static const unsigned int prefixes[] = {0, 8, 14, 16, 24, 31, 32};
	static const char *const ports[] = {"*", "80", "443"};
	static const char *const v6[] = {"::/0", "2001:db8::/32", "2001:db8:1::/48", "fe80::1"};
	const char *port = ports[below(VB_ARRAY_SIZE(ports))];

	if (below(4) == 0) {
		ck_assert_int_eq(vb_buf_printf(out, "[%s]:%s", v6[below(4)], port), 0);
		return;
	}
	unsigned int prefix = prefixes[below(VB_ARRAY_SIZE(prefixes))];
	uint32_t mask = prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
	uint32_t address = (10U << 24 | (uint32_t)below(4) << 16 | (uint32_t)below(2) << 8 |
				   (uint32_t)below(4)) &
			   mask;
	ck_assert_int_eq(vb_buf_printf(out, "%u.%u.%u.%u/%u:%s", address >> 24, address >> 16 & 255,
				 address >> 8 & 255, address & 255, prefix, port),
		0);
}

static void print_path(struct vb_buf *out)
{
	ck_assert_int_eq(vb_buf_printf(out, "/bin/%c", (int)('a' + below(5))), 0);
}

static void print_library(struct vb_buf *out)
{
	ck_assert_int_eq(vb_buf_printf(out, "/lib/%c.so", (int)('a' + below(5))), 0);
}

/* Entries with the separator between them, each in quotes. */
static void print_list(
	struct vb_buf *out, void (*print)(struct vb_buf *), size_t count, const char *quote)
{
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(vb_buf_printf(out, "%s%s", i > 0 ? "," : "", quote), 0);
		print(out);
		ck_assert_int_eq(vb_buf_append_string(out, quote), 0);
	}
}

static const char *pick(const char *const *words, size_t count)
{
	return words[below(count)];
}

static char *random_manifest(const char *name)
{
	static const char *const caps[] = {"", "\"KILL\"", "\"NET_RAW\",\"CHOWN\"", "\"ALL\""};
	static const char *const bools[] = {"true", "false"};
	static const char *const specs[] = {"", ",\"spec_allow\":\"mitigate\""};
	static const char *const profiles[] = {
		"", ",\"profile\":\"starter\"", ",\"profile\":\"runtime-default\""};
	static const char *const audits[] = {"", "\"exec\"", "\"connect\",\"dlopen\""};
	vb_auto_buf struct vb_buf *out = vb_buf_create(1 << 16);

	ck_assert_int_eq(vb_buf_printf(out,
				 "{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"%s\","
				 "\"version\":\"1\"",
				 name),
		0);
	if (below(2) == 0) {
		ck_assert_int_eq(
			vb_buf_append_string(out, ",\"dlopen_allowlist\":{\"paths\":["), 0);
		print_list(out, print_library, below(LIST_MAX), "\"");
		ck_assert_int_eq(vb_buf_append_string(out, "]}"), 0);
	}
	ck_assert_int_eq(
		vb_buf_printf(out,
			",\"hardening\":{\"seccomp\":{\"log\":%s%s%s},\"capabilities\":{\"drop\":"
			"[%s]},\"read_only_rootfs\":%s,\"no_new_privileges\":%s,\"tmpfs\":["
			"{\"path\":\"/%c\"}],\"rlimits\":[{\"type\":\"NOFILE\",\"soft\":%zu,"
			"\"hard\":%zu}]",
			pick(bools, 2), pick(specs, 2), pick(profiles, 3), pick(caps, 4),
			pick(bools, 2), pick(bools, 2), (int)('a' + below(3)), below(100),
			100 + below(100)),
		0);
	if (below(4) > 0) {
		ck_assert_int_eq(
			vb_buf_printf(out,
				",\"preload\":{\"datagrams\":%s,\"require\":%s,\"audit\":[%s]",
				pick(bools, 2), pick(bools, 2), pick(audits, 3)),
			0);
		if (below(2) == 0) {
			ck_assert_int_eq(vb_buf_append_string(out, ",\"exec_allowlist\":["), 0);
			print_list(out, print_path, below(LIST_MAX), "\"");
			ck_assert_int_eq(vb_buf_append_string(out, "]"), 0);
		}
		if (below(2) == 0) {
			ck_assert_int_eq(vb_buf_append_string(out, ",\"connect_allowlist\":["), 0);
			print_list(out, print_network, below(LIST_MAX), "\"");
			ck_assert_int_eq(vb_buf_append_string(out, "]"), 0);
		}
		ck_assert_int_eq(vb_buf_append_string(out, "}"), 0);
	}
	ck_assert_int_eq(vb_buf_append_string(out, "}}"), 0);
	return vb_buf_strdup(out);
}

static struct vb_bundle *random_bundle(const char *name)
{
	vb_auto_free char *manifest = random_manifest(name);
	struct vb_bundle *bundle = NULL;

	ck_assert_msg(vb_bundle_parse(manifest, strlen(manifest), name, &bundle, &err) == 0,
		"%s\n%s", err.what, manifest);
	return bundle;
}

/* Of each key sometimes one, in any order. */
static void random_request(struct vb_request *ret_request)
{
	vb_auto_buf struct vb_buf *exec = vb_buf_create(4096);
	vb_auto_buf struct vb_buf *connect = vb_buf_create(4096);
	struct vb_annotation items[8];
	struct vb_annotations annotations = {.items = items};

	print_list(exec, print_path, 1 + below(2), "");
	print_list(connect, print_network, 1 + below(2), "");
	vb_auto_free char *exec_text = vb_buf_strdup(exec);
	vb_auto_free char *connect_text = vb_buf_strdup(connect);
	const struct vb_annotation all[] = {{"cap-drop.vambrace.dev", "SYS_TIME"},
		{"read-only-rootfs.vambrace.dev", "true"},
		{"no-new-privileges.vambrace.dev", "true"}, {"tmpfs.vambrace.dev", "/x"},
		{"spec-allow.vambrace.dev", "mitigate"}, {"preload.vambrace.dev", "require"},
		{"preload-exec-allowlist.vambrace.dev", exec_text},
		{"preload-connect-allowlist.vambrace.dev", connect_text}};
	size_t first = below(VB_ARRAY_SIZE(all));
	for (size_t i = 0; i < VB_ARRAY_SIZE(all); i++)
		if (below(4) == 0)
			items[annotations.count++] = all[(first + i) % VB_ARRAY_SIZE(all)];
	ck_assert_msg(vb_request_parse(&annotations, "c", ret_request, &err) == 0, "%s", err.what);
}

static int decide(
	const struct vb_supply *supply, const struct vb_request *request, struct vb_plan **ret_plan)
{
	const struct vb_subject subject = {.namespace_name = "robots",
		.pod = "arm-7",
		.container = "c",
		.handler = "vambrace",
		.shim_installed = true};

	return vb_plan_decide(&subject, request, supply, &config, ret_plan, &err);
}

static bool lets_path(const struct vb_allowlist *list, const char *path)
{
	return !list->set || vb_strv_contains(&list->entries, path);
}

static bool lets_address(const struct vb_allowlist *list, const struct vb_connect_entry *address)
{
	struct vb_connect_entry entry;

	for (size_t i = 0; list->set && i < list->entries.count; i++) {
		ck_assert_int_eq(vb_connect_parse(list->entries.items[i], &entry, &err), 0);
		if (vb_connect_contains(&entry, address))
			return true;
	}
	return !list->set;
}

static struct vb_connect_entry random_address(void)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(256);
	struct vb_connect_entry address;

	print_network(text);
	vb_auto_free char *entry = vb_buf_strdup(text);
	ck_assert_int_eq(vb_connect_parse(entry, &address, &err), 0);
	return address;
}

/* Whatever the plan lets pass, the part lets pass by itself. */
static void assert_lists_within(const struct vb_plan *plan, const struct vb_plan *part)
{
	static const char *const paths[] = {"/bin/a", "/bin/b", "/bin/c", "/bin/d", "/bin/e"};
	static const char *const libraries[] = {
		"/lib/a.so", "/lib/b.so", "/lib/c.so", "/lib/d.so", "/lib/e.so"};
	const struct vb_plan_preload *all = &plan->preload;
	const struct vb_plan_preload *one = &part->preload;

	ck_assert(all->exec.set >= one->exec.set && all->connect.set >= one->connect.set &&
		  all->dlopen.set >= one->dlopen.set);
	for (size_t i = 0; i < VB_ARRAY_SIZE(paths); i++) {
		ck_assert(!lets_path(&all->exec, paths[i]) || lets_path(&one->exec, paths[i]));
		ck_assert(!lets_path(&all->dlopen, libraries[i]) ||
			  lets_path(&one->dlopen, libraries[i]));
	}
	for (int i = 0; i < POINTS; i++) {
		const struct vb_connect_entry address = random_address();
		ck_assert(!lets_address(&all->connect, &address) ||
			  lets_address(&one->connect, &address));
	}
}

static void assert_no_looser(const struct vb_plan *plan, const struct vb_plan *part)
{
	for (enum vb_layer layer = 0; layer < VB_LAYER_COUNT; layer++)
		ck_assert_msg(vb_plan_has(plan, layer) || !vb_plan_has(part, layer), "%s",
			vb_layer_name(layer));
	ck_assert_uint_eq(part->cap_drop & ~plan->cap_drop, 0);
	ck_assert(plan->spec_allow >= part->spec_allow);
	ck_assert(plan->seccomp.starter >= part->seccomp.starter ||
		  part->sources[VB_LAYER_SECCOMP] == VB_SOURCE_DEFAULT);
	ck_assert(plan->seccomp.runtime_default >= part->seccomp.runtime_default);
	ck_assert(plan->seccomp.closure >= part->seccomp.closure);
	ck_assert(plan->seccomp.deny_io_uring >= part->seccomp.deny_io_uring);
	ck_assert(plan->seccomp.native_abi_only >= part->seccomp.native_abi_only);
	ck_assert(plan->seccomp.log >= part->seccomp.log);
	ck_assert(plan->preload.require >= part->preload.require);
	ck_assert_uint_eq(part->preload.audit & ~plan->preload.audit, 0);
	for (size_t i = 0; i < part->rlimits.count; i++) {
		ck_assert(plan->rlimits.items[i].soft <= part->rlimits.items[i].soft);
		ck_assert(plan->rlimits.items[i].hard <= part->rlimits.items[i].hard);
	}
	for (size_t i = 0; i < part->tmpfs.count; i++) {
		bool found = false;
		for (size_t j = 0; j < plan->tmpfs.count; j++)
			found |= strcmp(plan->tmpfs.items[j].path, part->tmpfs.items[i].path) == 0;
		ck_assert(found);
	}
	assert_lists_within(plan, part);
}

/* Where nothing of an annotation is in the way, the lists share all that both have. */
static void assert_lists_complete(
	const struct vb_plan *plan, const struct vb_bundle *floor, const struct vb_bundle *bundle)
{
	const struct vb_allowlist *lists[] = {
		&floor->preload_settings.connect, &bundle->preload_settings.connect};

	for (int i = 0; i < POINTS; i++) {
		const struct vb_connect_entry address = random_address();
		ck_assert(lets_address(&plan->preload.connect, &address) ==
			  (lets_address(lists[0], &address) && lets_address(lists[1], &address)));
	}
}

/* Each by itself, then all together. */
static bool check_round(const struct vb_bundle *floor, const struct vb_bundle *bundle,
	const struct vb_request *request)
{
	static const struct vb_request nothing = {0};
	const struct vb_supply parts[] = {{.floor = floor}, {.bundle = bundle}, {0}};
	const struct vb_supply all = {.floor = floor, .bundle = bundle};
	vb_auto_plan struct vb_plan *plan = NULL;

	int r = decide(&all, request, &plan);
	if (r < 0) {
		ck_assert_msg(vb_str_equal(err.code, VB_CODE_CONFLICT), "%s", err.what);
		ck_assert(request->exec.set || request->connect.set);
		return false;
	}
	for (size_t i = 0; i < VB_ARRAY_SIZE(parts); i++) {
		vb_auto_plan struct vb_plan *part = NULL;
		r = decide(&parts[i], i == 2 ? request : &nothing, &part);
		ck_assert_msg(r == 0, "%s", err.what);
		assert_no_looser(plan, part);
	}
	ck_assert(
		plan->seccomp.native_abi_only ==
		(plan->preload.dlopen.set || plan->preload.exec.set || plan->preload.connect.set));
	if (!request->connect.set)
		assert_lists_complete(plan, floor, bundle);
	return true;
}

START_TEST(a_plan_is_never_looser_than_floor_bundle_or_annotations)
{
	unsigned int planned = 0;
	unsigned int refused = 0;

	for (int round = 0; round < ROUNDS; round++) {
		vb_auto_bundle struct vb_bundle *floor = random_bundle("floor");
		vb_auto_bundle struct vb_bundle *bundle = random_bundle("bundle");
		vb_auto_request struct vb_request request = {0};
		random_request(&request);
		if (check_round(floor, bundle, &request))
			planned++;
		else
			refused++;
	}
	printf("%u planned, %u refused\n", planned, refused);
	ck_assert_uint_gt(planned, ROUNDS / 3);
	ck_assert_uint_gt(refused, ROUNDS / 30);
}
END_TEST

static void add_networks(struct vb_strv *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		vb_auto_buf struct vb_buf *text = vb_buf_create(256);
		print_network(text);
		vb_auto_free char *entry = vb_buf_strdup(text);
		ck_assert_int_eq(vb_strv_add(list, entry), 0);
	}
	vb_strv_sort_unique(list);
}

START_TEST(the_first_entry_that_no_other_covers_is_found)
{
	for (int round = 0; round < ROUNDS; round++) {
		vb_auto_strv struct vb_strv outer = {0};
		vb_auto_strv struct vb_strv inner = {0};
		const char *found = NULL;
		const char *expected = NULL;
		add_networks(&outer, below(LIST_MAX));
		add_networks(&inner, below(LIST_MAX));
		for (size_t i = 0; expected == NULL && i < inner.count; i++) {
			struct vb_connect_entry entry;
			const struct vb_allowlist list = {.set = true, .entries = outer};
			ck_assert_int_eq(vb_connect_parse(inner.items[i], &entry, &err), 0);
			expected = lets_address(&list, &entry) ? NULL : inner.items[i];
		}
		ck_assert_int_eq(vb_connect_find_uncovered(&outer, &inner, &found, &err), 0);
		ck_assert_ptr_eq(found, expected);
	}
}
END_TEST

/* 4096 networks on one side and 4096 ports on the other have 16 million pairs in common. */
START_TEST(lists_with_too_much_in_common_are_refused)
{
	vb_auto_strv struct vb_strv networks = {0};
	vb_auto_strv struct vb_strv ports = {0};
	vb_auto_strv struct vb_strv common = {0};

	for (unsigned int i = 0; i < VB_VALUE_LIST_MAX; i++) {
		char text[64];
		(void)snprintf(text, sizeof(text), "10.%u.%u.0/24:*", i >> 8, i & 255);
		ck_assert_int_eq(vb_strv_add(&networks, text), 0);
		(void)snprintf(text, sizeof(text), "10.0.0.0/8:%u", i + 1);
		ck_assert_int_eq(vb_strv_add(&ports, text), 0);
	}
	ck_assert_int_eq(vb_connect_intersect(&networks, &ports, &common, &err), -E2BIG);
	vb_strv_finish(&common);
	ck_assert_int_eq(vb_connect_intersect(&networks, &networks, &common, &err), 0);
	ck_assert_uint_eq(common.count, VB_VALUE_LIST_MAX);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("decide_meet");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, a_plan_is_never_looser_than_floor_bundle_or_annotations);
	tcase_add_test(tcase, the_first_entry_that_no_other_covers_is_found);
	tcase_add_test(tcase, lists_with_too_much_in_common_are_refused);
	return vb_unit_run("decide_meet", tcase);
}
