/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/caps.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "vb/adjust/codes.h"
#include "vb/adjust/json.h"
#include "vb/base/str.h"

static const char *const cap_names[VB_CAP_COUNT] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

static const size_t prefix_length = sizeof("CAP_") - 1;

static const char all[] = "ALL";

const char *vb_cap_name(unsigned int number)
{
	return number < VB_CAP_COUNT ? cap_names[number] : NULL;
}

json_t *vb_caps_to_json(uint64_t set)
{
	vb_auto_json json_t *names = json_array();

	for (unsigned int i = 0; i < VB_CAP_COUNT; i++)
		if ((set >> i & 1) != 0 &&
			json_array_append_new(names, json_string(cap_names[i])) < 0)
			return NULL;
	return VB_STEAL(names);
}

/* Without regard to case: Docker and capsh(1) take small letters too. */
static const char *nearest_name(const char *name)
{
	/* Cut where vb_str_distance() gives up anyway. */
	char large[65] = {0};
	const char *nearest = cap_names[0] + prefix_length;
	size_t best = SIZE_MAX;

	for (size_t i = 0; i + 1 < sizeof(large) && name[i] != '\0'; i++)
		large[i] = (char)toupper((unsigned char)name[i]);
	const char *after = vb_str_after(large, "CAP_");
	const char *bare = after != NULL ? after : large;
	for (size_t i = 0; i < VB_CAP_COUNT; i++) {
		size_t distance = vb_str_distance(bare, cap_names[i] + prefix_length);
		if (distance < best) {
			best = distance;
			nearest = cap_names[i] + prefix_length;
		}
	}
	/* It is as short as many a name that is none, so only for a slip. */
	return vb_str_distance(bare, all) <= 1 ? all : nearest;
}

int vb_cap_parse(const char *name, uint64_t *ret_set, struct vb_error *err)
{
	const char *after = vb_str_after(name, "CAP_");
	const char *bare = after != NULL ? after : name;

	if (strcmp(name, all) == 0) {
		*ret_set = VB_CAP_ALL;
		return 0;
	}
	for (unsigned int i = 0; i < VB_CAP_COUNT; i++) {
		if (strcmp(bare, cap_names[i] + prefix_length) == 0) {
			*ret_set = UINT64_C(1) << i;
			return 0;
		}
	}
	(void)vb_error_refuse(err, VB_CODE_INVALID_VALUE, "unknown capability '%.64s'", name);
	return vb_error_fix(err, "did you mean %s? capabilities are named as in capabilities(7)",
		nearest_name(name));
}
