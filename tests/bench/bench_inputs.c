/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the largest and nastiest inputs take that each reader lets in, and how much memory: the
 * bound is 50 ms and 32 MiB. Each input has a process of its own. Prints medians and what the
 * process grew by while it read the input for the first time; judges nothing.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tar_maker.h"
#include "vb/adjust/bundle_tar.h"
#include "vb/adjust/config.h"
#include "vb/adjust/decide.h"
#include "vb/adjust/supply.h"
#include "vb/base/file.h"

enum { RUNS = 11, TEXT_MAX = VB_BUNDLE_TAR_MAX, MANIFEST_MAX = 1 << 20, ENTRIES = 4096 };

static bool planned = true; /* by the last decision */
static char text[TEXT_MAX + 1];
static size_t text_size;

static void require(bool holds)
{
	if (!holds)
		abort();
}

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int length = vsnprintf(text + text_size, sizeof(text) - text_size, format, args);
	va_end(args);
	text_size += (size_t)length;
}

/* Pieces with commas between them, while there is room for another. */
static void add_many(const char *piece, size_t count, size_t max_bytes)
{
	for (size_t i = 0; i < count && text_size + strlen(piece) + 8 < max_bytes; i++)
		add("%s%s", i > 0 ? "," : "", piece);
}

#define HEAD "{\"kind\":\"bundle\",\"schema_version\":\"1.6\",\"name\":\"arm\",\"version\":\"1\""

static void make_numbers(void)
{
	add(HEAD ",\"x\":[");
	add_many("1234567890123", 65531, MANIFEST_MAX);
	add("]}");
}

static void make_reals(void)
{
	add(HEAD ",\"x\":[");
	add_many("1.2345678901e-300", 65531, MANIFEST_MAX);
	add("]}");
}

static void make_objects(void)
{
	add(HEAD ",\"x\":[");
	add_many("{}", 32764, MANIFEST_MAX);
	add("]}");
}

