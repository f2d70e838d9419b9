"""Opening tables and writing cells: what is refused, and that nothing is changed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import DataError, PathMissingError
from casatools.io.table_access import create_table
from casatools.io.tables import open_table, put_cells


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
