# SPDX-License-Identifier: Apache-2.0
"""`vambrace node`: install, upgrade, rollback and uninstall on real nodes, with the file system
before and after, and pods that come all the while."""
import contextlib
import json
import os
import pathlib
import signal
import stat
import subprocess
import threading
import time

import jsonschema
import pytest

from test_hardening import ARM, sleeper
from vbnode import cgroups, images
from vbnode.containerd_config import DEFAULT_HANDLERS
from vbnode.cri import CriError
from vbnode.restarts import Restarts
from vbnode.system import Vambrace, attack_image, build_directory

SOURCE = "/root/source"
LOCK = "/run/vambrace-node.lock"
SCHEMA = pathlib.Path(__file__).parents[2] / "docs/node.schema.json"
RESTART = Restarts.OPTIONS
PROGRAMS = {"plugin/oci/vambrace-oci", "plugin/nri/vambrace-nri", "plugin/cli/vambrace",
            "shim/libautonomy_preload.so"}
CRI = {1: "io.containerd.grpc.v1.cri", 2: "io.containerd.cri.v1.runtime"}
IMAGES = {1: "io.containerd.grpc.v1.cri", 2: "io.containerd.cri.v1.images"}
# What an operator has done to a node; the runtime is a file that only this test has.
OPERATOR = """
# An nvidia handler, as nvidia-ctk writes it.
[plugins."{cri}".containerd.runtimes.nvidia]
  runtime_type = "io.containerd.runc.v2"
  privileged_without_host_devices = false
  snapshotter = "native" # another one
  [plugins."{cri}".containerd.runtimes.nvidia.options]
    BinaryName = "/usr/local/bin/nvidia-container-runtime"
    SystemdCgroup = true

[plugins."{images}".registry]
  config_path = "/etc/containerd/certs.d"
[debug]
  level = '''info'''"""  # no newline at the end


class Host:
    """A node without Vambrace, and somebody who restarts its containerd when told to."""

    def __init__(self, node, trees=("etc", "opt")):
        self.node, self._trees = node, trees
        build = build_directory()
        node.install({build / path: f"{SOURCE}/{pathlib.Path(path).name}" for path in PROGRAMS},
                     mode=0o755)
        self.restarter = Restarts(node)
        self.restarts = self.restarter.times

    def close(self):
        """Ends the restarts."""
        self.restarter.close()

    def run(self, *arguments, code=0, restart=RESTART):
        """`vambrace node ...`, which must exit with the code; None: with any."""
        options = restart if arguments[0] != "status" else ()
        result = self.node.run([f"{SOURCE}/vambrace", "node", *arguments, *options], check=False)
        assert code in (None, result.returncode), (result.stdout, result.stderr)
        return result

    def status(self, code=0):
        """The status, in the form that is promised."""
        status = json.loads(self.run("status", "--json", code=code).stdout)
        schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(schema).validate(status)
        return status

    def tree(self):
        """Everything below /etc and /opt, or the trees given: {path: (mode, what)}."""
        root = self.node.host_path("/")
        found = {}
        for top in self._trees:
            for base, directories, files in os.walk(root / top):
                for name in directories + files:
                    path = pathlib.Path(base, name)
                    mode = path.lstat().st_mode
                    what = (os.readlink(path) if stat.S_ISLNK(mode)
                            else path.read_bytes() if stat.S_ISREG(mode) else None)
                    found[str(path.relative_to(root))] = (mode, what)
        return found


@pytest.fixture
def host(make_node, combo):
    """A node with an operator's configuration, on 1.7 with NRI off as it comes."""
    major = 1 if combo.startswith("trixie") else 2
    node = make_node(combo, handlers=DEFAULT_HANDLERS[:2], nri={"disable": major == 1})
    node.write("/usr/local/bin/nvidia-container-runtime", "#!/bin/sh\nexec runc \"$@\"\n", 0o755)
    config = node.host_path("/etc/containerd/config.toml")
    config.write_text(config.read_text() + OPERATOR.format(cri=CRI[major], images=IMAGES[major]))
    config.chmod(0o640)
    node.restart_containerd()
    node.load_base_images()
    one = Host(node)
    yield one
    one.close()


