# SPDX-License-Identifier: Apache-2.0
"""What cannot be enforced is refused: one line in the CRI reply, and nothing left behind."""
import pytest

from test_hardening import ATTACK, GENEROUS
from vbnode.cri import CriError, Mount, Security

REFUSALS = {
    "unknown annotation": (
        {"cap-dorp.vambrace.dev": "NET_RAW"}, "vambrace",
        "vambrace: ErrUnknownAnnotation: unknown annotation 'cap-dorp.vambrace.dev' "
        "(default/refused, container main): the nearest known key is cap-drop.vambrace.dev"),
    "empty value": (
        {"tmpfs.vambrace.dev": ""}, "vambrace",
        "vambrace: ErrInvalidValue: annotation 'tmpfs.vambrace.dev' is empty "
        "(default/refused, container main): give it a value, or remove it"),
    "unknown capability": (
        {"cap-drop.vambrace.dev": "NET_ROW"}, "vambrace",
        "vambrace: ErrInvalidValue: annotation 'cap-drop.vambrace.dev': "
        "unknown capability 'NET_ROW' (default/refused, container main): "
        "did you mean NET_RAW? capabilities are named as in capabilities(7)"),
    "missing bundle": (
        {"bundle.vambrace.dev": "nonesuch"}, "vambrace",
        "vambrace: ErrBundleNotFound: bundle 'nonesuch' is not on this node "
        "(default/refused, container main): install it in one of "
        "/etc/vambrace/bundles,/var/lib/vambrace/bundles, or correct bundle.vambrace.dev"),
    "a hook layer on another handler": (
        {"cap-drop.vambrace.dev": "NET_RAW", "read-only-rootfs.vambrace.dev": "true",
         "tmpfs.vambrace.dev": "/tmp"}, None,
        "vambrace: ErrHardeningRequiresRuntime: runtime handler '{plain}' cannot enforce "
        "capabilities,read_only_rootfs (default/refused, container main): "
        "set runtimeClassName: vambrace on the pod, or drop these layers"),
    "an opt-out that nobody permits": (
        {"seccomp.vambrace.dev": "opt-out", "seccomp-opt-out-reason.vambrace.dev": "test"},
        "vambrace",
        "vambrace: ErrNotPermitted: seccomp.vambrace.dev asks for opt-out, which this node does "
        "not permit (default/refused, container main): remove the annotation"),
    "a tmpfs over the proc file system": (
        {"tmpfs.vambrace.dev": "/proc/../proc"}, "vambrace",
        "vambrace: ErrInvalidValue: annotation 'tmpfs.vambrace.dev': tmpfs path '/proc/../proc' "
        "is the root or lies in /proc, /sys or /dev (default/refused, container main): "
        "choose another directory, such as /tmp"),
    "a plan digest of the pod's own": (
        {"plan-digest.vambrace.dev": "sha256:" + "0" * 64}, "vambrace",
        "vambrace: ErrUnknownAnnotation: unknown annotation 'plan-digest.vambrace.dev' "
        "(default/refused, container main): the nearest known key is "),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_one_line_and_leaves_nothing(vambrace, cri, case):
    annotations, handler, expected = REFUSALS[case]
    handler = handler or vambrace.plain_handler
    expected = expected.replace("{plain}", vambrace.plain_handler)
    before = vambrace.state_files()
    with cri.pod("refused", handler=handler, annotations=annotations) as pod:
        with pytest.raises(CriError) as caught:
            cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
        assert cri.list_containers(pod) == []
    assert caught.value.call == "CreateContainer"
    assert expected in caught.value.message
    assert "\n" not in caught.value.message
    assert vambrace.state_files() == before


def test_a_broken_bundle_is_refused_with_its_key(vambrace, cri):
    vambrace.bundle("broken", {"seccompp": {}})
    with cri.pod("refused", handler="vambrace",
                 annotations={"bundle.vambrace.dev": "broken"}) as pod:
        with pytest.raises(CriError) as caught:
            cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
    assert ("vambrace: ErrBundleInvalid: bundle 'broken': unknown key 'seccompp' in hardening, "
            "did you mean 'seccomp'? (default/refused, container main): "
            "correct the bundle's manifest.json") in caught.value.message


def test_an_update_of_a_bundle_is_picked_up_without_a_restart(vambrace, cri):
    for drop in ("NET_RAW", "MKNOD"):
        vambrace.bundle("changing", {"capabilities": {"drop": [drop]}})
        with cri.pod(handler="vambrace", annotations={"bundle.vambrace.dev": "changing"}) as pod:
            container = cri.create_container(pod, "main", ATTACK, ["/bin/attack", "--wait"])
            assert vambrace.plan(container.id)["layers"]["capabilities"]["drop"] == [f"CAP_{drop}"]
            container.start()
            assert f"CAP_{drop}" not in vambrace.receipt(container.id)["capabilities"]["bounding"]


def test_a_broken_update_of_a_bundle_keeps_the_last_good_version_and_says_so(
        vambrace, node, cri):
    vambrace.bundle("kept", {"capabilities": {"drop": ["NET_RAW"]}})
    options = {"handler": "vambrace", "annotations": {"bundle.vambrace.dev": "kept"}}
    with cri.pod(**options) as pod:
        cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
    node.write("/etc/vambrace/bundles/kept/manifest.json", "{")
    position = vambrace.log_size()
    with cri.pod(**options) as pod:
        container = cri.create_container(pod, "main", ATTACK, ["/bin/attack"])
        assert vambrace.plan(container.id)["layers"]["capabilities"]["drop"] == ["CAP_NET_RAW"]
    vambrace.wait_log(r"event=bundle-kept .*bundle 'kept'", since=position)


def test_a_tmpfs_over_a_volume_is_a_conflict(vambrace, node, cri):
    node.run(["mkdir", "-p", "/srv/data"])
    with cri.pod("refused", handler="vambrace",
                 annotations={"tmpfs.vambrace.dev": "/data/"}) as pod:
        with pytest.raises(CriError, match="ErrConflict: tmpfs '/data' would cover the mount at '/data'"):
            cri.create_container(pod, "main", ATTACK, ["/bin/attack"],
                                 mounts=[Mount("/data", "/srv/data")])


def test_a_tmpfs_that_meets_a_volume_through_an_image_link_is_a_conflict(vambrace, node, cri):
    """/bin of the image is real, /alias leads to it: only the hook can see that."""
    from vbnode import images  # pylint: disable=import-outside-toplevel
    layer = images.base_layer()
    layer.link("/alias", "/srv")
    node.load_image(images.archive("vb.test/alias:1", layer))
    node.run(["mkdir", "-p", "/srv/data"])
    before = vambrace.state_files()
    with cri.pod("refused", handler="vambrace",
                 annotations={"tmpfs.vambrace.dev": "/alias"}) as pod:
        container = cri.create_container(pod, "main", "vb.test/alias:1", ["/bin/sleep", "9"],
                                         mounts=[Mount("/srv", "/srv/data")], security=GENEROUS)
        with pytest.raises(CriError) as caught:
            container.start()
        assert caught.value.call == "StartContainer"
        assert "vambrace: ErrConflict: " in caught.value.message
        assert "(default/refused, container main)" in caught.value.message
        container.remove()
    assert vambrace.state_files() == before


def test_runtime_default_is_refused_where_the_container_has_none(vambrace, cri):
    with cri.pod("refused", handler="vambrace",
                 annotations={"seccomp-profile.vambrace.dev": "runtime-default"}) as pod:
        container = cri.create_container(pod, "main", ATTACK, ["/bin/attack"],
                                         security=Security(seccomp="Unconfined"))
        with pytest.raises(CriError, match="vambrace: ErrConflict: the profile runtime-default"):
            container.start()
