# SPDX-License-Identifier: Apache-2.0
"""Hosts that systemd runs: `vambrace node` and the plugin's service, in machines with cgroup v2 and
the containerd of two suites, as Debian ships it. Each test takes its machine as the one before has
left it, from a bare one to a bare one."""
import contextlib
import json
import pathlib
import platform
import re
import subprocess
import time

import pytest
from test_hardening import ARM, ATTACK
from vbnode import images, kubelet, manifest
from vbnode.cri import CriError, Security
from vbnode.system import Vambrace, attack_image, build_directory

import systemd_host

if platform.machine() != "x86_64":
    pytest.skip("the machines are x86-64", allow_module_level=True)

SOURCE = "/root/source"
UNIT = "vambrace-nri.service"
PROGRAMS = ("plugin/oci/vambrace-oci", "plugin/nri/vambrace-nri", "plugin/cli/vambrace",
            "shim/libautonomy_preload.so")
# What Debian's own file says, and what kubeadm asks for on a host with systemd.
CONFIG = """
[plugins."{cri}".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "/etc/cni/net.d"
[plugins."{cri}".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins."{cri}".containerd.runtimes.runc.options]
    SystemdCgroup = true
"""
# containerd 1.7, and 2.1 with a directory for drop-ins.
CONFIGS = {
    "trixie": "version = 2\n" + CONFIG.format(cri="io.containerd.grpc.v1.cri"),
    "forky": 'version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n'
             + CONFIG.format(cri="io.containerd.cri.v1.runtime")}
# Everything that the kernel lets a container have, so that only a layer can take it.
GENEROUS = Security(caps_add=("SYS_ADMIN", "SYS_PTRACE", "NET_ADMIN"), seccomp="Unconfined")
HARDENED = {"handler": "vambrace", "annotations": {"bundle.vambrace.dev": "arm"}}


def files(suite):
    """What is on the machine before it starts: our files, not installed, and an operator's."""
    found = {"/etc/containerd/config.toml": CONFIGS[suite].encode()}
    for path in PROGRAMS:
        found[f"{SOURCE}/{pathlib.Path(path).name}"] = build_directory() / path
    for path in (f"systemd/{UNIT}", "logrotate/vambrace"):
        found[f"{SOURCE}/deploy/{path}"] = manifest.DEPLOY / path
    for path in (manifest.DEPLOY / "bundles/baseline").rglob("*.json"):
        found[f"/etc/vambrace/bundles/{path.relative_to(manifest.DEPLOY / 'bundles')}"] = path
    return found


MACHINES = {suite: pytest.param(suite, marks=pytest.mark.xdist_group(suite)) for suite in CONFIGS}
# What does not depend on the version of containerd.
one_suite = pytest.mark.parametrize("host", [MACHINES["trixie"]], indirect=True)


@contextlib.contextmanager
def running(suite):
    """A machine that is up, with images and bundles, and nothing of ours installed."""
    one = systemd_host.SystemdHost(suite, files(suite))
    try:
        one.wait_booted()
        one.load_base_images()
        one.load_image(attack_image())
        Vambrace(one).bundle("arm", ARM)
        yield one
    finally:
        one.stop()


@pytest.fixture(scope="module", params=MACHINES.values())
def host(request):
    """The machine of a suite, for all tests of this file."""
    with running(request.param) as one:
        yield one


@pytest.fixture(scope="module")
def cri(host):
    """A client of the machine's containerd."""
    return host.cri()


def node(host, *arguments, code=0):
    """`vambrace node ...`, which must exit with the code."""
    result = host.run([f"{SOURCE}/vambrace", "node", *arguments], check=False)
    assert result.returncode == code, (result.stdout, result.stderr)
    return result


def tree(host):
    """Everything below /etc and /opt, with modes and digests."""
    # The machine's id gets its place as systemd comes to it.
    return host.script("find /etc /opt ! -name machine-id -printf '%M %U %G %p %l\\n' | sort; "
                       "find /etc /opt -type f -exec sha256sum {} + | sort").stdout


def starts(host, unit="containerd.service"):
    """How often systemd has started a service since the machine is up."""
    said = host.run(["journalctl", "-q", "-o", "cat", "--no-pager", "_PID=1", f"UNIT={unit}",
                     "JOB_TYPE=start", "JOB_TYPE=restart", "JOB_RESULT=done"]).stdout
    return said.count("Started ")


