# SPDX-License-Identifier: Apache-2.0
"""Annotations and images made to confuse: one printable line says no and nothing is left, or the
container is hardened and its outcome says what the shim covers."""
import pathlib

import pytest

from test_adversarial import refusal
from test_hardening import ATTACK, GENEROUS, arm  # noqa: F401 (arm: fixture)
from vbnode import images
from vbnode.system import attack_program, parse_attempts

MUSL_LOADER = "/lib/ld-musl-x86_64.so.1"
MUSL_FLAGS = ("-specs=/usr/lib/x86_64-linux-musl/musl-gcc.specs",)

BUNDLE = "bundle.vambrace.dev"
TMPFS = "tmpfs.vambrace.dev"
EXEC = "preload-exec-allowlist.vambrace.dev"
CONNECT = "preload-connect-allowlist.vambrace.dev"

# title: (annotations, code)
CONFUSING = {
    "a bundle above its directory": ({BUNDLE: "../x"}, "ErrInvalidValue"),
    "a bundle of the file system": ({BUNDLE: "/etc"}, "ErrInvalidValue"),
    "a bundle through a bundle": ({BUNDLE: "arm/../arm"}, "ErrInvalidValue"),
    "a hidden bundle": ({BUNDLE: ".arm"}, "ErrInvalidValue"),
    "a bundle with a line break": ({BUNDLE: "arm\nvambrace: all is well"}, "ErrInvalidValue"),
    "a bundle with an escape": ({BUNDLE: "\x1b[2Jarm"}, "ErrInvalidValue"),
    "a bundle of a quarter megabyte": ({BUNDLE: "a" * 250_000}, "ErrInvalidValue"),
    "a key with a right-to-left mark": ({"\u202evambrace.dev": "x"}, None),
    "a key that only looks like ours": ({"bundle.vambrace.dev.": "arm"}, None),
    "a key with our suffix and more": ({"x.bundle.vambrace.dev": "arm"}, "ErrUnknownAnnotation"),
    "a key of another case": ({"Bundle.vambrace.dev": "arm"}, "ErrUnknownAnnotation"),
    "a tmpfs at the root": ({TMPFS: "/"}, "ErrInvalidValue"),
    "a tmpfs at the root by another name": ({TMPFS: "//."}, "ErrInvalidValue"),
    "a tmpfs above proc": ({TMPFS: "/tmp/../proc"}, "ErrInvalidValue"),
    "a tmpfs in sys": ({TMPFS: "/sys/fs/cgroup"}, "ErrInvalidValue"),
    "a tmpfs with a mount option of its own": ({TMPFS: "/tmp:suid"}, "ErrInvalidValue"),
    "a tmpfs with a comma and a root": ({TMPFS: "/tmp,/"}, "ErrInvalidValue"),
    "four thousand tmpfs": (
        {TMPFS: ",".join(f"/t/{number}" for number in range(5000))}, "ErrInvalidValue"),
    "an exec list of a quarter megabyte": (
        {EXEC: ",".join(f"/bin/{number:040}" for number in range(5400))}, "ErrInvalidValue"),
    "an address that is a million": ({CONNECT: "1" * 100_000}, "ErrInvalidValue"),
    "a map of deep JSON": (
        {"containers.vambrace.dev": '{"main":' * 5000}, "ErrInvalidValue"),
    "a map with a key twice": (
        {"containers.vambrace.dev": '{"main": {"cap-drop": "ALL", "cap-drop": "MKNOD"}}'},
        "ErrInvalidValue"),
}


@pytest.mark.nodes("*-runc")
@pytest.mark.parametrize("title", CONFUSING)
def test_confusing_annotations(vambrace, cri, arm, title):  # noqa: F811
    annotations, code = CONFUSING[title]
    before = vambrace.state_files()
    with cri.pod("confusing", handler="vambrace", annotations=annotations) as pod:
        if code is None:  # none of our keys: a pod like any other
            container = cri.run_container(pod, "main", ATTACK, ["/bin/attack", "--wait"])
            assert vambrace.outcome(container.id)["level"] == "baseline"
            return
        message = refusal(cri.create_container, pod, "main", ATTACK, ["/bin/attack"])
        start = message.index(f"vambrace: {code}: ")
        assert "(default/confusing, container main): " in message[start:]
        assert message.isprintable() and len(message) < 1000, message
    assert vambrace.state_files() == before


def test_a_zero_byte_is_refused_with_the_pod(vambrace, cri):
    """The hook reads it first, in the sandbox's config.json, as JSON that no OCI runtime writes."""
    message = refusal(cri.run_pod, handler="vambrace", annotations={BUNDLE: "arm\0.json"})
    assert "vambrace: ErrInternal: " in message and "near" in message
    assert cri.list_pods() == []


