"""What the table tool refuses: the type of the error, what it says, and that the table is as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools._base.errors import CasaError, DataError, OutputExistsError, ParameterError, PathMissingError, UnsupportedError
from casatools.tools.table import table

DESCRIPTION = {
    "I": {"valueType": "int"},
    "A": {"valueType": "float", "ndim": 2, "shape": np.array([2, 3])},
    "V": {"valueType": "float", "ndim": 1},
}
Refused = tuple[Callable[[table], Any], type[CasaError], str]


@pytest.fixture
def tb(tmp_path: Path) -> Iterator[table]:
    tool = table()
    tool.create("t.tab", DESCRIPTION, nrow=4)
    tool.putcol("I", np.arange(4))
    tool.putcol("A", np.arange(24.0).reshape(2, 3, 4))
    for row in range(4):
        tool.putcell("V", row, np.arange(row + 1.0))
    tool.putkeyword("K", {"a": 1})
    tool.flush()
    yield tool
    tool.close()


def _state(tb: table) -> list[Any]:
    cells = [tb.getcol(c).tolist() for c in ("I", "A")] + [tb.getcell("V", r).tolist() for r in range(tb.nrows())]
    return [tb.colnames(), tb.nrows(), tb.getkeywords(), *cells]


CELLS: dict[str, Refused] = {
    "slice of scalars": (lambda t: t.getcellslice("I", 0, [0], [0]), DataError, "holds scalars and cannot be sliced"),
    "corner of too few axes": (lambda t: t.getcellslice("A", 0, [0], [1]), ParameterError, "must have 2 numbers"),
    "shapes of scalars": (lambda t: t.getcolshapestring("I"), DataError, "have no shape"),
    "array into a scalar cell": (lambda t: t.putcell("I", 0, [1, 2]), ParameterError, r"holds scalars; got an array of shape \[2\]"),
    "cell of too many axes": (lambda t: t.putcell("V", 0, np.ones((2, 2))), ParameterError, "have 1 axes"),
    "cell slice of another shape": (
        lambda t: t.putcellslice("A", 0, np.ones((2, 2)), [0, 0], [1, 2]), ParameterError, r"shape \[2, 3\]; got \[2, 2\]"
    ),
    "array into scalar cells": (lambda t: t.putcol("I", np.ones((2, 4), int)), ParameterError, r"holds scalars; .* \[2, 4\]"),
    "column slice of too few rows": (
        lambda t: t.putcolslice("A", np.ones((2, 3, 3)), [0, 0], [1, 2]), ParameterError, "needs values for 4 rows"
    ),
    "variable cells without their last axis": (
        lambda t: t.putvarcol("V", {f"r{k}": np.ones(3) for k in range(1, 5)}), ParameterError, "needs a last axis of 1"
    ),
    "variable cells of too few rows": (lambda t: t.putvarcol("V", {"r1": np.ones((3, 1))}), ParameterError, "1 entries for 4 rows"),
    "variable cells of arrays for scalars": (
        lambda t: t.putvarcol("I", {f"r{k}": np.ones((3, 1), int) for k in range(1, 5)}), ParameterError, r"scalars; .* \[3\]"
    ),
    "variable cells of which the last does not fit": (
        lambda t: t.putvarcol("A", {f"r{k}": np.ones((2, k - 1, 1)) for k in range(4, 0, -1)}), ParameterError, "shape"
    ),
    "no number for an integer": (lambda t: t.putcol("I", [float("nan"), 1, 2, 3]), ParameterError, "not finite"),
    "ragged cells": (lambda t: t.putcol("V", [[1, 2], [3]]), ParameterError, "column 'V' is a ragged list"),
    "ragged variable cells": (lambda t: t.putvarcol("V", {f"r{k}": [[1], [1, 2]] for k in range(1, 5)}), ParameterError, "ragged"),
    "array type of scalars": (lambda t: t.colarraytype("I"), DataError, "is a scalar column"),
    "number of bytes beyond the machine's": (lambda t: t.setmaxcachesize("I", 2**80), ParameterError, "does not fit"),
}  # fmt: skip
KEYWORDS: dict[str, Refused] = {
    "number of no keyword": (lambda t: t.getkeyword(5), ParameterError, "no keyword number 5; numbers are 0 to 0"),
    "number of no keyword of a column": (
        lambda t: t.getcolkeyword("I", 0),
        ParameterError,
        "no keyword number 0; there are no keywords",
    ),
    "keyword without a name": (lambda t: t.putkeyword([], 5), ParameterError, "must be named"),
    "record in a record that is not there": (
        lambda t: t.putkeyword("K.b.c", 5),
        DataError,
        "has no record 'b'; use makesubrecord",
    ),
    "fields of a number": (lambda t: t.fieldnames("K.a"), DataError, "'K.a' is not a record"),
    "ragged list": (lambda t: t.putkeyword("R", {"x": [[1, 2], [3]]}), ParameterError, "ragged"),
    "second of two keywords": (lambda t: t.putkeywords({"A": 1, "B": [[1], [1, 2]]}), ParameterError, "ragged"),
    "array of objects": (lambda t: t.putkeyword("R", {"x": np.array([None, 1])}), ParameterError, "numbers or texts"),
}
STRUCTURE: dict[str, Refused] = {
    "column that is there": (lambda t: t.addcols({"I": {"valueType": "int"}}), DataError, "has a column 'I' already"),
    "new name that is taken": (lambda t: t.renamecol("I", "V"), DataError, "has a column 'V' already"),
    "column without a description": (lambda t: t.addcols({"N": 5}), ParameterError, "column 'N' must be a dict; got 5"),
    "shape of no size": (
        lambda t: t.addcols({"N": {"valueType": "int", "shape": [2, 0]}}), ParameterError, r"shape of column 'N' must be positive integers; got \[2, 0\]"
    ),
    "shape of texts": (lambda t: t.addcols({"N": {"valueType": "int", "shape": ["a"]}}), ParameterError, "positive integers"),
    "storage manager of no type": (
        lambda t: t.addcols({"N": {"valueType": "int"}}, {"*1": {"NAME": "x"}}), ParameterError, r"'\*1' must be a dict with TYPE"
    ),
    "row numbers in another table": (lambda t: t.rownumbers({"x": 1}), UnsupportedError, "root table"),
    "separator of two characters": (lambda t: t.toasciifmt("new.txt", sep=", "), ParameterError, "'sep' must be one character"),
    "copy onto what exists": (lambda t: t.copy("there.txt"), OutputExistsError, "'there.txt' already exists"),
}  # fmt: skip


@pytest.mark.parametrize("name", CELLS | KEYWORDS | STRUCTURE)
def test_refusals_leave_the_table_as_it_was(tb: table, name: str) -> None:
    call, kind, said = (CELLS | KEYWORDS | STRUCTURE)[name]
    Path("there.txt").write_text("mine")
    before = _state(tb)
    with pytest.raises(kind, match=said):
        call(tb)
    assert _state(tb) == before
    assert Path("there.txt").read_text() == "mine" and not Path("new.txt").exists()


FILES: dict[str, Refused] = {
    "opening without a name": (lambda t: t.open(""), ParameterError, "'tablename' must be the path of a table"),
    "waiting for a text": (lambda t: t.open("t.tab", {"maxwait": "x"}), ParameterError, "interval and maxwait .* must be numbers"),
    "joining of nothing": (lambda t: t.createmultitable("new.tab", [], ""), ParameterError, "must name at least one table"),
    "unknown kind of table": (lambda t: t.create("new.tab", {}, memtype="tape"), ParameterError, "'memtype' must be one of"),
    "unknown byte order": (lambda t: t.create("new.tab", {}, endianformat="middle"), ParameterError, "'endianformat' must be one of"),
    "making without a name": (lambda t: t.create("", {}), ParameterError, "'tablename' must be a path"),
    "making over a file": (lambda t: t.create("there.txt", {}), OutputExistsError, "'there.txt' exists and is not a table"),
    "making over what is open": (lambda t: t.create("t.tab", {}), OutputExistsError, "is open"),
    "making in no folder": (lambda t: t.create("nowhere/new.tab", {}), DataError, "nowhere' .* does not exist"),
    "reading no text": (lambda t: t.fromascii("new.tab", "missing.txt"), PathMissingError, "'missing.txt' does not exist"),
    "reading by two characters": (lambda t: t.fromascii("new.tab", "there.txt", sep=", "), ParameterError, "'sep' must be one"),
    "reading an unknown type": (
        lambda t: t.fromascii("new.tab", "there.txt", columnnames=["a"], datatypes=["Q"]), ParameterError, "'Q' is unknown"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_refused_files_make_no_table_and_the_open_one_stays(tb: table, name: str) -> None:
    call, kind, said = FILES[name]
    Path("there.txt").write_text("1\n")
    before = _state(tb)
    with pytest.raises(kind, match=said):
        call(tb)
    assert tb.name().endswith("t.tab") and _state(tb) == before
    assert sorted(p.name for p in Path().iterdir() if not p.name.startswith("casa")) == ["t.tab", "there.txt"]
