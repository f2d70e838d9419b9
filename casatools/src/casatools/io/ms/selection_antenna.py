"""Antenna, baseline and feed expressions.

``;`` separates baseline lists, which are added from left to right; ``!`` in front of one takes it away from what came before it; ``A & B`` are cross-correlations between two lists, ``A && B``
with auto-correlations, ``A &&&`` auto-correlations alone, ``A &`` those within the list, ``A`` all with the rest of the array.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from casatools.io.ms.metadata import Antenna
from casatools.io.ms.selection_grammar import IdRange, Name, Refusal, parse_id, parse_name, shown, split_top

__all__ = ["BaselineItem", "BaselineSelection", "named_antennas", "parse_antenna", "resolve_antenna", "resolve_feed"]


@dataclass(frozen=True)
class AntennaToken:
    """Antennas by ID or name, those at a station, or both."""

    antenna: IdRange | Name | None
    station: Name | None


@dataclass(frozen=True)
class LengthRange:
    """Baseline lengths in metres, ends included."""

    low_m: float
    high_m: float


@dataclass(frozen=True)
class BaselineItem:
    """One part of the expression: `operator` is "", "&", "&&" or "&&&"; an empty `second` means the list itself."""

    negated: bool
    first: tuple[AntennaToken, ...]
    operator: str = ""
    second: tuple[AntennaToken, ...] = ()
    length: LengthRange | None = None


@dataclass(frozen=True)
class BaselineSelection:
    """A resolved expression.

    Attributes
    ----------
    matrix : ndarray (ant, ant) bool
        Symmetric; True where rows with these two antennas are selected.
    pairs : ndarray (pair, 2) int
        The baselines named, in the order given; of a part with ``!`` the antennas named are negative.
    antenna1, antenna2 : ndarray of int
        First and second antennas named, each once.
    """

    matrix: np.ndarray
    pairs: np.ndarray
    antenna1: np.ndarray
    antenna2: np.ndarray


_METRES = {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "km": 1e3}
_NUM = r"(\d+\.?\d*|\.\d+)\s*([a-zA-Z]*)"
_LENGTH_BOUND = re.compile(r"([<>])=?\s*" + _NUM)
_LENGTH_RANGE = re.compile(_NUM + r"\s*~\s*" + _NUM)


def _length(text: str, refuse: Refusal) -> LengthRange | None:
    """``<100m``, ``0.1~0.5km``; None when it is not a range of lengths (``2~5`` is one of IDs)."""
    if bound := _LENGTH_BOUND.fullmatch(text):
        limit = float(bound[2]) * _metres(bound[3] or "m", refuse)
        return LengthRange(0.0, limit) if bound[1] == "<" else LengthRange(limit, np.inf)
    found = _LENGTH_RANGE.fullmatch(text)
    if found is None or not found[4]:
        return None
    unit = _metres(found[4], refuse)
    return LengthRange(float(found[1]) * (_metres(found[2], refuse) if found[2] else unit), float(found[3]) * unit)


def _metres(unit: str, refuse: Refusal) -> float:
    if unit.lower() not in _METRES:
        raise refuse(f"{unit!r} is not a unit of baseline length", "allowed are m and km")
    return _METRES[unit.lower()]


def _token(text: str, refuse: Refusal, what: str) -> AntennaToken:
    ids = parse_id(text, refuse)
    if ids is not None and ids.listed:
        return AntennaToken(ids, None)
    if text[:1] in ("!", "<", ">", "~", "{", "(") or re.fullmatch(r"\d+\s*[-~].*", text):
        if what == "feed":
            raise refuse(f"{text!r} is not a feed: give a number or a range such as 0~1")
        raise refuse(f"{text!r} is not an antenna: give a name, a pattern, an ID, a range such as 0~3, or NAME@STATION")
    if "@" in text and text[0] not in "/\"'":
        name, _, station = text.partition("@")
        where = parse_name(station.strip(), refuse, brackets=True)
        if not name.strip():
            return AntennaToken(None, where)
        number = parse_id(name.strip(), refuse)
        return AntennaToken(number if number is not None else parse_name(name.strip(), refuse, brackets=True), where)
    if not text.startswith(("^", "/", '"', "'")) and re.search(r"[-]\d", text) and re.fullmatch(r"[\d-]+", text):
        raise refuse(f"{text!r} is not an antenna; ranges are written 0~3")
    return AntennaToken(parse_name(text, refuse, brackets=True), None)


def _tokens(text: str, refuse: Refusal, what: str) -> tuple[AntennaToken, ...]:
    return tuple(_token(item, refuse, what) for item in split_top(text, ","))


@lru_cache(maxsize=4096)  # lists of many commands say the same again and again
def parse_antenna(text: str, what: str = "antenna") -> tuple[BaselineItem, ...]:
    """Parse an antenna or feed expression; raise SelectionError where it cannot be read."""
    if not text.strip():
        return ()
    refuse = Refusal(what, text)
    out = []
    for part in split_top(text, ";"):
        negated = part.startswith("!")
        body = part[1:].strip() if negated else part
        if not body:
            raise refuse("a part of the list is empty")
        length = _length(body, refuse) if what == "antenna" else None
        if length is not None:
            out.append(BaselineItem(negated, (), length=length))
            continue
        pieces = split_top(body, "&")
        runs = [len(m) for m in re.findall(r"&+", re.sub(r"/[^/]*/|\"[^\"]*\"|'[^']*'", "", body))]
        if len(runs) > 1 or (runs and runs[0] > 3):
            raise refuse(f"{body!r} has more than one '&' operator; separate baselines by ';'")
        operator = "&" * runs[0] if runs else ""
        second = pieces[-1] if operator else ""
        if not pieces[0]:
            raise refuse(f"{body!r} has no {what} before the {operator!r}")
        if operator == "&&&" and second:
            raise refuse(f"{body!r}: '&&&' is not followed by a second list")
        out.append(
            BaselineItem(negated, _tokens(pieces[0], refuse, what), operator, _tokens(second, refuse, what) if second else ())
        )
    return tuple(out)


def _antenna_ids(
    tokens: tuple[AntennaToken, ...], antennas: tuple[Antenna, ...], refuse: Refusal, what: str = "antenna"
) -> list[int]:
    names = [a.name for a in antennas]
    stations = [a.station for a in antennas]
    known = f"there are {len(antennas)}: " + shown([f"{a.name}@{a.station}" if a.station else a.name for a in antennas])
    out: list[int] = []
    for token in tokens:
        found = list(range(len(antennas)))
        if isinstance(token.antenna, IdRange):
            found = []
            for number in range(
                token.antenna.low, (token.antenna.high if token.antenna.high is not None else len(names) - 1) + 1
            ):
                # Antennas are often named by numbers (VLA): a name wins over an ID.
                named = [i for i, n in enumerate(names) if n == str(number)]
                found += named if named else ([number] if number < len(names) else [])
            if not found:
                if len(tokens) > 1:  # numbers out of range are dropped from a list as long as others are left
                    continue
                raise refuse(f"there is no {what} {token.antenna.low}", known)
        elif token.antenna is not None:
            found = [i for i, n in enumerate(names) if token.antenna.matches(n)]
            if not found and token.station is None:
                found = [i for i, s in enumerate(stations) if token.antenna.matches(s)]
            if not found:
                raise refuse(f"no {what} matches {token.antenna.text!r}", known)
        if token.station is not None:
            at = [i for i in found if token.station.matches(stations[i])]
            if not at:
                raise refuse(f"no antenna is at a station that matches {token.station.text!r}", known)
            found = at
        out += [i for i in found if i not in out]
    if not out:
        raise refuse(f"it matches no {what}", known)
    return out


def _matched(item: BaselineItem, first: list[int], second: list[int]) -> list[tuple[int, int]]:
    """Pairs of antennas that one part names."""
    if item.operator == "&&&":
        return [(a, a) for a in first]
    return [(a, b) for a in first for b in second if a != b or item.operator == "&&"]


def _signed(item: BaselineItem, first: list[int], second: list[int]) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Pairs, first and second antennas of one part as CASA reports them: what is taken away is negative."""
    sign = -1 if item.negated else 1
    both = sign if item.operator in ("&", "&&") else 1
    ones, twos = [sign * a for a in first], [both * b for b in second]
    if item.operator == "&&&":
        return [(a, a) for a in ones], ones, twos
    return [(a, b) for a in ones for b in twos if a != b or item.operator == "&&"], ones, twos


