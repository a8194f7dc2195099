# SPDX-License-Identifier: Apache-2.0
set(unit ${PROJECT_SOURCE_DIR}/tests/unit)
add_executable(bench_inputs ${CMAKE_CURRENT_LIST_DIR}/bench_inputs.c ${unit}/tar_maker.c)
target_include_directories(bench_inputs PRIVATE ${unit})
target_link_libraries(bench_inputs PRIVATE vb_flags vb_adjust)
