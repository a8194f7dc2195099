# SPDX-License-Identifier: Apache-2.0
"""The test nodes themselves: pods run as on a real node, and a stopped node leaves nothing."""
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from vbnode import cgroups, images, profiles
from vbnode.cri import CriError, Mount, Security, UserNs
from vbnode.node import Node, NodeError

SLEEP = ["/bin/sleep", "1000"]
NO_CHMOD = {"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO",
                          "errnoRet": 1}]}


def run(cri, command, **security):
    """Runs a command in a pod of its own and returns its result."""
    with cri.pod(privileged=security.get("privileged", False)) as pod:
        return cri.run_container(pod, "main", images.BUSYBOX, command,
                                 security=Security(**security)).wait()


def status_of(cri, **security):
    """/proc/self/status of a container with the given securityContext."""
    result = run(cri, ["/bin/cat", "/proc/self/status"], **security)
    return dict(line.split(":\t", 1) for line in result.stdout.splitlines() if ":\t" in line)


def test_the_cri_reports_the_packaged_containerd(node, cri):
    version = cri.version()
    assert version.runtime_name == "containerd"
    assert version.runtime_version.startswith(".".join(map(str, node.containerd_version)))
    assert node.containerd_version >= (1, 7, 0)


def test_a_container_prints_to_its_log_and_exits_with_its_status(cri):
    result = run(cri, ["/bin/sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (result.stdout, result.stderr, result.exit_code) == ("out\n", "err\n", 3)


def test_exec_sync_returns_both_streams_and_the_status(cri):
    with cri.pod() as pod:
        container = cri.run_container(pod, "main", images.BUSYBOX, SLEEP)
        assert container.exec(["/bin/sh", "-c", "echo out; echo err >&2; exit 4"]) == (
            "out\n", "err\n", 4)


def test_runtime_default_filters_and_unconfined_does_not(cri):
    assert status_of(cri, seccomp="RuntimeDefault")["Seccomp"] == "2"
    assert status_of(cri, seccomp="Unconfined")["Seccomp"] == "0"
    assert status_of(cri, seccomp=None)["Seccomp"] == "0"


def test_user_and_group_are_those_of_the_security_context(cri):
    result = run(cri, ["/bin/id"], run_as_user=1000, run_as_group=1000)
    assert result.stdout.startswith("uid=1000(user) gid=1000(user)")


def test_privileged_containers_hold_the_capabilities_of_the_node(cri):
    own = {line.split(":\t")[0]: line.split(":\t")[1]
           for line in pathlib.Path("/proc/self/status").read_text().splitlines()}
    assert status_of(cri, privileged=True)["CapEff"] == own["CapEff"]
    assert status_of(cri)["CapEff"] == "00000000a80425fb"


def test_capabilities_are_added_and_dropped(cri):
    status = status_of(cri, caps_drop=("ALL",), caps_add=("SYS_PTRACE",))
    assert int(status["CapEff"], 16) == 1 << 19


def test_no_new_privs_and_read_only_root_reach_the_container(cri):
    assert status_of(cri, no_new_privs=True)["NoNewPrivs"] == "1"
    result = run(cri, ["/bin/touch", "/probe"], readonly_rootfs=True)
    assert result.exit_code == 1 and "Read-only file system" in result.stderr


def test_a_localhost_profile_that_denies_only_chmod_makes_chmod_fail(node, cri):
    node.write("/var/lib/kubelet/seccomp/no-chmod.json", json.dumps(NO_CHMOD))
    result = run(cri, ["/bin/sh", "-c", "touch /tmp/f && chmod 600 /tmp/f"],
                 seccomp="/var/lib/kubelet/seccomp/no-chmod.json")
    assert result.exit_code == 1
    assert "chmod: /tmp/f: Operation not permitted" in result.stderr
    allowed = run(cri, ["/bin/sh", "-c", "touch /tmp/f && chmod 600 /tmp/f"])
    assert allowed.exit_code == 0


def test_volumes_are_mounted_with_their_flags(node, cri):
    node.write("/srv/volume/fact", "from the node\n")
    with cri.pod() as pod:
        container = cri.run_container(
            pod, "main", images.BUSYBOX,
            ["/bin/sh", "-c", "cat /ro/fact; touch /ro/new; touch /rw/new"],
            mounts=[Mount("/ro", "/srv/volume", readonly=True),
                    Mount("/rw", "/srv/volume", propagation="bidirectional")])
        result = container.wait()
    assert result.stdout == "from the node\n"
    assert "/ro/new: Read-only file system" in result.stderr
    assert node.host_path("/srv/volume/new").exists()


def test_environment_and_annotations_reach_the_runtime_spec(cri):
    with cri.pod(annotations={"pod.example": "p"}) as pod:
        container = cri.create_container(pod, "main", images.BUSYBOX, SLEEP, env={"KEY": "value"},
                                         annotations={"container.example": "c"})
        spec = container.spec()
    assert "KEY=value" in spec["process"]["env"]
    assert spec["annotations"]["io.kubernetes.cri.container-name"] == "main"


def test_a_refused_call_keeps_the_message_of_the_runtime(cri):
    with cri.pod() as pod, pytest.raises(CriError) as caught:
        cri.run_container(pod, "main", images.BUSYBOX, ["/no/such/program"])
    assert caught.value.call == "StartContainer"
    assert "/no/such/program" in caught.value.message


def test_an_unknown_handler_is_refused(cri):
    with pytest.raises(CriError, match="no runtime for \"nonesuch\" is configured"):
        cri.run_pod(handler="nonesuch")


def test_a_handler_passes_its_pod_annotations_to_config_json(make_node, combo):
    node = make_node(combo)
    # What a hook is to containerd: an executable at the handler's path that execs the runtime.
    node.write("/opt/vambrace/bin/vambrace",
               f'#!/bin/sh\necho "$*" >>/run/calls\nexec {node.runtime_path()} "$@"\n', 0o755)
    node.load_base_images()
    cri = node.cri()
    with cri.pod(handler="vambrace", annotations={"tmpfs.vambrace.dev": "/tmp",
                                                  "tmpfs.vambrace.dev/pod": "/srv",
                                                  "other.example": "no"}) as pod:
        container = cri.run_container(pod, "main", images.BUSYBOX, SLEEP)
        annotations = container.spec()["annotations"]
    assert annotations["tmpfs.vambrace.dev"] == "/tmp"
    assert annotations["tmpfs.vambrace.dev/pod"] == "/srv"
    assert "other.example" not in annotations
    calls = (node.run_dir / "calls").read_text()
    assert f"create --bundle /run/containerd/io.containerd.runtime.v2.task/k8s.io/{container.id}" \
        in calls


def test_the_recorded_default_profile_is_the_current_one(node):
    profile = profiles.default_profile(node)
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    recorded = profiles.recorded_path(node)
    if platform.machine() == "x86_64" and recorded.exists():
        assert profile == json.loads(recorded.read_text())


def test_the_nri_socket_listens(node):
    assert node.nri_socket.is_socket()


def test_a_restart_of_containerd_keeps_containers_running(node, cri):
    with cri.pod() as pod:
        container = cri.run_container(pod, "main", images.BUSYBOX, SLEEP)
        pid, daemon = container.pid, node.containerd_pid
        node.restart_containerd()
        assert node.containerd_pid != daemon
        assert container.pid == pid
        assert container.exec(["/bin/echo", "alive"]).stdout == "alive\n"
        node.restart_containerd(signal.SIGKILL)
        assert container.exec(["/bin/echo", "alive"]).stdout == "alive\n"


def test_a_log_counts_as_whole_when_the_runtime_has_closed_it(cri):
    with cri.pod() as pod:
        container = cri.run_container(pod, "main", images.BUSYBOX, SLEEP)
        with pytest.raises(TimeoutError, match="still open"):
            cri.whole_logs(container.id, timeout_s=0.1)
        container.stop()
        container.wait()
        cri.whole_logs(container.id)


def test_pods_can_have_a_network_of_their_own(cri):
    with cri.pod(host_network=False) as pod:
        result = cri.run_container(pod, "main", images.BUSYBOX, ["/bin/ip", "-o", "addr"]).wait()
    assert "10.88." in result.stdout


def test_a_pod_without_host_users_maps_its_root(cri):
    with cri.pod(userns=UserNs(host_id=1 << 20)) as pod:
        container = cri.run_container(pod, "main", images.BUSYBOX,
                                      ["/bin/sh", "-c", "id -u; cat /proc/self/uid_map"])
        result = container.wait()
    assert result.stdout.split() == ["0", "0", str(1 << 20), "65536"], result.stderr


def userns_volume(node, cri):
    """Runs a pod with a user namespace and a volume; returns who owns the volume's file."""
    node.write("/var/lib/kubelet/pods/volume/fact", "from the node\n")
    with cri.pod(userns=UserNs()) as pod:
        container = cri.run_container(pod, "main", images.BUSYBOX,
                                      ["/bin/stat", "-c", "%u", "/volume/fact"],
                                      mounts=[Mount("/volume", "/var/lib/kubelet/pods/volume")])
        return container.wait().stdout


@pytest.mark.nodes("forky-*")
def test_volumes_of_a_pod_without_host_users_are_id_mapped(node, cri):
    assert userns_volume(node, cri) == "0\n"


@pytest.mark.nodes("trixie-*")
def test_containerd_1_7_refuses_volumes_without_host_users(node, cri):
    with pytest.raises(CriError, match="idmap mounts not yet supported"):
        userns_volume(node, cri)


def test_limits_are_those_of_the_node_and_can_be_lowered(node, cri):
    with cri.pod() as pod:
        container = cri.run_container(pod, "main", images.BUSYBOX, SLEEP)
        assert not container.spec()["process"].get("rlimits")
        hard = node.run(["sh", "-c", "ulimit -Hn"]).stdout
        assert container.exec(["/bin/sh", "-c", "ulimit -Hn"]).stdout == hard
        assert container.exec(["/bin/sh", "-c", "ulimit -n 64; ulimit -Hn"]).stdout == "64\n"


def test_dynamic_programs_run_in_the_glibc_image(node, cri):
    program = images.compile_c("""
        #include <math.h>
        #include <stdio.h>
        int main(int argc, char **argv)
        {
            return printf("%.0f\\n", cbrt(argc * 1000.0 + (argv[0] == NULL))) < 0;
        }
        """, ("-lm",))
    image = images.glibc({"/usr/bin/cube-root": program}, name="vb.test/cube-root:1")
    node.load_image(image)
    with cri.pod() as pod:
        result = cri.run_container(pod, "main", image.name, ["/usr/bin/cube-root"]).wait()
    assert (result.stdout, result.stderr) == ("10\n", "")


def test_host_paths_follow_links_inside_the_node(node):
    node.run(["ln", "-sfn", "/etc/hostname", "/srv/link"])
    assert node.read("/srv/link") == f"{node.name}\n"
    assert node.host_path("/var/run/containerd/containerd.sock").is_socket()


def test_programs_run_inside_the_node_and_stop_with_signals(node):
    assert node.run(["hostname"]).stdout == f"{node.name}\n"
    with pytest.raises(NodeError, match="exits 5: oops"):
        node.run(["sh", "-c", "echo oops >&2; exit 5"])
    child = node.popen(["sleep", "1000"])
    child.terminate()
    assert child.wait(timeout=5) == -signal.SIGTERM


def test_two_nodes_run_side_by_side(make_node):
    pods = []
    for name in ("trixie-runc", "forky-runc"):
        node = make_node(name)
        node.load_base_images()
        cri = node.cri()
        pods.append((cri, cri.run_container(cri.run_pod("same", uid="same"), "main",
                                            images.BUSYBOX, SLEEP)))
    for cri, container in pods:
        assert container.exec(["/bin/true"]).exit_code == 0
        assert len(cri.list_pods()) == 1


# Ways to end a node, and what they must leave: nothing.

_OWNER = """
import signal, sys, time
from vbnode import images
from vbnode.node import Node
node = Node({suite!r}, {runtime!r}, {cgroup!r})
node.start()
node.load_base_images()
cri = node.cri()
cri.run_container(cri.run_pod(), "main", images.BUSYBOX, ["/bin/sleep", "1000"])
node.popen(["sleep", "1000"])
print(node.base, flush=True)
time.sleep(60)
"""


def leftovers(base):
    """What a node has left on the machine."""
    base = pathlib.Path(base)
    found = [str(base)] if base.exists() else []
    if cgroups.exists(base.name):
        found.append(f"cgroup {base.name}")
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            # A dead one that waits for its parent; in a container the first process may never look.
            if (process / "stat").read_text().rpartition(") ")[2].startswith("Z"):
                continue
            if base.name in (process / "cgroup").read_text():
                found.append(f"process {process.name}")
            if str(base) in (process / "mountinfo").read_text():
                found.append(f"mount seen by {process.name}")
        except OSError:
            continue
    return found


def assert_leaves_nothing(base, timeout_s=10):
    deadline = time.monotonic() + timeout_s
    while leftovers(base):
        assert time.monotonic() < deadline, leftovers(base)
        time.sleep(0.05)


def test_stop_leaves_nothing(make_node, combo):
    node = make_node(combo)
    node.load_base_images()
    base, cri = node.base, node.cri()
    cri.run_container(cri.run_pod(privileged=True), "main", images.BUSYBOX, SLEEP,
                      security=Security(privileged=True))
    node.popen(["sleep", "1000"])
    assert f"process {node.containerd_pid}" in leftovers(base)
    node.stop()
    assert leftovers(base) == []
    node.stop()


@pytest.mark.nodes("trixie-runc", "forky-crun")
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_owner_leaves_nothing(combo, signal_number):
    suite, runtime = combo.split("-")
    source = _OWNER.format(suite=suite, runtime=runtime,
                           cgroup="v2" if runtime == "crun" else "host")
    owner = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True,
                             cwd=pathlib.Path(__file__).parent)
    with owner:
        base = owner.stdout.readline().strip()
        assert leftovers(base) != []
        owner.send_signal(signal_number)
    assert_leaves_nothing(base)


def test_a_failed_start_leaves_nothing(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="vb") as parent:
        monkeypatch.setattr(tempfile, "tempdir", parent)
        with pytest.raises(NodeError, match="containerd died"):
            Node("trixie", nri={"disable": "no boolean"}).start()
        assert os.listdir(parent) == []


def test_a_killed_supervisor_is_swept_by_the_next_start(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="vb") as parent:
        # Where no other node starts and sweeps.
        monkeypatch.setattr(tempfile, "tempdir", parent)
        node = Node("trixie").start()
        base = node.base
        stat = pathlib.Path(f"/proc/{node.containerd_pid}/stat").read_text()
        supervisor = int(stat.rpartition(")")[2].split()[1])
        os.kill(supervisor, signal.SIGKILL)
        with pytest.raises(NodeError, match="cleanup failed"):
            node.stop()
        assert leftovers(base) != []
        with Node("trixie"):
            assert_leaves_nothing(base)
