"""Reading a MeasurementSet item by item (amplitude, uvdist, ifr_number, …) in CASA's array order.

Arrays have the fastest axis first: ``(corr, chan, row)``, or ``(corr, chan, ifr, time)`` on an interferometer axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools.io.ms import MeasurementSet
from casatools.io.ms.metadata import correlation_names

__all__ = ["AXIS_ITEMS", "DATA_ITEMS", "DataView", "interferometer_axis", "read_item"]

_SCALARS = {
    "antenna1": "ANTENNA1", "antenna2": "ANTENNA2", "array_id": "ARRAY_ID", "data_desc_id": "DATA_DESC_ID", "feed1": "FEED1",
    "feed2": "FEED2", "field_id": "FIELD_ID", "scan_number": "SCAN_NUMBER", "flag_row": "FLAG_ROW", "time": "TIME",
}  # fmt: skip
_COLUMNS = {
    "": "DATA",
    "corrected": "CORRECTED_DATA",
    "model": "MODEL_DATA",
    "residual": "",
    "obs_residual": "",
    "float": "FLOAT_DATA",
}
_PARTS = ("amplitude", "phase", "real", "imaginary", "data")
DATA_ITEMS: dict[str, tuple[str, str]] = {
    (f"{prefix}_{part}" if prefix else part): (prefix, part)
    for prefix in _COLUMNS
    for part in _PARTS
    if prefix != "float" or part == "data"
}
AXIS_ITEMS = ("axis_info",)
_STOKES = ("I", "Q", "U", "V")


@dataclass(frozen=True)
class DataView:
    """Which rows, channels and correlations of one data description to read.

    Attributes
    ----------
    rows : ndarray (row,) int64
    channels : ndarray (chan, width) int64 or None
        Input channels averaged into each output channel; None reads all as they are.
    polarizations : tuple of str
        Correlations or Stokes parameters wanted; none is all correlations.
    """

    rows: np.ndarray
    channels: np.ndarray | None = None
    polarizations: tuple[str, ...] = ()


def _correlations(ms: MeasurementSet, view: DataView) -> list[str]:
    ddid = int(ms.read("DATA_DESC_ID", view.rows[:1])[0])
    return correlation_names(ms.metadata.polarizations[ms.metadata.data_descriptions[ddid].pol].corr_type)


def polarization_matrix(names: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """Matrix (wanted, corr) that turns correlations into the correlations or Stokes parameters wanted.

    Raises
    ------
    ParameterError
        One cannot be made from the correlations there are.

    References
    ----------
    Hamaker & Bregman (1996), A&AS 117, 161: Stokes parameters of circular and linear feeds.
    """
    circular: dict[str, dict[str, complex]] = {
        "I": {"RR": 0.5, "LL": 0.5},
        "V": {"RR": 0.5, "LL": -0.5},
        "Q": {"RL": 0.5, "LR": 0.5},
        "U": {"RL": -0.5j, "LR": 0.5j},
    }
    linear: dict[str, dict[str, complex]] = {
        "I": {"XX": 0.5, "YY": 0.5},
        "Q": {"XX": 0.5, "YY": -0.5},
        "U": {"XY": 0.5, "YX": 0.5},
        "V": {"XY": -0.5j, "YX": 0.5j},
    }
    out = np.zeros((len(wanted), len(names)), dtype=complex)
    for k, name in enumerate(wanted):
        if name in names:
            out[k, names.index(name)] = 1.0
            continue
        table = (circular if any(n in ("RR", "LL") for n in names) else linear).get(name, {})
        if not table or any(n not in names for n in table):
            raise ParameterError(f"the polarization {name!r} cannot be made from {', '.join(names)}")
        for n, factor in table.items():
            out[k, names.index(n)] = factor
    return out


def _channel_mean(values: np.ndarray, flags: np.ndarray, channels: np.ndarray) -> np.ndarray:
    """Mean over the unflagged channels of each group; the plain mean where all are flagged. (row, chan, corr)."""
    picked, bad = values[:, channels], flags[:, channels]
    weight = (~bad).astype(np.float64)
    weight = np.where(weight.sum(axis=2, keepdims=True) == 0, 1.0, weight)
    return (picked * weight).sum(axis=2) / weight.sum(axis=2)


def _visibilities(ms: MeasurementSet, view: DataView, column: str) -> np.ndarray:
    values = ms.read(column, view.rows)
    if view.channels is not None:
        if view.channels.shape[1] == 1:
            values = values[:, view.channels[:, 0]]
        else:
            values = _channel_mean(values, ms.read("FLAG", view.rows), view.channels)
    if view.polarizations:
        matrix = polarization_matrix(_correlations(ms, view), view.polarizations)
        values = values @ (matrix.T if np.iscomplexobj(values) else matrix.real.T)
    return values


def _flags(ms: MeasurementSet, view: DataView) -> np.ndarray:
    flags = ms.read("FLAG", view.rows)
    if view.channels is not None:
        flags = np.asarray(flags[:, view.channels].all(axis=2))
    if view.polarizations:
        used = np.abs(polarization_matrix(_correlations(ms, view), view.polarizations)) > 0
        flags = np.stack([flags[..., u].any(axis=-1) for u in used], axis=-1)
    return flags


def _per_correlation(ms: MeasurementSet, view: DataView, column: str) -> np.ndarray:
    values = ms.read(column, view.rows)
    if view.polarizations:
        used = np.abs(polarization_matrix(_correlations(ms, view), view.polarizations)) > 0
        values = np.stack([values[..., u].mean(axis=-1) for u in used], axis=-1)
    return values


def part_of(values: np.ndarray, part: str) -> np.ndarray:
    """A part of complex values as float64, or the values as complex128."""
    if part == "data" or not np.iscomplexobj(values):
        return values.astype(np.complex128 if np.iscomplexobj(values) else np.float64)
    functions: dict[str, Any] = {"amplitude": np.abs, "phase": np.angle, "real": np.real, "imaginary": np.imag}
    return np.asarray(functions[part](values), dtype=np.float64)


def complex_item(ms: MeasurementSet, view: DataView, item: str) -> np.ndarray | None:
    """(row, chan, corr) values of an item; None when its column is missing."""
    prefix, part = DATA_ITEMS[item]
    wanted = {"residual": ("CORRECTED_DATA", "MODEL_DATA"), "obs_residual": ("DATA", "MODEL_DATA")}.get(
        prefix, (_COLUMNS[prefix],)
    )
    if not all(ms.has(c) for c in wanted):
        return None
    values = _visibilities(ms, view, wanted[0])
    if len(wanted) == 2:
        values = values - _visibilities(ms, view, wanted[1])
    return part_of(values, part)


def read_item(ms: MeasurementSet, view: DataView, item: str) -> Any:
    """One item of the view, rows first; None for an unknown item."""
    if item in _SCALARS:
        values = ms.read(_SCALARS[item], view.rows)
        return values if values.dtype.kind in "bf" else values.astype(np.int64)
    if item in DATA_ITEMS:
        found = complex_item(ms, view, item)
        return (
            np.zeros(0, dtype=np.complex128 if DATA_ITEMS[item][1] == "data" and item != "float_data" else np.float64)
            if found is None
            else found
        )
    if item == "flag":
        return _flags(ms, view)
    if item == "flag_sum":
        return _flags(ms, view).sum(axis=0).astype(np.int64)
    if item in ("weight", "sigma"):
        return _per_correlation(ms, view, item.upper()).astype(np.float64)
    if item in ("weight_spectrum", "sigma_spectrum"):
        return _visibilities(ms, view, item.upper()).astype(np.float64) if ms.has(item.upper()) else None
    if item in ("uvw", "u", "v", "w", "uvdist"):
        uvw = ms.read("UVW", view.rows)
        return uvw if item == "uvw" else np.hypot(uvw[:, 0], uvw[:, 1]) if item == "uvdist" else uvw[:, "uvw".index(item)].copy()
    if item == "ifr_number":
        one, two = (ms.read(c, view.rows).astype(np.int64) for c in ("ANTENNA1", "ANTENNA2"))
        return np.unique(one * 1000 + two)
    return None


def axis_info(ms: MeasurementSet, view: DataView) -> dict[str, Any]:
    """Names and values of the correlation and frequency axes."""
    if not len(view.rows):
        raise DataError("no rows are selected, so the axes are not known")
    ddid = int(ms.read("DATA_DESC_ID", view.rows[:1])[0])
    window = ms.metadata.spectral_windows[ms.metadata.data_descriptions[ddid].spw]
    frequency, resolution = window.chan_freq_hz, window.resolution_hz
    if view.channels is not None:
        frequency, resolution = frequency[view.channels].mean(axis=1), resolution[view.channels].sum(axis=1)
    names = list(view.polarizations) or _correlations(ms, view)
    return {
        "corr_axis": np.array(names),
        "freq_axis": {"chan_freq": frequency[:, None].copy(), "resolution": resolution[:, None].copy()},
    }


@dataclass(frozen=True)
class InterferometerAxis:
    """Where each row goes on a grid of interferometers and times."""

    numbers: np.ndarray
    times_s: np.ndarray
    ifr: np.ndarray
    time: np.ndarray

    def spread(self, values: np.ndarray, fill: Any) -> np.ndarray:
        """Put (row, ...) values onto (..., ifr, time), rows last; what is missing becomes `fill`."""
        out = np.full((len(self.times_s), len(self.numbers), *values.shape[1:]), fill, dtype=values.dtype)
        out[self.time, self.ifr] = values
        return out.T


def interferometer_axis(ms: MeasurementSet, view: DataView) -> InterferometerAxis:
    """The grid of the rows of a view."""
    one, two = (ms.read(c, view.rows).astype(np.int64) for c in ("ANTENNA1", "ANTENNA2"))
    numbers, ifr = np.unique(one * 1000 + two, return_inverse=True)
    times, time = np.unique(ms.read("TIME", view.rows), return_inverse=True)
    return InterferometerAxis(numbers, times, np.ravel(ifr), np.ravel(time))


def interferometer_info(ms: MeasurementSet, view: DataView, grid: InterferometerAxis) -> dict[str, Any]:
    """The ``ifr_axis`` and ``time_axis`` records."""
    antennas = ms.metadata.antennas
    pairs = [(int(n) // 1000, int(n) % 1000) for n in grid.numbers]
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


def average_rows(ms: MeasurementSet, view: DataView, item: str) -> np.ndarray | None:
    """Mean over the unflagged rows of visibilities, and the part asked of it; (chan, corr)."""
    prefix, part = DATA_ITEMS[item]
    base = complex_item(ms, view, f"{prefix}_data" if prefix else "data")
    if base is None:
        return None
    good = ~_flags(ms, view)
    count = good.sum(axis=0)
    mean = np.where(good, base, 0).sum(axis=0) / np.maximum(count, 1)
    return part_of(mean, part)
