"""Points of visibility plots: averages, axes and colours, streamed from a MeasurementSet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, ParameterError
from casatools.frames.frequencies import frequency_to_velocity
from casatools.io.ms import MeasurementSet, ResolvedSelection, Selection, VisChunk, iter_chunks
from casatools.plotting.antenna_points import antenna_points
from casatools.plotting.plot_axes import (
    ANTENNA_AXES,
    AXES,
    CHANNEL_AXES,
    DATA_AXES,
    LISTED_AXES,
    OF_TABLES,
    DataColumn,
    PlotOptions,
    data_column,
    require_axes,
)
from casatools.plotting.row_axes import RowAxes
from casatools.plotting.visibility_changes import VisibilityChanges

__all__ = ["collect_points"]

# Axes made of columns of weights, and those columns.
_WEIGHT_AXES = {"wt": "WEIGHT", "wtsp": "WEIGHT_SPECTRUM", "sigma": "SIGMA", "sigmasp": "SIGMA_SPECTRUM"}
_BY_WAVELENGTH = {"uvwave": "uvdist", "uwave": "u", "vwave": "v", "wwave": "w"}
# Data of no weight count this little beside others, so that means of nothing else are plain.
_NO_WEIGHT = 1e-30
_POINTS = ("x", "y", "color", "panel", "flagged", "series", "order")


def collect_points(ms: MeasurementSet, selection: Selection, several: Sequence[PlotOptions]) -> list[dict[str, np.ndarray]]:
    """Read the selection once and make points of it for each of several vertical axes.

    Data are averaged with their WEIGHT, as complex values unless `scalar`; row axes and frequencies are plain means, weights sums. Flagged
    data are left out; where they are asked for, bins of nothing but flagged data are points too.

    Parameters
    ----------
    ms : MeasurementSet
    selection : Selection
    several : sequence of PlotOptions
        They differ in what is drawn, not in what is averaged, calibrated or moved.

    Returns
    -------
    list of dict
        ``x``, ``y`` (npoint,) float64; ``color``, ``panel`` (npoint,) float64 keys; ``flagged`` (npoint,) bool; ``series`` (npoint,) int64, equal
        for points that a line may join, and ``order`` (npoint,) float64 [s], their times.

    Raises
    ------
    ParameterError
        An axis or column is not known, or axes do not go together.
    DataError
        A column is missing, or everything is flagged.
    """
    for options in several:
        require_axes(options, [n for n in AXES if n not in OF_TABLES])
    resolved = selection.resolve(ms)
    streamed = {k: o for k, o in enumerate(several) if not set(o.axes.values()) & set(ANTENNA_AXES)}
    found = _streamed_points(ms, resolved, streamed) if streamed else {}
    if any(not len(points["x"]) for points in found.values()):
        raise DataError(f"plotms: all data selected of {ms.path!r} are flagged")
    return [found[k] if k in found else antenna_points(ms, resolved.rows, o) for k, o in enumerate(several)]


def _streamed_points(
    ms: MeasurementSet, resolved: ResolvedSelection, several: Mapping[int, PlotOptions]
) -> dict[int, dict[str, np.ndarray]]:
    """Points of axes that are made of the rows, of each of several options, in one pass over the data."""
    first = next(iter(several.values()))
    rows, changes = RowAxes(ms, resolved.rows, first), VisibilityChanges(ms, first)
    wanted = [c for o in several.values() for column in _columns(o).values() for c in column.columns]
    wanted += ["FLAG", "WEIGHT", *(_stored(ms, a) for a in _WEIGHT_AXES if any(a in o.axes.values() for o in several.values()))]
    parts: dict[int, list[dict[str, np.ndarray]]] = {k: [] for k in several}
    sums: dict[int, list[_Sums]] = {k: [] for k in several}
    for chunk in iter_chunks(ms, resolved, changes.needed(wanted), boundaries=rows.chunk_groups):
        changes.apply(chunk)
        for k, options in several.items():
            one = _Sums(ms, chunk, rows, options)
            if options.over_spw:
                sums[k].append(one)
            else:
                parts[k].append(one.points())
    for k, found in sums.items():
        if found:
            parts[k].append(_merged(found).points())
    names = {k: (*_POINTS, *(f"listed {axis}" for axis in LISTED_AXES if o.listed)) for k, o in several.items()}
    return {k: {n: np.concatenate([p[n] for p in made]) if made else np.zeros(0) for n in names[k]} for k, made in parts.items()}


def _stored(ms: MeasurementSet, axis: str) -> str:
    """The column of an axis of weights: those of channels are those of rows where the MeasurementSet has no others."""
    column = _WEIGHT_AXES[axis]
    return column if ms.has(column) else column.removesuffix("_SPECTRUM")


def _columns(options: PlotOptions) -> dict[str, DataColumn]:
    """The data column of each use of data; colours and panels are of the column of y."""
    named = {"x": options.x_column, "y": options.y_column}
    return {use: data_column(named.get(use, options.y_column)) for use, axis in options.axes.items() if axis in DATA_AXES}


class _Sums:
    """Sums over the rows of each group and the channels of each bin of a chunk, of which the axes are made.

    `arrays` hold (group, bin, corr) or what broadcasts to it; all are sums, so that those of several chunks add up.
    """

    def __init__(self, ms: MeasurementSet, chunk: VisChunk, rows: RowAxes, options: PlotOptions) -> None:
        self.options, self._ms = options, ms
        self.take, groups, turned = rows.members(chunk.index)
        self.groups, at = np.unique(groups, return_inverse=True)
        self.at = at.ravel()
        self.bins = np.arange(chunk.shape[1]) // max(1, options.channels)
        good = ~chunk["FLAG"][self.take]
        count = self._sum(good.astype(np.float64))
        if options.flagged:
            good |= (count == 0)[self.at][:, self.bins]
        self.arrays: dict[str, np.ndarray] = {"good": count, "number": self._sum(good.astype(np.float64))}
        weight = np.where(chunk["WEIGHT"] > 0, chunk["WEIGHT"].astype(np.float64), _NO_WEIGHT)[self.take][:, None, :]
        self.arrays["weight"] = self._sum(np.where(good, weight, 0.0))
        for column in {c for spec in _columns(options).values() for c in spec.columns}:
            self._add_data(chunk, column, good, weight, turned)
        for axis in set(options.axes.values()) & set(_WEIGHT_AXES):
            self._add_weights(chunk, axis, good)
        more = LISTED_AXES if options.listed else ("antenna1", "antenna2", "time", "spw") if options.connect else ()
        self._add_rows(rows, chunk, [*options.axes.values(), *more])
        self._add_channels(ms, chunk, rows)
        names = ms.metadata.polarizations[chunk.pol].corr_type[np.asarray(chunk.correlations)]
        self.correlations = np.asarray(names, dtype=np.float64)

    def _sum(self, values: np.ndarray) -> np.ndarray:
        """Values (member, chan, corr) summed to (group, bin, corr)."""
        edges = np.flatnonzero(np.diff(self.bins, prepend=-1))
        by_bin = np.add.reduceat(values, edges, axis=1) if len(edges) < values.shape[1] else values
        if len(self.groups) == len(self.at) and np.array_equal(self.at, np.arange(len(self.at))):
            return np.asarray(by_bin)
        out = np.zeros((len(self.groups), *by_bin.shape[1:]), dtype=by_bin.dtype)
        np.add.at(out, self.at, by_bin)
        return out

    def _row_sum(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.at, weights=values, minlength=len(self.groups))[:, None, None]

    def _add_data(self, chunk: VisChunk, column: str, good: np.ndarray, weight: np.ndarray, turned: np.ndarray) -> None:
        data = chunk[column][self.take]
        if turned.any():
            data[turned] = np.conj(data[turned])
        if not self.options.scalar:
            self.arrays[column] = self._sum(np.where(good, data * weight, 0))
            return
        self.arrays[column + " amp"] = self._sum(np.where(good, np.abs(data) * weight, 0.0))
        self.arrays[column + " phase"] = self._sum(np.where(good, np.angle(data) * weight, 0.0))

    def _add_weights(self, chunk: VisChunk, axis: str, good: np.ndarray) -> None:
        values = chunk[_stored(self._ms, axis)].astype(np.float64)[self.take]
        values = values[:, None, :] if values.ndim == 2 else values
        if axis.startswith("sigma"):  # of means: their inverse squares add up
            values = np.where(values > 0, np.where(values > 0, values, 1.0) ** -2.0, 0.0)
        self.arrays[axis] = self._sum(np.where(good, values, 0.0))

    def _add_rows(self, rows: RowAxes, chunk: VisChunk, axes: list[str]) -> None:
        self.arrays["rows"] = self._row_sum(np.ones(len(self.take)))
        for axis in {_BY_WAVELENGTH.get(a, a) for a in axes}:
            if rows.has(axis):
                self.arrays[axis] = self._row_sum(rows.values(axis, chunk, self.take))

    def _add_channels(self, ms: MeasurementSet, chunk: VisChunk, rows: RowAxes) -> None:
        """Sums over rows of the channels' numbers and frequencies, and of velocities."""
        window = ms.metadata.spectral_windows[chunk.spw]
        of_bin = np.bincount(self.bins)
        frequency = np.bincount(self.bins, weights=window.chan_freq_hz[chunk.channels]) / of_bin
        channel = np.bincount(self.bins, weights=chunk.channels) / of_bin
        used = set(self.options.axes.values())
        number = self.arrays["rows"]
        self.arrays["channel"] = channel[None, :, None] * number
        if not self.options.listed and not used & {"frequency", "velocity", *_BY_WAVELENGTH}:
            return
        factor = rows.frame_factors(chunk, self.take)
        self.arrays["frequency"] = frequency[None, :, None] * (number if factor is None else self._row_sum(factor))
        if "velocity" in used:
            rest = self.options.rest_frequency_hz or float(window.chan_freq_hz[len(window.chan_freq_hz) // 2])
            mean = self.arrays["frequency"] / number
            self.arrays["velocity"] = frequency_to_velocity(mean, rest, self.options.doppler) * number

    def points(self) -> dict[str, np.ndarray]:
        """Points of the bins that hold anything."""
        number = self.arrays["number"]
        keep = number > 0
        columns = _columns(self.options)
        out: dict[str, np.ndarray] = {"flagged": (self.arrays["good"] == 0)[keep]}
        for use in ("x", "y", "color", "panel"):
            axis = self.options.axes.get(use, "")
            out[use] = (
                np.broadcast_to(self._axis(axis, columns.get(use)), keep.shape)[keep] if axis else np.zeros(int(keep.sum()))
            )
        for axis in LISTED_AXES if self.options.listed else ():
            out[f"listed {axis}"] = np.broadcast_to(self._axis(axis, None), keep.shape)[keep].astype(np.float64)
        out["series"], out["order"] = np.zeros(int(keep.sum()), dtype=np.int64), np.zeros(int(keep.sum()))
        if self.options.connect:
            out["series"] = np.broadcast_to(self._series(keep.shape), keep.shape)[keep]
            out["order"] = np.broadcast_to(self._mean("time"), keep.shape)[keep]
        return out

    def _mean(self, name: str) -> np.ndarray:
        return np.asarray(self.arrays[name] / self.arrays["rows"])

    def _axis(self, axis: str, column: DataColumn | None) -> np.ndarray:
        if column is not None:
            return self._of_data(axis, column)
        if axis in ("wt", "wtsp"):
            return self.arrays[axis]
        if axis in ("sigma", "sigmasp"):
            return np.asarray(np.where(self.arrays[axis] > 0, self.arrays[axis], np.nan) ** -0.5)
        if axis == "flag":
            return np.asarray(self.arrays["good"] == 0, dtype=np.float64)
        if axis == "corr":
            return self.correlations[None, None, :]
        if axis in _BY_WAVELENGTH:
            return self._mean(_BY_WAVELENGTH[axis]) * self._mean("frequency") / SPEED_OF_LIGHT_M_S
        return self._mean(axis) * (1e-9 if axis == "frequency" else 1e-3 if axis == "velocity" else 1.0)

    def _of_data(self, axis: str, column: DataColumn) -> np.ndarray:
        """An axis of the means of a data column, or of two compared."""
        scalar = column.scalar or self.options.scalar
        amplitude, phase = (self._scalar(column, name) for name in ("amp", "phase")) if scalar else (None, None)
        value = self._vector(column) if amplitude is None or phase is None else amplitude * np.exp(1j * phase)
        if axis in ("real", "imag"):
            return np.asarray(value.real if axis == "real" else value.imag)
        if axis == "phase":
            return np.degrees(np.angle(value) if phase is None else phase)
        found = np.abs(value) if amplitude is None else amplitude
        return np.asarray(found * self.arrays["weight"] if axis == "wtamp" else found)

    def _vector(self, column: DataColumn) -> np.ndarray:
        means = [self.arrays[c] / np.maximum(self.arrays["weight"], _NO_WEIGHT) for c in column.columns]
        return _compared(means, column.ratio)

    def _scalar(self, column: DataColumn, name: str) -> np.ndarray:
        """Mean amplitudes, or phases [rad], of one column, or the two compared."""
        weight = np.maximum(self.arrays["weight"], _NO_WEIGHT)
        means = []
        for c in column.columns:
            if self.options.scalar:
                means.append(self.arrays[f"{c} {name}"] / weight)
            else:
                means.append(np.abs(self.arrays[c] / weight) if name == "amp" else np.angle(self.arrays[c]))
        if name == "phase":  # phases are less one another whichever way amplitudes are compared
            return np.asarray(means[0] if len(means) == 1 else np.angle(np.exp(1j * (means[0] - means[1]))))
        return _compared(means, column.ratio)

    def _series(self, shape: tuple[int, ...]) -> np.ndarray:
        """Numbers of the lines that points belong to: along channels one a group of rows, else one a baseline, window, bin and product."""
        product = np.arange(shape[2])[None, None, :]
        if self.options.x in CHANNEL_AXES and self.options.connect != "time":
            return np.asarray(self.groups[:, None, None] * 64 + product)
        o = self.options
        pair = np.zeros((shape[0], 1, 1), dtype=np.int64)
        if not o.over_baseline:
            first, second = (np.rint(self._mean(n)).astype(np.int64) for n in ("antenna1", "antenna2"))
            pair = first * 4096 + (0 if o.over_antenna else second)
        window = 0 if o.over_spw else np.rint(self._mean("spw")).astype(np.int64)
        return np.asarray(((window * 4096**2 + pair) * 65536 + np.arange(shape[1])[None, :, None]) * 64 + product)


def _compared(means: list[np.ndarray], ratio: bool) -> np.ndarray:
    if len(means) == 1:
        return means[0]
    if not ratio:
        return np.asarray(means[0] - means[1])
    return np.divide(means[0], means[1], out=np.full(means[0].shape, np.nan, means[0].dtype), where=means[1] != 0)


def _merged(sums: list[_Sums]) -> _Sums:
    """The sums of several spectral windows together."""
    first = sums[0]
    shapes = {s.arrays["good"].shape[1:] for s in sums}
    if len(shapes) > 1:
        found = ", ".join(f"{bins} x {products}" for bins, products in sorted(shapes))
        raise ParameterError(
            f"plotms: avgspw=True needs spectral windows of the same number of channels (or bins of them) and correlations; there are {found}"
        )
    groups = np.unique(np.concatenate([s.groups for s in sums]))
    total: dict[str, Any] = {}
    for s in sums:
        at = np.searchsorted(groups, s.groups)
        for name, values in s.arrays.items():
            whole = total.setdefault(name, np.zeros((len(groups), *values.shape[1:]), dtype=values.dtype))
            np.add.at(whole, at, values)
    first.groups, first.arrays = groups, total
    return first
