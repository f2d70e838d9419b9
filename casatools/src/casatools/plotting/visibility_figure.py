"""Drawing of plots of visibilities and solutions: pages of panels, one or several plots a panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FixedLocator, Formatter, FuncFormatter, Locator, MaxNLocator, ScalarFormatter

from casatools._base.errors import DataError
from casatools.frames.epochs import format_epoch
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.tables import table_kind
from casatools.plotting.axis_labels import AxisLabels
from casatools.plotting.figure import new_figure, save_figure, widen_phases
from casatools.plotting.plot_axes import AXES, PlotOptions
from casatools.plotting.plot_style import GridStyle, SymbolStyle
from casatools.plotting.solution_points import solution_points
from casatools.plotting.visibilities import collect_points

if TYPE_CHECKING:
    from casatools.plotting.bandpass_sky import Atmosphere

__all__ = ["LEGENDS", "Layer", "Plot", "draw_pages", "find_air", "make_layers", "plot_receptor"]

_COLORS = ("#1f6fb4", "#d1495b", "#2e8b57", "#e39a2d", "#7b5ea7", "#4fb3bf", "#8c564b", "#c678b5", "#6b6b6b", "#a5a13b")
LEGENDS = {
    "": "best", "upperright": "upper right", "upperleft": "upper left", "lowerright": "lower right", "lowerleft": "lower left",
    "exteriorright": "outside right upper", "exteriorleft": "outside left upper", "exteriortop": "outside upper center",
    "exteriorbottom": "outside lower center",
}  # fmt: skip
_MOST_KEYS = 12
_ONE_TIME_S = 60.0
_CLOCK_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
# A curve of the atmosphere has at least as many places, so that narrow lines are seen.
_AIR_PLACES = 200
# Names longer than this are written aslant.
_LONG = 12


@dataclass
class Layer:
    """Points of one vertical axis, and how they are drawn.

    Attributes
    ----------
    points : dict
        As `visibilities.collect_points` gives them.
    right : bool
        The vertical axis stands at the right.
    """

    points: dict[str, np.ndarray]
    options: PlotOptions
    labels: AxisLabels
    symbol: SymbolStyle = field(default_factory=SymbolStyle)
    flagged_symbol: SymbolStyle | None = None
    line: str = ""
    right: bool = False


@dataclass
class Plot:
    """One plot of a page; with an iteration axis it fills the panels from its own on.

    Attributes
    ----------
    layers : list of Layer
    row, column : int
        The panel.
    ranges : tuple of float
        xmin, xmax, ymin, ymax; bounds that are equal are found from the points.
    same_x, same_y : bool
        Panels of an iteration have one range.
    inner_x, inner_y : bool
        Only the outer panels have numbers at the axis.
    header : str
        Text above the panels.
    air, air_quantity, oscillators_hz
        The atmosphere to draw, ``atm`` or ``tsky``, and first local oscillators of spectral windows whose image sideband is drawn too.
    """

    layers: list[Layer]
    row: int = 0
    column: int = 0
    title: str = ""
    title_size: int = 0
    labels: tuple[str, str] = ("", "")
    label_sizes: tuple[int, int] = (0, 0)
    ranges: tuple[float, ...] = ()
    same_x: bool = False
    same_y: bool = False
    inner_x: bool = False
    inner_y: bool = False
    legend: bool = False
    legend_place: str = ""
    grid: GridStyle = field(default_factory=GridStyle)
    header: str = ""
    air: Atmosphere | None = None
    air_quantity: str = ""
    oscillators_hz: Mapping[int, float] = field(default_factory=dict)

    @property
    def panels(self) -> np.ndarray:
        """The values of the iteration axis."""
        return np.unique(np.concatenate([layer.points["panel"] for layer in self.layers]))


def make_layers(
    path: str, selection: Selection, several: Sequence[PlotOptions], drawn: Sequence[Mapping[str, Any]] = ()
) -> list[Layer]:
    """Read the points of a MeasurementSet or a calibration table, once for all vertical axes.

    Parameters
    ----------
    path : str
    selection : Selection
    several : sequence of PlotOptions
        One for each vertical axis.
    drawn : sequence of mapping
        How each is drawn: other attributes of `Layer`.

    Raises
    ------
    DataError, ParameterError, SelectionError, UnsupportedError
    """
    if table_kind(path) == "Calibration":
        labels = AxisLabels(path, CalTable.open(path))
        points = [solution_points(path, selection, options) for options in several]
        if any(p["flagged"].all() and not o.flagged for p, o in zip(points, several, strict=True)):
            raise DataError(f"plotms: all data selected of {path!r} are flagged")
    else:
        with MeasurementSet(path) as ms:
            labels, points = AxisLabels(path, ms), collect_points(ms, selection, several)
    return [Layer(p, o, labels, **how) for p, o, how in zip(points, several, drawn or [{}] * len(points), strict=True)]


def plot_receptor(path: str, plotfile: str, chosen: dict[str, str], options: PlotOptions, receptor: int) -> None:
    """Plot one receptor (1 or 2) of a calibration table into a file; `chosen` holds keywords of `Selection`."""
    # Receptors go by the names of circular feeds' whatever the feeds are.
    layers = make_layers(path, Selection(**chosen, correlation=("RR", "LL")[receptor - 1]), [options])
    save_figure(draw_pages([Plot(layers, legend=True, same_x=True, same_y=True)])[0][1], plotfile, overwrite=False)


def draw_pages(
    plots: Sequence[Plot], rows: int = 1, columns: int = 1, size_in: tuple[float, float] = (8.5, 6.0), every_panel: bool = True
) -> list[tuple[str, Any]]:
    """Draw plots on pages of a grid of panels.

    Parameters
    ----------
    plots : sequence of Plot
    rows, columns : int
        The grid.
    size_in : tuple of float
        Width and height [inch] of a page.
    every_panel : bool
        Give a grid of one panel as many as the iteration needs, on one page.

    Returns
    -------
    list
        Pages: what their panels are of the iteration axis ('' without one), and the figures.
    """
    iterated = next((p for p in plots if p.layers[0].options.iterate), None)
    count = len(iterated.panels) if iterated is not None else 1
    if iterated is not None and rows == columns == 1 and every_panel:
        columns = int(np.ceil(np.sqrt(count)))
        rows = int(np.ceil(count / columns))
        size_in = (size_in[0] * (1.0 if columns == 1 else 1.4), size_in[1] * (1.0 if rows == 1 else 1.4))
    start = iterated.row * columns + iterated.column if iterated is not None else 0
    each = max(1, rows * columns - start)
    pages = []
    for first in range(0, count, each):
        shown = iterated.panels[first : first + each] if iterated is not None else np.zeros(1)
        name = "" if iterated is None else iterated.layers[0].labels.span(iterated.layers[0].options.iterate, shown)
        pages.append((name, _page(plots, iterated, shown, (rows, columns), start, size_in)))
    return pages


def _page(
    plots: Sequence[Plot], iterated: Plot | None, shown: np.ndarray, grid: tuple[int, int], start: int, size_in: Any
) -> Any:
    figure = new_figure(*size_in)
    cells = figure.subplots(*grid, squeeze=False)
    used = set()
    for plot in plots:
        if plot is iterated:
            for k, value in enumerate(shown):
                at = divmod(start + k, grid[1])
                _panel(figure, cells[at], plot, float(value), k == 0)
                used.add(at)
            _share(plot, cells, start, len(shown), grid[1])
        else:
            at = (min(plot.row, grid[0] - 1), min(plot.column, grid[1] - 1))
            _panel(figure, cells[at], plot, None, True)
            used.add(at)
    for at in np.ndindex(*grid):
        if at not in used:
            cells[at].set_visible(False)
    if len(used) > 1 and iterated is not None:
        figure.suptitle(_title(iterated), fontsize=iterated.title_size or 11)
    header = next((p.header for p in plots if p.header), "")
    if header:
        figure.text(0.01, 0.995, header, fontsize=7, va="top", family="monospace")
        lines = header.count("\n") + 1
        figure.set_layout_engine("constrained", rect=(0.0, 0.0, 1.0, max(0.5, 1.0 - 0.13 * lines / size_in[1] - 0.02)))
    return figure


def _title(plot: Plot) -> str:
    options = plot.layers[0].options
    names = " and ".join(AXES[layer.options.y] for layer in plot.layers)
    return plot.title or f"{names} vs. {AXES[options.x]}: {plot.layers[0].labels.data_name}"


def _axis_label(layer: Layer, use: str) -> str:
    """The name of an axis; of times with the day they begin on."""
    name = layer.options.axes[use]
    times = layer.points[use] if name == "time" else ()
    return f"{AXES[name]} (from {format_epoch(float(np.min(times)), 'date')})" if len(times) else AXES[name]


def _panel(figure: Any, cell: Any, plot: Plot, value: float | None, is_first: bool) -> None:
    """Draw the layers of a plot into a panel, of one value of its iteration axis where there is one."""
    right, few = None, 6 if value is None else 3
    for layer in plot.layers:
        axes = cell
        if layer.right:
            right = axes = right or cell.twinx()
        chosen = np.ones(len(layer.points["x"]), bool) if value is None else layer.points["panel"] == value
        _draw(axes, {n: v[chosen] for n, v in layer.points.items()}, layer)
        name = plot.labels[1] if layer is plot.layers[0] else ""
        axes.set_ylabel(name or _axis_label(layer, "y"), fontsize=plot.label_sizes[1] or 9)
        axes.tick_params(labelsize=8)
        if layer.options.y == "phase":
            widen_phases(axes)
        _number_axis(axes.yaxis, layer.options.y, layer.labels, layer.points["y"], few)
    first = plot.layers[0]
    _number_axis(cell.xaxis, first.options.x, first.labels, first.points["x"], few)
    cell.set_xlabel(plot.labels[0] or _axis_label(first, "x"), fontsize=plot.label_sizes[0] or 9)
    plot.grid.draw(cell)
    if plot.air is not None:
        _draw_air(cell, plot, (first.points["panel"] == value) if value is not None else np.ones(len(first.points["x"]), bool))
    if value is not None:
        cell.set_title(f"{AXES[first.options.iterate]} {first.labels.name(first.options.iterate, value)}", fontsize=9)
    elif plot.title or len(figure.axes) <= len(plot.layers) + 2:
        cell.set_title(_title(plot), fontsize=plot.title_size or 10)
    if plot.legend and is_first:
        _add_legend(figure, [cell] if right is None else [cell, right], plot.legend_place)
    if len(plot.ranges) == 4 and any(plot.ranges):
        if plot.ranges[0] != plot.ranges[1]:
            cell.set_xlim(plot.ranges[0], plot.ranges[1])
        if plot.ranges[2] != plot.ranges[3]:
            cell.set_ylim(plot.ranges[2], plot.ranges[3])


def _draw(axes: Any, points: dict[str, np.ndarray], layer: Layer) -> None:
    """Points of each colour; flagged ones in their own symbol."""
    options, keys = layer.options, np.unique(layer.points["color"])
    few = 3.0 if len(points["x"]) < 500 else 1.0  # few points would be hard to see
    for k, key in enumerate(keys):
        chosen = (points["color"] == key) & ~points["flagged"]
        label = f"{AXES[options.color]} {layer.labels.name(options.color, float(key))}" if options.color else AXES[options.y]
        color = _COLORS[k % len(_COLORS)] if options.color or not layer.symbol.color else layer.symbol.color
        if layer.line:
            _join(axes, {n: v[points["color"] == key] for n, v in points.items()}, layer, color)
        axes.plot(points["x"][chosen], points["y"][chosen], label=label, rasterized=True, **layer.symbol.drawn(color, few))
    if layer.flagged_symbol is not None and points["flagged"].any():
        f = points["flagged"]
        axes.plot(points["x"][f], points["y"][f], label="flagged", rasterized=True, **layer.flagged_symbol.drawn("#ff0000", few))


def _join(axes: Any, points: dict[str, np.ndarray], layer: Layer, color: str) -> None:
    """Lines, or steps, through the points of each series; they end at flagged points."""
    along = points["order"] if layer.options.connect == "time" else points["x"]
    order = np.lexsort((along, points["series"]))
    x, series = points["x"][order], points["series"][order]
    y = np.where(points["flagged"], np.nan, points["y"])[order]
    ends = np.flatnonzero(np.diff(series)) + 1
    x, y = np.insert(x, ends, np.nan), np.insert(y, ends, np.nan)
    style = "steps-mid" if layer.line == "step" else "default"
    axes.plot(x, y, "-", color=color, linewidth=0.7, alpha=0.7, drawstyle=style, rasterized=True)


class _ClockLocator(Locator):  # type: ignore[misc] # matplotlib has no types
    """A few ticks at round times of day [s]."""

    def __init__(self, few: int) -> None:
        self._few = few

    def __call__(self) -> list[float]:
        """Ticks of what is seen."""
        axis: Any = self.axis
        return self.tick_values(*axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Multiples of the shortest step that gives no more than a few."""
        days = 86400.0 * np.ceil((vmax - vmin) / self._few / 86400.0)
        step = next((s for s in _CLOCK_STEPS if (vmax - vmin) / s <= self._few), days)
        found = [float(at) for at in np.arange(np.ceil(vmin / step), np.floor(vmax / step) + 1) * step]
        return found or [0.5 * (vmin + vmax)]


