# SPDX-License-Identifier: Apache-2.0
"""All kinds of containers come up hardened, or are refused with a reason."""
import pytest

from test_hardening import ARM, ATTACK, arm, process_status, sleeper  # noqa: F401 (arm: fixture)
from vbnode.cri import CriError, Security, UserNs
from vbnode.system import parse_attempts

ATTEMPTS = ["/bin/attack", "mount", "raw-socket", "write=/etc/x", "write=/tmp/x", "exec=/bin/sh"]
STOPPED = {"mount": "EPERM", "raw-socket": "EPERM", "write=/etc/x": "EROFS", "write=/tmp/x": "ok",
           "exec=/bin/sh": "EPERM"}


def check(vambrace, container):
    """The container is fully hardened, by the kernel and by what a workload can do."""
    assert vambrace.outcome(container.id)["level"] == "full", vambrace.outcome(container.id)
    assert parse_attempts(container.exec(ATTEMPTS).stdout) == STOPPED
    status = process_status(container, "1")
    assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")


def test_init_containers_are_hardened_like_any_other(vambrace, cri, arm):  # noqa: F811
    """kubelet runs an init container to its end, then creates the next one in the same pod."""
    with cri.pod(**arm) as pod:
        init = cri.run_container(pod, "init", ATTACK, ATTEMPTS, security=Security(
            caps_add=("SYS_ADMIN",), seccomp="Unconfined"))
        assert parse_attempts(init.wait().stdout) == STOPPED
        check(vambrace, sleeper(cri, pod, "main"))


def test_sidecars_and_ephemeral_containers_are_hardened_beside_the_main_one(
        vambrace, cri, arm):  # noqa: F811
    """A sidecar is created before the main container and lives on, an ephemeral one comes last."""
    with cri.pod(**arm) as pod:
        for container in [sleeper(cri, pod, name) for name in ("sidecar", "main", "debugger")]:
            check(vambrace, container)


def test_each_container_may_have_its_own_value(vambrace, cri):
    with cri.pod(handler="vambrace", annotations={
            "read-only-rootfs.vambrace.dev/container.main": "true",
            "cap-drop.vambrace.dev": "NET_RAW",
            "cap-drop.vambrace.dev/container.other": "MKNOD"}) as pod:
        main, other = sleeper(cri, pod, "main"), sleeper(cri, pod, "other")
        names = ["/bin/attack", "write=/etc/x", "raw-socket"]
        assert parse_attempts(main.exec(names).stdout) == {"write=/etc/x": "EROFS",
                                                           "raw-socket": "EPERM"}
        assert parse_attempts(other.exec(names).stdout) == {"write=/etc/x": "ok",
                                                            "raw-socket": "ok"}


def test_a_privileged_container_is_hardened(vambrace, cri, arm):  # noqa: F811
    with cri.pod(privileged=True, **arm) as pod:
        check(vambrace, sleeper(cri, pod, security=Security(privileged=True)))


def test_a_container_that_does_not_run_as_root_is_hardened(vambrace, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod, security=Security(
            run_as_user=1000, run_as_group=1000, seccomp="Unconfined"))
        check(vambrace, container)
        assert process_status(container, "1")["Uid"].split()[0] == "1000"


def test_a_pod_with_a_user_namespace_is_hardened_where_the_runtime_can(
        vambrace, node, cri, arm):  # noqa: F811
    try:
        pod = cri.run_pod(userns=UserNs(), **arm)
    except CriError as error:
        # The runtime itself says no, with or without us.
        with pytest.raises(CriError):
            cri.run_pod(userns=UserNs(), handler=vambrace.plain_handler)
        assert node.containerd_version < (2, 0, 0), error
        return
    container = sleeper(cri, pod)
    check(vambrace, container)
    with open(f"/proc/{container.pid}/uid_map", encoding="ascii") as uid_map:
        assert uid_map.read().split()[1] != "0"


def test_a_seccomp_profile_of_the_pod_may_itself_set_no_new_privs(vambrace, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        check(vambrace, sleeper(cri, pod, security=Security(
            no_new_privs=True, readonly_rootfs=True, seccomp="RuntimeDefault",
            caps_drop=("ALL",))))


def test_the_bundle_of_these_tests_asks_for_every_layer_but_spec_allow():
    assert set(ARM) == {"seccomp", "capabilities", "read_only_rootfs", "tmpfs",
                        "no_new_privileges", "rlimits", "preload"}
