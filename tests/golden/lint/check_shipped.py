#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_shipped.py BUNDLES: the profiles of the shipped bundles are as their README has it: those of
the ROS 2 bundles are baseline's, and web-service's is baseline's with fewer calls allowed."""
import json
import pathlib
import sys


def rules(path):
    """(calls allowed, calls denied with EPERM, all the rest of the profile)."""
    profile = json.loads(path.read_text())
    *others, allowed = profile["syscalls"]
    denied, *between = others
    assert allowed.pop("action") == "SCMP_ACT_ALLOW" and "args" not in allowed
    assert denied.pop("errnoRet") == 1 and "args" not in denied
    names = set(allowed.pop("names")), set(denied.pop("names"))
    profile["syscalls"] = [denied, *between, allowed]
    return *names, profile


def main():
    bundles = pathlib.Path(sys.argv[1])
    baseline = bundles / "baseline/profiles/baseline.json"
    for name in ("ros2-base", "ros2-realtime"):
        copy = bundles / name / "profiles/baseline.json"
        assert copy.read_bytes() == baseline.read_bytes(), f"{copy} is not {baseline}"
    allowed, denied, rest = rules(baseline)
    fewer, more, same = rules(bundles / "web-service/profiles/web-service.json")
    assert same == rest
    assert fewer < allowed, fewer - allowed
    assert more == denied | (allowed - fewer), more ^ (denied | (allowed - fewer))


main()
