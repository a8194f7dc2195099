/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_OCI_ARGS_H
#define VB_PLUGIN_OCI_ARGS_H

#include <stdbool.h>

/*
 * The command line of an OCI runtime, as runc 1.1 to 1.5 and crun 1.x understand it. Nothing is
 * changed or copied: the runtime gets the same arguments.
 */

enum vb_hook_command {
	VB_HOOK_PASS, /* no business of ours */
	VB_HOOK_CREATE,
	VB_HOOK_EXEC,
	VB_HOOK_STOP,    /* start, kill, delete, state: must work whatever is broken */
	VB_HOOK_DELETE,  /* one of those, and the end of the container */
	VB_HOOK_FORBID,  /* restore, run, unknown commands with a bundle */
	VB_HOOK_UNCLEAR, /* which command it is cannot be told */
};

/* Strings are borrowed from argv; NULL when not given. */
struct vb_hook_args {
	enum vb_hook_command command;
	const char *command_name;
	const char *root;
	const char *log;
	const char *id;
	const char *bundle;
	const char *pid_file;
	const char *process;
	const char *unknown; /* of create or exec: an option that the hook does not know */
	bool cap;            /* exec --cap */
	bool extra;          /* create or exec: arguments behind the id */
};

/* argv ends with NULL and has at least one entry. */
void vb_hook_args_parse(char *const argv[], struct vb_hook_args *ret_args);

#endif
