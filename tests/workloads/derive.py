# SPDX-License-Identifier: Apache-2.0
"""The loop of docs/shim.md: run with audit, derive the lists, run under them with audit on."""
import json
import os
import subprocess

from room import LISTS, policy

AUDIT = tuple(LISTS)
_PLACES = {"dlopen": ("dlopen_allowlist", "paths"), "exec": ("hardening", "preload", "exec_allowlist"),
           "connect": ("hardening", "preload", "connect_allowlist")}


def lists_from(vambrace, directory, logs, connect=()):
    """What `vambrace derive --into` makes of the logs, as the bundle's lists.

    A list for which a workload gives no entry is empty, which denies everything.
    """
    manifest = directory / "manifest.json"
    manifest.write_text('{"kind": "bundle", "schema_version": "1.6", "name": "workload", '
                        '"version": "0.1.0", "note": "stays"}\n')
    files = []
    for number, log in enumerate(logs):
        files.append(os.fspath(directory / f"run-{number}.log"))
        (directory / f"run-{number}.log").write_bytes(log)
    lists = {}
    for name, place in _PLACES.items():
        options = list(connect) if name == "connect" else []
        derived = subprocess.run(
            [vambrace, "derive", name, *files, "--into", manifest, "--json", *options],
            capture_output=True, text=True, check=False)
        assert derived.returncode in (0, 1), derived.stderr
        report = json.loads(derived.stdout)
        if report["entries"]:
            assert derived.returncode == 0, derived.stdout
        else:
            assert not report["left_out"] and not report["dropped"], derived.stdout
        value = json.loads(manifest.read_text())
        for key in place:
            value = value.get(key, {})
        lists[name] = value or []
    assert json.loads(manifest.read_text())["note"] == "stays"
    return lists


def assert_nothing_missing(recorded, enforced):
    """No denial but of a library that had not been there to load either: a list has no such names."""
    others = [line for line in enforced.denials
              if not any(f'"{name}"' in line or f"({name})" in line for name in recorded.failed)]
    assert others == [], enforced


def loop(vambrace, directory, run, connect=()):
    """run(variables) gives the `Run` of one round. Returns the lists and both audited rounds, and
    asserts that under the lists nothing is denied, the same libraries are loaded, and the workload
    is unharmed.
    """
    plain = run({})
    recorded = run(policy(audit=AUDIT))
    assert not recorded.denials, recorded
    lists = lists_from(vambrace, directory, [recorded.log], connect)
    enforced = run(policy(lists, AUDIT))
    assert_nothing_missing(recorded, enforced)
    assert enforced.loaded == recorded.loaded
    assert (enforced.status, recorded.status) == (plain.status, plain.status), enforced
    assert enforced.output == plain.output, enforced
    return lists, recorded, enforced
