/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_runtime.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vb/adjust/oci_number.h"
#include "vb/adjust/profile.h"

static void demand(bool condition)
{
	if (!condition)
		abort();
}

static uint64_t read_number(const json_t *value)
{
	uint64_t number = 0;

	demand(vb_oci_number_u64(value, &number) == 0);
	return number;
}

static uint32_t read_action(const json_t *object, const char *key, const char *errno_key)
{
	const char *name = json_string_value(json_object_get(object, key));
	const json_t *data = json_object_get(object, errno_key);
	bool given = data != NULL && !json_is_null(data);
	uint32_t number = given ? (uint32_t)read_number(data) : EPERM;

	if (strcmp(name, "SCMP_ACT_ERRNO") == 0)
		return SCMP_ACT_ERRNO(number);
	if (strcmp(name, "SCMP_ACT_TRACE") == 0)
		return SCMP_ACT_TRACE(number);
	if (strcmp(name, "SCMP_ACT_KILL_PROCESS") == 0)
		return SCMP_ACT_KILL_PROCESS;
	if (strcmp(name, "SCMP_ACT_KILL") == 0 || strcmp(name, "SCMP_ACT_KILL_THREAD") == 0)
		return SCMP_ACT_KILL_THREAD;
	if (strcmp(name, "SCMP_ACT_TRAP") == 0)
		return SCMP_ACT_TRAP;
	if (strcmp(name, "SCMP_ACT_NOTIFY") == 0)
		return SCMP_ACT_NOTIFY;
	if (strcmp(name, "SCMP_ACT_LOG") == 0)
		return SCMP_ACT_LOG;
	demand(strcmp(name, "SCMP_ACT_ALLOW") == 0);
	return SCMP_ACT_ALLOW;
}

static enum scmp_compare read_operator(const char *name)
{
	static const char *const names[] = {
		[SCMP_CMP_NE] = "NE",
		[SCMP_CMP_LT] = "LT",
		[SCMP_CMP_LE] = "LE",
		[SCMP_CMP_EQ] = "EQ",
		[SCMP_CMP_GE] = "GE",
		[SCMP_CMP_GT] = "GT",
		[SCMP_CMP_MASKED_EQ] = "MASKED_EQ",
	};

	for (size_t i = SCMP_CMP_NE; i <= SCMP_CMP_MASKED_EQ; i++)
		if (strcmp(names[i], name + strlen("SCMP_CMP_")) == 0)
			return (enum scmp_compare)i;
	abort();
}

static struct scmp_arg_cmp read_argument(const json_t *argument)
{
	const json_t *two = json_object_get(argument, "valueTwo");
	struct scmp_arg_cmp compare = {
		.arg = (unsigned int)read_number(json_object_get(argument, "index")),
		.op = read_operator(json_string_value(json_object_get(argument, "op"))),
		.datum_a = read_number(json_object_get(argument, "value")),
	};

	if (two != NULL)
		compare.datum_b = read_number(two);
	return compare;
}

static bool add_entry(scmp_filter_ctx context, const json_t *entry, uint32_t default_action)
{
	const json_t *args = json_object_get(entry, "args");
	const json_t *names = json_object_get(entry, "names");
	uint32_t action = read_action(entry, "action", "errnoRet");
	struct scmp_arg_cmp compares[VB_PROFILE_ARGS] = {0};
	unsigned int count = (unsigned int)json_array_size(args);
	unsigned int seen[VB_PROFILE_ARGS] = {0};
	bool repeated = false;

	if (action == default_action)
		return true;
	for (unsigned int i = 0; i < count; i++) {
		compares[i] = read_argument(json_array_get(args, i));
		repeated = repeated || seen[compares[i].arg]++ > 0;
	}
	for (size_t i = 0; i < json_array_size(names); i++) {
		int number =
			seccomp_syscall_resolve_name(json_string_value(json_array_get(names, i)));
		int r = 0;
		if (number == __NR_SCMP_ERROR)
			continue;
		if (!repeated)
			r = seccomp_rule_add_array(context, action, number, count, compares);
		for (unsigned int j = 0; j < count && repeated && r == 0; j++)
			r = seccomp_rule_add_array(context, action, number, 1, &compares[j]);
		if (r < 0)
			return false;
	}
	return true;
}

