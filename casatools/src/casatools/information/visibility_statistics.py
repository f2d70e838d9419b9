"""Statistics of visibilities and of other columns of a MeasurementSet, in one pass over the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base.errors import ParameterError, UnsupportedError
from casatools.io.ms import MeasurementSet, ResolvedSelection, Selection, VisChunk, iter_chunks
from casatools.kernels.order_statistics import quartile_ranks, select_ranks

if TYPE_CHECKING:
    from casatools.information.averaged_statistics import TimeAveraging

__all__ = [
    "COLUMN_NAMES",
    "VISIBILITY",
    "Selection",
    "StatisticsGroup",
    "VisibilityStatisticsOptions",
    "part_of",
    "visibility_statistics",
]

_COMPLEX = {
    "amp": "amplitude", "amplitude": "amplitude", "phase": "phase", "real": "real", "imag": "imaginary", "imaginary": "imaginary",
}  # fmt: skip
_ROW_COLUMNS = (
    "ANTENNA1", "ANTENNA2", "FEED1", "FEED2", "FIELD_ID", "ARRAY_ID", "DATA_DESC_ID", "FLAG_ROW", "INTERVAL", "SCAN_NUMBER", "TIME",
    "EXPOSURE", "STATE_ID", "OBSERVATION_ID",
)  # fmt: skip
VISIBILITY = {"DATA": "DATA", "CORRECTED": "CORRECTED_DATA", "CORRECTED_DATA": "CORRECTED_DATA", "MODEL": "MODEL_DATA",
               "MODEL_DATA": "MODEL_DATA", "FLOAT_DATA": "FLOAT_DATA"}  # fmt: skip
# What axes are called that are no names of columns.
COLUMN_NAMES = {"SCAN": "SCAN_NUMBER", "UVRANGE": "UVW"}
_AXES = ("ddid", "scan", "field", "array", "integration")


@dataclass(frozen=True)
class VisibilityStatisticsOptions:
    """What to compute.

    Attributes
    ----------
    column : str
        A column name, ``SCAN`` for SCAN_NUMBER, or ``UVRANGE`` for the uv distance in metres.
    complex_value : str
        Which part of complex values: amplitude, phase, real, imaginary.
    use_flags, use_weights : bool
        Leave flagged data out; weight by WEIGHT (or WEIGHT_SPECTRUM where there is one).
    reporting_axes : tuple of str
        Out of ddid, field, integration; none gives one record.
    quantiles : bool
        Compute the median, the quartiles and the median absolute deviation too.
    """

    column: str = "DATA"
    complex_value: str = "amplitude"
    use_flags: bool = True
    use_weights: bool = False
    reporting_axes: tuple[str, ...] = ("ddid",)
    quantiles: bool = True

    def __post_init__(self) -> None:
        if self.is_visibility and self.column.upper() != "FLOAT_DATA" and self.complex_value.lower() not in _COMPLEX:
            raise ParameterError(f"the part of complex values must be one of {', '.join(_COMPLEX)}; got {self.complex_value!r}")
        unknown = [a for a in self.reporting_axes if a not in _AXES]
        if unknown:
            raise ParameterError(f"reporting axes are {', '.join(_AXES)}; got {unknown[0]!r}")
        known = {
            *VISIBILITY,
            *_ROW_COLUMNS,
            "SCAN",
            "UVRANGE",
            "FLAG",
            "WEIGHT_SPECTRUM",
            "SIGMA_SPECTRUM",
            "WEIGHT",
            "SIGMA",
            "UVW",
        }
        if self.column.upper() not in known:
            raise ParameterError(f"there are no statistics of the column {self.column!r}; columns are {', '.join(sorted(known))}")

    @property
    def is_visibility(self) -> bool:
        return self.column.upper() in VISIBILITY


_WHOLE = ("sum", "sumsq", "sumOfWeights", "min", "max", "firstquartile", "thirdquartile")


@dataclass
class StatisticsGroup:
    """Sums, extremes and values of one reported record."""

    npts: int = 0
    sum: float = 0.0
    sumsq: float = 0.0
    weight: float = 0.0
    mean: float = 0.0
    spread: float = 0.0
    lowest: tuple[float, int, int] = (np.inf, 0, 0)
    highest: tuple[float, int, int] = (-np.inf, 0, 0)
    values: list[np.ndarray] = field(default_factory=list)

    def add(self, values: np.ndarray, weights: np.ndarray | None, dataset: np.ndarray, index: np.ndarray, keep: bool) -> None:
        """Take in values with the data set and index each came from."""
        wide = values.astype(np.float64)
        total = float(len(wide)) if weights is None else float(weights.sum())
        part = float(wide.sum()) if weights is None else float((wide * weights).sum())
        mean = part / total if total else 0.0
        squares = (wide - mean) ** 2
        spread = float(squares.sum()) if weights is None else float((squares * weights).sum())
        joint = self.weight + total
        if joint:  # Chan, Golub & LeVeque (1983): sums of squares of two parts joined without cancellation
            shift = mean - self.mean
            self.spread += spread + shift * shift * self.weight * total / joint
            self.mean += shift * total / joint
        self.npts, self.weight, self.sum = self.npts + len(wide), joint, self.sum + part
        self.sumsq += float((wide * wide).sum()) if weights is None else float((wide * wide * weights).sum())
        for sign, name in ((1.0, "lowest"), (-1.0, "highest")):
            at = int(np.argmin(values) if sign > 0 else np.argmax(values))
            found = (float(wide[at]), int(dataset[at]), int(index[at]))
            best = getattr(self, name)
            if (sign * found[0], found[1], found[2]) < (sign * best[0], best[1], best[2]):
                setattr(self, name, found)
        if keep:
            self.values.append(values)

    def record(self, options: VisibilityStatisticsOptions) -> dict[str, Any]:
        """CASA's record of this group."""
        names = ("mean", "rms", "stddev", "sum", "sumOfWeights", "sumsq", "variance")
        quantiles = ("firstquartile", "medabsdevmed", "median", "thirdquartile") if options.quantiles else ()
        if not self.npts:
            none = float("nan") if options.quantiles and options.column.upper() not in ("FLAG", "FLAG_ROW") else 0.0
            return {
                "isMasked": False,
                "isWeighted": options.use_weights,
                "npts": 0.0,
                **dict.fromkeys((*names, *quantiles), none),
            }
        weighted = options.use_weights
        below = self.weight - 1.0
        variance = self.spread / below if below > 0 else 0.0
        out: dict[str, Any] = {
            "isMasked": options.use_flags, "isWeighted": weighted, "npts": float(self.npts), "sum": self.sum, "sumsq": self.sumsq,
            "sumOfWeights": self.weight, "mean": self.mean, "variance": variance, "stddev": float(np.sqrt(variance)),
            "rms": float(np.sqrt(self.sumsq / self.weight)) if self.weight else 0.0,
            "min": self.lowest[0], "minDatasetIndex": self.lowest[1], "minIndex": self.lowest[2],
            "max": self.highest[0], "maxDatasetIndex": self.highest[1], "maxIndex": self.highest[2],
        }  # fmt: skip
        if options.quantiles:
            out.update(self._quantiles())
        if options.column.upper() in ("FLAG", "FLAG_ROW"):  # counts and truth values are whole numbers
            out.update({name: int(out[name]) for name in _WHOLE if name in out})
        return out

    def _quantiles(self) -> dict[str, float]:
        values = np.concatenate(self.values)
        self.values = []
        first, low, high, third = quartile_ranks(len(values))
        q1, m1, m2, q3 = select_ranks(values, (first, low, high, third))
        median = (m1 + m2) / 2
        deviations = np.abs(values - np.float64(median))
        d1, d2 = select_ranks(deviations, (low, high))
        return {"firstquartile": q1, "median": median, "thirdquartile": q3, "medabsdevmed": (d1 + d2) / 2}


