/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "oci_support.h"
#include "vb/adjust/codes.h"
#include "vb/adjust/oci_check.h"
#include "vb/adjust/oci_program.h"
#include "vb/base/str.h"

#if defined(__x86_64__)
enum { NATIVE = EM_X86_64 };
#else
enum { NATIVE = EM_AARCH64 };
#endif

/* A program file as the tests put it together. */
struct image {
	char bytes[2048];
	size_t size;
};

enum { TEXT_AT = 1024 };

/* An ELF header and one program header for each type; the text lies where PT_INTERP points. */
static struct image elf_with(
	const uint32_t *types, size_t count, const char *text, size_t text_size)
{
	struct image image = {.size = TEXT_AT + text_size};
	Elf64_Ehdr elf = {.e_type = ET_DYN,
		.e_machine = NATIVE,
		.e_phoff = sizeof(elf),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)count};

	memcpy(elf.e_ident, ELFMAG, SELFMAG);
	elf.e_ident[EI_CLASS] = ELFCLASS64;
	elf.e_ident[EI_DATA] = ELFDATA2LSB;
	memcpy(image.bytes, &elf, sizeof(elf));
	for (size_t i = 0; i < count; i++) {
		Elf64_Phdr header = {
			.p_type = types[i], .p_offset = TEXT_AT, .p_filesz = text_size};
		memcpy(image.bytes + sizeof(elf) + i * sizeof(header), &header, sizeof(header));
	}
	memcpy(image.bytes + TEXT_AT, text, text_size);
	return image;
}

static struct image dynamic_program(const char *loader)
{
	static const uint32_t types[] = {PT_PHDR, PT_INTERP, PT_LOAD};

	return elf_with(types, VB_ARRAY_SIZE(types), loader, strlen(loader) + 1);
}

static struct image static_program(void)
{
	static const uint32_t types[] = {PT_LOAD, PT_TLS};

	return elf_with(types, VB_ARRAY_SIZE(types), "", 1);
}

static struct image text_program(const char *text)
{
	struct image image = {.size = strlen(text)};

	memcpy(image.bytes, text, image.size);
	return image;
}

static void patch(struct image *image, size_t offset, const void *bytes, size_t size)
{
	memcpy(image->bytes + offset, bytes, size);
}

static int read_image(void *context, uint64_t offset, void *buffer, size_t size)
{
	const struct image *image = context;

	if (offset >= image->size)
		return 0;
	size_t left = image->size - (size_t)offset;
	memcpy(buffer, image->bytes + offset, size < left ? size : left);
	return (int)(size < left ? size : left);
}

static void assert_kind(struct image image, enum vb_oci_program_kind kind, const char *interpreter)
{
	struct vb_oci_program program;

	ck_assert_int_eq(vb_oci_program_inspect(read_image, &image, NATIVE, &program), 0);
	ck_assert_uint_eq(program.kind, kind);
	ck_assert_str_eq(program.interpreter, interpreter);
}

START_TEST(a_program_with_a_loader_is_dynamic)
{
	assert_kind(dynamic_program("/lib64/ld-linux-x86-64.so.2"), VB_OCI_PROGRAM_DYNAMIC,
		"/lib64/ld-linux-x86-64.so.2");
}
END_TEST

START_TEST(a_program_without_a_loader_is_static)
{
	assert_kind(static_program(), VB_OCI_PROGRAM_STATIC, "");
	struct image executable = static_program();
	const Elf64_Half type = ET_EXEC;
	patch(&executable, offsetof(Elf64_Ehdr, e_type), &type, sizeof(type));
	assert_kind(executable, VB_OCI_PROGRAM_STATIC, "");
}
END_TEST

START_TEST(classes_and_machines_are_told_apart)
{
	struct image narrow = dynamic_program("/lib/ld-linux.so.2");
	narrow.bytes[EI_CLASS] = ELFCLASS32;
	assert_kind(narrow, VB_OCI_PROGRAM_32BIT, "");
	struct image foreign = dynamic_program("/lib/ld.so");
	const Elf64_Half machine = EM_RISCV;
	patch(&foreign, offsetof(Elf64_Ehdr, e_machine), &machine, sizeof(machine));
	assert_kind(foreign, VB_OCI_PROGRAM_FOREIGN, "");
	struct image big_endian = dynamic_program("/lib/ld.so");
	big_endian.bytes[EI_DATA] = ELFDATA2MSB;
	assert_kind(big_endian, VB_OCI_PROGRAM_FOREIGN, "");
}
END_TEST

