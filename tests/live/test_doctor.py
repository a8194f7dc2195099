# SPDX-License-Identifier: Apache-2.0
"""`vambrace doctor` on real nodes, whole and broken: what it says, and that its advice is right."""
import json
import socket

import pytest

from test_hardening import arm, sleeper  # noqa: F401 (arm: fixture)
from test_metrics import wait_for
from test_status import run_status
from vbnode.cri import CriError

NRI_SOCKET = "/var/run/nri/nri.sock"
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
    level, what, fix = only(topics, "hook")
    assert level == "problem" and "vambrace-oci is not usable (ENOENT)" in what
    assert fix == "install it; it belongs to root and nobody else may write it"
    assert only(doctor(), "hook")[0] == "ok"


@pytest.mark.parametrize("instead", ["nothing", "a wrong link"])
def test_a_link_to_the_hook_that_is_gone(doctor, node, instead):
    node.run(["rm", "/opt/vambrace/bin/vambrace"])
    if instead == "a wrong link":
        node.run(["ln", "-s", "elsewhere", "/opt/vambrace/bin/vambrace"])
    ok, problem = doctor()["hook"]
    assert ok[0] == "ok" and problem[0] == "problem"
    assert "bin/vambrace is not usable (ENOENT)" in problem[1]
    assert problem[2] == "ln -sfn vambrace-oci /opt/vambrace/bin/vambrace"
    node.run(problem[2].split())
    assert only(doctor(), "hook")[0] == "ok"


def test_an_audit_log_that_cannot_be_written(doctor, node, vambrace):
    path = "/var/log/vambrace/no-file.jsonl"
    node.run(["mkdir", path])
    vambrace.config(audit_log=path)
    try:
        level, what, fix = only(doctor(), "audit")
        # The plugin may make a file of it at once.
        node.run(["rmdir", path])
        assert only(doctor(), "audit")[0] == "ok"
    finally:
        node.write("/etc/vambrace/config.json", "{}")
    assert (level, what) == (
        "warning", f"the audit log {path} cannot be written (no regular file)")
    assert fix.startswith("put a file there that root can write")


def test_a_hook_that_others_may_write(doctor, node):
    node.run(["chmod", "0777", "/opt/vambrace/bin/vambrace-oci"])
    try:
        assert "not root's alone" in doctor()["hook"][0][1]
    finally:
        node.run(["chmod", "0755", "/opt/vambrace/bin/vambrace-oci"])


def test_settings_of_the_hook_that_others_may_write(doctor, node):
    node.run(["chmod", "0666", "/opt/vambrace/etc/oci.json"])
    try:
        topics = doctor()
    finally:
        node.run(["chmod", "0644", "/opt/vambrace/etc/oci.json"])
    ok, problem = topics["hook"]
    assert ok[0] == "ok" and problem[0] == "problem"
    assert problem[1] == "/opt/vambrace/etc/oci.json is not usable (not root's alone)"
    assert "runtime" not in topics, "what the file names is not run"


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
    assert only(topics, "nri") == (
        "unseen", f"the NRI socket {NRI_SOCKET} may not be opened", "run doctor as root")
    assert only(topics, "containerd") == (
        "unseen", "containerd runs, its version could not be seen", "run doctor as root")
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
    assert ('set disable = false under [plugins."io.containerd.nri.v1.nri"] in '
            "/etc/containerd/config.toml, then systemctl restart containerd"
            ) in " ".join(result.stdout.split())
    own.nri = {}
    own.write_config()
    own.restart_containerd()
    result = own.run([VAMBRACE, "doctor"], check=False)
    assert f"ok      nri         the NRI socket {NRI_SOCKET} answers" in result.stdout


@pytest.mark.parametrize("kind", ["file", "dead", "gone"])
def test_an_nri_socket_that_cannot_be_used(doctor, node, vambrace, kind):
    node.nri_socket.unlink()
    if kind == "file":
        node.nri_socket.touch()
    elif kind == "dead":
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(node.nri_socket))
    error = "ENOENT" if kind == "gone" else "ECONNREFUSED"
    assert only(doctor(), "nri") == (
        "problem", f"NRI is on, but its socket {NRI_SOCKET} does not answer ({error})",
        "systemctl restart containerd; containerd's log tells why when it stays so")
    # The connection that the plugin has is as good; a new one waits for the advice.
    wait_for(lambda: run_status(node).returncode == 0)
    vambrace.stop()
    vambrace.start(wait=False)
    wait_for(lambda: "is not registered" in run_status(node).stdout)
    reason = "No such file or directory" if kind == "gone" else "Connection refused"
    text = " ".join(run_status(node).stdout.split())
    assert (f"is not registered with a runtime (connect to '{NRI_SOCKET}': {reason}): hardened "
            "pods are refused. `vambrace doctor` tells what to change.") in text
    node.restart_containerd()
    assert only(doctor(), "nri") == ("ok", f"the NRI socket {NRI_SOCKET} answers", "")
    wait_for(lambda: run_status(node).returncode == 0)


@pytest.mark.nodes("*-runc")
def test_what_an_old_runc_cannot_do(doctor, node, vambrace, cri):
    finding = only(doctor(), "runtime")
    path = node.runtime_path()
    if node.containerd_version >= (2, 0):
        assert finding == ("ok", f"{path} takes the seccomp flags SPEC_ALLOW and LOG", "")
        return
    assert finding == (
        "warning", f"{path} takes no seccomp flags",
        "spec_allow: allow is refused and denials are not logged on handler 'vambrace'; runc 1.2 "
        "or later and crun take them")
    vambrace.config(rules=[{"namespaces": ["*"], "permit": ["spec-allow"]}])
    try:
        with cri.pod(handler="vambrace",
                     annotations={"spec-allow.vambrace.dev": "allow"}) as pod:
            with pytest.raises(CriError, match="vambrace: ErrUnsupportedByRuntime:"):
                sleeper(cri, pod)
    finally:
        vambrace.config()


def test_a_handler_that_does_not_go_through_the_hook(doctor, vambrace, node):
    vambrace.config(runtime_handlers=["vambrace", node.runtime, "nonesuch"])
    try:
        findings = doctor()["handler"]
    finally:
        node.write("/etc/vambrace/config.json", "{}")
    assert [level for level, _, _ in findings] == ["ok", "problem", "problem"]
    assert "does not go through vambrace-oci" in findings[1][1]
    assert "has no runtime handler 'nonesuch'" in findings[2][1]
