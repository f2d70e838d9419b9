"""Flagging agents: small classes that are shown one chunk after another and set flags in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError, SelectionError
from casatools.flagging.averaged import PIECE_SLACK_S, time_bins
from casatools.flagging.commands import FlagCommand
from casatools.frames.quantities import to_unit
from casatools.io.ms import MeasurementSet, VisChunk

__all__ = [
    "Agent",
    "ClipAgent",
    "ElevationAgent",
    "FlagChunk",
    "ManualAgent",
    "QuackAgent",
    "RowColumns",
    "ShadowAgent",
    "time_groups",
]

COLUMNS = {
    "DATA": "DATA", "CORRECTED": "CORRECTED_DATA", "CORRECTED_DATA": "CORRECTED_DATA", "MODEL": "MODEL_DATA", "MODEL_DATA": "MODEL_DATA",
    "FLOAT_DATA": "FLOAT_DATA", "WEIGHT": "WEIGHT", "WEIGHT_SPECTRUM": "WEIGHT_SPECTRUM",
    "CPARAM": "CPARAM", "FPARAM": "FPARAM", "SNR": "SNR",
}  # fmt: skip


class RowColumns:
    """Columns with one value a row, each read once for the whole MeasurementSet when first asked for."""

    def __init__(self, ms: MeasurementSet) -> None:
        self.ms = ms
        self.held: dict[str, np.ndarray] = {}

    def __getstate__(self) -> dict[str, Any]:
        """On another rank columns are read again, but not those that were made here."""
        return {"ms": self.ms, "held": {k: v for k, v in self.held.items() if k.startswith("__")}}

    def __setitem__(self, name: str, values: np.ndarray) -> None:
        self.held[name] = values

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.held:
            self.held[name] = np.asarray(self.ms.read(name))
        return self.held[name]


@dataclass
class FlagChunk:
    """A chunk with its flags.

    Attributes
    ----------
    chunk : VisChunk
    flags : ndarray (row, chan, corr) bool
    flag_row : ndarray (row,) bool
    columns : RowColumns
    """

    chunk: VisChunk
    flags: np.ndarray
    flag_row: np.ndarray
    columns: RowColumns
    memory: dict[str, np.ndarray] = field(default_factory=dict)

    def row_values(self, name: str) -> np.ndarray:
        """A per-row column for the rows of this chunk."""
        return self.columns[name][self.chunk.rows]

    def visibilities(self, column: str) -> np.ndarray:
        """Values (row, chan, corr) of a data column, RESIDUAL ones too."""
        name = column.upper()
        if name not in self.memory:
            if name.startswith("RESIDUAL"):
                source = "DATA" if name.endswith("_DATA") else "CORRECTED_DATA"
                self.memory[name] = self.chunk[source] - self.chunk["MODEL_DATA"]
            else:
                found = COLUMNS[name]
                values = self.chunk[weight_column(name, self.columns.ms) if name.startswith("WEIGHT") else found]
                if values.ndim == 2:
                    values = np.broadcast_to(values[:, None, :], self.chunk.shape)
                self.memory[name] = values
        return self.memory[name]


def columns_needed(datacolumn: str, ms: MeasurementSet) -> list[str]:
    """Main table columns for a data column's name; raise for an unknown or missing one."""
    name = datacolumn.upper()
    if name.startswith("RESIDUAL"):
        wanted = ["DATA" if name.endswith("_DATA") else "CORRECTED_DATA", "MODEL_DATA"]
    elif name in COLUMNS:
        wanted = [weight_column(name, ms) if name.startswith("WEIGHT") else COLUMNS[name]]
    else:
        raise ParameterError(
            f"flagging: parameter 'datacolumn' must be one of {', '.join(COLUMNS)}, RESIDUAL, RESIDUAL_DATA; got {datacolumn!r}"
        )
    for column in wanted:
        ms.require(column)
    return wanted


