# SPDX-License-Identifier: Apache-2.0
vb_add_fuzzer(spec fuzz_spec.c LIBS vb_adjust)
vb_add_fuzzer(elf fuzz_elf.c LIBS vb_adjust)
