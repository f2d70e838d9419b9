"""Lists of spectral lines: finding, searching, importing, printing.

References
----------
Splatalogue, https://splatalogue.online: the catalogue whose export files and columns these lists have.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from casatools._base import config
from casatools._base.errors import ParameterError, PathMissingError
from casatools._base.paths import resolve
from casatools.io.line_tables import COLUMNS, LineTable, lines_at, open_lines
from casatools.io.packed_lines import SHIPPED_LINES, PackedLines

__all__ = [
    "LineSearch",
    "default_table",
    "distinct_texts",
    "limit_pair",
    "lines_record",
    "lines_text",
    "read_exports",
    "search_lines",
]

Lines = dict[str, np.ndarray]
_DEFAULT = os.path.join("ephemerides", "SplatDefault.tbl")


def default_table() -> str:
    """The list of spectral lines to search when none is named.

    Returns
    -------
    str
        The table of CASA's data in the data paths, the measures path or an installed casadata; else the list that is part of this package:
        Splatalogue's of 2010, the same lines.
    """
    places = [str(config.value(name)) for name in ("rundata", "measurespath") if config.value(name)]
    for place in [resolve(_DEFAULT), *(os.path.join(os.path.expanduser(p), _DEFAULT) for p in places)]:
        if os.path.isdir(place):
            return place
    return SHIPPED_LINES


@dataclass(frozen=True)
class LineSearch:
    """What lines are wanted.

    Attributes
    ----------
    frequency_ghz : tuple of float
        Lowest and highest; () is all.
    species, chemical_names, quantum_numbers : sequence of str
        Exact texts, any of them; empty is all.
    recommended : bool
        Only recommended frequencies.
    limits : dict
        Column name to lowest and highest value; recombination lines, which have no such values, pass.
    recombination : str
        "with", "without" or "only" recombination lines.
    """

    frequency_ghz: tuple[float, ...] = ()
    species: Sequence[str] = ()
    chemical_names: Sequence[str] = ()
    quantum_numbers: Sequence[str] = ()
    recommended: bool = False
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    recombination: str = "with"


def limit_pair(given: Sequence[float], name: str, most_unset: float) -> tuple[float, ...]:
    """A range parameter of searches: () when it is empty, or one number up to `most_unset`, as its default is.

    Raises
    ------
    ParameterError
        It is not two numbers, the lower one first.
    """
    values = tuple(float(v) for v in given)
    if not values or (len(values) == 1 and values[0] <= most_unset):
        return ()
    if len(values) != 2 or values[0] > values[1]:
        raise ParameterError(f"parameter {name!r} must be two numbers, the lower one first; got {list(given)}")
    return values


def search_lines(table: str, wanted: LineSearch) -> Lines:
    """The lines of a table that meet all conditions, by frequency.

    Raises
    ------
    PathMissingError, DataError
        The table is missing, or is none of spectral lines.
    """
    with closing(open_lines(table)) as lines:
        rows = _rows(lines, wanted)
        return lines_at(lines, rows[np.argsort(lines.numbers("FREQUENCY", rows), kind="stable")])


def _rows(lines: LineTable | PackedLines, wanted: LineSearch) -> np.ndarray:
    """Rows that meet all conditions: each condition is asked of those that are left, the cheapest first."""
    rows = np.arange(lines.count)
    if wanted.frequency_ghz:
        low, high = wanted.frequency_ghz
        values = lines.numbers("FREQUENCY", rows)
        rows = rows[(values >= low) & (values <= high)]
    texts = {"SPECIES": wanted.species, "CHEMICAL_NAME": wanted.chemical_names, "QUANTUM_NUMBERS": wanted.quantum_numbers}
    for column, allowed in texts.items():
        if allowed:
            rows = rows[lines.matching(column, frozenset(allowed).__contains__, rows)]
    if wanted.recommended:
        rows = rows[lines.flags("RECOMMENDED", rows)]
    if wanted.recombination == "with" and not wanted.limits:
        return rows
    recombining = lines.matching("CHEMICAL_NAME", lambda name: "Recombination" in name, rows)
    if wanted.recombination == "only":
        return rows[recombining]
    if wanted.recombination == "without":
        rows, recombining = rows[~recombining], np.zeros(np.count_nonzero(~recombining), bool)
    for column, (least, most) in wanted.limits.items():
        values = lines.numbers(column, rows)
        kept = recombining | ((values >= least) & (values <= most))
        rows, recombining = rows[kept], recombining[kept]
    return rows


def distinct_texts(table: str, column: str) -> np.ndarray:
    """The texts that occur in a column of names of a table, in alphabetical order."""
    with closing(open_lines(table)) as lines:
        return np.array(lines.distinct(column), dtype=str)


def lines_record(lines: Lines) -> dict[str, dict[str, object]]:
    """CASA's record of lines, keys ``*0``, ``*1``, ...."""
    record: dict[str, dict[str, object]] = {}
    for k in range(len(lines["FREQUENCY"])):
        row = {name: values[k] for name, values in lines.items()}
        record[f"*{k}"] = {
            "chemname": str(row["CHEMICAL_NAME"]), "el": {"unit": "K", "value": float(row["EL"])},
            "eu": {"unit": "K", "value": float(row["EU"])}, "freq": {"unit": "GHz", "value": float(row["FREQUENCY"])},
            "intensity": float(row["INTENSITY"]), "linelist": str(row["LINELIST"]), "loga": float(row["LOGA"]),
            "qns": str(row["QUANTUM_NUMBERS"]), "recommended": bool(row["RECOMMENDED"]),
            "smu2": {"unit": "Debye2", "value": float(row["SMU2"])}, "species": str(row["SPECIES"]),
        }  # fmt: skip
    return record


