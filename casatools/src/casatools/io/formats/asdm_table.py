"""Tables of an ALMA science data model (ASDM) that are kept as XML, as casacore tables.

References
----------
Viallefond & Lucas, "ASDM: the ALMA science data model" (ALMA 70.75.00.00): rows are elements; an array is written as its number of axes,
their lengths, and its values.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import numpy as np

from casatools._base.errors import DataError, UnsupportedError
from casatools._base.paths import require_absent, staged_output
from casatools.io.formats.column_table import write_columns

__all__ = ["make_table_of_asdm"]

_MOST_AXES = 4


def make_table_of_asdm(path: str, xmlfile: str) -> int:
    """Make a casacore table of an XML table of an ASDM; it appears only when complete.

    Parameters
    ----------
    path, xmlfile : str

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    OutputExistsError
        The table exists.
    DataError
        The file is not XML, or not a table of an ASDM.
    UnsupportedError
        The rows are in a binary file beside it.

    Notes
    -----
    A column gets the narrowest type that holds all its values: boolean, int, int64, double, else string; identifiers such as Antenna_3
    stay texts, times stay nanoseconds. Cells that a row leaves out are 0 or empty, those of arrays undefined.
    """
    require_absent(path)
    try:
        root = ElementTree.parse(xmlfile).getroot()
    except ElementTree.ParseError as error:
        raise DataError(f"{xmlfile!r} is not XML: {error}") from error
    tag = root.tag.rsplit("}", 1)[-1]
    if not tag.endswith("Table") and tag != "ASDM":
        raise DataError(f"{xmlfile!r} is not a table of an ASDM: its root is {tag!r}")
    if any(e.tag.rsplit("}", 1)[-1] == "BulkStoreRef" for e in root.iter()):
        raise UnsupportedError(
            f"parameter 'xmlfile': the rows of {xmlfile!r} are in a binary file beside it, which cannot be read"
        )
    rows = [{c.tag: _text(c) for c in e if c.tag != "Entity"} for e in root if e.tag in ("row", "Table")]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [(name, "", _column([row.get(name) for row in rows])) for name in names]
    with staged_output(path) as temporary:
        write_columns(temporary, columns, len(rows), {"ASDM_TABLE": tag})
    return len(rows)


def _text(element: ElementTree.Element) -> str:
    """What an element holds: its text, or the identifier that it refers to."""
    reference = element.find("EntityRef")
    return reference.get("entityId", "") if reference is not None else (element.text or "").strip()


def _column(texts: list[str | None]) -> Any:
    """Values of one column."""
    given = [t for t in texts if t is not None]
    shapes = [_shape(t) for t in given]
    if given and all(s is not None for s in shapes):
        words = [t.split()[1 + len(s) :] for t, s in zip(given, shapes) if s is not None]
        typed = _typed([w for cell in words for w in cell])
        ends = np.concatenate([[0], np.cumsum([len(w) for w in words])]).astype(int)
        cells = iter([typed[a:b].reshape(s) for a, b, s in zip(ends[:-1], ends[1:], shapes)])
        out = [None if t is None else next(cells) for t in texts]
        same = len(set(shapes)) == 1 and len(given) == len(texts)
        return np.stack(out) if same else out  # type: ignore[arg-type]
    typed = _typed(given)
    if len(given) == len(texts):
        return typed
    out_all = np.zeros(len(texts), typed.dtype)
    out_all[[t is not None for t in texts]] = typed
    return out_all


def _shape(text: str) -> tuple[int, ...] | None:
    """Shape of a text that is an array."""
    words = text.split()
    if not words or not words[0].isdigit() or not 1 <= int(words[0]) <= _MOST_AXES:
        return None
    lengths = words[1 : 1 + int(words[0])]
    if len(lengths) < int(words[0]) or not all(n.isdigit() for n in lengths):
        return None
    shape = tuple(int(n) for n in lengths)
    return shape if len(words) == 1 + len(shape) + int(np.prod(shape)) else None


def _typed(words: list[str]) -> np.ndarray:
    """Texts as numbers or booleans, where all of them are."""
    if words and all(w in ("true", "false") for w in words):
        return np.array([w == "true" for w in words])
    try:
        numbers = np.array([int(w) for w in words], dtype=np.int64)
        return numbers.astype(np.int32) if numbers.size and np.abs(numbers).max() < 2**31 else numbers
    except (ValueError, OverflowError):
        pass
    try:
        return np.array([float(w) for w in words])
    except ValueError:
        return np.array(words, dtype=str)
