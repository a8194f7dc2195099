# SPDX-License-Identifier: Apache-2.0
"""The exec family under the shim: what is refused, what runs, and what the lines say."""

import errno
import os
import subprocess
import unittest

import harness
from harness import Case, denied, probe

MERGED_USR = os.path.islink("/bin")


class EveryEntryPoint(Case):
    """Each refuses the shell once, with one line."""

    def refuses(self, *arguments, operation="execve", path="/bin/sh"):
        self.assert_refused(probe(*arguments, exec_list=harness.TARGET), denied(operation, path))

    def test_execve_refuses_an_unlisted_program(self):
        self.refuses("execve", "/bin/sh")

    def test_execv_refuses_an_unlisted_program(self):
        self.refuses("execv", "/bin/sh")

    def test_execvp_refuses_an_unlisted_program(self):
        self.refuses("execvp", "/bin/sh")

    def test_execvpe_refuses_an_unlisted_program(self):
        self.refuses("execvpe", "/bin/sh")

    def test_execl_refuses_an_unlisted_program(self):
        self.refuses("execl", "/bin/sh")

    def test_execlp_refuses_an_unlisted_program(self):
        self.refuses("execlp", "/bin/sh")

    def test_execle_refuses_an_unlisted_program(self):
        self.refuses("execle", "/bin/sh")

    def test_fexecve_names_the_canonical_path(self):
        self.refuses(
            "fexecve", "/bin/sh", operation="execveat", path=os.path.realpath("/bin/sh")
        )

    def test_execveat_names_the_requested_path(self):
        self.refuses("execveat", -100, "/bin/sh", 0, operation="execveat")

    def test_execveat_resolves_against_its_directory(self):
        self.refuses("execveat", "/bin", "sh", 0, operation="execveat", path="sh")

    def test_posix_spawn_returns_eperm(self):
        run = probe("posix_spawn", "/bin/sh", exec_list=harness.TARGET)
        self.assert_returned(run, errno.EPERM)
        self.assertEqual(run.errors, [denied("execve", "/bin/sh")])

    def test_posix_spawnp_returns_eperm(self):
        run = probe("posix_spawnp", "sh", exec_list=harness.TARGET)
        self.assert_returned(run, errno.EPERM)
        self.assertEqual(run.errors, [denied("execve", "/usr/bin/sh")])

    def test_system_returns_minus_one(self):
        self.refuses("system", "true")

    def test_system_without_a_command_says_there_is_no_shell(self):
        run = probe("system-null", exec_list=harness.TARGET)
        self.assert_returned(run, 0, errno.EPERM)
        self.assertEqual(run.errors, [denied("execve", "/bin/sh")])

    def test_popen_returns_null(self):
        self.refuses("popen", "true")

    def test_wordexp_reports_a_command_substitution(self):
        run = probe("wordexp", "$(echo hello)", exec_list=harness.TARGET)
        self.assert_returned(run, 4, errno.EPERM)
        self.assertEqual(run.errors, [denied("execve", "/bin/sh")])

    @harness.needs_glibc
    def test_wordexp_without_a_command_needs_no_shell(self):
        run = probe("wordexp", "$PATH", exec_list=harness.TARGET)
        self.assertEqual(run.value("word"), "/usr/bin:/bin")
        self.assert_silent(run)

    @harness.needs_glibc
    def test_wordexp_that_is_to_start_none_needs_no_shell(self):
        run = probe("wordexp-no-commands", "$(echo hello)", exec_list=harness.TARGET)
        self.assertEqual(run.value("result"), "4", str(run))
        self.assert_silent(run)

    def test_pidfd_spawn_is_enosys_where_libc_has_none(self):
        run = probe("pidfd_spawn", "/bin/sh", exec_list="none")
        self.assertIn(run.value("result"), (str(errno.ENOSYS), str(errno.EPERM)))


