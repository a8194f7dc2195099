# SPDX-License-Identifier: Apache-2.0
"""Pods, images, plugins and operators that do what nobody expects: whatever starts is hardened and
its outcome true, whatever does not says why, and nothing is left behind."""
import concurrent.futures
import re
import signal
import time

import pytest

from test_hardening import ATTACK, GENEROUS, arm, process_status, sleeper  # noqa: F401 (arm: fixture)
from vbnode import images, nri_peer
from vbnode.containerd_config import VAMBRACE_ANNOTATIONS, Handler
from vbnode.cri import CriError, Mount
from vbnode.system import Vambrace, attack_image, attack_program, parse_attempts

SHIM = "libautonomy_preload.so"
TMPFS = "tmpfs.vambrace.dev"


def linked_image(node, name, path, target):
    """The workload's image with a symbolic link at `path`, which busybox's layer may have as a
    directory."""
    layer = images.base_layer()
    for source in images.needed_libraries(images.compile_c("int main(void) { return 0; }\n")):
        layer.copy(source, mode=0o755)
    layer.copy(attack_program(), "/bin/attack", mode=0o755)
    # Of two entries of one path the later one counts, and it may change the kind.
    layer.link(path, target)
    archive = images.archive(f"vb.test/{name}:1", layer)
    node.load_image(archive)
    return archive.name


def refusal(function, *args, **options):
    """The message with which the call fails."""
    with pytest.raises(CriError) as caught:
        function(*args, **options)
    return caught.value.message


# Images

@pytest.mark.parametrize("target", ["/opt", "/", "../../opt", "/tmp"])
def test_a_shim_behind_a_link_of_the_image_is_applied_and_seen(
        vambrace, node, cri, arm, target):  # noqa: F811
    """As in images whose /usr/local is kept under /var."""
    image = linked_image(node, f"shim{len(target)}", "/usr/local/lib", target)
    with cri.pod(**arm) as pod:
        container = cri.run_container(pod, "main", image, ["/bin/attack", "--wait"],
                                      security=GENEROUS)
        outcome = vambrace.outcome(container.id)
        assert outcome["level"] == "full", outcome
        assert any(re.fullmatch(rf"maps: /([a-z]+/)?{SHIM}", line)
                   for line in outcome["layers"]["preload"]["evidence"])
        attempts = parse_attempts(container.exec(["/bin/attack", "exec=/bin/sh"]).stdout)
        assert attempts == {"exec=/bin/sh": "EPERM"}


@pytest.mark.parametrize("target, words", [
    ("/proc", "leads to '/proc'"), ("/sys/firmware", "leads to '/sys/firmware'"),
    ("/dev", "leads to '/dev'"), ("../..", "leads to '/'"), ("/proc/1/root", "leads to '/proc/1"),
    ("data", "ELOOP")])
def test_no_link_of_an_image_leads_a_tmpfs_astray(vambrace, node, cri, target, words):
    image = linked_image(node, "astray", "/data", target)
    before = vambrace.state_files()
    with cri.pod(handler="vambrace", annotations={TMPFS: "/data"}) as pod:
        message = refusal(cri.run_container, pod, "main", image, ["/bin/attack"])
        assert "vambrace: ErrConflict: " in message and words in message, message
    assert vambrace.state_files() == before


@pytest.mark.parametrize("destination", ["//tmp/.", "tmp", "/opt/../tmp"])
def test_a_volume_at_a_tmpfs_is_a_conflict_however_it_is_spelled(
        vambrace, node, cri, arm, destination):  # noqa: F811
    node.run(["mkdir", "-p", "/srv/volume"])
    with cri.pod(**arm) as pod:
        message = refusal(sleeper, cri, pod, mounts=[Mount(destination, "/srv/volume")])
        assert "vambrace: ErrConflict: " in message, message


