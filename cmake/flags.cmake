# SPDX-License-Identifier: Apache-2.0
# All compile and link flags of the project, on the interface target vb_flags.
# Flags are chosen by compiler and architecture, never probed and silently dropped.
add_library(vb_flags INTERFACE)

set(VB_IS_GCC $<C_COMPILER_ID:GNU>)

target_compile_definitions(vb_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_compile_options(vb_flags INTERFACE
	-Wall -Wextra -Wshadow -Wvla -Walloca -Wformat=2 -Wundef -Wstrict-prototypes
	-Wmissing-prototypes -Wcast-qual -Wwrite-strings -Wconversion -Wsign-conversion
	-Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference
	$<${VB_IS_GCC}:-Wlogical-op;-Wduplicated-cond;-Wduplicated-branches;-Wformat-signedness;-Wjump-misses-init>)
if(VB_WERROR)
	target_compile_options(vb_flags INTERFACE -Werror)
endif()

if(VB_SANITIZE)
	target_compile_options(vb_flags INTERFACE
		-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
	target_link_options(vb_flags INTERFACE -fsanitize=address,undefined)
	if(VB_FUZZ)
		# Without coverage of our libraries libFuzzer would be blind inside them.
		target_compile_options(vb_flags INTERFACE -fsanitize=fuzzer-no-link)
		target_link_options(vb_flags INTERFACE -fsanitize=fuzzer-no-link)
	endif()
else()
	target_compile_options(vb_flags INTERFACE -fstack-protector-strong -fno-strict-overflow)
	target_link_options(vb_flags INTERFACE LINKER:-z,relro,-z,now,-z,noexecstack,--as-needed)
	# clang 14 rejects stack-clash protection on arm64.
	if(CMAKE_C_COMPILER_ID STREQUAL "GNU" OR CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
		target_compile_options(vb_flags INTERFACE -fstack-clash-protection)
	endif()
	target_compile_options(vb_flags INTERFACE $<${VB_IS_GCC}:-ftrivial-auto-var-init=zero>)
	if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "MinSizeRel")
		target_compile_options(vb_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
	endif()
endif()

if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
	target_compile_options(vb_flags INTERFACE -fcf-protection=full)
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
	target_compile_options(vb_flags INTERFACE -mbranch-protection=standard)
endif()

# Unreferenced functions of our libraries and of the static ones stay out of the binaries.
target_compile_options(vb_flags INTERFACE -ffunction-sections -fdata-sections)
# Nothing of ours is unwound in a release, and the tables would be a fortieth of each program.
target_compile_options(vb_flags INTERFACE
	$<$<CONFIG:Release>:-fno-asynchronous-unwind-tables$<SEMICOLON>-fno-unwind-tables>)
target_link_options(vb_flags INTERFACE LINKER:--gc-sections)

# The executables: static where asked (a node may have no shared library of ours at all).
add_library(vb_exe_flags INTERFACE)
target_link_libraries(vb_exe_flags INTERFACE vb_flags)
if(VB_STATIC)
	target_compile_options(vb_exe_flags INTERFACE -fPIE)
	target_link_options(vb_exe_flags INTERFACE -static-pie)
	# A static program relocates itself, so no loader has to know this form. Saves 65 kB of addresses;
	# Debian 12's ld has it for x86-64 only.
	if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
		target_link_options(vb_exe_flags INTERFACE LINKER:-z,pack-relative-relocs)
	endif()
else()
	target_compile_options(vb_exe_flags INTERFACE -fPIE)
	target_link_options(vb_exe_flags INTERFACE -pie)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_EXE_LINKER_FLAGS_RELEASE "-s")