RUNNER = r"""
#include <unistd.h>

int main(void)
{
	return execl("/bin/attack", "attack", "--wait", "exec=/bin/sh", NULL);
}
"""
PLAIN = r"""
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	execl("/bin/sh", "sh", "-c", "exit 0", NULL);
	perror("exec=/bin/sh");
	pause();
	return 0;
}
"""


def image_with(node, name, programs, config=None):
    """The workload's image with more programs (path in it: file of the host or bytes)."""
    archive = images.glibc({"/bin/attack": attack_program(), "/bin/allowed": images.nothing(),
                            **programs}, f"vb.test/{name}:1", config)
    node.load_image(archive)
    return archive.name


def test_an_entrypoint_that_is_a_script(vambrace, node, cri, arm):  # noqa: F811
    """The kernel runs the interpreter, and the shim is in what that becomes."""
    image = image_with(node, "script", {
        "/bin/runner": images.compile_c(RUNNER), "/entry": b"#!/bin/runner\nnothing\n"})
    vambrace.bundle("scripted", {"preload": {"exec_allowlist": ["/bin/attack"]}})
    with cri.pod(handler="vambrace", annotations={BUNDLE: "scripted"}) as pod:
        container = cri.run_container(pod, "main", image, ["/entry"])
        stdout, stderr = container.wait_log("WORKLOAD_END")
        assert parse_attempts(stdout) == {"exec=/bin/sh": "EPERM"}
        assert "autonomy-preload: execve(/bin/sh) denied" in stderr
        assert vambrace.outcome(container.id)["level"] == "full"


def test_an_entrypoint_that_is_a_script_for_a_static_interpreter(vambrace, node, cri):
    image = image_with(node, "shell", {"/entry": b"#!/bin/sh\nsleep 1000\n"})
    with cri.pod(handler="vambrace", annotations={EXEC: "/bin/attack"}) as pod:
        container = cri.run_container(pod, "main", image, ["/entry"])
        outcome = vambrace.outcome(container.id)
        assert outcome["layers"]["preload"]["state"] != "applied", outcome
        assert outcome["level"] == "partial"


def test_a_program_of_musl_is_covered_by_the_same_shim(vambrace, node, cri):
    program = images.compile_c(PLAIN, MUSL_FLAGS).read_bytes()
    image = image_with(node, "musl", {"/bin/musl": program,
                                      MUSL_LOADER: pathlib.Path(MUSL_LOADER).read_bytes()})
    with cri.pod(handler="vambrace", annotations={EXEC: "/bin/allowed"}) as pod:
        container = cri.run_container(pod, "main", image, ["/bin/musl"])
        _, stderr = container.wait_log("exec=/bin/sh: ")
        assert "execve(/bin/sh) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST" in stderr
        assert "exec=/bin/sh: Operation not permitted" in stderr
        assert vambrace.outcome(container.id)["level"] == "full"


@pytest.mark.parametrize("value", ["/nonexistent.so", "/usr/local/lib/libautonomy_preload.so",
                                   "/lib/x86_64-linux-gnu/libm.so.6:/nonexistent.so"])
def test_an_image_that_brings_its_own_ld_preload(vambrace, node, cri, arm, value):  # noqa: F811
    image = image_with(node, "preloaded", {}, {"Env": ["PATH=/bin", f"LD_PRELOAD={value}"]})
    with cri.pod(**arm) as pod:
        container = cri.run_container(pod, "main", image, ["/bin/attack", "--wait", "exec=/bin/sh"],
                                      security=GENEROUS)
        stdout, _ = container.wait_log("WORKLOAD_END")
        assert parse_attempts(stdout) == {"exec=/bin/sh": "EPERM"}
        assert vambrace.outcome(container.id)["level"] == "full"
        environment = container.exec(["/bin/cat", "/proc/1/environ"]).stdout.split("\0")
        preload = next(word for word in environment if word.startswith("LD_PRELOAD="))
        assert preload.count("libautonomy_preload.so") == 1 and value in preload


def test_an_entrypoint_that_is_missing_is_the_runtimes_own_error(
        vambrace, cri, arm):  # noqa: F811
    before = vambrace.state_files()
    with cri.pod(**arm) as pod:
        container = cri.create_container(pod, "main", ATTACK, ["/nonexistent"], security=GENEROUS)
        assert "/nonexistent" in refusal(container.start)
        container.remove()
    assert {path for path in vambrace.state_files() - before
            if not path.startswith("meets/")} == set()
