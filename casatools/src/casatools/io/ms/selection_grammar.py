"""Pieces that all selection expressions share: lists, ranges of IDs, names, patterns, and the sentence of a refusal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from casatools._base.errors import SelectionError

__all__ = ["IdRange", "Name", "Refusal", "match_names", "parse_ids", "parse_list", "resolve_ids", "shown", "split_top"]


@dataclass(frozen=True)
class IdRange:
    """IDs from `low` to `high` inclusive; `high` None has no end. `listed` is False for bounds such as ``<5``."""

    low: int
    high: int | None
    listed: bool = True

    @property
    def single(self) -> bool:
        return self.listed and self.low == self.high

    def holds(self, number: int) -> bool:
        return number >= self.low and (self.high is None or number <= self.high)


@dataclass(frozen=True)
class Name:
    """A name to match: exact, with the wildcards ``*`` and ``?`` (and ``[...]`` where asked), or a regular expression."""

    text: str
    pattern: re.Pattern[str] | None

    def matches(self, candidate: str) -> bool:
        return candidate == self.text if self.pattern is None else self.pattern.fullmatch(candidate) is not None


@dataclass(frozen=True)
class Refusal:
    """Makes SelectionErrors about one expression."""

    what: str
    expression: str

    def __call__(self, wrong: str, available: str = "") -> SelectionError:
        return SelectionError(f"{self.what} selection {self.expression!r}: {wrong}" + (f"; {available}" if available else ""))


def shown(values: Sequence[object], limit: int = 30) -> str:
    """Values for an error message, cut after `limit`."""
    texts = [str(v) for v in values[:limit]]
    return ", ".join(texts) + (f", ... ({len(values)} in all)" if len(values) > limit else "")


def split_top(text: str, separator: str) -> list[str]:
    """Split at a separator outside of quotes and of ``/regular expressions/`` that start an item."""
    parts: list[str] = []
    current: list[str] = []
    closing = ""
    for char in text:
        if closing:
            closing = "" if char == closing else closing
        elif char in "\"'" or (char == "/" and not "".join(current).strip()):
            closing = char
        elif char == separator:
            parts.append("".join(current).strip())
            current = []
            continue
        current.append(char)
    parts.append("".join(current).strip())
    return parts


def _glob(text: str, brackets: bool) -> re.Pattern[str]:
    """The regular expression of a pattern with ``*`` and ``?`` and, where `brackets`, sets such as ``[1-3]``."""
    out = []
    i = 0
    while i < len(text):
        char = text[i]
        end = text.find("]", i + 2) if char == "[" and brackets else -1
        if char == "*":
            out.append(".*")
        elif char == "?":
            out.append(".")
        elif end > 0:
            body = text[i + 1 : end]
            out.append("[" + ("^" + body[1:] if body.startswith("!") else body) + "]")
            i = end
        else:
            out.append(re.escape(char))
        i += 1
    return re.compile("".join(out))


def parse_name(text: str, refuse: Refusal, brackets: bool = False) -> Name:
    """A name, pattern or ``/regular expression/``; quotes keep a number from being an ID."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    elif (len(text) >= 2 and text[0] == text[-1] == "/") or (brackets and text.startswith("^")):
        try:
            return Name(text, re.compile(text[1:-1] if text[0] == "/" else text[1:]))
        except re.error as error:
            raise refuse(f"the regular expression {text!r} is wrong ({error})") from None
    if not text:
        raise refuse("an item of the list is empty")
    wild = any(c in text for c in "*?") or (brackets and "[" in text)
    try:
        return Name(text, _glob(text, brackets) if wild else None)
    except re.error as error:
        raise refuse(f"the pattern {text!r} is wrong ({error})") from None


_NUMBER = re.compile(r"\d+")
_RANGE = re.compile(r"(\d+)\s*~\s*(\d+)")
_BOUND = re.compile(r"([<>])(=?)\s*(\d+)")
_BETWEEN = re.compile(r">(=?)\s*(\d+)\s*&\s*<(=?)\s*(\d+)")


def parse_id(text: str, refuse: Refusal) -> IdRange | None:
    """``7``, ``2~5``, ``<3``, ``>=2`` or ``>1&<4``; None when it is none of these."""
    if _NUMBER.fullmatch(text):
        return IdRange(int(text), int(text))
    if found := _RANGE.fullmatch(text):
        low, high = int(found[1]), int(found[2])
        if high < low:
            raise refuse(f"the range {text!r} runs backwards")
        return IdRange(low, high)
    if found := _BOUND.fullmatch(text):
        at, inclusive = int(found[3]), bool(found[2])
        return (
            IdRange(at if inclusive else at + 1, None, False)
            if found[1] == ">"
            else IdRange(0, at if inclusive else at - 1, False)
        )
    if found := _BETWEEN.fullmatch(text):
        return IdRange(int(found[2]) + (not found[1]), int(found[4]) - (not found[3]), False)
    return None


def parse_ids(text: str, what: str) -> tuple[IdRange, ...]:
    """A comma separated list of IDs and ranges, without names (scan, observation, array)."""
    if not text.strip():
        return ()
    refuse = Refusal(what, text)
    out = []
    for item in split_top(text, ","):
        found = parse_id(item, refuse)
        if found is None:
            raise refuse(f"{item!r} is neither a number, nor a range such as 1~3, nor a bound such as >2")
        out.append(found)
    return tuple(out)


def parse_list(text: str, what: str) -> tuple[IdRange | Name, ...]:
    """A comma separated list of IDs, ranges, names and patterns (field)."""
    if not text.strip():
        return ()
    refuse = Refusal(what, text)
    out: list[IdRange | Name] = []
    for item in split_top(text, ","):
        found = parse_id(item, refuse)
        if found is None and item[:1] in "<>~^" and item:
            raise refuse(f"{item!r} is not a bound on IDs such as <3 or >0")
        out.append(found if found is not None else parse_name(item, refuse))
    return tuple(out)


def match_names(name: Name, candidates: Sequence[str]) -> list[int]:
    """Positions of the candidates that match."""
    return [i for i, c in enumerate(candidates) if name.matches(c)]


def resolve_ids(items: tuple[IdRange | Name, ...], names: Sequence[str], refuse: Refusal) -> list[int]:
    """The IDs that a list stands for, in the order given, each once; a number out of range is tried as a name.

    Raises
    ------
    SelectionError
        An item matches nothing.
    """
    known = f"there are {len(names)}: " + shown([f"{i} {n!r}" for i, n in enumerate(names)])
    out: list[int] = []
    for item in items:
        if isinstance(item, Name):
            found = match_names(item, names)
            if not found:
                raise refuse(f"no name matches {item.text!r}", known)
        elif not item.listed:
            found = [i for i in range(len(names)) if item.holds(i)]
            if not found:
                raise refuse("no ID is within the bounds", known)
        else:
            found = []
            for number in range(item.low, (item.high or 0) + 1):
                if number < len(names):
                    found.append(number)
                elif str(number) in names:
                    found += [i for i, n in enumerate(names) if n == str(number)]
                elif number == item.low:  # ranges may end beyond what is there, as "0~99" in scripts for any data
                    raise refuse(f"there is no ID {number}", known)
        out += [i for i in found if i not in out]
    return out
