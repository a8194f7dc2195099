/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "unit.h"
#include "vb/adjust/seccomp_record.h"
#include "vb/base/cleanup.h"

#define HEAD "audit(1795929578.078:3750): auid=4294967295 uid=0 gid=0 ses=4294967295 "
#define TAIL "exe=\"/bin/attack\" sig=0 arch=c000003e syscall=165 compat=0 ip=0x7f99 code=0x50000"
#define BODY HEAD "pid=27006 comm=\"attack\" " TAIL

static struct vb_seccomp_record record;
static uint64_t lost;

static enum vb_record_kind read_line(const char *line)
{
	return vb_seccomp_record_read(line, strlen(line), &record, &lost);
}

START_TEST(a_record_is_read_wherever_it_stands)
{
	static const char *const lines[] = {
		"5,3752,13421085385,-;audit: type=1326 " BODY,
		"[13421.085385] audit: type=1326 " BODY,
		"[    3.085385] audit: type=1326 " BODY,
		"audit: type=1326 " BODY,
		"type=SECCOMP msg=" BODY "\035ARCH=x86_64 SYSCALL=mount",
		"type=1326 msg=" BODY,
	};

	ck_assert_int_eq(read_line(lines[_i]), VB_RECORD_SECCOMP);
	ck_assert_int_eq(record.at_ns, 1795929578078000000);
	ck_assert_uint_eq(record.serial, 3750);
	ck_assert_uint_eq(record.pid, 27006);
	ck_assert_uint_eq(record.code, 0x50000);
	ck_assert_str_eq(record.name, "attack");
	ck_assert_str_eq(vb_seccomp_record_action(&record), "SCMP_ACT_ERRNO");
	vb_auto_free char *call = vb_seccomp_record_call(&record);
	ck_assert_str_eq(call, "mount");
}
END_TEST

START_TEST(a_line_that_a_program_wrote_is_none)
{
	ck_assert_int_eq(read_line("12,1,2,-;audit: type=1326 " BODY), VB_RECORD_FOREIGN);
	ck_assert_int_eq(read_line("he said audit: type=1326 " BODY), VB_RECORD_FOREIGN);
}
END_TEST

START_TEST(a_name_cannot_imitate_another_field)
{
	ck_assert_int_eq(
		read_line("audit: type=1326 " HEAD "subj=a (enforce) pid=7 comm=2220706964 " TAIL),
		VB_RECORD_SECCOMP);
	ck_assert_uint_eq(record.pid, 7);
	ck_assert_str_eq(record.name, "\" pid");
	ck_assert_int_eq(
		read_line("audit: type=1326 " HEAD "pid=7 comm=1B5B " TAIL), VB_RECORD_SECCOMP);
	ck_assert_str_eq(record.name, "?[");
	ck_assert_int_eq(read_line("audit: type=1326 " HEAD "pid=7 comm=\"a\" pid=8 " TAIL),
		VB_RECORD_MALFORMED);
}
END_TEST

START_TEST(what_is_not_whole_is_malformed)
{
	static const char whole[] = "audit: type=1326 " BODY;
	/* Without its last digits it is another code, but still one. */
	size_t end = strlen(whole) - strlen("50000");

	for (size_t size = strlen("audit: type=1326 "); size <= end; size++)
		ck_assert_int_eq(
			vb_seccomp_record_read(whole, size, &record, &lost), VB_RECORD_MALFORMED);
}
END_TEST

START_TEST(the_call_is_named_by_its_architecture)
{
	static const struct {
		uint32_t arch;
		uint32_t call;
		const char *name;
		const char *arch_name;
	} calls[] = {
		{0xc000003e, 165, "mount", "x86_64"},
		{0xc00000b7, 40, "mount", "aarch64"},
		{0x40000003, 21, "mount", "x86"},
		{0xc000003e, 0x40000027, "getpid", "x32"},
		{0xc000003e, 99999, "x86_64:99999", "x86_64"},
		{0x12345678, 1, "0x12345678:1", "0x12345678"},
		{0xc000003e, 0xffffffff, "x32:4294967295", "x32"},
	};

	record = (struct vb_seccomp_record){.arch = calls[_i].arch, .call = calls[_i].call};
	vb_auto_free char *name = vb_seccomp_record_call(&record);
	vb_auto_free char *arch = vb_seccomp_record_arch(&record);
	ck_assert_str_eq(name, calls[_i].name);
	ck_assert_str_eq(arch, calls[_i].arch_name);
}
END_TEST

START_TEST(lines_that_the_kernel_left_out_are_counted)
{
	ck_assert_int_eq(
		read_line("[5.0] kauditd_printk_skb: 26 callbacks suppressed"), VB_RECORD_LOST);
	ck_assert_uint_eq(lost, 26);
	ck_assert_int_eq(read_line("show_signal_msg: 8 callbacks suppressed"), VB_RECORD_FOREIGN);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("seccomp_record");

	tcase_add_loop_test(tcase, a_record_is_read_wherever_it_stands, 0, 6);
	tcase_add_test(tcase, a_line_that_a_program_wrote_is_none);
	tcase_add_test(tcase, a_name_cannot_imitate_another_field);
	tcase_add_test(tcase, what_is_not_whole_is_malformed);
	tcase_add_loop_test(tcase, the_call_is_named_by_its_architecture, 0, 7);
	tcase_add_test(tcase, lines_that_the_kernel_left_out_are_counted);
	return vb_unit_run("seccomp_record", tcase);
}
