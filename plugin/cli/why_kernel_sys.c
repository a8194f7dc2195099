/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "input.h"
#include "proc_stat.h"
#include "vb/adjust/evidence.h"
#include "vb/adjust/json.h"
#include "vb/base/file.h"
#include "vb/base/str.h"
#include "why.h"

#define KERNEL_LOG       "/dev/kmsg"
#define AUDIT_DAEMON_LOG "/var/log/audit/audit.log"

#define NS_PER_S INT64_C(1000000000)

enum {
	GROW_BY = 1024,
	STAT_MAX = 4096,
	/* The clock of audit records ticks with the scheduler, so it may lag behind. */
	CLOCK_TICK_NS = 20000000,
};

/* The inode of the first pid namespace, in whose numbers records are written. */
#define FIRST_PID_NAMESPACE 0xeffffffcU

void vb_why_records_finish(struct vb_why_records *records)
{
	free(records->items);
}

static int out_of_memory(struct vb_error *err)
{
	return vb_error_set(err, ENOMEM, "read the kernel's log");
}

static int keep(struct vb_why_records *records, const struct vb_seccomp_record *record)
{
	if (records->count == VB_WHY_RECORDS_MAX) {
		records->more++;
		return 0;
	}
	if (records->count == records->room) {
		size_t room = records->room + records->room / 2 + GROW_BY;
		struct vb_seccomp_record *items =
			reallocarray(records->items, room, sizeof(*items));
		if (items == NULL)
			return -ENOMEM;
		records->items = items;
		records->room = room;
	}
	records->items[records->count++] = *record;
	return 0;
}

/* Lines as they come, of a file or of /dev/kmsg. */
struct reading {
	int64_t since_ns;
	struct vb_why_records *records;
	size_t size;
	bool longer; /* than the room: the line cannot be a record */
	char line[VB_RECORD_LINE_MAX];
};

static int take_line(struct reading *reading, const char *line, size_t size)
{
	struct vb_seccomp_record record;
	uint64_t lost = 0;

	switch (vb_seccomp_record_read(line, size, &record, &lost)) {
	case VB_RECORD_SECCOMP:
		return record.at_ns >= reading->since_ns ? keep(reading->records, &record) : 0;
	case VB_RECORD_LOST:
		reading->records->lost += lost;
		return 0;
	case VB_RECORD_MALFORMED:
		reading->records->malformed++;
		return 0;
	case VB_RECORD_FOREIGN:
		break;
	}
	return 0;
}

static int end_line(struct reading *reading)
{
	int r = reading->longer ? 0 : take_line(reading, reading->line, reading->size);

	reading->size = 0;
	reading->longer = false;
	return r;
}

static int take_chunk(const uint8_t *chunk, size_t size, void *context, struct vb_error *err)
{
	struct reading *reading = context;

	for (size_t i = 0; i < size; i++) {
		if (chunk[i] == '\n') {
			if (end_line(reading) < 0)
				return out_of_memory(err);
		} else if (reading->size < sizeof(reading->line))
			reading->line[reading->size++] = (char)chunk[i];
		else
			reading->longer = true;
	}
	return 0;
}

static int read_file(const char *path, struct reading *reading, struct vb_error *err)
{
	int r = vb_input_stream(path, take_chunk, reading, err);

	if (r == 0 && end_line(reading) < 0)
		r = out_of_memory(err);
	return r;
}

/* One record a read(2); what stands behind its first line is for programs. */
static int read_kmsg(const char *path, struct reading *reading, struct vb_error *err)
{
	vb_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return vb_error_set(err, errno, "open '%s'", path);
	for (;;) {
		ssize_t n = read(fd, reading->line, sizeof(reading->line));
		if (n < 0 && errno == EAGAIN)
			return 0;
		/* Overwritten while we read: the next one is there. */
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n < 0)
			return vb_error_set(err, errno, "read '%s'", path);
		if (n == 0)
			return 0;
		const char *end = memchr(reading->line, '\n', (size_t)n);
		size_t size = end != NULL ? (size_t)(end - reading->line) : (size_t)n;
		if (take_line(reading, reading->line, size) < 0)
			return out_of_memory(err);
	}
}

static int compare_records(const void *a, const void *b)
{
	const struct vb_seccomp_record *left = a;
	const struct vb_seccomp_record *right = b;

	if (left->at_ns != right->at_ns)
		return left->at_ns < right->at_ns ? -1 : 1;
	return left->serial < right->serial ? -1 : left->serial > right->serial;
}