static void make_nested(void)
{
	add(HEAD ",\"x\":[");
	add_many(
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", 2100, MANIFEST_MAX);
	add("]}");
}

static void make_keys(void)
{
	add(HEAD);
	for (int i = 0; i < 65000; i++)
		add(",\"k%d\":0", i);
	add("}");
}

static void make_long_string(void)
{
	add(HEAD ",\"x\":\"");
	while (text_size + 16 < MANIFEST_MAX)
		add("\\u00e9");
	add("\"}");
}

static void make_twins(void)
{
	add(HEAD);
	for (int i = 0; i < 65000; i++)
		add(",\"k%d\":0", i);
	add(",\"k0\":0}");
}

static void add_dlopen(void)
{
	add("\"dlopen_allowlist\":{\"paths\":[");
	for (int i = 0; i < ENTRIES; i++)
		add("%s\"/l/%04d%0*d.so\"", i > 0 ? "," : "", i * 2731 % ENTRIES, 16, i);
	add("]}");
}

static void add_exec(const char *quote)
{
	for (int i = 0; i < ENTRIES; i++)
		add("%s%s/b/%04d%0*d%s", i > 0 ? "," : "", quote, i * 2731 % ENTRIES, 16, i, quote);
}

/* Networks of so many lengths, of which each contains all that are longer. */
static void add_connect(const char *quote, int lengths)
{
	for (int i = 0; i < ENTRIES; i++)
		add("%s%s[8000::/%d]:%d%s", i > 0 ? "," : "", quote, 1 + i % lengths, 30000 + i,
			quote);
}

static void add_lists(int lengths)
{
	add(HEAD ",");
	add_dlopen();
	add(",\"hardening\":{\"preload\":{\"exec_allowlist\":[");
	add_exec("\"");
	add("],\"connect_allowlist\":[");
	add_connect("\"", lengths);
	add("]}}}");
}

static void make_lists(void)
{
	add_lists(127);
}

static void make_tmpfs(void)
{
	add(HEAD ",\"hardening\":{\"tmpfs\":[");
	for (int i = 0; i < VB_PLAN_MOUNTS_MAX; i++)
		add("%s{\"path\":\"/t/%0*d\",\"size\":\"64Mi\"}", i > 0 ? "," : "", 200, i);
	add("]}}");
}

static void make_audit(void)
{
	add(HEAD ",\"hardening\":{\"preload\":{\"audit\":[");
	add_many("\"connect\"", ENTRIES, MANIFEST_MAX);
	add("]}}}");
}

static void make_profiles(void)
{
	add(HEAD ",\"profiles\":{");
	for (int i = 0; text_size + 128 < MANIFEST_MAX; i++)
		add("%s\"p%d\":\"sha256:%064d\"", i > 0 ? "," : "", i, i);
	add("}}");
}

/* From the text to the plan's bytes. */
static void decide(const struct vb_request *request, const struct vb_supply *supply,
	const struct vb_config *config)
{
	const struct vb_subject subject = {.namespace_name = "robots",
		.pod = "arm-7",
		.container = "driver",
		.handler = "vambrace",
		.shim_installed = true};
	vb_auto_plan struct vb_plan *plan = NULL;
	struct vb_error err = {0};

	planned = vb_plan_decide(&subject, request, supply, config, &plan, &err) == 0;
	if (!planned)
		return;
	vb_auto_free char *json = vb_plan_to_json(plan);
	require(json != NULL);
}

static struct vb_bundle *parse(void)
{
	struct vb_bundle *bundle = NULL;
	struct vb_error err;

	return vb_bundle_parse(text, text_size, "arm", &bundle, &err) == 0 ? bundle : NULL;
}

static bool take_manifest(void)
{
	const struct vb_request request = {.asked = true};
	vb_auto_config struct vb_config config = {0};
	vb_auto_bundle struct vb_bundle *bundle = parse();
	const struct vb_supply supply = {.bundle = bundle};

	if (bundle == NULL || vb_config_init(&config) < 0)
		return false;
	decide(&request, &supply, &config);
	return true;
}

static int pass_over(
	void *context, enum vb_bundle_severity severity, const struct vb_error *problem)
{
	(void)context;
	(void)severity;
	(void)problem;
	return 0;
}

static bool take_check(void)
{
	return vb_bundle_check(text, text_size, "arm", pass_over, NULL) == 0;
}

static void make_config_objects(void)
{
	add("{\"rules\":[");
	add_many("{}", MANIFEST_MAX, MANIFEST_MAX);
	add("]}");
}

static void make_config_rules(void)
{
	add("{\"rules\":[");
	for (int i = 0; i < 1024; i++) {
		add("%s{\"namespaces\":[", i > 0 ? "," : "");
		add_many("\"*a*a*a*a*a*a*a*b\"", 54, SIZE_MAX);
		add("]}");
	}
	add("]}");
}

static void make_config_star(void)
{
	add("{\"rules\":[{\"namespaces\":[\"");
	while (text_size + 32 < MANIFEST_MAX)
		add("*a");
	add("b\"]}]}");
}

static void make_config_keys(void)
{
	add("{\"trusted_keys\":[");
	add_many("\"ssh-ed25519 "
		 "AAAAC3NzaC1lZDI1NTE5AAAAIBXvCdjUCiQNFQpZFo2bplclEn5Ih95dazmF3i1fjSbS release\"",
		MANIFEST_MAX, MANIFEST_MAX);
	add("]}");
}

/* With the rule that counts for a namespace that nearly matches everything. */
static bool take_config(void)
{
	static const char name[] =
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	vb_auto_config struct vb_config config = {0};
	struct vb_error err;

	if (vb_config_parse(text, text_size, &config, &err) < 0)
		return false;
	require(vb_config_rule(&config, name) != NULL);
	return true;
}

/* The tar that tar_maker.h holds is the input. */
static void make_big_member(void)
{
	const struct tar_header header = {.name = "policies/large"};

	tar_begin();
	tar_add("manifest.json", "{}");
	tar_add_header(&header, VB_BUNDLE_TAR_MAX - 4096);
	tar_add_content(text, VB_BUNDLE_TAR_MAX - 4096);
	tar_end();
}

static void make_zeros(void)
{
	tar_begin();
	tar_add("manifest.json", "{}");
	tar_add_bytes(text, VB_BUNDLE_TAR_MAX - tar_size());
}

static void make_members(void)
{
	tar_begin();
	tar_add("manifest.json", "{}");
	for (int i = 0; i < VB_BUNDLE_TAR_MEMBERS_MAX - 1; i++) {
		char name[101];
		(void)snprintf(name, sizeof(name), "%098d", i);
		const struct tar_header header = {.name = name};
		tar_add_header(&header, 65000);
		tar_add_content(text, 65000);
	}
	tar_end();
}

/* Headers of 60 KiB before each of the members: names of GNU's and records of pax. */
static void make_headers(char type)
{
	static const char record[16] = "16 comment=abcd\n";
	static char content[60 << 10];

	tar_begin();
	tar_add("manifest.json", "{}");
	memset(content, 'n', sizeof(content) - 1);
	for (size_t at = 0; type == 'x' && at + 16 < sizeof(content); at += 16)
		memcpy(content + at, record, sizeof(record));
	for (int i = 0; i < VB_BUNDLE_TAR_MEMBERS_MAX - 1; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "m%d", i);
		const struct tar_header extension = {.name = "x", .type = type};
		size_t size = type == 'x' ? sizeof(content) / 16 * 16 - 16 : sizeof(content);
		tar_add_header(&extension, size);
		tar_add_content(content, size);
		tar_add(name, "");
	}
	tar_end();
}

