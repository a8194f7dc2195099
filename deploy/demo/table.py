# SPDX-License-Identifier: Apache-2.0
"""The table of the demo: what the plain and the hardened pod of pods.yaml could do, what stopped the
second, and why one can tell.

As a program it reads a directory with the logs of both pods (plain.log, hardened.log), what
/proc/1/status says in the hardened one (status), and `vambrace status --json` of its node
(status.json). It exits with 1 when a row is not as promised."""
import json
import pathlib
import sys

# What is tried, how it reads, and the layer that is there to stop it (None: it must work).
ATTACKS = [
    ("mount", "mount(2) a tmpfs", "seccomp"),
    ("ptrace", "ptrace another process", "seccomp"),
    ("mknod", "mknod a device", "seccomp"),
    ("clone-user", "new user namespace", "seccomp"),
    ("raw-socket", "raw packet socket", "capabilities"),
    ("write=/etc/passwd", "write to /etc", "read_only_rootfs"),
    ("exec=/bin/sh", "exec /bin/sh", "preload"),
    ("connect=10.96.0.1:443", "connect to API server", "preload"),
    ("write=/tmp/x", "write to /tmp", None),
    ("loopback", "connect to loopback", None),
]
# The capability that the kernel wants for it; who has it was not stopped for lack of it.
NEEDS = {"mount": "SYS_ADMIN", "ptrace": "SYS_PTRACE", "mknod": "MKNOD", "clone-user": "SYS_ADMIN",
         "raw-socket": "NET_RAW"}
CAPABILITIES = {"NET_RAW": 13, "SYS_PTRACE": 19, "SYS_ADMIN": 21, "MKNOD": 27}
COLUMNS = (23, 5, 8, 16)
END = "WORKLOAD_END"
SHIM = "autonomy-preload: "


class Pod:
    """What a pod printed, both streams in one as `kubectl logs` shows them."""

    def __init__(self, log):
        lines = log.splitlines()
        self.shim = [line for line in lines if line.startswith(SHIM)]
        self.results = dict(line.rsplit(" ", 1) for line in lines
                            if " " in line and not line.startswith(SHIM))

    def result(self, word):
        """"ok", the name of an errno, or that it was not tried."""
        return self.results.get(word, "untried")

    def denial(self, call):
        """The shim's line about the call."""
        return next((line for line in self.shim if f" {call}(" in line), "nothing said")


def read_status(text):
    """The fields of a /proc/<pid>/status."""
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def capability(status, name):
    """`CapEff has NAME` or `CapEff lacks NAME`."""
    held = int(status["CapEff"], 16) >> CAPABILITIES[name] & 1
    return f"CapEff {'has' if held else 'lacks'} {name}"


def evidence(word, layer, outcome, hardened, status):
    """Why this layer, and no other, stopped the attack: the kernel's words, or the shim's line."""
    if layer is None:
        return "allowed, as it should be"
    if layer == "preload":
        return hardened.denial("execve" if word.startswith("exec") else "connect")
    if layer == "seccomp":
        return f"Seccomp: {status['Seccomp']}; {capability(status, NEEDS[word])}"
    if layer == "capabilities":
        return capability(status, NEEDS[word])
    return next(iter(outcome["layers"][layer]["evidence"]), "nothing seen")


def print_row(cells, width=0):
    """Pads all but the last cell."""
    print("  ".join(text.ljust(size) for text, size in zip(cells, (*COLUMNS, width))).rstrip())


def show(plain, hardened, status, outcome):
    """Prints the table of two Pods. Returns what is not as promised."""
    wrong = []
    print()
    print_row(("ATTACK", "PLAIN", "HARDENED", "STOPPED BY", "EVIDENCE"))
    for word, title, layer in ATTACKS:
        before, after = plain.result(word), hardened.result(word)
        print_row((title, before, after, layer or "-",
                   evidence(word, layer, outcome, hardened, status)))
        stopped = after not in ("ok", "untried")
        if before != "ok" or stopped != (layer is not None) or after == "untried":
            wrong.append(title)
    print()
    print(f"level {outcome['level']}, plan {outcome['plan_digest'][:23]}...", flush=True)
    return wrong + [f"layer {name} is {layer['state']}"
                    for name, layer in outcome["layers"].items()
                    if layer["state"] not in ("applied", "skipped")]


def find_outcome(listing):
    """The outcome of the hardened pod among those of a node."""
    found = [entry for entry in listing["containers"]
             if (entry["namespace"], entry["pod"]) == ("default", "hardened")]
    if not found:
        raise LookupError("the node has no outcome of the pod default/hardened")
    return found[-1]


def main(directory):
    """Reads, shows, and returns the exit code."""
    def read(name):
        return (pathlib.Path(directory) / name).read_text(encoding="utf-8")

    return report(show(Pod(read("plain.log")), Pod(read("hardened.log")),
                       read_status(read("status")), find_outcome(json.loads(read("status.json")))))


def report(wrong):
    """Says what is not as promised; returns the exit code."""
    for problem in wrong:
        print(f"NOT AS PROMISED: {problem}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
