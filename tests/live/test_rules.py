# SPDX-License-Identifier: Apache-2.0
"""Node rules: default, floor, which bundles may be named, and permits, as a node keeps them."""
import pytest

from test_hardening import ATTACK, GENEROUS, attack, sleeper
from vbnode.cri import CriError

RULES = [{"namespaces": ["robots"], "bundles": ["arm-*"], "default": "arm-default",
          "floor": "base", "permit": ["seccomp-opt-out"]},
         {"namespaces": ["*"], "bundles": [], "permit": ["spec-allow"]}]
ATTEMPTS = ["mount", "raw-socket", "chown=/tmp", "write=/tmp/attack", "exec=/bin/allowed"]


@pytest.fixture
def ruled(vambrace, node):
    """Vambrace with these rules and their bundles, until the test ends."""
    vambrace.bundle("base", {"capabilities": {"drop": ["NET_RAW"]},
                             "rlimits": [{"type": "NOFILE", "soft": 64, "hard": 64}]})
    vambrace.bundle("arm-default", {"capabilities": {"drop": ["CHOWN"]},
                                    "rlimits": [{"type": "NOFILE", "soft": 32, "hard": 128}]})
    vambrace.bundle("arm-listed", {"preload": {"exec_allowlist": ["/bin/nothing"]}})
    vambrace.bundle("leg", {"capabilities": {"drop": ["ALL"]}})
    vambrace.stop()
    vambrace.config(rules=RULES)
    vambrace.start()
    yield vambrace
    vambrace.stop()
    node.write("/etc/vambrace/config.json", "{}")


def refusal(cri, annotations=None, **options):
    """The line with which a container is refused."""
    with cri.pod("refused", annotations=annotations or {}, **options) as pod:
        with pytest.raises(CriError) as caught:
            cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
    return caught.value.message


def test_floor_and_default_are_met_in_a_pod_that_names_nothing(ruled, cri):
    attempts, _ = attack(cri, ATTEMPTS, handler="vambrace", namespace="robots")
    assert attempts == {"mount": "EPERM", "raw-socket": "EPERM", "chown=/tmp": "EPERM",
                        "write=/tmp/attack": "ok", "exec=/bin/allowed": "ok"}
    with cri.pod(handler="vambrace", namespace="robots") as pod:
        container = sleeper(cri, pod)
        plan = ruled.plan(container.id)
        assert plan["floor"]["name"] == "base" and plan["bundle"]["name"] == "arm-default"
        assert plan["layers"]["rlimits"]["limits"] == [
            {"type": "RLIMIT_NOFILE", "soft": "32", "hard": "64"}]
        assert ruled.outcome(container.id)["level"] == "full"


def test_the_floor_holds_beside_a_bundle_that_is_named(ruled, cri):
    attempts, _ = attack(cri, ATTEMPTS, handler="vambrace", namespace="robots",
                         annotations={"bundle.vambrace.dev": "arm-listed"})
    assert attempts["raw-socket"] == "EPERM"
    assert attempts["chown=/tmp"] == "ok", "the default gave way"
    assert attempts["exec=/bin/allowed"] == "EPERM"


def test_a_floor_demands_the_handler_of_a_pod_that_asks_for_nothing(ruled, cri):
    assert ("vambrace: ErrHardeningRequiresRuntime: floor 'base' of namespace 'robots' cannot be "
            f"enforced by runtime handler '{ruled.plain_handler}' (robots/refused, container "
            "main): set runtimeClassName: vambrace on the pod") in refusal(
                cri, handler=ruled.plain_handler, namespace="robots")


def test_only_permitted_bundles_may_be_named(ruled, cri):
    annotations = {"bundle.vambrace.dev": "leg"}
    assert ("vambrace: ErrNotPermitted: bundle 'leg' is not permitted in namespace 'robots' of "
            "this node (robots/refused, container main): name one of arm-*, or have the node's "
            "rules changed") in refusal(cri, annotations, handler="vambrace", namespace="robots")
    assert "ErrNotPermitted: bundle 'leg'" in refusal(
        cri, annotations, handler="vambrace", namespace="elsewhere")
    attempts, _ = attack(cri, ["chown=/tmp"], annotations=annotations, handler="vambrace",
                         namespace="kube-system")
    assert attempts == {"chown=/tmp": "EPERM"}, "a glob does not cover kube-system"


def test_an_opt_out_leaves_the_container_its_own_profile_and_the_other_layers(ruled, cri):
    annotations = {"seccomp.vambrace.dev": "opt-out",
                   "seccomp-opt-out-reason.vambrace.dev": "an strace for the arm's maker"}
    attempts, _ = attack(cri, ATTEMPTS, handler="vambrace", namespace="robots",
                         annotations=annotations)
    assert attempts["mount"] == "ok" and attempts["raw-socket"] == "EPERM"
    with cri.pod(handler="vambrace", namespace="robots", annotations=annotations) as pod:
        container = cri.run_container(pod, "main", ATTACK, ["/bin/attack", "--wait"],
                                      security=GENEROUS)
        assert ruled.plan(container.id)["opt_out_reason"] == "an strace for the arm's maker"
        outcome = ruled.outcome(container.id)
        assert outcome["level"] == "partial"
        assert outcome["layers"]["seccomp"]["state"] == "skipped"
    assert "ErrNotPermitted: seccomp.vambrace.dev asks for opt-out" in refusal(
        cri, annotations, handler="vambrace", namespace="elsewhere")
