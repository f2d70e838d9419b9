"""The tablerow tool: types of what comes and what may be put, as CASA 6.7 was seen to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools import table
from casatools._base.errors import DataError, NotOpenError, ParameterError
from casatools.tools.tablerow import tablerow

TYPES = {
    "I": ("int", 0),
    "D": ("double", 0),
    "S": ("string", 0),
    "B": ("boolean", 0),
    "A": ("float", 2),
    "C": ("complex", 1),
    "T": ("string", 1),
}


@pytest.fixture
def opened(tmp_path: Path) -> table:
    tb = table()
    common = {"dataManagerType": "StandardStMan", "dataManagerGroup": "S", "option": 0, "maxlen": 0, "comment": ""}
    columns = {name: {"valueType": kind, **({"ndim": ndim} if ndim else {}), **common} for name, (kind, ndim) in TYPES.items()}
    tb.create(str(tmp_path / "t.tab"), columns, nrow=3)
    tb.putcol("A", np.arange(18.0).reshape(2, 3, 3))
    return tb


def test_cells_without_values(opened: table) -> None:
    row = opened.row()
    got = row.get(0)
    assert list(got) == sorted(TYPES) and got["A"].shape == (2, 3)
    assert got["C"].dtype.kind == "c" and got["T"].dtype.kind == "U" and got["C"].shape == got["T"].shape == (0,)
    assert row.put(1, row.get(2)) and row.put(1, row.get(2), matchingfields=False)
    assert row.get(1)["T"].dtype.kind == "U" and row.get(1)["A"].tolist() == row.get(2)["A"].tolist()


def test_leniencies_and_refusals(opened: table) -> None:
    row = opened.row()
    assert row.put(0, {"B": 1, "T": "one", "D": 3, "I": 7.0, "S": "x"})
    got = row.get(0)
    assert (got["B"], got["T"].tolist(), got["D"], got["I"], got["S"]) == (True, ["one"], 3.0, 7, "x")
    for bad in ({"I": 7.9}, {"I": "x"}, {"A": 3.0}, {"S": 5}, {"B": 2}, {"I": 8, "D": "x"}, {"I": 8, "S": ["a", "b"]}):
        with pytest.raises(ParameterError):
            row.put(0, bad)
        assert row.get(0)["I"] == 7
    with pytest.raises(ParameterError, match="differ in I"):
        opened.row(["D", "I"]).put(0, {"D": 1.0}, False)
    with pytest.raises(DataError, match="no row 9"):
        row.put(9, {"I": 1})
    assert row.done() is None
    with pytest.raises(NotOpenError):
        row.get(0)
    with pytest.raises(NotOpenError):
        tablerow().iswritable()


def test_read_only(opened: table) -> None:
    name = opened.name()
    opened.close()
    opened.open(name)
    row = opened.row(["I"], exclude=True)
    assert not row.iswritable() and "I" not in row.get(0)
    with pytest.raises(DataError, match="not open for writing"):
        row.put(0, {"D": 1.0})
    opened.close()


def test_rows_by_number_and_slice(opened: table) -> None:
    row = opened.row(["I", "D"])
    for k in range(3):
        row.put(k, {"I": k, "D": 0.5 * k})
    assert len(row) == 3 and row[1] == row[-2] == {"I": 1, "D": 0.5}
    assert [r["I"] for r in row] == [0, 1, 2] and [r["I"] for r in row[2:0:-1]] == [2, 1]
    with pytest.raises(IndexError, match="there is no row 3; rows are 0 to 2"):
        row[3]
