# SPDX-License-Identifier: Apache-2.0
"""`vambrace node install --pre-registered`: the plugin of a host without the DaemonSet, started by
containerd from its plugin directory and kept by a parent, or, with containerd 1.7, as a service."""
import contextlib
import ctypes
import os
import pathlib
import signal
import struct
import time

import pytest

from test_deploy import image  # noqa: F401 (a fixture) pylint: disable=unused-import
from test_hardening import ARM, sleeper
from test_install import RESTART, SOURCE, host  # noqa: F401 (host: a fixture)
from test_install_faults import with_other  # noqa: F401 (a fixture)
from vbnode import manifest
from vbnode.cri import CriError
from vbnode.system import Vambrace, attack_image

PLUGINS = "/opt/nri/plugins"
LINK = f"{PLUGINS}/10-vambrace"
UNIT = "/etc/systemd/system/vambrace-nri.service"
ARM_POD = {"handler": "vambrace", "annotations": {"bundle.vambrace.dev": "arm"}}
# Stands for systemd on a node that has none: it knows one service.
SYSTEMCTL = r"""#!/bin/sh
unit=/etc/systemd/system/vambrace-nri.service
wants=/etc/systemd/system/multi-user.target.wants
echo "$*" >>/run/systemctl.log
end() {
	[ -e /run/service.pid ] || return 0
	kill "$(cat /run/service.pid)"
	while kill -0 "$(cat /run/service.pid)" 2>/dev/null; do sleep 0.02; done
	rm /run/service.pid
}
case $1 in
daemon-reload) ;;
enable) mkdir -p $wants && ln -sf $unit $wants/ ;;
restart)
	[ ! -e /run/refuse-start ] || exit 1
	end
	setsid $(sed -n 's/^ExecStart=//p' $unit) </dev/null >>/run/service.log 2>&1 &
	echo $! >/run/service.pid ;;
disable) end; rm -f $wants/vambrace-nri.service; rmdir --ignore-fail-on-non-empty $wants ;;
*) exit 1 ;;
esac
"""


class Watch:
    """The names that appear in a directory, however short they are there."""

    _EVENTS = 0x100 | 0x80 | 0x200 | 0x40 | 0x2  # CREATE, MOVED_TO, DELETE, MOVED_FROM, MODIFY

    def __init__(self, directory):
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        assert libc.inotify_add_watch(self._fd, os.fsencode(directory), self._EVENTS) >= 0

    def names(self):
        """Those of the events since the last time."""
        names = []
        with contextlib.suppress(BlockingIOError):
            while True:
                data = os.read(self._fd, 65536)
                while data:
                    _, _, _, length = struct.unpack_from("iIII", data)
                    names.append(data[16:16 + length].rstrip(b"\0").decode())
                    data = data[16 + length:]
        return names

    def close(self):
        """Ends it."""
        os.close(self._fd)


def processes(node, name="vambrace-nri"):
    """The processes of that name in the node, by age."""
    mounts = os.readlink(f"/proc/{node.anchor_pid}/ns/mnt")
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            stat = (path / "stat").read_text(encoding="utf-8", errors="replace")
            fields = stat.rpartition(")")[2].split()
            if (path / "comm").read_text() == f"{name}\n" and fields[0] != "Z" and (
                    os.readlink(path / "ns/mnt") == mounts):
                found.append((int(fields[19]), int(path.name)))
    return [pid for _, pid in sorted(found)]


