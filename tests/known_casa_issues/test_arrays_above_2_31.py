"""Known issue: arrays of more than 2^31 elements, and masks of large cubes. Sparse files, which take no room on disk."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from casatasks import imstat
from casatools import image
from casatools.io.image.tile_file import TileFile

SHAPE = (600, 1, 2048, 2048)  # 2.5e9 pixels
LAST = (slice(598, 600), slice(0, 1), slice(2040, 2046), slice(1990, 2005))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", [np.float32, np.bool_])
def test_tiles_far_into_a_file(kind: type) -> None:
    """Pixels and masks beyond 2^31 elements go to their place and come back, and nothing else changes."""
    dtype, tile = np.dtype(kind), (4, 1, 64, 128)
    tiles = math.prod(-(-n // t) for n, t in zip(SHAPE, tile, strict=True))
    nbytes = math.prod(tile) // 8 if kind is np.bool_ else 4 * math.prod(tile)
    with open("pixels", "wb") as stream:
        stream.truncate(tiles * nbytes)
    values = np.random.default_rng(1).normal(size=(2, 1, 6, 15)).astype(np.float32)
    given = values > 0 if kind is np.bool_ else values
    file = TileFile("pixels", SHAPE, tile, dtype, True)
    first, last = [s.start for s in LAST], [s.stop - 1 for s in LAST]
    file.write(first, last, given)
    assert np.array_equal(file.read(first, last), given)
    around = file.read([597, 0, 2030, 1980], [599, 0, 2047, 2047])
    assert np.count_nonzero(around) == np.count_nonzero(given) and not np.any(file.read([0, 0, 0, 0], [3, 0, 9, 9]))
    assert Path("pixels").stat().st_blocks * 512 < 50e6


def test_an_image_is_read_by_its_parts() -> None:
    header = fits.Header()
    header["SIMPLE"], header["BITPIX"], header["NAXIS"] = True, -32, 4
    for k, n in enumerate(SHAPE[::-1], 1):
        header[f"NAXIS{k}"] = n
    for k, (name, value, step) in enumerate(
        (("RA---SIN", 57.0, -0.001), ("DEC--SIN", 30.0, 0.001), ("STOKES", 1.0, 1.0), ("FREQ", 1e9, 1e5)), 1
    ):
        header[f"CTYPE{k}"], header[f"CRVAL{k}"], header[f"CDELT{k}"], header[f"CRPIX{k}"] = name, value, step, 1.0
    text = header.tostring().encode()
    with open("a.fits", "wb") as stream:
        stream.write(text)
        stream.truncate(len(text) + -(-4 * math.prod(SHAPE) // 2880) * 2880)
        for chan, y, x, value in ((599, 2045, 2004, 7.0), (598, 2040, 1990, -2.0), (0, 0, 0, 100.0)):
            stream.seek(len(text) + 4 * int(np.ravel_multi_index((chan, 0, y, x), SHAPE)))
            stream.write(np.array([value], ">f4").tobytes())
    found = imstat("a.fits", box="1990,2040,2004,2045", chans="598~599")
    assert found["npts"][0] == 180 and found["max"][0] == 7 and found["min"][0] == -2 and found["sum"][0] == pytest.approx(5)
    assert found["maxpos"].tolist() == [2004, 2045, 0, 599] and found["minpos"].tolist() == [1990, 2040, 0, 598]
    ia = image()
    ia.open("a.fits")
    assert ia.getchunk([2000, 2040, 0, 595], [2047, 2047, 0, 599], inc=[2, 1, 1, 2]).sum() == 7
    assert ia.pixelvalue([0, 0, 0, 0])["value"]["value"] == 100 and ia.shape().tolist() == list(SHAPE[::-1])
    ia.done()
