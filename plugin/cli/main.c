/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "vb/base/str.h"

static const struct vb_command *const commands[] = {
	&vb_command_bundle,
	&vb_command_derive,
	&vb_command_explain,
	&vb_command_lint,
	&vb_command_node,
	&vb_command_doctor,
	&vb_command_seccomp,
	&vb_command_status,
	&vb_command_why,
};

static const struct vb_command *find_command(const char *name)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void print_help(FILE *out)
{
	(void)fprintf(out, "Usage: vambrace COMMAND [OPTIONS]\n"
			   "       vambrace COMMAND --help\n"
			   "       vambrace --version\n"
			   "\n"
			   "Hardening of containers, as their pods' annotations ask for it.\n"
			   "\n"
			   "Commands:\n");
	for (size_t i = 0; i < VB_ARRAY_SIZE(commands); i++)
		(void)fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	(void)fprintf(out, "\n"
			   "Exit codes: 0 yes, 1 no (something is refused), 2 wrong usage or\n"
			   "unreadable input. More in vambrace(1).\n");
}

static int refuse_command(const char *name)
{
	const struct vb_command *nearest = commands[0];

	for (size_t i = 1; i < VB_ARRAY_SIZE(commands); i++)
		if (vb_str_distance(name, commands[i]->name) < vb_str_distance(name, nearest->name))
			nearest = commands[i];
	(void)fprintf(stderr, "vambrace: unknown command '%.64s', did you mean '%s'?\n", name,
		nearest->name);
	(void)fprintf(stderr, "Try 'vambrace --help'.\n");
	return VB_EXIT_TROUBLE;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (name == NULL) {
		print_help(stderr);
		return VB_EXIT_TROUBLE;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		print_help(stdout);
		return VB_EXIT_OK;
	}
	if (strcmp(name, "--version") == 0) {
		printf("vambrace %s\n", VB_VERSION);
		return VB_EXIT_OK;
	}
	const struct vb_command *command = find_command(name);
	return command != NULL ? command->run(argc - 1, argv + 1) : refuse_command(name);
}
