# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the workloads: real programs of Debian, each run in rooms of its own (room.py)."""
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "live"))

import derive  # noqa: E402 (the path comes first)
import room as rooms  # noqa: E402
import root  # noqa: E402


def pytest_configure():
    if os.geteuid() != 0:
        raise pytest.UsageError("the workloads run in namespaces of their own and need root")


@pytest.fixture(scope="session")
def build():
    return pathlib.Path(os.environ["VAMBRACE_BUILD"]).resolve()


@pytest.fixture(scope="session")
def vambrace(build):
    return build / "plugin/cli/vambrace"


@pytest.fixture(scope="session")
def system():
    """The root of the workloads."""
    return root.ensure()


@pytest.fixture(scope="session")
def programs(system, tmp_path_factory):
    """Our own workloads, built against the root's libraries; /mnt in a room."""
    directory = tmp_path_factory.mktemp("programs")
    libraries = system / "usr/lib/x86_64-linux-gnu"
    flags = ["-std=c++17", "-O1", f"-L{libraries}", f"-Wl,-rpath-link,{libraries}"]
    for name in ("class_loader", "rcpputils", "rcutils", ""):
        flags += ["-idirafter", system / "usr/include" / name]
    plugins = ["-lclass_loader", "-lconsole_bridge", "-lrcpputils"]
    for name, options in (("spawn", []), ("plugin.so", ["-fPIC", "-shared", *plugins]),
                          ("loader", plugins)):
        source = HERE / "programs" / f"{name.removesuffix('.so')}.cpp"
        subprocess.run(["g++", *flags, source, "-o", directory / name, *options], check=True)
    (directory / "build.xml").write_text((HERE / "programs/build.xml").read_text())
    return directory


@pytest.fixture(scope="session")
def new_room(build, system, programs):
    """new_room() makes a room, for a `with`."""
    return lambda: rooms.room(system, build / "shim/libautonomy_preload.so", programs)


@pytest.fixture(scope="session")
def fresh(new_room):
    """fresh(arguments, variables) runs a program in a room that nobody was in before."""
    def run(arguments, variables=None):
        with new_room() as room:
            return room.run(arguments, variables)
    return run


@pytest.fixture
def loop(vambrace, fresh, tmp_path):
    """loop(arguments) records, derives and enforces (derive.py); each round in a fresh room."""
    def run(arguments):
        return derive.loop(vambrace, tmp_path, lambda variables: fresh(arguments, variables))
    return run
