/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_SYNC_H
#define VB_PLUGIN_NRI_SYNC_H

#include "log.h"
#include "task.h"
#include "vb/adjust/config.h"
#include "vb/proto/nri.h"
#include "watch.h"
#include "worker.h"

/*
 * What a runtime tells of its containers when a connection begins, in one chunk or several. Of each
 * only the few words that matter are kept, until the last chunk has come.
 */
struct vb_sync;

struct vb_sync *vb_sync_create(void) VB_WARN_UNUSED;
void vb_sync_destroy(struct vb_sync *sync);

/*
 * Takes in one chunk. An item that cannot be read is left out and makes the whole incomplete.
 * *ret_more says whether further chunks follow. Errors of vb_nri_decode_synchronize(); -ENOMEM.
 */
int vb_sync_add(struct vb_sync *sync, const uint8_t *payload, size_t size, bool *ret_more,
	struct vb_error *err) VB_WARN_UNUSED;

struct vb_sync_parts {
	struct vb_workshop *shop;
	struct vb_worker *worker;
	struct vb_watch *watch;
	struct vb_log *log;
};

/*
 * Acts on the whole: containers of ours that run are examined again, and when it was complete the
 * files of containers that are no more are removed.
 */
void vb_sync_finish(const struct vb_sync *sync, const struct vb_config *config,
	const struct vb_sync_parts *parts);

#endif
