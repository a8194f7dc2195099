/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/denials.h"

#include <errno.h>
#include <string.h>

#include "derive_internal.h"
#include "derive_line.h"
#include "vb/base/timestamp.h"
#include "vb/base/utf8.h"

struct vb_denials {
	int64_t since_ns;
	int64_t until_ns;
	struct vb_denial *items;
	struct vb_denied denied;
	struct vb_derive_event event; /* too large for a stack */
	struct vb_derive_frame frame;
};

struct vb_denials *vb_denials_create(int64_t since_ns, int64_t until_ns)
{
	struct vb_denials *denials = calloc(1, sizeof(*denials));

	if (denials == NULL)
		return NULL;
	denials->since_ns = since_ns;
	denials->until_ns = until_ns;
	denials->items = calloc(VB_DENIALS_MAX, sizeof(*denials->items));
	denials->denied.items = denials->items;
	if (denials->items != NULL)
		return denials;
	free(denials);
	return NULL;
}

void vb_denials_destroy(struct vb_denials *denials)
{
	if (denials == NULL)
		return;
	for (size_t i = 0; i < denials->denied.count; i++) {
		free(denials->items[i].target);
		free(denials->items[i].entry);
	}
	free(denials->items);
	free(denials);
}

static int compare(const struct vb_denial *a, const char *call, const char *target)
{
	int order = strcmp(a->call, call);

	return order != 0 ? order : strcmp(a->target, target);
}

