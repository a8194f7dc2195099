# SPDX-License-Identifier: Apache-2.0
# Cross toolchain: Debian's gcc-aarch64-linux-gnu, with our libraries from cmake/arm64-sysroot.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_ASM_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(VB_ARM64_EMULATOR qemu-aarch64-static CACHE STRING "The qemu-user that runs the tests")
set(CMAKE_CROSSCOMPILING_EMULATOR ${VB_ARM64_EMULATOR} -L /usr/aarch64-linux-gnu)

execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/arm64-sysroot
	OUTPUT_VARIABLE VB_ARM64_SYSROOT OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set(CMAKE_FIND_ROOT_PATH ${VB_ARM64_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
