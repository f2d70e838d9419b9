"""Columns read straight from the file of an IncrementalStMan: the same cells as casacore's, and left to it where the file looks otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore import tables

from casatools.io import incremental_buckets, standard_buckets
from casatools.io.tables import column_cells, open_table

ROWS = 5000
_ROW = np.arange(ROWS)
VALUES: dict[str, np.ndarray] = {
    "SCAN": (_ROW // 700).astype(np.int32), "TIME": 5e9 + 2.0 * (_ROW // 21), "NONE": np.zeros(ROWS, np.int32), "LATE": (_ROW > 4990).astype(np.int16),
    "EACH": np.sqrt(_ROW).astype(np.float32), "PLANE": np.repeat(np.arange(6.0 * 25).reshape(25, 2, 3), 200, axis=0),
}  # fmt: skip
RUNS = ([(0, ROWS, 1, 0)], [(3, 400, 2, 0)], [(5, 7, 1, 0), (20, 9, 3, 7)], [(ROWS - 1, 1, 1, 0)], [(700, 1, 1, 0)], [(1, 500, 7, 0), (0, 1, 1, 500)],
        [(699, 2, 1, 0)], [(0, 3, 2400, 0)])  # fmt: skip


@pytest.fixture(autouse=True)
def any_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standard_buckets, "_MANY_ROWS", 1)


def make(path: Path, endian: str = "local", by_changes: bool = True) -> str:
    """A table of columns that change seldom, put at the changes or all rows at once; small buckets, so that there are many."""
    columns = []
    for name, values in VALUES.items():
        zero: Any = float(0) if values.dtype.kind == "f" else 0
        kind = {"i4": "int", "f8": "double", "f4": "float", "i2": "short"}[values.dtype.str[1:]]
        extra: dict[str, Any] = {"valuetype": kind, "datamanagertype": "IncrementalStMan", "datamanagergroup": "G"}
        if values.ndim == 1:
            columns.append(tables.makescacoldesc(name, zero, **extra))
        else:
            columns.append(tables.makearrcoldesc(name, zero, ndim=2, shape=list(values.shape[1:]), options=5, **extra))
    managers = {
        "*1": {"NAME": "G", "TYPE": "IncrementalStMan", "SPEC": {"BUCKETSIZE": 2000, "PERSCACHESIZE": 1}, "COLUMNS": list(VALUES)}
    }
    with tables.table(str(path), tables.maketabdesc(columns), dminfo=managers, nrow=ROWS, ack=False, endian=endian) as table:
        for name, values in VALUES.items():
            if by_changes and name != "EACH":
                changed = np.append(True, (values[1:] != values[:-1]).reshape(ROWS - 1, -1).any(axis=1))
                for row in np.flatnonzero(changed).tolist():
                    table.putcell(name, row, values[row])
            else:
                table.putcol(name, values)
    return str(path)


def found(path: str, column: str, runs: list[tuple[int, int, int, int]] | None = None) -> np.ndarray | None:
    runs = runs or [(0, ROWS, 1, 0)]
    with open_table(path) as table:
        return standard_buckets.read_numbers(table, column, runs, sum(r[1] for r in runs))


@pytest.mark.parametrize("by_changes", [True, False])
def test_the_same_cells_as_casacore(tmp_path: Path, by_changes: bool) -> None:
    path = make(tmp_path / "t.tab", "little", by_changes)
    for name, values in VALUES.items():
        for runs in RUNS:
            cells = found(path, name, runs)
            assert cells is not None and cells.dtype == values.dtype and cells.dtype.isnative
            np.testing.assert_array_equal(cells, np.concatenate([values[r[0] :][: (r[1] - 1) * r[2] + 1 : r[2]] for r in runs]))


def test_big_endian(tmp_path: Path) -> None:
    path = make(tmp_path / "t.tab", "big")
    for name, values in VALUES.items():
        cells = found(path, name)
        assert cells is not None and cells.dtype.isnative
        np.testing.assert_array_equal(cells, values)


def test_rows_that_were_removed_and_added(tmp_path: Path) -> None:
    path = make(tmp_path / "t.tab")
    gone = [3, 700, 701, 4999]
    with tables.table(path, readonly=False, ack=False) as table:
        table.removerows(gone)
        table.addrows(10)
    for name in VALUES:
        with open_table(path) as table:
            expected = np.concatenate([np.delete(VALUES[name], gone, axis=0), table.getcol(name, ROWS - 4)])
            cells = standard_buckets.read_numbers(table, name, [(0, len(expected), 1, 0)], len(expected))
            if cells is not None:
                np.testing.assert_array_equal(cells, expected)
            np.testing.assert_array_equal(column_cells(table, name, None), expected)


def test_what_another_process_changes_is_seen(tmp_path: Path) -> None:
    path = make(tmp_path / "t.tab")
    other = make(tmp_path / "other.tab")
    with tables.table(other, readonly=False, ack=False) as table:
        table.putcell("SCAN", 4000, 99)
    with open_table(path) as table:
        before = standard_buckets.read_numbers(table, "SCAN", [(0, ROWS, 1, 0)], ROWS)
        assert before is not None and before[4000] == VALUES["SCAN"][4000]
        (tmp_path / "t.tab" / "table.f0").write_bytes((tmp_path / "other.tab" / "table.f0").read_bytes())
        after = standard_buckets.read_numbers(table, "SCAN", [(0, ROWS, 1, 0)], ROWS)
        # casacore holds old buckets in memory, so that it may disagree: then it is asked.
        assert after is None or after[4000] == 99


def test_files_that_look_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "t.tab", "little")
    file = tmp_path / "t.tab" / "table.f0"
    good = file.read_bytes()
    index = good.index(b"ISMIndex")
    first_bucket = 512
    places = [
        0,
        4,
        12,
        28,
        33,
        37,
        index - 8,
        index,
        index + 8,
        index + 12,
        index + 16,
        index + 33,
        first_bucket,
        index + 40,
        len(good) - 4,
    ]
    with open_table(path) as table:
        wanted = [np.array(table.getcol(name)) for name in VALUES]
    for at in places:
        with open_table(path) as table:
            file.write_bytes(good[:at] + b"\x07\x07\x07\x07" + good[at + 4 :])
            for name, values in zip(VALUES, wanted):
                cells = standard_buckets.read_numbers(table, name, [(0, ROWS, 1, 0)], ROWS)
                assert cells is None or np.array_equal(cells, values), (at, name)
            file.write_bytes(good)
    assert found(path, "SCAN") is not None
    assert found(path, "SCAN", [(ROWS - 1, 2, 1, 0)]) is None  # beyond the end
    monkeypatch.setattr(incremental_buckets, "_LARGEST_BYTES", 1000)
    assert found(path, "SCAN") is None