def weight_column(name: str, ms: MeasurementSet) -> str:
    """The column behind WEIGHT or WEIGHT_SPECTRUM: weights by channel where there are any, else one for all channels.

    As in the reference, whose description of `datacolumn` says so.
    """
    if ms.has("WEIGHT_SPECTRUM"):
        return "WEIGHT_SPECTRUM"
    return "WEIGHT" if name == "WEIGHT" or "WEIGHT_SPECTRUM" in ms.column_names else name


def interval_s(ntime: Any) -> float:
    """Seconds of an `ntime`; infinite for ``'scan'`` and for numbers that are not positive."""
    if isinstance(ntime, str):
        return np.inf if ntime.strip() in ("scan", "") else float(to_unit(ntime, "s"))
    return float(ntime) if float(ntime) > 0 else np.inf


def time_groups(columns: RowColumns, rows: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    """Number the rows of a MeasurementSet such that those that are looked at together share a number.

    Parameters
    ----------
    columns : RowColumns
    rows : ndarray (row,) bool
        The rows that are selected; a piece of `ntime` begins with the first of them that is in none before it.
    options : dict
        `ntime` and `combinescans` of a mode, where it has them.

    Returns
    -------
    ndarray (row,) int64
    """
    names = ["ARRAY_ID", "OBSERVATION_ID", "FIELD_ID", "DATA_DESC_ID"]
    if not options.get("combinescans"):
        names.append("SCAN_NUMBER")
    group = np.zeros(len(rows), np.int64)
    for name in names:
        numbers = np.asarray(columns[name], dtype=np.int64)
        if len(numbers) and numbers.min() != numbers.max():
            spread = int(numbers.max()) - int(numbers.min()) + 1
            _, found = np.unique(group * spread + numbers - numbers.min(), return_inverse=True)
            group = np.asarray(found.ravel(), dtype=np.int64)
    length_s = interval_s(options.get("ntime", "scan"))
    if len(group) and np.isfinite(length_s):
        slot = np.zeros(len(group), np.int64)
        slot[rows] = time_bins(columns["TIME"][rows], length_s, group[rows], PIECE_SLACK_S)
        _, found = np.unique(group * (slot.max() + 1) + slot, return_inverse=True)
        group = np.asarray(found.ravel(), dtype=np.int64)
    return group


class Agent:
    """One command bound to one MeasurementSet: its rows, channels and correlations.

    Parameters
    ----------
    command : FlagCommand
    ms : MeasurementSet
    columns : RowColumns
    """

    # True when what an earlier chunk showed matters for later ones, so that ranks cannot share them.
    ordered = False
    # True when what it finds on one baseline does not depend on others, so that a group may come in parts.
    by_baseline = False
    # True when its thresholds or counts are those of all parts of a group, however it comes.
    of_whole_groups = False

    def __init__(self, command: FlagCommand, ms: MeasurementSet, columns: RowColumns) -> None:
        self.command, self.ms, self.columns = command, ms, columns
        self.options: dict[str, Any] = command.options
        resolved = command.selection.resolve(ms, held=columns.held)
        self.rows = np.zeros(ms.nrow, bool)
        self.rows[resolved.rows] = True
        self.channels, self.correlations = resolved.channels, resolved.correlations
        self.needed: list[str] = []
        self.report: dict[str, Any] = {}
        # Numbers of what must come in one chunk; None when any rows will do.
        self.group: np.ndarray | None = None
        self.prepare()

    def prepare(self) -> None:
        """Narrow the rows and check the options, before any chunk is read."""

    def finish(self) -> dict[str, Any]:
        """The agent's report, when it has one."""
        return self.report

    def fresh(self) -> Agent:
        """The agent without what it has counted."""
        return self

    def counted(self) -> Any:
        """What it has counted, for `absorb`."""
        return None

    def absorb(self, counted: Any) -> None:
        """Add what another has counted."""

    def part(self, chunk: VisChunk) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, channels and correlations of the chunk that are selected, as index arrays."""
        # The rows of a chunk of several groups do not ascend. A list of many commands asks each for its rows of each chunk.
        chosen = self.rows[chunk.rows[0] : chunk.rows[-1] + 1] if chunk.in_a_run else self.rows[chunk.rows]
        rows = np.flatnonzero(chosen)
        channels = self.channels.get(chunk.spw, np.zeros(0, np.int64))
        correlations = self.correlations.get(chunk.pol)
        nchan, ncorr = chunk.shape[1:]
        return (
            rows,
            np.arange(nchan) if channels is None else channels,
            np.arange(ncorr) if correlations is None else correlations,
        )

    def surveys(self, in_parts: bool) -> bool:
        """Whether it must `survey` all chunks before it flags in any; `in_parts` when what belongs together comes in several."""
        return in_parts and self.of_whole_groups

    def survey(self, piece: FlagChunk) -> None:
        """Look at a chunk, as the agents before leave it, without flagging it."""

    def settle(self) -> None:
        """All chunks have been looked at."""

    def apply(self, piece: FlagChunk) -> None:
        """Set flags in the piece."""
        raise NotImplementedError


class ManualAgent(Agent):
    """Flags (or with ``mode='unflag'`` unflags) everything that is selected."""

    def prepare(self) -> None:
        if self.options.get("autocorr"):
            autos = self.columns["ANTENNA1"] == self.columns["ANTENNA2"]
            self.rows &= autos & self._correlated()

    def _correlated(self) -> np.ndarray:
        return np.ones(self.ms.nrow, bool)

    def apply(self, piece: FlagChunk) -> None:
        value = self.command.mode != "unflag" and not self.command.inverse
        rows, channels, correlations = self.part(piece.chunk)
        if not len(rows) or not len(channels):
            return
        shape = piece.flags.shape
        if len(rows) == shape[0] and len(channels) == shape[1] and len(correlations) == shape[2]:
            piece.flags[...] = value
        elif len(channels) == shape[1] and len(correlations) == shape[2]:
            piece.flags[rows] = value
        elif len(correlations) == shape[2] and len(channels) == channels[-1] - channels[0] + 1:
            part = piece.flags.reshape(shape[0], -1)[:, channels[0] * shape[2] : (channels[-1] + 1) * shape[2]]
            # One item a row is set several times faster than its cells.
            part.view(f"V{part.shape[1]}")[rows, 0] = np.full(part.shape[1], value).view(f"V{part.shape[1]}")[0]
        else:
            piece.flags[np.ix_(rows, channels, correlations)] = value
        if self.command.whole_rows:
            piece.flag_row[rows] = value


class QuackAgent(ManualAgent):
    """Flags the beginning or the end of scans, or all but these."""

    def prepare(self) -> None:
        self.flagged = np.zeros(self.ms.nrow, bool)
        if not self.options["quackincrement"]:
            self.settle()

    def surveys(self, in_parts: bool) -> bool:
        """Where intervals begin with what is not flagged, all flags are looked at first."""
        return bool(self.options["quackincrement"])

    def survey(self, piece: FlagChunk) -> None:
        """Note the rows without any unflagged visibility."""
        self.flagged[piece.chunk.rows] = piece.flags.all(axis=(1, 2))

    def settle(self) -> None:
        """Narrow the rows to those in the intervals."""
        interval = float(self.options["quackinterval"])
        time_s = self.columns["TIME"]
        keys = np.stack([self.columns[c] for c in ("SCAN_NUMBER", "OBSERVATION_ID", "ARRAY_ID")], axis=1)
        _, group = np.unique(keys, axis=0, return_inverse=True)
        group = group.ravel()
        # A scan is what of it is selected, as in the reference.
        counted = self.rows & ~self.flagged
        start, stop = np.full(group.max() + 1, np.inf), np.full(group.max() + 1, -np.inf)
        np.minimum.at(start, group[counted], time_s[counted])
        np.maximum.at(stop, group[counted], time_s[counted])
        first, last = start[group], stop[group]
        mode = self.options["quackmode"]
        if mode == "beg":
            chosen = time_s <= first + interval
        elif mode == "endb":
            chosen = time_s >= last - interval
        elif mode == "end":
            chosen = time_s < last - interval
        else:
            chosen = time_s > first + interval
        self.rows &= chosen & np.isfinite(first)


class ElevationAgent(ManualAgent):
    """Flags rows where an antenna points below or above limits."""

    def prepare(self) -> None:
        from casatools.flagging.geometry import antenna_elevations_deg

        lower, upper = float(self.options["lowerlimit"]), float(self.options["upperlimit"])
        low, high = antenna_elevations_deg(self.ms, self.columns)
        self.rows &= (low < lower) | (high > upper)


class ShadowAgent(ManualAgent):
    """Flags rows of antennas that another one stands in front of."""

    def prepare(self) -> None:
        from casatools.flagging.geometry import shadowed_rows

        self.rows &= shadowed_rows(self.ms, self.columns, float(self.options["tolerance"]), self.options["addantenna"])


@dataclass(frozen=True)
class Product:
    """What a value is made of: one correlation, or ``factor * (first + sign * second) / 2`` of two.

    Attributes
    ----------
    indices : tuple of int
    sign : float
    factor : complex
    """

    indices: tuple[int, ...]
    sign: float = 1.0
    factor: complex = 1.0

    def of(self, values: np.ndarray) -> np.ndarray:
        """The values (..., corr) made into this product (...)."""
        first = values[..., self.indices[0]]
        if len(self.indices) == 1:
            return first
        both = np.float32(0.5) * (first + np.float32(self.sign) * values[..., self.indices[1]])
        return both if self.factor == 1.0 or not np.iscomplexobj(both) else np.complex64(self.factor) * both


# Stokes parameters of circular and of linear feeds (IAU): correlations, sign and factor.
_STOKES: dict[str, tuple[tuple[str, str, float, complex], ...]] = {
    "I": (("RR", "LL", 1.0, 1.0), ("XX", "YY", 1.0, 1.0)),
    "Q": (("RL", "LR", 1.0, 1.0), ("XX", "YY", -1.0, 1.0)),
    "U": (("RL", "LR", -1.0, -1.0j), ("XY", "YX", 1.0, 1.0)),
    "V": (("RR", "LL", -1.0, 1.0), ("XY", "YX", -1.0, -1.0j)),
}


def products_of(agent: Agent, pol: int) -> list[Product]:
    """What to look at."""
    names = [n.upper() for n in agent.ms.metadata.polarizations[pol].names]
    text = agent.command.correlation.replace(" ", "").upper()
    if text in ("", "ALL"):
        return [Product((k,)) for k in range(len(names))]
    return [product for name in text.split(",") if (product := _product(name, names)) is not None]


def _product(name: str, names: list[str]) -> Product | None:
    """A correlation or Stokes parameter of those that there are; None where they do not give it."""
    name = "I" if name == "WVR" else name  # radiometers have one correlation, the intensity
    if name in names:
        return Product((names.index(name),))
    for first, second, sign, factor in _STOKES.get(name, ()):
        if first in names and second in names:
            return Product((names.index(first), names.index(second)), sign, factor)
    return None


def require_products(agent: Agent) -> None:
    """Raise where an expression names a correlation that none of the selected data give."""
    text = agent.command.correlation.replace(" ", "").upper()
    if text in ("", "ALL"):
        return
    metadata = agent.ms.metadata
    present = np.unique(agent.columns["DATA_DESC_ID"][agent.rows])
    held = [[n.upper() for n in metadata.polarizations[metadata.data_descriptions[d].pol].names] for d in present]
    for name in text.split(","):
        if all(_product(name, names) is None for names in held):
            there = ", ".join(dict.fromkeys(n for names in held for n in names))
            raise SelectionError(f"correlation selection {agent.command.correlation!r}: no data hold {name}; there are {there}")


class ClipAgent(Agent):
    """Flags visibilities whose amplitude, phase, real or imaginary part is outside (or inside) limits, and zeros."""

    by_baseline = True

    def prepare(self) -> None:
        self.needed = columns_needed(str(self.options["datacolumn"]), self.ms)
        require_products(self)
        limits = [float(v) for v in self.options["clipminmax"]]
        self.limits = (limits[0], limits[1]) if limits else None
        self.chanbin = int(self.options["chanbin"]) if self.options["channelavg"] else 1
        # Bins in time are those of all baselines, also where a chunk holds only some of them.
        self.slots: np.ndarray | None = None
        timebin_s = float(to_unit(self.options["timebin"], "s")) if self.options["timeavg"] else 0.0
        if timebin_s > 0:
            self.group = time_groups(self.columns, self.rows, {})
            self.slots = np.zeros(len(self.rows), np.int64)
            self.slots[self.rows] = time_bins(self.columns["TIME"][self.rows], timebin_s, self.group[self.rows])

    def products(self, pol: int) -> list[Product]:
        """What to look at."""
        return products_of(self, pol)

    def apply(self, piece: FlagChunk) -> None:
        rows, channels, _ = self.part(piece.chunk)
        if not len(rows) or not len(channels):
            return
        values, before = piece.visibilities(str(self.options["datacolumn"])), piece.flags
        everything = len(rows) == values.shape[0] and len(channels) == values.shape[1]
        if not everything:
            values, before = values[np.ix_(rows, channels)], before[np.ix_(rows, channels)]
        averaging = self.chanbin > 1 or self.slots is not None
        for product in self.products(piece.chunk.pol):
            bad = self._bad_averages(values, before, product, piece, rows) if averaging else self._test(product.of(values))
            for k in product.indices:
                if everything:
                    piece.flags[:, :, k] |= bad
                else:
                    piece.flags[np.ix_(rows, channels, np.array([k]))] |= bad[:, :, None]

    def _bad_averages(
        self, values: np.ndarray, before: np.ndarray, product: Product, piece: FlagChunk, rows: np.ndarray
    ) -> np.ndarray:
        """The result of the average for each value that went in; correlations are averaged before they are combined."""
        from casatools.flagging.averaged import averages

        slot = None if self.slots is None else self.slots[piece.chunk.rows[rows]]
        found = [averages(values[:, :, k], before[:, :, k], self.chanbin, slot, piece, rows) for k in product.indices]
        means = np.stack([mean for mean, _ in found], axis=-1)
        alone = Product(tuple(range(len(found))), product.sign, product.factor)
        return np.asarray(self._test(alone.of(means))[found[0][1]])

    def _test(self, plane: np.ndarray) -> np.ndarray:
        """True where a value is to be flagged."""
        function = self.command.function
        bad = np.zeros(plane.shape, bool)
        if self.limits is not None:
            if np.iscomplexobj(plane):
                parts: dict[str, Callable[[np.ndarray], np.ndarray]] = {
                    # Exact to the last bit, which the absolute value of complex numbers is not: phases alone have amplitudes at the limit 1.
                    "ABS": lambda p: np.hypot(p.real, p.imag),
                    "ARG": np.angle,
                    "REAL": np.real,
                    "IMAG": np.imag,
                    "NORM": lambda p: p.real * p.real + p.imag * p.imag,
                }
                value = parts[function](plane)
            else:
                value = plane
            low, high = self.limits
            # Values that are not numbers are never inside the limits.
            outside = ~((value >= np.float32(low)) & (value <= np.float32(high)))
            bad = outside if self.options["clipoutside"] else ~outside
        if self.options["clipzeros"]:
            bad = bad | (plane == 0)
        return bad
