# SPDX-License-Identifier: Apache-2.0
"""The same attacking workload in a plain pod and in an annotated one, attack by attack."""
import argparse
import contextlib
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "live"))

from vbnode import roots  # noqa: E402 (the path comes first)
from vbnode.cri import Security  # noqa: E402
from vbnode.node import Node  # noqa: E402
from vbnode.system import (  # noqa: E402
    Vambrace, attack_image, parse_attempts, start_target)

IMAGE = "vb.test/attack:1"
# Both pods get all that the attacks need, so that only a layer of Vambrace can stop one.
SECURITY = Security(caps_add=("SYS_ADMIN", "SYS_PTRACE"), seccomp="Unconfined")
BUNDLE = {
    "capabilities": {"drop": ["NET_RAW"]},
    "read_only_rootfs": True,
    "tmpfs": [{"path": "/tmp", "size": "16Mi"}],
    "no_new_privileges": True,
    "preload": {"exec_allowlist": ["/bin/allowed"], "connect_allowlist": ["10.42.0.0/16:*"]},
}
# What is tried, how it reads, and the layer that is there to stop it (None: it must work).
ATTACKS = [
    ("mount", "mount(2) a tmpfs", "seccomp"),
    ("ptrace", "ptrace another process", "seccomp"),
    ("mknod", "mknod a device", "seccomp"),
    ("clone-user", "new user namespace", "seccomp"),
    ("raw-socket", "raw packet socket", "capabilities"),
    ("write=/etc/passwd", "write to /etc", "read_only_rootfs"),
    ("exec=/bin/sh", "exec /bin/sh", "preload"),
    ("connect=10.99.0.1:80", "connect to 10.99.0.1:80", "preload"),
    ("write=/tmp/x", "write to /tmp", None),
    ("loopback", "connect to loopback", None),
]
# The capability that the kernel wants for it; who has it was not stopped for lack of it.
NEEDS = {"mount": "SYS_ADMIN", "ptrace": "SYS_PTRACE", "mknod": "MKNOD", "clone-user": "SYS_ADMIN",
         "raw-socket": "NET_RAW"}
CAPABILITIES = {"NET_RAW": 13, "SYS_PTRACE": 19, "SYS_ADMIN": 21, "MKNOD": 27}
COLUMNS = (23, 5, 8, 16)


@contextlib.contextmanager
def step(title):
    """One line of progress with its time."""
    print(f"{title} ... ", end="", flush=True)
    started = time.monotonic()
    yield
    print(f"done ({time.monotonic() - started:.1f} s)", flush=True)


def run_attacks(cri, **pod_options):
    """Runs the workload in its pod; returns attempts, stderr, and the running container."""
    pod = cri.run_pod(**pod_options)
    words = [word for word, _, _ in ATTACKS]
    container = cri.run_container(pod, "robot", IMAGE, ["/bin/attack", "--wait", *words],
                                  security=SECURITY)
    stdout, stderr = container.wait_log("WORKLOAD_END")
    return parse_attempts(stdout), stderr, container


def capability(status, name):
    """`CapEff has NAME` or `CapEff lacks NAME`, from /proc/1/status of the container."""
    held = int(status["CapEff"], 16) >> CAPABILITIES[name] & 1
    return f"CapEff {'has' if held else 'lacks'} {name}"


def evidence(word, layer, outcome, stderr, status):
    """Why this layer, and no other, stopped the attack: the kernel's words, or the shim's line."""
    if layer is None:
        return "allowed, as it should be"
    if layer == "preload":
        name = "execve" if word.startswith("exec") else "connect"
        return next(line for line in stderr.splitlines() if f" {name}(" in line)
    if layer == "seccomp":
        return f"Seccomp: {status['Seccomp']}; {capability(status, NEEDS[word])}"
    if layer == "capabilities":
        return capability(status, NEEDS[word])
    return outcome["layers"][layer]["evidence"][0]


def print_row(cells, width=0):
    """Pads all but the last cell."""
    print("  ".join(text.ljust(size) for text, size in zip(cells, (*COLUMNS, width))).rstrip())


def print_table(plain, hardened, why):
    """The table. Returns the rows that are not as promised."""
    wrong = []
    print()
    print_row(("ATTACK", "PLAIN", "HARDENED", "STOPPED BY", "EVIDENCE"))
    for word, title, layer in ATTACKS:
        print_row((title, plain[word], hardened[word], layer or "-", why[word]))
        as_promised = plain[word] == "ok" and (hardened[word] == "ok") == (layer is None)
        if not as_promised:
            wrong.append(title)
    print()
    return wrong


def check_layers(outcome):
    """Every layer that the bundle asks for is seen in the kernel."""
    return [f"layer {name} is {layer['state']}" for name, layer in outcome["layers"].items()
            if layer["state"] not in ("applied", "skipped")]


def demo(node):
    """Runs it on a booted node; returns what went wrong."""
    with step("[4/5] installing Vambrace on the node, starting its plugin"):
        node.load_base_images()
        node.load_image(attack_image())
        vambrace = Vambrace(node)
        vambrace.install()
        vambrace.bundle("demo", BUNDLE)
        vambrace.start()
        start_target(node)
        cri = node.cri()
    with step("[5/5] running the attacks in a plain pod and in an annotated pod"):
        plain, _, _ = run_attacks(cri, name="plain", handler="runc")
        hardened, stderr, container = run_attacks(
            cri, name="hardened", handler="vambrace",
            annotations={"bundle.vambrace.dev": "demo"})
        outcome = vambrace.outcome(container.id)
        text = container.exec(["/bin/cat", "/proc/1/status"]).stdout
        status = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    why = {word: evidence(word, layer, outcome, stderr, status) for word, _, layer in ATTACKS}
    wrong = print_table(plain, hardened, why) + check_layers(outcome)
    print(f"level {outcome['level']}, plan {outcome['plan_digest'][:23]}..., "
          f"containerd {'.'.join(map(str, node.containerd_version))}")
    print("Both pods: Unconfined seccomp, CAP_SYS_ADMIN and CAP_SYS_PTRACE added. "
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
    for problem in wrong:
        print(f"NOT AS PROMISED: {problem}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
