/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "nri_internal.h"
#include "vb/base/str.h"

static const struct {
	const char *name;
	enum vb_nri_method method;
	enum vb_nri_event event;
} methods[] = {
	{"Configure", VB_NRI_METHOD_CONFIGURE, VB_NRI_EVENT_UNKNOWN},
	{"Synchronize", VB_NRI_METHOD_SYNCHRONIZE, VB_NRI_EVENT_UNKNOWN},
	{"Shutdown", VB_NRI_METHOD_SHUTDOWN, VB_NRI_EVENT_UNKNOWN},
	{"StateChange", VB_NRI_METHOD_STATE_CHANGE, VB_NRI_EVENT_UNKNOWN},
	{"RunPodSandbox", VB_NRI_METHOD_RUN_POD_SANDBOX, VB_NRI_EVENT_RUN_POD_SANDBOX},
	{"UpdatePodSandbox", VB_NRI_METHOD_UPDATE_POD_SANDBOX, VB_NRI_EVENT_UPDATE_POD_SANDBOX},
	{"PostUpdatePodSandbox", VB_NRI_METHOD_POST_UPDATE_POD_SANDBOX,
		VB_NRI_EVENT_POST_UPDATE_POD_SANDBOX},
	{"StopPodSandbox", VB_NRI_METHOD_STOP_POD_SANDBOX, VB_NRI_EVENT_STOP_POD_SANDBOX},
	{"RemovePodSandbox", VB_NRI_METHOD_REMOVE_POD_SANDBOX, VB_NRI_EVENT_REMOVE_POD_SANDBOX},
	{"CreateContainer", VB_NRI_METHOD_CREATE_CONTAINER, VB_NRI_EVENT_CREATE_CONTAINER},
	{"PostCreateContainer", VB_NRI_METHOD_POST_CREATE_CONTAINER,
		VB_NRI_EVENT_POST_CREATE_CONTAINER},
	{"StartContainer", VB_NRI_METHOD_START_CONTAINER, VB_NRI_EVENT_START_CONTAINER},
	{"PostStartContainer", VB_NRI_METHOD_POST_START_CONTAINER,
		VB_NRI_EVENT_POST_START_CONTAINER},
	{"UpdateContainer", VB_NRI_METHOD_UPDATE_CONTAINER, VB_NRI_EVENT_UPDATE_CONTAINER},
	{"PostUpdateContainer", VB_NRI_METHOD_POST_UPDATE_CONTAINER,
		VB_NRI_EVENT_POST_UPDATE_CONTAINER},
	{"StopContainer", VB_NRI_METHOD_STOP_CONTAINER, VB_NRI_EVENT_STOP_CONTAINER},
	{"RemoveContainer", VB_NRI_METHOD_REMOVE_CONTAINER, VB_NRI_EVENT_REMOVE_CONTAINER},
	{"ValidateContainerAdjustment", VB_NRI_METHOD_VALIDATE_ADJUSTMENT,
		VB_NRI_EVENT_VALIDATE_ADJUSTMENT},
};

enum {
	EVENTS_ALWAYS = 0x7ff,
	EVENTS_SINCE_0_10 = 0x3fff,
};

enum vb_nri_method vb_nri_method_find(const char *service, const char *method)
{
	if (strcmp(service, VB_NRI_SERVICE_PLUGIN) != 0)
		return VB_NRI_METHOD_UNKNOWN;
	for (size_t i = 0; i < VB_ARRAY_SIZE(methods); i++)
		if (strcmp(method, methods[i].name) == 0)
			return methods[i].method;
	return VB_NRI_METHOD_UNKNOWN;
}

enum vb_nri_event vb_nri_method_event(enum vb_nri_method method)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(methods); i++)
		if (methods[i].method == method)
			return methods[i].event;
	return VB_NRI_EVENT_UNKNOWN;
}

const char *vb_nri_event_name(enum vb_nri_event event)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(methods); i++)
		if (event != VB_NRI_EVENT_UNKNOWN && methods[i].event == event)
			return methods[i].name;
	return "unknown";
}

/* Reads a number and steps over it; what would not fit stays at the largest. */
static unsigned int read_number(const char **text)
{
	enum { NUMBER_MAX = 1000000 };
	unsigned int number = 0;

	for (; isdigit((unsigned char)**text); (*text)++)
		if (number < NUMBER_MAX)
			number = number * 10 + (unsigned int)(**text - '0');
	return number;
}

static bool starts_prerelease(const char *rest)
{
	static const char *const marks[] = {"alpha", "beta", "rc"};

	if (*rest == '-' || *rest == '~' || *rest == '.')
		rest++;
	for (size_t i = 0; i < VB_ARRAY_SIZE(marks); i++)
		if (vb_str_after(rest, marks[i]) != NULL)
			return true;
	return false;
}

bool vb_nri_version_parse(const char *text, struct vb_nri_version *ret_version)
{
	unsigned int numbers[3] = {0};

	*ret_version = (struct vb_nri_version){0};
	if (*text == 'v')
		text++;
	if (!isdigit((unsigned char)*text))
		return false;
	numbers[0] = read_number(&text);
	for (size_t i = 1; i < VB_ARRAY_SIZE(numbers); i++) {
		if (text[0] != '.' || !isdigit((unsigned char)text[1]))
			break;
		text++;
		numbers[i] = read_number(&text);
	}
	*ret_version = (struct vb_nri_version){.major = numbers[0],
		.minor = numbers[1],
		.patch = numbers[2],
		.is_prerelease = starts_prerelease(text)};
	return true;
}

/* containerd 2.2.0 brought NRI 0.10. Its pre-releases had older ones. */
static bool has_nri_0_10(const struct vb_nri_configure *configure)
{
	struct vb_nri_version version;

	if (configure->nri_version[0] != '\0')
		return true;
	if (strcmp(configure->runtime_name, "containerd") != 0 ||
		!vb_nri_version_parse(configure->runtime_version, &version))
		return false;
	if (version.major != 2 || version.minor != 2)
		return version.major > 2 || (version.major == 2 && version.minor > 2);
	return version.patch > 0 || !version.is_prerelease;
}

uint32_t vb_nri_event_mask(const struct vb_nri_configure *configure, uint32_t wanted)
{
	return wanted & (has_nri_0_10(configure) ? EVENTS_SINCE_0_10 : EVENTS_ALWAYS);
}

const char *vb_nri_pairs_get(const struct vb_nri_pairs *pairs, const char *key)
{
	for (size_t i = pairs->count; i > 0; i--)
		if (strcmp(pairs->items[i - 1].key, key) == 0)
			return pairs->items[i - 1].value;
	return NULL;
}
