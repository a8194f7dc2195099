/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_NRI_LOOP_H
#define VB_PLUGIN_NRI_LOOP_H

/*
 * The loop's priorities: a change of the config comes first, so that a request sent after the
 * change is never decided ahead of it; who reads metrics comes last; all else is in the middle,
 * libevent's default. Behind each priority that had something to do, libevent looks for news first.
 */
enum { VB_LOOP_FIRST = 0, VB_LOOP_LAST = 2, VB_LOOP_PRIORITIES = 3 };

#endif
