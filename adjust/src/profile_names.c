/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "profile_model.h"
#include "vb/base/str.h"

/* The words of the OCI runtime specification, config-linux.md, "Seccomp". */

static const struct {
	uint32_t token;
	const char *name;
} archs[] = {
	{SCMP_ARCH_X86, "SCMP_ARCH_X86"},
	{SCMP_ARCH_X86_64, "SCMP_ARCH_X86_64"},
	{SCMP_ARCH_X32, "SCMP_ARCH_X32"},
	{SCMP_ARCH_ARM, "SCMP_ARCH_ARM"},
	{SCMP_ARCH_AARCH64, "SCMP_ARCH_AARCH64"},
	{SCMP_ARCH_MIPS, "SCMP_ARCH_MIPS"},
	{SCMP_ARCH_MIPS64, "SCMP_ARCH_MIPS64"},
	{SCMP_ARCH_MIPS64N32, "SCMP_ARCH_MIPS64N32"},
	{SCMP_ARCH_MIPSEL, "SCMP_ARCH_MIPSEL"},
	{SCMP_ARCH_MIPSEL64, "SCMP_ARCH_MIPSEL64"},
	{SCMP_ARCH_MIPSEL64N32, "SCMP_ARCH_MIPSEL64N32"},
	{SCMP_ARCH_PPC, "SCMP_ARCH_PPC"},
	{SCMP_ARCH_PPC64, "SCMP_ARCH_PPC64"},
	{SCMP_ARCH_PPC64LE, "SCMP_ARCH_PPC64LE"},
	{SCMP_ARCH_S390, "SCMP_ARCH_S390"},
	{SCMP_ARCH_S390X, "SCMP_ARCH_S390X"},
	{SCMP_ARCH_PARISC, "SCMP_ARCH_PARISC"},
	{SCMP_ARCH_PARISC64, "SCMP_ARCH_PARISC64"},
	{SCMP_ARCH_RISCV64, "SCMP_ARCH_RISCV64"},
};

/* The first name of an action is the one written: every runtime knows it. */
static const struct {
	uint32_t action;
	const char *name;
} actions[] = {
	{SCMP_ACT_KILL_PROCESS, "SCMP_ACT_KILL_PROCESS"},
	{SCMP_ACT_KILL_THREAD, "SCMP_ACT_KILL"},
	{SCMP_ACT_KILL_THREAD, "SCMP_ACT_KILL_THREAD"},
	{SCMP_ACT_TRAP, "SCMP_ACT_TRAP"},
	{SCMP_ACT_ERRNO(0), "SCMP_ACT_ERRNO"},
	{SCMP_ACT_NOTIFY, "SCMP_ACT_NOTIFY"},
	{SCMP_ACT_TRACE(0), "SCMP_ACT_TRACE"},
	{SCMP_ACT_LOG, "SCMP_ACT_LOG"},
	{SCMP_ACT_ALLOW, "SCMP_ACT_ALLOW"},
};

/* In the order in which they are written. */
static const struct {
	int bit;
	const char *name;
} flags[] = {
	{VB_PROFILE_FLAG_LOG, "SECCOMP_FILTER_FLAG_LOG"},
	{VB_PROFILE_FLAG_SPEC_ALLOW, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"},
	{VB_PROFILE_FLAG_TSYNC, "SECCOMP_FILTER_FLAG_TSYNC"},
	{VB_PROFILE_FLAG_WAIT_KILLABLE_RECV, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"},
};

static const char *const operators[] = {
	[SCMP_CMP_NE] = "SCMP_CMP_NE",
	[SCMP_CMP_LT] = "SCMP_CMP_LT",
	[SCMP_CMP_LE] = "SCMP_CMP_LE",
	[SCMP_CMP_EQ] = "SCMP_CMP_EQ",
	[SCMP_CMP_GE] = "SCMP_CMP_GE",
	[SCMP_CMP_GT] = "SCMP_CMP_GT",
	[SCMP_CMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
};

const char *vb_profile_arch_name(uint32_t arch)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(archs); i++)
		if (archs[i].token == arch)
			return archs[i].name;
	return NULL;
}

uint32_t vb_profile_arch_token(const char *name)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(archs); i++)
		if (strcmp(archs[i].name, name) == 0)
			return archs[i].token;
	return 0;
}

