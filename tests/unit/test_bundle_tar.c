/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "memory_limit.h"
#include "tar_maker.h"
#include "unit.h"
#include "vb/adjust/bundle_tar.h"

enum { CONTENT_MAX = 1 << 20 };

static struct vb_error err;
static struct vb_bundle_tar tar;

static void start(void)
{
	memset(&err, 0, sizeof(err));
	tar = (struct vb_bundle_tar){0};
	tar_begin();
}

static void finish(void)
{
	vb_bundle_tar_finish(&tar);
}

static int walk(void)
{
	return vb_bundle_tar_read(tar_data(), tar_size(), "manifest.json", CONTENT_MAX, &tar, &err);
}

static void assert_files(const char *const *names, size_t count)
{
	ck_assert_uint_eq(tar.files.count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(tar.files.items[i], names[i]);
}

static void add(const char *name, char type, const char *link)
{
	const struct tar_header header = {.name = name, .type = type, .link = link};

	tar_add_header(&header, 0);
}

START_TEST(files_are_found_with_and_without_a_dot_in_front)
{
	static const char *const files[] = {"manifest.json", "profiles/a.json", "policies/p.rego"};

	for (int dot = 0; dot < 2; dot++) {
		tar_begin();
		if (dot != 0) {
			add("./", '5', NULL);
			tar_add("./manifest.json", "{}");
			add("./profiles/", '5', NULL);
			tar_add("./profiles/a.json", "a");
			tar_add("./policies/p.rego", "p");
		} else {
			tar_add("manifest.json", "{}");
			tar_add("profiles/a.json", "a");
			tar_add("policies/p.rego", "p");
		}
		tar_end();
		ck_assert_msg(walk() == 0, "%s", err.what);
		assert_files(files, VB_ARRAY_SIZE(files));
		ck_assert_uint_eq(tar.content_size, 2);
		ck_assert_str_eq(tar.content, "{}");
		vb_bundle_tar_finish(&tar);
		tar = (struct vb_bundle_tar){0};
	}
}
END_TEST

START_TEST(a_file_that_is_not_there_is_no_error)
{
	tar_add("readme", "x");
	tar_end();
	ck_assert_int_eq(walk(), 0);
	ck_assert_ptr_null(tar.content);
	ck_assert_uint_eq(tar.files.count, 1);
}
END_TEST

START_TEST(a_directory_is_not_the_file_wanted)
{
	add("manifest.json/", '5', NULL);
	tar_end();
	ck_assert_int_eq(walk(), 0);
	ck_assert_ptr_null(tar.content);
}
END_TEST

START_TEST(the_wanted_file_may_be_as_long_as_said)
{
	static char text[CONTENT_MAX + 2];

	memset(text, ' ', CONTENT_MAX);
	tar_add("manifest.json", text);
	tar_end();
	ck_assert_int_eq(walk(), 0);
	ck_assert_uint_eq(tar.content_size, CONTENT_MAX);
	vb_bundle_tar_finish(&tar);
	tar = (struct vb_bundle_tar){0};
	text[CONTENT_MAX] = ' ';
	tar_begin();
	tar_add("manifest.json", text);
	tar_end();
	vb_assert_failed(walk(), EFBIG, &err,
		"member 'manifest.json' has 1048577 bytes, at most 1048576 are read");
}
END_TEST

static void make_absolute(void)
{
	tar_add("/etc/passwd", "x");
}

static void make_absolute_behind_a_dot(void)
{
	tar_add(".//etc/passwd", "x");
}

static void make_dot_dot(void)
{
	tar_add("profiles/../../x", "x");
}

static void make_dot_dot_at_the_end(void)
{
	add("profiles/..", '5', NULL);
}

static void make_inner_dot(void)
{
	tar_add("profiles/./x", "x");
}

static void make_empty_component(void)
{
	tar_add("profiles//x", "x");
}

static void make_symbolic_link(void)
{
	add("manifest.json", '2', "/etc/passwd");
}

static void make_inner_symbolic_link(void)
{
	add("manifest.json", '2', "manifest-1.json");
}

static void make_hard_link(void)
{
	add("manifest.json", '1', "../other/manifest.json");
}

static void make_character_device(void)
{
	add("policies/null", '3', NULL);
}

static void make_block_device(void)
{
	add("policies/sda", '4', NULL);
}

static void make_fifo(void)
{
	add("manifest.json", '6', NULL);
}

static void make_twins(void)
{
	tar_add("manifest.json", "{}");
	tar_add("./manifest.json", "{}");
}

static void make_file_and_directory(void)
{
	tar_add("profiles", "x");
	add("profiles/", '5', NULL);
}

static void make_large_size(void)
{
	const struct tar_header header = {.name = "manifest.json", .size_field = "77777777777"};

	tar_add_header(&header, 0);
}

static void make_size_over_8_gib(void)
{
	const struct tar_header header = {.name = "manifest.json",
		.size_field = "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"};

	tar_add_header(&header, 0);
}

static void make_negative_size(void)
{
	const struct tar_header header = {.name = "manifest.json",
		.size_field = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"};

	tar_add_header(&header, 0);
}

static void add_extension(const char *records, size_t size)
{
	const struct tar_header header = {.name = "pax", .type = 'x'};

	tar_add_header(&header, size);
	tar_add_content(records, size);
}

static void make_pax_size(void)
{
	static const char records[] = "21 size=999999999999\n";

	add_extension(records, sizeof(records) - 1);
	tar_add("manifest.json", "{}");
}

static void make_pax_path(void)
{
	static const char records[] = "20 path=/etc/passwd\n";

	add_extension(records, sizeof(records) - 1);
	tar_add("manifest.json", "{}");
}

/* As a user of this name makes it with Python or Go. */
static void make_pax_owner(void)
{
	static const char records[] = "17 uname=j\xc3\xbcrgen\n";

	add_extension(records, sizeof(records) - 1);
	tar_add("manifest.json", "{}");
}

static void make_sparse(void)
{
	static const char records[] =
		"28 GNU.sparse.map=1000000,2\n33 GNU.sparse.size=1099511627776\n";

	add_extension(records, sizeof(records) - 1);
	tar_add("manifest.json", "{}");
}

static void make_long_extension(void)
{
	static char records[80 << 10];

	memset(records, 'x', sizeof(records));
	(void)snprintf(records, sizeof(records), "%zu comment=", sizeof(records));
	records[strlen(records)] = 'x';
	records[sizeof(records) - 1] = '\n';
	tar_add("readme", "x");
	add_extension(records, sizeof(records));
	tar_add("manifest.json", "{}");
}

static void make_chain_of_extensions(void)
{
	tar_add("readme", "x");
	for (int i = 0; i < 16000; i++)
		add_extension("", 0);
	tar_add("manifest.json", "{}");
}

static void make_many_members(void)
{
	char name[16];

	for (int i = 0; i < 257; i++) {
		(void)snprintf(name, sizeof(name), "p/%d", i);
		tar_add(name, "");
	}
}

static void make_long_name(void)
{
	static char name[1024];

	memset(name, 'n', 300);
	const struct tar_header header = {.name = "././@LongLink", .type = 'L'};
	tar_add_header(&header, 301);
	tar_add_content(name, 301);
	tar_add("short", "x");
}

static void make_damaged_header(void)
{
	tar_add("manifest.json", "{}");
	tar_add_content("garbage", 7);
}

static void make_no_tar(void)
{
	tar_add_content("{}", 2);
}

static void make_gzip(void)
{
	static const uint8_t gzip[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};

	tar_add_bytes(gzip, sizeof(gzip));
}

static void make_hidden_member(void)
{
	tar_add("manifest.json", "{}");
	tar_end();
	tar_add("profiles/a.json", "x");
}

#define N51  "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
#define N255 N51 N51 N51 N51 N51

static const struct {
	void (*make)(void);
	const char *why;
} hostile[] = {
	{make_absolute, "member '/etc/passwd' has an absolute name"},
	{make_absolute_behind_a_dot, "member '/etc/passwd' has an absolute name"},
	{make_dot_dot, "member 'profiles/../../x' leads out of the bundle"},
	{make_dot_dot_at_the_end, "member 'profiles/..' leads out of the bundle"},
	{make_inner_dot, "member 'profiles/./x' has a name that is not in its shortest form"},
	{make_empty_component, "member 'profiles//x' has a name that is not in its shortest form"},
	{make_symbolic_link, "member 'manifest.json' is a symbolic link"},
	{make_inner_symbolic_link, "member 'manifest.json' is a symbolic link"},
	{make_hard_link, "member 'manifest.json' is a hard link"},
	{make_character_device, "member 'policies/null' is a device"},
	{make_block_device, "member 'policies/sda' is a device"},
	{make_fifo, "member 'manifest.json' is neither a file nor a directory"},
	{make_twins, "member 'manifest.json' stands there twice"},
	{make_file_and_directory, "member 'profiles' stands there twice"},
	{make_large_size,
		"member 'manifest.json' claims 8589934591 bytes, 1024 are left in the tar"},
	{make_size_over_8_gib, "member 'manifest.json' has a bad header: Tar entry size overflow"},
	{make_negative_size,
		"member 'manifest.json' has a bad header: Tar entry has negative size"},
	{make_pax_size,
		"member 'manifest.json' claims 999999999999 bytes, 1536 are left in the tar"},
	{make_pax_path, "member '/etc/passwd' has an absolute name"},
	{make_pax_owner, "member 'manifest.json' has a bad header: Uname can't be converted from "
			 "UTF-8 to current locale."},
	{make_sparse, "member 'manifest.json' is a sparse file"},
	{make_long_extension, "the header behind member 'readme' has more than 64 KiB"},
	{make_chain_of_extensions,
		"it is damaged behind member 'readme': Too many special headers"},
	{make_many_members, "member 'p/256' is one more than the 256 that are read"},
	{make_long_name, "member '" N255 "' has a name of more than 255 bytes"},
	{make_damaged_header, "it is damaged behind member 'manifest.json': Damaged tar archive"},
	{make_no_tar, "it is not a tar, or a compressed one"},
	{make_gzip, "it is not a tar, or a compressed one"},
	{make_hidden_member, "it goes on behind its end mark, after member 'manifest.json'"},
};

START_TEST(a_hostile_tar_is_refused_naming_the_member)
{
	hostile[_i].make();
	tar_end();
	vb_assert_failed(walk(), EINVAL, &err, hostile[_i].why);
	ck_assert_uint_eq(tar.files.count, 0);
	ck_assert_ptr_null(tar.content);
}
END_TEST

START_TEST(a_tar_cut_off_anywhere_is_refused)
{
	tar_add("manifest.json", "{\"kind\": \"bundle\"}");
	tar_add("profiles/a.json", "x");
	/* Only blocks of the end mark may be missing: one of the two is enough for tar(1) too. */
	size_t end = tar_size() + 512;
	tar_end();
	for (size_t size = 0; size < end; size++)
		ck_assert_int_eq(vb_bundle_tar_read(tar_data(), size, "manifest.json", CONTENT_MAX,
					 &tar, &err),
			-EINVAL);
}
END_TEST

START_TEST(a_cut_off_tar_is_told_by_its_last_member)
{
	static const struct {
		size_t size;
		const char *why;
	} cuts[] = {
		{0, "it is not a tar, or a compressed one"},
		{511, "it is not a tar, or a compressed one"},
		{512, "member 'manifest.json' claims 2 bytes, 0 are left in the tar"},
		{513, "member 'manifest.json' claims 2 bytes, 1 are left in the tar"},
		{514, "member 'manifest.json' is cut off"},
		{1024, "it is cut off behind member 'manifest.json'"},
		{1535, "it is damaged behind member 'manifest.json': Truncated tar archive"},
		{1536, "member 'profiles/a.json' claims 1 bytes, 0 are left in the tar"},
		{2048, "it is cut off behind member 'profiles/a.json'"},
	};

	tar_add("manifest.json", "{}");
	tar_add("profiles/a.json", "x");
	tar_end();
	for (size_t i = 0; i < VB_ARRAY_SIZE(cuts); i++)
		vb_assert_failed(vb_bundle_tar_read(tar_data(), cuts[i].size, "manifest.json",
					 CONTENT_MAX, &tar, &err),
			EINVAL, &err, cuts[i].why);
}
END_TEST

/* A map of holes as long as libarchive takes it, of which it makes twelve times as much. */
static void make_hungry(void)
{
	static char records[1000 << 10];

	memset(records, '0', sizeof(records));
	(void)snprintf(records, sizeof(records), "%zu GNU.sparse.map=", sizeof(records));
	size_t length = strlen(records);
	records[length] = '0';
	for (size_t i = length + 1; i + 2 < sizeof(records); i += 2)
		records[i] = ',';
	records[sizeof(records) - 1] = '\n';
	tar_add("readme", "x");
	add_extension(records, sizeof(records));
	tar_add("manifest.json", "{}");
}

START_TEST(a_hungry_tar_gets_no_more_than_8_mebibytes)
{
	make_hungry();
	tar_end();
	limit_memory(8 << 20);
	vb_assert_failed(
		walk(), EINVAL, &err, "the header behind member 'readme' has more than 64 KiB");
}
END_TEST

START_TEST(a_tar_has_16_mebibytes_at_most)
{
	static const uint8_t zeros[1 << 16];

	tar_add("manifest.json", "{}");
	while (tar_size() + sizeof(zeros) <= VB_BUNDLE_TAR_MAX)
		tar_add_bytes(zeros, sizeof(zeros));
	tar_add_bytes(zeros, VB_BUNDLE_TAR_MAX - tar_size());
	ck_assert_msg(walk() == 0, "%s", err.what);
	tar_add_bytes(zeros, 1);
	vb_assert_failed(walk(), EINVAL, &err, "it has 16777217 bytes, at most 16777216 are read");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("bundle_tar");

	tcase_add_checked_fixture(tcase, start, finish);
	tcase_add_test(tcase, files_are_found_with_and_without_a_dot_in_front);
	tcase_add_test(tcase, a_file_that_is_not_there_is_no_error);
	tcase_add_test(tcase, a_directory_is_not_the_file_wanted);
	tcase_add_test(tcase, the_wanted_file_may_be_as_long_as_said);
	tcase_add_loop_test(
		tcase, a_hostile_tar_is_refused_naming_the_member, 0, (int)VB_ARRAY_SIZE(hostile));
	tcase_add_test(tcase, a_tar_cut_off_anywhere_is_refused);
	tcase_add_test(tcase, a_cut_off_tar_is_told_by_its_last_member);
	if (MEMORY_CAN_BE_LIMITED)
		tcase_add_test(tcase, a_hungry_tar_gets_no_more_than_8_mebibytes);
	tcase_add_test(tcase, a_tar_has_16_mebibytes_at_most);
	return vb_unit_run("bundle_tar", tcase);
}
