"""Which calibration tables are applied and how: the gaintable lists of tasks, or a calibration library file."""

from __future__ import annotations

import ast
import fnmatch
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError, PathMissingError, SelectionError
from casatools.calibration.interpolation import InterpolationMode, parse_interpolation
from casatools.calibration.jones import JonesKind, kind_of
from casatools.calibration.same_array import match_antennas
from casatools.calibration.solutions import SolutionTable
from casatools.calibration.table_reading import read_solutions

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet

__all__ = ["CalibrationLibrary", "LibraryEntry", "LibraryRule", "library_record", "library_text", "read_library"]


@dataclass(frozen=True)
class LibraryRule:
    """How a table is applied to some of the data.

    Attributes
    ----------
    fields, spws, observations, states, scans : frozenset of int, optional
        Data the rule is for; None is all. States are those of intents.
    field_map : "", "nearest", frozenset of int or tuple of int
        Solutions to take: of all fields, of the field nearest on the sky, of these fields, or by field of the data.
    spw_map, obs_map, antenna_map, scan_map : tuple of int
        Spectral window (observation, antenna, scan) of the solutions for each of the data; identity beyond their end. -1 is none.
    mode : InterpolationMode
    """

    fields: frozenset[int] | None = None
    spws: frozenset[int] | None = None
    observations: frozenset[int] | None = None
    states: frozenset[int] | None = None
    field_map: str | frozenset[int] | tuple[int, ...] = ""
    spw_map: tuple[int, ...] = ()
    obs_map: tuple[int, ...] = ()
    antenna_map: tuple[int, ...] = ()
    mode: InterpolationMode = field(default_factory=InterpolationMode)
    scans: frozenset[int] | None = None
    scan_map: tuple[int, ...] = ()

    def solution_spw(self, spw: int) -> int:
        """Spectral window whose solutions serve `spw`."""
        return self.spw_map[spw] if spw < len(self.spw_map) and self.spw_map[spw] >= 0 else spw

    def covers(self, spw: int) -> bool:
        """Whether the rule is for data of a spectral window."""
        return self.spws is None or spw in self.spws


@dataclass(frozen=True)
class LibraryEntry:
    """One calibration table, its kind, whether it scales weights, and its rules (the first that fits the data counts)."""

    path: str
    kind: JonesKind
    table: SolutionTable
    calwt: bool
    rules: tuple[LibraryRule, ...]
    antenna_ids: np.ndarray = field(repr=False)
    lenient: bool = False

    @property
    def scales_weights(self) -> bool:
        """Whether weights change by this table."""
        return self.calwt and self.kind.weights

    def has_spw(self, spw: int) -> bool:
        """Whether there are solutions for data of a spectral window."""
        if self.kind.everywhere:
            return True
        have = self.table.spws
        return any(r.covers(spw) and (r.solution_spw(spw) in have or -1 in have) for r in self.rules)


