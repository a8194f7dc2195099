# SPDX-License-Identifier: Apache-2.0
foreach(part bundle caps config connect json refusal request values)
	vb_add_unit_test(test_${part} test_${part}.c LIBS vb_adjust)
endforeach()

vb_add_unit_test(test_bundle_store test_bundle_store.c LIBS vb_adjust)
target_link_options(test_bundle_store PRIVATE LINKER:--wrap=fstat64,--wrap=fstatvfs64)
