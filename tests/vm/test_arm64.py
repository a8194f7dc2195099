# SPDX-License-Identifier: Apache-2.0
"""The arm64 build on a real arm64 kernel: a node with containerd, runc and crun."""
import re

import pytest

import guest
from test_hardening import (  # noqa: F401 (tests of the live suite, run on this node as well)
    ATTACK, GENEROUS, arm, sleeper,
    test_every_attack_succeeds_in_a_plain_pod, test_every_attack_is_stopped_in_an_annotated_pod,
    test_exec_has_the_same_capabilities_and_no_new_privs,
    test_nothing_is_left_when_the_pod_is_gone,
    test_runtime_network_files_are_read_only_and_dev_is_noexec,
    test_the_outcome_names_every_layer_with_its_evidence,
    test_the_shim_keeps_the_preloads_of_the_image)
from vbnode import images
from vbnode.containerd_config import VAMBRACE_ANNOTATIONS, Handler
from vbnode.node import DEFAULT_HANDLERS
from vbnode.system import (
    WORKLOAD, Vambrace, attack_image, build_directory, start_target)

pytestmark = pytest.mark.xdist_group("arm64")
HANDLERS = {"vambrace": "/usr/sbin/runc", "vambrace-crun": "/usr/bin/crun",
            "vambrace-forced": "/opt/forced/crun"}
FORCED = """
#include <linux/prctl.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	(void)argc;
	if (prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_FORCE_DISABLE, 0, 0) == 0)
		execv("/usr/bin/crun", argv);
	return 1;
}
"""
ARMHF = images.Platform("armhf", "arm-linux-gnueabihf-gcc")


@pytest.fixture(scope="module")
def node():
    """A running node; what a hardware node does in a second takes some here."""
    handlers = (*DEFAULT_HANDLERS, *(
        Handler(name, f"/opt/vambrace/bin/{name}", VAMBRACE_ANNOTATIONS)
        for name in HANDLERS.keys() - {"vambrace"}))
    with guest.Guest(handlers=handlers, nri={"plugin_registration_timeout": "60s",
                                             "plugin_request_timeout": "60s"}) as running:
        print(f"the machine was up in {running.boot_s:.1f} s")
        yield running


@pytest.fixture(scope="module")
def vambrace(node):
    """Vambrace with its plugin running, before runc and before crun."""
    node.load_base_images()
    compat = images.compile_c((WORKLOAD / "compat.c").read_text(),
                              ("-static", "-nostdlib", "-ffreestanding", "-marm"), ARMHF)
    node.load_image(attack_image(files={"/bin/compat": compat}, target=node.platform))
    node.install({images.compile_c(FORCED, ("-static",), node.platform): HANDLERS["vambrace-forced"]})
    system = Vambrace(node, build_directory(guest.ARCHITECTURE))
    system.install(handlers={name: {"runtime": path} for name, path in HANDLERS.items()})
    system.config(runtime_handlers=list(HANDLERS))
    start_target(node)
    return system.start()


@pytest.fixture
def cri(node):
    """A CRI client; the pods that a test leaves are removed after it."""
    client = node.cri()
    yield client
    for pod in client.list_pods():
        client.stop_pod(pod.id)
        client.remove_pod(pod.id)


def test_every_attack_is_stopped_before_crun_too(vambrace, cri, arm):
    test_every_attack_is_stopped_in_an_annotated_pod(vambrace, cri, {**arm, "handler": "vambrace-crun"})


def test_the_outcome_before_crun_names_every_layer_too(vambrace, cri, arm):
    test_the_outcome_names_every_layer_with_its_evidence(
        vambrace, cri, {**arm, "handler": "vambrace-crun"})


def compat(cri, **options):
    """{call: result} of a 32-bit program."""
    with cri.pod(**options) as pod:
        result = cri.run_container(pod, "main", ATTACK, ["/bin/compat"], security=GENEROUS).wait()
        assert result.exit_code == 0, result
        return dict(line.split() for line in result.stdout.splitlines())


def test_a_32_bit_program_runs_on_and_is_denied_the_same(vambrace, cri):
    plain = compat(cri, handler="runc")
    assert plain == {"getpid": "ok", "mount": "014", "umount2": "014", "ptrace": "003", "socket": "ok"}
    for handler in ("vambrace", "vambrace-crun"):
        assert compat(cri, handler=handler) == {
            **plain, "mount": "001", "umount2": "001", "ptrace": "001"}


def speculation(vambrace, cri, handler):
    """What the kernel and the outcome say of a container for which mitigation was asked."""
    with cri.pod(handler=handler, annotations={"spec-allow.vambrace.dev": "mitigate"}) as pod:
        container = sleeper(cri, pod)
        status = container.exec(["/bin/cat", "/proc/1/status"]).stdout
        layer = vambrace.outcome(container.id)["layers"]["spec_allow"]
    return re.search(r"^Speculation_Store_Bypass:\t(.*)$", status, re.MULTILINE)[1], layer


def test_arm64_has_the_control_of_speculation_but_no_filter_moves_it(vambrace, cri):
    assert vambrace.wait_log(r"event=probed node_effect=(\S+)")[1] == "no-effect"
    shown, layer = speculation(vambrace, cri, "vambrace-crun")
    assert shown == "thread vulnerable"
    assert (layer["state"], layer["value"], layer["node_effect"]) == (
        "unsupported", "mitigate", "no-effect")


def test_what_is_mitigated_anyway_on_arm64_is_seen_to_be(vambrace, cri):
    shown, layer = speculation(vambrace, cri, "vambrace-forced")
    assert shown == "thread force mitigated"
    assert (layer["state"], layer["value"]) == ("applied", "mitigate")
    assert f"Speculation_Store_Bypass: {shown}" in layer["evidence"]
