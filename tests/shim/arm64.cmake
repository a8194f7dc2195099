# SPDX-License-Identifier: Apache-2.0
# arm64 beside the native build: the same sources and flags by the cross compiler, under qemu-user.
find_program(VB_ARM64_GCC aarch64-linux-gnu-gcc)
find_program(VB_ARM64_QEMU qemu-aarch64-static)
set(arm64_libs /usr/aarch64-linux-gnu/lib)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
	return()
elseif(NOT VB_ARM64_GCC OR NOT VB_ARM64_QEMU OR NOT EXISTS ${arm64_libs}/ld-linux-aarch64.so.1)
	vb_skip_shim_suites(arm64
		"not installed: gcc-aarch64-linux-gnu, libc6-dev-arm64-cross or qemu-user-static")
	return()
endif()

get_target_property(shim_source_dir autonomy_preload SOURCE_DIR)
get_target_property(shim_sources autonomy_preload SOURCES)
list(TRANSFORM shim_sources REPLACE "/x86_64\\.S$" "/aarch64.S")
get_target_property(shim_flags autonomy_preload COMPILE_OPTIONS)
get_target_property(shim_link_flags autonomy_preload LINK_OPTIONS)
list(REMOVE_ITEM shim_flags -fcf-protection=full)
list(TRANSFORM shim_sources PREPEND ${shim_source_dir}/)
list(TRANSFORM shim_link_flags REPLACE "^LINKER:" "-Wl,")
file(GLOB shim_headers CONFIGURE_DEPENDS ${shim_source_dir}/include/vb/shim/*.h
	${shim_source_dir}/src/*.h ${shim_source_dir}/src/arch/*.h)
set(arm64_shim ${CMAKE_CURRENT_BINARY_DIR}/arm64-libautonomy_preload.so)
add_custom_command(OUTPUT ${arm64_shim}
	COMMAND ${VB_ARM64_GCC} -std=gnu17 ${shim_flags} -fno-tree-loop-distribute-patterns
		-mno-outline-atomics -mbranch-protection=standard -fPIC -fvisibility=hidden -shared
		-I${shim_source_dir}/include ${shim_link_flags} ${shim_sources} -o ${arm64_shim}
	DEPENDS ${shim_sources} ${shim_headers} ${shim_source_dir}/exports.map
	COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(shim_arm64 ALL DEPENDS ${arm64_shim})
add_test(NAME symbols.shim.arm64 COMMAND ${shim_source_dir}/check_object.sh ${arm64_shim} 131072 65536)
set_tests_properties(symbols.shim.arm64 PROPERTIES LABELS symbols ENVIRONMENT
	"STRIP=aarch64-linux-gnu-strip")

# The loader by its full path, since the emulator's own redirection of paths would hide /bin.
vb_build_probe(arm64 ${VB_ARM64_GCC}
	-Wl,--dynamic-linker=${arm64_libs}/ld-linux-aarch64.so.1,-rpath,${arm64_libs})
set(out ${CMAKE_CURRENT_BINARY_DIR}/arm64)
set(shim_libdir ${arm64_libs})
vb_add_shim_suites(arm64 ${arm64_shim} ${out}-probe ${out}-early.so ${VB_ARM64_QEMU})
