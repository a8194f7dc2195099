# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the live tests: real containerd nodes, one per combination of suite and runtime.

`node` is a running node with the base images loaded, shared by all tests of its combination; `cri`
is a client whose pods are gone after the test; `make_node` boots nodes for one test. A test that
takes `node` or `combo` runs once per combination; mark it nodes("*-runc") to narrow that, and
short("*-runc") to narrow it without --full.

With `-n 2 --dist loadgroup` (pytest-xdist) two combinations are tested side by side, each by one
process: nodes share nothing that a test could see, but the machine's time.
"""
import fnmatch
import os
import pathlib

import pytest

from vbnode import roots, summary
from vbnode.node import Node
from vbnode.system import Vambrace, attack_image, start_target

pytest_plugins = ["proof.fixtures"]
# The cgroup view that each runtime needs: crun knows no v1 hierarchies.
COMBINATIONS = {
    "trixie-runc": ("trixie", "runc", "host"),
    "forky-runc": ("forky", "runc", "host"),
    "trixie-crun": ("trixie", "crun", "v2"),
    "forky-crun": ("forky", "crun", "v2"),
}
_versions = pytest.StashKey[dict]()
_PRINTK_BURST = pathlib.Path("/proc/sys/kernel/printk_ratelimit_burst")


def pytest_addoption(parser):
    parser.addoption("--nodes", default=",".join(COMBINATIONS),
                     help="comma-separated node combinations (default: all: %(default)s)")
    parser.addoption("--full", action="store_true",
                     help="the long form of the tests that have one (soak, ablation)")
    parser.addoption("--summary", metavar="FILE", type=pathlib.Path,
                     help="writes the table of cases, passed ones and times to a JSON file")


def pytest_configure(config):
    unknown = set(config.getoption("--nodes").split(",")) - COMBINATIONS.keys()
    if unknown:
        raise pytest.UsageError(f"--nodes: unknown {', '.join(sorted(unknown))}; "
                                f"known: {', '.join(COMBINATIONS)}")
    if os.geteuid() != 0:
        raise pytest.UsageError("the live tests boot real containerd nodes and need root")
    config.stash[_versions] = {}
    if not hasattr(config, "workerinput"):
        _let_records_pass(config)


def _let_records_pass(config):
    """Without auditd the kernel writes audit records to its log, ten in five seconds on the whole
    machine, and drops the others; tests that look for one would depend on what runs beside them."""
    try:
        usual = _PRINTK_BURST.read_text()
        _PRINTK_BURST.write_text("1000")
    except OSError:
        return
    config.add_cleanup(lambda: _PRINTK_BURST.write_text(usual))


def _matching(names, marker):
    return [name for name in names if any(fnmatch.fnmatch(name, glob) for glob in marker.args)]


def pytest_generate_tests(metafunc):
    wanted = metafunc.config.getoption("--nodes").split(",")
    # The keys themselves: pytest reuses a fixture only when its parameter is the same object.
    chosen = [name for name in COMBINATIONS if name in wanted]
    for marker in metafunc.definition.iter_markers("nodes"):
        chosen = _matching(chosen, marker)
    if not metafunc.config.getoption("--full"):
        for marker in metafunc.definition.iter_markers("short"):
            chosen = _matching(chosen, marker)
    for fixture in ("node", "combo"):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, chosen, indirect=True, scope="session")
            return


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """In a process of several: all tests of a combination are one group, and so are those of a file
    that are of none; a file that says xdist_group itself is one. The combinations come first, as they
    take longest."""
    if not hasattr(config, "workerinput"):
        yield
        return
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    yield
    order = [*COMBINATIONS, *sorted({_group(item) for item in items} - COMBINATIONS.keys())]
    items.sort(key=lambda item: order.index(_group(item)))


def _group(item):
    mark = item.get_closest_marker("xdist_group")
    return mark.args[0] if mark else _combination(item) or item.path.name


def _combination(item):
    """The name of the combination that a test is for, or None."""
    params = getattr(item, "callspec", None) and item.callspec.params
    return params and (params.get("node") or params.get("combo"))


def pytest_collection_finish(session):
    """Builds missing node roots now, with its progress on the terminal instead of captured."""
    if session.config.option.collectonly:
        return
    names = {_combination(item) for item in session.items}
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for suite in sorted({COMBINATIONS[name][0] for name in names if name in COMBINATIONS}):
            roots.ensure_root(suite)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["versions"] = session.config.stash[_versions]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """A process of several has ended."""
    node.config.stash[_versions].update(getattr(node, "workeroutput", {}).get("versions", {}))


def pytest_terminal_summary(terminalreporter, config):
    rows = summary.rows(terminalreporter)
    if config.getoption("--summary"):
        summary.write(config.getoption("--summary"), rows, config.stash[_versions])
        terminalreporter.write(summary.table(rows))
    for name, versions in config.stash[_versions].items():
        packages = ", ".join(" ".join(item) for item in sorted(versions.items()))
        terminalreporter.write_line(f"node {name}: {packages}")


@pytest.fixture(scope="session")
def is_full(request):
    """Whether the long form of a test is asked for."""
    return request.config.getoption("--full")


@pytest.fixture(scope="session")
def combo(request):
    """The name of a node combination, for tests that boot their nodes themselves."""
    return request.param


@pytest.fixture(scope="session")
def node(request):
    """A running node with the sandbox and busybox images."""
    suite, runtime, cgroup = COMBINATIONS[request.param]
    with Node(suite, runtime, cgroup, name=request.param) as running:
        request.config.stash[_versions][request.param] = running.versions
        running.load_base_images()
        yield running


@pytest.fixture
def cri(node):  # pylint: disable=redefined-outer-name (how pytest composes fixtures)
    """A CRI client; the pods that a test leaves are removed after it."""
    client = node.cri()
    yield client
    for pod in client.list_pods():
        client.stop_pod(pod.id)
        client.remove_pod(pod.id)


@pytest.fixture(scope="session")
def installed(node):  # pylint: disable=redefined-outer-name
    """Vambrace, installed once on the node, with the image of the hostile workload."""
    system = Vambrace(node)
    node.load_image(attack_image())
    system.install()
    system.target = start_target(node)
    yield system
    system.stop()


@pytest.fixture
def vambrace(installed):  # pylint: disable=redefined-outer-name
    """Vambrace with its plugin running and registered, whatever the test before did to it."""
    if not installed.running():
        installed.stop()
        installed.install()
        installed.start()
    yield installed


@pytest.fixture
def make_node():
    """make_node("trixie-runc", **options of Node) boots a node that ends with the test."""
    nodes = []

    def make(name, **options):
        suite, runtime, cgroup = COMBINATIONS[name]
        nodes.append(Node(suite, runtime, cgroup, **{"name": f"{name}-own", **options}))
        return nodes[-1].start()

    yield make
    for own in reversed(nodes):
        own.stop()
