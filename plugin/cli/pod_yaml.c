/* SPDX-License-Identifier: Apache-2.0 */
#include "pod_yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "pod_yaml_scalar.h"
#include "vb/adjust/json.h"
#include "vb/base/str.h"
#include "vb/base/utf8.h"

enum { DIRECTIVES_MAX = 64 };

/* Of an object or array itself, instead of one of its members. */
static const size_t itself = SIZE_MAX;

/* Where something began: the member of an object by its ordinal, or the container itself. */
struct mark {
	const json_t *container;
	size_t ordinal;
	size_t line; /* from 1 */
	size_t column;
};

struct vb_yaml {
	char *name;
	json_t *documents;
	struct mark *marks;
	size_t mark_count;
	size_t mark_room;
};

/* A container that is still being filled; borrowed, its parent owns it. */
struct frame {
	json_t *container;
	char *key; /* of the value that comes next; NULL: the key comes next */
	yaml_mark_t key_mark;
};

struct builder {
	struct vb_yaml *yaml;
	yaml_parser_t parser;
	struct frame frames[VB_YAML_DEPTH_MAX];
	size_t depth;
	size_t values;
};

void vb_yaml_destroy(struct vb_yaml *yaml)
{
	if (yaml == NULL)
		return;
	free(yaml->name);
	free(yaml->marks);
	json_decref(yaml->documents);
	free(yaml);
}

const json_t *vb_yaml_documents(const struct vb_yaml *yaml)
{
	return yaml->documents;
}

static void finish_builder(struct builder *b)
{
	for (size_t i = 0; i < b->depth; i++)
		free(b->frames[i].key);
	yaml_parser_delete(&b->parser);
}

static int out_of_memory(const struct vb_yaml *yaml, struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "read '%s'", yaml->name);
}

static int fail_at(
	const struct vb_yaml *yaml, const yaml_mark_t *mark, struct vb_error *err, const char *text)
{
	return vb_error_say(
		err, EINVAL, "%s:%zu:%zu: %s", yaml->name, mark->line + 1, mark->column + 1, text);
}

/* For bytes that are no characters libyaml knows an offset only. */
static yaml_mark_t mark_of_offset(const char *text, size_t size, size_t offset)
{
	yaml_mark_t mark = {.index = offset};

	for (size_t i = 0; i < offset && i < size; i++) {
		mark.column++;
		if (text[i] != '\n')
			continue;
		mark.line++;
		mark.column = 0;
	}
	return mark;
}

static int fail_parse(const struct builder *b, const char *text, size_t size, struct vb_error *err)
{
	const char *problem = b->parser.problem != NULL ? b->parser.problem : "cannot be read";
	yaml_mark_t mark = b->parser.problem_mark;

	if (b->parser.error == YAML_MEMORY_ERROR)
		return out_of_memory(b->yaml, err);
	if (b->parser.error == YAML_READER_ERROR)
		mark = mark_of_offset(text, size, b->parser.problem_offset);
	return fail_at(b->yaml, &mark, err, problem);
}

static int add_mark(struct builder *b, const json_t *container, size_t ordinal,
	const yaml_mark_t *at, struct vb_error *err)
{
	struct vb_yaml *yaml = b->yaml;

	if (yaml->mark_count == yaml->mark_room) {
		size_t room = yaml->mark_room == 0 ? 64 : yaml->mark_room * 2;
		struct mark *marks = reallocarray(yaml->marks, room, sizeof(*marks));
		if (marks == NULL)
			return out_of_memory(yaml, err);
		yaml->marks = marks;
		yaml->mark_room = room;
	}
	yaml->marks[yaml->mark_count++] = (struct mark){.container = container,
		.ordinal = ordinal,
		.line = at->line + 1,
		.column = at->column + 1};
	return 0;
}

static int add_member(struct builder *b, struct frame *frame, json_t *value, const yaml_mark_t *at,
	struct vb_error *err)
{
	vb_auto_free char *key = VB_STEAL(frame->key);
	size_t ordinal = json_object_size(frame->container);

	if (json_object_set_new(frame->container, key, value) < 0)
		return out_of_memory(b->yaml, err);
	return add_mark(b, frame->container, ordinal, at, err);
}

static int add_document(struct builder *b, json_t *value, struct vb_error *err)
{
	/* An empty one, such as a trailing "---" makes. */
	if (json_is_null(value))
		return 0;
	return json_array_append_new(b->yaml->documents, value) < 0 ? out_of_memory(b->yaml, err)
								    : 0;
}

