# SPDX-License-Identifier: Apache-2.0
"""The runbook is true: each fault that it names is made on a node, shows as it says, and its commands
print what it says. `…` in the runbook stands for anything. Afterwards the next pod starts."""
import contextlib
import pathlib
import re
import time

import pytest

from test_fail_closed import assert_recovers
from test_hardening import ARM, ATTACK, arm  # noqa: F401 (arm: fixture)
from vbnode.cri import CriError
from vbnode.system import Vambrace

RUNBOOK = pathlib.Path(__file__).resolve().parents[2] / "docs/runbook.md"
SECTIONS = dict(part.split("\n", 1) for part in
                RUNBOOK.read_text(encoding="utf-8").split("\n## ")[1:])
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```\n", re.M | re.S)


def matches(expected, printed):
    """Whether the lines are there, one after the other."""
    pattern = r"\n".join(re.escape(line).replace("…", ".*") for line in expected.splitlines())
    return re.search(f"^{pattern}$", printed, re.M) is not None


@contextlib.contextmanager
def moved(node, path):
    """The file is away for the length of a `with` block."""
    node.run(["mv", path, f"{path}.away"])
    yield
    node.run(["mv", f"{path}.away", path])


@contextlib.contextmanager
def no_daemon(vambrace, node):
    # It says so a moment after it has registered.
    node.run(["sh", "-c", "until vambrace status | grep -q '(pid .* registered'; do sleep 0.1; done"])
    vambrace.stop(9)
    yield


def no_hook(vambrace, node):
    return moved(node, "/opt/vambrace/bin/vambrace-oci")


@contextlib.contextmanager
def no_runtime(vambrace, node):
    vambrace.configure_hook({"vambrace": {"runtime": "/usr/sbin/gone"}})
    yield
    vambrace.configure_hook({"vambrace": {"runtime": node.runtime_path()}})


@contextlib.contextmanager
def bad_config(vambrace, node):
    vambrace.config(deadline_ms="soon")
    yield
    vambrace.config()


@contextlib.contextmanager
def bad_bundle(vambrace, node):
    cri = node.cri()
    with cri.pod(**ARM_POD) as pod:  # which keeps its good version
        cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
    node.write("/etc/vambrace/bundles/arm/manifest.json", '{"kind": "bundle",')
    with cri.pod(**ARM_POD) as pod:
        cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
    yield
    vambrace.bundle("arm", ARM)


@contextlib.contextmanager
def no_audit(vambrace, node):
    vambrace.config(audit_log="/proc/audit/audit.jsonl")
    yield
    vambrace.config()


@contextlib.contextmanager
def full_run(vambrace, node):
    vambrace.stop()
    node.run(["mount", "-t", "tmpfs", "-o", "size=200k,mode=755", "state", "/run/vambrace"])
    vambrace.start()
    node.run(["sh", "-c", "dd if=/dev/zero of=/run/vambrace/filler bs=1k; "
              "printf x >>/run/vambrace/filler"], check=False)
    yield
    vambrace.stop()
    node.run(["umount", "-l", "/run/vambrace"])


@contextlib.contextmanager
def other_handler(vambrace, node):
    yield


@contextlib.contextmanager
def two_plugins(vambrace, node):
    second = Vambrace(node)
    second.log_path = vambrace.log_path.with_name("second.log")
    second.start(wait=False)
    second.wait_log("event=waiting ")
    yield
    second.stop()


ARM_POD = {"handler": "vambrace", "annotations": {"bundle.vambrace.dev": "arm"}}
FAULTS = {
    "The daemon is not there": no_daemon,
    "The hook is missing": no_hook,
    "The container runtime behind the hook is missing": no_runtime,
    "The node config does not parse": bad_config,
    "A bundle does not parse": bad_bundle,
    "The audit log cannot be written": no_audit,
    "/run is full": full_run,
    "A pod asks for what its handler cannot do": other_handler,
    "A second plugin is on the node": two_plugins,
}


def refusal(cri, title):
    """What kubelet is told of a new pod, or None."""
    options = ARM_POD if FAULTS[title] is not other_handler else {
        "annotations": {"cap-drop.vambrace.dev": "ALL"}}
    try:
        with cri.pod("talker", **options) as pod:
            cri.run_container(pod, "main", ATTACK, ["/bin/attack", "--wait"])
        return None
    except CriError as error:
        return error.message


def shows(node, commands, expected, timeout_s=5):
    """What is reloaded may take a moment to be said."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = node.run(["bash", "-c", commands], check=False)
        printed = result.stdout + result.stderr
        if matches(expected, printed) or time.monotonic() > deadline:
            return printed
        time.sleep(0.1)


@pytest.mark.nodes("trixie-runc")
@pytest.mark.parametrize("title", FAULTS)
def test_a_fault_shows_as_the_runbook_says(vambrace, node, cri, arm, title):  # noqa: F811
    node.install({vambrace.build / "plugin/cli/vambrace": "/usr/local/bin/vambrace"}, mode=0o755)
    blocks = BLOCK.findall(SECTIONS[title])
    with FAULTS[title](vambrace, node):
        message = refusal(cri, title)
        if blocks[0][0] == "text":
            _, line = blocks.pop(0)
            assert message is not None and matches(line, message), message
        else:
            assert message is None
        for (kind, commands), (_, expected) in zip(blocks[::2], blocks[1::2], strict=True):
            assert kind == "sh"
            printed = shows(node, commands, expected)
            assert matches(expected, printed), printed
    assert_recovers(vambrace, cri, arm)


def test_every_section_with_a_block_is_tested():
    assert {title for title, text in SECTIONS.items() if BLOCK.search(text)} == FAULTS.keys()
