# SPDX-License-Identifier: Apache-2.0
"""System calls inside containers: allowed and denied exactly as `vambrace seccomp simulate` says,
for 32-bit programs and x32 too."""
import functools
import json
import platform
import subprocess

import pytest

from test_hardening import GENEROUS
from vbnode import images
from vbnode.calls import numbers
from vbnode.cri import Security
from vbnode.system import WORKLOAD, build_directory

if platform.machine() != "x86_64":
    pytest.skip("the programs of these tests know x86-64's calls", allow_module_level=True)

IMAGE = "vb.test/calls:1"
# They end, stop or replace the child that makes them, or reach beyond the container.
UNCALLABLE = {"exit", "exit_group", "fork", "vfork", "pause", "rt_sigreturn", "restart_syscall",
              "vhangup", "sync", "uretprobe"}
# Conditions of the starter's closure and of the runtimes' own profiles.
POINTS = ["clone:0x10000000", "clone:0x20000", "clone:0x80", "socket:40:1:0", "socket:16:3:0",
          "socket:1:1:0", "personality:0xffffffff", "personality:8", "personality:3",
          "io_uring_setup:1:0"]
X32 = 0x40000000
DEFAULT_SECURITY = Security(caps_add=GENEROUS.caps_add, seccomp="RuntimeDefault")
# {name: (annotations, security of the container)}
PODS = {
    "starter": ({}, GENEROUS),
    "starter-default": ({}, DEFAULT_SECURITY),
    "closure": ({"no-new-privileges.vambrace.dev": "true"}, GENEROUS),
    "closure-default": ({"no-new-privileges.vambrace.dev": "true"}, DEFAULT_SECURITY),
    "preload": ({"preload-connect-allowlist.vambrace.dev": "none"}, GENEROUS),
}

NUMBERS = numbers()
CALLS = sorted(NUMBERS.keys() - UNCALLABLE) + POINTS


def by_number(call):
    """"socket:1:1:0" as the workload takes it."""
    name, *arguments = call.split(":")
    return ":".join([str(NUMBERS[name]), *arguments])


@functools.cache
def simulate(profile, call):
    """What `vambrace seccomp simulate` says of a call: for each of its numbers, of which a call of
    another architecture has none."""
    name, *arguments = call.split(":")
    arguments += ["0xffffffffffffffff"] * (6 - len(arguments))
    run = subprocess.run(
        [build_directory() / "plugin/cli/vambrace", "seccomp", "simulate", "-", "--json", "--",
         name, *arguments], input=profile, capture_output=True, text=True)
    assert run.returncode in (0, 1), run
    return json.loads(run.stdout)["ways"]


def foretold(node, profile, call, youngest, unconfined):
    """What a call comes to in a container with this profile."""
    (way,) = simulate(profile, call)
    answer = way["answer"]
    # runc answers calls that are younger than all that the profile names by itself.
    if (node.runtime == "runc" and answer["action"] == "SCMP_ACT_ERRNO"
            and NUMBERS[call.split(":")[0]] > youngest):
        return "ENOSYS"
    return {"SCMP_ACT_ALLOW": unconfined[call], "SCMP_ACT_KILL": "SIGSYS",
            "SCMP_ACT_ERRNO": answer["errno"]}[answer["action"]]


def youngest_call(profile):
    """The highest number of this architecture that the profile names."""
    names = {name for entry in json.loads(profile)["syscalls"]
             for name in entry["names"]}
    others = [way["number"] for name in names - NUMBERS.keys() for way in simulate(profile, name)]
    return max([NUMBERS[name] for name in names & NUMBERS.keys()] + others)


@pytest.fixture(scope="module")
def prepared(node, installed):
    """The node with the programs of these tests."""
    i386 = ("-m32", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-pic",
            "-no-pie", "-fcf-protection=none")
    node.load_image(images.busybox({
        "/bin/calls": images.compile_c((WORKLOAD / "calls.c").read_text(),
                                       ("-static", "-std=gnu17")),
        "/bin/i386": images.compile_c((WORKLOAD / "compat.c").read_text(), i386)}, IMAGE))
    return installed


