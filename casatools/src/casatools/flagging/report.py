"""Flag statistics as a table, and a page that shows them before and after flagging."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
from collections.abc import Mapping
from typing import Any

from casatools._base.paths import staged_output
from casatools.flagging.commands import FlagCommand, make_command

__all__ = ["counting_command", "flag_table", "table_text", "write_report"]

# Axes in the order of the page; what summaries of subsets add is left out.
_AXES = ("field", "scan", "spw", "correlation", "antenna", "observation", "array", "spw:channel", "time")


def counting_command() -> FlagCommand:
    """A summary with everything that a report shows, times and channels too."""
    command = make_command({"mode": "summary", "spwchan": True})
    return dataclasses.replace(command, options={**command.options, "times": True})


def flag_table(record: Mapping[str, Any]) -> list[tuple[str, str, float, float, float]]:
    """Rows of a summary's record: axis, label, flagged, total, percentage.

    Parameters
    ----------
    record : mapping
        What ``flagdata(mode='summary')`` gives; with `fieldcnt` each field's rows have its name before the axis.

    Returns
    -------
    list of (str, str, float, float, float)
        The whole comes first, as axis ``all``.
    """
    rows: list[tuple[str, str, float, float, float]] = []
    if "total" in record:
        rows.append(_row("all", "", record))
    for axis, held in record.items():
        if not isinstance(held, Mapping):
            continue
        if "total" in held and not isinstance(held["total"], Mapping):  # one field of several
            rows += [(f"{axis}:{a}", *rest) for a, *rest in flag_table(held)]  # type: ignore[misc]
        else:
            rows += [_row(str(axis), str(label), counts) for label, counts in held.items()]
    return rows


def _row(axis: str, label: str, counts: Mapping[str, Any]) -> tuple[str, str, float, float, float]:
    flagged, total = float(counts["flagged"]), float(counts["total"])
    return axis, label, flagged, total, 100.0 * flagged / total if total else 0.0


def table_text(record: Mapping[str, Any]) -> str:
    """The rows of `flag_table` as comma-separated values with a heading."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("axis", "label", "flagged", "total", "percent"))
    writer.writerows((a, b, int(f), int(t), f"{p:.4f}") for a, b, f, t, p in flag_table(record))
    return stream.getvalue()


def write_report(name: str, before: Mapping[str, Any], after: Mapping[str, Any], output: str) -> None:
    """Write a page of flags before and after, by field, scan, window, correlation, antenna, channel and time.

    Parameters
    ----------
    name : str
        What was flagged.
    before, after : mapping
        Records of `counting_command`.
    output : str
        The HTML file; one that exists is replaced.
    """
    parts = [
        f"<!doctype html><html><head><meta charset='utf-8'><title>Flags of {html.escape(name)}</title><style>"
        "body{font-family:sans-serif;max-width:70em;margin:2em auto;padding:0 1em}td,th{text-align:left;padding:.1em .8em}"
        "td:first-child,th:first-child{min-width:12em}"
        ".bar{width:24em;background:#eee;position:relative;height:1em}.bar div{position:absolute;height:100%}"
        ".new{background:#c0392b}.old{background:#7f8c8d}</style></head><body>",
        f"<h1>Flags of {html.escape(name)}</h1><p>{_percent(before):.2f} % before, {_percent(after):.2f} % after; "
        "grey was flagged before, red was added.</p>",
    ]
    for axis in _AXES:
        if axis not in after:
            continue
        parts.append(f"<h2>{html.escape(axis)}</h2>")
        counted = after[axis]
        if axis == "spw:channel":
            counted = dict(sorted(counted.items(), key=lambda pair: tuple(int(n) for n in pair[0].split(":"))))
        if axis in ("spw:channel", "time"):
            parts.append(_curves(before.get(axis, {}), counted))
        parts.append(f"<table><tr><th>{html.escape(axis)}<th>before<th>after<th></tr>")
        for label, counts in counted.items():
            old, new = _percent(before.get(axis, {}).get(label, {})), _percent(counts)
            parts.append(
                f"<tr><td>{html.escape(str(label))}<td>{old:.2f} %<td>{new:.2f} %<td><div class='bar'><div class='new' "
                f"style='width:{new:.1f}%'></div><div class='old' style='width:{min(old, new):.1f}%'></div></div></tr>"
            )
        parts.append("</table>")
    parts.append("</body></html>\n")
    with staged_output(output, overwrite=True) as temporary, open(temporary, "w", encoding="utf-8") as stream:
        stream.write("".join(parts))


def _curves(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Occupancy along an axis as a drawing: percentages before in grey, after in red, from left to right in the order of the labels."""
    lines = []
    for held, colour in ((after, "#c0392b"), (before, "#7f8c8d")):
        points = " ".join(
            f"{800.0 * (k + 0.5) / len(after):.1f},{100.0 - _percent(held.get(label, {})):.1f}" for k, label in enumerate(after)
        )
        lines.append(f"<polyline fill='none' stroke='{colour}' points='{points}'/>")
    frame = "<rect width='800' height='100' fill='none' stroke='#ccc'/>"
    return f"<svg viewBox='0 0 800 100' width='100%' height='140' preserveAspectRatio='none'>{frame}{''.join(lines)}</svg>"


def _percent(counts: Mapping[str, Any]) -> float:
    total = float(counts.get("total", 0.0))
    return 100.0 * float(counts.get("flagged", 0.0)) / total if total else 0.0
