# SPDX-License-Identifier: Apache-2.0
vb_add_cli_suite(bundle SCHEMA bundle.schema.json)

find_program(VB_SSH_KEYGEN ssh-keygen)
if(NOT VB_SSH_KEYGEN)
	message(STATUS "ssh-keygen is missing: golden.bundle-ssh-keygen is left out")
elseif(NOT CMAKE_CROSSCOMPILING)
	add_test(NAME golden.bundle-ssh-keygen
		COMMAND ${CMAKE_CURRENT_LIST_DIR}/ssh_keygen.sh $<TARGET_FILE:vambrace>)
	set_tests_properties(golden.bundle-ssh-keygen PROPERTIES LABELS golden)
endif()
if(NOT CMAKE_CROSSCOMPILING)
	foreach(script pack config_map)
		add_test(NAME golden.bundle-${script}
			COMMAND ${CMAKE_CURRENT_LIST_DIR}/${script}.sh $<TARGET_FILE:vambrace>)
		set_tests_properties(golden.bundle-${script} PROPERTIES LABELS golden SKIP_RETURN_CODE 77)
	endforeach()
endif()