class Listed(Case):
    """What the list holds runs as if there were no shim."""

    ACTIONS = ("execve", "execv", "execvp", "execvpe", "execl", "execlp", "execle")

    def test_a_listed_program_runs_by_every_exec(self):
        for action in self.ACTIONS:
            with self.subTest(action):
                self.assert_ran(probe(action, harness.TARGET, exec_list=harness.TARGET))

    def test_a_listed_program_runs_by_every_spawn(self):
        for action in ("posix_spawn", "posix_spawnp"):
            with self.subTest(action):
                run = probe(action, harness.TARGET, exec_list=harness.TARGET)
                self.assert_spawned(run, harness.TARGET)

    def test_a_listed_shell_runs_by_system_and_popen(self):
        for action in ("system", "popen"):
            with self.subTest(action):
                run = probe(action, "echo word=hello; exit 3", exec_list="/bin/dash")
                self.assertEqual(run.value("word"), "hello", str(run))
                self.assertEqual(run.value("result"), str(3 << 8))
                self.assert_silent(run)

    def test_arguments_arrive_in_order(self):
        for action in ("execl", "execlp", "execle"):
            with self.subTest(action):
                run = probe(action, harness.TARGET, exec_list=harness.TARGET)
                self.assertEqual(run.values("argv"), [harness.TARGET, "one", "two"])

    def test_execle_takes_the_environment_behind_the_arguments(self):
        run = probe("execle", harness.TARGET, exec_list=harness.TARGET)
        self.assertEqual(run.values("env")[0], "ONLY=this")

    def test_a_listed_program_runs_by_its_descriptor(self):
        self.assert_ran(probe("fexecve", harness.TARGET, exec_list=harness.TARGET))

    @harness.needs_execveat
    def test_a_listed_program_runs_below_a_directory_descriptor(self):
        self.assert_ran(
            probe("execveat", os.path.dirname(harness.TARGET), os.path.basename(harness.TARGET),
                  0, exec_list=harness.TARGET)
        )

    def test_a_null_path_is_efault(self):
        self.assert_returned(probe("execve-null", exec_list="none"), -1, errno.EFAULT)


class Lists(Case):
    def test_a_malformed_entry_is_skipped_with_one_warning(self):
        run = probe("repeat", 2, "execve", "/bin/sh", exec_list=f"sh:/a/../b:{harness.TARGET}")
        self.assertEqual(run.errors, [
            f'autonomy-preload: {harness.EXEC}: skipped 2 malformed, first "sh"',
            denied("execve", "/bin/sh"), denied("execve", "/bin/sh")])

    def test_a_list_without_a_valid_entry_refuses_everything(self):
        run = probe("execve", harness.TARGET, exec_list="sh")
        self.assert_returned(run, -1, errno.EPERM)
        self.assertEqual(run.errors, [
            f'autonomy-preload: {harness.EXEC}: skipped 1 malformed, first "sh"; '
            "none is left, all is denied",
            denied("execve", harness.TARGET)])

    def test_a_list_of_colons_refuses_everything(self):
        run = probe("execve", harness.TARGET, exec_list="::")
        self.assert_refused(run, denied("execve", harness.TARGET))

    @harness.needs_native
    def test_a_list_holds_where_memory_cannot_be_protected(self):
        run = probe("no-protection", "repeat", 2, "execve", "/bin/sh", exec_list=harness.TARGET)
        self.assert_returned(run, -1, errno.EPERM)
        self.assertEqual(run.errors, [denied("execve", "/bin/sh")] * 2)


