# SPDX-License-Identifier: Apache-2.0
"""Somebody who restarts a node's containerd when told to: nodes have no service manager.

    restarts = Restarts(node)
    node.run(["vambrace", "node", "install", *restarts.OPTIONS])
    len(restarts.times)
"""
import threading
import time


class Restarts:
    """Serves OPTIONS of `vambrace node` until close(); `times` has the begin and end of each, and
    `restart` is what is done; a test may put something else there."""
    OPTIONS = ("--restart-command", "echo >/run/restart; cat /run/restarted >/dev/null")

    def __init__(self, node):
        self.node = node
        self.times = []
        self.restart = node.restart_containerd
        node.run(["mkfifo", "/run/restart", "/run/restarted"])
        self._ends = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            with open(self.node.host_path("/run/restart"), encoding="ascii") as stream:
                stream.read()
            if self._ends:
                return
            begin = time.monotonic()
            self.restart()
            self.times.append((begin, time.monotonic()))
            with open(self.node.host_path("/run/restarted"), "w", encoding="ascii") as stream:
                stream.write("done")

    def close(self):
        """Ends the thread."""
        self._ends = True
        self.node.host_path("/run/restart").write_text("end", encoding="ascii")
        self._thread.join()
