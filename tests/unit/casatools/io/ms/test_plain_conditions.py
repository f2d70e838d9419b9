"""Conditions on columns of numbers: the rows of casacore's TaQL, and everything else left to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from casacore import tables

from casatools.io.ms.plain_conditions import condition_mask

ROWS = 400
COLUMNS = {
    "A": (np.arange(ROWS) % 7).astype(np.int32),
    "B": (np.arange(ROWS) % 5 - 2).astype(np.int32),
    "TIME": 5e9 + np.arange(ROWS) * 0.5,
}

READ = [
    "A==3", "A = 3", "A != 3", "A<>3", "3 < A", "3>=A", "A > 2.5", "A==2.0", "B < -1", "B>=-1 && A<=+3", "A==1 || B==1 && A==2", "(A==1 or B==1) and A==2", "TIME > 5.0000001e9",
    "TIME==5000000000.5", "A in [1,4]", "A IN [ 2 ] AND (TIME<5e9 OR (B==0))", "((A==3))", "A==3&&B==1||TIME<5000000010", "5e9 = TIME", "A < 5000000000", "A in [1.0, 2]",
]  # fmt: skip
LEFT = [
    "any(FLAG)", "A==B", "A+1==3", "A == 3 - 1", "A-1==2", "sumsqr(UVW[:2])>1e5", "NAME=='x'", "A in [1:3]", "TIME > 12h", "TIME>2019/05/01", "!(A==1)", "A==1:3", "A=~p/3/", "A", "A==",
    "(A==1", "A==1)", "A==1 limit 3", "A==1 && ", "C==1", "A==99999999999999999", "A in []", "A in [1", "A in 3", "A == 1 B == 2", "", "A.x==1", "t.A==1", "A[0]==1", "A ~ 3", "A==3km", "A between 1 and 3",
]  # fmt: skip


def mask(condition: str) -> np.ndarray | None:
    return condition_mask(condition, frozenset(COLUMNS), COLUMNS.__getitem__)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(Path(tmp_path_factory.mktemp("t")) / "t.tab")
    columns = [
        tables.makescacoldesc(name, 0 if v.dtype.kind == "i" else 0.0, valuetype="int" if v.dtype.kind == "i" else "double")
        for name, v in COLUMNS.items()
    ]
    with tables.table(path, tables.maketabdesc(columns), nrow=ROWS, ack=False) as table:
        for name, values in COLUMNS.items():
            table.putcol(name, values)
    return path


@pytest.mark.parametrize("condition", READ)
def test_the_rows_of_casacore(path: str, condition: str) -> None:
    found = mask(condition)
    assert found is not None and found.dtype == bool
    with tables.table(path, ack=False) as table, table.query(condition, style="glish") as part:
        assert np.flatnonzero(found).tolist() == list(part.rownumbers())


@pytest.mark.parametrize("condition", LEFT)
def test_what_is_left_to_casacore(condition: str) -> None:
    assert mask(condition) is None