class Resolution(Case):
    """Targets are judged by their canonical path."""

    @harness.needs_native
    def test_a_descriptor_is_looked_up_in_the_threads_own_table(self):
        self.assert_ran(probe("own-descriptors", "fexecve", harness.TARGET,
                              exec_list=harness.TARGET))

    @harness.needs_root
    def test_a_missing_shell_is_left_to_libc(self):
        plain = probe("chroot", self.directory, "system", "true", shim=False)
        run = probe("chroot", self.directory, "system", "true", exec_list=harness.TARGET)
        self.assertEqual(run.value("result"), plain.value("result"), str(run))
        self.assert_silent(run)

    @harness.needs(MERGED_USR, "/bin is no symlink here")
    def test_an_entry_below_bin_means_usr_bin(self):
        self.assert_silent(probe("execve", "/bin/true", exec_list="/bin/true"))
        self.assert_silent(probe("execve", "/usr/bin/true", exec_list="/bin/true"))

    def test_a_symlink_to_a_listed_program_runs(self):
        os.symlink(harness.TARGET, self.path("link"))
        self.assert_ran(probe("execve", self.path("link"), exec_list=harness.TARGET))

    def test_a_listed_symlink_to_an_unlisted_program_is_refused(self):
        os.symlink(harness.TARGET, self.path("link"))
        run = probe("execve", self.path("link"), exec_list=self.path("link"))
        self.assert_refused(run, denied("execve", self.path("link")))

    def test_a_program_below_a_symlinked_directory_is_judged_by_its_real_path(self):
        program = self.copy_target("real/program")
        os.symlink("real", self.path("alias"))
        self.assert_ran(probe("execve", self.path("alias/program"), exec_list=program))

    def test_a_relative_path_is_resolved_from_the_working_directory(self):
        program = self.copy_target("program")
        self.assert_ran(probe("chdir", self.directory, "execve", "./program", exec_list=program))
        run = probe("chdir", self.directory, "execve", "./program", exec_list="none")
        self.assert_refused(run, denied("execve", "./program"))

    def test_an_entry_with_doubled_slashes_and_dots_is_normalised(self):
        program = self.copy_target("program")
        self.assert_ran(probe("execve", program, exec_list="//" + program.replace("/", "/.//")))

    def test_a_missing_program_is_enoent_without_a_line(self):
        run = probe("execve", self.path("missing"), exec_list="none")
        self.assert_returned(run, -1, errno.ENOENT)
        self.assertEqual(run.errors, [])

    def test_an_empty_path_is_enoent_without_a_line(self):
        run = probe("execve", "", exec_list="none")
        self.assert_returned(run, -1, errno.ENOENT)
        self.assertEqual(run.errors, [])

    def test_a_file_as_a_directory_is_enotdir_without_a_line(self):
        run = probe("execve", harness.TARGET + "/x", exec_list="none")
        self.assert_returned(run, -1, errno.ENOTDIR)
        self.assertEqual(run.errors, [])

    def test_a_path_that_is_too_long_is_enametoolong_without_a_line(self):
        for path in ("/" + "a" * 300, "/a" * 2500):
            run = probe("execve", path, exec_list="none")
            self.assert_returned(run, -1, errno.ENAMETOOLONG)
            self.assertEqual(run.errors, [])

    def test_a_symlink_loop_is_eloop_without_a_line(self):
        os.symlink("loop", self.path("loop"))
        run = probe("execve", self.path("loop"), exec_list="none")
        self.assert_returned(run, -1, errno.ELOOP)
        self.assertEqual(run.errors, [])

    def test_a_spawn_into_another_directory_runs_what_was_judged(self):
        here = self.copy_target("here/program")
        os.makedirs(self.path("there"))
        os.symlink("/bin/true", self.path("there/program"))
        run = probe("chdir", self.path("here"), "posix_spawn-in", self.path("there"),
                    "./program", exec_list=here)
        self.assertEqual(run.values("argv"), ["./program"], str(run))

    def test_a_spawn_by_a_link_to_the_directory_runs_what_was_judged(self):
        here = self.copy_target("here/program")
        os.makedirs(self.path("there"))
        os.symlink("/bin/true", self.path("there/program"))
        os.symlink("/proc/self/cwd", self.path("link"))
        for path in ("/proc/self/cwd/program", self.path("link/program")):
            with self.subTest(path):
                run = probe("chdir", self.path("here"), "posix_spawn-in", self.path("there"),
                            path, exec_list=here)
                self.assertEqual(run.values("argv"), [path], str(run))

    def test_a_spawn_by_a_descriptor_runs_what_was_judged(self):
        listed, unlisted = self.copy_target("allowed"), self.copy_target("refused")
        for path in ("/proc/self/fd/100", "/dev/fd/100"):
            with self.subTest(path):
                run = probe("posix_spawn-onto", unlisted, listed, path, exec_list=listed)
                self.assert_spawned(run, path)

    @harness.needs_native
    def test_a_spawn_with_file_actions_keeps_the_name_of_a_symlink(self):
        """A script sees it as $0."""
        with open(self.path("script"), "w", encoding="ascii") as script:
            script.write("#!/bin/sh\necho word=$0\n")
        os.chmod(self.path("script"), 0o755)
        os.symlink("script", self.path("link"))
        run = probe("posix_spawn-in", "/", self.path("link"), exec_list=self.path("script"))
        self.assertEqual(run.value("word"), self.path("link"), str(run))


