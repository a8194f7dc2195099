# SPDX-License-Identifier: Apache-2.0
"""The flags of seccomp(2) that the runtimes really pass, as strace sees them, and what the outcome
says of them."""
import platform
import re
import time

import pytest

from test_hardening import ATTACK, GENEROUS, sleeper
from vbnode import images
from vbnode.cri import CriError, Security

if platform.machine() != "x86_64":
    pytest.skip("strace is brought along for x86-64 only", allow_module_level=True)

TRACED = "/opt/traced"
TRACES = "/run/traces"
BOTH = {"SPEC_ALLOW", "LOG"}
RUNTIME_DEFAULT = Security(caps_add=GENEROUS.caps_add, seccomp="RuntimeDefault")
# {case: (annotations, security, flags where the runtime takes any)}
CASES = {
    "nothing": ({}, GENEROUS, BOTH),
    "nothing-confined": ({}, RUNTIME_DEFAULT, BOTH),
    "mitigate": ({"spec-allow.vambrace.dev": "mitigate"}, GENEROUS, {"LOG"}),
    "mitigate-confined": ({"spec-allow.vambrace.dev": "mitigate"}, RUNTIME_DEFAULT, {"LOG"}),
    "own-profile": ({"seccomp-profile.vambrace.dev": "runtime-default"}, RUNTIME_DEFAULT,
                    {"SPEC_ALLOW"}),
    "own-profile-log": ({"bundle.vambrace.dev": "log"}, RUNTIME_DEFAULT, BOTH),
}


def takes_flags(node):
    """runc does since 1.2."""
    return node.runtime == "crun" or not node.versions["runc"].startswith("1.1.")


@pytest.fixture(scope="module")
def strace(node):
    """A runtime under strace, which writes a file for each create."""
    libraries = images.needed_libraries("/usr/bin/strace")
    node.install({path: f"{TRACED}/lib/{path.rsplit('/', 1)[1]}" for path in libraries}, mode=0o755)
    node.install({"/usr/bin/strace": f"{TRACED}/strace"}, mode=0o755)
    node.run(["mkdir", "-p", TRACES])
    # The program's own loader would look for its libraries among the node's.
    node.write(f"{TRACED}/{node.runtime}", f"""#!/bin/sh
case " $* " in
*" create "*)
	exec {TRACED}/lib/ld-linux-x86-64.so.2 --library-path {TRACED}/lib {TRACED}/strace -D -f -qq \\
		-e trace=seccomp,prctl -e signal=none -o {TRACES}/$$ {node.runtime_path()} "$@" ;;
esac
exec {node.runtime_path()} "$@"
""", mode=0o755)
    return f"{TRACED}/{node.runtime}"


@pytest.fixture
def traced(node, vambrace, strace):
    """The handler `vambrace` with that runtime."""
    vambrace.configure_hook({"vambrace": {"runtime": strace}})
    vambrace.bundle("log", {"seccomp": {"profile": "runtime-default", "log": True}})
    yield vambrace
    vambrace.configure_hook({"vambrace": {"runtime": node.runtime_path()}})


def filter_flags(node, timeout_s=10):
    """The flags of the one filter that was installed since the last look. An installation without
    flags may be by seccomp(2) or by prctl(2)."""
    directory = node.host_path(TRACES)
    deadline = time.monotonic() + timeout_s
    while True:
        text = "".join(path.read_text() for path in directory.iterdir())
        found = re.findall(r"seccomp\(SECCOMP_SET_MODE_FILTER, (\w[^,]*), \{.*= 0$", text, re.M)
        found += ["0" for _ in re.findall(
            r"prctl\(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, .*= 0$", text, re.M)]
        if found or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    for path in directory.iterdir():
        path.unlink()
    assert len(found) == 1, text
    return set(re.findall(r"SECCOMP_FILTER_FLAG_(\w+)", found[0]))


@pytest.mark.parametrize("case", CASES)
def test_the_kernel_gets_the_flags_that_were_asked_for(traced, node, cri, case):
    annotations, security, flags = CASES[case]
    with cri.pod(handler="vambrace", annotations=annotations) as pod:
        for path in node.host_path(TRACES).iterdir():
            path.unlink()  # the sandbox's own profile
        container = sleeper(cri, pod, security=security)
        seen = filter_flags(node)
        layers = traced.outcome(container.id)["layers"]
    expected = flags if takes_flags(node) else set()
    assert seen == expected
    # Of a profile that is left alone the flags are the runtime's own.
    if case != "own-profile":
        named = " ".join(f"SECCOMP_FILTER_FLAG_{flag}" for flag in sorted(expected))
        assert f"flags: {named or 'none named'}" in layers["seccomp"]["evidence"]
    layer = layers["spec_allow"]
    if case.startswith("mitigate"):
        assert layer["value"] == "mitigate"
    else:
        assert layer["value"].startswith("inherit:")
    assert layer["node_effect"] in ("matters", "no-effect", "already-forced")


@pytest.fixture
def permitting(traced):
    """The node with a rule that permits the flag."""
    traced.config(rules=[{"namespaces": ["*"], "permit": ["spec-allow"]}])
    yield traced
    # A config file that is gone leaves the one before in force.
    traced.config()


@pytest.mark.parametrize("by", ["annotation", "bundle"])
def test_allow_reaches_the_kernel_or_is_refused(permitting, node, cri, by):
    permitting.bundle("fast", {"seccomp": {"profile": "starter", "spec_allow": "allow"}})
    annotations = {"annotation": {"spec-allow.vambrace.dev": "allow"},
                   "bundle": {"bundle.vambrace.dev": "fast"}}[by]
    with cri.pod(handler="vambrace", annotations=annotations) as pod:
        for path in node.host_path(TRACES).iterdir():
            path.unlink()  # the sandbox's own profile
        if not takes_flags(node):
            with pytest.raises(CriError, match="vambrace: ErrUnsupportedByRuntime:"):
                sleeper(cri, pod)
            return
        container = sleeper(cri, pod)
        assert filter_flags(node) == BOTH
        assert permitting.outcome(container.id)["layers"]["spec_allow"]["value"] == "allow"


def test_without_a_permit_allow_is_refused(vambrace, cri):
    with cri.pod(handler="vambrace", annotations={"spec-allow.vambrace.dev": "allow"}) as pod:
        with pytest.raises(CriError) as caught:
            cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
    assert "vambrace: ErrNotPermitted:" in caught.value.message


def test_the_daemon_probes_the_node_once(vambrace):
    lines = re.findall(r"event=probed (\S+)", vambrace.log())
    assert len(lines) == len(re.findall(r"event=started", vambrace.log()))
    assert set(lines) <= {"node_effect=matters", "node_effect=no-effect",
                          "node_effect=already-forced"}
