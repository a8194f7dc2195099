/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_STATUS_SYS_H
#define VB_PLUGIN_NRI_STATUS_SYS_H

#include "vb/adjust/state.h"

#define VB_STATUS_PATH VB_STATE_DIR "/daemon.json"

/* Replaces the file, mode 0600, and makes its directory. Errnos of vb_file_replace(), mkdir(2). */
int vb_status_write_file(const char *text, struct vb_error *err) VB_WARN_UNUSED;

#endif
