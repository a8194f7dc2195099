/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_PROFILE_SUPPORT_H
#define VB_TESTS_UNIT_PROFILE_SUPPORT_H

#include <jansson.h>
#include <stdint.h>

#include "vb/adjust/profile.h"
#include "vb/adjust/starter.h"

/*
 * What the tests of the seccomp engine share. Profiles are written with ' for ", for x86-64 where
 * nothing else is said, so that results do not depend on the machine.
 */

#define ERRNO(number) (0x00050000U | (number))
#define ALLOW         0x7fff0000U
#define LOG           0x7ffc0000U
#define TRACE(number) (0x7ff00000U | (number))
#define NOTIFY        0x7fc00000U
#define TRAP          0x00030000U
#define KILL_THREAD   0x00000000U
#define KILL_PROCESS  0x80000000U

/* Each fails the test when it cannot do its work. */
json_t *support_json(const char *text);
struct vb_profile *support_profile(const char *text);
struct vb_profile *support_profile_for(const char *text, uint32_t native);
struct vb_profile *support_profile_from_file(const char *name, uint32_t native);
struct vb_profile *support_starter(unsigned int parts, uint32_t native);

/* Reads a profile that must be refused, with exactly this text. */
void support_refuse(const char *text, const char *expected);

/* The meet, which has passed the check of whole filters. */
struct vb_profile *support_meet(const struct vb_profile *base, const struct vb_profile *tighter);

/* A meet that must fail with this errno and a text that contains expected. */
void support_refuse_meet(const struct vb_profile *base, const struct vb_profile *tighter,
	int errnum, const char *expected);

/* What vb_profile_simulate() says of the first way to a call, which must exist. */
struct vb_profile_verdict support_verdict(const struct vb_profile *profile, uint32_t arch,
	const char *name, const uint64_t args[VB_PROFILE_ARGS]);

/* What the compiled filter answers. */
uint32_t support_action(const struct vb_profile *profile, uint32_t arch, const char *name,
	uint64_t a0, uint64_t a1);

/* Two profiles and their meet. */
struct trio {
	struct vb_profile *base;
	struct vb_profile *tighter;
	struct vb_profile *result;
};

/* The texts are for x86-64; base NULL: unconfined. meet_profiles() keeps its arguments. */
struct trio meet_profiles(struct vb_profile *base, struct vb_profile *tighter);
struct trio meet_texts(const char *base, const char *tighter);
void trio_finish(struct trio *trio);

/* What the result's filter answers on x86-64. */
uint32_t on_native(const struct trio *trio, const char *name, uint64_t a0, uint64_t a1);

/* The profile's own JSON, read again: must be the same profile. Compact; the caller frees it. */
char *support_text(const struct vb_profile *profile);

#endif
