# SPDX-License-Identifier: Apache-2.0
# The property test against engines that are wrong in one place: it must fail with each of them.
# The code has no switch for that. A wrong engine is a copy of its sources in which one passage is
# replaced, and nothing but its test is linked with it.

# vb_add_ablation(NAME file from to): the passage must occur exactly once.
function(vb_add_ablation name file from to)
	set(source ${PROJECT_SOURCE_DIR}/adjust/src)
	set(copy ${CMAKE_CURRENT_BINARY_DIR}/ablation/${name})
	file(GLOB parts CONFIGURE_DEPENDS RELATIVE ${source} ${source}/profile_*.[ch])
	list(REMOVE_ITEM parts ${file})
	foreach(part ${parts})
		configure_file(${source}/${part} ${copy}/${part} COPYONLY)
	endforeach()
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source}/${file})
	file(READ ${source}/${file} text)
	string(FIND "${text}" "${from}" first)
	string(FIND "${text}" "${from}" last REVERSE)
	if(first EQUAL -1 OR NOT first EQUAL last)
		message(FATAL_ERROR "ablation ${name}: ${file} does not have once: ${from}")
	endif()
	string(REPLACE "${from}" "${to}" text "${text}")
	file(GENERATE OUTPUT ${copy}/${file} CONTENT "${text}")

	set(sources ${parts} ${file})
	list(FILTER sources INCLUDE REGEX "\\.c$")
	list(TRANSFORM sources PREPEND ${copy}/)
	vb_add_unit_test(test_ablation_${name} test_profile_property.c profile_support.c
		profile_runtime.c ${sources} LIBS vb_adjust vb_dep_seccomp)
	target_include_directories(test_ablation_${name} PRIVATE ${copy} ${source})
	# What the test says when an answer is wrong; that it fails in another way is not enough.
	set_tests_properties(unit.test_ablation_${name} PROPERTIES
		PASS_REGULAR_EXPRESSION "(looser|not the stricter one): [a-z0-9_]+\\(")
endfunction()

vb_add_ablation(ties_keep_the_second profile_model.h
	"return vb_action_rank(second) < vb_action_rank(first) ? second : first;"
	"return vb_action_rank(second) <= vb_action_rank(first) ? second : first;")
vb_add_ablation(last_unconditional_wins profile_model.c
	"		if (rules[i].count == 0) {
			kept[0] = rules[i];"
	"		if (rules[count - 1 - i].count == 0) {
			kept[0] = rules[count - 1 - i];")