@dataclass(frozen=True)
class CalibrationLibrary:
    """The tables to apply, from the data side of the measurement equation to the sky side."""

    entries: tuple[LibraryEntry, ...] = ()

    @classmethod
    def from_lists(
        cls,
        ms: MeasurementSet,
        gaintable: Sequence[str] = (),
        gainfield: Sequence[str] = (),
        interp: Sequence[str] = (),
        spwmap: Sequence[Any] = (),
        calwt: Sequence[bool] = (True,),
    ) -> CalibrationLibrary:
        """Make it from a task's lists; short lists are filled up as CASA does.

        Parameters
        ----------
        ms : MeasurementSet
        gaintable : sequence of str
        gainfield : sequence of str
            '', 'nearest' or a field selection for each table; '' where the list ends.
        interp : sequence of str
        spwmap : sequence of int (for the first table), or of lists, one for each table
            A single number serves all spectral windows.
        calwt : sequence of bool
            One for all tables, or one for each.

        Raises
        ------
        PathMissingError, DataError, UnsupportedError, ParameterError, SelectionError
            A table is missing, is no calibration table, is of a kind that cannot be applied, is of other antennas, has no
            solutions of the fields asked for; a spwmap or interpolation cannot be.
        """
        if len(gaintable) > len(calwt) != 1:
            raise ParameterError(
                f"calwt has {len(calwt)} values for {len(gaintable)} calibration tables; give one, or one for each"
            )
        maps = list(spwmap)
        if maps and not any(isinstance(m, (list, tuple, np.ndarray)) for m in maps):
            maps = [maps]
        _tell_surplus(len(gaintable), gainfield=gainfield, interp=interp, spwmap=maps, calwt=calwt)
        entries = []
        for k, path in enumerate(gaintable):
            if not path:  # no table, whose place in the other lists is kept
                continue
            table = read_solutions(path)
            wanted = gainfield[k] if k < len(gainfield) else ""
            numbers = maps[k] if k < len(maps) else []
            numbers = [numbers] if isinstance(numbers, (int, np.integer)) else list(numbers)
            rule = LibraryRule(
                field_map=_field_map(ms, table, wanted),
                spw_map=_checked_spw_map(ms, table, numbers),
                mode=_mode(table, interp[k] if k < len(interp) else ""),
            )
            entries.append(_entry(ms, table, bool(calwt[0 if len(calwt) == 1 else k]), (rule,)))
        return cls(_in_order(entries))

    @classmethod
    def from_callib(cls, ms: MeasurementSet, path: str) -> CalibrationLibrary:
        """Read a calibration library file: one table a line, ``caltable='x.G' tinterp='linear' spwmap=[0,0] ...``.

        Lines that name the same table add rules for further data; text after ``#`` is a comment.

        Raises
        ------
        PathMissingError, ParameterError
            The file is missing or names no table, or a line cannot be read; and as `from_lists`.
        """
        library = cls.from_text(ms, read_library(path), path)
        if not library.entries:
            raise ParameterError(f"calibration library {path!r} names no table")
        return library

    @classmethod
    def from_text(cls, ms: MeasurementSet, text: str, what: str = "calibration library") -> CalibrationLibrary:
        """Read the lines of a calibration library; see `from_callib`."""
        tables: dict[str, SolutionTable] = {}
        rules: dict[str, list[LibraryRule]] = {}
        weights: dict[str, bool] = {}
        for values in _parse_lines(text, what):
            name = str(values["caltable"])
            if name not in tables:
                tables[name] = read_solutions(name)
            rules.setdefault(name, []).append(_rule(ms, tables[name], values))
            weights[name] = weights.get(name, False) or bool(values.get("calwt", True))
        entries = [_entry(ms, tables[n], weights[n], tuple(rules[n]), lenient=True) for n in tables]
        library = cls(_in_order(entries))
        library.warn_of_gaps(ms)
        return library

    def with_weights(self) -> CalibrationLibrary:
        """The library with all tables scaling weights, whatever its lines say of calwt."""
        return replace(self, entries=tuple(replace(e, calwt=True) for e in self.entries))

    @cached_property
    def scales_weights(self) -> bool:
        """Whether applying it changes weights, so that they start from SIGMA."""
        return any(e.scales_weights for e in self.entries)

    @property
    def asks_for_states(self) -> bool:
        """Whether a rule is for some intents only."""
        return any(r.states is not None for e in self.entries for r in e.rules)

    def calibrates(self, spw: int) -> bool:
        """Whether every table has solutions for a spectral window; data of others pass through unchanged."""
        have = [e.has_spw(spw) for e in self.entries]
        return all(h or e.lenient for h, e in zip(have, self.entries, strict=True)) and (not have or any(have))

    def lacks(self, spw: int) -> bool:
        """Whether a table has no solutions for a spectral window and is not taken for the identity there."""
        return any(not e.has_spw(spw) and not e.lenient for e in self.entries)

    def warn_of_gaps(self, ms: MeasurementSet) -> None:
        """Post one warning on spectral windows that a table of a library file has no solutions for."""
        for entry in self.entries:
            missing = [w.id for w in ms.metadata.spectral_windows if not entry.has_spw(w.id)]
            if missing:
                ids = ",".join(map(str, missing))
                log.post(f"{entry.path} has no solutions for spectral windows {ids}; it leaves their data unchanged", "WARN")


def _in_order(entries: Sequence[LibraryEntry]) -> tuple[LibraryEntry, ...]:
    return tuple(sorted(entries, key=lambda e: e.kind.order))


def _entry(
    ms: MeasurementSet, table: SolutionTable, calwt: bool, rules: tuple[LibraryRule, ...], lenient: bool = False
) -> LibraryEntry:
    kind = kind_of(table.kind, table.path)
    pairs = kind.form in ("multiplicative", "additive")  # of others the second antenna is the reference
    used = np.concatenate([table.ant1, table.ant2]) if pairs else table.ant1
    ids = match_antennas(ms, table.path, table.antenna_names, table.antenna_positions_m, used)
    return LibraryEntry(table.path, kind, table, calwt, rules, ids, lenient)


def _checked_spw_map(ms: MeasurementSet, table: SolutionTable, numbers: Sequence[Any]) -> tuple[int, ...]:
    nspw = len(ms.metadata.spectral_windows)
    values = tuple(int(n) for n in numbers)
    known = set(table.frequencies_hz)
    if len(values) > nspw:
        raise ParameterError(
            f"spwmap {list(values)} for {table.path!r} is longer than the {nspw} spectral windows of {ms.path!r}"
        )
    outside = [v for v in values if v >= 0 and v not in known and v not in table.spws]
    if outside or any(v < -1 for v in values):
        raise ParameterError(
            f"spwmap {list(values)} names spectral windows that {table.path!r} does not have; it has {sorted(known)}"
        )
    if all(v == -1 for v in values):
        return ()
    return values * nspw if len(values) == 1 else values


