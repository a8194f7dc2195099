/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation of the proto module fails in turn: each call must say so and leave nothing
 * behind (LeakSanitizer looks), and with enough memory it must succeed.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vb/proto/mux.h"
#include "vb/proto/nri.h"
#include "vb/proto/ttrpc.h"

/* The linker sends the module's calls here (--wrap). */
// NOLINTBEGIN(readability-identifier-naming)
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
// NOLINTEND(readability-identifier-naming)

static int allowed = INT32_MAX; /* allocations until one fails */

static bool may_allocate(void)
{
	if (allowed-- > 0)
		return true;
	errno = ENOMEM;
	return false;
}

void *__wrap_malloc(size_t size)
{
	return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *pointer, size_t size)
{
	return may_allocate() ? __real_realloc(pointer, size) : NULL;
}

static struct vb_error err;

/* Pod p with an annotation; container c with args, env, a mount, a namespace, seccomp. */
static const uint8_t create_request[] =
	"\x0a\x19\x0a\x01p\x32\x14\x0a\x0ek.vambrace.dev\x12\x02on"
	"\x12\x31\x0a\x01\x63\x3a\x02sh\x42\x03\x41=B"
	"\x4a\x10\x0a\x04/tmp\x12\x05tmpfs\x22\x01o"
	"\x5a\x11\x0a\x05\x0a\x03pid\x42\x08\x0a\x01\x65\x3a\x03\x0a\x01z";

/* 0 when all went well, else the first error. */
static int decode(void)
{
	vb_auto_arena struct vb_arena *arena = vb_arena_create(VB_ARENA_DEFAULT_BYTES);
	struct vb_nri_request request;

	if (arena == NULL)
		return -ENOMEM;
	return vb_nri_decode_request(arena, VB_NRI_METHOD_CREATE_CONTAINER, create_request,
		sizeof(create_request) - 1, &request, &err);
}

static int encode(struct vb_buf *payload)
{
	static const struct vb_nri_pair pairs[] = {{"a", "b"}};
	static const struct vb_nri_mount mounts[] = {{"/tmp", "tmpfs", "tmpfs", {NULL, 0}}};
	const struct vb_nri_adjustment adjustment = {
		.annotations = {pairs, 1}, .env = {pairs, 1}, .mounts = {mounts, 1}};

	int r = vb_nri_encode_create(payload, &adjustment, &err);
	if (r == 0)
		r = vb_nri_encode_register(payload, "vambrace", "10", &err);
	if (r == 0)
		r = vb_nri_encode_validate(payload, "no", &err);
	return r;
}

/* A payload on its way out and in again. */
static int pass_through(void)
{
	vb_auto_buf struct vb_buf *payload = vb_buf_create(100000);
	vb_auto_buf struct vb_buf *message = vb_buf_create(100000);
	vb_auto_buf struct vb_buf *framed = vb_buf_create(100000);
	vb_auto_mux struct vb_mux *mux = vb_mux_create();
	struct vb_ttrpc_header header;
	const uint8_t *data;

	if (payload == NULL || message == NULL || framed == NULL || mux == NULL)
		return -ENOMEM;
	int r = encode(payload);
	if (r == 0)
		r = vb_ttrpc_append_response(message, 1, payload, &err);
	if (r == 0)
		r = vb_mux_append_message(framed, VB_MUX_CONN_PLUGIN, message, &err);
	if (r == 0)
		r = vb_mux_feed(mux, vb_buf_data(framed), vb_buf_size(framed), &err);
	if (r < 0)
		return r;
	size_t size = vb_mux_peek(mux, VB_MUX_CONN_PLUGIN, &data);
	/* No assertion here: libcheck allocates for one. */
	if (vb_ttrpc_peek(data, size, &header) != 1)
		return -EPROTO;
	return vb_ttrpc_append_error(message, 1, VB_TTRPC_INTERNAL, "no", &err);
}

static void fail_each_allocation(int (*operation)(void))
{
	int failures = 0;
	int r;

	for (;; failures++) {
		allowed = failures;
		r = operation();
		int left = allowed;
		allowed = INT32_MAX;
		if (left >= 0)
			break;
		ck_assert_int_eq(r, -ENOMEM);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_gt(failures, 1);
}

START_TEST(decoding_survives_every_lack_of_memory)
{
	fail_each_allocation(decode);
}
END_TEST

START_TEST(encoding_and_framing_survive_every_lack_of_memory)
{
	fail_each_allocation(pass_through);
}
END_TEST

START_TEST(decoding_fits_its_budget_or_says_that_it_does_not)
{
	size_t budget = 0;
	int r = -ENOBUFS;

	for (; r == -ENOBUFS; budget += 8) {
		vb_auto_arena struct vb_arena *arena = vb_arena_create(budget);
		struct vb_nri_request request;
		r = vb_nri_decode_request(arena, VB_NRI_METHOD_CREATE_CONTAINER, create_request,
			sizeof(create_request) - 1, &request, &err);
		ck_assert_uint_le(vb_arena_used(arena), budget);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(budget, 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proto_memory");
	TCase *tcase = tcase_create("memory");

	tcase_add_test(tcase, decoding_survives_every_lack_of_memory);
	tcase_add_test(tcase, encoding_and_framing_survive_every_lack_of_memory);
	tcase_add_test(tcase, decoding_fits_its_budget_or_says_that_it_does_not);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
