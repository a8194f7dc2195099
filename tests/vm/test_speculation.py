# SPDX-License-Identifier: Apache-2.0
"""SPEC_ALLOW where it matters: kernels that mitigate for seccomp filters, under qemu.

In each machine the real hook makes containers with real runtimes, from plan files as vambrace-nri
writes them, and /proc/<pid>/status of their processes is what is judged.
"""
import hashlib
import json
import pathlib
import platform
import re
import subprocess

import kernels
import machine
import pytest
from vbnode import roots
from vbnode.system import build_directory

if platform.machine() != "x86_64":
    pytest.skip("only x86-64 mitigates for seccomp filters", allow_module_level=True)

# {handler: (suite of the runtime, path there)}
RUNTIMES = {"runc-old": ("trixie", "/usr/sbin/runc"), "crun-old": ("trixie", "/usr/bin/crun"),
            "runc-new": ("forky", "/usr/sbin/runc"), "crun-new": ("forky", "/usr/bin/crun")}
NEW = ("runc-new", "crun-new")
VALUES = ("allow", "mitigate", "inherit")
OWN_PROFILE = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
               "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}
FREE = {"Speculation_Store_Bypass": "thread vulnerable"}
FORCED = {"Speculation_Store_Bypass": "thread force mitigated"}
# 6.1 shows the other one too.
BOTH_FREE = {**FREE, "SpeculationIndirectBranch": "conditional enabled"}
BOTH_FORCED = {**FORCED, "SpeculationIndirectBranch": "conditional force disabled"}
SECCOMP_MODE = "spec_store_bypass_disable=seccomp spectre_v2_user=seccomp"

_CASE = """
run_case() { # NAME HANDLER
	echo "=== $1"
	hook="/opt/vambrace/bin/$2 --root /run/state-$2 --log /run/log-$1"
	# On a busy host a runtime may be too slow for the hook; as kubelet, try again.
	tries=0 busy=1
	while [ -n "$busy" ] && [ $tries -lt 10 ]; do
		tries=$((tries + 1)) busy=
		rm -f "/run/log-$1"
		$hook create --bundle "/bundles/$1" --pid-file "/run/pid-$1" "$1" \
			>"/run/out-$1" 2>&1 </dev/null
		created=$?
		grep -q "was too busy" "/run/log-$1" 2>/dev/null && busy=1
	done
	echo "create $created"
	[ -e "/run/log-$1" ] && sed 's/^/log /' "/run/log-$1"
	[ -e "/run/pid-$1" ] || return
	sed 's/^/created /' "/proc/$(cat "/run/pid-$1")/status"
	sed 's/^/receipt /' "/run/vambrace/receipts/$1.json"
	echo
	$hook start "$1" 2>&1
	tries=0
	while ! grep -q END "/run/out-$1" && [ $tries -lt 100 ]; do
		usleep 50000
		tries=$((tries + 1))
	done
	sed 's/^/inside /' "/run/out-$1"
}
"""
_PROBE = """
echo "=== probe"
/opt/vambrace/bin/vambrace-nri --socket /run/none --config /none >/run/nri 2>&1 &
daemon=$!
tries=0
while ! grep -q event=probed /run/nri && [ $tries -lt 100 ]; do
	usleep 50000
	tries=$((tries + 1))
done
kill $daemon
cat /run/nri
"""


def runtime_files():
    """The runtimes with their libraries; the younger suite's C library serves both."""
    files = {}
    for handler, (suite, path) in sorted(RUNTIMES.items(), key=lambda item: item[1][0]):
        root = roots.ensure_root(suite).path
        listing = subprocess.run(["chroot", str(root), "ldd", path], capture_output=True,
                                 text=True, check=True).stdout
        # forky comes first.
        for name, place in re.findall(r"(\S+) (?:=> (\S+) )?\(0x", listing):
            place = place or name
            if place.startswith("/"):
                target = name if name.startswith("/") else f"/usr/lib/x86_64-linux-gnu/{name}"
                files.setdefault(target, pathlib.Path(f"{root}/{place}").resolve())
        files[f"/runtimes/{suite}/{pathlib.PurePath(path).name}"] = root / path.lstrip("/")
    return files