/* Puts a value where it belongs. Takes the reference, also on failure. */
static int add_value_take(
	struct builder *b, json_t *value, const yaml_mark_t *at, struct vb_error *err)
{
	if (value == NULL)
		return out_of_memory(b->yaml, err);
	if (++b->values > VB_YAML_VALUES_MAX) {
		json_decref(value);
		return fail_at(b->yaml, at, err, "too many values");
	}
	if (b->depth == 0)
		return add_document(b, value, err);
	struct frame *frame = &b->frames[b->depth - 1];
	if (json_is_array(frame->container))
		return json_array_append_new(frame->container, value) < 0
			       ? out_of_memory(b->yaml, err)
			       : 0;
	if (frame->key != NULL)
		return add_member(b, frame, value, at, err);
	json_decref(value);
	return fail_at(b->yaml, at, err, "a key must be a plain text");
}

static int open_container(
	struct builder *b, json_t *container, const yaml_mark_t *at, struct vb_error *err)
{
	if (b->depth == VB_YAML_DEPTH_MAX) {
		json_decref(container);
		return fail_at(b->yaml, at, err, "nested too deeply");
	}
	int r = add_value_take(b, container, at, err);
	if (r == 0)
		r = add_mark(b, container, itself, at, err);
	if (r < 0)
		return r;
	b->frames[b->depth++] = (struct frame){.container = container};
	return 0;
}

static int take_key(
	struct builder *b, struct frame *frame, const yaml_event_t *event, struct vb_error *err)
{
	const char *text = (const char *)event->data.scalar.value;

	if (event->data.scalar.plain_implicit && strcmp(text, "<<") == 0)
		return fail_at(b->yaml, &event->start_mark, err,
			"merge keys are not read; write the keys out");
	if (json_object_get(frame->container, text) != NULL) {
		char problem[160];
		(void)snprintf(problem, sizeof(problem), "key '%.128s' is there twice", text);
		return fail_at(b->yaml, &event->start_mark, err, problem);
	}
	frame->key = strdup(text);
	return frame->key == NULL ? out_of_memory(b->yaml, err) : 0;
}

static json_t *read_scalar(const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;

	if (event->data.scalar.plain_implicit)
		return vb_yaml_resolve_plain(text, length);
	return json_stringn(text, length);
}

static bool is_text_tag(const yaml_char_t *tag)
{
	return tag == NULL || strcmp((const char *)tag, "!") == 0 ||
	       strcmp((const char *)tag, YAML_STR_TAG) == 0;
}

static int take_scalar(struct builder *b, const yaml_event_t *event, struct vb_error *err)
{
	struct frame *frame = b->depth > 0 ? &b->frames[b->depth - 1] : NULL;
	const char *text = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;

	if (!is_text_tag(event->data.scalar.tag))
		return fail_at(b->yaml, &event->start_mark, err,
			"tags are not read; write the value without");
	if (strlen(text) != length || !vb_utf8_is_valid(text, length))
		return fail_at(b->yaml, &event->start_mark, err,
			"a text with a character that no Kubernetes field takes");
	if (frame != NULL && json_is_object(frame->container) && frame->key == NULL)
		return take_key(b, frame, event, err);
	return add_value_take(b, read_scalar(event), &event->start_mark, err);
}

static void close_container(struct builder *b)
{
	struct frame *frame = &b->frames[--b->depth];

	free(frame->key);
}

static int take_event(struct builder *b, const yaml_event_t *event, struct vb_error *err)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(b, event, err);
	case YAML_SEQUENCE_START_EVENT:
		return open_container(b, json_array(), &event->start_mark, err);
	case YAML_MAPPING_START_EVENT:
		return open_container(b, json_object(), &event->start_mark, err);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_container(b);
		return 0;
	case YAML_ALIAS_EVENT:
		return fail_at(b->yaml, &event->start_mark, err,
			"aliases are not read; write the value out");
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	}
	return 0;
}

