"""Planes read and written through slabs of whole tiles are the planes themselves."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.threads import in_order, set_thread_count
from casatools.analysis.plane_slabs import SlabReader, SlabWriter, _slab
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import make_image_coordinates

SHAPE = (7, 2, 20, 30)


def test_planes_come_back() -> None:
    coordinates = make_image_coordinates((30, 20), (1e-5, 1e-5), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(7), stokes=("I", "Q"))
    values = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    good = np.random.default_rng(2).random(SHAPE) > 0.3
    with CasaImage.create("a.im", SHAPE, coordinates, tile_shape=(4, 1, 8, 16), mask="mask0") as image:
        with SlabWriter(image, True) as writer:
            for place in np.ndindex(7, 2):
                block = (*(slice(k, k + 1) for k in place), slice(0, 20), slice(0, 30))
                writer.write(values[block], good[block], block)
        with pytest.raises(AssertionError, match="in the order"), SlabWriter(image, True) as writer:
            writer.write(values[:1, :1], True, (slice(0, 1), slice(0, 1), slice(0, 20), slice(0, 30)))
        np.testing.assert_array_equal(image.read(), values)
        np.testing.assert_array_equal(image.read_mask(), good)
        chosen = PixelChoice(ImageSelection(chans="1~5", box="3,2,20,11")).of(image)
        reader = SlabReader(chosen)
        for place in np.ndindex(5, 2):
            block = (*(slice(k, k + 1) for k in place), slice(0, 10), slice(0, 18))
            pixels, usable = reader.read(block)
            there = (place[0] + 1, place[1], slice(2, 12), slice(3, 21))
            np.testing.assert_array_equal(pixels[0, 0], values[there])
            np.testing.assert_array_equal(usable[0, 0], good[there])


def test_slabs_stay_within_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    block = (slice(5, 6), slice(0, 1), slice(0, 20), slice(0, 30))
    wide = _slab(block, SHAPE, (4, 1, 8, 16), (0, 0, 0, 0), 4)
    assert wide == [slice(4, 7), slice(0, 2), slice(0, 20), slice(0, 30)]
    monkeypatch.setattr("casatools.analysis.plane_slabs.chunk_bytes", lambda: 10000)
    assert _slab(block, SHAPE, (4, 1, 8, 16), (0, 0, 0, 0), 4) == list(block)


@pytest.mark.parametrize("count", [1, 3])
def test_results_keep_their_order_and_errors_come_through(count: int) -> None:
    set_thread_count(count)
    try:
        assert list(in_order(lambda k: k * k, range(20))) == [k * k for k in range(20)]
        with pytest.raises(ZeroDivisionError):
            list(in_order(lambda k: 1 // (k - 5), range(20)))
    finally:
        set_thread_count(None)
