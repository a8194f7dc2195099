# SPDX-License-Identifier: Apache-2.0
vb_add_cli_suite(node)
find_program(SYSTEMD_ANALYZE systemd-analyze)
if(SYSTEMD_ANALYZE AND EXISTS /bin/kill)
	# The program is not installed here; what else the unit says must be known.
	add_test(NAME golden.node-unit COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/node/check_unit.sh
		${PROJECT_SOURCE_DIR}/deploy/systemd/vambrace-nri.service $<TARGET_FILE:vambrace>)
	set_tests_properties(golden.node-unit PROPERTIES LABELS golden)
endif()

# The text of reports that are not made here, for want of a containerd.
add_executable(node_status_text ${CMAKE_CURRENT_SOURCE_DIR}/node/status_text.c)
target_link_libraries(node_status_text PRIVATE vb_cli vb_flags)
execute_process(COMMAND /usr/bin/python3 -c "import jsonschema"
	RESULT_VARIABLE no_jsonschema OUTPUT_QUIET ERROR_QUIET)
if(NOT no_jsonschema AND NOT CMAKE_CROSSCOMPILING)
	add_test(NAME golden.node-status COMMAND
		${CMAKE_CURRENT_SOURCE_DIR}/node/check_status.py
		${PROJECT_SOURCE_DIR}/docs/node.schema.json $<TARGET_FILE:node_status_text>)
	set_tests_properties(golden.node-status PROPERTIES LABELS golden)
endif()
