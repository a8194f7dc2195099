# SPDX-License-Identifier: Apache-2.0
"""The ValidatingAdmissionPolicy that is shipped, evaluated with the API server's CEL library, and
beside it what a node says to the same pods."""
import json
import pathlib
import re
import subprocess

import pytest
import yaml

import evaluator

TREE = pathlib.Path(__file__).resolve().parents[2]
POLICY = TREE / "deploy/kustomize/base/admission-policy.yaml"
CASES = yaml.safe_load((TREE / "tests/admission/cases.yaml").read_text())
PERMIT = "permit.vambrace.dev/"
# A value of each key that nobody objects to.
VALUES = {"bundle": "nowhere", "seccomp-profile": "starter", "seccomp": "opt-out",
          "seccomp-opt-out-reason": "profiling", "spec-allow": "mitigate", "cap-drop": "ALL",
          "read-only-rootfs": "true", "tmpfs": "/tmp", "no-new-privileges": "true", "preload": "on",
          "preload-exec-allowlist": "none", "preload-connect-allowlist": "none",
          "preload-audit": "exec"}


def pod(case, annotations):
    metadata = {"namespace": "robots", "annotations": annotations}
    metadata |= {"generateName": case["generateName"]} if "generateName" in case else {"name": "arm"}
    if annotations is None:
        del metadata["annotations"]
    spec = {"initContainers": [{"name": "setup", "image": "arm"}],
            "containers": [{"name": "main", "image": "arm"}]}
    if "runtimeClassName" in case:
        spec["runtimeClassName"] = case["runtimeClassName"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def request(case):
    labels = {"labels": case["labels"]} if "labels" in case else {}
    return {"operation": case.get("operation", "CREATE"), "resource": "pods",
            "subResource": case.get("subresource", ""),
            "namespace": {"metadata": {"name": "robots", **labels}},
            "object": pod(case, case["annotations"]),
            "oldObject": pod(case, case["was"]) if "was" in case else None}


def codes(messages):
    return [re.fullmatch(r"vambrace: (Err[A-Za-z]+): .*", message)[1] for message in messages]


def evaluate(text, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    return evaluator.evaluate(path, [request(case) for case in CASES])


@pytest.fixture(scope="module")
def verdicts():
    return dict(zip((case["name"] for case in CASES),
                    evaluator.evaluate(POLICY, [request(case) for case in CASES]), strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"].replace(" ", "-"))
def test_a_pod_is_judged_as_the_table_says(case, verdicts):
    verdict = verdicts[case["name"]]
    assert codes(verdict["denials"]) == case.get("denied", []), verdict
    assert verdict["matched"] == case.get("matched", True)
    assert case.get("says", "") in "".join(verdict["denials"][:1])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"].replace(" ", "-"))
def test_a_node_says_the_same_or_the_table_says_what_else(case, vambrace, tmp_path):
    permits = [label.removeprefix(PERMIT) for label, value in case.get("labels", {}).items()
               if value == "true"]
    (tmp_path / "config.json").write_text(json.dumps(
        {"bundle_dirs": [str(tmp_path)],
         "rules": [{"namespaces": ["robots"], "permit": permits}]}))
    run = subprocess.run(
        [vambrace, "explain", "-", "--node-config", tmp_path / "config.json"],
        input=json.dumps(pod({**case, "generateName": "arm-"}, case["annotations"])),
        capture_output=True, text=True, check=False)
    refusals = set(codes(line.strip() for line in run.stdout.splitlines()
                         if line.strip().startswith("vambrace: ")))
    wanted = case["node"] if "node" in case else case.get("denied", [None])[0]
    assert (wanted in refusals) if wanted else not refusals, run.stdout + run.stderr


def test_every_validation_and_condition_is_needed(tmp_path, verdicts):
    documents = list(yaml.safe_load_all(POLICY.read_text()))
    for kind, harmless in (("validations", "true"), ("matchConditions", "true")):
        for index in range(len(documents[0]["spec"][kind])):
            changed = json.loads(json.dumps(documents))
            changed[0]["spec"][kind][index]["expression"] = harmless
            without = evaluate(yaml.safe_dump_all(changed), tmp_path)
            assert without != list(verdicts.values()), f"{kind}[{index}] does nothing"


def test_the_policy_has_the_keys_of_the_code():
    table = re.search(r"known_keys\[\] = \{\n(.*?)\n\};",
                      (TREE / "adjust/src/request.c").read_text(), re.DOTALL)[1]
    keys = re.findall(r'\{"([a-z-]+)", parse_', table)
    assert len(keys) == table.count("\n") + 1
    variables = {variable["name"]: variable["expression"] for variable in
                 next(yaml.safe_load_all(POLICY.read_text()))["spec"]["variables"]}
    assert re.findall(r"'([a-z-]+)'", variables["known"]) == keys == list(VALUES)


def test_each_key_needs_the_hook_wherever_it_may_stand_or_nowhere():
    needs = {"seccomp-profile", "seccomp", "spec-allow", "cap-drop", "read-only-rootfs",
             "no-new-privileges"}
    for key, value in VALUES.items():
        forms = [{f"{key}.vambrace.dev{suffix}": value}
                 for suffix in ("", "/pod", "/container.main", "/container.setup")]
        forms.append({"containers.vambrace.dev": json.dumps({"setup": {key: value}})})
        for verdict in evaluator.evaluate(POLICY, [request({
                "annotations": form, "labels": {PERMIT + "seccomp-opt-out": "true"}})
                for form in forms]):
            assert codes(verdict["denials"]) == (
                ["ErrHardeningRequiresRuntime"] if key in needs else []), (key, verdict)


def test_the_policy_is_refused_when_an_expression_has_another_type(tmp_path):
    text = POLICY.read_text().replace("variables.unknown.size() == 0", "variables.unknown.size()")
    with pytest.raises(ValueError, match="is int, not bool"):
        evaluate(text, tmp_path)


def test_long_annotations_stay_within_the_budget_of_the_api_server():
    """What costs more than the API server's budget is denied. It takes 256 KiB of annotations a pod,
    of which the map of containers may have half."""
    layers = ",".join(f'"tmpfs":"/{index:08}"' for index in range(128 * 1024 // 20))
    for annotations in (
            {"containers.vambrace.dev": f'{{"main":{{{layers}}}}}'},
            {f"cap-drop.vambrace.dev/container.c{index:040}": "ALL" for index in range(2000)}):
        case = {"annotations": annotations, "runtimeClassName": "vambrace"}
        (verdict,) = evaluator.evaluate(POLICY, [request(case)])
        assert verdict["denials"] == [], verdict
