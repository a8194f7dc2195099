/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/derive.h"

#include <errno.h>
#include <string.h>

#include "derive_internal.h"
#include "derive_line.h"
#include "vb/adjust/values.h"
#include "vb/base/utf8.h"

enum {
	NAMES_MAX = 1 << 16,
	SORT_EVERY = 1024, /* names, and as many again as there are different ones */
	OPERATIONS_MAX = 8,
};

/* Different names. Repetitions are dropped now and then, so a long log does not fill the memory. */
struct names {
	struct vb_strv strv;
	size_t sort_at;
};

struct vb_derive {
	enum vb_derive_list list;
	struct names allowed;
	struct names failed;
	struct names denied;    /* in audit lines, where the name is what has to be listed */
	struct names requested; /* in denial lines without an audit line before them */
	/* Audit lines of denied calls, by operation, whose denial line has not come yet. */
	uint64_t announced[OPERATIONS_MAX];
	size_t log;
	struct vb_derived derived;
	struct vb_derive_event event; /* too large for a stack */
	struct vb_derive_frame frame;
};

const char *vb_derive_list_name(enum vb_derive_list list)
{
	static const char *const names[VB_DERIVE_LIST_COUNT] = {
		[VB_DERIVE_DLOPEN] = "dlopen",
		[VB_DERIVE_EXEC] = "exec",
		[VB_DERIVE_CONNECT] = "connect",
	};

	return names[list];
}

const char *vb_derive_flaw_name(enum vb_derive_flaw flaw)
{
	static const char *const names[VB_DERIVE_FLAW_COUNT] = {
		[VB_DERIVE_MALFORMED] = "malformed",
		[VB_DERIVE_MISPLACED] = "misplaced",
		[VB_DERIVE_CUT] = "cut",
		[VB_DERIVE_UNFINISHED] = "unfinished",
		[VB_DERIVE_UNRESOLVED] = "unresolved",
	};

	return names[flaw];
}

struct vb_derive *vb_derive_create(enum vb_derive_list list)
{
	struct vb_derive *derive = calloc(1, sizeof(*derive));

	if (derive != NULL)
		derive->list = list;
	return derive;
}

static void finish_derived(struct vb_derived *derived)
{
	vb_strv_finish(&derived->entries);
	vb_strv_finish(&derived->requested);
	vb_strv_finish(&derived->failed);
	vb_strv_finish(&derived->denied);
	vb_strv_finish(&derived->left_out);
	vb_strv_finish(&derived->left_out_why);
}

void vb_derive_destroy(struct vb_derive *derive)
{
	if (derive == NULL)
		return;
	vb_strv_finish(&derive->allowed.strv);
	vb_strv_finish(&derive->failed.strv);
	vb_strv_finish(&derive->denied.strv);
	vb_strv_finish(&derive->requested.strv);
	finish_derived(&derive->derived);
	free(derive);
}

static int add_name(struct names *names, const char *name)
{
	if (names->strv.count >= names->sort_at) {
		vb_strv_sort_unique(&names->strv);
		if (names->strv.count > NAMES_MAX)
			return -E2BIG;
		names->sort_at = 2 * names->strv.count + SORT_EVERY;
	}
	return vb_strv_add(&names->strv, name);
}

static void count_flaw(struct vb_derive *derive, uint64_t line)
{
	struct vb_derive_flaws *flaws = &derive->derived.flaws[derive->event.flaw];

	/* An exec without a path says nothing about another list. */
	if (derive->event.flaw == VB_DERIVE_UNRESOLVED && derive->list != VB_DERIVE_EXEC)
		return;
	if (flaws->count++ > 0)
		return;
	flaws->log = derive->log;
	flaws->line = line;
}

static int use_audit(struct vb_derive *derive, const struct vb_derive_event *event)
{
	switch (event->result) {
	case VB_DERIVE_ALLOWED:
		return add_name(&derive->allowed, event->name);
	case VB_DERIVE_FAILED:
		return add_name(&derive->failed, event->name);
	case VB_DERIVE_DENIED:
		derive->announced[event->operation]++;
		return add_name(&derive->denied, event->name);
	}
	return 0;
}

