# SPDX-License-Identifier: Apache-2.0
"""What the daemon writes down on a real node: audit log, status file; and how it takes a new node
config while pods come and go."""
import json
import pathlib
import signal
import threading
import time

import jsonschema
import pytest

from test_hardening import ATTACK, arm, sleeper  # noqa: F401 (arm: fixture)
from vbnode.cri import CriError

AUDIT = "/var/log/vambrace/audit.jsonl"
CONFIG = "/etc/vambrace/config.json"
DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


class AuditLog:
    """The frames of a node's audit log, from a position on."""

    def __init__(self, node):
        self.node = node
        self.position = len(self._bytes())

    def _bytes(self):
        path = self.node.host_path(AUDIT)
        return path.read_bytes() if path.exists() else b""

    def frames(self, event=None):
        """All frames since, or those of one event; every line has to be one."""
        text = self._bytes()[self.position:].decode()
        assert text == "" or text.endswith("\n"), text[-200:]
        frames = [json.loads(line) for line in text.splitlines()]
        return [frame for frame in frames if event in (None, frame["event"])]

    def wait(self, event, count=1, timeout_s=10):
        """The frames of an event as soon as there are so many."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = self.frames(event)
            if len(found) >= count or time.monotonic() > deadline:
                assert len(found) >= count, self.frames()
                return found
            time.sleep(0.02)


@pytest.fixture
def audit(vambrace, node):
    """The audit log from here on."""
    return AuditLog(node)


@pytest.fixture
def config(vambrace, node):
    """Writes the node config in one step; without it again behind the test."""
    def write(**settings):
        node.write(CONFIG + ".new", json.dumps(settings))
        node.run(["mv", CONFIG + ".new", CONFIG])

    vambrace.stop()
    write()
    vambrace.start()
    yield write
    vambrace.stop()
    node.run(["rm", "-f", CONFIG])
    vambrace.start()


def create_refused(cri, **options):
    """The refusal of a container's creation."""
    with cri.pod(**options) as pod, pytest.raises(CriError) as caught:
        cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
    return caught.value.message


def test_a_refusal_is_written_down_as_the_reply_has_it(vambrace, cri, audit):
    message = create_refused(cri, name="refused", handler="vambrace",
                             annotations={"cap-dorp.vambrace.dev": "NET_RAW"})
    frame = audit.wait("refusal")[0]
    assert frame["error"].startswith("vambrace: ErrUnknownAnnotation: ")
    assert frame["error"] in message
    assert {key: frame[key] for key in (
        "namespace", "pod", "container", "handler", "request", "code", "count")} == {
            "namespace": "default", "pod": "refused", "container": "main", "handler": "vambrace",
            "request": "CreateContainer", "code": "ErrUnknownAnnotation", "count": 1}


def test_retries_of_a_refused_container_are_one_frame(vambrace, cri, audit):
    with cri.pod("retried", handler="vambrace", annotations={"tmpfs.vambrace.dev": ""}) as pod:
        for _ in range(10):
            with pytest.raises(CriError):
                cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
    vambrace.stop()
    vambrace.start()
    assert [frame["count"] for frame in audit.frames("refusal")] == [1, 9]


