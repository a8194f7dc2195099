# SPDX-License-Identifier: Apache-2.0
vb_add_cli_suite(lint SCHEMA lint.schema.json)

# qemu-user of Debian 12 has no openat2(2), with which bundles are opened.
if(NOT CMAKE_CROSSCOMPILING)
	add_test(NAME golden.lint-agrees-with-the-plugin
		COMMAND ${CMAKE_CURRENT_LIST_DIR}/agree_with_plugin.py $<TARGET_FILE:vambrace>)
	set_tests_properties(golden.lint-agrees-with-the-plugin PROPERTIES LABELS golden)
endif()

if(NOT CMAKE_CROSSCOMPILING)
	add_test(NAME golden.lint-shipped-profiles
		COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_shipped.py ${PROJECT_SOURCE_DIR}/deploy/bundles)
	set_tests_properties(golden.lint-shipped-profiles PROPERTIES LABELS golden)
endif()
