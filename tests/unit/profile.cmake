# SPDX-License-Identifier: Apache-2.0
# The tests of the seccomp engine.
foreach(test read docker bpf cell meet conditions check starter property real fault)
	vb_add_unit_test(test_profile_${test} test_profile_${test}.c profile_support.c
		LIBS vb_adjust vb_dep_seccomp)
	# Cells and profiles are looked at as the engine has them.
	target_include_directories(test_profile_${test} PRIVATE ${PROJECT_SOURCE_DIR}/adjust/src)
endforeach()
vb_add_unit_test(test_json_place test_json_place.c LIBS vb_adjust)
target_sources(test_profile_property PRIVATE profile_runtime.c)
target_link_options(test_profile_fault PRIVATE LINKER:--wrap=seccomp_export_bpf)
target_sources(test_profile_real PRIVATE profile_runtime.c)
# The longest of all: where each core has tests at once, it must not begin as the last.
set_tests_properties(unit.test_profile_real PROPERTIES COST 100)
# Where tests/install-deps puts them.
target_compile_definitions(test_profile_real PRIVATE VB_DEBIAN_PROFILES="/var/cache/vambrace/profiles")

# Linked statically, libseccomp would be starved along, which 2.5.4 does not survive.
if(NOT VB_STATIC)
	vb_add_unit_test(test_profile_allocation test_profile_allocation.c allocation.c
		profile_support.c LIBS vb_adjust vb_dep_seccomp)
	target_link_options(test_profile_allocation PRIVATE
		LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray
		LINKER:--wrap=strdup,--wrap=strndup,--wrap=vasprintf,--wrap=__vasprintf_chk
		LINKER:--wrap=json_loadb)
endif()
