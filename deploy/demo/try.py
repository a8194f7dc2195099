# SPDX-License-Identifier: Apache-2.0
"""Runs one pod on a throw-away node with Vambrace and shows what became of it."""
import argparse
import contextlib
import pathlib
import sys

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "live"))

from vbnode import kubelet, roots  # noqa: E402 (the path comes first)
from vbnode.cri import CriError  # noqa: E402
from vbnode.node import Node  # noqa: E402
from vbnode.system import Vambrace, attack_image, start_target  # noqa: E402

BUNDLES = "/etc/vambrace/bundles"


def read_pod(path):
    """The pod of a manifest, with the fields that the API server would have filled in."""
    pod = yaml.safe_load(path.read_text(encoding="utf-8"))
    pod["metadata"] = {"namespace": "default", "annotations": {}, **pod["metadata"]}
    return pod


def prepare(node, bundles, config):
    """Installs Vambrace with bundles and node config, and starts its plugin."""
    node.load_base_images()
    node.load_image(attack_image())
    vambrace = Vambrace(node)
    vambrace.install()
    for path in sorted(bundles.rglob("*.json")) if bundles else ():
        node.write(f"{BUNDLES}/{path.relative_to(bundles)}", path.read_bytes())
    if config:
        node.write("/etc/vambrace/config.json", config.read_bytes())
    vambrace.start()
    start_target(node)
    return vambrace


def show(container):
    """The container's log once its workload is through, both streams apart."""
    with contextlib.suppress(TimeoutError):
        container.wait_log("WORKLOAD_END")
    stdout, stderr = container.logs()
    for line in stdout.splitlines() + stderr.splitlines():
        if not line.startswith("WORKLOAD_"):
            print(line)


def show_outcome(outcome):
    """What the kernel showed, in two lines."""
    states = {}
    for name, layer in outcome["layers"].items():
        states.setdefault(layer["state"], []).append(name)
    print(f"level {outcome['level']}")
    for state in sorted(states.keys() - {"skipped"}):
        print(f"{state}: {', '.join(sorted(states[state]))}")


def run(node, vambrace, pod):
    """Runs all containers of the pod. Returns whether they started."""
    cri = node.cri()
    with kubelet.pod(cri, node, pod) as sandbox:
        try:
            for entry in kubelet.containers(pod):
                print(f"== {pod['metadata']['name']}, container {entry['name']}")
                container = kubelet.create(cri, sandbox, pod, entry).start()
                show(container)
                with contextlib.suppress(FileNotFoundError):
                    show_outcome(vambrace.outcome(container.id))
        except CriError as error:
            print(error.message[error.message.find("vambrace: "):])
            return False
    return True


def main():
    parser = argparse.ArgumentParser(prog="deploy/demo/try", description=__doc__)
    parser.add_argument("--suite", default="trixie", choices=("trixie", "forky"),
                        help="Debian suite whose containerd the node runs (default: trixie)")
    parser.add_argument("--bundles", type=pathlib.Path, help="directory of bundle directories")
    parser.add_argument("--config", type=pathlib.Path, help="node config")
    parser.add_argument("pod", type=pathlib.Path, metavar="POD.yaml")
    arguments = parser.parse_args()
    pod = read_pod(arguments.pod)
    roots.ensure_root(arguments.suite)
    with Node(arguments.suite, name="try") as node:
        vambrace = prepare(node, arguments.bundles, arguments.config)
        started = run(node, vambrace, pod)
        vambrace.stop()
    return 0 if started else 1


if __name__ == "__main__":
    sys.exit(main())
