/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_ADJUST_PLAN_NAMES_H
#define VB_ADJUST_PLAN_NAMES_H

/* The words of the plan file; bit N or value N of the enum has entry N. */
static const char *const vb_source_names[] = {"default", "floor", "bundle", "annotation"};
static const char *const vb_spec_allow_names[] = {"inherit", "allow", "mitigate"};
static const char *const vb_audit_names[] = {"dlopen", "exec", "connect"};

#endif
