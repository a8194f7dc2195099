# SPDX-License-Identifier: Apache-2.0
foreach(part bundle bundle_check caps config connect decide denials json plan_json refusal request seccomp_record
		ssh_key sshsig
		text value_lists values)
	vb_add_unit_test(test_${part} test_${part}.c LIBS vb_adjust)
endforeach()

target_link_options(test_bundle PRIVATE LINKER:--wrap=vb_str_distance)
vb_add_unit_test(test_bundle_tar test_bundle_tar.c tar_maker.c LIBS vb_adjust)
vb_add_unit_test(test_derive test_derive.c LIBS vb_adjust vb_shim_pure)
vb_add_unit_test(test_derive_manifest test_derive_manifest.c LIBS vb_adjust)

vb_add_unit_test(test_decide_meet test_decide_meet.c LIBS vb_adjust)
target_include_directories(test_decide_meet PRIVATE ${PROJECT_SOURCE_DIR}/adjust/src)

foreach(test store forms signature cache)
	vb_add_unit_test(test_bundle_${test} test_bundle_${test}.c bundle_support.c tar_maker.c
		LIBS vb_adjust)
endforeach()
vb_add_unit_test(test_supply test_supply.c bundle_support.c tar_maker.c LIBS vb_adjust)
target_link_options(test_supply PRIVATE LINKER:--wrap=vb_bundle_store_get)
vb_add_unit_test(test_profile_store test_profile_store.c LIBS vb_adjust)
foreach(test bundle_store profile_store)
	target_sources(test_${test} PRIVATE file_owner.c file_clock.c)
	target_link_options(test_${test} PRIVATE
		LINKER:--wrap=fstat64,--wrap=fstatvfs64,--wrap=clock_gettime)
endforeach()

set(vb_case ${PROJECT_SOURCE_DIR}/tests/golden/decide/case.c)
vb_add_unit_test(test_order test_order.c tar_maker.c ${vb_case} LIBS vb_adjust)
# Linked statically, libseccomp and libarchive would be starved along, which they do not survive.
if(NOT VB_STATIC)
	vb_add_unit_test(test_allocation test_allocation.c allocation.c tar_maker.c ${vb_case}
		LIBS vb_adjust)
	vb_add_unit_test(test_allocation_oci test_allocation_oci.c allocation.c outcome_support.c
		LIBS vb_adjust vb_dep_seccomp)
	foreach(test allocation allocation_oci)
		target_link_options(test_${test} PRIVATE
			LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray
			LINKER:--wrap=strdup,--wrap=strndup,--wrap=vasprintf,--wrap=__vasprintf_chk
			LINKER:--wrap=json_loadb)
	endforeach()
endif()
