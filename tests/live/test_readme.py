# SPDX-License-Identifier: Apache-2.0
"""Every command of README.md and docs/install.md runs and does what the text beside it says, or is
named here with the reason why it cannot. What talks to a cluster talks to the fakes of test_kind.py."""
import re
import subprocess

import pytest
import yaml

from test_install import RESTART, host  # noqa: F401 (host: fixture)
from test_kind import images, make_cluster  # noqa: F401 (fixtures)
from vbnode import document, manifest, tools
from vbnode.cri import CriError
from vbnode.document import TOP
from vbnode.system import build_directory

# All in one process: they share build/demo.
pytestmark = pytest.mark.xdist_group("readme")
README = (TOP / "README.md").read_text(encoding="utf-8")
INSTALL = (TOP / "docs/install.md").read_text(encoding="utf-8")
OVERLAY = "kubectl apply -k deploy/kustomize/overlays/plain"
BUILD_IMAGE = "deploy/image/build vambrace.tar amd64=build/release arm64=build/arm64"
LABEL = "kubectl label node NODE node.vambrace.dev/pre-registered="
# The test that runs a command, of this file if it names none.
RUN = {
    "deploy/demo/run": "test_the_demo_prints_the_table_of_the_readme",
    "tests/run": "test_the_command_for_all_tests_is_the_one_that_ci_runs",
    "cmake --install build/demo": "test_a_node_is_installed_and_is_byte_for_byte_as_before",
    "vambrace node install --dry-run": "test_a_node_is_installed_and_is_byte_for_byte_as_before",
    "vambrace node install": "test_a_node_is_installed_and_is_byte_for_byte_as_before",
    "vambrace node install --pre-registered": "test_a_host_gets_the_plugin_too_in_one_command",
    "vambrace node uninstall": "test_a_node_is_installed_and_is_byte_for_byte_as_before",
    "deploy/image/build vambrace.tar amd64=build/demo":
        "test_an_image_is_built_loaded_and_hardens_after_one_apply",
    "vambrace node install --pre-registered":
        "test_preregistered.py::test_containerd_starts_the_plugin_and_uninstall_leaves_no_trace",
    BUILD_IMAGE: "test_an_image_is_built_loaded_and_hardens_after_one_apply",
    "ctr -n k8s.io images import vambrace.tar":
        "test_an_image_is_built_loaded_and_hardens_after_one_apply",
    "kind load image-archive vambrace.tar":
        "test_an_image_is_built_loaded_and_hardens_after_one_apply",
    OVERLAY: "test_an_image_is_built_loaded_and_hardens_after_one_apply",
    "kubectl apply -k deploy/kustomize/monitoring":
        "test_an_image_is_built_loaded_and_hardens_after_one_apply",
    LABEL: "test_the_label_of_a_host_with_a_plugin_keeps_the_daemonset_away",
    "deploy/kind/up": "test_the_cluster_for_ci_comes_and_goes",
    "deploy/kind/down": "test_the_cluster_for_ci_comes_and_goes",
    "cmake --preset release && cmake --build --preset release":
        "test_the_builds_are_those_of_the_tests",
    "cmake --preset arm64 && cmake --build --preset arm64": "test_the_builds_are_those_of_the_tests",
}
NOT_RUN = {
    "skopeo copy --all oci-archive:vambrace.tar docker://registry.example/vambrace:0.1.0":
        "stands for a registry of the reader's own",
}


def test_every_command_is_run_or_has_a_reason_why_not():
    commands = set(document.commands("README.md") + document.commands("docs/install.md"))
    assert commands == RUN.keys() | NOT_RUN.keys()
    for name in RUN.values():
        file, _, name = name.rpartition("::")
        text = (TOP / "tests/live" / (file or "test_readme.py")).read_text(encoding="utf-8")
        assert f"\ndef {name}(" in text


def test_the_command_for_all_tests_is_the_one_that_ci_runs():
    """It would run this test again."""
    script = (TOP / ".ci/run").read_text(encoding="utf-8")
    assert script.splitlines()[-1] == 'cd "$(dirname "$0")/.." && exec tests/run'