static void make_pax(void)
{
	make_headers('x');
}

static void make_links(void)
{
	make_headers('K');
}

static bool take_tar(void)
{
	vb_auto_bundle_tar struct vb_bundle_tar tar = {0};
	struct vb_error err;

	return vb_bundle_tar_read(tar_data(), tar_size(), "manifest.json", 1 << 20, &tar, &err) ==
	       0;
}

/* What else a tar costs when it is installed. */
static bool take_digest(void)
{
	char digest[VB_DIGEST_SIZE];

	vb_digest(tar_data(), tar_size(), digest);
	return true;
}

static struct vb_annotation items[1 << 14];
static struct vb_annotations annotations = {.items = items};
static struct vb_config ruled;
static struct vb_bundle *own;
static struct vb_bundle *floor_bundle;

static char *part_begin(void)
{
	if (text_size > 0)
		text_size++;
	return text + text_size;
}

/* Floor, bundle and annotations each have full lists. */
static void make_rules(int lengths)
{
	static const char rules[] = "{\"rules\":[{\"namespaces\":[\"robots\"],\"floor\":\"arm\"}]}";

	require(vb_config_parse(rules, sizeof(rules) - 1, &ruled, NULL) == 0);
	add_lists(lengths);
	own = parse();
	floor_bundle = parse();
	require(own != NULL && floor_bundle != NULL);
	text_size = 0;
}

static void annotate(const char *key, const char *value)
{
	items[annotations.count++] = (struct vb_annotation){key, value};
}

static void annotate_lists(int lengths)
{
	make_rules(lengths);
	char *exec = part_begin();
	add_exec("");
	char *connect = part_begin();
	add_connect("", lengths);
	annotate("bundle.vambrace.dev", "arm");
	annotate("preload-exec-allowlist.vambrace.dev", exec);
	annotate("preload-connect-allowlist.vambrace.dev", connect);
}

static void make_long_lists(void)
{
	annotate_lists(127);
}

static void make_one_network(void)
{
	annotate_lists(1);
}

static void make_tmpfs_list(void)
{
	make_rules(127);
	/* One less for the shim that the floor brings. */
	char *tmpfs = part_begin();
	for (int i = 0; i < VB_PLAN_MOUNTS_MAX - 1; i++)
		add("%s/t/%0*d", i > 0 ? "," : "", 50, i);
	annotate("tmpfs.vambrace.dev", tmpfs);
}

static void make_many_annotations(void)
{
	make_rules(127);
	for (int i = 0; i < 4096; i++) {
		const char *key = part_begin();
		add("read-only-rootfs.vambrace.dev/container.c%d", i);
		annotate(key, "true");
	}
}

static void make_container_maps(void)
{
	make_rules(127);
	char *value = part_begin();
	add("{");
	for (int i = 0; i < 3600; i++)
		add("%s\"c%d\":{\"cap-drop\":\"ALL\",\"read-only-rootfs\":\"true\"}",
			i > 0 ? "," : "", i);
	add("}");
	annotate("containers.vambrace.dev", value);
}

