/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nri.pb-c.h"
#include "vb/base/str.h"
#include "vb/proto/nri.h"

typedef Nri__Pkg__Api__V1alpha1__PodSandbox pb_pod;
typedef Nri__Pkg__Api__V1alpha1__Container pb_container;
typedef Nri__Pkg__Api__V1alpha1__ContainerEvent pb_container_event;
typedef Nri__Pkg__Api__V1alpha1__KeyValue pb_pair;

static struct vb_error err;
static struct vb_arena *arena;

static void set_up(void)
{
	arena = vb_arena_create(VB_ARENA_DEFAULT_BYTES);
	ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
	vb_arena_destroy(arena);
}

/* A payload that a test puts together. */
struct payload {
	uint8_t bytes[2048];
	size_t size;
};

static void pack(const ProtobufCMessage *message, struct payload *payload)
{
	payload->size = protobuf_c_message_get_packed_size(message);
	ck_assert_uint_le(payload->size, sizeof(payload->bytes));
	protobuf_c_message_pack(message, payload->bytes);
}

/* The smallest request about a container, to be filled in. */
struct event {
	pb_container_event event;
	pb_pod pod;
	pb_container container;
	pb_pair annotation;
	pb_pair *annotations[1];
	char pod_id[8];
	char container_id[8];
};

static void init_event(struct event *event)
{
	nri__pkg__api__v1alpha1__container_event__init(&event->event);
	nri__pkg__api__v1alpha1__pod_sandbox__init(&event->pod);
	nri__pkg__api__v1alpha1__container__init(&event->container);
	nri__pkg__api__v1alpha1__key_value__init(&event->annotation);
	event->annotations[0] = &event->annotation;
	memcpy(event->pod_id, "p0d-1.x", 8);
	memcpy(event->container_id, "c_2", 4);
	event->event.pod = &event->pod;
	event->event.container = &event->container;
	event->pod.id = event->pod_id;
	event->container.id = event->container_id;
}

static int decode(enum vb_nri_method method, const struct payload *payload,
	struct vb_nri_request *ret_request)
{
	err.what[0] = '\0';
	return vb_nri_decode_request(
		arena, method, payload->bytes, payload->size, ret_request, &err);
}

/* Turns the one occurrence of a byte into another. */
static void replace_byte(struct payload *payload, uint8_t from, uint8_t to)
{
	uint8_t *found = memchr(payload->bytes, from, payload->size);

	ck_assert_ptr_nonnull(found);
	*found = to;
}

START_TEST(configure_of_an_old_runtime_leaves_the_newer_fields_empty)
{
	static const uint8_t payload[] = "\x12\x0a"
					 "containerd\x1a\x06"
					 "1.7.24";
	struct vb_nri_configure configure;

	ck_assert_int_eq(
		vb_nri_decode_configure(arena, payload, sizeof(payload) - 1, &configure, &err), 0);
	ck_assert_str_eq(configure.runtime_name, "containerd");
	ck_assert_str_eq(configure.runtime_version, "1.7.24");
	ck_assert_str_eq(configure.config, "");
	ck_assert_str_eq(configure.nri_version, "");
	ck_assert_int_eq(configure.registration_timeout_ms, 0);
	ck_assert_int_eq(configure.request_timeout_ms, 0);
}
END_TEST

START_TEST(configure_with_bad_text_is_an_error)
{
	static const uint8_t not_utf8[] = {0x12, 2, 'a', 0xff};
	static const uint8_t with_nul[] = {0x12, 2, 'a', 0};
	struct vb_nri_configure configure;

	ck_assert_int_eq(
		vb_nri_decode_configure(arena, not_utf8, sizeof(not_utf8), &configure, &err),
		-EBADMSG);
	ck_assert_int_eq(
		vb_nri_decode_configure(arena, with_nul, sizeof(with_nul), &configure, &err),
		-EBADMSG);
}
END_TEST

