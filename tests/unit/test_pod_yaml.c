/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pod.h"
#include "pod_yaml.h"
#include "pod_yaml_scalar.h"
#include "vb/adjust/json.h"

static struct vb_error err;

static int parse(const char *text, struct vb_yaml **ret_yaml)
{
	return vb_yaml_parse("pod.yaml", text, strlen(text), ret_yaml, &err);
}

/* One plain scalar, and the JSON that it means to Kubernetes. */
static const struct {
	const char *plain;
	const char *json;
} scalars[] = {
	{"", "null"},
	{"~", "null"},
	{"Null", "null"},
	{"nULL", "\"nULL\""},
	{"true", "true"},
	{"yes", "true"},
	{"On", "true"},
	{"y", "true"},
	{"yEs", "\"yEs\""},
	{"off", "false"},
	{"n", "false"},
	{"no1", "\"no1\""},
	{"0", "0"},
	{"-17", "-17"},
	{"+17", "17"},
	{"0755", "493"},
	{"0o755", "493"},
	{"0x1F", "31"},
	{"-0b101", "-5"},
	{"1_000", "1000"},
	{"9223372036854775807", "9223372036854775807"},
	{"18446744073709551616", "1.8446744073709552e19"},
	{"08", "8.0"},
	{"1.5", "1.5"},
	{".5", "0.5"},
	{"1e3", "1000.0"},
	{"1e999", "\"1e999\""},
	{"1.2.3", "\"1.2.3\""},
	{"._1", "\"._1\""},
	{"0x", "\"0x\""},
	{"0xg", "\"0xg\""},
	{"--1", "\"--1\""},
	{"+", "\"+\""},
	{"-", "\"-\""},
	{".", "\".\""},
	{"1 2", "\"1 2\""},
	{"08:15", "\"08:15\""},
	{"2026-11-23", "\"2026-11-23\""},
	{"64Mi", "\"64Mi\""},
	{"12345678901234567890123456789012345678901234567890123456789012345",
		"\"12345678901234567890123456789012345678901234567890123456789012345\""},
};

START_TEST(a_plain_scalar_means_what_it_means_to_kubernetes)
{
	const char *plain = scalars[_i].plain;
	json_t *value = vb_yaml_resolve_plain(plain, strlen(plain));
	char *text = json_dumps(value, JSON_ENCODE_ANY);

	ck_assert_str_eq(text, scalars[_i].json);
	free(text);
	json_decref(value);
}
END_TEST

START_TEST(only_the_given_length_of_a_scalar_counts)
{
	vb_auto_json json_t *value = vb_yaml_resolve_plain("12345", 2);

	ck_assert_int_eq(json_integer_value(value), 12);
}
END_TEST

START_TEST(quoted_and_block_scalars_are_texts)
{
	vb_auto_yaml struct vb_yaml *yaml = NULL;
	static const char text[] = "a: 'true'\nb: \"12\"\nc: |\n  null\nd: !!str 12\n";

	ck_assert_int_eq(parse(text, &yaml), 0);
	const json_t *document = json_array_get(vb_yaml_documents(yaml), 0);
	ck_assert_str_eq(json_string_value(json_object_get(document, "a")), "true");
	ck_assert_str_eq(json_string_value(json_object_get(document, "b")), "12");
	ck_assert_str_eq(json_string_value(json_object_get(document, "c")), "null\n");
	ck_assert_str_eq(json_string_value(json_object_get(document, "d")), "12");
}
END_TEST

START_TEST(empty_documents_are_left_out)
{
	vb_auto_yaml struct vb_yaml *yaml = NULL;

	ck_assert_int_eq(parse("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n---\n", &yaml), 0);
	ck_assert_uint_eq(json_array_size(vb_yaml_documents(yaml)), 2);
}
END_TEST

