# SPDX-License-Identifier: Apache-2.0
"""dlmopen: which libraries may be loaded into a namespace of their own, and what guards them there."""

import errno
import os
import shutil
import subprocess

import harness
from harness import EXEC, SHIM, denied, denied_connect, denied_load, probe
from test_dlopen import Libraries, needs_namespaces


@needs_namespaces
class Namespace(Libraries):
    """dlmopen; a namespace of its own is none without the shim."""

    def load(self, *arguments, **settings):
        """A libc in a place of its own is found by no other way: the probe's is of no use there."""
        if harness.LIBDIR:
            extra = settings.setdefault("extra", {})
            extra.setdefault("LD_LIBRARY_PATH", harness.LIBDIR)
        return super().load(*arguments, **settings)

    def call(self, function, argument, **settings):
        return self.load("dlmopen-call", self.plug, function, argument, **settings)

    def test_without_a_policy_it_is_libcs(self):
        run = self.load("dlmopen", -1, self.plug)
        self.assert_loaded(run, self.plug)
        self.assertEqual(self.load("dlmopen-many", self.plug, 20).output,
                         self.load("dlmopen-many", self.plug, 20, shim=False).output)

    def test_a_listed_file_loads_into_a_new_namespace(self):
        run = self.load("dlmopen", -1, self.plug, allow=self.plug)
        self.assert_loaded(run, self.plug)
        self.assert_silent(run)

    def test_an_unlisted_file_is_denied_in_every_namespace(self):
        for lmid in (-1, 0):
            with self.subTest(lmid):
                run = self.load("dlmopen", lmid, self.plug, allow="none")
                self.assert_load_refused(run, denied_load(self.plug, "dlmopen"))

    def test_audit_tells_the_namespace(self):
        for lmid in (-1, 0):
            for allow, result in ((None, "loaded"), ("none", "denied")):
                with self.subTest(lmid=lmid, result=result):
                    run = self.load("dlmopen", lmid, self.plug, allow=allow, audit=True)
                    self.assertEqual(
                        run.errors[0],
                        f'autonomy-preload-audit: dlmopen(lmid={lmid}, filename="{self.plug}", '
                        f"flags=0x2, result={result})")

    def test_a_missing_file_takes_no_namespace_away(self):
        missing = self.path("missing.so")
        for settings in ({"allow": f"{missing}:{self.plug}"}, {"audit": True},
                         {"connect_list": "none"}):
            with self.subTest(settings):
                run = self.load("repeat", 20, "dlmopen", -1, missing, **settings)
                texts = [line for line in run.output if line.startswith("dlerror=")]
                self.assertEqual(len(texts), 20, str(run))
                for text in texts:
                    self.assertIn("cannot open shared object file: No such file", text)

    def test_a_missing_file_is_a_failed_load(self):
        missing = self.path("missing.so")
        run = self.load("dlmopen", -1, missing, allow=missing, audit=True)
        self.assertIn("cannot open shared object file: No such file", run.output[0])
        self.assertEqual(len(run.errors), 1, str(run))
        self.assertIn("result=load_failed", run.errors[0])

    def test_exec_is_gated_in_there(self):
        run = self.call("plug_execve", "/bin/sh", exec_list="/opt/x")
        self.assert_returned(run, errno.EPERM)
        self.assertEqual(run.errors, [denied("execve", "/bin/sh")], str(run))

    def test_a_shell_is_gated_in_there(self):
        run = self.call("plug_system", "exit 0", exec_list="/opt/x")
        self.assertTrue(run.output[-1].startswith(f"result={errno.EPERM} "), str(run))
        self.assertEqual(run.errors, [denied("execve", "/bin/sh")], str(run))

    def test_connect_is_gated_in_there(self):
        run = self.call("plug_connect", "8.8.8.8", connect_list="10.42.0.5:443")
        self.assertTrue(run.output[-1].startswith(f"result={errno.EPERM} "), str(run))
        self.assertEqual(run.errors, [denied_connect("8.8.8.8:53")], str(run))

    def test_what_is_listed_passes_in_there(self):
        run = self.call("plug_connect", "127.0.0.1", connect_list="10.42.0.5:443")
        self.assertTrue(run.output[-1].startswith("result=0 "), str(run))
        self.assert_silent(run)

    def test_a_program_started_in_there_keeps_the_policy(self):
        run = self.call("plug_execve", harness.TARGET, exec_list=harness.TARGET)
        self.assertIn(f"{EXEC}={harness.TARGET}", run.values("env"), str(run))
        self.assertIn(f"LD_PRELOAD={SHIM}", run.values("env"))

    def test_dlopen_is_gated_in_there(self):
        other = self.copy("plug.so", "other/libother.so")
        run = self.call("plug_dlopen", other, allow=self.plug)
        self.assertEqual(run.errors[:1], [denied_load(other)], str(run))
        # glibc 2.31 ends a program in which a load fails in a namespace, whatever the reason.
        fatal = self.call("plug_dlopen", self.path("missing.so"), shim=False,
                          extra={"LD_PRELOAD": ""}).status == 127
        if fatal:
            self.assertEqual(run.status, 127, str(run))
        else:
            self.assertTrue(run.output[-1].startswith(f"result={errno.EPERM} "), str(run))
            self.assertEqual(len(run.errors), 1, str(run))
        run = self.call("plug_dlopen", other, allow=f"{self.plug}:{other}")
        self.assertTrue(run.output[-1].startswith("result=0 "), str(run))
        self.assert_silent(run)

    def test_a_namespace_made_in_there_is_gated(self):
        run = self.call("plug_dlmopen", self.plug, connect_list="10.42.0.5:443")
        self.assertTrue(run.output[-1].startswith(f"result={errno.EPERM} "), str(run))
        self.assertEqual(run.errors, [denied_connect("8.8.8.8:53")], str(run))

    def test_the_last_namespace_fails_readably(self):
        run = self.load("repeat", 20, "dlmopen", -1, self.plug, allow=self.plug)
        texts = [line for line in run.output if line.startswith("dlerror=")]
        self.assertIn("no more namespaces", texts[-1], str(run))

    def replace_shim(self, second):
        """The shim's path leads to the other file before the second new namespace."""
        mine = self.path("shim.so")
        os.symlink("first.so", mine)
        with subprocess.Popen(
            harness.command("wait-between", "repeat", 2, "dlmopen", -1, self.plug),
            env=harness.environment(
                connect_list="none",
                extra={"LD_PRELOAD": mine, "LD_LIBRARY_PATH": harness.LIBDIR or ""}),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:
            lines = [process.stdout.readline() for _ in range(3)]
            os.unlink(mine)
            os.symlink(second, mine)
            out, _ = process.communicate("\n", timeout=harness.TIMEOUT_S)
        os.unlink(mine)
        self.assertEqual(lines[2], "result=1 errno=0\n")
        return out

    def test_a_shim_that_another_file_has_replaced_opens_no_namespace(self):
        with open(shutil.copy(SHIM, self.path("first.so")), "rb") as file:
            content = file.read()
        build_id = content.index(b"\x03\0\0\0GNU\0") + 8
        with open(self.path("other-build.so"), "wb") as file:
            file.write(content[:build_id] + b"\0" * 20 + content[build_id + 20 :])
        shutil.copy(self.plug, self.path("second.so"))
        for second in ("second.so", "other-build.so"):
            with self.subTest(second):
                out = self.replace_shim(second)
                self.assertIn("cannot guard a new namespace", out)
                self.assertIn(f"result=-1 errno={errno.EPERM}", out)


if __name__ == "__main__":
    harness.enter_network()
    harness.main()