START_TEST(an_event_without_its_container_is_an_error)
{
	struct vb_nri_request request;
	struct payload payload;
	struct event event;

	init_event(&event);
	event.event.container = NULL;
	pack(&event.event.base, &payload);
	ck_assert_int_eq(decode(VB_NRI_METHOD_CREATE_CONTAINER, &payload, &request), -EBADMSG);
	ck_assert_int_eq(decode(VB_NRI_METHOD_REMOVE_CONTAINER, &payload, &request), -EBADMSG);
	ck_assert_int_eq(decode(VB_NRI_METHOD_RUN_POD_SANDBOX, &payload, &request), 0);
	ck_assert(!request.has_container);
	ck_assert_str_eq(request.container.id, "");
}
END_TEST

START_TEST(only_the_end_of_a_container_may_lack_the_pod)
{
	static const enum vb_nri_method needy[] = {VB_NRI_METHOD_CREATE_CONTAINER,
		VB_NRI_METHOD_POST_CREATE_CONTAINER, VB_NRI_METHOD_START_CONTAINER,
		VB_NRI_METHOD_POST_START_CONTAINER, VB_NRI_METHOD_VALIDATE_ADJUSTMENT,
		VB_NRI_METHOD_RUN_POD_SANDBOX, VB_NRI_METHOD_REMOVE_POD_SANDBOX};
	struct vb_nri_request request;
	struct payload payload;
	struct event event;

	init_event(&event);
	event.event.pod = NULL;
	pack(&event.event.base, &payload);
	for (size_t i = 0; i < VB_ARRAY_SIZE(needy); i++)
		ck_assert_int_eq(decode(needy[i], &payload, &request), -EBADMSG);
	ck_assert_int_eq(decode(VB_NRI_METHOD_STOP_CONTAINER, &payload, &request), 0);
	ck_assert_int_eq(decode(VB_NRI_METHOD_REMOVE_CONTAINER, &payload, &request), 0);
	ck_assert_str_eq(request.pod.id, "");
	ck_assert_str_eq(request.pod.name_space, "");
	ck_assert_str_eq(request.container.id, "c_2");
}
END_TEST

START_TEST(a_method_without_an_event_is_not_decoded_as_one)
{
	struct payload payload = {.size = 0};
	struct vb_nri_request request;

	ck_assert_int_eq(decode(VB_NRI_METHOD_CONFIGURE, &payload, &request), -EINVAL);
	ck_assert_int_eq(decode(VB_NRI_METHOD_SYNCHRONIZE, &payload, &request), -EINVAL);
	ck_assert_int_eq(decode(VB_NRI_METHOD_UNKNOWN, &payload, &request), -EINVAL);
}
END_TEST

START_TEST(a_state_change_of_an_unknown_kind_is_told_as_such)
{
	struct payload payload = {.bytes = {0x08, 15}, .size = 2};
	struct vb_nri_request request;

	ck_assert_int_eq(decode(VB_NRI_METHOD_STATE_CHANGE, &payload, &request), 0);
	ck_assert_int_eq(request.event, VB_NRI_EVENT_UNKNOWN);
	payload.bytes[1] = VB_NRI_EVENT_REMOVE_POD_SANDBOX;
	ck_assert_int_eq(decode(VB_NRI_METHOD_STATE_CHANGE, &payload, &request), -EBADMSG);
}
END_TEST

static const char *const bad_ids[] = {"", "../x", "a/b", ".", "..", "-x", "a b", "\xc3\xa9", "_"};

START_TEST(an_id_that_cannot_name_a_file_is_an_error)
{
	struct vb_nri_request request;
	struct payload payload;
	struct event event;

	init_event(&event);
	memset(event.container_id, 0, sizeof(event.container_id));
	memcpy(event.container_id, bad_ids[_i], strlen(bad_ids[_i]));
	pack(&event.event.base, &payload);
	ck_assert_int_eq(decode(VB_NRI_METHOD_CREATE_CONTAINER, &payload, &request), -EBADMSG);
	init_event(&event);
	memset(event.pod_id, 0, sizeof(event.pod_id));
	memcpy(event.pod_id, bad_ids[_i], strlen(bad_ids[_i]));
	pack(&event.event.base, &payload);
	ck_assert_int_eq(decode(VB_NRI_METHOD_CREATE_CONTAINER, &payload, &request), -EBADMSG);
}
END_TEST

