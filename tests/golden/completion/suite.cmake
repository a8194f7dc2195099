# SPDX-License-Identifier: Apache-2.0
if(NOT CMAKE_CROSSCOMPILING)
	add_test(NAME golden.completion COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_completion.py
		${CMAKE_COMMAND} ${PROJECT_BINARY_DIR} $<TARGET_FILE:vambrace>)
	set_tests_properties(golden.completion PROPERTIES LABELS golden)
endif()
