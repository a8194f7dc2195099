# SPDX-License-Identifier: Apache-2.0
"""Seccomp profiles of bundles and of the node, in both formats, as the kernel answers."""
import hashlib
import json

import pytest

from test_hardening import ATTACK, GENEROUS, attack, sleeper
from vbnode.cri import CriError, Security
from vbnode.system import parse_attempts

PROFILES = "/etc/vambrace/profiles"
# crun caches compiled filters and does not look at errnoRet when it compares, so each profile
# here denies a call of its own besides, which nobody makes.
NO_CHMOD = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
    {"names": ["chmod", "fchmodat", "getpgid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}
NO_CHOWN = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
    {"names": ["chown", "fchownat", "getsid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}
BY_CAPABILITY = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],
    "syscalls": [
        {"names": ["chmod", "fchmodat", "getpriority"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13,
         "includes": {"caps": ["CAP_NET_RAW"]}, "comment": "only beside raw sockets"},
        {"names": ["chown", "fchownat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13,
         "excludes": {"caps": ["CAP_NET_RAW"]}},
        {"names": ["ptrace"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13,
         "includes": {"minKernel": "4.8"}},
        {"names": ["mknod", "mknodat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13,
         "includes": {"arches": ["s390x"]}}]}
ATTEMPTS = ["chmod=/tmp", "chown=/tmp", "ptrace", "mknod"]


def install(vambrace, bundle, hardening, **profiles):
    """A bundle with profiles beside its manifest."""
    vambrace.bundle(bundle, hardening)
    for name, profile in profiles.items():
        vambrace.node.write(f"/etc/vambrace/bundles/{bundle}/profiles/{name}.json",
                            json.dumps(profile))


def annotated(bundle, profile=None):
    """The options of a pod that names bundle and profile."""
    annotations = {"bundle.vambrace.dev": bundle}
    if profile is not None:
        annotations["seccomp-profile.vambrace.dev"] = profile
    return {"handler": "vambrace", "annotations": annotations}


def test_a_bundles_profile_that_denies_only_chmod_denies_only_chmod(vambrace, cri):
    install(vambrace, "no-chmod", {"seccomp": {"profile": "no-chmod"}}, **{"no-chmod": NO_CHMOD})
    attempts, _ = attack(cri, [*ATTEMPTS, "mount"], **annotated("no-chmod"))
    assert attempts == {"chmod=/tmp": "EACCES", "chown=/tmp": "ok", "ptrace": "ok", "mknod": "ok",
                        "mount": "ok"}, "its own profile, so not the starter too"


def test_profiles_of_bundle_and_annotation_are_both_met(vambrace, cri):
    install(vambrace, "both", {"seccomp": {"profile": "no-chmod"}},
            **{"no-chmod": NO_CHMOD, "no-chown": NO_CHOWN})
    attempts, _ = attack(cri, ATTEMPTS, **annotated("both", "no-chown"))
    assert attempts == {"chmod=/tmp": "EACCES", "chown=/tmp": "EACCES", "ptrace": "ok",
                        "mknod": "ok"}
    attempts, _ = attack(cri, ATTEMPTS, **annotated("both", "starter"))
    assert attempts == {"chmod=/tmp": "EACCES", "chown=/tmp": "ok", "ptrace": "EPERM",
                        "mknod": "EPERM"}


def test_a_docker_profile_is_resolved_for_the_capabilities_that_stay(vambrace, cri):
    install(vambrace, "keeps-raw", {"seccomp": {"profile": "docker"}}, docker=BY_CAPABILITY)
    install(vambrace, "drops-raw", {"seccomp": {"profile": "docker"},
                                    "capabilities": {"drop": ["NET_RAW"]}}, docker=BY_CAPABILITY)
    attempts, _ = attack(cri, ATTEMPTS, **annotated("keeps-raw"))
    assert attempts == {"chmod=/tmp": "EACCES", "chown=/tmp": "ok", "ptrace": "EACCES",
                        "mknod": "ok"}
    attempts, _ = attack(cri, ATTEMPTS, **annotated("drops-raw"))
    assert attempts == {"chmod=/tmp": "ok", "chown=/tmp": "EACCES", "ptrace": "EACCES",
                        "mknod": "ok"}


def test_a_profile_of_the_nodes_directories_is_named_by_its_path(vambrace, node, cri):
    path = f"{PROFILES}/site/no-chown.json"
    text = json.dumps({**NO_CHOWN, "syscalls": [
        *NO_CHOWN["syscalls"], {"names": ["getpgrp"], "action": "SCMP_ACT_ERRNO"}]})
    node.write(path, text)
    vambrace.stop()
    vambrace.config(profile_dirs=[PROFILES])
    try:
        vambrace.start()
        annotations = {"seccomp-profile.vambrace.dev": path}
        with cri.pod(handler="vambrace", annotations=annotations) as pod:
            container = sleeper(cri, pod)
            result = container.exec(["/bin/attack", *ATTEMPTS])
            assert parse_attempts(result.stdout)["chown=/tmp"] == "EACCES"
            assert vambrace.layers(container.id)["seccomp"] == "applied"
            plan = vambrace.plan(container.id)
        assert plan["layers"]["seccomp"]["profiles"] == [
            {"name": path, "sources": ["annotation"], "text": text,
             "digest": "sha256:" + hashlib.sha256(text.encode()).hexdigest()}]
    finally:
        vambrace.stop()
        node.write("/etc/vambrace/config.json", "{}")


def test_a_profile_that_does_not_parse_refuses_the_container(vambrace, cri):
    install(vambrace, "bad", {"seccomp": {"profile": "bad"}}, bad={
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["chmod"], "action": "SCMP_ACT_DENY"}]})
    with cri.pod("refused", **annotated("bad")) as pod:
        with pytest.raises(CriError) as caught:
            cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
    assert ("vambrace: ErrProfileInvalid: seccomp profile 'bad' of bundle 'bad': syscalls[0] has "
            "the unknown action 'SCMP_ACT_DENY' (default/refused, container main): correct the "
            "file; 'vambrace seccomp check' tells more of it") in caught.value.message


def test_a_custom_profile_never_widens_runtime_default(vambrace, cri):
    install(vambrace, "wide", {"seccomp": {"profile": "wide"}}, wide={
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["chown", "fchownat", "umask"], "action": "SCMP_ACT_ERRNO",
                      "errnoRet": 13}]})
    security = Security(caps_add=("SYS_PTRACE",), seccomp="RuntimeDefault")
    names = ["mount", "bpf", "unshare-user", "chown=/tmp"]
    plain, _ = attack(cri, names, handler=vambrace.plain_handler, security=security)
    hardened, _ = attack(cri, names, security=security, **annotated("wide"))
    assert plain == {"mount": "EPERM", "bpf": "EPERM", "unshare-user": "EPERM", "chown=/tmp": "ok"}
    assert hardened == {**plain, "chown=/tmp": "EACCES"}


def test_the_outcome_holds_the_running_filter_against_the_plans_profiles(vambrace, cri):
    install(vambrace, "seen", {"seccomp": {"profile": "no-chmod"}}, **{"no-chmod": NO_CHMOD})
    with cri.pod(**annotated("seen", "starter")) as pod:
        container = cri.run_container(pod, "main", ATTACK, ["/bin/attack", "--wait"],
                                      security=GENEROUS)
        assert vambrace.layers(container.id)["seccomp"] == "applied"
