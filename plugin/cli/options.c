/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vb/adjust/text.h"

enum {
	/* A name that is further away is not what was meant. */
	DISTANCE_MAX = 2,
	WORDS_MAX = 256,
	LABEL_MAX = 64,
	INDENT = 2,
	GAP = 2,
};

static const struct vb_option help_option = {.name = "help", .letter = 'h', .help = "this text"};

/* The one at the end is --help. */
static const struct vb_option *option_at(const struct vb_syntax *syntax, size_t index)
{
	return index < syntax->option_count ? &syntax->options[index] : &help_option;
}

static bool is_flag(const struct vb_option *option)
{
	return option->value == NULL;
}

/* The option that a word means; *ret_value is what the word itself has of a value, or NULL. */
static const struct vb_option *find_option(
	const struct vb_syntax *syntax, const char *word, const char **ret_value)
{
	for (size_t i = 0; i <= syntax->option_count; i++) {
		const struct vb_option *option = option_at(syntax, i);
		const char *rest = NULL;

		if (word[1] != '-') {
			if (word[1] != option->letter)
				continue;
			*ret_value = word[2] != '\0' ? &word[2] : NULL;
			return option;
		}
		rest = vb_str_after(&word[2], option->name);
		if (rest == NULL || (*rest != '\0' && *rest != '='))
			continue;
		*ret_value = *rest == '=' ? rest + 1 : NULL;
		return option;
	}
	return NULL;
}

/* A name that begins as the one that was typed, or is typed nearly so; NULL when none is. */
static const char *nearest_name(const struct vb_syntax *syntax, const char *name)
{
	size_t least = DISTANCE_MAX + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i <= syntax->option_count; i++) {
		const char *known = option_at(syntax, i)->name;
		size_t distance =
			vb_str_after(known, name) != NULL ? 1 : vb_str_distance(name, known);
		if (distance >= least)
			continue;
		least = distance;
		nearest = known;
	}
	return nearest;
}

static int refuse_option(const struct vb_syntax *syntax, const char *word, struct vb_error *err)
{
	/* Without the value, and long enough for each name. */
	int length = (int)strcspn(word, "=");
	char name[LABEL_MAX];

	(void)snprintf(name, sizeof(name), "%.*s", length, word);
	const char *nearest = name[1] == '-' ? nearest_name(syntax, &name[2]) : NULL;
	if (nearest == NULL)
		return vb_error_say(err, EINVAL, "unknown option '%s'", name);
	return vb_error_say(
		err, EINVAL, "unknown option '%s', did you mean '--%s'?", name, nearest);
}

/* "a, b, c" */
static void add_word(char text[WORDS_MAX], const char *word)
{
	size_t used = strlen(text);

	(void)snprintf(&text[used], WORDS_MAX - used, "%s%s", used > 0 ? ", " : "", word);
}

static int check_choice(const struct vb_option *option, const char *value, struct vb_error *err)
{
	char known[WORDS_MAX] = "";

	for (size_t i = 0; option->choices[i] != NULL; i++) {
		if (strcmp(option->choices[i], value) == 0)
			return 0;
		add_word(known, option->choices[i]);
	}
	return vb_error_say(err, EINVAL, "'%.64s' is not one of %s", value, known);
}

static int take_text(const struct vb_option *option, const char *value, struct vb_error *err)
{
	int r = option->choices != NULL ? check_choice(option, value, err) : 0;

	if (r == 0)
		*option->text = value;
	return r;
}

static int take_number(const struct vb_option *option, const char *value, struct vb_error *err)
{
	unsigned long long number = 0;
	const char *at = value;

	while (*at >= '0' && *at <= '9' && number <= option->max / 10)
		number = number * 10 + (unsigned long long)(*at++ - '0');
	if (at == value || *at != '\0' || number < option->min || number > option->max)
		return vb_error_say(err, EINVAL, "'%.64s' is not a number from %u to %u", value,
			option->min, option->max);
	*option->number = (unsigned int)number;
	return 0;
}

static int take_value(const struct vb_option *option, const char *value, struct vb_error *err)
{
	if (option->text != NULL)
		return take_text(option, value, err);
	if (option->number != NULL)
		return take_number(option, value, err);
	if (option->list != NULL)
		return vb_strv_add(option->list, value) < 0
			       ? vb_error_set(err, ENOMEM, "keep the value")
			       : 0;
	return option->take(value, option->context, err);
}

/* Reads the option at argv[*at], and its value, which may be the next word. 1 for --help. */
static int take_option(const struct vb_syntax *syntax, char **argv, int *at, struct vb_error *err)
{
	const char *value = NULL;
	const struct vb_option *option = find_option(syntax, argv[*at], &value);

	if (option == NULL)
		return refuse_option(syntax, argv[*at], err);
	if (is_flag(option)) {
		if (value != NULL)
			return vb_error_say(err, EINVAL, "--%s takes no value", option->name);
		if (option == &help_option)
			return 1;
		*option->flag = true;
		return 0;
	}
	if (value == NULL && argv[*at + 1] == NULL)
		return vb_error_say(
			err, EINVAL, "--%s needs a value: %s", option->name, option->value);
	if (value == NULL)
		value = argv[++*at];
	int r = take_value(option, value, err);
	return r < 0 ? vb_error_wrap(err, "--%s", option->name) : 0;
}

