/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_DERIVE_H
#define VB_ADJUST_DERIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "vb/adjust/connect.h"
#include "vb/base/cleanup.h"
#include "vb/base/error.h"
#include "vb/base/str.h"

/*
 * From the lines that the shim left in a workload's log to the allowlist that the workload needs.
 *
 * Life cycle: vb_derive_create(), for each log some vb_derive_feed() and one vb_derive_end_log(),
 * then vb_derive_finish(), whose result belongs to the derivation; vb_derive_destroy().
 *
 * A log is what the workload writes as much as the shim: a line counts only when it is, byte for
 * byte, one that the shim can have written. Everything that merely looks like one is counted.
 */

enum vb_derive_list {
	VB_DERIVE_DLOPEN,
	VB_DERIVE_EXEC,
	VB_DERIVE_CONNECT,
	VB_DERIVE_LIST_COUNT,
};

/* "dlopen", "exec", "connect". */
const char *vb_derive_list_name(enum vb_derive_list list);

/* What keeps a line with the shim's mark from being used. */
enum vb_derive_flaw {
	VB_DERIVE_MALFORMED,  /* no line that the shim writes */
	VB_DERIVE_MISPLACED,  /* the mark is not at the beginning: something stands before it */
	VB_DERIVE_CUT,        /* the shim itself cut the name */
	VB_DERIVE_UNFINISHED, /* the log ends inside the line */
	VB_DERIVE_UNRESOLVED, /* an exec that has no path */
	VB_DERIVE_FLAW_COUNT,
};

/* "malformed", "misplaced", "cut", "unfinished", "unresolved". */
const char *vb_derive_flaw_name(enum vb_derive_flaw flaw);

struct vb_derive_flaws {
	uint64_t count;
	size_t log;    /* the first of them: number of the log, from 0 */
	uint64_t line; /* and of the line in it, from 1 */
};

/* How connections become entries. */
struct vb_derive_networks {
	struct vb_connect_entry *items; /* in whose place an address in it is listed */
	size_t count;
	bool any_port; /* the networks are listed for any port, not for those seen */
};

/* Names are sorted, each once. */
struct vb_derived {
	struct vb_strv entries; /* the allowlist: every one fit for a manifest */
	/*
	 * Entries of exec that stand in denial lines only: as the program asked for them, which for
	 * a symbolic link is not what has to be listed.
	 */
	struct vb_strv requested;
	struct vb_strv failed;       /* libraries that were never loaded, but tried */
	struct vb_strv denied;       /* libraries that were never loaded, because denied */
	struct vb_strv left_out;     /* names that cannot be entries, escaped as in the line */
	struct vb_strv left_out_why; /* as many */
	uint64_t lines;
	uint64_t used;     /* lines of the shim that concern the list */
	uint64_t loopback; /* connections that pass without an entry */
	uint64_t dropped;  /* calls for which the shim said that it wrote no line */
	struct vb_derive_flaws flaws[VB_DERIVE_FLAW_COUNT];
};

/* Whether something may be missing: flaws, names left out, lost lines, or no entry at all. */
bool vb_derived_is_incomplete(const struct vb_derived *derived);

struct vb_derive;

/* NULL when out of memory. */
struct vb_derive *vb_derive_create(enum vb_derive_list list) VB_WARN_UNUSED;
void vb_derive_destroy(struct vb_derive *derive);

static inline void vb_cleanup_derive(struct vb_derive *const *derive)
{
	vb_derive_destroy(*derive);
}
#define vb_auto_derive vb_auto(vb_cleanup_derive)

/*
 * Takes the next bytes of a log, which may end anywhere. Lines may carry the prefixes of `kubectl
 * logs` (--prefix, --timestamps) or be those of a CRI log file, whose parts are joined. -ENOMEM, or
 * -E2BIG above 65,536 different names; the derivation can only be destroyed then.
 */
int vb_derive_feed(struct vb_derive *derive, const char *data, size_t size,
	struct vb_error *err) VB_WARN_UNUSED;

/* The log is over; a last line without a newline counts. Errors as above. */
int vb_derive_end_log(struct vb_derive *derive, struct vb_error *err) VB_WARN_UNUSED;

/*
 * What came out of all logs. networks is for connect, NULL otherwise or without any. -ENOMEM, or
 * -E2BIG when more entries are needed than a list may have.
 */
int vb_derive_finish(struct vb_derive *derive, const struct vb_derive_networks *networks,
	const struct vb_derived **ret_derived, struct vb_error *err) VB_WARN_UNUSED;

/* Reads "10.42.0.0/16" or "[2001:db8::/32]" (ErrInvalidValue); a bare address is a network too. */
int vb_derive_network(const char *text, struct vb_connect_entry *ret_network,
	struct vb_error *err) VB_WARN_UNUSED;

/* What a manifest's list is to get, and what became of the one it had. */
struct vb_derive_update {
	enum vb_derive_list list;
	const struct vb_strv *entries;
	bool replace; /* instead of adding to those that are there */

	size_t added;
	size_t kept;   /* were there, and are needed */
	size_t unseen; /* were there, and are not needed: dropped only with replace */
};

/*
 * The manifest with the entries in its list, and every other byte as it was; the caller frees it.
 * Refuses with ErrBundleInvalid what is no valid manifest, before or after; -EINVAL when there is
 * no entry; -EFBIG above the size of a manifest; -ENOMEM. The counts are set on success.
 */
int vb_derive_update_manifest(const char *text, size_t size, struct vb_derive_update *update,
	char **ret_text, struct vb_error *err) VB_WARN_UNUSED;

/* The list as the members of a manifest that it goes into, with a newline; NULL: out of memory. */
char *vb_derive_block(enum vb_derive_list list, const struct vb_strv *entries) VB_WARN_UNUSED;

#endif
