# SPDX-License-Identifier: Apache-2.0
"""Names and numbers of system calls."""
import re
import subprocess


def numbers():
    """{name: number} of the calls that this machine's headers know."""
    text = subprocess.run(["gcc", "-E", "-dM", "-include", "asm/unistd.h", "-x", "c", "/dev/null"],
                          capture_output=True, text=True, check=True).stdout
    return {name: int(number) for name, number in
            re.findall(r"^#define __NR_(\w+) (\d+)$", text, re.MULTILINE)}
