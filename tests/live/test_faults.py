# SPDX-License-Identifier: Apache-2.0
"""Faults that come while containers are made: daemons that die, restart and are upgraded in between,
files that go missing, disks that fill. A container either runs with every layer, and its workload
says so itself as its first act, or it never ran. After the fault the next pod starts."""
import concurrent.futures
import contextlib
import itertools
import re
import signal
import threading
import time

import pytest

from test_fail_closed import assert_recovers, assert_refused, marks, try_run  # noqa: F401
from test_hardening import ATTACK, GENEROUS, arm, sleeper  # noqa: F401 (arm: fixture)
from vbnode import nri_peer
from vbnode.cri import CriError
from vbnode.system import parse_attempts

# What the workload tries before anything else, and how it ends with every layer in place.
TRIES = ["mount", "raw-socket", "clone-user", "no-new-privs", "write=/etc/x", "write=/tmp/x",
         "exec=/bin/sh", "descriptors=40"]
WHOLE = {"mount": "EPERM", "raw-socket": "EPERM", "clone-user": "EPERM", "no-new-privs": "EACCES",
         "write=/etc/x": "EROFS", "write=/tmp/x": "ok", "exec=/bin/sh": "EPERM",
         "descriptors=40": "EMFILE"}


def create(cri, pod, name="main"):
    """A container whose workload first tries everything and then stays."""
    return cri.create_container(pod, name, ATTACK, ["/bin/attack", "--wait", *TRIES],
                                security=GENEROUS)


def assert_whole(container):
    """The workload ran, and each layer stopped it."""
    stdout, _ = container.wait_log("WORKLOAD_END")
    assert parse_attempts(stdout) == WHOLE


def run_or_refuse(cri, options, name):
    """Runs a container in a pod of its own. Returns the refusal, or None for one that is whole."""
    container = None
    try:
        with cri.pod(name, **options) as pod:
            container = create(cri, pod)
            container.start()
            assert_whole(container)
        return None
    except CriError as error:
        # Whatever was refused must not have run either.
        if container is not None:
            assert cri.logs(container.id)[0] == ""
        return error


@contextlib.contextmanager
def stream_of_pods(node, options, workers):
    """Makes pods without end while the block runs; yields the list of (started at, refusal)."""
    results, stop, failures = [], threading.Event(), []
    numbers = itertools.count()

    def work():
        client = node.cri()
        try:
            while not stop.is_set():
                began = time.monotonic()
                results.append((began, run_or_refuse(client, options, f"s-{next(numbers)}")))
        except BaseException as failure:  # pylint: disable=broad-exception-caught (raised below)
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield results
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []


def assert_refusals_are_ours(results):
    """Every refusal is one line of Vambrace's."""
    for _, error in results:
        assert error is None or re.search("vambrace: Err[A-Za-z]+: .+", error.message), error


# Between create and start

@pytest.mark.parametrize("fault", ["killed", "stopped"])
def test_a_plugin_gone_between_creation_and_start(vambrace, cri, arm, fault):  # noqa: F811
    """The plan is on the disk by then, and the hook needs nothing else."""
    with cri.pod(**arm) as pod:
        container = create(cri, pod)
        vambrace.send_signal(signal.SIGKILL if fault == "killed" else signal.SIGSTOP)
        container.start()
        assert_whole(container)
        vambrace.send_signal(signal.SIGCONT) if fault == "stopped" else vambrace.stop()
    if fault == "stopped":
        vambrace.stop()
    assert_recovers(vambrace, cri, arm)


def test_an_upgrade_in_place_under_a_stream_of_pods(vambrace, node, cri, arm):  # noqa: F811
    """As an installer does it: the files are renamed into place, then the daemon is replaced."""
    with stream_of_pods(node, arm, workers=3) as results:
        for _ in range(4):
            time.sleep(0.6)
            vambrace.install()
            assert vambrace.stop() == 0
            vambrace.start()
        upgraded = time.monotonic()
        time.sleep(1)
    assert_refusals_are_ours(results)
    after = [error for began, error in results if began > upgraded]
    assert after and not any(after), after
    assert sum(error is None for _, error in results) >= 5
    assert_recovers(vambrace, cri, arm)