def select_fields(text: str, names: Sequence[str]) -> frozenset[int]:
    """Field numbers of a comma list of numbers, ranges ``a~b``, names and wildcards."""
    found: set[int] = set()
    for word in (w.strip() for w in text.split(",")):
        matched = {i for i, n in enumerate(names) if n == word or fnmatch.fnmatchcase(n, word)}
        span = re.fullmatch(r"(\d+)(?:~(\d+))?", word)
        if not matched and span:
            matched = set(range(int(span[1]), int(span[2] or span[1]) + 1))
        if not matched:
            raise SelectionError(f"field {word!r} matches none of {', '.join(names)}")
        found |= matched
    return frozenset(found)


def _mode(table: SolutionTable, text: str) -> InterpolationMode:
    """The interpolation of a table; within observations or scans only where its solutions are of several (as CASA has it)."""
    mode = parse_interpolation(text)
    if mode.per_obs and len(np.unique(table.obs)) < 2:
        log.post(f"{table.path} has solutions of one observation only: 'perobs' changes nothing", "WARN")
        mode = replace(mode, per_obs=False)
    if mode.per_scan and not (table.scan >= 0).any():
        log.post(f"{table.path} has no scan numbers: 'perscan' changes nothing", "WARN")
        mode = replace(mode, per_scan=False)
    return mode


def _tell_surplus(count: int, **lists: Sequence[Any]) -> None:
    """Warn of values in lists that are longer than that of the tables: they serve none, so that something is likely in the wrong place."""
    for name, values in lists.items():
        surplus = sum(1 for v in values[max(count, 1) :] if v not in ("", []))
        if count and surplus:
            log.post(f"{name} has {len(values)} values for {count} calibration tables; those beyond are not used", "WARN")


def _field_map(ms: MeasurementSet, table: SolutionTable, wanted: Any) -> str | frozenset[int] | tuple[int, ...]:
    if isinstance(wanted, (list, tuple)):
        return tuple(int(v) for v in wanted)
    text = str(wanted).strip()
    if text in ("", "*"):
        return ""
    if text.lower() == "nearest":
        return "nearest"
    # Tables of curves hold no names; their fields are those of the data.
    chosen = select_fields(text, table.field_names or [f.name for f in ms.metadata.fields])
    if not chosen & table.fields and -1 not in table.fields:
        raise SelectionError(f"{table.path!r} has no solutions for field {text!r}; it has some for fields {sorted(table.fields)}")
    return chosen


_WORD = re.compile(r"\s*,?\s*(\w+)\s*=\s*('[^']*'|\"[^\"]*\"|\[[^\]]*\]|[^\s,'\"\[]+)")
_TEXT_KEYS, _MAPS = (
    ("field", "intent", "spw", "obs", "scan", "tinterp", "finterp", "reach"),
    ("fldmap", "spwmap", "obsmap", "antmap", "scanmap"),
)
_KEYS = frozenset({"caltable", "calwt", "interp", *_TEXT_KEYS, *_MAPS})


def _parse_lines(text: str, what: str) -> list[dict[str, Any]]:
    """The name=value pairs of each line of a library that has some."""
    lines = [_parse_line(line, f"{what}, line {number}") for number, line in enumerate(text.splitlines(), 1)]
    return [values for values in lines if values]


def read_library(path: str) -> str:
    """The text of a calibration library file; PathMissingError if there is none."""
    if not os.path.isfile(path):
        raise PathMissingError(f"calibration library {path!r} does not exist")
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def library_record(text: str, what: str = "calibration library") -> dict[str, Any]:
    """The lines of a calibration library as the record that CASA makes of them.

    Returns
    -------
    dict
        For each table ``calwt`` and, by number, its rules: texts, and maps as arrays of int.

    Raises
    ------
    ParameterError
        A line cannot be read.
    """
    out: dict[str, Any] = {}
    for values in _parse_lines(text, what):
        entry = out.setdefault(str(values["caltable"]), {})
        time, _, frequency = str(values.get("interp", "")).partition(",")
        rule: dict[str, Any] = {k: str(values.get(k, "")) for k in _TEXT_KEYS}
        rule["tinterp"], rule["finterp"] = rule["tinterp"] or time, rule["finterp"] or frequency
        for name in _MAPS:
            given = values.get(name, [])
            plain = isinstance(given, str) and given
            rule[name] = given if plain else np.atleast_1d(np.asarray(given if given != "" else [], dtype=np.int64))
        entry[str(sum(k.isdigit() for k in entry))] = rule
        entry["calwt"] = entry.get("calwt", False) or bool(values.get("calwt", True))
    return out


