/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PLUGIN_CLI_POD_YAML_SCALAR_H
#define VB_PLUGIN_CLI_POD_YAML_SCALAR_H

#include <jansson.h>

#include "vb/base/cleanup.h"

/*
 * What a plain scalar is to Kubernetes: null, a boolean, a number or a string. The caller owns the
 * reference. NULL when out of memory.
 */
json_t *vb_yaml_resolve_plain(const char *text, size_t length) VB_WARN_UNUSED;

#endif
