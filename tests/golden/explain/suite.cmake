# SPDX-License-Identifier: Apache-2.0
# One CTest for each case of the command line's golden tests.
file(GLOB cases CONFIGURE_DEPENDS LIST_DIRECTORIES true ${CMAKE_CURRENT_LIST_DIR}/*)
foreach(case ${cases})
	if(NOT EXISTS ${case}/exit)
		continue()
	endif()
	get_filename_component(name ${case} NAME)
	add_test(NAME golden.explain.${name}
		COMMAND ${CMAKE_CURRENT_LIST_DIR}/run.sh $<TARGET_FILE:vambrace> ${case})
	set_tests_properties(golden.explain.${name} PROPERTIES LABELS golden)
endforeach()

# The schema of --json, where Debian's python3-jsonschema is there.
execute_process(COMMAND /usr/bin/python3 -c "import jsonschema" RESULT_VARIABLE no_jsonschema
	OUTPUT_QUIET ERROR_QUIET)
if(no_jsonschema)
	message(STATUS "python3-jsonschema is missing: golden.explain-schema is left out")
else()
	add_test(NAME golden.explain-schema
		COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_schema.py $<TARGET_FILE:vambrace>
			${PROJECT_SOURCE_DIR}/docs/explain.schema.json)
	set_tests_properties(golden.explain-schema PROPERTIES LABELS golden)
endif()
