# SPDX-License-Identifier: Apache-2.0
"""Many containers, one after the other and all at once: the daemon keeps nothing of those that are
gone, and answers as it did at first. `--full` is the long form."""
import concurrent.futures
import json
import os
import pathlib
import statistics
import time

import pytest

from test_hardening import ATTACK, arm, sleeper  # noqa: F401 (arm: fixture)
from vbnode.cri import CriError

AUDIT = "/var/log/vambrace/audit.jsonl"
POD_ANNOTATION = {"example.com/large": "v" * 250_000}


class Daemon:
    """What a process of the daemon holds."""

    def __init__(self, vambrace, node):
        self.vambrace = vambrace
        self.node = node

    def resident_kib(self):
        """Memory that is its own: what the kernel counts as anonymous."""
        status = pathlib.Path(f"/proc/{self.vambrace.pid}/status").read_text(encoding="ascii")
        return int(status.split("RssAnon:")[1].split()[0])

    def descriptors(self):
        """Its open files."""
        return len(os.listdir(f"/proc/{self.vambrace.pid}/fd"))

    def frames(self, event):
        """The audit frames of one kind, whole lines only."""
        return [frame for frame in map(json.loads, self.node.read(AUDIT).splitlines())
                if frame["event"] == event]


@pytest.fixture
def fresh(vambrace, node):
    """A daemon with an empty audit log and no past."""
    vambrace.stop()
    node.run(["rm", "-f", AUDIT])
    vambrace.start()
    return Daemon(vambrace, node)


def wait_until(condition, timeout_s=20):
    """Polls; returns whether it came true."""
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def one_life(cri, pod, name):
    """Creates, starts, and removes a container; returns its id and the seconds of both calls."""
    began = time.monotonic()
    container = cri.create_container(pod, name, ATTACK, ["/bin/attack"])
    container.start()
    took = time.monotonic() - began
    container.wait()
    container.remove()
    return container.id, took


def kept_files(vambrace):
    """Files of containers; the memory of seccomp profiles is of no container."""
    return {path for path in vambrace.state_files() if not path.startswith("meets/")}


@pytest.mark.nodes("forky-runc")
def test_nothing_grows_with_the_containers_that_are_gone(
        vambrace, node, cri, arm, fresh, is_full):  # noqa: F811
    count, tail = (2000, 100) if is_full else (120, 20)
    workers, share = 4, count // 4
    clients = [node.cri() for _ in range(workers)]
    # The last worker's containers are the runtime's alone, for comparison: the machine may be busy.
    pods = [client.run_pod(f"soak-{number}", **(arm if number < workers - 1 else {}))
            for number, client in enumerate(clients)]
    one_life(clients[0], pods[0], "warm-up")
    files, begun = kept_files(vambrace), {}

    def work(worker):
        lives = []
        for number in range(share):
            lives.append(one_life(clients[worker], pods[worker], f"c-{number}"))
            # The first sixth fills caches and pools; what comes behind it must not add to them.
            if number == share // 6:
                begun[worker] = (fresh.resident_kib(), fresh.descriptors())
        return lives

    with concurrent.futures.ThreadPoolExecutor(workers) as threads:
        *ours, plain = threads.map(work, range(workers))
    hardened = {container for lives in ours for container, _ in lives}
    assert len(hardened) == 3 * share
    assert wait_until(lambda: kept_files(vambrace) == files), kept_files(vambrace) - files
    assert wait_until(lambda: len(fresh.frames("admission")) == len(hardened) + 1)
    assert hardened <= {frame["container_id"] for frame in fresh.frames("admission")}
    resident, descriptors = max(begun.values())
    print(f"{count} containers: {resident} -> {fresh.resident_kib()} KiB anonymous, "
          f"{descriptors} -> {fresh.descriptors()} descriptors")
    # A quarter of a megabyte over 1,500 hardened containers would be 170 bytes for each.
    assert fresh.resident_kib() <= resident + 256
    assert fresh.descriptors() <= descriptors
    for title, group in (("hardened", ours), ("runtime alone", [plain])):
        each = tail // len(group)
        first, last = (statistics.median(took for lives in group for _, took in part(lives))
                       for part in (lambda lives: lives[:each], lambda lives: lives[-each:]))
        print(f"create and start, {title}: {first * 1e3:.1f} ms at first, {last * 1e3:.1f} ms at "
              f"last, x {last / first:.2f}")


@pytest.mark.nodes("*-runc")
def test_a_synchronize_of_eight_megabytes(vambrace, node, cri, arm, fresh):  # noqa: F811
    """Containers of pods whose annotations are near Kubernetes' limit; containerd sends them all in
    one Synchronize (in parts, where its NRI knows parts)."""
    containers = []
    for number in range(34):
        pod = cri.run_pod(f"large-{number}", handler="vambrace",
                          annotations={**arm["annotations"], **POD_ANNOTATION})
        containers.append(sleeper(cri, pod).id)
    vambrace.stop()
    position = vambrace.log_size()
    vambrace.start()
    match = vambrace.wait_log(r"event=synchronized .*containers=(\d+)", since=position)
    assert int(match.group(1)) >= len(containers)
    assert {vambrace.outcome(container)["level"] for container in containers} == {"full"}
    print(f"after it: {fresh.resident_kib()} KiB anonymous")
    with cri.pod(**arm) as pod:
        assert vambrace.outcome(sleeper(cri, pod).id)["level"] == "full"


@pytest.mark.nodes("forky-runc")
def test_many_known_containers(vambrace, node, cri, arm, fresh, is_full):  # noqa: F811
    """Created and never started, they cost the node little and the daemon as much as any."""
    count, workers = (1000 if is_full else 150), 4
    pod = cri.run_pod("many", **arm)

    def create(number):
        return cri.create_container(pod, f"c-{number}", ATTACK, ["/bin/attack", "--wait"]).id

    with concurrent.futures.ThreadPoolExecutor(workers) as threads:
        known = list(threads.map(create, range(count)))
    assert len(set(known)) == count
    running = fresh.resident_kib()
    vambrace.stop()
    position = vambrace.log_size()
    began = time.monotonic()
    vambrace.start()
    vambrace.wait_log(rf"event=synchronized .*containers={count}\b", since=position, timeout_s=30)
    print(f"{count} known: {running} KiB anonymous, {fresh.resident_kib()} after a restart that "
          f"took {time.monotonic() - began:.2f} s")
    # Any of them still starts whole, by the plan that was written for it.
    cri.start(known[count // 2])
    assert vambrace.outcome(known[count // 2])["level"] == "full"
    with pytest.raises(CriError, match="vambrace: ErrUnknownAnnotation"):
        other = cri.run_pod("wrong", handler="vambrace", annotations={"x.vambrace.dev": "1"})
        cri.create_container(other, "main", ATTACK, ["/bin/attack"])
