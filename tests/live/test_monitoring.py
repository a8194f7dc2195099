# SPDX-License-Identifier: Apache-2.0
"""The alerts and the dashboard under deploy/kustomize/monitoring: they ask for metrics that there
are, and each alert fires when it should and not before."""
import json
import pathlib
import re
import subprocess

import pytest
import yaml

from vbnode import manifest, tools

METRICS = pathlib.Path(__file__).resolve().parents[1] / "golden/metrics/expected.txt"
# Each alert: the series that fire it, when, and the labels that it then has. Values as promtool
# writes them: start+step x times.
FIRES = {
    "VambraceAbsent": ('up{node="n1"}', "1+0x30", "11m", {}),
    "VambraceNotRegistered": ('vambrace_registered{node="n1"}', "0+0x30", "3m", {"node": "n1"}),
    "VambraceUnhardened": ('vambrace_unhardened_total{node="n1",action="killed"}', "0 0 1+0x30",
                           "3m", {"node": "n1", "action": "killed"}),
    "VambraceLayerFailed": ('vambrace_layers_failed_total{node="n1",layer="tmpfs"}', "0 0 1+0x30",
                            "3m", {"node": "n1", "layer": "tmpfs"}),
    "VambraceNotFull": ('vambrace_containers{node="n1",level="partial"}', "1+0x30", "6m",
                        {"node": "n1", "level": "partial"}),
    "VambraceRefusals": ('vambrace_decisions_total{node="n1",result="refused",code="ErrConflict"}',
                         "0+1x40", "20m", {"node": "n1", "code": "ErrConflict"}),
    "VambraceOptOut": ('vambrace_opt_outs_total{node="n1"}', "0 0 1+0x30", "3m", {"node": "n1"}),
    "VambraceConfigProblem": ('vambrace_config_problem{node="n1"}', "1+0x30", "2m",
                              {"node": "n1"}),
    "VambraceBundleProblem": ('vambrace_bundle_problems{node="n1"}', "2+0x30", "6m",
                              {"node": "n1"}),
    "VambraceAuditProblem": ('vambrace_audit_problem{node="n1"}', "1+0x30", "1m", {"node": "n1"}),
    "VambraceSlow": ('vambrace_request_duration_seconds_bucket{node="n1",request="create",'
                     'le="1.048576"}', "0+1x40", "25m", {"node": "n1", "request": "create"}),
}
# The same series of a node where all is well.
QUIET = {
    "vambrace_build_info": "1+0x40", "vambrace_registered": "1+0x40",
    'vambrace_unhardened_total{action="killed"}': "3+0x40",
    'vambrace_layers_failed_total{layer="tmpfs"}': "3+0x40",
    'vambrace_containers{level="partial"}': "0+0x40", 'vambrace_containers{level="full"}': "5+0x40",
    'vambrace_decisions_total{result="refused",code="ErrConflict"}': "7+0x40",
    'vambrace_decisions_total{result="admitted",code=""}': "7+1x40",
    "vambrace_opt_outs_total": "1+0x40", "vambrace_config_problem": "0+0x40",
    "vambrace_bundle_problems": "0+0x40", "vambrace_audit_problem": "0+0x40",
    "vambrace_audit_lost_total": "2+0x40",
    'vambrace_request_duration_seconds_bucket{request="create",le="0.001024"}': "0+1x40",
    'vambrace_request_duration_seconds_bucket{request="create",le="+Inf"}': "0+1x40",
}


@pytest.fixture(scope="module")
def documents():
    """The manifests of deploy/kustomize/monitoring."""
    return manifest.render("kustomize/monitoring")


@pytest.fixture(scope="module")
def rules(documents):
    """{name: rule} of the alerts."""
    group, = documents["PrometheusRule", "vambrace"]["spec"]["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def dashboard_expressions(documents):
    """What the panels ask for, with values in place of Grafana's variables."""
    text = documents["ConfigMap", "vambrace-dashboard"]["data"]["vambrace.json"]
    for variable in ("$__rate_interval", "$__range"):
        text = text.replace(variable, "5m")
    return [target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]]


def promtool(*arguments):
    """Runs promtool; its complaints are the message of a failure."""
    run = subprocess.run([tools.program("promtool"), *arguments], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
    assert run.returncode == 0, run.stdout


def names(expression):
    """The metrics of an expression."""
    return set(re.findall(r"\b(?:vambrace|process)_[a-z_]+\b", re.sub(r'"[^"]*"', "", expression)))


def test_alerts_and_panels_ask_for_metrics_that_there_are(documents, rules):
    served = names(METRICS.read_text())
    expressions = [rule["expr"] for rule in rules.values()] + dashboard_expressions(documents)
    assert len(expressions) > 20
    for expression in expressions:
        assert names(expression) and names(expression) <= served, expression


def test_promtool_takes_the_rules_and_every_expression_of_the_dashboard(documents, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(yaml.safe_dump(documents["PrometheusRule", "vambrace"]["spec"]))
    promtool("check", "rules", "--lint-fatal", rules)
    panels = tmp_path / "panels.yaml"
    panels.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(dashboard_expressions(documents))]}]}))
    promtool("check", "rules", "--lint-fatal", panels)


def alert_test(rules, name, series, when, labels):
    """A test of promtool: after `when` the alert `name` fires with these labels, or (None) none."""
    rule = rules[name]
    expected = []
    if labels is not None:
        # The texts are not what is tested here, and promtool compares them too.
        expected = [{"exp_labels": {**labels, **rule["labels"]}}]
    return {"interval": "1m",
            "input_series": [{"series": key, "values": values} for key, values in series.items()],
            "alert_rule_test": [{"eval_time": when, "alertname": name, "exp_alerts": expected}]}


def run_alert_tests(rules, tests, tmp_path):
    """Runs them over the rules without their texts."""
    bare = [{key: value for key, value in rule.items() if key != "annotations"}
            for rule in rules.values()]
    (tmp_path / "rules.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "vambrace", "rules": bare}]}))
    (tmp_path / "tests.yaml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "1m",
                        "tests": tests}))
    promtool("test", "rules", tmp_path / "tests.yaml")


def test_every_alert_fires(rules, tmp_path):
    assert FIRES.keys() == rules.keys()
    tests = []
    for name, (series, values, when, labels) in FIRES.items():
        given = {series: values}
        if name == "VambraceSlow":
            given[re.sub(r'le="[^"]*"', 'le="0.524288"', series)] = "0+0x40"
            given[re.sub(r'le="[^"]*"', 'le="+Inf"', series)] = values
        tests.append(alert_test(rules, name, given, when, labels))
    run_alert_tests(rules, tests, tmp_path)


def test_no_alert_fires_where_all_is_well(rules, tmp_path):
    run_alert_tests(rules, [alert_test(rules, name, QUIET, "30m", None) for name in rules], tmp_path)


def test_the_monitor_selects_the_plugins_pods_and_their_port(documents):
    daemonset = manifest.render("kustomize/overlays/plain").daemonset
    template = daemonset["spec"]["template"]
    monitor = documents["PodMonitor", "vambrace-nri"]
    endpoint, = monitor["spec"]["podMetricsEndpoints"]
    assert monitor["metadata"]["namespace"] == daemonset["metadata"]["namespace"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert endpoint["port"] == template["spec"]["containers"][0]["ports"][0]["name"]