/* With audit on, the line before has told the same call, and better: by its canonical path. */
static int use_denial(struct vb_derive *derive, const struct vb_derive_event *event)
{
	if (derive->announced[event->operation] == 0)
		return add_name(&derive->requested, event->name);
	derive->announced[event->operation]--;
	return 0;
}

static int take_payload(const struct vb_derive_payload *payload, uint64_t line, void *context)
{
	struct vb_derive *derive = context;
	struct vb_derive_event *event = &derive->event;

	derive->derived.lines++;
	vb_derive_read_line(payload, event);
	if (event->kind == VB_DERIVE_FLAWED)
		count_flaw(derive, line);
	if (event->kind == VB_DERIVE_LOST ||
		(event->kind == VB_DERIVE_LOST_DATAGRAMS && derive->list == VB_DERIVE_CONNECT))
		derive->derived.dropped += event->lost;
	if (event->kind != VB_DERIVE_AUDIT && event->kind != VB_DERIVE_DENIAL)
		return 0;
	if (event->list != derive->list)
		return 0;
	derive->derived.used++;
	return event->kind == VB_DERIVE_AUDIT ? use_audit(derive, event)
					      : use_denial(derive, event);
}

static int fail(int r, struct vb_error *err)
{
	if (r == -E2BIG)
		return vb_error_say(
			err, E2BIG, "more than %d different names in the logs", (int)NAMES_MAX);
	return r < 0 ? vb_error_set(err, ENOMEM, "read a log") : 0;
}

int vb_derive_feed(struct vb_derive *derive, const char *data, size_t size, struct vb_error *err)
{
	return fail(vb_derive_frame_feed(&derive->frame, data, size, take_payload, derive), err);
}

int vb_derive_end_log(struct vb_derive *derive, struct vb_error *err)
{
	int r = vb_derive_frame_end(&derive->frame, take_payload, derive);

	memset(derive->announced, 0, sizeof(derive->announced));
	derive->log++;
	return fail(r, err);
}

char *vb_derive_show(const char *name)
{
	static const char digits[] = "0123456789abcdef";
	char *shown = calloc(4, strlen(name) + 1);
	size_t length = 0;

	if (shown == NULL)
		return NULL;
	for (const char *c = name; *c != '\0'; c++) {
		unsigned char byte = (unsigned char)*c;
		if (byte >= 0x20 && byte != 0x7f) {
			shown[length++] = *c;
			continue;
		}
		shown[length++] = '\\';
		shown[length++] = 'x';
		shown[length++] = digits[byte >> 4];
		shown[length++] = digits[byte & 15];
	}
	vb_utf8_scrub(shown);
	return shown;
}

static int leave_out(struct vb_derived *derived, const char *name, const char *why)
{
	vb_auto_free char *shown = vb_derive_show(name);

	if (shown == NULL)
		return -ENOMEM;
	int r = vb_strv_add(&derived->left_out, shown);
	return r < 0 ? r : vb_strv_add(&derived->left_out_why, why);
}

int vb_derive_judge_path(enum vb_derive_list list, const char *name, struct vb_error *err)
{
	struct vb_allowlist one = {0};

	if (!vb_utf8_is_valid(name, strlen(name)))
		return vb_error_say(err, EPERM, "it is not UTF-8, and a manifest is");
	int r = list == VB_DERIVE_DLOPEN ? vb_value_dlopen_entry(name, &one, err)
					 : vb_value_exec_entry(name, &one, err);
	vb_allowlist_finish(&one);
	return r;
}

/* Adds the names that can be entries to the list, and says why the others cannot. */
static int take_paths(struct vb_derive *derive, struct names *names, struct vb_strv *list)
{
	struct vb_error why;
	int r = 0;

	vb_strv_sort_unique(&names->strv);
	for (size_t i = 0; r == 0 && i < names->strv.count; i++) {
		const char *name = names->strv.items[i];
		r = vb_derive_judge_path(derive->list, name, &why);
		if (r == 0)
			r = vb_strv_add(list, name);
		else if (r == -EPERM)
			r = leave_out(&derive->derived, name, why.what);
	}
	return r;
}

