# SPDX-License-Identifier: Apache-2.0
"""deploy/kind/up and down, from the first line to the last, with kind and kubectl replaced by named
fakes (fakes/, vbnode/cluster.py): no cluster can be made here, but images, manifests, init step,
plugin and pods are real, on a node laid out as kind's."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from vbnode import kind
from vbnode.cluster import Cluster
from vbnode.containerd_config import DEFAULT_HANDLERS
from vbnode.system import build_directory

TOP = pathlib.Path(__file__).resolve().parents[2]
KIND = TOP / "deploy/kind"
sys.path.insert(0, str(TOP / "deploy/demo"))

import image  # noqa: E402 (the path comes first)
import table  # noqa: E402

ROW = re.compile(r"^(\S.{22})  (\S+) +(\S+) +(\S+) +(\S.*)$", re.M)
STOPPED = {"seccomp": 4, "capabilities": 1, "read_only_rootfs": 1, "preload": 2, "-": 2}


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """The two images of deploy/kind/images, made by the same programs from the build under test."""
    directory = tmp_path_factory.mktemp("images")
    subprocess.run([TOP / "deploy/image/build", directory / "vambrace.tar",
                    f"amd64={build_directory()}"], check=True)
    subprocess.run(["/usr/bin/python3", "-B", TOP / "deploy/demo/image.py",
                    directory / "demo.tar"], check=True)
    return directory / "vambrace.tar", directory / "demo.tar"


@pytest.fixture
def make_cluster(make_node):
    """make_cluster("forky-runc", 3) is a fake cluster, not created yet, whose node has kind's layout of
    that version, or another by options of the node."""
    clusters = []

    def make(combo, version=None, **options):
        def boot():
            node = make_node(combo, handlers=DEFAULT_HANDLERS[:1], **options)
            if version is not None:
                kind.dress(node, version)
            return node

        clusters.append(Cluster(boot).__enter__())
        return clusters[-1]

    yield make
    for cluster in clusters:
        cluster.__exit__(None, None, None)


def run(cluster, program, *arguments, code=0, **environment):
    """deploy/kind/<program>, which must exit with the code."""
    result = subprocess.run([KIND / program, *arguments], cwd="/", text=True,
                            env={**os.environ, **cluster.environment, **environment},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    assert result.returncode == code, (result.stdout, result.stderr)
    return result


@pytest.mark.nodes("*-runc")
@pytest.mark.parametrize("version", [2, 3])
def test_up_makes_a_cluster_that_stops_the_attacks_and_down_takes_it_away(
        make_cluster, images, combo, version):
    if combo.startswith("trixie") and version == 3:
        pytest.skip("containerd 1.7 knows no configuration of version 3")
    cluster = make_cluster(combo, version)
    output = run(cluster, "up", *images).stdout
    rows = ROW.findall(output)[1:]
    assert {layer: sum(row[3] == layer for row in rows) for layer in STOPPED} == STOPPED, output
    assert all(before == "ok" and (after == "ok") == (layer == "-")
               for _, before, after, layer, _ in rows), output
    took = re.search(r"^from apply to the first hardened pod, .*: (\d+\.\d{3}) s$", output, re.M)
    print(f"{combo}, version {version}: {took[1]} s from apply to the first hardened pod")
    # A second run updates what is there and makes nothing anew.
    assert "level full" in run(cluster, "up", *images).stdout
    assert [call for call in cluster.calls if call[:2] == ["kind", "create"]] == [
        ["kind", "create", "cluster", "--name", "vambrace", "--wait", "180s"]]
    run(cluster, "down")
    assert cluster.node is None


@pytest.mark.nodes("forky-runc")
def test_an_attack_that_is_not_stopped_fails_it(make_cluster, images, combo, tmp_path):
    """The same pods without the annotation on the second: the starter alone is left."""
    cluster = make_cluster(combo, 3)
    tree = tmp_path / "tree"
    shutil.copytree(TOP / "deploy", tree / "deploy")
    pods = tree / "deploy/demo/pods.yaml"
    pods.write_text(pods.read_text().replace("bundle.vambrace.dev: demo", "example.com/robot: arm"))
    result = subprocess.run([tree / "deploy/kind/up", *images], text=True,
                            env={**os.environ, **cluster.environment}, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, timeout=300)
    assert result.returncode == 1
    assert set(result.stderr.splitlines()) == {
        f"NOT AS PROMISED: {title}" for title in (
            "new user namespace", "raw packet socket", "write to /etc", "exec /bin/sh",
            "connect to API server")}


@pytest.mark.nodes("forky-runc")
def test_a_step_that_fails_says_what_to_do(make_cluster, images, combo, tmp_path):
    cluster = make_cluster(combo, 3)
    missing = run(cluster, "up", "no.tar", images[1], code=1).stderr
    assert missing == f"{KIND}/up: there is no image 'no.tar': make it with deploy/kind/images\n"
    assert cluster.calls == []
    (tmp_path / "broken.tar").write_bytes(b"no archive")
    broken = run(cluster, "up", tmp_path / "broken.tar", images[1], code=1).stderr
    assert broken.splitlines()[-1] == ("loading the images failed: see that the archives are whole: "
                                       "make them with deploy/kind/images")
    # The pod's image is what is missing: the DaemonSet never becomes ready.
    absent = run(cluster, "up", images[1], images[1], code=1, VAMBRACE_TIMEOUT="5").stderr
    assert "logs daemonset/vambrace-nri --all-containers" in absent.splitlines()[-1]
    nothing = subprocess.run([KIND / "up"], env={"PATH": "/usr/bin:/bin"}, stderr=subprocess.PIPE,
                             text=True)
    assert nothing.returncode == 1 and "there is no kind in PATH" in nothing.stderr
    assert run(cluster, "up", images[0], code=2).stderr.startswith("usage: ")


def test_every_attack_of_the_pods_is_in_the_table_and_nothing_else():
    words = set(table.NEEDS) | {word for word, _, _ in table.ATTACKS}
    pods = yaml.safe_load((TOP / "deploy/demo/pods.yaml").read_text())["items"]
    for pod in pods:
        container, = pod["spec"]["containers"]
        assert set(container["command"][2:]) == words
        assert container["image"] == image.NAME
    plain, hardened = pods
    assert plain["spec"] == {key: value for key, value in hardened["spec"].items()
                             if key != "runtimeClassName"}
