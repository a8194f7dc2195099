/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SECCOMP_RECORD_H
#define VB_ADJUST_SECCOMP_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the kernel writes when a seccomp filter stops a call: audit records of type 1326, in the
 * kernel's log, in what dmesg(1) prints of it, or in the file of auditd. Parsers of one line, which
 * need not end in a NUL and is not trusted: a process chooses its own name. No allocation.
 */

enum {
	VB_RECORD_NAME_MAX = 16,   /* TASK_COMM_LEN, with the NUL */
	VB_RECORD_LINE_MAX = 8192, /* a record of /dev/kmsg is no longer */
};

struct vb_seccomp_record {
	int64_t at_ns;   /* since 1970 */
	uint64_t serial; /* with at_ns it is the same in every place where the record stands */
	uint32_t pid;    /* of the thread group, in the first pid namespace */
	uint32_t signal; /* 0: none */
	uint32_t arch;   /* AUDIT_ARCH_*, which are libseccomp's SCMP_ARCH_* */
	uint32_t call;
	uint32_t code;                 /* SECCOMP_RET_* without data */
	char name[VB_RECORD_NAME_MAX]; /* comm; control characters and the like are '?' */
};

/* What a line of such a log is. */
enum vb_record_kind {
	VB_RECORD_FOREIGN,
	VB_RECORD_SECCOMP,
	VB_RECORD_LOST,      /* the kernel left out as many lines of the audit */
	VB_RECORD_MALFORMED, /* marked as a record of type 1326, and none that the kernel writes */
};

/*
 * Reads a line as /dev/kmsg has it (`6,339,5140900,-;audit: type=1326 ...`; only what the kernel
 * itself wrote counts), as dmesg prints it (`[ 5140.9] audit: ...`, or without the time), or as
 * auditd writes it (`type=SECCOMP msg=audit(...): ...`). Fills *ret_record for VB_RECORD_SECCOMP,
 * *ret_lost for VB_RECORD_LOST.
 */
enum vb_record_kind vb_seccomp_record_read(
	const char *line, size_t size, struct vb_seccomp_record *ret_record, uint64_t *ret_lost);

/* Whether the call went through: the profile only has it logged. */
bool vb_seccomp_record_passed(const struct vb_seccomp_record *record);

/* Whether it was made through x32, whose architecture is otherwise that of x86-64. */
bool vb_seccomp_record_is_x32(const struct vb_seccomp_record *record);

/* "SCMP_ACT_ERRNO", "SCMP_ACT_KILL_THREAD", ...; "?" for a code that Linux does not have. */
const char *vb_seccomp_record_action(const struct vb_seccomp_record *record);

/*
 * The call's name by the record's architecture, "x86_64:335" where libseccomp knows none, and the
 * architecture's ("x86_64", "x32", "0x1234"). The caller frees them; NULL when out of memory.
 */
char *vb_seccomp_record_call(const struct vb_seccomp_record *record);
char *vb_seccomp_record_arch(const struct vb_seccomp_record *record);

#endif
