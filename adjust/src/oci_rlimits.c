/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_internal.h"

#include <errno.h>

#include "vb/adjust/json.h"
#include "vb/adjust/oci_number.h"
#include "vb/base/str.h"

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The smaller of both, with the soft limit never above the hard one, which setrlimit(2) refuses. */
static struct vb_rlimit meet(const struct vb_rlimit *wanted, uint64_t soft, uint64_t hard)
{
	struct vb_rlimit result = {.hard = lower(wanted->hard, hard)};

	result.soft = lower(lower(wanted->soft, soft), result.hard);
	return result;
}

static int write_limits(json_t *entry, const struct vb_rlimit *rlimit, struct vb_error *err)
{
	if (json_object_set_new(entry, "soft", vb_oci_number_new(rlimit->soft)) < 0 ||
		json_object_set_new(entry, "hard", vb_oci_number_new(rlimit->hard)) < 0)
		return vb_error_set(err, ENOMEM, "write process.rlimits");
	return 0;
}

/* An absent number is 0, as Go reads it. */
static int read_number(json_t *entry, const char *key, uint64_t *ret_number, struct vb_error *err)
{
	const json_t *value = json_object_get(entry, key);

	*ret_number = 0;
	if (value == NULL || vb_oci_number_u64(value, ret_number) == 0)
		return 0;
	return vb_error_say(err, EINVAL, "process.rlimits: %s must be a 64-bit number", key);
}

static int lower_entry(json_t *entry, const struct vb_rlimit *wanted, struct vb_error *err)
{
	uint64_t soft = 0;
	uint64_t hard = 0;

	int r = read_number(entry, "soft", &soft, err);
	if (r == 0)
		r = read_number(entry, "hard", &hard, err);
	if (r < 0)
		return r;
	struct vb_rlimit result = meet(wanted, soft, hard);
	return write_limits(entry, &result, err);
}

/* Raising a limit takes CAP_SYS_RESOURCE, and would loosen: what the runtime has is a bound too. */
static int add_entry(json_t *rlimits, const struct vb_rlimit *wanted, vb_oci_limit_fn inherited,
	struct vb_error *err)
{
	uint64_t soft = 0;
	uint64_t hard = 0;

	if (inherited(wanted->type, &soft, &hard) < 0)
		return vb_error_say(err, EINVAL, "unknown rlimit '%.64s'", wanted->type);
	struct vb_rlimit result = meet(wanted, soft, hard);
	vb_auto_json json_t *entry = json_object();
	if (json_object_set_new(entry, "type", json_string(wanted->type)) < 0)
		return vb_error_set(err, ENOMEM, "write process.rlimits");
	int r = write_limits(entry, &result, err);
	if (r < 0)
		return r;
	if (json_array_append(rlimits, entry) < 0)
		return vb_error_set(err, ENOMEM, "write process.rlimits");
	return 0;
}

static int lower_one(json_t *rlimits, const struct vb_rlimit *wanted, vb_oci_limit_fn inherited,
	struct vb_error *err)
{
	bool found = false;
	json_t *entry;
	size_t i;

	json_array_foreach(rlimits, i, entry) {
		if (!vb_str_equal(json_string_value(json_object_get(entry, "type")), wanted->type))
			continue;
		found = true;
		int r = lower_entry(entry, wanted, err);
		if (r < 0)
			return r;
	}
	return found ? 0 : add_entry(rlimits, wanted, inherited, err);
}

int vb_oci_rlimits_lower(json_t *process, const struct vb_rlimit_list *rlimits,
	vb_oci_limit_fn inherited, struct vb_error *err)
{
	json_t *array = NULL;

	if (rlimits->count == 0)
		return 0;
	int r = vb_oci_need_array(process, "process", "rlimits", &array, err);
	for (size_t i = 0; r == 0 && i < rlimits->count; i++)
		r = lower_one(array, &rlimits->items[i], inherited, err);
	return r;
}
