# SPDX-License-Identifier: Apache-2.0
"""libc's syscall(): the calls that are gated there, and that the others are libc's own."""

import errno
import sys

import harness
from harness import CONNECT, EXEC, LIBRARIES, SHIM, TARGET, Case, denied, denied_net, probe

OWN = f"{LIBRARIES}-own.so"

RING = "autonomy-preload: io_uring_setup(entries=8) denied by "


class Gated(Case):
    def test_execve_is_refused(self):
        run = probe("syscall-execve", "/bin/sh", exec_list=TARGET)
        self.assert_refused(run, denied("execve", "/bin/sh"))

    def test_execveat_is_refused(self):
        run = probe("syscall-execveat", -100, "/bin/sh", 0, exec_list=TARGET)
        self.assert_refused(run, denied("execveat", "/bin/sh"))

    def test_a_listed_program_runs_and_keeps_the_policy(self):
        run = probe("clearenv", "syscall-execve", TARGET, exec_list=TARGET)
        self.assert_ran(run)
        self.assertIn(f"{EXEC}={TARGET}", run.values("env"))

    def test_a_connect_list_alone_is_kept_by_executed_programs(self):
        run = probe("clearenv", "syscall-execve", TARGET, connect_list="none")
        self.assertIn(f"{CONNECT}=none", run.values("env"))

    def test_a_programs_own_functions_that_call_it_are_gated_once(self):
        extra = {"LD_PRELOAD": f"{OWN}:{SHIM}"}
        run = probe("execve", "/bin/sh", exec_list=TARGET, extra=extra)
        self.assert_refused(run, denied("execve", "/bin/sh"))
        run = probe("execveat", -100, "/bin/sh", 0, exec_list=TARGET, extra=extra)
        self.assert_refused(run, denied("execveat", "/bin/sh"))
        self.assert_ran(probe("execve", TARGET, exec_list=TARGET, extra=extra))

    def test_connect_is_refused(self):
        run = probe("syscall-connect", "8.8.8.8", 53, connect_list="none")
        self.assert_refused(run, denied_net("connect", "8.8.8.8:53"))

    def test_a_number_whose_upper_half_the_kernel_ignores_is_gated(self):
        run = probe("syscall-connect-high", "8.8.8.8", 53, connect_list="none")
        self.assert_refused(run, denied_net("connect", "8.8.8.8:53"))

    def test_a_listed_connection_is_made(self):
        run = probe("syscall-connect", "127.0.0.1", 9, connect_list="none")
        self.assert_returned(run, 0)
        self.assertEqual(run.errors, [])

    def test_a_ring_is_refused_under_a_connect_list(self):
        for exec_list in (None, TARGET):
            run = probe("syscall-io_uring_setup", 8, connect_list="none", exec_list=exec_list)
            self.assert_refused(run, RING + CONNECT)

    def test_a_ring_is_refused_under_an_exec_list(self):
        run = probe("syscall-io_uring_setup", 8, exec_list=TARGET)
        self.assert_refused(run, RING + EXEC)

    def test_a_ring_without_a_list_is_the_kernels(self):
        plain = probe("syscall-io_uring_setup", 8, shim=False)
        run = probe("syscall-io_uring_setup", 8, extra={"AUTONOMY_PRELOAD_CONNECT_AUDIT": "1"})
        self.assertEqual(run.output, plain.output)
        self.assertEqual(run.errors, [])


class Passed(Case):
    """What is not gated arrives in libc as it was called, with a list and without."""

    def same(self, *arguments):
        plain = probe(*arguments, shim=False)
        for settings in ({}, {"exec_list": TARGET, "connect_list": "none"}):
            run = probe(*arguments, **settings)
            self.assertEqual(run.output, plain.output)
            self.assertEqual(run.errors, [])
        return plain

    def test_a_call_without_arguments(self):
        self.assert_returned(self.same("syscall-getppid"), 0)

    def test_an_error_is_in_errno(self):
        self.assert_returned(self.same("syscall-close", 77), -1, errno.EBADF)

    def test_the_sixth_argument_arrives(self):
        self.assert_returned(self.same("syscall-map"), ord("2"))

    @harness.needs(harness.LIBC == "glibc" and not harness.EMULATED, "other stubs do not return on the new stack")
    def test_a_child_starts_on_its_own_stack(self):
        self.assert_returned(self.same("syscall-clone"), 42)


if __name__ == "__main__":
    if not harness.enter_network():
        print("SKIP: cannot make a network namespace")
        sys.exit(77)
    harness.main()
