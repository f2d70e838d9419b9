"""tclean recovers skies that are known: polarised ones with both kinds of feeds, and one so wide that the third coordinate of the baselines counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools import image, table
from casatools.simulation.demo import DemoOptions, make_demo
from support import extended_sky

C = 299792458.0
SIZE = 64
CELL = np.deg2rad(12.0 / 3600)
# Pixels to the east and north, and Stokes I, Q, U, V [Jy].
POLARISED = [(-9, 6, (2.0, 0.3, -0.2, 0.1)), (11, -8, (1.0, -0.2, 0.4, -0.3))]
CODES = {"circular": [5, 6, 7, 8], "linear": [9, 10, 11, 12]}


def correlations(basis: str, stokes: tuple[float, ...]) -> list[complex]:
    """What feeds see (Hamaker & Bregman 1996, A&AS 117, 161): RR RL LR LL or XX XY YX YY."""
    i, q, u, v = stokes
    return [i + v, q + 1j * u, q - 1j * u, i - v] if basis == "circular" else [i + q, u + 1j * v, u - 1j * v, i - q]


def pixels(name: str) -> np.ndarray:
    ia = image()
    ia.open(name)
    try:
        return np.asarray(ia.getchunk())
    finally:
        ia.close()


def observe(sources: list[tuple[float, float, list[complex]]], cell: float, codes: list[int] | None = None) -> None:
    """Put the direct Fourier transform of sources, w and all, into field 0 of ``sim.ms``."""
    tb = table()
    tb.open("sim.ms/SPECTRAL_WINDOW")
    freq = tb.getcol("CHAN_FREQ")[:, 0]
    tb.close()
    tb.open("sim.ms", nomodify=False)
    uvw = tb.getcol("UVW")
    data = np.zeros((len(sources[0][2]), len(freq), uvw.shape[1]), complex)
    for east, north, seen in sources:
        l, m = east * cell, north * cell
        path = uvw[0] * l + uvw[1] * m + uvw[2] * (np.sqrt(1.0 - l * l - m * m) - 1.0)
        data += np.array(seen)[:, None, None] * np.exp(2j * np.pi * freq[:, None] * path / C)
    if codes is None:
        tb.putcol("DATA", data.astype(np.complex64))
    else:
        for name in ("DATA", "FLAG"):
            tb.removecols(name)
        tb.addcols({"DATA": {"valueType": "complex", "ndim": 2}, "FLAG": {"valueType": "boolean", "ndim": 2}})
        tb.putcol("DATA", data.astype(np.complex64))
        tb.putcol("FLAG", np.zeros(data.shape, bool))
        for name in ("WEIGHT", "SIGMA"):
            tb.removecols(name)
            tb.addcols({name: {"valueType": "float", "ndim": 1}})
            tb.putcol(name, np.ones((4, uvw.shape[1]), np.float32))
    tb.close()
    if codes is not None:
        tb.open("sim.ms/POLARIZATION", nomodify=False)
        tb.putcell("NUM_CORR", 0, 4)
        tb.putcell("CORR_TYPE", 0, np.array(codes))
        tb.putcell("CORR_PRODUCT", 0, np.array([[0, 0, 1, 1], [0, 1, 0, 1]]))
        tb.close()


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_demo("sim.ms", DemoOptions(antennas_per_arm=5, cycles=1, nchan=2))


@pytest.mark.parametrize("deconvolver", ["hogbom", "clarkstokes"])
@pytest.mark.parametrize("basis", ["circular", "linear"])
def test_polarised_sources_are_recovered(basis: str, deconvolver: str) -> None:
    observe([(e, n, correlations(basis, s)) for e, n, s in POLARISED], CELL, CODES[basis])
    ways: dict[str, Any] = {"vis": "sim.ms", "field": "0", "imsize": SIZE, "cell": "12arcsec", "datacolumn": "data", "gain": 0.2}
    box = [f"circle[[{SIZE // 2 - e}pix,{SIZE // 2 + n}pix],2pix]" for e, n, _ in POLARISED]
    tclean(imagename="p", stokes="IQUV", niter=3000, threshold="2mJy", deconvolver=deconvolver, mask=box, **ways)
    found = pixels("p.image")
    for east, north, stokes in POLARISED:
        assert found[SIZE // 2 - east, SIZE // 2 + north, :, 0] == pytest.approx(stokes, abs=2e-4)
    # The planes of the feeds themselves.
    names = ("RRLL", (0, 3)) if basis == "circular" else ("XXYY", (0, 3))
    tclean(imagename="f", stokes=names[0], niter=3000, threshold="2mJy", mask=box, **ways)
    found = pixels("f.image")
    for east, north, stokes in POLARISED:
        seen = [correlations(basis, stokes)[k].real for k in names[1]]
        assert found[SIZE // 2 - east, SIZE // 2 + north, :, 0] == pytest.approx(seen, abs=2e-4)


@pytest.mark.parametrize("gridder", ["wproject", "widefield"])
def test_a_wide_sky_needs_the_third_coordinate(gridder: str) -> None:
    """Sources up to a degree from the centre: the w term turns phases by radians there, and a flat gridder loses the flux densities."""
    cell = np.deg2rad(15.0 / 3600)
    sources = [(-190, 120, 1.0), (140, 170, 2.0), (10, -200, 1.5)]
    observe([(e, n, [s, s]) for e, n, s in sources], cell)
    box = [f"circle[[{256 - e}pix,{256 + n}pix],3pix]" for e, n, _ in sources]
    ways: dict[str, Any] = {
        "vis": "sim.ms",
        "field": "0",
        "imsize": 512,
        "cell": "15arcsec",
        "datacolumn": "data",
        "pblimit": -0.1,
        "mask": box,
    }
    errors = {}
    for name in (gridder, "standard"):
        tclean(imagename=name, gridder=name, niter=600, gain=0.2, threshold="5mJy", **ways)
        restored = pixels(f"{name}.image")[:, :, 0, 0]
        errors[name] = max(abs(restored[256 - e, 256 + n] / s - 1.0) for e, n, s in sources)
    assert errors[gridder] < 1e-3 and errors["standard"] > 0.01


@pytest.mark.parametrize(
    ("deconvolver", "given"),
    [("hogbom", {"niter": 1500}), ("multiscale", {"niter": 400, "scales": [0, 4, 10]}), ("asp", {"niter": 300, "gain": 0.3}), ("mtmfs", {"niter": 400, "scales": [0, 4, 10], "nterms": 1})],
)  # fmt: skip
def test_an_extended_sky_is_recovered(deconvolver: str, given: dict[str, Any]) -> None:
    """Gaussians and points in noise, by an array without short baselines: what it does not see does not grow, and the restored image is the sky's."""
    extended_sky.observe(extended_sky.EXTENDED, 0.02)
    ways: dict[str, Any] = {
        "imsize": extended_sky.SIZE,
        "cell": f"{extended_sky.ARCSEC}arcsec",
        "datacolumn": "data",
        "pblimit": -0.1,
    }
    ways |= {"field": "2", "gain": 0.2, "threshold": "30mJy", "mask": "circle[[64pix,64pix],58pix]", "cycleniter": 300, **given}
    tclean("demo.ms", imagename="e", deconvolver=deconvolver, **ways)
    name = "e.image.tt0" if deconvolver == "mtmfs" else "e.image"
    ia = image()
    ia.open(name)
    beam = ia.restoringbeam()
    ia.close()
    expected = extended_sky.truth(extended_sky.EXTENDED, beam)
    error = (extended_sky.pixels(name) - expected)[10:-10, 10:-10]
    assert error.std() < 0.01 and expected.max() > 0.4
