"""Selecting part of a MeasurementSet with CASA's expressions: the only selection parser.

A `Selection` is parsed when it is made and resolved against a MeasurementSet later; only the columns that an expression needs
are read, each once: whole, or block by block of rows where there are many, so that memory does not grow with them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base.errors import SelectionError
from casatools._base.row_arrays import RowFiller, row_blocks, row_numbers, rows_at_once
from casatools.io.ms.plain_conditions import condition_mask
from casatools.io.ms.selection_antenna import BaselineItem, BaselineSelection, parse_antenna, resolve_antenna, resolve_feed
from casatools.io.ms.selection_grammar import (
    IdRange,
    Name,
    Refusal,
    parse_ids,
    parse_list,
    parse_name,
    resolve_ids,
    shown,
    split_top,
)
from casatools.io.ms.selection_spw import (
    CorrelationItem,
    SpwItem,
    parse_correlation,
    parse_spw,
    resolve_correlations,
    resolve_spws,
)
from casatools.io.ms.selection_time import TimeItem, UvItem, parse_time, parse_uv, time_bounds, time_mask, uv_mask
from casatools.io.table_access import query_command

if TYPE_CHECKING:
    from casatools.io.ms.measurement_set import MeasurementSet

__all__ = ["ResolvedSelection", "Selection", "baseline_numbers", "distinct", "selected_baselines"]


def distinct(values: np.ndarray) -> tuple[int, ...]:
    """Sorted distinct values of a column of IDs; small numbers are counted instead of sorted, runs of one number once."""
    if len(values) > 4 * _BLOCK:
        starts = np.flatnonzero(values[1:] != values[:-1])
        if len(starts) < len(values) // 4:
            values = np.append(values[starts], values[-1])
    lowest, highest = int(values.min(initial=0)), int(values.max(initial=0))
    if highest - lowest > 2**20:
        return tuple(np.unique(values).tolist())
    return tuple((np.flatnonzero(np.bincount(values - lowest)) + lowest).tolist()) if len(values) else ()


@dataclass(frozen=True)
class _Parsed:
    """The expressions of a Selection, read."""

    field: tuple[IdRange | Name, ...]
    spw: tuple[SpwItem, ...]
    antenna: tuple[BaselineItem, ...]
    timerange: tuple[TimeItem, ...]
    uvrange: tuple[UvItem, ...]
    scan: tuple[IdRange, ...]
    observation: tuple[IdRange, ...]
    array: tuple[IdRange, ...]
    intent: tuple[tuple[IdRange | Name, ...], ...]
    correlation: tuple[CorrelationItem, ...]
    feed: tuple[BaselineItem, ...]


def _parse_intent(text: str) -> tuple[tuple[IdRange | Name, ...], ...]:
    """A list of items, each one or more patterns joined by ``&`` that must all match."""
    if not text.strip():
        return ()
    refuse = Refusal("intent", text)
    out = []
    for item in split_top(text, ","):
        bounds = parse_list(item, "intent") if item[:1] in ("<", ">") else ()
        if bounds or item.startswith("~"):
            if not bounds:
                raise refuse(f"{item!r} is not an intent")
            out.append(bounds)
            continue
        parts: list[IdRange | Name] = []
        for piece in split_top(item, "&"):
            ids = (
                parse_list(piece, "intent")
                if piece and piece[0].isdigit() and piece.replace("~", "").replace(" ", "").isdigit()
                else ()
            )
            parts += ids or [parse_name(piece, refuse)]
        out.append(tuple(parts))
    return tuple(out)


@dataclass(frozen=True)
class Selection:
    """What part of a MeasurementSet to use; each parameter is an expression in CASA's syntax, "" selects all.

    Parameters
    ----------
    field : str
        Names, IDs, patterns, ranges: ``"1331*,2"``, ``"0~3"``, ``">1"``; quotes force a name.
    spw : str
        Spectral windows and channels: ``"0:6~56"``, ``"*:^2"``, ``"0:1~3;8,1"``, ``"0:1412~1413MHz"``, ``"<2"``.
    antenna : str
        Antennas and baselines: ``"VA01"``, ``"VA01&VA02;!VA05"``, ``"*&&&"``, ``"ANT@STATION"``, ``"<500m"``.
    timerange : str
        ``"09:14:00~09:54:00"``, ``">1995/04/13/10:00:00"``, ``"09:14:00+0:10:00"``, ``"[t0~t1]"`` with half an exposure more.
    uvrange : str
        ``">100m"``, ``"0~10klambda"``, ``"100~200m:5%"``.
    scan, observation, array : str
        Numbers: ``"1~3,5"``, ``">2"``, ``">1&<4"``.
    intent : str
        Patterns on STATE/OBS_MODE: ``"*PHASE*"``, ``"CAL*&*FLUX*"``; or state IDs.
    correlation : str
        ``"RR,LL"``, ``"0:RR;1:LL"``; the order asked is kept.
    feed : str
        Feed numbers: ``"0"``, ``"0&1"``.
    taql : str
        A TaQL condition on the main table.
    taql_of_selected : str
        A TaQL condition on the rows that all others select, which ROWNUMBER() counts from 1: as the imaging tools have it.

    Raises
    ------
    SelectionError
        An expression cannot be read.
    """

    field: str = ""
    spw: str = ""
    antenna: str = ""
    timerange: str = ""
    uvrange: str = ""
    scan: str = ""
    observation: str = ""
    array: str = ""
    intent: str = ""
    correlation: str = ""
    feed: str = ""
    taql: str = ""
    taql_of_selected: str = ""

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if not isinstance(value, str):
                raise SelectionError(f"{entry.name} selection: {value!r} is not a string")
        parsed = _Parsed(
            parse_list(self.field, "field"), parse_spw(self.spw), parse_antenna(self.antenna), parse_time(self.timerange),
            parse_uv(self.uvrange), parse_ids(self.scan, "scan"), parse_ids(self.observation, "observation"),
            parse_ids(self.array, "array"), _parse_intent(self.intent), parse_correlation(self.correlation),
            parse_antenna(self.feed, "feed"),
        )  # fmt: skip
        object.__setattr__(self, "_parsed", parsed)

    @property
    def parsed(self) -> _Parsed:
        """The expressions as read."""
        return self.__dict__["_parsed"]  # type: ignore[no-any-return]

    @property
    def empty(self) -> bool:
        """True when nothing is asked for: the whole MeasurementSet."""
        return not any(getattr(self, f.name).strip() for f in fields(self))

    def resolve(
        self,
        ms: MeasurementSet,
        allow_empty: bool = False,
        held: dict[str, np.ndarray] | None = None,
        nrow: int | None = None,
    ) -> ResolvedSelection:
        """Find the rows, channels and correlations that are selected.

        Parameters
        ----------
        ms : MeasurementSet
        allow_empty : bool
            Give back a selection without rows instead of raising.
        held : dict of str to ndarray, optional
            Columns that were read for other selections on the same data; what this one reads is added.
        nrow : int, optional
            Number of rows in `held` where these are not those of the main table but stand for several of them, of any baseline
            (`RowKinds`); the antenna expression is then left to `selected_baselines`.

        Raises
        ------
        SelectionError
            A name or ID does not exist, or no row is selected.
        """
        if held is None and nrow is None and ms.nrow > rows_at_once() and not self._is_of_the_whole:
            return _in_blocks(self, ms, allow_empty)
        return _Resolver(self, ms, held, nrow).resolve(allow_empty)

    @property
    def _is_of_the_whole(self) -> bool:
        """True when which rows are selected depends on other rows."""
        return bool(self.taql_of_selected.strip() or _CLAUSES.search(self.taql))


@dataclass(frozen=True)
class ResolvedSelection:
    """A Selection matched with one MeasurementSet.

    Attributes
    ----------
    rows : ndarray (row,) int64
        Row numbers of the main table, ascending.
    channels : dict
        ``{spw: ndarray of channels, ascending}``; None means all channels. Only selected windows are keys.
    channel_ranges : dict
        ``{spw: [(first, last, step), ...]}`` as written, the last channel included.
    correlations : dict
        ``{polarization: ndarray of indices}`` in the order asked; None means all.
    fields, spws, ddids, states, observations, arrays : tuple of int
        IDs that the expressions stand for, in the order written; all IDs of the sub-table where there is no expression
        (observations and arrays: what the rows hold).
    baselines : BaselineSelection or None
        None without an antenna expression.
    scan_ranges, observation_ranges : tuple of IdRange
        The scan and observation expressions, read.
    named : frozenset of str
        Which expressions were given.
    """

    rows: np.ndarray
    channels: dict[int, np.ndarray | None]
    channel_ranges: dict[int, list[tuple[int, int, int]]]
    correlations: dict[int, np.ndarray | None]
    fields: tuple[int, ...]
    spws: tuple[int, ...]
    ddids: tuple[int, ...]
    states: tuple[int, ...]
    baselines: BaselineSelection | None
    feed_pairs: np.ndarray
    scan_ranges: tuple[IdRange, ...]
    observation_ranges: tuple[IdRange, ...]
    time_bounds_s: tuple[tuple[float, float], ...]
    uv_items: tuple[UvItem, ...]
    correlation_ddids: tuple[int, ...]
    named: frozenset[str]
    ms: MeasurementSet = field(repr=False, compare=False)

    @property
    def nrow(self) -> int:
        """Number of rows selected."""
        return len(self.rows)

    def _present(self, column: str) -> tuple[int, ...]:
        return _distinct_of_rows(self.ms, column, self.rows)

    @cached_property
    def scans(self) -> tuple[int, ...]:
        """Scan numbers of the rows."""
        return self._present("SCAN_NUMBER")

    @cached_property
    def observations(self) -> tuple[int, ...]:
        """OBSERVATION_IDs of the rows."""
        return self._present("OBSERVATION_ID")

    @cached_property
    def arrays(self) -> tuple[int, ...]:
        """ARRAY_IDs of the rows."""
        return self._present("ARRAY_ID")

    @cached_property
    def fields_present(self) -> tuple[int, ...]:
        """FIELD_IDs of the rows."""
        return self._present("FIELD_ID")

    @cached_property
    def ddids_present(self) -> tuple[int, ...]:
        """DATA_DESC_IDs of the rows."""
        return self._present("DATA_DESC_ID")

    @cached_property
    def antennas(self) -> tuple[int, ...]:
        """Antennas of the rows."""
        return tuple(sorted({a for c in ("ANTENNA1", "ANTENNA2") for a in _distinct_of_rows(self.ms, c, self.rows)}))


def _distinct_of_rows(ms: MeasurementSet, column: str, rows: np.ndarray) -> tuple[int, ...]:
    found: set[int] = set()
    for block in row_blocks(len(rows)):
        found.update(distinct(ms.read(column, rows[block])))
    return tuple(sorted(found))


def _in_blocks(selection: Selection, ms: MeasurementSet, allow_empty: bool) -> ResolvedSelection:
    """Resolve a selection of which each row is looked at by itself, so many rows at a time."""
    if selection.empty:
        return replace(_Resolver(selection, ms, None, None, slice(0, 1)).resolve(True), rows=row_numbers(ms.nrow))
    chosen, shared = RowFiller(ms.nrow), dict[str, int]()
    for block in row_blocks(ms.nrow):
        last = _Resolver(selection, ms, None, None, block, shared)
        found = last.resolve(True)
        chosen.add(found.rows)
    if not chosen.count and not allow_empty:
        raise last.refusal()
    return replace(found, rows=chosen.filled)


def baseline_numbers(one: np.ndarray, two: np.ndarray, ms: MeasurementSet) -> np.ndarray:
    """Number the baselines of rows as `selected_baselines` does.

    Parameters
    ----------
    one, two : ndarray (row,) int
        Antennas; solutions without a reference antenna have the second one -1.
    ms : MeasurementSet

    Returns
    -------
    ndarray (row,) int32, or int64 of more than 46 000 antennas
    """
    number = len(ms.metadata.antennas)
    kind = np.int32 if (number + 1) ** 2 < 2**31 else np.int64
    second = np.where(two < 0, number, two) if (two < 0).any() else two
    return np.asarray(np.multiply(one, kind(number + 1), dtype=kind) + second.astype(kind, copy=False))


def selected_baselines(selection: Selection, ms: MeasurementSet, alone: bool) -> tuple[BaselineSelection, np.ndarray]:
    """The baselines that an antenna expression means.

    Parameters
    ----------
    selection : Selection
        With an antenna expression.
    ms : MeasurementSet
    alone : bool
        There are rows without a second antenna.

    Returns
    -------
    found : BaselineSelection
    wanted : ndarray (baseline,) bool
        By `baseline_numbers`.

    Raises
    ------
    SelectionError
    """
    antennas, items = ms.metadata.antennas, selection.parsed.antenna
    found = resolve_antenna(items, antennas, selection.antenna)
    number = len(antennas)
    matrix = np.zeros((number, number + 1), bool)
    matrix[:, :number] = found.matrix
    if alone:
        # They are looked up as baselines to an antenna that no name means.
        nobody = replace(antennas[0], id=number, name="\0", station="\0")
        matrix = resolve_antenna(items, (*antennas, nobody), selection.antenna).matrix[:number]
    return found, matrix.ravel()


def _number_columns(ms: MeasurementSet) -> frozenset[str]:
    """Columns of the main table that hold one number a row, in whole numbers or double precision."""
    table = ms.table
    kinds = ("int", "short", "double")
    return frozenset(n for n in ms.column_names if table.isscalarcol(n) and table.coldatatype(n).lower() in kinds)


# What may follow a condition in TaQL.
_CLAUSES = re.compile(r"\b(order|group|having|limit|offset|giving|into|select|from|where|distinct)\b|[;#]", re.IGNORECASE)
# Texts, and what tells where a row is.
_OF_ROWS = re.compile(r"""('[^']*'|"[^"]*")|\b(row(?:id|nr|number))\s*\(\s*\)""", re.IGNORECASE)
# Rows are read in blocks of so many once some are out.
_BLOCK = 65536


