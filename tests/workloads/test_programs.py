# SPDX-License-Identifier: Apache-2.0
"""Real programs under the lists that were derived from their own runs."""
import pytest

import derive
from room import join, policy

PIPELINE = ("videotestsrc num-buffers=20 ! video/x-raw,width=64,height=48 ! videoconvert ! "
            "videoscale ! jpegenc ! jpegdec ! fakesink").split()
EXTENSIONS = """
import _ctypes, _decimal, _hashlib, bz2, lzma, sqlite3, ssl, zlib
import lxml.etree, yaml
print(lxml.etree.tostring(lxml.etree.fromstring("<a><b/></a>")))
print(yaml.load("a: [1, 2]", Loader=yaml.CSafeLoader))
print(sqlite3.connect(":memory:").execute("select 6 * 7").fetchone())
print(ssl.create_default_context().verify_mode)
"""
# CycloneDDS never ends by itself where it may not send what it has to.
DDSPERF = ("timeout", "--signal=KILL", "10", "ddsperf")
MULTICAST = ("--cidr", "239.255.0.0/16", "--cidr", "10.42.0.0/24", "--any-port")


def test_a_gstreamer_pipeline_runs_under_its_lists(loop):
    lists, recorded, _ = loop(["gst-launch-1.0", "-q", *PIPELINE])
    assert recorded.status == 0
    plugins = [path for path in lists["dlopen"] if "/gstreamer-1.0/" in path]
    assert len(plugins) > 50
    assert [path.rsplit("/", 1)[1] for path in lists["exec"]] == ["gst-plugin-scanner"]


def test_a_pipeline_without_one_of_its_plugins_is_told_so(loop, fresh):
    lists, _, _ = loop(["gst-launch-1.0", "-q", *PIPELINE])
    lists["dlopen"] = [path for path in lists["dlopen"] if not path.endswith("/libgstjpeg.so")]
    run = fresh(["gst-launch-1.0", "-q", *PIPELINE], policy(lists))
    assert run.status != 0
    assert any("libgstjpeg.so) denied" in line for line in run.shim), run


def test_c_extensions_of_python_load_under_their_lists(loop):
    lists, recorded, _ = loop(["python3", "-c", EXTENSIONS])
    assert recorded.status == 0 and b"(42,)" in recorded.output
    assert any("/lxml/etree.cpython" in path for path in lists["dlopen"])
    assert lists["exec"] == [] and lists["connect"] == []


def test_a_plugin_of_class_loader_loads_under_its_list(loop):
    lists, recorded, _ = loop(["/mnt/loader", "/mnt/plugin.so"])
    assert recorded.output == b"SoftGripper: closed softly\n"
    assert "/mnt/plugin.so" in lists["dlopen"]


def test_a_denied_plugin_of_class_loader_is_an_exception_that_can_be_read(fresh):
    run = fresh(["/mnt/loader", "/mnt/plugin.so"], policy({"dlopen": []}))
    assert run.status == 1
    assert b"denied by AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST" in run.output, run
    assert run.shim == [
        "autonomy-preload: dlopen(/mnt/plugin.so) denied by AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST"]


def over_loopback(new_room, variables):
    """A ping and a pong of DDS in one room. Returns both runs."""
    with new_room() as room:
        return talk(room, room, variables)


def over_veth(new_room, variables):
    with new_room() as one, new_room() as other:
        join(one, other)
        return talk(one, other, variables)


def talk(one, other, variables):
    """Succeeds only when both met, by multicast, and pings came back."""
    pong = other.start([*DDSPERF, "-D", "6", "-Q", "minmatch:1", "pong"], variables)
    ping = one.run([*DDSPERF, "-D", "4", "-Q", "minmatch:1", "-Q", "roundtrips:1", "ping", "10Hz"],
                   variables)
    return ping, other.finish(pong)


@pytest.mark.parametrize("way", [over_loopback, over_veth])
def test_cyclonedds_talks_under_its_lists(way, new_room, vambrace, tmp_path):
    recorded = way(new_room, policy(audit=derive.AUDIT))
    assert [run.status for run in recorded] == [0, 0], recorded
    lists = derive.lists_from(vambrace, tmp_path, [run.log for run in recorded], MULTICAST)
    assert "239.255.0.0/16:*" in lists["connect"], lists
    enforced = way(new_room, policy(lists, derive.AUDIT))
    assert [run.status for run in enforced] == [0, 0], enforced
    assert [run.denials for run in enforced] == [[], []], enforced
    # The gate is really in the way of it.
    deaf = way(new_room, policy({"connect": ["10.42.0.0/24:*"]}))
    assert all(run.status != 0 for run in deaf), deaf
    assert any("sendmsg(239.255.0.1:" in line for line in deaf[0].shim), deaf
