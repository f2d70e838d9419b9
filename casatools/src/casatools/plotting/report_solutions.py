"""Figures of calibration solutions for reports: one small panel an antenna."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from matplotlib.ticker import MaxNLocator

from casatools._base.errors import DataError
from casatools.io.caltable import CalTable
from casatools.plotting.axis_labels import receptor_names
from casatools.plotting.figure import GRID, new_figure, save_figure

__all__ = ["draw_solutions"]

_HANDS = (("#1f6fb4", "o"), ("#d1495b", "s"))
_DAY_S = 86400.0


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
        Time makes sense for gains, channel for bandpasses (of the first solution in time), baseline for factors of baselines (all channels).
    title : str

    Raises
    ------
    DataError
        The table has no complex solutions, or all of them are flagged.
    """
    table = CalTable.open(caltable)
    if not table.is_complex:
        raise DataError(f"{caltable!r} holds no complex solutions")
    values, bad = table.param, table.flag
    shown = [a for a in np.unique(table.antenna1) if not bad[table.antenna1 == a].all()]
    if not shown:
        raise DataError(f"all solutions of {caltable!r} are flagged")
    basis = receptor_names(caltable, table)
    ncol = int(np.ceil(np.sqrt(1.3 * len(shown))))
    nrow = int(np.ceil(len(shown) / ncol))
    figure = new_figure(1.75 * ncol + 0.6, 1.3 * nrow + 0.9)
    grid = figure.subplots(nrow, ncol, squeeze=False, sharex=True, sharey=True)
    for cell, antenna in zip(grid.ravel(), shown, strict=False):
        rows = np.flatnonzero(table.antenna1 == antenna)
        rows = rows[np.argsort(table.time_s[rows])]
        if against == "baseline":
            _draw_baselines(cell, values[rows], bad[rows], table.antenna2[rows], part, basis)
        else:
            _draw_panel(cell, values[rows], bad[rows], table.time_s[rows], part, against, basis)
        cell.set_title(table.antenna_names[antenna], fontsize=8, pad=2)
        cell.grid(color=GRID, linewidth=0.5)
        cell.set_axisbelow(True)
        cell.tick_params(labelsize=7)
        cell.xaxis.set_major_locator(MaxNLocator(3, integer=against != "time"))
    for cell in grid.ravel()[len(shown) :]:
        cell.set_visible(False)
    if part == "phase":
        largest = float(np.abs(np.degrees(np.angle(values[~bad]))).max())
        # Small phases get a scale of their own; others the whole circle.
        half = 180 if largest > 90 else max(10, 10 * int(np.ceil(largest / 10)))
        grid[0, 0].set_ylim(-1.06 * half, 1.06 * half)
        grid[0, 0].set_yticks([-half, 0, half])
    for column in range(ncol):
        # The lowest panel of a column that is cut short carries its numbers.
        lowest = max(r for r in range(nrow) if r * ncol + column < len(shown))
        grid[lowest, column].tick_params(labelbottom=True)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2, fontsize=8, markerscale=2.5, frameon=False)
    figure.suptitle(title or caltable.rstrip("/").split("/")[-1], fontsize=11, x=0.02, ha="left")
    figure.supxlabel(
        {"time": "Hours (UTC)", "channel": "Channel", "baseline": "Number of the second antenna"}[against], fontsize=9
    )
    figure.supylabel("Amplitude" if part == "amplitude" else "Phase [deg]", fontsize=9)
    save_figure(figure, figfile)


def _draw_panel(
    cell: Any, values: np.ndarray, bad: np.ndarray, time_s: np.ndarray, part: str, against: str, basis: tuple[str, str]
) -> None:
    """Draw the solutions ``(sol, chan, par)`` of one antenna."""
    for k in range(min(2, values.shape[2])):
        if against == "time":
            chosen, good = values[:, :, k], ~bad[:, :, k]
            x = np.repeat((time_s % _DAY_S)[:, None] / 3600.0, chosen.shape[1], axis=1)
        else:
            chosen, good = values[:1, :, k], ~bad[:1, :, k]
            x = np.arange(chosen.shape[1], dtype=np.float64)[None, :]
        y = np.abs(chosen) if part == "amplitude" else np.degrees(np.angle(chosen))
        color, marker = _HANDS[k]
        x, y = x[good], y[good]
        if part == "phase" and len(y):  # no lines where phases pass half a turn
            turned = np.flatnonzero(np.abs(np.diff(y)) > 180) + 1
            x, y = np.insert(x, turned, np.nan), np.insert(y, turned, np.nan)
        style = {"linewidth": 0.7} if part == "amplitude" or against == "channel" else {"linestyle": "none"}
        cell.plot(
            x,
            y,
            marker=marker,
            markersize=2.0 if x.size < 20 else 1.2,
            color=color,
            label=basis[k],
            markeredgewidth=0,
            **style,
        )


def _draw_baselines(
    cell: Any, values: np.ndarray, bad: np.ndarray, second: np.ndarray, part: str, basis: tuple[str, str]
) -> None:
    """Draw the factors ``(sol, chan, par)`` of the baselines of one antenna."""
    for k in range(min(2, values.shape[2])):
        good = ~bad[:, :, k]
        x = np.repeat(second[:, None], good.shape[1], axis=1)[good] + (0.15 if k else -0.15)
        y = np.abs(values[:, :, k]) if part == "amplitude" else np.degrees(np.angle(values[:, :, k]))
        color, marker = _HANDS[k]
        cell.plot(x, y[good], marker=marker, markersize=2.0, color=color, label=basis[k], markeredgewidth=0, linestyle="none")
