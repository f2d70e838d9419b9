"""Skies of Gaussians and points observed by a simulated array, and what they look like with a beam."""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools import image, table
from casatools.simulation.demo import DemoOptions, make_demo

__all__ = ["ARCSEC", "EXTENDED", "POINTS", "SIZE", "observe", "pixels", "truth"]

C = 299792458.0
SIZE, ARCSEC = 128, 12.0
# Pixels to the east and north, flux density [Jy] and full width at half maximum [pixel].
EXTENDED = ((-12, 9, 2.0, 6.0), (14, -10, 3.0, 11.0), (6, 22, 0.5, 0.0), (-20, -18, 0.3, 0.0))
POINTS = tuple((int(e), int(n), f, 0.0) for e, n, f in zip(
    np.random.default_rng(8).integers(-40, 40, 30), np.random.default_rng(9).integers(-40, 40, 30), np.geomspace(2.0, 0.05, 30), strict=True
))  # fmt: skip


def pixels(name: str) -> np.ndarray:
    tool = image()
    tool.open(name)
    try:
        return np.asarray(tool.getchunk())[:, :, 0, 0]
    finally:
        tool.done()


def observe(sky: tuple[tuple[int, int, float, float], ...], noise_jy: float) -> None:
    """The transform of a sky, and noise, in field 2 of ``demo.ms``."""
    make_demo("demo.ms", DemoOptions(antennas_per_arm=6, cycles=3, nchan=3))
    tb = table()
    tb.open("demo.ms/SPECTRAL_WINDOW")
    freq = tb.getcol("CHAN_FREQ")[:, :1]
    tb.close()
    tb.open("demo.ms", nomodify=False)
    uvw, cell = tb.getcol("UVW"), np.deg2rad(ARCSEC / 3600)
    seen = np.zeros((len(freq), uvw.shape[1]), complex)
    for east, north, flux, width in sky:
        path = uvw[0] * east * cell + uvw[1] * north * cell  # the standard gridder leaves w out
        size = np.pi * width * cell * np.hypot(uvw[0], uvw[1]) * freq / C
        seen += flux * np.exp(-(size**2) / (4 * np.log(2)) + 2j * np.pi * freq * path / C)
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((2, 2, *seen.shape))
    tb.putcol("DATA", (seen[None] + noise_jy * (noise[0] + 1j * noise[1])).astype(np.complex64))
    tb.close()


def truth(sky: tuple[tuple[int, int, float, float], ...], beam: dict[str, Any]) -> np.ndarray:
    """The sky [Jy/beam] (x, y) seen with a beam."""
    x, y = np.meshgrid(SIZE // 2 - np.arange(SIZE), np.arange(SIZE) - SIZE // 2, indexing="ij")  # to the east and north
    major, minor, angle = (beam[k]["value"] for k in ("major", "minor", "positionangle"))
    t = np.deg2rad(angle)
    axes = np.array([[np.sin(t), np.cos(t)], [np.cos(t), -np.sin(t)]])
    own = axes.T @ np.diag([(major / ARCSEC) ** 2, (minor / ARCSEC) ** 2]) @ axes
    total = np.zeros((SIZE, SIZE))
    for east, north, flux, width in sky:
        both = own + np.eye(2) * width**2
        d = np.stack([x - east, y - north])
        form = np.einsum("ixy,ij,jxy->xy", d, np.linalg.inv(both), d)
        total += flux * np.sqrt(np.linalg.det(own) / np.linalg.det(both)) * np.exp(-4 * np.log(2) * form)
    return total
