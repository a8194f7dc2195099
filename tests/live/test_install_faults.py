# SPDX-License-Identifier: Apache-2.0
"""`vambrace node` on a host that is against it: full disks, files of others, signals, runtimes that
hang or are gone. What it says then, and that everything is as it was."""
import os
import signal
import subprocess
import time

import pytest

from test_install import CRI, OPERATOR, SOURCE, host  # noqa: F401 (host: fixture)

NVIDIA = "/usr/local/bin/nvidia-container-runtime"
WITH_NVIDIA = ("--handler", "vambrace-nvidia=nvidia")


@pytest.mark.nodes("forky-runc")
def test_a_runtime_that_never_ends_does_not_hold_the_installer(host):
    host.node.write(NVIDIA, "#!/bin/sh\nexec sleep 1000\n", 0o755)
    before = host.tree()
    result = host.run("install", *WITH_NVIDIA, code=2)
    assert result.stderr == (
        "vambrace: the hook, called as 'vambrace-nvidia', waits for its runtime for more than 10 s\n"
        f"  see what `{NVIDIA} --version` does on this host; everything is as it was before\n")
    assert host.tree() == before and not host.restarts


@pytest.mark.nodes("forky-runc")
def test_a_configuration_that_cannot_be_written_leaves_nothing_behind(host):
    before = host.tree()
    host.node.run(["mount", "--bind", "/etc/containerd", "/etc/containerd"])
    host.node.run(["mount", "-o", "remount,bind,ro", "/etc/containerd"])
    result = host.run("install", code=2)
    assert result.stderr.endswith(
        ": Read-only file system\n  everything is as it was before\n"), result.stderr
    assert host.tree() == before and not host.restarts


@pytest.mark.nodes("forky-runc")
def test_an_upgrade_that_finds_the_disk_full_leaves_what_is_installed(host):
    host.node.run(["mount", "-t", "tmpfs", "-o", "size=48m,mode=755", "opt", "/opt"])
    host.run("install")
    host.node.run(["sh", "-c", "cat /dev/zero >/opt/full 2>/dev/null || true"])
    installed = host.tree()
    program = host.node.host_path(f"{SOURCE}/vambrace-oci").read_bytes()
    host.node.write(f"{SOURCE}/vambrace-oci", program + b"\0", 0o755)
    result = host.run("install", code=2)
    assert ": No space left on device\n  everything is as it was before\n" in result.stderr
    assert host.tree() == installed and host.status()["problems"] == []


