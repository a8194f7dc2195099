# SPDX-License-Identifier: Apache-2.0
"""What is under deploy/: the image, and the manifests with their pod really run, as kubelet would
run it. Every outcome that is asserted here was taken by that pod, with its rights and no others."""
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import tarfile
import time

import pytest

from test_hardening import ALL_APPLIED, ATTACK, GENEROUS, arm, sleeper  # noqa: F401 (arm: fixture)
from test_install import RESTART, host  # noqa: F401 (host: fixture)
from vbnode import cgroups, http, images, kubelet, manifest
from vbnode.cri import CriError, Security
from vbnode.system import Vambrace, attack_image, build_directory

# The limits of the DaemonSet need a memory controller, which crun finds in cgroup v2 alone.
pytestmark = pytest.mark.nodes("*-runc")

OVERLAYS = ("plain", "kind", "k3s", "high-security")
# containerd of a test node keeps its state where these expect it.
RUNNABLE = ("plain", "high-security")
ROOT = manifest.DEPLOY.parent
ARM64 = ROOT / "build/arm64"
SIZE_MAX = 6 << 20
PROGRAMS = {"usr/bin/vambrace": "plugin/cli/vambrace",
            "usr/bin/vambrace-nri": "plugin/nri/vambrace-nri",
            "usr/bin/vambrace-oci": "plugin/oci/vambrace-oci",
            "usr/lib/libautonomy_preload.so": "shim/libautonomy_preload.so"}
KILL, SYS_PTRACE = 1 << 5, 1 << 19
RIGHTS = {"plain": SYS_PTRACE, "high-security": SYS_PTRACE | KILL}
ELF_MACHINES = {"amd64": 62, "arm64": 183}


def build_image(path, **builds):
    """Runs deploy/image/build."""
    subprocess.run([manifest.DEPLOY / "image/build", path,
                    *(f"{architecture}={build}" for architecture, build in builds.items())],
                   check=True)
    return path


