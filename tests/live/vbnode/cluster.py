# SPDX-License-Identifier: Apache-2.0
"""A fake of a kind cluster: one node with a real containerd, no API server. What the fakes of kind and
kubectl (fakes/) are told becomes calls of the CRI, as kubelet would make them.

    with Cluster(boot) as cluster:
        subprocess.run(["deploy/kind/up"], env={**os.environ, **cluster.environment})

It knows the commands that deploy/kind uses and refuses all others."""
import contextlib
import json
import pathlib
import socketserver
import tempfile
import threading
import time

import yaml

from . import http, kubelet, manifest
from .cri import CriError
from .restarts import Restarts
from .system import start_target

FAKES = pathlib.Path(__file__).resolve().parent.parent / "fakes"
API_SERVER = ("10.96.0.1", 443)


class Refused(Exception):
    """What the program prints as its error."""


class Pod:
    """A pod that runs, and what became of it."""

    def __init__(self, cluster, spec, config_maps=()):
        self.spec, self.container, self.error = spec, None, None
        self._cluster, self._config_maps = cluster, config_maps
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        node = self._cluster.node
        cri = node.cri()
        try:
            with kubelet.pod(cri, node, self.spec, self._config_maps,
                             host_network=self.spec["spec"].get("hostNetwork", False)) as sandbox:
                self._address = cri.pod_address(sandbox)
                self._start(cri, sandbox)
                self._ends.wait()
        except (CriError, Refused) as error:
            self.error = str(error)

    def _start(self, cri, sandbox):
        for entry in self.spec["spec"].get("initContainers", []):
            result = manifest.wait(kubelet.create(cri, sandbox, self.spec, entry).start())
            if result.exit_code != 0:
                raise Refused(f"init container {entry['name']}: {result.stdout}{result.stderr}")
        entry, = self.spec["spec"]["containers"]
        self.container = kubelet.create(cri, sandbox, self.spec, entry).start()

    def is_ready(self):
        """Started, and well by its readiness probe."""
        if self.error:
            raise Refused(self.error)
        if self.container is None:
            return False
        entry, = self.spec["spec"]["containers"]
        probe = entry.get("readinessProbe", {}).get("httpGet")
        if probe is None:
            return True
        port, = (port["containerPort"] for port in entry["ports"] if port["name"] == probe["port"])
        # Until it listens, the client has an error of its own.
        with contextlib.suppress(Exception):
            return http.get(self._cluster.node.anchor_pid,
                            f"http://{self._address}:{port}{probe['path']}")[0] == 200
        return False

    def remove(self):
        """Ends and removes it."""
        self._ends.set()
        self._thread.join()