/* Those of the names that are not entries: both are sorted. */
static int take_others(struct names *names, const struct vb_strv *known, struct vb_strv *list)
{
	size_t at = 0;
	int r = 0;

	vb_strv_sort_unique(&names->strv);
	for (size_t i = 0; r == 0 && i < names->strv.count; i++) {
		char *name = names->strv.items[i];
		while (at < known->count && strcmp(known->items[at], name) < 0)
			at++;
		if (at < known->count && strcmp(known->items[at], name) == 0)
			continue;
		vb_utf8_scrub(name);
		r = vb_strv_add(list, name);
	}
	return r;
}

static int add_names(struct names *names, const struct names *more)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < more->strv.count; i++)
		r = add_name(names, more->strv.items[i]);
	return r;
}

static int finish_dlopen(struct vb_derive *derive)
{
	struct vb_derived *derived = &derive->derived;

	int r = take_paths(derive, &derive->allowed, &derived->entries);
	if (r == 0)
		r = take_others(&derive->failed, &derive->allowed.strv, &derived->failed);
	if (r == 0)
		r = add_names(&derive->denied, &derive->requested);
	if (r == 0)
		r = take_others(&derive->denied, &derive->allowed.strv, &derived->denied);
	return r;
}

static int finish_exec(struct vb_derive *derive)
{
	struct vb_derived *derived = &derive->derived;
	struct names asked = {0};

	int r = add_names(&derive->allowed, &derive->denied);
	if (r == 0)
		r = take_paths(derive, &derive->allowed, &derived->entries);
	if (r == 0)
		r = take_paths(derive, &derive->requested, &asked.strv);
	if (r == 0)
		r = take_others(&asked, &derived->entries, &derived->requested);
	if (r == 0)
		r = vb_strv_copy(&derived->entries, &derived->requested);
	vb_strv_finish(&asked.strv);
	return r;
}

static int finish_connect(struct vb_derive *derive, const struct vb_derive_networks *networks)
{
	struct vb_derived *derived = &derive->derived;

	int r = add_names(&derive->allowed, &derive->denied);
	if (r == 0)
		r = add_names(&derive->allowed, &derive->requested);
	vb_strv_sort_unique(&derive->allowed.strv);
	for (size_t i = 0; r == 0 && i < derive->allowed.strv.count; i++) {
		const char *name = derive->allowed.strv.items[i];
		char entry[VB_CONNECT_TEXT_MAX];
		const char *why = NULL;
		if (!vb_derive_endpoint(name, networks, entry, &why))
			r = leave_out(derived, name, why);
		else if (entry[0] == '\0')
			derived->loopback++;
		else
			r = vb_strv_add(&derived->entries, entry);
	}
	return r;
}

int vb_derive_finish(struct vb_derive *derive, const struct vb_derive_networks *networks,
	const struct vb_derived **ret_derived, struct vb_error *err)
{
	int r = derive->list == VB_DERIVE_DLOPEN ? finish_dlopen(derive)
		: derive->list == VB_DERIVE_EXEC ? finish_exec(derive)
						 : finish_connect(derive, networks);

	if (r < 0)
		return fail(r, err);
	vb_strv_sort_unique(&derive->derived.entries);
	if (derive->derived.entries.count > VB_VALUE_LIST_MAX) {
		(void)vb_error_say(err, E2BIG, "%zu entries, and a list has %d at most",
			derive->derived.entries.count, (int)VB_VALUE_LIST_MAX);
		return vb_error_fix(err, "%s",
			derive->list == VB_DERIVE_CONNECT
				? "put addresses together with --cidr"
				: "split the workload into containers with lists of their own");
	}
	*ret_derived = &derive->derived;
	return 0;
}

bool vb_derived_is_incomplete(const struct vb_derived *derived)
{
	for (size_t i = 0; i < VB_DERIVE_FLAW_COUNT; i++)
		if (derived->flaws[i].count > 0)
			return true;
	return derived->entries.count == 0 || derived->left_out.count > 0 || derived->dropped > 0;
}
