/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "bundle.h"
#include "command.h"
#include "input.h"
#include "vb/adjust/bundle_tar.h"
#include "vb/adjust/config.h"
#include "vb/adjust/json.h"
#include "vb/adjust/sshsig.h"
#include "vb/base/file.h"

static int load_key(const char *path, struct vb_strv *keys, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *data = NULL;

	int r = vb_input_read(path, VB_SSH_PUBLIC_TEXT_MAX, &data, err);
	if (r < 0)
		return r;
	vb_auto_free char *text = vb_buf_strdup(data);
	if (text == NULL || vb_strv_add(keys, text) < 0)
		return vb_error_set(err, ENOMEM, "read '%s'", path);
	return 0;
}

/* The keys to look at signatures with; none where the node has no config. */
static int load_keys(
	const struct vb_bundle_options *options, struct vb_strv *keys, struct vb_error *err)
{
	vb_auto_config struct vb_config config = {0};
	const char *path = options->config_path;
	int r = 0;

	if (options->key != NULL)
		return load_key(options->key, keys, err);
	if (path != NULL) {
		r = vb_input_config(path, &config, err);
	} else {
		path = VB_CONFIG_PATH;
		r = vb_config_load(path, &config, err);
		if (r == -ENOENT)
			return 0;
		if (r < 0)
			(void)vb_error_wrap(err, "%s", path);
	}
	if (r == 0 && vb_strv_copy(keys, &config.trusted_keys) < 0)
		return vb_error_set(err, ENOMEM, "read '%s'", path);
	return r;
}

static int load_trust(const struct vb_bundle_options *options, bool require_signature,
	struct vb_bundle_trust *ret_trust, struct vb_error *err)
{
	vb_auto_strv struct vb_strv keys = {0};

	int r = load_keys(options, &keys, err);
	if (r < 0)
		return r;
	if (require_signature && keys.count == 0) {
		(void)vb_error_say(err, EINVAL, "there is no key to check signatures with");
		return vb_error_fix(err, "give one with --key, or a node config with trusted_keys");
	}
	r = vb_bundle_trust_init(ret_trust, &keys, require_signature, err);
	return r < 0 && options->key != NULL ? vb_error_wrap(err, "%s", options->key) : r;
}

/* 1 for what is refused, 2 for what could not be looked at. */
static int exit_code_of(int r, const struct vb_error *err)
{
	if (r == 0)
		return VB_EXIT_OK;
	return err->code != NULL ? VB_EXIT_REFUSED : VB_EXIT_TROUBLE;
}

static int report_one(struct vb_bundle_report *report, const struct vb_bundle_result *result)
{
	struct vb_error err;

	if (vb_bundle_report_add(report, result) == 0)
		return VB_EXIT_OK;
	(void)vb_error_set(&err, ENOMEM, "report");
	return vb_command_fail(&err);
}

static int look_and_report(
	struct vb_bundle_report *report, const char *path, const struct vb_bundle_trust *trust)
{
	vb_auto_bundle_look struct vb_bundle_look look = {0};
	struct vb_error err = {0};

	int r = vb_bundle_look(path, trust, &look, &err);
	if (r == 0 && trust->require_signature)
		r = vb_bundle_look_check_bound(&look, &err);
	const struct vb_bundle_result result = {
		.path = path, .look = r == 0 ? &look : NULL, .err = r == 0 ? NULL : &err};
	int failed = report_one(report, &result);
	return failed != VB_EXIT_OK ? failed : exit_code_of(r, &err);
}

static int look_at_all(const struct vb_bundle_options *options, bool require_signature)
{
	vb_auto_bundle_trust struct vb_bundle_trust trust = {0};
	vb_auto_json json_t *bundles = options->json ? json_array() : NULL;
	struct vb_bundle_report report = {.options = options, .bundles = bundles};
	struct vb_error err = {0};
	int exit_code = VB_EXIT_OK;

	if (load_trust(options, require_signature, &trust, &err) < 0)
		return vb_command_fail(&err);
	for (int i = 0; i < options->arguments.operand_count; i++) {
		int code = look_and_report(&report, options->arguments.operands[i], &trust);
		exit_code = code > exit_code ? code : exit_code;
	}
	if (vb_bundle_report_finish(&report) < 0) {
		(void)vb_error_set(&err, ENOMEM, "report");
		return vb_command_fail(&err);
	}
	return exit_code;
}

int vb_bundle_verify_command(const struct vb_bundle_options *options)
{
	return look_at_all(options, true);
}

int vb_bundle_show_command(const struct vb_bundle_options *options)
{
	return look_at_all(options, false);
}

