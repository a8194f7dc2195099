# SPDX-License-Identifier: Apache-2.0
find_program(VB_TMUX tmux)
if(NOT CMAKE_CROSSCOMPILING AND VB_TMUX)
	add_test(NAME golden.session COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_session.py
		${VB_TMUX} $<TARGET_FILE:vambrace> ${PROJECT_SOURCE_DIR})
	set_tests_properties(golden.session PROPERTIES LABELS golden)
elseif(NOT VB_TMUX)
	message(STATUS "tmux is missing: golden.session is left out")
endif()
