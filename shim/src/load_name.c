/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader searches by the object that calls dlopen, which behind an audited call is the shim.
 * What depends on the caller is therefore done here, as in glibc's elf/dl-load.c: $ORIGIN in the
 * name, and the caller's DT_RPATH and DT_RUNPATH for a bare name. Not done: $LIB, $PLATFORM and the
 * hardware subdirectories in these, and the DT_RPATH of the objects that needed the caller. musl
 * looks at none of this.
 */
#include <string.h>

#include "object.h"
#include "raw.h"
#include "vb/shim/canon.h"
#include "vb/shim/load.h"
#include "vb/shim/search.h"
#include "vb/shim/token.h"

enum { HEADER_BYTES = 20, CLASS_AT = 4, MACHINE_AT = 18 };

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#else
enum { MACHINE = EM_AARCH64 };
#endif

/* The object that calls. */
struct caller {
	uintptr_t address;
	bool found;
	/* Empty for the program itself. */
	const char *name;
	/* NULL where it has none. */
	const char *rpath;
	const char *runpath;
};

static void read_paths(struct caller *caller, uintptr_t base, const Elf64_Dyn *entry)
{
	const char *strings = NULL;
	const Elf64_Dyn *rpath = NULL;
	const Elf64_Dyn *runpath = NULL;

	for (; entry != NULL && entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_STRTAB)
			strings = vb_shim_object_pointer(base, entry->d_un.d_ptr);
		else if (entry->d_tag == 15 /* DT_RPATH */)
			rpath = entry;
		else if (entry->d_tag == 29 /* DT_RUNPATH */)
			runpath = entry;
	}
	caller->rpath = strings != NULL && rpath != NULL ? strings + rpath->d_un.d_val : NULL;
	caller->runpath = strings != NULL && runpath != NULL ? strings + runpath->d_un.d_val : NULL;
}

/* The first object is the program, which the loader takes for calls out of nowhere. */
static int visit(const struct vb_shim_object_info *info, size_t size, void *data)
{
	struct caller *caller = data;
	bool first = caller->name == NULL;

	(void)size;
	caller->found = vb_shim_object_contains(info, caller->address);
	if (!first && !caller->found)
		return 0;
	caller->name = info->name != NULL ? info->name : "";
	read_paths(caller, info->base, vb_shim_object_dynamic(info));
	return caller->found;
}

static void find_caller(struct caller *caller, const void *address)
{
	*caller = (struct caller){.address = (uintptr_t)address};
	vb_shim_objects_visit(visit, caller);
	if (caller->name == NULL)
		caller->name = "";
}

/* The directory of the caller's file, into `out` of VB_SHIM_PATH_MAX. False when it is unknown. */
static bool find_origin(struct vb_shim_scratch *scratch, const struct caller *caller, char *out)
{
	const char *file = caller->name;
	size_t length;

	if (file[0] != '/') {
		if (vb_shim_canon(scratch, AT_FDCWD, file[0] == '\0' ? "/proc/self/exe" : file) < 0)
			return false;
		file = scratch->canonical;
	}
	length = strlen(file);
	while (length > 1 && file[length - 1] != '/')
		length--;
	while (length > 1 && file[length - 1] == '/')
		length--;
	if (length >= VB_SHIM_PATH_MAX)
		return false;
	memcpy(out, file, length);
	out[length] = '\0';
	return true;
}

static const char *expand(
	struct vb_shim_scratch *scratch, const struct caller *caller, const char *file)
{
	char *origin = vb_shim_scratch_take(scratch, VB_SHIM_PATH_MAX);
	char *out = vb_shim_scratch_take(scratch, VB_SHIM_PATH_MAX);

	if (origin == NULL || out == NULL)
		return NULL;
	/* The loader does not find such a name either. */
	if (!find_origin(scratch, caller, origin))
		return file;
	return vb_shim_token_expand(file, strlen(file), origin, out, VB_SHIM_PATH_MAX) < 0 ? NULL
											   : out;
}