class Cluster:
    """`boot()` returns the started node of a new cluster. `environment` has the fakes in PATH;
    `calls` is what they were told."""

    def __init__(self, boot):
        self.node, self.name, self.calls = None, None, []
        self.pods, self.objects = {}, {}
        self._boot, self._restarts = boot, None
        self._scratch = tempfile.TemporaryDirectory(prefix="fake-")
        self._server = _serve(pathlib.Path(self._scratch.name) / "socket", self._answer)

    @property
    def environment(self):
        """Variables for what shall use the cluster."""
        return {"PATH": f"{FAKES}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                "VAMBRACE_FAKE_CLUSTER": self._server.server_address}

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self._server.shutdown()
        self._server.server_close()
        self._scratch.cleanup()
        if self.node is not None:
            self._delete()

    def _answer(self, program, words, directory):
        """Exit code and output of a command line."""
        self.calls.append([program, *words])
        try:
            arguments = _Arguments(words, pathlib.Path(directory))
            find = _COMMANDS[program].get(arguments.verb)
            if find is None:
                raise Refused(f"the fake does not know: {' '.join([program, *words])}")
            if arguments.get("context") not in (None, f"kind-{self.name}"):
                raise Refused(f"context {arguments.get('context')} does not exist")
            return {"code": 0, "stdout": find(self, arguments), "stderr": ""}
        except (Refused, CriError, AssertionError) as error:
            return {"code": 1, "stdout": "", "stderr": f"error: {error}\n"}

    # kind

    def _create(self, arguments):
        if self.node is not None:
            raise Refused(f'node(s) already exist for a cluster with the name "{self.name}"')
        self.node, self.name = self._boot(), arguments.get("name")
        self.node.load_base_images()
        start_target(self.node, *API_SERVER)
        self._restarts = Restarts(self.node)
        return ""

    def _clusters(self, arguments):
        return f"{self.name}\n" if self.node is not None else ""

    def _load(self, arguments):
        path = arguments.path(arguments.operands[0])
        with open(path, "rb") as stream:
            run = self.node.popen(
                ["ctr", "--namespace=k8s.io", "images", "import", "--all-platforms", "--digests",
                 "--snapshotter=overlayfs", "-"], stdin=stream, stdout=-1, stderr=-2, text=True)
            output, _ = run.communicate()
        if run.returncode != 0:
            raise Refused(output)
        return ""

    def _delete(self, arguments=None):
        if arguments is not None and arguments.get("name") != self.name:
            return ""  # as kind
        for pod in self.pods.values():
            pod.remove()
        self._restarts.close()
        self.node.stop()
        self.node, self.pods, self.objects = None, {}, {}
        return ""

    # kubectl

    def _apply(self, arguments):
        entries = (list(manifest.render(arguments.path(arguments.get("kustomize"))).values())
                   if arguments.get("kustomize") else arguments.documents())
        for entry in entries:
            self._store(entry)
        return "".join(f"{entry['kind'].lower()}/{entry['metadata']['name']} configured\n"
                       for entry in entries)

    def _store(self, entry):
        key = entry["kind"], entry["metadata"]["name"]
        is_new = self.objects.get(key) != entry
        self.objects[key] = entry
        if entry["kind"] == "Pod" and is_new:
            name = entry["spec"].get("runtimeClassName")
            if name and ("RuntimeClass", name) not in self.objects:
                raise Refused(f'RuntimeClass "{name}" not found')
            self._run(entry["metadata"]["name"], entry)
        if entry["kind"] == "DaemonSet" and is_new:
            template = entry["spec"]["template"]
            self._run(f"daemonset/{entry['metadata']['name']}", {
                "metadata": {**template["metadata"], "name": f"{entry['metadata']['name']}-x7k2p",
                             "namespace": entry["metadata"]["namespace"]},
                "spec": self._with_restarts(template["spec"])},
                [item for (kind, _), item in self.objects.items() if kind == "ConfigMap"])

    def _with_restarts(self, spec):
        """The node has no systemd, which a node of kind has: how containerd is restarted is said."""
        first, *others = spec["initContainers"]
        return {**spec, "initContainers": [
            {**first, "args": [*first["args"], *self._restarts.OPTIONS]}, *others]}

    def _run(self, name, spec, config_maps=()):
        if name in self.pods:
            self.pods.pop(name).remove()
        self.pods[name] = Pod(self, spec, config_maps)

    def _remove(self, arguments):
        for entry in arguments.documents():
            if self.objects.pop((entry["kind"], entry["metadata"]["name"]), None):
                self.pods.pop(entry["metadata"]["name"]).remove()
        return ""

    def _wait(self, arguments):
        """rollout status, and wait for the condition Ready."""
        names = [name.removeprefix("pod/") for name in arguments.operands]
        deadline = time.monotonic() + int(arguments.get("timeout").removesuffix("s"))
        while not all([self._pod(name).is_ready() for name in names]):
            if time.monotonic() > deadline:
                raise Refused(f"timed out waiting for the condition on {', '.join(names)}")
            time.sleep(0.05)
        return ""

    def _pod(self, name):
        if name not in self.pods:
            raise Refused(f'pods "{name}" not found')
        return self.pods[name]

    def _logs(self, arguments):
        return "".join(self._pod(arguments.operands[0]).container.logs())

    def _exec(self, arguments):
        result = self._pod(arguments.operands[0]).container.exec(arguments.command)
        if result.exit_code != 0 and not result.stdout:
            raise Refused(result.stderr)
        return result.stdout


_COMMANDS = {
    "kind": {"create cluster": Cluster._create, "get clusters": Cluster._clusters,
             "load image-archive": Cluster._load, "delete cluster": Cluster._delete},
    "kubectl": {"apply": Cluster._apply, "delete": Cluster._remove, "wait": Cluster._wait,
                "rollout status": Cluster._wait, "logs": Cluster._logs, "exec": Cluster._exec},
}
_FLAGS = {"--ignore-not-found"}
_SHORT = {"-k": "--kustomize", "-f": "--filename", "-n": "--namespace", "-c": "--container"}


class _Arguments:
    """A command line: `verb` (of one word or two), options, operands, and what is behind `--`."""

    def __init__(self, words, directory):
        self._directory, self._options = directory, {}
        words, self.command = ((words[:words.index("--")], words[words.index("--") + 1:])
                               if "--" in words else (words, []))
        plain = []
        words = iter(words)
        for word in words:
            option, equals, value = _SHORT.get(word, word).partition("=")
            if not option.startswith("--"):
                plain.append(word)
            elif equals or option in _FLAGS:
                self._options[option[2:]] = value
            else:
                self._options[option[2:]] = next(words)
        pair = " ".join(plain[:2])
        size = 2 if any(pair in verbs for verbs in _COMMANDS.values()) else 1
        self.verb, self.operands = " ".join(plain[:size]), plain[size:]

    def get(self, option):
        """The value of an option, or None."""
        return self._options.get(option)

    def path(self, name):
        """A path of whoever called."""
        return self._directory / name

    def documents(self):
        """The objects of the file in --filename."""
        text = self.path(self.get("filename")).read_text(encoding="utf-8")
        return [item for document in yaml.safe_load_all(text)
                for item in (document["items"] if document["kind"] == "List" else [document])]


def _serve(path, answer):
    """A server of command lines at a socket."""
    class Handler(socketserver.StreamRequestHandler):
        """One command line."""

        def handle(self):
            self.wfile.write(json.dumps(answer(*json.load(self.rfile))).encode())

    server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
