# SPDX-License-Identifier: Apache-2.0
# What README, docs/, manual pages and comments say of the code.
if(NOT CMAKE_CROSSCOMPILING)
	add_test(NAME golden.documents
		COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_documents.py ${PROJECT_SOURCE_DIR})
	add_test(NAME golden.documents-installed COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_installed.py
		${CMAKE_COMMAND} ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR})
	add_test(NAME golden.documents-examples COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_examples.py
		$<TARGET_FILE:vambrace> ${PROJECT_SOURCE_DIR})
	set_tests_properties(golden.documents golden.documents-installed golden.documents-examples
		PROPERTIES LABELS golden)
endif()

# Manual pages read well by another program than groff, too.
find_program(VB_MANDOC mandoc)
if(NOT CMAKE_CROSSCOMPILING AND VB_MANDOC)
	file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*)
	add_test(NAME golden.manual-format COMMAND ${VB_MANDOC} -T lint -W warning ${pages})
	set_tests_properties(golden.manual-format PROPERTIES LABELS golden)
elseif(NOT VB_MANDOC)
	message(STATUS "mandoc is missing: golden.manual-format is left out")
endif()