static int parse_yaml(struct builder *b, const char *text, size_t size, struct vb_error *err)
{
	bool more = true;

	yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b->parser, (const unsigned char *)text, size);
	while (more) {
		yaml_event_t event;
		if (!yaml_parser_parse(&b->parser, &event))
			return fail_parse(b, text, size, err);
		int r = take_event(b, &event, err);
		more = event.type != YAML_STREAM_END_EVENT && event.type != YAML_NO_EVENT;
		yaml_event_delete(&event);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_json(struct vb_yaml *yaml, const char *text, size_t size, struct vb_error *err)
{
	json_t *root = NULL;

	int r = vb_json_parse(text, size, VB_YAML_DEPTH_MAX, &root, err);
	if (r < 0)
		return vb_error_wrap(err, "%s", yaml->name);
	if (json_array_append_new(yaml->documents, root) < 0)
		return out_of_memory(yaml, err);
	return 0;
}

/* As kubectl decides it. */
static bool is_json(const char *text, size_t size)
{
	static const char blanks[] = {' ', '\t', '\r', '\n'};
	size_t pos = 0;

	while (pos < size && memchr(blanks, text[pos], sizeof(blanks)) != NULL)
		pos++;
	return pos < size && text[pos] == '{';
}

static size_t ordinal_of(const json_t *object, const char *key)
{
	/* json_object_iter() takes a non-const object but only reads it. */
	json_t *mutable_object = (json_t *)(uintptr_t)object;
	size_t ordinal = 0;

	for (void *iter = json_object_iter(mutable_object); iter != NULL;
		iter = json_object_iter_next(mutable_object, iter)) {
		if (strcmp(json_object_iter_key(iter), key) == 0)
			return ordinal;
		ordinal++;
	}
	return itself;
}

static int compare_marks(const void *a, const void *b)
{
	const struct mark *left = a;
	const struct mark *right = b;
	uintptr_t left_address = (uintptr_t)left->container;
	uintptr_t right_address = (uintptr_t)right->container;

	if (left_address != right_address)
		return left_address < right_address ? -1 : 1;
	if (left->ordinal != right->ordinal)
		return left->ordinal < right->ordinal ? -1 : 1;
	return 0;
}

static const struct mark *find_mark(
	const struct vb_yaml *yaml, const json_t *object, const char *key)
{
	const struct mark wanted = {
		.container = object, .ordinal = key != NULL ? ordinal_of(object, key) : itself};

	if (yaml->mark_count == 0)
		return NULL;
	return bsearch(&wanted, yaml->marks, yaml->mark_count, sizeof(wanted), compare_marks);
}

static struct vb_yaml *create(const char *name)
{
	vb_auto_yaml struct vb_yaml *yaml = calloc(1, sizeof(*yaml));

	if (yaml == NULL)
		return NULL;
	yaml->name = strdup(name);
	yaml->documents = json_array();
	return yaml->name != NULL && yaml->documents != NULL ? VB_STEAL(yaml) : NULL;
}

/*
 * libyaml 0.2.5 compares every %TAG line with all before it: 100,000 of them take a minute. No
 * manifest has any; a text line that begins with '%' stands in no mapping either.
 */
static int check_directives(
	const struct vb_yaml *yaml, const char *text, size_t size, struct vb_error *err)
{
	yaml_mark_t mark = {0};
	size_t directives = 0;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '%' && (i == 0 || text[i - 1] == '\n'))
			directives++;
		if (directives > DIRECTIVES_MAX)
			return fail_at(yaml, &mark, err, "too many directives");
		if (text[i] == '\n')
			mark.line++;
	}
	return 0;
}

static int parse_text(struct vb_yaml *yaml, const char *text, size_t size, struct vb_error *err)
{
	struct builder b = {.yaml = yaml};

	int r = check_directives(yaml, text, size, err);
	if (r < 0)
		return r;
	if (!yaml_parser_initialize(&b.parser))
		return out_of_memory(yaml, err);
	r = parse_yaml(&b, text, size, err);
	finish_builder(&b);
	if (yaml->mark_count > 0)
		qsort(yaml->marks, yaml->mark_count, sizeof(*yaml->marks), compare_marks);
	return r;
}

int vb_yaml_parse(const char *name, const char *text, size_t size, struct vb_yaml **ret_yaml,
	struct vb_error *err)
{
	vb_auto_yaml struct vb_yaml *yaml = create(name);
	vb_auto_yaml struct vb_yaml *json = create(name);

	if (yaml == NULL || json == NULL)
		return vb_error_set(err, ENOMEM, "read '%s'", name);
	if (size > VB_YAML_SIZE_MAX)
		return vb_error_say(
			err, EFBIG, "%s: has more than %d MiB", name, VB_YAML_SIZE_MAX >> 20);
	int r = parse_text(yaml, text, size, err);
	if (r == 0) {
		*ret_yaml = VB_STEAL(yaml);
		return 0;
	}
	/* JSON is YAML but for details, such as characters escaped as surrogate pairs. */
	if (r != -EINVAL || !is_json(text, size))
		return r;
	r = parse_json(json, text, size, err);
	if (r == 0)
		*ret_yaml = VB_STEAL(json);
	return r;
}

int vb_yaml_error(const struct vb_yaml *yaml, const json_t *object, const char *key,
	struct vb_error *err, const char *format, ...)
{
	const struct mark *mark = find_mark(yaml, object, key);
	char text[VB_ERROR_WHAT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (mark == NULL)
		return vb_error_say(err, EINVAL, "%s: %s", yaml->name, text);
	return vb_error_say(
		err, EINVAL, "%s:%zu:%zu: %s", yaml->name, mark->line, mark->column, text);
}

unsigned long vb_yaml_line(const struct vb_yaml *yaml, const json_t *object)
{
	const struct mark *mark = find_mark(yaml, object, NULL);

	return mark != NULL ? mark->line : 0;
}