START_TEST(an_error_names_the_place_of_a_value_and_of_an_object)
{
	vb_auto_yaml struct vb_yaml *yaml = NULL;

	ck_assert_int_eq(parse("a: 1\nb:\n  - c: x\n    d: y\n", &yaml), 0);
	const json_t *document = json_array_get(vb_yaml_documents(yaml), 0);
	const json_t *item = json_array_get(json_object_get(document, "b"), 0);
	ck_assert_int_eq(vb_yaml_error(yaml, item, "d", &err, "is %s", "bad"), -EINVAL);
	ck_assert_str_eq(err.what, "pod.yaml:4:8: is bad");
	ck_assert_int_eq(vb_yaml_error(yaml, item, NULL, &err, "is bad"), -EINVAL);
	ck_assert_str_eq(err.what, "pod.yaml:3:5: is bad");
	ck_assert_int_eq(vb_yaml_error(yaml, item, "absent", &err, "is bad"), -EINVAL);
	ck_assert_str_eq(err.what, "pod.yaml:3:5: is bad");
	ck_assert_uint_eq(vb_yaml_line(yaml, item), 3);
}
END_TEST

START_TEST(json_that_yaml_cannot_read_is_read_without_places)
{
	vb_auto_yaml struct vb_yaml *yaml = NULL;

	ck_assert_int_eq(parse("{\"a\": \"\\ud83e\\udd16\"}", &yaml), 0);
	const json_t *document = json_array_get(vb_yaml_documents(yaml), 0);
	ck_assert_str_eq(json_string_value(json_object_get(document, "a")), "\xf0\x9f\xa4\x96");
	ck_assert_uint_eq(vb_yaml_line(yaml, document), 0);
	ck_assert_int_eq(vb_yaml_error(yaml, document, "a", &err, "is bad"), -EINVAL);
	ck_assert_str_eq(err.what, "pod.yaml: is bad");
}
END_TEST

START_TEST(a_text_over_4_mib_is_refused)
{
	vb_auto_yaml struct vb_yaml *yaml = NULL;
	size_t size = (size_t)VB_YAML_SIZE_MAX + 1;
	vb_auto_free char *text = malloc(size);

	ck_assert_ptr_nonnull(text);
	memset(text, '#', size);
	ck_assert_int_eq(vb_yaml_parse("big", text, size, &yaml, &err), -EFBIG);
	ck_assert_int_eq(vb_yaml_parse("big", text, size - 1, &yaml, &err), 0);
}
END_TEST

/* A list of that many ones. */
static char *ones(size_t count)
{
	char *text = malloc(2 * count + 2);

	ck_assert_ptr_nonnull(text);
	text[0] = '[';
	for (size_t i = 0; i < count; i++)
		memcpy(text + 1 + 2 * i, i + 1 < count ? "1," : "1]", 2);
	text[2 * count + 1] = '\0';
	return text;
}

START_TEST(more_values_than_the_limit_are_refused)
{
	vb_auto_yaml struct vb_yaml *yaml = NULL;
	vb_auto_free char *most = ones(VB_YAML_VALUES_MAX - 1); /* the list itself is one, too */
	vb_auto_free char *more = ones(VB_YAML_VALUES_MAX);

	ck_assert_int_eq(parse(most, &yaml), 0);
	vb_yaml_destroy(VB_STEAL(yaml));
	ck_assert_int_eq(parse(more, &yaml), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.what, "too many values"));
}
END_TEST

static char *nest(size_t depth)
{
	char *text = malloc(2 * depth + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	text[2 * depth] = '\0';
	return text;
}

START_TEST(the_depth_limit_is_64_levels)
{
	vb_auto_yaml struct vb_yaml *yaml = NULL;
	vb_auto_free char *deepest = nest(VB_YAML_DEPTH_MAX);
	vb_auto_free char *deeper = nest(VB_YAML_DEPTH_MAX + 1);

	ck_assert_int_eq(parse(deepest, &yaml), 0);
	vb_yaml_destroy(VB_STEAL(yaml));
	ck_assert_int_eq(parse(deeper, &yaml), -EINVAL);
	ck_assert_str_eq(err.what, "pod.yaml:1:65: nested too deeply");
}
END_TEST

START_TEST(a_flood_of_directives_is_refused_at_once)
{
	static const char directive[] = "%TAG !a! tag:x,2000:\n";
	vb_auto_yaml struct vb_yaml *yaml = NULL;
	size_t length = sizeof(directive) - 1;
	size_t size = length * 100000;
	vb_auto_free char *text = malloc(size);

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < size; i += length)
		memcpy(text + i, directive, length);
	ck_assert_int_eq(vb_yaml_parse("flood", text, size, &yaml, &err), -EINVAL);
	ck_assert_str_eq(err.what, "flood:65:1: too many directives");
	ck_assert_int_eq(parse("%YAML 1.1\n---\na: 1\n", &yaml), 0);
}
END_TEST

