# SPDX-License-Identifier: Apache-2.0
"""What the plugin serves over HTTP on real nodes, before, while and after things happen there."""
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from test_hardening import ATTACK, arm, sleeper  # noqa: F401 (arm: fixture)
from vbnode import http
from vbnode.cri import CriError

URL = "http://127.0.0.1:9465"


@pytest.fixture
def fetch(vambrace):
    """fetch(path): the status and the text."""
    def run(path):
        return http.get(vambrace.pid, URL + path)

    return run


@pytest.fixture
def scrape(fetch):
    """scrape(name, **labels): the value of a sample, now."""
    def run(name, **labels):
        status, text = fetch("/metrics")
        assert status == 200
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        raise AssertionError(f"no {name}{labels} in\n{text}")

    return run


def wait_for(condition, timeout_s=20):
    """Waits until it is true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_admitted_and_refused_pods_are_counted(scrape, vambrace, cri, arm):  # noqa: F811
    admitted = {"result": "admitted", "code": ""}
    refused = {"result": "refused", "code": "ErrBundleNotFound"}
    before = scrape("vambrace_decisions_total", **admitted)
    refused_before = scrape("vambrace_decisions_total", **refused)
    running = scrape("vambrace_containers", level="full")
    starts = scrape("vambrace_request_duration_seconds_count", request="start")
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        assert vambrace.outcome(container.id)["level"] == "full"
        # A create and a start, and where the runtime validates that too.
        assert scrape("vambrace_decisions_total", **admitted) - before in (2, 3)
        wait_for(lambda: scrape("vambrace_containers", level="full") == running + 1)
        assert scrape("vambrace_request_duration_seconds_count", request="start") == starts + 1
        assert scrape("vambrace_bundles") >= 1
    wait_for(lambda: scrape("vambrace_containers", level="full") == running)
    with cri.pod(handler="vambrace", annotations={"bundle.vambrace.dev": "nonesuch"}) as pod:
        with pytest.raises(CriError):
            cri.run_container(pod, "main", ATTACK, ["/bin/attack"])
    assert scrape("vambrace_decisions_total", **refused) == refused_before + 1


@pytest.mark.nodes("*-runc")
def test_it_is_ready_while_there_is_a_runtime(fetch, scrape, vambrace, node):
    assert fetch("/readyz") == (200, "ok\n")
    reconnects = scrape("vambrace_reconnects_total")
    position = vambrace.log_size()
    node.stop_containerd()
    try:
        wait_for(lambda: fetch("/readyz")[0] == 503)
        assert fetch("/readyz")[1].startswith("not registered with the runtime (")
        assert fetch("/healthz") == (200, "ok\n")
        assert scrape("vambrace_registered") == 0
    finally:
        node.restart_containerd()
    vambrace.wait_log("event=synchronized", since=position)
    assert fetch("/readyz") == (200, "ok\n")
    assert scrape("vambrace_reconnects_total") == reconnects + 1
