# SPDX-License-Identifier: Apache-2.0
vb_add_fuzzer(evidence fuzz_evidence.c LIBS vb_adjust)
