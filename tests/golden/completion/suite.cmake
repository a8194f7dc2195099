# SPDX-License-Identifier: Apache-2.0
# What bash and the manual pages know of the options.
if(NOT CMAKE_CROSSCOMPILING)
	add_test(NAME golden.completion COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_completion.py
		${CMAKE_COMMAND} ${PROJECT_BINARY_DIR} $<TARGET_FILE:vambrace>)
	add_test(NAME golden.manual COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_manual.py
		$<TARGET_FILE:vambrace> $<TARGET_FILE:vambrace-nri> ${PROJECT_SOURCE_DIR}/docs/man)
	set_tests_properties(golden.completion golden.manual PROPERTIES LABELS golden)
endif()
