# SPDX-License-Identifier: Apache-2.0
"""containerd's configuration file, in the format of the version at hand."""
import dataclasses
import json

# Annotations of ours that containerd hands to the runtime in config.json.
VAMBRACE_ANNOTATIONS = ("*.vambrace.dev", "*.vambrace.dev/*")


@dataclasses.dataclass(frozen=True)
class Handler:
    """One runtime handler, as a RuntimeClass names it. `binary` is a path, or a name in PATH."""
    name: str
    binary: str
    pod_annotations: tuple = ()


DEFAULT_HANDLERS = (
    Handler("runc", "runc"),
    Handler("crun", "crun"),
    Handler("vambrace", "/opt/vambrace/bin/vambrace", VAMBRACE_ANNOTATIONS),
)

# Where 1.x (configuration version 2) and 2.x (version 3) keep the same settings.
_CRI_TABLES = {2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime"}


def render(major, handlers, default_handler, nri_settings=None):
    """The text of /etc/containerd/config.toml for containerd `major`.x.

    `nri_settings` adds or overrides keys of the NRI table, e.g. {"plugin_request_timeout": "5s"}.
    """
    version = 2 if major < 2 else 3
    cri = _CRI_TABLES[version]
    lines = [f"version = {version}",
             f'[plugins."{cri}"]',
             # Without CAP_SYS_RESOURCE nobody may lower an oom_score_adj, and runc dies trying.
             "restrict_oom_score_adj = true",
             f'[plugins."{cri}".containerd]',
             f"default_runtime_name = {_toml(default_handler)}"]
    for handler in handlers:
        table = f'plugins."{cri}".containerd.runtimes.{_toml(handler.name)}'
        lines += [f"[{table}]",
                  'runtime_type = "io.containerd.runc.v2"',
                  f"pod_annotations = {_toml(list(handler.pod_annotations))}",
                  f"[{table}.options]",
                  f"BinaryName = {_toml(handler.binary)}"]
    lines.append('[plugins."io.containerd.nri.v1.nri"]')
    lines += [f"{key} = {_toml(value)}"
              for key, value in {"disable": False, **(nri_settings or {})}.items()]
    return "\n".join(lines) + "\n"


def _toml(value):
    """Strings, booleans, numbers and lists of strings are written alike in TOML and JSON."""
    return json.dumps(value)
