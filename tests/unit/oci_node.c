/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_node.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vb/base/cleanup.h"
#include "vb/base/file.h"

static void write_map(const char *path, const char *text)
{
	vb_auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s: %s",
		path, strerror(errno));
}

static void become_root_of_a_user_namespace(void)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();

	ck_assert_msg(unshare(CLONE_NEWUSER) == 0, "user namespace: %s", strerror(errno));
	write_map("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "0 %u 1", uid);
	write_map("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "0 %u 1", gid);
	write_map("/proc/self/gid_map", map);
}

void support_enter_node(void)
{
	static const char *const emptied[] = {"/run", "/opt", "/var/log"};

	umask(022);
	if (geteuid() != 0)
		become_root_of_a_user_namespace();
	ck_assert_msg(unshare(CLONE_NEWNS) == 0, "mount namespace: %s", strerror(errno));
	ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	for (size_t i = 0; i < VB_ARRAY_SIZE(emptied); i++)
		ck_assert_msg(mount("tmpfs", emptied[i], "tmpfs", 0, "mode=0755") == 0, "%s: %s",
			emptied[i], strerror(errno));
}

void support_write_file(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "we");

	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

char *support_read_file(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	struct vb_error err = {0};

	int r = vb_file_read(path, 16 << 20, &text, &size, &err);
	ck_assert_msg(r == 0, "%s", err.what);
	return text;
}

void support_make_directories(const char *path)
{
	ck_assert_int_eq(vb_file_make_directories(path, NULL), 0);
}
