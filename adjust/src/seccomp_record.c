/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/seccomp_record.h"

#include <inttypes.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

#include "vb/adjust/profile.h"
#include "vb/base/cleanup.h"
#include "vb/base/str.h"
#include "vb/base/utf8.h"

#include "text_cursor.h"

#define X32_BIT 0x40000000U

enum { FACILITY_KERNEL_END = 8 /* prefixes of /dev/kmsg: facility << 3 | level */ };

static int digit_value(char c, unsigned int base)
{
	int value = c >= '0' && c <= '9'   ? c - '0'
		    : c >= 'a' && c <= 'f' ? c - 'a' + 10
		    : c >= 'A' && c <= 'F' ? c - 'A' + 10
					   : -1;

	return value < (int)base ? value : -1;
}

static bool take_number(
	struct vb_text_cursor *cursor, unsigned int base, uint64_t max, uint64_t *ret_value)
{
	const char *start = cursor->at;
	uint64_t value = 0;

	for (; cursor->at < cursor->end; cursor->at++) {
		int digit = digit_value(*cursor->at, base);
		if (digit < 0)
			break;
		if (value > (max - (uint64_t)digit) / base)
			return false;
		value = value * base + (uint64_t)digit;
	}
	*ret_value = value;
	return cursor->at > start;
}

/* ` key=<number>`, which may be one nobody asks for. */
static bool take_field(
	struct vb_text_cursor *cursor, const char *key, unsigned int base, uint32_t *ret_value)
{
	uint64_t value = 0;

	if (!vb_text_take(cursor, key) || !take_number(cursor, base, UINT32_MAX, &value))
		return false;
	if (ret_value != NULL)
		*ret_value = (uint32_t)value;
	return true;
}

/* Up to and with the text; of what a security module calls a process, nothing is known. */
static bool skip_to(struct vb_text_cursor *cursor, const char *text)
{
	const char *found = memmem(cursor->at, vb_text_left(cursor), text, strlen(text));

	if (found == NULL)
		return false;
	cursor->at = found + strlen(text);
	return true;
}

/*
 * What a process may choose: in quotes, or in hexadecimal digits where it has a quote, a blank or
 * anything else than printable ASCII; so it can imitate no other field.
 */
static bool take_text(struct vb_text_cursor *cursor, char *name, size_t size)
{
	size_t length = 0;

	if (vb_text_take(cursor, "\"")) {
		for (; cursor->at < cursor->end && *cursor->at != '"'; cursor->at++)
			if (length + 1 < size)
				name[length++] = *cursor->at;
		name[length] = '\0';
		return vb_text_take(cursor, "\"");
	}
	while (vb_text_left(cursor) >= 2) {
		int high = digit_value(cursor->at[0], 16);
		int low = digit_value(cursor->at[1], 16);
		if (high < 0 || low < 0)
			break;
		/* A NUL would end the name. */
		if (length + 1 < size)
			name[length++] = (char)(high + low > 0 ? high << 4 | low : '?');
		cursor->at += 2;
	}
	name[length] = '\0';
	return length > 0 || vb_text_take(cursor, "(null)") || vb_text_take(cursor, "?");
}

/* `audit(1795935206.262:5372):` */
static bool take_stamp(struct vb_text_cursor *cursor, struct vb_seccomp_record *record)
{
	uint64_t seconds = 0;
	uint64_t milliseconds = 0;

	/* Seconds until the year 2200 or so, which nanoseconds can hold. */
	if (!vb_text_take(cursor, "audit(") || !take_number(cursor, 10, 7258118400, &seconds) ||
		!vb_text_take(cursor, ".") || !take_number(cursor, 10, 999, &milliseconds) ||
		!vb_text_take(cursor, ":") ||
		!take_number(cursor, 10, UINT64_MAX, &record->serial) ||
		!vb_text_take(cursor, "):"))
		return false;
	record->at_ns = ((int64_t)seconds * 1000 + (int64_t)milliseconds) * 1000000;
	return true;
}

/* audit_seccomp() of the kernel, in its order since Linux 3.5; auditd may add more at the end. */
static bool take_record(struct vb_text_cursor *cursor, struct vb_seccomp_record *record)
{
	char exe[VB_RECORD_NAME_MAX];

	if (!take_stamp(cursor, record) || !take_field(cursor, " auid=", 10, NULL) ||
		!take_field(cursor, " uid=", 10, NULL) || !take_field(cursor, " gid=", 10, NULL) ||
		!take_field(cursor, " ses=", 10, NULL))
		return false;
	if (vb_text_take(cursor, " subj=") ? !skip_to(cursor, " pid=")
					   : !vb_text_take(cursor, " pid="))
		return false;
	if (!take_field(cursor, "", 10, &record->pid) || !vb_text_take(cursor, " comm=") ||
		!take_text(cursor, record->name, sizeof(record->name)) ||
		!vb_text_take(cursor, " exe=") || !take_text(cursor, exe, sizeof(exe)))
		return false;
	vb_utf8_scrub(record->name);
	return take_field(cursor, " sig=", 10, &record->signal) &&
	       take_field(cursor, " arch=", 16, &record->arch) &&
	       take_field(cursor, " syscall=", 10, &record->call) &&
	       take_field(cursor, " compat=", 10, NULL) && vb_text_take(cursor, " ip=0x") &&
	       skip_to(cursor, " code=0x") && take_field(cursor, "", 16, &record->code);
}