static const struct vb_subject_mount *find_mount(
	const struct vb_pod_container *container, const char *destination)
{
	for (size_t i = 0; i < container->mount_count; i++)
		if (strcmp(container->mounts[i].destination, destination) == 0)
			return &container->mounts[i];
	return NULL;
}

/* A mount that must be there. */
static const struct vb_subject_mount *need_mount(
	const struct vb_pod_container *container, const char *destination)
{
	const struct vb_subject_mount *mount = find_mount(container, destination);

	if (mount == NULL)
		ck_abort_msg("no mount at %s", destination);
	return mount;
}

static const char mounts_text[] = "kind: Pod\n"
				  "metadata: {name: arm}\n"
				  "spec:\n"
				  "  containers:\n"
				  "    - name: a\n"
				  "      terminationMessagePath: /log\n"
				  "      volumeMounts:\n"
				  "        - {name: secret, mountPath: /secret}\n"
				  "        - {name: host, mountPath: host/}\n"
				  "        - {name: mine, mountPath: /etc/hosts}\n"
				  "    - {name: b, securityContext: {privileged: true}}\n"
				  "  ephemeralContainers: [{name: c}]\n"
				  "  volumes:\n"
				  "    - {name: secret, secret: {secretName: x}}\n"
				  "    - {name: host, hostPath: {path: /srv}}\n"
				  "    - {name: mine, emptyDir: {}}\n";

START_TEST(mounts_are_those_that_kubelet_and_the_runtime_would_make)
{
	static const char token[] = "/var/run/secrets/kubernetes.io/serviceaccount";
	vb_auto_yaml struct vb_yaml *yaml = NULL;
	vb_auto_pod_list struct vb_pod_list pods = {0};

	ck_assert_int_eq(parse(mounts_text, &yaml), 0);
	ck_assert_int_eq(vb_pod_list_read(yaml, "default", &pods, &err), 0);
	const struct vb_pod_container *containers = pods.items[0].containers;
	ck_assert(need_mount(&containers[0], "/secret")->read_only);
	ck_assert(!need_mount(&containers[0], "/host")->read_only);
	ck_assert_str_eq(need_mount(&containers[0], "/host")->source, "/srv");
	ck_assert_str_eq(need_mount(&containers[0], "/etc/hosts")->source, "volume mine");
	ck_assert_ptr_nonnull(find_mount(&containers[0], "/log"));
	ck_assert_ptr_null(find_mount(&containers[0], "/dev/termination-log"));
	ck_assert(need_mount(&containers[0], token)->read_only);
	ck_assert(need_mount(&containers[0], "/sys")->read_only);
	ck_assert(!need_mount(&containers[1], "/sys")->read_only);
	ck_assert_ptr_nonnull(find_mount(&containers[1], "/dev/termination-log"));
	ck_assert_ptr_null(find_mount(&containers[2], token));
	ck_assert_int_eq(containers[2].kind, VB_POD_EPHEMERAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pod_yaml");
	TCase *scalar = tcase_create("scalars");
	TCase *text = tcase_create("texts");
	TCase *limits = tcase_create("limits");
	TCase *pod = tcase_create("pods");

	tcase_add_loop_test(scalar, a_plain_scalar_means_what_it_means_to_kubernetes, 0,
		(int)VB_ARRAY_SIZE(scalars));
	tcase_add_test(scalar, only_the_given_length_of_a_scalar_counts);
	tcase_add_test(text, quoted_and_block_scalars_are_texts);
	tcase_add_test(text, empty_documents_are_left_out);
	tcase_add_test(text, an_error_names_the_place_of_a_value_and_of_an_object);
	tcase_add_test(text, json_that_yaml_cannot_read_is_read_without_places);
	tcase_add_test(limits, a_text_over_4_mib_is_refused);
	tcase_add_test(limits, more_values_than_the_limit_are_refused);
	tcase_add_test(limits, the_depth_limit_is_64_levels);
	tcase_add_test(limits, a_flood_of_directives_is_refused_at_once);
	tcase_add_test(pod, mounts_are_those_that_kubelet_and_the_runtime_would_make);
	suite_add_tcase(suite, scalar);
	suite_add_tcase(suite, text);
	suite_add_tcase(suite, limits);
	suite_add_tcase(suite, pod);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
