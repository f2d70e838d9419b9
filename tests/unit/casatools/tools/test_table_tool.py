"""The table, tablerow, ctsys and logsink tools."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from casatools._base import log
from casatools._base.errors import DataError, NotOpenError, ParameterError, PathMissingError, UnsupportedError
from casatools.tools.logsink import logsink
from casatools.tools.system import ctsys
from casatools.tools.table import table

DESCRIPTION = {
    "I": {"valueType": "int"},
    "S": {"valueType": "string"},
    "A": {"valueType": "complex", "ndim": 2, "shape": np.array([2, 3]), "option": 5},
    "V": {"valueType": "float", "ndim": 1},
}


@pytest.fixture
def tb(tmp_path: Path):
    tool = table()
    tool.create(str(tmp_path / "t.tab"), DESCRIPTION, nrow=4)
    tool.putcol("I", np.arange(4) * 3)
    tool.putcol("S", np.array(["a", "b", "c", "d"]))
    tool.putcol("A", np.arange(24).reshape(2, 3, 4) * (1 + 0.5j))
    for row in range(4):
        tool.putcell("V", row, np.arange(row + 1.0))
    yield tool
    tool.close()


def test_axis_order(tb: table) -> None:
    assert tb.getcol("A").shape == (2, 3, 4)
    assert tb.getcell("A", 1)[1, 2] == pytest.approx(21 + 10.5j)
    assert np.allclose(tb.getcolslice("A", [0, 1], [1, 2], [1, 1], 1, 2), tb.getcol("A")[:, 1:, 1:3])
    assert tb.getcolshapestring("A", 0, 1) in (["[2, 3]"],)
    assert tb.getcoldesc("A")["shape"].tolist() == [2, 3]
    assert list(tb.getvarcol("V")) == ["r1", "r2", "r3", "r4"] and tb.getvarcol("V")["r3"].shape == (3, 1)


def test_keywords(tb: table) -> None:
    tb.putkeyword("K", {"a": 1, "m": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])})
    assert tb.getkeyword("K.a") == 1 and tb.getkeyword("K")["m"].shape == (2, 3)
    tb.putkeyword("N.m.o", 5, True)
    assert tb.getkeyword("N") == {"m": {"o": 5}}
    with pytest.raises(DataError):
        tb.putkeyword("X.y", 5)
    with pytest.raises(DataError):
        tb.removekeyword("NOPE")


def test_queries(tb: table) -> None:
    assert tb.query("I>2").nrows() == 3
    assert tb.query("", sortlist="I DESC").getcol("I").tolist() == [9, 6, 3, 0]
    assert tb.calc("1+2*3").tolist() == [7]
    for bad in ("NOPE>2", "I>2 &&"):
        with pytest.raises(DataError):
            tb.query(bad)


def test_bad_writes_raise_and_change_nothing(tb: table) -> None:
    before = tb.getcol("I")
    for value in ([1, 2, 3], 5, ["x"] * 4):
        with pytest.raises(ParameterError):
            tb.putcol("I", value)
    with pytest.raises(ParameterError):
        tb.putcell("A", 0, np.ones((5, 5)))
    with pytest.raises(ParameterError):
        tb.getcellslice("A", 0, [0, 0], [5, 5])
    with pytest.raises(DataError):
        tb.putcell("I", 99, 1)
    with pytest.raises(DataError):
        tb.getcol("NOPE")
    assert np.array_equal(tb.getcol("I"), before)


def test_opening_errors(tmp_path: Path) -> None:
    tool = table()
    with pytest.raises(PathMissingError):
        tool.open(str(tmp_path / "none.tab"))
    with pytest.raises(NotOpenError):
        tool.nrows()
    with pytest.raises(ParameterError):
        tool.create(str(tmp_path / "x.tab"), {"X": {"valueType": "nope"}})
    assert not (tmp_path / "x.tab").exists()


def test_statistics(tb: table) -> None:
    stats = tb.statistics("I")["I"]
    assert (stats["mean"], stats["median"], stats["npts"], stats["quartile"]) == (4.5, 4.5, 4.0, 6.0)
    with pytest.raises(ParameterError):
        tb.statistics("A")
    with pytest.raises(DataError):
        tb.statistics("S")


def test_rows(tb: table) -> None:
    row = tb.row(["I", "S"])
    record = row.get(1)
    row.put(1, {**record, "I": 77})
    assert tb.getcell("I", 1) == 77
    with pytest.raises(ParameterError):
        row.put(1, {"I": 1}, matchingfields=False)


def test_ctsys_and_logsink(tmp_path: Path) -> None:
    assert ctsys.compare_version(">=", [6, 1, 0]) and not ctsys.compare_version("==", [6, 1])
    with pytest.raises(ParameterError):
        ctsys.compare_version("~", [6])
    with pytest.raises(PathMissingError):
        ctsys.tableinfo(str(tmp_path / "none"))
    sink, before = logsink(), log.sink.path
    sink.setlogfile(str(tmp_path / "x.log"))
    try:
        sink.post("hello", "INFO", "me")
        assert "\tme::me::casa\thello" in (tmp_path / "x.log").read_text()
    finally:
        log.sink.set_path(before)
    with pytest.raises(DataError):
        sink.setlogfile(str(tmp_path / "none" / "x.log"))
    with pytest.raises(ParameterError):
        sink.filter("BOGUS")


def test_locks(tb: table, tmp_path: Path) -> None:
    """Statuses as CASA 6.7 reports them for a table that another process holds."""
    path = str(tmp_path / "t.tab")
    assert path in ctsys.lockedtables()
    assert ctsys.tableinfo(path) == {"lockperm": False, "lockpid": 0, "lockstatus": "not in use"}
    tb.close()
    program = """