/* `6,339,5140900,-;`: false when a program wrote the line and not the kernel. */
static bool skip_kmsg(struct vb_text_cursor *line)
{
	struct vb_text_cursor rest = *line;
	uint64_t prefix = 0;
	uint64_t ignored = 0;

	if (!take_number(&rest, 10, UINT32_MAX, &prefix) || !vb_text_take(&rest, ",") ||
		!take_number(&rest, 10, UINT64_MAX, &ignored) || !vb_text_take(&rest, ",") ||
		!take_number(&rest, 10, UINT64_MAX, &ignored) || !vb_text_take(&rest, ",") ||
		!skip_to(&rest, ";"))
		return true;
	*line = rest;
	return prefix < FACILITY_KERNEL_END;
}

/* `[ 5140.900123] ` */
static void skip_time(struct vb_text_cursor *line)
{
	struct vb_text_cursor rest = *line;

	if (!vb_text_take(&rest, "["))
		return;
	while (vb_text_left(&rest) > 0 &&
		(*rest.at == ' ' || *rest.at == '.' || digit_value(*rest.at, 10) >= 0))
		rest.at++;
	if (vb_text_take(&rest, "] "))
		*line = rest;
}

enum vb_record_kind vb_seccomp_record_read(
	const char *line, size_t size, struct vb_seccomp_record *ret_record, uint64_t *ret_lost)
{
	struct vb_text_cursor rest = {.at = line, .end = line + size};

	if (!skip_kmsg(&rest))
		return VB_RECORD_FOREIGN;
	skip_time(&rest);
	if (vb_text_take(&rest, "kauditd_printk_skb: "))
		return take_number(&rest, 10, UINT32_MAX, ret_lost) &&
				       vb_text_take(&rest, " callbacks suppressed")
			       ? VB_RECORD_LOST
			       : VB_RECORD_FOREIGN;
	if (!vb_text_take(&rest, "audit: type=1326 ") &&
		!vb_text_take(&rest, "type=SECCOMP msg=") && !vb_text_take(&rest, "type=1326 msg="))
		return VB_RECORD_FOREIGN;
	*ret_record = (struct vb_seccomp_record){0};
	return take_record(&rest, ret_record) ? VB_RECORD_SECCOMP : VB_RECORD_MALFORMED;
}

const char *vb_seccomp_record_action(const struct vb_seccomp_record *record)
{
	static const struct {
		uint32_t code;
		const char *name;
	} actions[] = {
		{SECCOMP_RET_KILL_PROCESS, "SCMP_ACT_KILL_PROCESS"},
		{SECCOMP_RET_KILL_THREAD, "SCMP_ACT_KILL_THREAD"},
		{SECCOMP_RET_TRAP, "SCMP_ACT_TRAP"},
		{SECCOMP_RET_ERRNO, "SCMP_ACT_ERRNO"},
		{SECCOMP_RET_USER_NOTIF, "SCMP_ACT_NOTIFY"},
		{SECCOMP_RET_TRACE, "SCMP_ACT_TRACE"},
		{SECCOMP_RET_LOG, "SCMP_ACT_LOG"},
		{SECCOMP_RET_ALLOW, "SCMP_ACT_ALLOW"},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(actions); i++)
		if (actions[i].code == (record->code & SECCOMP_RET_ACTION_FULL))
			return actions[i].name;
	return "?";
}

bool vb_seccomp_record_passed(const struct vb_seccomp_record *record)
{
	uint32_t action = record->code & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_LOG || action == SECCOMP_RET_ALLOW;
}

/* A call of x32 carries a bit of its own. */
bool vb_seccomp_record_is_x32(const struct vb_seccomp_record *record)
{
	return record->arch == SCMP_ARCH_X86_64 && (record->call & X32_BIT) != 0;
}

static uint32_t table_of(const struct vb_seccomp_record *record)
{
	return vb_seccomp_record_is_x32(record) ? SCMP_ARCH_X32 : record->arch;
}

char *vb_seccomp_record_arch(const struct vb_seccomp_record *record)
{
	const char *name = vb_profile_arch_name(table_of(record));
	const char *text = name != NULL ? vb_str_after(name, "SCMP_ARCH_") : NULL;
	char *arch = text != NULL ? strdup(text) : vb_str_format("0x%" PRIx32, record->arch);

	for (char *c = arch; c != NULL && *c != '\0'; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
	return arch;
}

char *vb_seccomp_record_call(const struct vb_seccomp_record *record)
{
	/* libseccomp takes numbers as int, and none of Linux is negative. */
	char *name = record->call <= INT32_MAX
			     ? seccomp_syscall_resolve_num_arch(table_of(record), (int)record->call)
			     : NULL;

	if (name != NULL)
		return name;
	vb_auto_free char *arch = vb_seccomp_record_arch(record);
	return arch != NULL ? vb_str_format("%s:%" PRIu32, arch, record->call) : NULL;
}
