/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_entrypoint.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "oci_internal.h"
#include "vb/adjust/json.h"
#include "vb/base/str.h"

#if defined(__x86_64__)
enum { NATIVE_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { NATIVE_MACHINE = EM_AARCH64 };
#else
#error "no preload shim for this architecture"
#endif

enum {
	INTERPRETERS_MAX = 5, /* of scripts that run scripts, as execve(2) follows them */
	VERDICT_MAX = 256,
};

/* Where programs are looked for when the environment does not say; execvp(3) does the same. */
static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct search {
	json_t *process;
	const struct vb_oci_mounts *mounts;
	const struct vb_oci_view *view;
	const char *cwd;
	bool privileges_count; /* no_new_privs does not hold set-user-ID programs down */
	char verdict[VERDICT_MAX];
};

static int say(struct search *search, const char *why)
{
	(void)snprintf(search->verdict, sizeof(search->verdict), "not covered: %s", why);
	return 0;
}

/* The last setting of a variable counts, as for the runtimes. */
static const char *variable(json_t *process, const char *prefix)
{
	const char *value = NULL;
	const json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(process, "env"), i, entry) {
		const char *text = json_string_value(entry);
		const char *after = text != NULL ? vb_str_after(text, prefix) : NULL;
		if (after != NULL)
			value = after;
	}
	return value;
}

static char *absolute(const struct search *search, const char *path, size_t length)
{
	return path[0] == '/' ? strndup(path, length)
			      : vb_str_format("%s/%.*s", search->cwd, (int)length, path);
}

