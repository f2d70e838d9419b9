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

__all__ = [
    "DATA_ITEMS",
    "DataView",
    "InterferometerAxis",
    "complex_item",
    "interferometer_axis",
    "item_flags",
    "part_of",
    "read_item",
    "view_correlations",
]

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
    "ratio": "",
    "float": "FLOAT_DATA",
}
_PAIRS: dict[str, tuple[str, ...]] = {
    "residual": ("CORRECTED_DATA", "MODEL_DATA"),
    "obs_residual": ("DATA", "MODEL_DATA"),
    "ratio": ("CORRECTED_DATA", "MODEL_DATA"),
}
_PARTS = ("amplitude", "phase", "real", "imaginary", "data")
DATA_ITEMS: dict[str, tuple[str, str]] = {
    (f"{prefix}_{part}" if prefix else part): (prefix, part)
    for prefix in _COLUMNS
    for part in _PARTS
    if prefix != "float" or part == "data"
}
_STOKES_OF: dict[str, dict[str, dict[str, complex]]] = {
    "circular": {
        "I": {"RR": 0.5, "LL": 0.5},
        "V": {"RR": 0.5, "LL": -0.5},
        "Q": {"RL": 0.5, "LR": 0.5},
        "U": {"RL": -0.5j, "LR": 0.5j},
    },
    "linear": {
        "I": {"XX": 0.5, "YY": 0.5},
        "Q": {"XX": 0.5, "YY": -0.5},
        "U": {"XY": 0.5, "YX": 0.5},
        "V": {"XY": -0.5j, "YX": 0.5j},
    },
}
_MADE_OF_STOKES: dict[str, dict[str, dict[str, complex]]] = {
    "circular": {"RR": {"I": 1, "V": 1}, "LL": {"I": 1, "V": -1}, "RL": {"Q": 1, "U": 1j}, "LR": {"Q": 1, "U": -1j}},
    "linear": {"XX": {"I": 1, "Q": 1}, "YY": {"I": 1, "Q": -1}, "XY": {"U": 1, "V": 1j}, "YX": {"U": 1, "V": -1j}},
}


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


def view_correlations(ms: MeasurementSet, view: DataView) -> list[str]:
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
    is_circular = any(n in ("RR", "LL") for n in names)
    stokes = _STOKES_OF["circular" if is_circular else "linear"]
    made = _MADE_OF_STOKES["linear" if is_circular else "circular"]
    out = np.zeros((len(wanted), len(names)), dtype=complex)
    for k, name in enumerate(wanted):
        if name in names:
            out[k, names.index(name)] = 1.0
            continue
        # A correlation of the other kind of feed goes by way of the Stokes parameters.
        table: dict[str, complex] = {}
        for parameter, factor in made.get(name, {name: 1.0} if name in stokes else {}).items():
            for n, f in stokes[parameter].items():
                table[n] = table.get(n, 0.0) + factor * f
        table = {n: f for n, f in table.items() if f}
        if not table or any(n not in names for n in table):
            raise ParameterError(f"the polarization {name!r} cannot be made from {', '.join(names)}")
        for n, f in table.items():
            out[k, names.index(n)] = f
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
        matrix = polarization_matrix(view_correlations(ms, view), view.polarizations)
        values = values @ (matrix.T if np.iscomplexobj(values) else matrix.real.T)
    return values


def item_flags(ms: MeasurementSet, view: DataView) -> np.ndarray:
    flags = ms.read("FLAG", view.rows)
    if view.channels is not None:
        flags = np.asarray(flags[:, view.channels].all(axis=2))
    if view.polarizations:
        used = np.abs(polarization_matrix(view_correlations(ms, view), view.polarizations)) > 0
        flags = np.stack([flags[..., u].any(axis=-1) for u in used], axis=-1)
    return flags


