# SPDX-License-Identifier: Apache-2.0
"""`vambrace why` on real nodes: what was denied, by which layer, and that the line which it gives
to allow it does allow it."""
import copy
import datetime
import functools
import json
import os
import pathlib
import re
import time

import jsonschema
import pytest

from test_hardening import GENEROUS, OUTSIDE
from test_speculation import takes_flags
from vbnode import images
from vbnode.calls import numbers
from vbnode.cri import CriError
from vbnode.system import WORKLOAD, attack_program, parse_attempts

VAMBRACE = "/opt/vambrace/bin/vambrace-cli"
SCHEMA = pathlib.Path(__file__).parents[2] / "docs/why.schema.json"
IMAGE = "vb.test/denied:1"
LIBRARY = "/opt/lib/libother.so"
PROGRAM = "/bin/other"
NUMBERS = numbers()
# Each is a call that nobody misses.
PROFILE = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
    {"names": ["getpgid", "getpriority"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13},
    {"names": ["getsid"], "action": "SCMP_ACT_KILL_THREAD"},
    {"names": ["sched_getparam"], "action": "SCMP_ACT_KILL_PROCESS"}]}


@pytest.fixture(scope="module")
def image():
    """The workloads, a program and a library that no list holds."""
    library = images.compile_c("int number(void) { return 1; }\n", ("-shared", "-fPIC"))
    denied = images.compile_c((WORKLOAD / "denied.c").read_text(), ("-std=gnu17", "-pthread"))
    return images.glibc({"/bin/attack": attack_program(), "/bin/denied": denied,
                         PROGRAM: images.nothing(), LIBRARY: library}, IMAGE)


@pytest.fixture
def why(vambrace, node, image):
    """why(*arguments): the report, as text or as JSON that the schema allows, and the exit code."""
    node.install({vambrace.build / "plugin/cli/vambrace": VAMBRACE}, mode=0o755)
    node.load_image(image)
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))

    def run(*arguments):
        result = node.run([VAMBRACE, "why", *arguments], check=False)
        assert result.returncode in (0, 1) and result.stderr == "", result
        if "--json" not in arguments:
            return result.stdout, result.returncode
        report = json.loads(result.stdout)
        validator.validate(report)
        return report, result.returncode

    return run


def flat(text):
    """A report without its line breaks."""
    return " ".join(text.split())


def kinds(report):
    """{(layer, call, target): denial} of the only container of a report."""
    (container,) = report["containers"]
    found = {(item["layer"], item["call"], item["target"]): item
             for item in container["denials"]}
    assert len(found) == len(container["denials"])
    return found


def allow(manifest, line):
    """Adds to a manifest what a report says allows something."""
    assert line["file"] == "manifest.json"
    *above, last = line["path"].split(".")
    for key in above:
        manifest = manifest[key]
    manifest[last].append(line["value"])


LISTS = {"exec_allowlist": ["/bin/allowed"], "connect_allowlist": ["10.98.0.0/16:*"]}
LISTED = {f"exec={PROGRAM}": ("execve", PROGRAM, "hardening.preload.exec_allowlist"),
          f"connect={OUTSIDE}": ("connect", OUTSIDE, "hardening.preload.connect_allowlist"),
          f"dlopen={LIBRARY}": ("dlopen", LIBRARY, "dlopen_allowlist.paths")}


def test_the_line_that_is_said_to_allow_something_does(why, vambrace, cri):
    manifest = {"hardening": {"preload": copy.deepcopy(LISTS)}, "dlopen_allowlist": {"paths": []}}
    options = {"handler": "vambrace", "annotations": {"bundle.vambrace.dev": "loop"}}

    def run(name):
        vambrace.bundle("loop", **manifest)
        with cri.pod(name, **options) as pod:
            container = cri.run_container(pod, "main", IMAGE, ["/bin/attack", "--wait", *LISTED],
                                          security=GENEROUS)
            stdout, _ = container.wait_log("WORKLOAD_END")
            return parse_attempts(stdout), *why(name, "--json"), why(name)[0]

    results, report, code, text = run("closed")
    assert results == dict.fromkeys(LISTED, "EPERM") and code == 1
    found = kinds(report)
    for call, target, path in LISTED.values():
        denial = found["preload", call, target]
        assert denial["count"] == 1
        assert denial["allow"] == {"file": "manifest.json", "path": path, "value": target}
        assert f'allow: manifest.json: {path}: "{target}"' in flat(text)
        assert f"preload {call}({target}), 1 time, last " in flat(text)
        allow(manifest, denial["allow"])
    assert len(found) == len(LISTED)

    results, report, code, text = run("opened")
    assert results == dict.fromkeys(LISTED, "ok")
    assert code == 0 and report["containers"][0]["denials"] == []
    assert "default/opened/main: no denial found\n" in text


