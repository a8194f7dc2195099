# SPDX-License-Identifier: Apache-2.0
"""What Vambrace costs on a real node, against the same runs without it, in one process.

    VAMBRACE_BUILD=build/release /usr/bin/python3 tests/bench/node.py [--suite trixie] [--runs 60]

Prints medians and ratios; passes no judgement.
"""
import argparse
import contextlib
import json
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

_HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "live"))

from vbnode import images  # noqa: E402 (the path comes first)
from vbnode.cri import Security  # noqa: E402
from vbnode.node import Node  # noqa: E402
from vbnode.system import Vambrace, attack_image  # noqa: E402

IMAGE = "vb.test/attack:1"
BUNDLE = {"capabilities": {"drop": ["NET_RAW"]}, "read_only_rootfs": True,
          "tmpfs": [{"path": "/tmp"}], "no_new_privileges": True,
          "preload": {"exec_allowlist": ["/bin/attack"],
                      "connect_allowlist": ["10.42.0.0/16:*"]}}
HARDENED = {"handler": "vambrace", "annotations": {"bundle.vambrace.dev": "bench"}}
KNOWN = 200


def percentile(values, percent):
    """The value below which `percent` of the sorted values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def start_times(cri, runs, variants):
    """{variant: ([create ms], [start ms])}, the variants taking turns so that drift hits both."""
    times = {name: ([], []) for name in variants}
    for run in range(runs):
        for name, options in variants.items():
            with cri.pod(f"{name}-{run}", **options) as pod:
                begin = time.monotonic()
                container = cri.create_container(pod, "main", IMAGE, ["/bin/attack", "--wait"],
                                                 security=Security(seccomp="RuntimeDefault"))
                created = time.monotonic()
                container.start()
                times[name][0].append((created - begin) * 1e3)
                times[name][1].append((time.monotonic() - created) * 1e3)
            cri.remove_pod(pod)
    return times


def print_start_times(times, baseline):
    """One line for create and start of each variant, with the ratio to the baseline."""
    for column, call in enumerate(("CreateContainer", "StartContainer")):
        base = statistics.median(times[baseline][column])
        for name, values in times.items():
            median = statistics.median(values[column])
            print(f"{call:16} {name:22} median {median:7.2f} ms   "
                  f"x {median / base:.3f} of {baseline}")


class HookBench:
    """The hook's own time: its run with a runtime that does nothing, less that runtime alone."""

    def __init__(self, node, cri, vambrace):
        self.node, self.cri, self.vambrace = node, cri, vambrace
        spawn = images.compile_c((_HERE / "spawn.c").read_text(), ("-static",))
        nothing = images.compile_c("int main(void) { return 0; }\n", ("-static", "-s"))
        node.install({spawn: "/opt/bench/spawn", nothing: "/opt/bench/nothing"}, mode=0o755)

    def _median_us(self, runs, argv, restore=None):
        extra = ["--restore", *restore] if restore else []
        output = self.node.run(["/opt/bench/spawn", str(runs), *extra, "--", *argv],
                               timeout_s=300).stdout
        return statistics.median(int(line) for line in output.split()) / 1e3

    def run(self, runs):
        """Prints a line a command."""
        with self.cri.pod("hook", **HARDENED) as pod:
            container = self.cri.create_container(
                pod, "main", IMAGE, ["/bin/attack", "--wait"],
                security=Security(seccomp="RuntimeDefault"))
            # As it was before the hook saw it: the hook's own command line is not run yet.
            bundle = self.vambrace.node.run(
                ["sh", "-c", f"mkdir -p /run/bench && echo /run/bench/{container.id}"]).stdout.strip()
            self.node.run(["mkdir", "-p", f"{bundle}/rootfs"])
            spec = container.spec()

            self.node.write("/opt/bench/config.json", json.dumps(spec))
            process = dict(spec["process"])
            self.node.write("/opt/bench/process.json", json.dumps(process))
            runtimes = {"vambrace": {"runtime": "/opt/bench/nothing"}}
            self.vambrace.configure_hook(runtimes)
            try:
                self._commands(runs, container.id, bundle)
            finally:
                self.vambrace.install()

    def _commands(self, runs, container_id, bundle):
        alone = self._median_us(runs, ["/opt/bench/nothing"])
        print(f"{'the empty runtime alone':28} median {alone:7.1f} us")
        common = ["/opt/vambrace/bin/vambrace", "--root", "/run/bench", "--log",
                  "/run/bench/log.json", "--log-format", "json"]
        commands = {
            "create": (["create", "--bundle", bundle, "--pid-file", f"{bundle}/pid",
                        container_id], ("/opt/bench/config.json", f"{bundle}/config.json")),
            "exec": (["exec", "--process", "/run/bench/process.json", "--detach", container_id],
                     ("/opt/bench/process.json", "/run/bench/process.json")),
            "state": (["state", container_id], None),
            "start": (["start", container_id], None),
            "kill": (["kill", container_id, "15"], None),
            "delete": (["delete", "--force", container_id], None),
        }
        for name, (words, restore) in commands.items():
            median = self._median_us(runs, [*common, *words], restore)
            print(f"hook's own time: {name:11} median {median - alone:7.1f} us")


