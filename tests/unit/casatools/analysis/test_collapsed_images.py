"""Collapsed images against numpy, in memory and as streams."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.analysis.collapsed_images import COLLAPSE_FUNCTIONS, collapse_image
from casatools.analysis.image_statistics import image_statistics
from casatools.analysis.sub_images import PixelChoice
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import make_image_coordinates

SHAPE = (8, 1, 6, 16)
_EXPECTED = {
    "sum": np.nansum, "mean": np.nanmean, "median": np.nanmedian, "min": np.nanmin, "max": np.nanmax,
    "stddev": lambda v, axis: np.nanstd(v, axis=axis, ddof=1), "variance": lambda v, axis: np.nanvar(v, axis=axis, ddof=1),
    "rms": lambda v, axis: np.sqrt(np.nanmean(np.square(v), axis=axis)), "npts": lambda v, axis: np.isfinite(v).sum(axis=axis),
    "madm": lambda v, axis: np.nanmedian(np.abs(v - np.nanmedian(v, axis=axis, keepdims=True)), axis=axis),
    "sqrtsum": lambda v, axis: np.sqrt(np.maximum(np.nansum(v, axis=axis), 0)),
}  # fmt: skip


def _image(path: str, masked: bool) -> np.ndarray:
    coordinates = make_image_coordinates((16, 6), (1e-5, 1e-5), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(8))
    values = np.random.default_rng(3).normal(0.2, 1.0, size=SHAPE).astype(np.float32)
    with CasaImage.create(path, SHAPE, coordinates, tile_shape=(4, 1, 3, 8), mask="mask0" if masked else "") as image:
        image.write(values)
        if masked:
            good = np.random.default_rng(4).random(SHAPE) > 0.3
            image.write_mask(good)
            values[~good] = np.nan
    return values.astype(np.float64)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("axes", [(3,), (0, 1), (0, 1, 2, 3)])
def test_every_function_in_memory_and_as_a_stream(axes: tuple[int, ...], masked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    values = _image("a.im", masked)
    along = tuple(3 - a for a in axes)
    with CasaImage.open("a.im") as image:
        for streamed in (False, True):
            if streamed:
                monkeypatch.setattr("casatools.analysis.collapsed_images.chunk_bytes", lambda: 0)
                monkeypatch.setattr("casatools.analysis.image_statistics._READ_ONCE", 10)
            for name in _EXPECTED if axes == (0, 1) else ("median", "mean"):
                assert name in COLLAPSE_FUNCTIONS
                collapse_image(image, "out.im", name, axes, PixelChoice(), overwrite=True)
                with CasaImage.open("out.im") as made:
                    expected = _EXPECTED[name](values, axis=along).reshape(made.shape)
                    usable = np.isfinite(values).any(axis=along).reshape(made.shape)
                    if name not in ("stddev", "variance") or not masked:
                        np.testing.assert_allclose(made.read()[usable], expected[usable], rtol=2e-6, atol=1e-6)
                    np.testing.assert_array_equal(made.read_mask(), usable)


@pytest.mark.parametrize(("masked", "undefined"), [(False, False), (True, False), (False, True), (True, True)])
def test_statistics_of_tiles_as_they_lie_are_those_of_the_blocks(
    masked: bool, undefined: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = _image("a.im", masked)
    if undefined:
        with CasaImage.open("a.im", writable=True) as image:
            image.write(np.nan, (slice(1, 7, 2), 0, 3, slice(None, None, 5)))
        values[1:7:2, 0, 3, ::5] = np.nan
    monkeypatch.setattr("casatools.analysis.image_statistics._READ_ONCE", 10)
    monkeypatch.setattr("casatools.analysis.value_stream._IN_MEMORY", 10)
    asked: list[bool] = []
    tiles = CasaImage.tiles
    monkeypatch.setattr(CasaImage, "tiles", lambda self: asked.append(True) or tiles(self))
    with CasaImage.open("a.im") as image:
        found = image_statistics(image)
    assert asked  # the passes after the first
    flat = np.sort(values[np.isfinite(values)])
    assert found["npts"][0] == flat.size
    assert found["q1"][0] == flat[(flat.size + 3) // 4 - 1]
    assert found["median"][0] == pytest.approx(np.median(flat), rel=1e-7)
    assert found["medabsdevmed"][0] == pytest.approx(np.median(np.abs(flat - np.median(flat))), rel=1e-6)
    assert found["sum"][0] == pytest.approx(flat.sum(), rel=1e-13)
    assert found["sigma"][0] == pytest.approx(flat.std(ddof=1), rel=1e-13)
    place = tuple(int(p) for p in found["maxpos"][::-1])
    assert values[place] == flat[-1] == found["max"][0]


def test_statistics_of_what_more_than_a_mask_leaves_out_go_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = _image("a.im", True)
    monkeypatch.setattr("casatools.analysis.image_statistics._READ_ONCE", 10)
    with CasaImage.open("a.im") as image:
        found = image_statistics(image, mask="'a.im' > 0")
    used = np.sort(values[values > 0])
    assert found["npts"][0] == used.size
    assert found["median"][0] == pytest.approx(np.median(used), rel=1e-7)
