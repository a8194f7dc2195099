/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_FUZZ_H
#define VB_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* What libFuzzer calls once per input. Returns 0. */
// NOLINTNEXTLINE(readability-identifier-naming)
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
