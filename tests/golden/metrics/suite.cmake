# SPDX-License-Identifier: Apache-2.0
# The page of unit.test_metrics, read as Prometheus' own client reads it.
# Debian's python3-prometheus-client may be missing.
execute_process(COMMAND /usr/bin/python3 -c "import prometheus_client"
	RESULT_VARIABLE no_client OUTPUT_QUIET ERROR_QUIET)
if(no_client)
	message(STATUS "python3-prometheus-client is missing: golden.metrics.format is left out")
else()
	add_test(NAME golden.metrics.format COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_format.py
		${CMAKE_CURRENT_LIST_DIR}/expected.txt)
	set_tests_properties(golden.metrics.format PROPERTIES LABELS golden)
endif()