/* The loader passes over files for another machine, and fails at whatever else it can open. */
static bool would_load(const char *path)
{
	unsigned char header[HEADER_BYTES] = {0};
	long fd = VB_RAW_4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	long count;
	uint16_t machine;

	if (fd < 0)
		return false;
	count = VB_RAW_3(__NR_read, fd, header, sizeof(header));
	VB_RAW_1(__NR_close, fd);
	if (count < (long)sizeof(header) || memcmp(header, ELFMAG, SELFMAG) != 0)
		return true;
	memcpy(&machine, header + MACHINE_AT, sizeof(machine));
	return header[CLASS_AT] == ELFCLASS64 && machine == MACHINE;
}

/* One search path under way: where to put the candidates, and the caller's directory for them. */
struct look {
	const char *origin;
	const char *file;
	char *out;
};

/* The directory with $ORIGIN replaced, and the file name behind it. */
static bool make_candidate(const struct look *look, const char *directory, size_t bytes)
{
	size_t file_bytes = strlen(look->file) + 1;
	long written =
		vb_shim_token_expand(directory, bytes, look->origin, look->out, VB_SHIM_PATH_MAX);
	size_t length;

	if (written < 0 || vb_shim_token_has_any(look->out, (size_t)written))
		return false;
	length = (size_t)written;
	/* An empty element is the working directory. */
	if (length == 0)
		look->out[length++] = '.';
	while (length > 1 && look->out[length - 1] == '/')
		length--;
	if (length + 1 + file_bytes > VB_SHIM_PATH_MAX)
		return false;
	if (look->out[length - 1] != '/')
		look->out[length++] = '/';
	memcpy(look->out + length, look->file, file_bytes);
	return true;
}

/* Elements end at a colon; those of LD_LIBRARY_PATH also at a semicolon. */
static bool look_along(const struct look *look, const char *path, char second_separator)
{
	if (path == NULL || path[0] == '\0')
		return false;
	for (;;) {
		size_t bytes = 0;

		while (path[bytes] != '\0' && path[bytes] != ':' && path[bytes] != second_separator)
			bytes++;
		if (make_candidate(look, path, bytes) && would_load(look->out))
			return true;
		if (path[bytes] == '\0')
			return false;
		path += bytes + 1;
	}
}

/*
 * A library that is loaded under this name wins over every search. What the loader gives for it
 * counts as opened, so that must be what the caller gets to close.
 */
static void *open_loaded(const struct vb_shim_policy *policy, const struct vb_shim_load *load)
{
	if (load->lmid == VB_SHIM_NEW_NAMESPACE)
		return NULL;
	return vb_shim_load_call(policy, load, load->file, load->flags | VB_SHIM_LOAD_ONLY_LOADED);
}

static const char *search(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch,
	const struct vb_shim_load *load, const struct caller *caller, void **ret_loaded)
{
	char *origin = vb_shim_scratch_take(scratch, VB_SHIM_PATH_MAX);
	struct look look = {.origin = origin,
		.file = load->file,
		.out = vb_shim_scratch_take(scratch, VB_SHIM_PATH_MAX)};

	if (origin == NULL || look.out == NULL)
		return NULL;
	*ret_loaded = open_loaded(policy, load);
	if (*ret_loaded != NULL || !find_origin(scratch, caller, origin))
		return load->file;
	if (caller->runpath == NULL)
		return look_along(&look, caller->rpath, ':') ? look.out : load->file;
	if (look_along(&look, policy->library_path, ';') || look_along(&look, caller->runpath, ':'))
		return look.out;
	return load->file;
}

const char *vb_shim_load_expand(struct vb_shim_scratch *scratch, const struct vb_shim_load *load)
{
	struct caller caller;

	if (!vb_shim_is_glibc() || !vb_shim_token_has_origin(load->file, strlen(load->file)))
		return load->file;
	find_caller(&caller, load->caller);
	return expand(scratch, &caller, load->file);
}

const char *vb_shim_load_name(const struct vb_shim_policy *policy, struct vb_shim_scratch *scratch,
	const struct vb_shim_load *load, void **ret_loaded)
{
	struct caller caller;

	if (!vb_shim_is_glibc() || vb_shim_search_is_direct(load->file))
		return vb_shim_load_expand(scratch, load);
	find_caller(&caller, load->caller);
	if (caller.rpath == NULL && caller.runpath == NULL)
		return load->file;
	return search(policy, scratch, load, &caller, ret_loaded);
}
