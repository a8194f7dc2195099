/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "hook.h"
#include "vb/adjust/codes.h"

static int forbid(const struct vb_hook_args *args, struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_UNSUPPORTED,
		"the runtime command '%.32s' would start a process without a plan",
		args->command_name);
	return vb_error_fix(
		err, "start containers through Kubernetes, or restore them under another handler");
}

static int forbid_option(const char *option, struct vb_error *err)
{
	(void)vb_error_refuse(err, VB_CODE_UNSUPPORTED,
		"the runtime option '%.64s' is not known to vambrace-oci", option);
	return vb_error_fix(err, "configure containerd's runtime handler without it, or use a "
				 "vambrace that knows it");
}

static int check_gated(const struct vb_hook_args *args, struct vb_error *err)
{
	if (args->unknown != NULL)
		return forbid_option(args->unknown, err);
	if (args->id == NULL || (args->command == VB_HOOK_CREATE && args->extra))
		return vb_error_say(err, EINVAL, "%s takes one container id", args->command_name);
	return 0;
}

/* What has to happen before the runtime may have the command. */
static int prepare(struct vb_hook *hook, struct vb_error *err)
{
	int r = 0;

	switch (hook->args.command) {
	case VB_HOOK_PASS:
	case VB_HOOK_STOP:
	case VB_HOOK_DELETE:
		return 0;
	case VB_HOOK_FORBID:
		return forbid(&hook->args, err);
	case VB_HOOK_UNCLEAR:
		return forbid_option(hook->args.unknown, err);
	case VB_HOOK_CREATE:
		r = check_gated(&hook->args, err);
		return r == 0 ? vb_hook_create(hook, err) : r;
	case VB_HOOK_EXEC:
		r = check_gated(&hook->args, err);
		return r == 0 ? vb_hook_exec(hook, err) : r;
	}
	return vb_error_say(err, EINVAL, "unknown command");
}

static bool must_work(enum vb_hook_command command)
{
	return command == VB_HOOK_STOP || command == VB_HOOK_DELETE;
}

/* Admits by becoming the runtime; returns only to refuse. */
static int run(struct vb_hook *hook, char *argv[], struct vb_error *err)
{
	int r = vb_hook_find_runtime(hook, err);

	if (hook->args.command == VB_HOOK_DELETE)
		vb_hook_clean_up(hook);
	if (r == 0)
		r = prepare(hook, err);
	if (r == 0) {
		r = vb_hook_become(hook->settings.runtime, argv, err);
		if (hook->args.command == VB_HOOK_CREATE)
			vb_hook_forget(hook);
	}
	if (must_work(hook->args.command)) {
		/* The first error is the one to mend. */
		struct vb_error second;
		(void)vb_hook_become_any(hook, argv, &second);
	}
	return r;
}

/*
 * jansson would open /dev/urandom for this. The kernel has put random bytes beside the arguments
 * (AT_RANDOM of getauxval(3)); libc uses the first eight for its stack guard.
 */
static void seed_hashes(void)
{
	const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
	size_t seed = 0;

	if (random != NULL)
		memcpy(&seed, random + 8, sizeof(seed));
	json_object_seed(seed);
}

int main(int argc, char *argv[])
{
	struct vb_hook hook = {0};
	struct vb_error err = {0};

	if (argc < 1)
		return EXIT_FAILURE;
	seed_hashes();
	const char *slash = strrchr(argv[0], '/');
	hook.handler = slash != NULL ? slash + 1 : argv[0];
	vb_hook_args_parse(argv, &hook.args);
	(void)run(&hook, argv, &err);
	vb_hook_report(&hook, &err);
	return EXIT_FAILURE;
}
