# SPDX-License-Identifier: Apache-2.0
"""The arm64 build's own tests that need a kernel for arm64; the others run under qemu-user."""
import pytest

import guest
import registered

pytestmark = pytest.mark.xdist_group("arm64-build")


@pytest.fixture(scope="module")
def node():
    """The machine."""
    with guest.Guest() as running:
        yield running


def test_the_tests_of_daemon_and_hook_pass_on_the_kernel(node):
    chosen = registered.tests("starts-programs")
    passed, failed = registered.run(node, chosen)
    assert not failed, "\n".join(f"{name}: {output}" for name, output in failed.items())
    assert len(passed) == len(chosen) > 0
    print(*(f"{name} {seconds:.0f} s" for name, seconds in passed.items()), sep=", ")