/* What a bundle is without anybody's keys, and what has become of it. */
static int finish_written(const struct vb_bundle_options *options, int r,
	const struct vb_bundle_look *look, const char *written, const struct vb_error *err)
{
	vb_auto_json json_t *bundles = options->json ? json_array() : NULL;
	struct vb_bundle_report report = {.options = options, .bundles = bundles};
	const struct vb_bundle_result result = {.path = options->arguments.operands[0],
		.look = r == 0 ? look : NULL,
		.err = r == 0 ? NULL : err,
		.written = r == 0 ? written : NULL};
	int failed = report_one(&report, &result);
	struct vb_error report_err;

	if (failed != VB_EXIT_OK)
		return failed;
	if (vb_bundle_report_finish(&report) < 0) {
		(void)vb_error_set(&report_err, ENOMEM, "report");
		return vb_command_fail(&report_err);
	}
	return exit_code_of(r, err);
}

/* A private key that others can read is not private; ssh-keygen refuses it too. */
static int read_secret(const char *path, struct vb_ssh_secret *ret_secret, struct vb_error *err)
{
	vb_auto_free char *text = NULL;
	size_t size = 0;

	int r = vb_file_read(path, VB_SSH_PRIVATE_FILE_MAX, &text, &size, err);
	if (r < 0)
		return r;
	r = vb_ssh_private_parse(text, size, ret_secret, err);
	sodium_memzero(text, size);
	if (r == 0)
		return 0;
	(void)vb_error_wrap(err, "private key '%s'", path);
	if (r == -EACCES)
		return vb_error_fix(err, "sign with 'ssh-keygen -Y sign -n " VB_SSHSIG_NAMESPACE
					 " -f KEY FILE', which asks for it");
	return vb_error_fix(err, "make one with 'ssh-keygen -t ed25519 -N \"\" -f KEY'");
}

static int sign(const char *key, const char *path, struct vb_bundle_look *look, char **ret_written,
	struct vb_error *err)
{
	static const struct vb_bundle_trust nobody;
	vb_auto_ssh_secret struct vb_ssh_secret secret = {0};
	struct vb_error found;

	int r = vb_bundle_look(path, &nobody, look, err);
	if (r == 0)
		r = vb_bundle_look_check_bound(look, err);
	if (r == 0)
		r = read_secret(key, &secret, err);
	if (r < 0)
		return r;
	vb_auto_free char *text = vb_sshsig_sign(&secret, look->signed_data, look->signed_size);
	vb_auto_free char *written = vb_str_format("%s.sig", look->signed_path);
	if (text == NULL || written == NULL)
		return vb_error_set(err, ENOMEM, "sign");
	r = vb_file_replace(written, text, strlen(text), 0644, &found);
	if (r < 0) {
		*err = found;
		return r;
	}
	look->has_signature = true;
	vb_ssh_fingerprint(&secret.public_key, look->signer);
	*ret_written = VB_STEAL(written);
	return 0;
}

int vb_bundle_sign_command(const struct vb_bundle_options *options)
{
	vb_auto_bundle_look struct vb_bundle_look look = {0};
	vb_auto_free char *written = NULL;
	struct vb_error err = {0};

	int r = sign(options->key, options->arguments.operands[0], &look, &written, &err);
	return finish_written(options, r, &look, written, &err);
}

static int pack(const struct vb_bundle_options *options, struct vb_bundle_look *look,
	char **ret_written, struct vb_error *err)
{
	static const struct vb_bundle_trust nobody;
	vb_auto_buf struct vb_buf *tar = NULL;
	const char *path = options->arguments.operands[0];

	int r = vb_bundle_look(path, &nobody, look, err);
	if (r < 0)
		return r;
	if (look->is_tar)
		return vb_error_say(err, EINVAL, "'%s' is a tar already", path);
	vb_auto_free char *name = vb_str_format("%s.tar", look->bundle->name);
	vb_auto_free char *written = strdup(options->output != NULL ? options->output : name);
	if (name == NULL || written == NULL)
		return vb_error_set(err, ENOMEM, "pack a bundle");
	const char *slash = strrchr(written, '/');
	if (strcmp(slash != NULL ? slash + 1 : written, name) != 0) {
		(void)vb_error_say(
			err, EINVAL, "a node would not find the bundle in '%s'", written);
		return vb_error_fix(err, "call the file %s", name);
	}
	r = vb_bundle_pack_directory(path, &tar, err);
	if (r < 0)
		return vb_error_wrap(err, "%s", path);
	r = vb_file_replace(written, vb_buf_data(tar), vb_buf_size(tar), 0644, err);
	if (r < 0)
		return r;
	vb_bundle_look_finish(look);
	*look = (struct vb_bundle_look){0};
	/* As a node will see it. */
	r = vb_bundle_look(written, &nobody, look, err);
	if (r == 0)
		*ret_written = VB_STEAL(written);
	return r;
}

int vb_bundle_pack_command(const struct vb_bundle_options *options)
{
	vb_auto_bundle_look struct vb_bundle_look look = {0};
	vb_auto_free char *written = NULL;
	struct vb_error err = {0};

	int r = pack(options, &look, &written, &err);
	return finish_written(options, r, &look, written, &err);
}
