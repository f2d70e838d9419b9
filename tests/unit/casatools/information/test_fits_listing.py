"""FITS headers are listed over all units; what is not FITS is refused."""

from __future__ import annotations

from pathlib import Path

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
    assert lines == ["HDU 0", *first, "HDU 1", *second]
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
