#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""libcs.py FILE: fetches C libraries of several Debian suites for the tests of the shim.

Unpacks each, with its headers, below the cache (keyed by suite, architecture and version), and
writes a CMake file that calls vb_add_shim_libc() for each of them. Nothing is installed. What cannot
be had is left out, and said so: on stderr, and as a skipped test.
"""

import collections
import concurrent.futures
import dataclasses
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.fspath(pathlib.Path(__file__).parents[1] / "live"))
from vbnode import mirror, trees  # noqa: E402
from vbnode.roots import cache_dir  # noqa: E402

# glibc 2.31, 2.36, 2.41 and 2.43, musl 1.2.3 and up; emulated, which takes longer, the ends.
NATIVE = (("glibc", ("bullseye", "bookworm", "trixie", "forky")),
          ("musl", ("bookworm", "trixie", "forky")))
EMULATED = (("glibc", ("bullseye", "forky")), ("musl", ("forky",)))
PACKAGES = {"glibc": ("libc6", "libc6-dev", "libgcc-s1", "linux-libc-dev"),
            "musl": ("musl", "musl-dev", "musl-tools")}
ARM64_QEMU = "/usr/bin/qemu-aarch64-static"


@dataclasses.dataclass(frozen=True)
class Machine:
    debian: str
    triplet: str
    compiler: str
    loader: str
    runner: str = ""


MACHINES = {
    "x86_64": Machine("amd64", "x86_64-linux-gnu", "gcc", "ld-linux-x86-64.so.2"),
    "aarch64": Machine("arm64", "aarch64-linux-gnu", "aarch64-linux-gnu-gcc",
                       "ld-linux-aarch64.so.1", ARM64_QEMU),
}


class Suites:
    """The suites that were asked so far."""

    def __init__(self):
        self.suites = {}
        self.locks = collections.defaultdict(threading.Lock)

    def get(self, name, architecture):
        key = f"{name}-{architecture}"
        with self.locks[key]:
            if key not in self.suites:
                self.suites[key] = mirror.Suite(name, cache_dir() / "apt" / key, architecture)
            return self.suites[key]


def ensure_libc(suites, suite, machine, kind):
    """The directory .../KIND-SUITE-ARCHITECTURE_VERSION with one C library unpacked."""
    packages = PACKAGES[kind]
    return trees.ensure("libcs", f"{kind}-{suite}-{machine.debian}",
                        lambda: suites.get(suite, machine.debian),
                        lambda offered: offered.versions(packages[:1])[packages[0]],
                        lambda offered, tree: unpack(offered, packages, tree))


def unpack(suite, packages, tree):
    trees.merge_usr(tree)
    with tempfile.TemporaryDirectory(dir=tree.parent) as scratch:
        for package in packages:
            trees.extract(suite.download(package, scratch), tree,
                          "--exclude=./usr/share/*", "--exclude=*/gconv/*")
    trees.stay_inside(tree)


def libraries(root, machine, kind):
    return root / "usr/lib" / machine.triplet.replace("gnu", "musl" if kind == "musl" else "gnu")


def glibc(root, machine):
    """Compiler flags, and what goes behind the sources, for programs of this glibc."""
    directory = libraries(root, machine, "glibc")
    own = gcc_file(machine, "include")
    compile_flags = ["-nostdinc", "-isystem", own, "-isystem", root / "usr/include" / machine.triplet,
                     "-isystem", root / "usr/include"]
    link_flags = [f"--sysroot={root}", f"-B{directory}", f"-L{directory}"]
    # DT_RPATH, which also holds for what libraries need.
    program_flags = [f"-Wl,--dynamic-linker={directory / machine.loader}",
                     f"-Wl,-rpath,{directory},--disable-new-dtags"]
    return compile_flags + link_flags, program_flags


def musl(root, machine):
    """The package's own specs, by which gcc links musl, with the paths of the unpacked one."""
    specs = root / "gcc.specs"
    text = (libraries(root, machine, "musl") / "musl-gcc.specs").read_text()
    text = re.sub("/(usr/include|usr/lib|lib)/(?=[a-z0-9_-]*musl)", rf"{root}/\1/", text)
    specs.write_text(text)
    return [f"-specs={specs}"], []


def gcc_file(machine, name):
    return subprocess.run([machine.compiler, f"-print-file-name={name}"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


def upstream(path):
    """2.31 of .../glibc-bullseye-amd64_2.31-13+deb11u11."""
    return path.name.rsplit("_", 1)[1].split("-")[0]


def main():
    (output,) = sys.argv[1:]
    wanted = [(suite, name, kind, native)
              for name in sorted(MACHINES, key=lambda name: name != platform.machine())
              for native in [name == platform.machine()]
              for kind, suites in (NATIVE if native else EMULATED)
              for suite in suites]
    suites = Suites()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        lines = pool.map(lambda what: describe(suites, *what), wanted)
        pathlib.Path(output).write_text("\n".join(lines) + "\n")


def quote(words):
    return '"' + ";".join(str(word) for word in words) + '"'


def describe(suites, suite, name, kind, native):
    """The lines of CMake for one C library."""
    machine = MACHINES[name]
    prefix = "" if native else {"aarch64": "arm64-", "x86_64": "x86-64-"}[name]
    if not native and not (machine.runner and os.path.exists(machine.runner)):
        return leave_out(f"{prefix}{kind}-{suite}", f"no emulator for {name}")
    if not shutil.which(machine.compiler):
        return leave_out(f"{prefix}{kind}-{suite}", f"no {machine.compiler}")
    try:
        root = ensure_libc(suites, suite, machine, kind)
    except (mirror.MirrorError, subprocess.CalledProcessError) as error:
        return leave_out(f"{prefix}{kind}-{suite}", str(error))
    flags, program_flags = (glibc if kind == "glibc" else musl)(root, machine)
    return (f"vb_add_shim_libc({prefix}{kind}-{upstream(root)} {machine.compiler}\n"
            f"\tLIBDIR {libraries(root, machine, kind)}\n"
            f"\tFLAGS {quote(flags)}\n\tPROGRAM {quote(program_flags)}\n"
            f"\tRUNNER {quote([] if native else [machine.runner])})")


def leave_out(runtime, reason):
    print(f"{runtime}: left out: {reason}", file=sys.stderr)
    return f'vb_skip_shim_suites({runtime} "{reason}")'


if __name__ == "__main__":
    main()
