# SPDX-License-Identifier: Apache-2.0
vb_add_fuzzer(profile fuzz_profile.c LIBS vb_adjust vb_dep_seccomp)
vb_add_fuzzer(meet fuzz_meet.c ${PROJECT_SOURCE_DIR}/tests/unit/profile_runtime.c
	LIBS vb_adjust vb_dep_seccomp)
target_include_directories(fuzz_meet PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit)