@dataclass(frozen=True)
class _Layout:
    """For each selected row: the group it reports to, its data set within the group, its place in the data set."""

    names: list[str]
    group: np.ndarray
    dataset: np.ndarray
    place: np.ndarray


def _layout(ms: MeasurementSet, resolved: ResolvedSelection, axes: tuple[str, ...]) -> _Layout:
    """Number the data sets: the rows of one array, time, field and data description, in that order of sorting."""
    rows = resolved.rows
    array, fields, ddid, time_s = (ms.read(c, rows) for c in ("ARRAY_ID", "FIELD_ID", "DATA_DESC_ID", "TIME"))
    order = np.lexsort((ddid, fields, time_s, array))
    keys = [array[order], fields[order], ddid[order], time_s[order]]
    first = np.ones(len(rows), bool)
    if len(rows) > 1:
        first[1:] = np.any([k[1:] != k[:-1] for k in keys], axis=0)
    chunk = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    parts = {
        "ddid": ("DATA_DESC_ID", keys[2]),
        "field": ("FIELD_ID", keys[1]),
        "array": ("ARRAY_ID", keys[0]),
        "integration": ("TIME", (time_s - ms.read("INTERVAL", rows) / 2)[order]),
    }
    if "scan" in axes:
        parts["scan"] = ("SCAN_NUMBER", ms.read("SCAN_NUMBER", rows)[order])
    used = [parts[a] for a in dict.fromkeys(axes)]
    combos = np.stack([v[starts].astype(np.float64) for _, v in used], axis=1) if used else np.zeros((len(starts), 0))
    unique, which = np.unique(combos, axis=0, return_inverse=True) if used else (np.zeros((1, 0)), np.zeros(len(starts), int))
    which = np.ravel(which)
    texts = [",".join(f"{n}={v:.6f}" if n == "TIME" else f"{n}={int(v)}" for (n, _), v in zip(used, row)) for row in unique]
    number = np.zeros(len(starts), dtype=np.int64)
    for g in range(len(texts)):
        number[which == g] = np.arange(np.count_nonzero(which == g))
    group, dataset, place = (np.empty(len(rows), dtype=np.int64) for _ in range(3))
    group[order], dataset[order], place[order] = which[chunk], number[chunk], np.arange(len(rows)) - starts[chunk]
    return _Layout(texts, group, dataset, place)


