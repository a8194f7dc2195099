#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_session.py TMUX VAMBRACE SOURCE-DIR: the command line on a terminal of 80 columns.

Records a session in a detached tmux: no line is broken by the terminal, the words are those that
a pipe gets, colours are there alone. docs/session.txt is the record; with UPDATE=1 it is written.
"""
import difflib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

tmux, vambrace, source = sys.argv[1:]
GOLDEN = pathlib.Path(source) / "tests/golden"
RECORD = pathlib.Path(source) / "docs/session.txt"
# What the commands read: {name in the session: what it is here}.
INPUTS = {"arm.yaml": "explain/bundle/pod.yaml", "bundles": "explain/bundle/bundles",
          "draft": "lint/every-value/bundles/arm", "facts.json": "doctor/nri-off/facts.json",
          "state": "status/one-that-failed/state", "refusals": "status/refusals/state",
          "refused.yaml": "explain/pinned-bundle/pod.yaml",
          "pinned": "explain/pinned-bundle/bundles", "arm.log": "derive/connect/arm.log",
          "run": "why/node/state", "pods": "why/node/logs", "kmsg": "why/node/kernel.log",
          "proc": "why/node/proc"}
COMMANDS = ["explain arm.yaml --bundles bundles --node-config node.json",
            "explain refused.yaml --bundles pinned --node-config node.json",
            "lint draft/arm", "doctor --facts facts.json", "status --state state",
            "status --state refusals",
            "why arm-0 --state run --logs pods --kernel-log kmsg --proc proc",
            "derive connect arm.log --cidr 10.42.0.0/16",
            "seccomp show starter --arch x86_64", "bundle show bundles/arm-controller"]
COLOURED = ("doctor", "status", "why")
DONE = 'printf "\\nend\\n"; "$TMUX_PROGRAM" -L "$SESSION" wait-for -S done; sleep 60'


def prepare(room):
    """The directory in which the session takes place."""
    for name, origin in INPUTS.items():
        target = room / ("draft/arm" if name == "draft" else name)
        target.parent.mkdir(exist_ok=True)
        copy = shutil.copytree if (GOLDEN / origin).is_dir() else shutil.copy
        copy(GOLDEN / origin, target)
    (room / "node.json").write_text("{}")
    (room / "bin").mkdir()
    (room / "bin/vambrace").symlink_to(vambrace)


def piped(room, command):
    """What a pipe gets."""
    result = subprocess.run(["bin/vambrace", *command.split()], cwd=room, capture_output=True,
                            text=True, check=False)
    assert result.returncode in (0, 1), (command, result)
    assert "\033" not in result.stdout + result.stderr, f"{command}: a colour in a pipe"
    return result.stdout, result.stderr


def record(room, commands):
    """(lines as they stand, lines with the terminal's breaks undone, the same with colours)."""
    # The server of the recording before may still be on its way out.
    session = f"vambrace-{os.urandom(8).hex()}"
    # Both streams to the terminal, as a person has them.
    script = "".join(f"printf '%s\\n' '$ vambrace {command}'; bin/vambrace {command}; echo; "
                     for command in commands) + DONE
    (room / "session.sh").write_text(script)
    (room / "tmux.conf").write_text("set-option -g history-limit 20000\n")
    client = [tmux, "-L", session, "-f", "tmux.conf"]
    env = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "SESSION": session,
           "TMUX_PROGRAM": tmux, "TMUX_TMPDIR": str(room), "SHELL": "/bin/sh"}

    def run(*words):
        return subprocess.run([*client, *words], env=env, cwd=room, check=True, timeout=60,
                              capture_output=True, text=True).stdout

    try:
        run("new-session", "-d", "-x", "80", "-y", "24", "sh session.sh")
        run("wait-for", "done")
        everything = ("capture-pane", "-p", "-S", "-")
        # The signal may overtake what was printed before it.
        deadline = time.monotonic() + 60
        while "\nend\n" not in run(*everything) and time.monotonic() < deadline:
            time.sleep(0.05)
        return [run(*everything, *more).split("\nend\n")[0].split("\n")
                for more in ((), ("-J",), ("-J", "-e"))]
    finally:
        subprocess.run([*client, "kill-server"], env=env, check=False, capture_output=True)


def stripped(lines):
    """A joined capture keeps the blanks at the ends of lines."""
    return [line.rstrip() for line in lines]


def check(room, command):
    """One command by itself; returns its record."""
    plain, joined, coloured = record(room, [command])
    assert stripped(plain) == stripped(joined), (
        f"{command}: the terminal breaks a line:\n" + "\n".join(
            difflib.unified_diff(stripped(joined), stripped(plain), lineterm="")))
    words = " ".join(plain[1:]).split()
    out, err = piped(room, command)
    assert sorted(words) == sorted((out + err).split()), (
        f"{command}: not the words that a pipe gets")
    assert command.startswith(COLOURED) == any("\033[" in line for line in coloured), (
        f"{command}: colours are for doctor, status and why on a terminal")
    return stripped(plain)


def main():
    """Records, checks, compares."""
    with tempfile.TemporaryDirectory() as name:
        room = pathlib.Path(name)
        prepare(room)
        lines = [line for command in COMMANDS for line in check(room, command)]
    text = "\n".join(lines).rstrip() + "\n"
    if os.environ.get("UPDATE") == "1":
        RECORD.write_text(text)
    known = RECORD.read_text() if RECORD.exists() else ""
    sys.stdout.writelines(difflib.unified_diff(known.splitlines(True), text.splitlines(True),
                                               str(RECORD), "this session"))
    return known != text


sys.exit(main())