def wait(condition, timeout_s=15):
    """Waits until it holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def robot(host):  # noqa: F811 pylint: disable=redefined-outer-name
    """A host with a bundle and an image, before anything is installed."""
    Vambrace(host.node).bundle("arm", ARM)
    host.node.write("/etc/vambrace/config.json", "{}")
    host.node.load_image(attack_image())
    return host


def harden_one(node, name="arm"):
    """A pod that must be hardened in full."""
    cri = node.cri()
    with cri.pod(name, **ARM_POD) as pod:
        container = sleeper(cri, pod)
        assert Vambrace(node).outcome(container.id)["level"] == "full"


def is_registered(robot):
    """Whether the status says so, and nothing is wrong. While containerd ends there may be none."""
    if robot.run("status", "--json", code=None).stdout == "":
        return False
    status = robot.status(code=None)
    return status["plugin"]["registered"] and status["problems"] == []


@pytest.mark.nodes("forky-runc")
def test_containerd_starts_the_plugin_and_uninstall_leaves_no_trace(robot):
    node = robot.node
    node.run(["mkdir", "-p", PLUGINS])
    before = robot.tree()
    watch = Watch(node.host_path(PLUGINS))
    dry = robot.run("install", "--pre-registered", "--dry-run").stdout
    assert f"vambrace-nri: {LINK} (launched)" in dry and robot.tree() == before
    installed = robot.run("install", "--pre-registered").stdout
    assert f"vambrace-nri launched: {LINK}" in installed and len(robot.restarts) == 1
    status = robot.status()
    assert status["plugin"] == {"kind": "launched", "path": LINK, "registered": True}
    assert f"plugin      launched: {LINK}, registered" in robot.run("status").stdout
    harden_one(node)
    first, = processes(node)
    # The same again is nothing; another release is a plugin that ends and comes back, no restart.
    after = robot.tree()
    robot.run("install")
    assert robot.tree() == after and processes(node) == [first]
    program = node.host_path(f"{SOURCE}/vambrace-nri").read_bytes()
    node.write(f"{SOURCE}/vambrace-nri", program + b"\0", 0o755)
    robot.run("install")
    second, = processes(node)
    assert second != first and len(robot.restarts) == 1
    assert os.stat(f"/proc/{second}/exe").st_size == len(program) + 1
    harden_one(node, "upgraded")
    # Back to the former one, which is still on the disk.
    node.write(f"{SOURCE}/vambrace-nri", program, 0o755)
    robot.run("install", "--timeout", "10")
    third, = processes(node)
    assert os.stat(f"/proc/{third}/exe").st_size == len(program) and len(robot.restarts) == 1
    assert f"{LINK} (launched) goes" in robot.run("uninstall", "--dry-run").stdout
    robot.run("uninstall")
    assert len(robot.restarts) == 2 and robot.tree() == before
    wait(lambda: not processes(node) and not processes(node, "vambrace-parent"))
    assert set(watch.names()) == {"10-vambrace"}
    watch.close()


@pytest.mark.nodes("forky-runc")
def test_a_plugin_that_dies_comes_back_and_nothing_starts_unhardened_meanwhile(robot):
    node = robot.node
    # On a file system of its own, which no rename from /opt/vambrace would reach.
    node.run(["mkdir", "-p", PLUGINS])
    node.run(["mount", "-t", "tmpfs", "plugins", PLUGINS])
    robot.run("install", "--pre-registered")
    parent, = processes(node, "vambrace-parent")
    # First the one that containerd has launched, then one that the parent has started.
    for name in ("launched", "started"):
        plugin, = processes(node)
        os.kill(parent, signal.SIGSTOP)
        os.kill(plugin, signal.SIGKILL)
        wait(lambda: not processes(node))
        cri = node.cri()
        with cri.pod(f"{name}-gone", **ARM_POD) as pod:
            with pytest.raises(CriError, match="vambrace: ErrNoPlan: "):
                sleeper(cri, pod)
        os.kill(parent, signal.SIGCONT)
        wait(lambda: is_registered(robot))
        harden_one(node, name)
        assert processes(node, "vambrace-parent") == [parent]
    assert len(robot.restarts) == 1
    with open(f"/proc/{parent}/smaps_rollup", encoding="ascii") as rollup:
        kib = {line.split()[0]: int(line.split()[1]) for line in rollup if " kB" in line}
    # What is resident is mostly the program's pages, which the plugin has as well.
    assert kib["Pss:"] < 1024 and kib["Private_Dirty:"] < 256


@pytest.mark.nodes("forky-runc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_after_a_restart_of_containerd_there_is_exactly_one_plugin(robot, number):
    node = robot.node
    robot.run("install", "--pre-registered")
    for is_launched in (True, False):
        plugin, = processes(node)
        parent, = processes(node, "vambrace-parent")
        if not is_launched:
            os.kill(plugin, signal.SIGKILL)
            wait(lambda: is_registered(robot))
        log = node.log_path.stat().st_size
        node.restart_containerd(number)
        wait(lambda: is_registered(robot))
        wait(lambda gone=parent: gone not in processes(node, "vambrace-parent"))
        assert len(processes(node)) == len(processes(node, "vambrace-parent")) == 1
        assert plugin not in processes(node)
        # containerd has heard of no other.
        text = node.log_path.read_bytes()[log:].decode(errors="replace")
        assert text.count("10-vambrace") > 0 and "external" not in text, text
        harden_one(node, f"after-{is_launched}".lower())


@pytest.mark.nodes("forky-runc")
def test_a_plugin_that_never_registers_is_rolled_back(robot):
    before = robot.tree()
    good = robot.node.host_path(f"{SOURCE}/vambrace-nri").read_bytes()
    # A program, and it runs; but no plugin.
    robot.node.run(["cp", "/bin/true", f"{SOURCE}/vambrace-nri"])
    result = robot.run("install", "--pre-registered", "--timeout", "2", code=2)
    assert "vambrace-nri of this installation does not run" in result.stderr
    assert "everything is as it was before" in result.stderr
    assert robot.tree() == before and len(robot.restarts) == 2
    # And as an upgrade, of which the former release is left.
    robot.node.write(f"{SOURCE}/vambrace-nri", good, 0o755)
    robot.run("install", "--pre-registered")
    installed = robot.tree()
    robot.node.run(["cp", "/bin/true", f"{SOURCE}/vambrace-nri"])
    robot.run("install", "--timeout", "2", code=2)
    assert robot.tree() == installed
    wait(lambda: is_registered(robot))
    harden_one(robot.node)
    # One that fails before it has come to the plugin leaves the plugin alone.
    running = processes(robot.node)
    robot.node.run(["cp", "/bin/false", f"{SOURCE}/vambrace-oci"])
    robot.run("install", code=2)
    harden_one(robot.node, "meanwhile")
    assert robot.tree() == installed and processes(robot.node) == running


@pytest.mark.nodes("forky-runc")
@pytest.mark.parametrize("setting, said", [
    ("disable = true", "NRI is switched off in containerd's configuration"),
    ("disable_connections = true", "NRI takes no connections in containerd's configuration"),
    ('socket_path = "/run/other.sock"', "NRI's socket is '/run/other.sock'"),
])
def test_where_a_plugin_could_not_come_back_nothing_is_installed(robot, setting, said):
    config = robot.node.host_path("/etc/containerd/config.toml")
    text = config.read_text()
    assert text.count("disable = false") == 1
    config.write_text(text.replace("disable = false", setting if setting.startswith("disable =")
                                   else f"disable = false\n{setting}"))
    before = robot.tree()
    result = robot.run("install", "--pre-registered", code=2)
    # What, and what to do.
    assert said in result.stderr and result.stderr.count("\n") == 2
    assert robot.tree() == before and not robot.restarts


@pytest.mark.nodes("forky-runc")
def test_the_directory_is_made_and_what_is_there_by_hand_is_left_alone(robot):
    node = robot.node
    before = robot.tree()
    assert "opt/nri" not in before
    robot.run("install", "--pre-registered")
    assert os.readlink(node.host_path(PLUGINS) / "10-vambrace") == (
        "/opt/vambrace/current/vambrace-nri")
    robot.run("uninstall")
    assert robot.tree() == before
    # Onto an installation without it, where somebody else restarts containerd.
    robot.run("install")
    none = ("--restart", "none")
    said = robot.run("install", "--pre-registered", restart=none).stdout
    assert "config.toml unchanged; containerd must be restarted" in said
    assert robot.status(code=1)["plugin"]["registered"] is False
    node.restart_containerd()
    wait(lambda: is_registered(robot))
    robot.run("uninstall")
    assert robot.tree() == before
    node.write(LINK, "#!/bin/sh\n", 0o644)
    before = robot.tree()
    result = robot.run("install", "--pre-registered", code=2)
    assert f"'{LINK}' is there already" in result.stderr
    assert robot.tree() == before


@pytest.mark.nodes("trixie-runc")
def test_with_containerd_1_7_it_is_a_service(robot):
    """The systemctl is a stand-in that knows one service."""
    node = robot.node
    before = robot.tree()
    result = robot.run("install", "--pre-registered", code=2)
    assert "there is no systemd here\n  install without --pre-registered" in result.stderr
    assert robot.tree() == before
    node.run(["mkdir", "-p", "/run/systemd/system"])
    node.write("/usr/local/bin/systemctl", SYSTEMCTL, 0o755)
    assert f"vambrace-nri: {UNIT} (service)" in robot.run(
        "install", "--pre-registered", "--dry-run").stdout
    assert robot.tree() == before
    robot.run("install", "--pre-registered")
    assert node.read("/run/systemctl.log").splitlines() == [
        "daemon-reload", "enable --quiet vambrace-nri.service", "restart vambrace-nri.service"]
    shipped = pathlib.Path(__file__).parents[2] / "deploy/systemd/vambrace-nri.service"
    assert node.read(UNIT) == shipped.read_text(encoding="utf-8")
    assert robot.status()["plugin"] == {"kind": "service", "path": UNIT, "registered": True}
    assert len(robot.restarts) == 1
    harden_one(node)
    first, = processes(node)
    # The same again disturbs nobody, and the DaemonSet's init step goes no further than to say no.
    robot.run("install")
    result = robot.run("install", "--daemonset", code=1)
    assert f"this host has a plugin of its own, '{UNIT}'" in result.stderr
    assert processes(node) == [first]
    program = node.host_path(f"{SOURCE}/vambrace-nri").read_bytes()
    node.write(f"{SOURCE}/vambrace-nri", program + b"\0", 0o755)
    robot.run("install")
    second, = processes(node)
    assert second != first and len(robot.restarts) == 1
    harden_one(node, "upgraded")
    node.run(["rm", "/run/systemctl.log"])
    robot.run("uninstall")
    assert node.read("/run/systemctl.log").splitlines() == [
        "disable --now vambrace-nri.service", "daemon-reload"]
    assert robot.tree() == before and not processes(node)


@pytest.mark.nodes("trixie-runc")
def test_a_service_that_does_not_start_is_rolled_back(robot):
    node = robot.node
    node.run(["mkdir", "-p", "/run/systemd/system"])
    node.write("/usr/local/bin/systemctl", SYSTEMCTL, 0o755)
    node.write("/run/refuse-start", "")
    before = robot.tree()
    result = robot.run("install", "--pre-registered", code=2)
    assert "systemctl restart: 'systemctl' ends with status 1" in result.stderr
    assert "everything is as it was before" in result.stderr
    assert robot.tree() == before and not robot.restarts


class Pod:
    """The DaemonSet's pod on a node, which somebody restarts containerd for."""

    def __init__(self, node, archive):
        self.node, self.cri = node, node.cri()
        self.documents = manifest.render("kustomize/overlays/plain")
        spec = self.documents.daemonset["spec"]["template"]["spec"]
        spec["initContainers"][0]["args"] += RESTART
        node.load_image(archive)
        # Of the node's own bundles the pod has those in here.
        node.run(["mkdir", "-p", "/var/lib/vambrace"])
        node.run(["cp", "-rT", "/etc/vambrace/bundles", "/var/lib/vambrace/bundles"])

    def __enter__(self):
        self._sandbox = self.documents.sandbox(self.cri, self.node)
        self._pod = self._sandbox.__enter__()
        return self

    def __exit__(self, *exc_info):
        self._sandbox.__exit__(*exc_info)

    def initialize(self, attempt=0):
        """The result of the init step."""
        result, = self.documents.initialize(self.cri, self._pod, attempt)
        return result

    def run(self, attempt=0, event="event=synchronized"):
        """Its container, when it is synchronized or says something else."""
        container = self.documents.run(self.cri, self._pod, attempt)
        container.wait_log(event, timeout_s=30)
        return container


