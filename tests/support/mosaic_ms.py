"""A mosaic of three pointings of 25 m dishes, with sources seen through their beams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from casatools import table
from casatools.imaging.primary_beam import antenna_power
from casatools.simulation.demo import DemoOptions, make_demo

C = 299792458.0
CELL = np.deg2rad(4.0 / 3600)
SIZE = 128
FREQ = np.array([9.9e9, 10.0e9, 10.1e9])
# Pixels to the east and north of the middle of the mosaic, and flux density [Jy].
POINTINGS = [(-24.0, 0.0), (24.0, 0.0), (0.0, 30.0)]
SOURCES = [(-20.0, -6.0, 2.0), (10.0, 12.0, 1.0), (38.0, 4.0, 1.5)]
MOSAIC: dict[str, Any] = {
    "vis": "sim.ms",
    "imsize": SIZE,
    "cell": "4arcsec",
    "gridder": "mosaic",
    "phasecenter": "J2000 1.0rad 0.6rad",
    "field": "",
}


def make_mosaic(path: Path) -> Path:
    """The rows of a simulated observation spread over the pointings: all baselines see each of them."""
    make_demo(str(path), DemoOptions(antennas_per_arm=4, cycles=2, nchan=3))
    tb = table()
    tb.open(str(path / "SPECTRAL_WINDOW"), nomodify=False)
    tb.putcol("CHAN_FREQ", FREQ[:, None])
    tb.putcol("CHAN_WIDTH", np.full((3, 1), 1e8))
    tb.done()
    tb.open(str(path / "FIELD"), nomodify=False)
    assert tb.nrows() >= 3
    for row, (east, north) in enumerate(POINTINGS):
        for column in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
            tb.putcell(column, row, np.array([[1.0 + east * CELL / np.cos(0.6)], [0.6 + north * CELL]]))
    tb.done()
    tb.open(str(path), nomodify=False)
    nrow = tb.nrows()
    field = np.unique(tb.getcol("TIME"), return_inverse=True)[1].ravel() % 3
    tb.putcol("FIELD_ID", field)
    uvw = tb.getcol("UVW") / 3.0
    tb.putcol("UVW", uvw)
    data = np.zeros((3, nrow), complex)
    for east, north, flux in SOURCES:
        for number, (e, n) in enumerate(POINTINGS):
            mine = field == number
            l, m = offset(1.0 + e * CELL / np.cos(0.6), 0.6 + n * CELL, east, north)
            power = np.array([antenna_power("VLA", (25.0, 25.0), np.array([np.hypot(l, m)]), f)[0] for f in FREQ])
            turn = np.exp(2j * np.pi * np.outer(FREQ, uvw[0, mine] * l + uvw[1, mine] * m) / C)
            data[:, mine] += flux * power[:, None] * turn
    tb.putcol("DATA", np.repeat(data[None], 2, axis=0).astype(np.complex64))
    tb.done()
    return path


def offset(lon: float, lat: float, east: float, north: float) -> tuple[float, float]:
    """Direction cosines from a pointing of a place given in pixels from the middle of the mosaic."""
    l0, m0 = east * CELL, north * CELL
    n0 = np.sqrt(1 - l0**2 - m0**2)
    sky = n0 * np.array([np.cos(0.6) * np.cos(1.0), np.cos(0.6) * np.sin(1.0), np.sin(0.6)])
    sky += l0 * np.array([-np.sin(1.0), np.cos(1.0), 0.0]) + m0 * np.array(
        [-np.sin(0.6) * np.cos(1.0), -np.sin(0.6) * np.sin(1.0), np.cos(0.6)]
    )
    eastward = np.array([-np.sin(lon), np.cos(lon), 0.0])
    northward = np.array([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    return float(sky @ eastward), float(sky @ northward)
