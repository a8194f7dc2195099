# SPDX-License-Identifier: Apache-2.0
"""The main path: an annotated pod comes up hardened, and the kernel shows it."""
import json

import pytest

from vbnode.cri import Mount, Security
from vbnode.system import parse_attempts

ATTACK = "vb.test/attack:1"
OUTSIDE = "10.99.0.1:80"  # where start_target() listens
ARM = {
    "seccomp": {"profile": "starter"},
    "capabilities": {"drop": ["NET_RAW", "CHOWN"]},
    "read_only_rootfs": True,
    "tmpfs": [{"path": "/tmp", "size": "4Mi", "mode": "1777", "noexec": True}],
    "no_new_privileges": True,
    "rlimits": [{"type": "NOFILE", "soft": 32, "hard": 64}],
    "preload": {"exec_allowlist": ["/bin/allowed"], "connect_allowlist": ["10.98.0.0/16:*"]},
}
ATTEMPTS = ["mount", "ptrace", "raw-socket", "write=/etc/attack", "write=/tmp/attack",
            "exec=/bin/sh", "exec=/bin/allowed", "unshare-user", "clone-user", "mknod", "bpf",
            "chown=/tmp", "no-new-privs", "descriptors=40", "loopback", f"connect={OUTSIDE}",
            "io-uring", "mount-setattr"]
# Everything that the attacks need beyond the default, so that only a layer can stop them.
GENEROUS = Security(caps_add=("SYS_ADMIN", "SYS_PTRACE", "NET_ADMIN", "BPF", "PERFMON"),
                    seccomp="Unconfined")
ALL_APPLIED = {"seccomp": "applied", "spec_allow": "skipped", "capabilities": "applied",
               "read_only_rootfs": "applied", "tmpfs": "applied", "no_new_privileges": "applied",
               "rlimits": "applied", "preload": "applied"}


def attack(cri, attempts=tuple(ATTEMPTS), **options):
    """Runs the workload in a pod of its own; returns (attempts, stderr)."""
    security = options.pop("security", GENEROUS)
    env = options.pop("env", None)
    with cri.pod(**options) as pod:
        result = cri.run_container(pod, "main", ATTACK, ["/bin/attack", *attempts], env=env,
                                   security=security).wait()
        assert result.exit_code == 0, result
        return parse_attempts(result.stdout), result.stderr


@pytest.fixture
def arm(vambrace):
    """The bundle with every layer, and the annotations and handler of a pod that names it."""
    vambrace.bundle("arm", ARM)
    return {"handler": "vambrace", "annotations": {"bundle.vambrace.dev": "arm"}}


def sleeper(cri, pod, name="main", **options):
    """A running container that does nothing."""
    return cri.run_container(pod, name, ATTACK, ["/bin/attack", "--wait"],
                             **{"security": GENEROUS, **options})


def process_status(container, pid="self"):
    """/proc/<pid>/status as the container sees it, through ExecSync."""
    result = container.exec(["/bin/cat", f"/proc/{pid}/status"])
    assert result.exit_code == 0, result
    return dict(line.split(":\t", 1) for line in result.stdout.splitlines() if ":\t" in line)


def has(status, field, capability):
    """Whether a capability set of process_status() holds the capability number."""
    return bool(int(status[field], 16) >> capability & 1)


CHOWN, NET_RAW, SYS_ADMIN = 0, 13, 21


def test_every_attack_succeeds_in_a_plain_pod(vambrace, cri):
    attempts, stderr = attack(cri, handler=vambrace.plain_handler)
    assert attempts == dict.fromkeys(ATTEMPTS, "ok")
    assert stderr == ""


