# SPDX-License-Identifier: Apache-2.0
"""`vambrace node` where somebody else makes containerd's configuration: on nodes of kind, whose
layout test_kind.py installs on too, and of k3s, which makes the file anew whenever it starts."""
import pytest

from test_hardening import sleeper
from test_install import SOURCE, Host
from test_kind import images, make_cluster  # noqa: F401 (fixtures)
from vbnode import document, k3s, kind
from vbnode.containerd_config import DEFAULT_HANDLERS
from vbnode.system import Vambrace, attack_image

TREES = ("etc", "opt", "var/lib/rancher/k3s/agent")
GPU = """{{ template "base" . }}
# The operator's own.
[plugins."%s".containerd.runtimes.gpu]
  runtime_type = "io.containerd.runc.v2"
[plugins."%s".containerd.runtimes.gpu.options]
  BinaryName = "/usr/sbin/runc" """  # no newline at the end
CRI = {1: "io.containerd.grpc.v1.cri", 2: "io.containerd.cri.v1.runtime"}
# {layout: (whether k3s imports drop-ins, whether there is a template, what install writes)}
LAYOUTS = {"bare": (False, False, "template"), "templated": (False, True, "template"),
           "importing": (True, False, "drop-in")}


def major_of(combo):
    return 1 if combo.startswith("trixie") else 2


def assert_hardens(node):
    """The next pod of the handler is full."""
    vambrace, cri = Vambrace(node), node.cri()
    vambrace.config()
    vambrace.start()
    try:
        with cri.pod(handler="vambrace", annotations={
                "cap-drop.vambrace.dev": "NET_RAW", "read-only-rootfs.vambrace.dev": "true",
                "tmpfs.vambrace.dev": "/tmp", "preload.vambrace.dev": "on"}) as pod:
            outcome = vambrace.outcome(sleeper(cri, pod).id)
            assert outcome["level"] == "full", outcome
    finally:
        vambrace.stop()
        node.host_path("/etc/vambrace/config.json").unlink()
        node.host_path("/etc/vambrace").rmdir()


def release(host):
    """Another release: the same programs with something at their end."""
    hook = host.node.host_path(f"{SOURCE}/vambrace-oci").read_bytes()
    host.node.write(f"{SOURCE}/vambrace-oci", hook + b"\0", 0o755)


@pytest.fixture
def make_host():
    """make_host(node) is a Host that ends with the test."""
    hosts = []

    def make(node):
        node.load_base_images()
        node.load_image(attack_image())
        hosts.append(Host(node, TREES))
        return hosts[-1]

    yield make
    for one in hosts:
        one.close()


def check_life(host, node, kind_of_file, between):
    """install, what `between` does, upgrade and uninstall; the trees are as they were."""
    before = host.tree()
    host.run("install", "--dry-run")
    assert host.tree() == before and not host.restarts
    host.run("install")
    assert len(host.restarts) == 1
    status = host.status()
    assert (status["file"]["kind"], status["problems"]) == (kind_of_file, [])
    assert_hardens(node)
    installed = host.tree()
    host.run("install")
    assert host.tree() == installed and len(host.restarts) == 1
    dump = node.run(["containerd", "--config", node.service.config, "config", "dump"]).stdout
    ours = dump[dump.index("runtimes.vambrace]"):]
    assert "SystemdCgroup = true" in ours[:ours.index("SystemdCgroup") + 30]
    between()
    release(host)
    host.run("install")
    assert len(host.restarts) == 1 and host.status()["problems"] == []
    assert_hardens(node)
    host.run("uninstall")
    assert host.tree() == before and len(host.restarts) == 2


@pytest.mark.nodes("*-runc")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_node_of_k3s_comes_and_goes_and_its_own_restarts_and_upgrades_keep_it(
        make_node, make_host, combo, layout):
    imports, has_template, kind_of_file = LAYOUTS[layout]
    major = major_of(combo)
    if imports and major == 1:
        pytest.skip("containerd 1.7 replaces whole sections by drop-ins, so none is written")
    template = GPU % (CRI[major], CRI[major]) if has_template else None
    node = make_node(combo, service=k3s.service(major, imports=imports, template=template))
    host = make_host(node)

    def restart_and_upgrade():
        installed = host.tree()
        node.restart_containerd()
        assert host.tree() == installed and host.status()["problems"] == []
        for path, content in k3s.version_files("4a5b6c").items():
            if isinstance(content, str):
                node.run(["ln", "-s", content, path])
            else:
                node.write(path, *content)
        node.run(["ln", "-sfn", "4a5b6c", f"{k3s.DATA}/current"])
        node.restart_containerd()
        node.run(["sh", "-c", f"umount {k3s.DATA}/1f2e3d/bin/k3s; umount {k3s.DATA}/1f2e3d/bin/k3s;"
                  f"rm -r {k3s.DATA}/1f2e3d"], check=False)
        assert not node.host_path(f"{k3s.DATA}/1f2e3d").exists()
        assert_hardens(node)

    check_life(host, node, kind_of_file, restart_and_upgrade)


@pytest.mark.nodes("*-runc")
def test_the_overlay_for_k3s_hardens_on_its_node(make_cluster, images, combo):  # noqa: F811
    """The DaemonSet's pod, from the manifests: its init step finds k3s' containerd and its template or
    drop-ins, and the plugin what it looks at in k3s' directories. Only the node is made by "kind"."""
    major = major_of(combo)
    cluster = make_cluster(combo, service=k3s.service(major, imports=major > 1))
    for command in ("kind create cluster --name k3s",
                    f"kind load image-archive --name k3s {images[0]}",
                    "kubectl apply -k deploy/kustomize/overlays/k3s",
                    "kubectl rollout status daemonset/vambrace-nri --timeout 60s"):
        result = document.run(command, **cluster.environment)
        assert result.returncode == 0, (command, result.stdout)
    node, cri = cluster.node, cluster.node.cri()
    node.load_image(attack_image())
    with cri.pod(handler="vambrace", annotations={"bundle.vambrace.dev": "baseline"}) as pod:
        outcome = Vambrace(node).outcome(sleeper(cri, pod).id)
        assert (outcome["bundle"], outcome["level"]) == ("baseline", "full"), outcome


@pytest.mark.nodes("*-runc")
@pytest.mark.parametrize("version", [2, 3])
def test_a_node_of_kind_comes_and_goes(make_node, make_host, combo, version):
    if major_of(combo) == 1 and version == 3:
        pytest.skip("containerd 1.7 knows no configuration of version 3")
    node = make_node(combo, handlers=DEFAULT_HANDLERS[:1])
    kind.dress(node, version)

    def change_nothing():
        dump = node.run(["containerd", "config", "dump"]).stdout
        ours = dump[dump.index("runtimes.vambrace]"):]
        assert "cri-base.json" in ours[:ours.index("options]")]

    check_life(make_host(node), node, "root-file", change_nothing)
