/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_OUTCOME_SUPPORT_H
#define VB_TESTS_UNIT_OUTCOME_SUPPORT_H

#include "vb/adjust/outcome.h"

/*
 * A container that asks for every layer, and evidence of a kernel that holds them all. Tests
 * change one thing and look at what turns red.
 */
struct outcome_scene {
	struct vb_plan *plan;
	char plan_digest[VB_DIGEST_SIZE];
	struct vb_receipt receipt;
	bool has_receipt;
	struct vb_evidence evidence;
	const struct vb_speculation_probe *probe; /* NULL: none */
	struct vb_outcome outcome;                /* of the last scene_judge() */
};

extern const char scene_container_id[];

void scene_init(struct outcome_scene *scene);
void scene_finish(struct outcome_scene *scene);

/* Replaces the text of mountinfo in which find stands, once, by the replacement. */
void scene_change_mounts(struct outcome_scene *scene, const char *find, const char *replacement);

/* Replaces the plan by one with these `layers` (JSON, ' for "), and the digests along. */
void scene_set_layers(struct outcome_scene *scene, const char *layers, bool hooked);

void scene_judge(struct outcome_scene *scene);

/*
 * Judges, and demands that exactly the one layer is in that state with these words in its reason,
 * all others applied (spec_allow: skipped), and that the level is partial.
 */
void scene_assert_only(struct outcome_scene *scene, enum vb_layer layer, enum vb_layer_state state,
	const char *words);

#endif
