/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_PROTO_SRC_NRI_INTERNAL_H
#define VB_PROTO_SRC_NRI_INTERNAL_H

#include "nri.pb-c.h"
#include "vb/proto/nri.h"

/* protoc-c's names carry the whole package. */
typedef Nri__Pkg__Api__V1alpha1__PodSandbox vb_pb_pod;
typedef Nri__Pkg__Api__V1alpha1__Container vb_pb_container;
typedef Nri__Pkg__Api__V1alpha1__ContainerAdjustment vb_pb_adjustment;
typedef Nri__Pkg__Api__V1alpha1__LinuxContainer vb_pb_container_linux;
typedef Nri__Pkg__Api__V1alpha1__LinuxSeccomp vb_pb_seccomp;
typedef Nri__Pkg__Api__V1alpha1__LinuxSyscall vb_pb_syscall;
typedef Nri__Pkg__Api__V1alpha1__KeyValue vb_pb_pair;
typedef Nri__Pkg__Api__V1alpha1__Mount vb_pb_mount;

/* The event that a method is about, VB_NRI_EVENT_UNKNOWN for the others. */
enum vb_nri_event vb_nri_method_event(enum vb_nri_method method);

/*
 * Turn what protobuf-c made into the plain data of nri.h, in the same arena; strings are shared
 * with the message. bad_text: scrub them. -ENOBUFS, -ENOMEM.
 */
int vb_nri_convert_pod(struct vb_arena *arena, const vb_pb_pod *from, bool bad_text,
	struct vb_nri_pod *ret_pod, struct vb_error *err) VB_WARN_UNUSED;
int vb_nri_convert_container(struct vb_arena *arena, const vb_pb_container *from, bool bad_text,
	struct vb_nri_container *ret_container, struct vb_error *err) VB_WARN_UNUSED;
int vb_nri_convert_adjustment(struct vb_arena *arena, const vb_pb_adjustment *from, bool bad_text,
	struct vb_nri_adjustment *ret_adjustment, struct vb_error *err) VB_WARN_UNUSED;

#endif
