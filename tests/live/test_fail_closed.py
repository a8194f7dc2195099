# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to the plugin: no container of handler `vambrace` runs without its plan."""
import signal
import threading
import time

import pytest

from test_hardening import ARM, ATTACK, arm, sleeper  # noqa: F401 (arm: fixture)
from vbnode import nri_peer
from vbnode.cri import CriError, Mount
from vbnode.system import Vambrace, attack_image

# The workload's first act is visible on the node: a file in a volume.
MARK = "/srv/marks"


@pytest.fixture
def marks(node):
    """A directory of the node in which each workload that runs leaves a file."""
    node.run(["rm", "-rf", MARK])
    node.run(["mkdir", "-p", MARK])
    return node.host_path(MARK)


def try_run(cri, pod, name="main"):
    """Creates and starts a container that marks its run. Returns the refusal, or None."""
    try:
        cri.run_container(pod, name, ATTACK, ["/bin/attack", "--wait", f"write=/marks/{name}"],
                          mounts=[Mount("/marks", MARK)])
        return None
    except CriError as error:
        return error


def assert_recovers(vambrace, cri, arm):  # noqa: F811
    """After the fault the next pod starts, hardened."""
    if not vambrace.running():
        vambrace.stop()
        vambrace.start()
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        outcome = vambrace.outcome(container.id)
        assert outcome["level"] == "full", outcome


def assert_refused(error, marks, *codes):
    """The container did not run, and the reply says why in our own words."""
    assert error is not None, "the container started"
    assert list(marks.iterdir()) == []
    assert any(f"vambrace: {code}: " in error.message for code in codes), error.message


def test_absent_plugin(vambrace, cri, arm, marks):  # noqa: F811
    vambrace.stop()
    with cri.pod(**arm) as pod:
        assert_refused(try_run(cri, pod), marks, "ErrNoPlan")
    assert_recovers(vambrace, cri, arm)


def test_plugin_killed_during_create(vambrace, cri, arm, marks):  # noqa: F811
    """Stopped first, so that the kill surely falls into the call."""
    with cri.pod(**arm) as pod:
        vambrace.send_signal(signal.SIGSTOP)
        killer = threading.Timer(0.5, vambrace.send_signal, [signal.SIGKILL])
        killer.start()
        error = try_run(cri, pod)
        killer.join()
        assert error is not None and list(marks.iterdir()) == []
    vambrace.stop()
    assert_recovers(vambrace, cri, arm)


def test_plugin_stopped_past_the_timeout(vambrace, cri, arm, marks):  # noqa: F811
    with cri.pod(**arm) as pod:
        vambrace.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        error = try_run(cri, pod)
        assert time.monotonic() - started > 1.5
        assert error is not None and list(marks.iterdir()) == []
        vambrace.send_signal(signal.SIGCONT)
    vambrace.wait_log("event=synchronized", since=0)
    time.sleep(0.5)
    assert_recovers(vambrace, cri, arm)


@pytest.mark.parametrize("fault", nri_peer.FAULTS)
def test_faulty_plugin_in_our_place(make_node, combo, fault):
    """A plugin of the same name and index that decides rightly and then misbehaves: it is our own
    daemon behind a relay that spoils its reply. On a node of its own: garbage on the wire can hang
    containerd itself (2.1.9, once in some dozen runs), and then only a restart helps it."""
    node = make_node(combo)
    node.load_base_images()
    node.load_image(attack_image())
    node.run(["mkdir", "-p", MARK])
    vambrace = Vambrace(node)
    vambrace.install()
    vambrace.bundle("arm", ARM)
    arm = {"handler": "vambrace", "annotations": {"bundle.vambrace.dev": "arm"}}
    cri = node.cri()
    with nri_peer.Relay(node, fault) as relay:
        vambrace.start("--socket", relay.socket)
        error = try_run(cri, cri.run_pod(**arm))
        assert relay.spoiled, "the fault did not happen"
        assert error is not None and list(node.host_path(MARK).iterdir()) == []
        vambrace.stop()
    if not is_responsive(cri):
        node.restart_containerd(signal.SIGKILL)
    assert_recovers(vambrace, cri, arm)


