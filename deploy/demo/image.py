# SPDX-License-Identifier: Apache-2.0
"""The image of the demo's pods, as an archive that `kind load image-archive` takes."""
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "live"))

from vbnode.system import attack_image  # noqa: E402 (the path comes first)

NAME = "vambrace.dev/demo:1"


def image():
    """The image, cached."""
    return attack_image(NAME)


if __name__ == "__main__":
    shutil.copyfile(image().path, sys.argv[1])