@pytest.mark.nodes("*-runc")
def test_uninstall_leaves_the_bytes_that_install_found(host):
    host.node.write("/etc/vambrace/config.json",
                    json.dumps({"runtime_handlers": ["vambrace", "vambrace-nvidia"]}))
    before = host.tree()
    dump = host.node.run(["containerd", "config", "dump"]).stdout
    host.run("install", "--dry-run")
    assert host.tree() == before and not host.restarts
    host.run("install", "--handler", "vambrace", "--handler", "vambrace-nvidia=nvidia")
    assert len(host.restarts) == 1
    status = host.status()
    assert status["config_matches"] and status["cri_lists_handlers"]
    assert status["handlers"]["vambrace-nvidia"] == {
        "base": "nvidia", "runtime": "/usr/local/bin/nvidia-container-runtime"}
    after = host.tree()
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert {path for path in changed if not path.startswith("opt/vambrace")} == {
        "etc/containerd/config.toml"}
    added = set(host.node.run(["containerd", "config", "dump"]).stdout.splitlines()) - set(
        dump.splitlines())
    assert {line.strip() for line in added if "Binary" in line} == {
        line for line in (line.strip() for line in added) if "/opt/vambrace/bin/" in line}
    # Again: nothing changes, and nothing restarts.
    host.run("install")
    assert host.tree() == after and len(host.restarts) == 1
    host.run("uninstall")
    assert host.tree() == before and len(host.restarts) == 2
    assert host.status(code=1)["installed"] is False


@pytest.mark.nodes("forky-runc")
@pytest.mark.parametrize("directory", ["containerd/conf.d", "vb-none/of-them/there"])
def test_a_drop_in_is_written_where_the_root_file_imports_its_directory(host, directory):
    config = host.node.host_path("/etc/containerd/config.toml")
    config.write_text(f'imports = ["/etc/{directory}/*.toml"]\n' + config.read_text())
    host.node.restart_containerd()
    before = host.tree()
    host.run("install")
    after = host.tree()
    assert host.status()["file"] == {"kind": "drop-in",
                                     "path": f"/etc/{directory}/vambrace.toml"}
    assert after["etc/containerd/config.toml"] == before["etc/containerd/config.toml"]
    assert after[f"etc/{directory}/vambrace.toml"][1].splitlines()[1] == b"version = 3"
    # As an install leaves it that ends before it has written the configuration.
    host.node.host_path(f"/etc/{directory}/vambrace.toml").unlink()
    assert "is not what install would write" in host.status(code=1)["problems"][0]
    host.run("install")
    assert host.tree() == after
    host.run("uninstall")
    assert host.tree() == before


@pytest.mark.nodes("*-runc")
@pytest.mark.parametrize("has_file", [True, False])
def test_a_node_whose_configuration_says_next_to_nothing_keeps_the_built_in_runtime(
        host, has_file):
    """As Debian ships it, or none at all. containerd 1.7 forgets its runc when a file names another
    handler alone."""
    config = host.node.host_path("/etc/containerd/config.toml")
    version = 2 if host.node.containerd_version < (2, 0) else 3
    config.write_bytes(f"version = {version}\r\n[debug]\r\n  level = 'info'\r\n".encode())
    if not has_file:
        config.unlink()
    host.node.restart_containerd()
    before = host.tree()
    # 1.7 has no dump of a file that is not there.
    what = "dump" if has_file or version == 3 else "default"
    dump = host.node.run(["containerd", "config", what]).stdout.splitlines()
    assert any("runtimes.runc]" in line for line in dump)
    host.run("install")
    assert host.status()["problems"] == []
    after = host.node.run(["containerd", "config", "dump"]).stdout.splitlines()
    # Only NRI's switch, on 1.7, and the name of the file.
    assert {line.partition(" = ")[0].strip() for line in set(dump) - set(after)} <= {
        "disable", "imports"}
    host.run("install")
    assert len(host.restarts) == 1
    host.run("uninstall")
    assert host.tree() == before


