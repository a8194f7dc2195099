/* SPDX-License-Identifier: Apache-2.0 */
#include "refusals.h"

#include <stdbool.h>
#include <string.h>
#include <sys/queue.h>

#include "vb/base/str.h"

struct entry {
	TAILQ_ENTRY(entry) link;
	struct vb_refusal refusal;
	bool is_settled;
	char texts[]; /* what the refusal's texts point into, but for id and line of the last one */
};

TAILQ_HEAD(entry_list, entry);

struct vb_refusals {
	vb_refusal_report_fn report;
	void *context;
	struct entry_list entries; /* the latest first */
	size_t count;
};

struct vb_refusals *vb_refusals_create(vb_refusal_report_fn report, void *context)
{
	struct vb_refusals *refusals = calloc(1, sizeof(*refusals));

	if (refusals == NULL)
		return NULL;
	refusals->report = report;
	refusals->context = context;
	TAILQ_INIT(&refusals->entries);
	return refusals;
}

static void report(struct vb_refusals *refusals, struct vb_refusal *refusal)
{
	if (refusal->unreported == 0)
		return;
	refusals->report(refusals->context, refusal);
	refusal->unreported = 0;
}

static void forget_last(struct entry *entry)
{
	free((char *)(uintptr_t)entry->refusal.container_id);
	free((char *)(uintptr_t)entry->refusal.line);
}

static void drop(struct vb_refusals *refusals, struct entry *entry)
{
	TAILQ_REMOVE(&refusals->entries, entry, link);
	refusals->count--;
	forget_last(entry);
	free(entry);
}

void vb_refusals_destroy(struct vb_refusals *refusals)
{
	if (refusals == NULL)
		return;
	for (struct entry *entry; (entry = TAILQ_FIRST(&refusals->entries)) != NULL;)
		drop(refusals, entry);
	free(refusals);
}

static bool is_of(const struct vb_refusal *refusal, const char *namespace_name, const char *pod,
	const char *container)
{
	return strcmp(refusal->container, container) == 0 && strcmp(refusal->pod, pod) == 0 &&
	       strcmp(refusal->namespace_name, namespace_name) == 0;
}

/* Takes the container's id off the text; false when something else comes next. */
static bool take_id(const char **text, const struct vb_refusal *refusal)
{
	const char *rest = vb_str_after(*text, refusal->container_id);

	if (rest == NULL || rest == *text)
		return false;
	*text = rest;
	return true;
}

/* The same line, but for the id in it: kubelet's next try is a container of its own. */
static bool is_same_line(const struct vb_refusal *a, const struct vb_refusal *b)
{
	const char *left = a->line;
	const char *right = b->line;

	for (;;) {
		const char *left_start = left;
		if (take_id(&left, a) && take_id(&right, b))
			continue;
		left = left_start;
		if (*left != *right)
			return false;
		if (*left == '\0')
			return true;
		left++;
		right++;
	}
}

static struct entry *find(struct vb_refusals *refusals, const struct vb_refusal *wanted)
{
	struct entry *entry = NULL;

	TAILQ_FOREACH(entry, &refusals->entries, link)
	if (!entry->is_settled && is_same_line(&entry->refusal, wanted) &&
		strcmp(entry->refusal.request, wanted->request) == 0 &&
		is_of(&entry->refusal, wanted->namespace_name, wanted->pod, wanted->container))
		return entry;
	return NULL;
}

/* Appends a copy of the text at *ret_end and lets the text point to it. */
static void move_text(const char **text, char **end)
{
	size_t size = strlen(*text) + 1;

	memcpy(*end, *text, size);
	*text = *end;
	*end += size;
}

/* Copies id and line; false when out of memory, and those of one before stay. */
static bool keep_last(struct entry *entry, const struct vb_refusal *refusal)
{
	char *id = strdup(refusal->container_id);
	char *line = strdup(refusal->line);

	if (id == NULL || line == NULL) {
		free(id);
		free(line);
		return false;
	}
	forget_last(entry);
	entry->refusal.container_id = id;
	entry->refusal.line = line;
	return true;
}

