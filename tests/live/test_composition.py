# SPDX-License-Identifier: Apache-2.0
"""All layers together: each attack is stopped by the layer that is there for it, what passes the
shim is told as what it is, and what the starter leaves open is closed by the bundle `baseline`."""
import dataclasses
import json
import re

from proof import document, layers, run
from proof.vectors import (ALLOWED, ATTACKS, CONTROLS, LOADED, OUTSIDE, OUTSIDE6, PASSING, SHELL,
                           SIBLINGS, UNLISTED, words)

LISTS = layers.LAYERS["preload"]
PREFIX = "autonomy-preload: "
VARIABLES = {"exec": "AUTONOMY_PRELOAD_EXEC_ALLOWLIST",
             "connect": "AUTONOMY_PRELOAD_CONNECT_ALLOWLIST",
             "dlopen": "AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST"}
# Processes, pipes, files, links, times, archives and compression of an ordinary container.
SCRIPT = """set -e
cd "$(mktemp -d)"
printf 'b\\na\\nrobot\\n' >list && ln -s list link && chmod 600 list && touch -d @0 list
sort link | tail -n 3 | wc -l
tar -cf - list | gzip | gunzip | tar -xf - -O | grep robot
(sleep 0.1 & wait) && rm -r "$PWD"
"""
# Every form of line that the shim has for these operations; a port of the kernel's choice is #.
CANONICAL = [
    f"{PREFIX}execve({SHELL}) denied by {VARIABLES['exec']}",
    f"{PREFIX}execveat({SHELL}) denied by {VARIABLES['exec']}",
    f'{PREFIX}execveat(dirfd=-100, pathname="", flags=0x0) denied — could not resolve to absolute '
    "path for allowlist check",
    f"{PREFIX}dlopen({UNLISTED}) denied by {VARIABLES['dlopen']}",
    f"{PREFIX}connect({OUTSIDE}) denied by {VARIABLES['connect']}",
    f"{PREFIX}connect({OUTSIDE6}) denied by {VARIABLES['connect']}",
    f'autonomy-preload-audit: dlopen(filename="{LOADED}", flags=0x2, result=loaded)',
    f'autonomy-preload-audit: dlmopen(lmid=-1, filename="{LOADED}", flags=0x2, result=loaded)',
    f'autonomy-preload-audit: execve(path="{ALLOWED}", result=allowed)',
    'autonomy-preload-audit: connect(address="127.0.0.1:#", result=allowed)',
]


def expected(vectors, parts, unlayered):
    """{word: result} as the data has it."""
    return {vector.word: vector.result(parts, unlayered) for vector in vectors}


def line_of(vector, stop):
    """The shim's line of an attack that one of its lists stops."""
    # A ring is denied for the connect list, or for the exec list where that is the only one.
    return f"{PREFIX}{vector.line} denied by {VARIABLES[stop.part]}"


def evidence(vector, stop, seen, kernel):
    """Why that layer stopped the attack, by the kernel's words or the shim's."""
    if stop.part in LISTS:
        line = line_of(vector, stop)
        return f"`{line.removeprefix(PREFIX)}`" if line in seen.stderr else f"no line `{line}`"
    if stop.part in ("seccomp", "closure"):
        return f"Seccomp: {kernel.status['Seccomp']}; {kernel.capability(vector.needs)}"
    return {"capabilities": lambda: kernel.capability(vector.needs),
            "read_only_rootfs": lambda: kernel.mount("/", "ro"),
            "noexec": lambda: kernel.mount("/tmp", "noexec"),
            "tmpfs": lambda: kernel.mount("/tmp", "size=4096k"),
            "no_new_privileges": lambda: f"NoNewPrivs: {kernel.status['NoNewPrivs']}",
            "rlimits": kernel.descriptors}[stop.part]()


def test_a_container_without_layers_stops_nothing(unlayered):
    """Else it would not be the layers that do."""
    open_ends = {"ok", "ENOSYS", "ENOEXEC", "EBADF", "EINVAL", "ENOENT"}
    assert {word: end for word, end in unlayered.items() if end not in open_ends} == {}
    answers = {"init-module", "finit-module", "fsconfig", "fsmount", "move-mount",
               "open-tree-attr"}  # with arguments that do no harm, or on a kernel without it
    assert {word for word, end in unlayered.items() if end != "ok"} <= answers


def test_all_layers_stop_each_attack_by_the_layer_that_is_there_for_it(
        vambrace, prepared_node, cri, unlayered, record_property):
    run.install(vambrace, "all", layers.ALL)
    rows = []
    for _, seen in run.attack(vambrace, cri, ["all"], words((*CONTROLS, *ATTACKS))):
        kernel = seen.kernel()
        assert seen.results == expected((*CONTROLS, *ATTACKS), layers.ALL, unlayered)
        assert seen.states() == layers.asked(layers.ALL)
        assert seen.outcome["level"] == "full"
        for vector in ATTACKS:
            stop = vector.stop(layers.ALL)
            assert seen.results[vector.word] == stop.errno != unlayered[vector.word]
            rows.append((vector.title, f"`{vector.word}`", stop.errno, layers.layer_of(stop.part),
                         evidence(vector, stop, seen, kernel)))
        # No line is missing, and none is there for what another layer stops.
        assert seen.stderr == [line_of(vector, vector.stop(layers.ALL)) for vector in ATTACKS
                               if vector.stop(layers.ALL).part in LISTS]
    assert all(seen.results[vector.word] == "ok" for vector in CONTROLS)
    rows += [(vector.title, f"`{vector.word}`", "ok", "-", "allowed, as it should be")
             for vector in CONTROLS]
    record_property("checks", len(rows))
    heading = ("attack", "word", "ends with", "stopped by", "evidence")
    print(document.text_table(heading, rows))
    document.check_section("composition", document.markdown_table(heading, rows))