def test_the_builds_are_those_of_the_tests():
    """What these tests run was built by them, and nothing but that is meant by the commands."""
    script = (TOP / "tests/run").read_text(encoding="utf-8")
    assert 'configure() { cmake -DCMAKE_C_COMPILER_LAUNCHER="$(command -v ccache)" "$@"; }' in script
    assert 'preset() { configure --preset "$1" && cmake --build --preset "$1" -j "$jobs"; }' in script
    for preset in ("release", "arm64"):
        assert re.search(rf"\bpreset {preset} .*&&", script)


def test_the_label_of_a_host_with_a_plugin_keeps_the_daemonset_away(tmp_path):
    """By kubectl on a node in a file: there is no API server."""
    program, verb, kind, name, *labels = LABEL.split()
    node = {"apiVersion": "v1", "kind": kind.capitalize(), "metadata": {"name": name}}
    (tmp_path / "node.yaml").write_text(yaml.safe_dump(node), encoding="utf-8")
    shown = subprocess.run(
        [tools.program(program), verb, "--local", "-f", tmp_path / "node.yaml", *labels, "-o", "yaml"],
        check=True, stdout=subprocess.PIPE).stdout
    spec = manifest.render("kustomize/overlays/plain").daemonset["spec"]["template"]["spec"]
    terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    expression, = terms["nodeSelectorTerms"][0]["matchExpressions"]
    assert expression["operator"] == "DoesNotExist"
    assert yaml.safe_load(shown)["metadata"]["labels"].keys() == {expression["key"]}


@pytest.fixture(scope="session")
def demo():
    """What the demo prints; it leaves build/demo behind, which other commands use."""
    result = document.run("deploy/demo/run", timeout_s=900)
    assert result.returncode == 0, result.stdout
    return result.stdout


def test_the_demo_prints_the_table_of_the_readme(demo):
    table, = re.findall(r"^```\n(ATTACK .*?)^```\n", README, re.M | re.S)
    assert f"\n{table}\n" in demo


def test_the_hardened_pod_of_the_demo_has_what_the_readme_shows():
    shown = yaml.safe_load(re.search(r"^```yaml\n(.*?)^```\n", README, re.M | re.S)[1])
    pods = yaml.safe_load((TOP / "deploy/demo/pods.yaml").read_text(encoding="utf-8"))["items"]
    hardened, = (pod for pod in pods if pod["metadata"]["name"] == "hardened")
    assert shown["metadata"]["annotations"] == hardened["metadata"]["annotations"]
    assert shown["spec"].items() <= hardened["spec"].items()


@pytest.mark.nodes("forky-runc")
def test_a_node_is_installed_and_is_byte_for_byte_as_before(host, demo, tmp_path):  # noqa: F811
    block, = (lines for lines, _ in document.blocks("README.md") if "node install" in lines)
    install, *commands = block.splitlines()
    assert document.run(install, DESTDIR=str(tmp_path)).returncode == 0
    for path in (tmp_path / "usr/local").rglob("*"):
        if path.is_file():
            host.node.install({path: f"/{path.relative_to(tmp_path)}"})
    trees = [host.tree()]
    for command in commands:
        # A test node has no service manager: how containerd is restarted is all that is added.
        words = command.split("#", maxsplit=1)[0].split()
        host.node.run([*words, *RESTART])
        trees.append(host.tree())
    before, dry, installed, uninstalled = trees
    assert dry == before and uninstalled == before
    assert "opt/vambrace/bin/vambrace" in installed and len(host.restarts) == 2


@pytest.mark.nodes("forky-runc")
def test_a_host_gets_the_plugin_too_in_one_command(host):  # noqa: F811
    _, _, *arguments = "vambrace node install --pre-registered".split()
    host.run(*arguments)
    assert host.status()["plugin"]["registered"] and len(host.restarts) == 1


