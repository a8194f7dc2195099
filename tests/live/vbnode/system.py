# SPDX-License-Identifier: Apache-2.0
"""Vambrace on a test node: installed from a build directory, its plugin started and stopped.

    vambrace = Vambrace(node, build)
    vambrace.install()
    vambrace.bundle("arm", {"capabilities": {"drop": ["NET_RAW"]}})
    vambrace.start()
    with cri.pod(handler="vambrace", annotations={"bundle.vambrace.dev": "arm"}) as pod: ...
    vambrace.outcome(container.id)["level"]
"""
import json
import os
import pathlib
import re
import signal
import time

from . import images

STATE = "/run/vambrace"
SOCKET = "/var/run/nri/nri.sock"
WORKLOAD = pathlib.Path(__file__).parent.parent / "workload"


def build_directory(architecture=images.HOST.architecture):
    """Where the release build is: $VAMBRACE_BUILD, else build/release of this tree; for arm64 on
    another machine $VAMBRACE_BUILD_ARM64, else build/arm64."""
    build = pathlib.Path(__file__).resolve().parents[3] / "build"
    if architecture == images.HOST.architecture:
        return pathlib.Path(os.environ.get("VAMBRACE_BUILD", build / "release"))
    return pathlib.Path(os.environ.get("VAMBRACE_BUILD_ARM64", build / architecture))


def attack_program(*flags, target=images.HOST):
    """The hostile workload (attack/) as a program on the host."""
    return images.compile_directory(WORKLOAD.parent / "attack",
                                    ("-std=gnu17", "-D_GNU_SOURCE", *flags), target)


def attack_image(name="vb.test/attack:1", files=None, target=images.HOST):
    """The hostile workload as a dynamic program at /bin/attack, /bin/allowed, which does nothing, and
    other `files`, {path in the image: host path}."""
    programs = {"/bin/attack": attack_program(target=target),
                "/bin/allowed": images.nothing(target=target), **(files or {})}
    return images.glibc(programs, name, target=target)


def start_target(node, address="10.99.0.1", port=80):
    """A listener on an address (IPv4 or IPv6) that exists only in the node's network namespace."""
    program = images.compile_c((WORKLOAD / "listen.c").read_text(), ("-static",), node.platform)
    node.install({program: "/opt/target/listen"}, mode=0o755)
    # An IPv6 address is of no use while it may still turn out to be somebody else's.
    options = ("nodad",) if ":" in address else ()
    prefix = 128 if ":" in address else 32
    node.run(["ip", "address", "add", f"{address}/{prefix}", "dev", "lo", *options])
    listener = node.popen(["/opt/target/listen", address, str(port)], stdout=-1, text=True)
    assert listener.stdout.readline() == "listening\n"
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def parse_attempts(stdout):
    """{attempt: "ok" or errno name} of the workload's output; it must have run to its end."""
    lines = stdout.split("\n")
    assert lines[0] == "WORKLOAD_START" and "WORKLOAD_END" in lines, stdout
    return dict(line.rsplit(" ", 1) for line in lines[1:lines.index("WORKLOAD_END")])


