# SPDX-License-Identifier: Apache-2.0
"""Datagrams sent without connect, in a network namespace that the test makes itself."""

import errno
import os
import re
import socket
import subprocess
import sys

import harness
from harness import Case, denied_net, probe

IPV6_DNS = "2606:4700:4700::1111"
LISTED = ("10.42.0.5", 443)
SENDERS = ("sendto", "sendmsg", "sendmmsg", "syscall-sendto", "syscall-sendmsg",
           "syscall-sendmmsg")
# Each opens a connection with its data; the name in the lines.
FAST_OPENERS = {"sendto-fast-open": "sendto", "sendmsg-fast-open": "sendmsg",
                "sendmmsg-fast-open": "sendmsg"}
HELLO = 5
# <asm-generic/socket.h>; Python has no name for it.
SO_RCVBUFFORCE = 33
NO_DATAGRAMS = {"AUTONOMY_PRELOAD_CONNECT_DATAGRAMS": "0"}
AUDIT = {"AUTONOMY_PRELOAD_CONNECT_AUDIT": "1"}


def operation(sender):
    """The name in the lines: sendmmsg counts as sendmsg."""
    return "sendto" if sender.endswith("sendto") else "sendmsg"


def sent(sender, messages=1):
    """What the function returns: bytes, or messages."""
    return messages if sender.endswith("sendmmsg") else HELLO


class Receiver:
    """A UDP socket that counts what arrives."""

    def __init__(self, case, address):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)
        case.addCleanup(self.socket.close)

    def count(self):
        arrived = 0
        try:
            while self.socket.recv(64):
                arrived += 1
        except BlockingIOError:
            pass
        return arrived


class Refused(Case):
    def refuses(self, sender, *arguments, endpoint, connect_list="10.42.0.5:443", **settings):
        run = probe(sender, *arguments, connect_list=connect_list, **settings)
        self.assert_refused(run, denied_net(operation(sender.split("-ipv4")[0]), endpoint))

    def test_an_unlisted_ipv4_address_is_refused_and_nothing_arrives(self):
        receiver = Receiver(self, ("8.8.8.8", 53))
        for sender in SENDERS:
            with self.subTest(sender):
                self.refuses(sender, "8.8.8.8", 53, endpoint="8.8.8.8:53")
        self.assertEqual(receiver.count(), 0)

    def test_an_unlisted_ipv6_address_is_refused(self):
        for sender in SENDERS:
            with self.subTest(sender):
                self.refuses(sender, IPV6_DNS, 443, endpoint=f"[{IPV6_DNS}]:443")

    def test_an_unlisted_mapped_address_is_refused(self):
        self.refuses("sendto", "::ffff:8.8.8.8", 443, endpoint="[::ffff:8.8.8.8]:443")

    def test_an_ipv4_address_on_an_ipv6_socket_is_refused(self):
        run = probe("sendto-ipv4-on-ipv6", "8.8.8.8", 53, connect_list="none")
        self.assert_refused(run, denied_net("sendto", "8.8.8.8:53"))

    def test_an_address_without_a_family_is_judged_as_ipv4(self):
        receiver = Receiver(self, ("8.8.8.8", 53))
        run = probe("sendto-unspecified", "8.8.8.8", 53, connect_list="10.42.0.5:443")
        self.assert_refused(run, denied_net("sendto", "8.8.8.8:53"))
        self.assertEqual(receiver.count(), 0)

    def test_an_ipv6_address_without_scope_id_is_refused(self):
        for sender in ("sendto", "sendmsg"):
            run = probe(f"{sender}-bytes", IPV6_DNS, 443, 24, connect_list="none")
            self.assert_refused(run, denied_net(sender, f"[{IPV6_DNS}]:443"))

    def test_a_message_with_an_address_longer_than_any_is_judged(self):
        run = probe("sendmsg-bytes", "8.8.8.8", 53, 200, connect_list="none")
        self.assert_refused(run, denied_net("sendmsg", "8.8.8.8:53"))

    def test_opening_a_connection_with_data_is_refused(self):
        listener = harness.listen(("10.42.0.6", 443))
        for sender, word in FAST_OPENERS.items():
            for extra in ({}, NO_DATAGRAMS):
                with self.subTest(sender, extra=extra):
                    run = probe(sender, "10.42.0.6", 443, connect_list="10.42.0.5:443",
                                extra=extra)
                    self.assert_refused(run, denied_net(word, "10.42.0.6:443"))
        listener.setblocking(False)
        with self.assertRaises(BlockingIOError):
            listener.accept()
        listener.close()


