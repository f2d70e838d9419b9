"""Virtual parts of images: their pixels stay in the other image until some are put into the part."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from casatools import image, regionmanager
from casatools._base.errors import DataError
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

SHAPE = (12, 10, 1, 5)


@pytest.fixture(autouse=True)
def values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.chdir(tmp_path)
    made = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    ia = image()
    ia.fromarray("a.im", made)
    ia.setbrightnessunit("Jy/beam")
    ia.done()
    return made


def opened(name: str = "a.im") -> image:
    ia = image()
    ia.open(name)
    return ia


def is_virtual(ia: image) -> bool:
    return os.path.exists(os.path.join(ia.name(), "part_of.json"))


BOX = regionmanager().box([2, 3, 0, 1], [8, 9, 0, 3])


def test_a_part_reads_what_it_is_a_part_of(values: np.ndarray) -> None:
    ia = opened()
    part = ia.subimage("", region=BOX)
    inside = values[2:9, 3:10, :, 1:4]
    assert is_virtual(part) and np.array_equal(part.getchunk(), inside)
    assert np.array_equal(part.getchunk([1, 0, 0, 0], [5, 6, 0, 2], [2, 3, 1, 2]), inside[1:6:2, 0:7:3, :, 0:3:2])
    flat = part.subimage("", dropdeg=True)
    part.done()  # the part of it keeps what it needs
    assert np.array_equal(flat.getchunk(), inside[:, :, 0])
    assert np.isclose(flat.statistics()["max"][0], inside.max())
    ia.setbrightnessunit("K")
    assert is_virtual(flat) and flat.brightnessunit() == "Jy/beam"
    ia.putchunk(values + 1)  # it is a copy, as CASA's, of the part, which is made now
    assert np.array_equal(flat.getchunk(), inside[:, :, 0]) and np.allclose(ia.getchunk(), values + 1)


def test_parts_outlive_what_they_are_parts_of(values: np.ndarray) -> None:
    ia = opened()
    inside = values[2:9, 3:10, :, 1:4]
    part, again = ia.subimage("", region=BOX), ia.subimage("", region=BOX)
    with CasaImage.open(part.name()) as other:  # a second handle of one of them
        ia.fromshape("a.im", [3, 3], overwrite=True)
        assert np.array_equal(other.read()[:, 0], np.moveaxis(inside[:, :, 0], (0, 1, 2), (2, 1, 0)))
    for tool in (part, again):
        assert not is_virtual(tool) and np.array_equal(tool.getchunk(), inside)
    last = ia.subimage("")
    ia.done(remove=True)
    assert last.getchunk().shape == (3, 3)


def test_pixels_that_are_put_are_its_own(values: np.ndarray) -> None:
    ia = opened()
    part = ia.subimage("", region=BOX, mask="'a.im' > 0")
    part.setbrightnessunit("K")
    part.setmiscinfo({"mine": 1})
    assert is_virtual(part) and ia.brightnessunit() == "Jy/beam"
    inside = values[2:9, 3:10, :, 1:4]
    part.putchunk(np.full((1, 1, 1, 1), 7.0))
    assert not is_virtual(part)
    expected = inside.copy()
    expected[0, 0, 0, 0] = 7
    assert np.array_equal(part.getchunk(), expected) and np.array_equal(ia.getchunk(), values)
    assert np.array_equal(part.getchunk(getmask=True), inside > 0)
    assert (
        part.brightnessunit() == "K"
        and part.miscinfo() == {"mine": 1}
        and any("made of" in line for line in part.history(list=False))
    )
    with CasaImage.open(part.name(), writable=True) as whole:
        whole.detach()  # nothing more is to be done
        assert np.array_equal(whole.read()[0, 0], expected[:, :, 0, 0].T)


def test_a_part_that_gets_a_name_stands_alone(values: np.ndarray) -> None:
    ia = opened()
    part = ia.subimage("")
    part.rename("named.im")
    part.done()
    ia.done(remove=True)
    assert np.array_equal(opened("named.im").getchunk(), values)


def test_temporary_images_stay_while_parts_of_them_are_used() -> None:
    ia = opened()
    mean = ia.collapse("mean", [3])
    pixels, folder = mean.getchunk(), os.path.dirname(mean.name())
    part = mean.subimage("")
    mean.done()
    assert np.array_equal(part.getchunk(), pixels) and os.path.exists(folder)
    part.done()
    assert not os.path.exists(folder)


def test_what_a_part_was_of_is_gone_or_another(values: np.ndarray) -> None:
    ia = opened()
    part = ia.subimage("", region=BOX)
    shutil.copytree(part.name(), "part.im")
    part.done()
    ia.done()
    shutil.rmtree("a.im")  # not through this package
    with pytest.raises(DataError, match="which is gone"):
        CasaImage.open("part.im")
    CasaImage.create("a.im", (1, 1, 3, 3), make_image_coordinates((3, 3), (1e-5, 1e-5), (1.0, 0.5), [1e9])).close()
    with pytest.raises(DataError, match="whose shape is now"):
        CasaImage.open("part.im")


def test_an_interrupted_copy_leaves_the_part(values: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    part = opened().subimage("", region=BOX)

    def stop(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("casatools.io.image.table_image.TableImage.write", stop)
        part.putchunk(np.zeros((1, 1, 1, 1)))
    assert is_virtual(part) and not os.path.exists(part.name() + ".whole")
    assert np.array_equal(part.getchunk(), values[2:9, 3:10, :, 1:4])


def test_parts_of_fits_and_complex_images(values: np.ndarray) -> None:
    ia = opened()
    ia.tofits("a.fits")
    fits = opened("a.fits").subimage("", region="box[[2pix,3pix],[8pix,9pix]]")
    assert is_virtual(fits) and np.array_equal(np.squeeze(fits.getchunk()), values[2:9, 3:10, 0])
    ia.fromarray("c.im", values * (1 + 2j))
    part = ia.subimage("", region=BOX)
    part.putchunk(part.getchunk() * 2)
    assert np.allclose(part.getchunk(), values[2:9, 3:10, :, 1:4] * (2 + 4j))
