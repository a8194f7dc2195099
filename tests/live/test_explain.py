# SPDX-License-Identifier: Apache-2.0
"""`vambrace explain` says beforehand what then happens: the same plan digest, the same refusal."""
import hashlib
import json
import pathlib
import re
import subprocess
import tarfile

import pytest

import explain_table
from explain_table import PODS
from vbnode import kubelet
from vbnode.cri import CriError

VAMBRACE = "/opt/vambrace/bin/vambrace-cli"
BUNDLES = "/etc/vambrace/bundles"
pytestmark = pytest.mark.nodes("*-runc")


def sign_tar(vambrace, name, key):
    """A bundle as a tar with its signature, in place of a directory."""
    directory = vambrace.node.host_path(f"{BUNDLES}/{name}")
    tar = directory.with_suffix(".tar")
    with tarfile.open(tar, "w") as archive:
        archive.add(directory / "manifest.json", "manifest.json")
    (directory / "manifest.json").unlink()
    directory.rmdir()
    tar.chmod(0o644)
    subprocess.run([vambrace.build / "plugin/cli/vambrace", "bundle", "sign", "--key", key, tar],
                   check=True, stdout=subprocess.DEVNULL)


def install_bundles(vambrace, keys):
    """All bundles of the table; returns their digests."""
    for name, hardening in explain_table.BUNDLES.items():
        vambrace.bundle(name, hardening)
        for profile, content in explain_table.BUNDLED_PROFILES.get(name, {}).items():
            vambrace.node.write(f"{BUNDLES}/{name}/profiles/{profile}.json", json.dumps(content))
    for name, key in explain_table.SIGNED.items():
        vambrace.bundle(name, {"capabilities": {"drop": ["SYS_TIME"]}})
        sign_tar(vambrace, name, keys[key])
    root = vambrace.node.host_path(BUNDLES)
    files = {**{path.parent.name: path for path in root.glob("*/manifest.json")},
             **{path.stem: path for path in root.glob("*.tar")}}
    return {name: "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
            for name, path in files.items()}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """{owner: private key}; the public one lies beside it."""
    directory = tmp_path_factory.mktemp("keys")
    for owner in explain_table.SIGNED.values():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / owner],
                       check=True)
    return {owner: directory / owner for owner in explain_table.SIGNED.values()}


@pytest.fixture(scope="module")
def digests(installed, keys):
    """The node of the table, its plugin running; the digests of its bundles."""
    node = installed.node
    node.install({installed.build / "plugin/cli/vambrace": VAMBRACE}, mode=0o755)
    for path, profile in explain_table.NODE_PROFILES.items():
        node.write(path, json.dumps(profile))
    found = install_bundles(installed, keys)
    trusted = pathlib.Path(f"{keys['release']}.pub").read_text(encoding="ascii").strip()
    installed.stop()
    installed.config(**explain_table.config(found, [trusted]))
    installed.start()
    yield found
    installed.stop()
    node.write("/etc/vambrace/config.json", "{}")
    node.run(["rm", "-rf", BUNDLES])


def pod_name(title):
    """A title as a name that Kubernetes takes."""
    return re.sub("[^a-z0-9]+", "-", title.lower())


def manifest_of(vambrace, title, digests):
    """The pod of a case as a person would write it."""
    case = PODS[title]
    text = json.dumps({"apiVersion": "v1", "kind": "Pod",
                       "metadata": {"name": pod_name(title), **case["metadata"]},
                       "spec": case["spec"]})
    manifest = json.loads(re.sub(r"\{digest:([^}]*)\}", lambda match: digests[match[1]], text))
    if manifest["spec"].get("runtimeClassName") == "plain":
        manifest["spec"]["runtimeClassName"] = vambrace.plain_handler
    return manifest


def explain(node, manifest):
    """{container: report}, as an operator gets it on the node."""
    result = node.run([VAMBRACE, "explain", "--json", "-"], check=False,
                      text_input=json.dumps(manifest))
    reports = json.loads(result.stdout)["pods"][0]["containers"]
    refused = any(report["verdict"] == "refused" for report in reports)
    assert result.returncode == (1 if refused else 0), result.stderr
    return {report["name"]: report for report in reports}