@pytest.fixture
def workshop(tmp_path, demo):
    """A directory from which the commands see this tree and the build under test."""
    arm64 = TOP / "build/arm64"
    if not (arm64 / "plugin/nri/vambrace-nri").exists():
        pytest.skip("no build of the preset arm64")
    (tmp_path / "build").mkdir()
    (tmp_path / "build/release").symlink_to(build_directory())
    (tmp_path / "build/arm64").symlink_to(arm64)
    (tmp_path / "build/demo").symlink_to(TOP / "build/demo")
    (tmp_path / "deploy").symlink_to(TOP / "deploy")
    return tmp_path


@pytest.mark.nodes("forky-runc")
def test_an_image_is_built_loaded_and_hardens_after_one_apply(
        make_cluster, combo, workshop):  # noqa: F811
    cluster = make_cluster(combo, 3)

    def run(command):
        result = document.run(command, workshop, **cluster.environment)
        assert result.returncode == 0, (command, result.stdout)
        return result.stdout

    run("kind create cluster --name kind")
    run("deploy/image/build vambrace.tar amd64=build/demo")
    run(BUILD_IMAGE)
    run("kind load image-archive vambrace.tar")
    with open(workshop / "vambrace.tar", "rb") as stream:  # as ctr on the node finds it
        cluster.node.write("/root/vambrace.tar", stream.read())
    cluster.node.run(["sh", "-c", "cd && ctr -n k8s.io images import vambrace.tar"])
    assert "daemonset/vambrace-nri configured" in run(OVERLAY)
    run("kubectl rollout status daemonset/vambrace-nri --timeout 60s")
    cri = cluster.node.cri()
    with cri.pod(handler="vambrace", annotations={"bundle.vambrace.dev": "nowhere"}) as pod:
        with pytest.raises(CriError, match="there is no bundle 'nowhere'|vambrace: Err"):
            cri.create_container(pod, "main", "vb.test/busybox:1", ["/bin/id"])
    assert "prometheusrule/" in run("kubectl apply -k deploy/kustomize/monitoring")


@pytest.mark.nodes("forky-runc")
def test_the_cluster_for_ci_comes_and_goes(make_cluster, combo):  # noqa: F811
    cluster = make_cluster(combo, 3)
    up, down = document.commands("README.md")[-2:]
    result = document.run(up, timeout_s=600, **cluster.environment)
    assert result.returncode == 0 and "level full" in result.stdout, result.stdout
    assert document.run(down, **cluster.environment).returncode == 0
    assert cluster.node is None


def test_an_overlay_of_ones_own_is_as_the_text_says(tmp_path):
    """The example of docs/install.md, beside a copy of the overlays: its config and its bundle are
    where the plugin reads them."""
    shown = re.search(r"## Your own config and bundles\n.*?^```yaml\n(.*?)^```\n", INSTALL,
                      re.M | re.S)[1]
    subprocess.run(["cp", "-r", TOP / "deploy", tmp_path], check=True)
    overlay = tmp_path / "deploy/kustomize/overlays/own"
    (overlay / "arm").mkdir(parents=True)
    (overlay / "kustomization.yaml").write_text(shown)
    (overlay / "config.json").write_text('{"metrics_listen": "0.0.0.0:9465", "deadline_ms": 900}')
    (overlay / "arm/manifest.json").write_text("{}")
    documents = manifest.render(overlay)
    config = documents["ConfigMap", "vambrace-config"]["data"]["config.json"]
    assert '"deadline_ms": 900' in config
    sources = documents.daemonset["spec"]["template"]["spec"]["volumes"][0]["projected"]["sources"]
    assert sources[-1] == {"configMap": {"name": "vambrace-bundle-arm", "items": [
        {"key": "manifest.json", "path": "bundles/arm/manifest.json"}]}}
    image = re.search(r"^`(kustomize edit set image \S+)`", INSTALL, re.M)[1]
    kustomize = manifest.tools.program("kustomize")
    subprocess.run(image.replace("kustomize", str(kustomize), 1), shell=True, check=True, cwd=overlay)
    containers = manifest.render(overlay).daemonset["spec"]["template"]["spec"]
    assert {entry["image"] for entry in containers["containers"] + containers["initContainers"]} == {
        "registry.example/vambrace:0.1.0"}
