"""Whole records of items, as ms.getdata gives them: on a row axis or an interferometer axis, averaged or not.

Arrays have the fastest axis first: ``(corr, chan, row)``, or ``(corr, chan, ifr, time)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools.information.item_access import (
    DATA_ITEMS,
    DataView,
    InterferometerAxis,
    complex_item,
    interferometer_axis,
    item_flags,
    part_of,
    read_item,
    view_correlations,
)
from casatools.io.ms import MeasurementSet

__all__ = ["get_items"]

# What is constant over the interferometers of a time has a time axis alone.
_OF_TIME = ("array_id", "data_desc_id", "feed1", "feed2", "field_id", "scan_number")
_OF_IFR = ("antenna1", "antenna2")


def get_items(
    ms: MeasurementSet, view: DataView, names: list[str], gap: int | None, average: bool, each_row: bool = False
) -> dict[str, Any]:
    """Items of a view.

    Parameters
    ----------
    ms : MeasurementSet
    view : DataView
    names : list of str
        Items in lower case; unknown ones are left out.
    gap : int or None
        None gives a row axis; a number an interferometer and a time axis, with so many places between first antennas.
    average : bool
        Average visibilities over the unflagged rows, or times.
    each_row : bool
        ``ifr_number`` has one for each row, as in the steps of an iteration, and not each once.

    Returns
    -------
    dict
        Arrays; visibilities of a column that is not there have no elements.
    """
    grid = None if gap is None else interferometer_axis(ms, view, gap)
    averaged = average and any(n in DATA_ITEMS for n in names)
    out: dict[str, Any] = {}
    found = False
    for name in names:
        if name == "axis_info":
            out[name] = axis_info(ms, view) | (interferometer_info(ms, view, grid) if grid is not None else {})
            continue
        if average and name in DATA_ITEMS:
            mean = _average(ms, view, name, grid)
            found = found or mean is not None
            out[name] = np.zeros(0, dtype=_kind_of(name)) if mean is None else mean
            continue
        if name == "flag_sum" and grid is not None:
            out[name] = grid.spread(item_flags(ms, view), False).sum(axis=-1).astype(np.int64)
            continue
        values = read_item(ms, view, name)
        if values is None or (average and name == "data_desc_id"):
            continue
        if name == "ifr_number" and not each_row:
            values = np.unique(values)
        if average and name in ("time", "ifr_number", *_OF_TIME, *_OF_IFR):
            out[name] = _one_value(values, name)
        elif averaged and name == "flag":
            out[name] = _spread(values, grid, True).all(axis=-1) if grid is not None else values.all(axis=0, keepdims=True).T
        elif average and name == "sigma":
            out[name] = _error_of_mean(values, np.asarray(~item_flags(ms, view).all(axis=1)), grid)
        else:
            out[name] = _on_axes(values, name, view, grid)
    if found and "weight" not in names:
        out["avgweight"] = _on_axes(read_item(ms, view, "weight"), "weight", view, grid)
    return out


def _kind_of(name: str) -> type:
    return np.complex128 if DATA_ITEMS[name][1] == "data" and name != "float_data" else np.float64


def _one_value(values: np.ndarray, name: str) -> np.ndarray:
    """The mean time, or the ID that all rows share, or -1."""
    if name == "time":
        return np.array([values.mean()])
    same = np.unique(values)
    return same if len(same) == 1 else np.array([-1])


def _spread(values: np.ndarray, grid: InterferometerAxis, fill: Any) -> np.ndarray:
    return grid.spread(values, fill)


def _error_of_mean(sigma: np.ndarray, used: np.ndarray, grid: InterferometerAxis | None) -> np.ndarray:
    """Sigma of the mean over rows, or times, of what `used` says has data: (corr,) or (corr, ifr); 0 where nothing has."""
    variance, number = np.where(used, sigma.astype(np.float64) ** 2, 0.0), used.astype(np.float64)
    if grid is None:
        return np.asarray(np.sqrt(variance.sum(axis=0)) / np.maximum(number.sum(axis=0), 1))
    total, count = (_spread(a, grid, 0.0).sum(axis=-1) for a in (variance, number))
    return np.asarray(np.sqrt(total) / np.maximum(count, 1))


def _on_axes(values: np.ndarray, name: str, view: DataView, grid: InterferometerAxis | None) -> np.ndarray:
    """Values of rows with the fastest axis first, spread over interferometers and times where there is a grid."""
    if grid is None or not values.size:
        return values.T
    if name == "ifr_number":
        return grid.numbers
    if name == "time":
        return grid.times_s
    if name in _OF_TIME:
        out = np.zeros(len(grid.times_s), dtype=values.dtype)
        out[grid.time] = values
        return out
    if name in _OF_IFR:
        out = np.zeros(len(grid.numbers), dtype=values.dtype)
        out[grid.ifr] = values
        return out
    flagged_where_missing = name in ("flag", "flag_row")
    if not flagged_where_missing:
        return grid.spread(values, 0)
    out = grid.spread(values, True)
    out[..., grid.numbers < 0, :] = False  # the gaps between first antennas are places without data
    return out


def _average(ms: MeasurementSet, view: DataView, item: str, grid: InterferometerAxis | None) -> np.ndarray | None:
    """Mean over the unflagged rows of visibilities, and the part asked of it: (corr, chan), or (corr, chan, ifr)."""
    prefix, part = DATA_ITEMS[item]
    base = complex_item(ms, view, f"{prefix}_data" if prefix else "data")
    if base is None:
        return None
    good = ~item_flags(ms, view)
    values = np.where(good, base, 0)
    if grid is None:
        mean = values.sum(axis=0) / np.maximum(good.sum(axis=0), 1)
        return part_of(mean, part).T
    count = grid.spread(good, False).sum(axis=-1)
    return part_of(grid.spread(values, 0).sum(axis=-1) / np.maximum(count, 1), part)


def axis_info(ms: MeasurementSet, view: DataView) -> dict[str, Any]:
    """Names and values of the correlation and frequency axes."""
    if not len(view.rows):
        raise DataError("no rows are selected, so the axes are not known")
    ddid = int(ms.read("DATA_DESC_ID", view.rows[:1])[0])
    window = ms.metadata.spectral_windows[ms.metadata.data_descriptions[ddid].spw]
    frequency, resolution = window.chan_freq_hz, window.resolution_hz
    if view.channels is not None:
        frequency, resolution = frequency[view.channels].mean(axis=1), resolution[view.channels].sum(axis=1)
    names = list(view.polarizations) or view_correlations(ms, view)
    return {
        "corr_axis": np.array(names),
        "freq_axis": {"chan_freq": frequency[:, None].copy(), "resolution": resolution[:, None].copy()},
    }


def interferometer_info(ms: MeasurementSet, view: DataView, grid: InterferometerAxis) -> dict[str, Any]:
    """The ``ifr_axis`` and ``time_axis`` records."""
    antennas = ms.metadata.antennas
    pairs = [(int(n) // 1000, int(n) % 1000) if n >= 0 else (0, 0) for n in grid.numbers]
    shared = len(_common_prefix([a.name for a in antennas]))
    lengths = [float(np.linalg.norm(antennas[a].position_m - antennas[b].position_m)) for a, b in pairs]
    return {
        "ifr_axis": {
            "ifr_number": grid.numbers, "baseline": np.array(lengths),
            "ifr_name": np.array([f"{antennas[a].name}-{antennas[b].name}" for a, b in pairs]),
            "ifr_shortname": np.array([f"{antennas[a].name[-2:]}-{antennas[b].name[-2:]}" for a, b in pairs]) if shared else
            np.array([f"{antennas[a].name}-{antennas[b].name}" for a, b in pairs]),
        },
        "time_axis": {"MJDseconds": grid.times_s},
    }  # fmt: skip


def _common_prefix(names: list[str]) -> str:
    first, last = min(names, default=""), max(names, default="")
    return first[: next((i for i, (a, b) in enumerate(zip(first, last)) if a != b), len(first))]