def part_of(values: np.ndarray, complex_value: str) -> np.ndarray:
    """Amplitude, phase, real or imaginary part of complex values; others as they are."""
    if not np.iscomplexobj(values):
        return values
    name = _COMPLEX[complex_value.lower()]
    if name == "amplitude":
        return np.abs(values)
    if name == "phase":
        return np.angle(values)
    return np.ascontiguousarray(values.real if name == "real" else values.imag)


def visibility_statistics(
    path: str, selection: Selection, options: VisibilityStatisticsOptions, averaging: TimeAveraging | None = None
) -> dict[str, dict[str, Any]]:
    """Statistics of a column, one record for each combination of the reporting axes.

    Parameters
    ----------
    path : str
    selection : Selection
    options : VisibilityStatisticsOptions
    averaging : TimeAveraging, optional
        Average in time before; the records are those of `averaged_statistics`.

    Returns
    -------
    dict
        ``{"DATA_DESC_ID=0": {...}, ...}``; an index counts the elements of a data set (the rows of one array, field, data
        description and time) in the order row, channel, correlation, the last one fastest.

    Raises
    ------
    DataError
        The column is missing.
    SelectionError
        Nothing is selected.

    Notes
    -----
    Each visibility is read once. Quartiles are the values of rank ceil(n/4) and ceil(3n/4) counted from one.
    """
    with MeasurementSet(path) as ms:
        if averaging is not None:
            from casatools.information.averaged_statistics import averaged_statistics

            return averaged_statistics(ms, selection, options, averaging)
        return statistics_of(ms, selection.resolve(ms), options)


