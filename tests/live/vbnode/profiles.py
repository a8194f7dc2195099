# SPDX-License-Identifier: Apache-2.0
"""Records the default seccomp profile of each containerd under tests/profiles.

`/usr/bin/python3 -m vbnode.profiles` (in tests/live, as root) writes what containerd hands to the
runtime as linux.seccomp for a RuntimeDefault container with default capabilities. The profile
depends on the architecture; the recorded ones are of x86-64.
"""
import json
import pathlib

from . import images
from .cri import Security
from .node import Node

DIRECTORY = pathlib.Path(__file__).resolve().parents[2] / "profiles"


def recorded_path(node):
    """Where the profile of the node's containerd version is kept."""
    version = ".".join(map(str, node.containerd_version))
    return DIRECTORY / f"containerd-{version}-default.json"


def default_profile(node):
    """The profile that the node's containerd gives a RuntimeDefault container, as parsed JSON."""
    cri = node.cri()
    with cri.pod() as pod:
        container = cri.create_container(pod, "default", images.BUSYBOX, ["/bin/true"],
                                         security=Security(seccomp="RuntimeDefault"))
        return container.spec()["linux"]["seccomp"]


def main():
    """Records the profiles of both suites."""
    DIRECTORY.mkdir(exist_ok=True)
    for suite in ("trixie", "forky"):
        with Node(suite) as node:
            node.load_base_images()
            path = recorded_path(node)
            path.write_text(json.dumps(default_profile(node), indent=1) + "\n")
            print(path)


if __name__ == "__main__":
    main()
