# SPDX-License-Identifier: Apache-2.0
"""What children inherit, and the places where a program may be executed from."""

import errno
import os
import subprocess

import harness
from harness import CONNECT, EXEC, SHIM, TARGET, Case, denied, probe

CONNECT_LIST = "10.42.0.5:443"


class Sticky(Case):
    """The policy reaches every child, whatever the workload does to the environment."""

    def child(self, *arguments, connect_list=CONNECT_LIST, exec_list=TARGET, extra=None):
        run = probe(*arguments, exec_list=exec_list, connect_list=connect_list, extra=extra)
        self.assertEqual(run.errors, [], str(run))
        return run.values("env")

    def assert_kept(self, variables):
        for wanted in (f"{EXEC}={TARGET}", f"{CONNECT}={CONNECT_LIST}", f"LD_PRELOAD={SHIM}"):
            self.assertEqual(variables.count(wanted), 1, variables)

    def test_an_emptied_environment_is_refilled_by_every_exec(self):
        for action in ("execve", "execv", "execvp", "execvpe", "execl", "execlp", "posix_spawn",
                       "posix_spawnp"):
            with self.subTest(action):
                self.assert_kept(self.child("clearenv", action, TARGET))

    def test_an_empty_environment_argument_is_refilled(self):
        self.assert_kept(self.child("execve-no-env", TARGET))

    def test_a_null_environment_argument_is_refilled(self):
        self.assert_kept(self.child("execve-null-env", TARGET))

    def test_an_environment_argument_without_the_policy_is_refilled(self):
        variables = self.child("execle", TARGET)
        self.assert_kept(variables)
        self.assertEqual(variables[0], "ONLY=this")

    def test_a_shells_children_keep_the_policy(self):
        for action in ("system", "popen"):
            with self.subTest(action):
                run = probe("clearenv", action, TARGET, exec_list=f"/bin/dash:{TARGET}",
                            connect_list=CONNECT_LIST)
                self.assertIn(f"{CONNECT}={CONNECT_LIST}", run.values("env"), str(run))
                self.assertIn(f"LD_PRELOAD={SHIM}", run.values("env"))

    def test_a_second_assignment_does_not_reach_a_shells_children(self):
        for action in ("system", "popen"):
            for name, value in (("LD_PRELOAD", ""), (EXEC, "/bin/sh"), (CONNECT, "1.2.3.4:5")):
                with self.subTest(action, name=name):
                    run = probe("append-variable", f"{name}={value}", action, TARGET,
                                exec_list=f"/bin/dash:{TARGET}", connect_list=CONNECT_LIST)
                    self.assertIn(f"{EXEC}=/bin/dash:{TARGET}", run.values("env"), str(run))
                    self.assertIn(f"{CONNECT}={CONNECT_LIST}", run.values("env"), str(run))
                    self.assertIn(f"LD_PRELOAD={SHIM}", run.values("env"), str(run))

    def test_a_second_assignment_does_not_reach_an_executed_program(self):
        for name in ("LD_PRELOAD", EXEC, CONNECT):
            with self.subTest(name):
                self.assert_kept(self.child("append-variable", f"{name}=", "execve", TARGET))

    def test_datagrams_cannot_be_let_pass_for_children(self):
        passing = "AUTONOMY_PRELOAD_CONNECT_DATAGRAMS=0"
        for action in ("execve", "execv", "execvp", "posix_spawn"):
            with self.subTest(action):
                self.assertNotIn(passing, self.child("setenv", passing, action, TARGET))
        for action in ("system", "popen"):
            with self.subTest(action):
                run = probe("setenv", passing, "append-variable", passing, action, TARGET,
                            exec_list=f"/bin/dash:{TARGET}", connect_list=CONNECT_LIST)
                self.assertIn(f"{CONNECT}={CONNECT_LIST}", run.values("env"), str(run))
                self.assertNotIn(passing, run.values("env"))

    def test_what_says_that_datagrams_pass_is_kept_where_it_was_set_or_means_nothing(self):
        passing = {"AUTONOMY_PRELOAD_CONNECT_DATAGRAMS": "0"}
        self.assertIn("AUTONOMY_PRELOAD_CONNECT_DATAGRAMS=0",
                      self.child("clearenv", "execve", TARGET, extra=passing))
        self.assertIn("AUTONOMY_PRELOAD_CONNECT_DATAGRAMS=0",
                      self.child("setenv", "AUTONOMY_PRELOAD_CONNECT_DATAGRAMS=0", "execve",
                                 TARGET, connect_list=None))

    def test_a_changed_variable_is_put_back(self):
        self.assert_kept(
            self.child("setenv", f"{EXEC}=/bin/sh", "setenv", f"{CONNECT}=", "execve", TARGET)
        )

    def test_the_list_in_force_is_the_one_at_start(self):
        run = probe("setenv", f"{EXEC}=/bin/sh", "execve", "/bin/sh", exec_list=TARGET)
        self.assert_refused(run, denied("execve", "/bin/sh"))

    def test_an_audit_alone_is_kept(self):
        audit = {"AUTONOMY_PRELOAD_CONNECT_AUDIT": "1"}
        variables = self.child("clearenv", "execve", TARGET, connect_list=None, exec_list=None,
                               extra=audit)
        self.assertIn("AUTONOMY_PRELOAD_CONNECT_AUDIT=1", variables)
        self.assertIn(f"LD_PRELOAD={SHIM}", variables)

    def test_a_dlopen_list_is_kept(self):
        dlopen = {"AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST": "/usr/lib/libfoo.so"}
        variables = self.child("clearenv", "execve", TARGET, extra=dlopen)
        self.assertIn("AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST=/usr/lib/libfoo.so", variables)

    def test_the_workloads_own_preload_is_merged(self):
        variables = self.child("setenv", "LD_PRELOAD=/opt/own.so:/opt/two.so", "execve", TARGET)
        self.assertIn(f"LD_PRELOAD={SHIM}:/opt/own.so:/opt/two.so", variables)

    def test_of_several_preloads_the_last_is_merged(self):
        variables = self.child("append-variable", "LD_PRELOAD=/opt/own.so", "execve", TARGET)
        self.assertEqual([line for line in variables if line.startswith("LD_PRELOAD=")],
                         [f"LD_PRELOAD={SHIM}:/opt/own.so"])

    def test_a_preload_that_names_the_shim_already_is_left_alone(self):
        for value in (f"/opt/own.so:{SHIM}", f"{SHIM} /opt/own.so"):
            with self.subTest(value):
                variables = self.child("setenv", f"LD_PRELOAD={value}", "execve", TARGET)
                self.assertIn(f"LD_PRELOAD={value}", variables)

    def test_a_preload_that_only_looks_like_the_shim_is_merged(self):
        variables = self.child("setenv", f"LD_PRELOAD={SHIM}.old", "execve", TARGET)
        self.assertIn(f"LD_PRELOAD={SHIM}:{SHIM}.old", variables)

    @harness.needs_native
    def test_a_relative_preload_is_made_absolute(self):
        name = os.path.basename(SHIM)
        os.symlink(SHIM, self.path(name))
        completed = subprocess.run(
            [harness.PROBE, "chdir", "/", "clearenv", "execve", TARGET],
            env=harness.environment(exec_list=TARGET, extra={"LD_PRELOAD": f"./{name}"}),
            cwd=self.directory, capture_output=True, text=True, check=False,
        )
        self.assertIn(f"env=LD_PRELOAD={SHIM}", completed.stdout.splitlines(), completed)

    def test_the_order_of_the_environment_is_kept(self):
        extra = {"ZEBRA": "1", "ALPHA": "2", "LD_BIND_NOW": "1", "AUTONOMY": "3"}
        settings = {"exec_list": TARGET, "connect_list": CONNECT_LIST, "shim": False}
        plain = probe("execve", TARGET, extra={"LD_PRELOAD": "", **extra}, **settings)
        guarded = probe("execve", TARGET, extra={"LD_PRELOAD": SHIM, **extra}, **settings)

        def names(run):
            return [line.split("=")[0] for line in run.values("env")]

        self.assertEqual(names(plain), names(guarded))

    def test_children_get_the_list_without_its_malformed_entries(self):
        run = probe("execve", TARGET, exec_list=TARGET, connect_list="foo,10.42.0.5:443,bar")
        self.assertIn(f"{CONNECT}=10.42.0.5:443", run.values("env"))
        self.assertEqual(len(run.errors), 1, str(run))

    def test_children_of_a_list_without_valid_entries_get_none(self):
        run = probe("execve", TARGET, exec_list=TARGET, connect_list="foo")
        self.assertIn(f"{CONNECT}=none", run.values("env"))

    def test_an_unset_shim_adds_nothing(self):
        run = probe("clearenv", "execve", TARGET)
        self.assertEqual(run.values("env"), [])

    @harness.needs_native
    def test_a_grandchild_of_a_cleared_environment_is_still_gated(self):
        run = probe("clearenv", "execve", harness.PROBE, "clearenv", "execve", "/bin/sh",
                    exec_list=harness.PROBE)
        # The first argument becomes argv[0] of the second probe.
        self.assert_refused(run, denied("execve", "/bin/sh"))


