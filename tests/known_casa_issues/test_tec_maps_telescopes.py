"""tec_maps: validated for the VLA only. Columns at ALMA, MeerKAT, GMRT and LOFAR are those of the maps there, on both hemispheres."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools.calibration.ionosphere import column_at, pierce_points
from casatools.io.formats.ionex import read_ionex
from support.ionosphere import Zenith, ionex


@pytest.mark.parametrize(
    ("place", "lat", "lon"),
    [
        ((2225142.2, -5440307.4, -2481029.9), -22.9, -67.75), ((5109360.1, 2006852.6, -3238948.1), -30.5, 21.4),
        ((1656342.3, 5797947.8, 2073243.2), 19.0, 74.06), ((3826577.1, 461022.9, 5064892.8), 52.7, 6.9),
    ],
    ids=["ALMA", "MeerKAT", "GMRT", "LOFAR"],
)  # fmt: skip
def test_columns(tmp_path: Path, place: tuple[float, float, float], lat: float, lon: float) -> None:
    path = tmp_path / "m.19i"
    path.write_text(ionex(3))
    time = np.array([58604.0 * 86400 + 3600])
    points, _, elevation = pierce_points(Zenith(np.array(place)), time, np.zeros(1, dtype=int))  # type: ignore[arg-type]
    found = column_at(read_ionex(str(path)), time, points) / np.sin(elevation)
    assert found[0, 0] / 1e16 == pytest.approx(10 + lat / 10 + lon / 100 + 1, abs=0.08)
