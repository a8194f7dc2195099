# SPDX-License-Identifier: Apache-2.0
"""Container images made on the spot from Debian's own files, as docker-archive tars.

`busybox()`, `glibc(programs)` and `pause(name)` return an `Archive` for `Node.load_image()`.
Archives are cached by the digest of what goes into them.
"""
import dataclasses
import hashlib
import io
import json
import pathlib
import platform
import subprocess
import tarfile
import tempfile

from .roots import cache_dir

BUSYBOX = "vb.test/busybox:1"
GLIBC = "vb.test/glibc:1"

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_ARM64_SYSROOT = "/usr/aarch64-linux-gnu"
_PASSWD = """root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
user:x:1000:1000:user:/home/user:/bin/sh
"""
_GROUP = """root:x:0:
nogroup:x:65534:
user:x:1000:
"""
_PAUSE_SOURCE = r"""
#include <signal.h>
#include <unistd.h>

static void finish(int number)
{
	(void)number;
	_exit(0);
}

int main(void)
{
	struct sigaction action = {.sa_handler = finish};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGCHLD, SIG_IGN);
	for (;;)
		pause();
}
"""


@dataclasses.dataclass(frozen=True)
class Platform:
    """For which machines images are made: Debian's name of the architecture, what compiles, the
    command that lists what a program needs, where that is on the host, and a static busybox."""
    architecture: str
    compiler: str = "gcc"
    loader: tuple = ("ldd",)
    sysroot: str = ""
    busybox: pathlib.Path = pathlib.Path("/bin/busybox")


HOST = Platform(_ARCHITECTURES[platform.machine()])


def arm64(busybox):
    """The `Platform` of arm64, with Debian's cross compiler and its libraries."""
    return Platform("arm64", "aarch64-linux-gnu-gcc", (
        "qemu-aarch64-static", "-L", _ARM64_SYSROOT, f"{_ARM64_SYSROOT}/lib/ld-linux-aarch64.so.1",
        "--library-path", f"{_ARM64_SYSROOT}/lib", "--list"), _ARM64_SYSROOT, busybox)


@dataclasses.dataclass(frozen=True)
class Archive:
    """An image archive on the host and the name under which it is imported."""
    name: str
    path: pathlib.Path


class Layer:
    """The files of an image: an in-memory tar with fixed owners and times."""

    def __init__(self):
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT)
        self._directories = set()

    def directory(self, path, mode=0o755, uid=0):
        """Adds a directory and those above it."""
        path = path.strip("/")
        if not path or path in self._directories:
            return
        self.directory(str(pathlib.PurePosixPath(path).parent).strip("."))
        self._directories.add(path)
        self._add(path, tarfile.DIRTYPE, mode=mode, uid=uid)

    def file(self, path, data, mode=0o644, uid=0):
        """Adds a regular file of str or bytes."""
        data = data.encode() if isinstance(data, str) else data
        self._above(path)
        self._add(path.strip("/"), tarfile.REGTYPE, data, mode=mode, uid=uid)

    def copy(self, source, path=None, mode=None):
        """Adds a file of the host (links followed), by default under the same path."""
        source = pathlib.Path(source)
        self.file(path or str(source), source.read_bytes(),
                  mode if mode is not None else source.stat().st_mode & 0o7777)

    def link(self, path, target):
        """Adds a symbolic link."""
        self._above(path)
        self._add(path.strip("/"), tarfile.SYMTYPE, linkname=target)

    def _above(self, path):
        self.directory(str(pathlib.PurePosixPath(path.strip("/")).parent).strip("."))

    def _add(self, path, kind, data=b"", mode=0o777, uid=0, linkname=""):
        entry = tarfile.TarInfo(path)
        entry.type, entry.mode, entry.linkname = kind, mode, linkname
        entry.uid = entry.gid = uid
        entry.size = len(data)
        self._tar.addfile(entry, io.BytesIO(data))

    def bytes(self):
        """The finished tar."""
        self._tar.close()
        return self._buffer.getvalue()


