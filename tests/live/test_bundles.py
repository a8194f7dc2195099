# SPDX-License-Identifier: Apache-2.0
"""The bundles that are shipped, each with a real program of its kind and with what it denies."""
import pathlib
import re

import pytest

from proof.run import install_shipped
from test_hardening import ALL_APPLIED, process_status
from vbnode import cgroups, images, packages
from vbnode.cri import Security
from vbnode.system import WORKLOAD, attack_program, parse_attempts

IMAGE = "vb.test/bundles:1"
ROS2 = ("ros2-base", "ros2-realtime")
BUNDLES = (*ROS2, "web-service")
NGINX_CONFIG = b"""daemon off;
worker_processes 2;
pid /tmp/nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path /tmp/body;
	proxy_temp_path /tmp/proxy;
	fastcgi_temp_path /tmp/fastcgi;
	uwsgi_temp_path /tmp/uwsgi;
	scgi_temp_path /tmp/scgi;
	server {
		listen 127.0.0.1:8080;
		root /srv;
	}
}
"""
# All that a pod may ask for, so that only the bundle takes it away.
GENEROUS = Security(caps_add=("ALL",), seccomp="Unconfined")
REAL_TIME = Security(caps_add=("SYS_NICE", "IPC_LOCK"), seccomp="RuntimeDefault")
IPC_LOCK, SYS_NICE = 14, 23
# CycloneDDS never ends by itself where it may not send what it has to.
DDSPERF = ("/bin/timeout", "-s", "KILL", "20", "/usr/bin/ddsperf")
PONG = (*DDSPERF, "-D", "8", "-Q", "minmatch:1", "pong")
PING = (*DDSPERF, "-D", "5", "-Q", "minmatch:1", "-Q", "roundtrips:1", "ping", "10Hz")
ATTACKS = {
    "mount": "EPERM", "ptrace": "EPERM", "unshare-user": "EPERM", "clone-user": "EPERM",
    "mknod": "EPERM", "bpf": "EPERM", "raw-socket": "EPERM", "chown=/tmp": "EPERM",
    "mount-setattr": "EPERM", "new-mount": "EPERM", "io-uring": "EPERM", "pidfd-getfd": "EPERM",
    "process-vm-readv": "EPERM", "no-new-privs": "EACCES", "write=/etc/attack": "EROFS", "write=/tmp/attack": "ok"}
ALL_BUT_PRELOAD = {**ALL_APPLIED, "preload": "skipped"}


@pytest.fixture(scope="module")
def prepared(node, installed):
    """The bundles, and an image with programs of Debian."""
    files = packages.files(
        ("nginx", "curl", "cyclonedds-tools", "util-linux"),
        ("/usr/sbin/nginx", "/usr/bin/curl", "/usr/bin/ddsperf", "/usr/bin/chrt"))
    realtime = images.compile_c((WORKLOAD / "realtime.c").read_text(),
                                ("-static", "-std=gnu17", "-D_GNU_SOURCE"))
    node.load_image(images.busybox({
        **files, "/bin/attack": attack_program("-static"), "/bin/realtime": realtime,
        "/etc/nginx.conf": NGINX_CONFIG, "/srv/index.html": b"served\n"}, IMAGE))
    for name in BUNDLES:
        install_shipped(installed, name)


@pytest.fixture
def shipped(prepared, vambrace, cri):  # pylint: disable=unused-argument
    """shipped(bundle) makes a pod with a bundle, for a `with`; None is a pod without Vambrace."""
    def pod(bundle, **options):
        if bundle is None:
            return cri.pod(handler=vambrace.plain_handler, **options)
        return cri.pod(handler="vambrace", annotations={"bundle.vambrace.dev": bundle}, **options)
    return pod


def run_attacks(cri, pod):
    """{attempt: result} of the hostile workload."""
    result = cri.run_container(pod, "main", IMAGE, ["/bin/attack", *ATTACKS],
                               security=GENEROUS).wait()
    assert result.exit_code == 0, result
    return parse_attempts(result.stdout)


def sleeper(cri, pod, security):
    """A running container that does nothing."""
    return cri.run_container(pod, "main", IMAGE, ["/bin/sleep", "1000"], security=security)