class Memory(Case):
    @harness.needs_native
    def test_the_policy_is_kept_where_nothing_can_be_written(self):
        for name, value in ((EXEC, "/opt/marked-by-the-test"), (CONNECT, "10.77.66.55:4321")):
            run = probe("find-text", value, extra={name: f"{value}"})
            self.assert_returned(run, 0)
            self.assertGreater(int(run.value("constant")), 0, str(run))


class Size(Case):
    def test_an_environment_of_thousands_is_passed_on_whole(self):
        run = probe("fill-environment", 9000, "execve", TARGET, exec_list=TARGET)
        fillers = [line for line in run.values("env") if line.startswith("FILLER_")]
        self.assertEqual(len(fillers), 9000)
        self.assertIn(f"LD_PRELOAD={SHIM}", run.values("env"))

    def test_a_preload_of_its_greatest_length_is_merged(self):
        value = "/x" * 60000
        run = probe("setenv", f"LD_PRELOAD={value}", "execve", TARGET, exec_list=TARGET)
        self.assertIn(f"LD_PRELOAD={SHIM}:{value}", run.values("env"))

    def test_a_list_of_a_thousand_entries_holds_its_last(self):
        paths = ":".join([f"/opt/program-{i}" for i in range(1000)] + [TARGET])
        self.assert_ran(probe("execve", TARGET, exec_list=paths))
        run = probe("execve", "/bin/sh", exec_list=paths)
        self.assert_refused(run, denied("execve", "/bin/sh"))

    def test_the_smallest_thread_stack_is_enough(self):
        run = probe("fill-environment", 2000, "small-stack", "execve", "/bin/sh", exec_list="none")
        self.assert_refused(run, denied("execve", "/bin/sh"))

    @harness.needs_native
    def test_a_signal_stack_is_enough(self):
        run = probe("fill-environment", 2000, "alternate-stack", "execve", "/bin/sh",
                    exec_list="none")
        self.assertEqual(run.status, 42, str(run))
        self.assertEqual(run.errors, [denied("execve", "/bin/sh")])

    @harness.needs_native
    def test_executing_after_vfork_does_not_grow_the_parent(self):
        for variables in (0, 9000):
            with self.subTest(variables):
                run = probe("fill-environment", variables, "vfork-growth", 200, "/bin/true",
                            exec_list="/bin/true")
                self.assert_returned(run, 0)


