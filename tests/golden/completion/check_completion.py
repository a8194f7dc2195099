#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_completion.py CMAKE BUILD VAMBRACE: completes command lines as bash would.

The completion is the one that CMake installs. Each case is what was typed, the last word being the
one that TAB was pressed in.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

CMAKE, BUILD, VAMBRACE = sys.argv[1:]

# Calls the function that is registered, as bash does: program, word, word before it.
CALL = """
set -u
source "$1" && shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
[[ $(complete -p vambrace) =~ -F\\ ([a-z_]+) ]] || exit 3
"${BASH_REMATCH[1]}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}"
"""


def install(prefix):
    command = [CMAKE, "--install", BUILD, "--prefix", prefix, "--component", "vambrace"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return prefix / "share/bash-completion/completions/vambrace"


def main():
    with tempfile.TemporaryDirectory() as work:
        script = install(pathlib.Path(work) / "installed")
        place = pathlib.Path(work) / "place"
        (place / "root").mkdir(parents=True)
        (place / "rules.json").touch()
        (place / "two words").touch()
        check_all(lambda *words: complete(script, place, words))


def complete(script, place, words):
    run = subprocess.run(
        ["bash", "--norc", "-c", CALL, "bash", script, VAMBRACE, *words],
        cwd=place,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        text=True,
    )
    assert run.stderr == "", run.stderr
    return run.stdout.splitlines()


def help_of(*command):
    return subprocess.run([VAMBRACE, *command, "--help"], stdout=subprocess.PIPE, text=True).stdout


def commands():
    listed = help_of().split("Commands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in listed.splitlines()]


def refuses(command, option):
    run = subprocess.run(
        [VAMBRACE, command, option, "--help"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return "unknown option" in run.stderr


def check_options(tab, command):
    offered = tab(command, "-")
    described = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", help_of(command), re.MULTILINE)
    assert offered == described and "--help" in offered, (command, offered)
    for option in offered:
        assert not refuses(command, option), (command, option)
        assert option in tab(command, option[:4]), (command, option)


def check_all(tab):
    assert tab("") == [*commands(), "--help", "--version"], tab("")
    assert {"explain", "lint", "doctor", "status", "seccomp", "derive"} <= set(commands())
    for command in commands():
        assert command in tab(command[:2]), command
        check_options(tab, command)
    files = ["root", "rules.json", "two words"]
    cases = {
        ("nonsense", ""): [],
        ("lin",): ["lint"],
        ("derive", ""): ["dlopen", "exec", "connect"],
        ("derive", "d"): ["dlopen"],
        ("derive", "exec", "r"): ["root", "rules.json"],
        ("seccomp", "si"): ["simulate"],
        ("seccomp", "show", "s"): ["starter"],
        ("seccomp", "show", ""): ["starter", *files],
        ("seccomp", "show", "--kernel", ""): [],
        ("lint", ""): files,
        ("lint", "two"): ["two words"],
        ("lint", "--rootfs", ""): ["root"],
        ("lint", "--rootfs", "=", ""): ["root"],
        ("lint", "--rootfs", "="): ["root"],
        ("lint", "--rootfs", "root", "ru"): ["rules.json"],
        ("lint", "--node-config", "ru"): ["rules.json"],
        ("lint", "-n", ""): [],
        ("explain", "--bundles", "ro"): ["root"],
        ("derive", "exec", "a.log", "--into", "ru"): ["rules.json"],
        ("doctor", ""): [],
        ("status", ""): [],
        ("status", "--state", ""): ["root"],
    }
    for words, expected in cases.items():
        offered = tab(*words)
        assert sorted(offered) == sorted(expected), (words, offered)
    print(f"{len(cases)} lines and the options of {len(commands())} commands complete")


main()