def resolve_antenna(items: tuple[BaselineItem, ...], antennas: tuple[Antenna, ...], expression: str) -> BaselineSelection:
    """The baselines that an expression stands for.

    Raises
    ------
    SelectionError
        A name, ID, station or length matches nothing.
    """
    refuse = Refusal("antenna", expression)
    n = len(antennas)
    # Parts take effect one after another; where the first takes something away, it does so from everything.
    chosen = np.full((n, n), items[0].negated)
    pairs: dict[tuple[int, int], tuple[int, int]] = {}
    ones: list[int] = []
    twos: list[int] = []
    for item in items:
        if item.length is not None:
            found = _by_length(item.length, antennas)
            reported: tuple[list[tuple[int, int]], list[int], list[int]] = (found, [], [])
        else:
            first = _antenna_ids(item.first, antennas, refuse)
            second = (
                _antenna_ids(item.second, antennas, refuse)
                if item.second
                else (first if item.operator in ("&", "&&") else list(range(n)))
            )
            found, reported = _matched(item, first, second), _signed(item, first, second)
        if found:
            index = np.array(found)
            chosen[index[:, 0], index[:, 1]] = not item.negated
            chosen[index[:, 1], index[:, 0]] = not item.negated
        for a, b in reported[0]:
            pairs.setdefault((a, b) if a <= b else (b, a), (a, b))
        ones += [a for a in reported[1] if a not in ones]
        twos += [b for b in reported[2] if b not in twos]
    named = np.array(list(pairs.values()), dtype=np.int64).reshape(-1, 2)
    return BaselineSelection(chosen, named, np.array(ones, dtype=np.int64), np.array(twos, dtype=np.int64))