class Passing(Case):
    def passes(self, sender, *arguments, connect_list="10.42.0.5:443", result=HELLO, **settings):
        run = probe(sender, *arguments, connect_list=connect_list, **settings)
        self.assert_returned(run, result)
        self.assertEqual(run.errors, [])
        return run

    def test_a_listed_address_is_sent_to(self):
        receiver = Receiver(self, LISTED)
        for sender in SENDERS:
            with self.subTest(sender):
                self.passes(sender, *LISTED, result=sent(sender))
                self.assertEqual(receiver.count(), 1)

    def test_a_listed_ipv6_address_is_sent_to(self):
        receiver = Receiver(self, ("2001:db8::1", 443))
        self.passes("sendto", "2001:db8::1", 443, connect_list="[2001:db8::/32]:443")
        self.passes("sendmsg-bytes", "2001:db8::1", 443, 24, connect_list="[2001:db8::1]:443")
        self.assertEqual(receiver.count(), 2)

    def test_a_listed_address_without_a_family_is_sent_to(self):
        receiver = Receiver(self, LISTED)
        self.passes("sendto-unspecified", *LISTED)
        self.assertEqual(receiver.count(), 1)

    def test_loopback_passes_a_list_of_none(self):
        for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
            receiver = Receiver(self, (address, 443))
            self.passes("sendto", address, 443, connect_list="none")
            self.assertEqual(receiver.count(), 1, address)
            receiver.socket.close()

    def test_sending_to_the_connected_peer_needs_no_gate(self):
        receiver = Receiver(self, LISTED)
        run = probe("send-connected", *LISTED, connect_list="10.42.0.5:443", extra=AUDIT)
        self.assert_returned(run, HELLO)
        self.assertEqual(run.errors, [
            'autonomy-preload-audit: connect(address="10.42.0.5:443", result=allowed)'
        ])
        self.assertEqual(receiver.count(), 2)

    def test_datagrams_pass_where_the_bundle_lets_them(self):
        receiver = Receiver(self, ("8.8.8.8", 53))
        for sender in SENDERS:
            self.passes(sender, "8.8.8.8", 53, result=sent(sender), extra=NO_DATAGRAMS)
        self.assertEqual(receiver.count(), len(SENDERS))
        run = probe("connect", "8.8.8.8", 53, connect_list="none", extra=NO_DATAGRAMS)
        self.assert_refused(run, denied_net("connect", "8.8.8.8:53"))

    def test_only_zero_lets_datagrams_pass(self):
        run = probe("sendto", "8.8.8.8", 53, connect_list="none",
                    extra={"AUTONOMY_PRELOAD_CONNECT_DATAGRAMS": "1"})
        self.assert_refused(run, denied_net("sendto", "8.8.8.8:53"))


class KernelErrors(Case):
    """What the kernel refuses by itself keeps its error and brings no line."""

    def fails(self, error, *arguments):
        plain = probe(*arguments, shim=False)
        run = probe(*arguments, connect_list="none")
        self.assert_returned(plain, -1, error)
        self.assert_returned(run, -1, error)
        self.assertEqual(run.errors, [])

    def test_an_address_longer_than_any_is_einval(self):
        self.fails(errno.EINVAL, "sendto-bytes", "8.8.8.8", 53, 129)

    def test_an_address_shorter_than_its_family_is_einval(self):
        for sender in ("sendto-bytes", "sendmsg-bytes"):
            for length in (1, 2, 15):
                self.fails(errno.EINVAL, sender, "8.8.8.8", 53, length)
            self.fails(errno.EINVAL, sender, IPV6_DNS, 53, 23)

    def test_a_negative_address_length_is_einval(self):
        self.fails(errno.EINVAL, "sendmsg-bytes", "8.8.8.8", 53, -1)

    @harness.needs(harness.LIBC != "musl", "musl's sendmsg reads it")
    def test_a_null_message_is_efault(self):
        self.fails(errno.EFAULT, "sendmsg-null")


