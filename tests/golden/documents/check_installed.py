#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_installed.py CMAKE BUILD SOURCE: what documents tell to look at is installed with the programs:
every manual page, every bundle of deploy/bundles, and the starter profile."""
import pathlib
import subprocess
import sys
import tempfile

CMAKE, BUILD, SOURCE = sys.argv[1:]


def files(directory, pattern):
    """{path below the directory: content}."""
    return {str(path.relative_to(directory)): path.read_bytes()
            for path in directory.glob(pattern) if path.is_file()}


def main():
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([CMAKE, "--install", BUILD, "--prefix", name], check=True,
                       stdout=subprocess.DEVNULL)
        share = pathlib.Path(name) / "share"
        source = pathlib.Path(SOURCE)
        pages = {f"man{page[-1]}/{page}": text
                 for page, text in files(source / "docs/man", "*").items()}
        assert len(pages) > 3 and files(share / "man", "*/*") == pages
        bundles = {path: text for path, text in files(source / "deploy/bundles", "**/*").items()
                   if path != "kustomization.yaml"}
        assert "baseline/manifest.json" in bundles
        assert files(share / "vambrace/bundles", "**/*") == bundles
        assert (share / "vambrace/profiles/starter.json").exists()


main()
