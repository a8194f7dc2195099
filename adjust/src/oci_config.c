/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/oci_config.h"

#include <errno.h>
#include <string.h>

#include "vb/adjust/json.h"
#include "vb/base/str.h"

enum { CONFIG_DEPTH_MAX = 4 };

struct settings {
	const char *runtime; /* borrowed from the document */
	const char *unplanned;
};

void vb_oci_handler_finish(struct vb_oci_handler *handler)
{
	free(handler->runtime);
	*handler = (struct vb_oci_handler){0};
}

static int read_handler(
	const char *name, const json_t *object, struct settings *ret_settings, struct vb_error *err)
{
	static const char *const keys[] = {"runtime", "unplanned", NULL};
	struct settings settings = {.unplanned = "refuse"};

	if (!json_is_object(object))
		return vb_error_say(err, EINVAL, "handlers.%.64s must be an object", name);
	int r = vb_json_check_keys(object, "a handler", keys, err);
	if (r == 0)
		r = vb_json_get_string(object, name, "runtime", &settings.runtime, err);
	if (r == 0)
		r = vb_json_get_string(object, name, "unplanned", &settings.unplanned, err);
	if (r < 0)
		return r;
	if (settings.runtime == NULL || settings.runtime[0] != '/')
		return vb_error_say(
			err, EINVAL, "handlers.%.64s.runtime must be an absolute path", name);
	if (strcmp(settings.unplanned, "refuse") != 0 && strcmp(settings.unplanned, "pass") != 0)
		return vb_error_say(err, EINVAL,
			"handlers.%.64s.unplanned must be \"refuse\" or \"pass\"", name);
	*ret_settings = settings;
	return 0;
}

/*
 * Looks at each handler, so that a mistake shows whoever asks. The runtime stays NULL when the
 * wanted one is not there.
 */
static int read_handlers(
	json_t *handlers, const char *wanted, struct settings *ret_settings, struct vb_error *err)
{
	const char *name;
	json_t *object;

	json_object_foreach(handlers, name, object) {
		struct settings settings = {0};
		int r = read_handler(name, object, &settings, err);
		if (r < 0)
			return r;
		if (strcmp(name, wanted) == 0)
			*ret_settings = settings;
	}
	return 0;
}

int vb_oci_config_find(const char *text, size_t size, const char *handler,
	struct vb_oci_handler *ret_handler, struct vb_error *err)
{
	static const char *const keys[] = {"handlers", NULL};
	vb_auto_json json_t *config = NULL;
	struct settings settings = {0};

	int r = vb_json_parse(text, size, CONFIG_DEPTH_MAX, &config, err);
	if (r < 0)
		return r;
	json_t *handlers = json_object_get(config, "handlers");
	if (!json_is_object(handlers))
		return vb_error_say(err, EINVAL, "there is no object \"handlers\"");
	r = vb_json_check_keys(config, "the file", keys, err);
	if (r == 0)
		r = read_handlers(handlers, handler, &settings, err);
	if (r < 0)
		return r;
	if (settings.runtime == NULL)
		return vb_error_say(err, ENOENT, "no handler '%.64s'", handler);
	ret_handler->runtime = strdup(settings.runtime);
	ret_handler->pass_unplanned = strcmp(settings.unplanned, "pass") == 0;
	return ret_handler->runtime != NULL ? 0 : vb_error_set(err, ENOMEM, "read the handlers");
}
