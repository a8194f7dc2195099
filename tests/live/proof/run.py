# SPDX-License-Identifier: Apache-2.0
"""Runs the hostile workload under bundles, and reads what the kernel shows of its containers."""
import pathlib
import platform
import subprocess

from vbnode import images
from vbnode.calls import numbers
from vbnode.cri import Security
from vbnode.system import (
    WORKLOAD, attack_program, build_directory, parse_attempts, start_target)

from . import layers

IMAGE = "vb.test/proof:1"
BUNDLES = "/etc/vambrace/bundles"
SHIPPED = pathlib.Path(__file__).resolve().parents[3] / "deploy/bundles"
# All that the attacks need, so that only a layer can stop them.
GENEROUS = Security(seccomp="Unconfined", caps_add=(
    "SYS_ADMIN", "SYS_PTRACE", "NET_ADMIN", "BPF", "PERFMON", "SYS_MODULE", "SYS_BOOT",
    "SYS_RAWIO"))
NUMBERS = numbers()
_I386 = ("-m32", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-pic",
         "-no-pie", "-fcf-protection=none")
_CAPABILITIES = {"CHOWN": 0, "NET_RAW": 13, "SYS_MODULE": 16, "SYS_CHROOT": 18, "SYS_PTRACE": 19,
                 "SYS_ADMIN": 21, "MKNOD": 27, "BPF": 39}


def i386_program():
    """A program of the 32-bit ABI, or None where there is none for this machine."""
    if platform.machine() != "x86_64":
        return None
    return images.compile_c((WORKLOAD / "compat.c").read_text(), _I386)


def _library(number):
    return images.compile_c(f"int number(void) {{ return {number}; }}\n", ("-shared", "-fPIC"))


def image():
    """The workload with the programs, libraries and files that its attacks name."""
    nothing = images.nothing("-static", "-s")
    libraries = images.needed_libraries(images.nothing())
    loader = next(path for path in libraries if "/ld-linux" in path)
    files = {
        "/bin/attack": attack_program(),
        "/opt/bin/allowed": images.nothing(),
        "/opt/bin/calls": images.compile_c((WORKLOAD / "calls.c").read_text(),
                                           ("-static", "-std=gnu17")),
        "/opt/bin/intruder": nothing,
        "/opt/bin/overwritten": images.compile_c("int main(void) { return 1; }\n"),
        "/opt/bin/setuid": images.compile_c((WORKLOAD / "secret.c").read_text()),
        "/opt/bin/static": attack_program("-static", "-s"),
        "/jail/opt/bin/allowed": nothing,
        "/opt/lib/libintruder.so": _library(666),
        "/opt/secret": b"secret\n",
        # For a library in a namespace of its own the loader is looked for beside libc.
        str(pathlib.Path(layers.libc()).with_name(pathlib.Path(loader).name)): loader,
    }
    for name in ("listed", "overwritten", "unlisted"):
        files[f"/opt/lib/lib{name}.so"] = _library(1)
    if i386_program() is not None:
        files["/opt/bin/i386"] = i386_program()
    return images.glibc(files, IMAGE, modes={"/opt/bin/setuid": 0o4755, "/opt/secret": 0o600})


def prepare(node):
    """The image and the targets of the attacks, beside the one that every node has."""
    node.load_image(image())
    start_target(node, "fd99::1")


class Run:
    """What one container tried, and how it ended."""

    def __init__(self, vambrace, container, tries):
        self._container = container
        stdout, stderr = container.wait_log("WORKLOAD_END")
        self.results = parse_attempts(stdout)
        assert list(self.results) == list(tries)
        self.stderr = stderr.splitlines()
        self.outcome = vambrace.outcome(container.id)

    def states(self):
        """{layer: state} of the outcome."""
        return {name: layer["state"] for name, layer in self.outcome["layers"].items()}

    def kernel(self):
        """What the kernel shows of the container, read in it."""
        return Kernel(*(self._container.exec(["/bin/cat", f"/proc/1/{name}"]).stdout
                        for name in ("status", "mounts", "limits")))


class Kernel:
    """/proc of a container's first process."""

    def __init__(self, status, mounts, limits):
        self.status = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        # Of two mounts on one place the later one is on top.
        self._mounts = {line.split()[1]: line.split()[3].split(",")
                        for line in mounts.splitlines()}
        self._limits = limits

    def capability(self, name):
        """"CapEff has NAME" or "CapEff lacks NAME"."""
        held = int(self.status["CapEff"], 16) >> _CAPABILITIES[name] & 1
        return f"CapEff {'has' if held else 'lacks'} {name}"

    def mount(self, path, option):
        """"PATH is OPTION", or is not."""
        return f"{path} {'is' if option in self._mounts[path] else 'is not'} {option}"

    def descriptors(self):
        """The limit as the kernel has it."""
        line = next(line for line in self._limits.splitlines() if "open files" in line)
        return f"Max open files {line.split()[3]}"


def install(vambrace, name, parts, audit=(), profile=None):
    """A bundle with these parts of layers. `profile` is another text in place of the starter."""
    manifest = layers.manifest(parts, audit)
    if profile is not None:
        manifest["hardening"]["seccomp"]["profile"] = "own"
    vambrace.bundle(name, **manifest)
    files = {"open": layers.open_profile(parts), **({"own": profile} if profile else {})}
    for file, text in files.items():
        vambrace.node.write(f"{BUNDLES}/{name}/profiles/{file}.json", text)


def install_shipped(vambrace, name):
    """A bundle of deploy/bundles."""
    files = [path for path in (SHIPPED / name).rglob("*") if path.is_file()]
    vambrace.node.install(
        {path: f"{BUNDLES}/{name}/{path.relative_to(SHIPPED / name)}" for path in files})


def shipped_profile(name):
    """The profile that a bundle of deploy/bundles has under its own name."""
    return (SHIPPED / name / f"profiles/{name}.json").read_text()


def annotate(bundles):
    """The annotations of a pod whose containers are named as their bundles."""
    return {f"bundle.vambrace.dev/container.{name}": name for name in bundles}


def start(cri, pod, name, command, security=GENEROUS):
    """A started container of the pod."""
    return cri.run_container(pod, name, IMAGE, command, security=security)


def attack(vambrace, cri, bundles, tries, security=GENEROUS):
    """Runs the workload once for each bundle, in one pod; yields (bundle, Run) while it stands."""
    with cri.pod(handler="vambrace", annotations=annotate(bundles)) as pod:
        started = {name: start(cri, pod, name, ["/bin/attack", "--wait", *tries], security)
                   for name in bundles}
        for name, container in started.items():
            yield name, Run(vambrace, container, tries)


def starter():
    """The starter profile, as the command line prints it."""
    command = [build_directory() / "plugin/cli/vambrace", "seccomp", "show", "starter", "--oci"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def call(cri, bundle, names):
    """{call: result} of system calls that are made with arguments that mean nothing."""
    with cri.pod(handler="vambrace", annotations=annotate([bundle])) as pod:
        return call_in(start(cri, pod, bundle, ["/bin/sleep", "1000"]), names)


def call_in(container, names):
    """call() in a running container."""
    numbers = [str(NUMBERS[name]) for name in names]
    lines = container.exec(["/opt/bin/calls", *numbers]).stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == numbers and lines[-1] == "END", lines
    return {name: line.split()[1] for name, line in zip(names, lines)}
