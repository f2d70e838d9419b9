"""Figures of calibration solutions for reports: one small panel an antenna."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.ticker import MaxNLocator

from casatools._base.errors import DataError
from casatools.io.caltable import CalTable
from casatools.plotting.axis_labels import receptor_names
from casatools.plotting.figure import GRID, new_figure, save_figure

__all__ = ["draw_solutions"]

_HANDS = (("#1f6fb4", "o"), ("#d1495b", "s"))
_FAINTEST = 0.35
_DAY_S = 86400.0
# Solutions of one time are no wider apart than this.
_LEAST_HOURS = 0.02


def draw_solutions(
    caltable: str,
    figfile: str,
    part: Literal["amplitude", "phase"],
    against: Literal["time", "channel", "baseline"],
    title: str = "",
) -> None:
    """Plot the solutions of every antenna.

    Parameters
    ----------
    caltable, figfile : str
        Calibration table with complex solutions and the PNG file; an existing file is replaced.
    part : {"amplitude", "phase"}
    against : {"time", "channel", "baseline"}
        Time makes sense for gains, channel for bandpasses (of the first solution that has unflagged channels), baseline for factors of
        baselines (all channels). Several spectral windows have lines of their own, fainter from window to window; bandpasses of several
        stand side by side.
    title : str

    Raises
    ------
    DataError
        The table has no complex solutions, or all of them are flagged.
    """
    table = CalTable.open(caltable)
    if not table.is_complex:
        raise DataError(f"{caltable!r} holds no complex solutions")
    good = np.concatenate([np.abs(np.angle(g.param[~g.flag])) for g in table.groups])
    kept = np.unique(np.concatenate([table.antenna1[g.rows][~g.flag.all(axis=(1, 2))] for g in table.groups]))
    if not len(kept):
        raise DataError(f"all solutions of {caltable!r} are flagged")
    basis = receptor_names(caltable, table)
    spws = np.unique(table.spw_id).tolist()
    ncol = int(np.ceil(np.sqrt(1.3 * len(kept))))
    nrow = int(np.ceil(len(kept) / ncol))
    figure = new_figure(max(1.75 * ncol + 0.6, 5.0), 1.3 * nrow + 0.9)
    grid = figure.subplots(nrow, ncol, squeeze=False, sharex=True, sharey=True)
    for cell, antenna in zip(grid.ravel(), kept, strict=False):
        for line in _lines(table, int(antenna), against):
            _draw_line(cell, line, part, against, basis, _strength(spws.index(line.spw), len(spws)))
        cell.set_title(table.antenna_names[antenna], fontsize=8, pad=2)
        cell.grid(color=GRID, linewidth=0.5)
        cell.set_axisbelow(True)
        cell.tick_params(labelsize=7)
    for cell in grid.ravel()[len(kept) :]:
        cell.set_visible(False)
    if part == "phase":
        _set_phases(grid[0, 0], float(np.degrees(good.max(initial=0.0))))
    _set_places(grid, len(kept), against)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    first = dict(zip(labels[::-1], handles[::-1], strict=True))
    names = [name for name in (*basis, "both receptors") if name in first]
    figure.legend(
        [first[n] for n in names], names, loc="outside upper right", ncols=2, fontsize=8, markerscale=2.5, frameon=False
    )
    windows = f" (spw {spws[0]}, fainter to {spws[-1]})" if len(spws) > 1 else ""
    figure.suptitle((title or caltable.rstrip("/").split("/")[-1]) + windows, fontsize=11, x=0.02, ha="left")
    channels = "Channel" if len(spws) == 1 else "Channel, window after window"
    figure.supxlabel(
        {"time": "Hours (UTC)", "channel": channels, "baseline": "Number of the second antenna"}[against], fontsize=9
    )
    figure.supylabel("Amplitude" if part == "amplitude" else "Phase [deg]", fontsize=9)
    save_figure(figure, figfile)


@dataclass
class _Line:
    """Solutions of one antenna and spectral window: places (sol, chan), values and flags (sol, chan, par)."""

    spw: int
    x: np.ndarray
    values: np.ndarray
    flag: np.ndarray


def _lines(table: CalTable, antenna: int, against: str) -> Iterator[_Line]:
    """The lines of an antenna, one a spectral window."""
    day = np.floor(table.time_s.min() / _DAY_S) * _DAY_S
    start, gap = 0.0, 0.1 * max(group.param.shape[1] for group in table.groups)
    starts = {}
    for spw in np.unique(table.spw_id).tolist():
        starts[spw] = start
        start += next(g.param.shape[1] for g in table.groups if (table.spw_id[g.rows] == spw).any()) + gap
    for group in table.groups:
        for spw in np.unique(table.spw_id[group.rows]).tolist():
            mine = np.flatnonzero((table.spw_id[group.rows] == spw) & (table.antenna1[group.rows] == antenna))
            mine = mine[np.argsort(table.time_s[group.rows[mine]], kind="stable")]
            if against == "channel":
                mine = mine[~group.flag[mine].all(axis=(1, 2))][:1]
            rows, nchan = group.rows[mine], group.param.shape[1]
            if not len(rows):
                continue
            x = (table.time_s[rows] - day) / 3600 if against == "time" else table.antenna2[rows].astype(np.float64)
            places = np.repeat(x[:, None], nchan, axis=1)
            if against == "channel":
                places = starts[spw] + np.arange(nchan)[None]
            yield _Line(int(spw), places, group.param[mine], group.flag[mine])


def _strength(number: int, count: int) -> float:
    """How opaque the lines of a spectral window are."""
    return 1.0 if count == 1 else 1.0 - (1.0 - _FAINTEST) * number / (count - 1)


def _set_phases(cell: Any, largest_deg: float) -> None:
    """Small phases get a scale of their own; others the whole circle."""
    half = 180 if largest_deg > 90 else max(10, 10 * int(np.ceil(largest_deg / 10)))
    cell.set_ylim(-1.06 * half, 1.06 * half)
    cell.set_yticks([-half, 0, half])


def _set_places(grid: np.ndarray, count: int, against: str) -> None:
    """The axis that all panels share, with its numbers below the lowest panel of each column, which may be cut short."""
    ncol = grid.shape[1]
    for column in range(min(ncol, count)):
        lowest = max(r for r in range(grid.shape[0]) if r * ncol + column < count)
        grid[lowest, column].tick_params(labelbottom=True)
    for cell in grid.ravel()[:count]:
        cell.xaxis.set_major_locator(MaxNLocator(3, integer=against != "time"))
        cell.ticklabel_format(axis="x", useOffset=False)
    low, high = grid[0, 0].get_xlim()
    if against == "time" and high - low < _LEAST_HOURS:
        middle = 0.5 * (low + high)
        grid[0, 0].set_xlim(middle - 0.5 * _LEAST_HOURS, middle + 0.5 * _LEAST_HOURS)


def _draw_line(cell: Any, line: _Line, part: str, against: str, basis: tuple[str, str], alpha: float) -> None:
    """Draw both receptors of a line."""
    for k in range(min(2, line.values.shape[2])):
        good = ~line.flag[:, :, k]
        value = line.values[:, :, k][good]
        x = line.x[good] + (0.0 if against != "baseline" else 0.15 if k else -0.15)
        y = np.abs(value) if part == "amplitude" else np.degrees(np.angle(value))
        if part == "phase" and against == "channel" and len(y):  # no lines where phases pass half a turn
            turned = np.flatnonzero(np.abs(np.diff(y)) > 180) + 1
            x, y = np.insert(x, turned, np.nan), np.insert(y, turned, np.nan)
        joined = against == "channel" or (against == "time" and part == "amplitude" and line.x.shape[1] == 1)
        colour, marker = _HANDS[k]
        cell.plot(
            x, y, marker=marker, markersize=3.5 if x.size < 5 else 2.0 if x.size < 20 or against == "baseline" else 1.2, color=colour,
            label=basis[k] if line.values.shape[2] > 1 else "both receptors",
            markeredgewidth=0, linewidth=0.7, linestyle="-" if joined else "none", alpha=alpha,
        )  # fmt: skip
