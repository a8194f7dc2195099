/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_GOLDEN_DECIDE_CASE_H
#define VB_TESTS_GOLDEN_DECIDE_CASE_H

#include "vb/adjust/decide.h"
#include "vb/adjust/json.h"
#include "vb/adjust/supply.h"

/* Where a case's seccomp profiles are: the bundle's, the floor's, and the node's. */
enum vb_case_dir {
	VB_CASE_BUNDLE_PROFILES, /* profiles/ */
	VB_CASE_FLOOR_PROFILES,  /* floor-profiles/ */
	VB_CASE_NODE_PROFILES,   /* node-profiles/ */
	VB_CASE_DIRS,
};

const char *vb_case_dir_name(enum vb_case_dir dir);

/*
 * One case of the golden tests of the decision (README.md): a pod's container, and the bundle and
 * the node config that meet it. Load it, or fill `pod`, `manifest` and `config` and bind it; then
 * decide as often as you like; then finish.
 */
struct vb_case {
	json_t *pod;                    /* pod.json; what follows borrows its strings */
	char *manifest;                 /* manifest.json, or NULL */
	char *floor;                    /* floor.json, the floor's manifest, or NULL */
	char *config;                   /* config.json, or NULL */
	json_t *profiles[VB_CASE_DIRS]; /* name: text, of the files in each directory */
	struct vb_annotation *annotations;
	struct vb_subject_mount *mounts;
	const char **env;
	size_t annotation_count;
	struct vb_subject subject;
};

/*
 * node stands for @NODE@ in pod.json and config.json: the directory that is to hold node-profiles.
 * 0, or -errno of files; -EINVAL for a pod.json of another form.
 */
int vb_case_load(struct vb_case *c, const char *directory, const char *node,
	struct vb_error *err) VB_WARN_UNUSED;
int vb_case_bind(struct vb_case *c, struct vb_error *err) VB_WARN_UNUSED;
void vb_case_finish(struct vb_case *c);

/* The directories of all cases below root, in the order of their names. 0, -errno. */
int vb_case_list(
	const char *root, struct vb_strv *directories, struct vb_error *err) VB_WARN_UNUSED;

/* Where bundle and profiles come from. The bundle stays the finder's. */
struct vb_case_finder {
	int (*find)(struct vb_case_finder *finder, const struct vb_case *c,
		const struct vb_config *config, const struct vb_request *request,
		struct vb_supply *ret_supply, struct vb_error *err);
};

/* All of "from" in the text by "to"; the caller frees it. NULL when out of memory. */
char *vb_case_replace(const char *text, const char *from, const char *to) VB_WARN_UNUSED;

/* The whole way from the annotations to the plan; *ret_plan is NULL for a container left alone. */
int vb_case_decide(const struct vb_case *c, struct vb_case_finder *finder,
	struct vb_plan **ret_plan, struct vb_error *err) VB_WARN_UNUSED;

/*
 * A finder that parses the case's manifest and profiles in memory. Its digest is replaced where one
 * is given: other bytes of the same meaning have another one.
 */
struct vb_case_parser {
	struct vb_case_finder finder;
	const char *digest;
	struct vb_bundle *bundle;
	struct vb_bundle *floor;
};

void vb_case_parser_init(struct vb_case_parser *parser, const char *digest);
void vb_case_parser_finish(struct vb_case_parser *parser);

#endif
