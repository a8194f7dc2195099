# SPDX-License-Identifier: Apache-2.0
"""Keeps one node: makes its namespaces, starts its containerd, cleans up behind it.

Run as a program by `node.Node` with the node's directory and its lock's descriptor as arguments.
Commands come as lines on stdin (`containerd` starts the daemon), answers go as JSON lines to
stdout. When stdin closes, because the node is stopped or because its owner died of whatever,
everything of the node is killed and removed. So no way of ending a test leaves a process, mount,
cgroup or file behind.
"""
import contextlib
import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from vbnode import cgroups, sysbind  # noqa: E402 (the path comes first)

NAMESPACES = ("cgroup", "uts", "net", "mnt")


def main(base, lock_fd):
    """Supervises the node in directory `base` until stdin closes."""
    os.setsid()
    # The node's lock, held by this process alone: whoever can take it may sweep the node away.
    os.set_inheritable(lock_fd, False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # containerd's shims outlive it; they must find a parent that reaps them.
    sysbind.prctl(sysbind.PR_SET_CHILD_SUBREAPER, 1)
    spec = json.loads((base / "node.json").read_text(encoding="utf-8"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, base)
        root_lock = stack.enter_context(open(spec["root_lock"], "a", encoding="ascii"))
        fcntl.flock(root_lock, fcntl.LOCK_SH)
        stack.callback(release, base.name)
        serve(base, spec)


def release(name):
    """Kills the node's processes, reaps them and removes its cgroups."""
    cgroups.kill_all(name)
    reap()
    cgroups.remove(name)


def serve(base, spec):
    """Boots the node and answers commands."""
    wakeup = reaper_pipe()
    try:
        anchor = start_anchor(base, spec)
    except OSError as error:
        answer({"error": str(error)})
        return
    answer({"anchor": anchor})
    while True:
        ready, _, _ = select.select([sys.stdin.fileno(), wakeup], [], [])
        if wakeup in ready:
            os.read(wakeup, 4096)
            reap()
        if sys.stdin.fileno() in ready:
            command = os.read(sys.stdin.fileno(), 4096)
            if not command:
                return
            for _ in command.splitlines():
                answer({"containerd": start_containerd(base, spec, anchor)})


def reaper_pipe():
    """Makes SIGCHLD readable, so that one select waits for commands and dead children."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    return reader


def reap():
    """Collects every dead child, adopted ones too."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            continue


def answer(message):
    """One JSON line to the owner, who may be gone."""
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), (json.dumps(message) + "\n").encode())


def start_anchor(base, spec):
    """Starts the process that holds the node's namespaces; returns its pid when they are ready."""
    cgroups.create(base.name)
    reader, writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        run_child(lambda: hold_namespaces(base, spec, writer), writer)
    os.close(writer)
    with open(reader, encoding="utf-8") as stream:
        report = stream.readline()
    if report != "ready\n":
        raise OSError(f"node namespaces: {report or 'the anchor died'}")
    return pid


def run_child(body, report_fd):
    """Runs `body` in a forked child, which must never return into the supervisor's code."""
    try:
        signal.set_wakeup_fd(-1)
        body()
    except BaseException as error:  # pylint: disable=broad-except (the last stop before _exit)
        os.write(report_fd, f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(1)


def hold_namespaces(base, spec, report_fd):
    """The anchor: new namespaces with the node's mounts, held until SIGKILL."""
    sysbind.prctl(sysbind.PR_SET_PDEATHSIG, signal.SIGKILL)
    hierarchies, leaf = cgroups.hierarchies(), cgroups.leaf_files(base.name)
    # The namespace takes the cgroup at hand for its root; no process may stay in that.
    cgroups.join(cgroups.root_files(base.name))
    flags = sysbind.CLONE_NEWNS | sysbind.CLONE_NEWUTS | sysbind.CLONE_NEWCGROUP
    if spec["own_network"]:
        flags |= sysbind.CLONE_NEWNET
    sysbind.unshare(flags)
    cgroups.join(leaf)
    sysbind.set_hostname(spec["hostname"])
    if spec["own_network"]:
        sysbind.loopback_up()
    sysbind.mount("none", "/", flags=sysbind.MS_REC | sysbind.MS_PRIVATE)
    assemble_root(base, spec, hierarchies)
    sysbind.pivot_to(base / "root")
    # As systemd does on a node: mounts with Bidirectional propagation need a shared root.
    sysbind.mount("none", "/", flags=sysbind.MS_REC | sysbind.MS_SHARED)
    for fd in (0, 1):
        os.close(fd)
    os.write(report_fd, b"ready\n")
    os.close(report_fd)
    while True:
        signal.pause()


def assemble_root(base, spec, hierarchies):
    """Mounts the node's file system at <base>/root."""
    root = base / "root"
    sysbind.mount("overlay", root, "overlay",
                  options=f"lowerdir={spec['lower']},upperdir={base}/upper,workdir={base}/work")
    bind = sysbind.MS_BIND | sysbind.MS_REC
    for name in ("proc", "sys", "dev"):
        sysbind.mount(f"/{name}", root / name, flags=bind)
    mount_cgroups(root / "sys/fs/cgroup", spec["cgroup"], hierarchies)
    # Not on the overlay: it can neither carry another overlay nor be ID-mapped for user namespaces.
    for name, target in (("run", "run"), ("lib", "var/lib/containerd"), ("pods", "var/log/pods"),
                         ("kubelet", "var/lib/kubelet")):
        (root / target).mkdir(parents=True, exist_ok=True)
        sysbind.mount(base / name, root / target, flags=bind)


def mount_cgroups(target, view, hierarchies):
    """Shows the node its own cgroups: v2 alone, or the same layout as the machine's."""
    sysbind.detach(target)
    if view == "v2" or all(hierarchy.fstype == "cgroup2" for hierarchy in hierarchies):
        sysbind.mount("cgroup2", target, "cgroup2")
        return
    sysbind.mount("tmpfs", target, "tmpfs", options="mode=755")
    for hierarchy in hierarchies:
        point = target / hierarchy.mountpoint.name
        point.mkdir()
        if hierarchy.fstype == "cgroup2":
            sysbind.mount("cgroup2", point, "cgroup2")
        else:
            sysbind.mount("cgroup", point, "cgroup", options=v1_options(hierarchy.options))


def v1_options(options):
    """mount(2) wants `none` beside a hierarchy that has a name and no controllers."""
    wanted = [option for option in options.split(",") if not option.startswith("release_agent=")]
    if all(option.startswith("name=") or option == "xattr" for option in wanted):
        wanted.insert(0, "none")
    return ",".join(wanted)


def start_containerd(base, spec, anchor):
    """Starts containerd inside the node; returns its pid."""
    log = os.open(base / "containerd.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC,
                  0o644)
    pid = os.fork()
    if pid == 0:
        run_child(lambda: enter_and_exec(base.name, anchor, log, spec["containerd"]), log)
    os.close(log)
    return pid


def enter_and_exec(name, anchor, log, command):
    """The child: joins the node's cgroups and namespaces and becomes `command`."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    cgroups.join(cgroups.leaf_files(name))
    namespaces = [os.open(f"/proc/{anchor}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
                  for kind in NAMESPACES]
    null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    for fd in namespaces:
        sysbind.setns(fd)
    os.chdir("/")
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.execve(command[0], command, {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
                                    "HOME": "/root", "LANG": "C.UTF-8"})


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
