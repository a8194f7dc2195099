# SPDX-License-Identifier: Apache-2.0
add_executable(bench_shim_calls ${CMAKE_CURRENT_LIST_DIR}/shim_calls.c)
target_compile_options(bench_shim_calls PRIVATE -std=gnu17 -O2 -D_GNU_SOURCE)
target_link_libraries(bench_shim_calls PRIVATE dl)
add_library(bench_shim_empty MODULE ${CMAKE_CURRENT_LIST_DIR}/shim_empty.c)
target_link_options(bench_shim_empty PRIVATE -nostdlib LINKER:-z,noseparate-code,-z,now,-z,relro)