def happens(vambrace, cri, pod, manifest, entry, attempt=0):
    """What becomes of a container: ("planned", digest), ("untouched", None), or the call that
    was refused and with which line."""
    try:
        container = kubelet.create(cri, pod, manifest, entry, attempt)
        container.start()
    except CriError as error:
        return error.call, error.message
    if f"plans/{container.id}.json" not in vambrace.state_files():
        return "untouched", None
    return "planned", vambrace.outcome(container.id, settled=False)["plan_digest"]


def compare(report, expected, happened):
    """explain's report, the table's word and the node agree."""
    what, detail = happened
    at_start, code = expected.startswith("start:"), expected.removeprefix("start:")
    if not code.startswith("Err"):
        assert (report["verdict"], what) == (expected, expected), (report, happened)
        assert report.get("plan_digest") == detail
        return
    assert what == ("StartContainer" if at_start else "CreateContainer"), (report, happened)
    assert f"vambrace: {code}: " in detail
    if report["verdict"] == "refused":
        # All of the line, and nothing behind it but what gRPC adds to a failed start.
        _, line, rest = kubelet.as_manifest(detail).partition(report["refusal"]["line"])
        assert line and rest in ("", ": unknown"), detail
        return
    # An image is not known to explain; then it says under which condition it holds.
    assert at_start and code == "ErrPreloadUncovered", (report, happened)
    assert any("preload is required" in text for text in report["assumptions"])


def makes_user_namespaces(vambrace, node, cri, digests):
    """Whether the runtime can `hostUsers: false` at all, with what kubelet mounts: containerd 1.7
    cannot, and a pod that is left alone shows it."""
    manifest = manifest_of(vambrace, "other handler, nothing asked", digests)
    manifest["spec"]["hostUsers"] = False
    try:
        with kubelet.pod(cri, node, manifest) as pod:
            kubelet.create(cri, pod, manifest, manifest["spec"]["containers"][0]).start()
    except CriError:
        return False
    return True


@pytest.mark.parametrize("title", PODS)
def test_explain_and_the_node_agree(digests, vambrace, node, cri, title):
    manifest = manifest_of(vambrace, title, digests)
    reports = explain(node, manifest)
    own_users = not manifest["spec"].get("hostUsers", True)
    if own_users and not makes_user_namespaces(vambrace, node, cri, digests):
        pytest.skip("this node makes no pod with a user namespace, hardened or not")
    entries = kubelet.containers(manifest)
    assert list(reports) == [entry["name"] for entry in entries]
    assert set(PODS[title]["expect"]) == set(reports)
    with kubelet.pod(cri, node, manifest) as pod:
        for entry in entries:
            name = entry["name"]
            compare(reports[name], PODS[title]["expect"][name],
                    happens(vambrace, cri, pod, manifest, entry))


def restart(vambrace, node, cri, pod, manifest, attempt):
    """explain of now and the container as kubelet restarts it in its sandbox, which agree."""
    report = explain(node, manifest)["main"]
    happened = happens(vambrace, cri, pod, manifest, manifest["spec"]["containers"][0], attempt)
    compare(report, report["verdict"] if report["verdict"] != "refused"
            else report["refusal"]["code"], happened)
    return report


def test_a_restarted_container_is_planned_from_the_bundle_of_now(digests, vambrace, node, cri):
    manifest = manifest_of(vambrace, "a bundle", digests)
    manifest["metadata"]["annotations"]["bundle.vambrace.dev"] = "changing"
    vambrace.bundle("changing", {"capabilities": {"drop": ["MKNOD"]}})
    with kubelet.pod(cri, node, manifest) as pod:
        before = restart(vambrace, node, cri, pod, manifest, 0)
        vambrace.bundle("changing", {"capabilities": {"drop": ["MKNOD", "CHOWN"]}})
        after = restart(vambrace, node, cri, pod, manifest, 1)
        assert before["plan_digest"] != after["plan_digest"]
        node.run(["rm", "-r", f"{BUNDLES}/changing"])
        assert restart(vambrace, node, cri, pod, manifest, 2)["verdict"] == "refused"


