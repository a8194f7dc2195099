# SPDX-License-Identifier: Apache-2.0
foreach(part buf error file program str timestamp utf8)
	vb_add_unit_test(test_${part} test_${part}.c LIBS vb_base)
endforeach()
target_link_options(test_file PRIVATE LINKER:--wrap=fsync)
