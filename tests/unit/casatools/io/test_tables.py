"""Opening tables and writing cells: what is refused, and that nothing is changed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import DataError, PathMissingError
from casatools.io.table_access import create_table
from casatools.io.tables import column_cells, open_table, put_cells


@pytest.fixture
def path() -> str:
    made = create_table("t.tab", {"I": {"valueType": "int"}, "A": {"valueType": "float", "ndim": 1, "shape": [3]}}, nrow=4)
    made.putcol("A", np.ones((4, 3), np.float32))
    made.close()
    return "t.tab"


def test_tables_that_cannot_be_opened(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PathMissingError, match="nowhere"):
        open_table("nowhere")
    os.mkdir("folder")
    with pytest.raises(DataError, match=r"'folder' is not a casacore table \(it has no table\.dat\)"):
        open_table("folder")
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda where, mode: not mode & os.W_OK)  # tests may run as a user who may write anything
        with pytest.raises(DataError, match=r"no permission to write the table 't\.tab'"):
            open_table(path, writable=True)
        open_table(path).close()
    content = Path(path, "table.dat").read_bytes()
    Path(path, "table.dat").write_bytes(content[:20])
    with pytest.raises(DataError, match=r"sub-table 't\.tab' cannot be opened"):
        open_table(path, what="sub-table")


@pytest.mark.parametrize("rows", [[1, 2], [0, 3, 1, 2]])
def test_cells_that_do_not_fit(path: str, rows: list[int]) -> None:
    opened = open_table(path, writable=True)
    with pytest.raises(DataError, match=r"column 'A' of .* cannot be written"):
        put_cells(opened, "A", np.zeros((len(rows), 5), np.float32), np.array(rows))
    assert np.array_equal(opened.getcol("A"), np.ones((4, 3)))
    put_cells(opened, "A", np.zeros((len(rows), 3), np.float32), np.array(rows))
    assert opened.getcol("A")[rows].sum() == 0
    opened.close()


def test_numbers_of_scattered_rows_are_read_with_those_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alternating runs of rows, in any order, are those of the whole column; only texts and far rows go by a reference table."""
    path = str(tmp_path / "t.tab")
    description = {
        name: {"valueType": kind, "option": 0, "comment": ""} for name, kind in (("N", "int"), ("D", "double"), ("S", "string"))
    }
    table = create_table(path, description, 50000)
    values = np.random.default_rng(1).integers(0, 99, 50000).astype(np.int32)
    table.putcol("N", values)
    table.putcol("D", values / 7)
    table.putcol("S", [str(v) for v in values])
    table.close()
    table = open_table(path)
    rows = np.flatnonzero(np.arange(50000) // 3 % 2)[5:]
    far = np.sort(np.random.default_rng(2).choice(50000, 1200, replace=False))
    asked = []
    taken = type(table).selectrows
    monkeypatch.setattr(type(table), "selectrows", lambda self, rows: asked.append(len(rows)) or taken(self, rows))
    for which in (rows, rows[::-1], np.random.default_rng(3).permutation(rows)):
        np.testing.assert_array_equal(column_cells(table, "N", which), values[which])
        np.testing.assert_array_equal(column_cells(table, "D", which), values[which] / 7)
    assert not asked
    assert list(column_cells(table, "S", rows)) == [str(v) for v in values[rows]]
    np.testing.assert_array_equal(column_cells(table, "N", far), values[far])
    assert asked == [len(rows), len(far)]
    table.close()


def test_many_numbers_here_and_there_are_read_and_written() -> None:
    made = create_table("s.tab", {"I": {"valueType": "int"}}, nrow=5000)
    made.putcol("I", np.arange(5000))
    rows = np.random.default_rng(3).permutation(5000)[:2000]
    np.testing.assert_array_equal(column_cells(made, "I", rows), rows)
    put_cells(made, "I", -rows, rows)
    wanted = np.arange(5000)
    wanted[rows] *= -1
    np.testing.assert_array_equal(made.getcol("I"), wanted)
    made.close()
