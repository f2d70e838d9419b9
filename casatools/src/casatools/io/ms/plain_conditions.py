"""TaQL conditions that only compare columns with numbers, for whole columns at once: tens of times the speed of going from row to row.

Notes
-----
``ANTENNA1 == 3 && (TIME > 5e9 || SCAN_NUMBER in [1, 4])``: comparisons of a column with a number, ``in`` a list of numbers, ``&& || and or`` and
brackets. Everything else is left to casacore, and so is what it would refuse.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection

import numpy as np

__all__ = ["condition_mask"]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.:~/'\"])|(?P<word>[A-Za-z]\w*)(?![\w.:(\[])|(?P<sign>==|!=|<>|>=|<=|&&|\|\||[=<>(),\[\]]))"
)
_COMPARISONS: dict[str, Callable[..., np.ndarray]] = {
    "==": operator.eq, "=": operator.eq, "!=": operator.ne, "<>": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip
_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
# Whole numbers up to here are the same in double precision.
_LARGEST = 2**53


class _LeftToCasacoreError(Exception):
    """The condition is more than this module reads."""


def condition_mask(condition: str, names: Collection[str], column: Callable[[str], np.ndarray]) -> np.ndarray | None:
    """Which rows a condition is true of; None where it is more than comparisons of columns with numbers.

    Parameters
    ----------
    condition : str
    names : collection of str
        The columns of whole numbers and of double precision that hold one number a row.
    column : callable
        Gives the values of a column.

    Returns
    -------
    ndarray (row,) bool, or None
    """
    try:
        words = _tokens(condition)
        tree, at = _either(words, 0, names)
        if at != len(words):
            return None
    except _LeftToCasacoreError:
        return None
    return tree(column)


_Tree = Callable[[Callable[[str], np.ndarray]], np.ndarray]


def _tokens(condition: str) -> list[str | float | int]:
    """Words and signs as texts, numbers as numbers."""
    out: list[str | float | int] = []
    at, text = 0, condition.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _LeftToCasacoreError
        at = found.end()
        if found["number"]:
            whole = not re.search(r"[.eE]", found["number"])
            number = int(found["number"]) if whole else float(found["number"])
            if whole and abs(number) > _LARGEST:
                raise _LeftToCasacoreError
            if abs(number) >= 2**31:  # no number of a column of whole numbers
                number = float(number)
            # A sign behind a value is an operator.
            if out and (not isinstance(out[-1], str) or out[-1] in ")]" or out[-1][0].isalpha()) and found["number"][0] in "+-":
                raise _LeftToCasacoreError
            out.append(number)
        elif found["word"]:
            out.append({"and": "&&", "or": "||", "in": "in"}.get(found["word"].lower(), found["word"]))
        else:
            out.append(found["sign"])
    return out


def _word(words: list[str | float | int], at: int) -> str | float | int:
    if at >= len(words):
        raise _LeftToCasacoreError
    return words[at]


def _either(words: list[str | float | int], at: int, names: Collection[str]) -> tuple[_Tree, int]:
    return _joined(words, at, names, "||", np.logical_or, _both)


def _both(words: list[str | float | int], at: int, names: Collection[str]) -> tuple[_Tree, int]:
    return _joined(words, at, names, "&&", np.logical_and, _comparison)


def _joined(
    words: list[str | float | int],
    at: int,
    names: Collection[str],
    sign: str,
    join: Callable[..., np.ndarray],
    part: Callable[..., tuple[_Tree, int]],
) -> tuple[_Tree, int]:
    """Parts between one sign."""
    tree, at = part(words, at, names)
    trees = [tree]
    while at < len(words) and words[at] == sign:
        tree, at = part(words, at + 1, names)
        trees.append(tree)

    def joined(column: Callable[[str], np.ndarray]) -> np.ndarray:
        out = trees[0](column)
        for one in trees[1:]:
            join(out, one(column), out=out)
        return out

    return joined, at


def _comparison(words: list[str | float | int], at: int, names: Collection[str]) -> tuple[_Tree, int]:
    first = _word(words, at)
    if first == "(":
        tree, at = _either(words, at + 1, names)
        if _word(words, at) != ")":
            raise _LeftToCasacoreError
        return tree, at + 1
    sign, second = str(_word(words, at + 1)), _word(words, at + 2)
    if sign == "in" and second == "[" and first in names:
        return _membership(words, at + 3, str(first))
    if not isinstance(first, str):
        first, second, sign = second, first, _MIRRORED.get(sign, sign)
    if first not in names or isinstance(second, str) or sign not in _COMPARISONS:
        raise _LeftToCasacoreError
    name, number, compare = str(first), second, _COMPARISONS[sign]
    return lambda column: compare(column(name), number), at + 3


def _membership(words: list[str | float | int], at: int, name: str) -> tuple[_Tree, int]:
    """What follows ``in [``."""
    wanted = [_word(words, at)]
    at += 1
    while _word(words, at) == ",":
        wanted.append(_word(words, at + 1))
        at += 2
    if words[at] != "]" or any(isinstance(number, str) for number in wanted):
        raise _LeftToCasacoreError
    return lambda column: np.isin(column(name), wanted), at + 1