import sys
from casatools import table
tb = table()
tb.open(sys.argv[1], {"option": sys.argv[2]}, False)
print("open", flush=True)
sys.stdin.readline()
"""
    for option, status, permanent in (("permanent", "write", True), ("usernoread", "open", False)):
        command = [sys.executable, "-c", program, path, option]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None and other.stdout.readline() == "open\n"
            assert ctsys.tableinfo(path) == {"lockperm": permanent, "lockpid": other.pid, "lockstatus": status}
            other.communicate("\n")
    assert path not in ctsys.lockedtables()
    tb.open(path, {"option": "permanent", "interval": 2.0, "maxwait": 5}, nomodify=False)
    assert tb.lockoptions() == {"option": "permanent", "interval": 2.0, "maxwait": 5}
    made = table()
    made.create(str(tmp_path / "u.tab"), {"I": {"valueType": "int"}}, {"option": "user"}, nrow=1)
    assert made.lockoptions()["option"] == "user" and str(tmp_path / "u.tab") not in ctsys.lockedtables()
    made.close()


def test_measures_tables_and_their_age() -> None:
    found = ctsys.measuresinfo()
    assert found["path"] == ctsys.measurespath()
    leap = found["geodetic/TAI_UTC"]
    assert leap["age_days"] > 0 and leap["date"].count("/") == 2 and leap["last_mjd"] > 60000


def test_parameters_that_would_have_no_effect_are_refused(tb: table, tmp_path: Path) -> None:
    for bad in ({"option": "gentle"}, {"opt": "user"}):
        with pytest.raises(ParameterError, match="lockoptions"):
            tb.open(str(tmp_path / "t.tab"), bad)
    with pytest.raises(UnsupportedError, match="nbytes"):
        tb.rownumbers(nbytes=10)
    with pytest.raises(UnsupportedError, match="isglobal"):
        logsink().setglobal(False)
    assert logsink().setglobal(True)
    told: list[str] = []
    tb.showcache(verbose=False)
    original, log.sink.post = log.sink.post, lambda message, *more: told.append(message)
    try:
        assert tb.showcache() == [str(tmp_path / "t.tab")]
    finally:
        log.sink.post = original
    assert told == [f"Tables held open: {tmp_path / 't.tab'}"]


def test_values_that_do_not_fit_leave_the_table_as_it_is(tmp_path: Path) -> None:
    """casacore would wrap them around."""
    kinds_of = {"short": 2**15, "uchar": -1, "int": 2**31, "uint": -1}
    with table() as tb:
        tb.create(str(tmp_path / "t.tab"), {k: {"valueType": k} for k in (*kinds_of, "boolean", "string")}, nrow=3)
        for kind, bad in kinds_of.items():
            assert tb.putcol(kind, [1, 2, 3])
            with pytest.raises(ParameterError, match=f"type {kind}"):
                tb.putcol(kind, [1, bad, 3])
            with pytest.raises(ParameterError, match=f"type {kind}"):
                tb.putcell(kind, 0, bad)
            assert tb.getcol(kind).tolist() == [1, 2, 3]
        tb.putcol("boolean", [0, 1, 1])
        with pytest.raises(ParameterError, match="other than 0 and 1"):
            tb.putcol("boolean", [0, 1, 2])
        assert tb.getcol("boolean").tolist() == [False, True, True]
        assert tb.getcol("string", nrow=0).dtype.kind == "U" and tb.getcol("int", startrow=3).size == 0
        with pytest.raises(DataError, match="no row 4"):
            tb.getcol("int", startrow=4)
        tb.putkeyword("nested", {"b": 1, "a": {"z": 1, "y": 2}})
        assert tb.fieldnames("nested.a") == ["y", "z"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [("[1,2,3]*2", {"0": [2, 4, 6]}), ("['a','b']", {"0": ["a", "b"]}), ("[[1,2],[3,4]]", {"0": [[1, 3], [2, 4]]})],
)
def test_arrays_of_expressions_are_records(expression: str, value: dict[str, list[object]]) -> None:
    assert {k: v.tolist() for k, v in table().calc(expression).items()} == value


def test_empty_and_missing_cells(tb: table) -> None:
    """As FLAG_CATEGORY has them; CASA iterates over missing cells as ``array(True)``."""
    tb.addcols({"F": {"valueType": "boolean", "ndim": 3}})
    with pytest.raises(DataError, match="cell 0 of column 'F' cannot be read"):
        next(iter(tb.getcoliter("F")))
    assert tb.getvarcol("F", 0, 2) == {"r1": False, "r2": False}
    for row in range(4):
        tb.putcell("F", row, np.zeros((4, 8, 0), dtype=bool))
    assert tb.getcell("F", 0).shape == (4, 8, 0) and tb.getcol("F", 0, 2).shape == (4, 8, 0, 2)
    assert tb.getvarcol("F", 1, 1)["r2"].shape == next(iter(tb.getcoliter("F"))).shape == (4, 8, 0, 1)
    assert tb.getcolshapestring("F", 0, 1) == ["[4, 8, 0]"]


def test_records_and_types_as_the_reference_gives_them(tb: table) -> None:
    """Differences that calls under CASA 6.7 showed: records of iterations, unsigned numbers, statistics of vectors, empty texts, corners of -1."""
    assert [list(record) for record in tb.getcoliter("V", 0, 2, torecord=True)] == [["V"], ["V"]]
    kinds = {name: next(iter(tb.getcoliter(name, 0, 1))).dtype for name in ("I", "A", "V", "S")}
    assert kinds == {"I": np.int32, "A": np.complex64, "V": np.float32, "S": np.dtype("<U1")}
    assert next(iter(tb.getcoliter("I", 1, 1, 1, True)))["I"].tolist() == [3] and tb.getcol("I").dtype == np.int64
    assert np.array_equal(tb.getcolslice("A", [0, -1], [0, -1], [1, 2], 0, 1)[0, :, 0], tb.getcell("A", 0)[0, ::2])
    with pytest.raises(ParameterError, match="is outside the cells"):
        tb.getcolslice("A", [-2, 0], [1, 2], [1, 1])
    tb.addcols({"U": {"valueType": "uint"}, "W": {"valueType": "double", "ndim": 1, "shape": [2], "option": 5}})
    assert tb.getcol("U").dtype == tb.getvarcol("U", 0, 2)["r2"].dtype == np.uint64
    tb.putcol("W", np.arange(8.0).reshape(2, 4))
    assert {k: s["sum"] for k, s in tb.statistics("W").items()} == {"W_0": 6.0, "W_1": 22.0}
    cubes = tb.getdesc()["_define_hypercolumn_"]
    assert all(set(c) >= {"HCcoordnames", "HCidnames"} for c in cubes.values())


def test_variable_cells_by_row_or_by_order(tb: table) -> None:
    cell = np.ones((1, 1), np.float32)
    assert tb.putvarcol("V", {"r3": 3 * cell, "r4": 4 * cell}, 2, 2) and tb.getcell("V", 3) == [4.0]
    assert tb.putvarcol("V", {"r1": 5 * cell, "r2": 6 * cell}, 2, 2) and tb.getcell("V", 2) == [5.0]  # not rows 0 and 1
    with pytest.raises(ParameterError, match="the value has 1 entries for 2 rows"):
        tb.putvarcol("V", {"r1": cell}, 2, 2)
