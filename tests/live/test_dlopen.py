# SPDX-License-Identifier: Apache-2.0
"""A dlopen list in a pod: what it denies, what it lets load, and that nothing else denies it."""
import pytest

from vbnode import images
from vbnode.system import WORKLOAD, parse_attempts

IMAGE = "vb.test/load:1"
LISTED, UNLISTED = "/opt/lib/liblisted.so", "/opt/lib/libunlisted.so"
NAMES = (LISTED, UNLISTED, "liblisted.so", "libunlisted.so")
DENIED = "autonomy-preload: dlopen({}) denied by AUTONOMY_PRELOAD_DLOPEN_ALLOWLIST"
AUDIT = 'autonomy-preload-audit: dlopen(filename="{}", flags=0x2, result={})'


@pytest.fixture(scope="module")
def image():
    """A program that loads libraries, and two of them on the loader's search path."""
    library = images.compile_c("int number(void) { return 1; }\n", ("-shared", "-fPIC"))
    program = images.compile_c((WORKLOAD / "load.c").read_text(),
                               ("-std=gnu17", "-ldl", "-Wl,-rpath,/opt/lib"))
    return images.glibc({"/bin/load": program, LISTED: library, UNLISTED: library}, IMAGE)


@pytest.fixture
def load(node, cri, image):
    """Runs the loading workload in a pod of its own; returns ({name: result}, stderr lines)."""
    node.load_image(image)

    def run(**options):
        with cri.pod(**options) as pod:
            result = cri.run_container(pod, "main", IMAGE, ["/bin/load", *NAMES]).wait()
            assert result.exit_code == 0, result
            return parse_attempts(result.stdout), result.stderr.splitlines()
    return run


@pytest.fixture
def annotated(vambrace):
    """Handler and annotations of a pod with a bundle of this dlopen list."""
    def make(paths, **hardening):
        vambrace.bundle("loader", hardening, dlopen_allowlist={"paths": paths})
        return {"handler": "vambrace", "annotations": {"bundle.vambrace.dev": "loader"}}
    return make


def test_without_the_list_every_library_loads(vambrace, load):
    for options in ({"handler": vambrace.plain_handler},
                    {"handler": "vambrace", "annotations": {"preload.vambrace.dev": "on"}}):
        results, stderr = load(**options)
        assert results == dict.fromkeys(NAMES, "ok")
        assert stderr == []


def test_with_the_list_only_the_listed_library_loads(load, annotated):
    results, stderr = load(**annotated([LISTED]))
    assert results == {LISTED: "ok", "liblisted.so": "ok", UNLISTED: "EPERM",
                       "libunlisted.so": "EPERM"}
    assert stderr == [DENIED.format(UNLISTED), DENIED.format("libunlisted.so")]


def test_an_empty_list_denies_every_library(load, annotated):
    results, stderr = load(**annotated([]))
    assert results == dict.fromkeys(NAMES, "EPERM")
    assert stderr == [DENIED.format(name) for name in NAMES]


def test_audit_tells_every_load_and_its_outcome(load, annotated):
    _, stderr = load(**annotated([LISTED], preload={"audit": ["dlopen"]}))
    assert stderr == [AUDIT.format(LISTED, "loaded"),
                      AUDIT.format(UNLISTED, "denied"), DENIED.format(UNLISTED),
                      AUDIT.format(LISTED, "loaded"),
                      AUDIT.format("libunlisted.so", "denied"), DENIED.format("libunlisted.so")]


def test_the_outcome_calls_a_dlopen_list_applied_and_the_program_covered(
        vambrace, cri, node, image, annotated):
    node.load_image(image)
    with cri.pod(**annotated([LISTED], preload={"require": True})) as pod:
        container = cri.run_container(pod, "main", IMAGE, ["/bin/load", "--wait", *NAMES])
        outcome = vambrace.outcome(container.id)
    assert outcome["preload_verdict"] == "covered"
    assert outcome["layers"]["preload"]["state"] == "applied"
    assert any(line.startswith("maps: ") for line in outcome["layers"]["preload"]["evidence"])
    assert outcome["level"] == "full"
