# SPDX-License-Identifier: Apache-2.0
"""Runs the probe under the shim, for one libc and architecture, and reads what it did.

The programs come from the environment (see CMakeLists.txt):
VB_SHIM, VB_PROBE, VB_TARGET, VB_EARLY: the built files; VB_LIBRARIES: how the paths of the libraries
begin that the probe loads; VB_RUNTIME: glibc, musl, arm64, or one of libcs.py such as musl-1.2.5;
VB_RUNNER: what the probe is started with (an emulator), or nothing; VB_LIBDIR: where its libc is,
when that is no place of the system; VB_RESULTS: a file that gets each test's outcome, for
acceptance.py.
"""

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

SHIM = os.environ["VB_SHIM"]
PROBE = os.environ["VB_PROBE"]
TARGET = os.environ["VB_TARGET"]
EARLY = os.environ["VB_EARLY"]
LIBRARIES = os.environ["VB_LIBRARIES"]
RUNTIME = os.environ["VB_RUNTIME"]
RUNNER = os.environ.get("VB_RUNNER", "").split()
LIBC = "musl" if "musl" in RUNTIME else "glibc"
EMULATED = bool(RUNNER)
LIBDIR = os.environ.get("VB_LIBDIR")

EXEC = "AUTONOMY_PRELOAD_EXEC_ALLOWLIST"
CONNECT = "AUTONOMY_PRELOAD_CONNECT_ALLOWLIST"
DLOPEN = "AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST"
TIMEOUT_S = 60


class Run:
    """What one run of the probe printed and how it ended."""

    def __init__(self, completed):
        self.status = completed.returncode
        self.output = completed.stdout.splitlines()
        self.errors = completed.stderr.splitlines() if completed.stderr else []

    def __str__(self):
        return f"exit {self.status}, stdout {self.output}, stderr {self.errors}"

    def value(self, name):
        """The text behind NAME= on the first line that has it."""
        for line in self.output:
            for word in line.split(" "):
                if word.startswith(name + "="):
                    return word[len(name) + 1 :]
        raise AssertionError(f"no {name}= in {self}")

    def values(self, name):
        return [line[len(name) + 1 :] for line in self.output if line.startswith(name + "=")]


def environment(exec_list=None, connect_list=None, shim=True, extra=None):
    """A small environment, with the shim and the lists that are not None."""
    variables = {"PATH": "/usr/bin:/bin"}
    if shim:
        variables["LD_PRELOAD"] = SHIM
    if exec_list is not None:
        variables[EXEC] = exec_list
    if connect_list is not None:
        variables[CONNECT] = connect_list
    variables.update(extra or {})
    return variables


def command(*arguments):
    return RUNNER + [PROBE] + [str(argument) for argument in arguments]


def probe(*arguments, stderr=subprocess.PIPE, **settings):
    completed = subprocess.run(
        command(*arguments),
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        timeout=TIMEOUT_S,
        check=False,
    )
    completed.stdout = completed.stdout.decode()
    completed.stderr = (completed.stderr or b"").decode()
    return Run(completed)


def denied(operation, path):
    return f"autonomy-preload: {operation}({path}) denied by {EXEC}"


def denied_net(operation, endpoint):
    return f"autonomy-preload: {operation}({endpoint}) denied by {CONNECT}"


def denied_load(path, operation="dlopen"):
    return f"autonomy-preload: {operation}({path}) denied by {DLOPEN}"


def denied_connect(endpoint):
    return denied_net("connect", endpoint)


