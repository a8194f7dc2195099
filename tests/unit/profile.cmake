# SPDX-License-Identifier: Apache-2.0
# The tests of the seccomp engine.
vb_add_unit_test(test_profile_meet test_profile_meet.c profile_support.c LIBS vb_adjust)
vb_add_unit_test(test_profile_property test_profile_property.c profile_support.c LIBS vb_adjust)
foreach(test meet property)
	target_link_libraries(test_profile_${test} PRIVATE vb_dep_seccomp)
	# Filters are compiled and cells are looked at as the engine does it.
	target_include_directories(test_profile_${test} PRIVATE ${PROJECT_SOURCE_DIR}/adjust/src)
endforeach()
