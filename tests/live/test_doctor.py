# SPDX-License-Identifier: Apache-2.0
"""`vambrace doctor` on real nodes, whole and broken: what it says, and that its advice is right."""
import json

import pytest

from test_hardening import arm  # noqa: F401 (arm: fixture)

VAMBRACE = "/opt/vambrace/bin/vambrace-cli"


@pytest.fixture
def doctor(vambrace, node):
    """doctor(): {topic: [(level, what, fix)]} as seen by root on the node, and the exit code."""
    node.install({vambrace.build / "plugin/cli/vambrace": VAMBRACE}, mode=0o755)

    def run(*wrapper):
        result = node.run([*wrapper, VAMBRACE, "doctor", "--json"], check=False)
        report = json.loads(result.stdout)
        topics = {}
        for finding in report["findings"]:
            topics.setdefault(finding["topic"], []).append(
                (finding["level"], finding["what"], finding["fix"]))
        assert result.returncode == (1 if report["summary"]["problem"] else 0)
        return topics

    return run


def only(topics, topic):
    """The one finding of a topic."""
    assert len(topics[topic]) == 1, topics[topic]
    return topics[topic][0]


def test_a_node_that_works_has_no_problem(doctor, node, vambrace, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        assert pod
    topics = doctor()
    assert "problem" not in {level for findings in topics.values() for level, _, _ in findings}
    version = ".".join(map(str, node.containerd_version))
    assert only(topics, "containerd")[1].startswith(f"containerd {version}")
    assert only(topics, "nri")[0] == only(topics, "handler")[0] == only(topics, "shim")[0] == "ok"
    level, what, _ = only(topics, "runtime")
    assert vambrace.node.runtime_path() in what
    old_runc = node.runtime == "runc" and node.containerd_version < (2, 0)
    assert level == ("warning" if old_runc else "ok"), "runc 1.1 takes no seccomp flags"


def test_a_hook_that_is_gone(doctor, node):
    node.run(["mv", "/opt/vambrace/bin/vambrace-oci", "/opt/vambrace/bin/elsewhere"])
    try:
        topics = doctor()
    finally:
        node.run(["mv", "/opt/vambrace/bin/elsewhere", "/opt/vambrace/bin/vambrace-oci"])
    assert [level for level, _, _ in topics["hook"]] == ["problem", "problem"]
    assert "vambrace-oci is not usable (ENOENT)" in topics["hook"][0][1]
    assert "bin/vambrace is not usable (ENOENT)" in topics["hook"][1][1]


def test_a_hook_that_others_may_write(doctor, node):
    node.run(["chmod", "0777", "/opt/vambrace/bin/vambrace-oci"])
    try:
        assert "not root's alone" in doctor()["hook"][0][1]
    finally:
        node.run(["chmod", "0755", "/opt/vambrace/bin/vambrace-oci"])


def test_a_runtime_that_is_gone(doctor, vambrace):
    vambrace.configure_hook({"vambrace": {"runtime": "/usr/sbin/gone"}})
    try:
        level, what, fix = doctor()["hook"][-1]
    finally:
        vambrace.configure_hook({"vambrace": {"runtime": vambrace.node.runtime_path()}})
    assert level == "problem" and "/usr/sbin/gone" in what and "oci.json" in fix


def test_a_bad_node_config(doctor, node, vambrace):
    node.write("/etc/vambrace/config.json", '{"deadline_ms": "soon"}')
    try:
        assert "config.deadline_ms must be a number" in only(doctor(), "config")[1]
    finally:
        node.write("/etc/vambrace/config.json", "{}")


def test_without_root_it_says_what_it_could_not_see(doctor):
    topics = doctor("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    assert only(topics, "nri")[0] == "unseen"
    assert only(topics, "containerd")[0] == "unseen"
    assert "run doctor as root" in only(topics, "nri")[2]
    assert only(topics, "seccomp")[0] == "ok"


@pytest.mark.nodes("*-runc")
def test_nri_switched_off(make_node, combo, tmp_path):
    own = make_node(combo, nri={"disable": True})
    from vbnode.system import Vambrace
    system = Vambrace(own)
    system.install()
    own.install({system.build / "plugin/cli/vambrace": VAMBRACE}, mode=0o755)
    result = own.run([VAMBRACE, "doctor"], check=False)
    assert result.returncode == 1
    assert "problem nri         NRI is switched off in containerd" in result.stdout
    assert "set disable = false" in result.stdout


def test_a_handler_that_does_not_go_through_the_hook(doctor, vambrace, node):
    vambrace.config(runtime_handlers=["vambrace", node.runtime, "nonesuch"])
    try:
        findings = doctor()["handler"]
    finally:
        node.write("/etc/vambrace/config.json", "{}")
    assert [level for level, _, _ in findings] == ["ok", "problem", "problem"]
    assert "does not go through vambrace-oci" in findings[1][1]
    assert "has no runtime handler 'nonesuch'" in findings[2][1]
