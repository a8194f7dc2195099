# SPDX-License-Identifier: Apache-2.0
vb_add_cli_suite(node)
find_program(SYSTEMD_ANALYZE systemd-analyze)
if(SYSTEMD_ANALYZE AND EXISTS /bin/kill)
	# The program is not installed here; what else the unit says must be known.
	add_test(NAME golden.node-unit COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/node/check_unit.sh
		${PROJECT_SOURCE_DIR}/deploy/systemd/vambrace-nri.service $<TARGET_FILE:vambrace>)
	set_tests_properties(golden.node-unit PROPERTIES LABELS golden)
endif()
