#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_documents.py SOURCE-DIR: what the documents say of the code is so, and nothing is left out.

Compared are lists: refusal codes, annotations, alerts, metrics, keys of the node config, denied calls,
functions of the shim, events of the log and of the audit log, releases; and what is referred to: files,
headings, functions.
"""
import os
import pathlib
import re
import sys

TOP = pathlib.Path(sys.argv[1])


def text(path):
    return (TOP / path).read_text(encoding="utf-8")


def list_tree():
    """Paths of all files, without what git and builds keep in the tree."""
    for directory, below, files in os.walk(TOP):
        below[:] = [name for name in below if name not in (".git", "build")]
        yield from (os.path.relpath(os.path.join(directory, name), TOP) for name in files)


PATHS = sorted(list_tree())
CODE = {path: text(path) for path in PATHS if path.endswith((".c", ".h")) and "/corpus/" not in path}
MARKDOWN = {path: text(path) for path in PATHS if path.endswith(".md")}
# Without fonts and with dashes as they are typed.
MANUAL = {path: re.sub(r"\\f[A-Z]", "", text(path)).replace("\\-", "-")
          for path in PATHS if path.startswith("docs/man/")}
NRI = "".join(body for path, body in CODE.items() if path.startswith("plugin/nri/"))
CONTRACTS, RUNBOOK = MARKDOWN["docs/contracts.md"], MARKDOWN["docs/runbook.md"]
PAGE_OF_NRI = MANUAL["docs/man/vambrace-nri.8"]


def section(document, heading):
    """What stands under a heading, the ones below it included."""
    level, rest = re.search(rf"^(#+) {re.escape(heading)}\n(.*)\Z", document, re.M | re.S).groups()
    return re.split(rf"^#{{1,{len(level)}}} ", re.sub(r"^```.*?^```\n", "", rest, flags=re.M | re.S),
                    flags=re.M)[0]


def rows(document, heading):
    """The cells of the first table under a heading, without its head."""
    table = re.search(r"^\|.*?\|\n\|[-|]+\n((?:\|.*\|\n)+)", section(document, heading), re.M)[1]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in table.splitlines()]


def quoted(cell):
    """The words between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def names(table):
    """Those of the first column; each stands there once."""
    found = [name for row in table for name in quoted(row[0])]
    assert len(found) == len(set(found)), found
    return set(found)


def same(what, documented, known):
    assert known, f"{what}: nothing was found in the code"
    assert documented == known, (
        f"{what}: only documented {sorted(documented - known)}, only in the code "
        f"{sorted(known - documented)}")
    return len(known)


def check_codes():
    """Each code has a row in the contracts, and one in the runbook that says what to change."""
    known = set(re.findall(r'^#define VB_CODE_\w+\s+"(\w+)"$',
                           CODE["adjust/include/vb/adjust/codes.h"], re.M))
    same("codes of the contracts", names(rows(CONTRACTS, "Refusals")), known)
    advice = rows(RUNBOOK, "From a refused pod to what to change")
    same("codes of the runbook", names(advice), known)
    assert all(len(row) == 3 and all(row) for row in advice), "a code without cause or remedy"
    for path, body in {**MARKDOWN, **MANUAL}.items():
        wrong = set(re.findall(r"\bErr[A-Z]\w+", body)) - known
        assert not wrong, f"{path} has unknown codes: {wrong}"
    return len(known)


def check_annotations():
    table = re.search(r"known_keys\[\] = \{(.*?)\};", CODE["adjust/src/request.c"], re.S)[1]
    known = {f"{name}.vambrace.dev" for name in re.findall(r'\{"([a-z-]+)",', table)}
    readme = rows(MARKDOWN["README.md"], "Annotations")
    return same("annotations of README.md", names(readme), known | {"containers.vambrace.dev"})


def check_alerts():
    known = set(re.findall(r"- alert: (\w+)", text("deploy/kustomize/monitoring/rules.yaml")))
    advice = rows(RUNBOOK, "From an alert to what to do")
    assert all(all(row) for row in advice), "an alert without a remedy"
    return same("alerts of the runbook", names(advice), known)


def check_metrics():
    """Names and types, as they are served."""
    known = set(re.findall(r"^# TYPE (\w+) (\w+)$", text("tests/golden/metrics/expected.txt"), re.M))
    tables = re.findall(r"^\| (`(?:vambrace|process)_.*?) \| (\w+) \|",
                        section(CONTRACTS, "Metrics and health"), re.M)
    return same("metrics", {(name, kind) for cell, kind in tables for name in quoted(cell)}, known)


