# SPDX-License-Identifier: Apache-2.0
vb_add_fuzzer(spec fuzz_spec.c LIBS vb_adjust)
vb_add_fuzzer(elf fuzz_elf.c LIBS vb_adjust)
vb_add_fuzzer(oci_settings fuzz_oci_settings.c ${PROJECT_SOURCE_DIR}/plugin/oci/early.c
	LIBS vb_adjust)
target_include_directories(fuzz_oci_settings PRIVATE ${PROJECT_SOURCE_DIR}/plugin/oci)