START_TEST(a_go_program_with_a_loader_is_recognised)
{
	static const uint32_t types[] = {PT_INTERP, PT_NOTE};
	static const char note[] = "\4\0\0\0\3\0\0\0\4\0\0\0Go\0\0abc";
	static const char other_first[] = "\4\0\0\0\5\0\0\0\3\0\0\0GNU\0abcde\0\0\0"
					  "\4\0\0\0\0\0\0\0\4\0\0\0Go\0";
	struct image image = dynamic_program("/lib64/ld-linux-x86-64.so.2");

	image = elf_with(types, 2, note, sizeof(note) - 1);
	const Elf64_Phdr loader = {.p_type = PT_INTERP, .p_offset = 1500, .p_filesz = 6};
	for (int i = 0; i < 2; i++) {
		patch(&image, sizeof(Elf64_Ehdr), &loader, sizeof(loader));
		patch(&image, 1500, "/ld.so", 7);
		image.bytes[1505] = '\0';
		image.size = 1600;
		assert_kind(image, VB_OCI_PROGRAM_GO, "/ld.s");
		image = elf_with(types, 2, other_first, sizeof(other_first));
	}
	/* Without a loader it is static, whatever its notes say. */
	static const uint32_t only_note[] = {PT_NOTE};
	assert_kind(elf_with(only_note, 1, note, sizeof(note) - 1), VB_OCI_PROGRAM_STATIC, "");
}
END_TEST

START_TEST(notes_that_lie_about_their_sizes_are_read_no_further)
{
	static const uint32_t types[] = {PT_NOTE};
	static const char *const notes[] = {"\377\377\377\377\0\0\0\0\4\0\0\0Go\0",
		"\4\0\0\0\377\377\377\377\3\0\0\0GNU\0", "\375\377\377\377\0\0\0\0\4\0\0\0Go\0"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(notes); i++)
		assert_kind(elf_with(types, 1, notes[i], 16), VB_OCI_PROGRAM_STATIC, "");
}
END_TEST

START_TEST(scripts_name_their_interpreter)
{
	assert_kind(text_program("#!/bin/sh\n"), VB_OCI_PROGRAM_SCRIPT, "/bin/sh");
	assert_kind(text_program("#! \t/usr/bin/env\tpython3 -u\n"), VB_OCI_PROGRAM_SCRIPT,
		"/usr/bin/env");
	assert_kind(text_program("#!/bin/sh"), VB_OCI_PROGRAM_SCRIPT, "/bin/sh");
	assert_kind(text_program("#!\n/bin/sh\n"), VB_OCI_PROGRAM_UNKNOWN, "");
	assert_kind(text_program("#!"), VB_OCI_PROGRAM_UNKNOWN, "");
	assert_kind(text_program("#!   "), VB_OCI_PROGRAM_UNKNOWN, "");
	/* A line longer than the kernel reads may have lost the end of its name. */
	struct image endless = {.size = 300};
	memset(endless.bytes, 'a', endless.size);
	patch(&endless, 0, "#!/", 3);
	assert_kind(endless, VB_OCI_PROGRAM_UNKNOWN, "");
}
END_TEST

START_TEST(what_execve_would_refuse_is_unknown)
{
	struct image image = dynamic_program("/ld.so");
	const Elf64_Half wrong_size = sizeof(Elf64_Phdr) - 1;
	const Elf64_Half too_many = 1171;
	const Elf64_Half relocatable = ET_REL;
	const uint64_t far_away = UINT64_MAX - 8;

	assert_kind((struct image){.size = 0}, VB_OCI_PROGRAM_UNKNOWN, "");
	assert_kind(text_program("hello\n"), VB_OCI_PROGRAM_UNKNOWN, "");
	image.size = 40;
	assert_kind(image, VB_OCI_PROGRAM_UNKNOWN, "");
	image = dynamic_program("/ld.so");
	patch(&image, offsetof(Elf64_Ehdr, e_phentsize), &wrong_size, sizeof(wrong_size));
	assert_kind(image, VB_OCI_PROGRAM_UNKNOWN, "");
	image = dynamic_program("/ld.so");
	patch(&image, offsetof(Elf64_Ehdr, e_phnum), &too_many, sizeof(too_many));
	assert_kind(image, VB_OCI_PROGRAM_UNKNOWN, "");
	image = dynamic_program("/ld.so");
	patch(&image, offsetof(Elf64_Ehdr, e_type), &relocatable, sizeof(relocatable));
	assert_kind(image, VB_OCI_PROGRAM_UNKNOWN, "");
	image = dynamic_program("/ld.so");
	patch(&image, offsetof(Elf64_Ehdr, e_phoff), &far_away, sizeof(far_away));
	assert_kind(image, VB_OCI_PROGRAM_UNKNOWN, "");
	image = dynamic_program("/ld.so");
	image.bytes[EI_CLASS] = 7;
	assert_kind(image, VB_OCI_PROGRAM_UNKNOWN, "");
}
END_TEST

