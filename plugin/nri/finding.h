/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_FINDING_H
#define VB_PLUGIN_NRI_FINDING_H

/* A container that was found running without what it should have. Everything is borrowed. */
struct vb_finding {
	const char *namespace_name;
	const char *pod;
	const char *container;
	const char *container_id;
	const char *handler;
	const char *plan_digest; /* NULL: it has no plan */
	const char *reason;      /* what it lacks */
	const char *action;      /* static: "report", "killed", "not-killed" */
	const char *error;       /* why it was not killed; NULL otherwise */
};

#endif