def test_every_attack_is_stopped_in_an_annotated_pod(vambrace, cri, arm):
    attempts, stderr = attack(cri, **arm)
    assert attempts == {
        "mount": "EPERM", "ptrace": "EPERM", "unshare-user": "EPERM", "mknod": "EPERM",
        "bpf": "EPERM",  # the starter
        "clone-user": "EPERM", "mount-setattr": "EPERM",  # its closure
        "io-uring": "EPERM",  # closes the way around the connect list
        "raw-socket": "EPERM", "chown=/tmp": "EPERM",  # dropped capabilities
        "write=/etc/attack": "EROFS",  # read-only root
        "no-new-privs": "EACCES",
        "descriptors=40": "EMFILE",  # rlimits
        "exec=/bin/sh": "EPERM", f"connect={OUTSIDE}": "EPERM",  # the shim
        "write=/tmp/attack": "ok", "exec=/bin/allowed": "ok", "loopback": "ok"}
    assert sorted(stderr.splitlines()) == [
        f"autonomy-preload: connect({OUTSIDE}) denied by AUTONOMY_PRELOAD_CONNECT_ALLOWLIST",
        "autonomy-preload: execve(/bin/sh) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST",
        "autonomy-preload: io_uring_setup(entries=1) denied by AUTONOMY_PRELOAD_CONNECT_ALLOWLIST"]


def test_the_outcome_names_every_layer_with_its_evidence(vambrace, cri, arm):
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        outcome = vambrace.outcome(container.id)
    assert {name: layer["state"] for name, layer in outcome["layers"].items()} == ALL_APPLIED
    assert outcome["level"] == "full"
    assert outcome["bundle"] == "arm"
    assert all(layer["evidence"] for layer in outcome["layers"].values()
               if layer["state"] == "applied")


def test_exec_has_the_same_capabilities_and_no_new_privs(vambrace, cri, arm):
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        for pid in ("self", "1"):
            status = process_status(container, pid)
            for field in ("CapBnd", "CapEff", "CapPrm"):
                assert not has(status, field, NET_RAW) and not has(status, field, CHOWN)
                assert has(status, field, SYS_ADMIN)
            assert status["NoNewPrivs"] == "1"
            assert status["Seccomp"] == "2"
        assert container.exec(["/bin/attack", "mount", "write=/etc/x"]).stdout == (
            "WORKLOAD_START\nmount EPERM\nwrite=/etc/x EROFS\nWORKLOAD_END\n")


def test_annotations_alone_harden_too(vambrace, cri):
    attempts, _ = attack(cri, ["raw-socket", "write=/etc/x", "write=/srv/x", "mknod"],
                         handler="vambrace", annotations={
                             "cap-drop.vambrace.dev": "NET_RAW",
                             "read-only-rootfs.vambrace.dev": "true",
                             "tmpfs.vambrace.dev/container.main": "/srv:size=64Ki"})
    assert attempts == {"raw-socket": "EPERM", "write=/etc/x": "EROFS", "write=/srv/x": "ok",
                        "mknod": "EPERM"}


def test_the_handler_alone_brings_the_starter_and_nothing_else(vambrace, cri):
    with cri.pod(handler="vambrace") as pod:
        container = sleeper(cri, pod)
        outcome = vambrace.outcome(container.id)
        assert outcome["level"] == "baseline"
        assert vambrace.layers(container.id) == {**dict.fromkeys(ALL_APPLIED, "skipped"),
                                                 "seccomp": "applied"}
        attempts = parse_attempts(container.exec(["/bin/attack", "mount", "raw-socket",
                                                  "clone-user"]).stdout)
    # The starter alone is honest about its siblings: clone(CLONE_NEWUSER) is open.
    assert attempts == {"mount": "EPERM", "raw-socket": "ok", "clone-user": "ok"}


@pytest.mark.parametrize("attempt", ["ptrace", "mknod", "unshare-user"])
def test_runtime_default_and_starter_is_never_looser_than_runtime_default(
        vambrace, cri, attempt):
    security = Security(caps_add=GENEROUS.caps_add, seccomp="RuntimeDefault")
    attempts, _ = attack(cri, [attempt], handler="vambrace", security=security)
    assert attempts == {attempt: "EPERM"}


def test_what_runtime_default_denies_stays_denied_under_the_starter(vambrace, cri):
    default = Security(seccomp="RuntimeDefault")
    names = ["unshare-user", "clone-user", "bpf", "mount", "mount-setattr"]
    alone, _ = attack(cri, names, handler=vambrace.plain_handler, security=default)
    hardened, _ = attack(cri, names, handler="vambrace", security=default)
    for name in names:
        assert alone[name] == "EPERM", "the plain pod has no RuntimeDefault to compare with"
        assert hardened[name] == "EPERM"


