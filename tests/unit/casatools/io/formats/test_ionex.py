"""IONEX files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import DataError, PathMissingError
from casatools.io.formats.ionex import is_ionex, read_ionex
from support.ionosphere import ionex


def test_maps(tmp_path: Path) -> None:
    path = tmp_path / "igsg1210.19i"
    path.write_text(ionex(13))
    maps = read_ionex(str(path))
    assert maps.tecu.shape == (13, 71, 73) and is_ionex(str(path))
    np.testing.assert_allclose(maps.time_s, (58604 + np.arange(13) / 12) * 86400)
    assert maps.lat_deg[0] == -87.5 and maps.lon_deg[[0, -1]].tolist() == [-180, 180]
    expected = 10 + maps.lat_deg[:, None] / 10 + maps.lon_deg / 100 + 6
    np.testing.assert_allclose(maps.tecu[3], expected, atol=0.051)


def test_packed_and_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "m.19i.gz"
    path.write_bytes(gzip.compress(ionex(1, exponent=0, missing=True).encode()))
    maps = read_ionex(str(path))
    assert is_ionex(str(path)) and np.isnan(maps.tecu[0, :, 0]).all() and np.isfinite(maps.tecu[0, :, 1:]).all()


def test_refusals(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for text, message in (
        (ionex(0), "no maps"),
        ("hello\n", "cannot be read"),
        (ionex(1).replace("     0     0", "  zero     0"), "cannot be read"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            read_ionex(str(path))
    with pytest.raises(PathMissingError):
        read_ionex("absent.19i")
    assert not is_ionex(str(tmp_path / "absent"))
