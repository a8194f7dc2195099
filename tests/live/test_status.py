# SPDX-License-Identifier: Apache-2.0
"""`vambrace status` on real nodes: what runs, what was refused, and whether the plugin is there."""
import json
import signal
import time

import pytest

from test_hardening import ATTACK, arm, sleeper  # noqa: F401 (arm: fixture)
from vbnode.cri import CriError

VAMBRACE = "/opt/vambrace/bin/vambrace-cli"


@pytest.fixture
def status(vambrace, node):
    """status(*arguments): the text or the JSON report, and the exit code."""
    node.install({vambrace.build / "plugin/cli/vambrace": VAMBRACE}, mode=0o755)

    def run(*arguments):
        result = node.run([VAMBRACE, "status", *arguments], check=False)
        assert result.returncode in (0, 1), result
        return (json.loads(result.stdout) if "--json" in arguments else result.stdout,
                result.returncode)

    return run


def test_what_runs_is_shown_with_its_evidence(status, vambrace, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        outcome = vambrace.outcome(container.id)
        report, code = status("--json", container.id[:12])
        assert code == 0 and report["daemon_runs"]
        assert report["containers"] == [outcome]
        assert report["daemon"]["runtime"]["name"] == "containerd"
        assert report["daemon"]["pid"] == vambrace.pid
        text, _ = status()
        assert f"(pid {vambrace.pid}), registered with containerd " in text
        assert f"/{outcome['pod']}/main" in text and " full " in text
        details, _ = status(outcome["pod"])
        for layer in outcome["layers"].values():
            for line in layer["evidence"]:
                assert line.split()[0] in details
    _, code = status(container.id)
    assert code == 1, "the container is gone"


def test_what_was_refused_is_shown_with_its_line(status, cri):
    annotations = {"bundle.vambrace.dev": "nonesuch"}
    with cri.pod(handler="vambrace", annotations=annotations) as pod:
        with pytest.raises(CriError) as refused:
            cri.run_container(pod, "main", ATTACK, ["/bin/attack"])
    deadline = time.monotonic() + 10
    # daemon.json is written a moment after the answer.
    while True:
        refusals = status("--json")[0]["daemon"]["refusals"]
        if refusals and refusals[0]["error"] in str(refused.value):
            break
        assert time.monotonic() < deadline, refusals
        time.sleep(0.05)
    assert refusals[0]["code"] == "ErrBundleNotFound"
    text, _ = status()
    assert "Refused lately:" in text and "ErrBundleNotFound" in text


def test_a_plugin_that_is_gone_is_noticed(status, vambrace):
    vambrace.send_signal(signal.SIGKILL)
    vambrace.stop()
    text, code = status()
    assert code == 1 and text.startswith("vambrace-nri is gone without a word")
    vambrace.start()
    vambrace.stop()
    text, code = status()
    assert code == 1 and text.startswith("vambrace-nri was stopped at")
