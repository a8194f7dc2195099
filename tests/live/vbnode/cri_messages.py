# SPDX-License-Identifier: Apache-2.0
"""The CRI messages, compiled from cri.proto into the cache on first use."""
import hashlib
import importlib.util
import os
import pathlib
import sys
import tempfile

from .roots import cache_dir

_PROTO = pathlib.Path(__file__).with_name("cri.proto")


def load():
    """Returns the module of message classes."""
    digest = hashlib.sha256(_PROTO.read_bytes()).hexdigest()[:12]
    module_path = cache_dir() / f"cri-{digest}" / "cri_pb2.py"
    if not module_path.exists():
        _compile(module_path)
    spec = importlib.util.spec_from_file_location("cri_pb2", module_path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["cri_pb2"] = module
    spec.loader.exec_module(module)
    return module


def _compile(module_path):
    from grpc_tools import protoc  # pylint: disable=import-outside-toplevel (slow, rarely needed)
    module_path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=module_path.parent) as scratch:
        status = protoc.main(["protoc", f"--proto_path={_PROTO.parent}",
                              f"--python_out={scratch}", str(_PROTO)])
        if status != 0:
            raise RuntimeError(f"protoc cannot compile {_PROTO}")
        os.replace(pathlib.Path(scratch) / "cri_pb2.py", module_path)
