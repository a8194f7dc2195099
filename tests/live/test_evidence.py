# SPDX-License-Identifier: Apache-2.0
"""The START gate believes the kernel, not the hook: a hook that leaves one layer out (test builds
only) turns exactly that layer red, and the container does not start."""
import pytest

from test_hardening import ALL_APPLIED, ATTACK, GENEROUS, arm  # noqa: F401 (arm: fixture)
from vbnode.cri import CriError, Security

# Layers of the hook; the others are the plugin's own.
HOOK_LAYERS = ("seccomp", "capabilities", "read_only_rootfs", "no_new_privileges", "rlimits")


@pytest.fixture
def skipping(installed, vambrace, request):
    """A node whose hook leaves out one layer."""
    layer = request.param
    vambrace.install(hook=f"vambrace-oci-skip-{layer.replace('_', '-')}")
    yield layer
    vambrace.install()


@pytest.mark.parametrize("seccomp", ["Unconfined", "RuntimeDefault"])
@pytest.mark.parametrize("skipping", HOOK_LAYERS, indirect=True)
def test_a_hook_that_skips_a_layer_turns_that_layer_red(
        vambrace, cri, arm, skipping, seccomp):  # noqa: F811
    security = Security(caps_add=GENEROUS.caps_add, seccomp=seccomp)
    with cri.pod("skipping", **arm) as pod:
        container = cri.create_container(pod, "main", ATTACK, ["/bin/attack"], security=security)
        with pytest.raises(CriError) as caught:
            container.start()
        outcome = vambrace.outcome(container.id, settled=False)
    assert f"vambrace: ErrNotApplied: layer {skipping}" in caught.value.message
    assert "(default/skipping, container main)" in caught.value.message
    states = {name: layer["state"] for name, layer in outcome["layers"].items()}
    expected = {**ALL_APPLIED, skipping: "failed"}
    if states["preload"] == "unobserved":  # it is mapped by exec, which never came
        expected["preload"] = "unobserved"
    # crun installs the filter after exec's preparation when no_new_privs is set.
    if states["seccomp"] == "unobserved" and skipping != "seccomp":
        expected["seccomp"] = "unobserved"
    assert states == expected
    assert outcome["layers"][skipping]["reason"]


def test_a_process_that_exits_at_once_is_unobserved_never_applied(vambrace, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = cri.run_container(pod, "main", ATTACK, ["/bin/attack"])
        container.wait()
        layers = vambrace.outcome(container.id, timeout_s=3)["layers"]
        assert layers["preload"]["state"] in ("applied", "unobserved")
        assert layers["capabilities"]["state"] == "applied"


def test_a_static_program_is_not_called_covered(vambrace, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = cri.run_container(pod, "main", ATTACK, ["/bin/sleep", "1000"])
        outcome = vambrace.outcome(container.id)
        assert outcome["preload_verdict"] == "not covered: static binary"
        assert outcome["layers"]["preload"]["state"] != "applied"
        assert outcome["level"] == "partial"


def test_required_preload_refuses_a_static_program(vambrace, cri):
    with cri.pod("static", handler="vambrace",
                 annotations={"preload.vambrace.dev": "require"}) as pod:
        container = cri.create_container(pod, "main", ATTACK, ["/bin/sleep", "1000"])
        with pytest.raises(CriError, match="vambrace: ErrPreloadUncovered: "):
            container.start()
