# SPDX-License-Identifier: Apache-2.0
# The tests of the OCI renderer, of receipts and state files, and of the hook.
foreach(test text document apply memory check features process program config)
	vb_add_unit_test(test_oci_${test} test_oci_${test}.c oci_support.c LIBS vb_adjust)
endforeach()
target_link_libraries(test_oci_apply PRIVATE vb_dep_seccomp)
target_link_libraries(test_oci_features PRIVATE vb_dep_seccomp)
target_link_libraries(test_oci_document PRIVATE vb_dep_seccomp)
target_sources(test_oci_memory PRIVATE oci_one_text.c)
target_link_libraries(test_oci_memory PRIVATE vb_dep_seccomp)
vb_add_unit_test(test_receipt test_receipt.c oci_support.c LIBS vb_adjust)
vb_add_unit_test(test_state test_state.c oci_node.c oci_support.c LIBS vb_adjust)
vb_add_unit_test(test_oci_args test_oci_args.c oci_support.c ${PROJECT_SOURCE_DIR}/plugin/oci/args.c
	LIBS vb_adjust)
target_include_directories(test_oci_args PRIVATE ${PROJECT_SOURCE_DIR}/plugin/oci)
vb_add_unit_test(test_oci_early test_oci_early.c oci_support.c
	${PROJECT_SOURCE_DIR}/plugin/oci/early.c LIBS vb_adjust)
target_include_directories(test_oci_early PRIVATE ${PROJECT_SOURCE_DIR}/plugin/oci)
vb_add_unit_test(test_hook_features test_hook_features.c oci_node.c
	${PROJECT_SOURCE_DIR}/plugin/oci/features_sys.c LIBS vb_adjust)
target_include_directories(test_hook_features PRIVATE ${PROJECT_SOURCE_DIR}/plugin/oci)
target_link_options(test_hook_features PRIVATE LINKER:--wrap=vb_program_run)
foreach(test hook passing)
	vb_add_unit_test(test_oci_${test} test_oci_${test}.c oci_hook_node.c oci_node.c oci_support.c
		LIBS vb_adjust)
	target_compile_definitions(test_oci_${test}
		PRIVATE VB_TEST_HOOK="$<TARGET_FILE:vambrace-oci>")
	add_dependencies(test_oci_${test} vambrace-oci)
endforeach()

# Golden cases of the OCI renderer, one test each.
add_executable(test_oci_golden test_oci_golden.c oci_one_text.c)
target_link_libraries(test_oci_golden PRIVATE vb_flags vb_adjust vb_base vb_dep_seccomp)
file(GLOB cases CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/golden/oci/*)
foreach(case ${cases})
	cmake_path(GET case FILENAME name)
	add_test(NAME golden.oci.${name} COMMAND test_oci_golden ${case})
	set_tests_properties(golden.oci.${name} PROPERTIES LABELS golden)
endforeach()