@pytest.mark.nodes("*-runc")
def test_a_hundred_containers_while_the_plugin_restarts_every_second(
        vambrace, node, cri, arm):  # noqa: F811
    clients = [node.cri() for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as threads:
        pending = [threads.submit(run_or_refuse, clients[number % len(clients)], arm, f"c-{number}")
                   for number in range(100)]
        for turn in itertools.count():
            done, waiting = concurrent.futures.wait(pending, timeout=1)
            if not waiting:
                break
            vambrace.stop(signal.SIGKILL if turn % 2 else signal.SIGTERM)
            vambrace.start(wait=False)
    results = [(0, future.result()) for future in pending]
    print(f"{sum(error is None for _, error in results)} of 100 ran, all whole")
    assert_refusals_are_ours(results)
    assert turn >= 2, "the plugin was not restarted often enough for this to be a test"
    vambrace.stop()
    assert_recovers(vambrace, cri, arm)


@pytest.mark.parametrize("call", ["create", "start"])
def test_a_containerd_restart_during_a_call(vambrace, node, cri, arm, marks, call):  # noqa: F811
    """The plugin is stopped for that long, so that the restart surely falls into the call. What
    containerd forgets was never started, what it remembers starts whole or is refused."""
    pod = cri.run_pod("caught", **arm)
    container = create(cri, pod) if call == "start" else None
    vambrace.send_signal(signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        attempt = threads.submit(try_run, cri, pod) if call == "create" else threads.submit(
            container.start)
        time.sleep(0.3)
        node.stop_containerd(signal.SIGKILL)
        vambrace.send_signal(signal.SIGCONT)
        position = vambrace.log_size()
        node.restart_containerd()
        if call == "create":
            assert attempt.result() is not None
        else:
            with contextlib.suppress(CriError):
                attempt.result()
    vambrace.wait_log("event=synchronized", since=position)
    assert list(marks.iterdir()) == []
    if container is not None and cri.logs(container.id)[0]:
        assert_whole(container)
    assert_recovers(vambrace, cri, arm)


# Files

def test_a_hook_that_is_gone(vambrace, node, cri, arm, marks):  # noqa: F811
    """Nothing of ours can speak then; containerd itself must not find another way."""
    node.run(["mv", "/opt/vambrace/bin/vambrace-oci", "/opt/vambrace/bin/away"])
    try:
        with pytest.raises(CriError, match="/opt/vambrace/bin/vambrace"):
            with cri.pod(**arm) as pod:
                create(cri, pod).start()
    finally:
        node.run(["mv", "/opt/vambrace/bin/away", "/opt/vambrace/bin/vambrace-oci"])
    assert list(marks.iterdir()) == []
    assert_recovers(vambrace, cri, arm)


@pytest.mark.parametrize("runtime, words", [
    ("/usr/sbin/no-such-runtime", "no-such-runtime"),
    ("/opt/vambrace/bin/vambrace-oci", "itself")])
def test_a_real_runtime_that_is_none(vambrace, node, cri, arm, runtime, words):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = create(cri, pod)
        vambrace.configure_hook({"vambrace": {"runtime": runtime}})
        try:
            with pytest.raises(CriError) as caught:
                container.start()
        finally:
            vambrace.configure_hook({"vambrace": {"runtime": node.runtime_path()}})
        assert "vambrace: ErrInternal: " in caught.value.message, caught.value.message
        assert words in caught.value.message, caught.value.message
        assert container.logs()[0] == ""
    assert_recovers(vambrace, cri, arm)


@contextlib.contextmanager
def full(node, directory):
    """A file that takes all room of the file system at a directory."""
    path = f"{directory}/filler"
    node.run(["dd", "if=/dev/zero", f"of={path}", "bs=1k"], check=False)
    # The last page too.
    node.run(["sh", "-c", f"printf x >>{path}"], check=False)
    try:
        yield
    finally:
        node.run(["rm", path])


@pytest.fixture
def small_state(vambrace, node):
    """/run/vambrace as a file system of its own that a test can fill."""
    vambrace.stop()
    node.run(["mkdir", "-p", "/run/vambrace"])
    node.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "state", "/run/vambrace"])
    vambrace.start()
    yield
    vambrace.stop()
    node.run(["umount", "-l", "/run/vambrace"])


