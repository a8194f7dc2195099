# SPDX-License-Identifier: Apache-2.0
"""`vambrace explain` says beforehand what then happens: the same plan digest, the same refusal."""
import json
import subprocess

import pytest

from test_hardening import ARM, ATTACK, GENEROUS, arm  # noqa: F401 (arm: fixture)
from vbnode.cri import CriError, Security

PODS = {
    "bundle": {"annotations": {"bundle.vambrace.dev": "arm"}},
    "nothing asked": {},
    "other handler, nothing asked": {"handler": "plain"},
    "other handler, tmpfs": {"handler": "plain", "annotations": {"tmpfs.vambrace.dev": "/tmp"}},
    "other handler, capabilities": {
        "handler": "plain", "annotations": {"cap-drop.vambrace.dev": "ALL"}},
    "per container": {"annotations": {"cap-drop.vambrace.dev": "NET_RAW",
                                      "cap-drop.vambrace.dev/container.main": "MKNOD"}},
    "container map": {"annotations": {
        "containers.vambrace.dev": '{"main": {"read-only-rootfs": "true"}}'}},
    "unknown annotation": {"annotations": {"tmpf.vambrace.dev": "/tmp"}},
    "malformed": {"annotations": {"preload-connect-allowlist.vambrace.dev": "example.org:80"}},
    "missing bundle": {"annotations": {"bundle.vambrace.dev": "nonesuch"}},
    "wrong digest": {"annotations": {"bundle.vambrace.dev": "arm@sha256:" + "0" * 64}},
    "conflict": {"annotations": {"bundle.vambrace.dev": "arm",
                                 "preload-exec-allowlist.vambrace.dev": "/bin/sh"}},
    "not permitted": {"annotations": {"spec-allow.vambrace.dev": "allow"}},
    "privileged": {"annotations": {"bundle.vambrace.dev": "arm"}, "privileged": True},
    "user 1000": {"annotations": {"bundle.vambrace.dev": "arm"}, "run_as_user": 1000},
}


def explain(vambrace, node, tmp_path, case, name):
    """The report on the pod's only container."""
    handler = vambrace.plain_handler if case.get("handler") == "plain" else "vambrace"
    manifest = {"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": name, "namespace": "default",
                             "annotations": case.get("annotations", {})},
                "spec": {"runtimeClassName": handler,
                         "containers": [{"name": "main", "image": ATTACK}]}}
    path = tmp_path / "pod.json"
    path.write_text(json.dumps(manifest))
    bundles = node.host_path("/etc/vambrace/bundles")
    result = subprocess.run(
        [vambrace.build / "plugin/cli/vambrace", "explain", "--json", "--bundles", bundles, path],
        capture_output=True, text=True, check=False)
    report = json.loads(result.stdout)["pods"][0]["containers"][0]
    assert result.returncode == (1 if report["verdict"] == "refused" else 0)
    return report, handler


@pytest.mark.nodes("*-runc")
@pytest.mark.parametrize("title", PODS)
def test_explain_and_the_node_agree(vambrace, node, cri, arm, tmp_path, title):  # noqa: F811
    case = PODS[title]
    name = "explained-" + title.replace(" ", "-").replace(",", "")
    report, handler = explain(vambrace, node, tmp_path, case, name)
    privileged = case.get("privileged", False)
    security = Security(privileged=privileged, run_as_user=case.get("run_as_user"),
                        caps_add=() if privileged else GENEROUS.caps_add, seccomp="Unconfined")
    with cri.pod(name, handler=handler, privileged=privileged,
                 annotations=case.get("annotations", {})) as pod:
        try:
            container = cri.run_container(pod, "main", ATTACK, ["/bin/attack", "--wait"],
                                          security=security)
        except CriError as error:
            assert report["verdict"] == "refused", error.message
            # The directories that are searched are the node's own here and the host's view there.
            line = report["refusal"]["line"].split(": install it in", 1)[0]
            assert line in error.message
            return
        if report["verdict"] == "untouched":
            assert f"plans/{container.id}.json" not in vambrace.state_files()
            return
        assert report["verdict"] == "planned"
        assert report["plan_digest"] == vambrace.outcome(container.id)["plan_digest"]


def test_the_table_holds_pods_of_every_verdict():
    assert len(PODS) >= 15 and set(ARM) >= {"preload", "capabilities"}
