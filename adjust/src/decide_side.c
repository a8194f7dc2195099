/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "decide_internal.h"

struct vb_who vb_side_who(const struct vb_side *side, const char *annotation)
{
	struct vb_who who;

	if (side == NULL)
		(void)snprintf(who.text, sizeof(who.text), "%s", annotation);
	else
		(void)snprintf(
			who.text, sizeof(who.text), "%s '%.63s'", side->kind, side->bundle->name);
	return who;
}

void vb_decision_add_side(struct vb_decision *d, enum vb_source source, const char *kind,
	const struct vb_bundle *bundle, const struct vb_custom_profile *profile)
{
	if (bundle != NULL)
		d->sides[d->side_count++] = (struct vb_side){source, kind, bundle, profile};
}