class Vambrace:
    """Plugin, hook, shim and bundles on one node."""

    def __init__(self, node, build=None):
        self.node = node
        self.build = pathlib.Path(build or build_directory())
        self.plain_handler = node.runtime  # a handler that is none of ours
        self._plugin = None
        self.log_path = pathlib.Path(node.base) / "vambrace-nri.log"

    def install(self, hook="vambrace-oci", handlers=None, shim=True):
        """Puts the files where an installation has them. `hook` names the program to use as
        vambrace-oci (a test build that leaves a layer out, say)."""
        files = {self.build / "plugin/nri/vambrace-nri": "/opt/vambrace/bin/vambrace-nri",
                 self.build / f"plugin/oci/{hook}": "/opt/vambrace/bin/vambrace-oci"}
        if shim:
            files[self.build / "shim/libautonomy_preload.so"] = (
                "/opt/vambrace/lib/libautonomy_preload.so")
        self.node.install(files, mode=0o755)
        self.configure_hook(handlers or {"vambrace": {"runtime": self.node.runtime_path()}})

    def configure_hook(self, handlers):
        """Writes oci.json and the link that each handler's BinaryName is."""
        self.node.write("/opt/vambrace/etc/oci.json", json.dumps({"handlers": handlers}))
        for handler in handlers:
            self.node.run(["ln", "-sfn", "vambrace-oci", f"/opt/vambrace/bin/{handler}"])

    def config(self, **settings):
        """Writes the node config."""
        self.node.write("/etc/vambrace/config.json", json.dumps(settings))

    def bundle(self, name, hardening=None, **manifest):
        """Installs a bundle directory."""
        manifest = {"kind": "bundle", "schema_version": "1.6", "name": name, "version": "0.1.0",
                    "channel": "dev", "min_adk_version": "1.0", **manifest}
        if hardening is not None:
            manifest["hardening"] = hardening
        self.node.write(f"/etc/vambrace/bundles/{name}/manifest.json", json.dumps(manifest))

    # The plugin's process

    def start(self, *arguments, wrapper=(), wait=True):
        """Starts the plugin, by default until it is registered with the runtime."""
        assert self._plugin is None or self._plugin.poll() is not None, "the plugin runs already"
        position = self.log_size()
        with open(self.log_path, "ab") as log:
            self._plugin = self.node.popen(
                [*wrapper, "/opt/vambrace/bin/vambrace-nri", *arguments],
                stdout=log, stderr=log, stdin=-3)
        if wait:
            self.wait_log(r"event=synchronized", since=position)
        return self

    @property
    def pid(self):
        """The plugin's process id."""
        return self._plugin.pid

    def running(self):
        """Whether the plugin's process lives."""
        return self._plugin is not None and self._plugin.poll() is None

    def send_signal(self, number):
        """Sends the plugin a signal."""
        os.kill(self._plugin.pid, number)

    def stop(self, number=signal.SIGTERM, timeout_s=5):
        """Ends the plugin; returns its exit status."""
        if self._plugin is None:
            return None
        if self._plugin.poll() is None:
            self.send_signal(signal.SIGCONT)
            self.send_signal(number)
        status = self._plugin.wait(timeout_s)
        self._plugin = None
        return status

    # What it leaves behind

    def log_size(self):
        """A position for `since` below."""
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def log(self, since=0):
        """The plugin's stderr."""
        if not self.log_path.exists():
            return ""
        return self.log_path.read_bytes()[since:].decode(errors="replace")

    def wait_log(self, pattern, since=0, timeout_s=10):
        """Waits for a match in the log and returns it."""
        deadline = time.monotonic() + timeout_s
        while True:
            match = re.search(pattern, self.log(since))
            if match:
                return match
            if time.monotonic() > deadline or not self.running():
                raise TimeoutError(f"no {pattern!r} in the plugin's log:\n{self.log(since)}")
            time.sleep(0.01)

    def state_files(self):
        """Relative paths of the files of containers under /run/vambrace."""
        listing = self.node.run(["find", STATE, "-type", "f"], check=False).stdout
        paths = {pathlib.PurePath(line).relative_to(STATE) for line in listing.splitlines()}
        return {str(path) for path in paths
                if path.parent.name != "features" and path.name != "turns"
                and not path.name.startswith("daemon.json")}

    def _state(self, kind, container_id):
        return json.loads(self.node.read(f"{STATE}/{kind}/{container_id}.json"))

    def plan(self, container_id):
        """The plan file."""
        return self._state("plans", container_id)

    def receipt(self, container_id):
        """The hook's receipt."""
        return self._state("receipts", container_id)

    def outcome(self, container_id, settled=True, timeout_s=20):
        """The outcome file; `settled` waits until every layer of a running container was seen."""
        deadline = time.monotonic() + timeout_s
        while True:
            outcome = self._state("outcomes", container_id)
            states = {layer["state"] for layer in outcome["layers"].values()}
            if not settled or "unobserved" not in states or time.monotonic() > deadline:
                return outcome
            time.sleep(self.node.poll_s)

    def layers(self, container_id):
        """{layer: state} of the settled outcome."""
        return {name: layer["state"]
                for name, layer in self.outcome(container_id)["layers"].items()}