def test_a_read_only_volume_above_the_shim_is_a_conflict_that_names_it(
        vambrace, node, cri, arm):  # noqa: F811
    node.run(["mkdir", "-p", "/srv/volume/lib"])
    with cri.pod(**arm) as pod:
        message = refusal(sleeper, cri, pod,
                          mounts=[Mount("/usr/local", "/srv/volume", readonly=True)])
        assert "vambrace: ErrConflict: " in message and "/srv/volume" in message, message
        assert vambrace.layers(sleeper(
            cri, pod, "other", mounts=[Mount("/usr/local", "/srv/volume")]).id)["preload"] == (
                "applied")


# Names and sizes

@pytest.mark.parametrize("pod_name, name", [
    ("p" * 200, "main"), ("short", "c" * 63), ('quo"te\\n', "main")])
def test_names_of_any_length_and_kind_are_hardened(
        vambrace, cri, arm, pod_name, name):  # noqa: F811
    with cri.pod(pod_name, **arm) as pod:
        outcome = vambrace.outcome(sleeper(cri, pod, name).id)
        assert (outcome["level"], outcome["pod"], outcome["container"]) == ("full", pod_name, name)


@pytest.mark.parametrize("annotations", [
    {f"k{number}.example.com/x": "v" * 50 for number in range(4000)},
    {"example.com/x": "v" * 260_000}], ids=["many", "large"])
def test_as_many_annotations_as_kubernetes_allows_change_nothing(
        vambrace, cri, arm, annotations):  # noqa: F811
    with cri.pod(handler="vambrace", annotations={**arm["annotations"], **annotations}) as pod:
        assert vambrace.outcome(sleeper(cri, pod).id)["level"] == "full"


@pytest.mark.parametrize("env", [
    {f"NAME{number}": "v" * 100 for number in range(1000)},
    {"LD_PRELOAD": "/lib/x86_64-linux-gnu/libm.so.6\n"},
    {"LD_PRELOAD": f"/usr/local/lib/{SHIM}\n:/a b"},
    {"ODD": "\x01123 \"\\ \u2028 \t \x7f \u00e9"}], ids=["many", "newline", "own", "odd"])
def test_environments_of_any_kind_reach_the_process_hardened(
        vambrace, cri, arm, env):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod, env=env)
        assert vambrace.outcome(container.id)["level"] == "full"
        seen = container.exec(["/bin/cat", "/proc/1/environ"]).stdout.split("\0")
        for key, value in env.items():
            if key != "LD_PRELOAD":
                assert f"{key}={value}" in seen


def test_a_pod_cannot_bring_the_digest_of_a_plan_itself(vambrace, cri, arm):  # noqa: F811
    annotations = {**arm["annotations"], "plan-digest.vambrace.dev": "sha256:" + "0" * 64}
    with cri.pod(handler="vambrace", annotations=annotations) as pod:
        assert "vambrace: ErrUnknownAnnotation: " in refusal(sleeper, cri, pod)


# Other plugins

class Forger(nri_peer.Remover):
    """A plugin behind ours that calls each container a sandbox."""

    def _answer(self, stream, request):
        if request.method != "CreateContainer":
            super()._answer(stream, request)
            return
        container = re.findall(rb"[0-9a-f]{64}", request.payload)[-1].decode()
        adjust = self._nri.ContainerAdjustment()
        adjust.annotations.add(key="io.kubernetes.cri.container-type", value="sandbox")
        adjust.annotations.add(key="io.kubernetes.cri.sandbox-id", value=container)
        reply = self._nri.CreateContainerResponse(adjust=adjust).SerializeToString()
        self._send(nri_peer.PLUGIN_CONN, stream, nri_peer.RESPONSE,
                   self._ttrpc.Response(payload=reply))


def test_a_container_that_is_called_a_sandbox_is_hardened_or_refused(
        vambrace, node, cri, arm):  # noqa: F811
    with Forger(node, "annotation"):
        with cri.pod(**arm) as pod:
            assert vambrace.outcome(sleeper(cri, pod).id)["level"] == "full"
        vambrace.stop()
        with cri.pod(**arm) as pod:
            assert "vambrace: ErrNoPlan: " in refusal(sleeper, cri, pod)


