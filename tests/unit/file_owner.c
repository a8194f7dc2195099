/* SPDX-License-Identifier: Apache-2.0 */
#include "file_owner.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "file_clock.h"

uid_t file_owner;
bool file_read_only_mount;

// NOLINTBEGIN(readability-identifier-naming): the linker chooses these names.
int __real_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st)
{
	int r = __real_fstat64(fd, st);

	st->st_uid = file_owner;
	file_clock_stamp(st);
	return r;
}

int __real_fstatvfs64(int fd, struct statvfs *fs);
int __wrap_fstatvfs64(int fd, struct statvfs *fs);
int __wrap_fstatvfs64(int fd, struct statvfs *fs)
{
	int r = __real_fstatvfs64(fd, fs);

	fs->f_flag = file_read_only_mount ? ST_RDONLY : 0;
	return r;
}

// NOLINTEND(readability-identifier-naming)
