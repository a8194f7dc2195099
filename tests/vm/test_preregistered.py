# SPDX-License-Identifier: Apache-2.0
"""`vambrace node install --pre-registered` where systemd runs: with containerd 1.7 a service of
systemd, with 2.1 a plugin that lives in containerd's own service and goes with it."""
import json
import signal

import pytest
from test_systemd import MACHINES, SOURCE, UNIT, node, running, sleeper, starts, tree
from vbnode.system import Vambrace

LINK = "/opt/nri/plugins/10-vambrace"
KINDS = {"trixie": ("service", f"/etc/systemd/system/{UNIT}"), "forky": ("launched", LINK)}


@pytest.fixture(params=MACHINES.values())
def robot(request):
    """A machine of its own for the test."""
    with running(request.param) as one:
        yield one


def pids(robot, name):
    """The processes of that name that still run."""
    return robot.script(f"for comm in $(grep -lx {name} /proc/[0-9]*/comm); do "
                        "path=${comm%/comm}; readlink $path/exe >/dev/null && "
                        "echo ${path#/proc/}; done; true").stdout.split()


def wait(robot, condition):
    """A condition of the shell, which must come true."""
    robot.script(f"for i in $(seq 120); do {condition} && exit 0; sleep 0.5; done; exit 1")


def wait_registered(robot):
    """Until the status is well."""
    wait(robot, f"{SOURCE}/vambrace node status >/dev/null")


def harden_one(robot, cri, name):
    """A pod that must be hardened in full."""
    with cri.pod(name, handler="vambrace", annotations={"bundle.vambrace.dev": "arm"}) as pod:
        container = sleeper(cri, pod)
        assert Vambrace(robot).outcome(container.id)["level"] == "full"
        container.stop()


def test_the_plugin_comes_with_the_host_and_goes_without_a_trace(robot):
    cri, (kind, path) = robot.cri(), KINDS[robot.suite]
    before = tree(robot)
    node(robot, "install", "--pre-registered")
    status = json.loads(node(robot, "status", "--json").stdout)
    assert status["plugin"] == {"kind": kind, "path": path, "registered": True}
    assert status["problems"] == [] and starts(robot) == 2
    harden_one(robot, cri, "installed")
    # It dies, and comes back by whoever keeps it.
    killed, = pids(robot, "vambrace-nri")
    robot.run(["kill", f"-{signal.SIGKILL.value}", killed])
    wait(robot, f"! kill -0 {killed}")
    wait_registered(robot)
    harden_one(robot, cri, "back")
    # containerd's service takes along what it has started, and nothing is there twice.
    robot.run(["systemctl", "restart", "containerd"])
    wait_registered(robot)
    assert len(pids(robot, "vambrace-nri")) == 1
    assert len(pids(robot, "vambrace-parent")) == (1 if kind == "launched" else 0)
    assert robot.run(["systemctl", "is-enabled", UNIT], check=False).stdout.strip() == (
        "enabled" if kind == "service" else "not-found")
    harden_one(robot, cri, "again")
    node(robot, "uninstall")
    assert tree(robot) == before
    wait(robot, "! grep -qx 'vambrace-nri\\|vambrace-parent' /proc/[0-9]*/comm")
    assert robot.run(["systemctl", "is-active", UNIT], check=False).stdout.strip() == "inactive"
