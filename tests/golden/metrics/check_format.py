#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a page of metrics as Prometheus' own client does, and checks the conventions for names.

    check_format.py FILE
"""
import re
import sys

from prometheus_client.parser import text_string_to_metric_families

NAME = re.compile(r"(vambrace|process)_[a-z_]+")
LABELS = {"result", "code", "request", "le", "level", "layer", "action", "version"}


def check_histogram(family):
    """Buckets grow, end with +Inf, and hold as many as _count says."""
    series = {}
    for sample in family.samples:
        series.setdefault(sample.labels["request"], []).append(sample)
    for samples in series.values():
        buckets = [(float(s.labels["le"]), s.value) for s in samples if "le" in s.labels]
        count = next(s.value for s in samples if s.name.endswith("_count"))
        assert any(s.name.endswith("_sum") for s in samples)
        assert buckets == sorted(buckets) and buckets[-1] == (float("inf"), count), buckets
        values = [value for _, value in buckets]
        assert values == sorted(values), values


def main():
    """Fails with an assertion that names the family."""
    with open(sys.argv[1], encoding="utf-8") as page:
        families = list(text_string_to_metric_families(page.read()))
    names = [family.name for family in families]
    assert len(names) == len(set(names)) > 20, names
    for family in families:
        assert NAME.fullmatch(family.name) and family.documentation.endswith("."), family
        assert family.type in ("counter", "gauge", "histogram"), family
        assert family.samples, family
        for sample in family.samples:
            assert set(sample.labels) <= LABELS, sample
            assert family.type != "counter" or sample.name == family.name + "_total", sample
        if family.type == "histogram":
            check_histogram(family)


main()