def statistics_of(
    ms: MeasurementSet, resolved: ResolvedSelection, options: VisibilityStatisticsOptions
) -> dict[str, dict[str, Any]]:
    """The same for a MeasurementSet that is open and a selection that is resolved."""
    name = options.column.upper()
    name = COLUMN_NAMES.get(name, VISIBILITY.get(name, name))
    ms.require(name)
    layout = _layout(ms, resolved, options.reporting_axes)
    groups = [StatisticsGroup() for _ in layout.names]
    wide = name in ("DATA", "CORRECTED_DATA", "MODEL_DATA", "FLOAT_DATA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM", "FLAG")
    if options.use_weights and not wide:
        raise UnsupportedError("weights apply to visibilities only; give useweights=False for this column")
    for chunk in iter_chunks(ms, resolved, _columns(ms, name, options)):
        for group, selected in _by_group(layout, chunk):
            _add(groups[group], chunk, selected, layout, name, wide, options)
    return {text: group.record(options) for text, group in zip(layout.names, groups)}


def _columns(ms: MeasurementSet, name: str, options: VisibilityStatisticsOptions) -> list[str]:
    columns = [name]
    if options.use_flags and name != "FLAG":
        columns.append("FLAG")
    if options.use_flags and name != "FLAG_ROW":
        columns.append("FLAG_ROW")
    if options.use_weights:
        columns.append("WEIGHT_SPECTRUM" if ms.has("WEIGHT_SPECTRUM") else "WEIGHT")
    return columns


def _by_group(layout: _Layout, chunk: VisChunk) -> Iterator[tuple[int, np.ndarray]]:
    groups = layout.group[chunk.index]
    present = np.unique(groups)
    for g in present:
        yield int(g), (np.arange(len(groups)) if len(present) == 1 else np.flatnonzero(groups == g))


def _add(
    group: StatisticsGroup,
    chunk: VisChunk,
    selected: np.ndarray,
    layout: _Layout,
    name: str,
    wide: bool,
    options: VisibilityStatisticsOptions,
) -> None:
    values = chunk[name] if len(selected) == len(chunk.rows) else chunk[name][selected]
    if name == "UVW":
        values = np.hypot(values[:, 0], values[:, 1]) if options.column.upper() == "UVRANGE" else values
    if name in ("FLAG", "FLAG_ROW") or values.dtype.kind in "iub":
        values = values.astype(np.float64)
    values = part_of(values, options.complex_value)
    good = np.ones(values.shape, bool)
    if options.use_flags:
        flags = chunk["FLAG"][selected]
        row_flag = chunk["FLAG_ROW"][selected]
        if wide:
            good = ~flags & ~row_flag[:, None, None]
        else:
            row_good = ~(row_flag | flags.all(axis=(1, 2)))
            good = np.broadcast_to(row_good.reshape(-1, *([1] * (values.ndim - 1))), values.shape)
    weights = _weights(chunk, selected, options, values.shape)
    if weights is not None:
        good = good & (weights > 0)
    whole = bool(good.all())
    if not whole and not good.any():
        return
    width = int(np.prod(values.shape[1:], dtype=int))
    position = np.arange(values.size) if whole else np.flatnonzero(good)
    row, inner = np.divmod(position, width)
    at = chunk.index[selected]
    group.add(
        values.ravel() if whole else values[good],
        None if weights is None else weights[good],
        layout.dataset[at][row],
        layout.place[at][row] * width + inner,
        options.quantiles,
    )


def _weights(
    chunk: VisChunk, selected: np.ndarray, options: VisibilityStatisticsOptions, shape: tuple[int, ...]
) -> np.ndarray | None:
    if not options.use_weights:
        return None
    name = "WEIGHT_SPECTRUM" if "WEIGHT_SPECTRUM" in chunk.columns else "WEIGHT"
    weights = chunk[name][selected].astype(np.float64)
    if weights.ndim == 2:
        weights = weights[:, None, :]
    return np.broadcast_to(weights, shape)
