# SPDX-License-Identifier: Apache-2.0
set(unit ${PROJECT_SOURCE_DIR}/tests/unit)
add_executable(bench_bundles ${CMAKE_CURRENT_LIST_DIR}/bench_bundles.c ${unit}/bundle_support.c
	${unit}/tar_maker.c ${unit}/nri_runtime.c ${unit}/oci_node.c)
target_include_directories(bench_bundles PRIVATE ${unit})
target_compile_definitions(bench_bundles PRIVATE VB_TEST_DAEMON="$<TARGET_FILE:vambrace-nri>")
target_link_libraries(bench_bundles PRIVATE vb_flags vb_adjust vb_proto vb_dep_check)
add_dependencies(bench_bundles vambrace-nri)
