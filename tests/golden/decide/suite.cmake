# SPDX-License-Identifier: Apache-2.0
block()
	set(here ${CMAKE_CURRENT_SOURCE_DIR}/decide)
	add_executable(golden_decide ${here}/runner.c ${here}/case.c)
	target_link_libraries(golden_decide PRIVATE vb_flags vb_adjust)

	file(GLOB cases CONFIGURE_DEPENDS RELATIVE ${here} ${here}/*/pod.json)
	foreach(pod ${cases})
		cmake_path(GET pod PARENT_PATH case)
		add_test(NAME golden.decide.${case} COMMAND golden_decide ${here}/${case})
		set_tests_properties(golden.decide.${case} PROPERTIES LABELS golden)
	endforeach()
endblock()