KEEP_OFF = "kubectl label node NODE node.vambrace.dev/pre-registered="


@pytest.mark.nodes("forky-runc")
def test_the_daemonset_does_not_come_to_a_host_with_a_plugin_of_its_own(
        robot, image):  # noqa: F811 pylint: disable=redefined-outer-name
    node = robot.node
    robot.run("install", "--pre-registered")
    first, = processes(node)
    before = robot.tree()
    with Pod(node, image) as pod:
        result = pod.initialize()
        assert result.exit_code == 1
        what, fix = result.stderr.splitlines()
        assert what == (
            f"vambrace: this host has a plugin of its own, '{LINK}' (installed with "
            "--pre-registered); the DaemonSet's would be a second one")
        assert KEEP_OFF in fix
        command = fix.partition("take the host's own away: ")[2].split()
        assert robot.tree() == before and processes(node) == [first]
        assert len(robot.restarts) == 1
        harden_one(node)
        # What it says is a way.
        node.run([*command, *RESTART])
        assert pod.initialize(1).exit_code == 0
        container = pod.run()
        harden_one(node, "by-the-pod")
        assert processes(node) == [] and robot.status()["problems"] == []
        container.stop()


@pytest.mark.nodes("forky-runc")
def test_a_host_gets_no_plugin_of_its_own_beside_one_that_serves_it(
        robot, image):  # noqa: F811 pylint: disable=redefined-outer-name
    node = robot.node
    # By hand first, and for the DaemonSet too.
    by_hand = node.popen([f"{SOURCE}/vambrace-nri"], stderr=-3)
    wait(lambda: processes(node) == [by_hand.pid] and (
        node.host_path("/run") / "vambrace/daemon.json").exists())
    before = robot.tree()
    for option in ("--pre-registered", "--daemonset"):
        result = robot.run("install", option, code=1)
        assert f"vambrace-nri already serves this host, pid {by_hand.pid}; " in result.stderr
        assert result.stderr.count("\n") == 2 and robot.tree() == before
    by_hand.terminate()
    by_hand.wait()
    with Pod(node, image) as pod:
        assert pod.initialize().exit_code == 0
        container = pod.run()
        # Another init step, of a younger release of the DaemonSet's, has nothing against the pod.
        assert robot.run("install", "--daemonset").stderr == ""
        before = robot.tree()
        result = robot.run("install", "--pre-registered", code=1)
        assert f"pid {container.pid} in a container; " in result.stderr
        assert KEEP_OFF in result.stderr and robot.tree() == before
        assert len(robot.restarts) == 1
        # When it has gone the host can have its own.
        container.stop()
        robot.run("install", "--pre-registered")
        harden_one(node)
        own, = processes(node)
        # kubelet starts the container again without the init step: it waits, and can be seen.
        wait(lambda: is_registered(robot))
        container = pod.run(1, f'event=waiting error="another vambrace-nri, pid {own}, serves')
        pids = {str(own), f"{container.pid} (in a container)"}
        problem, = robot.status(code=1)["problems"]
        said = problem.partition(", pids ")[2].partition(":")[0]
        assert set(said.split(",")) == pids and KEEP_OFF in problem
        for command in ("doctor", "status"):
            shown = node.run(["/opt/vambrace/sbin/vambrace", command], check=False).stdout
            assert "2 vambrace-nri processes are on this " in " ".join(shown.split())
        assert f"(pid {own}), registered with containerd" in shown
        harden_one(node, "beside")
        # The next is ready as soon as there is nobody before it.
        robot.run("uninstall")
        container.wait_log("event=synchronized", timeout_s=30)
        wait(lambda: not processes(node))
        container.stop()


@pytest.mark.nodes("forky-runc")
def test_the_daemonset_installs_for_the_containerd_that_its_pod_belongs_to(
        robot, with_other, image):  # noqa: F811 pylint: disable=redefined-outer-name,unused-argument
    """Not for the oldest one, nor does anybody have to name it."""
    before = robot.tree()
    with Pod(robot.node, image) as pod:
        result = pod.initialize()
        assert (result.exit_code, result.stderr) == (0, "")
        container = pod.run()
        harden_one(robot.node)
        container.stop()
    address = ("--address", "/run/containerd/containerd.sock")
    assert robot.run("status", *address).stdout.count("problem") == 0
    robot.run("uninstall", *address)
    assert robot.tree() == before
