"""FITS tables become casacore tables, and tables of an ASDM too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from casatools._base.errors import DataError, OutputExistsError, PathMissingError, UnsupportedError
from casatools.tools.table import table

ROWS = 4


@pytest.fixture
def fitsfile(tmp_path: Path) -> str:
    """Two extensions: every kind of column, and an ASCII table."""
    rng = np.random.default_rng(0)
    ragged = np.array([np.arange(k + 1, dtype="f4") for k in range(ROWS)], dtype=object)
    columns = [
        fits.Column("L", "L", array=np.array([1, 0, 1, 0], bool)), fits.Column("B", "B", array=np.arange(ROWS, dtype="u1")),
        fits.Column("I", "I", array=np.arange(ROWS, dtype="i2") - 2), fits.Column("J", "J", unit="m", array=np.arange(ROWS) * 1000),
        fits.Column("K", "K", array=np.arange(ROWS) * 10**10), fits.Column("E", "E", unit="Hz", array=rng.normal(size=ROWS).astype("f4")),
        fits.Column("C", "C", array=(rng.normal(size=ROWS) + 1j).astype("c8")), fits.Column("A", "8A", array=["ab", "cdef", "", "x"]),
        fits.Column("M", "6E", dim="(2,3)", array=rng.normal(size=(ROWS, 3, 2)).astype("f4")),
        fits.Column("X", "4L", array=rng.random((ROWS, 4)) > 0.5), fits.Column("P", "PE()", array=ragged),
        fits.Column("S", "8A", dim="(4,2)", array=np.array([["ab", "cd"]] * ROWS)),
    ]  # fmt: skip
    binary = fits.BinTableHDU.from_columns(columns, name="EVERY")
    binary.header["OBSERVER"], binary.header["NUMBER"], binary.header["HISTORY"] = "me", 5, "made"
    plain = fits.TableHDU.from_columns([
        fits.Column("a", "I5", array=np.arange(3)), fits.Column("b", "F8.3", array=np.arange(3) * 1.5), fits.Column("c", "A4", array=["x", "yy", "zzz"]),
    ])  # fmt: skip
    path = str(tmp_path / "tables.fits")
    fits.HDUList([fits.PrimaryHDU(), binary, plain]).writeto(path)
    return path


def test_columns_units_and_keywords(fitsfile: str, tmp_path: Path) -> None:
    tb = table()
    other = tb.fromfits(str(tmp_path / "t.tab"), fitsfile)
    with fits.open(fitsfile) as units:
        data = units[1].data
        assert {c: tb.coldatatype(c) for c in tb.colnames()} == {
            "L": "boolean", "B": "uchar", "I": "short", "J": "int", "K": "int64", "E": "float", "C": "complex", "A": "string", "M": "float",
            "X": "boolean", "P": "float", "S": "string",
        }  # fmt: skip
        for name in ("L", "B", "I", "J", "K", "E", "C", "A", "M", "X"):
            np.testing.assert_array_equal(tb.getcol(name), np.asarray(data[name]).T, err_msg=name)
    assert tb.getvarcol("P")["r3"].tolist() == [[0.0], [1.0], [2.0]]
    assert tb.getcol("S").tolist() == [["ab"] * ROWS, ["cd"] * ROWS]
    assert tb.getcolkeyword("J", "UNIT") == "m" and tb.getkeywords() == {"OBSERVER": "me", "NUMBER": 5, "EXTNAME": "EVERY"}
    assert other.nrows() == ROWS and other.iswritable() and tb.isopened(str(tmp_path / "t.tab"))
    other.close()
    tb.close()


def test_ascii_tables_storage_and_virtual_columns(fitsfile: str, tmp_path: Path) -> None:
    tb = table()
    tb.fromfits(str(tmp_path / "a.tab"), fitsfile, 2, ack=False).close()
    assert [tb.coldatatype(c) for c in "abc"] == ["int", "float", "string"] and tb.getcol("b").tolist() == [0.0, 1.5, 3.0]
    tb.fromfits(str(tmp_path / "i.tab"), fitsfile, storage="incremental", convention="sdfits", ack=False).close()
    assert tb.getcol("OBSERVER").tolist() == ["me"] * ROWS and tb.getkeywords() == {"EXTNAME": "EVERY"}
    assert tb.getdminfo()["*1"]["TYPE"] == "IncrementalStMan"
    tb.close()


def test_bad_files_leave_nothing(fitsfile: str, tmp_path: Path) -> None:
    tb = table()
    target = str(tmp_path / "no.tab")
    with pytest.raises(PathMissingError):
        tb.fromfits(target, "missing.fits")
    with pytest.raises(DataError, match="1 EVERY"):
        tb.fromfits(target, fitsfile, 7)
    (tmp_path / "bad.fits").write_text("nothing")
    with pytest.raises(DataError, match="cannot be read as FITS"):
        tb.fromfits(target, str(tmp_path / "bad.fits"))
    assert not Path(target).exists()
    tb.fromfits(target, fitsfile, ack=False).close()
    with pytest.raises(OutputExistsError):
        tb.fromfits(target, fitsfile)
    tb.close()


@pytest.mark.shared
def test_tables_of_an_asdm(shared_input: Callable[[str], str], tmp_path: Path) -> None:
    sdm = shared_input("evla.sdm")
    tb = table()
    for name in ("Station", "Scan", "Main", "ASDM"):
        assert tb.fromASDM(str(tmp_path / f"{name}.tab"), f"{sdm}/{name}.xml")
    tb.open(str(tmp_path / "Station.tab"))
    assert tb.nrows() == 28 and tb.getcell("name", 1) == "W24" and tb.getkeyword("ASDM_TABLE") == "StationTable"
    assert tb.getcell("position", 1).tolist() == [-1604008.7444, -5042135.8251, 3553403.7108]
    tb.open(str(tmp_path / "Scan.tab"))
    assert tb.getcell("scanIntent", 0).tolist() == ["SYSTEM_CONFIGURATION"] and tb.coldatatype("startTime") == "int64"
    tb.open(str(tmp_path / "ASDM.tab"))
    assert tb.getcell("NumberRows", 1) == 27
    tb.close()


def test_tables_of_an_asdm_that_cannot_be_read(tmp_path: Path) -> None:
    tb, target, source = table(), str(tmp_path / "no.tab"), tmp_path / "t.xml"
    with pytest.raises(PathMissingError):
        tb.fromASDM(target, str(source))
    source.write_text("no xml")
    with pytest.raises(DataError, match="not XML"):
        tb.fromASDM(target, str(source))
    source.write_text("<other/>")
    with pytest.raises(DataError, match="root is 'other'"):
        tb.fromASDM(target, str(source))
    source.write_text("<PointingTable><BulkStoreRef file_id='a'/></PointingTable>")
    with pytest.raises(UnsupportedError, match="binary file"):
        tb.fromASDM(target, str(source))
    assert not Path(target).exists()
    # Rows that leave cells out, and arrays of several shapes.
    source.write_text(
        "<XTable><row><a>1</a><b>1 2 3.5 4</b><c>true</c></row><row><b>2 1 2 5 6</b></row><row><a>7</a></row><row><b>1 x</b></row></XTable>"
    )
    tb.fromASDM(target, str(source))
    tb.open(target)
    assert tb.getcol("a").tolist() == [1, 0, 7, 0] and tb.getcol("c").tolist() == [True, False, False, False]
    assert tb.getcol("b").tolist() == ["1 2 3.5 4", "2 1 2 5 6", "", "1 x"]
    tb.close()
    source.write_text("<XTable><row><b>1 2 3.5 4</b></row><row/><row><b>2 1 2 5 6</b></row></XTable>")
    tb.fromASDM(target + "2", str(source))
    tb.open(target + "2")
    assert tb.getcell("b", 2).tolist() == [[5.0], [6.0]] and not tb.iscelldefined("b", 1)
    tb.close()
