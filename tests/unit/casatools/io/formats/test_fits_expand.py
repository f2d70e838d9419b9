"""Compressed FITS images and those in extensions are read as plain ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from casatools import image
from casatools._base.errors import DataError
from casatools.io.formats.fits_expand import is_gzip_of_fits
from casatools.io.formats.fits_image import FitsImage
from casatools.io.image import CasaImage, is_fits_file

CARDS = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 180.0, "CRVAL2": 30.0, "CRVAL3": 1.4e9, "CDELT1": -1e-3, "CDELT2": 1e-3,
    "CDELT3": 1e6, "CRPIX1": 25.0, "CRPIX2": 20.0, "CRPIX3": 1.0, "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz", "BUNIT": "Jy/beam",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def values(kind: str) -> np.ndarray:
    return (50 * np.random.default_rng(1).normal(size=(3, 40, 50))).astype(kind)


@pytest.mark.parametrize("method", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1"])
@pytest.mark.parametrize("kind", ["i4", "f4"])
def test_compressed_images(method: str, kind: str) -> None:
    options = {"tile_shape": (1, 40, 50)} if method == "HCOMPRESS_1" else {}
    unit = fits.CompImageHDU(values(kind), compression_type=method, **options)
    unit.header.update(CARDS)
    unit.writeto("c.fits")
    with fits.open("c.fits") as units:
        expected = np.asarray(units[1].data, dtype=float)
    with CasaImage.open("c.fits") as found:
        assert (
            np.allclose(found.read(), expected, rtol=1e-6) and found.unit == "Jy/beam" and found.coordinates.direction is not None
        )
        folder = found._driver._folder.name
    assert not Path(folder).exists()
    ia = image()
    assert ia.fromfits("c.im", "c.fits") and np.allclose(ia.getchunk().T, expected, rtol=1e-6)
    ia.done()


def test_packed_files_and_extensions() -> None:
    unit = fits.PrimaryHDU(values("f4"))
    unit.header.update(CARDS)
    unit.writeto("p.fits")
    Path("p.fits.gz").write_bytes(gzip.compress(Path("p.fits").read_bytes()))
    with CasaImage.open("p.fits.gz") as found:
        assert np.array_equal(found.read(), values("f4")) and is_fits_file("p.fits.gz")
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(values("f4"), header=unit.header)]).writeto("e.fits")
    driver = FitsImage.open("e.fits", 0)
    assert driver.shape == (3, 40, 50)
    driver.close()
    Path("x.gz").write_bytes(gzip.compress(b"nothing"))
    Path("y.gz").write_bytes(b"\x1f\x8b broken")
    assert not is_gzip_of_fits("x.gz") and not is_gzip_of_fits("y.gz")
    with pytest.raises(DataError):
        CasaImage.open("x.gz")
    broken = bytearray(Path("p.fits.gz").read_bytes())
    Path("z.fits.gz").write_bytes(bytes(broken[: len(broken) // 2]))
    with pytest.raises(DataError):
        CasaImage.open("z.fits.gz")
