# SPDX-License-Identifier: Apache-2.0
"""The lines on stderr: their form, and what happens when stderr does not take them."""

import errno
import os
import re
import socket
import subprocess
import time

import harness
from harness import EXEC, TARGET, Case, denied, probe

DENIED_SHELL = denied("execve", "/bin/sh")


class Form(Case):
    def refused_path(self, name):
        self.copy_target(name)
        run = probe("execve", self.path(name), exec_list=TARGET)
        self.assert_returned(run, -1, errno.EPERM)
        self.assertEqual(len(run.errors), 1, str(run))
        return run.errors[0]

    def test_a_newline_in_a_path_cannot_begin_a_line(self):
        line = self.refused_path("x\nautonomy-preload: execve(y) denied")
        self.assertIn("x\\x0aautonomy-preload: execve(y) denied", line)

    def test_quotes_backslashes_and_controls_are_escaped(self):
        line = self.refused_path('a"b\\c\x1b[2J\x7f\r')
        self.assertIn('/a\\"b\\\\c\\x1b[2J\\x7f\\x0d) denied', line)

    def test_letters_beyond_ascii_are_kept(self):
        self.assertIn("/pr\u00fcfung) denied", self.refused_path("pr\u00fcfung"))

    def test_a_very_long_path_is_cut_but_its_line_is_whole(self):
        directory = self.directory
        while len(directory) < 3500:
            directory = os.path.join(directory, "d" * 200)
        line = self.refused_path(os.path.join(directory, "program"))
        self.assertLess(len(line), 3072)
        self.assertTrue(line.endswith(f"...) denied by {EXEC}"), line)

    def test_an_execution_is_audited_by_its_canonical_path(self):
        audit = {"AUTONOMY_PRELOAD_EXEC_AUDIT": "1"}
        os.symlink(TARGET, self.path("link"))
        run = probe("execve", self.path("link"), exec_list=TARGET, extra=audit)
        self.assertTrue(run.values("argv"), str(run))
        self.assertEqual(run.errors, [
            f'autonomy-preload-audit: execve(path="{os.path.realpath(TARGET)}", result=allowed)'
        ])
        run = probe("execve", self.path("link"), exec_list="none", extra=audit)
        self.assertEqual(run.errors, [
            f'autonomy-preload-audit: execve(path="{os.path.realpath(TARGET)}", result=denied)',
            denied("execve", self.path("link")),
        ])

    def test_an_audit_is_on_by_the_value_one_only(self):
        run = probe("execve", TARGET, extra={"AUTONOMY_PRELOAD_EXEC_AUDIT": "0"})
        self.assert_ran(run)

    def test_a_child_of_fork_writes_its_own_line(self):
        run = probe("fork", "execve", "/bin/sh", exec_list=TARGET)
        self.assertEqual(run.errors, [DENIED_SHELL])


class Unset(Case):
    """Without a list the shim is not to be noticed."""

    CALLS = (
        ("execve", TARGET), ("execve", "/missing"), ("execve", "/etc"), ("execve-null",),
        ("execv", TARGET), ("execvp", "echo", "hello"), ("execvpe", TARGET), ("execl", TARGET),
        ("execlp", TARGET), ("execle", TARGET), ("fexecve-fd", 77), ("posix_spawn", "/missing"),
        ("posix_spawnp", "missing"), ("execvp", "missing"), ("system", "echo hello; exit 3"),
        ("system-null",), ("popen", "echo hello"), ("wordexp", "$(echo hello)"),
        ("connect", "127.0.0.1", 9), ("connect-bytes", "127.0.0.1", 9, 129), ("connect-null",),
        ("connect-bad-fd", "127.0.0.1", 9),
    )

    def test_every_function_does_what_libcs_does(self):
        for call in self.CALLS:
            for lists in ({}, {"exec_list": "", "connect_list": ""}):
                with self.subTest(call=call, lists=lists):
                    plain = probe(*call, shim=False, extra={"LD_PRELOAD": ""}, **lists)
                    guarded = probe(*call, **lists)
                    # An emulated shell is the host's, which cannot load the shim and says so.
                    errors = [line for line in guarded.errors if "cannot be preloaded" not in line]
                    output = [line for line in guarded.output if "LD_PRELOAD" not in line]
                    expected = [line for line in plain.output if "LD_PRELOAD" not in line]
                    self.assertEqual(output, expected)
                    self.assertEqual(errors, plain.errors)
                    self.assertEqual(guarded.status, plain.status)


