# SPDX-License-Identifier: Apache-2.0
# The outcome files: what the unit tests judge, held against the schema.
if(NOT CMAKE_CROSSCOMPILING)
	execute_process(COMMAND /usr/bin/python3 -c "import jsonschema"
		RESULT_VARIABLE no_jsonschema OUTPUT_QUIET ERROR_QUIET)
	if(no_jsonschema)
		message(STATUS "python3-jsonschema is missing: golden.outcome-schema is left out")
	else()
		add_test(NAME golden.outcome-schema COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_schema.py
			${PROJECT_SOURCE_DIR}/docs/outcome.schema.json
			$<TARGET_FILE:test_outcome> $<TARGET_FILE:test_outcome_speculation>)
		set_tests_properties(golden.outcome-schema PROPERTIES LABELS golden)
	endif()
endif()
