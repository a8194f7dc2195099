# SPDX-License-Identifier: Apache-2.0
"""A checkpoint as an image: containerd 2.1 restores the process in it, with the credentials that it
had, by `restore` in place of `create`. On our handlers no such process comes to life."""
import io
import json
import os
import subprocess
import sys
import tarfile

import pytest

from test_adversarial import refusal
from test_hardening import arm, sleeper  # noqa: F401 (arm: fixture)
from vbnode import images
from vbnode.cri import CriError
from vbnode.system import attack_image

REPOSITORY = "attack"
BASE = f"127.0.0.1:5000/{REPOSITORY}:1"
CHECKPOINT = "/srv/checkpoint.tar"
CRIU = "/usr/sbin/criu"


def checkpoint():
    """A checkpoint archive as kubelet's checkpoint API writes it, without the memory images."""
    members = {
        "spec.dump": {"ociVersion": "1.1.0", "process": {"args": ["/bin/attack"], "cwd": "/",
                                                         "user": {}},
                      "annotations": {"io.kubernetes.cri.container-name": "main"},
                      "root": {"path": "rootfs"}, "linux": {}},
        "config.dump": {"id": "0" * 64, "name": "k8s_main", "rootfsImage": BASE,
                        "rootfsImageName": BASE, "rootfsImageRef": BASE, "runtime": "runc"},
        "status.dump": {"metadata": {"name": "main"}, "image": {"image": BASE}, "imageRef": BASE},
        "checkpoint/inventory.img": {}, "dump.log": {}}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        directory = tarfile.TarInfo("checkpoint")
        directory.type, directory.mode = tarfile.DIRTYPE, 0o700
        tar.addfile(directory)
        for name, value in members.items():
            data = json.dumps(value).encode() if value else b""
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def install_criu(node):
    """containerd asks the node's criu for its version before anything else."""
    libraries = images.needed_libraries(CRIU)
    files = {source: f"/opt/criu/{os.path.basename(path)}" for path, source in libraries.items()}
    node.install({**files, CRIU: "/opt/criu/criu"}, mode=0o755)
    loader = next(path for path in files.values() if "/ld-" in path)
    node.write(CRIU, f'#!/bin/sh\nexec {loader} --library-path /opt/criu /opt/criu/criu "$@"\n',
               mode=0o755)


@pytest.fixture
def restorable(node, tmp_path):
    """The node can restore: it has criu, a registry with the base image, and a checkpoint."""
    install_criu(node)
    node.write(CHECKPOINT, checkpoint())
    script = os.path.join(os.path.dirname(images.__file__), "registry.py")
    with subprocess.Popen(
            ["nsenter", "-t", str(node.anchor_pid), "-n", sys.executable, "-I", script,
             str(attack_image().path), REPOSITORY, "5000"], stdout=subprocess.PIPE, text=True,
            cwd=tmp_path) as registry:
        assert registry.stdout.readline() == "listening\n"
        yield
        registry.kill()


@pytest.mark.nodes("forky-runc")
def test_a_checkpoint_is_not_restored_on_our_handler(
        vambrace, node, cri, arm, restorable):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = cri.create_container(pod, "main", CHECKPOINT, ["/bin/attack"])
        message = refusal(container.start)
        assert "vambrace: Err" in message and "restore" in message, message
        container.remove()
        assert vambrace.outcome(sleeper(cri, pod, "other").id)["level"] == "full"


@pytest.mark.nodes("forky-runc")
def test_without_our_handler_the_runtime_is_asked_to_restore_it(
        vambrace, cri, restorable):
    """Else the test above would prove nothing: here it is criu that cannot read the empty images."""
    with cri.pod(handler=vambrace.plain_handler) as pod:
        container = cri.create_container(pod, "main", CHECKPOINT, ["/bin/attack"])
        with pytest.raises(CriError, match="criu|restore"):
            container.start()