static int find_action(
	const struct vb_syntax *syntax, const char *word, size_t *ret_action, struct vb_error *err)
{
	char known[WORDS_MAX] = "";

	for (size_t i = 0; i < syntax->action_count; i++) {
		if (vb_str_equal(syntax->actions[i].name, word)) {
			*ret_action = i;
			return 0;
		}
		add_word(known, syntax->actions[i].name);
	}
	if (word == NULL)
		return vb_error_say(err, EINVAL, "missing operand: one of %s", known);
	return vb_error_say(err, EINVAL, "'%.64s' is not one of %s", word, known);
}

static int check_operands(const struct vb_operands *operands, const struct vb_arguments *arguments,
	struct vb_error *err)
{
	const char *name = arguments->name;
	const char *what = operands->what != NULL ? operands->what : "none";

	if (arguments->operand_count < operands->min)
		return vb_error_say(err, EINVAL, "missing operand: %s takes %s", name, what);
	if (arguments->operand_count > operands->max)
		return vb_error_say(err, EINVAL, "extra operand '%.64s': %s takes %s",
			arguments->operands[operands->max], name, what);
	return 0;
}

int vb_options_parse(const struct vb_syntax *syntax, int argc, char **argv,
	struct vb_arguments *ret_arguments, struct vb_error *err)
{
	struct vb_arguments arguments = {.name = syntax->command, .operands = &argv[1]};
	const struct vb_operands *operands = &syntax->operands;
	bool has_ended = false;

	for (int i = 1; i < argc; i++) {
		if (has_ended || argv[i][0] != '-' || argv[i][1] == '\0') {
			arguments.operands[arguments.operand_count++] = argv[i];
			continue;
		}
		has_ended = strcmp(argv[i], "--") == 0;
		int r = has_ended ? 0 : take_option(syntax, argv, &i, err);
		if (r != 0)
			return r;
	}
	arguments.operands[arguments.operand_count] = NULL;
	if (syntax->actions != NULL) {
		int r = find_action(syntax, arguments.operands[0], &arguments.action, err);
		if (r < 0)
			return r;
		operands = &syntax->actions[arguments.action].operands;
		arguments.name = syntax->actions[arguments.action].name;
		arguments.operands++;
		arguments.operand_count--;
	}
	int r = check_operands(operands, &arguments, err);
	if (r == 0)
		*ret_arguments = arguments;
	return r;
}

/* "-n, --namespace NS" */
static size_t label_of(const struct vb_option *option, char ret_label[LABEL_MAX])
{
	const char letter[] = {'-', option->letter, ',', ' ', '\0'};

	return (size_t)snprintf(ret_label, LABEL_MAX, "%s--%s%s%s",
		option->letter != 0 ? letter : "", option->name, is_flag(option) ? "" : " ",
		is_flag(option) ? "" : option->value);
}

/* The text in a column of its own; the line has come as far as the column begins. */
static int add_paragraph(const char *text, size_t column, struct vb_buf *out)
{
	size_t at = column;
	int r = 0;

	while (r == 0 && *text != '\0') {
		size_t length = strcspn(text, " ");
		size_t gap = at > column ? 1 : 0;
		if (gap > 0 && at + gap + length > VB_TEXT_COLUMNS) {
			r = vb_buf_printf(out, "\n%*s", (int)column, "");
			at = column;
			gap = 0;
		}
		if (r == 0)
			r = vb_buf_printf(out, "%*s%.*s", (int)gap, "", (int)length, text);
		at += gap + length;
		text += length + strspn(&text[length], " ");
	}
	return r < 0 ? r : vb_buf_append_string(out, "\n");
}

int vb_options_help(const struct vb_syntax *syntax, struct vb_buf *out)
{
	char label[LABEL_MAX];
	size_t width = 0;

	for (size_t i = 0; i <= syntax->option_count; i++) {
		size_t length = label_of(option_at(syntax, i), label);
		width = length > width ? length : width;
	}
	int r = vb_buf_printf(out, "%s\nOptions:\n", syntax->help_begin);
	for (size_t i = 0; r == 0 && i <= syntax->option_count; i++) {
		const struct vb_option *option = option_at(syntax, i);
		(void)label_of(option, label);
		r = vb_buf_printf(out, "%*s%-*s%*s", INDENT, "", (int)width, label, GAP, "");
		if (r == 0)
			r = add_paragraph(option->help, INDENT + width + GAP, out);
	}
	return r < 0 ? r : vb_buf_printf(out, "\n%s", syntax->help_end);
}
