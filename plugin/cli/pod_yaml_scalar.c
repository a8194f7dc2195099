/* SPDX-License-Identifier: Apache-2.0 */
#include "pod_yaml_scalar.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* A number has no more characters than this; longer texts are strings. */
enum { NUMBER_MAX = 64 };

enum word {
	WORD_NULL,
	WORD_TRUE,
	WORD_FALSE,
};

/* As in sigs.k8s.io/yaml, which kubectl and the API server read manifests with. */
static const struct {
	const char *text;
	enum word word;
} words[] = {
	{"", WORD_NULL},
	{"~", WORD_NULL},
	{"null", WORD_NULL},
	{"Null", WORD_NULL},
	{"NULL", WORD_NULL},
	{"y", WORD_TRUE},
	{"Y", WORD_TRUE},
	{"yes", WORD_TRUE},
	{"Yes", WORD_TRUE},
	{"YES", WORD_TRUE},
	{"true", WORD_TRUE},
	{"True", WORD_TRUE},
	{"TRUE", WORD_TRUE},
	{"on", WORD_TRUE},
	{"On", WORD_TRUE},
	{"ON", WORD_TRUE},
	{"n", WORD_FALSE},
	{"N", WORD_FALSE},
	{"no", WORD_FALSE},
	{"No", WORD_FALSE},
	{"NO", WORD_FALSE},
	{"false", WORD_FALSE},
	{"False", WORD_FALSE},
	{"FALSE", WORD_FALSE},
	{"off", WORD_FALSE},
	{"Off", WORD_FALSE},
	{"OFF", WORD_FALSE},
};

static json_t *resolve_word(const char *text, size_t length)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(words); i++) {
		if (strlen(words[i].text) != length || memcmp(words[i].text, text, length) != 0)
			continue;
		if (words[i].word == WORD_NULL)
			return json_null();
		return json_boolean(words[i].word == WORD_TRUE);
	}
	return NULL;
}

/* The base that a prefix announces; moves past the prefix. */
static int take_base(const char **digits)
{
	static const struct {
		const char *prefix;
		int base;
	} bases[] = {{"0x", 16}, {"0X", 16}, {"0o", 8}, {"0O", 8}, {"0b", 2}, {"0B", 2}};

	for (size_t i = 0; i < VB_ARRAY_SIZE(bases); i++) {
		if (strncmp(*digits, bases[i].prefix, 2) != 0)
			continue;
		*digits += 2;
		return bases[i].base;
	}
	return (*digits)[0] == '0' && (*digits)[1] != '\0' ? 8 : 10;
}

static bool is_integer(const char *text, json_int_t *ret_value)
{
	bool negative = text[0] == '-';
	const char *digits = text + (text[0] == '-' || text[0] == '+' ? 1 : 0);
	int base = take_base(&digits);
	char *end = NULL;

	if (!isalnum((unsigned char)digits[0])) /* strtoll() takes blanks and a second sign */
		return false;
	errno = 0;
	long long value = strtoll(digits, &end, base);
	if (errno != 0 || *end != '\0')
		return false;
	*ret_value = negative ? -value : value;
	return true;
}

static const char *skip_digits(const char *text)
{
	while (isdigit((unsigned char)*text))
		text++;
	return text;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(const char *text, double *ret_value)
{
	const char *start = text + (*text == '-' || *text == '+' ? 1 : 0);
	const char *p = skip_digits(start);
	bool digits = p > start;

	if (*p == '.') {
		const char *fraction = skip_digits(p + 1);
		digits = digits || fraction > p + 1;
		p = fraction;
	}
	if (!digits)
		return false;
	if (*p == 'e' || *p == 'E') {
		const char *exponent = p + (p[1] == '-' || p[1] == '+' ? 2 : 1);
		p = skip_digits(exponent);
		if (p == exponent)
			return false;
	}
	if (*p != '\0')
		return false;
	*ret_value = strtod(text, NULL);
	return isfinite(*ret_value);
}

json_t *vb_yaml_resolve_plain(const char *text, size_t length)
{
	char number[NUMBER_MAX + 1] = {0};
	size_t used = 0;
	json_int_t integer = 0;
	double real = 0;

	json_t *word = resolve_word(text, length);
	if (word != NULL)
		return word;
	if (length > NUMBER_MAX || strchr("+-.0123456789", text[0]) == NULL)
		return json_stringn(text, length);
	for (size_t i = 0; i < length; i++)
		if (text[i] != '_' || text[0] == '.')
			number[used++] = text[i];
	if (is_integer(number, &integer))
		return json_integer(integer);
	if (is_float(number, &real))
		return json_real(real);
	return json_stringn(text, length);
}
