/* SPDX-License-Identifier: Apache-2.0 */
#include "early.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hook.h"
#include "vb/adjust/state.h"

enum { SETTINGS_MAX = 4096, PATH_SIZE = 512, HANDLERS_MAX = 16 };

static long system_call(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
	register long fourth __asm__("r10") = d;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
#endif
}

static bool equal(const char *text, size_t length, const char *word)
{
	size_t i = 0;

	while (i < length && word[i] != '\0' && text[i] == word[i])
		i++;
	return i == length && word[i] == '\0';
}

static size_t length_of(const char *text)
{
	size_t length = 0;

	/* The barrier keeps the compiler from making a call of strlen() of this. */
	while (text[length] != '\0') {
		length++;
		__asm__ volatile("");
	}
	return length;
}

static bool is(const char *text, const char *word)
{
	return equal(text, length_of(text), word);
}

/* Cursor over the settings; once something does not fit, fails stays true. */
struct scan {
	const char *text;
	size_t size;
	size_t at;
	bool fails;
};

static char peek(struct scan *scan)
{
	while (scan->at < scan->size &&
		(scan->text[scan->at] == ' ' || scan->text[scan->at] == '\n' ||
			scan->text[scan->at] == '\t' || scan->text[scan->at] == '\r'))
		scan->at++;
	if (scan->at >= scan->size)
		return '\0';
	return scan->text[scan->at];
}

static void expect(struct scan *scan, char character)
{
	if (peek(scan) != character)
		scan->fails = true;
	else
		scan->at++;
}

static void read_string(struct scan *scan, const char **ret_start, size_t *ret_length)
{
	expect(scan, '"');
	size_t start = scan->at;
	while (scan->at < scan->size && scan->text[scan->at] >= ' ' &&
		scan->text[scan->at] <= '~' && scan->text[scan->at] != '"' &&
		scan->text[scan->at] != '\\')
		scan->at++;
	*ret_start = scan->text + start;
	*ret_length = scan->at - start;
	if (scan->at >= scan->size || scan->text[scan->at] != '"')
		scan->fails = true;
	else
		scan->at++;
}

/* Steps over a comma; false at the end of the object, or where something else stands. */
static bool goes_on(struct scan *scan)
{
	if (peek(scan) == ',') {
		scan->at++;
		return !scan->fails;
	}
	expect(scan, '}');
	return false;
}

static void read_handler(struct scan *scan, const char **ret_path, size_t *ret_length)
{
	bool has_unplanned = false;
	const char *key = NULL;
	const char *value = NULL;
	size_t key_length = 0;
	size_t length = 0;

	*ret_length = 0;
	expect(scan, '{');
	do {
		read_string(scan, &key, &key_length);
		expect(scan, ':');
		read_string(scan, &value, &length);
		if (equal(key, key_length, "runtime") && *ret_length == 0 && length > 0 &&
			value[0] == '/') {
			*ret_path = value;
			*ret_length = length;
		} else if (equal(key, key_length, "unplanned") && !has_unplanned &&
			   (equal(value, length, "pass") || equal(value, length, "refuse"))) {
			has_unplanned = true;
		} else {
			scan->fails = true;
		}
	} while (goes_on(scan));
	if (*ret_length == 0)
		scan->fails = true;
}

/* The names so far; a repeated one would leave open which of the two counts. */
struct names {
	const char *start[HANDLERS_MAX];
	size_t length[HANDLERS_MAX];
	size_t count;
};

static bool add_name(struct names *names, const char *start, size_t length)
{
	for (size_t i = 0; i < names->count; i++) {
		size_t same = 0;
		while (same < length && same < names->length[i] &&
			names->start[i][same] == start[same])
			same++;
		if (same == length && same == names->length[i])
			return false;
	}
	if (names->count == HANDLERS_MAX)
		return false;
	names->start[names->count] = start;
	names->length[names->count++] = length;
	return true;
}

bool vb_early_find_runtime(const char *text, size_t size, const char *handler,
	const char **ret_path, size_t *ret_length)
{
	struct scan scan = {.text = text, .size = size, .at = 0, .fails = false};
	struct names names;
	const char *name = NULL;
	size_t length = 0;
	bool found = false;

	names.count = 0;
	expect(&scan, '{');
	read_string(&scan, &name, &length);
	if (!equal(name, length, "handlers"))
		return false;
	expect(&scan, ':');
	expect(&scan, '{');
	do {
		const char *path = NULL;
		size_t path_length = 0;
		read_string(&scan, &name, &length);
		if (scan.fails || !add_name(&names, name, length))
			return false;
		expect(&scan, ':');
		read_handler(&scan, &path, &path_length);
		if (!scan.fails && equal(name, length, handler)) {
			*ret_path = path;
			*ret_length = path_length;
			found = true;
		}
	} while (goes_on(&scan));
	expect(&scan, '}');
	return peek(&scan) == '\0' && scan.at == size && !scan.fails && found;
}

