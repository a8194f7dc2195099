# SPDX-License-Identifier: Apache-2.0
"""A room to run a workload in: the root of the workloads, read-only, in namespaces of its own.

The network is one loopback device, and whatever is put between two rooms. The shim lies where the
plugin mounts it.
"""
import contextlib
import os
import pathlib
import subprocess

import root

_ENTER = f"""
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount --bind "$2" "$1/{root.SHIM}"
mount --bind "$3" "$1/mnt"
mount -o remount,bind,ro "$1"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
for place in tmp root run; do mount -t tmpfs tmpfs "$1/$place"; done
ip link set lo up
ip link set lo multicast on
exec chroot "$1" /usr/bin/sh -c 'echo ready; exec cat'
"""
LISTS = {"dlopen": "AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST", "exec": "AUTONOMY_PRELOAD_EXEC_ALLOWLIST",
         "connect": "AUTONOMY_PRELOAD_CONNECT_ALLOWLIST"}
_SEPARATORS = {"dlopen": ":", "exec": ":", "connect": ","}
MARK = "autonomy-preload"


class Run:
    """How a program ended and what it said; `shim` are the lines of the shim, `errors` the rest."""

    def __init__(self, completed):
        self.status = completed.returncode
        self.output = completed.stdout
        self.log = completed.stderr
        lines = self.log.decode(errors="replace").splitlines()
        self.shim = [line for line in lines if line.startswith(MARK)]
        self.errors = [line for line in lines if not line.startswith(MARK)]

    def __repr__(self):
        texts = (text.decode(errors="replace") for text in (self.output, self.log))
        return "\n".join([f"exit {self.status}", *texts])

    @property
    def denials(self):
        return [line for line in self.shim if " denied " in line or "result=denied" in line]

    @property
    def loaded(self):
        return self._names("loaded")

    @property
    def failed(self):
        return self._names("load_failed")

    def _names(self, result):
        return {line.split('"')[1] for line in self.shim if line.endswith(f"result={result})")}


def policy(lists=None, audit=()):
    """The variables that the plugin sets. An empty list denies everything, None is no list."""
    variables = {"LD_PRELOAD": "/" + root.SHIM}
    for name, entries in (lists or {}).items():
        if entries is not None:
            variables[LISTS[name]] = _SEPARATORS[name].join(entries) or "none"
    for name in audit:
        variables[f"AUTONOMY_PRELOAD_{name.upper()}_AUDIT"] = "1"
    return variables


class Room:
    def __init__(self, path, shim, programs):
        self._anchor = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork",
             "--kill-child", "sh", "-c", _ENTER, "sh", path, shim, programs],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._anchor.stdout.readline() != "ready\n":
            raise RuntimeError("cannot make a room")
        children = pathlib.Path(f"/proc/{self._anchor.pid}/task/{self._anchor.pid}/children")
        self.pid = int(children.read_text().split()[0])
        self._started = []

    def close(self):
        """Ends everything in the room: its first process reads from us, also when we are killed."""
        self._anchor.communicate()
        for process in self._started:
            process.communicate()

    def command(self, arguments, variables):
        own = {"PATH": "/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "TMPDIR": "/tmp",
               "PYTHONDONTWRITEBYTECODE": "1", **variables}
        return ["nsenter", f"--target={self.pid}", "--mount", "--net", "--pid", "--ipc", "--uts",
                f"--root=/proc/{self.pid}/root", "/usr/bin/env", "-i", "--chdir=/tmp",
                *(f"{name}={value}" for name, value in own.items()), *arguments]

    def run(self, arguments, variables=None, timeout=60):
        return Run(subprocess.run(self.command(arguments, variables or {}), timeout=timeout,
                                  stdin=subprocess.DEVNULL, capture_output=True, check=False))

    def start(self, arguments, variables=None):
        process = subprocess.Popen(self.command(arguments, variables or {}),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self._started.append(process)
        return process

    def finish(self, process):
        """Waits for what start() began."""
        output, log = process.communicate(timeout=60)
        self._started.remove(process)
        return Run(subprocess.CompletedProcess(process.args, process.returncode, output, log))

    def network(self, *command):
        subprocess.run(["nsenter", f"--target={self.pid}", "--net", *command], check=True)


@contextlib.contextmanager
def room(*arguments):
    made = Room(*(os.fspath(argument) for argument in arguments))
    try:
        yield made
    finally:
        made.close()


def join(one, other):
    """A veth pair between two rooms: 10.42.0.1 and 10.42.0.2, with multicast."""
    one.network("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns",
                str(other.pid))
    for index, member in enumerate((one, other), 1):
        member.network("ip", "addr", "add", f"10.42.0.{index}/24", "dev", "eth0")
        member.network("ip", "link", "set", "eth0", "up")
