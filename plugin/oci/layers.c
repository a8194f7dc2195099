/* SPDX-License-Identifier: Apache-2.0 */
#include "hook.h"

#include "vb/adjust/oci_apply.h"

#ifdef VB_HOOK_SKIPPED_LAYER
/* A test build, which proves that a layer left out is noticed; never installed. */
unsigned int vb_hook_layers(void)
{
	return VB_OCI_LAYERS_ALL & ~(1U << VB_HOOK_SKIPPED_LAYER);
}
#else
unsigned int vb_hook_layers(void)
{
	return VB_OCI_LAYERS_ALL;
}
#endif