/* The kernel's log and that of auditd may hold the same records. */
static void sort_unique(struct vb_why_records *records)
{
	size_t kept = 0;

	if (records->count == 0)
		return;
	qsort(records->items, records->count, sizeof(*records->items), compare_records);
	for (size_t i = 1; i < records->count; i++)
		if (compare_records(&records->items[kept], &records->items[i]) != 0)
			records->items[++kept] = records->items[i];
	records->count = kept + 1;
}

int vb_why_read_records(const struct vb_why_setting *setting, struct vb_why_records *records,
	json_t *sources, struct vb_error *err)
{
	vb_auto_free struct reading *reading = calloc(1, sizeof(*reading));
	const char *path = setting->kernel_log != NULL ? setting->kernel_log : KERNEL_LOG;
	struct vb_error why = {0};

	if (reading == NULL)
		return out_of_memory(err);
	reading->since_ns = setting->since_ns;
	reading->records = records;
	int r = setting->kernel_log != NULL ? read_file(path, reading, &why)
					    : read_kmsg(path, reading, &why);
	if (r == -ENOMEM || vb_why_add_source(sources, "kernel log", vb_input_name(path),
				    r < 0 ? why.what : NULL) < 0)
		return out_of_memory(err);
	if (setting->kernel_log == NULL) {
		r = read_file(AUDIT_DAEMON_LOG, reading, &why);
		if (r == -ENOMEM)
			return out_of_memory(err);
		if (r != -ENOENT && vb_why_add_source(sources, "audit daemon's log",
					    AUDIT_DAEMON_LOG, r < 0 ? why.what : NULL) < 0)
			return out_of_memory(err);
	}
	sort_unique(records);
	return 0;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec at = {0};

	(void)clock_gettime(clock, &at);
	return at.tv_sec * NS_PER_S + at.tv_nsec;
}

/* A pid that was given to another process since says nothing. */
static bool is_older_than(const char *directory, int64_t at_ns)
{
	vb_auto_free char *path = vb_str_format("%s/stat", directory);
	vb_auto_free char *stat = NULL;
	uint64_t ticks = 0;
	long ticks_per_s = sysconf(_SC_CLK_TCK);

	if (path == NULL || ticks_per_s <= 0 ||
		vb_file_read_stream(AT_FDCWD, path, STAT_MAX, &stat, NULL) < 0 ||
		!vb_proc_start(stat, &ticks))
		return false;
	int64_t boot_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	return boot_ns + (int64_t)ticks * (NS_PER_S / ticks_per_s) <= at_ns + CLOCK_TICK_NS;
}

/*
 * Records name pids of the first namespace; elsewhere other processes have the same numbers. The
 * /proc of a host that is mounted in a container has no `self`; what has no process 1 either is no
 * procfs, and means what its maker says.
 */
static bool shows_first_pids(const char *proc)
{
	static const char *const processes[] = {"self", "1"};
	struct stat st;

	for (size_t i = 0; i < VB_ARRAY_SIZE(processes); i++) {
		vb_auto_free char *path = vb_str_format("%s/%s/ns/pid", proc, processes[i]);
		if (path == NULL)
			return false;
		if (stat(path, &st) == 0)
			return st.st_ino == FIRST_PID_NAMESPACE;
		if (errno != ENOENT)
			return false;
	}
	return true;
}

static bool is_in_cgroup_of(const char *cgroup, const json_t *target)
{
	const json_t *id = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(target, "ids"), i, id)
		if (vb_proc_cgroup_is_of(cgroup, json_string_value(id)))
			return true;
	return false;
}

enum vb_why_owner vb_why_find_owner(const struct vb_why_setting *setting,
	const struct vb_seccomp_record *record, const json_t *targets, size_t *ret_target)
{
	vb_auto_free char *directory = vb_str_format("%s/%" PRIu32, setting->proc, record->pid);
	vb_auto_free char *path = directory != NULL ? vb_str_format("%s/cgroup", directory) : NULL;
	vb_auto_free char *cgroup = NULL;
	const json_t *target = NULL;
	size_t i = 0;

	if (path == NULL || !shows_first_pids(setting->proc) ||
		vb_file_read_stream(AT_FDCWD, path, VB_PROC_CGROUP_MAX, &cgroup, NULL) < 0 ||
		/* After the cgroup: it was read of a process that is that old. */
		!is_older_than(directory, record->at_ns))
		return VB_WHY_GONE;
	json_array_foreach(targets, i, target)
		if (is_in_cgroup_of(cgroup, target)) {
			*ret_target = i;
			return VB_WHY_KNOWN;
		}
	return VB_WHY_OTHER;
}
