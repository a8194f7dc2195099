# SPDX-License-Identifier: Apache-2.0
"""The table of a run: for each file its cases, how they ended, what they compared, the time that
they took, whether or not others ran beside them."""
import json

_ENDS = ("passed", "failed", "error", "skipped")
_COLUMNS = ("suite", "cases", "passed", "failed", "skipped", "checks", "seconds")


def rows(reporter):
    """One row for each file, and one for all, as dictionaries. `checks` counts what cases said that
    they compare beyond their own number (record_property("checks", n))."""
    found = {}
    for end in _ENDS:
        for report in reporter.stats.get(end, ()):
            row = found.setdefault(report.nodeid.split("::")[0], dict.fromkeys(_COLUMNS[1:], 0))
            row["failed" if end == "error" else end] += 1
            row["cases"] += 1
            row["checks"] += sum(value for name, value in report.user_properties
                                 if name == "checks")
    for reports in reporter.stats.values():
        for report in reports:
            row = found.get(getattr(report, "nodeid", "").split("::")[0])
            # Deselected cases are items, which took no time.
            if row is not None:
                row["seconds"] += getattr(report, "duration", 0)
    total = {key: sum(row[key] for row in found.values()) for key in _COLUMNS[1:]}
    return [{"suite": suite, **row} for suite, row in (*sorted(found.items()), ("total", total))]


def table(found):
    """The rows as text."""
    lines = [_COLUMNS, *([f"{row[key]:.0f}" if key == "seconds" else str(row[key])
                          for key in _COLUMNS] for row in found)]
    width = max(len(line[0]) for line in lines)
    return "".join(f"{line[0]:{width}}" + "".join(f"{cell:>9}" for cell in line[1:]) + "\n"
                   for line in lines)


def write(path, found, nodes):
    """The rows as JSON, with the versions of the nodes."""
    suites = [{**row, "seconds": round(row["seconds"], 1)} for row in found]
    path.write_text(json.dumps({"suites": suites[:-1], "total": suites[-1], "nodes": nodes},
                               indent=1, sort_keys=True) + "\n")