class Several(Case):
    """sendmmsg: as many as come before the first that is refused."""

    def check(self, sender, *addresses, result, lengths, lines, error=0):
        run = probe(sender, *[word for address in addresses for word in address],
                    connect_list="10.42.0.5:443")
        self.assert_returned(run, result, error)
        self.assertEqual(run.value("lengths"), lengths, str(run))
        self.assertEqual(run.errors, lines)

    def test_a_refused_message_behind_others_ends_the_call(self):
        receiver = Receiver(self, LISTED)
        for sender in ("sendmmsg", "syscall-sendmmsg"):
            with self.subTest(sender):
                self.check(sender, LISTED, ("8.8.8.8", 53), LISTED, result=1, lengths="5,0,0,",
                           lines=[denied_net("sendmsg", "8.8.8.8:53")])
                self.assertEqual(receiver.count(), 1)

    def test_a_refused_first_message_is_eperm(self):
        receiver = Receiver(self, LISTED)
        for sender in ("sendmmsg", "syscall-sendmmsg"):
            with self.subTest(sender):
                self.check(sender, ("8.8.8.8", 53), LISTED, result=-1, lengths="0,0,",
                           lines=[denied_net("sendmsg", "8.8.8.8:53")], error=errno.EPERM)
                self.assertEqual(receiver.count(), 0)

    def test_a_message_that_the_kernel_refuses_ends_the_call(self):
        """Broadcast, which the socket may not."""
        receiver = Receiver(self, LISTED)
        addresses = [LISTED, ("255.255.255.255", 443), LISTED]
        words = [word for address in addresses for word in address]
        plain = probe("sendmmsg", *words, shim=False)
        self.assertEqual(receiver.count(), 1)
        run = probe("sendmmsg", *words, connect_list="10.42.0.5:443,255.255.255.255:443")
        self.assertEqual((run.value("result"), run.value("lengths")), ("1", "5,0,0,"), str(run))
        self.assertEqual(run.value("lengths"), plain.value("lengths"))
        self.assertEqual(run.errors, [])
        self.assertEqual(receiver.count(), 1)

    def test_all_that_are_listed_are_sent(self):
        receiver = Receiver(self, LISTED)
        self.check("sendmmsg", LISTED, LISTED, LISTED, result=3, lengths="5,5,5,", lines=[])
        self.assertEqual(receiver.count(), 3)

    def test_more_than_are_copied_at_a_time_are_sent(self):
        receiver = Receiver(self, LISTED)
        receiver.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
        for count in (15, 16, 17, 40):
            with self.subTest(count):
                run = probe("sendmmsg-many", count, *LISTED, "8.8.8.8", 53,
                            connect_list="10.42.0.5:443")
                self.assert_returned(run, count)
                self.assertEqual(run.errors, [denied_net("sendmsg", "8.8.8.8:53")])
                self.assertEqual(receiver.count(), count)

    @harness.needs(harness.LIBC != "musl", "musl sends any number")
    def test_no_more_than_the_kernel_takes_are_sent(self):
        run = probe("sendmmsg-many", 1500, "127.0.0.1", 9, "8.8.8.8", 53, connect_list="none")
        self.assert_returned(run, 1024)
        self.assertEqual(run.errors, [])


