# SPDX-License-Identifier: Apache-2.0
# The seccomp engine.
target_sources(vb_adjust
	PRIVATE
	src/bpf_sim.c
	src/json_place.c
	src/custom_profile.c
	src/kernel_version_sys.c
	src/oci_number.c
	src/profile_cell.c
	src/profile_check.c
	src/profile_compile_sys.c
	src/profile_docker.c
	src/profile_lint.c
	src/profile_meet.c
	src/profile_model.c
	src/profile_names.c
	src/profile_partition.c
	src/profile_piece.c
	src/profile_points.c
	src/profile_read.c
	src/profile_simulate.c
	src/profile_subject.c
	src/profile_view.c
	src/profile_write.c
	src/starter.c
	PUBLIC FILE_SET HEADERS FILES
	include/vb/adjust/bpf_sim.h
	include/vb/adjust/json_place.h
	include/vb/adjust/custom_profile.h
	include/vb/adjust/oci_number.h
	include/vb/adjust/profile.h
	include/vb/adjust/profile_docker.h
	include/vb/adjust/profile_lint.h
	include/vb/adjust/starter.h)
