# SPDX-License-Identifier: Apache-2.0
"""A node whose containerd is laid out and started as by k3s, by a fake of it that makes the
configuration with Go's text/template (k3s/template.go)."""
import pathlib

from . import golang, kind
from .node import Service

ETC = "/var/lib/rancher/k3s/agent/etc/containerd"
DATA = "/var/lib/rancher/k3s/data"
_RENDER = "/usr/local/libexec/k3s-template"
_SOURCE = pathlib.Path(__file__).resolve().parent.parent / "k3s/template.go"
# As k3s starts it: containerd's program is k3s itself, called by another name. To other names it has
# nothing to say of containerd; the fake shows that from the moment on at which containerd runs.
_SERVER = f"""#!/bin/sh
# A fake of `k3s server`: makes containerd's configuration and starts it.
set -e
bin=$(readlink -f {DATA}/current)/bin
umount "$bin/k3s" 2>/dev/null || true
mountpoint -q "$bin/k3s" || mount --bind --make-private /usr/bin/containerd "$bin/k3s"
{_RENDER} {ETC} "$@"
(until [ "$(readlink /proc/$$/exe)" = "$bin/k3s" ]; do sleep 0.02; done
mount --bind /usr/local/libexec/k3s "$bin/k3s") &
export PATH="$bin:$bin/aux:$PATH"
# With containerd 1.7 it says here what it says in the file later.
case $1 in
2) set -- -a /run/k3s/containerd/containerd.sock --state /run/k3s/containerd \
	--root /var/lib/containerd/k3s ;;
*) set -- ;;
esac
exec containerd -c {ETC}/config.toml "$@"
"""
_PROGRAM = """#!/bin/sh
# A fake of the program k3s.
case ${0##*/} in
containerd) exec /usr/bin/containerd "$@" ;;
esac
echo "k3s version v1.34.1+k3s1 (24fc436e)"
"""


def version_files(digest):
    """The files of one version of k3s, with the runtime that it brings."""
    return {f"{DATA}/{digest}/bin/k3s": (b"", 0o755),
            f"{DATA}/{digest}/bin/containerd": "k3s",
            f"{DATA}/{digest}/bin/runc": (kind.RUNC.encode(), 0o755)}


def service(major, *, imports=False, template=None):
    """The Service of a k3s with containerd `major`.x, whose bases import drop-ins or do not, and with
    a template of the operator's, if given."""
    generation = 3 if major >= 2 else 2
    files = {"/usr/local/sbin/k3s": (_SERVER.encode(), 0o755),
             "/usr/local/libexec/k3s": (_PROGRAM.encode(), 0o755),
             _RENDER: (golang.program(_SOURCE).read_bytes(), 0o755),
             f"{ETC}/certs.d/.keep": (b"", 0o644), f"{DATA}/current": "1f2e3d",
             **version_files("1f2e3d")}
    if template is not None:
        files[f"{ETC}/{template_name(major)}"] = (template.encode(), 0o644)
    return Service(("/usr/local/sbin/k3s", str(generation), "imports" if imports else "alone"),
                   f"{ETC}/config.toml", "k3s/containerd", files)


def template_name(major):
    """The template that such a k3s asks for first."""
    return "config-v3.toml.tmpl" if major >= 2 else "config.toml.tmpl"