def fill(cri, count):
    """Creates many containers in a few pods; they stay."""
    for number in range(count):
        if number % 50 == 0:
            pod = cri.run_pod(f"many-{number}", **HARDENED)
        cri.create_container(pod, f"c{number}", IMAGE, ["/bin/attack"],
                             security=Security(seccomp="RuntimeDefault"))


def resident_kib(pid):
    """VmRSS."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1])


def print_sizes(build):
    """The binaries as shipped."""
    for path in ("plugin/nri/vambrace-nri", "plugin/oci/vambrace-oci", "plugin/cli/vambrace",
                 "shim/libautonomy_preload.so"):
        print(f"{path:28} {(build / path).stat().st_size / 1024:8.0f} KiB")


def bench(node, runs):
    vambrace = Vambrace(node)
    node.load_base_images()
    node.load_image(attack_image())
    vambrace.install()
    vambrace.bundle("bench", BUNDLE)
    cri = node.cri()

    print("\n== container times; runc without NRI plugin, runc and vambrace with it")
    times = start_times(cri, runs, {"runc, no plugin": {"handler": "runc"}})
    vambrace.start()
    times.update(start_times(cri, runs, {"runc": {"handler": "runc"},
                                         "vambrace": {"handler": "vambrace"},
                                         "vambrace, bundle": HARDENED}))
    print_start_times(times, "runc")

    print("\n== the plugin's handling time")
    vambrace.send_signal(signal.SIGUSR1)
    vambrace.wait_log(r"event=times request=start")
    print("\n".join(re.findall(r"event=times (.*)", vambrace.log())))

    print("\n== the hook's own time")
    HookBench(node, cri, vambrace).run(300)

    print(f"\n== memory with {KNOWN} containers known")
    fill(cri, KNOWN)
    vambrace.stop()
    vambrace.start()
    time.sleep(1)
    print(f"vambrace-nri resident {resident_kib(vambrace.pid)} KiB "
          f"(the Go sample plugin device-injector: 14.2 MB)")

    print("\n== sizes")
    print_sizes(vambrace.build)
    vambrace.stop()


@contextlib.contextmanager
def memory_as_tmpdir():
    """A node's /run is a tmpfs, and state files are synced there: on a disk that is measured."""
    with tempfile.TemporaryDirectory(prefix="vb-bench-") as directory:
        subprocess.run(["mount", "-t", "tmpfs", "none", directory], check=True)
        tempfile.tempdir = directory
        try:
            yield
        finally:
            tempfile.tempdir = None
            subprocess.run(["umount", "-l", directory], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--suite", default="trixie")
    parser.add_argument("--runs", type=int, default=60)
    arguments = parser.parse_args()
    load = pathlib.Path("/proc/loadavg").read_text(encoding="ascii").split()[0]
    cpu = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    with memory_as_tmpdir(), Node(arguments.suite, name="bench") as node:
        print(f"containerd {'.'.join(map(str, node.containerd_version))}, {cpu} CPUs, load {load}")
        bench(node, arguments.runs)


if __name__ == "__main__":
    main()