class _ClockFormatter(Formatter):  # type: ignore[misc] # matplotlib has no types
    """Times of day, without seconds where all ticks are at whole minutes."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The time of a tick; its date where all are at midnight."""
        axis: Any = self.axis
        ticks = [round(float(at), 1) for at in axis.get_majorticklocs()]
        if len(ticks) > 1 and all(at % 86400 == 0 for at in ticks):
            return format_epoch(float(x), "date")
        text = format_epoch(float(x), "time", 0 if all(at == round(at) for at in ticks) else 1)
        return text[:-3] if all(at % 60 == 0 for at in ticks) else text


# Axes of whole numbers.
_COUNTED = frozenset({"array", "channel", "observation", "scan", "spw"})


def _number_axis(axis: Any, name: str, labels: AxisLabels, values: np.ndarray, few: int) -> None:
    """Clock times, `few` of them, and names where there are few."""
    if name == "time":
        axis.set_major_formatter(_ClockFormatter())
        axis.set_major_locator(_ClockLocator(few))
        if len(values) and np.ptp(values) == 0:  # one time: not the years that matplotlib would show around it
            limits = (float(values[0]) - _ONE_TIME_S, float(values[0]) + _ONE_TIME_S)
            (axis.axes.set_xlim if axis.axis_name == "x" else axis.axes.set_ylim)(*limits)
    elif labels.named(name):
        found = np.unique(values)
        if len(found) <= _MOST_KEYS:
            axis.set_major_locator(FixedLocator(found.tolist()))
            axis.set_major_formatter(FuncFormatter(lambda v, _: labels.name(name, v)))
            if axis.axis_name == "x" and max(len(labels.name(name, float(v))) for v in found) > _LONG:
                axis.set_tick_params(labelrotation=15.0)
    elif name in _COUNTED:
        axis.set_major_locator(MaxNLocator("auto", integer=True))
    if isinstance(axis.get_major_formatter(), ScalarFormatter):
        axis.get_major_formatter().set_useOffset(False)