/* A path of the container as an open file. -ENOENT, -EACCES and the like, -ENOMEM. */
static int open_path(const struct search *search, const char *path, struct vb_oci_file *ret_file)
{
	vb_auto_free char *host = NULL;

	int r = vb_oci_mounts_locate(search->mounts, search->view, path, &host);
	if (r < 0)
		return r;
	r = search->view->open_file(host, ret_file);
	if (r == 0 && (ret_file->mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0) {
		search->view->close_file(ret_file);
		return -EACCES;
	}
	return r;
}

static int open_in(const struct search *search, const char *directory, size_t length,
	const char *name, struct vb_oci_file *ret_file)
{
	vb_auto_free char *base = absolute(search, directory, length);
	vb_auto_free char *path = base != NULL ? vb_str_format("%s/%s", base, name) : NULL;

	return path != NULL ? open_path(search, path, ret_file) : -ENOMEM;
}

static int open_named(const struct search *search, const char *path, struct vb_oci_file *ret_file)
{
	vb_auto_free char *full = absolute(search, path, strlen(path));

	return full != NULL ? open_path(search, full, ret_file) : -ENOMEM;
}

static int open_program(const struct search *search, const char *name, struct vb_oci_file *ret_file)
{
	int r = -ENOENT;

	if (strchr(name, '/') != NULL)
		return open_named(search, name, ret_file);
	const char *path = variable(search->process, "PATH=");
	for (const char *at = path != NULL ? path : default_path;; at++) {
		size_t length = strcspn(at, ":");
		r = open_in(search, at, length, name, ret_file);
		at += length;
		if (r == 0 || r == -ENOMEM || *at == '\0')
			return r;
	}
}

/* ld.so ignores LD_PRELOAD where the kernel says AT_SECURE: the program gains privileges. */
static bool gains_privileges(const struct search *search, const struct vb_oci_file *file)
{
	json_t *user = json_object_get(search->process, "user");

	if (!search->privileges_count)
		return false;
	return file->has_capabilities ||
	       ((file->mode & S_ISUID) != 0 &&
		       (json_int_t)file->uid != json_integer_value(json_object_get(user, "uid"))) ||
	       ((file->mode & S_ISGID) != 0 &&
		       (json_int_t)file->gid != json_integer_value(json_object_get(user, "gid")));
}

/* The loaders of glibc and musl; of others nobody knows whether they heed LD_PRELOAD. */
static bool is_known_loader(const char *loader)
{
	const char *slash = strrchr(loader, '/');
	const char *name = slash != NULL ? slash + 1 : loader;

	return vb_str_after(name, "ld-linux") != NULL || vb_str_after(name, "ld-musl-") != NULL;
}

static int judge_program(struct search *search, const struct vb_oci_program *program)
{
	switch (program->kind) {
	case VB_OCI_PROGRAM_STATIC:
		return say(search, "static binary");
	case VB_OCI_PROGRAM_32BIT:
		return say(search, "32-bit");
	case VB_OCI_PROGRAM_FOREIGN:
		return say(search, "built for another architecture");
	case VB_OCI_PROGRAM_GO:
		return say(search, "Go program, which calls the kernel without libc");
	case VB_OCI_PROGRAM_UNKNOWN:
	case VB_OCI_PROGRAM_SCRIPT:
		return say(search, "neither an ELF program nor a script");
	case VB_OCI_PROGRAM_DYNAMIC:
		break;
	}
	if (is_known_loader(program->interpreter))
		(void)snprintf(search->verdict, sizeof(search->verdict), "covered");
	else
		(void)snprintf(search->verdict, sizeof(search->verdict),
			"not covered: unknown loader %.128s", program->interpreter);
	return 0;
}

/* Takes the file over. */
static int inspect(
	struct search *search, struct vb_oci_file *file, struct vb_oci_program *ret_program)
{
	int r = vb_oci_program_inspect(search->view->read_file, file, NATIVE_MACHINE, ret_program);

	/* The kernel ignores these bits on scripts. */
	if (r == 0 && ret_program->kind != VB_OCI_PROGRAM_SCRIPT && gains_privileges(search, file))
		(void)say(search, "gains privileges, and its loader ignores LD_PRELOAD");
	search->view->close_file(file);
	return r;
}

static int judge(struct search *search, const char *name)
{
	struct vb_oci_program program = {.kind = VB_OCI_PROGRAM_UNKNOWN};
	struct vb_oci_file file;

	int r = open_program(search, name, &file);
	for (int i = 0; i <= INTERPRETERS_MAX; i++) {
		if (r == 0)
			r = inspect(search, &file, &program);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			return say(search, i == 0 ? "program not found"
						  : "interpreter of the script not found");
		if (search->verdict[0] != '\0')
			return 0;
		if (program.kind != VB_OCI_PROGRAM_SCRIPT)
			return judge_program(search, &program);
		/* The kernel takes an interpreter's name as a path, and does not look at PATH. */
		r = i < INTERPRETERS_MAX ? open_named(search, program.interpreter, &file) : 0;
	}
	return say(search, "too many script interpreters");
}

int vb_oci_entrypoint_verdict(json_t *spec, const struct vb_plan *plan,
	const struct vb_oci_mounts *mounts, const struct vb_oci_view *view, char **ret_verdict,
	struct vb_error *err)
{
	json_t *process = json_object_get(spec, "process");
	const char *cwd = json_string_value(json_object_get(process, "cwd"));
	const char *name = json_string_value(json_array_get(json_object_get(process, "args"), 0));
	struct search search = {.process = process,
		.mounts = mounts,
		.view = view,
		.cwd = cwd != NULL ? cwd : "/",
		.privileges_count = !vb_plan_has(plan, VB_LAYER_NO_NEW_PRIVILEGES) &&
				    !json_is_true(json_object_get(process, "noNewPrivileges"))};

	if (name == NULL || name[0] == '\0')
		return vb_error_say(err, EINVAL, "process.args[0] must name a program");
	int r = judge(&search, name);
	if (r == 0)
		*ret_verdict = strdup(search.verdict);
	return r == 0 && *ret_verdict != NULL
		       ? 0
		       : vb_error_set(err, ENOMEM, "look at the container's program");
}