def check_config():
    known = set(re.findall(r'"(\w+)"', re.search(
        r"known\[\] = \{(.*?)NULL\}", CODE["adjust/src/config.c"].split("vb_config_parse(")[1],
        re.S)[1]))
    example = re.search(r"### Node config\n\n```json\n(.*?)^```", CONTRACTS, re.M | re.S)[1]
    same("keys of the node config in the contracts", set(re.findall(r'"(\w+)": ', example)), known)
    rule = set(re.findall(r'"(\w+)"', re.search(
        r"known\[\] = \{(.*?)NULL\}", CODE["adjust/src/config_rules.c"], re.S)[1]))
    same("keys of a rule", names(rows(CONTRACTS, "Rules")) | {"namespaces"}, rule)
    files = PAGE_OF_NRI.split(".I /etc/vambrace/config.json\nthe node config:\n")[1].split(".TP")[0]
    return same("keys of the node config in vambrace-nri(8)",
                set(re.findall(r"^\.BR (\w+)", files, re.M)), known)


def check_starter():
    """The calls of the starter and of the closure."""
    source, count = CODE["adjust/src/starter.c"], 0
    stated = section(CONTRACTS, "The starter profile")
    for array, sentence in (("denials", r"Denies with EPERM exactly: (.*?)\."),
                            ("closure", r"It denies with EPERM: (.*?), and clone\n")):
        calls = re.search(rf"\b{array}\[\] = \{{(.*?)\}};", source, re.S)[1]
        listed = re.search(sentence, stated, re.S)[1]
        count += same(f"calls of {array}", set(re.findall(r"\w+", listed)),
                      set(re.findall(r'"(\w+)"', calls)))
    return count


def check_shim():
    """The functions that the shim stands in front of; other names of one function begin with _."""
    gated = re.findall(r"^Gated are (.*?)(?:, for IPv4|, with one|\.$)", MARKDOWN["docs/shim.md"], re.M)
    known = {name for name in text("shim/exports.txt").split() if not name.startswith("_")}
    return same("functions of the shim", set(quoted(" ".join(gated))) | {"syscall"}, known)


