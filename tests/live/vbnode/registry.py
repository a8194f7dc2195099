# SPDX-License-Identifier: Apache-2.0
"""A registry with one image, on the loopback of a node's network, for what containerd only pulls.

Run as a program inside that network with the archive, the repository and the port as arguments."""
import hashlib
import http.server
import json
import sys
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest(data):
    """The name of a blob."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def blobs(archive):
    """The manifest of a docker-archive in OCI's form, and {digest: bytes} with all of it."""
    with tarfile.open(archive) as tar:
        (image,) = json.load(tar.extractfile("manifest.json"))
        config = tar.extractfile(image["Config"]).read()
        layers = [tar.extractfile(name).read() for name in image["Layers"]]

    def describe(kind, data):
        return {"mediaType": kind, "digest": digest(data), "size": len(data)}

    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST,
                           "config": describe(CONFIG, config),
                           "layers": [describe(LAYER, layer) for layer in layers]}).encode()
    return manifest, {digest(data): data for data in (manifest, config, *layers)}


class Registry(http.server.BaseHTTPRequestHandler):
    """Answers pulls by tag or digest; `manifest`, `blobs` and `repository` are set by main()."""
    manifest, blobs, repository = b"", {}, ""

    def log_message(self, *unused):  # pylint: disable=arguments-differ (quiet)
        pass

    def do_HEAD(self):  # pylint: disable=invalid-name (http.server's)
        self.do_GET(body=False)

    def do_GET(self, body=True):  # pylint: disable=invalid-name
        kind, _, name = self.path.removeprefix(f"/v2/{self.repository}/").partition("/")
        data = self.blobs.get(name, self.manifest if kind == "manifests" else None)
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Length", str(len(data or b"")))
        if data is not None:
            self.send_header("Content-Type", MANIFEST if kind == "manifests"
                             else "application/octet-stream")
            self.send_header("Docker-Content-Digest", digest(data))
        self.end_headers()
        if body and data is not None:
            self.wfile.write(data)


def main(archive, repository, port):
    """Serves until killed; says so on stdout."""
    Registry.manifest, Registry.blobs = blobs(archive)
    Registry.repository = repository
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Registry)
    print("listening", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