class Unresolvable(Case):
    """execveat calls without an absolute path to judge by."""

    LINE = (
        'autonomy-preload: execveat(dirfd={}, pathname="{}", flags={}) denied \u2014 '
        "could not resolve to absolute path for allowlist check"
    )

    def test_an_empty_path_without_its_flag_is_refused(self):
        run = probe("execveat", -100, "", 0, exec_list=harness.TARGET)
        self.assert_refused(run, self.LINE.format(-100, "", "0x0"))

    def test_the_working_directory_as_a_program_is_refused(self):
        run = probe("execveat", -100, "", "0x1000", exec_list=harness.TARGET)
        self.assert_refused(run, self.LINE.format(-100, "", "0x1000"))

    def test_a_bad_directory_descriptor_is_refused(self):
        run = probe("execveat", 77, "sh", 0, exec_list=harness.TARGET)
        self.assert_refused(run, self.LINE.format(77, "sh", "0x0"))

    def test_a_bad_descriptor_of_fexecve_is_refused(self):
        run = probe("fexecve-fd", 77, exec_list=harness.TARGET)
        self.assert_refused(run, self.LINE.format(77, "", "0x1000"))

    def test_a_file_in_memory_is_refused_by_its_name(self):
        run = probe("fexecve-memory", "payload", exec_list=harness.TARGET)
        self.assert_refused(run, denied("execveat", "/memfd:payload (deleted)"))

    @harness.needs_execveat
    def test_an_execveat_without_a_list_is_the_kernels(self):
        for settings in ({"connect_list": "none"},
                         {"extra": {"AUTONOMY_PRELOAD_EXEC_AUDIT": "1"}}):
            with self.subTest(settings):
                run = probe("execveat", -100, "", 0, **settings)
                self.assert_returned(run, -1, errno.ENOENT)
                self.assert_silent(run)


