/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_SHIM_NEXT_H
#define VB_SHIM_NEXT_H

#include <stdbool.h>
#include <stddef.h>

struct vb_shim_object_info;
struct vb_shim_link_map;

typedef long vb_shim_sendto_function(int fd, const void *data, size_t bytes, int flags,
	const void *addr, unsigned int addr_bytes);
typedef long vb_shim_sendmsg_function(int fd, const void *message, int flags);
typedef int vb_shim_sendmmsg_function(int fd, void *messages, unsigned int count, int flags);
typedef long vb_shim_syscall_function(long number, long a, long b, long c, long d, long e, long f);

/*
 * The functions that the program would have called without the shim: the first definition in the
 * objects loaded behind it, which is libc's or another preloaded library's. A function that no
 * object has is NULL.
 *
 * libc's headers are not used: the same object runs on glibc and on musl, and their structs are
 * only passed through.
 */
struct vb_shim_next {
	int (*connect)(int fd, const void *addr, unsigned int addr_bytes);
	vb_shim_sendto_function *sendto;
	vb_shim_sendmsg_function *sendmsg;
	vb_shim_sendmmsg_function *sendmmsg;
	vb_shim_syscall_function *syscall;
	int (*execve)(const char *path, char *const argv[], char *const envp[]);
	int (*execveat)(
		int dirfd, const char *path, char *const argv[], char *const envp[], int flags);
	int (*execvpe)(const char *file, char *const argv[], char *const envp[]);
	int (*fexecve)(int fd, char *const argv[], char *const envp[]);
	int (*posix_spawn)(int *pid, const char *path, const void *actions, const void *attributes,
		char *const argv[], char *const envp[]);
	int (*posix_spawnp)(int *pid, const char *file, const void *actions, const void *attributes,
		char *const argv[], char *const envp[]);
	int (*pidfd_spawn)(int *pidfd, const char *path, const void *actions,
		const void *attributes, char *const argv[], char *const envp[]);
	int (*pidfd_spawnp)(int *pidfd, const char *file, const void *actions,
		const void *attributes, char *const argv[], char *const envp[]);
	int (*system)(const char *command);
	void *(*popen)(const char *command, const char *mode);
	int (*wordexp)(const char *words, void *result, int flags);
	void *(*dlopen)(const char *file, int flags);
	void *(*dlmopen)(long lmid, const char *file, int flags);
	int (*dlinfo)(void *handle, int request, void *answer);
	/* What the shim itself needs of libc where its own symbols found none (see is_alone). */
	int (*dl_iterate_phdr)(
		int (*visit)(const struct vb_shim_object_info *info, size_t size, void *data),
		void *data);
	int *(*errno_location)(void);
	char ***environment;
	int (*setenv)(const char *name, const char *value, int replace);
};

/*
 * Looks all of them up by walking the ELF symbol tables (dl_iterate_phdr), because dlsym is missing
 * from programs of glibc before 2.34 that do not link libdl. Hidden symbol versions are skipped, as
 * dlsym does. self_name becomes the name under which the loader loaded the shim (empty when it has
 * none); it stays valid as long as the shim is loaded.
 */
void vb_shim_next_resolve(struct vb_shim_next *next, const char **self_name);

/* The same in the objects behind `self` in the loader's list of another namespace. */
void vb_shim_next_resolve_behind(struct vb_shim_next *next, const struct vb_shim_link_map *self);

/*
 * No libc was there when the shim was loaded: this copy is the first object of a namespace that
 * another copy makes with dlmopen, and gets its policy from there (space.c).
 */
bool vb_shim_is_alone(void);

/* The process's environment, NULL when there is none; libc's setenv, which replaces (-ENOMEM). */
char **vb_shim_environment(void);
int vb_shim_setenv(const char *name, const char *value);

/* libc's errno of this thread. */
int vb_shim_errno(void);
void vb_shim_set_errno(int error);

/* Sets errno to -error and returns -1. */
int vb_shim_fail(int error);

/* The kernel's result as libc returns it: -1 with errno for -4095 to -1. */
long vb_shim_result(long result);

/* glibc, by its own gnu_get_libc_version. */
bool vb_shim_is_glibc(void);

#endif
