# SPDX-License-Identifier: Apache-2.0
target_sources(vb_adjust
	PRIVATE
	src/oci_apply.c
	src/oci_caps.c
	src/oci_check.c
	src/oci_config.c
	src/oci_elf.c
	src/oci_entrypoint.c
	src/oci_env.c
	src/oci_mounts.c
	src/oci_object.c
	src/oci_process.c
	src/oci_resolve.c
	src/oci_rlimits.c
	src/oci_seccomp.c
	src/oci_text.c
	src/receipt.c
	src/state_sys.c
	PUBLIC FILE_SET HEADERS FILES
	include/vb/adjust/oci_apply.h
	include/vb/adjust/oci_check.h
	include/vb/adjust/oci_config.h
	include/vb/adjust/oci_process.h
	include/vb/adjust/oci_program.h
	include/vb/adjust/oci_text.h
	include/vb/adjust/receipt.h
	include/vb/adjust/state.h)
