#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""acceptance.py RESULTS-DIRECTORY: the shim's promises against the C libraries they were tested on.

Reads what the suites wrote (VB_RESULTS) and prints a table: a row for each promise of docs/shim.md,
a column for each libc. `ok` means that every test of the promise passed there; `-` that none of them
can run there, for one of the reasons in IMPOSSIBLE. Anything else is a failure.
"""

import json
import pathlib
import sys

# A part that a libc does not have, or that the emulator cannot do.
IMPOSSIBLE = (
    "an emulated program cannot execute another one",
    "the emulator has no execveat",
    "musl has no dlmopen",
    "musl does not look at the caller",
    "musl's sendmsg reads it",
    "musl sends any number",
    "glibc only",
    "musl only",
)

PROMISES = {
    "without a list, libc's results, errno and output": (
        "test_log.Unset",
        "test_environment.Sticky.test_an_unset_shim_adds_nothing",
        "test_connect.Lists.test_an_empty_list_is_no_list",
        "test_dlopen.Gate.test_an_empty_list_is_no_gate",
    ),
    "every exported function refuses once, with one line": (
        "test_entry.EveryExport",
        "test_exec.EveryEntryPoint",
    ),
    "a descriptor is refused by its canonical path": (
        "test_exec.EveryEntryPoint.test_fexecve_names_the_canonical_path",
        "test_exec.Unresolvable.test_a_file_in_memory_is_refused_by_its_name",
    ),
    "an exec without a path is refused": ("test_exec.Unresolvable",),
    "a missing program is the kernel's error, without a line": (
        "test_exec.Resolution.test_a_missing_program_is_enoent_without_a_line",
        "test_exec.Resolution.test_a_file_as_a_directory_is_enotdir_without_a_line",
        "test_exec.Resolution.test_a_path_that_is_too_long_is_enametoolong_without_a_line",
        "test_exec.Resolution.test_a_symlink_loop_is_eloop_without_a_line",
    ),
    "a link to a listed program runs, a listed link does not": (
        "test_exec.Resolution.test_a_symlink_to_a_listed_program_runs",
        "test_exec.Resolution.test_a_listed_symlink_to_an_unlisted_program_is_refused",
    ),
    "the first existing candidate of PATH decides": ("test_exec.Search",),
    "connections are judged by address and port": (
        "test_connect.Refused",
        "test_connect.Passing",
    ),
    "connections keep the kernel's errors": ("test_connect.KernelErrors",),
    "sendmmsg stops in front of a refused message": ("test_send.Several",),
    "a refused library leaves NULL, EPERM and a dlerror": (
        "test_dlopen.Gate.test_an_unlisted_file_is_denied",
        "test_dlopen.Audit.test_a_denied_load_has_both_lines",
    ),
    "dlopen(NULL) passes, a trailing colon is tolerated": (
        "test_dlopen.Gate.test_the_program_itself_passes_unaudited",
        "test_dlopen.Gate.test_a_trailing_colon_is_tolerated",
    ),
    "the list picks the file of a bare library name": ("test_dlopen.BareName",),
    "RPATH, RUNPATH and $ORIGIN keep working": ("test_dlopen.Caller",),
    "namespaces of dlmopen are gated": ("test_dlmopen.Namespace",),
    "audit names a loaded library by its absolute path": (
        "test_dlopen.Audit.test_a_loaded_bare_name_is_told_by_its_absolute_path",
    ),
    "loopback passes, also mapped; 0.0.0.0 and :: do not": (
        "test_connect.Passing.test_loopback_passes_a_list_of_none",
        "test_connect.Refused.test_the_unspecified_addresses_are_not_loopback",
    ),
    "an entry below /bin means /usr/bin": (
        "test_exec.Resolution.test_an_entry_below_bin_means_usr_bin",
    ),
    "denials name what was asked for, audit what it is": (
        "test_log.Form.test_an_execution_is_audited_by_its_canonical_path",
    ),
    "datagrams are gated, limited in their lines, and can be let pass": (
        "test_send.Refused",
        "test_send.Lines",
        "test_send.Passing.test_datagrams_pass_where_the_bundle_lets_them",
    ),
    "a full stderr never blocks, lost lines are counted": ("test_log.Stderr",),
    "a malformed entry is skipped, a list of them denies all": (
        "test_connect.Lists.test_a_malformed_entry_is_skipped_with_one_warning",
        "test_connect.Lists.test_a_list_without_a_valid_entry_refuses_everything",
        "test_dlopen.Gate.test_a_malformed_entry_is_skipped_with_one_warning",
    ),
    "no path forges a line": (
        "test_log.Form.test_a_newline_in_a_path_cannot_begin_a_line",
        "test_dlopen.Gate.test_a_line_cannot_be_forged_by_a_name",
    ),
    "children keep the policy, whatever becomes of their environment": (
        "test_environment.Sticky",
    ),
    "it works without /proc": ("test_environment.WithoutProc",),
    "libc's syscall() is gated likewise": ("test_syscall.Gated",),
    "what changes during the call reaches nothing refused": (
        "test_connect.Races",
        "test_send.Races",
        "test_environment.Races",
        "test_dlopen.Race",
    ),
}


def load(directory):
    """{runtime: {test: outcome}}."""
    runtimes = {}
    for file in sorted(directory.glob("*.json")):
        runtime = file.name.rsplit(".", 2)[0]
        runtimes.setdefault(runtime, {}).update(json.loads(file.read_text()))
    return runtimes


def is_impossible(outcome):
    return outcome.removeprefix("skipped: ").strip("'") in IMPOSSIBLE


def judge(outcomes, names):
    """`ok`, `-`, or what is wrong."""
    found = {test: outcome for test, outcome in outcomes.items()
             for name in names if test == name or test.startswith(name + ".")}
    missing = [name for name in names
               if not any(test == name or test.startswith(name + ".") for test in found)]
    if missing:
        return f"not run: {missing[0]}"
    wrong = [test for test, outcome in found.items()
             if outcome != "passed" and not is_impossible(outcome)]
    if wrong:
        return f"{wrong[0]} {found[wrong[0]]}"
    return "ok" if "passed" in found.values() else "-"


def main():
    (directory,) = sys.argv[1:]
    runtimes = load(pathlib.Path(directory))
    width = max(map(len, PROMISES))
    problems = [] if runtimes else ["no results"]
    for number, runtime in enumerate(runtimes):
        print(f"{chr(ord('A') + number)} = {runtime} ({len(runtimes[runtime])} tests)")
    print(f"{'':{width}}  " + "  ".join(chr(ord("A") + i) for i in range(len(runtimes))))
    for promise, names in PROMISES.items():
        verdicts = {runtime: judge(outcomes, names) for runtime, outcomes in runtimes.items()}
        cells = {"ok": "ok", "-": "- "}
        print(f"{promise:{width}}  " + " ".join(cells.get(v, "NO") for v in verdicts.values()))
        problems += [f"{runtime}: {promise}: {verdict}" for runtime, verdict in verdicts.items()
                     if verdict not in cells]
        if runtimes and "ok" not in verdicts.values():
            problems.append(f"nowhere: {promise}")
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
