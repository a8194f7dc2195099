# SPDX-License-Identifier: Apache-2.0
"""One cgroup subtree per node, in every hierarchy of the machine (v1, v2 or both).

All processes of a node live below /<name>, whatever cgroup a pod asks for, because the node has a
cgroup namespace rooted there. So killing and cleaning up need no knowledge of the pods.
"""
import dataclasses
import errno
import os
import pathlib
import signal
import time

# The leaf for the node's own processes: cgroup v2 forbids processes beside delegated controllers.
LEAF = "node"


@dataclasses.dataclass(frozen=True)
class Hierarchy:
    """One mounted cgroup hierarchy: where, `cgroup` or `cgroup2`, and its mount options."""
    mountpoint: pathlib.Path
    fstype: str
    options: str


def hierarchies():
    """The cgroup hierarchies mounted on this machine."""
    found = {}
    for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields, _, source = line.partition(" - ")
        fstype, _, super_options = source.split(" ", 2)
        device, root, mountpoint = fields.split(" ")[2:5]
        if fstype in ("cgroup", "cgroup2") and root == "/":
            found.setdefault(device, Hierarchy(pathlib.Path(mountpoint), fstype,
                                               _controllers(super_options)))
    return list(found.values())


def _controllers(super_options):
    return ",".join(option for option in super_options.split(",") if option not in ("rw", "ro"))


def v2_offers(controller):
    """Whether the v2 hierarchy has a controller; v1 hierarchies take theirs away from it."""
    return any(controller in (hierarchy.mountpoint / "cgroup.controllers").read_text().split()
               for hierarchy in hierarchies() if hierarchy.fstype == "cgroup2")


def create(name):
    """Makes /<name> and its leaf in every hierarchy."""
    for hierarchy in hierarchies():
        if hierarchy.fstype == "cgroup2":
            _delegate_controllers(hierarchy.mountpoint)
        for path in (hierarchy.mountpoint / name, hierarchy.mountpoint / name / LEAF):
            path.mkdir(exist_ok=True)
            _copy_cpuset(path)


def _delegate_controllers(root):
    """As a runtime on the machine itself would do, so that pods can have limits."""
    for controller in (root / "cgroup.controllers").read_text(encoding="ascii").split():
        try:
            (root / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")
        except OSError:
            # Another manager holds it back; a pod that asks for this limit says so itself.
            continue


def _copy_cpuset(path):
    """A new v1 cpuset is empty and takes no process before it has CPUs and memory nodes."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (path / name).exists() and (path / "tasks").exists():
            (path / name).write_text((path.parent / name).read_text(encoding="ascii"),
                                     encoding="ascii")


def root_files(name):
    """The files into which a process writes its pid to join the root of the node's subtree."""
    return [hierarchy.mountpoint / name / "cgroup.procs" for hierarchy in hierarchies()]


def leaf_files(name):
    """The same for the leaf, where the node's own processes belong. Ask outside of the node: a
    process in its cgroup namespace no longer sees what these mounts are."""
    return [hierarchy.mountpoint / name / LEAF / "cgroup.procs" for hierarchy in hierarchies()]


def join(files):
    """Moves the calling process into cgroups."""
    for path in files:
        path.write_text(str(os.getpid()), encoding="ascii")


def pids(name):
    """Every process of the node."""
    found = set()
    for hierarchy in hierarchies():
        for directory, _, _ in os.walk(hierarchy.mountpoint / name):
            try:
                text = pathlib.Path(directory, "cgroup.procs").read_text(encoding="ascii")
            except OSError:
                continue
            found.update(int(pid) for pid in text.split())
    return found - {0}


def kill_all(name, timeout_s=10):
    """Kills every process of the node; calls itself done only when none is left."""
    deadline = time.monotonic() + timeout_s
    while True:
        for hierarchy in hierarchies():
            try:
                (hierarchy.mountpoint / name / "cgroup.kill").write_text("1", encoding="ascii")
            except OSError:
                # v1, or gone already.
                continue
        alive = pids(name)
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if not alive:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes {sorted(alive)} of node {name} survive SIGKILL")
        time.sleep(0.01)


def remove(name, timeout_s=10):
    """Removes the node's cgroups; they must be without processes."""
    deadline = time.monotonic() + timeout_s
    for hierarchy in hierarchies():
        for directory, _, _ in os.walk(hierarchy.mountpoint / name, topdown=False):
            _rmdir(directory, deadline)


def _rmdir(directory, deadline):
    while True:
        try:
            os.rmdir(directory)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            # The kernel lets go of a dead process a moment after it left the process list.
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


@dataclasses.dataclass(frozen=True)
class Memory:
    """What a process' cgroup may use and has used at most, page cache included, in bytes, and how
    often the limit had a process of it killed."""
    limit: int
    peak: int
    kills: int


def memory(pid):
    """The Memory of a process' cgroup, of whatever version."""
    paths = {}
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii").splitlines():
        _, controllers, path = line.split(":", 2)
        paths[controllers] = path
    for hierarchy in hierarchies():
        if hierarchy.fstype == "cgroup" and "memory" in hierarchy.options.split(","):
            return _memory(hierarchy.mountpoint / paths["memory"].lstrip("/"),
                           "memory.limit_in_bytes", "memory.max_usage_in_bytes",
                           "memory.oom_control")
    unified = next(hierarchy for hierarchy in hierarchies() if hierarchy.fstype == "cgroup2")
    return _memory(unified.mountpoint / paths[""].lstrip("/"), "memory.max", "memory.peak",
                   "memory.events")


def _memory(directory, limit, peak, events):
    counts = dict(line.split() for line in (directory / events).read_text().splitlines())
    return Memory(int((directory / limit).read_text()), int((directory / peak).read_text()),
                  int(counts["oom_kill"]))


def exists(name):
    """Whether any hierarchy still has the node's cgroup."""
    return any((hierarchy.mountpoint / name).exists() for hierarchy in hierarchies())