/* The image, and zeros without end behind it. */
static int read_endless(void *context, uint64_t offset, void *buffer, size_t size)
{
	memset(buffer, 0, size);
	(void)read_image(context, offset, buffer, size);
	return (int)size;
}

START_TEST(more_program_headers_than_execve_reads_are_too_many)
{
	for (Elf64_Half count = 1170; count <= 1171; count++) {
		struct image image = static_program();
		struct vb_oci_program program;
		patch(&image, offsetof(Elf64_Ehdr, e_phnum), &count, sizeof(count));
		ck_assert_int_eq(vb_oci_program_inspect(read_endless, &image, NATIVE, &program), 0);
		ck_assert_uint_eq(program.kind,
			count == 1170 ? VB_OCI_PROGRAM_STATIC : VB_OCI_PROGRAM_UNKNOWN);
	}
}
END_TEST

START_TEST(a_loader_out_of_bounds_is_no_loader)
{
	static const struct {
		uint64_t offset;
		uint64_t size;
	} bounds[] = {{TEXT_AT, 0}, {TEXT_AT, 1}, {TEXT_AT, 4097}, {TEXT_AT, UINT64_MAX},
		{UINT64_MAX - 2, 7}, {TEXT_AT + 5, 7}, {TEXT_AT, 6}};

	for (size_t i = 0; i < VB_ARRAY_SIZE(bounds); i++) {
		struct image image = dynamic_program("/ld.so");
		const Elf64_Phdr header = {.p_type = PT_INTERP,
			.p_offset = bounds[i].offset,
			.p_filesz = bounds[i].size};
		patch(&image, sizeof(Elf64_Ehdr) + sizeof(header), &header, sizeof(header));
		assert_kind(image, VB_OCI_PROGRAM_UNKNOWN, "");
	}
}
END_TEST

static int fail_to_read(void *context, uint64_t offset, void *buffer, size_t size)
{
	(void)context;
	(void)buffer;
	(void)size;
	return offset == 0 ? 0 : -EIO;
}

static int fail_at_once(void *context, uint64_t offset, void *buffer, size_t size)
{
	(void)context;
	(void)offset;
	(void)buffer;
	(void)size;
	return -EIO;
}

START_TEST(a_file_that_cannot_be_read_is_an_error)
{
	struct vb_oci_program program;

	ck_assert_int_eq(vb_oci_program_inspect(fail_at_once, NULL, NATIVE, &program), -EIO);
	ck_assert_int_eq(vb_oci_program_inspect(fail_to_read, NULL, NATIVE, &program), 0);
	ck_assert_uint_eq(program.kind, VB_OCI_PROGRAM_UNKNOWN);
}
END_TEST

/* A small image: name, program and mode of each file. */
enum { PROGRAM_MODE = 0100755 };

static struct {
	const char *path;
	struct image image;
	unsigned int mode;
	bool has_capabilities;
} files[15];

static int open_file(const char *path, struct vb_oci_file *ret_file)
{
	for (size_t i = 0; i < VB_ARRAY_SIZE(files); i++) {
		if (files[i].path == NULL || strcmp(files[i].path, path) != 0)
			continue;
		*ret_file = (struct vb_oci_file){.handle = (int)i,
			.mode = files[i].mode,
			.has_capabilities = files[i].has_capabilities};
		return 0;
	}
	return -ENOENT;
}

static int read_file(void *context, uint64_t offset, void *buffer, size_t size)
{
	const struct vb_oci_file *file = context;

	return read_image(&files[file->handle].image, offset, buffer, size);
}

static void close_file(struct vb_oci_file *file)
{
	file->handle = -1;
}

static int read_link(const char *path, char *ret_target, size_t size)
{
	if (strcmp(path, "/r/bin") == 0)
		return snprintf(ret_target, size, "usr/bin");
	return -EINVAL;
}

static const struct vb_oci_view view = {.rootfs = "/r",
	.read_link = read_link,
	.open_file = open_file,
	.read_file = read_file,
	.close_file = close_file};

