# SPDX-License-Identifier: Apache-2.0
"""A small workload for ./record: files, threads, a child, a socket."""

import os
import pathlib
import socket
import subprocess
import tempfile
import threading


def serve(listener):
    with listener.accept()[0] as peer:
        peer.sendall(peer.recv(100))


with tempfile.TemporaryDirectory() as directory:
    path = pathlib.Path(directory) / "file"
    path.write_text("text")
    path.chmod(0o600)
    path.rename(path.with_suffix(".new"))
    os.listdir(directory)
subprocess.run(["true"], check=True)
with socket.create_server(("127.0.0.1", 0)) as listener:
    thread = threading.Thread(target=serve, args=(listener,))
    thread.start()
    with socket.create_connection(listener.getsockname()) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
    thread.join()
