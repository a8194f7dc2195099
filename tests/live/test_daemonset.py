# SPDX-License-Identifier: Apache-2.0
"""The plugin in a pod of its own, with the rights that the DaemonSet gives it and no others: every
outcome is as complete as that of a plugin on the bare node."""
import pytest

from test_hardening import ALL_APPLIED, GENEROUS, arm, sleeper  # noqa: F401 (arm: fixture)
from vbnode import images
from vbnode.cri import Mount, Security

IMAGE = "vb.test/vambrace-nri:1"
MOUNTS = (Mount("/var/run/nri", "/var/run/nri"),
          Mount("/run/vambrace", "/run/vambrace"),
          Mount("/run/containerd", "/run/containerd", readonly=True, propagation="host-to-container"),
          Mount("/etc/vambrace", "/etc/vambrace", readonly=True),
          Mount("/opt/vambrace", "/opt/vambrace", readonly=True))
RIGHTS = Security(run_as_user=0, caps_drop=("ALL",), caps_add=("SYS_PTRACE",), no_new_privs=True,
                  readonly_rootfs=True, seccomp="RuntimeDefault")


@pytest.fixture
def plugin_pod(vambrace, node, cri, arm):  # noqa: F811
    """The plugin's pod in place of the process on the node."""
    layer = images.Layer()
    for directory in ("/var/run/nri", "/run/vambrace", "/run/containerd", "/etc/vambrace",
                      "/opt/vambrace", "/proc", "/dev", "/sys"):
        layer.directory(directory)
    layer.copy(vambrace.build / "plugin/nri/vambrace-nri", "/vambrace-nri", mode=0o755)
    node.load_image(images.archive(IMAGE, layer, {"Entrypoint": ["/vambrace-nri"]}))
    vambrace.stop()
    with cri.pod("vambrace", namespace="kube-system", host_pid=True,
                 handler=vambrace.plain_handler) as pod:
        container = cri.run_container(pod, "plugin", IMAGE, security=RIGHTS, mounts=MOUNTS)
        container.wait_log("event=synchronized")
        yield container
    vambrace.start()


@pytest.mark.parametrize("uid", [0, 1000])
def test_outcomes_from_the_daemonsets_pod_are_complete(
        vambrace, cri, arm, plugin_pod, uid):  # noqa: F811
    security = Security(caps_add=GENEROUS.caps_add, seccomp="Unconfined", run_as_user=uid)
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod, security=security)
        outcome = vambrace.outcome(container.id)
        assert {name: layer["state"] for name, layer in outcome["layers"].items()} == ALL_APPLIED
        assert outcome["level"] == "full"
        assert outcome["layers"]["spec_allow"]["node_effect"] != "unknown"
        plugin_pod.wait_log(f"container_id={container.id} event=outcome")


def test_the_plugins_pod_has_no_other_rights(plugin_pod):
    with open(f"/proc/{plugin_pod.pid}/status", encoding="ascii") as text:
        status = dict(line.split(":\t", 1) for line in text.read().splitlines() if ":\t" in line)
    assert int(status["CapEff"], 16) == 1 << 19  # CAP_SYS_PTRACE
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
