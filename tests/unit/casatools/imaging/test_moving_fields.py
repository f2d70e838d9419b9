"""Imaging of fields that move along an ephemeris."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from casatools.frames.directions import Direction
from casatools.frames.frequencies import doppler_factor
from casatools.frames.observatories import observatory_position
from casatools.imaging.visibilities import DataSource, rotate_phase_centre, stokes_planes
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.ephemerides import attach_ephemeris
from casatools.io.tables import open_table
from support.ephemeris_file import write_ephemeris

RATE = 2e-8  # rad/s
C = 299792458.0


@pytest.fixture
def moving(shared_input: Callable[[str], str]) -> tuple[str, float, float, float]:
    """line.ms, its field at rest replaced by one that moves; the time of its first row, and the place then."""
    path = shared_input("line.ms")
    with MeasurementSet(path) as ms:
        lon, lat = ms.metadata.fields[0].phase_dir[0]
        start = float(ms.read("TIME").min())
    write_ephemeris("moving.tab", start, lon, lat, RATE, 0.0)
    attach_ephemeris(path, "moving.tab", [0], "TEST")
    table = open_table(f"{path}/FIELD", writable=True)
    for column in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
        table.putcol(column, np.zeros((1, 1, 2)))
    table.close()
    return path, start, lon, lat


def test_the_field_is_followed(moving: tuple[str, float, float, float]) -> None:
    """Data move to the image's centre from where the field is at each time; the Doppler factors are towards there."""
    path, start, lon, lat = moving
    source = DataSource(path, Selection(), "data")
    try:
        first = source.field_direction(0)
        assert (first.lon_rad, first.lat_rad) == pytest.approx(
            (lon, lat), abs=2e-7
        )  # a straight line between the days of the table
        uvw = np.random.default_rng(1).normal(size=(len(source.times_s), 3)) * 1000.0
        freq, vis = np.array([1.4e9]), np.ones((1, len(uvw), 1), np.complex64)
        found = source._recentre(uvw.copy(), vis, np.zeros(len(uvw), int), source.times_s, freq, first)
        factors = source.factors(int(source.ddids[0]), "LSRK", source.times_s)
        assert list(source.iter_blocks(stokes_planes("I", source.correlation_codes(0)), first, None, "linear"))
    finally:
        source.close()
    for k in (0, len(uvw) - 1):
        time = float(source.times_s[k])
        there = Direction(lon + RATE * (time - start), lat, first.frame)
        moved, shift = rotate_phase_centre(uvw[[k]], there, first)
        np.testing.assert_allclose(found[k], moved[0], atol=1e-3)
        assert vis[0, k, 0] == pytest.approx(complex(np.exp(-2j * np.pi * shift[0] * freq[0] / C)), abs=1e-2)
        assert factors[k] == pytest.approx(doppler_factor("TOPO", "LSRK", time, there, observatory_position("VLA")), abs=1e-9)
