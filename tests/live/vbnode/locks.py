# SPDX-License-Identifier: Apache-2.0
"""What processes side by side make in the cache is made by one of them."""
import contextlib
import fcntl


@contextlib.contextmanager
def alone(path):
    """Waits until no other process is in a block of that file."""
    with open(path, "a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
