/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_OPTIONS_H
#define VB_PLUGIN_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "vb/base/buf.h"
#include "vb/base/error.h"
#include "vb/base/str.h"

/*
 * What stands behind a command on the command line, as tables: they are what is accepted, what the
 * help lists, and what every complaint is made from.
 */

/* "takes FILE...": what the help calls the operands, and how many there may be. */
struct vb_operands {
	const char *what; /* NULL when there are none */
	int min;
	int max;
};

/* A word that must be the first operand, such as `show` in `vambrace bundle show`. */
struct vb_action {
	const char *name;
	struct vb_operands operands; /* behind it */
};

/* Takes the value of an option. Negative, with err set, refuses it. */
typedef int (*vb_option_fn)(const char *value, void *context, struct vb_error *err);

/* Exactly one of flag, text, number, list and take is set. */
struct vb_option {
	const char *name;  /* behind two dashes */
	char letter;       /* behind one dash; 0 for none */
	const char *value; /* what the help calls its value; NULL for a flag, which has none */
	const char *help;  /* one paragraph, as one line */

	bool *flag;           /* becomes true */
	const char **text;    /* the last value, in argv */
	struct vb_strv *list; /* all values */
	vb_option_fn take;    /* is called with the context */
	void *context;
	unsigned int *number; /* the last value, in decimal, from min to max */
	unsigned int min;
	unsigned int max;
	const char *const *choices; /* for text: the only values, NULL behind the last one */
};

struct vb_syntax {
	const char *command;
	const char *help_begin; /* the text before the options */
	const char *help_end;   /* and behind them */
	const struct vb_option *options;
	size_t option_count;
	const struct vb_action *actions; /* NULL: the command has operands of its own */
	size_t action_count;
	struct vb_operands operands;
};

/* What was given besides options. */
struct vb_arguments {
	size_t action;    /* its index */
	const char *name; /* the action's, or the command's */
	char **operands;
	int operand_count; /* a NULL stands behind the last one */
};

/*
 * Reads argv[1] and on: options anywhere, as `--name value`, `--name=value`, `-n value` or
 * `-nvalue`, to the end or to `--`; `-` is an operand. Every command has --help, behind which
 * nothing more is looked at. The operands are moved together inside of argv.
 * Returns 0, or 1 when help is asked for; -EINVAL with one line that says what is wrong, -ENOMEM,
 * or what a function returned that takes a value.
 */
int vb_options_parse(const struct vb_syntax *syntax, int argc, char **argv,
	struct vb_arguments *ret_arguments, struct vb_error *err) VB_WARN_UNUSED;

/* Appends the help of a command, no line wider than VB_TEXT_COLUMNS. -ENOMEM or -ENOSPC. */
int vb_options_help(const struct vb_syntax *syntax, struct vb_buf *out) VB_WARN_UNUSED;

#endif
