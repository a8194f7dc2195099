/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_NODE_H
#define VB_PLUGIN_CLI_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "containerd_process_sys.h"
#include "node_daemons.h"
#include "node_dump.h"
#include "node_plugin.h"
#include "vb/base/buf.h"
#include "vb/base/error.h"
#include "vb/base/str.h"

/*
 * The parts of `vambrace node`: options, then a host that is entered, then a plan of the
 * configuration, which is staged and judged before anything of the host changes.
 */

#define VB_NODE_PREFIX "/opt/vambrace"
#define VB_NODE_STATE  VB_NODE_PREFIX "/etc/node.json"
#define VB_NODE_OCI    VB_NODE_PREFIX "/etc/oci.json"

struct vb_node_options {
	const char *root;    /* of the host's file system */
	const char *from;    /* the directory of the programs; NULL: where this one is */
	const char *restart; /* "auto", "systemd", "signal", "none", "command" */
	const char *restart_command;
	const char *address; /* of containerd's socket; NULL: of the only one that runs */
	unsigned int timeout_s;
	bool dry_run, drain, json, pre_registered, daemonset;
	struct vb_node_handlers handlers;
};

/* The host, entered: from here on every path is one of its own. */
struct vb_node_host {
	struct vb_containerd containerd;
	char *address; /* of its socket; NULL: as its configuration says */
	char *program; /* containerd's */
	char *config;  /* its root file */
	char *version;
	char *path;    /* PATH, where containerd looks for its runtimes */
	char *unit;    /* the systemd service that it belongs to; NULL without one */
	int mounts_fd; /* its mount namespace */
	int source_fd; /* the directory of the programs */
	int lock_fd;
};

#define VB_NODE_HOST_NONE                                                                          \
	{                                                                                          \
		.mounts_fd = -1, .source_fd = -1, .lock_fd = -1                                    \
	}

void vb_node_host_finish(struct vb_node_host *host);
#define vb_auto_node_host vb_auto(vb_node_host_finish)

/*
 * Finds containerd on the root file system, takes a mount namespace for staging and changes the
 * root directory of this process. Errnos of unshare(2), chroot(2); -ENOENT without containerd,
 * -EINVAL when several run and none is named.
 */
int vb_node_enter(const struct vb_node_options *options, struct vb_node_host *ret_host,
	struct vb_error *err) VB_WARN_UNUSED;

/* Whether the version is at least this one. */
bool vb_node_is_at_least(const struct vb_node_host *host, long major, long minor);

/*
 * containerd's `config dump` as if the file at path had this text; NULL: as it is. Nothing changes
 * on the host, a private overlay mount shows the file to containerd alone.
 */
int vb_node_dump_staged(const struct vb_node_host *host, const char *path,
	const struct vb_buf *text, struct vb_node_dump **ret_dump,
	struct vb_error *err) VB_WARN_UNUSED;

/* Whether the method is known and can be used here. -EINVAL. */
int vb_node_check_restart(const struct vb_node_host *host, const struct vb_node_options *options,
	struct vb_error *err) VB_WARN_UNUSED;

/* Whether there is a containerd that is to be restarted at all. */
bool vb_node_restarts(const struct vb_node_host *host, const struct vb_node_options *options);

