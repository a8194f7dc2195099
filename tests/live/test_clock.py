# SPDX-License-Identifier: Apache-2.0
"""A clock that is set back or forth under the daemon. The machine's own clock is left alone: the
daemon's development build, which is dynamic, runs with a clock of its own."""
import datetime
import json
import os

import pytest

from test_hardening import ATTACK, arm, sleeper  # noqa: F401 (arm: fixture)
from vbnode import images
from vbnode.cri import CriError
from vbnode.system import build_directory

OFFSET = "/run/clock-offset"
AUDIT = "/var/log/vambrace/audit.jsonl"
DECADE_S = 10 * 365 * 86400
CLOCK_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long offset(void)
{
	char text[32] = {0};
	int fd = open("/run/clock-offset", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int r = (int)syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
		now->tv_sec += offset();
	return r;
}
"""


@pytest.fixture
def shifted(vambrace, node):
    """shifted(seconds) sets the clock of the running daemon, which is the development build."""
    daemon = build_directory().parent / "dev/plugin/nri/vambrace-nri"
    if not daemon.exists():
        pytest.skip("needs the development build (cmake --workflow --preset dev)")
    clock = images.compile_c(CLOCK_SOURCE, ("-shared", "-fPIC"))
    libraries = images.needed_libraries(daemon)
    files = {source: f"/opt/clock/{os.path.basename(path)}" for path, source in libraries.items()}
    node.install({**files, daemon: "/opt/clock/vambrace-nri", clock: "/opt/clock/clock.so"},
                 mode=0o755)
    loader = next(path for path in files.values() if "/ld-" in path)
    node.write(OFFSET, "0")
    vambrace.stop()
    node.run(["rm", "-f", AUDIT])
    # The path that start() appends becomes the shell's $0.
    vambrace.start(wrapper=("/bin/sh", "-c", f"exec {loader} --library-path /opt/clock "
                            "--preload /opt/clock/clock.so /opt/clock/vambrace-nri"))
    yield lambda seconds: node.write(OFFSET, str(seconds))
    vambrace.stop()


def years_of(node, container_id):
    """The years in which the audit log has frames of a container."""
    frames = map(json.loads, node.read(AUDIT).splitlines())
    return {int(frame["ts"][:4]) for frame in frames if frame.get("container_id") == container_id}


@pytest.mark.nodes("*-runc")
def test_a_clock_that_jumps_changes_dates_and_nothing_else(
        vambrace, node, cri, arm, shifted):  # noqa: F811
    year = datetime.datetime.now(datetime.timezone.utc).year
    with cri.pod("clock", **arm) as pod:
        before = sleeper(cri, pod, "before")
        for number, (seconds, years) in enumerate([(-DECADE_S, -10), (DECADE_S, 10), (0, 0)]):
            # Once between the two halves of a container's start, once between containers.
            container = cri.create_container(pod, f"c{number}", ATTACK, ["/bin/attack", "--wait"])
            shifted(seconds)
            container.start()
            assert vambrace.outcome(container.id)["level"] == "full"
            behind = sleeper(cri, pod, f"d{number}")
            assert vambrace.outcome(behind.id)["level"] == "full"
            dates = years_of(node, behind.id)
            assert dates and all(abs(date - year - years) <= 1 for date in dates), dates
            with cri.pod(handler="vambrace", annotations={"x.vambrace.dev": "1"}) as other:
                with pytest.raises(CriError, match="vambrace: ErrUnknownAnnotation"):
                    cri.create_container(other, "main", ATTACK, ["/bin/attack"])
        before.stop()
        assert before.status().exit_code == 137