def is_responsive(cri):
    """Whether containerd still makes pods."""
    try:
        pod = cri.call("ListPodSandbox", timeout_s=5).items[0].id
        cri.call("StopPodSandbox", timeout_s=10, pod_sandbox_id=pod)
        return True
    except CriError:
        return False


@pytest.mark.parametrize("removal", nri_peer.REMOVALS)
def test_a_second_plugin_that_removes_what_ours_brought(
        vambrace, node, cri, arm, marks, removal):  # noqa: F811
    """NRI 0.6 hides a removed mount from later plugins only, and erases an annotation or not by the
    order of a Go map: where nothing was taken away the container runs, whole."""
    with nri_peer.Remover(node, removal), cri.pod(**arm) as pod:
        error = try_run(cri, pod)
        if error is not None:
            assert_refused(error, marks, "ErrPlanMismatch")
        else:
            assert removal != "env"
            container = cri.list_containers(pod)[0]
            outcome = vambrace.outcome(container.id)
            assert outcome["level"] == "full", outcome
    assert_recovers(vambrace, cri, arm)


def test_a_containerd_restart_under_running_pods(vambrace, node, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        before = vambrace.outcome(container.id)
        position = vambrace.log_size()
        node.restart_containerd()
        started = time.monotonic()
        vambrace.wait_log("event=synchronized", since=position)
        print(f"back after {(time.monotonic() - started) * 1000:.0f} ms")
        after = vambrace.outcome(container.id)
        assert (after["level"], after["plan_digest"], after["since"]) == (
            "full", before["plan_digest"], before["since"])
        container.stop()
    assert_recovers(vambrace, cri, arm)


def test_a_plugin_restart_under_running_pods(vambrace, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        before = vambrace.outcome(container.id)
        assert vambrace.stop() == 0
        vambrace.start()
        after = vambrace.outcome(container.id)
        assert (after["level"], after["plan_digest"]) == ("full", before["plan_digest"])
        assert after["layers"].keys() == before["layers"].keys()


def test_a_running_pod_can_be_stopped_without_plan_config_and_state(
        vambrace, node, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        vambrace.stop()
        node.run(["mv", "/run/vambrace", "/run/vambrace.away"])
        node.run(["mv", "/opt/vambrace/etc/oci.json", "/opt/vambrace/etc/oci.json.away"])
        try:
            container.stop()
            assert container.status().exit_code == 137
            container.remove()
        finally:
            node.run(["mv", "/opt/vambrace/etc/oci.json.away", "/opt/vambrace/etc/oci.json"])
            node.run(["rm", "-rf", "/run/vambrace"])
            node.run(["mv", "/run/vambrace.away", "/run/vambrace"])
    assert_recovers(vambrace, cri, arm)


def test_exec_is_refused_without_its_receipt(vambrace, node, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        node.run(["rm", f"/run/vambrace/receipts/{container.id}.json"])
        with pytest.raises(CriError, match="vambrace: Err"):
            container.exec(["/bin/true"])


@pytest.mark.parametrize("change", ["removed", "truncated", "of another container", "edited"])
def test_a_plan_file_that_is_not_the_containers_own(
        vambrace, node, cri, arm, marks, change):  # noqa: F811
    with cri.pod(**arm) as pod:
        other = cri.create_container(pod, "other", ATTACK, ["/bin/attack"])
        container = cri.create_container(pod, "main", ATTACK, ["/bin/attack", "write=/marks/main"],
                                         mounts=[Mount("/marks", MARK)])
        path = f"/run/vambrace/plans/{container.id}.json"
        text = node.read(path)
        if change == "removed":
            node.run(["rm", path])
        elif change == "truncated":
            node.write(path, text[:len(text) // 2])
        elif change == "of another container":
            node.write(path, node.read(f"/run/vambrace/plans/{other.id}.json"))
        else:
            node.write(path, text.replace("CAP_NET_RAW", "CAP_NET_ADMIN"))
        with pytest.raises(CriError) as caught:
            container.start()
        assert_refused(caught.value, marks, "ErrNoPlan" if change == "removed"
                       else "ErrPlanMismatch")