def _averaged_number(ms: MeasurementSet, view: DataView, power: float) -> np.ndarray | None:
    """Unflagged channels that go into an output channel, to a power, in the mean over those that have any: (row, corr).

    None where channels are not averaged; where all are flagged it is the whole width.
    """
    if view.channels is None or view.channels.shape[1] == 1:
        return None
    number = (~ms.read("FLAG", view.rows)[:, view.channels]).sum(axis=2).astype(np.float64)
    some = number > 0
    total = np.where(some, np.maximum(number, 1.0) ** power, 0.0).sum(axis=1)
    return np.asarray(np.where(some.any(axis=1), total / np.maximum(some.sum(axis=1), 1), view.channels.shape[1] ** power))


def _per_correlation(ms: MeasurementSet, view: DataView, column: str) -> np.ndarray:
    """WEIGHT or SIGMA, of the averages where channels are averaged: n samples together have n times the weight of one."""
    values = ms.read(column, view.rows)
    number = _averaged_number(ms, view, 1.0 if column == "WEIGHT" else -0.5)
    values = values if number is None else values * number
    if view.polarizations:
        used = np.abs(polarization_matrix(view_correlations(ms, view), view.polarizations)) > 0
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
    wanted = _PAIRS.get(prefix, (_COLUMNS[prefix],))
    if not all(ms.has(c) for c in wanted):
        return None
    values = _visibilities(ms, view, wanted[0])
    if prefix == "ratio":
        with np.errstate(divide="ignore", invalid="ignore"):
            values = values / _visibilities(ms, view, wanted[1])
    elif len(wanted) == 2:
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
        return item_flags(ms, view)
    if item == "flag_sum":
        return item_flags(ms, view).sum(axis=0).astype(np.int64)
    if item in ("weight", "sigma"):
        return _per_correlation(ms, view, item.upper()).astype(np.float64)
    if item in ("weight_spectrum", "sigma_spectrum"):
        return _visibilities(ms, view, item.upper()).astype(np.float64) if ms.has(item.upper()) else None
    if item in ("uvw", "u", "v", "w", "uvdist"):
        uvw = ms.read("UVW", view.rows)
        return uvw if item == "uvw" else np.hypot(uvw[:, 0], uvw[:, 1]) if item == "uvdist" else uvw[:, "uvw".index(item)].copy()
    if item == "ifr_number":
        one, two = (ms.read(c, view.rows).astype(np.int64) for c in ("ANTENNA1", "ANTENNA2"))
        return one * 1000 + two
    return None


@dataclass(frozen=True)
class InterferometerAxis:
    """Where each row goes on a grid of interferometers and times."""

    numbers: np.ndarray
    times_s: np.ndarray
    ifr: np.ndarray
    time: np.ndarray

    def spread(self, values: np.ndarray, fill: Any) -> np.ndarray:
        """Put (row, ...) values onto (..., ifr, time); what is missing becomes `fill`."""
        out = np.full((len(self.times_s), len(self.numbers), *values.shape[1:]), fill, dtype=values.dtype)
        out[self.time, self.ifr] = values
        return out.T


def interferometer_axis(ms: MeasurementSet, view: DataView, gap: int = 0) -> InterferometerAxis:
    """The grid of the rows of a view; `gap` places with the number -1 stand between first antennas.

    Raises
    ------
    DataError
        Two rows have the same interferometer and time, so that one would hide the other.
    """
    one, two = (ms.read(c, view.rows).astype(np.int64) for c in ("ANTENNA1", "ANTENNA2"))
    numbers, ifr = np.unique(one * 1000 + two, return_inverse=True)
    times, time = np.unique(ms.read("TIME", view.rows), return_inverse=True)
    if len(np.unique(np.ravel(ifr) * len(times) + np.ravel(time))) < len(view.rows):
        raise DataError(
            f"'ifraxis' has one place for each interferometer and time, and several of the {len(view.rows)} selected rows share one; "
            "select one data description with selectinit(datadescid=...), or fewer rows with msselect"
        )
    place = np.arange(len(numbers))
    if gap and len(numbers):
        place += gap * np.concatenate([[0], np.cumsum(np.diff(numbers // 1000) > 0)])
        spaced = np.full(place[-1] + 1, -1, dtype=np.int64)
        spaced[place] = numbers
        numbers = spaced
    return InterferometerAxis(numbers, times, place[np.ravel(ifr)], np.ravel(time))
