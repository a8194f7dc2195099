/* SPDX-License-Identifier: Apache-2.0 */
#include "report_text.h"

#include <errno.h>
#include <string.h>

#include "vb/adjust/text.h"
#include "vb/base/str.h"
#include "vb/base/utf8.h"

/* "2026-11-29T01:43:53" of a timestamp. */
enum { TIME_SHOWN = 19 };

int vb_report_paragraph_take(struct vb_buf *out, unsigned int indent, char *text)
{
	vb_auto_free char *owned = text;

	if (owned == NULL)
		return -ENOMEM;
	vb_utf8_scrub(owned);
	return vb_text_paragraph(out, indent, owned);
}

int vb_report_field_take(struct vb_buf *out, unsigned int indent, const char *name, char *text)
{
	vb_auto_free char *owned = text;

	if (owned == NULL)
		return -ENOMEM;
	vb_utf8_scrub(owned);
	return vb_text_field(out, indent, name, owned);
}

const char *vb_report_text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "?";
}

char *vb_report_time_of(const json_t *object, const char *key)
{
	char *text = vb_str_format("%.*sZ", TIME_SHOWN, vb_report_text_of(object, key));
	char *separator = text != NULL ? strchr(text, 'T') : NULL;

	if (separator != NULL)
		*separator = ' ';
	return text;
}
