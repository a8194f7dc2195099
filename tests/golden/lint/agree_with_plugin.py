#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""agree_with_plugin.py VAMBRACE...: lints every bundle of the golden suites.

What the plugin would refuse in a pod that names the bundle and asks for nothing else must not be
called fine, and what it takes must have no error, but for rules of profiles that runtimes drop. How
the plugin decides is asked from `vambrace explain`, which takes the same steps.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

SUITES = pathlib.Path(__file__).parent.parent

POD = """
apiVersion: v1
kind: Pod
metadata: {name: lint, namespace: default, annotations: {bundle.vambrace.dev: %s}}
spec: {runtimeClassName: vambrace, containers: [{name: lint, image: none}]}
"""


def run(program, *arguments, **options):
    return subprocess.run(
        [*program, *arguments], stdout=subprocess.PIPE, check=False, text=True, **options
    )


def name_in(manifest):
    try:
        name = json.loads(manifest.read_bytes())["name"]
    except (ValueError, TypeError, KeyError):
        return "arm"
    return name if isinstance(name, str) and name and "/" not in name else "arm"


def collect(work):
    """Copies of all bundles, each alone in a directory, under the name that it says it has."""
    for number, manifest in enumerate(sorted(SUITES.glob("**/manifest.json"))):
        directory = work / str(number)
        bundle = directory / name_in(manifest)
        bundle.mkdir(parents=True)
        shutil.copy(manifest, bundle)
        if (manifest.parent / "profiles").is_dir():
            shutil.copytree(manifest.parent / "profiles", bundle / "profiles")
        yield manifest, bundle
    for number, tar in enumerate(sorted(SUITES.glob("**/bundles/*.tar"))):
        directory = work / f"tar{number}"
        directory.mkdir()
        yield tar, pathlib.Path(shutil.copy(tar, directory))


def is_refused(program, bundle):
    explained = run(
        program,
        *("explain", "-", "--json", "--bundles", bundle.parent),
        *("--node-config", SUITES / "explain" / "node.json"),
        input=POD % bundle.name.removesuffix(".tar"),
    )
    [pod] = json.loads(explained.stdout)["pods"]
    return pod["containers"][0]["verdict"] == "refused"


def main():
    program = sys.argv[1:]
    counts = {True: 0, False: 0}
    with tempfile.TemporaryDirectory() as work:
        for origin, bundle in collect(pathlib.Path(work)):
            refused = is_refused(program, bundle)
            linted = run(program, "lint", "--json", bundle)
            [report] = json.loads(linted.stdout)["bundles"]
            errors = [
                found
                for found in report["findings"]
                if found["level"] == "error" and "profiles/" not in found["file"]
            ]
            assert linted.returncode == (0 if report["fine"] else 1), origin
            assert not (refused and report["fine"]), f"{origin}: refused, but fine"
            assert refused or not errors, f"{origin}: taken, but {errors}"
            counts[refused] += 1
    print(f"{counts[True]} refused and {counts[False]} taken bundles are judged as the plugin does")
    assert min(counts.values()) >= 40, counts


main()