@pytest.mark.nodes("*-runc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_installer_that_is_told_to_end_puts_everything_back(host, number):
    before = host.tree()
    # Nobody restarts containerd, so that it waits for the handler.
    installer = host.node.popen(
        [f"{SOURCE}/vambrace", "node", "install", "--restart-command", "touch /run/told"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    told = host.node.host_path("/run") / "told"
    while not told.exists():
        time.sleep(0.02)
    installer.send_signal(number)
    _, stderr = installer.communicate(timeout=60)
    assert stderr == ("vambrace: containerd after its restart: interrupted\n"
                      "  everything is as it was before\n")
    assert installer.returncode == 2 and host.tree() == before


@pytest.mark.nodes("forky-runc")
def test_what_is_told_to_end_ends_the_restart_that_it_waits_for(host):
    before = host.tree()
    script = "echo $$ >/run/told; [ -e /run/second ] || { touch /run/second; exec sleep 1000; }"
    installer = host.node.popen(
        [f"{SOURCE}/vambrace", "node", "install", "--restart-command", script],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    second = host.node.host_path("/run") / "second"
    while not second.exists():
        time.sleep(0.02)
    child = int(host.node.read("/run/told"))
    installer.terminate()
    _, stderr = installer.communicate(timeout=60)
    assert "interrupted\n  everything is as it was before\n" in stderr
    assert not os.path.exists(f"/proc/{child}") and host.tree() == before


@pytest.mark.nodes("forky-runc")
def test_a_restart_that_never_ends_is_ended_and_everything_put_back(host):
    """The command is a fake of a `systemctl restart` that hangs, the first time."""
    before = host.tree()
    script = "[ -e /run/second ] || { echo $$ >/run/second; exec sleep 1000; }"
    result = host.run("install", "--timeout", "2", code=2, restart=("--restart-command", script))
    assert result.stderr == (
        "vambrace: restart containerd: '/bin/sh' does not end within 10 s\n"
        "  see what it waits for, or give it longer by --timeout SECONDS; "
        "everything is as it was before\n")
    assert not os.path.exists(f"/proc/{host.node.read('/run/second').strip()}")
    assert host.tree() == before


@pytest.mark.nodes("forky-runc")
def test_a_file_system_whose_programs_may_not_run_is_named(host):
    host.node.run(["mount", "-t", "tmpfs", "-o", "noexec,mode=755", "opt", "/opt"])
    before = host.tree()
    result = host.run("install", code=2)
    assert result.stderr == (
        "vambrace: run a program of '/opt/vambrace/versions': Permission denied\n"
        "  the file system of /opt must allow it: mount it without noexec; "
        "everything is as it was before\n")
    assert host.tree() == before and not host.restarts


@pytest.mark.nodes("forky-runc")
def test_a_containerd_that_prints_more_than_its_configuration_is_named(host):
    """A distribution's wrapper around it, say."""
    host.node.run(["mv", "/usr/bin/containerd", "/usr/bin/containerd.real"])
    host.node.write("/usr/bin/containerd", "#!/bin/bash\n"
                    "[ $# -lt 4 ] || echo 'warning: this is a wrapper'\n"
                    "exec -a \"$0\" /usr/bin/containerd.real \"$@\"\n", 0o755)
    host.node.stop_containerd()
    before = host.tree()
    result = host.run("install", code=2)
    assert result.stderr == (
        "vambrace: line 1 of `containerd config dump` is not understood\n"
        "  see `/usr/bin/containerd --config /etc/containerd/config.toml config dump`: on its "
        "standard output must be the configuration and nothing else\n")
    assert host.tree() == before


OTHER = """version = 3
root = "/var/lib/other"
state = "/run/other"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime",
                    "io.containerd.cri.v1.images", "io.containerd.nri.v1.nri"]
[grpc]
  address = "/run/other/containerd.sock"
"""


@pytest.fixture
def with_other(host):  # noqa: F811 pylint: disable=redefined-outer-name
    """A second containerd, Docker's perhaps, which is older than the one that is meant."""
    host.node.write("/etc/other.toml", OTHER)
    other = host.node.popen(["/usr/bin/containerd", "--config", "/etc/other.toml"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (host.node.run_dir / "other/containerd.sock").exists():
        assert other.poll() is None
        time.sleep(0.02)
    host.node.restart_containerd()
    yield host
    other.terminate()
    other.wait()


@pytest.mark.nodes("forky-runc")
def test_of_several_containerds_one_has_to_be_named(with_other):
    before = with_other.tree()
    for action in ("install", "uninstall", "status"):
        result = with_other.run(action, code=2)
        what, fix = result.stderr.splitlines()
        assert "with '/etc/other.toml', pid " in what and "/etc/containerd/config.toml" in what
        assert fix.endswith(": --address SOCKET")
        assert with_other.tree() == before
    address = ("--address", "unix:///run/containerd/containerd.sock")
    with_other.run("install", *address)
    status = with_other.node.run([f"{SOURCE}/vambrace", "node", "status", *address])
    assert "problem" not in status.stdout and "/etc/containerd/config.toml" in status.stdout
    with_other.run("uninstall", *address)
    assert with_other.tree() == before and len(with_other.restarts) == 2


@pytest.mark.nodes("forky-runc")
def test_where_others_may_write_no_programs_are_put(host):
    for path, spoil in (("/opt", ["chmod", "0777", "/opt"]),
                        ("/opt/vambrace", ["install", "-d", "-o", "1000", "/opt/vambrace"])):
        host.node.run(spoil)
        before = host.tree()
        result = host.run("install", code=2)
        what, fix = result.stderr.splitlines()
        assert what == (f"vambrace: users other than root can write to '{path}', where programs "
                        "that run as root are put")
        assert host.tree() == before and not host.restarts
        host.node.run(["sh", "-c", fix])
    host.run("install")


@pytest.mark.nodes("forky-runc")
def test_what_somebody_else_writes_meanwhile_stays(host):
    """The runtime is asked between the look at the configuration and its change."""
    config = "/etc/containerd/config.toml"
    host.node.write(NVIDIA, f"#!/bin/sh\necho '# by others' >>{config}\n", 0o755)
    host.node.restart_containerd()
    before = host.node.read(config)
    result = host.run("install", *WITH_NVIDIA, code=2)
    assert result.stderr == (
        f"vambrace: '{config}' was changed by somebody else meanwhile\n"
        "  do it again when nobody else is at work on it; everything is as it was before\n")
    assert host.node.read(config) == f"{before}# by others\n"
    assert not host.restarts and not host.node.host_path("/opt/vambrace").exists()


@pytest.mark.nodes("forky-runc")
def test_uninstall_says_what_it_cannot_take_away(host):
    before = host.tree()
    host.run("install")
    host.node.run(["mount", "-t", "tmpfs", "mine", "/opt/vambrace/bin"])
    result = host.run("uninstall", code=2)
    assert result.stderr == "vambrace: remove '/opt/vambrace/bin': Device or resource busy\n"
    # What is there is known to the end, so that it can be done again.
    host.node.run(["umount", "/opt/vambrace/bin"])
    host.run("uninstall")
    assert host.tree() == before
    # Where somebody else restarts containerd, that is left to do.
    host.run("install")
    none = ("--restart", "none")
    assert host.run("uninstall", restart=none).stdout == (
        "vambrace is uninstalled; containerd must be restarted\n")


@pytest.mark.nodes("*-runc")
def test_what_the_node_has_no_more_does_not_keep_us_there(host):
    """The runtime of one of our handlers has been removed from the node, and NRI switched off."""
    config = host.node.host_path("/etc/containerd/config.toml")
    host.run("install", *WITH_NVIDIA)
    host.node.run(["rm", NVIDIA])
    tail = OPERATOR.partition("[plugins.\"{images}\"")[0].strip()
    for cri in CRI.values():
        config.write_text(config.read_text().replace(tail.format(cri=cri), ""))
    config.write_text(config.read_text().replace("disable = false", "disable = true"))
    assert "nvidia" not in config.read_text().partition("# >>>")[0]
    problems = host.status(code=1)["problems"]
    assert problems and "is not what install" not in problems[0]
    host.run("uninstall")
    assert not [path for path in host.tree() if path.startswith("opt/vambrace")]
    assert "vambrace" not in config.read_text()


@pytest.mark.nodes("forky-runc")
def test_a_configuration_behind_a_link_is_not_replaced(host):
    host.node.run(["mv", "/etc/containerd/config.toml", "/etc/containerd/real.toml"])
    host.node.run(["ln", "-s", "real.toml", "/etc/containerd/config.toml"])
    before = host.tree()
    assert "  it is a symbolic link, which would be replaced" in host.run("install", code=2).stderr
    assert host.tree() == before and not host.restarts


@pytest.mark.nodes("forky-runc")
def test_another_user_is_told_to_be_root(host):
    host.node.run(["cp", f"{SOURCE}/vambrace", "/usr/local/bin/"])
    for action in ("install", "uninstall", "status"):
        result = host.node.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                "/usr/local/bin/vambrace", "node", action], check=False)
        assert result.returncode == 2
        assert result.stderr.endswith("\n  run it as root; in a container, with `privileged: true`\n")