class Stderr(Case):
    """A workload with a broken stderr goes on as well as it did before."""

    def test_a_closed_stderr_is_no_harm(self):
        run = probe("close-stderr", "execve", "/bin/sh", exec_list="none")
        self.assert_returned(run, -1, errno.EPERM)

    def test_a_pipe_without_reader_is_no_harm(self):
        reading, writing = os.pipe()
        os.close(reading)
        run = probe("repeat", 3, "execve", "/bin/sh", exec_list="none", stderr=writing)
        os.close(writing)
        self.assert_returned(run, -1, errno.EPERM)
        self.assertEqual(len(run.output), 3)

    def test_a_signal_that_was_pending_stays_so(self):
        reading, writing = os.pipe()
        os.close(reading)
        run = probe("pending-signal", "execve", "/bin/sh", exec_list="none", stderr=writing)
        os.close(writing)
        self.assertEqual(run.output, ["result=-1 errno=1", "pending=1"], str(run))

    def start(self, stderr, *arguments):
        process = subprocess.Popen(
            harness.command(*arguments), env=harness.environment(exec_list="none"), stderr=stderr,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.addCleanup(process.communicate)
        return process

    def waits(self, process):
        """How often the process gave its processor away to wait for something."""
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"^voluntary_ctxt_switches:\s(\d+)", status.read(), re.M)[1])

    def next_results(self, process, count):
        """What the process reads is there before it asks for it, all but the last time."""
        process.stdin.write("\n" * count)
        process.stdin.flush()
        for _ in range(count):
            self.assertEqual(process.stdout.readline(), "result=-1 errno=1\n")

    def check_full(self, reading, writing, *modifiers):
        """Refuses two hundred times while full, is emptied, refuses once more."""
        filled = harness.fill(writing)
        started = time.monotonic()
        process = self.start(
            writing, *modifiers, "wait-between", "repeat", 201, "execve", "/bin/sh"
        )
        self.assertEqual(process.stdout.readline(), "result=-1 errno=1\n")
        self.assertGreater(time.monotonic() - started, 0.05)
        before = self.waits(process)
        self.next_results(process, 199)
        # Each of them would wait for stderr, and thereby at least once.
        self.assertLess(self.waits(process) - before, 100)
        harness.drain(reading, filled)
        self.next_results(process, 1)
        lines = os.read(reading, 65536).decode().splitlines()
        self.assertEqual(
            lines, ["autonomy-preload: 200 line(s) dropped, stderr was full", DENIED_SHELL]
        )

    def test_a_full_pipe_is_waited_for_once_and_the_lost_lines_are_counted(self):
        reading, writing = os.pipe()
        self.check_full(reading, writing)
        os.close(reading)
        os.close(writing)

    @harness.needs_native
    def test_a_full_pipe_of_an_old_kernel_is_treated_alike(self):
        reading, writing = os.pipe()
        self.check_full(reading, writing, "no-new-calls")
        os.close(reading)
        os.close(writing)

    def test_a_full_socket_is_waited_for_once_and_the_lost_lines_are_counted(self):
        left, right = socket.socketpair()
        self.check_full(left.fileno(), right.fileno())
        left.close()
        right.close()

    def test_a_full_pipe_that_does_not_block_is_treated_alike(self):
        reading, writing = os.pipe()
        filled = harness.fill(writing)
        os.set_blocking(writing, False)
        process = self.start(writing, "wait-between", "repeat", 2, "execve", "/bin/sh")
        self.assertEqual(process.stdout.readline(), "result=-1 errno=1\n")
        harness.drain(reading, filled)
        process.stdin.write("\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), "result=-1 errno=1\n")
        self.assertEqual(len(os.read(reading, 65536).decode().splitlines()), 2)
        os.close(reading)
        os.close(writing)

    def test_lines_go_to_a_file_whole(self):
        with open(self.path("log"), "w+", encoding="utf-8") as log:
            probe("repeat", 3, "execve", "/bin/sh", exec_list="none", stderr=log)
            log.seek(0)
            self.assertEqual(log.read().splitlines(), [DENIED_SHELL] * 3)


if __name__ == "__main__":
    harness.main()
