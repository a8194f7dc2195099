/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_CODES_H
#define VB_ADJUST_CODES_H

/* The refusal codes that users and log scrapers see; docs/contracts.md lists them. */
#define VB_CODE_REQUIRES_RUNTIME   "ErrHardeningRequiresRuntime"
#define VB_CODE_UNKNOWN_ANNOTATION "ErrUnknownAnnotation"
#define VB_CODE_INVALID_VALUE      "ErrInvalidValue"
#define VB_CODE_BUNDLE_NOT_FOUND   "ErrBundleNotFound"
#define VB_CODE_BUNDLE_INVALID     "ErrBundleInvalid"
#define VB_CODE_BUNDLE_DIGEST      "ErrBundleDigest"
#define VB_CODE_BUNDLE_SIGNATURE   "ErrBundleSignature"
#define VB_CODE_CONFLICT           "ErrConflict"
#define VB_CODE_NOT_PERMITTED      "ErrNotPermitted"
#define VB_CODE_PROFILE_INVALID    "ErrProfileInvalid"
#define VB_CODE_PRELOAD_UNCOVERED  "ErrPreloadUncovered"
#define VB_CODE_UNSUPPORTED        "ErrUnsupportedByRuntime"
#define VB_CODE_NO_PLAN            "ErrNoPlan"
#define VB_CODE_PLAN_MISMATCH      "ErrPlanMismatch"
#define VB_CODE_NOT_APPLIED        "ErrNotApplied"
#define VB_CODE_DEADLINE           "ErrDeadline"
#define VB_CODE_INTERNAL           "ErrInternal"

#endif
