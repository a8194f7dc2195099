# SPDX-License-Identifier: Apache-2.0
"""Tests as CMake has registered them for arm64, run on a machine that shares their directories."""
import dataclasses
import json
import pathlib
import shlex
import subprocess

from vbnode.system import build_directory

import guest

_LIMIT_S = 120
_RESULTS = "/run/registered"


@dataclasses.dataclass(frozen=True)
class Registered:
    """One test of CTest that passes by its exit code."""
    name: str
    command: tuple
    environment: tuple


def tests(label):
    """The tests of the arm64 build that have a label. The emulator that CMake puts before programs is
    left out: on the machine they need none."""
    build = build_directory(guest.ARCHITECTURE)
    listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1", "-L", f"^{label}$"],
                             capture_output=True, text=True, check=True).stdout
    return [_read(entry) for entry in json.loads(listing)["tests"]]


def _read(entry):
    properties = {item["name"]: item["value"] for item in entry["properties"]}
    words = list(entry["command"])
    for at, word in enumerate(words):
        if pathlib.PurePath(word).name.startswith("qemu-aarch64"):
            # qemu-aarch64 -L DIRECTORY
            del words[at:at + 3]
    return Registered(entry["name"], tuple(words), tuple(properties.get("ENVIRONMENT", [])))


def run(node, chosen):
    """Runs tests one after the other; returns {name: seconds} of those that passed and {name: output}
    of those that failed."""
    script = [f"rm -rf {_RESULTS}; mkdir {_RESULTS}; cd {_RESULTS}; export TMPDIR=/tmp"]
    for test in chosen:
        words = shlex.join(["env", *test.environment, *test.command])
        script.append(f"began=$(cut -d' ' -f1 /proc/uptime)\n"
                      f"timeout -s KILL {_LIMIT_S} {words} </dev/null >{test.name} 2>&1\n"
                      f"echo \"$? $began $(cut -d' ' -f1 /proc/uptime)\"")
    node.write(f"{_RESULTS}.sh", "\n".join(script) + "\n", 0o755)
    lines = node.run(["sh", f"{_RESULTS}.sh"], timeout_s=_LIMIT_S * len(chosen)).stdout.splitlines()
    passed, failed = {}, {}
    for test, line in zip(chosen, lines, strict=True):
        code, began, ended = line.split()
        if code == "0":
            passed[test.name] = float(ended) - float(began)
        else:
            output = node.read(f"{_RESULTS}/{test.name}")
            failed[test.name] = f"exit {code}: {output[-2000:]}"
    return passed, failed
