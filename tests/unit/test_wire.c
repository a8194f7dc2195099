/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "wire.h"

/* A message of nothing but itself, as the API has none. */
static const ProtobufCMessageDescriptor recursive;
static const ProtobufCFieldDescriptor again = {.name = "again",
	.id = 1,
	.label = PROTOBUF_C_LABEL_OPTIONAL,
	.type = PROTOBUF_C_TYPE_MESSAGE,
	.descriptor = &recursive};
static const ProtobufCIntRange ranges[] = {{1, 0}, {0, 1}};
static const ProtobufCMessageDescriptor recursive = {.magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
	.name = "Recursive",
	.short_name = "Recursive",
	.n_fields = 1,
	.fields = &again,
	.n_field_ranges = 1,
	.field_ranges = ranges};

enum { DEEPEST = 60 };

static int check_nested(size_t levels)
{
	uint8_t message[2 * DEEPEST] = {0};
	bool bad_text = true;

	for (size_t i = 0; i < levels; i++) {
		message[2 * i] = 1 << 3 | VB_WIRE_BYTES;
		message[2 * i + 1] = (uint8_t)(2 * (levels - i - 1));
	}
	return vb_wire_check(&recursive, message, 2 * levels, &bad_text);
}

START_TEST(a_message_that_nests_deeper_than_the_api_is_malformed)
{
	for (size_t levels = 0; levels <= DEEPEST; levels++)
		ck_assert_int_eq(check_nested(levels), levels < 8 ? 0 : -EBADMSG);
}
END_TEST

START_TEST(a_known_field_of_another_wire_type_is_malformed)
{
	static const uint8_t varint[] = {1 << 3 | VB_WIRE_VARINT, 1};
	static const uint8_t fixed[] = {1 << 3 | VB_WIRE_FIXED32, 0, 0, 0, 0};
	static const uint8_t unknown[] = {2 << 3 | VB_WIRE_VARINT, 1};
	bool bad_text = true;

	ck_assert_int_eq(vb_wire_check(&recursive, varint, sizeof(varint), &bad_text), -EBADMSG);
	ck_assert_int_eq(vb_wire_check(&recursive, fixed, sizeof(fixed), &bad_text), -EBADMSG);
	ck_assert_int_eq(vb_wire_check(&recursive, unknown, sizeof(unknown), &bad_text), 0);
	ck_assert(!bad_text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("wire");

	tcase_add_test(tcase, a_message_that_nests_deeper_than_the_api_is_malformed);
	tcase_add_test(tcase, a_known_field_of_another_wire_type_is_malformed);
	return vb_unit_run("wire", tcase);
}