class Refuser(nri_peer.Remover):
    """A plugin behind ours that refuses each container."""

    def _answer(self, stream, request):
        if request.method != "CreateContainer":
            super()._answer(stream, request)
            return
        self._send(nri_peer.PLUGIN_CONN, stream, nri_peer.RESPONSE,
                   self._ttrpc.Response(status={"code": 2, "message": "not here"}))


def test_nothing_is_left_of_a_container_that_fails_behind_its_plan(
        vambrace, node, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        before = vambrace.state_files()
        with Refuser(node, "annotation"):
            assert "not here" in refusal(sleeper, cri, pod)
        # The name stays free, and one that is taken leaves nothing either.
        container = sleeper(cri, pod)
        vambrace.outcome(container.id)
        running = vambrace.state_files()
        assert "reserved" in refusal(sleeper, cri, pod)
        assert vambrace.state_files() == running
        container.remove()
        missing = cri.create_container(pod, "missing", ATTACK, ["/nonexistent"])
        refusal(missing.start)
        missing.remove()
        unstarted = cri.create_container(pod, "unstarted", ATTACK, ["/bin/attack"])
        unstarted.stop()
        unstarted.remove()
        deadline = time.monotonic() + 2
        while leftovers(vambrace, before) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert leftovers(vambrace, before) == set()


def leftovers(vambrace, before):
    """Files that came since; the memory of seccomp profiles is of no container."""
    return {path for path in vambrace.state_files() - before if not path.startswith("meets/")}


# Operators

def test_a_container_survives_restarts_between_its_creation_and_its_start(
        vambrace, node, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        first, second = (cri.create_container(pod, name, ATTACK, ["/bin/attack", "--wait"],
                                              security=GENEROUS) for name in ("first", "second"))
        vambrace.stop()
        vambrace.start()
        assert vambrace.outcome(first.start().id)["level"] == "full"
        position = vambrace.log_size()
        node.restart_containerd()
        vambrace.wait_log("event=synchronized", since=position)
        assert vambrace.outcome(second.start().id)["level"] == "full"


def test_exec_without_the_plugin_works_and_is_hardened(vambrace, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        vambrace.stop()
        assert parse_attempts(container.exec(["/bin/attack", "mount", "raw-socket"]).stdout) == {
            "mount": "EPERM", "raw-socket": "EPERM"}
        assert process_status(container)["NoNewPrivs"] == "1"


def test_an_upgraded_shim_leaves_running_containers_applied(
        vambrace, node, cri, arm):  # noqa: F811
    """An overlay, the node's root, hides that the mounted file is gone; a tmpfs shows it."""
    node.run(["mount", "-t", "tmpfs", "shims", "/opt/vambrace/lib"])
    try:
        vambrace.install()
        with cri.pod(**arm) as pod:
            container = sleeper(cri, pod)
            assert vambrace.outcome(container.id)["level"] == "full"
            vambrace.install()
            assert f"{SHIM}//deleted" in container.exec(["/bin/cat", "/proc/1/mountinfo"]).stdout
            vambrace.stop()
            position = vambrace.log_size()
            vambrace.start()
            vambrace.wait_log(f"container_id={container.id} event=outcome", since=position)
            assert vambrace.outcome(container.id)["level"] == "full", vambrace.outcome(container.id)
    finally:
        node.run(["umount", "-l", "/opt/vambrace/lib"])


def test_signals_that_operators_send_by_habit_do_not_end_the_plugin(
        vambrace, cri, arm):  # noqa: F811
    position = vambrace.log_size()
    vambrace.send_signal(signal.SIGHUP)
    vambrace.send_signal(signal.SIGUSR1)
    vambrace.wait_log("event=times request=start", since=position)
    with cri.pod(**arm) as pod:
        assert vambrace.outcome(sleeper(cri, pod).id)["level"] == "full"


def test_many_containers_at_once_are_all_hardened_and_leave_nothing(
        vambrace, node, cri, arm):  # noqa: F811
    before = vambrace.state_files()

    def run(number):
        client = node.cri()
        pod = client.run_pod(f"crowd-{number}", **arm)
        return sleeper(client, pod).id

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        ids = list(threads.map(run, range(16)))
    assert {vambrace.outcome(container)["level"] for container in ids} == {"full"}
    for pod in cri.list_pods():
        cri.stop_pod(pod.id)
        cri.remove_pod(pod.id)
    deadline = time.monotonic() + 5
    while leftovers(vambrace, before) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert leftovers(vambrace, before) == set()


# Commands that somebody on the node runs by hand

def test_no_command_line_starts_a_process_past_the_plan(vambrace, node, cri, arm):  # noqa: F811
    with cri.pod(**arm) as pod:
        container = sleeper(cri, pod)
        bundle = f"/run/containerd/io.containerd.runtime.v2.task/k8s.io/{container.id}"
        root = ["--root", "/run/containerd/runc/k8s.io"]
        for words in (
                [*root, "exec", container.id, "/bin/true"],
                [*root, "exec", "--cap", "CAP_NET_RAW", container.id, "/bin/true"],
                [*root, "run", "--bundle", bundle, "x"], [*root, "run", "x"],
                [*root, "restore", "--bundle", bundle, "x"], [*root, "restore", "x"],
                [*root, "create", "--bundle", bundle, "x"],
                [*root, "create", "x", f"--bundle={bundle}"],
                [*root, "create", f"-b{bundle}", "x"],
                [*root, "create", "--config", f"{bundle}/config.json", "x"],
                [*root, "create", "--", "x"], [*root, "creat", "--bundle", bundle, "x"],
                ["--roo", root[1], "create", "--bundle", bundle, "x"],
                ["-root", root[1], "create", "--bundle", bundle, "x"],
                [f"-root={root[1]}", "create", f"-bundle={bundle}", "x"]):
            result = node.run(["/opt/vambrace/bin/vambrace", *words], check=False)
            assert result.returncode != 0, words
            assert result.stderr.startswith("vambrace: Err"), (words, result.stderr)


# The hook as the node's default runtime

@pytest.mark.nodes("*-runc")
def test_a_lenient_default_handler_leaves_plain_pods_alone_and_no_others(make_node, combo):
    node = make_node(combo, handlers=(
        Handler("runc", "/opt/vambrace/bin/runc", VAMBRACE_ANNOTATIONS),
        Handler("vambrace", "/opt/vambrace/bin/vambrace", VAMBRACE_ANNOTATIONS)))
    vambrace = Vambrace(node)
    runtime = node.runtime_path()
    vambrace.install(handlers={"runc": {"runtime": runtime, "unplanned": "pass"},
                               "vambrace": {"runtime": runtime}})
    node.load_base_images()
    node.load_image(attack_image())
    cri = node.cri()
    # Without the plugin as with it: plain pods run and can be looked into.
    for is_running in (False, True):
        if is_running:
            vambrace.start()
        with cri.pod() as pod:
            container = sleeper(cri, pod)
            assert process_status(container)["Seccomp"] == "0"
        with cri.pod(handler="vambrace") as pod:
            if is_running:
                assert vambrace.outcome(sleeper(cri, pod).id)["level"] == "baseline"
            else:
                assert "vambrace: ErrNoPlan: " in refusal(sleeper, cri, pod)
        with cri.pod(annotations={TMPFS: "/srv"}) as pod:
            if is_running:
                assert vambrace.layers(sleeper(cri, pod).id)["tmpfs"] == "applied"
            else:
                assert "vambrace: ErrNoPlan: " in refusal(sleeper, cri, pod)
        with cri.pod(annotations={"cap-drop.vambrace.dev": "ALL"}) as pod:
            assert re.search("vambrace: Err(NoPlan|HardeningRequiresRuntime): ",
                             refusal(sleeper, cri, pod))
    deadline = time.monotonic() + 5
    while leftovers(vambrace, set()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert leftovers(vambrace, set()) == set()
    vambrace.stop()