def test_every_form_of_line_is_in_the_log(vambrace, prepared_node, cri):
    run.install(vambrace, "audited", layers.ALL, audit=("dlopen", "exec", "connect"))
    tries = [*words(ATTACKS), *words(CONTROLS), "execveat-nothing", f"dlmopen={LOADED}"]
    for _, seen in run.attack(vambrace, cri, ["audited"], tries):
        lines = [re.sub(r"(127\.0\.0\.1:)\d+", r"\1#", line) for line in seen.stderr]
        assert [line for line in CANONICAL if line not in lines] == [], "\n".join(lines)
        assert (seen.results["execveat-nothing"], seen.results[f"dlmopen={LOADED}"]) == (
            "EPERM", "ok")


def test_what_passes_the_shim_is_stopped_by_another_layer_or_open(
        vambrace, prepared_node, cri, unlayered, record_property):
    bundles = {"lists": LISTS | {"seccomp"}, "all": layers.ALL}
    for name, parts in bundles.items():
        run.install(vambrace, name, parts)
    seen = {name: one.results
            for name, one in run.attack(vambrace, cri, bundles, words(PASSING))}
    assert seen == {name: expected(PASSING, parts, unlayered) for name, parts in bundles.items()}
    rows = []
    for vector in PASSING:
        stop = vector.stop(layers.ALL)
        cells = [seen[name][vector.word] for name in bundles]
        rows.append((vector.title, *("open" if cell == unlayered[vector.word] else cell
                                     for cell in cells),
                     layers.layer_of(stop.part) if stop else "**open**"))
    record_property("checks", sum(map(len, seen.values())))
    heading = ("way", "lists of the shim and the starter", "all layers", "stopped by")
    print(document.text_table(heading, rows))
    document.check_section("passing the shim", document.markdown_table(heading, rows))


def test_siblings_of_the_starters_calls_are_open_under_it_alone_and_closed_by_baseline(
        vambrace, prepared_node, cri, unlayered, record_property):
    run.install(vambrace, "starter", {"seccomp"})
    run.install(vambrace, "all", layers.ALL)
    run.install(vambrace, "profile", frozenset(), profile=run.shipped_profile("baseline"))
    run.install_shipped(vambrace, "baseline")
    parts = {"starter": {"seccomp"}, "all": layers.ALL, "profile": {"baseline"},
             "baseline": {"baseline"}}
    seen, level = {}, {}
    for name, one in run.attack(vambrace, cri, parts, words(SIBLINGS)):
        seen[name], level[name] = one.results, one.outcome["level"]
        assert one.states()["seccomp"] == "applied"
        if name != "baseline":
            # What the kernel would deny for want of a capability shows nothing of a filter.
            assert one.kernel().capability("SYS_ADMIN") == "CapEff has SYS_ADMIN"
    assert seen == {name: expected(SIBLINGS, part, unlayered) for name, part in parts.items()}
    # Of "all" nothing is said: its root has become writable, which a later look may tell already.
    level.pop("all")
    assert level == {"starter": "baseline", "profile": "full", "baseline": "full"}
    rows = [(vector.title, *("open" if seen[name][vector.word] == unlayered[vector.word]
                             else seen[name][vector.word] for name in parts))
            for vector in SIBLINGS]
    record_property("checks", sum(map(len, seen.values())))
    heading = ("call", "starter alone", "all layers of the table above", "profile of `baseline`",
               "bundle `baseline`")
    print(document.text_table(heading, rows))
    document.check_section("siblings", document.markdown_table(heading, rows))


def test_over_runtime_default_the_one_sibling_that_all_layers_leave_is_closed(
        vambrace, prepared_node, cri):
    run.install(vambrace, "all", layers.ALL)
    security = dataclasses.replace(run.GENEROUS, seccomp="RuntimeDefault")
    for _, seen in run.attack(vambrace, cri, ["all"], ["open-tree-attr", "write=/etc/attack"],
                              security):
        # runc says ENOSYS of calls that are younger than all that a profile names.
        assert seen.results["open-tree-attr"] in ("EPERM", "ENOSYS")
        assert seen.results["write=/etc/attack"] == "EROFS"
        assert seen.kernel().capability("SYS_ADMIN") == "CapEff has SYS_ADMIN"


def test_the_profile_of_baseline_denies_what_the_starter_denies(vambrace, prepared_node, cri):
    (entry,) = json.loads(run.starter())["syscalls"]
    run.install(vambrace, "profile", frozenset(), profile=run.shipped_profile("baseline"))
    answers = run.call(cri, "profile", [name for name in entry["names"] if name in run.NUMBERS])
    assert set(answers.values()) == {"EPERM"}


def test_what_is_not_special_works_under_baseline(vambrace, prepared_node, cri, unlayered):
    run.install_shipped(vambrace, "baseline")
    with cri.pod(handler="vambrace", annotations=run.annotate(["baseline"])) as pod:
        container = run.start(cri, pod, "baseline", ["/bin/attack", "--wait", *words(CONTROLS)])
        assert run.Run(vambrace, container, words(CONTROLS)).results == {
            word: unlayered[word] for word in words(CONTROLS)}
        result = container.exec(["/bin/sh", "-c", SCRIPT])
    assert (result.stdout, result.exit_code) == ("3\nrobot\n", 0), result
