/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/oci_number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "vb/base/str.h"

static int read_digits(const char *digits, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (digits[0] == '\0' || (digits[0] == '0' && digits[1] != '\0'))
		return -EINVAL;
	for (; *digits != '\0'; digits++) {
		if (*digits < '0' || *digits > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(number, 10U, &number) ||
			__builtin_add_overflow(number, (unsigned int)(*digits - '0'), &number))
			return -ERANGE;
	}
	*ret_number = number;
	return 0;
}

int vb_oci_number_u64(const json_t *value, uint64_t *ret_number)
{
	if (json_is_integer(value)) {
		json_int_t number = json_integer_value(value);

		if (number < 0)
			return -EINVAL;
		*ret_number = (uint64_t)number;
		return 0;
	}
	const char *text = json_string_value(value);
	const char *digits = text != NULL ? vb_str_after(text, VB_OCI_NUMBER_MARK) : NULL;
	return digits != NULL ? read_digits(digits, ret_number) : -EINVAL;
}

json_t *vb_oci_number_new(uint64_t number)
{
	/* The mark and up to 20 digits. */
	char text[sizeof(VB_OCI_NUMBER_MARK) + 20];

	if (number <= INT64_MAX)
		return json_integer((json_int_t)number);
	(void)snprintf(text, sizeof(text), VB_OCI_NUMBER_MARK "%" PRIu64, number);
	return json_string(text);
}
