# SPDX-License-Identifier: Apache-2.0
"""`vambrace status` on real nodes: what runs, what was refused, and whether the plugin is there."""
import json
import signal
import time

import pytest

from test_audit import audit  # noqa: F401 (fixture)
from test_hardening import ATTACK, arm, sleeper  # noqa: F401 (arm: fixture)
from test_metrics import fetch, scrape, wait_for  # noqa: F401 (fixtures)
from test_rules import ruled  # noqa: F401 (fixture)
from vbnode import images
from vbnode.cri import CriError
from vbnode.system import Vambrace

VAMBRACE = "/opt/vambrace/bin/vambrace-cli"


def run_status(node, *arguments, wrapper=()):
    """`vambrace status` on a node, as a CompletedProcess."""
    return node.run([*wrapper, VAMBRACE, "status", *arguments], check=False)


def unfolded(text):
    """A report's text without the ends of its lines."""
    return " ".join(text.split())


@pytest.fixture
def status(vambrace, node):
    """status(*arguments): the text or the JSON report, and the exit code."""
    node.install({vambrace.build / "plugin/cli/vambrace": VAMBRACE}, mode=0o755)

    def run(*arguments):
        result = run_status(node, *arguments)
        assert result.returncode in (0, 1), result
        return (json.loads(result.stdout) if "--json" in arguments else result.stdout,
                result.returncode)

    return run