class Search(Case):
    """execvp and its kin look through PATH themselves, so that each candidate is judged."""

    def search_path(self, *directories):
        return {"PATH": ":".join(self.path(name) for name in directories)}

    def test_the_first_existing_candidate_decides(self):
        self.copy_target("first/program")
        listed = self.copy_target("second/program")
        run = probe("execvp", "program", exec_list=listed,
                    extra=self.search_path("none", "first", "second"))
        self.assert_refused(run, denied("execve", self.path("first/program")))

    def test_a_missing_candidate_is_passed_over(self):
        listed = self.copy_target("second/program")
        for action in ("execvp", "execvpe", "execlp"):
            with self.subTest(action):
                run = probe(action, "program", exec_list=listed,
                            extra=self.search_path("first", "second"))
                self.assert_ran(run)

    def test_a_spawn_searches_likewise(self):
        listed = self.copy_target("second/program")
        run = probe("posix_spawnp", "program", exec_list=listed,
                    extra=self.search_path("first", "second"))
        self.assert_spawned(run, "program")

    def test_a_listed_file_that_is_no_program_is_passed_over(self):
        other = self.copy_target("first/program")
        os.chmod(other, 0o644)
        listed = self.copy_target("second/program")
        run = probe("execvp", "program", exec_list=f"{other}:{listed}",
                    extra=self.search_path("first", "second"))
        self.assert_ran(run)

    @harness.needs_native
    def test_a_file_that_may_not_be_executed_counts_when_nothing_is_found_behind_it(self):
        other = self.copy_target("first/program")
        os.chmod(other, 0o644)
        extra = self.search_path("first", "second")
        run = probe("execvp", "program", exec_list=other, extra=extra)
        self.assert_returned(run, -1, errno.EACCES)
        self.assert_silent(run)
        run = probe("posix_spawnp", "program", exec_list=other, extra=extra)
        self.assertEqual(run.value("result"), str(errno.EACCES), str(run))
        self.assert_silent(run)

    def test_an_empty_directory_is_the_working_directory(self):
        program = self.copy_target("program")
        for path in ("", ":", "/none:", ":/none"):
            for action in ("execvp", "posix_spawnp"):
                with self.subTest(action, path=path):
                    run = probe("chdir", self.directory, action, "program", exec_list=program,
                                extra={"PATH": path})
                    self.assertEqual(run.values("argv"), ["program"], str(run))
                    self.assert_silent(run)

    @harness.needs_native
    def test_without_a_path_libcs_directories_are_searched(self):
        for action in ("execvp", "execlp"):
            with self.subTest(action):
                run = probe("clearenv", action, "true", exec_list="/usr/bin/true")
                self.assertEqual((run.status, run.output, run.errors), (0, [], []))

    @harness.needs_native
    def test_a_spawn_that_searches_is_audited(self):
        program = self.copy_target("second/program")
        run = probe("posix_spawnp", "program", extra={
            "AUTONOMY_PRELOAD_EXEC_AUDIT": "1", **self.search_path("first", "second")})
        self.assert_spawned(run, "program")
        self.assertEqual(run.errors, [
            f'autonomy-preload-audit: execve(path="{program}", result=allowed)'])

    def test_nothing_found_is_enoent(self):
        run = probe("execvp", "program", exec_list="none", extra=self.search_path("first"))
        self.assert_returned(run, -1, errno.ENOENT)
        self.assertEqual(run.errors, [])

    def test_without_a_list_the_search_is_libcs(self):
        self.copy_target("second/program")
        run = probe("execvp", "program", connect_list="none",
                    extra=self.search_path("first", "second"))
        self.assert_ran(run)

    def write_script(self, text):
        with open(self.path("script"), "w", encoding="utf-8") as script:
            script.write(text)
        os.chmod(self.path("script"), 0o755)
        return self.path("script")

    @harness.needs_native
    def test_a_listed_script_runs_though_its_interpreter_is_unlisted(self):
        script = self.write_script("#!/bin/sh\necho word=hello\n")
        run = probe("execve", script, exec_list=script)
        self.assertEqual(run.value("word"), "hello")
        self.assert_silent(run)

    @harness.needs_glibc
    @harness.needs_native
    def test_a_script_without_interpreter_needs_the_shell_to_be_listed(self):
        script = self.write_script("echo word=$1\n")
        run = probe("execvp", script, exec_list=script)
        self.assert_refused(run, denied("execve", "/bin/sh"))
        run = probe("execvp", script, "hello", exec_list=f"{script}:/bin/dash")
        self.assertEqual(run.value("word"), "hello")

    @harness.needs(harness.LIBC == "musl", "musl only")
    def test_a_script_without_interpreter_is_enoexec_on_musl(self):
        script = self.write_script("echo word=$1\n")
        self.assert_returned(probe("execvp", script, exec_list=script), -1, errno.ENOEXEC)


@harness.needs_host_libc
class Python(Case):
    """The ways of Python's subprocess and os modules."""

    def refused_lines(self, code):
        completed = subprocess.run(
            ["/usr/bin/python3", "-I", "-c", "import os, subprocess, sys\n" + code],
            env=harness.environment(exec_list="none"), capture_output=True, check=False,
            timeout=harness.TIMEOUT_S, text=True,
        )
        lines = completed.stderr.splitlines()
        return [line for line in lines if line.startswith("autonomy-preload")], completed

    def assert_raises_permission(self, code):
        lines, completed = self.refused_lines(code)
        self.assertEqual(lines, [denied("execve", "/bin/ls")], completed)
        self.assertIn("PermissionError", completed.stderr)

    def test_subprocess_run_raises_permission_error(self):
        self.assert_raises_permission("subprocess.run(['/bin/ls'])")

    def test_subprocess_with_an_empty_environment_raises_permission_error(self):
        self.assert_raises_permission("subprocess.run(['/bin/ls'], env={})")

    def test_subprocess_without_closing_descriptors_raises_permission_error(self):
        self.assert_raises_permission("subprocess.run(['/bin/ls'], close_fds=False)")

    def test_posix_spawn_raises_permission_error(self):
        self.assert_raises_permission("os.posix_spawn('/bin/ls', ['ls'], {})")

    def test_execvp_raises_permission_error(self):
        self.assert_raises_permission("os.execvp('/bin/ls', ['ls'])")

    def test_os_system_returns_minus_one(self):
        lines, completed = self.refused_lines("print(os.system('ls'))")
        self.assertEqual(lines, [denied("execve", "/bin/sh")], completed)
        self.assertEqual(completed.stdout.strip(), "-1")


if __name__ == "__main__":
    harness.main()
