# SPDX-License-Identifier: Apache-2.0
"""The same attacking workload in a plain pod and in an annotated one, attack by attack."""
import argparse
import contextlib
import pathlib
import sys
import time

import yaml

import image
import table

DIRECTORY = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(DIRECTORY.parents[1] / "tests" / "live"))

from vbnode import kubelet, roots  # noqa: E402 (the path comes first)
from vbnode.node import Node  # noqa: E402
from vbnode.system import Vambrace, start_target  # noqa: E402

BUNDLE = "/etc/vambrace/bundles/demo/manifest.json"
API_SERVER = ("10.96.0.1", 443)


@contextlib.contextmanager
def step(title):
    """One line of progress with its time."""
    print(f"{title} ... ", end="", flush=True)
    started = time.monotonic()
    yield
    print(f"done ({time.monotonic() - started:.1f} s)", flush=True)


@contextlib.contextmanager
def attacked(node, pod):
    """A pod of pods.yaml after its attacks: what it printed, /proc/1/status in it, and its container's
    id."""
    cri = node.cri()
    with kubelet.pod(cri, node, pod, host_network=False) as sandbox:
        entry, = kubelet.containers(pod)
        container = kubelet.create(cri, sandbox, pod, entry).start()
        log = "".join(container.wait_log(table.END))
        status = container.exec(["/bin/cat", "/proc/1/status"]).stdout
        yield table.Pod(log), table.read_status(status), container.id


def demo(node):
    """Runs it on a booted node; returns what went wrong."""
    pods = {pod["metadata"]["name"]: pod for pod in yaml.safe_load(
        (DIRECTORY / "pods.yaml").read_text(encoding="utf-8"))["items"]}
    with step("[4/5] installing Vambrace on the node, starting its plugin"):
        node.load_base_images()
        node.load_image(image.image())
        vambrace = Vambrace(node)
        vambrace.install()
        node.write(BUNDLE, (DIRECTORY / "bundle/manifest.json").read_bytes())
        vambrace.start()
        start_target(node, *API_SERVER)
    with step("[5/5] running the attacks in a plain pod and in an annotated pod"):
        with attacked(node, pods["plain"]) as (plain, _, _):
            pass
        with attacked(node, pods["hardened"]) as (hardened, status, container):
            outcome = vambrace.outcome(container)
    wrong = table.show(plain, hardened, status, outcome)
    print(f"containerd {'.'.join(map(str, node.containerd_version))}\n"
          "Both pods: Unconfined seccomp, CAP_SYS_ADMIN and CAP_SYS_PTRACE added. "
          "The hardened one differs by\n  runtimeClassName: vambrace\n"
          "  annotations: {bundle.vambrace.dev: demo}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="trixie", choices=("trixie", "forky"),
                        help="Debian suite whose containerd the node runs (default: trixie)")
    arguments = parser.parse_args()
    print("[3/5] booting a throw-away node", flush=True)
    roots.ensure_root(arguments.suite)
    with Node(arguments.suite, name="demo") as node:
        wrong = demo(node)
    return table.report(wrong)


if __name__ == "__main__":
    sys.exit(main())
