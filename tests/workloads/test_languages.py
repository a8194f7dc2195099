# SPDX-License-Identifier: Apache-2.0
"""How languages start programs and connect: what the shim sees of it, and what passes it."""
import subprocess

import pytest

from room import policy

JAVA = ["/usr/lib/jvm/java-17-openjdk-amd64/bin/java", "-cp",
        "/usr/share/ant/lib/ant-launcher.jar:/usr/share/ant/lib/ant.jar",
        "org.apache.tools.ant.Main", "-f", "/mnt/build.xml"]
NODE = ["node", "-e", """
const child = require('child_process');
for (const call of [() => child.execFileSync('/bin/echo', ['hello']),
                    () => child.spawnSync('/bin/echo', ['hello']).stdout,
                    () => child.execSync('/bin/echo hello')]) {
    try { console.log(String(call())); } catch (failure) { console.log(failure.code); }
}
"""]
RUST = ["fdfind", "--max-depth", "1", "^passwd$", "/etc", "-x", "/bin/echo"]
PYTHON = ["python3", "-c", """
import os, subprocess
ECHO = ["/bin/echo", "hello"]
def try_it(name, call):
    try:
        print(name, call())
    except OSError as failure:
        print(name, type(failure).__name__)
output = subprocess.check_output
try_it("run", lambda: output(ECHO))
try_it("env={}", lambda: output(ECHO, env={}))
try_it("close_fds=False", lambda: output(ECHO, close_fds=False))
try_it("shell=True", lambda: output("/bin/echo hello", shell=True))
try_it("cwd", lambda: output(ECHO, cwd="/usr"))
try_it("start_new_session", lambda: output(ECHO, start_new_session=True))
try_it("os.posix_spawn", lambda: os.waitpid(os.posix_spawn(ECHO[0], ECHO, {}), 0)[1])
try_it("os.spawnv", lambda: os.spawnv(os.P_WAIT, ECHO[0], ECHO))
try_it("os.system", lambda: os.system("/bin/echo hello"))
try_it("os.popen", lambda: os.popen("/bin/echo hello").read())
"""]
SHELL_AND_ECHO = ["/usr/bin/dash", "/usr/bin/echo"]
CONNECT = ["python3", "-c", "import urllib.request as r; "
           "print(r.urlopen('http://10.42.0.5:8000/').status)"]
HEY = ["hey", "-n", "1", "-c", "1", "http://10.42.0.5:8000/"]
DENY_ALL = {"exec": [], "connect": [], "dlopen": None}


@pytest.mark.parametrize("command, expected", [
    (PYTHON, SHELL_AND_ECHO),
    (NODE, SHELL_AND_ECHO),
    (RUST, ["/usr/bin/echo"]),
    (["/mnt/spawn"], SHELL_AND_ECHO),
], ids=["python", "node", "rust", "c++"])
def test_programs_start_others_under_their_lists(loop, command, expected):
    lists, recorded, _ = loop(command)
    assert recorded.status == 0, recorded
    assert lists["exec"] == expected


def test_every_way_of_python_is_denied(fresh):
    run = fresh(PYTHON, policy(DENY_ALL))
    answers = dict(line.rsplit(" ", 1) for line in run.output.decode().splitlines())
    assert answers.pop("os.system") == "-1"
    assert answers.pop("os.spawnv") == "127"
    assert set(answers.values()) == {"PermissionError"}, run
    assert b"hello" not in run.output


def test_every_way_of_node_is_denied(fresh):
    run = fresh(NODE, policy(DENY_ALL))
    assert b"hello" not in run.output
    assert run.output.split().count(b"EPERM") == 2, run


def test_a_rust_program_is_denied(fresh):
    run = fresh(RUST, policy(DENY_ALL))
    assert b"passwd" not in run.output
    assert run.denials == [
        "autonomy-preload: execve(/bin/echo) denied by AUTONOMY_PRELOAD_EXEC_ALLOWLIST"]