def test_a_restarted_container_keeps_the_annotations_of_its_sandbox(digests, vambrace, node, cri):
    manifest = manifest_of(vambrace, "a bundle", digests)
    changed = json.loads(json.dumps(manifest))
    changed["metadata"]["annotations"]["bundle.vambrace.dev"] = "leg"
    entry = manifest["spec"]["containers"][0]
    with kubelet.pod(cri, node, manifest) as pod:
        then = explain(node, manifest)["main"]["plan_digest"]
        assert happens(vambrace, cri, pod, changed, entry) == ("planned", then)
    assert explain(node, changed)["main"]["plan_digest"] != then
    assert "annotations are those of the sandbox's creation" in node.run(
        [VAMBRACE, "explain", "--help"]).stdout


def test_a_bundle_that_broke_is_refused_where_the_daemon_does_not_know_it(
        digests, vambrace, node, cri):
    """The one place where they differ, and explain's help says so."""
    manifest = manifest_of(vambrace, "a bundle", digests)
    manifest["metadata"]["annotations"]["bundle.vambrace.dev"] = "breaking"
    entry = manifest["spec"]["containers"][0]
    vambrace.bundle("breaking", {"capabilities": {"drop": ["MKNOD"]}})
    with kubelet.pod(cri, node, manifest) as pod:
        former = restart(vambrace, node, cri, pod, manifest, 0)
        vambrace.bundle("breaking", {"capabilities": {"drop": ["NONESUCH"]}})
        report = explain(node, manifest)["main"]
        assert report["refusal"]["code"] == "ErrBundleInvalid"
        assert happens(vambrace, cri, pod, manifest, entry, 1) == (
            "planned", former["plan_digest"])
        vambrace.stop()
        vambrace.start()
        compare(report, "ErrBundleInvalid", happens(vambrace, cri, pod, manifest, entry, 2))
    assert "goes on with the version before" in node.run([VAMBRACE, "explain", "--help"]).stdout


def test_a_restarted_container_follows_the_nodes_config(digests, vambrace, node, cri, keys):
    manifest = manifest_of(vambrace, "nothing asked", digests)
    manifest["metadata"]["namespace"] = "robots"
    unsigned = manifest_of(vambrace, "a bundle", digests)
    trusted = pathlib.Path(f"{keys['release']}.pub").read_text(encoding="ascii").strip()
    config = explain_table.config(digests, [trusted])
    changed = json.loads(json.dumps(config))
    changed["rules"][0]["default"] = "camera"
    del changed["rules"][0]["floor"]
    try:
        with kubelet.pod(cri, node, manifest) as pod, kubelet.pod(cri, node, unsigned) as other:
            before = restart(vambrace, node, cri, pod, manifest, 0)
            restart(vambrace, node, cri, other, unsigned, 0)
            vambrace.config(**changed)
            after = restart(vambrace, node, cri, pod, manifest, 1)
            assert before["plan_digest"] != after["plan_digest"]
            vambrace.config(**config, require_signature=True)
            report = restart(vambrace, node, cri, other, unsigned, 1)
            assert report["refusal"]["code"] == "ErrBundleSignature"
    finally:
        vambrace.config(**config)


def test_the_table_holds_pods_of_every_kind():
    words = {word for case in PODS.values() for word in case["expect"].values()}
    assert len(PODS) >= 60
    assert words >= {"planned", "untouched", "start:ErrPreloadUncovered", "ErrConflict",
                     "ErrHardeningRequiresRuntime", "ErrUnknownAnnotation", "ErrInvalidValue",
                     "ErrBundleNotFound", "ErrBundleInvalid", "ErrBundleDigest",
                     "ErrBundleSignature", "ErrNotPermitted", "ErrProfileInvalid"}
