# SPDX-License-Identifier: Apache-2.0
"""What was judged is what the kernel gets: arguments that change after the judgement.

A library behind the shim (spy.c) changes the workload's own memory between the two. Each call
comes through to it once.
"""

import socket
import sys

import harness
from harness import LIBRARIES, SHIM, Case, probe

SPY = f"{LIBRARIES}-spy.so"
LISTED, UNLISTED = ("10.42.0.5", 443), ("10.42.0.6", 443)
EXIT_REFUSED = 7


class Swapped(Case):
    def run_with_spy(self, *arguments, **settings):
        run = probe(*arguments, extra={"LD_PRELOAD": f"{SHIM}:{SPY}"}, **settings)
        self.assertEqual(run.errors, [])
        return run

    def receiver(self, address):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(address)
        receiver.setblocking(False)
        self.addCleanup(receiver.close)
        return receiver

    def reaches(self, *arguments, **settings):
        """Which of the two addresses got the datagram."""
        receivers = {"listed": self.receiver(LISTED), "unlisted": self.receiver(UNLISTED)}
        run = self.run_with_spy(*arguments, *LISTED, *UNLISTED, **settings)
        self.assertEqual(run.value("passed"), "1", str(run))
        reached = []
        for name, receiver in receivers.items():
            try:
                receiver.recv(64)
                reached.append(name)
            except BlockingIOError:
                pass
            receiver.close()
        return reached

    ACTIONS = ("swap-connect", "swap-sendto", "swap-sendmsg", "swap-sendmmsg",
               "swap-sendmsg-header", "swap-sendmmsg-header")

    def test_an_address_changed_after_the_judgement_does_not_count(self):
        for action in self.ACTIONS:
            with self.subTest(action):
                self.assertEqual(self.reaches(action, connect_list="10.42.0.5:443"), ["listed"])

    def test_without_a_list_the_workloads_own_memory_is_passed_on(self):
        for action in self.ACTIONS:
            with self.subTest(action):
                self.assertEqual(self.reaches(action), ["unlisted"])

    @harness.needs_native
    def test_a_path_changed_after_the_judgement_does_not_count(self):
        listed, unlisted = self.copy_target("allowed"), self.copy_target("refused")
        run = self.run_with_spy("swap-execve", listed, unlisted, exec_list=listed)
        self.assertEqual(run.status, 0, str(run))
        run = self.run_with_spy("swap-posix_spawn", listed, unlisted, exec_list=listed)
        self.assert_returned(run, 0)
        self.assertEqual(run.value("passed"), "1")

    @harness.needs_native
    def test_without_a_list_the_workloads_own_path_is_passed_on(self):
        listed, unlisted = self.copy_target("allowed"), self.copy_target("refused")
        run = self.run_with_spy("swap-execve", listed, unlisted)
        self.assertEqual(run.status, EXIT_REFUSED, str(run))
        run = self.run_with_spy("swap-posix_spawn", listed, unlisted)
        self.assert_returned(run, EXIT_REFUSED)


if __name__ == "__main__":
    if not harness.enter_network():
        print("SKIP: cannot make a network namespace")
        sys.exit(77)
    harness.main()
