# SPDX-License-Identifier: Apache-2.0
"""Where the tests of the admission policy find things."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "live"))


@pytest.fixture(scope="session")
def vambrace():
    return pathlib.Path(os.environ["VAMBRACE_BUILD"]).resolve() / "plugin/cli/vambrace"
