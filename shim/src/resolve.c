/* SPDX-License-Identifier: Apache-2.0 */
#include "vb/shim/next.h"

#include <linux/errno.h>
#include <stdint.h>
#include <string.h>

#include "object.h"
#include "vb/shim/policy.h"

enum {
	DT_GNU_HASH_TAG = 0x6ffffef5,
	VERSION_HIDDEN = 0x8000,
	ERRNO_MAX = 4095,
	NEXT_COUNT = sizeof(struct vb_shim_next) / sizeof(void (*)(void)),
};

extern int dl_iterate_phdr(vb_shim_visit_fn visit, void *data) __attribute__((weak));
extern int *__errno_location(void) __attribute__((weak)); // NOLINT(readability-identifier-naming)
extern char **__environ __attribute__((weak));            // NOLINT(readability-identifier-naming)
extern int setenv(const char *name, const char *value, int replace) __attribute__((weak));
extern const char *gnu_get_libc_version(void) __attribute__((weak));

/* In the order of struct vb_shim_next. */
static const char names[NEXT_COUNT][20] = {"connect", "sendto", "sendmsg", "sendmmsg", "syscall",
	"execve", "execveat", "execvpe", "fexecve", "posix_spawn", "posix_spawnp", "pidfd_spawn",
	"pidfd_spawnp", "system", "popen", "wordexp", "dlopen", "dlmopen", "dlinfo",
	"dl_iterate_phdr", "__errno_location", "__environ", "setenv"};

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

static void read_dynamic(struct object *object, const Elf64_Dyn *entry)
{
	for (; entry->d_tag != DT_NULL; entry++) {
		const void *pointer = vb_shim_object_pointer(object->base, entry->d_un.d_ptr);

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

static bool open_object(uintptr_t base, const Elf64_Dyn *dynamic, struct object *ret_object)
{
	struct object object = {.base = base};

	if (dynamic != NULL)
		read_dynamic(&object, dynamic);
	*ret_object = object;
	return object.symbols != NULL && object.strings != NULL &&
	       (object.gnu_hash != NULL || object.sysv_hash != NULL);
}

static bool is_definition(const struct object *object, uint32_t index, const char *name)
{
	const Elf64_Sym *symbol = &object->symbols[index];
	unsigned int binding = symbol->st_info >> 4;
	unsigned int type = symbol->st_info & 15;

	if (symbol->st_shndx == 0 || symbol->st_value == 0 ||
		(type != STT_FUNC && type != STT_OBJECT))
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

static void look_up(struct walk *walk, const struct object *object)
{
	for (int i = 0; i < NEXT_COUNT; i++) {
		if (walk->found[i] == NULL)
			walk->found[i] = object->gnu_hash != NULL
						 ? find_by_gnu_hash(object, names[i])
						 : find_by_sysv_hash(object, names[i]);
	}
}

static int visit_object(const struct vb_shim_object_info *info, size_t size, void *data)
{
	struct walk *walk = data;
	struct object object;

	(void)size;
	if (!walk->past_self) {
		walk->past_self = vb_shim_object_contains(info, (uintptr_t)visit_object);
		if (walk->past_self && info->name != NULL)
			walk->self_name = info->name;
		return 0;
	}
	if (open_object(info->base, vb_shim_object_dynamic(info), &object))
		look_up(walk, &object);
	return 0;
}

/* Pointers to functions and objects only, of one size, in the order of names. */
static void keep_found(const struct walk *walk, struct vb_shim_next *next)
{
	memcpy(next, walk->found, sizeof(*next));
}

void vb_shim_next_resolve(struct vb_shim_next *next, const char **self_name)
{
	struct walk walk = {.self_name = ""};

	vb_shim_objects_visit(visit_object, &walk);
	keep_found(&walk, next);
	*self_name = walk.self_name;
}

void vb_shim_next_resolve_behind(struct vb_shim_next *next, const struct vb_shim_link_map *self)
{
	struct walk walk = {.self_name = ""};
	struct object object;

	for (self = self->next; self != NULL; self = self->next) {
		if (open_object(self->base, self->dynamic, &object))
			look_up(&walk, &object);
	}
	keep_found(&walk, next);
}

bool vb_shim_is_alone(void)
{
	return __errno_location == NULL && &__environ == NULL && dl_iterate_phdr == NULL;
}

void vb_shim_objects_visit(vb_shim_visit_fn visit, void *data)
{
	int (*iterate)(vb_shim_visit_fn, void *) = dl_iterate_phdr;

	if (iterate == NULL)
		iterate = vb_shim_policy_get()->next.dl_iterate_phdr;
	if (iterate != NULL)
		iterate(visit, data);
}

char **vb_shim_environment(void)
{
	char ***environment = &__environ;

	if (environment == NULL)
		environment = vb_shim_policy_get()->next.environment;
	return environment != NULL ? *environment : NULL;
}

int vb_shim_setenv(const char *name, const char *value)
{
	int (*set)(const char *, const char *, int) = setenv;

	if (set == NULL)
		set = vb_shim_policy_get()->next.setenv;
	return set != NULL && set(name, value, 1) == 0 ? 0 : -ENOMEM;
}

static int *errno_location(void)
{
	int *(*location)(void) = __errno_location;

	if (location == NULL)
		location = vb_shim_policy_get()->next.errno_location;
	return location != NULL ? location() : NULL;
}

int vb_shim_errno(void)
{
	int *location = errno_location();

	return location != NULL ? *location : 0;
}

void vb_shim_set_errno(int error)
{
	int *location = errno_location();

	if (location != NULL)
		*location = error;
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
	/* No other libc has the namespaces in which the shim is alone. */
	return gnu_get_libc_version != NULL || vb_shim_is_alone();
}
