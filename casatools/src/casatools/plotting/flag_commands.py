"""When which antennas are flagged by commands, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casatools._base.errors import ParameterError
from casatools.flagging.commands import parse_line
from casatools.flagging.stored_commands import StoredCommand
from casatools.frames.epochs import format_epoch, parse_epoch
from casatools.io.ms import MeasurementSet
from casatools.plotting.figure import GRID, INK, new_figure, save_figure

__all__ = ["command_bars", "plot_flag_commands"]

_EVERYTHING = "all"
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#e377c2", "#bcbd22", "#7f7f7f")


def _spans(timerange: str, whole: tuple[float, float]) -> list[tuple[float, float]]:
    """Start and stop of each part of a time range with dates; everything for others."""
    spans = []
    for item in timerange.split(","):
        ends = [e.strip() for e in item.split("~")]
        if len(ends) > 2 or any(e.count("/") != 3 for e in ends):
            return [whole]
        try:
            spans.append((parse_epoch(ends[0]), parse_epoch(ends[-1])))
        except ParameterError:
            return [whole]
    return spans


def command_bars(
    stored: Sequence[StoredCommand], whole: tuple[float, float]
) -> dict[str, list[tuple[str, list[tuple[float, float]]]]]:
    """Bars of each antenna expression.

    Parameters
    ----------
    stored : sequence of StoredCommand
    whole : (float, float) [s]
        First and last time of the data.

    Returns
    -------
    dict
        Antenna expression to (reason, [(start, stop), …]), in order of the expressions.
    """
    bars: dict[str, list[tuple[str, list[tuple[float, float]]]]] = {}
    for s in stored:
        given = parse_line(s.text)
        timerange = str(given.get("timerange", ""))
        spans = _spans(timerange, whole) if timerange.strip() else [whole]
        bars.setdefault(str(given.get("antenna", "")) or _EVERYTHING, []).append((s.reason or "no reason", spans))
    return dict(sorted(bars.items()))


def plot_flag_commands(path: str, stored: Sequence[StoredCommand], plotfile: str) -> None:
    """Draw the time ranges of commands, one line an antenna expression, one colour a reason.

    Parameters
    ----------
    path : str
        The MeasurementSet; its first and last time stand for commands without a time range.
    stored : sequence of StoredCommand
    plotfile : str
        A PNG, PDF, SVG … file.

    Raises
    ------
    ParameterError
        There is no command.
    """
    if not stored:
        raise ParameterError("flagcmd: there is no command to plot")
    with MeasurementSet(path) as ms:
        time_s = np.asarray(ms.read("TIME")) if ms.nrow else np.zeros(1)
    bars = command_bars(stored, (float(time_s.min()), float(time_s.max())))
    reasons = list(dict.fromkeys(reason for held in bars.values() for reason, _ in held))
    first = min(start for held in bars.values() for _, spans in held for start, _ in spans)
    figure = new_figure(10.0, max(3.0, 1.5 + 0.25 * len(bars)))
    axes = figure.add_subplot()
    for line, held in enumerate(bars.values()):
        for reason, spans in held:
            axes.broken_barh(
                [(start - first, max(stop - start, 1e-3)) for start, stop in spans], (line - 0.4, 0.8),
                facecolor=_COLOURS[reasons.index(reason) % len(_COLOURS)], edgecolor="none",
            )  # fmt: skip
    for number, reason in enumerate(reasons):
        axes.plot([], [], color=_COLOURS[number % len(_COLOURS)], linewidth=6, label=reason)
    axes.set_yticks(range(len(bars)), labels=list(bars))
    axes.set_xlabel(f"seconds from {format_epoch(first, decimals=1)}", color=INK)
    axes.set_ylabel("antennas", color=INK)
    axes.grid(axis="x", color=GRID)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    save_figure(figure, plotfile)