def test_system_and_popen_of_cpp_are_denied(fresh):
    run = fresh(["/mnt/spawn"], policy(DENY_ALL))
    assert run.output.splitlines() == [b"system -1 Operation not permitted",
                                       b"popen Operation not permitted"]
    assert len(run.denials) == 2


def test_java_needs_its_helper_and_the_program_in_the_list(loop, fresh):
    """Java starts jspawnhelper, which starts the program. The helper's stderr is the program's, so
    its lines go to whoever reads that, here ant's own output, and not to the log.
    """
    run = fresh(JAVA, policy(audit=("exec",)))
    helper = [line.split('"')[1] for line in run.shim if "execve(" in line]
    assert [path.rsplit("/", 1)[1] for path in helper] == ["jspawnhelper"]
    # ant reads both streams at once, and may break a line of one with the other's.
    assert b'autonomy-preload-audit: execve(path="/usr/bin/echo", result=allowed)' in run.output
    allowed = fresh(JAVA, policy({"exec": [*helper, "/usr/bin/echo"]}))
    assert allowed.status == 0 and b"[exec] hello" in allowed.output, allowed
    for incomplete in (helper, ["/usr/bin/echo"]):
        refused = fresh(JAVA, policy({"exec": incomplete}))
        assert refused.status != 0 and b"hello" not in refused.output, refused


def with_server(new_room, command, variables):
    """Runs a client beside a web server on an address that is not loopback."""
    with new_room() as room:
        room.network("ip", "addr", "add", "10.42.0.5/32", "dev", "lo")
        server = room.start(["python3", "-u", "-c", """
import http.server
server = http.server.HTTPServer(('10.42.0.5', 8000), http.server.SimpleHTTPRequestHandler)
print('ready')
server.serve_forever()
"""])
        assert server.stdout.readline() == b"ready\n"
        return room.run(command, variables)


def test_a_connection_of_python_is_denied(new_room):
    run = with_server(new_room, CONNECT, policy(DENY_ALL))
    assert run.denials == [
        "autonomy-preload: connect(10.42.0.5:8000) denied by AUTONOMY_PRELOAD_CONNECT_ALLOWLIST"]
    assert run.status != 0
    allowed = with_server(new_room, CONNECT, policy({**DENY_ALL, "connect": ["10.42.0.5:8000"]}))
    assert allowed.output == b"200\n", allowed


# What passes, and is known to: docs/shim.md has the list, the verdict of the hook says so.

def test_a_go_program_passes_and_the_verdict_says_so(fresh, new_room, verdict):
    run = fresh(["direnv", "exec", "/", "/bin/echo", "hello"], policy(DENY_ALL))
    assert (run.status, run.output, run.denials) == (0, b"hello\n", [])
    run = with_server(new_room, HEY, policy(DENY_ALL))
    assert b"[200]\t1 responses" in run.output and run.denials == [], run
    for program in ("/usr/bin/direnv", "/usr/bin/hey"):
        assert verdict(program) in (
            "not covered: Go program, which calls the kernel without libc",
            "not covered: static binary")


def test_a_static_program_passes_and_the_verdict_says_so(fresh, verdict):
    run = fresh(["busybox", "sh", "-c", "/bin/echo hello"], policy(DENY_ALL))
    assert (run.status, run.output, run.denials) == (0, b"hello\n", [])
    assert verdict("/usr/bin/busybox") == "not covered: static binary"


def test_the_verdict_covers_the_other_programs(verdict):
    for program in ("/usr/bin/python3", "/usr/bin/node", "/usr/bin/fdfind", JAVA[0],
                    "/usr/bin/gst-launch-1.0", "/usr/bin/ddsperf"):
        assert verdict(program) == "covered", program


@pytest.fixture
def verdict(build, system):
    def tell(program):
        return subprocess.run([build / "tests/workloads/verdict", system, program], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.rstrip("\n")
    return tell
