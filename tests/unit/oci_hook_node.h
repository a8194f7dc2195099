/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_OCI_HOOK_NODE_H
#define VB_TESTS_UNIT_OCI_HOOK_NODE_H

#include <stdbool.h>

#include "oci_node.h"
#include "oci_support.h"
#include "vb/adjust/state.h"

/*
 * The hook on a node of its own, with a runtime that is no runtime: it writes down how it was
 * called. What a real runtime makes of the edited files the live tests see.
 */

#define BIN      "/opt/vambrace/bin"
#define HOOK     BIN "/vambrace" /* handler with the fake runtime */
#define SETTINGS "/opt/vambrace/etc/oci.json"
#define BUNDLE   "/run/b"
#define CONFIG   BUNDLE "/config.json"
#define LOG      BUNDLE "/log.json"
#define CALLS    "/run/calls"         /* what the fake runtime saw */
#define FEATURES "/run/features.json" /* what it answers to `features`, when there */
#define PROCESS  "/run/process.json"
#define RECEIPT  VB_STATE_DIR "/receipts/abc.json"
#define PASSED   VB_STATE_DIR "/passed/abc.json"

#define CREATE                                                                                     \
	HOOK " --root /run/r --log " LOG " --log-format json create --bundle " BUNDLE              \
	     " --pid-file " BUNDLE "/init.pid abc"
#define EXEC HOOK " --log " LOG " exec --process " PROCESS " --detach abc"

/*
 * Handlers: vambrace; lenient, which passes the unplanned; gone, whose runtime is not there; self,
 * whose runtime is the hook. A link `stranger` is in no settings.
 */
void support_install_hook(void);

/* The directory has this runtime as a fake, and no usual place of it a real one. */
void support_fake_usual_runtime(const char *directory, const char *name);

/* Runs a shell command line without output; its exit code. */
int support_shell(const char *line);
bool support_exists(const char *path);
void support_assert_contains(const char *path, const char *words);

/* The runtime was called, and its exit code came back. */
void support_assert_admitted(const char *line);
/* It was not, and the log holds exactly one entry: an error with these words. */
void support_assert_hook_refused(const char *line, const char *words);
/* The same for CREATE, which must leave everything as it was. */
void support_assert_create_refused(const char *words);

/* config.json as containerd would write it after our plugin's answer; NULL: no answer. */
void support_write_config(const char *plan_digest);
/* A plan with several layers, the files of containerd that go with it, and no receipt. */
void support_write_plan(void);
void support_write_this_plan(const struct vb_plan *plan);

#endif