@pytest.mark.nodes("*-runc")
def test_what_would_change_more_than_the_handler_changes_nothing(host):
    host.node.write("/etc/containerd/config.toml", "version = 2\n[plugins\n")
    before = host.tree()
    assert "line 2 of containerd's configuration" in host.run("install", code=2).stderr
    assert host.tree() == before and not host.restarts


@pytest.mark.nodes("*-runc")
def test_a_hook_that_does_not_run_is_noticed_before_anything_is_swapped(host):
    before = host.tree()
    good = host.node.host_path(f"{SOURCE}/vambrace-oci").read_bytes()
    host.node.write(f"{SOURCE}/vambrace-oci", good[:4096], 0o755)
    assert "does not come to its runtime" in host.run("install", code=2).stderr
    assert host.tree() == before and not host.restarts
    host.node.write(f"{SOURCE}/vambrace-oci", good, 0o755)
    host.run("install")
    installed = host.tree()
    host.node.write(f"{SOURCE}/vambrace-oci", good[:4096], 0o755)
    host.run("install", code=2)
    assert host.tree() == installed
    assert host.status()["problems"] == []


@pytest.mark.nodes("*-runc")
def test_a_containerd_that_does_not_take_the_handler_is_rolled_back(host):
    before = host.tree()
    result = host.run("install", "--timeout", "1", code=2, restart=("--restart-command", "true"))
    assert "does not list the handler 'vambrace'" in result.stderr
    assert "everything is as it was before" in result.stderr
    assert host.tree() == before


def old_config_once(host):
    """A containerd whose first start does not see what install has written."""
    config = host.node.host_path("/etc/containerd/config.toml")
    without = config.read_text()

    def restart():
        written = config.read_text()
        if not host.restarts:
            config.write_text(without)
        host.node.restart_containerd()
        config.write_text(written)

    return restart, "does not list the handler 'vambrace'"


def no_cri_once(host):
    """A containerd whose first start ends without a CRI: it does not like a plugin's name."""
    stray = "/opt/nri/plugins/no-plugin"

    def restart():
        is_first = not host.restarts
        if is_first:
            host.node.write(stray, "#!/bin/sh\n", 0o755)
        else:
            host.node.host_path(stray).unlink()
        host.node.restart_containerd(wait=not is_first)

    return restart, "containerd after its restart: CRI call Version"


@pytest.mark.nodes("*-runc")
@pytest.mark.parametrize("fault", [old_config_once, no_cri_once])
def test_a_containerd_that_comes_up_wrong_gets_its_files_back_and_a_second_restart(host, fault):
    host.node.run(["mkdir", "-p", "/opt/nri/plugins"])
    before = host.tree()
    dump = host.node.run(["containerd", "config", "dump"]).stdout
    host.restarter.restart, said = fault(host)
    result = host.run("install", "--timeout", "3", code=2)
    assert said in result.stderr and "everything is as it was before" in result.stderr
    assert len(host.restarts) == 2 and host.tree() == before
    assert host.node.run(["containerd", "config", "dump"]).stdout == dump
    cri = host.node.cri()
    with cri.pod(handler="runc") as pod:
        cri.run_container(pod, "main", images.BUSYBOX, ["/bin/sleep", "60"])
    # The same on a host where an install before is well: that one stays.
    host.restarter.restart = host.node.restart_containerd
    host.run("install")
    installed, count = host.tree(), len(host.restarts)
    host.restarts.clear()
    host.restarter.restart, said = fault(host)
    result = host.run("install", "--handler", "vambrace-nvidia=nvidia", "--timeout", "3", code=2)
    assert "everything is as it was before" in result.stderr
    assert len(host.restarts) == 2 and count == 3 and host.tree() == installed
    assert host.status()["problems"] == []