START_TEST(an_id_has_at_most_128_bytes)
{
	char id[130] = {0};
	struct vb_nri_request request;
	struct payload payload;
	struct event event;

	init_event(&event);
	memset(id, 'f', 128);
	event.container.id = id;
	pack(&event.event.base, &payload);
	ck_assert_int_eq(decode(VB_NRI_METHOD_CREATE_CONTAINER, &payload, &request), 0);
	id[128] = 'f';
	pack(&event.event.base, &payload);
	ck_assert_int_eq(decode(VB_NRI_METHOD_CREATE_CONTAINER, &payload, &request), -EBADMSG);
}
END_TEST

static void decode_with_annotation(
	char *value, uint8_t from, uint8_t to, struct vb_nri_request *ret_request)
{
	char key[] = "k.vambrace.dev";
	struct payload payload;
	struct event event;

	init_event(&event);
	event.annotation.key = key;
	event.annotation.value = value;
	event.pod.annotations = event.annotations;
	event.pod.n_annotations = 1;
	pack(&event.event.base, &payload);
	replace_byte(&payload, from, to);
	ck_assert_int_eq(decode(VB_NRI_METHOD_CREATE_CONTAINER, &payload, ret_request), 0);
}

START_TEST(a_nul_or_a_stray_byte_in_a_text_is_told)
{
	char value[] = "true#false";
	struct vb_nri_request request;

	decode_with_annotation(value, '#', '$', &request);
	ck_assert(!request.pod.has_bad_text);
	ck_assert_str_eq(
		vb_nri_pairs_get(&request.pod.annotations, "k.vambrace.dev"), "true$false");
	decode_with_annotation(value, '#', 0xff, &request);
	ck_assert(request.pod.has_bad_text);
	ck_assert(!request.container.has_bad_text);
	ck_assert_str_eq(
		vb_nri_pairs_get(&request.pod.annotations, "k.vambrace.dev"), "true?false");
	decode_with_annotation(value, '#', 0, &request);
	ck_assert(request.pod.has_bad_text);
	ck_assert_str_eq(vb_nri_pairs_get(&request.pod.annotations, "k.vambrace.dev"), "true");
}
END_TEST

START_TEST(of_two_pairs_with_one_key_the_last_counts)
{
	static const struct vb_nri_pair items[] = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
	const struct vb_nri_pairs pairs = {items, 3};

	ck_assert_str_eq(vb_nri_pairs_get(&pairs, "a"), "3");
	ck_assert_str_eq(vb_nri_pairs_get(&pairs, "b"), "2");
	ck_assert_ptr_null(vb_nri_pairs_get(&pairs, "c"));
	ck_assert_ptr_null(vb_nri_pairs_get(&(struct vb_nri_pairs){0}, "a"));
}
END_TEST

START_TEST(a_second_container_in_one_request_is_an_error)
{
	struct vb_nri_request request;
	struct payload payload;
	struct event event;

	init_event(&event);
	pack(&event.event.base, &payload);
	memcpy(payload.bytes + payload.size, "\x12\x03\x0a\x01z", 5);
	payload.size += 5;
	ck_assert_int_eq(decode(VB_NRI_METHOD_CREATE_CONTAINER, &payload, &request), -EBADMSG);
}
END_TEST