/* Where the denial is, or would have to be. */
static size_t find(const struct vb_denials *denials, const char *call, const char *target)
{
	size_t low = 0;
	size_t high = denials->denied.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(&denials->items[middle], call, target) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* *ret_entry stays NULL for what no list can hold. */
static int find_entry(enum vb_derive_list list, const char *name, char **ret_entry)
{
	char endpoint[VB_CONNECT_TEXT_MAX];
	const char *why = NULL;
	struct vb_error err;

	if (list == VB_DERIVE_CONNECT) {
		if (!vb_derive_endpoint(name, NULL, endpoint, &why) || endpoint[0] == '\0')
			return 0;
		name = endpoint;
	} else {
		int r = vb_derive_judge_path(list, name, &err);
		if (r < 0)
			return r == -EPERM ? 0 : r;
	}
	*ret_entry = strdup(name);
	return *ret_entry != NULL ? 0 : -ENOMEM;
}

static int insert(struct vb_denials *denials, size_t at, const char *call, const char *name)
{
	enum vb_derive_list list = denials->event.list;
	vb_auto_free char *target = vb_derive_show(name);
	vb_auto_free char *entry = NULL;

	if (target == NULL)
		return -ENOMEM;
	int r = name[0] != '\0' ? find_entry(list, name, &entry) : 0;
	if (r < 0)
		return r;
	struct vb_denial *item = &denials->items[at];
	memmove(item + 1, item, (denials->denied.count - at) * sizeof(*item));
	*item = (struct vb_denial){
		.list = list, .call = call, .target = VB_STEAL(target), .entry = VB_STEAL(entry)};
	denials->denied.count++;
	return 0;
}

static int count_denial(
	struct vb_denials *denials, const char *call, const char *name, int64_t at_ns)
{
	vb_auto_free char *target = vb_derive_show(name);

	if (target == NULL)
		return -ENOMEM;
	size_t at = find(denials, call, target);
	if (at == denials->denied.count || compare(&denials->items[at], call, target) != 0) {
		if (denials->denied.count == VB_DENIALS_MAX) {
			denials->denied.more++;
			return 0;
		}
		int r = insert(denials, at, call, name);
		if (r < 0)
			return r;
	}
	struct vb_denial *item = &denials->items[at];
	item->count++;
	if (at_ns != 0 && (item->first_ns == 0 || at_ns < item->first_ns))
		item->first_ns = at_ns;
	if (at_ns > item->last_ns)
		item->last_ns = at_ns;
	return 0;
}

static bool has(const struct vb_derive_payload *payload, const char *text)
{
	return memmem(payload->text, payload->size, text, strlen(text)) != NULL;
}

static void keep_text(struct vb_mention *mention, const struct vb_derive_payload *payload)
{
	static const char mark[] = "...";
	size_t room = sizeof(mention->text) - 1;
	bool cut = payload->size > room;
	size_t size = cut ? room - strlen(mark) : payload->size;

	memcpy(mention->text, payload->text, size);
	mention->text[size] = '\0';
	/* A NUL of the workload's would end the text. */
	for (size_t i = 0; i < size; i++)
		if (mention->text[i] == '\0')
			mention->text[i] = '?';
	vb_utf8_scrub(mention->text);
	if (cut)
		memcpy(mention->text + size, mark, sizeof(mark));
}

static void note_mention(
	struct vb_denials *denials, const struct vb_derive_payload *payload, int64_t at_ns)
{
	static const char *const texts[VB_MENTION_COUNT][2] = {
		[VB_MENTION_EROFS] = {"Read-only file system", "EROFS"},
		[VB_MENTION_EPERM] = {"Operation not permitted", "EPERM"},
	};

	for (size_t i = 0; i < VB_MENTION_COUNT; i++) {
		struct vb_mention *mention = &denials->denied.mentions[i];
		if (!has(payload, texts[i][0]) && !has(payload, texts[i][1]))
			continue;
		mention->count++;
		if (at_ns < mention->last_ns)
			continue;
		mention->last_ns = at_ns;
		keep_text(mention, payload);
	}
}

static int count_event(
	struct vb_denials *denials, const struct vb_derive_payload *payload, int64_t at_ns)
{
	struct vb_denied *denied = &denials->denied;
	const struct vb_derive_event *event = &denials->event;

	switch (event->kind) {
	case VB_DERIVE_DENIAL:
		return count_denial(
			denials, vb_derive_operation_name(event->operation), event->name, at_ns);
	case VB_DERIVE_RING:
		return count_denial(denials, "io_uring_setup", "", at_ns);
	case VB_DERIVE_LOST:
		denied->dropped += event->lost;
		return 0;
	case VB_DERIVE_LOST_DATAGRAMS:
		denied->datagrams += event->lost;
		return 0;
	case VB_DERIVE_FLAWED:
		denied->unresolved += event->flaw == VB_DERIVE_UNRESOLVED;
		denied->unusable += event->flaw != VB_DERIVE_UNRESOLVED;
		return 0;
	case VB_DERIVE_FOREIGN:
		note_mention(denials, payload, at_ns);
		return 0;
	/* Whatever an audit line says was denied has a denial line as well. */
	case VB_DERIVE_AUDIT:
	case VB_DERIVE_NOTICE:
		break;
	}
	return 0;
}

static int take_payload(const struct vb_derive_payload *payload, uint64_t line, void *context)
{
	struct vb_denials *denials = context;
	int64_t at_ns = 0;

	(void)line;
	if (payload->time != NULL &&
		vb_timestamp_parse(payload->time, payload->time_size, &at_ns) < 0)
		at_ns = 0;
	if (at_ns < denials->since_ns || at_ns >= denials->until_ns)
		return 0;
	vb_derive_read_line(payload, &denials->event);
	return count_event(denials, payload, at_ns);
}

static int fail(int r, struct vb_error *err)
{
	return r < 0 ? vb_error_set(err, ENOMEM, "read a log") : 0;
}

int vb_denials_feed(struct vb_denials *denials, const char *data, size_t size, struct vb_error *err)
{
	return fail(vb_derive_frame_feed(&denials->frame, data, size, take_payload, denials), err);
}

int vb_denials_end_log(struct vb_denials *denials, struct vb_error *err)
{
	return fail(vb_derive_frame_end(&denials->frame, take_payload, denials), err);
}

const struct vb_denied *vb_denials_finish(const struct vb_denials *denials)
{
	return &denials->denied;
}