static void make_image(void)
{
	size_t i = 0;

	files[i].path = "/r/usr/bin/dynamic";
	files[i++].image = dynamic_program("/lib64/ld-linux-x86-64.so.2");
	files[i].path = "/r/usr/bin/musl";
	files[i++].image = dynamic_program("/lib/ld-musl-x86_64.so.1");
	files[i].path = "/r/usr/bin/static";
	files[i++].image = static_program();
	files[i].path = "/r/usr/bin/android";
	files[i++].image = dynamic_program("/system/bin/linker64");
	files[i].path = "/r/app/start";
	files[i++].image = text_program("#!/bin/dynamic -x\n");
	files[i].path = "/r/app/loop";
	files[i++].image = text_program("#!/app/loop\n");
	files[i].path = "/r/app/orphan";
	files[i++].image = text_program("#!/bin/nothing\n");
	files[i].path = "/r/app/static-script";
	files[i++].image = text_program("#!static\n");
	files[i].path = "/vol/tool";
	files[i++].image = dynamic_program("/nix/store/x-glibc/lib/ld-linux-aarch64.so.1");
	files[i].path = "/r/usr/bin/caps";
	files[i].has_capabilities = true;
	files[i++].image = dynamic_program("/lib64/ld-linux-x86-64.so.2");
	files[i].path = "/r/usr/bin/su";
	files[i++].image = dynamic_program("/lib64/ld-linux-x86-64.so.2");
	files[i].path = "/r/usr/sbin/static";
	files[i++].image = dynamic_program("/lib64/ld-linux-x86-64.so.2");
	files[i].path = "/r/usr/bin/narrow";
	files[i].image = dynamic_program("/lib/ld-linux.so.2");
	files[i++].image.bytes[EI_CLASS] = ELFCLASS32;
	files[i].path = "/r/usr/bin/foreign";
	files[i].image = dynamic_program("/lib/ld-linux.so.2");
	files[i++].image.bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_386;
	files[i].path = "/r/app/text";
	files[i++].image = text_program("echo hello\n");
	for (size_t k = 0; k < i; k++)
		files[k].mode = PROGRAM_MODE;
	files[10].mode |= 04000;
	files[11].mode = 0100644;
}

static struct vb_plan *plan_with_preload(void)
{
	struct vb_plan *plan = support_plan();

	plan->sources[VB_LAYER_PRELOAD] = VB_SOURCE_ANNOTATION;
	return plan;
}

static int check(
	const char *process, const struct vb_plan *plan, char **ret_verdict, struct vb_error *err)
{
	vb_auto_free char *text = vb_str_format(
		"{'annotations':{'plan-digest.vambrace.dev':'d'},'process':{%s},'mounts':["
		"{'destination':'/data','type':'bind','source':'/vol','options':['rbind']}]}",
		process);
	ck_assert_ptr_nonnull(text);
	vb_auto_json json_t *spec = support_document(text);

	return vb_oci_check(spec, plan, "d", &view, ret_verdict, err);
}

static void assert_verdict(const char *process, const char *expected)
{
	vb_auto_plan struct vb_plan *plan = plan_with_preload();
	vb_auto_free char *verdict = NULL;
	struct vb_error err = {0};

	make_image();
	int r = check(process, plan, &verdict, &err);
	ck_assert_msg(r == 0, "%s", err.what);
	ck_assert_msg(vb_str_equal(verdict, expected), "%s: %s", process, verdict);
}

START_TEST(the_program_is_found_as_the_runtime_finds_it)
{
	assert_verdict("'args':['/bin/dynamic']", "covered");
	assert_verdict("'args':['dynamic'],'env':['PATH=/nowhere:/bin']", "covered");
	assert_verdict("'args':['dynamic'],'env':[]", "covered");
	assert_verdict("'args':['dynamic'],'env':['PATH=/usr']", "not covered: program not found");
	assert_verdict("'args':['dynamic'],'env':['PATH=/usr','PATH=/bin']", "covered");
	assert_verdict("'args':['dynamic'],'env':['PATH='],'cwd':'/bin'", "covered");
	assert_verdict("'args':['./bin/dynamic'],'cwd':'/usr'", "covered");
	assert_verdict("'args':['../bin/dynamic'],'cwd':'/app'", "covered");
	assert_verdict("'args':['dynamic'],'env':['PATH=bin'],'cwd':'/usr'", "covered");
	assert_verdict("'args':['/data/tool']", "covered");
	assert_verdict("'args':['tool'],'env':['PATH=/data']", "covered");
	/* What is not executable is passed over. */
	assert_verdict(
		"'args':['static'],'env':['PATH=/usr/sbin:/bin']", "not covered: static binary");
	assert_verdict("'args':['/usr/sbin/static']", "not covered: program not found");
}
END_TEST