const char *vb_profile_action_name(uint32_t action)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(actions); i++)
		if (actions[i].action == (action & SECCOMP_RET_ACTION_FULL))
			return actions[i].name;
	return NULL;
}

int vb_flag_from_name(const char *name)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(flags); i++)
		if (strcmp(flags[i].name, name) == 0)
			return flags[i].bit;
	return 0;
}

const char *vb_profile_next_flag(int *all)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(flags) && *all > 0; i++) {
		if ((*all & flags[i].bit) == 0)
			continue;
		*all &= ~flags[i].bit;
		return flags[i].name;
	}
	return NULL;
}

int vb_action_from_name(const char *name, uint32_t *ret_action)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(actions); i++) {
		if (strcmp(actions[i].name, name) == 0) {
			*ret_action = actions[i].action;
			return 0;
		}
	}
	return -ENOENT;
}

const char *vb_compare_name(enum scmp_compare op)
{
	return (size_t)op < VB_ARRAY_SIZE(operators) ? operators[op] : NULL;
}

int vb_compare_from_name(const char *name, enum scmp_compare *ret_op)
{
	for (size_t i = SCMP_CMP_NE; i < VB_ARRAY_SIZE(operators); i++) {
		if (strcmp(operators[i], name) == 0) {
			*ret_op = (enum scmp_compare)i;
			return 0;
		}
	}
	return -ENOENT;
}

bool vb_arch_is_narrow(uint32_t arch)
{
	return arch == SCMP_ARCH_X32 || arch == SCMP_ARCH_MIPS64N32 ||
	       arch == SCMP_ARCH_MIPSEL64N32 || (arch & __AUDIT_ARCH_64BIT) == 0;
}

uint32_t vb_arch_native(uint32_t arch)
{
	return arch == VB_PROFILE_NATIVE ? seccomp_arch_native() : arch;
}

uint32_t vb_arch_sibling(uint32_t native)
{
	switch (native) {
	case SCMP_ARCH_X86_64:
		return SCMP_ARCH_X86;
	case SCMP_ARCH_AARCH64:
		return SCMP_ARCH_ARM;
	case SCMP_ARCH_S390X:
		return SCMP_ARCH_S390;
	default:
		return 0;
	}
}

uint32_t vb_profile_node_arch(uint32_t arch)
{
	static const uint32_t natives[] = {SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64, SCMP_ARCH_S390X};
	uint32_t own = seccomp_arch_native();

	if (arch == VB_PROFILE_NATIVE || arch == own)
		return own;
	if (arch == SCMP_ARCH_X32)
		return SCMP_ARCH_X86_64;
	for (size_t i = 0; i < VB_ARRAY_SIZE(natives); i++)
		if (vb_arch_sibling(natives[i]) == arch)
			return natives[i];
	return arch;
}

bool vb_arch_reachable(uint32_t native, uint32_t arch)
{
	uint32_t sibling = vb_arch_sibling(native);

	/* Of the others (MIPS and PA-RISC have several ABIs) whatever is listed may be meant. */
	if (sibling == 0 && native != SCMP_ARCH_X86 && native != SCMP_ARCH_ARM)
		return true;
	return arch == native || (arch == sibling && sibling != 0) ||
	       (native == SCMP_ARCH_X86_64 && arch == SCMP_ARCH_X32);
}

enum {
	NUMBERS_MAX = 512, /* above all calls of these tables */
	DISTANCE_MAX = 3,  /* up to which a name may have been meant */
};

/* Among the tables that most profiles are written for. */
void vb_call_nearest(const char *name, char ret_nearest[VB_CALL_NAME_MAX])
{
	static const uint32_t tables[] = {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_ARM};
	size_t best = DISTANCE_MAX + 1;

	ret_nearest[0] = '\0';
	for (size_t i = 0; i < VB_ARRAY_SIZE(tables); i++) {
		for (int number = 0; number < NUMBERS_MAX; number++) {
			vb_auto_free char *known =
				seccomp_syscall_resolve_num_arch(tables[i], number);
			size_t distance =
				known != NULL ? vb_str_distance(name, known) : DISTANCE_MAX + 1;
			if (distance >= best)
				continue;
			best = distance;
			(void)snprintf(ret_nearest, VB_CALL_NAME_MAX, "%s", known);
		}
	}
}