# As the nodes' crun has it (see vbnode.node), where the machine's cgroup v2 has no cpu controller:
# config.json is what the hook made of it again as soon as the container is there.
RUNC_WITHOUT_CPU = r"""#!/bin/sh
config= previous=
for word do
	[ "$previous" != --bundle ] || bundle=$word
	[ "$word" != create ] || config=/config.json
	previous=$word
done
[ -n "$config" ] || exec /usr/sbin/runc "$@"
cp -p "$bundle$config" "$bundle$config.whole"
tr -d '\n' <"$bundle$config.whole" | sed 's/"cpu": *{[^}]*}/"cpu":{}/' >"$bundle$config"
/usr/sbin/runc "$@"
code=$?
mv "$bundle$config.whole" "$bundle$config"
exit $code
"""


@pytest.mark.nodes("*-crun")
def test_handlers_before_runc_and_crun_both_harden(host):
    host.node.write("/etc/vambrace/config.json", "{}")
    vambrace = Vambrace(host.node)
    vambrace.bundle("arm", ARM)
    host.node.load_image(attack_image())
    if not cgroups.v2_offers("cpu"):
        host.node.write("/usr/local/sbin/runc", RUNC_WITHOUT_CPU, 0o755)
    unnamed = ("the node config does not name handler 'vambrace-crun', so that what only the hook "
               "can do is refused on it")
    fix = 'add "vambrace-crun" to runtime_handlers in /etc/vambrace/config.json'
    result = host.run("install", "--handler", "vambrace=runc", "--handler", "vambrace-crun=crun")
    assert result.stderr == f"vambrace: {unnamed}\n  {fix}\n"
    assert host.status(code=1)["problems"] == [f"{unnamed}: {fix}"]
    doctor = host.node.run(["/opt/vambrace/sbin/vambrace", "doctor"], check=False).stdout
    assert unnamed in " ".join(doctor.split()) and fix in " ".join(doctor.split())
    vambrace.config(runtime_handlers=["vambrace", "vambrace-crun"])
    assert host.status()["problems"] == []
    assert host.run("install").stderr == ""
    vambrace.start()
    cri = host.node.cri()
    for handler in ("vambrace", "vambrace-crun"):
        with cri.pod(handler, handler=handler,
                     annotations={"bundle.vambrace.dev": "arm"}) as pod:
            container = sleeper(cri, pod)
            assert vambrace.outcome(container.id)["level"] == "full"
            runtime = host.status()["handlers"][handler]
            assert pathlib.Path(runtime["runtime"]).name == runtime["base"]
            assert runtime["base"] == ("crun" if handler == "vambrace-crun" else "runc")
            container.stop()
    vambrace.stop()


@pytest.mark.nodes("*-runc")
def test_a_second_installer_is_told_who_is_at_work(host):
    holds = "touch /run/holds; while [ -e /run/holds ]; do sleep 0.05; done; "
    first = threading.Thread(target=host.run, args=("install",),
                             kwargs={"restart": (RESTART[0], holds + RESTART[1])})
    first.start()
    while not host.node.host_path("/run/holds").exists():
        time.sleep(0.02)
    halfway = host.tree()
    for action in ("install", "uninstall"):
        result = host.run(action, code=1)
        assert result.stderr.startswith(
            "vambrace: another installer is at work on this host: vambrace node install, pid ")
        assert result.stderr.count("\n") == 2 and host.tree() == halfway
    host.node.host_path("/run/holds").unlink()
    first.join()
    assert host.status()["problems"] == []
    assert not host.node.host_path(LOCK).exists()
    # One that was killed holds nothing.
    host.node.write(LOCK, "vambrace node install, pid 1")
    host.run("uninstall")
    assert not host.node.host_path(LOCK).exists()


@pytest.mark.nodes("*-runc")
def test_a_signal_is_enough_where_somebody_keeps_containerd_running(host):
    host.run("install", restart=("--restart", "none"))
    assert host.status(code=1)["cri_lists_handlers"] is False
    ended = host.node.containerd_pid

    def keep():
        while os.path.exists(f"/proc/{ended}"):
            time.sleep(0.02)
        host.node.restart_containerd()

    keeper = threading.Thread(target=keep)
    keeper.start()
    # Nothing changes any more, but containerd does not know the handler yet.
    host.run("install", restart=("--restart", "signal"))
    keeper.join()
    assert host.node.containerd_pid != ended
    assert host.status()["problems"] == []