class _Resolver:
    """Matches one Selection with one MeasurementSet, or with a block of its rows; `shared` is what its blocks have in common."""

    def __init__(
        self,
        selection: Selection,
        ms: MeasurementSet,
        held: dict[str, np.ndarray] | None,
        nrow: int | None,
        block: slice | None = None,
        shared: dict[str, int] | None = None,
    ) -> None:
        self.selection, self.ms, self.parsed = selection, ms, selection.parsed
        self.nrow = ms.nrow if nrow is None else nrow
        self.block, self.first = block, 0
        if block is not None:
            self.first, self.nrow = block.start, block.stop - block.start
        self._shared = {} if shared is None else shared
        self.by_kind = nrow is not None
        self.metadata = ms.metadata
        self.mask: np.ndarray | None = None
        self._held = held
        self._columns: dict[str, np.ndarray] = {} if held is None else held

    def column(self, name: str) -> np.ndarray:
        """A column; of blocks of rows that are out already it holds zeros, unless other selections share it."""
        if name not in self._columns:
            whole = self._held is not None or self.mask is None or self.block is not None or len(self.mask) < 4 * _BLOCK
            self._columns[name] = self._read(name) if whole else self._live_part(name)
        return self._columns[name]

    def _read(self, name: str) -> np.ndarray:
        """A column of all rows or of the block; where no row of it is left, its first value stands for all."""
        if self.block is None:
            return np.asarray(self.ms.read(name))
        if self.mask is not None and not self.mask.any():
            one = self.ms.read(name, np.array([self.first]))
            return np.broadcast_to(one, (self.nrow, *one.shape[1:]))
        return np.asarray(self.ms.read(name, np.arange(self.first, self.first + self.nrow)))

    def _table(self) -> Any:
        """The rows as a table."""
        return self.ms.table if self.block is None else self.ms.table.selectrows(np.arange(self.first, self.first + self.nrow))

    def _live_part(self, name: str) -> np.ndarray:
        mask = self.mask
        assert mask is not None
        nrow = len(mask)
        live = np.logical_or.reduceat(mask, np.arange(0, nrow, _BLOCK))
        if live.all():
            return np.asarray(self.ms.read(name))
        edges = np.flatnonzero(np.diff(np.concatenate([[False], live, [False]])))
        values: np.ndarray | None = None
        for first, last in edges.reshape(-1, 2).tolist():
            start, stop = first * _BLOCK, min(last * _BLOCK, nrow)
            part = np.asarray(self.ms.read(name, np.arange(start, stop, dtype=np.int64)))
            if values is None:
                values = np.zeros((nrow, *part.shape[1:]), part.dtype)
            values[start:stop] = part
        return np.asarray(self.ms.read(name)) if values is None else values

    def keep(self, mask: np.ndarray) -> None:
        self.mask = mask if self.mask is None else self.mask & mask

    def keep_ids(self, column: str, ids: list[int]) -> None:
        values = self.column(column)
        key = f"__distinct {column}"
        if key not in self._columns:
            self._columns[key] = np.asarray(distinct(values), dtype=np.int64)
        if set(ids).issuperset(self._columns[key].tolist()):
            return
        present = self._columns[key]
        if len(ids) == 1:
            self.keep(values == ids[0])
            return
        top = int(max(present.max(initial=0), max(ids, default=0))) + 1
        wanted = np.zeros(top + 1, bool)
        wanted[ids] = True
        self.keep(wanted[values if present.min(initial=0) >= 0 else np.where(values < 0, top, values)])

    def keep_ranges(self, column: str, ranges: tuple[IdRange, ...]) -> None:
        values = self.column(column)
        mask = np.zeros(len(values), bool)
        for r in ranges:
            mask |= (values >= r.low) & (values <= (r.high if r.high is not None else np.iinfo(np.int32).max))
        self.keep(mask)

    def resolve(self, allow_empty: bool) -> ResolvedSelection:
        # What leaves contiguous rows comes first: the columns of the other conditions are then read for these only.
        s, p = self.selection, self.parsed
        for column, items in (("SCAN_NUMBER", p.scan), ("OBSERVATION_ID", p.observation), ("ARRAY_ID", p.array)):
            if items:
                self.keep_ranges(column, items)
        bounds = self._times()
        fields_found = self._fields()
        spws, ranges, channels = self._spws()
        ddids, correlations, by_correlation = self._ddids(spws)
        states = self._states()
        baselines = None if self.by_kind else self._baselines()
        feed_pairs = self._feeds()
        if p.uvrange:
            self._uv()
        for name in ("taql", "taql_of_selected"):
            if getattr(s, name).strip():
                self._taql(name)
        rows = np.arange(self.nrow, dtype=np.int64) if self.mask is None else np.flatnonzero(self.mask).astype(np.int64)
        if self.first:
            rows += self.first
        named = frozenset(f.name for f in fields(s) if getattr(s, f.name).strip())
        if not len(rows) and not allow_empty:
            raise self.refusal()
        return ResolvedSelection(
            rows, channels, ranges, correlations, tuple(fields_found), tuple(spws), tuple(ddids), tuple(states), baselines,
            feed_pairs, p.scan, p.observation, tuple((low, high) for low, high, _ in bounds), p.uvrange, tuple(by_correlation), named, self.ms,
        )  # fmt: skip

    def refusal(self) -> SelectionError:
        """That no row is selected, and what there is."""
        named = sorted(f.name for f in fields(self.selection) if getattr(self.selection, f.name).strip())
        given = ", ".join(f"{n}={getattr(self.selection, n)!r}" for n in named) or "the whole MeasurementSet"
        return SelectionError(f"the selection {given} matches no row of {self.ms.path!r}; {self._what_is_there()}")

    def _what_is_there(self) -> str:
        if not self.ms.nrow:
            return "it has no rows"
        scans, present = (_distinct_of_rows(self.ms, c, row_numbers(self.ms.nrow)) for c in ("SCAN_NUMBER", "FIELD_ID"))
        names = [self.metadata.fields[i].name for i in present if 0 <= i < len(self.metadata.fields)]
        further = "".join(
            f", the {name}s {shown(_distinct_of_rows(self.ms, column, row_numbers(self.ms.nrow)))}"
            for name, column in (("observation", "OBSERVATION_ID"), ("array", "ARRAY_ID"))
            if getattr(self.selection, name).strip()
        )
        return f"its rows hold the fields {shown(names)}{further} and the scans {shown(scans)}"

    def _fields(self) -> list[int]:
        names = [f.name for f in self.metadata.fields]
        if not self.parsed.field:
            return list(range(len(names)))
        found = resolve_ids(self.parsed.field, names, Refusal("field", self.selection.field))
        self.keep_ids("FIELD_ID", found)
        return found

    def _spws(self) -> tuple[list[int], dict[int, list[tuple[int, int, int]]], dict[int, np.ndarray | None]]:
        windows = self.metadata.spectral_windows
        if not self.parsed.spw:
            return [w.id for w in windows], {w.id: [(0, w.nchan - 1, 1)] for w in windows}, {w.id: None for w in windows}
        spws, ranges, whole = resolve_spws(self.parsed.spw, self.metadata, self.selection.spw)
        channels: dict[int, np.ndarray | None] = {}
        for spw in spws:
            union = np.unique(np.concatenate([np.arange(a, b + 1, step) for a, b, step in ranges[spw]]))
            everything = spw in whole or len(union) == windows[spw].nchan
            channels[spw] = None if everything else union.astype(np.int64)
        return spws, ranges, channels

    def _ddids(self, spws: list[int]) -> tuple[list[int], dict[int, np.ndarray | None], list[int]]:
        descriptions = self.metadata.data_descriptions
        ddids = [d.id for spw in spws for d in descriptions if d.spw == spw]
        correlations: dict[int, np.ndarray | None] = {p.id: None for p in self.metadata.polarizations}
        by_correlation: list[int] = []
        if self.parsed.correlation:
            by_correlation, wanted = resolve_correlations(self.parsed.correlation, self.metadata, self.selection.correlation)
            ddids = [d for d in ddids if d in by_correlation]
            for pol, indices in wanted.items():
                whole = np.array_equal(indices, np.arange(self.metadata.polarizations[pol].ncorr))
                correlations[pol] = None if whole else indices
        if self.parsed.spw or (self.parsed.correlation and len(ddids) < len(descriptions)):
            self.keep_ids("DATA_DESC_ID", ddids)
        return ddids, correlations, by_correlation

    def _states(self) -> list[int]:
        states = self.metadata.states
        modes = [s.obs_mode for s in states]
        if not self.parsed.intent:
            return list(range(len(modes)))
        refuse = Refusal("intent", self.selection.intent)
        found: set[int] = set()
        for item in self.parsed.intent:
            matching = set(range(len(modes)))
            for part in item:
                if isinstance(part, Name):
                    # A state holds several intents; a pattern may mean one of them or the whole list.
                    one = [s.id for s in states if part.matches(s.obs_mode) or any(part.matches(i) for i in s.intents)]
                    wrong = f"no intent matches {part.text!r}"
                else:
                    one = [i for i in range(len(modes)) if part.holds(i)]
                    wrong = "there is no such state"
                if not one:
                    raise refuse(wrong, f"there are {len(modes)}: " + shown([f"{i} {m!r}" for i, m in enumerate(modes)]))
                matching &= set(one)
            if not matching:
                raise refuse("no state has all of these intents", f"there are {len(modes)}: {shown(modes)}")
            found |= matching
        self.keep_ids("STATE_ID", sorted(found))
        return sorted(found)

    def _baselines(self) -> BaselineSelection | None:
        if not self.parsed.antenna:
            return None
        if self._held is None:
            return self._baselines_once()
        if "__baseline" not in self._columns:
            # Lists of commands look up the same baselines many times.
            two = self.column("ANTENNA2")
            self._columns["__alone"] = np.array((two < 0).any())
            self._columns["__baseline"] = baseline_numbers(self.column("ANTENNA1"), two, self.ms)
        found, wanted = selected_baselines(self.selection, self.ms, bool(self._columns["__alone"]))
        self.keep(wanted.take(self._columns["__baseline"]))
        return found

    def _baselines_once(self) -> BaselineSelection:
        """The same for one selection: block by block, so that what is between stays in the processor's cache, and only where rows are left."""
        one, two = self.column("ANTENNA1"), self.column("ANTENNA2")
        found, wanted = selected_baselines(self.selection, self.ms, bool(two.min(initial=0) < 0))
        kept = np.zeros(len(one), bool)
        for start in range(0, len(one), _BLOCK):
            block = slice(start, start + _BLOCK)
            if self.mask is None or self.mask[block].any():
                wanted.take(baseline_numbers(one[block], two[block], self.ms), out=kept[block], mode="clip")
        self.keep(kept)
        return found

    def _feeds(self) -> np.ndarray:
        if not self.parsed.feed:
            return np.zeros((0, 2), dtype=np.int64)
        one, two = self._read("FEED1"), self._read("FEED2")
        if "feed1" not in self._shared:
            for name, own in (("FEED1", one), ("FEED2", two)):
                highest = (
                    int(own.max(initial=0))
                    if self.block is None
                    else max(_distinct_of_rows(self.ms, name, row_numbers(self.ms.nrow)))
                )
                self._shared[name.lower()] = highest
        numbers = sorted({f.feed_id for f in self.metadata.feeds} | {self._shared["feed1"], self._shared["feed2"]})
        matrix, pairs = resolve_feed(self.parsed.feed, numbers, self.selection.feed)
        self.keep(matrix[one, two])
        return pairs

    def _times(self) -> list[tuple[float, float, bool]]:
        if not self.parsed.timerange:
            return []
        if not self.ms.nrow:
            return []
        if "__first" not in self._columns:
            self._columns["__first"] = np.array([float(self.ms.read(c, np.array([0]))[0]) for c in ("TIME", "EXPOSURE")])
        first, exposure = self._columns["__first"].tolist()
        bounds = time_bounds(self.parsed.timerange, first, exposure, self.selection.timerange)
        self.keep(time_mask(bounds, self.column("TIME")))
        return bounds

    def _uv(self) -> None:
        """Keep rows by their uv distance; of columns of three numbers only what is left of the rows is read, once it is little."""
        left = None if self.mask is None else np.flatnonzero(self.mask)
        if left is not None and not len(left):
            return
        few = left is not None and self._held is None and len(left) < len(self.mask if self.mask is not None else ()) // 4
        rows = left if few and left is not None else slice(None)
        frequency = None
        if any(item.in_lambda for item in self.parsed.uvrange):
            of_ddid = [self.metadata.spectral_windows[d.spw].ref_frequency_hz for d in self.metadata.data_descriptions]
            frequency = np.array(of_ddid)[self.column("DATA_DESC_ID")[rows]]
        uvw = self.ms.read("UVW", left + self.first) if few and left is not None else self.column("UVW")
        found = uv_mask(self.parsed.uvrange, uvw, frequency)
        if few:
            everything = np.zeros(self.nrow, bool)
            everything[rows] = found
            self.mask = everything
        else:
            self.keep(found)

    def _taql(self, name: str) -> None:
        condition = getattr(self.selection, name)
        refuse = Refusal(name, condition)
        if self.mask is not None and self.block is not None and not self.mask.any():
            return  # what the expression is worth, the blocks with rows tell
        table = self._table()
        if name == "taql_of_selected" and self.mask is not None:
            table = table.selectrows(np.flatnonzero(self.mask))
        else:
            found = self._calculated(condition, table)
            if found is not None:
                self.keep(found)
                return
        try:
            # CASA's TaQL counts array elements from 1 and includes ends.
            part: Any = table.query(condition, style="glish")
            rows = np.asarray(part.rownumbers(self.ms.table), dtype=np.int64)
            part.close()
        except RuntimeError as error:
            # Its last line is the reason; those before repeat the command.
            reason = str(error).strip().splitlines()[-1].strip()
            raise refuse(f"casacore cannot evaluate it: {reason}", f"columns are {shown(self.ms.column_names)}") from error
        mask = np.zeros(self.nrow, bool)
        mask[rows - self.first] = True
        self.keep(mask)

    def _calculated(self, condition: str, table: Any) -> np.ndarray | None:
        """The condition row by row, without a table of the rows; None where it is more than a condition, or wrong."""
        if _CLAUSES.search(condition):
            return None
        if self.first:
            # In a block TaQL counts rows from its first.
            condition = _OF_ROWS.sub(lambda found: found[1] or f"({found[2]}() + {self.first})", condition)
        plain = condition_mask(condition, _number_columns(self.ms), self.column)
        if plain is not None:
            return plain
        try:
            found = query_command(f"using style glish calc from $1 calc {condition}", table)
        except RuntimeError:
            return None  # the query says what is wrong
        whole = isinstance(found, np.ndarray) and found.dtype == bool and found.shape == (self.nrow,)
        return found if whole else None
