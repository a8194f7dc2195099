# SPDX-License-Identifier: Apache-2.0
"""The tests in virtual machines share the live tests' helpers (vbnode)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "live"))
