# SPDX-License-Identifier: Apache-2.0
"""connect under the shim, in a network namespace that the test makes itself."""

import errno
import os
import socket
import sys

import harness
from harness import Case, denied_connect, probe

IPV6_DNS = "2606:4700:4700::1111"


class Refused(Case):
    def refuses(self, *arguments, connect_list="10.42.0.5:443", endpoint):
        self.assert_refused(probe(*arguments, connect_list=connect_list), denied_connect(endpoint))

    def test_an_unlisted_ipv4_address_is_refused(self):
        self.refuses("connect", "8.8.8.8", 53, endpoint="8.8.8.8:53")

    def test_an_unlisted_ipv6_address_is_refused(self):
        self.refuses("connect", IPV6_DNS, 443, endpoint=f"[{IPV6_DNS}]:443")

    def test_an_unlisted_mapped_address_is_refused(self):
        self.refuses("connect", "::ffff:8.8.8.8", 443, endpoint="[::ffff:8.8.8.8]:443")

    def test_a_stream_socket_is_gated_as_well(self):
        self.refuses("connect-stream", "8.8.8.8", 53, endpoint="8.8.8.8:53")

    def test_an_ipv4_address_on_an_ipv6_socket_is_refused(self):
        self.refuses("connect-ipv4-on-ipv6", "8.8.8.8", 53, endpoint="8.8.8.8:53")

    def test_a_listed_address_with_another_port_is_refused(self):
        self.refuses("connect", "10.42.0.5", 80, endpoint="10.42.0.5:80")

    def test_an_ipv6_address_without_scope_id_is_refused(self):
        self.refuses("connect-bytes", IPV6_DNS, 443, 24, endpoint=f"[{IPV6_DNS}]:443")

    def test_none_refuses_everything_that_is_not_loopback(self):
        self.refuses("connect", "8.8.8.8", 53, connect_list="none", endpoint="8.8.8.8:53")

    def test_the_unspecified_addresses_are_not_loopback(self):
        self.refuses("connect", "0.0.0.0", 53, endpoint="0.0.0.0:53")
        self.refuses("connect", "::", 53, endpoint="[::]:53")

    def test_an_ipv6_net_of_everything_holds_no_mapped_address(self):
        self.refuses("connect", "::ffff:8.8.8.8", 53, connect_list="[::/0]:*",
                     endpoint="[::ffff:8.8.8.8]:53")


class Passing(Case):
    def passes(self, *arguments, connect_list):
        run = probe(*arguments, connect_list=connect_list)
        self.assert_returned(run, 0)
        self.assertEqual(run.errors, [])

    def test_a_listed_address_passes(self):
        self.passes("connect", "10.42.0.5", 443, connect_list="10.42.0.5:443")

    def test_a_listed_net_passes(self):
        self.passes("connect", "10.42.0.6", 8080, connect_list="10.42.0.0/16:8080")

    def test_any_port_of_a_listed_address_passes(self):
        self.passes("connect", "10.42.0.5", 9, connect_list="10.42.0.5:*")

    def test_a_listed_ipv6_address_passes_whatever_its_scope_id(self):
        self.passes("connect", "2001:db8::1", 443, connect_list="[2001:db8::1]:443")

    def test_a_listed_ipv6_net_passes(self):
        self.passes("connect", "2001:db8::1", 443, connect_list="[2001:db8::/32]:443")

    def test_a_listed_ipv6_address_passes_without_scope_id(self):
        self.passes("connect-bytes", "2001:db8::1", 443, 24, connect_list="[2001:db8::1]:443")

    def test_a_mapped_address_passes_by_its_ipv4_entry(self):
        self.passes("connect", "::ffff:10.42.0.5", 443, connect_list="10.42.0.5:443")

    def test_loopback_passes_a_list_of_none(self):
        for address in ("127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"):
            with self.subTest(address):
                self.passes("connect", address, 9, connect_list="none")

    def test_a_listed_stream_connection_is_made(self):
        listener = harness.listen(("10.42.0.5", 443))
        self.passes("connect-stream", "10.42.0.5", 443, connect_list="10.42.0.5:443")
        listener.close()

    def test_dissolving_an_association_passes(self):
        self.passes("connect-unspecified", "8.8.8.8", 53, connect_list="none")

    def test_a_unix_socket_passes(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path("socket"))
        listener.listen()
        self.passes("connect-unix", self.path("socket"), connect_list="none")
        listener.close()

    def test_a_netlink_socket_passes(self):
        self.passes("connect-netlink", connect_list="none")