def test_errors_that_nobody_logs_are_explained_by_the_layer_that_gives_them(why, vambrace, cri):
    vambrace.bundle("hints", {"read_only_rootfs": True, "capabilities": {"drop": ["CHOWN"]},
                              "tmpfs": [{"path": "/srv", "size": "1Mi"}]})
    with cri.pod("hints", handler="vambrace",
                 annotations={"bundle.vambrace.dev": "hints"}) as pod:
        container = cri.run_container(
            pod, "main", IMAGE, ["/bin/attack", "--wait", "write=/etc/x", "chown=/srv"],
            security=GENEROUS)
        container.wait_log("WORKLOAD_END")
        vambrace.outcome(container.id)
        report, code = why(container.id, "--json")
        text, _ = why("default/hints/main")
    assert code == 0, "a hint is no denial"
    hints = {hint["layer"]: hint for hint in report["containers"][0]["hints"]}
    assert hints.keys() == {"read_only_rootfs", "capabilities"}
    read_only, dropped = hints["read_only_rootfs"], hints["capabilities"]
    assert (read_only["error"], read_only["mentions"], read_only["last"]) == (
        "EROFS", 1, "write=/etc/x EROFS")
    assert read_only["text"].split(" but in ")[1].split() == ["/dev", "/dev/shm", "/srv"]
    assert (dropped["error"], dropped["mentions"], dropped["last"]) == (
        "EPERM", 1, "chown=/srv EPERM")
    assert "CAP_CHOWN" in dropped["text"]
    assert "EROFS the root is read-only" in flat(text) and "chown=/srv EPERM" in flat(text)


@pytest.fixture
def profiled(vambrace):
    """Handler and annotations of a pod with PROFILE, whose denials are logged."""
    vambrace.bundle("calls", {"seccomp": {"profile": "calls", "log": True}})
    vambrace.node.write("/etc/vambrace/bundles/calls/profiles/calls.json", json.dumps(PROFILE))
    return {"handler": "vambrace", "annotations": {"bundle.vambrace.dev": "calls"}}


def now():
    """What --since takes. The kernel's log is a ring: without it, counts may even become less."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def until(condition, ask, timeout_s=10):
    """The first answer that meets the condition: records and exit codes come a moment later."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = ask()
        if condition(answer):
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)


def again_without_records(test):
    """Where this machine keeps the kernel's log to ten records in five seconds, and other nodes'
    tests make some: a test whose records were left out is made again when there is room."""
    @functools.wraps(test)
    def run(*args, **kwargs):
        for attempts_left in (2, 1, 0):
            try:
                return test(*args, **kwargs)
            except (AssertionError, KeyError):
                if not attempts_left:
                    raise
                time.sleep(5)
    return run


# The kernel's records name the pids of the first namespace, which only a reader in it can look up.
in_first_pid_namespace = pytest.mark.skipif(
    os.stat("/proc/self/ns/pid").st_ino != 0xeffffffc,
    reason="this machine's first pid namespace is another: run with --pid=host")


