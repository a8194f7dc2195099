/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever happens to the log's file or to the process: no earlier line of it is lost. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "audit_frame.h"
#include "audit_sys.h"
#include "oci_node.h"
#include "unit.h"
#include "vb/base/file.h"
#include "vb/base/str.h"

#define DIRECTORY "/run/log/vambrace"
#define LOG       DIRECTORY "/audit.jsonl"

/* Of a frame whose number has one digit. */
static const size_t line_size = 135;

static struct vb_audit_file *file;
static struct vb_error err;

static void configure(uint64_t max_bytes)
{
	ck_assert_int_eq(vb_audit_file_configure(file, LOG, max_bytes), 0);
}

static void start(void)
{
	support_enter_node();
	memset(&err, 0, sizeof(err));
	file = vb_audit_file_create();
	ck_assert_ptr_nonnull(file);
	configure(1 << 20);
}

static void finish(void)
{
	vb_audit_file_destroy(file);
}

/* A process that starts anew. */
static void restart(void)
{
	finish();
	file = vb_audit_file_create();
	ck_assert_ptr_nonnull(file);
	configure(1 << 20);
}

static void make_frame(struct vb_audit_frame *frame, uint64_t number)
{
	const struct timespec at = {.tv_sec = 1};

	vb_audit_begin(frame, "test", &at);
	vb_audit_number(frame, "number", number);
	vb_audit_text(frame, "text", "some text of a usual length, so that the lines have one too");
	vb_audit_end(frame);
}

static int try_append(uint64_t number, enum vb_audit_durability durability)
{
	struct vb_audit_frame frame;

	make_frame(&frame, number);
	return vb_audit_file_append(file, frame.text, frame.used, durability, &err);
}

static void append(uint64_t number)
{
	ck_assert_msg(try_append(number, VB_AUDIT_WRITTEN) == 0, "%s", err.what);
}

/* As many as a struct content takes, with one more after them. */
enum { KILLED_FRAMES_MAX = 4000 };

/* A log that was read: its frames of event `test` by number, and what else there is. */
struct content {
	uint64_t numbers[4096];
	size_t count;
	size_t broken; /* lines that are no JSON */
	size_t repaired;
	json_int_t lost;
	size_t rotated;
};

static void read_line(struct content *content, const char *line, size_t length)
{
	json_t *object = json_loadb(line, length, 0, NULL);
	const char *event = json_string_value(json_object_get(object, "event"));

	if (object == NULL) {
		content->broken++;
	} else if (strcmp(event, "test") == 0) {
		ck_assert_uint_lt(content->count, VB_ARRAY_SIZE(content->numbers));
		content->numbers[content->count++] =
			(uint64_t)json_integer_value(json_object_get(object, "number"));
	} else if (strcmp(event, "audit-lost") == 0) {
		content->lost += json_integer_value(json_object_get(object, "count"));
	} else if (strcmp(event, "audit-rotated") == 0) {
		content->rotated++;
	} else {
		ck_assert_str_eq(event, "audit-repaired");
		content->repaired++;
	}
	json_decref(object);
}

/* Adds the lines of a file; all of it must be lines. */
static void read_log(const char *path, struct content *content)
{
	vb_auto_free char *text = support_read_file(path);

	for (const char *line = text; *line != '\0';) {
		const char *end = strchr(line, '\n');
		ck_assert_msg(end != NULL, "'%s' ends in '%s'", path, line);
		read_line(content, line, (size_t)(end - line));
		line = end + 1;
	}
}

static void expect_numbers(const struct content *content, uint64_t first, uint64_t last)
{
	ck_assert_uint_eq(content->count, last - first + 1);
	for (size_t i = 0; i < content->count; i++)
		ck_assert_uint_eq(content->numbers[i], first + i);
}

