# SPDX-License-Identifier: Apache-2.0
vb_add_fuzzer(evidence fuzz_evidence.c LIBS vb_adjust)
target_include_directories(fuzz_evidence PRIVATE ${PROJECT_SOURCE_DIR}/adjust/src)
