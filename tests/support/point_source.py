"""A small observation of one point source, whose place and flux density are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from casatools import table
from casatools.simulation.demo import DemoOptions, make_demo

_C = 299792458.0


def make_point_source(
    path: Path, offset_rad: tuple[float, float], flux_jy: float, nchan: int = 5, noise_jy: float = 0.05
) -> None:
    """A source of `flux_jy` in field 0, `offset_rad` (direction cosines to the east and north) from its centre."""
    make_demo(str(path), DemoOptions(antennas_per_arm=5, cycles=1, nchan=nchan))
    tb = table()
    tb.open(str(path / "SPECTRAL_WINDOW"))
    freq = tb.getcol("CHAN_FREQ")[:, 0]
    tb.done()
    tb.open(str(path), nomodify=False)
    u, v, w = tb.getcol("UVW")
    east, north = offset_rad
    path_m = u * east + v * north + w * (np.sqrt(1 - east**2 - north**2) - 1)
    turn = np.exp(2j * np.pi * np.outer(freq, path_m) / _C)
    noise = np.random.default_rng(3).normal(scale=noise_jy, size=(2, *turn.shape, 2))
    tb.putcol("DATA", (flux_jy * turn + noise[..., 0] + 1j * noise[..., 1]).astype(np.complex64))
    tb.done()
