/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/next.h"

#include <linux/elf.h>
#include <stdint.h>
#include <string.h>

enum {
	DT_GNU_HASH_TAG = 0x6ffffef5,
	VERSION_HIDDEN = 0x8000,
	ERRNO_MAX = 4095,
	NEXT_COUNT = sizeof(struct vb_shim_next) / sizeof(void (*)(void)),
};

/* The leading members, which are the same in every libc (dl_iterate_phdr(3)). */
struct object_info {
	Elf64_Addr base;
	const char *name;
	const Elf64_Phdr *headers;
	Elf64_Half header_count;
};

extern int dl_iterate_phdr(int (*visit)(const struct object_info *info, size_t size, void *data),
	void *data) __attribute__((weak));
extern int *__errno_location(void) __attribute__((weak)); // NOLINT(readability-identifier-naming)
extern const char *gnu_get_libc_version(void) __attribute__((weak));

/* In the order of struct vb_shim_next. */
static const char names[NEXT_COUNT][16] = {"connect", "sendto", "sendmsg", "sendmmsg", "syscall",
	"execve", "execveat", "execvpe", "fexecve", "posix_spawn", "posix_spawnp", "pidfd_spawn",
	"pidfd_spawnp", "system", "popen", "wordexp"};

/* The tables of one object that a lookup by name needs. */
struct object {
	uintptr_t base;
	const Elf64_Sym *symbols;
	const char *strings;
	const uint32_t *gnu_hash;
	const uint32_t *sysv_hash;
	const uint16_t *versions;
};

struct walk {
	void *found[NEXT_COUNT];
	const char *self_name;
	bool past_self;
};

static bool object_contains(const struct object_info *info, uintptr_t address)
{
	for (unsigned int i = 0; i < info->header_count; i++) {
		const Elf64_Phdr *header = &info->headers[i];

		if (header->p_type == PT_LOAD &&
			address - (info->base + header->p_vaddr) < header->p_memsz)
			return true;
	}
	return false;
}

/* glibc relocates these pointers in place, musl and the vDSO leave them relative to the base. */
static const void *dynamic_pointer(uintptr_t base, Elf64_Addr value)
{
	return (const void *)(value < base ? base + value : value);
}

static void read_dynamic(struct object *object, const Elf64_Dyn *entry)
{
	for (; entry->d_tag != DT_NULL; entry++) {
		const void *pointer = dynamic_pointer(object->base, entry->d_un.d_ptr);

		if (entry->d_tag == DT_SYMTAB)
			object->symbols = pointer;
		else if (entry->d_tag == DT_STRTAB)
			object->strings = pointer;
		else if (entry->d_tag == DT_GNU_HASH_TAG)
			object->gnu_hash = pointer;
		else if (entry->d_tag == DT_HASH)
			object->sysv_hash = pointer;
		else if (entry->d_tag == DT_VERSYM)
			object->versions = pointer;
	}
}

static bool open_object(const struct object_info *info, struct object *ret_object)
{
	struct object object = {.base = info->base};

	for (unsigned int i = 0; i < info->header_count; i++) {
		if (info->headers[i].p_type == PT_DYNAMIC)
			read_dynamic(&object,
				(const Elf64_Dyn *)(info->base + info->headers[i].p_vaddr));
	}
	*ret_object = object;
	return object.symbols != NULL && object.strings != NULL &&
	       (object.gnu_hash != NULL || object.sysv_hash != NULL);
}

static bool is_definition(const struct object *object, uint32_t index, const char *name)
{
	const Elf64_Sym *symbol = &object->symbols[index];
	unsigned int binding = symbol->st_info >> 4;

	if (symbol->st_shndx == 0 || symbol->st_value == 0 || (symbol->st_info & 15) != STT_FUNC)
		return false;
	if (binding != STB_GLOBAL && binding != STB_WEAK)
		return false;
	if (object->versions != NULL && (object->versions[index] & VERSION_HIDDEN) != 0)
		return false;
	return strcmp(object->strings + symbol->st_name, name) == 0;
}

static void *symbol_address(const struct object *object, uint32_t index)
{
	return (void *)(object->base + object->symbols[index].st_value);
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t hash = 5381;

	for (; *name != '\0'; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

/* Table: bucket count, first symbol, bloom words, bloom shift; bloom; buckets; chains. */
static void *find_by_gnu_hash(const struct object *object, const char *name)
{
	const uint32_t *table = object->gnu_hash;
	const uint64_t *bloom = (const uint64_t *)(table + 4);
	const uint32_t *buckets = (const uint32_t *)(bloom + table[2]);
	const uint32_t *chains = buckets + table[0];
	uint32_t hash = gnu_hash(name);
	uint64_t word = bloom[hash / 64 & (table[2] - 1)];
	uint32_t index;

	if ((word >> hash % 64 & word >> (hash >> table[3]) % 64 & 1) == 0)
		return NULL;
	index = buckets[hash % table[0]];
	if (index < table[1])
		return NULL;
	for (;; index++) {
		uint32_t chained = chains[index - table[1]];

		if ((chained | 1) == (hash | 1) && is_definition(object, index, name))
			return symbol_address(object, index);
		if ((chained & 1) != 0)
			return NULL;
	}
}

static uint32_t sysv_hash(const char *name)
{
	uint32_t hash = 0;

	for (; *name != '\0'; name++) {
		hash = (hash << 4) + (unsigned char)*name;
		hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
	}
	return hash;
}

/* Table: bucket count, chain count; buckets; chains. */
static void *find_by_sysv_hash(const struct object *object, const char *name)
{
	const uint32_t *table = object->sysv_hash;
	const uint32_t *buckets = table + 2;
	const uint32_t *chains = buckets + table[0];

	for (uint32_t i = buckets[sysv_hash(name) % table[0]]; i != 0; i = chains[i]) {
		if (is_definition(object, i, name))
			return symbol_address(object, i);
	}
	return NULL;
}

static int visit_object(const struct object_info *info, size_t size, void *data)
{
	struct walk *walk = data;
	struct object object;

	(void)size;
	if (!walk->past_self) {
		walk->past_self = object_contains(info, (uintptr_t)visit_object);
		if (walk->past_self && info->name != NULL)
			walk->self_name = info->name;
		return 0;
	}
	if (!open_object(info, &object))
		return 0;
	for (int i = 0; i < NEXT_COUNT; i++) {
		if (walk->found[i] == NULL)
			walk->found[i] = object.gnu_hash != NULL
						 ? find_by_gnu_hash(&object, names[i])
						 : find_by_sysv_hash(&object, names[i]);
	}
	return 0;
}

void vb_shim_next_resolve(struct vb_shim_next *next, const char **self_name)
{
	struct walk walk = {.self_name = ""};

	if (dl_iterate_phdr != NULL)
		dl_iterate_phdr(visit_object, &walk);
	/* Pointers to functions only, of one size, in the order of names. */
	memcpy(next, walk.found, sizeof(*next));
	*self_name = walk.self_name;
}

int vb_shim_errno(void)
{
	return __errno_location != NULL ? *__errno_location() : 0;
}

void vb_shim_set_errno(int error)
{
	if (__errno_location != NULL)
		*__errno_location() = error;
}

int vb_shim_fail(int error)
{
	vb_shim_set_errno(-error);
	return -1;
}

long vb_shim_result(long result)
{
	return result < 0 && result >= -ERRNO_MAX ? vb_shim_fail((int)result) : result;
}

bool vb_shim_is_glibc(void)
{
	return gnu_get_libc_version != NULL;
}
