"""Drawing of visibility plots."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from casatools._base.errors import DataError
from casatools.io.ms import Selection
from casatools.io.tables import table_kind
from casatools.plotting.figure import GRID, new_figure, save_figure
from casatools.plotting.solution_points import solution_points
from casatools.plotting.visibilities import AXES, PlotOptions, collect_points

if TYPE_CHECKING:
    from casatools.plotting.bandpass_sky import Atmosphere

__all__ = ["plot_receptor", "plot_visibilities"]

_COLORS = ("#1f6fb4", "#d1495b", "#2e8b57", "#e39a2d", "#7b5ea7", "#4fb3bf", "#8c564b", "#c678b5", "#6b6b6b", "#a5a13b")
_MJD_EPOCH = datetime.datetime(1858, 11, 17, tzinfo=datetime.UTC)


def _clock(seconds: float, _: Any = None) -> str:
    return (_MJD_EPOCH + datetime.timedelta(seconds=float(seconds))).strftime("%H:%M:%S")


def _draw(axes: Any, points: dict[str, np.ndarray], options: PlotOptions, size: float, legend: bool) -> None:
    keys = np.unique(points["color"])
    size *= 3.0 if len(points["x"]) < 500 else 1.0  # few points would be hard to see
    for k, key in enumerate(keys):
        chosen = points["color"] == key
        label = f"{AXES[options.color]} {key:g}" if options.color else None
        axes.plot(
            points["x"][chosen], points["y"][chosen], ".", markersize=size, color=_COLORS[k % len(_COLORS)], label=label, rasterized=True,
            markeredgewidth=0,
        )  # fmt: skip
    if options.color and 1 < len(keys) <= 12 and legend:
        axes.legend(fontsize=7, markerscale=3, frameon=True, framealpha=0.9, loc="best")
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _air(path: str, is_table: bool, selection: Selection) -> Atmosphere:
    """The atmosphere over a MeasurementSet's selected data, or over a calibration table's."""
    from casatools.io.caltable import CalTable
    from casatools.plotting.bandpass_sky import find_atmosphere, find_vis, observed_atmosphere

    if not is_table:
        return observed_atmosphere(path, selection)
    table = CalTable.open(path)
    return find_atmosphere(find_vis(path, table, ""), table, "auto")


def _draw_sky(cell: Any, air: Atmosphere, quantity: str, frequency_ghz: np.ndarray) -> None:
    """The atmosphere along the frequencies of a panel, on an axis of its own at the right."""
    ghz = np.linspace(frequency_ghz.min(), frequency_ghz.max(), 400)
    right = cell.twinx()
    right.plot(ghz, air.curve(ghz * 1e9, quantity), color="#8a5fbf", linewidth=1.0, zorder=0.5)
    right.set_ylabel({"atm": "Transmission (%)", "tsky": "Sky temperature (K)"}[quantity], fontsize=8)
    right.tick_params(labelsize=7)


def plot_receptor(path: str, plotfile: str, chosen: dict[str, str], options: PlotOptions, receptor: int) -> None:
    """Plot one receptor (1 or 2) of a calibration table into a file; `chosen` holds keywords of `Selection`."""
    # Receptors go by the names of circular feeds' whatever the feeds are.
    plot_visibilities(path, plotfile, Selection(**chosen, correlation=("RR", "LL")[receptor - 1]), options)


def plot_visibilities(
    path: str, plotfile: str, selection: Selection, options: PlotOptions, *, title: str = "", labels: tuple[str, str] = ("", ""),
    ranges: tuple[float, ...] = (), file_format: str = "", size_in: tuple[float, float] = (8.5, 6.0), dpi: float = 120.0,
    overwrite: bool = False, symbol_size: float = 2.0, legend: bool = True, sky: str = "",
) -> None:  # fmt: skip
    """Plot a MeasurementSet or calibration table into a file; an iteration axis gives one panel a value.

    With `sky` "atm" or "tsky" the transmission [%] or temperature [K] of the atmosphere is drawn against the frequency too.

    Raises
    ------
    DataError, ParameterError, OutputExistsError, UnsupportedError
    """
    is_table = table_kind(path) == "Calibration"
    points = solution_points(path, selection, options) if is_table else collect_points(path, selection, options)
    if not len(points["x"]):
        raise DataError(f"plotms: all data selected of {path!r} are flagged")
    air = _air(path, is_table, selection) if sky else None
    panels = np.unique(points["panel"])
    ncol = int(np.ceil(np.sqrt(len(panels))))
    nrow = int(np.ceil(len(panels) / ncol))
    figure = new_figure(size_in[0] * (1 if ncol == 1 else 1.4), size_in[1] * (1 if nrow == 1 else 1.4))
    grid = figure.subplots(nrow, ncol, squeeze=False, sharex=True, sharey=True)
    for k, cell in enumerate(grid.ravel()):
        if k >= len(panels):
            cell.set_visible(False)
            continue
        chosen = points["panel"] == panels[k]
        _draw(cell, {n: v[chosen] for n, v in points.items()}, options, max(symbol_size, 1.0) * 1.4, legend and k == 0)
        if air is not None:
            _draw_sky(cell, air, sky, points["x"][chosen])
        cell.tick_params(labelsize=8)
        if options.iterate:
            cell.set_title(f"{AXES[options.iterate]} {panels[k]:g}", fontsize=9)
    for which, name in (("x", options.x), ("y", options.y)):
        if name == "time":
            axis = grid[0, 0].xaxis if which == "x" else grid[0, 0].yaxis
            axis.set_major_formatter(_clock)
            axis.set_major_locator(MaxNLocator(8 if ncol == 1 else 3))
    if len(ranges) == 4 and any(ranges):
        if ranges[0] != ranges[1]:
            grid[0, 0].set_xlim(ranges[0], ranges[1])
        if ranges[2] != ranges[3]:
            grid[0, 0].set_ylim(ranges[2], ranges[3])
    figure.supxlabel(labels[0] or AXES[options.x], fontsize=10)
    figure.supylabel(labels[1] or AXES[options.y], fontsize=10)
    figure.suptitle(title or f"{AXES[options.y]} vs. {AXES[options.x]}: {path.rstrip('/').split('/')[-1]}", fontsize=11)
    if plotfile:
        save_figure(figure, plotfile, file_format, dpi, overwrite)