_FORMATS = (
    ("SPECIES", "{:<14}"), ("RECOMMENDED", "{:>11}"), ("CHEMICAL_NAME", " {:<20}"), ("FREQUENCY", " {:>11.6f}"),
    ("QUANTUM_NUMBERS", " {:<20}"), ("INTENSITY", " {:>9.5f}"), ("SMU2", " {:>9.5f}"), ("LOGA", " {:>9.5f}"), ("EL", " {:>9.5f}"),
    ("EU", " {:>9.5f}"), ("LINELIST", "  {:<10}"),
)  # fmt: skip


def lines_text(lines: Lines) -> str:
    """Lines as a table of text."""
    heads = [form.split(".")[0].rstrip("}").replace("f", "") + "}" for _, form in _FORMATS]
    out = ["".join(h.format(name) for h, (name, _) in zip(heads, _FORMATS, strict=True))]
    for k in range(len(lines["FREQUENCY"])):
        cells = []
        for name, form in _FORMATS:
            value = lines[name][k]
            cells.append(form.format(("*" if value else " ") if name == "RECOMMENDED" else value))
        out.append("".join(cells))
    return "\n".join(out) + "\n"


def read_exports(paths: Sequence[str]) -> Lines:
    """Read files that Splatalogue exports with tabs between columns.

    Parameters
    ----------
    paths : sequence of str
        Columns: species, recommended (any text is yes), chemical name, frequency [GHz, or MHz when the heading says so], quantum
        numbers, intensity, line strength, log A, lower and upper energy [K], line list. Empty numbers are 0.

    Raises
    ------
    PathMissingError, ParameterError
        A file is missing, none is named, or a line cannot be read.
    """
    if not paths or not all(paths):
        raise ParameterError("no file of spectral lines is named")
    rows: list[list[object]] = []
    for path in paths:
        if not os.path.isfile(path):
            raise PathMissingError(f"the file of spectral lines {path!r} does not exist")
        scale = 1.0
        with open(path, encoding="utf-8", errors="replace") as stream:
            for number, line in enumerate(stream, start=1):
                text = line.rstrip("\r\n")
                if not text.strip() or text.lstrip().startswith("#"):
                    continue
                words = [w.strip() for w in text.split("\t")]
                if len(words) != len(COLUMNS):
                    raise ParameterError(
                        f"line {number} of {path!r} has {len(words)} columns between tabs; an export of Splatalogue has {len(COLUMNS)}"
                    )
                if number == 1 and not _is_number(words[3]):
                    scale = 1e-3 if "mhz" in words[3].lower() else 1.0
                    continue
                rows.append(_row(words, scale, f"line {number} of {path!r}"))
    if not rows:
        raise ParameterError(f"there is no spectral line in {', '.join(paths)}")
    types = {"string": str, "boolean": bool, "double": np.float64, "float": np.float32}
    return {
        name: np.array([r[k] for r in rows], dtype=types[kind]) for k, (name, (kind, _)) in enumerate(COLUMNS.items())
    }  # fmt: skip


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _row(words: Sequence[str], scale: float, where: str) -> list[object]:
    row: list[object] = []
    for word, (name, (kind, _)) in zip(words, COLUMNS.items(), strict=True):
        if kind == "string":
            row.append(word)
        elif kind == "boolean":
            row.append(bool(word))
        elif not word and name != "FREQUENCY":
            row.append(0.0)
        elif _is_number(word):
            row.append(float(word) * (scale if name == "FREQUENCY" else 1.0))
        else:
            raise ParameterError(f"{where}: {name.lower()} must be a number; got {word!r}")
    return row