class KernelErrors(Case):
    """What the kernel refuses by itself keeps its error and brings no line."""

    def fails(self, error, *arguments, connect_list="none"):
        run = probe(*arguments, connect_list=connect_list)
        self.assert_returned(run, -1, error)
        self.assertEqual(run.errors, [])

    def test_an_address_longer_than_any_is_einval(self):
        self.fails(errno.EINVAL, "connect-bytes", "8.8.8.8", 53, 129)

    def test_an_address_shorter_than_its_family_is_einval(self):
        for length in (2, 8, 15):
            self.fails(errno.EINVAL, "connect-bytes", "8.8.8.8", 53, length)
        self.fails(errno.EINVAL, "connect-bytes", IPV6_DNS, 53, 23)

    def test_an_address_without_a_family_is_einval(self):
        for length in (0, 1):
            self.fails(errno.EINVAL, "connect-bytes", "8.8.8.8", 53, length)

    def test_a_null_address_is_efault(self):
        self.fails(errno.EFAULT, "connect-null")

    def test_a_bad_descriptor_to_a_listed_address_is_ebadf(self):
        self.fails(errno.EBADF, "connect-bad-fd", "8.8.8.8", 53, connect_list="8.8.8.8:53")

    def test_a_bad_descriptor_to_an_unlisted_address_is_eperm(self):
        run = probe("connect-bad-fd", "8.8.8.8", 53, connect_list="none")
        self.assert_refused(run, denied_connect("8.8.8.8:53"))

    def test_a_closed_port_of_a_listed_address_is_econnrefused(self):
        self.fails(errno.ECONNREFUSED, "connect-stream", "10.42.0.5", 81,
                   connect_list="10.42.0.5:81")


class Lists(Case):
    def test_a_malformed_entry_is_skipped_with_one_warning(self):
        run = probe("connect", "10.42.0.5", 443,
                    connect_list="example.org:80,10.42.0.5:443,10.42.0.5")
        self.assert_returned(run, 0)
        self.assertEqual(run.errors, [
            f'autonomy-preload: {harness.CONNECT}: skipped 2 malformed, first "example.org:80"'
        ])

    def test_a_list_without_a_valid_entry_refuses_everything(self):
        run = probe("connect", "8.8.8.8", 53, connect_list="example.org:53")
        self.assert_returned(run, -1, errno.EPERM)
        self.assertEqual(run.errors, [
            f'autonomy-preload: {harness.CONNECT}: skipped 1 malformed, first "example.org:53"; '
            "none is left, all is denied",
            denied_connect("8.8.8.8:53"),
        ])

    def test_a_list_of_commas_refuses_everything(self):
        run = probe("connect", "8.8.8.8", 53, connect_list=",,")
        self.assert_refused(run, denied_connect("8.8.8.8:53"))

    def test_an_empty_list_is_no_list(self):
        for value in (None, ""):
            run = probe("connect", "8.8.8.8", 53, connect_list=value)
            self.assert_returned(run, 0)
            self.assertEqual(run.errors, [])

    def test_an_exec_list_alone_gates_no_connection(self):
        self.assert_returned(probe("connect", "8.8.8.8", 53, exec_list="none"), 0)


class Audit(Case):
    AUDIT = {"AUTONOMY_PRELOAD_CONNECT_AUDIT": "1"}

    def test_an_allowed_connection_is_audited(self):
        run = probe("connect", "10.42.0.5", 443, connect_list="10.42.0.5:443", extra=self.AUDIT)
        self.assert_returned(run, 0)
        self.assertEqual(run.errors, [
            'autonomy-preload-audit: connect(address="10.42.0.5:443", result=allowed)'
        ])

    def test_a_refused_connection_is_audited_and_denied(self):
        run = probe("connect", IPV6_DNS, 443, connect_list="none", extra=self.AUDIT)
        self.assertEqual(run.errors, [
            f'autonomy-preload-audit: connect(address="[{IPV6_DNS}]:443", result=denied)',
            denied_connect(f"[{IPV6_DNS}]:443"),
        ])

    def test_without_a_list_everything_is_audited_as_allowed(self):
        run = probe("connect", "8.8.8.8", 53, extra=self.AUDIT)
        self.assert_returned(run, 0)
        self.assertEqual(run.errors, [
            'autonomy-preload-audit: connect(address="8.8.8.8:53", result=allowed)'
        ])


class Early(Case):
    def test_a_connection_before_the_constructor_is_refused(self):
        preload = {"LD_PRELOAD": f"{harness.SHIM}:{harness.EARLY}"}
        run = probe("connect-netlink", connect_list="none", extra=preload)
        self.assertEqual(run.value("early"), "-1", str(run))
        self.assertEqual(run.errors, [denied_connect("8.8.8.8:53")])


class Races(Case):
    ROUNDS = 300 if harness.EMULATED else 20000

    def test_an_address_changed_during_the_call_never_reaches_an_unlisted_one(self):
        with open(os.devnull, "wb") as null:
            run = probe("race-address", "10.42.0.5", "10.42.0.6", 443, self.ROUNDS,
                        connect_list="10.42.0.5:443", stderr=null)
        self.assert_returned(run, 0)


if __name__ == "__main__":
    if not harness.enter_network():
        print("SKIP: cannot make a network namespace")
        sys.exit(77)
    harness.main()