def _share(plot: Plot, cells: Any, start: int, count: int, columns: int) -> None:
    """One range for the panels of an iteration, and numbers at the outer ones only, as asked."""
    at = [divmod(start + k, columns) for k in range(count)]
    panels = [cells[a] for a in at]
    for same, get, put in ((plot.same_x, "get_xlim", "set_xlim"), (plot.same_y, "get_ylim", "set_ylim")):
        if same:
            limits = np.array([getattr(p, get)() for p in panels])
            for panel in panels:
                getattr(panel, put)(limits[:, 0].min(), limits[:, 1].max())
    for place, panel in zip(at, panels, strict=True):
        if plot.inner_x and (place[0] + 1, place[1]) in at:
            panel.tick_params(labelbottom=False)
            panel.set_xlabel("")
        if plot.inner_y and (place[0], place[1] - 1) in at:
            panel.tick_params(labelleft=False)
            panel.set_ylabel("")


def _add_legend(figure: Any, cells: list[Any], place: str) -> None:
    """A legend of all that stands in a panel, also at its axis on the right, above which it lies."""
    cell = cells[-1]
    drawn = [c.get_legend_handles_labels() for c in cells]
    handles, names = [h for both in drawn for h in both[0]], [n for both in drawn for n in both[1]]
    if not 0 < len(handles) <= _MOST_KEYS:
        return
    where = LEGENDS[place.lower()]
    owner = figure if where.startswith("outside") else cell
    largest = max((getattr(h, "get_markersize", lambda: 6.0)() for h in handles), default=6.0)
    owner.legend(handles, names, fontsize=7, markerscale=6.0 / max(largest, 1.0), frameon=True, framealpha=0.9, loc=where)


