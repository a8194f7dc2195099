# SPDX-License-Identifier: Apache-2.0
# One CTest for each case of the command line's golden tests.
block()
	set(here ${CMAKE_CURRENT_LIST_DIR})
	set(vambrace ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:vambrace>)
	file(GLOB cases CONFIGURE_DEPENDS RELATIVE ${here} ${here}/*/exit)
	foreach(exit ${cases})
		cmake_path(GET exit PARENT_PATH case)
		# qemu-user of Debian 12 has no openat2(2), with which bundles are opened.
		if(CMAKE_CROSSCOMPILING AND EXISTS ${here}/${case}/bundles)
			continue()
		endif()
		add_test(NAME golden.explain.${case}
			COMMAND ${here}/run.sh ${here}/${case} ${vambrace})
		set_tests_properties(golden.explain.${case} PROPERTIES LABELS golden)
	endforeach()

	# The schema of --json, where Debian's python3-jsonschema is there.
	execute_process(COMMAND /usr/bin/python3 -c "import jsonschema"
		RESULT_VARIABLE no_jsonschema OUTPUT_QUIET ERROR_QUIET)
	if(no_jsonschema)
		message(STATUS "python3-jsonschema is missing: golden.explain-schema is left out")
	elseif(NOT CMAKE_CROSSCOMPILING)
		add_test(NAME golden.explain-schema COMMAND ${here}/check_schema.py
			${PROJECT_SOURCE_DIR}/docs/explain.schema.json ${vambrace})
		set_tests_properties(golden.explain-schema PROPERTIES LABELS golden)
	endif()
endblock()