def sleeper(cri, pod, **options):
    """A running container that does nothing."""
    return cri.run_container(pod, "main", ATTACK, ["/bin/attack", "--wait"],
                             **{"security": GENEROUS, **options})


def wait_until(condition, timeout_s=60):
    """Polls; returns whether it came true."""
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(1)
    return condition()


# The installation


class Installed:
    """What `vambrace node install` found and did; `bystander` is a container of a pod that ran
    before it."""

    def __init__(self, host, cri):
        self.before = tree(host)
        self.starts = starts(host)
        self.pod = cri.run_pod("bystander", handler="runc")
        self.bystander = sleeper(cri, self.pod)
        self.pid = self.bystander.pid
        self.result = node(host, "install")


@pytest.fixture(scope="module")
def installed(host, cri):
    """An installation without a word about the restart."""
    return Installed(host, cri)


def test_systemd_is_told_to_restart_containerd_once(host, cri, installed):
    assert host.read("/proc/1/comm") == "systemd\n"
    assert host.run(["stat", "-fc", "%T", "/sys/fs/cgroup"]).stdout == "cgroup2fs\n"
    assert installed.starts == 1 and starts(host) == 2
    service = host.properties("containerd.service", "NRestarts", "ActiveState", "Result")
    assert service == {"NRestarts": "0", "ActiveState": "active", "Result": "success"}
    assert cri.version().runtime_name == "containerd"
    status = json.loads(node(host, "status", "--json").stdout)
    assert status["problems"] == [] and status["cri_lists_handlers"]
    assert status["file"]["kind"] == {"trixie": "root-file", "forky": "drop-in"}[host.suite]


def test_pods_that_ran_before_go_on(host, installed):
    assert installed.bystander.pid == installed.pid
    assert installed.bystander.exec(["/bin/true"]).exit_code == 0


def test_a_second_install_restarts_nothing(host, installed):
    names = ("InvocationID", "ExecMainPID", "NRestarts")
    before = host.properties("containerd.service", *names), tree(host)
    node(host, "install")
    assert (host.properties("containerd.service", *names), tree(host)) == before


# The plugin's service


class Service(Vambrace):
    """The plugin as the shipped unit runs it."""

    def systemctl(self, *arguments):
        """Asks systemd something about the service."""
        return self.node.run(["systemctl", *arguments, UNIT])

    def properties(self, *names):
        """Properties of the service."""
        return self.node.properties(UNIT, *names)

    def count(self, text):
        """How often the plugin has said something."""
        return self.node.journal(UNIT).count(text)

    @contextlib.contextmanager
    def says(self, text, timeout_s=60):
        """What is done in the block makes the plugin say something."""
        before = self.count(text)
        yield
        assert wait_until(lambda: self.count(text) > before, timeout_s), self.node.journal(UNIT)


@pytest.fixture(scope="module")
def service(host, installed):
    """The service as docs tell to set it up."""
    one = Service(host)
    one.config(metrics_listen="127.0.0.1:9465",
               rules=[{"namespaces": ["strict"], "unhardened": "kill"}])
    host.run(["cp", f"{SOURCE}/deploy/systemd/{UNIT}", "/etc/systemd/system/"])
    with one.says("event=synchronized"):
        one.systemctl("enable", "--now")
    return one


@pytest.mark.parametrize("uid", [0, 1000])
def test_outcomes_from_the_service_are_complete(cri, service, uid):
    """The evidence is in /proc of other users' processes, and systemd has taken from the service
    what it does not need."""
    security = Security(caps_add=GENEROUS.caps_add, seccomp="Unconfined", run_as_user=uid)
    with cri.pod(**HARDENED) as pod:
        container = sleeper(cri, pod, security=security)
        outcome = service.outcome(container.id, timeout_s=60)
    states = {name: layer["state"] for name, layer in outcome["layers"].items()}
    assert states.pop("spec_allow") == "skipped"
    assert set(states.values()) == {"applied"} and len(states) == 7
    assert outcome["level"] == "full"
    assert outcome["layers"]["spec_allow"]["node_effect"] != "unknown"


def test_the_handler_has_the_cgroup_driver_of_the_nodes_own(host, cri, service):
    """runc asks systemd for a scope below the pod's slice, which the hook must not get in the way
    of."""
    with cri.pod(**HARDENED, cgroup_parent="kubepods-burstable-podx.slice") as pod:
        container = sleeper(cri, pod)
        scope = f"cri-containerd-{container.id}.scope"
        assert host.read(f"/proc/{container.pid}/cgroup") == (
            f"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podx.slice/{scope}\n")
        assert host.properties(scope, "ActiveState") == {"ActiveState": "active"}
        assert service.outcome(container.id, timeout_s=60)["level"] == "full"


