# SPDX-License-Identifier: Apache-2.0
# `vambrace doctor` on facts that were gathered elsewhere.
vb_add_cli_suite(doctor SCHEMA doctor.schema.json)

if(NOT CMAKE_CROSSCOMPILING)
	add_test(NAME golden.doctor-linked-config
		COMMAND ${CMAKE_CURRENT_LIST_DIR}/linked_config.sh $<TARGET_FILE:vambrace>)
	set_tests_properties(golden.doctor-linked-config PROPERTIES LABELS golden
		SKIP_RETURN_CODE 77)
endif()
