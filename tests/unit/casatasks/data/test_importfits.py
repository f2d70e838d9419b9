"""importfits and exportfits: round trip, refusals before anything is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from casatasks import exportfits, importfits
from casatools._base.errors import OutputExistsError, ParameterError, PathMissingError
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import make_image_coordinates


def make(path: str = "a.im") -> np.ndarray:
    pixels = np.random.default_rng(3).normal(size=(4, 1, 6, 8)).astype(np.float32)
    with CasaImage.create(
        path, pixels.shape, make_image_coordinates((8, 6), (1e-5, 1e-5), (1.0, 0.5), 1e9 + 1e6 * np.arange(4))
    ) as image:
        image.write(pixels)
    return pixels


def test_round_trip() -> None:
    pixels = make()
    exportfits("a.im", "a.fits")
    importfits("a.fits", "b.im", beam=["9arcsec", 8, "5deg"])
    with CasaImage.open("b.im") as image:
        np.testing.assert_array_equal(image.read()[0], pixels[:, 0])
        assert image.beams.at().minor_arcsec == 8.0
        assert any("importfits" in e.message for e in image.history())
    importfits("a.fits", "b.im", overwrite=True, defaultaxes=True, defaultaxesvalues=["", "", "", "I"])
    with CasaImage.open("b.im") as image:
        np.testing.assert_array_equal(image.read(), pixels)


def test_refusals() -> None:
    make()
    exportfits("a.im", "a.fits", bitpix=16)
    for call, error in (
        (lambda: exportfits("a.im", "a.fits"), OutputExistsError),
        (lambda: exportfits("no.im", "n.fits"), PathMissingError),
        (lambda: exportfits("", "n.fits"), ParameterError),
        (lambda: exportfits("a.im", "n.fits", bitpix=8), ParameterError),
        (lambda: importfits("a.fits", "a.im"), OutputExistsError),
        (lambda: importfits("no.fits", "n.im"), PathMissingError),
        (lambda: importfits("a.fits", ""), ParameterError),
        (lambda: importfits("a.fits", "n.im", whichrep=1), ParameterError),
        (lambda: importfits("a.fits", "n.im", whichhdu=5), ParameterError),
        (lambda: importfits("a.fits", "n.im", beam=["1arcsec"]), ParameterError),
        (lambda: importfits("a.fits", "n.im", beam=["1arcsec", "2arcsec", "0deg"]), ParameterError),
        (lambda: importfits("a.fits", "n.im", defaultaxes=True, defaultaxesvalues=["x"]), ParameterError),
    ):
        with pytest.raises(error):
            call()
    assert not Path("n.im").exists() and not Path("n.fits").exists()


def test_alternate_coordinates() -> None:
    make()
    exportfits("a.im", "a.fits")
    with fits.open("a.fits", mode="update") as units:
        header = units[0].header
        for card in ("CTYPE", "CRVAL", "CDELT", "CRPIX", "CUNIT"):
            for axis in range(1, header["NAXIS"] + 1):
                if f"{card}{axis}" in header:
                    header[f"{card}{axis}B"] = header[f"{card}{axis}"]
        header["CRVAL1B"] = 33.0
    importfits("a.fits", "b.im", whichrep=1)
    importfits("a.fits", "c.im")
    with CasaImage.open("b.im") as other, CasaImage.open("c.im") as primary:
        assert np.rad2deg(other.coordinates.direction.reference_rad[0]) == pytest.approx(33.0)
        assert np.rad2deg(primary.coordinates.direction.reference_rad[0]) != pytest.approx(33.0)