static void set_archs(scmp_filter_ctx context, const json_t *archs, uint32_t native)
{
	if (native != seccomp_arch_native()) {
		demand(seccomp_arch_add(context, native) == 0);
		demand(seccomp_arch_remove(context, SCMP_ARCH_NATIVE) == 0);
	}
	for (size_t i = 0; i < json_array_size(archs); i++) {
		uint32_t arch = vb_profile_arch_token(json_string_value(json_array_get(archs, i)));
		int r = seccomp_arch_add(context, arch);
		demand(r == 0 || r == -EEXIST);
	}
}

static bool export_filter(scmp_filter_ctx context, struct runtime_filter *ret_filter)
{
	int fd = memfd_create("filter", MFD_CLOEXEC);

	demand(fd >= 0);
	bool exported = seccomp_export_bpf(context, fd) == 0;
	ssize_t n = pread(fd, ret_filter->program, sizeof(ret_filter->program), 0);
	demand(n >= 0);
	ret_filter->count = (size_t)n / sizeof(ret_filter->program[0]);
	demand(close(fd) == 0);
	return exported;
}

bool runtime_compile(const json_t *seccomp, uint32_t native, unsigned int optimize,
	struct runtime_filter *ret_filter)
{
	const json_t *entries = json_object_get(seccomp, "syscalls");
	uint32_t default_action = read_action(seccomp, "defaultAction", "defaultErrnoRet");
	bool fine = true;

	demand(seccomp_api_set(5) == 0);
	scmp_filter_ctx context = seccomp_init(default_action);
	demand(context != NULL);
	set_archs(context, json_object_get(seccomp, "architectures"), native);
	demand(seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, optimize) == 0);
	for (size_t i = 0; i < json_array_size(entries) && fine; i++)
		fine = add_entry(context, json_array_get(entries, i), default_action);
	fine = fine && export_filter(context, ret_filter);
	seccomp_release(context);
	return fine;
}

/* How many rules the entry adds for the name. */
static size_t count_rules(const json_t *entry, const char *name)
{
	const json_t *names = json_object_get(entry, "names");
	size_t args = json_array_size(json_object_get(entry, "args"));
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(names); i++)
		if (strcmp(json_string_value(json_array_get(names, i)), name) == 0)
			count += args > 0 ? args : 1;
	return count;
}

static bool has_inner_range(const json_t *entry)
{
	const json_t *args = json_object_get(entry, "args");
	uint64_t last = 0;

	for (size_t i = 0; i < json_array_size(args); i++) {
		uint64_t index = read_number(json_object_get(json_array_get(args, i), "index"));
		last = index > last ? index : last;
	}
	for (size_t i = 0; i < json_array_size(args); i++) {
		const json_t *argument = json_array_get(args, i);
		const char *op = json_string_value(json_object_get(argument, "op"));
		if (strstr(op, "EQ") == NULL &&
			read_number(json_object_get(argument, "index")) != last)
			return true;
	}
	return false;
}

bool runtime_might_hang(const json_t *seccomp)
{
	const json_t *entries = json_object_get(seccomp, "syscalls");

	for (size_t i = 0; i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i);
		const json_t *names = json_object_get(entry, "names");
		for (size_t j = 0; j < json_array_size(names) && has_inner_range(entry); j++) {
			size_t count = 0;
			for (size_t k = 0; k < json_array_size(entries); k++)
				count += count_rules(json_array_get(entries, k),
					json_string_value(json_array_get(names, j)));
			/* Its own conditions are counted as if they were alternatives. */
			if (count > count_rules(entry, json_string_value(json_array_get(names, j))))
				return true;
		}
	}
	return false;
}
