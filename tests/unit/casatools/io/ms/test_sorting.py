"""Sorted copies of MeasurementSets."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from casacore import tables

from casatools._base import paths, row_arrays
from casatools._base.errors import DataError, ParameterError
from casatools.io.ms import sorting
from casatools.io.ms.sorting import write_sorted


@pytest.fixture
def small(shared_input: Any) -> str:
    """Some rows of simvla.ms in another order, with an ephemeris in the folder of FIELD."""
    with tables.table(shared_input("simvla.ms"), ack=False) as table:
        table.selectrows(np.random.default_rng(1).permutation(table.nrows())[:700]).copy("small.ms", deep=True).close()
    with tables.table("small.ms/ANTENNA", ack=False) as table:
        table.copy("small.ms/FIELD/EPHEM0_Moon.tab", deep=True).close()
    return "small.ms"


def test_rows_sorted_in_blocks_with_everything_beside_them(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_FEWEST", "_MOST"):
        monkeypatch.setattr(row_arrays, name, 70)
    monkeypatch.setattr(row_arrays, "_IN_MEMORY", 100)
    monkeypatch.setattr(row_arrays, "chunk_bytes", lambda: 0)
    monkeypatch.setattr(sorting, "_ROWS", 64)
    write_sorted(small, "sorted.ms", ["antenna2", "TIME"])
    with tables.table(small, ack=False) as old, tables.table("sorted.ms", ack=False) as new:
        order = np.lexsort((old.getcol("TIME"), old.getcol("ANTENNA2")))
        assert new.colnames() == old.colnames() and new.keywordnames() == old.keywordnames()
        for name in (c for c in old.colnames() if old.iscelldefined(c, 0)):
            for row in range(0, len(order), 7):
                np.testing.assert_array_equal(new.getcell(name, row), old.getcell(name, int(order[row])))
    assert set(os.listdir(small)) <= set(os.listdir("sorted.ms"))
    for name in ("ANTENNA", "FIELD", "FIELD/EPHEM0_Moon.tab", "HISTORY"):
        with tables.table(f"{small}/{name}", ack=False) as old, tables.table(f"sorted.ms/{name}", ack=False) as new:
            assert new.nrows() == old.nrows() and new.getdesc() == old.getdesc()


def test_what_cannot_be_sorted_leaves_nothing(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ParameterError, match="rows cannot be sorted by 'UVW'"):
        write_sorted(small, "sorted.ms", ["UVW"])
    monkeypatch.setattr(paths.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(DataError, match=r"'sorted.ms' needs \d"):
        write_sorted(small, "sorted.ms", ["TIME"])
    assert not Path("sorted.ms").exists() and not list(Path().glob(".sorted*"))