static bool take_annotations(void)
{
	vb_auto_request struct vb_request request = {0};
	struct vb_error err;

	if (vb_request_parse(&annotations, "driver", &request, &err) < 0)
		return false;
	const struct vb_supply supply = {
		.bundle = request.bundle_name != NULL ? own : NULL, .floor = floor_bundle};
	decide(&request, &supply, &ruled);
	return true;
}

static const struct {
	const char *reader;
	const char *what;
	void (*make)(void);
	bool (*take)(void);
} inputs[] = {
	{"manifest", "65,531 integers", make_numbers, take_manifest},
	{"manifest", "numbers of 17 characters", make_reals, take_manifest},
	{"manifest", "32,764 empty objects", make_objects, take_manifest},
	{"manifest", "2,100 lists of 31 levels", make_nested, take_manifest},
	{"manifest", "65,000 keys", make_keys, take_manifest},
	{"manifest", "65,000 keys, the last one twice", make_twins, take_manifest},
	{"manifest", "one string, all escapes", make_long_string, take_manifest},
	{"manifest", "three lists of 4,096", make_lists, take_manifest},
	{"manifest", "3,000 tmpfs", make_tmpfs, take_manifest},
	{"manifest", "4,096 audits", make_audit, take_manifest},
	{"manifest", "profiles", make_profiles, take_manifest},
	{"lint", "65,000 keys", make_keys, take_check},
	{"config", "empty objects", make_config_objects, take_config},
	{"config", "1,024 rules of 54 globs", make_config_rules, take_config},
	{"config", "one glob of a MiB", make_config_star, take_config},
	{"config", "trusted keys", make_config_keys, take_config},
	{"tar", "16 MiB, one large member", make_big_member, take_tar},
	{"tar", "16 MiB, zeros behind the end", make_zeros, take_tar},
	{"tar", "16 MiB, 256 members", make_members, take_tar},
	{"tar", "256 members with pax records of 60 KiB", make_pax, take_tar},
	{"tar", "256 members with link names of 60 KiB", make_links, take_tar},
	{"tar", "16 MiB, digest", make_big_member, take_digest},
	{"annotations", "lists of 4,096, bundle, floor", make_long_lists, take_annotations},
	{"annotations", "ports of one network, bundle, floor", make_one_network, take_annotations},
	{"annotations", "2,999 tmpfs, floor", make_tmpfs_list, take_annotations},
	{"annotations", "4,096 containers, floor", make_many_annotations, take_annotations},
	{"annotations", "a map of 3,600 containers, floor", make_container_maps, take_annotations},
};

static double now_ms(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int compare_times(const void *left, const void *right)
{
	const double *a = left;
	const double *b = right;

	return (*a > *b) - (*a < *b);
}

static long most_kib(void)
{
	vb_auto_free char *status = NULL;

	if (vb_file_read_stream(AT_FDCWD, "/proc/self/status", 1 << 16, &status, NULL) < 0)
		return 0;
	const char *most = strstr(status, "VmHWM:");
	return most != NULL ? strtol(most + 6, NULL, 10) : 0;
}

static void forget_most(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "5", 1) != 1)
		_exit(1);
	(void)close(fd);
}

static void measure(size_t i)
{
	double times[RUNS];

	inputs[i].make();
	forget_most();
	long before = most_kib();
	bool accepted = inputs[i].take();
	long after = most_kib();
	for (size_t run = 0; run < RUNS; run++) {
		double start = now_ms();
		(void)inputs[i].take();
		times[run] = now_ms() - start;
	}
	qsort(times, RUNS, sizeof(times[0]), compare_times);
	const char *end = accepted ? "taken" : "refused";
	printf("%-12s %-40s %-8s %8.1f ms %6.1f MiB\n", inputs[i].reader, inputs[i].what,
		planned ? end : "no plan", times[RUNS / 2], (double)(after - before) / 1024);
	(void)fflush(stdout);
}

int main(void)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(inputs); i++) {
		int status = 0;
		pid_t child = fork();
		if (child == 0) {
			measure(i);
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
			return 1;
	}
	return 0;
}
