# SPDX-License-Identifier: Apache-2.0
# Debian's libraries, as imported targets vb_dep_<name>. With VB_STATIC the archives are taken.
if(VB_STATIC)
	set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
endif()

function(vb_find_dependency name header library)
	find_path(VB_${name}_INCLUDE ${header} REQUIRED)
	find_library(VB_${name}_LIBRARY NAMES ${library} REQUIRED)
	add_library(vb_dep_${name} INTERFACE)
	target_include_directories(vb_dep_${name} SYSTEM INTERFACE ${VB_${name}_INCLUDE})
	target_link_libraries(vb_dep_${name} INTERFACE ${VB_${name}_LIBRARY})
endfunction()

vb_find_dependency(archive archive.h archive)
vb_find_dependency(jansson jansson.h jansson)
vb_find_dependency(seccomp seccomp.h seccomp)
vb_find_dependency(sodium sodium.h sodium)
vb_find_dependency(yaml yaml.h yaml)
vb_find_dependency(protobuf_c protobuf-c/protobuf-c.h protobuf-c)
vb_find_dependency(z zlib.h z)
vb_find_dependency(event event2/event.h event_core)
vb_find_dependency(event_extra event2/http.h event_extra)

find_program(VB_PROTOC_C protoc-c REQUIRED)