def test_admission_and_outcome_name_the_plan(vambrace, cri, audit, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        outcome = vambrace.outcome(container.id)
        admission = audit.wait("admission")[0]
        frame = audit.wait("outcome")[0]
    for seen in (admission, frame):
        assert seen["container_id"] == container.id
        assert seen["plan_digest"] == outcome["plan_digest"]
        assert (seen["bundle"], seen["bundle_digest"]) == ("arm", outcome["bundle_digest"])
    assert frame["level"] == "full"
    assert frame["layers"] == {name: layer["state"] for name, layer in outcome["layers"].items()}
    assert admission["layers"] == {name: "asked" for name, layer in outcome["layers"].items()
                                   if layer["state"] != "skipped"}


def test_the_status_file_is_as_its_schema_says(vambrace, node, cri):
    schema = json.loads((DOCS / "daemon.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    create_refused(cri, name="shown", handler="vambrace", annotations={"tmpfs.vambrace.dev": ""})
    time.sleep(0.5)
    status = json.loads(node.read("/run/vambrace/daemon.json"))
    jsonschema.Draft202012Validator(schema).validate(status)
    assert status["pid"] == vambrace.pid
    assert status["runtime"]["connected"] and status["stopped_at"] is None
    version = ".".join(map(str, node.containerd_version[:2]))
    assert status["runtime"]["version"].lstrip("v").startswith(version + ".")
    assert status["refusals"][0]["pod"] == "shown"
    vambrace.stop()
    stopped = json.loads(node.read("/run/vambrace/daemon.json"))
    jsonschema.Draft202012Validator(schema).validate(stopped)
    assert stopped["stopped_at"] is not None and not stopped["runtime"]["connected"]


def test_a_daemon_that_is_killed_again_and_again_loses_no_frame(vambrace, cri, audit):
    """Of every container whose creation was answered before the kill, bar the last."""
    made = []
    for round_number in range(6):
        with cri.pod(f"killed-{round_number}", handler="vambrace") as pod:
            for name in ("a", "b", "c"):
                made.append(cri.create_container(pod, name, ATTACK, ["/bin/attack"]).id)
            vambrace.send_signal(signal.SIGKILL)
            vambrace.stop()
            vambrace.start()
    admitted = {frame["container_id"] for frame in audit.frames("admission")}
    certain = [made[i] for i in range(len(made)) if i % 3 != 2]
    assert set(certain) <= admitted <= set(made)


def test_a_new_config_is_in_force_for_the_next_container(
        vambrace, cri, audit, config):
    handler = vambrace.plain_handler
    asked = {"handler": handler, "annotations": {"cap-drop.vambrace.dev": "NET_RAW"}}
    assert "ErrHardeningRequiresRuntime" in create_refused(cri, **asked)
    position = vambrace.log_size()
    config(runtime_handlers=["vambrace", handler])
    with cri.pod(**asked) as pod:
        container = cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
        assert vambrace.plan(container.id)["hooked"]
    vambrace.wait_log("event=config-loaded", since=position)
    loaded = audit.wait("config-loaded")[0]
    assert loaded["path"] == CONFIG and loaded["error"] is None


def test_requests_in_flight_do_not_suffer_from_configs_that_come_and_go(
        vambrace, node, cri, audit, config):
    errors, made, stop = [], [], threading.Event()

    def create(number):
        try:
            client = node.cri()
            while not stop.is_set():
                with client.pod(f"flight-{number}-{len(made)}", handler="vambrace") as pod:
                    container = client.create_container(pod, "main", ATTACK,
                                                        ["/bin/attack", "--wait"])
                    container.start()
                    made.append(container.id)
        except Exception as error:  # pylint: disable=broad-exception-caught (shown below)
            errors.append(error)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(60):
        if turn % 3 == 2:
            node.write(CONFIG, "{")
        else:
            config(deadline_ms=1000 + turn)
        if turn % 4 == 0:
            vambrace.send_signal(signal.SIGHUP)
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(made) > 5
    admitted = {frame["container_id"] for frame in audit.frames("admission")}
    assert set(made) <= admitted
    assert audit.frames("config-kept") and audit.frames("config-loaded")
    assert not audit.frames("refusal")


def slip_through(vambrace, cri, pod):
    """A container with an annotation of ours that was made and started while no plugin was there;
    on a handler that is none of ours, nothing else holds it up."""
    vambrace.stop()
    container = cri.run_container(pod, "main", ATTACK, ["/bin/attack", "--wait"])
    vambrace.start()
    return container


def test_a_container_that_slipped_through_is_reported(vambrace, cri, audit):
    with cri.pod("slipped", handler=vambrace.plain_handler,
                 annotations={"tmpfs.vambrace.dev/container.main": "/tmp"}) as pod:
        container = slip_through(vambrace, cri, pod)
        frame = audit.wait("unhardened")[0]
        assert {key: frame[key] for key in (
            "container_id", "namespace", "pod", "container", "plan_digest", "reason", "action",
            "error")} == {
                "container_id": container.id, "namespace": "default", "pod": "slipped",
                "container": "main", "plan_digest": None,
                "reason": "it runs without a plan of Vambrace", "action": "report", "error": None}
        vambrace.wait_log(f"container_id={container.id} event=unhardened .*action=report")
        assert container.exec(["/bin/true"]).exit_code == 0


def test_a_container_that_the_annotation_does_not_mean_is_not_reported(vambrace, cri, audit):
    with cri.pod("innocent", handler=vambrace.plain_handler,
                 annotations={"tmpfs.vambrace.dev/container.other": "/tmp"}) as pod:
        slip_through(vambrace, cri, pod)
        time.sleep(0.5)
        assert audit.frames("unhardened") == []


OPT_OUT = {"seccomp.vambrace.dev": "opt-out",
           "seccomp-opt-out-reason.vambrace.dev": 'vendor "blob", ticket 42'}


def test_an_opt_out_is_on_the_disk_and_in_the_log_before_the_container_is(
        vambrace, cri, audit, config):
    config(rules=[{"namespaces": ["default"], "permit": ["seccomp-opt-out"]}])
    position = vambrace.log_size()
    with cri.pod("vendor", handler="vambrace", annotations=OPT_OUT) as pod:
        container = sleeper(cri, pod)
        frame, admission = audit.frames("seccomp-opt-out")[0], audit.wait("admission")[0]
        assert frame["ts"] < admission["ts"]
        assert {key: frame[key] for key in ("namespace", "pod", "container", "container_id",
                                            "reason", "plan_digest")} == {
            "namespace": "default", "pod": "vendor", "container": "main",
            "container_id": container.id, "reason": 'vendor "blob", ticket 42',
            "plan_digest": admission["plan_digest"]}
        lines = [line for line in vambrace.log(position).splitlines()
                 if line.endswith("Audit event: seccomp-opt-out")]
        assert lines == [
            f'container_id={container.id} event=seccomp-opt-out namespace="default" pod="vendor" '
            'container="main" reason="vendor \\"blob\\", ticket 42" Audit event: seccomp-opt-out']


def test_with_an_audit_log_that_cannot_be_written_only_opt_outs_are_refused(
        vambrace, node, cri, audit, config):
    config(rules=[{"namespaces": ["default"], "permit": ["seccomp-opt-out"]}],
           audit_log="/proc/vambrace/audit.jsonl")
    message = create_refused(cri, name="vendor", handler="vambrace", annotations=OPT_OUT)
    assert ("vambrace: ErrNotPermitted: seccomp.vambrace.dev asks for opt-out, which the audit log "
            "has to show, and it cannot be written: make directory '/proc/vambrace': No such file "
            "or directory (default/vendor, container main): remove the annotation, or make room "
            "for the audit log on the node") in message
    position = vambrace.log_size()
    with cri.pod("other", handler="vambrace") as pod:
        sleeper(cri, pod)
    vambrace.wait_log("event=audit-failed lost=")


def test_a_container_that_slipped_through_is_killed_where_the_node_says_so(
        vambrace, cri, audit, config):
    config(rules=[{"namespaces": ["default"], "unhardened": "kill"}])
    with cri.pod("slipped", handler=vambrace.plain_handler,
                 annotations={"tmpfs.vambrace.dev/container.main": "/tmp"}) as pod:
        bystander = cri.run_container(pod, "other", ATTACK, ["/bin/attack", "--wait"])
        container = slip_through(vambrace, cri, pod)
        frame = audit.wait("unhardened")[0]
        assert (frame["container_id"], frame["action"], frame["error"]) == (
            container.id, "killed", None)
        assert container.wait().exit_code == 137
        assert bystander.exec(["/bin/true"]).exit_code == 0
        assert len(audit.frames("unhardened")) == 1
