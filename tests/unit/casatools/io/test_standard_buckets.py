"""Columns read straight from the file of a StandardStMan: the same cells as casacore's, and left to it where the file looks otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore import tables

from casatools.io import standard_buckets
from casatools.io.tables import column_cells, open_table

ROWS = 1000
VALUES = {
    "I4": np.arange(ROWS, dtype=np.int32) * 7 - 100,
    "F8": np.linspace(-1.0, 1e9, ROWS),
    "F4": np.linspace(0, 1, ROWS, dtype=np.float32),
    "I2": (np.arange(ROWS) % 300).astype(np.int16),
    "UVW": np.arange(3.0 * ROWS).reshape(ROWS, 3),
    "PLANE": np.arange(6 * ROWS, dtype=np.int32).reshape(ROWS, 2, 3),
}


@pytest.fixture(autouse=True)
def any_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standard_buckets, "_MANY_ROWS", 1)


def make(path: Path, endian: str = "local", manager: str = "StandardStMan", options: int = 5) -> str:
    """A table of columns of numbers, and one of texts."""
    columns = [tables.makescacoldesc("NAME", "", datamanagertype=manager)]
    for name, values in VALUES.items():
        zero: Any = float(0) if values.dtype.kind == "f" else 0
        kind = {"i4": "int", "f8": "double", "f4": "float", "i2": "short"}[values.dtype.str[1:]]
        extra: dict[str, Any] = {"valuetype": kind, "datamanagertype": manager}
        if values.ndim == 1:
            columns.append(tables.makescacoldesc(name, zero, **extra))
        else:
            shape = list(values.shape[1:])
            columns.append(tables.makearrcoldesc(name, zero, ndim=len(shape), shape=shape, options=options, **extra))
    with tables.table(str(path), tables.maketabdesc(columns), nrow=ROWS, ack=False, endian=endian) as table:
        table.putcol("NAME", [f"a{k}" for k in range(ROWS)])
        for name, values in VALUES.items():
            table.putcol(name, values)
    return str(path)


def found(path: str, column: str, runs: list[tuple[int, int, int, int]] | None = None) -> np.ndarray | None:
    runs = runs or [(0, ROWS, 1, 0)]
    table = open_table(path)
    try:
        return standard_buckets.read_numbers(table, column, runs, sum(r[1] for r in runs))
    finally:
        table.close()


@pytest.mark.parametrize("endian", ["little", "big"])
def test_the_same_cells_as_casacore(tmp_path: Path, endian: str) -> None:
    path = make(tmp_path / "t.tab", endian)
    for name, values in VALUES.items():
        for runs in ([(0, ROWS, 1, 0)], [(3, 400, 2, 0)], [(5, 7, 1, 0), (20, 9, 3, 7)], [(ROWS - 1, 1, 1, 0)]):
            cells = found(path, name, runs)
            assert cells is not None and cells.dtype == values.dtype and cells.dtype.isnative
            np.testing.assert_array_equal(cells, np.concatenate([values[r[0] :][: (r[1] - 1) * r[2] + 1 : r[2]] for r in runs]))
    table = open_table(path)
    np.testing.assert_array_equal(column_cells(table, "PLANE", np.arange(10, 20)), VALUES["PLANE"][10:20])
    table.close()


def test_what_is_left_to_casacore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "t.tab")
    assert found(path, "NAME") is None  # texts
    assert found(make(tmp_path / "i.tab", manager="StManAipsIO"), "I4") is None
    assert found(make(tmp_path / "indirect.tab", options=0), "UVW") is None  # arrays in a file of their own
    with tables.table(path, ack=False) as table, table.query("I4 > 0") as part:
        assert standard_buckets.read_numbers(part, "I4", [(0, 10, 1, 0)], 10) is None  # rows of another table
    monkeypatch.setattr(standard_buckets, "_MANY_ROWS", ROWS + 1)
    assert found(path, "I4") is None


def test_cells_that_are_still_in_memory(tmp_path: Path) -> None:
    """Another tool of this process has the table open for writing: its cells reach the file when it gives them up."""
    path = make(tmp_path / "t.tab")
    writer = open_table(path, writable=True)
    writer.putcell("I4", 5, 77)
    assert found(path, "I4") is None
    reader = open_table(path)
    assert column_cells(reader, "I4", None)[5] == 77
    reader.close()
    writer.close()
    cells = found(path, "I4")
    assert cells is not None and cells[5] == 77


def test_rows_and_columns_that_were_removed_and_added(tmp_path: Path) -> None:
    path = make(tmp_path / "t.tab")
    with tables.table(path, readonly=False, ack=False) as table:
        table.removecols(["F4"])
        table.addcols(tables.maketabdesc([tables.makescacoldesc("NEW", 0, valuetype="int")]))
        table.putcol("NEW", VALUES["I4"] + 1)
    for name in ("I4", "F8", "UVW", "NEW"):
        cells = found(path, name)
        if cells is not None:
            np.testing.assert_array_equal(cells, VALUES["I4"] + 1 if name == "NEW" else VALUES[name])
    with tables.table(path, readonly=False, ack=False) as table:
        table.removerows([3, 500])
    assert found(path, "I4", [(0, ROWS - 2, 1, 0)]) is None  # buckets that are not full
    table = open_table(path)
    np.testing.assert_array_equal(column_cells(table, "I4", None), np.delete(VALUES["I4"], [3, 500]))
    table.close()


def test_a_file_that_is_damaged(tmp_path: Path) -> None:
    path = make(tmp_path / "t.tab")
    file = tmp_path / "t.tab" / "table.f0"
    good = file.read_bytes()
    index = good.index(b"SSMIndex")
    for at in (0, 12, 54, 58, 70, index, index + 12, index + 16):
        table = open_table(path)
        file.write_bytes(good[:at] + b"\x07\x07\x07\x07" + good[at + 4 :])
        assert standard_buckets.read_numbers(table, "I4", [(0, ROWS, 1, 0)], ROWS) is None
        assert standard_buckets.read_numbers(table, "I4", [(0, ROWS, 1, 0)], ROWS) is None  # nor the second time
        file.write_bytes(good)
        table.close()