/* Bodies of a container; each is malformed inside, not at the request's own level. */
static const struct {
	const char *why;
	const char *bytes;
	size_t size;
} bad_containers[] = {
#define BAD(why, literal)                                                                          \
	{                                                                                          \
		why, literal, sizeof(literal) - 1                                                  \
	}
	BAD("an id that is a number", "\x08\x01"),
	BAD("a pid that is bytes", "\x62\x01\x05"),
	BAD("env that is a number", "\x40\x01"),
	BAD("a mount that ends early", "\x4a\x03\x0a\x05z"),
	BAD("linux that is a fixed32", "\x5dzzzz"),
	BAD("half a tag", "\xff"),
	BAD("a namespace type that is a number, two levels down", "\x5a\x04\x0a\x02\x08\x01"),
	BAD("a packed number list that ends early", "\xaa\x01\x03\x1a\x01\xff"),
	BAD("a group", "\x0b\x0c"),
#undef BAD
};

START_TEST(a_malformed_container_is_an_error)
{
	struct vb_nri_request request;
	struct payload payload = {.bytes = "\x0a\x03\x0a\x01p\x12", .size = 6};

	payload.bytes[payload.size++] = (uint8_t)(bad_containers[_i].size + 3);
	memcpy(payload.bytes + payload.size, "\x0a\x01z", 3);
	payload.size += 3;
	memcpy(payload.bytes + payload.size, bad_containers[_i].bytes, bad_containers[_i].size);
	payload.size += bad_containers[_i].size;
	ck_assert_msg(decode(VB_NRI_METHOD_CREATE_CONTAINER, &payload, &request) == -EBADMSG,
		"%s passed", bad_containers[_i].why);
	ck_assert_str_ne(err.what, "");
}
END_TEST

/* Text that protobuf-c's structs may point at; they want char *. */
static char *text(const char *literal)
{
	return (char *)(uintptr_t)literal;
}

/* A policy with one rule, each part of it set. */
struct policy {
	Nri__Pkg__Api__V1alpha1__LinuxSeccomp seccomp;
	Nri__Pkg__Api__V1alpha1__LinuxSyscall rule;
	Nri__Pkg__Api__V1alpha1__LinuxSyscall *rules[1];
	Nri__Pkg__Api__V1alpha1__LinuxSeccompArg argument;
	Nri__Pkg__Api__V1alpha1__LinuxSeccompArg *arguments[1];
	Nri__Pkg__Api__V1alpha1__OptionalUInt32 default_errno;
	Nri__Pkg__Api__V1alpha1__OptionalUInt32 rule_errno;
	char *names[2];
	char *architectures[1];
	char *flags[1];
};

static void init_policy(struct policy *policy)
{
	nri__pkg__api__v1alpha1__linux_seccomp__init(&policy->seccomp);
	nri__pkg__api__v1alpha1__linux_syscall__init(&policy->rule);
	nri__pkg__api__v1alpha1__linux_seccomp_arg__init(&policy->argument);
	nri__pkg__api__v1alpha1__optional_uint32__init(&policy->default_errno);
	nri__pkg__api__v1alpha1__optional_uint32__init(&policy->rule_errno);
	policy->names[0] = text("mmap");
	policy->names[1] = text("mprotect");
	policy->architectures[0] = text("SCMP_ARCH_X86_64");
	policy->flags[0] = text("SECCOMP_FILTER_FLAG_LOG");
	policy->default_errno.value = 38;
	policy->seccomp.default_action = text("SCMP_ACT_ERRNO");
	policy->seccomp.default_errno = &policy->default_errno;
	policy->seccomp.architectures = policy->architectures;
	policy->seccomp.n_architectures = 1;
	policy->seccomp.flags = policy->flags;
	policy->seccomp.n_flags = 1;
	policy->seccomp.listener_path = text("/run/l");
	policy->rules[0] = &policy->rule;
	policy->seccomp.syscalls = policy->rules;
	policy->seccomp.n_syscalls = 1;
	policy->rule.names = policy->names;
	policy->rule.n_names = 2;
	policy->rule.action = text("SCMP_ACT_KILL");
	policy->rule.errno_ret = &policy->rule_errno;
	policy->arguments[0] = &policy->argument;
	policy->rule.args = policy->arguments;
	policy->rule.n_args = 1;
	policy->argument.index = 2;
	policy->argument.value = UINT64_MAX;
	policy->argument.value_two = 4;
	policy->argument.op = text("SCMP_CMP_MASKED_EQ");
}

