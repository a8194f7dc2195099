# SPDX-License-Identifier: Apache-2.0
"""The plugin as containerd starts it from its plugin directory: fd 3, no arguments, stderr closed."""
import pytest

from test_hardening import ARM, ATTACK, sleeper
from vbnode.cri import CriError
from vbnode.system import Vambrace, attack_image

PLUGIN = "/opt/nri/plugins/10-vambrace"
ARM_POD = {"handler": "vambrace", "annotations": {"bundle.vambrace.dev": "arm"}}


def boot(make_node, combo, config=None):
    """A node of its own whose containerd finds the plugin in its directory when it starts."""
    node = make_node(combo)
    vambrace = Vambrace(node)
    vambrace.install()
    vambrace.bundle("arm", ARM)
    if config is not None:
        node.write("/etc/vambrace/config.json", config)
    node.stop_containerd()
    node.install({vambrace.build / "plugin/nri/vambrace-nri": PLUGIN}, mode=0o755)
    node.restart_containerd()
    node.load_base_images()
    node.load_image(attack_image())
    return node, vambrace


@pytest.mark.nodes("*-runc")
def test_a_launched_plugin_hardens(make_node, combo):
    node, vambrace = boot(make_node, combo)
    cri = node.cri()
    with cri.pod(**ARM_POD) as pod:
        container = sleeper(cri, pod)
        assert vambrace.outcome(container.id)["level"] == "full"


@pytest.mark.nodes("*-runc")
def test_a_launched_plugin_with_a_bad_config_refuses_and_containerd_lives(make_node, combo):
    """A launched plugin that exits takes containerd 1.7 down."""
    node, vambrace = boot(make_node, combo, config='{"deadline_ms": "soon"}')
    cri = node.cri()
    with cri.pod("bad-config", **ARM_POD) as pod:
        with pytest.raises(CriError) as caught:
            cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
        assert "vambrace: ErrInternal: " in caught.value.message
        assert "(default/bad-config, container main)" in caught.value.message
    with cri.pod(handler=vambrace.plain_handler) as pod:
        sleeper(cri, pod)
    assert cri.runtime_ready()


@pytest.mark.nodes("trixie-runc")
def test_an_external_plugin_with_a_bad_config_exits_with_one_line(make_node, combo):
    node = make_node(combo)
    vambrace = Vambrace(node)
    vambrace.install()
    vambrace.config(deadline_ms="soon")
    vambrace.start(wait=False)
    assert vambrace.stop(number=0) == 1
    assert vambrace.log().count("\n") == 1
    assert "config.deadline_ms must be a number" in vambrace.log()
