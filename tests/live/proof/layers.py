# SPDX-License-Identifier: Apache-2.0
"""The layers as parts that a bundle has or has not. A configuration is a set of parts; nothing but
the bundle differs between two of them.

A layer can have several parts: the lists of the shim are three, and noexec is one of a tmpfs.
"""
import json

from vbnode import images

LISTED_PROGRAMS = ("/opt/bin/allowed", "/opt/bin/i386", "/opt/bin/overwritten", "/opt/bin/planted",
                   "/opt/bin/setuid", "/opt/bin/static", "/tmp/planted", "/tmp/program")
LISTED_LIBRARIES = ("/opt/lib/liblisted.so", "/opt/lib/liboverwritten.so")
LISTED_ADDRESSES = ("10.98.0.0/16:*", "[fd98::/16]:*")

# {layer as the outcome names it: its parts}
LAYERS = {
    "seccomp": {"seccomp"},
    "capabilities": {"capabilities"},
    "read_only_rootfs": {"read_only_rootfs"},
    "tmpfs": {"tmpfs", "noexec"},
    "no_new_privileges": {"no_new_privileges"},
    "rlimits": {"rlimits"},
    "preload": {"exec", "connect", "dlopen"},
}
ALL = frozenset().union(*LAYERS.values())

# Denies nothing. A container on our handler gets the starter unless its bundle names another
# profile, so this is what a bundle without the layer has. Beside a list of the shim it leaves the
# 32-bit ABI out, as the starter does there: a profile that needs it makes a list partial.
_OPEN = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}
_FOREIGN = [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}]


def open_profile(parts):
    """The profile of a bundle without the seccomp layer, as text."""
    foreign = {} if parts & LAYERS["preload"] else {"archMap": _FOREIGN}
    return json.dumps({**_OPEN, **foreign})


def brought(parts):
    """The parts of the seccomp layer that other layers bring along (docs/contracts.md, The starter
    profile)."""
    found = set()
    if parts & {"capabilities", "read_only_rootfs", "tmpfs", "no_new_privileges"}:
        found.add("closure")
    if parts & {"exec", "connect"}:
        found.add("io_uring")
    if parts & {"exec", "connect", "dlopen"}:
        found.add("native_abi")
    return found


def layer_of(part):
    """The layer that a part belongs to."""
    if part in ("closure", "io_uring", "native_abi"):
        return "seccomp"
    return next(layer for layer, parts in LAYERS.items() if part in parts)


def asked(parts):
    """{layer: state} of a container with these parts that is as asked. Vambrace's own profile is
    always there, if only one that denies nothing."""
    return {"spec_allow": "skipped",
            **{layer: "applied" if layer == "seccomp" or own & parts else "skipped"
               for layer, own in LAYERS.items()}}


def libc():
    """The path of the C library in the image."""
    return next(path for path in images.needed_libraries(images.nothing())
                if path.endswith("/libc.so.6"))


def manifest(parts, audit=()):
    """The parts of a manifest that differ: hardening, and the dlopen list beside it."""
    hardening = {"seccomp": {"profile": "starter" if "seccomp" in parts else "open"}}
    if "capabilities" in parts:
        hardening["capabilities"] = {"drop": ["CHOWN", "NET_RAW", "SYS_CHROOT"]}
    if "read_only_rootfs" in parts:
        hardening["read_only_rootfs"] = True
    if "tmpfs" in parts:
        hardening["tmpfs"] = [{"path": "/tmp", "size": "4Mi", "mode": "1777",
                               "noexec": "noexec" in parts}]
    if "no_new_privileges" in parts:
        hardening["no_new_privileges"] = True
    if "rlimits" in parts:
        hardening["rlimits"] = [{"type": "NOFILE", "soft": 32, "hard": 64}]
    preload = {}
    if "exec" in parts:
        preload["exec_allowlist"] = list(LISTED_PROGRAMS)
    if "connect" in parts:
        preload["connect_allowlist"] = list(LISTED_ADDRESSES)
    if preload or audit:
        hardening["preload"] = {**preload, "audit": list(audit)} if audit else preload
    made = {"hardening": hardening}
    if "dlopen" in parts:
        # libc as well, as a program with a foreign function interface needs it.
        made["dlopen_allowlist"] = {"paths": [*LISTED_LIBRARIES, libc()]}
    return made
