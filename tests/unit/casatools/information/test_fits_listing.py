"""FITS headers are listed over all units; what is not FITS is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatasks import listfits
from casatools._base.errors import DataError, PathMissingError
from casatools.information.fits_listing import fits_lines


def _unit(cards: list[str], data: bytes = b"") -> bytes:
    text = "".join(c.ljust(80) for c in [*cards, "END"]).encode()
    return text.ljust(-(-len(text) // 2880) * 2880) + data.ljust(-(-len(data) // 2880) * 2880, b"\0")


def test_every_unit_is_listed(tmp_path: Path) -> None:
    first = [
        "SIMPLE  =                    T",
        "BITPIX  =                  -32",
        "NAXIS   =                    1",
        "NAXIS1  =                 1000",
    ]
    first += ["CRVAL1  =   1.413424072123456E+09 / all digits stay"]
    second = ["XTENSION= 'BINTABLE'", "BITPIX  =                    8", "NAXIS   =                    0"]
    (tmp_path / "a.fits").write_bytes(_unit(first, b"x" * 4000) + _unit(second))
    lines = fits_lines(str(tmp_path / "a.fits"))
    assert [x for x in lines if not x.startswith("the first values: ")] == ["HDU 0", *first, "HDU 1", *second] and len(
        lines
    ) == 11
    assert listfits(str(tmp_path / "a.fits")) is None


def test_groups_are_skipped_by_their_size(tmp_path: Path) -> None:
    first = [
        "SIMPLE  =                    T", "BITPIX  =                  -32", "NAXIS   =                    2", "NAXIS1  =                    0",
        "NAXIS2  =                   90", "GROUPS  =                    T", "PCOUNT  =                   10", "GCOUNT  =                   20",
    ]  # fmt: skip
    (tmp_path / "g.fits").write_bytes(_unit(first, b"x" * 8000) + _unit(["XTENSION= 'BINTABLE'"]))
    assert fits_lines(str(tmp_path / "g.fits"))[-1] == "XTENSION= 'BINTABLE'"


def test_bad_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"SIMPLE  =")
    (tmp_path / "other").write_bytes(b"x" * 2880)
    for name in ("short", "other", "."):
        with pytest.raises(DataError):
            fits_lines(str(tmp_path / name))
    with pytest.raises(PathMissingError):
        fits_lines(str(tmp_path / "absent"))


def test_first_values_of_every_unit(tmp_path: Path) -> None:
    """As the reference shows them, with all digits; up to 18 values of a cell."""
    from astropy.io import fits

    varied = np.empty(2, object)
    varied[:] = [np.array([1.0, 2.0]), np.array([3.0])]
    columns = [
        ("B", "1E", [1.0, 7 / 6]), ("N", "8A", ["ab ", "c"]), ("V", "2D", [[0, 1.123456789], [2, 3]]), ("OK", "1L", [True, False]),
        ("Z", "1C", [1j, 1 + 1j]), ("K", "3X", [[True, False, True]] * 2), ("VA", "PE()", varied), ("S", "20I", np.ones((2, 20))),
    ]  # fmt: skip
    table = fits.BinTableHDU.from_columns([fits.Column(name, form, array=values) for name, form, values in columns])
    table.header["TSCAL1"] = 2.0
    many = fits.BinTableHDU.from_columns([fits.Column(f"C{k}", "1J", array=[k]) for k in range(22)])
    ascii_table = fits.TableHDU.from_columns([fits.Column("X", "F6.3", array=[0.5]), fits.Column("T", "A3", array=["q"])])
    scaled = fits.ImageHDU(np.arange(30, dtype=np.int16).reshape(2, 3, 5))
    scaled.header["BSCALE"], scaled.header["BZERO"] = 0.5, 100.5
    groups = fits.GroupData(
        np.arange(18, dtype=np.float32).reshape(3, 6), bitpix=-32, parnames=["UU", "DATE"],
        pardata=[np.arange(3) * 1e-6, np.arange(3) + 0.5],
    )  # fmt: skip
    first = fits.GroupsHDU(groups)
    first.header["PZERO2"] = 2450000.0
    fits.HDUList([first, table, many, ascii_table, scaled]).writeto(tmp_path / "all.fits")
    shown = [line for line in fits_lines(str(tmp_path / "all.fits")) if line[8:10] != "= " and not line.startswith("HDU")]
    ones = ", ".join(["1"] * 18) + "..."
    head = "the first 20 cols of the first 5 rows:"
    assert shown == [
        "3 groups total, display first 6 elements of the first 2 groups", "Group 0 parms:  0 2450000.5", "Group 0 data:  0 1 2 3 4 5",
        "Group 1 parms:  1e-06 2450001.5", "Group 1 data:  6 7 8 9 10 11",
        "2 rows, 8 cols, 184 bytes total", head, f"0: | 2 | ab | 0, 1.123456789 | True | (0,1) | 101 | 1, 2 | {ones} |",
        f"1: | 2.33333325386047 | c | 2, 3 | False | (1,1) | 101 | 3 | {ones} |",
        "1 rows, 22 cols, 88 bytes total", head, "0: | " + " | ".join(map(str, range(20))) + " | ...",
        "1 rows, 2 cols, 9 bytes total", head, "0: | 0.500 | q |",
        "the first values: " + " ".join(f"{100.5 + k / 2:g}" for k in range(18)) + "...",
    ]  # fmt: skip


@pytest.mark.parametrize("card", ["TFORM1  = '1Y'", "TFORM1  = '3PA(9)'", "BITPIX  = 17"])
def test_what_cannot_be_shown_is_left_out(tmp_path: Path, card: str) -> None:
    table = ["XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 8", "NAXIS2  = 1", "TFIELDS = 1"]
    shape = ["XTENSION= 'IMAGE   '", "NAXIS   = 1", "NAXIS1  = 1"]
    cards = [*(table if "TFORM" in card else shape), card]
    first = _unit(["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0"])
    (tmp_path / "a.fits").write_bytes(first + _unit(cards, b"\0\0\0\5\0\0\0\0"))
    last = fits_lines(str(tmp_path / "a.fits"))[-1]
    assert last == {"1Y": "0: |  |", "3P": "0: | 5 |"}.get(card[11:13], "BITPIX  = 17")


def test_data_that_end_early_are_told(tmp_path: Path) -> None:
    cards = ["SIMPLE  = T", "BITPIX  = -32", "NAXIS   = 1", "NAXIS1  = 2000"]
    (tmp_path / "a.fits").write_bytes(_unit(cards))
    with pytest.raises(DataError, match="ends within the data"):
        fits_lines(str(tmp_path / "a.fits"))
