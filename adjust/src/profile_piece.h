/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_SRC_PROFILE_PIECE_H
#define VB_ADJUST_SRC_PROFILE_PIECE_H

#include "profile_check.h"
#include "profile_compile.h"

enum { VB_PIECE_NUMBERS = 512 }; /* above all calls of the x86 and generic tables */

/*
 * A piece of a check: some names, compiled, on one architecture at a time. The result's filter is
 * always there; base and tighter may be represented by their rules instead.
 */
struct vb_piece {
	const struct vb_check *check;
	uint32_t arch;
	struct vb_filter base;
	struct vb_filter tighter;
	struct vb_filter result;
	bool by_rules; /* base's and tighter's filters do not have the calls under test */
	const struct vb_subject *subject; /* under test; NULL: an unknown call */
	int number;
	uint64_t known[VB_PIECE_NUMBERS / 64]; /* numbers of the calls in the result's filter */
};

void vb_piece_finish(struct vb_piece *piece);
#define vb_auto_piece vb_auto(vb_piece_finish)

/* The result's rules for the names. Errors of vb_filter_compile(). */
int vb_piece_compile_result(struct vb_piece *piece, const struct vb_subject *const *subjects,
	size_t count) VB_WARN_UNUSED;

/* Base's and tighter's rules for the names. */
int vb_piece_compile_inputs(struct vb_piece *piece, const struct vb_subject *const *subjects,
	size_t count) VB_WARN_UNUSED;

/* Each returns -EILSEQ at the first wrong answer, -ENOMEM. subject NULL: an unknown call. */
int vb_piece_test_plain(
	struct vb_piece *piece, const struct vb_subject *subject, int number) VB_WARN_UNUSED;

/*
 * At the boundary values when the subject has conditions; then the numbers beside its own, where
 * the piece has no call that is known.
 */
int vb_piece_test_subject(
	struct vb_piece *piece, const struct vb_subject *subject, int number) VB_WARN_UNUSED;

/* socketcall or ipc: the boundary values of all calls behind it. Needs all filters. */
int vb_piece_test_multiplexer(struct vb_piece *piece, const struct vb_subject *const *subjects,
	size_t count, int number) VB_WARN_UNUSED;

/* Unknown numbers, and the ABIs that the result leaves closed. */
int vb_piece_test_outside(struct vb_piece *piece) VB_WARN_UNUSED;

#endif