class WithoutProc(Case):
    """The walk by readlinkat, where /proc or a descriptor is not to be had."""

    WAYS = (["no-more-files"], ["hide-proc"]) if os.geteuid() == 0 else (["no-more-files"],)

    def each(self, *arguments, **settings):
        for way in self.WAYS:
            with self.subTest(way[0]):
                yield probe(*way, *arguments, **settings)

    def test_a_listed_program_runs(self):
        for run in self.each("execve", TARGET, exec_list=TARGET):
            self.assert_ran(run)

    def test_an_unlisted_program_is_refused(self):
        for run in self.each("execve", "/bin/sh", exec_list=TARGET):
            self.assert_refused(run, denied("execve", "/bin/sh"))

    def test_symlinks_are_followed(self):
        program = self.copy_target("real/deep/program")
        os.symlink("deep", self.path("real/relative"))
        os.symlink(self.path("real"), self.path("absolute"))
        os.symlink("../absolute/relative/./program", self.path("real/link"))
        for run in self.each("execve", self.path("real/deep/../link"), exec_list=program):
            self.assert_ran(run)
        for run in self.each("execve", self.path("real/link"), exec_list=self.path("real/link")):
            self.assert_refused(run, denied("execve", self.path("real/link")))

    def test_a_relative_path_starts_in_the_working_directory(self):
        program = self.copy_target("program")
        os.makedirs(self.path("below"))
        for run in self.each("chdir", self.path("below"), "execve", "../program",
                             exec_list=program):
            self.assert_ran(run)

    def test_kernel_errors_are_the_same(self):
        os.symlink("loop", self.path("loop"))
        program = self.copy_target("program")
        cases = {self.path("missing"): errno.ENOENT, program + "/x": errno.ENOTDIR,
                 program + "/": errno.ENOTDIR, program + "/.": errno.ENOTDIR,
                 program + "/../program": errno.ENOTDIR, self.path("loop"): errno.ELOOP,
                 self.path("missing/../program"): errno.ENOENT, "/a" * 2500: errno.ENAMETOOLONG}
        for path, error in cases.items():
            for run in self.each("execve", path, exec_list=program):
                self.assert_returned(run, -1, error)
                self.assertEqual(run.errors, [])

    @harness.needs_root
    def test_a_descriptor_cannot_be_named(self):
        run = probe("hide-proc", "fexecve", "/bin/sh", exec_list=TARGET)
        self.assert_returned(run, -1, errno.EPERM)
        self.assertEqual(len(run.errors), 1, str(run))
        self.assertIn("could not resolve to absolute path", run.errors[0])

    @harness.needs_root
    def test_a_chroot_is_judged_by_the_paths_inside(self):
        self.copy_target("program")
        run = probe("chroot", self.directory, "execve", "/program", exec_list="/program")
        self.assert_ran(run)
        run = probe("chroot", self.directory, "execve", "/program",
                    exec_list=self.path("program"))
        self.assert_refused(run, denied("execve", "/program"))


class Races(Case):
    @harness.needs_native
    def test_a_path_changed_during_the_call_never_runs_an_unlisted_program(self):
        listed = self.copy_target("allowed")
        self.copy_target("refused")
        run = probe("race-path", listed, self.path("refused"), 2000, exec_list=listed)
        self.assert_returned(run, 0)


if __name__ == "__main__":
    harness.main()
