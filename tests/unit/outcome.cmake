# SPDX-License-Identifier: Apache-2.0
# The tests of evidence and outcome.
vb_add_unit_test(test_evidence test_evidence.c LIBS vb_adjust)
vb_add_unit_test(test_outcome test_outcome.c outcome_support.c LIBS vb_adjust)
vb_add_unit_test(test_outcome_config test_outcome_config.c outcome_support.c LIBS vb_adjust)
vb_add_unit_test(test_outcome_shim test_outcome_shim.c outcome_support.c LIBS vb_adjust)
vb_add_unit_test(test_outcome_speculation test_outcome_speculation.c outcome_support.c
	LIBS vb_adjust)
vb_add_unit_test(test_speculation test_speculation.c LIBS vb_adjust)
vb_add_unit_test(test_json_slice test_json_slice.c LIBS vb_adjust)
target_include_directories(test_json_slice PRIVATE ${PROJECT_SOURCE_DIR}/adjust/src)
