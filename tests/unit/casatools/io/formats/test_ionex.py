"""IONEX files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import DataError, PathMissingError
from casatools.io.formats.ionex import is_ionex, read_ionex


def line(text: str, label: str) -> str:
    return f"{text:60s}{label}\n"


def ionex(maps: int = 2, exponent: int = -1, missing: bool = False) -> str:
    """A file whose columns are 10 + latitude / 10 + longitude / 100 + hour."""
    lat, lon = np.arange(87.5, -90, -2.5), np.arange(-180.0, 181.0, 5.0)
    text = line("     1.0            IONOSPHERE MAPS     GPS", "IONEX VERSION / TYPE")
    text += line("    87.5 -87.5  -2.5", "LAT1 / LAT2 / DLAT") + line("  -180.0 180.0   5.0", "LON1 / LON2 / DLON")
    text += line(f"{exponent:6d}", "EXPONENT") + line("", "END OF HEADER")
    for k in range(maps):
        text += line(f"{k + 1:6d}", "START OF TEC MAP")
        text += line(f"  2019     5     1{24 if k == 12 else 2 * k:6d}     0     0", "EPOCH OF CURRENT MAP")
        for b in lat:
            text += line(f"  {b:6.1f}-180.0 180.0   5.0 450.0", "LAT/LON1/LON2/DLON/H")
            values = np.round((10 + b / 10 + lon / 100 + 2 * k) / 10.0**exponent).astype(int)
            if missing:
                values[0] = 9999
            for start in range(0, len(values), 16):
                text += "".join(f"{v:5d}" for v in values[start : start + 16]) + "\n"
        text += line(f"{k + 1:6d}", "END OF TEC MAP")
    text += line("     1", "START OF RMS MAP") + "".join(f"{1:5d}" for _ in range(16)) + "\n" + line("     1", "END OF RMS MAP")
    return text + line("", "END OF FILE")


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
