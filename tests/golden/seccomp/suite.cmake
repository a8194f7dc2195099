# SPDX-License-Identifier: Apache-2.0
vb_add_cli_suite(seccomp SCHEMA seccomp.schema.json)

add_test(NAME golden.seccomp-starter-files
	COMMAND ${CMAKE_CURRENT_LIST_DIR}/starter_files.sh ${PROJECT_BINARY_DIR}
		${PROJECT_SOURCE_DIR}/adjust/profiles ${CMAKE_SYSTEM_PROCESSOR}
		${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:vambrace>)
set_tests_properties(golden.seccomp-starter-files PROPERTIES LABELS golden)
