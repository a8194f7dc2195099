# SPDX-License-Identifier: Apache-2.0
# The tests of the daemon's parts, and of the daemon itself with a runtime played to it.
vb_add_unit_test(test_nri_render test_nri_render.c LIBS vb_nri)
vb_add_unit_test(test_nri_parts test_nri_parts.c kernel_log.c LIBS vb_nri)
vb_add_unit_test(test_audit_frame test_audit_frame.c LIBS vb_nri)
vb_add_unit_test(test_audit_file test_audit_file.c oci_node.c LIBS vb_nri)
target_link_options(test_audit_file PRIVATE LINKER:--wrap=fsync)
vb_add_unit_test(test_frames test_frames.c LIBS vb_nri)
vb_add_unit_test(test_refusals test_refusals.c LIBS vb_nri)
vb_add_unit_test(test_settings test_settings.c file_clock.c oci_node.c LIBS vb_nri)
target_link_options(test_settings PRIVATE LINKER:--wrap=stat64,--wrap=clock_gettime)
vb_add_unit_test(test_config_watch test_config_watch.c oci_node.c LIBS vb_nri)
vb_add_unit_test(test_observe test_observe.c oci_node.c oci_support.c LIBS vb_nri)
vb_add_unit_test(test_loop test_loop.c LIBS vb_nri)
vb_add_unit_test(test_metrics test_metrics.c LIBS vb_nri)
foreach(test session gate files audit reload metrics)
	vb_add_unit_test(test_nri_${test} test_nri_${test}.c nri_runtime.c oci_node.c
		LIBS vb_proto vb_adjust)
	target_compile_definitions(test_nri_${test}
		PRIVATE VB_TEST_DAEMON="$<TARGET_FILE:vambrace-nri>")
	add_dependencies(test_nri_${test} vambrace-nri)
endforeach()
target_sources(test_nri_session PRIVATE kernel_log.c)
vb_add_unit_test(test_nri_replay test_nri_replay.c nri_runtime.c oci_node.c vectors.c
	vectors_compare.c LIBS vb_proto vb_proto_generated vb_adjust)
target_compile_definitions(test_nri_replay
	PRIVATE VB_TEST_DAEMON="$<TARGET_FILE:vambrace-nri>"
	VB_TEST_VECTORS_UNPACKED="${CMAKE_CURRENT_BINARY_DIR}/vectors")
add_dependencies(test_nri_replay vambrace-nri vb_vectors)
