# SPDX-License-Identifier: Apache-2.0
"""Protobuf messages, the CRI's by default, compiled into the cache on first use."""
import hashlib
import importlib.util
import os
import pathlib
import sys
import tempfile

from .roots import cache_dir

_PROTO = pathlib.Path(__file__).with_name("cri.proto")


def load(proto=_PROTO):
    """Returns the module of message classes of a .proto file."""
    name = f"{proto.stem}_pb2"
    digest = hashlib.sha256(proto.read_bytes()).hexdigest()[:12]
    module_path = cache_dir() / f"{proto.stem}-{digest}" / f"{name}.py"
    if not module_path.exists():
        _compile(proto, module_path)
    spec = importlib.util.spec_from_file_location(name, module_path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _compile(proto, module_path):
    from grpc_tools import protoc  # pylint: disable=import-outside-toplevel (slow, rarely needed)
    module_path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=module_path.parent) as scratch:
        status = protoc.main(["protoc", f"--proto_path={proto.parent}",
                              f"--python_out={scratch}", str(proto)])
        if status != 0:
            raise RuntimeError(f"protoc cannot compile {proto}")
        os.replace(pathlib.Path(scratch) / module_path.name, module_path)
