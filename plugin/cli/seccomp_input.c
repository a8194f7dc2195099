/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "command.h"
#include "input.h"
#include "seccomp.h"
#include "vb/adjust/json.h"
#include "vb/adjust/oci_text.h"
#include "vb/adjust/profile_docker.h"
#include "vb/adjust/starter.h"
#include "vb/base/utf8.h"

void vb_seccomp_input_finish(struct vb_seccomp_input *input)
{
	free(input->name);
	free(input->text);
	json_decref(input->json);
	vb_profile_destroy(input->profile);
}

static int read_starter(const struct vb_seccomp_options *options, struct vb_seccomp_input *input,
	struct vb_error *err)
{
	const struct vb_starter_options starter = {
		.native = vb_profile_node_arch(options->arch), .parts = VB_STARTER_DENIALS};
	int r = vb_profile_starter_text(&starter, &input->text, err);

	if (r == 0)
		input->size = strlen(input->text);
	return r;
}

static int read_file(const char *path, struct vb_seccomp_input *input, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *data = NULL;
	int r = vb_input_read(path, VB_OCI_TEXT_MAX, &data, err);

	if (r < 0)
		return r;
	input->size = vb_buf_size(data);
	input->text = vb_buf_strdup(data);
	return input->text != NULL ? 0 : vb_error_set(err, ENOMEM, "read '%s'", path);
}

/* jansson's place of an error is that in a text whose numbers have been quoted: not ours. */
static int locate_syntax_error(struct vb_seccomp_input *input, struct vb_error *err)
{
	char what[JSON_ERROR_TEXT_LENGTH] = "";

	input->place = vb_json_find_error(input->text, input->size, what);
	return what[0] != '\0' ? vb_error_say(err, EINVAL, "not JSON: %s", what) : -EINVAL;
}

static int read_profile(const struct vb_seccomp_options *options, struct vb_seccomp_input *input,
	struct vb_error *err)
{
	const struct vb_docker_target target = {
		.native = vb_profile_node_arch(options->arch),
		.kernel_major = options->kernel_major,
		.kernel_minor = options->kernel_minor,
		.capabilities = options->capabilities,
	};

	input->is_docker = vb_profile_is_docker(input->json);
	return input->is_docker
		       ? vb_profile_from_docker(input->json, &target, &input->profile, err)
		       : vb_profile_from_json(input->json, target.native, &input->profile, err);
}

int vb_seccomp_parse(const struct vb_seccomp_options *options, struct vb_seccomp_input *input,
	struct vb_error *err)
{
	int r = vb_oci_text_parse(input->text, input->size, &input->json, err);

	if (r == -EINVAL)
		r = locate_syntax_error(input, err);
	else if (r == 0) {
		r = read_profile(options, input, err);
		if (r < 0)
			input->place = vb_seccomp_place(input, err->place);
	}
	if (r == 0)
		return VB_EXIT_OK;
	return r == -ENOMEM ? VB_EXIT_TROUBLE : VB_EXIT_REFUSED;
}

int vb_seccomp_read(const struct vb_seccomp_options *options, const char *path,
	struct vb_seccomp_input *input, struct vb_error *err)
{
	bool starter = strcmp(path, "starter") == 0;

	input->name = strdup(vb_input_name(path));
	if (input->name == NULL) {
		(void)vb_error_set(err, ENOMEM, "read '%s'", path);
		return VB_EXIT_TROUBLE;
	}
	vb_utf8_scrub(input->name);
	int r = starter ? read_starter(options, input, err) : read_file(path, input, err);
	return r < 0 ? VB_EXIT_TROUBLE : vb_seccomp_parse(options, input, err);
}

struct vb_json_place vb_seccomp_place(const struct vb_seccomp_input *input, const char *path)
{
	return vb_json_find(input->text, input->size, path);
}

static int fail_as_json(const struct vb_seccomp_options *options,
	const struct vb_seccomp_input *input, const struct vb_error *err)
{
	struct vb_json_writer report = vb_seccomp_begin_json(options);
	struct vb_json_writer refusal = vb_json_begin();

	vb_json_put_text(&refusal, "profile", input != NULL ? input->name : NULL);
	vb_json_put(&refusal, "at",
		input != NULL ? vb_seccomp_place_to_json(&input->place) : json_null());
	vb_json_put_text(&refusal, "what", err->what);
	vb_json_put_text(&refusal, "fix", err->fix);
	vb_json_put(&report, "refusal", vb_json_end(&refusal));
	return vb_seccomp_finish_json(&report, VB_EXIT_REFUSED);
}

int vb_seccomp_fail(const struct vb_seccomp_options *options, const struct vb_seccomp_input *input,
	int exit_code, const struct vb_error *err)
{
	struct vb_error placed = *err;

	if (exit_code == VB_EXIT_TROUBLE)
		return vb_command_fail(err);
	if (options->json)
		return fail_as_json(options, input, err);
	if (input != NULL)
		(void)vb_error_wrap(
			&placed, "%s:%zu:%zu", input->name, input->place.line, input->place.column);
	(void)vb_command_fail(&placed);
	return exit_code;
}
