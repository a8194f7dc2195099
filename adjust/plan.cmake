# SPDX-License-Identifier: Apache-2.0
target_sources(vb_adjust
	PRIVATE
	src/bundle.c
	src/bundle_hardening.c
	src/bundle_cache.c
	src/bundle_file_sys.c
	src/bundle_look_sys.c
	src/bundle_pack.c
	src/bundle_pack_directory_sys.c
	src/bundle_store_sys.c
	src/bundle_tar.c
	src/bundle_trust.c
	src/caps.c
	src/config.c
	src/config_rules.c
	src/connect.c
	src/connect_meet.c
	src/decide.c
	src/decide_mounts.c
	src/decide_preload.c
	src/decide_seccomp.c
	src/decide_side.c
	src/denials.c
	src/derive.c
	src/derive_connect.c
	src/derive_frame.c
	src/derive_line.c
	src/derive_manifest.c
	src/json.c
	src/plan.c
	src/plan_json.c
	src/plan_json_read.c
	src/profile_store_sys.c
	src/refusal.c
	src/request.c
	src/seccomp_record.c
	src/sha256.c
	src/sha256_blocks.c
	src/ssh_key.c
	src/ssh_wire.c
	src/sshsig.c
	src/supply.c
	src/text.c
	src/values.c
	PUBLIC FILE_SET HEADERS FILES
	include/vb/adjust/bundle.h
	include/vb/adjust/bundle_look.h
	include/vb/adjust/bundle_store.h
	include/vb/adjust/bundle_tar.h
	include/vb/adjust/bundle_trust.h
	include/vb/adjust/caps.h
	include/vb/adjust/codes.h
	include/vb/adjust/config.h
	include/vb/adjust/connect.h
	include/vb/adjust/decide.h
	include/vb/adjust/denials.h
	include/vb/adjust/derive.h
	include/vb/adjust/json.h
	include/vb/adjust/plan.h
	include/vb/adjust/profile_store.h
	include/vb/adjust/refusal.h
	include/vb/adjust/request.h
	include/vb/adjust/seccomp_record.h
	include/vb/adjust/ssh_key.h
	include/vb/adjust/sshsig.h
	include/vb/adjust/supply.h
	include/vb/adjust/text.h
	include/vb/adjust/values.h)

# The one file that is compiled for instructions which a processor need not have.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
	set_source_files_properties(src/sha256_blocks.c PROPERTIES COMPILE_OPTIONS "-msha;-msse4.1")
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
	set_source_files_properties(src/sha256_blocks.c PROPERTIES COMPILE_OPTIONS "-march=armv8-a+crypto")
endif()