static void check_rule(const struct vb_nri_seccomp_rule *rule)
{
	ck_assert_uint_eq(rule->names.count, 2);
	ck_assert_str_eq(rule->names.items[0], "mmap");
	ck_assert_str_eq(rule->names.items[1], "mprotect");
	ck_assert_str_eq(rule->action, "SCMP_ACT_KILL");
	ck_assert(rule->has_errno);
	ck_assert_uint_eq(rule->errno_ret, 0);
	ck_assert_uint_eq(rule->argument_count, 1);
	ck_assert_uint_eq(rule->arguments[0].index, 2);
	ck_assert_uint_eq(rule->arguments[0].value, UINT64_MAX);
	ck_assert_uint_eq(rule->arguments[0].value_two, 4);
	ck_assert_str_eq(rule->arguments[0].op, "SCMP_CMP_MASKED_EQ");
}

START_TEST(a_seccomp_policy_is_decoded_whole)
{
	Nri__Pkg__Api__V1alpha1__LinuxContainer on_linux;
	struct vb_nri_request request;
	struct payload payload;
	struct policy policy;
	struct event event;

	init_event(&event);
	init_policy(&policy);
	nri__pkg__api__v1alpha1__linux_container__init(&on_linux);
	on_linux.seccomp_policy = &policy.seccomp;
	event.container.on_linux = &on_linux;
	pack(&event.event.base, &payload);
	ck_assert_int_eq(decode(VB_NRI_METHOD_CREATE_CONTAINER, &payload, &request), 0);
	const struct vb_nri_seccomp *seccomp = request.container.seccomp;
	ck_assert_ptr_nonnull(seccomp);
	ck_assert_str_eq(seccomp->default_action, "SCMP_ACT_ERRNO");
	ck_assert(seccomp->has_default_errno);
	ck_assert_uint_eq(seccomp->default_errno, 38);
	ck_assert_uint_eq(seccomp->architectures.count, 1);
	ck_assert_str_eq(seccomp->architectures.items[0], "SCMP_ARCH_X86_64");
	ck_assert_uint_eq(seccomp->flags.count, 1);
	ck_assert_str_eq(seccomp->flags.items[0], "SECCOMP_FILTER_FLAG_LOG");
	ck_assert_str_eq(seccomp->listener_path, "/run/l");
	ck_assert_uint_eq(seccomp->rule_count, 1);
	check_rule(&seccomp->rules[0]);
}
END_TEST

START_TEST(a_container_without_a_seccomp_policy_shows_none)
{
	struct vb_nri_request request;
	struct payload payload;
	struct event event;

	init_event(&event);
	pack(&event.event.base, &payload);
	ck_assert_int_eq(decode(VB_NRI_METHOD_CREATE_CONTAINER, &payload, &request), 0);
	ck_assert_ptr_null(request.container.seccomp);
	ck_assert(!request.container.has_user);
	ck_assert_str_eq(request.container.cgroups_path, "");
	ck_assert_str_eq(request.pod.cgroup_parent, "");
}
END_TEST

/*
 * What no recording has, by the field numbers of the API: nri.proto is not asked here. The pod's
 * handler (7) and cgroup parent (8.3); the container's seccomp policy (11.8, all of it), rlimits
 * (13), exit code (17) and user (21).
 */