START_TEST(file_and_directory_are_made_and_not_for_everyone)
{
	struct content content = {0};
	struct stat st;

	umask(0);
	append(1);
	append(2);
	read_log(LOG, &content);
	expect_numbers(&content, 1, 2);
	ck_assert_int_eq(stat(LOG, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0640);
	ck_assert_int_eq(stat(DIRECTORY, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFDIR | 0750);
	ck_assert_uint_eq(vb_audit_file_counters(file)->frames, 2);
	ck_assert_uint_eq(vb_audit_file_counters(file)->bytes, 2 * line_size);
}
END_TEST

START_TEST(a_restart_goes_on_behind_what_is_there)
{
	struct content content = {0};

	append(1);
	restart();
	append(2);
	read_log(LOG, &content);
	expect_numbers(&content, 1, 2);
	ck_assert_uint_eq(content.repaired, 0);
}
END_TEST

START_TEST(a_log_cut_at_any_byte_is_repaired_and_loses_no_earlier_line)
{
	const size_t lines = 9;

	for (uint64_t i = 0; i < lines; i++)
		append(i);
	vb_auto_free char *whole = support_read_file(LOG);
	const size_t size = strlen(whole);
	ck_assert_uint_eq(size, lines * line_size);
	for (size_t cut = 0; cut <= size; cut++) {
		struct content content = {0};
		ck_assert_int_eq(vb_file_replace(LOG, whole, cut, 0640, NULL), 0);
		restart();
		append(lines);
		vb_auto_free char *text = support_read_file(LOG);
		ck_assert_mem_eq(text, whole, cut);
		read_log(LOG, &content);
		/* What lacks nothing but its newline is whole again. */
		bool is_torn = cut % line_size != 0;
		bool is_whole_again = cut % line_size == line_size - 1;
		ck_assert_uint_eq(content.count, cut / line_size + is_whole_again + 1);
		ck_assert_uint_eq(content.numbers[content.count - 1], lines);
		for (size_t i = 0; i + 1 < content.count; i++)
			ck_assert_uint_eq(content.numbers[i], i);
		ck_assert_uint_eq(content.repaired, is_torn);
		ck_assert_uint_eq(content.broken, is_torn && !is_whole_again);
		ck_assert_uint_eq(vb_audit_file_counters(file)->repairs, is_torn);
	}
}
END_TEST

START_TEST(a_tail_of_any_bytes_is_ended_and_measured)
{
	vb_auto_free char *tail = calloc(10000, 1);
	struct content content = {0};

	/* A power loss can leave a file longer than what reached the disk. */
	append(1);
	vb_auto_close int fd = open(LOG, O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(write(fd, tail, 10000), 10000);
	restart();
	append(2);
	vb_auto_free char *text = NULL;
	size_t size = 0;
	ck_assert_int_eq(vb_file_read(LOG, 1 << 20, &text, &size, NULL), 0);
	const char *rest = text + line_size + 10000;
	ck_assert_int_eq(*rest, '\n');
	ck_assert_ptr_nonnull(strstr(rest, "\"event\":\"audit-repaired\""));
	ck_assert_ptr_nonnull(strstr(rest, "\"count\":10000}"));
	read_line(&content, strrchr(rest, '{'), strlen(strrchr(rest, '{')));
	ck_assert_uint_eq(content.numbers[0], 2);
}
END_TEST

/*
 * In the child: appends until it is killed, and tells of each frame that is written. Without
 * libcheck's assertions: a child that is killed inside one leaves half a message in libcheck's
 * pipe.
 */
static void append_for_ever(int report_fd)
{
	for (uint64_t i = 0; i < KILLED_FRAMES_MAX; i++)
		if (try_append(i, VB_AUDIT_WRITTEN) < 0 ||
			write(report_fd, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	for (;;)
		(void)pause();
}

START_TEST(a_kill_during_writes_loses_no_line_that_was_written)
{
	for (unsigned int round = 0; round < 40; round++) {
		struct content content = {0};
		const struct timespec pause = {.tv_nsec = 100000L + 150000L * round};
		uint64_t number = 0;
		uint64_t written = 0;
		int pipe_fds[2];
		(void)unlink(LOG);
		restart();
		ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
		pid_t child = fork();
		ck_assert_int_ge(child, 0);
		if (child == 0)
			append_for_ever(pipe_fds[1]);
		(void)close(pipe_fds[1]);
		(void)nanosleep(&pause, NULL);
		ck_assert_int_eq(kill(child, SIGKILL), 0);
		ck_assert_int_eq(waitpid(child, NULL, 0), child);
		while (read(pipe_fds[0], &number, sizeof(number)) == sizeof(number))
			written = number + 1;
		(void)close(pipe_fds[0]);
		append(9999);
		read_log(LOG, &content);
		ck_assert_uint_le(written + 1, content.count);
		ck_assert_uint_le(content.count, written + 2);
		for (size_t i = 0; i + 1 < content.count; i++)
			ck_assert_uint_eq(content.numbers[i], i);
		ck_assert_uint_eq(content.broken, content.repaired);
	}
}
END_TEST

/* Debian's own, on a configuration that says how. */
static void run_logrotate(const char *how)
{
	vb_auto_free char *config = vb_str_format(LOG " {\n\trotate 4\n\t%s\n}\n", how);
	const char *program = "/usr/sbin/logrotate";
	int status = 0;

	support_write_file("/run/logrotate.conf", config, 0644);
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		(void)execl(program, program, "--force", "--state", "/run/logrotate.state",
			"/run/logrotate.conf", NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(status == 0, "logrotate: status %x", (unsigned int)status);
}

static const char *const rotations[] = {"create 0640 root root", "nocreate", "copytruncate",
	"nocreate\n\tcompress\n\tdelaycompress"};

START_TEST(logrotate_is_followed_at_the_next_frame)
{
	struct content old = {0};
	struct content current = {0};

	append(1);
	append(2);
	run_logrotate(rotations[_i]);
	append(3);
	append(4);
	run_logrotate(rotations[_i]);
	append(5);
	read_log(LOG, &current);
	expect_numbers(&current, 5, 5);
	read_log(LOG ".1", &old);
	expect_numbers(&old, 3, 4);
	ck_assert_uint_eq(current.broken + current.repaired + old.broken + old.repaired, 0);
}
END_TEST

START_TEST(a_fragment_is_not_carried_over_into_the_next_file)
{
	struct content content = {0};

	append(1);
	vb_auto_close int fd = open(LOG, O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "{\"ev", 4), 4);
	ck_assert_int_eq(rename(LOG, LOG ".1"), 0);
	append(2);
	read_log(LOG, &content);
	expect_numbers(&content, 2, 2);
	ck_assert_uint_eq(content.repaired, 0);
}
END_TEST

START_TEST(reopening_makes_the_file_anew)
{
	struct content content = {0};

	append(1);
	ck_assert_int_eq(unlink(LOG), 0);
	vb_audit_file_reopen(file);
	append(2);
	read_log(LOG, &content);
	expect_numbers(&content, 2, 2);
}
END_TEST

START_TEST(another_path_is_taken_for_the_next_frame)
{
	struct content content = {0};

	append(1);
	ck_assert_int_eq(vb_audit_file_configure(file, "/run/other/dir/a.jsonl", 1 << 20), 0);
	append(2);
	read_log("/run/other/dir/a.jsonl", &content);
	expect_numbers(&content, 2, 2);
}
END_TEST

START_TEST(at_the_cap_the_file_is_put_away_whole)
{
	const uint64_t cap = 4000;
	const uint64_t first = 1000;
	const uint64_t fitting = cap / (line_size + 3);
	struct content old = {0};
	struct content current = {0};
	struct stat st;

	configure(cap);
	for (uint64_t i = 0; i <= fitting; i++)
		append(first + i);
	read_log(LOG ".old", &old);
	expect_numbers(&old, first, first + fitting - 1);
	read_log(LOG, &current);
	expect_numbers(&current, first + fitting, first + fitting);
	ck_assert_uint_eq(current.rotated, 1);
	for (uint64_t i = 0; i < 1000; i++)
		append(i);
	ck_assert_int_eq(stat(LOG, &st), 0);
	ck_assert_uint_le((uint64_t)st.st_size, cap);
	ck_assert_int_eq(stat(LOG ".old", &st), 0);
	ck_assert_uint_le((uint64_t)st.st_size, cap);
	ck_assert_uint_gt(vb_audit_file_counters(file)->rotations, 10);
}
END_TEST

START_TEST(what_is_told_of_lost_frames_stays_below_the_cap_too)
{
	struct content content = {0};
	const uint64_t lines = 5;
	struct stat st;

	configure(lines * line_size);
	for (uint64_t i = 1; i < lines; i++)
		append(i);
	vb_audit_file_count_lost(file, UINT64_MAX);
	append(lines);
	ck_assert_int_eq(stat(LOG, &st), 0);
	ck_assert_uint_le((uint64_t)st.st_size, lines * line_size);
	read_log(LOG ".old", &content);
	read_log(LOG, &content);
	expect_numbers(&content, 1, lines);
}
END_TEST

/* An own file system for the log, so small that a few frames fill it. */
static void mount_small_disk(void)
{
	support_make_directories(DIRECTORY);
	ck_assert_int_eq(mount("tmpfs", DIRECTORY, "tmpfs", 0, "mode=0755,size=8192"), 0);
}

START_TEST(a_full_disk_loses_only_what_does_not_fit_and_says_how_much)
{
	struct content content = {0};
	uint64_t failed = 0;
	uint64_t fitted = 0;

	mount_small_disk();
	for (uint64_t i = 0; i < 100; i++) {
		int r = try_append(i, VB_AUDIT_WRITTEN);
		ck_assert_msg(r == 0 || r == -ENOSPC, "%s", err.what);
		failed += r < 0;
		fitted += r == 0;
	}
	ck_assert_uint_gt(failed, 20);
	ck_assert_uint_gt(fitted, 20);
	ck_assert_ptr_nonnull(strstr(err.what, "'" LOG "': No space left on device"));
	ck_assert_uint_eq(vb_audit_file_counters(file)->lost, failed);
	/* Room again: the fragment is ended, the number of lost ones is told, and it goes on. */
	ck_assert_int_eq(mount("tmpfs", DIRECTORY, "tmpfs", MS_REMOUNT, "size=65536"), 0);
	append(100);
	read_log(LOG, &content);
	ck_assert_uint_eq(content.count, fitted + 1);
	ck_assert_uint_eq(content.numbers[fitted], 100);
	for (size_t i = 0; i < fitted; i++)
		ck_assert_uint_eq(content.numbers[i], i);
	ck_assert_int_eq(content.lost, (json_int_t)failed);
	ck_assert_uint_eq(content.broken, content.repaired);
	/* Said once. */
	append(101);
	read_log(LOG, &content);
	ck_assert_int_eq(content.lost, 2 * (json_int_t)failed);
}
END_TEST

START_TEST(on_a_read_only_disk_nothing_is_written_and_everything_is_counted)
{
	mount_small_disk();
	append(1);
	vb_audit_file_reopen(file);
	ck_assert_int_eq(mount("tmpfs", DIRECTORY, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
	ck_assert_int_eq(try_append(2, VB_AUDIT_SYNCED), -EROFS);
	ck_assert_str_eq(err.what, "open '" LOG "': Read-only file system");
	ck_assert_uint_eq(vb_audit_file_counters(file)->lost, 1);
	ck_assert_uint_eq(vb_audit_file_counters(file)->syncs, 0);
}
END_TEST

START_TEST(a_path_that_is_no_regular_file_is_not_written_to)
{
	support_make_directories(DIRECTORY);
	ck_assert_int_eq(mkfifo(LOG, 0600), 0);
	ck_assert_int_eq(try_append(1, VB_AUDIT_WRITTEN), -EINVAL);
	ck_assert_str_eq(err.what, "'" LOG "' is no regular file");
	ck_assert_int_eq(unlink(LOG), 0);
	ck_assert_int_eq(symlink("/run/elsewhere", LOG), 0);
	ck_assert_int_eq(try_append(1, VB_AUDIT_WRITTEN), -ELOOP);
	ck_assert_int_ne(access("/run/elsewhere", F_OK), 0);
}
END_TEST

/* What fsync(2) was called for last; made to fail with fsync_errno. */
static struct stat synced;
static unsigned int sync_calls;
static int fsync_errno;

int __wrap_fsync(int fd); // NOLINT
int __wrap_fsync(int fd)  // NOLINT
{
	ck_assert_int_eq(fstat(fd, &synced), 0);
	sync_calls++;
	errno = fsync_errno;
	return fsync_errno == 0 ? 0 : -1;
}

START_TEST(a_frame_that_is_waited_for_is_synced_behind_its_write)
{
	struct stat st;

	append(1);
	/* The new file's name, in its directory. */
	ck_assert_uint_eq(sync_calls, 1);
	ck_assert(S_ISDIR(synced.st_mode));
	append(2);
	ck_assert_uint_eq(sync_calls, 1);
	ck_assert_int_eq(try_append(3, VB_AUDIT_SYNCED), 0);
	ck_assert_uint_eq(sync_calls, 2);
	ck_assert_int_eq(stat(LOG, &st), 0);
	ck_assert_uint_eq(synced.st_ino, st.st_ino);
	ck_assert_int_eq(synced.st_size, st.st_size);
	ck_assert_uint_eq(vb_audit_file_counters(file)->syncs, 1);
}
END_TEST

START_TEST(a_disk_that_does_not_sync_fails_the_frame_that_is_waited_for)
{
	append(1);
	fsync_errno = EIO;
	append(2);
	ck_assert_int_eq(try_append(3, VB_AUDIT_SYNCED), -EIO);
	ck_assert_str_eq(err.what, "sync '" LOG "': Input/output error");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("audit_file");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, file_and_directory_are_made_and_not_for_everyone);
	tcase_add_test(tcase, a_restart_goes_on_behind_what_is_there);
	tcase_add_test(tcase, a_log_cut_at_any_byte_is_repaired_and_loses_no_earlier_line);
	tcase_add_test(tcase, a_tail_of_any_bytes_is_ended_and_measured);
	tcase_add_test(tcase, a_kill_during_writes_loses_no_line_that_was_written);
	tcase_add_loop_test(
		tcase, logrotate_is_followed_at_the_next_frame, 0, (int)VB_ARRAY_SIZE(rotations));
	tcase_add_test(tcase, a_fragment_is_not_carried_over_into_the_next_file);
	tcase_add_test(tcase, reopening_makes_the_file_anew);
	tcase_add_test(tcase, another_path_is_taken_for_the_next_frame);
	tcase_add_test(tcase, at_the_cap_the_file_is_put_away_whole);
	tcase_add_test(tcase, what_is_told_of_lost_frames_stays_below_the_cap_too);
	tcase_add_test(tcase, a_full_disk_loses_only_what_does_not_fit_and_says_how_much);
	tcase_add_test(tcase, on_a_read_only_disk_nothing_is_written_and_everything_is_counted);
	tcase_add_test(tcase, a_path_that_is_no_regular_file_is_not_written_to);
	tcase_add_test(tcase, a_frame_that_is_waited_for_is_synced_behind_its_write);
	tcase_add_test(tcase, a_disk_that_does_not_sync_fails_the_frame_that_is_waited_for);
	return vb_unit_run("audit_file", tcase);
}