def test_a_profile_of_the_pod_that_denies_only_chmod_stays_in_force(vambrace, node, cri):
    path = "/var/lib/kubelet/seccomp/no-chmod.json"
    node.write(path, json.dumps({
        "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            # creat besides, which nobody calls: crun caches compiled filters and does not look at
            # errnoRet when it compares, so each test needs rules of its own.
            {"names": ["chmod", "creat", "fchmodat"], "action": "SCMP_ACT_ERRNO",
             "errnoRet": 13}]}))
    security = Security(caps_add=GENEROUS.caps_add, seccomp=path)
    attempts, _ = attack(cri, ["chmod=/tmp", "mount"], handler="vambrace", security=security)
    assert attempts == {"chmod=/tmp": "EACCES", "mount": "EPERM"}
    plain, _ = attack(cri, ["chmod=/tmp", "mount"], handler=vambrace.plain_handler, security=security)
    assert plain == {"chmod=/tmp": "EACCES", "mount": "ok"}


def test_runtime_network_files_are_read_only_and_dev_is_noexec(vambrace, cri, arm):
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        mounts = {line.split()[1]: line.split()[3].split(",")
                  for line in container.exec(["/bin/cat", "/proc/mounts"]).stdout.splitlines()}
        for path in ("/", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"):
            assert "ro" in mounts[path], path
        for path in ("/dev", "/dev/shm"):
            assert "noexec" in mounts[path] and "rw" in mounts[path], path
        assert {"nosuid", "nodev", "noexec", "rw"} <= set(mounts["/tmp"])
        assert "size=4096k" in mounts["/tmp"]
        assert "/dev/shm" in vambrace.outcome(container.id)["writable_mounts"]


def test_rlimits_are_only_lowered(vambrace, cri, arm):
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        for pid in ("self", "1"):
            limits = container.exec(["/bin/cat", f"/proc/{pid}/limits"]).stdout
            line = next(line for line in limits.splitlines() if line.startswith("Max open files"))
            assert line.split()[3:5] == ["32", "64"]


def test_the_shim_keeps_the_preloads_of_the_image(vambrace, cri, arm):
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod, env={"LD_PRELOAD": "libm.so.6"})
        environment = container.exec(["/bin/cat", "/proc/1/environ"]).stdout.split("\0")
    assert "LD_PRELOAD=/usr/local/lib/libautonomy_preload.so:libm.so.6" in environment


def test_another_handler_gets_what_nri_carries_and_is_called_partial(vambrace, cri):
    with cri.pod(handler=vambrace.plain_handler, annotations={
            "tmpfs.vambrace.dev": "/tmp", "preload-exec-allowlist.vambrace.dev": "/bin/allowed",
    }) as pod:
        container = sleeper(cri, pod)
        outcome = vambrace.outcome(container.id)
        assert (outcome["level"], outcome["note"]) == ("partial", "partial (no hook)")
        assert outcome["layers"]["tmpfs"]["state"] == "applied"
        result = container.exec(["/bin/attack", "exec=/bin/sh"])
        assert "exec=/bin/sh EPERM" in result.stdout


def test_pods_without_handler_and_annotation_are_left_alone(vambrace, cri):
    before = vambrace.state_files()
    with cri.pod(handler=vambrace.plain_handler) as pod:
        container = sleeper(cri, pod)
        assert process_status(container)["Seccomp"] == "0"
        assert "vambrace" not in json.dumps(container.spec())
        assert vambrace.state_files() == before


def test_nothing_is_left_when_the_pod_is_gone(vambrace, cri, arm):
    before = vambrace.state_files()
    pod = cri.run_pod(**arm)
    container = sleeper(cri, pod)
    assert {f"{kind}/{container.id}.json" for kind in ("plans", "receipts", "outcomes")} <= (
        vambrace.state_files())
    cri.stop_pod(pod)
    cri.remove_pod(pod)
    assert vambrace.state_files() == before


def test_a_volume_stays_usable_and_is_listed_as_writable(vambrace, node, cri, arm):
    node.run(["mkdir", "-p", "/srv/data"])
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod, mounts=[Mount("/data", "/srv/data")])
        assert "write=/data/x ok" in container.exec(["/bin/attack", "write=/data/x"]).stdout
        assert "/data" in vambrace.outcome(container.id)["writable_mounts"]