def test_a_shipped_bundle_hardens(cri, service):
    with cri.pod(handler="vambrace", annotations={"bundle.vambrace.dev": "baseline"}) as pod:
        outcome = service.outcome(sleeper(cri, pod).id, timeout_s=60)
        assert (outcome["bundle"], outcome["level"]) == ("baseline", "full")


@one_suite
def test_the_service_has_no_other_rights(host, service):
    pid = service.properties("ExecMainPID")["ExecMainPID"]
    status = dict(line.split(":\t", 1) for line in host.read(f"/proc/{pid}/status").splitlines()
                  if ":\t" in line)
    for field in ("CapEff", "CapPrm", "CapBnd"):
        assert int(status[field], 16) == 1 << 5 | 1 << 19  # KILL, SYS_PTRACE
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    # It writes to its state and its log, and to nothing else.
    mounts = [line.split() for line in host.read(f"/proc/{pid}/mountinfo").splitlines()]
    assert {mount[5].split(",")[0] for mount in mounts if mount[4] == "/"} == {"ro"}
    refused = host.run(["nsenter", "-t", pid, "-m", "touch", "/etc/x", "/opt/x", "/root/x",
                        "/var/x", "/run/vambrace/x", "/var/log/vambrace/x"], check=False)
    assert re.findall("'(.*)': Read-only file system", refused.stderr) == [
        "/etc/x", "/opt/x", "/root/x", "/var/x"]
    host.run(["rm", "/run/vambrace/x", "/var/log/vambrace/x"])
    line = host.run(["systemd-analyze", "security", "--no-pager", UNIT]).stdout.splitlines()[-1]
    print(line)
    assert float(re.search(r"level for \S+: ([0-9.]+)", line)[1]) < 3.5


@one_suite
def test_a_reload_takes_another_config_into_force(host, cri, service):
    invocation = service.properties("InvocationID", "ExecMainPID")
    config = host.read("/etc/vambrace/config.json")
    service.config(metrics_listen="127.0.0.1:9465",
                   rules=[{"namespaces": ["default"], "bundles": ["baseline"]}])
    with service.says("event=config-loaded"):
        service.systemctl("reload")
    with cri.pod(**HARDENED) as pod, pytest.raises(CriError, match="vambrace: ErrNotPermitted"):
        sleeper(cri, pod)
    host.write("/etc/vambrace/config.json", config)
    with service.says("event=config-loaded"):
        service.systemctl("reload")
    assert service.properties("InvocationID", "ExecMainPID") == invocation


@one_suite
def test_the_service_answers_who_asks_for_its_metrics(host, service):
    answer = host.run(["busybox", "wget", "-qO-", "http://127.0.0.1:9465/metrics"]).stdout
    assert re.search(r"^vambrace_decisions_total\{.*\} [1-9]", answer, re.M), answer
    assert host.run(["busybox", "wget", "-qO-", "http://127.0.0.1:9465/readyz"]).stdout == "ok\n"


@one_suite
def test_the_audit_log_goes_on_in_a_new_file_when_it_is_rotated(host, cri, service):
    log = "/var/log/vambrace/audit.jsonl"
    host.run(["cp", f"{SOURCE}/deploy/logrotate/vambrace", "/etc/logrotate.d/vambrace"])
    events = len(host.read(log).splitlines())
    assert events > 0
    host.run(["logrotate", "--force", "/etc/logrotate.d/vambrace"])
    assert not host.exists(log)
    with cri.pod(**HARDENED) as pod:
        container = sleeper(cri, pod)
        service.outcome(container.id, timeout_s=60)
    assert len(host.read(f"{log}.1").splitlines()) >= events
    assert {json.loads(line)["container_id"] for line in host.read(log).splitlines()
            } == {container.id}
    assert host.run(["stat", "-c", "%U %a", log]).stdout == "root 640\n"
    host.run(["rm", "/etc/logrotate.d/vambrace"])


def test_a_killed_plugin_is_back_and_hardens(host, cri, service):
    restarts = int(service.properties("NRestarts")["NRestarts"])
    with service.says("event=synchronized"):
        host.run(["systemctl", "kill", "-s", "KILL", UNIT])
    assert int(service.properties("NRestarts")["NRestarts"]) == restarts + 1
    with cri.pod(**HARDENED) as pod:
        assert service.outcome(sleeper(cri, pod).id, timeout_s=60)["level"] == "full"