/* Only the file that main() would take as well: root's, and nobody else's to write. */
static size_t read_settings(char text[SETTINGS_MAX])
{
	struct stat st;
	const char *path = VB_HOOK_CONFIG_PATH;
	long fd = system_call(SYS_openat, AT_FDCWD, (long)path,
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);

	if (fd < 0)
		return 0;
	long n = 0;
	st.st_mode = 0;
	st.st_uid = 0;
	if (system_call(SYS_fstat, fd, (long)&st, 0, 0) == 0 && S_ISREG(st.st_mode) &&
		st.st_uid == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		n = system_call(SYS_read, fd, (long)text, SETTINGS_MAX, 0);
	(void)system_call(SYS_close, fd, 0, 0, 0);
	/* A file that fills the buffer may go on. */
	return n > 0 && n < SETTINGS_MAX ? (size_t)n : 0;
}

/* Appends and terminates; false when there is no room. */
static bool append(char path[PATH_SIZE], size_t *length, const char *text, size_t size)
{
	if (size >= PATH_SIZE - *length)
		return false;
	for (size_t i = 0; i < size; i++) {
		path[*length + i] = text[i];
		__asm__ volatile("");
	}
	*length += size;
	path[*length] = '\0';
	return true;
}

static bool is_hook(const char *runtime)
{
	struct stat other;
	struct stat own;
	const char *self = "/proc/self/exe";

	other.st_dev = 0;
	other.st_ino = 0;
	own.st_dev = 0;
	own.st_ino = 0;
	return system_call(SYS_newfstatat, AT_FDCWD, (long)runtime, (long)&other, 0) != 0 ||
	       system_call(SYS_newfstatat, AT_FDCWD, (long)self, (long)&own, 0) != 0 ||
	       (other.st_dev == own.st_dev && other.st_ino == own.st_ino);
}

/* As vb_container_id_is_valid(), with less room. */
static bool is_plain_id(const char *id)
{
	size_t length = length_of(id);

	if (length == 0 || length > 128 || id[0] == '.' || id[0] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!((id[i] >= 'a' && id[i] <= 'z') || (id[i] >= 'A' && id[i] <= 'Z') ||
			    (id[i] >= '0' && id[i] <= '9') || id[i] == '.' || id[i] == '_' ||
			    id[i] == '-'))
			return false;
	return true;
}

static bool make_path(char path[PATH_SIZE], const char *directory, const char *id)
{
	size_t length = 0;

	return append(path, &length, directory, length_of(directory)) &&
	       append(path, &length, id, length_of(id)) && append(path, &length, ".json", 5);
}

/* What vb_hook_clean_up() does, for `delete [--force] ID`. */
static bool clean_up(char *const *arguments)
{
	char plan[PATH_SIZE];
	char receipt[PATH_SIZE];
	char passed[PATH_SIZE];

	if (arguments[0] != NULL && is(arguments[0], "--force"))
		arguments++;
	if (arguments[0] == NULL || arguments[1] != NULL || !is_plain_id(arguments[0]) ||
		!make_path(plan, VB_STATE_DIR "/plans/", arguments[0]) ||
		!make_path(receipt, VB_STATE_DIR "/receipts/", arguments[0]) ||
		!make_path(passed, VB_STATE_DIR "/passed/", arguments[0]))
		return false;
	if (system_call(SYS_faccessat, AT_FDCWD, (long)plan, F_OK, 0) == -ENOENT) {
		(void)system_call(SYS_unlinkat, AT_FDCWD, (long)receipt, 0, 0);
		(void)system_call(SYS_unlinkat, AT_FDCWD, (long)passed, 0, 0);
	}
	return true;
}

/* Steps over the global options that containerd uses; NULL at any other. */
static char *const *find_command(char *const *argv)
{
	char *const *at = argv + 1;

	while (at[0] != NULL && at[0][0] == '-') {
		if (is(at[0], "--systemd-cgroup") || is(at[0], "--debug"))
			at++;
		else if ((is(at[0], "--root") || is(at[0], "--log") || is(at[0], "--log-format")) &&
			 at[1] != NULL)
			at += 2;
		else
			return NULL;
	}
	return at[0] != NULL ? at : NULL;
}

static bool only_passes(const char *command)
{
	return is(command, "start") || is(command, "kill") || is(command, "state") ||
	       is(command, "delete") || is(command, "ps") || is(command, "pause") ||
	       is(command, "resume") || is(command, "update") || is(command, "events") ||
	       is(command, "features") || is(command, "list");
}

static const char *base_name(const char *path)
{
	const char *name = path;

	for (size_t i = 0; path[i] != '\0'; i++)
		if (path[i] == '/')
			name = path + i + 1;
	return name;
}

void vb_early(long *stack)
{
	char settings[SETTINGS_MAX];
	char runtime[PATH_SIZE];
	const char *found = NULL;
	size_t found_length = 0;
	size_t length = 0;
	long argc = stack[0];
	char **argv = (char **)(stack + 1);

	if (argc < 2)
		return;
	char *const *command = find_command(argv);
	if (command == NULL || !only_passes(command[0]))
		return;
	size_t size = read_settings(settings);
	if (size == 0 ||
		!vb_early_find_runtime(settings, size, base_name(argv[0]), &found, &found_length) ||
		!append(runtime, &length, found, found_length) || is_hook(runtime))
		return;
	if (is(command[0], "delete") && !clean_up(command + 1))
		return;
	char *called_as = argv[0];
	argv[0] = runtime;
	(void)system_call(SYS_execve, (long)runtime, (long)argv, (long)(argv + argc + 1), 0);
	argv[0] = called_as;
}
