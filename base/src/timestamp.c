/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/base/timestamp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#define NS_PER_S INT64_C(1000000000)

void vb_timestamp_format(const struct timespec *at, char ret_text[VB_TIMESTAMP_SIZE])
{
	struct tm tm = {0};
	char seconds[24] = "";

	if (gmtime_r(&at->tv_sec, &tm) != NULL)
		(void)strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(ret_text, VB_TIMESTAMP_SIZE, "%s.%09ldZ", seconds, at->tv_nsec);
}

struct cursor {
	const char *at;
	const char *end;
};

static bool take(struct cursor *cursor, char c)
{
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

/* Exactly so many digits, of a number within the bounds. */
static bool take_number(struct cursor *cursor, unsigned int digits, int min, int max, int *ret)
{
	int value = 0;

	for (unsigned int i = 0; i < digits; i++) {
		if (cursor->at == cursor->end || *cursor->at < '0' || *cursor->at > '9')
			return false;
		value = value * 10 + (*cursor->at++ - '0');
	}
	*ret = value;
	return value >= min && value <= max;
}

static bool take_fraction(struct cursor *cursor, int64_t *ret_ns)
{
	int64_t unit = NS_PER_S / 10;
	const char *start = cursor->at;

	*ret_ns = 0;
	for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
		*ret_ns += (*cursor->at - '0') * unit;
		unit /= 10;
	}
	return cursor->at > start;
}

/* "Z", or how far the clock that was read is ahead of UTC. */
static bool take_zone(struct cursor *cursor, int *ret_seconds)
{
	int hours = 0;
	int minutes = 0;

	*ret_seconds = 0;
	if (take(cursor, 'Z'))
		return true;
	int sign = take(cursor, '+') ? 1 : take(cursor, '-') ? -1 : 0;
	if (sign == 0 || !take_number(cursor, 2, 0, 23, &hours) || !take(cursor, ':') ||
		!take_number(cursor, 2, 0, 59, &minutes))
		return false;
	*ret_seconds = sign * (hours * 60 + minutes) * 60;
	return true;
}

static bool take_date(struct cursor *cursor, struct tm *tm)
{
	if (!take_number(cursor, 4, 1970, 2199, &tm->tm_year) || !take(cursor, '-') ||
		!take_number(cursor, 2, 1, 12, &tm->tm_mon) || !take(cursor, '-') ||
		!take_number(cursor, 2, 1, 31, &tm->tm_mday))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon--;
	return true;
}

static bool take_clock(struct cursor *cursor, struct tm *tm)
{
	return take_number(cursor, 2, 0, 23, &tm->tm_hour) && take(cursor, ':') &&
	       take_number(cursor, 2, 0, 59, &tm->tm_min) && take(cursor, ':') &&
	       take_number(cursor, 2, 0, 60, &tm->tm_sec);
}

int vb_timestamp_parse(const char *text, size_t size, int64_t *ret_ns)
{
	struct cursor cursor = {.at = text, .end = text + size};
	struct tm tm = {0};
	int64_t fraction_ns = 0;
	int zone_s = 0;

	if (!take_date(&cursor, &tm) || !take(&cursor, 'T') || !take_clock(&cursor, &tm))
		return -EINVAL;
	if (take(&cursor, '.') && !take_fraction(&cursor, &fraction_ns))
		return -EINVAL;
	if (!take_zone(&cursor, &zone_s) || cursor.at != cursor.end)
		return -EINVAL;
	int month = tm.tm_mon;
	/* A leap second is the first of the next minute, of another month perhaps. */
	int leap_s = tm.tm_sec == 60;
	tm.tm_sec -= leap_s;
	int64_t seconds = (int64_t)timegm(&tm) + leap_s;
	/* What was a thirtieth of February has become a day of March. */
	if (tm.tm_mon != month)
		return -EINVAL;
	*ret_ns = (seconds - zone_s) * NS_PER_S + fraction_ns;
	return 0;
}