# What documents say of constants: {n} with commas, {plain} without, {KiB}, {MiB}.
LIMITS = [
    ("docs/contracts.md", {
        "adjust/include/vb/adjust/bundle.h": {
            "VB_BUNDLE_MANIFEST_MAX": "manifest {MiB} MiB", "VB_BUNDLE_LIST_MAX": "{n} entries a list",
            "VB_BUNDLE_VALUES_MAX": "a list, {n} values", "VB_BUNDLE_JSON_DEPTH_MAX": "depth {n}; tar"},
        "adjust/include/vb/adjust/bundle_tar.h": {
            "VB_BUNDLE_TAR_MAX": "tar {MiB} MiB", "VB_BUNDLE_TAR_MEMBERS_MAX": "{n} members",
            "VB_BUNDLE_TAR_NAME_MAX": "{n} bytes for its name"},
        "adjust/src/bundle_cache.h": {"VB_BUNDLE_CACHE_PACKED_BYTES": "({MiB} MiB, packed)"},
        "adjust/include/vb/adjust/config.h": {
            "VB_CONFIG_FILE_MAX": "The file has at most {MiB} MiB",
            "VB_CONFIG_VALUES_MAX": "MiB, {n} values"},
        "adjust/src/config.c": {
            "CONFIG_DEPTH_MAX": "depth {n} and", "DEADLINE_MIN_MS": "`deadline_ms` is {n} to",
            "DEADLINE_MAX_MS": "to {plain}; where", "DEADLINE_DEFAULT_MS": '"deadline_ms": {plain}',
            "AUDIT_LOG_MIN_BYTES": "`audit_log_max_bytes` is {plain} to 2^40",
            "AUDIT_LOG_DEFAULT_BYTES": '"audit_log_max_bytes": {plain}'},
        "adjust/src/config_rules.c": {"RULES_MAX": "{n} rules"},
        "adjust/src/request.c": {"REASON_MAX": "(one line, at most {n} bytes)"},
        "adjust/include/vb/adjust/custom_profile.h": {
            "VB_CUSTOM_PROFILE_MAX": "drops; at most {MiB} MiB",
            "VB_CUSTOM_PROFILE_DEPTH_MAX": "MiB, depth {n}."},
        "plugin/nri/audit_frame.h": {
            "VB_AUDIT_FRAME_MAX": "of at most {plain} bytes", "VB_AUDIT_TEXT_MAX": "cut at {plain} bytes"},
        "plugin/nri/audit_frame.c": {"NAME_MAX_BYTES": "names at {n}"},
        "plugin/nri/refusals.h": {"VB_REFUSALS_MAX": "`refusals` are the last {n}"}}),
    ("docs/seccomp.md", {
        "adjust/src/profile_read.c": {"RULES_MAX": "{n} rules a profile"},
        "adjust/include/vb/adjust/profile.h": {
            "VB_PROFILE_RULES_MAX": "more than {n} rules for one call",
            "VB_PROFILE_NAME_RULES_MAX": "{n} a name",
            "VB_PROFILE_SEVERAL_MAX": "{n} with several arguments for a name",
            "VB_PROFILE_ALL_SEVERAL_MAX": "and {n} in all"}}),
    ("docs/shim.md", {
        "shim/src/log.c": {"LINE_BYTES": "at most {KiB} KiB", "PATH_BYTES": "at {n} bytes"},
        "shim/include/vb/shim/limit.h": {
            "VB_SHIM_LIMIT_PER_SECOND": "at most {n} lines a second",
            "VB_SHIM_SEEN_SLOTS": "when {n} others"}}),
    ("docs/nri.md", {
        "proto/include/vb/proto/mux.h": {
            "VB_MUX_FIRST_FRAME_MAX": "min(N, {plain})", "VB_MUX_UNREAD_MAX": "at most {MiB} MiB that"},
        "proto/include/vb/proto/ttrpc.h": {
            "VB_TTRPC_INCOMING_MAX": "Up to {MiB} MiB is accepted",
            "VB_TTRPC_OUTGOING_MAX": "up to {MiB} MiB sent"},
        "proto/include/vb/proto/arena.h": {"VB_ARENA_DEFAULT_BYTES": "a budget ({MiB} MiB)"},
        "plugin/nri/supervise.h": {"VB_SUPERVISE_FIRST_MS": "after {n} ms"}}),
    ("docs/man/vambrace-nri.8", {
        "plugin/nri/session.c": {"RETRY_FIRST_MS": "after {n} ms first"},
        "plugin/nri/supervise.h": {"VB_SUPERVISE_FIRST_MS": "; after {n} ms first"},
        "plugin/nri/refusals.h": {"VB_REFUSALS_MAX": "the last {n} refusals"}}),
    ("docs/man/vambrace.1", {
        "plugin/cli/pod_yaml.h": {
            "VB_YAML_SIZE_MAX": "more than {MiB} MiB", "VB_YAML_DEPTH_MAX": "more than {n} levels",
            "VB_YAML_VALUES_MAX": "more than {plain} values"}}),
]


def constant(path, name):
    """The value of an enum's member or of a macro."""
    written = re.search(rf"\b{name}\b(?: =|[ ]+)([^,;/\n}}]+)", CODE[path])[1]
    written = re.sub(r"UINT64_C\((\d+)\)", r"\1", written).strip()
    assert re.fullmatch(r"[\d\s()<*+]+", written), f"{path}: {name} is '{written}'"
    return eval(written)  # pylint: disable=eval-used # digits and operators


def check_limits():
    count = 0
    for document, files in LIMITS:
        words = " ".join((MANUAL.get(document) or MARKDOWN[document]).split())
        for path, constants in files.items():
            for name, phrase in constants.items():
                value = constant(path, name)
                said = phrase.format(n=f"{value:,}", plain=value, KiB=value >> 10, MiB=value >> 20)
                assert said in words, f"{document} does not say '{said}' ({name})"
                count += 1
    return count


def check_log():
    """Events in vambrace-nri(8). A helper that is given the event stands here by its name."""
    helpers = ["log_event", "log_plugin", "log_address", "raise_alarm", "report"]
    known = set(re.findall(
        r'\b(?:vb_log_begin\(&line, [^";]*|(?:%s)\(\w+, )"([a-z-]+)"' % "|".join(helpers), NRI))
    known |= set(re.findall(r"\bevent=([a-z-]+)", NRI))
    indirect = len(re.findall(r"vb_log_begin\(&line, NULL, event\)", NRI))
    assert indirect == len(helpers), "name each helper that begins a line with an event it is given"
    tags = re.findall(r"^\.TP\n\.BR? (event=.*)$", PAGE_OF_NRI, re.M)
    events = {word for tag in tags for word in re.findall(r"[a-z][a-z-]+", tag)} - {"event"}
    return same("events of the log", events, known)