@in_first_pid_namespace
@again_without_records
def test_a_denied_call_is_its_containers_while_the_process_lives(why, node, cri, profiled):
    # runc before 1.2 cannot have denials logged; a killed thread is logged always.
    logged = ["getpgid", "getpriority"] if takes_flags(node) else []
    since = now()
    words = [str(NUMBERS[call]) for call in ("getpgid", "getpriority")]
    words.append(f"thread:{NUMBERS['getsid']}")
    with cri.pod("calls", **profiled) as pod, cri.pod("other", **profiled) as other_pod:
        container = cri.run_container(pod, "main", IMAGE, ["/bin/denied", *words],
                                      security=GENEROUS)
        other = cri.run_container(other_pod, "main", IMAGE, ["/bin/denied"], security=GENEROUS)
        stdout, _ = container.wait_log("WORKLOAD_END")
        results = parse_attempts(stdout)
        report, code = until(lambda answer: len(answer[0]["containers"][0]["denials"]) >
                             len(logged), lambda: why("calls", "--since", since, "--json"))
        text, _ = why("calls")
        others, others_code = why(other.id, "--since", since, "--json")
    assert results == dict(zip(words, ["EACCES", "EACCES", "ok"]))
    assert code == 1
    found = kinds(report)
    assert found.keys() == {("seccomp", call, None) for call in [*logged, "getsid"]}
    rule = {"names": ["getsid"], "action": "SCMP_ACT_ALLOW"}
    for call in logged:
        assert found["seccomp", call, None]["action"] == "SCMP_ACT_ERRNO"
        assert found["seccomp", call, None]["by"] == "profile"
    killed = found["seccomp", "getsid", None]
    assert (killed["action"], killed["program"], killed["arch"]) == (
        "SCMP_ACT_KILL_THREAD", "denied", "x86_64")
    assert killed["allow"] == {"file": "profiles/calls.json", "path": "syscalls", "value": rule}
    assert "seccomp getsid (x86_64) of denied: SCMP_ACT_KILL_THREAD, 1 time, " in flat(text)
    assert others_code == 0 and others["containers"][0]["denials"] == []
    assert others["seccomp"]["of_others"] >= len(found) == report["seccomp"]["attributed"]


@in_first_pid_namespace
@again_without_records
def test_a_container_that_a_profile_killed_is_told_by_its_exit_code(why, cri, profiled):
    since = now()
    with cri.pod("killed", **profiled) as pod:
        container = cri.run_container(
            pod, "main", IMAGE, ["/bin/denied", str(NUMBERS["sched_getparam"])],
            security=GENEROUS)
        assert container.wait().exit_code == 159
        report, code = until(lambda answer: answer[0]["containers"][0]["exit"] is not None,
                             lambda: why("killed", "--since", since, "--json"))
        text, _ = why("killed", "--since", since)
    assert code == 1
    ended = report["containers"][0]["exit"]
    assert ended["code"] == 159 and "SIGSYS" in ended["note"]
    denial = kinds(report)["seccomp", "sched_getparam", None]
    assert (denial["action"], denial["by"], denial["count"]) == (
        "SCMP_ACT_KILL_PROCESS", "profile", 1)
    assert report["seccomp"]["attributed"] == 1
    assert "seccomp sched_getparam (x86_64) of denied: SCMP_ACT_KILL_PROCESS" in flat(text)
    assert "killed its first process for a call that is named above" in flat(text)
    assert "ended with exit code 159 at " in flat(text)


@again_without_records
def test_records_of_processes_that_are_gone_are_counted_and_given_to_nobody(why, cri, profiled):
    since = now()
    with cri.pod("gone", **profiled) as pod:
        container = cri.run_container(pod, "main", IMAGE, ["/bin/denied"], security=GENEROUS)
        result = container.exec(["/bin/denied", str(NUMBERS["sched_getparam"])])
        assert result.exit_code == 159, result
        report, code = until(lambda answer: answer[0]["seccomp"]["unattributed"] > 0,
                             lambda: why("gone", "--since", since, "--json"))
        text, _ = why("gone", "--since", since)
    assert code == 0 and report["containers"][0]["denials"] == []
    assert report["seccomp"]["attributed"] == 0
    assert re.search(r" [1-9]\d* not attributable \(the process that a record names is gone",
                     flat(text))


def test_what_was_refused_is_told_with_its_line(why, cri):
    with cri.pod("unknown-bundle", handler="vambrace",
                 annotations={"bundle.vambrace.dev": "nonesuch"}) as pod:
        with pytest.raises(CriError) as refused:
            cri.create_container(pod, "main", IMAGE, ["/bin/denied"])
    # daemon.json is written a moment after the answer.
    report, code = until(lambda answer: answer[0]["containers"][0]["refusals"],
                         lambda: why("unknown-bundle", "--json"))
    (refusal,) = report["containers"][0]["refusals"]
    assert code == 1 and refusal["code"] == "ErrBundleNotFound"
    assert refusal["error"] in str(refused.value)
    text, _ = why("default/unknown-bundle")
    assert "default/unknown-bundle/main: no denial found" in text
    assert "refused 1 time, last " in flat(text) and "ErrBundleNotFound" in flat(text)
