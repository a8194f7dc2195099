/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "fold.h"
#include "vb/adjust/text.h"

enum { HELP_MAX = 64 << 10 };

int vb_command_fail(const struct vb_error *err)
{
	(void)fprintf(stderr, "vambrace: %s\n", err->what);
	if (err->fix[0] != '\0')
		(void)fprintf(stderr, "  %s\n", err->fix);
	return VB_EXIT_TROUBLE;
}

int vb_command_misuse(const char *command, const struct vb_error *err)
{
	(void)fprintf(stderr, "vambrace: %s: %s\n", command, err->what);
	if (err->fix[0] != '\0')
		(void)fprintf(stderr, "  %s\n", err->fix);
	else
		(void)fprintf(stderr, "Try 'vambrace %s --help'.\n", command);
	return VB_EXIT_TROUBLE;
}

static int fail_to_write(struct vb_error *err)
{
	return vb_error_set(err, errno, "write to standard output");
}

/* Every line may become one for each of its bytes, with an indent of half a line. */
static struct vb_buf *fold(const struct vb_buf *text)
{
	size_t size = vb_buf_size(text);
	vb_auto_buf struct vb_buf *folded = vb_buf_create((size + 1) * VB_TEXT_COLUMNS);

	if (folded == NULL ||
		vb_fold(folded, (const char *)vb_buf_data(text), size, VB_TEXT_COLUMNS) < 0)
		return NULL;
	return VB_STEAL(folded);
}

int vb_command_print(const struct vb_buf *text, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *folded = NULL;

	/* For grep, what is one line stays one. */
	if (text != NULL && isatty(STDOUT_FILENO) == 1)
		text = folded = fold(text);
	if (text == NULL)
		return vb_error_set(err, ENOMEM, "print the report");
	if (fwrite(vb_buf_data(text), 1, vb_buf_size(text), stdout) != vb_buf_size(text) ||
		fflush(stdout) != 0)
		return fail_to_write(err);
	return 0;
}

int vb_command_print_json(const json_t *report, size_t flags, struct vb_error *err)
{
	if (report == NULL)
		return vb_error_set(err, ENOMEM, "print the report");
	if (json_dumpf(report, stdout, flags) < 0 || putchar('\n') == EOF || fflush(stdout) != 0)
		return fail_to_write(err);
	return 0;
}

static int print_help(const struct vb_syntax *syntax, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(HELP_MAX);

	if (text == NULL || vb_options_help(syntax, text) < 0)
		return vb_error_set(err, ENOMEM, "print the help");
	return vb_command_print(text, err);
}

int vb_command_parse(
	const struct vb_syntax *syntax, int argc, char **argv, struct vb_arguments *ret_arguments)
{
	struct vb_error err = {0};

	int r = vb_options_parse(syntax, argc, argv, ret_arguments, &err);
	if (r == 0)
		return -1;
	if (r < 0)
		return vb_command_misuse(syntax->command, &err);
	return print_help(syntax, &err) < 0 ? vb_command_fail(&err) : VB_EXIT_OK;
}