def test_the_plugin_outlives_a_restart_of_containerd(host, cri, service):
    before = service.properties("InvocationID", "ExecMainPID")
    with service.says("event=synchronized"):
        host.run(["systemctl", "restart", "containerd"])
    assert service.properties("InvocationID", "ExecMainPID") == before
    with cri.pod(**HARDENED) as pod:
        assert service.outcome(sleeper(cri, pod).id, timeout_s=60)["level"] == "full"


@one_suite
def test_the_plugin_starts_after_containerd_and_brings_it_along(host, service):
    """As at boot, where one job asks for both."""
    host.run(["systemctl", "stop", UNIT, "containerd"])
    with service.says("event=synchronized"):
        service.systemctl("start")
    names = ("ActiveEnterTimestampMonotonic", "ExecMainStartTimestampMonotonic")
    containerd = host.properties("containerd.service", "ActiveState", *names)
    assert containerd["ActiveState"] == "active"
    assert int(service.properties(*names)[names[1]]) > int(containerd[names[0]])
    assert "event=connect-failed" not in host.run(
        ["journalctl", "-q", "-o", "cat", f"_SYSTEMD_INVOCATION_ID="
         f"{service.properties('InvocationID')['InvocationID']}"]).stdout


def test_what_runs_unhardened_is_killed(host, cri, service):
    """A container of another user that was started while there was no plugin."""
    service.systemctl("stop")
    with cri.pod("slipped", namespace="strict", handler="runc",
                 annotations={"tmpfs.vambrace.dev/container.main": "/tmp"}) as pod:
        container = sleeper(cri, pod, security=Security(run_as_user=1000))
        with service.says("action=killed"):
            service.systemctl("start")
        assert container.wait().exit_code == 137


# And away


def test_uninstall_leaves_the_bytes_that_install_found(host, cri, installed, service):
    service.systemctl("disable", "--now")
    host.run(["rm", f"/etc/systemd/system/{UNIT}", "/etc/vambrace/config.json"])
    host.run(["systemctl", "daemon-reload"])
    before = starts(host)
    node(host, "uninstall")
    assert starts(host) == before + 1
    assert tree(host) == installed.before
    assert node(host, "status", code=1).stdout.count("not installed") == 1
    assert installed.bystander.pid == installed.pid
    assert installed.bystander.exec(["/bin/true"]).exit_code == 0
    with pytest.raises(CriError, match="no runtime for \"vambrace\" is configured"):
        cri.run_pod(handler="vambrace")
    cri.stop_pod(installed.pod)
    cri.remove_pod(installed.pod)


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """The image of this machine's architecture."""
    path = tmp_path_factory.mktemp("image") / "vambrace.tar"
    subprocess.run([manifest.DEPLOY / "image/build", path, f"amd64={build_directory()}"],
                   check=True)
    spec = manifest.render("kustomize/overlays/plain").daemonset["spec"]["template"]["spec"]
    return images.Archive(spec["containers"][0]["image"], path)


def test_the_daemonset_alone_makes_a_bare_host_harden(host, cri, image):
    """Its init step has systemd restart containerd from within a pod, which goes on; its container
    has the memory limit of the manifest from a slice of systemd's."""
    documents = manifest.render("kustomize/overlays/plain")
    host.load_image(image)
    before, restarts = tree(host), starts(host)
    kubelet.prepare(host, documents.pod_manifest())
    etc = documents.daemonset["spec"]["template"]["spec"]["volumes"][0]
    host.write(f"{kubelet.host_path(etc)}/config.json", "{}")
    host.run(["cp", "-r", "/etc/vambrace/bundles", kubelet.host_path(etc)])
    options = {"host_pid": True, "host_network": False, "privileged": True}
    with cri.pod("plugin", **options) as pod:
        result, = documents.initialize(cri, pod)
        assert result.exit_code == 0, result
        plugin = documents.run(cri, pod)
        plugin.wait_log("event=synchronized", timeout_s=60)
        group = host.read(f"/proc/{plugin.pid}/cgroup").strip().removeprefix("0::")
        assert host.read(f"/sys/fs/cgroup{group}/memory.max") == f"{64 << 20}\n"
        with cri.pod(**HARDENED) as hardened:
            outcome = Vambrace(host).outcome(sleeper(cri, hardened).id, timeout_s=60)
            assert outcome["level"] == "full"
    assert starts(host) == restarts + 1
    node(host, "uninstall")
    assert tree(host) == before
