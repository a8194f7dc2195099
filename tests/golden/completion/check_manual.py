#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_manual.py VAMBRACE VAMBRACE-NRI MAN-DIRECTORY: the manual pages know the options of each
command, and of the plugin.

The help is printed from the tables that the options are read by, so it has all of them. Compared
are the tags in the command's section of vambrace(1), or in the OPTIONS of a page of its own, and
its synopsis, unless that says [OPTIONS]. No option may be missing and none made up.
"""
import pathlib
import re
import subprocess
import sys

VAMBRACE, PLUGIN, MAN = *sys.argv[1:3], pathlib.Path(sys.argv[3])
OF_EACH_COMMAND = "--help"


def help_of(*command, program=VAMBRACE):
    return subprocess.run([program, *command, "--help"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout


def plain(roff):
    """Dashes as they are typed, without fonts."""
    return re.sub(r"\\f[A-Z]", "", roff).replace("\\-", "-")


def split(page, macro):
    """{heading: text} of the parts that begin with the macro."""
    parts = re.split(rf"^\.{macro} (.*)$", page, flags=re.MULTILINE)
    return {heading.strip('"'): text for heading, text in zip(parts[1::2], parts[2::2])}


def options_in(text, letters):
    """The long names in a text, and those that its short ones stand for."""
    words = re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", text)
    return {letters.get(word, word) for word in words}


def described(part, letters):
    """Those of the tags, which are the lines behind .TP."""
    return options_in("\n".join(re.findall(r"^\.TP.*\n(.*)$", part, re.MULTILINE)), letters)


def synopsis(page, command):
    """The command's lines of the synopsis; of a page that has no other command, all of them."""
    lines = split(page, "SH")["SYNOPSIS"].split("\n.br\n")
    return "\n".join(line for line in lines if f"vambrace {command}" in line)


def check(command):
    """The number of options that the manual was asked for."""
    table = re.findall(r"^  (?:(-\w), )?(--[a-z-]+)", help_of(command), re.MULTILINE)
    letters = {letter: name for letter, name in table if letter}
    known = {name for _, name in table} - {OF_EACH_COMMAND}
    path = MAN / f"vambrace-{command}.8"
    page = plain((path if path.exists() else MAN / "vambrace.1").read_text())
    parts = split(page, "SH" if path.exists() else "SS")
    [part] = [text.split("\n.SH ")[0] for heading, text in parts.items()
              if heading == "OPTIONS" or heading.split()[0] == command]
    assert described(part, letters) == known, (
        f"{command}: the manual's and the program's options differ in "
        f"{sorted(described(part, letters) ^ known)}")
    for letter in letters:
        assert letter == "-h" or re.search(rf"^\.B.* ?{letter}\b", part, re.MULTILINE), (
            f"{command}: the manual does not have {letter}")
    short = synopsis(page, command)
    assert short, f"{command} is not in the synopsis"
    if not re.search("options", short, re.IGNORECASE):
        assert options_in(short, letters) == known, (
            f"{command}: the synopsis and the program's options differ in "
            f"{sorted(options_in(short, letters) ^ known)}")
    return len(known)


def check_plugin():
    """The same for vambrace-nri, which has no commands."""
    known = set(re.findall(r"^  (--[a-z-]+)", help_of(program=PLUGIN), re.MULTILINE))
    parts = split(plain((MAN / "vambrace-nri.8").read_text()), "SH")
    for name in ("OPTIONS", "SYNOPSIS"):
        shown = described(parts[name], {}) if name == "OPTIONS" else options_in(parts[name], {})
        assert shown == known, f"vambrace-nri, {name}: they differ in {sorted(shown ^ known)}"
    return len(known)


def main():
    """All commands of the program, and the plugin."""
    listed = help_of().split("Commands:\n")[1].split("\n\n")[0]
    commands = [line.split()[0] for line in listed.splitlines()]
    assert len(commands) > 8, commands
    print(f"{sum(map(check, commands))} options of {len(commands)} commands are in the manual, "
          f"and {check_plugin()} of the plugin")


main()