def _draw_air(cell: Any, plot: Plot, shown: np.ndarray) -> None:
    """The atmosphere along the frequencies or channels of a panel, on an axis of its own at the right; dashed in the image sideband."""
    assert plot.air is not None
    points = plot.layers[0].points
    right = cell.twinx()
    ghz, channel, window = (points[f"listed {n}"][shown] for n in ("frequency", "channel", "spw"))
    for spw in np.unique(window):
        mine = window == spw
        x, at = np.unique(channel[mine] if plot.layers[0].options.x == "channel" else ghz[mine], return_index=True)
        fine = np.linspace(0.0, len(x) - 1.0, max(len(x), _AIR_PLACES)) if len(x) > 1 else np.zeros(1)
        x, hz = (np.interp(fine, np.arange(len(x)), v) for v in (x, ghz[mine][at] * 1e9))
        mark = "" if len(x) > 1 else "."
        right.plot(x, plot.air.curve(hz, plot.air_quantity), color="#8a5fbf", linewidth=1.0, marker=mark, zorder=0.5)
        if int(spw) in plot.oscillators_hz:
            image = plot.air.curve(2.0 * plot.oscillators_hz[int(spw)] - hz, plot.air_quantity)
            right.plot(x, image, color="#444444", linewidth=1.0, linestyle="--", marker=mark, zorder=0.5)
    right.set_ylabel({"atm": "Transmission [%]", "tsky": "Sky temperature [K]"}[plot.air_quantity], fontsize=8)
    right.tick_params(labelsize=7)
    right.ticklabel_format(useOffset=False)


def find_air(path: str, selection: Selection) -> Atmosphere:
    """The atmosphere over a MeasurementSet's selected data, or over a calibration table's."""
    from casatools.plotting.bandpass_sky import find_atmosphere, find_vis, observed_atmosphere

    if table_kind(path) != "Calibration":
        return observed_atmosphere(path, selection)
    table = CalTable.open(path)
    return find_atmosphere(find_vis(path, table, ""), table, "auto")