def library_text(record: Mapping[str, Any]) -> str:
    """The lines of a calibration library for a record of `library_record`.

    Raises
    ------
    ParameterError
        It is no such record.
    """
    lines = []
    for name, entry in record.items():
        rules = [entry[k] for k in sorted(entry, key=str) if str(k).isdigit()] if isinstance(entry, Mapping) else []
        if not rules or not all(isinstance(r, Mapping) for r in rules):
            raise ParameterError(
                f"calibration library: the record of {name!r} must hold rules named '0', '1', ...; got {entry!r}"
            )
        for rule in rules:
            unknown = sorted(set(rule) - _KEYS)
            if unknown:
                raise ParameterError(f"calibration library: unknown {', '.join(unknown)}; allowed are {', '.join(sorted(_KEYS))}")
            words = [f"caltable='{name}'", f"calwt={bool(entry.get('calwt', True))}"]
            for key, value in rule.items():
                if isinstance(value, str):
                    words += [f"{key}='{value}'"] if value.strip() else []
                elif len(np.atleast_1d(value)):
                    words.append(f"{key}={[int(v) for v in np.atleast_1d(value)]}")
            lines.append(" ".join(words))
    return "\n".join(lines)


def _parse_line(line: str, where: str) -> dict[str, Any]:
    text = line.split("#", 1)[0].strip()
    values: dict[str, Any] = {}
    at = 0
    while at < len(text):
        word = _WORD.match(text, at)
        if word is None:
            raise ParameterError(f"{where}: cannot read {text[at:]!r}; expected name=value pairs")
        values[word[1]], at = _value(word[2]), word.end()
    if values and "caltable" not in values:
        raise ParameterError(f"{where}: there is no caltable")
    unknown = sorted(set(values) - _KEYS)
    if unknown:
        raise ParameterError(f"{where}: unknown {', '.join(unknown)}; allowed are {', '.join(sorted(_KEYS))}")
    if not isinstance(values.get("calwt", True), bool):
        raise ParameterError(f"{where}: calwt must be True or False; got {values['calwt']!r}")
    for name in _MAPS:
        given = values.get(name, [])
        numbers = given if isinstance(given, list) else [given]
        if not all(isinstance(n, int) for n in numbers) and not (name == "fldmap" and isinstance(given, str)):
            raise ParameterError(f"{where}: {name} must be a list of numbers such as [0,0,1]; got {given!r}")
    return values


def _value(text: str) -> Any:
    if text.lower() in ("true", "false", "t", "f"):
        return text.lower() in ("true", "t")
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _rule(ms: MeasurementSet, table: SolutionTable, values: Mapping[str, Any]) -> LibraryRule:
    if values.get("reach"):
        log.post(f"calibration library: reach={values['reach']!r} for {table.path} has no effect, as in CASA", "WARN")
    from casatools.io.ms import Selection

    chosen = Selection(
        field=str(values.get("field", "")), spw=str(values.get("spw", "")), observation=str(values.get("obs", "")),
        intent=str(values.get("intent", "")), scan=str(values.get("scan", "")),
    ).resolve(ms, allow_empty=True)  # fmt: skip
    time, frequency = str(values.get("tinterp", "")), str(values.get("finterp", ""))
    maps = {k: values.get(k, []) for k in ("spwmap", "obsmap", "antmap", "scanmap")}
    numbers = {k: [v] if isinstance(v, int) else list(v) for k, v in maps.items()}
    return LibraryRule(
        fields=frozenset(int(f) for f in chosen.fields) if values.get("field") not in (None, "") else None,
        spws=frozenset(int(s) for s in chosen.spws) if values.get("spw") not in (None, "") else None,
        observations=frozenset(int(o) for o in chosen.observations) if values.get("obs") not in (None, "") else None,
        states=frozenset(int(s) for s in np.unique(ms.read("STATE_ID", chosen.rows))) if values.get("intent") else None,
        field_map=_field_map(ms, table, values.get("fldmap", "")),
        spw_map=_checked_spw_map(ms, table, numbers["spwmap"]),
        obs_map=tuple(int(v) for v in numbers["obsmap"]),
        antenna_map=tuple(int(v) for v in numbers["antmap"]),
        scans=frozenset(int(s) for s in chosen.scans) if values.get("scan") not in (None, "") else None,
        scan_map=tuple(int(v) for v in numbers["scanmap"]),
        mode=_mode(table, str(values.get("interp", "")) or f"{time},{frequency}".rstrip(",")),
    )