def archive(name, layer, config=None, target=HOST):
    """Packs one `Layer` as image `name` for a `Platform`. `config` is the OCI image's "config" object
    (Env, User, Entrypoint, Cmd, WorkingDir ...)."""
    data = layer.bytes()
    digest = hashlib.sha256(data).hexdigest()
    image = json.dumps({
        "architecture": target.architecture, "os": "linux",
        "config": {"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], **(config or {})},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}, sort_keys=True).encode()
    image_file = f"{hashlib.sha256(image).hexdigest()}.json"
    manifest = json.dumps([{"Config": image_file, "RepoTags": [name],
                            "Layers": ["layer.tar"]}]).encode()
    path = _cached("image", [name.encode(), manifest])
    if not path.exists():
        _pack(path, (("layer.tar", data), (image_file, image), ("manifest.json", manifest)))
    return Archive(name, path)


def _cached(kind, parts):
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
    directory = cache_dir() / "images"
    directory.mkdir(exist_ok=True)
    return directory / f"{kind}-{digest}.tar"


def _pack(path, members):
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as partial:
        with tarfile.open(fileobj=partial, mode="w") as tar:
            for member, data in members:
                entry = tarfile.TarInfo(member)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    pathlib.Path(partial.name).rename(path)


def base_layer(target=HOST):
    """Busybox with all its links, /etc, /tmp, homes; the start of other images."""
    layer = Layer()
    for directory in ("/etc", "/proc", "/sys", "/dev", "/run", "/var/log", "/usr/bin", "/usr/lib",
                      "/usr/local/lib", "/opt"):
        layer.directory(directory)
    layer.directory("/tmp", mode=0o1777)
    layer.directory("/root", mode=0o700)
    layer.directory("/home/user", uid=1000)
    layer.file("/etc/passwd", _PASSWD)
    layer.file("/etc/group", _GROUP)
    layer.copy(target.busybox, "/bin/busybox")
    applets = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True,
                             check=True).stdout.split()
    for applet in sorted(set(applets) - {"busybox"}):
        layer.link(f"/bin/{applet}", "busybox")
    return layer


def busybox(files=None, name=BUSYBOX, config=None, target=HOST):
    """A static image: busybox and `files`, {path in the image: host path or bytes}. Every file
    given is executable."""
    layer = base_layer(target)
    _add_files(layer, files or {}, {})
    return archive(name, layer, config, target)


def glibc(programs=None, name=GLIBC, config=None, modes=None, target=HOST):
    """busybox() with the host's C library besides, for dynamically linked `programs` (as `files`
    of busybox()); libraries that they need are copied from the host too. `modes` has those that
    are not 0755, {path in the image: mode}."""
    layer = base_layer(target)
    programs = programs or {}
    libraries = {}
    for source in [_default_probe(target), *(path for path in programs.values()
                                       if not isinstance(path, bytes))]:
        libraries.update(needed_libraries(source, target.loader, target.sysroot))
    for path, source in sorted(libraries.items()):
        layer.copy(source, path, mode=0o755)
    _add_files(layer, programs, modes or {})
    return archive(name, layer, config, target)


def _add_files(layer, files, modes):
    for path, source in sorted(files.items()):
        mode = modes.get(path, 0o755)
        if isinstance(source, bytes):
            layer.file(path, source, mode)
        else:
            layer.copy(source, path, mode)


def needed_libraries(program, loader=("ldd",), sysroot=""):
    """{path: path on the host} of the loader and libraries that the host's loader, or another command
    that looks below `sysroot`, finds for a program."""
    listing = subprocess.run([*loader, str(program)], capture_output=True, text=True)
    if listing.returncode != 0:
        # ldd says so of static programs.
        return {}
    found = {}
    for line in listing.stdout.splitlines():
        words = line.replace("=>", " ").split()
        paths = [word for word in words if word.startswith("/")]
        if "not found" in line:
            raise FileNotFoundError(f"{program}: {line.strip()}")
        if paths:
            path = paths[-1].removeprefix(sysroot)
            found[path] = sysroot + path
    return found


def _default_probe(target):
    """A program that needs what most do, so that the image is useful without programs."""
    return nothing("-Wl,--no-as-needed", "-ldl", "-lm", "-lpthread", target=target)


def nothing(*flags, target=HOST):
    """A program that ends at once, with success."""
    return compile_c("int main(void) { return 0; }\n", flags, target)


def compile_c(source, flags=(), target=HOST):
    """Compiles a C program (text) with gcc and returns the executable's path, cached."""
    return _compile(target.compiler, [source], ("-x", "c", "-", "-x", "none", *flags), source)


def compile_directory(directory, flags=(), target=HOST):
    """Compiles the C files of a directory to one program, as compile_c()."""
    parts = sorted([*directory.glob("*.c"), *directory.glob("*.h")])
    sources = [str(part) for part in parts if part.suffix == ".c"]
    return _compile(target.compiler, [part.read_text() for part in parts], (*sources, *flags))


def _compile(compiler, texts, arguments, stdin=None):
    digest = hashlib.sha256("\0".join([compiler, *texts, *arguments]).encode()).hexdigest()[:16]
    directory = cache_dir() / "programs"
    directory.mkdir(exist_ok=True)
    path = directory / digest
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=directory) as scratch:
            output = pathlib.Path(scratch) / "program"
            subprocess.run([compiler, "-O1", "-Wall", "-Werror", "-o", str(output), *arguments],
                           input=stdin, text=True, check=True)
            output.rename(path)
    return path


def pause(name, target=HOST):
    """The sandbox image, under the name that containerd asks for (Node.sandbox_image())."""
    layer = Layer()
    layer.copy(compile_c(_PAUSE_SOURCE, ("-static", "-s"), target), "/pause", mode=0o755)
    return archive(name, layer, {"Entrypoint": ["/pause"]}, target)
