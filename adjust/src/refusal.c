/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/refusal.h"

#include <stdio.h>

#include "vb/adjust/codes.h"
#include "vb/base/utf8.h"

static const char *or_unknown(const char *text)
{
	return text != NULL && text[0] != '\0' ? text : "unknown";
}

void vb_refusal_format(char line[VB_REFUSAL_LINE_MAX], const struct vb_error *err,
	const char *namespace_name, const char *pod, const char *container)
{
	const char *code = err->code != NULL ? err->code : VB_CODE_INTERNAL;
	const char *fix = err->fix[0] != '\0' ? err->fix
					      : "this is not the pod's fault; run vambrace doctor "
						"on the node, and see the "
						"log of vambrace-nri there";

	/* Kubernetes caps namespaces at 63 and pod names at 253 characters. */
	(void)snprintf(line, VB_REFUSAL_LINE_MAX,
		"vambrace: %s: %s (%.63s/%.253s, container %.63s): %s", code, err->what,
		or_unknown(namespace_name), or_unknown(pod), or_unknown(container), fix);
	vb_utf8_scrub(line);
}