static const struct payload unrecorded = {
	.bytes = "\x0a\x0f\x0a\x01p\x3a\x03hdl\x42\x05\x1a\x03par"
		 "\x12\x55\x0a\x01\x63\x5a\x37\x42\x35\x0a\x03\x45RR\x12\x02\x08\x26\x1a\x03X64"
		 "\x22\x03LOG\x2a\x02/l\x3a\x1c\x0a\x04mmap\x12\x04KILL\x1a\x02\x08\x05\x22\x0a"
		 "\x08\x02\x10\x03\x18\x04\x22\x02\x45Q\x6a\x09\x0a\x03NOF\x10\x09\x18\x08\x88\x01"
		 "\x06\xaa\x01\x08\x08\x0a\x10\x0b\x1a\x02\x0c\x0d",
	.size = 17 + 87,
};

START_TEST(fields_that_no_recording_has_are_read_by_their_numbers)
{
	struct vb_nri_request request;

	ck_assert_int_eq(decode(VB_NRI_METHOD_CREATE_CONTAINER, &unrecorded, &request), 0);
	const struct vb_nri_container *container = &request.container;
	ck_assert_str_eq(request.pod.runtime_handler, "hdl");
	ck_assert_str_eq(request.pod.cgroup_parent, "par");
	ck_assert_str_eq(container->seccomp->default_action, "ERR");
	ck_assert_uint_eq(container->seccomp->default_errno, 38);
	ck_assert_str_eq(container->seccomp->architectures.items[0], "X64");
	ck_assert_str_eq(container->seccomp->flags.items[0], "LOG");
	ck_assert_str_eq(container->seccomp->listener_path, "/l");
	const struct vb_nri_seccomp_rule *rule = &container->seccomp->rules[0];
	ck_assert_str_eq(rule->names.items[0], "mmap");
	ck_assert_str_eq(rule->action, "KILL");
	ck_assert_uint_eq(rule->errno_ret, 5);
	ck_assert_uint_eq(rule->arguments[0].index, 2);
	ck_assert_uint_eq(rule->arguments[0].value, 3);
	ck_assert_uint_eq(rule->arguments[0].value_two, 4);
	ck_assert_str_eq(rule->arguments[0].op, "EQ");
	ck_assert_str_eq(container->rlimits[0].type, "NOF");
	ck_assert_uint_eq(container->rlimits[0].hard, 9);
	ck_assert_uint_eq(container->rlimits[0].soft, 8);
	ck_assert_int_eq(container->exit_code, 6);
	ck_assert_uint_eq(container->uid, 10);
	ck_assert_uint_eq(container->gid, 11);
	ck_assert_uint_eq(container->additional_gid_count, 2);
	ck_assert_uint_eq(container->additional_gids[1], 13);
}
END_TEST

START_TEST(rlimits_of_the_full_64_bits_are_kept)
{
	Nri__Pkg__Api__V1alpha1__POSIXRlimit rlimit;
	Nri__Pkg__Api__V1alpha1__POSIXRlimit *rlimits[] = {&rlimit};
	char type[] = "RLIMIT_NOFILE";
	struct vb_nri_request request;
	struct payload payload;
	struct event event;

	init_event(&event);
	nri__pkg__api__v1alpha1__posixrlimit__init(&rlimit);
	rlimit.type = type;
	rlimit.hard = UINT64_MAX;
	rlimit.soft = 1024;
	event.container.rlimits = rlimits;
	event.container.n_rlimits = 1;
	pack(&event.event.base, &payload);
	ck_assert_int_eq(decode(VB_NRI_METHOD_START_CONTAINER, &payload, &request), 0);
	ck_assert_uint_eq(request.container.rlimit_count, 1);
	ck_assert_str_eq(request.container.rlimits[0].type, "RLIMIT_NOFILE");
	ck_assert_uint_eq(request.container.rlimits[0].hard, UINT64_MAX);
	ck_assert_uint_eq(request.container.rlimits[0].soft, 1024);
}
END_TEST