/* Restarts containerd by the method; "none" does nothing. */
int vb_node_restart(const struct vb_node_host *host, const struct vb_node_options *options,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Runs a program in containerd's mount namespace to its end. -EIO when that is not with status 0,
 * -ETIMEDOUT when it does not come; it is ended then, but not what it has started itself.
 */
int vb_node_run_there(const struct vb_node_host *host, const char *const argv[],
	unsigned int timeout_s, struct vb_error *err) VB_WARN_UNUSED;

/*
 * SIGHUP, SIGINT and SIGTERM wait from here on, so that they end nothing halfway. Where there is
 * something to wait for, vb_node_pause() takes them for a failure, once: the way back is not
 * interrupted by what has led to it.
 */
void vb_node_hold_signals(void);
/* In a child, which is to be ended by them as ever. */
void vb_node_let_signals(void);
/* Whether one has come while they wait; it is forgotten then. */
bool vb_node_is_interrupted(void);
/* Sleeps for less than a second. -EINTR at once when one has come. */
int vb_node_pause(unsigned int ms, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Keeps other installers off this host until it is finished with; `action` is what they are told.
 * -EBUSY with who does what.
 */
int vb_node_lock(
	struct vb_node_host *host, const char *action, struct vb_error *err) VB_WARN_UNUSED;
void vb_node_unlock(int lock_fd);

/* The absolute path of a program as containerd finds it. -ENOENT. */
int vb_node_find_program(const struct vb_node_host *host, const char *name, char **ret_path,
	struct vb_error *err) VB_WARN_UNUSED;

/* Where the handlers go. */
enum vb_node_file_kind {
	VB_NODE_ROOT_FILE, /* lines in containerd's own file */
	VB_NODE_DROP_IN,   /* a file beside, which it imports */
	VB_NODE_TEMPLATE,  /* the template that k3s makes its file from */
};

struct vb_node_file {
	enum vb_node_file_kind kind;
	char *path;
	bool was_there; /* before us */
	char *made;     /* the topmost directory that is made for it; NULL: all are there */
};

void vb_node_file_finish(struct vb_node_file *file);

/* -ENOMEM. */
int vb_node_file_copy(
	const struct vb_node_file *file, struct vb_node_file *ret_copy) VB_WARN_UNUSED;

/* "root-file", "drop-in", "template". */
const char *vb_node_file_kind_name(enum vb_node_file_kind kind);

/* What the last install left: absent members are empty. */
struct vb_node_state {
	char *version; /* the name of the directory under versions/ */
	struct vb_node_file file;
	struct vb_node_handlers handlers;
	struct vb_node_plugin plugin;
};

void vb_node_state_finish(struct vb_node_state *state);
#define vb_auto_node_state vb_auto(vb_node_state_finish)

/* Returns 1, or 0 when nothing is installed. -EINVAL for a file that is not ours, -ENOMEM. */
int vb_node_state_load(struct vb_node_state *ret_state, struct vb_error *err) VB_WARN_UNUSED;
int vb_node_state_save(const struct vb_node_state *state, struct vb_error *err) VB_WARN_UNUSED;

/* The configuration as it is and as it will be. */
struct vb_node_plan {
	struct vb_node_file file;
	struct vb_buf *now, *without, *with; /* texts of the file */
	bool is_there;                       /* now */
	bool is_written;                     /* since, or it was tried */
	bool switches_nri;
	struct vb_buf *differences; /* of the dumps, line by line */
	int refused;                /* how many of them are not allowed */
	char *socket;               /* containerd's, for the CRI */
	struct vb_node_nri nri;
};

void vb_node_plan_finish(struct vb_node_plan *plan);
#define vb_auto_node_plan vb_auto(vb_node_plan_finish)

/*
 * Decides the edit, completes the runtimes of the handlers, and judges containerd's view of it.
 * Without handlers, NULL, there is nothing to judge, and no text `with`. Errors as of the parts;
 * differences that are not allowed are no error here.
 */
int vb_node_plan_make(const struct vb_node_host *host, const struct vb_node_state *state,
	struct vb_node_handlers *handlers, struct vb_node_plan *ret_plan,
	struct vb_error *err) VB_WARN_UNUSED;

/*
 * Puts the text in the file, or takes a file away that was not there before us. -EAGAIN when it is
 * not as it was read any more: somebody else is at work on it.
 */
int vb_node_plan_write(
	struct vb_node_plan *plan, const struct vb_buf *text, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Puts back what was there before `written` was put in the file. Nothing happens where that never
 * came about. -EAGAIN when somebody else has changed the file since.
 */
int vb_node_plan_restore(struct vb_node_plan *plan, const struct vb_buf *written,
	struct vb_error *err) VB_WARN_UNUSED;

/* The lines that differ, as diff(1) marks them. -ENOSPC, -ENOMEM. */
int vb_node_diff(
	const struct vb_buf *from, const struct vb_buf *to, struct vb_buf *out) VB_WARN_UNUSED;

/*
 * Copies the programs of the source into a directory of their own under versions/, named after
 * release and content, complete on disk before it has its name.
 */
int vb_node_stage_version(
	const struct vb_node_host *host, char **ret_version, struct vb_error *err) VB_WARN_UNUSED;

/*
 * Whether the hook of that version, called as the handler, comes to its runtime. -ETIMEDOUT when
 * that does not end within ten seconds, -EACCES where programs may not be run, else -ENOEXEC.
 */
int vb_node_check_hook(const char *version, const struct vb_node_handler *handler,
	struct vb_error *err) VB_WARN_UNUSED;

/* Whether there is a vambrace-nri of that version, and it runs. The same errnos. */
int vb_node_check_daemon(const char *version, struct vb_error *err) VB_WARN_UNUSED;

/* Swaps `current` and makes the links that are missing. */
int vb_node_switch_version(const char *version, const struct vb_node_handlers *handlers,
	struct vb_error *err) VB_WARN_UNUSED;

/* Removes the links of the handlers that are not among the kept ones. */
void vb_node_drop_links(
	const struct vb_node_handlers *handlers, const struct vb_node_handlers *kept);

/* Removes the versions that are not kept; kept may be NULL. */
void vb_node_prune_versions(const char *kept, const char *also_kept);

/*
 * Whether nobody but root may write where programs are put and kept; what is not there yet is fine.
 * -EPERM, or what open(2) says.
 */
int vb_node_check_directories(struct vb_error *err) VB_WARN_UNUSED;

/* Puts a file of ours at the path; one that has this text already is left alone. */
int vb_node_put_file(const char *path, const char *text, struct vb_error *err) VB_WARN_UNUSED;

/* Writes the hook's settings. */
int vb_node_write_oci(const struct vb_node_handlers *handlers, struct vb_error *err) VB_WARN_UNUSED;

/* The topmost directory of the path that is not there; *ret_top NULL: all are. -ENOMEM. */
int vb_node_find_missing(const char *directory, char **ret_top) VB_WARN_UNUSED;

/* Removes the directory and those above it up to the one that was made; one that is in use stays.
 */
void vb_node_remove_made(const char *directory, const char *made);

/*
 * Removes what is there of a directory and all below it; links are not followed. What cannot be
 * removed is left, and said: errnos of unlink(2), rmdir(2).
 */
int vb_node_remove_tree(const char *path);

/*
 * Removes everything that was installed below VB_NODE_PREFIX, and that when it is empty. What says
 * that something is installed goes last, so that it can be done again.
 */
int vb_node_remove_all(struct vb_error *err) VB_WARN_UNUSED;

/*
 * Asks the CRI for Version and Status until it answers, is ready and has the handlers; -ETIMEDOUT
 * with what is missing. With timeout_s 0 it asks once.
 */
int vb_node_cri_wait(const char *socket, const struct vb_node_handlers *handlers,
	unsigned int timeout_s, struct vb_error *err) VB_WARN_UNUSED;

/* Adds the sandboxes on the handlers, "namespace/name". Errnos of the call. */
int vb_node_cri_sandboxes(const char *socket, const struct vb_node_handlers *handlers,
	struct vb_strv *sandboxes, struct vb_error *err) VB_WARN_UNUSED;

/* The report as text. -ENOSPC, -ENOMEM. */
int vb_node_status_text(const json_t *report, struct vb_buf *out) VB_WARN_UNUSED;

/*
 * How each sub-command begins: enters the host, locks it for the action unless that is NULL, and
 * loads what the last install left. 1, or 0 when nothing is installed; errnos of the parts.
 */
int vb_node_begin(const struct vb_node_options *options, const char *action,
	struct vb_node_host *host, struct vb_node_state *state,
	struct vb_error *err) VB_WARN_UNUSED;

/* Adds to the advice of an error that is set. Returns its -errnum. */
int vb_node_also(struct vb_error *err, const char *advice);

/* Says what is wrong. Returns the exit code: another installer, or pods in the way, is a no. */
int vb_node_fail(const struct vb_error *err);

/* The sub-commands; each returns the exit code. */
int vb_node_install(const struct vb_node_options *options);
int vb_node_uninstall(const struct vb_node_options *options);
int vb_node_status(const struct vb_node_options *options);

#endif
