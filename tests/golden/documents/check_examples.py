#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_examples.py VAMBRACE SOURCE-DIR: what documents show for copying is taken by the program: node
configs and bundles of docs/contracts.md. A pod that the tutorial shows is the one that it runs."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

VAMBRACE, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
POD = SOURCE / "docs/tutorial/1-plain.yaml"


def blocks(document, language):
    text = (SOURCE / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```\n", text, re.M | re.S)


def run(*arguments):
    result = subprocess.run([VAMBRACE, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, (arguments, result.stdout, result.stderr)


def check_json(room, example):
    """What kind of file it is, by its keys; the name of the kind."""
    text = example.replace("<64 hex>", "0" * 64)
    shown = json.loads(text)
    if shown.get("kind") == "bundle":
        manifest = room / shown["name"] / "manifest.json"
        manifest.parent.mkdir()
        manifest.write_text(text)
        run("lint", manifest.parent)
        return "bundle"
    if "handlers" in shown:
        assert all(entry["runtime"].startswith("/") for entry in shown["handlers"].values())
        return "oci.json"
    (room / "config.json").write_text(text)
    run("explain", POD, "--node-config", room / "config.json")
    return "rules" if list(shown) == ["rules"] else "node config"


def main():
    with tempfile.TemporaryDirectory() as room:
        kinds = [check_json(pathlib.Path(room), example)
                 for example in blocks("docs/contracts.md", "json")]
    assert sorted(kinds) == ["bundle", "node config", "oci.json", "rules"], kinds
    pods = [path.read_text() for path in (SOURCE / "docs/tutorial").glob("*.yaml")]
    shown = blocks("docs/tutorial.md", "yaml")
    assert shown and all(any(block in pod for pod in pods) for block in shown), shown


main()