START_TEST(verdicts_say_why_a_program_is_not_covered)
{
	assert_verdict("'args':['musl']", "covered");
	assert_verdict("'args':['static']", "not covered: static binary");
	assert_verdict("'args':['narrow']", "not covered: 32-bit");
	assert_verdict("'args':['foreign']", "not covered: built for another architecture");
	assert_verdict("'args':['/app/text']", "not covered: neither an ELF program nor a script");
	assert_verdict("'args':['android']", "not covered: unknown loader /system/bin/linker64");
	assert_verdict("'args':['/app/start']", "covered");
	assert_verdict("'args':['/app/loop']", "not covered: too many script interpreters");
	assert_verdict(
		"'args':['/app/orphan']", "not covered: interpreter of the script not found");
	/* An interpreter without a slash is a file of the working directory, not of PATH. */
	assert_verdict("'args':['/app/static-script'],'cwd':'/app'",
		"not covered: interpreter of the script not found");
	assert_verdict(
		"'args':['/app/static-script'],'cwd':'/usr/bin'", "not covered: static binary");
}
END_TEST

START_TEST(a_program_that_gains_privileges_is_not_covered_unless_it_cannot)
{
	static const char gains[] =
		"not covered: gains privileges, and its loader ignores LD_PRELOAD";

	assert_verdict("'args':['caps']", gains);
	assert_verdict("'args':['su'],'user':{'uid':1000}", gains);
	assert_verdict("'args':['su'],'user':{'uid':0}", "covered");
	assert_verdict("'args':['su'],'user':{'uid':1000},'noNewPrivileges':true", "covered");
	vb_auto_plan struct vb_plan *plan = plan_with_preload();
	vb_auto_free char *verdict = NULL;
	plan->sources[VB_LAYER_NO_NEW_PRIVILEGES] = VB_SOURCE_BUNDLE;
	ck_assert_int_eq(check("'args':['caps']", plan, &verdict, NULL), 0);
	ck_assert_str_eq(verdict, "covered");
}
END_TEST

START_TEST(require_refuses_what_is_not_covered)
{
	vb_auto_plan struct vb_plan *plan = plan_with_preload();
	vb_auto_free char *verdict = NULL;
	struct vb_error err = {0};

	make_image();
	plan->preload.require = true;
	int r = check("'args':['static']", plan, &verdict, &err);
	support_assert_refused(r, &err, VB_CODE_PRELOAD_UNCOVERED, "static binary");
	ck_assert_ptr_null(verdict);
	ck_assert_int_eq(check("'args':['dynamic']", plan, &verdict, &err), 0);
	ck_assert_str_eq(verdict, "covered");
}
END_TEST

START_TEST(without_a_program_there_is_no_verdict)
{
	static const char *const processes[] = {
		"", "'args':null", "'args':[]", "'args':['']", "'args':[7]", "'args':'x'"};
	vb_auto_plan struct vb_plan *plan = plan_with_preload();

	for (size_t i = 0; i < VB_ARRAY_SIZE(processes); i++) {
		char *verdict = NULL;
		ck_assert_int_eq(check(processes[i], plan, &verdict, NULL), -EINVAL);
		ck_assert_ptr_null(verdict);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("oci_program");

	tcase_add_test(tcase, a_program_with_a_loader_is_dynamic);
	tcase_add_test(tcase, a_program_without_a_loader_is_static);
	tcase_add_test(tcase, classes_and_machines_are_told_apart);
	tcase_add_test(tcase, a_go_program_with_a_loader_is_recognised);
	tcase_add_test(tcase, notes_that_lie_about_their_sizes_are_read_no_further);
	tcase_add_test(tcase, scripts_name_their_interpreter);
	tcase_add_test(tcase, what_execve_would_refuse_is_unknown);
	tcase_add_test(tcase, more_program_headers_than_execve_reads_are_too_many);
	tcase_add_test(tcase, a_loader_out_of_bounds_is_no_loader);
	tcase_add_test(tcase, a_file_that_cannot_be_read_is_an_error);
	tcase_add_test(tcase, the_program_is_found_as_the_runtime_finds_it);
	tcase_add_test(tcase, verdicts_say_why_a_program_is_not_covered);
	tcase_add_test(tcase, a_program_that_gains_privileges_is_not_covered_unless_it_cannot);
	tcase_add_test(tcase, require_refuses_what_is_not_covered);
	tcase_add_test(tcase, without_a_program_there_is_no_verdict);
	return support_run(tcase);
}