class Layout:
    """An OCI layout in a tar."""

    def __init__(self, path):
        with tarfile.open(path) as tar:
            self.files = {entry.name: tar.extractfile(entry).read()
                          for entry in tar if entry.isfile()}

    def blob(self, descriptor):
        """The bytes of a descriptor, which have the digest and size that it names."""
        data = self.files[descriptor["digest"].replace("sha256:", "blobs/sha256/")]
        assert descriptor["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert descriptor["size"] == len(data)
        return data

    def index(self):
        """The one image: its name and the manifests of its architectures."""
        entry, = json.loads(self.files["index.json"])["manifests"]
        name = entry["annotations"]["org.opencontainers.image.ref.name"]
        found = json.loads(self.blob(entry))
        return name, {item["platform"]["architecture"]: json.loads(self.blob(item))
                      for item in found["manifests"]}

    def tree(self, image):
        """(files with their bytes, entries) of the only layer of an image."""
        layer, = image["layers"]
        with tarfile.open(fileobj=io.BytesIO(self.blob(layer))) as tar:
            entries = tar.getmembers()
            return {entry.name: tar.extractfile(entry).read()
                    for entry in entries if entry.isfile()}, entries


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """The image of this machine's architecture."""
    path = tmp_path_factory.mktemp("image") / "vambrace.tar"
    build_image(path, amd64=build_directory())
    return images.Archive(Layout(path).index()[0], path)


# The image

def test_the_same_programs_make_the_same_image(tmp_path, image):
    old = os.umask(0o077)
    try:
        again = build_image(tmp_path / "again.tar", amd64=build_directory())
    finally:
        os.umask(old)
    assert again.read_bytes() == image.path.read_bytes()


def test_a_build_that_fails_at_its_end_leaves_no_half_of_an_image(tmp_path):
    """tar fails as on a full disk; it and buildah, which has nothing to do with it, are fakes."""
    for name, script in (("buildah", "exit 0"), ("tar", 'while [ "$1" != --file ]; do shift; done\n'
                                                 'echo half >"$2"; exit 2')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    target = tmp_path / "out/vambrace.tar"
    target.parent.mkdir()
    result = subprocess.run(
        [manifest.DEPLOY / "image/build", target, f"amd64={build_directory()}"], check=False,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert result.returncode == 2 and list(target.parent.iterdir()) == []


def test_an_image_is_its_programs_and_nothing_else(image):
    layout = Layout(image.path)
    name, found = layout.index()
    version = re.search(r"^project\(vambrace VERSION (\S+)",
                        (ROOT / "CMakeLists.txt").read_text(), re.M).group(1)
    assert name == f"vambrace.dev/vambrace:{version}"
    files, entries = layout.tree(found["amd64"])
    assert files == {path: (build_directory() / source).read_bytes()
                     for path, source in PROGRAMS.items()}
    assert {(entry.uid, entry.gid, entry.mode & 0o7777, entry.mtime) for entry in entries} == {
        (0, 0, 0o755, 0)}
    size = sum(map(len, files.values()))
    print(f"image: {size / (1 << 20):.2f} MiB, {image.path.stat().st_size / (1 << 20):.2f} MiB to "
          "pull")
    assert size <= SIZE_MAX


def test_one_index_holds_the_images_of_both_architectures(tmp_path):
    if not (ARM64 / "plugin/nri/vambrace-nri").exists():
        pytest.skip("no build of the preset arm64")
    builds = {"amd64": build_directory(), "arm64": ARM64}
    layout = Layout(build_image(tmp_path / "both.tar", **builds))
    _, found = layout.index()
    assert list(found) == ["amd64", "arm64"]
    for architecture, entry in found.items():
        assert json.loads(layout.blob(entry["config"]))["architecture"] == architecture
        files, _ = layout.tree(entry)
        for path, source in PROGRAMS.items():
            assert files[path] == (builds[architecture] / source).read_bytes()
            assert int.from_bytes(files[path][18:20], "little") == ELF_MACHINES[architecture]
        assert sum(map(len, files.values())) <= SIZE_MAX
    again = build_image(tmp_path / "again.tar", **builds)
    assert again.read_bytes() == (tmp_path / "both.tar").read_bytes()


# The manifests

@pytest.fixture(params=OVERLAYS)
def documents(request):
    """The manifests of an overlay."""
    return manifest.render(f"kustomize/overlays/{request.param}")


@pytest.mark.parametrize("directory", [*(f"overlays/{name}" for name in OVERLAYS), "monitoring"])
def test_kubectl_makes_the_same_of_a_directory_as_kustomize(directory):
    rendered = manifest.render(f"kustomize/{directory}", "kubectl")
    assert rendered == manifest.render(f"kustomize/{directory}")
    assert rendered


def test_kubernetes_knows_every_field(documents):
    # Younger than Debian's models; tests/admission looks at them.
    known = {name: entry for name, entry in documents.items()
             if not name[0].startswith("ValidatingAdmissionPolicy")}
    assert len(documents) == len(known) + 2
    assert {name: manifest.problems(entry) for name, entry in known.items()} == dict.fromkeys(
        known, [])


def test_what_belongs_to_the_cluster_is_in_no_namespace(documents):
    namespaces = {name[0]: entry["metadata"].get("namespace")
                  for name, entry in documents.items()}
    assert namespaces == {
        "Namespace": None, "RuntimeClass": None, "ValidatingAdmissionPolicy": None,
        "ValidatingAdmissionPolicyBinding": None, "ConfigMap": "vambrace-system",
        "DaemonSet": "vambrace-system", "NetworkPolicy": "vambrace-system",
        "ServiceAccount": "vambrace-system"}


def test_the_check_of_the_fields_finds_what_is_wrong(documents):
    spec = documents.daemonset["spec"]["template"]["spec"]
    spec["hostPid"] = True
    spec["containers"][0]["ports"][0]["containerPort"] = "9465"
    del spec["containers"][0]["name"]
    where = "DaemonSet.spec.template.spec"
    assert sorted(manifest.problems(documents.daemonset)) == [
        f"{where}.containers[0].ports[0].containerPort: '9465' is no int",
        f"{where}.containers[0]: Invalid value for `name`, must not be `None`",
        f"{where}: unknown field hostPid"]


def test_the_pod_has_the_rights_it_needs_and_says_so_to_admission(documents, request):
    spec = documents.daemonset["spec"]["template"]["spec"]
    container, = spec["containers"]
    added = (["KILL"] if "high-security" in request.node.name else []) + ["SYS_PTRACE"]
    assert container["securityContext"] == {
        "runAsUser": 0, "runAsGroup": 0, "privileged": False, "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"], "add": added},
        "seccompProfile": {"type": "RuntimeDefault"}}
    assert spec["hostPID"] is True
    assert not spec.get("hostNetwork") and not spec.get("hostIPC")
    writable = {mount["mountPath"] for mount in container["volumeMounts"]
                if not mount.get("readOnly")}
    assert writable == {"/run/vambrace", "/var/log/vambrace"}
    labels = documents["Namespace", "vambrace-system"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    assert spec["serviceAccountName"] == "vambrace"
    assert spec["automountServiceAccountToken"] is False
    assert documents["ServiceAccount", "vambrace"]["automountServiceAccountToken"] is False


def test_pods_of_the_class_go_where_the_plugin_runs(documents):
    spec = documents.daemonset["spec"]["template"]["spec"]
    runtime_class = documents["RuntimeClass", "vambrace"]
    assert runtime_class["handler"] == "vambrace"
    assert runtime_class["scheduling"]["nodeSelector"] == spec["nodeSelector"]
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert spec["priorityClassName"] == "system-node-critical"


def test_it_stays_off_hosts_that_have_a_plugin_of_their_own(documents):
    """By a label, and where that was forgotten by its init step (test_preregistered)."""
    spec = documents.daemonset["spec"]["template"]["spec"]
    term, = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"]
    assert term["matchExpressions"] == [
        {"key": "node.vambrace.dev/pre-registered", "operator": "DoesNotExist"}]
    step, = spec["initContainers"]
    assert step["args"][:3] == ["node", "install", "--daemonset"]
    assert step["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_all_of_a_socket_directory_is_mounted_and_no_socket(documents):
    spec = documents.daemonset["spec"]["template"]["spec"]
    mounted = {mount["name"] for mount in spec["containers"][0]["volumeMounts"]}
    paths = {volume["hostPath"]["path"]: volume["hostPath"]["type"] for volume in spec["volumes"]
             if "hostPath" in volume and volume["name"] in mounted}
    assert paths["/var/run/nri"] == "DirectoryOrCreate"
    assert set(paths.values()) == {"Directory", "DirectoryOrCreate"}
    # What NRI and the evidence do not need, the runtime's own socket above all.
    assert not {"/", "/run", "/var/run", "/run/containerd", "/run/k3s/containerd"} & paths.keys()


def test_policy_and_probes_speak_of_the_port_that_the_config_listens_at(documents):
    container, = documents.daemonset["spec"]["template"]["spec"]["containers"]
    port, = container["ports"]
    config = json.loads(documents["ConfigMap", "vambrace-config"]["data"]["config.json"])
    assert config["metrics_listen"] == f"0.0.0.0:{port['containerPort']}"
    probes = {key: container[key]["httpGet"] for key in container if key.endswith("Probe")}
    assert probes == {"startupProbe": {"path": "/readyz", "port": port["name"]},
                      "readinessProbe": {"path": "/readyz", "port": port["name"]},
                      "livenessProbe": {"path": "/healthz", "port": port["name"]}}
    policy = documents["NetworkPolicy", "vambrace-nri"]["spec"]
    rule, = policy["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": port["name"]}]
    assert policy["egress"] == [] and set(policy["policyTypes"]) == {"Ingress", "Egress"}
    labels = documents.daemonset["spec"]["template"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()


def test_every_shipped_bundle_is_mounted_whole(documents):
    """What kubelet would put under /etc/vambrace is the content of deploy/bundles."""
    volume = documents.daemonset["spec"]["template"]["spec"]["volumes"][0]
    assert volume["name"] == "etc"  # its place is what docs/install.md tells to patch
    mounted = {}
    for source in volume["projected"]["sources"]:
        data = documents["ConfigMap", source["configMap"]["name"]]["data"]
        for item in source["configMap"].get("items", []):
            mounted[item["path"]] = data[item["key"]]
    shipped = {str(pathlib.Path("bundles") / path.relative_to(manifest.DEPLOY / "bundles")):
               path.read_text() for path in (manifest.DEPLOY / "bundles").glob("*/**/*")
               if path.is_file()}
    assert mounted == shipped


def test_the_command_line_takes_the_config_of_every_overlay(documents, tmp_path):
    config, pod = tmp_path / "config.json", tmp_path / "pod.yaml"
    config.write_text(documents["ConfigMap", "vambrace-config"]["data"]["config.json"])
    pod.write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: arm, namespace: robots, annotations: "
                   "{bundle.vambrace.dev: baseline}}\nspec: {runtimeClassName: vambrace, "
                   "containers: [{name: main, image: arm}]}\n")
    run = subprocess.run([build_directory() / "plugin/cli/vambrace", "explain", pod, "--node-config",
                          config, "--bundles", manifest.DEPLOY / "bundles"],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert run.returncode == 0, run.stdout


# The pod

class DaemonSet:
    """A pod of the DaemonSet on a node."""

    def __init__(self, node, cri, pod, documents):
        self.node, self.cri, self.pod, self.documents = node, cri, pod, documents
        self.container = documents.run(cri, pod)
        self.attempts = 1

    def get(self, path):
        """What a probe of kubelet's gets: it asks the pod's address, from the node."""
        port = self.documents.daemonset["spec"]["template"]["spec"]["containers"][0]["ports"][0]
        url = f"http://{self.cri.pod_address(self.pod)}:{port['containerPort']}{path}"
        return http.get(self.node.anchor_pid, url)

    def start_anew(self):
        """Replaces the container by the next, as kubelet does; returns when it is ready."""
        self.container.stop(grace_s=5)
        self.container = self.documents.run(self.cri, self.pod, self.attempts)
        self.attempts += 1
        self.container.wait_log("event=synchronized", timeout_s=30)

    def configure(self, config):
        """A changed ConfigMap reaches the volume."""
        self.documents["ConfigMap", "vambrace-config"]["data"]["config.json"] = json.dumps(config)
        kubelet.publish(self.node, self.documents.pod_manifest(), self.documents.config_maps)


@pytest.fixture(params=RUNNABLE)
def daemonset(request, vambrace, node, image, arm):  # noqa: F811 (arm: its bundle is on the node)
    """A pod of an overlay's DaemonSet in place of the plugin's process on the node."""
    documents = manifest.render(f"kustomize/overlays/{request.param}")
    container, = documents.daemonset["spec"]["template"]["spec"]["containers"]
    assert container["image"] == image.name
    node.load_image(image)
    # The node's own bundles, which the pod takes from there.
    node.run(["mkdir", "-p", "/var/lib/vambrace"])
    node.run(["cp", "-rT", "/etc/vambrace/bundles", "/var/lib/vambrace/bundles"])
    vambrace.stop()
    client = node.cri()
    with documents.sandbox(client, node) as pod:
        running = DaemonSet(node, client, pod, documents)
        running.container.wait_log("event=synchronized")
        yield running
    node.run(["rm", "-rf", "/var/lib/vambrace/bundles"])
    vambrace.start()


only_plain = pytest.mark.parametrize("daemonset", ["plain"], indirect=True)


def wait_until(condition, timeout_s=20):
    """Polls; returns whether it came true."""
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


@pytest.mark.parametrize("uid", [0, 1000])
def test_outcomes_from_the_daemonsets_pod_are_complete(
        vambrace, cri, arm, daemonset, uid):  # noqa: F811
    security = Security(caps_add=GENEROUS.caps_add, seccomp="Unconfined", run_as_user=uid)
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod, security=security)
        outcome = vambrace.outcome(container.id)
        assert {name: layer["state"] for name, layer in outcome["layers"].items()} == ALL_APPLIED
        assert outcome["level"] == "full"
        assert outcome["layers"]["spec_allow"]["node_effect"] != "unknown"
        daemonset.container.wait_log(f"container_id={container.id} event=outcome")


def test_the_plugins_pod_has_no_other_rights(daemonset, request):
    status = dict(line.split(":\t", 1) for line in pathlib.Path(
        f"/proc/{daemonset.container.pid}/status").read_text().splitlines() if ":\t" in line)
    rights = RIGHTS[request.node.callspec.params["daemonset"]]
    for field in ("CapEff", "CapPrm", "CapBnd"):
        assert int(status[field], 16) == rights
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    root = pathlib.Path(f"/proc/{daemonset.container.pid}/mountinfo").read_text().splitlines()
    options = next(line.split()[5] for line in root if line.split()[4] == "/")
    assert "ro" in options.split(",")


@only_plain
def test_a_shipped_bundle_hardens_from_its_config_map(vambrace, cri, daemonset):
    with cri.pod(handler="vambrace", annotations={"bundle.vambrace.dev": "baseline"}) as pod:
        outcome = vambrace.outcome(sleeper(cri, pod).id)
        assert (outcome["bundle"], outcome["level"]) == ("baseline", "full")


@only_plain
def test_ready_is_who_is_registered(node, daemonset):
    assert daemonset.get("/readyz") == (200, "ok\n")
    assert daemonset.get("/healthz") == (200, "ok\n")
    address = daemonset.cri.pod_address(daemonset.pod)
    node.stop_containerd()
    try:
        def status(path):
            return http.get(node.anchor_pid, f"http://{address}:9465{path}")[0]

        assert wait_until(lambda: status("/readyz") == 503)
        assert status("/healthz") == 200
    finally:
        node.restart_containerd()
    # The directory is mounted, so the socket that containerd made anew is there too.
    assert wait_until(lambda: daemonset.get("/readyz")[0] == 200)


@only_plain
def test_a_changed_config_map_is_in_force_without_a_new_pod(cri, daemonset):
    annotated = {"handler": "vambrace", "annotations": {"bundle.vambrace.dev": "baseline"}}
    pid = daemonset.container.pid
    with cri.pod(**annotated) as pod:
        sleeper(cri, pod)
    daemonset.configure({"metrics_listen": "0.0.0.0:9465",
                         "rules": [{"namespaces": ["default"], "bundles": ["arm"]}]})
    daemonset.container.wait_log("event=config-loaded")
    with cri.pod(**annotated) as pod:
        with pytest.raises(CriError, match="vambrace: ErrNotPermitted"):
            cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
    assert daemonset.container.pid == pid


@only_plain
@pytest.mark.nodes("*-runc")
def test_eight_megabytes_of_containers_fit_into_the_limit(
        vambrace, node, cri, arm, daemonset):  # noqa: F811
    """Containers of pods whose annotations are near Kubernetes' limit, all sent in one Synchronize
    to a plugin that counts its memory in its own cgroup."""
    annotations = {**arm["annotations"], "example.com/large": "v" * 250_000}
    containers = []
    for number in range(34):
        pod = cri.run_pod(f"large-{number}", handler="vambrace", annotations=annotations)
        containers.append(sleeper(cri, pod).id)
    daemonset.start_anew()
    before = cgroups.memory(daemonset.container.pid)
    assert {vambrace.outcome(container)["level"] for container in containers} == {"full"}
    with cri.pod(**arm) as pod:
        assert vambrace.outcome(sleeper(cri, pod).id)["level"] == "full"
    memory = cgroups.memory(daemonset.container.pid)
    status = pathlib.Path(f"/proc/{daemonset.container.pid}/status").read_text()
    print(f"limit {memory.limit >> 20} MiB, peak {memory.peak >> 20} MiB ({before.peak >> 20} when "
          f"synchronized); {re.findall('(?:VmHWM|VmRSS|RssAnon):.*', status)}")
    limit = daemonset.documents.daemonset["spec"]["template"]["spec"]["containers"][0][
        "resources"]["limits"]["memory"]
    assert f"{memory.limit >> 20}Mi" == limit
    assert memory.kills == 0
    assert daemonset.container.status().finished_at == 0


@pytest.mark.parametrize(("daemonset", "action"), [("plain", "not-killed"),
                                                   ("high-security", "killed")],
                         indirect=["daemonset"])
def test_what_runs_unhardened_is_killed_by_who_has_the_right(vambrace, cri, daemonset, action):
    """A container of another user that was started while no plugin was there. Without KILL the
    kernel refuses, which is why that overlay adds it, and only that one."""
    if action == "not-killed":
        daemonset.configure({"metrics_listen": "0.0.0.0:9465",
                             "rules": [{"namespaces": ["*"], "unhardened": "kill"}]})
    daemonset.container.stop(grace_s=5)
    with cri.pod("slipped", handler=vambrace.plain_handler,
                 annotations={"tmpfs.vambrace.dev/container.main": "/tmp"}) as pod:
        container = cri.run_container(pod, "main", ATTACK, ["/bin/attack", "--wait"],
                                      security=Security(run_as_user=1000))
        daemonset.start_anew()
        daemonset.container.wait_log(f"action={action}")
        if action == "killed":
            assert container.wait().exit_code == 137
        else:
            assert container.exec(["/bin/true"]).exit_code == 0


@pytest.mark.nodes("*-runc")
def test_the_init_step_makes_a_bare_node_harden(host, image):  # noqa: F811
    """The pod alone: its init container installs hook, shim and handler, containerd is restarted
    under it, and the plugin hardens the first pod. A second run changes nothing."""
    node, cri = host.node, host.node.cri()
    documents = manifest.render("kustomize/overlays/plain")
    # A test node has no service manager; that is all that is different from the manifest.
    documents.daemonset["spec"]["template"]["spec"]["initContainers"][0]["args"] += RESTART
    node.load_image(image)
    node.load_image(attack_image())
    begin = time.monotonic()
    with documents.sandbox(cri, node) as pod:
        result, = documents.initialize(cri, pod)
        assert result.exit_code == 0, result
        assert len(host.restarts) == 1
        documents.run(cri, pod).wait_log("event=synchronized", timeout_s=30)
        annotations = {"bundle.vambrace.dev": "baseline"}
        with cri.pod(handler="vambrace", annotations=annotations) as hardened:
            outcome = Vambrace(node).outcome(sleeper(cri, hardened).id)
            assert (outcome["bundle"], outcome["level"]) == ("baseline", "full")
        print(f"from nothing to the first hardened pod: {time.monotonic() - begin:.1f} s")
    before = host.tree()
    with documents.sandbox(cri, node) as pod:
        result, = documents.initialize(cri, pod)
        assert result.exit_code == 0, result
    assert host.tree() == before and len(host.restarts) == 1