class Case(unittest.TestCase):
    """Assertions on runs, and a directory of its own."""

    maxDiff = None

    def setUp(self):
        self.directory = os.path.realpath(tempfile.mkdtemp(prefix="shim-"))
        self.addCleanup(shutil.rmtree, self.directory)

    def path(self, name):
        return os.path.join(self.directory, name)

    def copy_target(self, name):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        return shutil.copy(TARGET, self.path(name))

    def assert_returned(self, run, result, error=0):
        name = errno.errorcode.get(error, "none")
        expected = f"result={result} errno={error}"
        self.assertEqual(run.output[-1:], [expected], f"wanted {name}: {run}")
        self.assertEqual(run.status, 0, str(run))

    def assert_spawned(self, run, name):
        """Success says nothing about errno: some libcs try a call that the kernel may not have."""
        self.assertEqual(run.values("argv")[:1], [name], str(run))
        self.assertEqual(run.value("result"), "0", str(run))

    def assert_ran(self, run):
        """The target was executed, and the shim had nothing to say."""
        self.assertTrue(run.values("argv"), str(run))
        self.assert_silent(run)

    def assert_silent(self, run):
        self.assertEqual([line for line in run.errors if "autonomy-preload" in line], [], str(run))

    def assert_refused(self, run, line):
        """-1 with EPERM, and exactly this line."""
        self.assert_returned(run, -1, errno.EPERM)
        self.assertEqual(run.errors, [line], str(run))


def needs(condition, reason):
    return unittest.skipUnless(condition, reason)


needs_root = needs(os.geteuid() == 0, "needs root")
needs_native = needs(not EMULATED, "an emulated program cannot execute another one")
needs_execveat = needs(not EMULATED, "the emulator has no execveat")
needs_glibc = needs(LIBC == "glibc", "glibc only")
needs_host_libc = needs(RUNTIME == "glibc", "a program of the host")


def enter_network():
    """Moves this process into a network namespace that has only a loopback device.

    Its addresses: those of loopback, 10.42.0.5, 10.42.0.6, 8.8.8.8 and 2001:db8::1. Returns
    whether that worked.
    """
    if os.environ.get("VB_IN_NETWORK") == "1":
        addresses = ["10.42.0.5/32", "10.42.0.6/32", "8.8.8.8/32", "2001:db8::1/128"]
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for address in addresses:
            options = ["nodad"] if ":" in address else []
            subprocess.run(["ip", "addr", "add", address, "dev", "lo"] + options, check=True)
        return True
    if subprocess.run(["unshare", "-n", "true"], check=False).returncode != 0:
        return False
    os.environ["VB_IN_NETWORK"] = "1"
    os.execvp("unshare", ["unshare", "-n", sys.executable] + sys.argv)
    return False


def listen(address):
    """A listening stream socket at (host, port)."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen()
    return listener


def fill(descriptor):
    """Writes until a pipe or socket takes no more; how many bytes."""
    os.set_blocking(descriptor, False)
    filled = 0
    try:
        while True:
            filled += os.write(descriptor, b"x" * 512)
    except BlockingIOError:
        pass
    os.set_blocking(descriptor, True)
    return filled


def drain(descriptor, count):
    """Reads so many bytes."""
    while count > 0:
        count -= len(os.read(descriptor, count))


class Result(unittest.TextTestResult):
    """Notes the outcome of each test for VB_RESULTS."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.outcomes = {}

    def startTest(self, test):
        super().startTest(test)
        self.outcomes[name_of(test)] = "failed"

    def addSuccess(self, test):
        super().addSuccess(test)
        self.outcomes[name_of(test)] = "passed"

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.outcomes[name_of(test)] = f"skipped: {reason}"


def name_of(test):
    """test_exec.Listed.test_x, also when its file is the program."""
    module = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    return test.id().replace("__main__", module, 1)


def main():
    """unittest's main, naming every skipped test: nothing is left out silently."""
    runner = unittest.TextTestRunner(resultclass=Result)
    result = unittest.main(exit=False, testRunner=runner).result
    for test, reason in result.skipped:
        print(f"SKIP {test.id()}: {reason}")
    if os.environ.get("VB_RESULTS"):
        os.makedirs(os.path.dirname(os.environ["VB_RESULTS"]), exist_ok=True)
        with open(os.environ["VB_RESULTS"], "w", encoding="ascii") as file:
            json.dump(result.outcomes, file, indent=1)
    sys.exit(0 if result.wasSuccessful() else 1)
