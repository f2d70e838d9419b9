"""The points of plots as text: what plotms writes into a file of the format txt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from casatools._base.paths import staged_output
from casatools.plotting.plot_axes import LISTED_AXES
from casatools.plotting.visibility_figure import Layer, Plot

__all__ = ["write_listing"]

_HEAD = "x y chan scan field ant1 ant2 ant1name ant2name time freq spw corr obs"
# Digits of times and frequencies, of which nothing may be lost.
_DIGITS = {"time": ".3f", "frequency": ".9f"}


def write_listing(path: str, plots: Mapping[int, Plot], verbose: bool, overwrite: bool) -> None:
    """Write the points of plots, a line each: x and y, and if `verbose` what they belong to (* where that was averaged).

    Parameters
    ----------
    path : str
    plots : mapping
        Plots by their numbers; points are those of all their pages.
    verbose : bool
    overwrite : bool

    Raises
    ------
    OutputExistsError
        There is such a file.
    """
    with staged_output(path, overwrite=overwrite) as temporary, open(temporary, "w", encoding="utf-8") as file:
        for number, plot in sorted(plots.items()):
            for layer in plot.layers:
                file.writelines(f"{line}\n" for line in _lines(number, layer, verbose))


def _lines(number: int, layer: Layer, verbose: bool) -> Iterator[str]:
    options, points = layer.options, layer.points
    verbose = verbose and f"listed {LISTED_AXES[0]}" in points
    yield f"# vis: {layer.labels.data_name}"
    yield f"# channel average: {options.channels if options.channels > 1 else 'None'}"
    yield f"# time average: {options.time_s if options.time_s > 0 else 'None'}"
    yield f"# From plot {number}"
    yield f"# {_HEAD if verbose else 'x y'}"
    units = " None None None None None None None MJD(seconds) GHz None None None" if verbose else ""
    yield f"# {options.x.capitalize()} {options.y.capitalize()}{units}"
    shown = ~points["flagged"] if layer.flagged_symbol is None else np.ones(len(points["x"]), bool)
    columns = [_numbers(options.x, points["x"][shown]), _numbers(options.y, points["y"][shown])]
    if verbose:
        columns += _belonging(layer, shown)
    yield from (" ".join(row) for row in zip(*columns, strict=True))


def _numbers(axis: str, values: np.ndarray) -> list[str]:
    return [format(v, _DIGITS.get(axis, ".7g")) for v in values.tolist()]


def _belonging(layer: Layer, shown: np.ndarray) -> Iterator[list[str]]:
    """The columns after x and y."""
    o = layer.options
    averaged = {
        "scan": o.over_scan, "field": o.over_field, "antenna1": o.over_baseline,
        "antenna2": o.over_baseline or o.over_antenna, "spw": o.over_spw,
    }  # fmt: skip
    names: list[list[str]] = []
    for axis in LISTED_AXES:
        values = layer.points[f"listed {axis}"][shown]
        many = averaged.get(axis, False)
        found = ["*"] * len(values) if many else _numbers(axis, values)
        if axis == "corr":
            found = [layer.labels.name("corr", v) for v in values.tolist()]
        if axis == "time":  # after the antennas
            yield from names
        yield found
        if axis in ("antenna1", "antenna2"):
            names.append(["*"] * len(values) if many else [layer.labels.name(axis, v) for v in values.tolist()])
