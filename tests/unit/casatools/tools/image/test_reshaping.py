"""Edges, axes, kernels and lags of images against numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools import image, regionmanager
from casatools._base.errors import DataError, OutputExistsError, ParameterError
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates import Coordinates, LinearCoordinate
from casatools.io.image.coordinates.make import make_image_coordinates

CELL = 3 * np.pi / 648000


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(name: str = "a.im", shape: tuple[int, ...] = (6, 1, 9, 8), good: np.ndarray | None = None) -> np.ndarray:
    coordinates = make_image_coordinates(shape[:1:-1], (CELL, CELL), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(shape[0]), stokes=["I"])
    values = np.random.default_rng(8).normal(size=shape).astype(np.float32)
    with CasaImage.create(name, shape, coordinates, unit="Jy/beam", mask="" if good is None else "mask0") as made:
        made.write(values)
        if good is not None:
            made.write_mask(good)
        made.beams = BeamSet.single(Beam.from_rad(3 * CELL, 2 * CELL, 0.0))
    return values.T


def opened(name: str = "a.im") -> image:
    ia = image()
    ia.open(name)
    return ia


def pixels(tool: image) -> np.ndarray:
    """Pixels of a new image, which is closed."""
    found = tool.getchunk()
    tool.done()
    return found


def test_axes_of_one_pixel_are_added() -> None:
    ia = image()
    ia.fromarray("l.im", np.arange(12.0).reshape(4, 3), linear=True)
    made = ia.adddegaxes("", direction=True, spectral=True, stokes="Q", tabular=True)
    assert made.shape().tolist() == [4, 3, 1, 1, 1, 1, 1] and made.coordsys().names()[2:] == [
        "Right Ascension",
        "Declination",
        "Frequency",
        "Stokes",
        "Tabular",
    ]
    assert made.coordsys().stokes() == ["Q"] and np.array_equal(made.getchunk(dropdeg=True), np.arange(12.0).reshape(4, 3))
    sky = image()
    sky.fromshape("", [4, 3])
    assert sky.adddegaxes("", linear=True).coordsys().names()[2:] == ["Axis1"]
    with pytest.raises(ParameterError, match="linear axis already"):
        ia.adddegaxes("x.im", linear=True)
    with pytest.raises(ParameterError, match="at least one"):
        ia.adddegaxes("x.im", linear=True, silent=True)
    made.done()
    ia.done()
    assert not Path("x.im").exists()


def test_smoothing_along_an_axis() -> None:
    cube = make()
    ia = opened()
    kept = ia.hanning("", axis=3, drop=False).getchunk()
    assert np.allclose(kept[..., 1:-1], 0.25 * cube[..., :-2] + 0.5 * cube[..., 1:-1] + 0.25 * cube[..., 2:], atol=1e-6)
    assert pixels(ia.hanning("")).shape == (8, 9, 1, 2)
    assert np.array_equal(pixels(ia.hanning("", axis=1)), pixels(ia.hanning("", axis=1, drop=False))[:, 1:8:2])
    assert np.allclose(pixels(ia.boxcar("", axis=0, width=2, drop=False, mask=[])), 0.5 * (cube[1:] + cube[:-1]), atol=1e-6)
    mean = ia.boxcar("", axis=0, width=2, dmethod="mean")
    assert mean.shape()[0] == 3 and mean.coordsys().referencepixel()["numeric"][0] == pytest.approx((4 - 1.0) / 2)
    mean.done()
    ia.done()


def test_convolution_with_arrays() -> None:
    cube = make()
    kernel = np.zeros((3, 2, 1, 3))
    kernel[0, 1, 0, 1], kernel[1, 1, 0, 2], kernel[2, 0, 0, 0] = 1.0, 2.0, 0.5
    expected = np.zeros(cube.shape)
    for place in zip(*np.nonzero(kernel), strict=True):
        shift = [p - n // 2 for p, n in zip(place, kernel.shape, strict=True)]
        moved = np.zeros(cube.shape)
        into = tuple(slice(max(0, s), n + min(0, s)) for s, n in zip(shift, cube.shape, strict=True))
        out_of = tuple(slice(max(0, -s), n + min(0, -s)) for s, n in zip(shift, cube.shape, strict=True))
        moved[into] = cube[out_of]
        expected += kernel[place] * moved
    ia = opened()
    made = ia.convolve("", kernel, scale=1.0)
    assert np.allclose(made.getchunk(), expected, atol=1e-5) and not made.restoringbeam()
    assert np.allclose(pixels(ia.convolve("", kernel)), expected / 3.5, atol=1e-5)
    image().newimagefromarray("k.im", kernel[:, :, :, 1:2]).done()
    assert pixels(ia.convolve("", "k.im", scale=2.0)).shape == cube.shape
    for bad, words in (
        ([], "must be an array"),
        (np.zeros((3, 3)), "normalized"),
        (np.ones((9, 9)), "larger"),
        (np.ones((1,) * 5), "1 to 4 axes"),
    ):
        with pytest.raises(ParameterError, match=words):
            ia.convolve("x.im", bad)
    for tool in (made, ia):
        tool.done()


def test_convolution_axis_by_axis() -> None:
    cube = make()
    ia = opened()
    box = pixels(ia.sepconvolve("", axes=[3], types=["box"], widths=["2pix"]))
    assert np.allclose(box[..., :-1], 0.5 * (cube[..., 1:] + cube[..., :-1]), atol=1e-6)
    smooth = pixels(ia.sepconvolve("", axes=[1], types=["hanning"], widths=[3]))
    assert np.allclose(smooth[:, 1:-1], 0.25 * cube[:, :-2] + 0.5 * cube[:, 1:-1] + 0.25 * cube[:, 2:], atol=1e-6)
    point = image()
    point.fromarray("p.im", np.eye(21)[:, 10:11] * np.ones((1, 5)))
    found = pixels(point.sepconvolve("", axes=[0], types=["gauss"], widths=["4arcmin"], scale=2.0))[:, 2]
    assert np.allclose(
        found, 2.0 * np.exp(-4 * np.log(2) * ((np.arange(21) - np.argmax(found)) / 4.0) ** 2), atol=1e-6
    ) and found.max() == pytest.approx(2.0)
    assert pixels(point.sepconvolve("", types=["gauss", "gauss"], widths=[3.0, 2.0])).sum() == pytest.approx(5.0, rel=0.15)
    for axes, types, widths, words in (
        ([0], ["gauss", "box"], [1, 2], "same length"), ([9], ["gauss"], [1], "not in the image"), ([0], ["x"], [1], "types"),
        ([0], ["gauss"], [-1], "positive"), ([2], ["gauss"], [1], "polarization"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=words):
            ia.sepconvolve("x.im", axes=axes, types=types, widths=widths)
    with CasaImage.open("a.im", writable=True) as given:
        given.beams = BeamSet(tuple(Beam.from_rad((3 + k) * CELL, 2 * CELL, 0.0) for k in range(6)), 6, 1)
    beams = opened()
    for call in (
        lambda: beams.sepconvolve("x.im", axes=[3], types=["box"], widths=[2]),
        lambda: beams.decimate("x.im", axis=3, factor=2),
    ):
        with pytest.raises(DataError, match="beams"):
            call()
    cropped = beams.crop("", chans="2~3")
    assert cropped.restoringbeam()["nChannels"] == 2
    for tool in (cropped, beams, point, ia):
        tool.done()


def test_edges() -> None:
    good = np.zeros((6, 1, 9, 8), bool)
    good[2:5, :, 1:7, 3:5] = True
    cube = make(good=good)
    ia = opened()
    whole = ia.crop("")
    assert whole.shape().tolist() == [2, 6, 1, 3] and np.array_equal(whole.getchunk(), cube[3:5, 1:7, :, 2:5])
    assert np.allclose(whole.toworld([0, 0, 0, 0], "n")["numeric"], ia.toworld([3, 1, 0, 2], "n")["numeric"])
    some = ia.crop("", axes=[0], box="2,0,7,8")
    assert some.shape().tolist() == [2, 9, 1, 6] and ia.crop("c.im", wantreturn=False) is None
    padded = ia.pad("", npixels=2, value=7.0)
    found, mask = padded.getchunk(), padded.getchunk(getmask=True)
    assert (
        np.array_equal(found[2:-2, 2:-2], cube)
        and np.all(found[:2] == 7)
        and np.array_equal(mask[2:-2, 2:-2], good.T)
        and not mask[:2].any()
    )
    marked = ia.pad("", npixels=1, padmask=True, box="1,1,4,4")
    assert marked.shape()[:2].tolist() == [6, 6] and marked.getchunk(getmask=True)[0].all()
    for call, kind in (
        (lambda: ia.crop("x.im", axes=[7]), ParameterError), (lambda: ia.crop("x.im", box="0,0,1,1"), DataError),
        (lambda: ia.pad("x.im", npixels=0), ParameterError), (lambda: ia.crop("c.im"), OutputExistsError),
    ):  # fmt: skip
        with pytest.raises(kind):
            call()
    with CasaImage.create("l.im", (5,), Coordinates([LinearCoordinate.make(["x"], ["m"])])):
        pass
    line = opened("l.im")
    for call in (lambda: line.pad("x.im"), lambda: line.rotate("x.im", pa="3deg"), lambda: line.twopointcorrelation("x.im")):
        with pytest.raises(DataError):
            call()
    for tool in (whole, some, padded, marked, line, ia):
        tool.done()


def test_thinned_out() -> None:
    good = np.random.default_rng(1).uniform(size=(6, 1, 9, 8)) > 0.4
    cube = make(good=good)
    ia = opened()
    copied = ia.decimate("", axis=1, factor=4)
    assert np.array_equal(copied.getchunk(), cube[:, ::4]) and copied.coordsys().referencepixel()["numeric"][1] == pytest.approx(
        1.0
    )
    mean = ia.decimate("", axis=1, factor=4, method="mean")
    grouped, usable = (v[:, :8].reshape(8, 2, 4, 1, 6) for v in (cube, good.T))
    expected = np.where(usable, grouped, 0).sum(axis=2) / np.maximum(usable.sum(axis=2), 1)
    assert np.allclose(mean.getchunk(), expected, atol=1e-6) and np.array_equal(mean.getchunk(getmask=True), usable.any(axis=2))
    assert mean.coordsys().referencepixel()["numeric"][1] == pytest.approx((4 - 1.5) / 4)
    for given, words in (
        ({"axis": 7}, "axis 7"),
        ({"axis": 0, "factor": 0}, "factor"),
        ({"axis": 0, "factor": 2, "method": "x"}, "method"),
    ):
        with pytest.raises(ParameterError, match=words):
            ia.decimate("x.im", **given)
    for tool in (copied, mean, ia):
        tool.done()


def test_turning_about_the_reference_pixel() -> None:
    make(shape=(1, 1, 41, 41))
    y, x = np.mgrid[0:41, 0:41] - 20.0
    with CasaImage.open("a.im", writable=True) as given:
        given.write(np.exp(-((x - 5) ** 2 + (y - 3) ** 2) / 8.0)[None, None])
    ia = opened()
    made = ia.rotate("", pa="30deg")
    found = made.getchunk()[:, :, 0, 0]
    place = np.array(np.unravel_index(np.argmax(found), found.shape)) - 20.0
    sine, cosine = np.sin(np.pi / 6), np.cos(np.pi / 6)
    assert np.allclose(place, [[cosine, -sine], [sine, cosine]] @ np.array([5.0, 3.0]), atol=0.6)
    assert made.coordsys().torecord()["direction0"]["pc"][0, 1] == pytest.approx(-0.5)
    flat = ia.rotate("", pa="90deg", shape=[20, 20, 1, 1], method="linear", dropdeg=True)
    assert flat.shape().tolist() == [20, 20]
    # A region gives the axes of the part that it bounds.
    part = ia.rotate("", pa="30deg", region="box[[5pix,3pix],[38pix,39pix]]")
    assert part.shape().tolist() == ia.shape().tolist()
    moved = ia.coordsys().referencepixel()["numeric"] - part.coordsys().referencepixel()["numeric"]
    assert moved[:2].tolist() == [5, 3] and np.allclose(part.getchunk()[12:25, 12:25], made.getchunk()[17:30, 15:28], atol=1e-6)
    part.done()
    same = ia.rotate("")
    assert np.allclose(same.getchunk(), ia.getchunk(), atol=1e-6)
    for tool in (made, flat, same, ia):
        tool.done()


def test_images_put_into_others() -> None:
    small = make("s.im", (1, 1, 5, 4), np.ones((1, 1, 5, 4), bool))
    make("big.im", (1, 1, 30, 30))
    ia = opened("big.im")
    ia.set(0.0)
    assert ia.insert("s.im")
    found = ia.getchunk()
    assert np.array_equal(found[13:17, 13:18], small) and found.sum() == pytest.approx(small.sum(), abs=1e-5)
    ia.set(0.0)
    ia.insert("s.im", locate=[28, -2, 0, 0])
    assert np.array_equal(ia.getchunk()[28:, :3], small[:2, 2:]) and ia.getchunk()[:28].sum() == 0
    ia.insert("s.im", region=regionmanager().box([1, 1, 0, 0], [2, 2, 0, 0]), locate=[0, 0, 0, 0])
    assert np.array_equal(ia.getchunk()[:2, :2], small[1:3, 1:3]) and ia.maskhandler("default")
    make("flat.im", (2, 1, 5, 4))
    with CasaImage.create("line.im", (4, 4), Coordinates([LinearCoordinate.make(["x", "y"], ["m", "m"])])):
        pass
    for name, given, words in (
        ("line.im", {}, "has 2 axes"),
        ("s.im", {"locate": [1.0, 2.0]}, "4 pixels"),
        ("s.im", {"locate": [99, 0, 0, 0]}, "outside"),
    ):
        with pytest.raises(ParameterError, match=words):
            ia.insert(name, **given)
    with CasaImage.create("other.im", (1, 1, 4, 4), Coordinates([LinearCoordinate.make(list("abcd"), ["m"] * 4)])):
        pass
    with pytest.raises(ParameterError, match="differ"):
        ia.insert("other.im")
    ia.done()


def test_complex_images() -> None:
    cube = make(good=np.random.default_rng(1).uniform(size=(6, 1, 9, 8)) > 0.4)
    make("b.im", good=np.random.default_rng(2).uniform(size=(6, 1, 9, 8)) > 0.4)
    ia = opened()
    assert ia.makecomplex("c.im", "b.im", region=regionmanager().box([0, 0, 0, 0], [3, 3, 0, 2]))
    made = opened("c.im")
    assert np.array_equal(made.getchunk(), (cube + 1j * cube)[:4, :4, :, :3]) and made.pixeltype() == "complex"
    make("d.im", (6, 1, 9, 7))
    for out, imaginary, words in (("", "b.im", "outfile"), ("x.im", "d.im", "shapes")):
        with pytest.raises(ParameterError, match=words):
            ia.makecomplex(out, imaginary)
    whole = image().newimagefromarray("z.im", np.zeros((8, 9, 1, 6), np.complex64))
    with pytest.raises(ParameterError, match="real numbers"):
        whole.makecomplex("x.im", "b.im")
    with pytest.raises(DataError, match="complex"):
        whole.twopointcorrelation("x.im")
    with pytest.raises(DataError, match="complex"):
        whole.histograms()
    for tool in (made, whole, ia):
        tool.done()


def test_structure_function_is_that_of_all_pairs() -> None:
    good = np.random.default_rng(3).uniform(size=(1, 1, 5, 4)) > 0.2
    values = make(shape=(1, 1, 5, 4), good=good)[:, :, 0, 0]
    usable = good.T[:, :, 0, 0]
    ia = opened()
    assert ia.twopointcorrelation("t.im")
    made = opened("t.im")
    found, mask = made.getchunk()[:, :, 0, 0], made.getchunk(getmask=True)[:, :, 0, 0]
    for dx in range(-3, 4):
        for dy in range(-4, 5):
            pairs = [
                (values[i, j] - values[i + dx, j + dy]) ** 2
                for i in range(4)
                for j in range(5)
                if 0 <= i + dx < 4 and 0 <= j + dy < 5 and usable[i, j] and usable[i + dx, j + dy]
            ]
            assert mask[dx + 3, dy + 4] == bool(pairs)
            assert not pairs or found[dx + 3, dy + 4] == pytest.approx(np.mean(pairs), rel=1e-5, abs=1e-6)
    assert made.coordsys().names()[:2] == ["Lag-Right Ascension", "Lag-Declination"] and made.brightnessunit() == "count"
    # A mask expression counts also where the image has no mask of its own (CASA ignores it there).
    ia.maskhandler("set", "")
    assert ia.twopointcorrelation("m.im", mask=f"'a.im' < {np.median(values)}")
    low = values < np.median(values)
    near = (values[1:] - values[:-1])[low[1:] & low[:-1]]
    chosen = opened("m.im")
    assert chosen.getchunk()[4, 4, 0, 0] == pytest.approx(np.mean(near**2), rel=1e-5)
    chosen.done()
    for out, given, words in (
        ("", {}, "outfile"), ("x.im", {"method": "other"}, "method"), ("x.im", {"axes": [1, 0]}, "rising"), ("x.im", {"axes": [0]}, "part"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=words):
            ia.twopointcorrelation(out, **given)
    for tool in (made, ia):
        tool.done()
