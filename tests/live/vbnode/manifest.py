# SPDX-License-Identifier: Apache-2.0
"""The manifests under deploy/kustomize: rendered, checked against Kubernetes' own models, and made
into the pod that a node's kubelet gets to see.

    documents = manifest.render("kustomize/overlays/plain")
    manifest.problems(documents["RuntimeClass", "vambrace"])
    with documents.sandbox(cri, node) as pod:
        documents.initialize(cri, pod)
        container = documents.run(cri, pod)
"""
import pathlib
import subprocess
import time

import yaml
from kubernetes.client import models

from . import kubelet, tools
from .cri import CriError

DEPLOY = pathlib.Path(__file__).resolve().parents[3] / "deploy"
_PLAIN_TYPES = {"str": str, "int": int, "bool": bool}


class Documents(dict):
    """{(kind, name): object} of one rendering."""

    @property
    def daemonset(self):
        """The DaemonSet."""
        return self["DaemonSet", "vambrace-nri"]

    @property
    def config_maps(self):
        """All ConfigMaps."""
        return [entry for (kind, _), entry in self.items() if kind == "ConfigMap"]

    def pod_manifest(self):
        """A pod of the DaemonSet."""
        template = self.daemonset["spec"]["template"]
        return {"metadata": {**template["metadata"], "name": "vambrace-nri-x7k2p",
                             "namespace": self.daemonset["metadata"]["namespace"]},
                "spec": template["spec"]}

    def initialize(self, cri, pod, attempt=0):
        """Runs the init containers (once more); returns their results in their order."""
        manifest = self.pod_manifest()
        return [wait(kubelet.create(cri, pod, manifest, entry, attempt).start())
                for entry in manifest["spec"]["initContainers"]]

    def run(self, cri, pod, attempt=0):
        """The pod's container, started (once more) by kubelet."""
        manifest = self.pod_manifest()
        entry, = manifest["spec"]["containers"]
        return kubelet.create(cri, pod, manifest, entry, attempt).start()

    def sandbox(self, cri, node):
        """The sandbox of the DaemonSet's pod on a node, for the length of a `with` block."""
        manifest = self.pod_manifest()
        return kubelet.pod(cri, node, manifest, self.config_maps,
                           host_network=manifest["spec"].get("hostNetwork", False))


def wait(container, timeout_s=60):
    """The result of a container, though containerd is restarted meanwhile."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return container.wait(timeout_s)
        except CriError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def render(directory, program="kustomize"):
    """What `kubectl apply -k deploy/<directory>` would send, as Documents."""
    command = {"kustomize": "build", "kubectl": "kustomize"}[program]
    text = subprocess.run([tools.program(program), command, DEPLOY / directory],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    documents = list(yaml.safe_load_all(text))
    named = Documents({(entry["kind"], entry["metadata"]["name"]): entry for entry in documents})
    assert len(named) == len(documents)
    return named


def problems(document):
    """What Kubernetes' models object to: unknown fields, wrong types, missing fields."""
    return list(_problems(f"V1{document['kind']}", document, document["kind"]))


def _problems(kind, value, where):
    if kind in _PLAIN_TYPES:
        # A bool is an int to Python.
        if type(value) is not _PLAIN_TYPES[kind]:
            yield f"{where}: {value!r} is no {kind}"
    elif kind.startswith("list["):
        for number, item in enumerate(value):
            yield from _problems(kind[5:-1], item, f"{where}[{number}]")
    elif kind.startswith("dict("):
        for key, item in value.items():
            yield from _problems(kind[5:-1].split(", ")[1], item, f"{where}.{key}")
    elif kind != "object":
        yield from _model_problems(getattr(models, kind), value, where)


def _model_problems(model, value, where):
    attributes = {json_name: name for name, json_name in model.attribute_map.items()}
    for key, item in value.items():
        if key not in attributes:
            yield f"{where}: unknown field {key}"
            continue
        yield from _problems(model.openapi_types[attributes[key]], item, f"{where}.{key}")
    try:
        model(**{attributes[key]: item for key, item in value.items() if key in attributes})
    except ValueError as error:
        yield f"{where}: {error}"