/* A container made of nothing but repetitions of a few bytes. */
static uint8_t *make_bomb(const char *bytes, size_t unit, size_t count, size_t *ret_size)
{
	uint8_t head[] = "\x0a\x03\x0a\x01p\x12\x80\x80\x80\x80\x00\x0a\x01z";
	size_t head_size = sizeof(head) - 1;
	size_t container_size = 3 + unit * count;
	uint8_t *bomb = malloc(head_size + unit * count);

	ck_assert_ptr_nonnull(bomb);
	for (unsigned int i = 0; i < 4; i++)
		head[6 + i] = (uint8_t)(((container_size >> (7 * i)) & 0x7f) | 0x80);
	memcpy(bomb, head, head_size);
	for (size_t i = 0; i < count; i++)
		memcpy(bomb + head_size + i * unit, bytes, unit);
	*ret_size = head_size + unit * count;
	return bomb;
}

static const struct {
	const char *what;
	const char *bytes;
	size_t size;
} bombs[] = {
	{"empty mounts", "\x4a\x00", 2},
	{"empty env entries", "\x42\x00", 2},
	{"empty labels", "\x2a\x00", 2},
	{"the linux part, merged over and over", "\x5a\x00", 2},
	{"fields that nobody knows", "\xb2\x01\x00", 3},
};

START_TEST(a_message_that_blows_up_in_memory_stays_within_the_budget)
{
	struct vb_nri_request request;
	size_t size;
	vb_auto_free uint8_t *bomb =
		make_bomb(bombs[_i].bytes, bombs[_i].size, 4000000 / bombs[_i].size, &size);

	ck_assert_msg(vb_nri_decode_request(arena, VB_NRI_METHOD_CREATE_CONTAINER, bomb, size,
			      &request, &err) == -ENOBUFS,
		"%s: %s", bombs[_i].what, err.what);
	ck_assert_uint_le(vb_arena_used(arena), VB_ARENA_DEFAULT_BYTES);
	ck_assert_str_eq(err.what, "a message needs too much memory to decode");
	/* The arena is fit for the next message. */
	vb_arena_reset(arena);
	vb_auto_free uint8_t *small = make_bomb(bombs[_i].bytes, bombs[_i].size, 100, &size);
	ck_assert_int_eq(vb_nri_decode_request(arena, VB_NRI_METHOD_CREATE_CONTAINER, small, size,
				 &request, &err),
		0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nri_messages");
	TCase *tcase = tcase_create("decoding");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, configure_of_an_old_runtime_leaves_the_newer_fields_empty);
	tcase_add_test(tcase, configure_with_bad_text_is_an_error);
	tcase_add_test(tcase, an_event_without_its_container_is_an_error);
	tcase_add_test(tcase, only_the_end_of_a_container_may_lack_the_pod);
	tcase_add_test(tcase, a_method_without_an_event_is_not_decoded_as_one);
	tcase_add_test(tcase, a_state_change_of_an_unknown_kind_is_told_as_such);
	tcase_add_loop_test(
		tcase, an_id_that_cannot_name_a_file_is_an_error, 0, (int)VB_ARRAY_SIZE(bad_ids));
	tcase_add_test(tcase, an_id_has_at_most_128_bytes);
	tcase_add_test(tcase, a_nul_or_a_stray_byte_in_a_text_is_told);
	tcase_add_test(tcase, of_two_pairs_with_one_key_the_last_counts);
	tcase_add_test(tcase, a_second_container_in_one_request_is_an_error);
	tcase_add_loop_test(
		tcase, a_malformed_container_is_an_error, 0, (int)VB_ARRAY_SIZE(bad_containers));
	tcase_add_test(tcase, a_seccomp_policy_is_decoded_whole);
	tcase_add_test(tcase, a_container_without_a_seccomp_policy_shows_none);
	tcase_add_test(tcase, fields_that_no_recording_has_are_read_by_their_numbers);
	tcase_add_test(tcase, rlimits_of_the_full_64_bits_are_kept);
	tcase_add_loop_test(tcase, a_message_that_blows_up_in_memory_stays_within_the_budget, 0,
		(int)VB_ARRAY_SIZE(bombs));
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
