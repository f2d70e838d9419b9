"""Channels that moments are made of: grown windows, fitted lines, ranges of smoothed images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools import image
from casatools._base.errors import ParameterError
from casatools.analysis.moment_windows import fitted_lines, grown_windows
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

X = np.arange(60.0)
NOISE = 0.05 * np.random.default_rng(4).normal(size=(20, 60))
LINES = np.exp(-4 * np.log(2) * ((X - 25.0 - np.arange(20)[:, None] / 4) / 8.0) ** 2)
GOOD = np.ones(LINES.shape, bool)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_windows_hold_the_line_and_leave_the_noise() -> None:
    found = grown_windows(LINES + NOISE, GOOD, 0.05, 5.0)
    total = ((LINES + NOISE) * found).sum(axis=1)
    assert np.allclose(total, LINES.sum(axis=1), rtol=0.12) and (found.sum(axis=1) < 45).all()
    assert not grown_windows(NOISE, GOOD, 0.05, 5.0).any() and not grown_windows(LINES, ~GOOD, 0.05, 5.0).any()


def test_fits_give_the_line() -> None:
    models, reached = fitted_lines(LINES + NOISE, GOOD, 0.05, 5.0)
    assert np.allclose(models, LINES, atol=0.12) and np.allclose((models * reached).sum(axis=1), LINES.sum(axis=1), rtol=0.3)
    assert not fitted_lines(NOISE, GOOD, 0.05, 8.0)[1].any()


def test_moments_of_the_tool() -> None:
    cell = 3 * np.pi / 648000
    coordinates = make_image_coordinates(
        (5, 4), (cell, cell), (1.0, 0.5), 1.42e9 - 1e5 * np.arange(60), stokes=["I"], rest_frequency_hz=1.42e9
    )
    with CasaImage.create("a.im", (60, 1, 4, 5), coordinates, unit="K") as made:
        made.write((LINES + NOISE).T.reshape(60, 1, 4, 5))
    ia = image()
    ia.open("a.im")
    width = 299792.458 * 1e5 / 1.42e9
    expected = LINES.sum(axis=1).reshape(4, 5).T * width
    for method in (["window"], ["fit"], ["window", "fit"]):
        made = ia.moments(moments=[0], axis=3, method=method, peaksnr=5.0)
        assert np.allclose(made.getchunk()[:, :, 0], expected, rtol=0.2) and made.getchunk(getmask=True).all()
        made.done()
    ranged = ia.moments(
        moments=[0], axis=3, smoothaxes=[3], smoothtypes=["gauss"], smoothwidths=[4], includepix=[0.1, 10], smoothout="s.im"
    )
    assert np.allclose(ranged.getchunk()[:, :, 0], expected, rtol=0.12)
    with CasaImage.open("s.im") as smooth:
        keep = smooth.read() > 0.1
    assert np.allclose(ranged.getchunk().T[0], (ia.getchunk().T * keep).sum(axis=0)[0] * width, rtol=1e-4)
    plain, optical = (ia.moments(moments=[1], axis=3, doppler=d, includepix=[0.3, 9]).getchunk() for d in ("RADIO", "OPTICAL"))
    assert np.all(optical > plain) and np.allclose(optical, plain, rtol=0.02)
    for given, words in (
        ({"method": ["other"]}, "method"), ({"smoothaxes": [3], "smoothtypes": ["gauss"], "smoothwidths": [4]}, "where the line is"),
        ({"method": ["fit"], "smoothaxes": [3], "smoothtypes": ["gauss"], "smoothwidths": [4]}, "no use"),
        ({"peaksnr": -1.0}, "peaksnr"), ({"smoothout": "x.im"}, "smoothout"), ({"doppler": "NONE"}, "NONE"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=words):
            ia.moments(outfile="x.im", axis=3, **given)
    assert not Path("x.im").exists()
    ranged.done()
    ia.done()


K = np.arange(64.0)
EXPECTED = {
    ("window",): ((1.343588948, 0.360955358, 4.522179604), (1.335365534, 0.364577383, 4.518198490)),
    ("fit",): ((1.318895936, 0.370256364, 4.576073170), None),
    ("window", "fit"): ((1.328481197, 0.359904468, 4.542864799), (1.318763494, 0.425825149, 4.535049915)),
}


@pytest.mark.parametrize("method", EXPECTED)
@pytest.mark.parametrize("smoothed", [False, True])
def test_windows_and_fits_are_those_of_the_reference(method: tuple[str, ...], smoothed: bool) -> None:
    """Integrals that CASA 6.7 gave of three lines with ripples; windows are those of the smoothed image where there is one."""
    expected = EXPECTED[method][int(smoothed)]
    if expected is None:
        return
    lines = ((1, 30, 6), (0.5, 10.2, 3), (2, 50, 10))
    spectra = [
        a * np.exp(-4 * np.log(2) * ((K - c) / w) ** 2) + 0.05 * np.sin(1.7 * K * K + s) for s, (a, c, w) in enumerate(lines)
    ]
    ia = image()
    ia.fromshape("b.im", [3, 1, 1, 64])
    ia.putchunk(np.array(spectra, np.float32).reshape(3, 1, 1, 64))
    system = ia.coordsys()
    system.setrestfrequency("1.415GHz")
    ia.setcoordsys(system.torecord())
    smooth = {"smoothaxes": [3], "smoothtypes": ["gauss"], "smoothwidths": [5]} if smoothed else {}
    made = ia.moments([0], 3, method=list(method), stddev=0.05, **smooth)
    assert np.ravel(made.getchunk()) == pytest.approx(expected, rel=1e-6)
    for tool in (made, ia):
        tool.done()


def test_absorption_stands_out_as_emission_does() -> None:
    found = grown_windows(-LINES + NOISE, GOOD, 0.05, 5.0)
    assert np.allclose((LINES * found).sum(axis=1), LINES.sum(axis=1), rtol=0.05)
    models, reached = fitted_lines(-LINES + NOISE, GOOD, 0.05, 5.0)
    assert np.allclose(models, -LINES, atol=0.12) and reached.any(axis=1).all()


def test_a_window_that_would_be_the_whole_spectrum_is_none() -> None:
    ramp = np.cumsum(np.arange(40.0))[None, :]
    assert not grown_windows(ramp, np.ones(ramp.shape, bool), 0.1, 3.0).any()
