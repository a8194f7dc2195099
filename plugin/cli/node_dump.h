/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_NODE_DUMP_H
#define VB_PLUGIN_CLI_NODE_DUMP_H

#include <stdbool.h>
#include <stddef.h>

#include "vb/base/buf.h"
#include "vb/base/error.h"
#include "vb/base/str.h"

/*
 * What containerd makes of its configuration (`config dump`), before and after an edit. New
 * handlers are made from the one and judged by the other.
 */

enum { VB_NODE_HANDLERS_MAX = 16 };

/* A handler of ours and the node's own one that it stands in front of. */
struct vb_node_handler {
	char *name;
	char *base;
	char *runtime; /* the absolute path of the base's program; NULL until looked for */
};

struct vb_node_handlers {
	struct vb_node_handler items[VB_NODE_HANDLERS_MAX];
	size_t count;
};

void vb_node_handlers_finish(struct vb_node_handlers *handlers);
#define vb_auto_handlers vb_auto(vb_node_handlers_finish)

/*
 * Adds "NAME=BASE", or gives a known name another base; "NAME" alone stands before "runc". -EINVAL
 * for what can be no name of a handler (a DNS label, as RuntimeClass wants it) or when there are
 * too many, -ENOMEM.
 */
int vb_node_handlers_add(
	struct vb_node_handlers *handlers, const char *text, struct vb_error *err) VB_WARN_UNUSED;

const struct vb_node_handler *vb_node_handlers_find(
	const struct vb_node_handlers *handlers, const char *name);

struct vb_node_dump;

/* -EINVAL with the line for what is not as containerd prints it, -ENOMEM. */
int vb_node_dump_parse(const char *text, size_t size, struct vb_node_dump **ret_dump,
	struct vb_error *err) VB_WARN_UNUSED;
void vb_node_dump_destroy(struct vb_node_dump *dump);

static inline void vb_cleanup_node_dump(struct vb_node_dump *const *dump)
{
	vb_node_dump_destroy(*dump);
}
#define vb_auto_node_dump vb_auto(vb_cleanup_node_dump)

/*
 * containerd's own socket, as it is said before and from containerd 2.3 on. The caller frees it; ""
 * when it is not there, NULL when out of memory.
 */
char *vb_node_dump_socket(const struct vb_node_dump *dump);

/* Whether NRI is on: `disable` is there and false. */
bool vb_node_dump_has_nri(const struct vb_node_dump *dump);

/* Where plugins of NRI are, and whether they may connect; what is not said is as containerd has it.
 */
struct vb_node_nri {
	char *plugin_path;
	char *socket_path;
	bool accepts_plugins;
};

void vb_node_nri_finish(struct vb_node_nri *nri);

/* -ENOMEM. */
int vb_node_dump_nri(const struct vb_node_dump *dump, struct vb_node_nri *ret_nri) VB_WARN_UNUSED;

/* Whether there is a runtime handler of this name. */
bool vb_node_dump_has_handler(const struct vb_node_dump *dump, const char *name);

/* The handler's BinaryName; conventions as vb_node_dump_socket(). */
char *vb_node_dump_binary(const struct vb_node_dump *dump, const char *handler);

/*
 * Appends the tables of the handlers in the form of the configuration's version (2 or 3): each
 * option that the base has, our globs in pod_annotations, and our link as BinaryName. with_version
 * puts the version's line in front. -ENOENT naming a base that is not there, -EINVAL for one that
 * is no OCI runtime, -ENOSPC, -ENOMEM.
 */
int vb_node_dump_render(const struct vb_node_dump *dump, const struct vb_node_handlers *handlers,
	long version, bool with_version, struct vb_buf *out, struct vb_error *err) VB_WARN_UNUSED;

/* Adds the names of the handlers that the one has and the other lacks. -ENOMEM. */
int vb_node_dump_lost(const struct vb_node_dump *before, const struct vb_node_dump *after,
	struct vb_strv *names) VB_WARN_UNUSED;

/*
 * Appends the tables of these handlers with every option as it is: containerd before 2.0 forgets
 * its built-in ones as soon as its configuration names any. -ENOSPC, -ENOMEM.
 */
int vb_node_dump_render_kept(const struct vb_node_dump *dump, const struct vb_strv *names,
	long version, struct vb_buf *out) VB_WARN_UNUSED;

/* What an edit may change besides the handlers. */
struct vb_node_allowed {
	bool nri;     /* its switch, from off to on */
	bool imports; /* the list of files that were read */
};

/*
 * Appends to out one line for each difference, "- " before and "+ " after. Returns the number of
 * those that are not allowed, which start with "!" as well, or -ENOSPC, -ENOMEM. The handlers must
 * be new, and hold in every other option what their bases hold.
 */
int vb_node_dump_compare(const struct vb_node_dump *before, const struct vb_node_dump *after,
	const struct vb_node_handlers *handlers, const struct vb_node_allowed *allowed,
	struct vb_buf *out) VB_WARN_UNUSED;

#endif
