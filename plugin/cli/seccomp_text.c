/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "seccomp.h"
#include "vb/adjust/caps.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_text.h"

enum { SECCOMP_VERSION = 1 };

static bool has_data(uint32_t action)
{
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

	return kind == SECCOMP_RET_ERRNO || kind == SECCOMP_RET_TRACE;
}

static const char *errno_name(uint32_t action)
{
	if ((action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO)
		return NULL;
	return strerrorname_np((int)(action & SECCOMP_RET_DATA));
}

void vb_seccomp_action_text(uint32_t action, char ret_text[VB_SECCOMP_ACTION_MAX])
{
	const char *name = errno_name(action);
	int used = snprintf(ret_text, VB_SECCOMP_ACTION_MAX, "%s", vb_profile_action_name(action));

	if (used > 0 && has_data(action))
		(void)snprintf(ret_text + used, VB_SECCOMP_ACTION_MAX - (size_t)used, " %u%s%s%s",
			action & SECCOMP_RET_DATA, name != NULL ? " (" : "",
			name != NULL ? name : "", name != NULL ? ")" : "");
}

bool vb_seccomp_allows(uint32_t action)
{
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

	return kind == SECCOMP_RET_ALLOW || kind == SECCOMP_RET_LOG;
}

static const char *sign_of(const char *op)
{
	static const struct {
		const char *op;
		const char *sign;
	} signs[] = {
		{"SCMP_CMP_NE", "!="},
		{"SCMP_CMP_LT", "<"},
		{"SCMP_CMP_LE", "<="},
		{"SCMP_CMP_GE", ">="},
		{"SCMP_CMP_GT", ">"},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(signs); i++)
		if (strcmp(signs[i].op, op) == 0)
			return signs[i].sign;
	return "==";
}

int vb_seccomp_print_conditions(const struct vb_profile_rule *rule, struct vb_buf *out)
{
	int r = 0;

	for (size_t i = 0; i < rule->condition_count && r == 0; i++) {
		const struct vb_profile_condition *condition = &rule->conditions[i];
		r = vb_buf_printf(out, "%sarg%u", i > 0 ? " and " : "", condition->index);
		if (r == 0 && condition->mask != UINT64_MAX)
			r = vb_buf_printf(out, " & 0x%" PRIx64, condition->mask);
		if (r == 0)
			r = vb_buf_printf(
				out, " %s 0x%" PRIx64, sign_of(condition->op), condition->value);
	}
	return r;
}

static int print_capabilities(uint64_t capabilities, struct vb_buf *out)
{
	int r = vb_buf_append_string(out, capabilities == 0 ? " none" : "");

	for (unsigned int i = 0; i < VB_CAP_COUNT && r == 0; i++)
		if ((capabilities & UINT64_C(1) << i) != 0)
			r = vb_buf_printf(out, " %s", vb_cap_name(i) + strlen("CAP_"));
	return r;
}

int vb_seccomp_print_input(const struct vb_seccomp_options *options,
	const struct vb_seccomp_input *input, struct vb_buf *out)
{
	int r = vb_buf_printf(
		out, "%s: %s format", input->name, input->is_docker ? "Docker" : "OCI");

	if (r == 0 && input->is_docker) {
		r = vb_buf_printf(out, ", resolved for %s, kernel %u.%u and the capabilities",
			vb_profile_arch_name(vb_profile_node_arch(options->arch)),
			options->kernel_major, options->kernel_minor);
		if (r == 0)
			r = print_capabilities(options->capabilities, out);
	}
	return r == 0 ? vb_buf_append_string(out, "\n") : r;
}

struct vb_json_writer vb_seccomp_begin_json(const struct vb_seccomp_options *options)
{
	struct vb_json_writer writer = vb_json_begin();

	vb_json_put(&writer, "seccomp_version", json_integer(SECCOMP_VERSION));
	vb_json_put_text(&writer, "command", options->arguments.name);
	return writer;
}

static json_t *target_to_json(const struct vb_seccomp_options *options)
{
	struct vb_json_writer writer = vb_json_begin();
	char kernel[32];

	(void)snprintf(
		kernel, sizeof(kernel), "%u.%u", options->kernel_major, options->kernel_minor);
	vb_json_put_text(
		&writer, "arch", vb_profile_arch_name(vb_profile_node_arch(options->arch)));
	vb_json_put_text(&writer, "kernel", kernel);
	vb_json_put(&writer, "capabilities", vb_caps_to_json(options->capabilities));
	return vb_json_end(&writer);
}

json_t *vb_seccomp_input_to_json(
	const struct vb_seccomp_options *options, const struct vb_seccomp_input *input)
{
	struct vb_json_writer writer = vb_json_begin();

	vb_json_put_text(&writer, "name", input->name);
	vb_json_put_text(&writer, "format", input->is_docker ? "docker" : "oci");
	vb_json_put(
		&writer, "resolved_for", input->is_docker ? target_to_json(options) : json_null());
	return vb_json_end(&writer);
}

json_t *vb_seccomp_action_to_json(uint32_t action)
{
	struct vb_json_writer writer = vb_json_begin();

	vb_json_put_text(&writer, "action", vb_profile_action_name(action));
	vb_json_put(&writer, "data",
		has_data(action) ? json_integer((json_int_t)(action & SECCOMP_RET_DATA))
				 : json_null());
	vb_json_put_text(&writer, "errno", errno_name(action));
	return vb_json_end(&writer);
}

json_t *vb_seccomp_place_to_json(const struct vb_json_place *place)
{
	return json_pack(
		"{s:I,s:I}", "line", (json_int_t)place->line, "column", (json_int_t)place->column);
}

int vb_seccomp_write(const char *text, size_t size, int exit_code)
{
	struct vb_error err = {0};

	if (fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0)
		return exit_code;
	(void)vb_error_set(&err, errno, "write to standard output");
	return vb_command_fail(&err);
}

int vb_seccomp_no_memory(void)
{
	struct vb_error err = {0};

	(void)vb_error_set(&err, ENOMEM, "write a report");
	return vb_command_fail(&err);
}

int vb_seccomp_finish_json(struct vb_json_writer *writer, int exit_code)
{
	vb_auto_json json_t *report = vb_json_end(writer);
	vb_auto_free char *text = NULL;
	size_t size = 0;

	if (report == NULL || vb_oci_text_write_indented(report, &text, &size, NULL) < 0)
		return vb_seccomp_no_memory();
	return vb_seccomp_write(text, size, exit_code);
}

int vb_seccomp_finish_text(const struct vb_buf *text, int exit_code)
{
	struct vb_error err = {0};

	return vb_command_print(text, &err) < 0 ? vb_command_fail(&err) : exit_code;
}

int vb_seccomp_finish_profile(const struct vb_profile *profile, int exit_code)
{
	vb_auto_free char *text = NULL;

	if (vb_profile_to_text(profile, &text, NULL) < 0)
		return vb_seccomp_no_memory();
	return vb_seccomp_write(text, strlen(text), exit_code);
}