def named_antennas(expression: str, names: Sequence[str], stations: Sequence[str] = ()) -> list[int]:
    """Antennas of a calibration table that an expression names, in its order; a part with ``!`` takes some away.

    Raises
    ------
    SelectionError
        It cannot be read, names baselines, or matches nothing.
    """
    refuse = Refusal("antenna", expression)
    nowhere = np.zeros(3)
    antennas = tuple(
        Antenna(i, name, stations[i] if i < len(stations) else "", nowhere, nowhere, 0.0, "", "", False)
        for i, name in enumerate(names)
    )
    items = parse_antenna(expression)
    chosen = list(range(len(names))) if items and items[0].negated else []
    for item in items:
        if item.operator or item.length is not None:
            raise refuse("it names baselines; give names or numbers of antennas")
        named = _antenna_ids(item.first, antennas, refuse)
        chosen = [a for a in chosen if a not in named] + ([] if item.negated else named)
    if not chosen:
        raise refuse("it leaves no antenna")
    return chosen


def _by_length(length: LengthRange, antennas: tuple[Antenna, ...]) -> list[tuple[int, int]]:
    position = np.array([a.position_m for a in antennas])
    distance = np.sqrt(((position[:, None] - position[None]) ** 2).sum(-1))
    rows, columns = np.nonzero((distance >= length.low_m) & (distance <= length.high_m))
    return [(int(a), int(b)) for a, b in zip(rows, columns) if a <= b]


def resolve_feed(items: tuple[BaselineItem, ...], feed_ids: list[int], expression: str) -> tuple[np.ndarray, np.ndarray]:
    """Feed pairs selected, as ``(matrix over feed numbers, pairs)``; a feed alone means every row in which it takes part.

    Raises
    ------
    SelectionError
        There is no such feed.
    """
    refuse = Refusal("feed", expression)
    n = max(feed_ids) + 1
    as_rows = tuple(Antenna(i, str(i), "", np.zeros(3), np.zeros(3), 0.0, "", "", False) for i in range(n))
    chosen = np.full((n, n), items[0].negated)
    for item in items:
        first = _antenna_ids(item.first, as_rows, refuse, "feed")
        second = (
            _antenna_ids(item.second, as_rows, refuse, "feed")
            if item.second
            else (first if item.operator in ("&", "&&") else list(range(n)))
        )
        # Both ends of a baseline normally have the same feed number, so equal numbers count as a pair here.
        found = [(a, a) for a in first] if item.operator == "&&&" else [(a, b) for a in first for b in second]
        index = np.array(found)
        chosen[index[:, 0], index[:, 1]] = not item.negated
        chosen[index[:, 1], index[:, 0]] = not item.negated
    return chosen, np.argwhere(np.triu(chosen))
