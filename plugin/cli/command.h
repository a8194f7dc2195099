/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_COMMAND_H
#define VB_PLUGIN_CLI_COMMAND_H

#include <jansson.h>

#include "options.h"
#include "vb/base/buf.h"
#include "vb/base/error.h"

/* One sub-command of vambrace. A new one is a file that defines its own, and a line in main.c. */
struct vb_command {
	const char *name;
	const char *summary; /* one line of `vambrace --help` */
	/* argv[0] is the command's name. Returns the exit code. */
	int (*run)(int argc, char **argv);
};

extern const struct vb_command vb_command_bundle;
extern const struct vb_command vb_command_derive;
extern const struct vb_command vb_command_doctor;
extern const struct vb_command vb_command_explain;
extern const struct vb_command vb_command_lint;
extern const struct vb_command vb_command_node;
extern const struct vb_command vb_command_seccomp;
extern const struct vb_command vb_command_status;
extern const struct vb_command vb_command_why;

/* Exit codes of all commands. */
enum {
	VB_EXIT_OK = 0,
	VB_EXIT_REFUSED = 1, /* the answer is no */
	VB_EXIT_TROUBLE = 2, /* there is no answer: wrong usage, unreadable input */
};

/* Prints "vambrace: <what>" and the advice, if any, to stderr. Returns VB_EXIT_TROUBLE. */
int vb_command_fail(const struct vb_error *err);

/*
 * Reads the command line, see vb_options_parse(). Returns -1 to go on, or the exit code: help was
 * printed, or what is wrong was said on stderr.
 */
int vb_command_parse(
	const struct vb_syntax *syntax, int argc, char **argv, struct vb_arguments *ret_arguments);

/*
 * Prints "vambrace: <command>: <what>" and the advice to stderr, or where help is to be had.
 * Returns VB_EXIT_TROUBLE.
 */
int vb_command_misuse(const char *command, const struct vb_error *err);

/*
 * Puts the text, or the tree with flags of json_dumpf(3) and a newline, on standard output; NULL
 * stands for what could not be made. On a terminal the text is folded at VB_TEXT_COLUMNS. -ENOMEM,
 * or the errno of the write.
 */
int vb_command_print(const struct vb_buf *text, struct vb_error *err) VB_WARN_UNUSED;
int vb_command_print_json(const json_t *report, size_t flags, struct vb_error *err) VB_WARN_UNUSED;

#endif