def config(name, digest, profile):
    """A container that shows its own status."""
    caps = ["CAP_CHOWN", "CAP_SETPCAP"]
    spec = {
        "ociVersion": "1.0.2",
        "process": {"args": ["/bin/busybox", "sh", "-c",
                             "/bin/busybox grep -E '^(Seccomp|Spec)' /proc/self/status; echo END"],
                    "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0},
                    "capabilities": {kind: caps for kind in
                                     ("bounding", "effective", "permitted")}},
        "root": {"path": "/rootfs"}, "hostname": name,
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                   {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}],
        "annotations": {"plan-digest.vambrace.dev": digest},
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
                  "cgroupsPath": f"/{name}"}}
    if profile:
        spec["linux"]["seccomp"] = profile
    return json.dumps(spec).encode()


def plan(name, handler, value):
    """The plan file's bytes: canonical JSON."""
    layers = {"seccomp": {"sources": ["default"], "starter": True}}
    if value != "inherit":
        layers["spec_allow"] = {"sources": ["annotation"], "value": value}
    return json.dumps(
        {"container": name, "env": [], "handler": handler, "hooked": True, "layers": layers,
         "mounts": [], "namespace": "robots", "plan_version": 1, "pod": "arm-0"},
        sort_keys=True, separators=(",", ":")).encode()


def add_case(files, name, handler, value, profile=None):
    """The plan and the OCI bundle of one container."""
    text = plan(name, handler, value)
    files[f"/run/vambrace/plans/{name}.json"] = text
    digest = f"sha256:{hashlib.sha256(text).hexdigest()}"
    files[f"/bundles/{name}/config.json"] = config(name, digest, profile)


class Machine:
    """What one machine printed, case by case: each runtime with each value, and with "own", a
    profile that the container has itself."""

    def __init__(self, suite, append="", runtimes=tuple(RUNTIMES)):
        files = runtime_files()
        files["/rootfs/bin/busybox"] = pathlib.Path("/bin/busybox")
        for directory in ("proc", "dev", "sys"):
            files[f"/rootfs/{directory}/"] = b""
        build = build_directory()
        files["/opt/vambrace/bin/vambrace-nri"] = build / "plugin/nri/vambrace-nri"
        files["/opt/vambrace/bin/vambrace-oci"] = build / "plugin/oci/vambrace-oci"
        handlers = {handler: {"runtime": f"/runtimes/{suite}/{pathlib.PurePath(path).name}"}
                    for handler, (suite, path) in RUNTIMES.items()}
        files["/opt/vambrace/etc/oci.json"] = json.dumps({"handlers": handlers}).encode()
        cases = {}
        for handler in runtimes:
            files[f"/opt/vambrace/bin/{handler}"] = ("link", "vambrace-oci")
            for value in VALUES:
                cases[f"{handler}-{value}"] = (handler, value, None)
            cases[f"{handler}-own"] = (handler, "inherit", OWN_PROFILE)
        for name, (handler, value, profile) in cases.items():
            add_case(files, name, handler, value, profile)
        # Settings that others may write are not read.
        script = "chmod 755 /opt/vambrace/etc\nchmod 644 /opt/vambrace/etc/oci.json\n" + _CASE
        script += "".join(f"run_case {name} {case[0]}\n" for name, case in cases.items())
        self.console = machine.boot(kernels.ensure_kernel(suite), files, script + _PROBE, append)
        self.cases = {section.split("\n", 1)[0]: section.split("\n", 1)[1]
                      for section in self.console.split("=== ")[1:]}

    def status(self, name, when):
        """The speculation lines of a container's process: when it was "created", or "inside"."""
        lines = re.findall(rf"^{when} (Spec\w+|Seccomp):\s+(.*)$", self.cases[name], re.MULTILINE)
        status = dict(lines)
        assert status.pop("Seccomp", None) == "2", self.cases[name]
        return status

    def receipt(self, name):
        """What the hook says of the flags."""
        text = re.search(r"^receipt (.*)$", self.cases[name], re.MULTILINE)[1]
        return json.loads(text)["speculation"]


    def refusal(self, name):
        """What the hook or the runtime says for a container that was not created."""
        assert "create 1\n" in self.cases[name], self.cases[name]
        return json.loads(re.search(r"^log (.*)$", self.cases[name], re.MULTILINE)[1])["msg"]

    def node_effect(self):
        """What vambrace-nri, started on this kernel, measures."""
        return re.search(r"event=probed node_effect=(\S+)", self.cases["probe"])[1]