def grant_real_time(pid):
    """With CONFIG_RT_GROUP_SCHED and cgroup v1 a group has no share of real time until somebody
    gives it one, from the root down; otherwise not even capabilities help."""
    lines = pathlib.Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii").splitlines()
    group = next((line.split(":", 2)[2] for line in lines if "cpu" in line.split(":")[1].split(",")),
                 "/")
    path = next((hierarchy.mountpoint for hierarchy in cgroups.hierarchies()
                 if "cpu" in hierarchy.options.split(",")), None)
    names = pathlib.PurePath(group).parts[1:]
    for index, name in enumerate(names, 1):
        path = path / name
        share = path / "cpu.rt_runtime_us"
        if share.exists():
            # The groups of pods that are gone may still have theirs, and other nodes have some of the
            # machine's 950000.
            share.write_text("10000" if index > len(names) - 2 else "200000", encoding="ascii")


def control_loop(cri, pod):
    """{step: result} of a control loop's beginnings, in a container that may have real time."""
    container = sleeper(cri, pod, REAL_TIME)
    grant_real_time(container.pid)
    result = container.exec(["/bin/realtime"])
    assert result.exit_code == 0, result
    chrt = container.exec(["/usr/bin/chrt", "--fifo", "50", "/bin/true"])
    assert (chrt.exit_code == 0) == ("fifo ok" in result.stdout), chrt
    return parse_attempts(result.stdout)


@pytest.mark.parametrize("bundle", ROS2)
def test_dds_finds_its_peer_by_multicast(cri, shipped, bundle):
    with shipped(bundle, host_network=False) as pod:
        pong = cri.run_container(pod, "pong", IMAGE, PONG)
        ping = cri.run_container(pod, "ping", IMAGE, PING)
        ends = ping.wait(30), pong.wait(30)
    assert [end.exit_code for end in ends] == [0, 0], ends


@pytest.mark.parametrize("bundle", [None, "ros2-realtime"])
def test_a_control_loop_gets_real_time_and_locked_memory(cri, shipped, bundle):
    with shipped(bundle) as pod:
        assert control_loop(cri, pod) == {
            "shared-memory": "ok", "system-v": "ok", "fifo": "ok", "mlockall": "ok"}


@pytest.mark.parametrize("bundle, system_v, locked", [("ros2-base", "ok", "ENOMEM"),
                                                      ("web-service", "EPERM", "EPERM")])
def test_real_time_is_denied_where_it_is_not_meant(cri, shipped, bundle, system_v, locked):
    with shipped(bundle) as pod:
        assert control_loop(cri, pod) == {
            "shared-memory": "ok", "system-v": system_v, "fifo": "EPERM", "mlockall": locked}


def test_of_all_capabilities_real_time_keeps_two(cri, shipped, vambrace):
    with shipped("ros2-realtime") as pod:
        container = sleeper(cri, pod, GENEROUS)
        status = process_status(container, "1")
        assert vambrace.layers(container.id) == ALL_BUT_PRELOAD
        limits = container.exec(["/bin/cat", "/proc/1/limits"]).stdout
    assert re.search(r"Max core file size +0 +0 ", limits), limits
    for name in ("CapBnd", "CapPrm", "CapEff"):
        assert int(status[name], 16) == 1 << IPC_LOCK | 1 << SYS_NICE


@pytest.mark.parametrize("bundle", [None, *BUNDLES])
def test_attacks_are_denied(cri, shipped, bundle):
    with shipped(bundle) as pod:
        assert run_attacks(cri, pod) == (ATTACKS if bundle else dict.fromkeys(ATTACKS, "ok"))


def test_nginx_serves_as_a_user_on_a_read_only_root(cri, shipped, vambrace):
    user = Security(run_as_user=1000, run_as_group=1000, seccomp="RuntimeDefault")
    with shipped("web-service", host_network=False) as pod:
        container = cri.run_container(pod, "main", IMAGE, [
            "/usr/sbin/nginx", "-e", "stderr", "-c", "/etc/nginx.conf"], security=user)
        assert vambrace.layers(container.id) == ALL_BUT_PRELOAD
        assert vambrace.outcome(container.id)["level"] == "full"
        fetch = ["/usr/bin/curl", "--silent", "--show-error", "--retry", "20", "--retry-delay", "1",
                 "--retry-connrefused", "http://127.0.0.1:8080/"]
        served = container.exec(fetch)
        assert served.stdout == "served\n", (served, container.logs())
        # What somebody does who got in.
        denied = container.exec(["/bin/sh", "-c", "echo x >/srv/index.html"])
        assert "Read-only file system" in denied.stderr
        dropped = container.exec(["/bin/sh", "-c", "cp /bin/busybox /tmp/sh && /tmp/sh true"])
        assert "Permission denied" in dropped.stderr
        assert container.exec(fetch).stdout == "served\n"