static struct entry *create(const struct vb_refusal *refusal)
{
	size_t size = strlen(refusal->namespace_name) + strlen(refusal->pod) +
		      strlen(refusal->container) + strlen(refusal->handler) + 4;
	struct entry *entry = calloc(1, sizeof(*entry) + size);

	if (entry == NULL || !keep_last(entry, refusal)) {
		free(entry);
		return NULL;
	}
	char *end = entry->texts;
	const struct vb_refusal last = entry->refusal;
	entry->refusal = *refusal;
	entry->refusal.container_id = last.container_id;
	entry->refusal.line = last.line;
	move_text(&entry->refusal.namespace_name, &end);
	move_text(&entry->refusal.pod, &end);
	move_text(&entry->refusal.container, &end);
	move_text(&entry->refusal.handler, &end);
	return entry;
}

static void add_new(struct vb_refusals *refusals, struct vb_refusal *refusal)
{
	struct entry *entry = create(refusal);

	if (entry == NULL) {
		report(refusals, refusal);
		return;
	}
	if (refusals->count == VB_REFUSALS_MAX) {
		struct entry *eldest = TAILQ_LAST(&refusals->entries, entry_list);
		report(refusals, &eldest->refusal);
		drop(refusals, eldest);
	}
	TAILQ_INSERT_HEAD(&refusals->entries, entry, link);
	refusals->count++;
	report(refusals, &entry->refusal);
}

static void add_again(struct vb_refusals *refusals, struct entry *entry,
	const struct vb_refusal *fresh, const struct timespec *now)
{
	struct vb_refusal *refusal = &entry->refusal;

	(void)keep_last(entry, fresh);
	if (refusal->unreported == 0)
		refusal->unreported_since = *now;
	refusal->unreported++;
	refusal->count++;
	refusal->last_at = *now;
	TAILQ_REMOVE(&refusals->entries, entry, link);
	TAILQ_INSERT_HEAD(&refusals->entries, entry, link);
}

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

void vb_refusals_add(
	struct vb_refusals *refusals, const struct vb_refusal *refusal, const struct timespec *now)
{
	struct vb_refusal fresh = {
		.namespace_name = or_empty(refusal->namespace_name),
		.pod = or_empty(refusal->pod),
		.container = or_empty(refusal->container),
		.container_id = or_empty(refusal->container_id),
		.handler = or_empty(refusal->handler),
		.request = or_empty(refusal->request),
		.code = or_empty(refusal->code),
		.line = or_empty(refusal->line),
		.first_at = *now,
		.last_at = *now,
		.count = 1,
		.unreported = 1,
		.unreported_since = *now,
	};
	struct entry *entry = find(refusals, &fresh);

	if (entry == NULL)
		add_new(refusals, &fresh);
	else
		add_again(refusals, entry, &fresh, now);
}

void vb_refusals_settle(struct vb_refusals *refusals, const char *namespace_name, const char *pod,
	const char *container)
{
	struct entry *entry = NULL;

	TAILQ_FOREACH(entry, &refusals->entries, link)
	{
		if (entry->is_settled || !is_of(&entry->refusal, namespace_name, pod, container))
			continue;
		report(refusals, &entry->refusal);
		entry->is_settled = true;
	}
}

/* A clock that was set back makes it due. */
static bool is_due(const struct vb_refusal *refusal, const struct timespec *now)
{
	return now == NULL || now->tv_sec < refusal->unreported_since.tv_sec ||
	       now->tv_sec - refusal->unreported_since.tv_sec >= VB_REFUSALS_FOLD_S;
}

void vb_refusals_report_due(struct vb_refusals *refusals, const struct timespec *now)
{
	struct entry *entry = NULL;

	TAILQ_FOREACH(entry, &refusals->entries, link)
	if (is_due(&entry->refusal, now))
		report(refusals, &entry->refusal);
}

const struct vb_refusal *vb_refusals_get(const struct vb_refusals *refusals, size_t index)
{
	const struct entry *entry = NULL;

	TAILQ_FOREACH(entry, &refusals->entries, link)
	if (index-- == 0)
		return &entry->refusal;
	return NULL;
}