@pytest.fixture(scope="module")
def linux_5_10():
    """Debian 11's kernel as it comes."""
    return Machine("bullseye")


@pytest.fixture(scope="module")
def linux_6_1():
    """Debian 12's kernel as it comes."""
    return Machine("bookworm", runtimes=NEW)


@pytest.fixture(scope="module")
def linux_6_1_seccomp():
    """Debian 12's kernel, told to mitigate for seccomp filters."""
    return Machine("bookworm", SECCOMP_MODE, runtimes=NEW)


def assert_status(booted, name, expected):
    """A container's process has this state at START already, and keeps it behind exec."""
    for when in ("created", "inside"):
        assert booted.status(name, when) == expected, booted.cases[name]


ABLE = pytest.mark.parametrize("runtime", ["crun-old", "runc-new", "crun-new"])


@ABLE
def test_5_10_allow_and_mitigate_differ(linux_5_10, runtime):
    assert_status(linux_5_10, f"{runtime}-allow", FREE)
    assert_status(linux_5_10, f"{runtime}-mitigate", FORCED)


@ABLE
def test_5_10_with_nothing_asked_a_container_keeps_its_speed(linux_5_10, runtime):
    for case in ("inherit", "own"):
        assert_status(linux_5_10, f"{runtime}-{case}", FREE)
        receipt = linux_5_10.receipt(f"{runtime}-{case}")
        assert (receipt["had"], receipt["has"]) == ("allow", "allow")


def test_5_10_runc_before_1_2_can_only_mitigate(linux_5_10):
    assert "ErrUnsupportedByRuntime" in linux_5_10.refusal("runc-old-allow")
    for case in ("mitigate", "inherit", "own"):
        assert_status(linux_5_10, f"runc-old-{case}", FORCED)
    # The starter over an unconfined container takes its speed, and the receipt has it.
    receipt = linux_5_10.receipt("runc-old-inherit")
    assert (receipt["had"], receipt["has"]) == ("allow", "mitigate")
    assert not receipt["takes_flag"]
    receipt = linux_5_10.receipt("runc-old-own")
    assert (receipt["had"], receipt["has"]) == ("mitigate", "mitigate")


@pytest.mark.parametrize("runtime", NEW)
def test_6_1_makes_no_difference_by_itself(linux_6_1, runtime):
    for value in VALUES:
        assert_status(linux_6_1, f"{runtime}-{value}", BOTH_FREE)


@pytest.mark.parametrize("runtime", NEW)
def test_6_1_makes_the_difference_when_told(linux_6_1_seccomp, runtime):
    assert_status(linux_6_1_seccomp, f"{runtime}-allow", BOTH_FREE)
    assert_status(linux_6_1_seccomp, f"{runtime}-mitigate", BOTH_FORCED)
    assert_status(linux_6_1_seccomp, f"{runtime}-inherit", BOTH_FREE)


def test_the_probe_of_the_daemon_tells_these_kernels_apart(
        linux_5_10, linux_6_1, linux_6_1_seccomp):
    assert linux_5_10.node_effect() == "matters"
    assert linux_6_1.node_effect() == "no-effect"
    assert linux_6_1_seccomp.node_effect() == "matters"
