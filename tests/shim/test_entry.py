# SPDX-License-Identifier: Apache-2.0
"""Every function that the shim exports refuses once, with one line."""

import errno
import os
import sys

import harness
from harness import Case, denied, denied_net, probe

SHELL = denied("execve", "/bin/sh")
BY_DESCRIPTOR = denied("execveat", os.path.realpath("/bin/sh"))
FAR = ("8.8.8.8", 53)

# Exported name: the probe's call, what it returns, and the line.
ENTRIES = {
    "execve": (("execve", "/bin/sh"), -1, SHELL),
    "execv": (("execv", "/bin/sh"), -1, SHELL),
    "execvp": (("execvp", "/bin/sh"), -1, SHELL),
    "execvpe": (("execvpe", "/bin/sh"), -1, SHELL),
    "execl": (("execl", "/bin/sh"), -1, SHELL),
    "execlp": (("execlp", "/bin/sh"), -1, SHELL),
    "execle": (("execle", "/bin/sh"), -1, SHELL),
    "fexecve": (("fexecve", "/bin/sh"), -1, BY_DESCRIPTOR),
    "execveat": (("execveat", -100, "/bin/sh", 0), -1, denied("execveat", "/bin/sh")),
    "posix_spawn": (("posix_spawn", "/bin/sh"), errno.EPERM, SHELL),
    "posix_spawnp": (("posix_spawnp", "/bin/sh"), errno.EPERM, SHELL),
    "pidfd_spawn": (("pidfd_spawn", "/bin/sh"), errno.EPERM, SHELL),
    "pidfd_spawnp": (("pidfd_spawnp", "/bin/sh"), errno.EPERM, SHELL),
    "system": (("system", "true"), -1, SHELL),
    "popen": (("popen", "true"), -1, SHELL),
    "_IO_popen": (("_IO_popen", "true"), -1, SHELL),
    "wordexp": (("wordexp", "$(echo hello)"), 4, SHELL),
    "connect": (("connect",) + FAR, -1, denied_net("connect", "8.8.8.8:53")),
    "__connect": (("__connect",) + FAR, -1, denied_net("connect", "8.8.8.8:53")),
    "sendto": (("sendto",) + FAR, -1, denied_net("sendto", "8.8.8.8:53")),
    "sendmsg": (("sendmsg",) + FAR, -1, denied_net("sendmsg", "8.8.8.8:53")),
    "sendmmsg": (("sendmmsg",) + FAR, -1, denied_net("sendmsg", "8.8.8.8:53")),
    "syscall": (("syscall-connect",) + FAR, -1, denied_net("connect", "8.8.8.8:53")),
}
# Where libc has none of these, the shim's says so: ENOSYS, which is what glibc's probes look for.
MAY_BE_MISSING = ("pidfd_spawn", "pidfd_spawnp")
# test_dlopen.py has these.
ELSEWHERE = ("dlopen", "dlmopen")


def exported():
    with open(os.environ["VB_EXPORTS"], encoding="ascii") as names:
        return names.read().split()


class EveryExport(Case):
    def test_each_has_a_test(self):
        self.assertEqual([name for name in exported()
                          if name not in ENTRIES and name not in ELSEWHERE], [])

    def test_each_refuses_once_with_one_line(self):
        for name, (call, result, line) in ENTRIES.items():
            with self.subTest(name):
                run = probe(*call, exec_list=harness.TARGET, connect_list="none")
                if name in MAY_BE_MISSING and run.value("result") == str(errno.ENOSYS):
                    self.assertEqual(run.errors, [])
                    continue
                self.assert_returned(run, result, errno.EPERM if result in (-1, 4) else 0)
                self.assertEqual(run.errors, [line])


if __name__ == "__main__":
    if not harness.enter_network():
        print("SKIP: cannot make a network namespace")
        sys.exit(77)
    harness.main()
