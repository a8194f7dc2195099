/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

/* Each test works in a directory of its own, which is its working directory. */
static char directory[64];
static struct vb_error err;
static bool dies_at_fsync;

int __real_fsync(int fd); // NOLINT
int __wrap_fsync(int fd); // NOLINT
int __wrap_fsync(int fd)  // NOLINT
{
	if (dies_at_fsync)
		(void)raise(SIGKILL);
	return __real_fsync(fd);
}

static void enter(void)
{
	(void)snprintf(directory, sizeof(directory), "/tmp/vb-test-file.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	memset(&err, 0, sizeof(err));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void leave(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void write_file(const char *path, const char *text)
{
	vb_auto_fclose FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
}

static void assert_file(const char *path, const char *text)
{
	vb_auto_free char *data = NULL;
	size_t size = 0;

	ck_assert_int_eq(vb_file_read(path, 1000, &data, &size, &err), 0);
	ck_assert_uint_eq(size, strlen(text));
	ck_assert_str_eq(data, text);
}

static unsigned int count_entries(void)
{
	DIR *dir = opendir(".");
	unsigned int count = 0;

	ck_assert_ptr_nonnull(dir);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

START_TEST(a_file_is_read_whole_and_ends_in_a_nul)
{
	write_file("f", "hello");
	assert_file("f", "hello");
	write_file("empty", "");
	assert_file("empty", "");
}
END_TEST

START_TEST(nul_bytes_are_content)
{
	vb_auto_free char *data = NULL;
	size_t size = 0;

	ck_assert_int_eq(vb_file_replace("f", "a\0b", 3, 0600, &err), 0);
	ck_assert_int_eq(vb_file_read("f", 3, &data, &size, &err), 0);
	ck_assert_uint_eq(size, 3);
	ck_assert_mem_eq(data, "a\0b", 4);
}
END_TEST

START_TEST(a_file_of_exactly_the_limit_is_read_and_one_above_is_not)
{
	vb_auto_free char *data = NULL;
	size_t size = 0;

	write_file("f", "12345");
	vb_assert_failed(vb_file_read("f", 4, &data, &size, &err), EFBIG, &err,
		"'f' has 5 bytes, at most 4 are read");
	ck_assert_ptr_null(data);
	ck_assert_int_eq(vb_file_read("f", 5, &data, &size, &err), 0);
	ck_assert_str_eq(data, "12345");
}
END_TEST

START_TEST(only_regular_files_are_read)
{
	char *data = NULL;
	size_t size = 0;

	ck_assert_int_eq(mkdir("d", 0755), 0);
	vb_assert_failed(vb_file_read("d", 9, &data, &size, &err), EINVAL, &err,
		"'d' is not a regular file");
	/* Would block for ever without O_NONBLOCK. */
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	vb_assert_failed(vb_file_read("fifo", 9, &data, &size, &err), EINVAL, &err,
		"'fifo' is not a regular file");
	vb_assert_failed(vb_file_read("none", 9, &data, &size, &err), ENOENT, &err,
		"open 'none': No such file or directory");
}
END_TEST

START_TEST(a_link_in_the_files_place_is_not_followed)
{
	char *data = NULL;
	size_t size = 0;

	write_file("f", "hello");
	ck_assert_int_eq(symlink("f", "link"), 0);
	vb_assert_failed(vb_file_read("link", 9, &data, &size, &err), ELOOP, &err,
		"open 'link': Too many levels of symbolic links");
}
END_TEST

START_TEST(a_stream_is_read_to_its_end)
{
	vb_auto_close int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	vb_auto_free char *data = NULL;
	vb_auto_free char *text = vb_str_format("%09000d", 1);

	write_file("f", text);
	ck_assert_int_eq(vb_file_read_stream(here, "f", 9000, &data, &err), 0);
	ck_assert_str_eq(data, text);
	char *more = NULL;
	vb_assert_failed(vb_file_read_stream(here, "f", 8999, &more, &err), EFBIG, &err,
		"read 'f': File too large");
	ck_assert_ptr_null(more);
	vb_assert_failed(vb_file_read_stream(here, "none", 10, &more, &err), ENOENT, &err,
		"open 'none': No such file or directory");
}
END_TEST

START_TEST(a_proc_file_without_a_size_is_read)
{
	vb_auto_close int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	vb_auto_free char *data = NULL;

	ck_assert_int_eq(vb_file_read_stream(proc, "status", 65536, &data, &err), 0);
	ck_assert_ptr_nonnull(strstr(data, "NoNewPrivs:"));
}
END_TEST

START_TEST(a_file_is_replaced_with_its_mode_and_no_leftovers)
{
	struct stat st;

	ck_assert_int_eq(vb_file_replace("f", "one", 3, 0640, &err), 0);
	ck_assert_int_eq(vb_file_replace("f", "two!", 4, 0604, &err), 0);
	assert_file("f", "two!");
	ck_assert_int_eq(stat("f", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0604);
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(replacing_replaces_a_link_and_not_its_target)
{
	struct stat st;

	write_file("target", "kept");
	ck_assert_int_eq(symlink("target", "f"), 0);
	ck_assert_int_eq(vb_file_replace("f", "new", 3, 0600, &err), 0);
	assert_file("target", "kept");
	assert_file("f", "new");
	ck_assert_int_eq(lstat("f", &st), 0);
	ck_assert(S_ISREG(st.st_mode));
}
END_TEST

static const enum vb_file_durability durabilities[] = {VB_FILE_ATOMIC, VB_FILE_DURABLE};

START_TEST(a_file_is_rewritten_with_the_owner_and_mode_that_it_has)
{
	struct stat st;
	/* Only root can give files away. */
	uid_t owner = geteuid() == 0 ? 1234 : geteuid();
	gid_t group = geteuid() == 0 ? 2345 : getegid();

	write_file("f", "one");
	ck_assert_int_eq(chown("f", owner, group), 0);
	ck_assert_int_eq(chmod("f", 02640), 0);
	ck_assert_int_eq(vb_file_rewrite("f", "two!", 4, durabilities[_i], &err), 0);
	assert_file("f", "two!");
	ck_assert_int_eq(stat("f", &st), 0);
	ck_assert_uint_eq(st.st_uid, owner);
	ck_assert_uint_eq(st.st_gid, group);
	ck_assert_uint_eq(st.st_mode & 07777, 02640);
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(only_a_regular_file_that_is_there_is_rewritten)
{
	write_file("target", "old");
	ck_assert_int_eq(symlink("target", "f"), 0);
	vb_assert_failed(vb_file_rewrite("f", "new", 3, VB_FILE_DURABLE, &err), EINVAL, &err,
		"'f' is not a regular file");
	ck_assert_int_eq(vb_file_rewrite("none", "new", 3, VB_FILE_DURABLE, &err), -ENOENT);
	assert_file("target", "old");
	ck_assert_uint_eq(count_entries(), 2);
}
END_TEST

START_TEST(a_replacement_that_fails_leaves_everything_as_it_was)
{
	ck_assert_int_eq(mkdir("f", 0755), 0);
	vb_assert_failed(vb_file_replace("f", "x", 1, 0600, &err), EISDIR, &err,
		"write 'f': Is a directory");
	ck_assert_uint_eq(count_entries(), 1);
	vb_assert_failed(vb_file_replace("no/such/f", "x", 1, 0600, &err), ENOENT, &err,
		"create a file in 'no/such': No such file or directory");
}
END_TEST

/* The directory may be on a file system that has none. */
static bool has_unnamed_files(void)
{
	vb_auto_close int fd = open(".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	return fd >= 0;
}

/* On the way to the disk is where a process that writes a file is longest. */
START_TEST(what_is_killed_while_it_writes_leaves_the_old_file_and_no_other)
{
	int status = 0;

	write_file("f", "old");
	if (!has_unnamed_files())
		return;
	pid_t pid = fork();
	if (pid == 0) {
		dies_at_fsync = true;
		_exit(vb_file_replace("f", "new", 3, 0600, NULL) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_file("f", "old");
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

/* A container may have no /proc, by which an unnamed file gets its name. */
START_TEST(without_proc_a_file_is_replaced_all_the_same)
{
	if (geteuid() != 0)
		return;
	write_file("f", "old");
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("none", "/proc", "tmpfs", 0, NULL), 0);
	ck_assert_int_eq(vb_file_replace("f", "new", 3, 0600, &err), 0);
	/* The leak sanitizer needs it. */
	ck_assert_int_eq(umount("/proc"), 0);
	assert_file("f", "new");
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(directories_are_made_with_their_parents)
{
	struct stat st;

	ck_assert_int_eq(vb_file_make_directories("a/b/c", &err), 0);
	ck_assert_int_eq(stat("a/b/c", &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	ck_assert_int_eq(vb_file_make_directories("a/b/c", &err), 0);
	ck_assert_int_eq(vb_file_make_directories("a//d/", &err), 0);
	ck_assert_int_eq(stat("a/d", &st), 0);
	ck_assert_int_eq(vb_file_make_directories("/", &err), 0);
	vb_auto_free char *absolute = vb_str_format("%s/e/f", directory);
	ck_assert_int_eq(vb_file_make_directories(absolute, &err), 0);
	ck_assert_int_eq(stat("e/f", &st), 0);
}
END_TEST

START_TEST(a_file_in_a_directorys_place_is_an_error)
{
	write_file("f", "");
	vb_assert_failed(vb_file_make_directories("f", &err), ENOTDIR, &err,
		"make directory 'f': Not a directory");
	vb_assert_failed(vb_file_make_directories("f/g", &err), ENOTDIR, &err,
		"make directory 'f': Not a directory");
	vb_assert_failed(vb_file_make_directories("", &err), ENOENT, &err,
		"make directory '': No such file or directory");
}
END_TEST

static int open_beneath(const char *path)
{
	vb_auto_close int here = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	vb_auto_close int fd = -1;

	return vb_file_open_beneath(here, path, O_RDONLY, &fd, &err);
}

START_TEST(nothing_leads_out_from_beneath_a_directory)
{
	ck_assert_int_eq(vb_file_make_directories("root/inner", &err), 0);
	write_file("secret", "s");
	write_file("root/f", "f");
	ck_assert_int_eq(symlink("../f", "root/inner/to-f"), 0);
	ck_assert_int_eq(symlink("../secret", "root/to-secret"), 0);
	ck_assert_int_eq(symlink("/etc/passwd", "root/absolute"), 0);

	ck_assert_int_eq(open_beneath("f"), 0);
	ck_assert_int_eq(open_beneath("inner/../f"), 0);
	ck_assert_int_eq(open_beneath("inner/to-f"), 0);
	vb_assert_failed(open_beneath("to-secret"), EXDEV, &err,
		"open 'to-secret': Invalid cross-device link");
	ck_assert_int_eq(open_beneath("absolute"), -EXDEV);
	ck_assert_int_eq(open_beneath("../secret"), -EXDEV);
	ck_assert_int_eq(open_beneath("/etc/passwd"), -EXDEV);
	ck_assert_int_eq(open_beneath("none"), -ENOENT);
}
END_TEST

START_TEST(a_file_opened_beneath_is_not_inherited)
{
	vb_auto_close int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	vb_auto_close int fd = -1;

	write_file("f", "");
	ck_assert_int_eq(vb_file_open_beneath(here, "f", O_RDONLY, &fd, &err), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("file");

	tcase_add_checked_fixture(tcase, enter, leave);
	tcase_add_test(tcase, a_file_is_read_whole_and_ends_in_a_nul);
	tcase_add_test(tcase, nul_bytes_are_content);
	tcase_add_test(tcase, a_file_of_exactly_the_limit_is_read_and_one_above_is_not);
	tcase_add_test(tcase, only_regular_files_are_read);
	tcase_add_test(tcase, a_link_in_the_files_place_is_not_followed);
	tcase_add_test(tcase, a_stream_is_read_to_its_end);
	tcase_add_test(tcase, a_proc_file_without_a_size_is_read);
	tcase_add_test(tcase, a_file_is_replaced_with_its_mode_and_no_leftovers);
	tcase_add_test(tcase, replacing_replaces_a_link_and_not_its_target);
	tcase_add_loop_test(tcase, a_file_is_rewritten_with_the_owner_and_mode_that_it_has, 0,
		VB_ARRAY_SIZE(durabilities));
	tcase_add_test(tcase, only_a_regular_file_that_is_there_is_rewritten);
	tcase_add_test(tcase, a_replacement_that_fails_leaves_everything_as_it_was);
	tcase_add_test(tcase, what_is_killed_while_it_writes_leaves_the_old_file_and_no_other);
	tcase_add_test(tcase, without_proc_a_file_is_replaced_all_the_same);
	tcase_add_test(tcase, directories_are_made_with_their_parents);
	tcase_add_test(tcase, a_file_in_a_directorys_place_is_an_error);
	tcase_add_test(tcase, nothing_leads_out_from_beneath_a_directory);
	tcase_add_test(tcase, a_file_opened_beneath_is_not_inherited);
	return vb_unit_run("file", tcase);
}
