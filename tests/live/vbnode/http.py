# SPDX-License-Identifier: Apache-2.0
"""HTTP in the network of a node or of a pod."""
import subprocess

# A client of the machine's, in that network.
_FETCH = """
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=10)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status)
print(answer.read().decode(), end="")
"""


def get(pid, url):
    """The status and the text, as a process in the network namespace of `pid` gets them."""
    answer = subprocess.run(["nsenter", "-t", str(pid), "-n", "/usr/bin/python3", "-c", _FETCH, url],
                            check=True, stdout=subprocess.PIPE, text=True, timeout=30).stdout
    status, _, text = answer.partition("\n")
    return int(status), text
