"""Points of visibility plots: axes, averaging and colours, streamed from a MeasurementSet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools.io.ms import MeasurementSet, Selection, iter_chunks

if TYPE_CHECKING:
    from casatools.calibration.virtual_models import VirtualColumn

__all__ = ["AXES", "PlotOptions", "collect_points", "normalised"]

_LIGHT_M_S = 299792458.0
AXES: dict[str, str] = {
    "amp": "Amplitude", "phase": "Phase [deg]", "real": "Real", "imag": "Imaginary", "wt": "Weight", "uvdist": "UV distance [m]",
    "uvwave": "UV distance [wavelengths]", "u": "u [m]", "v": "v [m]", "w": "w [m]", "time": "Time", "channel": "Channel",
    "frequency": "Frequency [GHz]", "velocity": "Velocity [km/s]", "antenna1": "Antenna 1", "antenna2": "Antenna 2", "baseline": "Baseline",
    "scan": "Scan", "field": "Field", "spw": "Spectral window", "corr": "Correlation", "row": "Row", "interval": "Interval [s]",
    "observation": "Observation", "snr": "Signal to noise", "delay": "Delay [ns]", "tsys": "System temperature [K]", "opac": "Opacity",
    "swpow": "Switched power", "tec": "Electron column [TECU]",
}  # fmt: skip
# What only calibration tables have.
_OF_TABLES = ("snr", "delay", "tsys", "opac", "swpow", "tec")
ALIASES = {
    "amplitude": "amp",
    "freq": "frequency",
    "chan": "channel",
    "imaginary": "imag",
    "antenna": "antenna1",
    "weight": "wt",
    "correlation": "corr",
    "gainamp": "amp",
    "gamp": "amp",
    "gainphase": "phase",
    "gphase": "phase",
    "gainreal": "real",
    "greal": "real",
    "gainimag": "imag",
    "gimag": "imag",
    "del": "delay",
    "opacity": "opac",
    "swpower": "swpow",
    "swp": "swpow",
    "ant1": "antenna1",
    "ant2": "antenna2",
    "poln": "corr",
}
COLUMNS = {"": "DATA", "data": "DATA", "corrected": "CORRECTED_DATA", "model": "MODEL_DATA", "float": "FLOAT_DATA"}


@dataclass(frozen=True)
class PlotOptions:
    """What to plot.

    Attributes
    ----------
    x, y : str
        Names out of `AXES`.
    x_column, y_column : str
        ``data``, ``corrected``, ``model``, ``residual`` (corrected less model).
    channels : int
        Channels averaged; 1 is none.
    time_s : float [s]
        Time averaged; 0 is none.
    over_scan, over_field, over_baseline : bool
        Average over these too.
    scalar : bool
        Average amplitudes and phases rather than complex values.
    rest_frequency_hz : float
        For velocities; 0 takes the middle of the window.
    """

    x: str = "time"
    y: str = "amp"
    x_column: str = "data"
    y_column: str = "data"
    channels: int = 1
    time_s: float = 0.0
    over_scan: bool = False
    over_field: bool = False
    over_baseline: bool = False
    scalar: bool = False
    rest_frequency_hz: float = 0.0
    color: str = ""
    iterate: str = ""


_PER_ROW = {
    "scan": "SCAN_NUMBER",
    "field": "FIELD_ID",
    "antenna1": "ANTENNA1",
    "antenna2": "ANTENNA2",
    "time": "TIME",
    "interval": "INTERVAL",
    "observation": "OBSERVATION_ID",
}


class _Averager:
    """Which rows come together, and the frequencies of channel bins."""

    def __init__(self, ms: MeasurementSet, rows: np.ndarray, options: PlotOptions) -> None:
        self.columns = {c: np.asarray(ms.read(c, rows)) for c in (*_PER_ROW.values(), "DATA_DESC_ID")}
        self.uvw = np.asarray(ms.read("UVW", rows))
        self.rows = rows
        o, n = options, len(rows)
        if not (o.time_s > 0 or o.over_baseline):
            self.group = np.arange(n)
            return
        c = self.columns
        start = c["TIME"].min() - 0.5 * c["INTERVAL"].min()
        slot = (
            np.floor((c["TIME"] - start) / o.time_s).astype(np.int64)
            if o.time_s > 0
            else np.unique(c["TIME"], return_inverse=True)[1].ravel()
        )
        keys = [slot, c["DATA_DESC_ID"]]
        if not o.over_scan:
            keys.append(c["SCAN_NUMBER"])
        if not o.over_field:
            keys.append(c["FIELD_ID"])
        if not o.over_baseline:
            keys += [c["ANTENNA1"], c["ANTENNA2"]]
        _, group = np.unique(np.stack(keys, axis=1), axis=0, return_inverse=True)
        self.group = group.ravel()


def _recipes(ms: MeasurementSet) -> VirtualColumn | None:
    """Models kept as recipes, which go before the column."""
    from casatools.calibration.virtual_models import VirtualColumn

    return VirtualColumn(ms) or None


def _column(name: str) -> list[str]:
    return ["CORRECTED_DATA", "MODEL_DATA"] if name == "residual" else [COLUMNS[name]]


def collect_points(path: str, selection: Selection, options: PlotOptions) -> dict[str, np.ndarray]:
    """Read the selection and make points of it; flagged ones are left out.

    Returns
    -------
    dict
        ``x``, ``y`` (npoint,) float64, and ``color``, ``panel`` (npoint,) float64 keys.

    Raises
    ------
    DataError
        A column is missing, or everything is flagged.
    """
    for name in (options.x, options.y, options.color, options.iterate):
        if name and (name not in AXES or name in _OF_TABLES):
            known = ", ".join(n for n in AXES if n not in _OF_TABLES)
            raise ParameterError(f"plotms: there is no axis {name!r}; there are {known}")
    out: dict[str, list[np.ndarray]] = {"x": [], "y": [], "color": [], "panel": []}
    with MeasurementSet(path) as ms:
        resolved = selection.resolve(ms)
        averager = _Averager(ms, resolved.rows, options)
        boundaries = None if np.array_equal(averager.group, np.arange(len(averager.group))) else averager.group
        needed = list(dict.fromkeys([*_column(options.y_column), *_column(options.x_column), "FLAG", "WEIGHT"]))
        recipes = _recipes(ms) if "MODEL_DATA" in needed else None
        if recipes is not None:
            stored = [n for n in needed if n != "MODEL_DATA" or ms.has("MODEL_DATA")]
            needed = list(dict.fromkeys([*stored, *recipes.columns]))
        for chunk in iter_chunks(ms, resolved, needed, boundaries=boundaries):
            if recipes is not None:
                recipes.add_model(chunk)
            points = _chunk_points(ms, chunk, averager, options)
            for name, values in points.items():
                out[name].append(values)
    joined = {k: np.concatenate(v) if v else np.zeros(0) for k, v in out.items()}
    if not len(joined["x"]):
        raise DataError(f"plotms: all data selected of {path!r} are flagged")
    return joined


def _chunk_points(ms: MeasurementSet, chunk: Any, averager: _Averager, o: PlotOptions) -> dict[str, np.ndarray]:
    groups, at = np.unique(averager.group[chunk.index], return_inverse=True)
    at = at.ravel()
    _nrow, nchan, ncorr = chunk.shape
    bins = np.arange(nchan) // max(1, o.channels)
    nbin = int(bins[-1]) + 1
    good = ~chunk["FLAG"]
    shape = (len(groups), nbin, ncorr)
    count = _sum(good.astype(np.float64), at, bins, shape)
    per_row = np.maximum(np.bincount(at, minlength=len(groups)), 1)
    values: dict[str, np.ndarray] = {}
    window = ms.metadata.spectral_windows[chunk.spw]
    of_bin = np.maximum(np.bincount(bins), 1)
    frequency = np.bincount(bins, weights=window.chan_freq_hz[chunk.channels]) / of_bin
    rest = o.rest_frequency_hz or float(window.chan_freq_hz[len(window.chan_freq_hz) // 2])

    def row_mean(v: np.ndarray) -> np.ndarray:
        return np.broadcast_to((np.bincount(at, weights=v, minlength=len(groups)) / per_row)[:, None, None], shape)

    def axis(name: str, column: str) -> np.ndarray:
        if name in ("amp", "phase", "real", "imag"):
            return _complex_axis(name, _data(chunk, column), good, count, at, bins, shape, o.scalar)
        if name == "wt":
            weights = np.broadcast_to(chunk["WEIGHT"][:, None, :], chunk.shape)
            return _sum(np.where(good, weights, 0.0), at, bins, shape)
        if name in ("channel", "frequency", "velocity"):
            middle = np.bincount(bins, weights=chunk.channels) / of_bin
            one = {"channel": middle, "frequency": frequency / 1e9, "velocity": (1 - frequency / rest) * _LIGHT_M_S / 1e3}[name]
            return np.broadcast_to(one[None, :, None], shape)
        if name in ("u", "v", "w"):
            return row_mean(averager.uvw[chunk.index, "uvw".index(name)])
        if name in ("uvdist", "uvwave"):
            distance = row_mean(np.hypot(averager.uvw[chunk.index, 0], averager.uvw[chunk.index, 1]))
            return distance if name == "uvdist" else distance * (frequency / _LIGHT_M_S)[None, :, None]
        if name == "baseline":
            return row_mean(averager.columns["ANTENNA1"][chunk.index] * 1000.0 + averager.columns["ANTENNA2"][chunk.index])
        if name == "row":
            return row_mean(chunk.rows)
        if name == "spw":
            return np.full(shape, float(chunk.spw))
        if name == "corr":
            return np.broadcast_to(np.asarray(chunk.correlations, np.float64)[None, None, :], shape)
        return row_mean(averager.columns[_PER_ROW[name]][chunk.index].astype(np.float64))

    keep = count > 0
    values["x"], values["y"] = axis(o.x, o.x_column)[keep], axis(o.y, o.y_column)[keep]
    values["color"] = axis(o.color, "data")[keep] if o.color else np.zeros(int(keep.sum()))
    values["panel"] = axis(o.iterate, "data")[keep] if o.iterate else np.zeros(int(keep.sum()))
    return values


def _data(chunk: Any, column: str) -> np.ndarray:
    return chunk["CORRECTED_DATA"] - chunk["MODEL_DATA"] if column == "residual" else chunk[COLUMNS[column]]


def _sum(values: np.ndarray, at: np.ndarray, bins: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Sums over channel bins and row groups."""
    edges = np.flatnonzero(np.diff(bins, prepend=-1))
    by_bin = np.add.reduceat(values, edges, axis=1) if len(edges) < values.shape[1] else values
    if shape[0] == len(at) and np.array_equal(at, np.arange(len(at))):
        return np.asarray(by_bin)
    out = np.zeros(shape, dtype=by_bin.dtype)
    np.add.at(out, at, by_bin)
    return out


def _complex_axis(
    name: str, data: np.ndarray, good: np.ndarray, count: np.ndarray, at: np.ndarray, bins: np.ndarray, shape: Any, scalar: bool
) -> np.ndarray:
    take: Any = {"amp": np.abs, "phase": lambda z: np.degrees(np.angle(z)), "real": np.real, "imag": np.imag}[name]
    safe = np.maximum(count, 1)
    if scalar and name in ("amp", "phase"):
        return np.asarray(_sum(np.where(good, take(data), 0.0).astype(np.float64), at, bins, shape) / safe)
    return np.asarray(take(_sum(np.where(good, data, 0).astype(np.complex128), at, bins, shape) / safe))


def normalised(name: str) -> str:
    """The axis that a name stands for."""
    lowered = name.strip().lower()
    return ALIASES.get(lowered, lowered)