class Lines(Case):
    """Denied datagrams do not fill the log, and none is lost uncounted."""

    LEFT_OUT = re.compile(r"autonomy-preload: (\d+) more datagram\(s\) denied, "
                          r"at most 10 lines a second")

    def test_denial_lines_are_limited_and_those_left_out_are_counted(self):
        run = probe("repeat", 3000, "sendto", "8.8.8.8", 53, connect_list="none")
        self.assertEqual(len(run.output), 3000)
        lines = run.errors.count(denied_net("sendto", "8.8.8.8:53"))
        counts = [self.LEFT_OUT.fullmatch(line) for line in run.errors]
        self.assertEqual(len(run.errors), lines + len([count for count in counts if count]))
        # An emulated run may take more than a second; it still cannot have a line for each.
        self.assertGreaterEqual(lines, 10)
        self.assertLess(lines, 1500)

    def test_the_next_line_of_another_kind_says_how_many_were_left_out(self):
        run = probe("then-connect", "repeat", 3000, "sendto", "8.8.8.8", 53, connect_list="none")
        lines = run.errors.count(denied_net("sendto", "8.8.8.8:53"))
        counts = [self.LEFT_OUT.fullmatch(line) for line in run.errors]
        total = sum(int(count.group(1)) for count in counts if count)
        self.assertEqual(run.errors[-1], denied_net("connect", "8.8.8.8:53"))
        self.assertEqual(lines + total, 3000)

    def test_connections_are_never_left_out(self):
        for action, word in (("connect", "connect"), *FAST_OPENERS.items()):
            run = probe("repeat", 200, action, "8.8.8.8", 53, connect_list="none")
            self.assertEqual(run.errors, [denied_net(word, "8.8.8.8:53")] * 200)

    def test_an_audited_datagram_has_one_line_for_each_address_and_outcome(self):
        run = probe("repeat", 50, "sendmmsg", *LISTED, "8.8.8.8", 53,
                    connect_list="10.42.0.5:443", extra=AUDIT)
        audit = [line for line in run.errors if line.startswith("autonomy-preload-audit")]
        self.assertEqual(audit, [
            'autonomy-preload-audit: sendmsg(address="10.42.0.5:443", result=allowed)',
            'autonomy-preload-audit: sendmsg(address="8.8.8.8:53", result=denied)',
        ])

    def test_an_opened_connection_is_audited_where_datagrams_are_not(self):
        for sender, word in FAST_OPENERS.items():
            with self.subTest(sender):
                run = probe("repeat", 3, sender, *LISTED, extra={**AUDIT, **NO_DATAGRAMS})
                self.assertEqual(run.errors, [
                    f'autonomy-preload-audit: {word}(address="10.42.0.5:443", result=allowed)'
                ] * 3)
        self.assertEqual(probe("sendto", *LISTED, extra={**AUDIT, **NO_DATAGRAMS}).errors, [])

    def test_an_audited_datagram_whose_line_was_lost_has_one_later(self):
        reading, writing = os.pipe()
        filled = harness.fill(writing)
        with subprocess.Popen(
            harness.command("wait-between", "repeat", 3, "sendto", *LISTED),
            env=harness.environment(extra=AUDIT), stderr=writing, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        ) as process:
            self.assertTrue(process.stdout.readline())
            harness.drain(reading, filled)
            process.communicate("\n\n", timeout=harness.TIMEOUT_S)
        self.assertEqual(os.read(reading, 65536).decode().splitlines(), [
            "autonomy-preload: 1 line(s) dropped, stderr was full",
            'autonomy-preload-audit: sendto(address="10.42.0.5:443", result=allowed)',
        ])
        os.close(reading)
        os.close(writing)

    def test_an_audit_without_a_list_names_what_was_sent_to(self):
        receiver = Receiver(self, LISTED)
        for sender in SENDERS:
            run = probe(sender, *LISTED, extra=AUDIT)
            self.assertEqual(run.errors, [
                f'autonomy-preload-audit: {operation(sender)}(address="10.42.0.5:443", '
                "result=allowed)"
            ])
        self.assertEqual(receiver.count(), len(SENDERS))


class Races(Case):
    ROUNDS = 300 if harness.EMULATED else 20000

    def test_an_address_changed_during_the_call_never_reaches_an_unlisted_one(self):
        unlisted = Receiver(self, ("10.42.0.6", 443))
        with open(os.devnull, "wb") as null:
            for action in ("race-sendto", "race-sendmsg", "race-sendmmsg"):
                with self.subTest(action):
                    run = probe(action, "10.42.0.5", "10.42.0.6", 443, self.ROUNDS,
                                connect_list="10.42.0.5:443", stderr=null)
                    self.assert_returned(run, 0)
                    self.assertEqual(unlisted.count(), 0)


if __name__ == "__main__":
    if not harness.enter_network():
        print("SKIP: cannot make a network namespace")
        sys.exit(77)
    harness.main()