@pytest.mark.parametrize("moment", ["before the creation", "before the start"])
def test_a_full_run(vambrace, node, cri, arm, marks, small_state, moment):  # noqa: F811
    with cri.pod(**arm) as pod:
        sleeper(cri, pod, "probe")
        container = create(cri, pod) if moment == "before the start" else None
        with full(node, "/run/vambrace"):
            if container is None:
                assert_refused(try_run(cri, pod), marks, "ErrInternal")
            else:
                with pytest.raises(CriError, match="vambrace: Err.*: No space left on device"):
                    container.start()
                assert container.logs()[0] == ""
        with cri.pod(**arm) as other:
            after = create(cri, other).start()
            assert_whole(after)


def opt_out_until_refused(node, cri):
    """The log's last page has room for some frames: an opt-out that passes is in there."""
    with cri.pod(handler="vambrace", annotations={
            "seccomp.vambrace.dev": "opt-out",
            "seccomp-opt-out-reason.vambrace.dev": "test"}) as pod:
        for number in range(40):
            container = create(cri, pod, f"c{number}")
            assert f'"{container.id}"' in node.read("/var/log/vambrace/audit.jsonl")


def test_a_full_audit_disk_stops_nothing_but_opt_outs(vambrace, node, cri, arm):  # noqa: F811
    vambrace.stop()
    node.run(["mkdir", "-p", "/var/log/vambrace"])
    node.run(["mount", "-t", "tmpfs", "-o", "size=64k", "audit", "/var/log/vambrace"])
    try:
        vambrace.config(rules=[{"namespaces": ["default"], "permit": ["seccomp-opt-out"]}])
        vambrace.start()
        with full(node, "/var/log/vambrace"):
            with cri.pod(**arm) as pod:
                assert_whole(create(cri, pod).start())
            with pytest.raises(CriError, match="vambrace: ErrNotPermitted: .*audit log"):
                opt_out_until_refused(node, cri)
            vambrace.wait_log("event=audit-failed lost=")
        assert_recovers(vambrace, cri, arm)
    finally:
        vambrace.config()
        vambrace.stop()
        node.run(["umount", "-l", "/var/log/vambrace"])


# Other plugins

class Setter(nri_peer.Remover):
    """A second plugin that sets what ours sets."""

    def _adjust(self):
        adjust = self._nri.ContainerAdjustment()
        if self._removal == "env":
            adjust.env.add(key="LD_PRELOAD", value="/lib/libother.so")
        elif self._removal == "mount":
            adjust.mounts.add(destination="/tmp", type="bind", source="/srv", options=["rbind", "rw"])
        else:
            adjust.annotations.add(key="plan-digest.vambrace.dev", value="sha256:" + "0" * 64)
        return adjust


@pytest.mark.parametrize("piece", nri_peer.REMOVALS)
def test_a_second_plugin_that_sets_what_ours_sets(
        vambrace, node, cri, arm, marks, piece):  # noqa: F811
    """NRI itself refuses two owners of one thing, in its own words."""
    with Setter(node, piece), cri.pod(**arm) as pod:
        error = try_run(cri, pod)
        assert error is not None and list(marks.iterdir()) == []
        assert re.search("conflict|both tried|vambrace: ErrPlanMismatch", error.message), (
            error.message)
    assert_recovers(vambrace, cri, arm)
