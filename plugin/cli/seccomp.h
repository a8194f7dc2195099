/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_SECCOMP_H
#define VB_PLUGIN_CLI_SECCOMP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_writer.h"
#include "options.h"
#include "vb/adjust/json_place.h"
#include "vb/adjust/profile.h"
#include "vb/adjust/profile_lint.h"
#include "vb/base/buf.h"

/* The parts of `vambrace seccomp`. */

struct vb_seccomp_options {
	struct vb_arguments arguments;
	uint32_t arch; /* the ABI that is asked about */
	/* What profiles in Docker's format are resolved for. */
	unsigned int kernel_major;
	unsigned int kernel_minor;
	uint64_t capabilities;
	bool json;
	bool oci;
};

/* A profile that a person named: a file, "-" or "starter". Zero-initialised is empty. */
struct vb_seccomp_input {
	char *name; /* what messages call it */
	char *text;
	size_t size;
	json_t *json; /* the text as it stands */
	bool is_docker;
	struct vb_profile *profile;
	struct vb_json_place place; /* of the error with which reading failed */
};

void vb_seccomp_input_finish(struct vb_seccomp_input *input);
#define vb_auto_seccomp_input vb_auto(vb_seccomp_input_finish)

/*
 * Reads a profile. Returns an exit code: VB_EXIT_REFUSED for one that is not valid, with the place,
 * VB_EXIT_TROUBLE for one that cannot be read at all.
 */
int vb_seccomp_read(const struct vb_seccomp_options *options, const char *path,
	struct vb_seccomp_input *input, struct vb_error *err) VB_WARN_UNUSED;

/* The same for a text that is there, with input->name, text and size set. */
int vb_seccomp_parse(const struct vb_seccomp_options *options, struct vb_seccomp_input *input,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Reports what is wrong with a profile that was read: vb_profile_lint(), and whether it compiles
 * as it reads. Returns what the function returned, 0 at the end; -ENOMEM.
 */
int vb_seccomp_judge(const struct vb_seccomp_input *input, vb_profile_report_fn report,
	void *context) VB_WARN_UNUSED;

/* Where in the text an error or a finding stands. */
struct vb_json_place vb_seccomp_place(const struct vb_seccomp_input *input, const char *path);

/*
 * Says on stderr, or with --json on stdout, why there is no better answer. input may be NULL when
 * it is about none. Returns the exit code.
 */
int vb_seccomp_fail(const struct vb_seccomp_options *options, const struct vb_seccomp_input *input,
	int exit_code, const struct vb_error *err);

/* The commands. Each returns the exit code. */
int vb_seccomp_show(const struct vb_seccomp_options *options);
int vb_seccomp_check(const struct vb_seccomp_options *options);
int vb_seccomp_meet(const struct vb_seccomp_options *options);
int vb_seccomp_simulate(const struct vb_seccomp_options *options);

/* "SCMP_ACT_ERRNO 1 (EPERM)" */
enum { VB_SECCOMP_ACTION_MAX = 64 };
void vb_seccomp_action_text(uint32_t action, char ret_text[VB_SECCOMP_ACTION_MAX]);

/* "arg0 & 0xff == 0x1 and arg1 < 0x2"; nothing for a rule without conditions. 0, -ENOMEM, -ENOSPC.
 */
int vb_seccomp_print_conditions(
	const struct vb_profile_rule *rule, struct vb_buf *out) VB_WARN_UNUSED;

/* Whether a call with this answer goes on without anybody being asked. */
bool vb_seccomp_allows(uint32_t action);

/* Two lines: which profile, and, for Docker's format, what it was resolved for. */
int vb_seccomp_print_input(const struct vb_seccomp_options *options,
	const struct vb_seccomp_input *input, struct vb_buf *out) VB_WARN_UNUSED;

/* JSON reports (docs/seccomp.schema.json). The values are new references, NULL out of memory. */
struct vb_json_writer vb_seccomp_begin_json(const struct vb_seccomp_options *options);
json_t *vb_seccomp_input_to_json(
	const struct vb_seccomp_options *options, const struct vb_seccomp_input *input);
json_t *vb_seccomp_action_to_json(uint32_t action);
json_t *vb_seccomp_place_to_json(const struct vb_json_place *place);

/* Each prints to stdout and returns exit_code, or what vb_command_fail() returns. */
int vb_seccomp_write(const char *text, size_t size, int exit_code);
int vb_seccomp_finish_profile(const struct vb_profile *profile, int exit_code);
int vb_seccomp_finish_json(struct vb_json_writer *writer, int exit_code);
int vb_seccomp_finish_text(const struct vb_buf *text, int exit_code);

/* Out of memory while writing. */
int vb_seccomp_no_memory(void);

#endif