def written_profile(vambrace, container):
    """The seccomp profile that the runtime got, as text."""
    bundle = vambrace.receipt(container.id)["bundle_dir"]
    spec = json.loads(vambrace.node.read(f"{bundle}/config.json"))
    return json.dumps(spec["linux"]["seccomp"])


def attempt(container, calls):
    """{call: result} of the workload in a running container."""
    result = container.exec(["/bin/calls", *map(by_number, calls)], timeout_s=60)
    lines = result.stdout.splitlines()
    assert lines and lines[-1] == "END", result
    results = [line.rsplit(" ", 1)[1] for line in lines[:-1]]
    assert len(results) == len(calls)
    return dict(zip(calls, results))


def idle(cri, pod, security):
    """A running container of the programs' image."""
    return cri.run_container(pod, "main", IMAGE, ["/bin/sleep", "1000"], security=security)


@pytest.fixture(scope="module")
def unconfined(node, prepared):
    """What the kernel says to each call when no filter stands before it."""
    client = node.cri()
    with client.pod(handler=prepared.plain_handler) as pod:
        return attempt(idle(client, pod, GENEROUS), CALLS)


@pytest.mark.parametrize("name", PODS)
def test_calls_are_answered_as_simulated(
        vambrace, node, cri, prepared, unconfined, name):
    annotations, security = PODS[name]
    with cri.pod(handler="vambrace", annotations=annotations) as pod:
        container = idle(cri, pod, security)
        profile = written_profile(vambrace, container)
        seen = attempt(container, CALLS)
    youngest = youngest_call(profile)
    expected = {call: foretold(node, profile, call, youngest, unconfined) for call in CALLS}
    assert seen == expected
    # The comparison is worth something: many calls would have gone another way without a filter.
    assert sum(seen[call] != unconfined[call] for call in CALLS) >= 15


@pytest.mark.parametrize("name", PODS)
def test_x32_is_always_closed(cri, prepared, unconfined, name):
    assert attempt_x32(cri, prepared.plain_handler, {}, GENEROUS) == "ENOSYS"
    annotations, security = PODS[name]
    assert attempt_x32(cri, "vambrace", annotations, security) == "SIGSYS"


def attempt_x32(cri, handler, annotations, security):
    """getpid by its x32 number."""
    with cri.pod(handler=handler, annotations=annotations) as pod:
        result = idle(cri, pod, security).exec(["/bin/calls", str(X32 | NUMBERS["getpid"])])
    return result.stdout.split()[1]


def run_i386(cri, handler, annotations, security):
    """What the 32-bit program prints, or the exit code of the signal that ended it."""
    with cri.pod(handler=handler, annotations=annotations) as pod:
        result = cri.run_container(pod, "main", IMAGE, ["/bin/i386"], security=security).wait()
    if result.exit_code != 0:
        return result.exit_code
    return dict(line.split() for line in result.stdout.splitlines())


def test_32_bit_programs_run_under_the_starters_denials(vambrace, cri, prepared):
    eperm = "001"
    plain = run_i386(cri, vambrace.plain_handler, {}, GENEROUS)
    assert plain == {"getpid": "ok", "mount": "014", "umount": "014", "ptrace": "003",
                     "socketcall": "ok"}
    assert run_i386(cri, "vambrace", {}, GENEROUS) == {
        **plain, "mount": eperm, "umount": eperm, "ptrace": eperm}


@pytest.mark.parametrize("annotations, seccomp", [
    ({"preload-connect-allowlist.vambrace.dev": "none"}, "Unconfined"),
    ({}, "/var/lib/kubelet/seccomp/native.json"),
], ids=["preload", "profile-of-the-pod"])
def test_32_bit_programs_die_where_their_abi_is_closed(
        vambrace, node, cri, prepared, annotations, seccomp):
    node.write("/var/lib/kubelet/seccomp/native.json", json.dumps(
        {"defaultAction": "SCMP_ACT_ALLOW",
         "syscalls": [{"names": ["acct", "uselib"], "action": "SCMP_ACT_ERRNO"}]}))
    security = Security(caps_add=GENEROUS.caps_add, seccomp=seccomp)
    # 128 and SIGSYS.
    assert run_i386(cri, "vambrace", annotations, security) == 159