@pytest.mark.nodes("*-runc")
def test_uninstall_waits_for_the_pods_on_our_handlers(host):
    host.run("install")
    installed = host.tree()
    vambrace = Vambrace(host.node)
    vambrace.start()
    cri = host.node.cri()
    with cri.pod("stays", handler="vambrace"):
        result = host.run("uninstall", code=1)
        assert "default/stays" in result.stderr
        assert host.tree() == installed
        waiting = threading.Thread(target=host.run, args=("uninstall", "--drain"))
        waiting.start()
        time.sleep(1)
        assert waiting.is_alive() and host.tree() == installed
    waiting.join()
    vambrace.stop()
    assert not [path for path in host.tree() if path.startswith("opt/vambrace")]


@pytest.mark.nodes("*-runc")
def test_the_host_is_reached_through_a_directory(host):
    """As the init container does: this machine's program, the node's file system at a prefix."""
    root = str(host.node.host_path("/"))
    program = build_directory() / "plugin/cli/vambrace"
    listing = subprocess.run([program, "node", "status", "--root", root], stdout=subprocess.PIPE,
                             text=True, check=False).stdout
    assert f"containerd  {host.node.containerd_version[0]}." in listing
    assert "not installed" in listing


class Pods:
    """A pod every 100 ms on a handler, until told to end; what became of each."""

    def __init__(self, node, handler):
        self.node, self.handler = node, handler
        self.made, self.unhardened, self.failures = 0, [], []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._ends.set()
        self._thread.join()

    def _run(self):
        cri = self.node.cri()
        number = 0
        while not self._ends.wait(0.1):
            number += 1
            begin = time.monotonic()
            try:
                self._make(cri, number)
            except CriError as error:
                self.failures.append((begin, time.monotonic(), str(error)))

    def _make(self, cri, number):
        with cri.pod(f"{self.handler}-{number}", handler=self.handler) as pod:
            container = cri.run_container(pod, "main", images.BUSYBOX, ["/bin/sleep", "60"])
            with open(f"/proc/{container.pid}/status", encoding="ascii") as status:
                seccomp = dict(line.split(":\t", 1) for line in status if ":\t" in line)["Seccomp"]
            self.made += 1
            if seccomp.strip() != "2":
                self.unhardened.append(number)
            with contextlib.suppress(CriError):
                container.stop()


@pytest.mark.nodes("*-runc")
def test_pods_that_come_during_install_and_upgrade(host):
    cri = host.node.cri()
    node = host.node
    node.write("/etc/vambrace/config.json", "{}")
    plugin = node.popen([f"{SOURCE}/vambrace-nri"], stderr=-3)
    with cri.pod("old", handler="runc") as pod:
        running = cri.run_container(pod, "main", images.BUSYBOX, ["/bin/sleep", "600"])
        with Pods(node, "runc") as others:
            with Pods(node, "vambrace") as ours:
                time.sleep(0.5)
                host.run("install")
                installed = time.monotonic()
                time.sleep(2)
                assert ours.made > 0 and others.made > 0
                before = len(ours.failures), len(others.failures)
                # Another release: the same programs with something at their end.
                hook = node.host_path(f"{SOURCE}/vambrace-oci").read_bytes()
                node.write(f"{SOURCE}/vambrace-oci", hook + b"\0", 0o755)
                upgraded, made = time.monotonic(), ours.made
                host.run("install")
                time.sleep(1)
        assert os.path.exists(f"/proc/{running.pid}")
        assert running.exec(["/bin/true"]).exit_code == 0
    plugin.terminate()
    assert len(host.restarts) == 1
    (begin, end), = host.restarts
    assert ours.unhardened == [] and ours.made > made
    # Only the restart stands in the way of the others.
    assert [failure for failure in others.failures
            if failure[1] < begin or failure[0] > end + 0.5] == []
    # During the upgrade nothing fails at all.
    assert [failure for failure in ours.failures if failure[0] > upgraded] == []
    assert (len([f for f in ours.failures if f[0] <= upgraded]), len(others.failures)) == before
    assert installed < upgraded
    assert len(list(node.host_path("/opt/vambrace/versions").iterdir())) == 2
