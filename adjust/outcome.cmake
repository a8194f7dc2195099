# SPDX-License-Identifier: Apache-2.0
target_sources(vb_adjust
	PRIVATE
	src/evidence.c
	src/evidence_mounts.c
	src/evidence_spec.c
	src/json_slice.c
	src/outcome.c
	src/outcome_json.c
	src/outcome_layers.c
	src/outcome_mounts.c
	src/outcome_note.c
	src/outcome_speculation.c
	PUBLIC FILE_SET HEADERS FILES
	include/vb/adjust/evidence.h
	include/vb/adjust/outcome.h)