def test_what_runs_is_shown_with_its_evidence(status, vambrace, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        outcome = vambrace.outcome(container.id)
        report, code = status("--json", container.id[:12])
        assert code == 0 and report["daemon_runs"]
        assert report["containers"] == [outcome]
        assert report["daemon"]["runtime"]["name"] == "containerd"
        assert report["daemon"]["pid"] == vambrace.pid
        text, _ = status()
        assert f"(pid {vambrace.pid}), registered with containerd " in text
        assert f"/{outcome['pod']}/main" in text and " full " in text
        details, _ = status(outcome["pod"])
        for layer in outcome["layers"].values():
            for line in layer["evidence"]:
                assert line.split()[0] in details
    _, code = status(container.id)
    assert code == 1, "the container is gone"


def test_what_was_refused_is_shown_with_its_line(status, cri):
    annotations = {"bundle.vambrace.dev": "nonesuch"}
    with cri.pod(handler="vambrace", annotations=annotations) as pod:
        with pytest.raises(CriError) as refused:
            cri.run_container(pod, "main", ATTACK, ["/bin/attack"])
    deadline = time.monotonic() + 10
    # daemon.json is written a moment after the answer.
    while True:
        refusals = status("--json")[0]["daemon"]["refusals"]
        if refusals and refusals[0]["error"] in str(refused.value):
            break
        assert time.monotonic() < deadline, refusals
        time.sleep(0.05)
    assert refusals[0]["code"] == "ErrBundleNotFound"
    text, _ = status()
    assert "Refused lately:" in text and "ErrBundleNotFound" in text


def test_a_plugin_that_is_gone_is_noticed(status, vambrace):
    vambrace.send_signal(signal.SIGKILL)
    vambrace.stop()
    text, code = status()
    assert code == 1 and text.startswith("vambrace-nri is gone without a word")
    vambrace.start()
    vambrace.stop()
    text, code = status()
    assert code == 1 and text.startswith("vambrace-nri was stopped at")


def test_what_the_nodes_rule_brings_is_named_and_its_problems_told(
        status, ruled, cri, audit, scrape, node):  # noqa: F811
    plain = {"handler": "vambrace", "namespace": "robots"}
    with cri.pod(**plain) as pod:
        container = sleeper(cri, pod)
        outcome = ruled.outcome(container.id)
        plan = ruled.plan(container.id)
        assert plan["bundle"]["default"] is True
        assert (outcome["bundle"], outcome["bundle_is_default"]) == ("arm-default", True)
        assert (outcome["floor"], outcome["floor_digest"]) == ("base", plan["floor"]["digest"])
        frame = audit.wait("outcome")[-1]
        assert {key: frame[key] for key in ("bundle", "bundle_is_default", "floor", "floor_digest")
                } == {key: outcome[key] for key in ("bundle", "bundle_is_default", "floor",
                                                    "floor_digest")}
        ruled.wait_log(f"container_id={container.id} event=outcome .*bundle_is_default=true "
                       f'floor="base" floor_digest="{outcome["floor_digest"]}"')
        assert "  by the node's rule default arm-default, floor base\n" in status()[0]
        details, _ = status(container.id)
        assert "  bundle arm-default (the default of the node's rule)\n" in details
        assert f"  floor base\n      {outcome['floor_digest']}\n" in details
    for name in ("base", "arm-default"):
        node.write(f"/etc/vambrace/bundles/{name}/manifest.json", "{")
    with cri.pod(**plain) as pod:
        container = sleeper(cri, pod)
        kept = ruled.outcome(container.id)
        assert kept["level"] == "full" and kept["floor_digest"] == outcome["floor_digest"]
        wait_for(lambda: scrape("vambrace_bundle_problems") == 2)
        assert scrape("vambrace_bundle_kept_total") >= 1
        wait_for(lambda: [(problem["name"], problem["used_as"]) for problem
                          in status("--json")[0]["daemon"]["bundle_problems"]] == [
                              ("base", ["floor"]), ("arm-default", ["default"])])
        text, _ = status()
        assert "Bundle base (floor): its last good version is in use: " in text
        assert "Bundle arm-default (default): its last good version is in use: " in text


def test_without_root_it_says_what_it_needs(status, node):
    wait_for(lambda: status()[1] == 0)
    result = run_status(node, wrapper=["setpriv", "--reuid=65534", "--regid=65534",
                                       "--clear-groups"])
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr == ("vambrace: look into '/run/vambrace': Permission denied\n"
                             "  run it as root\n")


def test_a_hook_that_is_gone_is_noticed(status, node, cri):
    # daemon.json is written a moment after the registration.
    wait_for(lambda: status()[1] == 0)
    assert status("--json")[0]["hook"] == "ok"
    node.run(["mv", "/opt/vambrace/bin/vambrace-oci", "/opt/vambrace/bin/elsewhere"])
    try:
        text, code = status()
        assert code == 1 and status("--json")[0]["hook"] == "ENOENT"
        assert ("Hook: /opt/vambrace/bin/vambrace-oci is not usable (ENOENT): no pod of its "
                "handlers starts. `vambrace doctor` tells what to change.") in unfolded(text)
        with pytest.raises(CriError, match="no such file or directory"):
            with cri.pod(handler="vambrace"):
                pass
    finally:
        node.run(["mv", "/opt/vambrace/bin/elsewhere", "/opt/vambrace/bin/vambrace-oci"])
    text, code = status()
    assert code == 0 and "Hook: " not in text


@pytest.mark.nodes("*-runc")
def test_without_nri_it_says_that_pods_are_refused(make_node, combo):
    own = make_node(combo, nri={"disable": True})
    own.load_base_images()
    system = Vambrace(own)
    system.install()
    own.install({system.build / "plugin/cli/vambrace": VAMBRACE}, mode=0o755)
    result = run_status(own)
    assert result.returncode == 1
    assert result.stdout.startswith(
        "vambrace-nri has not run here: hardened pods are refused.\n")
    system.start(wait=False)
    wait_for(lambda: "is not registered" in run_status(own).stdout)
    result = run_status(own)
    assert result.returncode == 1
    assert (f"(pid {system.pid}), but is not registered with a runtime (connect to "
            "'/var/run/nri/nri.sock': No such file or directory): hardened pods are refused. "
            "`vambrace doctor` tells what to change.") in unfolded(result.stdout)
    client = own.cri()
    with client.pod(handler="vambrace") as pod:
        with pytest.raises(CriError, match="vambrace: ErrNoPlan: "):
            client.run_container(pod, "main", images.BUSYBOX, ["/bin/sleep", "60"])
    # What doctor says to do: then the plugin comes by itself.
    own.nri = {}
    own.write_config()
    own.restart_containerd()
    wait_for(lambda: run_status(own).returncode == 0)
    report = json.loads(run_status(own, "--json").stdout)
    assert report["daemon"]["runtime"]["problem"] is None
    system.stop()


@pytest.mark.nodes("*-runc")
def test_an_old_runc_is_told_with_each_container(status, vambrace, node, cri, arm):  # noqa: F811
    is_old = node.containerd_version < (2, 0)
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        outcome = vambrace.outcome(container.id)
        details, code = status(container.id)
        assert code == 0
        assert f"handler            vambrace, runtime {node.runtime_path()}\n" in details
        layer = outcome["layers"]["spec_allow"]
        assert (f"spec_allow         {layer['state']}, {layer['value']}, on this node: "
                f"{layer['node_effect']}") in details
        assert ("- flags: none named\n" in details) == is_old
        assert ("SECCOMP_FILTER_FLAG_LOG" in details) != is_old
        assert (outcome["note"] is not None) == (is_old and layer["node_effect"] == "matters")
        assert (outcome["note"] or "") in unfolded(details)
