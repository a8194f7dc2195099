# SPDX-License-Identifier: Apache-2.0
"""Hosts that systemd runs: `vambrace node` and the plugin's service, in machines with cgroup v2 and
the containerd of two suites, as Debian ships it. Each test takes its machine as the one before has
left it, from a bare one to a bare one."""
import json
import pathlib
import platform

import pytest
from test_hardening import ARM, ATTACK
from vbnode import manifest
from vbnode.cri import Security
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


@pytest.fixture(scope="module",
                params=[pytest.param(suite, marks=pytest.mark.xdist_group(suite))
                        for suite in CONFIGS])
def host(request):
    """A machine that is up, with images and bundles, and nothing of ours installed."""
    one = systemd_host.SystemdHost(request.param, files(request.param))
    try:
        one.wait_booted()
        one.load_base_images()
        one.load_image(attack_image())
        Vambrace(one).bundle("arm", ARM)
        yield one
    finally:
        one.stop()


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
    return host.run(["journalctl", "-q", "-o", "cat", "--no-pager", "_PID=1", f"UNIT={unit}",
                     "JOB_TYPE=start", "JOB_TYPE=restart", "JOB_RESULT=done"]).stdout.count("Started ")


def sleeper(cri, pod, **options):
    """A running container that does nothing."""
    return cri.run_container(pod, "main", ATTACK, ["/bin/attack", "--wait"],
                             **{"security": GENEROUS, **options})


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
