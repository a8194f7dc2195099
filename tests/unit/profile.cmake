# SPDX-License-Identifier: Apache-2.0
# The tests of the seccomp engine.
foreach(test read docker bpf meet check starter property)
	vb_add_unit_test(test_profile_${test} test_profile_${test}.c profile_support.c
		LIBS vb_adjust vb_dep_seccomp)
	# Filters are compiled as the engine does it.
	target_include_directories(test_profile_${test} PRIVATE ${PROJECT_SOURCE_DIR}/adjust/src)
endforeach()
target_sources(test_profile_property PRIVATE profile_runtime.c)
