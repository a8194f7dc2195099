# SPDX-License-Identifier: Apache-2.0
"""What the preload shim costs, against the same calls without it, in one run.

    VAMBRACE_BUILD=build/release /usr/bin/python3 tests/bench/shim.py [--processes 3] [--calls 500]

Each figure comes from pairs of slices in one process, by libc's own function and through the shim;
of a program's start, from pairs of starts: with the shim, and with a preloaded library that does
nothing, both with the lists in the environment. The first dlopen, of a library that is loaded
already, is set against the next one of the same process, both through the shim. Lists of N entries
hold what is asked for. Prints medians, differences and ratios; passes no judgement.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

_HERE = pathlib.Path(__file__).resolve().parent
SIZES = (0, 10, 100, 1000)
CONNECT = "AUTONOMY_PRELOAD_CONNECT_ALLOWLIST"
EXEC = "AUTONOMY_PRELOAD_EXEC_ALLOWLIST"
DLOPEN = "AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST"


def connect_list(size, last):
    """Networks of several prefix lengths, none of which holds what is asked for, then `last`."""
    shapes = ("10.{}.{}.7:443", "10.{}.{}.0/24:*", "172.16.{}.{}:8080", "192.{}.{}.64/28:53",
              "[2001:db8:{:x}:{:x}::1]:443", "[fd00:{:x}:{:x}::/64]:*")
    entries = [shapes[i % len(shapes)].format(50 + i % 150, i // 150 + i % 7)
               for i in range(size - 1)]
    return ",".join(entries + [last])


def path_list(size, last, suffix=""):
    """Paths as they are in images, then `last`."""
    return ":".join([f"/opt/app/lib/component-{i}/bin/program-{i}{suffix}"
                     for i in range(size - 1)] + [last])


class Bench:
    """The built programs, and the file and library that calls are made with."""

    def __init__(self, build, directory, processes):
        self.worker = build / "tests/bench/bench_shim_calls"
        self.shim = build / "shim/libautonomy_preload.so"
        self.empty = build / "tests/bench/libbench_shim_empty.so"
        self.processes = processes
        self.file = f"{directory}/no-program"
        pathlib.Path(self.file).touch(mode=0o644)
        libraries = "/lib/x86_64-linux-gnu" if os.path.exists("/lib/x86_64-linux-gnu") else (
            "/lib/aarch64-linux-gnu")
        self.library = os.path.realpath(f"{libraries}/libm.so.6")
        # The worker asks for it by its bare name, for the functions that are not the shim's.
        self.libc = f"{libraries}/libc.so.6"

    def lists(self, size):
        """The environment of lists with this many entries; 0 is none."""
        if size == 0:
            return {}
        return {CONNECT: connect_list(size, "10.42.0.5:443"),
                EXEC: path_list(size, self.file),
                DLOPEN: f"{self.libc}:" + path_list(size - 1, self.library, ".so")}

    def calls(self, count):
        """(call, how often in a slice, its argument, its list, the last entry where it differs)."""
        return (("connect", count, None, CONNECT, None),
                ("connect6", count, None, CONNECT, "[2001:db8::1]:443"),
                ("sendto", count, None, CONNECT, None),
                ("sendmsg", count, None, CONNECT, None),
                ("execve", count // 4, self.file, EXEC, None),
                ("dlopen", count // 4, self.library, DLOPEN, None),
                ("syscall", count, None, CONNECT, None))

    def medians(self, words, variables):
        """(without the shim, what the shim adds), in nanoseconds."""
        output = subprocess.run([str(self.worker)] + [str(word) for word in words], check=True,
                                env=variables, stdout=subprocess.PIPE, text=True).stdout
        return tuple(map(float, output.split()))

    def call(self, call, count, argument, variables):
        """The medians over several processes."""
        words = [call, count] + ([argument] if argument else [])
        runs = [self.medians(words, {"LD_PRELOAD": str(self.shim), **variables})
                for _ in range(self.processes)]
        return tuple(map(statistics.median, zip(*runs)))

    def first_load(self, runs, variables):
        """(a call that is not the first, what the first one of a process adds)."""
        return self.medians(["first-dlopen", runs, self.libc],
                            {"LD_PRELOAD": str(self.shim), **variables})

    def start(self, runs, library, variables):
        """The same for the start of a program with this library preloaded."""
        given = {"LD_PRELOAD": str(library), **variables}
        return self.medians(["start", runs, "/usr/bin/true"],
                            {f"BENCH_{name}": value for name, value in given.items()})


def print_row(name, unit, cells):
    """cells: one (without, difference) for each list size."""
    print(f"{name:14} {cells[0][0]:8.0f} {unit}" + "".join(
        f"   {difference:+8.1f} x{1 + difference / plain:6.3f}" for plain, difference in cells))


def run(bench, calls, starts):
    """Prints the table."""
    head = "".join(f"{'unset' if size == 0 else f'{size} entries':>19}" for size in SIZES)
    print(f"{'':14} {'without':>11}{head}")
    for call, count, argument, variable, last in bench.calls(calls):
        cells = []
        for size in SIZES:
            lists = {name: value for name, value in bench.lists(size).items() if name == variable}
            if size and last:
                lists[CONNECT] = connect_list(size, last)
            cells.append(bench.call(call, count, argument, lists))
        print_row(call, "ns", cells)
    cells = [bench.first_load(starts // 10, bench.lists(size)) for size in SIZES]
    print_row("first dlopen", "us", [(again / 1e3, cost / 1e3) for again, cost in cells])
    for name, library in (("process start", bench.shim), ("empty library", bench.empty)):
        cells = [bench.start(starts, library, bench.lists(size)) for size in SIZES]
        print_row(name, "us", [(plain / 1e3, cost / 1e3) for plain, cost in cells])


def enter_network():
    """Moves this process into a network namespace whose loopback has the addresses asked for."""
    if os.environ.get("VB_IN_NETWORK") != "1":
        os.environ["VB_IN_NETWORK"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable] + sys.argv)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "addr", "add", "10.42.0.5/32", "dev", "lo"], check=True)
    subprocess.run(["ip", "addr", "add", "2001:db8::1/128", "dev", "lo", "nodad"], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--calls", type=int, default=500, help="in each slice")
    parser.add_argument("--starts", type=int, default=2000)
    arguments = parser.parse_args()
    enter_network()
    build = pathlib.Path(os.environ.get("VAMBRACE_BUILD", "build/release")).resolve()
    with tempfile.TemporaryDirectory(prefix="vb-bench-") as directory:
        run(Bench(build, directory, arguments.processes), arguments.calls, arguments.starts)


if __name__ == "__main__":
    main()
