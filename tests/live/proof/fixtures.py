# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the proofs, once for each node."""
import pytest

from . import run
from .vectors import ATTACKS, CONTROLS, PASSING, SIBLINGS, words


@pytest.fixture(scope="session")
def prepared_node(node, installed):
    """Vambrace on a node that has the image and the targets of the attacks."""
    run.prepare(node)
    if not installed.running():
        installed.start()
    return installed


@pytest.fixture(scope="session")
def unlayered(node, prepared_node):  # pylint: disable=redefined-outer-name
    """How everything ends in a container without any layer: {word: result}."""
    tries = words((*CONTROLS, *ATTACKS, *PASSING, *SIBLINGS))
    run.install(prepared_node, "none", frozenset())
    ((_, seen),) = run.attack(prepared_node, node.cri(), ["none"], tries)
    return seen.results