def check_audit():
    """Events of the audit log that the code names are in the contracts, and the other way round."""
    log = section(CONTRACTS, "Audit log")
    events = names(re.findall(r"^\| (`[a-z-]+`) \| (.*)$", log, re.M))
    of_the_node = re.search(r"^Of the node: (.*?)\.\n\n", log, re.M | re.S)[1]
    events |= set(re.findall(r"`([a-z]+(?:-[a-z]+)?)`", of_the_node)) - {
        "version", "bundle", "path", "digest", "error", "count"}
    begun = set(re.findall(r'vb_audit_begin\(&?frame, "([a-z-]+)"', NRI))
    assert begun <= events, f"not in the contracts: {begun - events}"
    literals = set(re.findall(r'"([a-z-]+)"', NRI))
    return same("events of the audit log", events, events & literals)


def slug(heading):
    """As GitHub makes the anchor of a heading."""
    return re.sub(r"[^\w\s-]", "", re.sub(r"[`*]", "", heading).lower()).replace(" ", "-")


def headings(path):
    return re.findall(r"^(#+) (.*)$", re.sub(r"^```.*?^```\n", "", MARKDOWN[path],
                                             flags=re.M | re.S), re.M)


def check_links():
    """Links lead to files of this tree and to headings in them; a long page lists its sections."""
    count = 0
    for path, body in MARKDOWN.items():
        prose = re.sub(r"^```.*?^```\n", "", body, flags=re.M | re.S)
        for link in re.findall(r"\]\(([^)\s]+)\)", prose):
            target, _, anchor = link.partition("#")
            place = (TOP / path).parent / target if target else TOP / path
            assert place.exists(), f"{path}: {link} leads nowhere"
            if anchor:
                there = str(place.resolve().relative_to(TOP.resolve()))
                anchors = [slug(title) for _, title in headings(there)]
                assert anchors.count(anchor) == 1, f"{path}: {link}: no such heading, or several"
            count += 1
        if len(body) > 12000 and path.startswith("docs/"):
            missing = [title for level, title in headings(path)
                       if level == "##" and f"](#{slug(title)})" not in body]
            assert not missing, f"{path} lists its sections, but not {missing}"
    return count


def check_files():
    """Paths of this tree that documents and manifests name are there."""
    pattern = re.compile(r"(?<![\w/.<-])((?:adjust|base|deploy|docs|plugin|proto|shim|tests)/"
                         r"[\w./*-]*\w)")
    count = 0
    directories = {str(parent) for path in PATHS for parent in pathlib.PurePath(path).parents}
    for document, body in {**MARKDOWN, **MANUAL}.items():
        for name in pattern.findall(re.sub(r"\]\([^)]*\)", "", body)):
            # A program stands for its source.
            there = name in PATHS or f"{name}.c" in PATHS or name in directories or any(
                pathlib.PurePath(path).match(name) for path in PATHS if "*" in name)
            assert there, f"{document}: there is no {name}"
            count += 1
    return count


def check_comments():
    """Functions and files of ours that comments name are there."""
    comment = re.compile(r"/\*.*?\*/", re.S)
    defined = {word for body in CODE.values() for word in re.findall(r"\bvb_\w+", comment.sub("", body))}
    files = {pathlib.PurePath(path).name for path in CODE}
    count = 0
    for path, body in CODE.items():
        for said in comment.findall(body):
            for name in re.findall(r"\b(vb_\w+)\(\)", said):
                assert name in defined, f"{path}: there is no {name}()"
                count += 1
            for name in re.findall(r'(?<![\w/<."-])(\w+\.[ch])\b', said):
                assert name in files, f"{path}: there is no {name}"
                count += 1
    return count


def check_release():
    """The release in manual pages and manifests is that of the build."""
    release = re.search(r"^project\(.*?VERSION ([\d.]+)", text("CMakeLists.txt"), re.M | re.S)[1]
    for path, page in MANUAL.items():
        assert f'"vambrace {release}"' in page, f"{path} is not of {release}"
    images = re.findall(r"vambrace\.dev/vambrace:([\d.]+)",
                        "".join(text(path) for path in PATHS if path.startswith("deploy/kustomize/")))
    assert images and set(images) == {release}, images
    return len(MANUAL) + len(images)


def main():
    checks = [check_codes, check_annotations, check_alerts, check_metrics, check_config, check_starter,
              check_shim, check_limits, check_log, check_audit, check_links, check_files, check_comments,
              check_release]
    failed = 0
    for check in checks:
        name = check.__name__.removeprefix("check_")
        try:
            print(f"{name}: {check()}")
        except AssertionError as error:
            failed += 1
            print(f"{name}: WRONG: {error}")
    return failed > 0


sys.exit(main())
