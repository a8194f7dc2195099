/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/adjust/oci_program.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	SCRIPT_LINE_MAX = 256,       /* BINPRM_BUF_SIZE of Linux 5.1 and later */
	PROGRAM_HEADERS_MAX = 65536, /* bytes; more execve(2) refuses */
	NOTES_MAX = 1024,            /* bytes of a note segment that are looked at */
	NOTE_HEADER = 12,
	GO_NOTE_TYPE = 4,
};

struct file {
	vb_oci_program_read_fn read;
	void *context;
};

/* 0 when all of it is there, -ENODATA when the file ends before. */
static int read_exactly(const struct file *file, uint64_t offset, void *buffer, size_t size)
{
	int n = file->read(file->context, offset, buffer, size);

	if (n < 0)
		return n;
	return (size_t)n == size ? 0 : -ENODATA;
}

/* `#! /interpreter argument`: what stands between the blanks, as binfmt_script reads it. */
static int inspect_script(const char *line, size_t size, struct vb_oci_program *program)
{
	size_t start = 2;

	while (start < size && (line[start] == ' ' || line[start] == '\t'))
		start++;
	size_t end = start;
	while (end < size && line[end] != '\0' && strchr(" \t\n", line[end]) == NULL)
		end++;
	/* Without an end in sight the name may be cut. */
	if (end == start || (end == size && size == SCRIPT_LINE_MAX))
		return 0;
	memcpy(program->interpreter, line + start, end - start);
	program->interpreter[end - start] = '\0';
	program->kind = VB_OCI_PROGRAM_SCRIPT;
	return 0;
}

static uint32_t word_at(const unsigned char *data)
{
	uint32_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

/* Names and descriptors of notes are padded to four bytes (gABI, PT_NOTE). */
static size_t padded(uint32_t size)
{
	return ((size_t)size + 3) & ~(size_t)3;
}

/* The Go linker leaves a note with the name "Go" and the build id. */
static bool has_go_note(const unsigned char *notes, size_t size)
{
	static const unsigned char name[4] = "Go\0";
	size_t at = 0;

	while (size - at >= NOTE_HEADER) {
		size_t name_size = padded(word_at(notes + at));
		size_t descriptor_size = padded(word_at(notes + at + 4));
		uint32_t type = word_at(notes + at + 8);
		at += NOTE_HEADER;
		if (name_size > size - at)
			return false;
		if (type == GO_NOTE_TYPE && name_size == sizeof(name) &&
			memcmp(notes + at, name, sizeof(name)) == 0)
			return true;
		at += name_size;
		if (descriptor_size > size - at)
			return false;
		at += descriptor_size;
	}
	return false;
}

static int inspect_notes(
	const struct file *file, const Elf64_Phdr *header, struct vb_oci_program *program)
{
	unsigned char notes[NOTES_MAX];
	size_t size = header->p_filesz < sizeof(notes) ? (size_t)header->p_filesz : sizeof(notes);
	int n = file->read(file->context, header->p_offset, notes, size);

	if (n < 0)
		return n;
	if (has_go_note(notes, (size_t)n))
		program->kind = VB_OCI_PROGRAM_GO;
	return 0;
}

static int read_loader(
	const struct file *file, const Elf64_Phdr *header, struct vb_oci_program *program)
{
	size_t size = (size_t)header->p_filesz;

	/* The limits of execve(2); it wants the NUL inside, too. */
	if (header->p_filesz < 2 || header->p_filesz > sizeof(program->interpreter))
		return -ENOEXEC;
	int r = read_exactly(file, header->p_offset, program->interpreter, size);
	if (r == 0 && program->interpreter[size - 1] != '\0')
		r = -ENOEXEC;
	if (r < 0)
		program->interpreter[0] = '\0';
	return r;
}

/* The first loader counts, as for the kernel; a Go note may stand before or behind it. */
static int inspect_segments(const struct file *file, const Elf64_Ehdr *elf, bool *ret_has_loader,
	struct vb_oci_program *program)
{
	bool has_loader = false;

	for (unsigned int i = 0; i < elf->e_phnum; i++) {
		Elf64_Phdr header;
		uint64_t offset = elf->e_phoff + (uint64_t)i * sizeof(header);
		int r = read_exactly(file, offset, &header, sizeof(header));
		if (r == 0 && header.p_type == PT_INTERP && !has_loader) {
			r = read_loader(file, &header, program);
			has_loader = true;
		} else if (r == 0 && header.p_type == PT_NOTE) {
			r = inspect_notes(file, &header, program);
		}
		if (r < 0)
			return r;
	}
	*ret_has_loader = has_loader;
	return 0;
}

static int inspect_elf64(
	const struct file *file, unsigned int machine, struct vb_oci_program *program)
{
	Elf64_Ehdr elf;
	bool has_loader = false;

	int r = read_exactly(file, 0, &elf, sizeof(elf));
	if (r < 0)
		return r;
	if (elf.e_ident[EI_DATA] != ELFDATA2LSB || elf.e_machine != machine) {
		program->kind = VB_OCI_PROGRAM_FOREIGN;
		return 0;
	}
	if ((elf.e_type != ET_EXEC && elf.e_type != ET_DYN) ||
		elf.e_phentsize != sizeof(Elf64_Phdr) ||
		(size_t)elf.e_phnum * sizeof(Elf64_Phdr) > PROGRAM_HEADERS_MAX)
		return -ENOEXEC;
	program->kind = VB_OCI_PROGRAM_DYNAMIC;
	r = inspect_segments(file, &elf, &has_loader, program);
	if (r == 0 && !has_loader)
		program->kind = VB_OCI_PROGRAM_STATIC;
	return r;
}

int vb_oci_program_inspect(vb_oci_program_read_fn read, void *context, unsigned int machine,
	struct vb_oci_program *ret_program)
{
	const struct file file = {.read = read, .context = context};
	char head[SCRIPT_LINE_MAX];
	struct vb_oci_program program = {.kind = VB_OCI_PROGRAM_UNKNOWN};

	int r = read(context, 0, head, sizeof(head));
	if (r < 0)
		return r;
	size_t size = (size_t)r;
	r = 0;
	if (size >= 2 && memcmp(head, "#!", 2) == 0)
		r = inspect_script(head, size, &program);
	else if (size > EI_CLASS && memcmp(head, ELFMAG, SELFMAG) == 0 &&
		 head[EI_CLASS] == ELFCLASS64)
		r = inspect_elf64(&file, machine, &program);
	else if (size > EI_CLASS && memcmp(head, ELFMAG, SELFMAG) == 0 &&
		 head[EI_CLASS] == ELFCLASS32)
		program.kind = VB_OCI_PROGRAM_32BIT;
	/* What is cut short or out of bounds, execve(2) does not run. */
	if (r == -ENODATA || r == -ENOEXEC) {
		program = (struct vb_oci_program){.kind = VB_OCI_PROGRAM_UNKNOWN};
		r = 0;
	}
	if (r == 0)
		*ret_program = program;
	return r;
}
