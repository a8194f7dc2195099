# SPDX-License-Identifier: Apache-2.0
"""Each layer carries its weight: with it gone, the attack that it is there for succeeds; alone, it
still stops that attack; and so does each entry of the starter profile. Layers are taken away by
nothing but the bundle."""
import json

import pytest

from proof import ablation, document, layers, run
from proof.vectors import ATTACKS, words

pytestmark = pytest.mark.short("trixie-runc", "forky-crun")


@pytest.fixture(scope="module")
def matrix(node, prepared_node, unlayered):
    """({bundle: {word: cell}}, {bundle: Run}) of one container for each column."""
    for column in ablation.COLUMNS:
        run.install(prepared_node, column.bundle, column.parts)
    bundles = [column.bundle for column in ablation.COLUMNS]
    runs = dict(run.attack(prepared_node, node.cri(), bundles, words(ablation.ROWS)))
    cells = {bundle: {row.word: ablation.cell(row, one.results[row.word], unlayered)
                      for row in ablation.ROWS} for bundle, one in runs.items()}
    return cells, runs


def test_every_cell_of_the_matrix_is_as_foretold(matrix, unlayered, record_property):
    cells, _ = matrix
    print(ablation.text(cells))
    assert cells == ablation.expected(unlayered)
    record_property("checks", sum(map(len, cells.values())))
    document.check_section("ablation", f"```\n{ablation.text(cells)}```\n")
    document.check_file("ablation.svg", ablation.picture(cells))


def test_the_outcome_of_every_column_names_the_layers_that_are_there(matrix):
    _, runs = matrix
    assert {column.bundle: layers.asked(column.parts) for column in ablation.COLUMNS} == {
        bundle: one.states() for bundle, one in runs.items()}


def opened(cells, before, after):
    """The attacks that one column stops and the other does not."""
    return {vector.word for vector in ATTACKS if cells[before.bundle][vector.word] != "open" and
            cells[after.bundle][vector.word] == "open"}


@pytest.mark.parametrize("layer", layers.LAYERS)
def test_an_attack_succeeds_when_its_layer_is_gone(matrix, layer):
    cells, _ = matrix
    mine = {vector.word for vector in ATTACKS
            if any(stop.part in layers.LAYERS[layer] for stop in vector.stops)}
    before, after = ablation.WHOLE, ablation.WITHOUT[layer]
    assert cells[before.bundle] != cells[after.bundle], "its removal changes nothing"
    if layer in ablation.BESIDE:
        before, after = ablation.WITHOUT["read_only_rootfs"], ablation.WITHOUT["ro+tmpfs"]
    assert mine & opened(cells, before, after)
    assert mine & opened(cells, ablation.ALONE[layer], ablation.NOTHING)


@pytest.mark.parametrize("piece", ["exec", "connect", "dlopen", "noexec"])
def test_an_attack_succeeds_when_its_piece_of_a_layer_is_gone(matrix, piece):
    cells, _ = matrix
    assert opened(cells, ablation.WHOLE, ablation.WITHOUT[piece])


def test_every_attack_succeeds_when_all_that_stops_it_is_gone(matrix):
    cells, _ = matrix
    succeeded = set().union(*(opened(cells, ablation.WHOLE, column)
                              for column in ablation.WITHOUT.values()))
    assert succeeded == set(words(ATTACKS))


# The starter, call by call

def less(name):
    """The starter profile without one of its entries."""
    profile = json.loads(run.starter())
    (entry,) = profile["syscalls"]
    entry["names"].remove(name)
    return json.dumps(profile)


def starter_names():
    """Its entries."""
    (entry,) = json.loads(run.starter())["syscalls"]
    return entry["names"]


@pytest.fixture
def profiled(vambrace, prepared_node, cri):
    """profiled({bundle: profile text or None}): a running container for each, that idles."""
    pods = []

    def make(profiles, command):
        for bundle, text in profiles.items():
            run.install(vambrace, bundle, frozenset(), profile=text)
        pods.append(cri.run_pod(handler="vambrace", annotations=run.annotate(profiles)))
        return {bundle: run.start(cri, pods[-1], bundle, command) for bundle in profiles}

    return make


def test_each_call_of_the_starter_flips_when_its_entry_alone_is_gone(profiled, record_property):
    names = [name for name in starter_names() if name in run.NUMBERS]
    bundles = {name: f"less-{name.replace('_', '-')}" for name in names}
    containers = profiled({"whole": run.starter(), "nothing": None,
                           **{bundle: less(name) for name, bundle in bundles.items()}},
                          ["/bin/sleep", "1000"])
    seen = {bundle: run.call_in(container, names) for bundle, container in containers.items()}
    free = seen["nothing"]
    assert "EPERM" not in free.values(), "the kernel denies it by itself"
    denied = dict.fromkeys(names, "EPERM")
    assert seen == {"whole": denied, "nothing": free,
                    **{bundle: {**denied, name: free[name]} for name, bundle in bundles.items()}}
    record_property("checks", sum(map(len, seen.values())))
    rows = [(name, "EPERM", free[name]) for name in names]
    print(document.text_table(("entry", "with it", "without it"), rows))


@pytest.mark.skipif(run.i386_program() is None, reason="umount is a call of i386")
def test_umount_of_32_bit_programs_flips_too(profiled):
    assert "umount" not in run.NUMBERS
    containers = profiled({"whole": run.starter(), "less-umount": less("umount")},
                          ["/opt/bin/i386"])
    seen = {bundle: dict(line.split() for line in container.wait().stdout.splitlines())
            for bundle, container in containers.items()}
    assert (seen["whole"]["umount"], seen["whole"]["mount"]) == ("001", "001")
    # EFAULT: the kernel looked at the address.
    assert (seen["less-umount"]["umount"], seen["less-umount"]["mount"]) == ("014", "001")
