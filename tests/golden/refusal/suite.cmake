# SPDX-License-Identifier: Apache-2.0
# The lines that daemon and hook make themselves; their unit tests drive them and compare.
add_test(NAME golden.refusal-codes COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_codes.sh
	${PROJECT_SOURCE_DIR}/adjust/include/vb/adjust/codes.h ${CMAKE_CURRENT_SOURCE_DIR})
set_tests_properties(golden.refusal-codes PROPERTIES LABELS golden)
