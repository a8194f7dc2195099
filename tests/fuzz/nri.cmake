# SPDX-License-Identifier: Apache-2.0
vb_add_fuzzer(audit fuzz_audit.c LIBS vb_nri)
