# SPDX-License-Identifier: Apache-2.0
add_executable(bench_meet ${CMAKE_CURRENT_LIST_DIR}/bench_meet.c)
target_compile_definitions(bench_meet PRIVATE VB_TEST_DATA="${PROJECT_SOURCE_DIR}/tests")
target_link_libraries(bench_meet PRIVATE vb_exe_flags vb_adjust vb_dep_seccomp)
