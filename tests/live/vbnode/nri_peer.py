# SPDX-License-Identifier: Apache-2.0
"""Troublemakers on the NRI wire: a relay that spoils our plugin's reply, and a second plugin that
takes away what ours brought. Both speak the real protocol to the real containerd."""
import contextlib
import pathlib
import select
import socket
import struct
import threading
import time

from . import cri_messages

_PROTO = pathlib.Path(__file__).resolve().parents[3] / "proto"
PLUGIN_CONN, RUNTIME_CONN = 1, 2
REQUEST, RESPONSE = 1, 2
CREATE_CONTAINER = 0x8

# What a Relay does to the reply of CreateContainer; our daemon has decided and written the plan.
FAULTS = ("late", "dies-after-the-plan", "garbled", "wrong-stream", "emptied", "one-big-frame")

# What a Remover takes away behind our plugin.
REMOVALS = ("env", "mount", "annotation")


def _messages():
    return (cri_messages.load(_PROTO / "nri.proto"), cri_messages.load(_PROTO / "ttrpc.proto"))


def _frames(buffer):
    """Takes the whole mux frames off the front of a bytearray: [(conn, payload)]."""
    frames = []
    while len(buffer) >= 8:
        conn, length = struct.unpack_from(">II", buffer)
        if len(buffer) < 8 + length:
            break
        frames.append((conn, bytes(buffer[8:8 + length])))
        del buffer[:8 + length]
    return frames


def _frame(conn, message):
    """The frames that carry one ttrpc message; see docs/nri.md for the 4096."""
    parts = [part for part in (message[:4096], message[4096:]) if part]
    return b"".join(struct.pack(">II", conn, len(part)) + part for part in parts)


def _message(stream, kind, payload):
    return struct.pack(">IIBB", len(payload), stream, kind, 0) + payload


class _Stream:
    """ttrpc messages of one mux connection, from frames that may split them anywhere."""

    def __init__(self):
        self.buffer = bytearray()

    def feed(self, payload):
        """Yields (stream, kind, body)."""
        self.buffer += payload
        while len(self.buffer) >= 10:
            length, stream, kind, _ = struct.unpack_from(">IIBB", self.buffer)
            if len(self.buffer) < 10 + length:
                return
            body = bytes(self.buffer[10:10 + length])
            del self.buffer[:10 + length]
            yield stream, kind, body


class Relay:
    """Stands between containerd and our daemon and spoils the first CreateContainer reply that
    brings an adjustment. `spoiled` says whether it happened."""

    def __init__(self, node, fault):
        self.fault = fault
        self.spoiled = False
        self.socket = "/run/relay.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        path = node.run_dir / "relay.sock"
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        self._listener.listen(4)
        self._runtime_path = str(node.nri_socket)
        self._creates = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._stop.set()
        self._thread.join(10)
        self._listener.close()

    def _serve(self):
        while not self._stop.is_set():
            ready, _, _ = select.select([self._listener], [], [], 0.1)
            if ready:
                plugin, _ = self._listener.accept()
                with plugin, socket.socket(socket.AF_UNIX) as runtime:
                    runtime.connect(self._runtime_path)
                    # The runtime hangs up on a plugin that answers late.
                    with contextlib.suppress(BrokenPipeError):
                        self._pass(plugin, runtime)

    def _pass(self, plugin, runtime):
        streams = {plugin: _Stream(), runtime: _Stream()}
        buffers = {plugin: bytearray(), runtime: bytearray()}
        other = {plugin: runtime, runtime: plugin}
        while not self._stop.is_set():
            for end in select.select([plugin, runtime], [], [], 0.1)[0]:
                data = end.recv(1 << 16)
                if not data:
                    return
                buffers[end] += data
                for conn, payload in _frames(buffers[end]):
                    if not self._forward(end is plugin, conn, payload, streams[end], other[end]):
                        return

    def _forward(self, from_plugin, conn, payload, stream, to):
        """Passes one frame on, or spoils it. False ends the connection."""
        if conn != PLUGIN_CONN:
            to.sendall(_frame(conn, payload))
            return True
        for number, kind, body in stream.feed(payload):
            if kind == REQUEST and b"CreateContainer" in body[:80]:
                self._creates.add(number)
            if from_plugin and number in self._creates and len(body) > 64 and not self.spoiled:
                self.spoiled = True
                if not self._spoil(number, body, to):
                    return False
            else:
                to.sendall(_frame(conn, _message(number, kind, body)))
        return True

    def _spoil(self, number, body, to):
        if self.fault == "late":
            time.sleep(2.5)
            to.sendall(_frame(PLUGIN_CONN, _message(number, RESPONSE, body)))
        elif self.fault == "dies-after-the-plan":
            return False
        elif self.fault == "garbled":
            to.sendall(_frame(PLUGIN_CONN, _message(number, RESPONSE, b"\xff" * len(body))))
        elif self.fault == "wrong-stream":
            to.sendall(_frame(PLUGIN_CONN, _message(number + 100, RESPONSE, body)))
        elif self.fault == "emptied":
            to.sendall(_frame(PLUGIN_CONN, _message(number, RESPONSE, b"")))
        elif self.fault == "one-big-frame":
            message = _message(number, RESPONSE, body + b"\x1a\x80\x20" + b"x" * 4096)
            to.sendall(struct.pack(">II", PLUGIN_CONN, len(message)) + message)
        return True


class Remover:
    """A second plugin, behind ours in the order, that takes pieces away in CreateContainer."""

    def __init__(self, node, removal):
        self._nri, self._ttrpc = _messages()
        self._removal = removal
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(node.nri_socket))
        self._streams = {PLUGIN_CONN: _Stream(), RUNTIME_CONN: _Stream()}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        register = self._nri.RegisterPluginRequest(plugin_name="remover", plugin_idx="99",
                                                   NRI_version="0.12.0")
        request = self._ttrpc.Request(service="nri.pkg.api.v1alpha1.Runtime",
                                      method="RegisterPlugin",
                                      payload=register.SerializeToString(),
                                      timeout_nano=5 * 10 ** 9)
        self._send(RUNTIME_CONN, 1, REQUEST, request)
        self._thread.start()
        assert self._ready.wait(10), "the second plugin was not synchronized"
        time.sleep(0.1)
        return self

    def __exit__(self, *exc_info):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()

    def _send(self, conn, stream, kind, message):
        self._socket.sendall(_frame(conn, _message(stream, kind, message.SerializeToString())))

    def _serve(self):
        buffer = bytearray()
        while True:
            data = self._socket.recv(1 << 16)
            if not data:
                return
            buffer += data
            for conn, payload in _frames(buffer):
                for stream, kind, body in self._streams[conn].feed(payload):
                    if kind == REQUEST:
                        self._answer(stream, self._ttrpc.Request.FromString(body))

    def _answer(self, stream, request):
        reply = b""
        if request.method == "Configure":
            reply = self._nri.ConfigureResponse(events=CREATE_CONTAINER).SerializeToString()
        elif request.method == "CreateContainer":
            reply = self._nri.CreateContainerResponse(adjust=self._adjust()).SerializeToString()
        self._send(PLUGIN_CONN, stream, RESPONSE, self._ttrpc.Response(payload=reply))
        if request.method == "Synchronize":
            self._ready.set()

    def _adjust(self):
        adjust = self._nri.ContainerAdjustment()
        if self._removal == "env":
            adjust.env.add(key="-LD_PRELOAD")
        elif self._removal == "mount":
            adjust.mounts.add(destination="-/tmp")
        else:
            adjust.annotations.add(key="-plan-digest.vambrace.dev")
        return adjust
