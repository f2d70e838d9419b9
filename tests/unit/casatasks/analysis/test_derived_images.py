"""imsubimage, imcollapse, imtrans, imrebin, immath, imsmooth, impbcor against arrays worked on by numpy."""

from __future__ import annotations

import os
import shutil
from typing import Any

import numpy as np
import pytest

from casatasks import imcollapse, imcontsub, immath, impbcor, imrebin, imregrid, imsmooth, imsubimage, imtrans
from casatools import image
from casatools._base import log
from casatools._base.errors import (
    DataError,
    OutputExistsError,
    ParameterError,
    PathMissingError,
    SelectionError,
)
from casatools.io.image import CasaImage

SHAPE = (14, 11, 2, 6)
ARCMIN = np.deg2rad(1 / 60)


def make(name: str, values: np.ndarray, mask: np.ndarray | None = None, unit: str = "Jy/beam", beam: bool = True) -> np.ndarray:
    ia = image()
    ia.fromarray(name, values.astype(np.float32))
    ia.setbrightnessunit(unit)
    if beam:
        ia.setrestoringbeam("4arcmin", "3arcmin", "20deg")
    if mask is not None:
        ia.putregion(pixelmask=mask)
    ia.close()
    return values.astype(np.float32)


def read(name: str) -> tuple[np.ndarray, np.ndarray]:
    ia = image()
    ia.open(name)
    try:
        return ia.getchunk(), ia.getchunk(getmask=True)
    finally:
        ia.close()


def look(name: str, method: str, *args: Any) -> Any:
    ia = image()
    ia.open(name)
    try:
        return getattr(ia, method)(*args)
    finally:
        ia.close()


@pytest.fixture
def cube() -> np.ndarray:
    return make("a.im", np.random.default_rng(1).normal(size=SHAPE))


@pytest.fixture
def masked() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    mask = rng.random(SHAPE) > 0.3
    mask[3, 4, 0] = False  # no good pixel along the spectral axis here
    return make("b.im", rng.normal(size=SHAPE), mask), mask


def test_sub_image_is_the_slice(cube: np.ndarray) -> None:
    imsubimage("a.im", outfile="s.im", box="2,3,8,9", chans="1~4", stokes="Q")
    found, _ = read("s.im")
    assert np.array_equal(found, cube[2:9, 3:10, 1:2, 1:5])
    # A pixel keeps its place in the sky and in frequency.
    assert np.allclose(look("s.im", "toworld", [0, 0, 0, 0])["numeric"], look("a.im", "toworld", [2, 3, 1, 1])["numeric"])
    assert look("s.im", "restoringbeam")["major"]["value"] == 240.0


def test_sub_image_masks_what_a_region_leaves_out(cube: np.ndarray) -> None:
    imsubimage("a.im", outfile="s.im", region="circle[[6pix,5pix],3pix]", mask='"a.im" > -1')
    found, good = read("s.im")
    x, y = np.meshgrid(np.arange(3, 10), np.arange(2, 9), indexing="ij")
    inside = (np.hypot(x - 6, y - 5) <= 3)[:, :, None, None] & (cube[3:10, 2:9] > -1)
    assert np.array_equal(good, inside)
    assert np.array_equal(found, cube[3:10, 2:9])


def test_degenerate_axes_are_dropped_but_those_kept(cube: np.ndarray) -> None:
    imsubimage("a.im", outfile="s.im", chans="2", stokes="I", dropdeg=True)
    assert list(look("s.im", "shape")) == [14, 11]
    imsubimage("a.im", outfile="t.im", chans="2", stokes="I", dropdeg=True, keepaxes=[3])
    assert list(look("t.im", "shape")) == [14, 11, 1]
    assert np.array_equal(read("t.im")[0][..., 0], cube[..., 0, 2])
    with pytest.raises(ParameterError, match="axis 7"):
        imsubimage("a.im", outfile="u.im", chans="2", dropdeg=True, keepaxes=[7])
    imsubimage("a.im", outfile="one.im", box="1,1,1,1", chans="0", stokes="I")
    with pytest.raises(ParameterError, match="none would be left"):
        imsubimage("one.im", outfile="u.im", dropdeg=True)


def test_sub_image_refusals(cube: np.ndarray) -> None:
    with pytest.raises(ParameterError, match="outfile"):
        imsubimage("a.im")
    with pytest.raises(SelectionError):
        imsubimage("a.im", outfile="s.im", box="0,0,50,50")
    imsubimage("a.im", outfile="s.im")
    with pytest.raises(OutputExistsError):
        imsubimage("a.im", outfile="s.im")
    imsubimage("a.im", outfile="s.im", chans="0", overwrite=True)
    assert list(look("s.im", "shape")) == [14, 11, 2, 1]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("mean", lambda v: v.mean(axis=3)), ("sum", lambda v: v.sum(axis=3)), ("max", lambda v: v.max(axis=3)),
        ("min", lambda v: v.min(axis=3)), ("median", lambda v: np.median(v, axis=3)), ("rms", lambda v: np.sqrt((v**2).mean(axis=3))),
        ("stddev", lambda v: v.std(axis=3, ddof=1)), ("variance", lambda v: v.var(axis=3, ddof=1)),
        ("npts", lambda v: np.full(v.shape[:3], v.shape[3])), ("zero", lambda v: np.zeros(v.shape[:3])),
        ("madm", lambda v: np.median(np.abs(v - np.median(v, axis=3, keepdims=True)), axis=3)),
        ("xmadm", lambda v: 1.4826022 * np.median(np.abs(v - np.median(v, axis=3, keepdims=True)), axis=3)),
        ("sqrtsum", lambda v: np.sqrt(np.maximum(v.sum(axis=3), 0))),
        ("sqrtsum_npix", lambda v: np.sqrt(np.maximum(v.sum(axis=3), 0)) / v.shape[3]),
    ],
)  # fmt: skip
def test_collapse(cube: np.ndarray, function: str, expected: Any) -> None:
    imcollapse("a.im", function=function, axes=[3], outfile="c.im")
    found, _ = read("c.im")
    assert found.shape == (14, 11, 2, 1)
    assert np.allclose(found[..., 0], expected(cube.astype(float)), rtol=1e-5, atol=1e-6)


def test_collapse_leaves_masked_pixels_out(masked: tuple[np.ndarray, np.ndarray]) -> None:
    values, mask = masked
    imcollapse("b.im", function="mean", axes="freq", outfile="c.im")
    found, good = read("c.im")
    count = mask.sum(axis=3)
    expected = np.where(mask, values, 0).sum(axis=3) / np.maximum(count, 1)
    assert np.allclose(found[..., 0], expected, rtol=1e-5)
    assert np.array_equal(good[..., 0], count > 0) and not good[3, 4, 0, 0]


def test_collapsed_axes_stand_in_the_middle(cube: np.ndarray) -> None:
    imcollapse("a.im", function="flux", axes=[0, 1], outfile="f.im", chans="1~3")
    found, _ = read("f.im")
    area = np.pi / (4 * np.log(2)) * 4.0 * 3.0  # pixels of one arcmin
    assert np.allclose(found[0, 0], cube[..., 1:4].sum(axis=(0, 1)) / area, rtol=1e-4, atol=1e-6)
    assert look("f.im", "brightnessunit") == "Jy"
    assert np.allclose(look("f.im", "toworld", [0, 0, 0, 0])["numeric"], look("a.im", "toworld", [6.5, 5.0, 0, 1])["numeric"])


def test_collapse_refusals(cube: np.ndarray) -> None:
    make("plain.im", np.ones((4, 4, 1, 2)), beam=False)
    for kind, match, arguments in (
        (ParameterError, "function", {"function": "magic", "axes": [0]}),
        (ParameterError, "function", {"function": "m", "axes": [0]}),
        (ParameterError, "axes", {"function": "mean", "axes": []}),
        (ParameterError, "axis", {"function": "mean", "axes": [9]}),
        (ParameterError, "over direction axes", {"function": "flux", "axes": [3]}),
    ):
        with pytest.raises(kind, match=match):
            imcollapse("a.im", outfile="c.im", **arguments)
    with pytest.raises(ParameterError, match="restoring beam"):
        imcollapse("plain.im", function="flux", axes=[0, 1], outfile="c.im")
    with pytest.raises(ParameterError, match="outfile"):
        imcollapse("a.im", function="mean", axes=[3])
    ia = image()
    ia.fromarray("complex.im", np.ones((4, 4), complex), type="c")
    ia.close()
    with pytest.raises(DataError, match="complex"):
        imcollapse("complex.im", function="mean", axes=[0], outfile="c.im")
    assert not os.path.exists("c.im")


@pytest.mark.parametrize("order", ["3012", 3012, ["freq", "right", "decl", "sto"], "frds"])
def test_transpose(cube: np.ndarray, order: Any) -> None:
    imtrans("a.im", outfile="t.im", order=order)
    assert np.array_equal(read("t.im")[0], cube.transpose(3, 0, 1, 2))
    assert look("t.im", "coordsys").names()[0] == "Frequency"


def test_transpose_there_and_back(masked: tuple[np.ndarray, np.ndarray]) -> None:
    imtrans("b.im", outfile="t.im", order="2301")
    imtrans("t.im", outfile="u.im", order="2301")
    values, good = read("u.im")
    assert np.array_equal(values, masked[0]) and np.array_equal(good, masked[1])


@pytest.mark.parametrize("order", ["011", "0124", "rx", ["right", "right", "sto", "freq"], ["x"]])
def test_transpose_refusals(cube: np.ndarray, order: Any) -> None:
    with pytest.raises(ParameterError):
        imtrans("a.im", outfile="t.im", order=order)
    with pytest.raises(ParameterError, match="outfile"):
        imtrans("a.im", order="3012")


def test_rebin(cube: np.ndarray) -> None:
    imrebin("a.im", outfile="r.im", factor=[3, 2, 1, 4])
    found, _ = read("r.im")
    expected = cube[:12, :10, :, :4].astype(float).reshape(4, 3, 5, 2, 2, 1, 4).mean(axis=(1, 3, 6))
    assert np.allclose(found, expected, atol=1e-6)
    assert np.allclose(look("r.im", "toworld", [0, 0, 0, 0])["numeric"], look("a.im", "toworld", [1.0, 0.5, 0, 1.5])["numeric"])


def test_rebin_with_a_last_bin_that_is_not_full(masked: tuple[np.ndarray, np.ndarray]) -> None:
    values, mask = masked
    imrebin("b.im", outfile="r.im", factor=[1, 1, 1, 4], crop=False)
    found, good = read("r.im")
    for k, part in enumerate((slice(0, 4), slice(4, 6))):
        count = mask[..., part].sum(axis=3)
        assert np.array_equal(good[..., k], count > 0)
        expected = np.where(mask, values, 0)[..., part].sum(axis=3) / np.maximum(count, 1)
        assert np.allclose(found[..., k], expected, atol=1e-6)


def test_rebin_refusals(cube: np.ndarray) -> None:
    for factor, match in (([], "factors"), ([0], "factors"), ([1, 1, 1, 1, 2], "factors"), ([1, 1, 2], "polarization")):
        with pytest.raises(ParameterError, match=match):
            imrebin("a.im", outfile="r.im", factor=factor)
    ia = image()
    ia.open("a.im")
    ia.setrestoringbeam("5arcmin", "4arcmin", "0deg", channel=2, polarization=0)
    ia.close()
    with pytest.raises(ParameterError, match="beam for each channel"):
        imrebin("a.im", outfile="r.im", factor=[1, 1, 1, 2])
    with pytest.raises(ParameterError, match="outfile"):
        imrebin("a.im", factor=[2])


def test_expressions(cube: np.ndarray, masked: tuple[np.ndarray, np.ndarray]) -> None:
    immath(["a.im", "b.im"], expr="IM0 * 2 + sqrt(abs(IM1))", outfile="o.im")
    found, good = read("o.im")
    assert np.allclose(found, cube * 2 + np.sqrt(np.abs(masked[0])), atol=1e-5)
    assert np.array_equal(good, masked[1])
    immath(["a.im"], expr="iif(x > 0, x, 0)", varnames=["x"], box="1,2,5,6", chans="2~3", outfile="p.im", prec="double")
    assert np.allclose(read("p.im")[0], np.maximum(cube[1:6, 2:7, :, 2:4], 0))
    assert look("p.im", "pixeltype") == "double"
    immath(expr='"a.im" - mean("a.im")', outfile="q.im")
    assert abs(read("q.im")[0].mean()) < 1e-6


def test_expressions_in_tiles_and_in_blocks_are_the_same() -> None:
    values = np.random.default_rng(5).normal(size=(70, 45, 1, 21)).astype(np.float32)
    make("t.im", values)  # tiles reach beyond its edges
    make("u.im", values * 3)
    immath(["t.im", "u.im"], expr="IM0 * 2 + sqrt(abs(IM1))", outfile="o.im")
    expected = values * 2 + np.sqrt(np.abs(values * 3))
    assert np.array_equal(read("o.im")[0], expected)
    immath(["t.im", "u.im"], expr="IM0 * 2 + sqrt(abs(IM1))", outfile="p.im", box="0,0,69,43")
    assert np.array_equal(read("p.im")[0], expected[:, :44])
    immath("t.im", expr="IM0 * 0 + 4", outfile="q.im", prec="double")
    assert look("q.im", "pixeltype") == "double" and np.all(read("q.im")[0] == 4)
    with pytest.raises(DataError, match="no pixel that is a finite number"):
        immath("t.im", expr="IM0 * 1e30 * 1e30", outfile="r.im")  # what lies beyond the edges does not count
    assert not os.path.exists("r.im")


@pytest.mark.parametrize("own_mask", [True, False])
def test_conditions_in_tiles_and_in_blocks_are_the_same(own_mask: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from casatools.analysis import expressions, image_math

    shape, random = (150, 91, 1, 7), np.random.default_rng(3)  # several tiles, and some over the edge
    values, other = random.normal(size=(2, *shape))
    good, seen = random.uniform(size=(2, *shape)) < 0.8
    make("a.im", values, good if own_mask else None)
    make("b.im", other, seen)
    assert CasaImage.open("a.im").tile_shape != shape[::-1]
    by_tiles: list[Any] = []
    write = image_math._write_tiles
    monkeypatch.setattr(image_math, "_write_tiles", lambda *given: by_tiles.append(given[3]) or write(*given))
    expected = {'"b.im" > 0.1': other.astype("f4") > 0.1, '"b.im" * 2': other != 0, "T": np.ones(shape, bool)}
    for k, (mask, wanted) in enumerate(expected.items()):
        immath("a.im", "evalexpr", f"tiles{k}.im", "IM0 * 3", mask=mask)
        kept = wanted & (good if own_mask else True) & (True if mask == "T" else seen)
        assert len(by_tiles) == k + 1 and (read(f"tiles{k}.im")[1] == kept).all()
        np.testing.assert_array_equal(read(f"tiles{k}.im")[0], 3 * values.astype("f4"))
    monkeypatch.setattr(expressions.Expression, "tiled_as", lambda *_: False)
    immath("a.im", "evalexpr", "blocks.im", "IM0 * 3", mask='"b.im" > 0.1')
    assert len(by_tiles) == 3
    for tiles, blocks in zip(read("tiles0.im"), read("blocks.im"), strict=True):
        np.testing.assert_array_equal(tiles, blocks)


def test_expression_refusals(cube: np.ndarray) -> None:
    make("small.im", np.ones((3, 3, 1, 1)))
    cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (ParameterError, "IM7", {"imagename": "a.im", "expr": "IM7"}),
        (ParameterError, "holds no image", {"expr": "1 + 1"}),
        (ParameterError, "truth values", {"imagename": "a.im", "expr": "IM0 > 0"}),
        (ParameterError, "varnames", {"imagename": "a.im", "expr": "x", "varnames": ["x", "y"]}),
        (DataError, "does not fit", {"imagename": ["a.im", "small.im"], "expr": "IM0 + IM1"}),
        (DataError, "do not fit", {"imagename": "a.im", "expr": "IM0", "imagemd": "small.im"}),
        (PathMissingError, "none.im", {"imagename": "none.im", "expr": "IM0"}),
        (ParameterError, "imagename", {"mode": "poli"}),
        (ParameterError, "stokes", {"imagename": "a.im", "mode": "poli", "stokes": "Q"}),
        (ParameterError, "Stokes U", {"imagename": "a.im", "mode": "lpoli"}),
        (ParameterError, "two images", {"imagename": "a.im", "mode": "spix"}),
        (ParameterError, "different frequencies", {"imagename": ["a.im", "a.im"], "mode": "spix"}),
        (DataError, "do not fit", {"imagename": ["a.im", "small.im"], "mode": "spix"}),
        (ParameterError, "outfile", {"imagename": "a.im", "outfile": ""}),
    ]
    for kind, match, arguments in cases:
        with pytest.raises(kind, match=match):
            immath(**{"outfile": "o.im", **arguments})
    assert not os.path.exists("o.im")


@pytest.fixture
def iquv() -> np.ndarray:
    values = np.random.default_rng(3).normal(size=(8, 7, 4, 3))
    ia = image()
    ia.fromshape("iquv.im", [8, 7, 4, 3])
    ia.putchunk(values)
    ia.setbrightnessunit("Jy/beam")
    ia.close()
    return values.astype(np.float32)


def test_polarization(iquv: np.ndarray) -> None:
    q, u, v = (iquv[:, :, k].astype(float) for k in (1, 2, 3))
    immath("iquv.im", mode="lpoli", outfile="l.im")
    assert np.allclose(read("l.im")[0][:, :, 0], np.hypot(q, u), rtol=1e-5)
    immath("iquv.im", mode="poli", outfile="t.im", sigma="500mJy/beam")
    found, good = read("t.im")
    power = q**2 + u**2 + v**2 - 0.25
    assert np.array_equal(good[:, :, 0], power >= 0)
    assert np.allclose(found[:, :, 0], np.sqrt(np.maximum(power, 0)), rtol=1e-4, atol=1e-4)
    immath("iquv.im", mode="pola", outfile="p.im", polithresh="0.8Jy/beam", chans="1")
    found, good = read("p.im")
    assert np.allclose(found[:, :, 0, 0], np.rad2deg(0.5 * np.arctan2(u, q))[..., 1], atol=1e-3)
    assert np.array_equal(good[:, :, 0, 0], np.hypot(q, u)[..., 1] >= 0.8)
    assert look("p.im", "brightnessunit") == "deg"
    assert list(look("p.im", "coordsys").stokes()) == ["Pangle"] or look("p.im", "coordsys").stokes() == "Pangle"
    with pytest.raises(ParameterError, match="sigma"):
        immath("iquv.im", mode="poli", outfile="x.im", sigma="3arcsec")
    make("nostokes.im", np.ones((4, 4)))
    with pytest.raises(ParameterError, match="polarization axis"):
        immath("nostokes.im", mode="poli", outfile="x.im")


def test_spectral_index() -> None:
    rng = np.random.default_rng(4)
    bright = rng.uniform(1, 2, (6, 5, 1, 1))
    for name, hz, values in (("f1.im", 1.4e9, bright), ("f2.im", 2.8e9, bright * 2**-0.7)):
        make(name, values)
        ia = image()
        ia.open(name)
        cs = ia.coordsys()
        cs.setreferencevalue([hz], type="spectral")
        ia.setcoordsys(cs.torecord())
        ia.close()
    immath(["f1.im", "f2.im"], mode="spix", outfile="i.im")
    assert np.allclose(read("i.im")[0], -0.7, atol=1e-4)
    with pytest.raises(ParameterError, match="different frequencies"):
        immath(["f1.im", "f1.im"], mode="spix", outfile="j.im")


def _gaussian(shape: tuple[int, int], major: float, minor: float, pa: float) -> np.ndarray:
    x, y = np.meshgrid(np.arange(shape[0]) - shape[0] // 2, np.arange(shape[1]) - shape[1] // 2, indexing="ij")
    along = -x * np.sin(pa) + y * np.cos(pa)
    across = x * np.cos(pa) + y * np.sin(pa)
    return np.exp(-4 * np.log(2) * ((along / major) ** 2 + (across / minor) ** 2))


def test_smoothing_to_a_resolution_keeps_the_peak_of_a_point() -> None:
    """A beam-shaped source of 2 Jy comes out as the target beam with a peak of 2 Jy/beam."""
    values = 2.0 * _gaussian((64, 60), 4.0, 3.0, np.deg2rad(20))
    make("p.im", values[:, :, None, None])
    imsmooth("p.im", major="8arcmin", minor="6arcmin", pa="70deg", targetres=True, outfile="s.im")
    found = read("s.im")[0][:, :, 0, 0]
    assert np.allclose(found, 2.0 * _gaussian((64, 60), 8.0, 6.0, np.deg2rad(70)), atol=3e-3)
    beam = look("s.im", "restoringbeam")
    assert (beam["major"]["value"], beam["minor"]["value"]) == (pytest.approx(480.0), pytest.approx(360.0))


def test_smoothing_by_a_kernel_adds_beams_in_square() -> None:
    values = _gaussian((64, 64), 4.0, 3.0, np.deg2rad(20))
    make("p.im", values[:, :, None, None])
    imsmooth("p.im", kernel="gauss", major="3arcmin", minor="3arcmin", pa="0deg", outfile="s.im")
    beam = look("s.im", "restoringbeam")
    assert beam["major"]["value"] == pytest.approx(300.0, rel=1e-6)  # sqrt(4^2 + 3^2) arcmin
    assert beam["minor"]["value"] == pytest.approx(np.sqrt(18.0) * 60, rel=1e-6)
    assert read("s.im")[0].max() == pytest.approx(1.0, abs=2e-3)
    make("n.im", values[:, :, None, None], unit="K", beam=False)
    imsmooth("n.im", major="5arcmin", minor="4arcmin", pa="0deg", outfile="t.im")
    assert read("t.im")[0].sum() == pytest.approx(values.sum(), rel=1e-4)


def test_smoothing_by_boxes_and_images() -> None:
    values = np.zeros((21, 21, 1, 1))
    values[10, 10] = 1.0
    make("d.im", values, beam=False)
    imsmooth("d.im", kernel="boxcar", major="5arcmin", minor="2.5pix", outfile="b.im")  # the major axis is along y
    found = read("b.im")[0][:, :, 0, 0]
    expected = np.zeros((21, 21))
    expected[9:12, 8:13] = 1 / 15
    assert np.allclose(found, expected, atol=1e-7)
    # Cells of 2 arcsec: 7 arcsec are 3.5 pixels, rounded up as in CASA, though their ratio is 3.4999999999999996.
    make("cells.im", values, beam=False)
    tool = image()
    tool.open("cells.im")
    coordinates = tool.coordsys()
    coordinates.setincrement(np.deg2rad([-2 / 3600, 2 / 3600]) * 10800 / np.pi, "direction")
    tool.setcoordsys(coordinates.torecord())
    tool.done()
    imsmooth("cells.im", kernel="boxcar", major="9arcsec", minor="7arcsec", outfile="half.im")
    assert np.count_nonzero(read("half.im")[0] > 1e-6) == 5 * 4
    kernel = np.zeros((5, 5))
    kernel[2, 2], kernel[3, 2], kernel[2, 1] = 2.0, 1.0, 1.0
    make("k.im", kernel, beam=False)
    imsmooth("d.im", kernel="image", kimage="k.im", outfile="i.im")
    found = read("i.im")[0][:, :, 0, 0]
    assert (found[10, 10], found[11, 10], found[10, 9]) == (pytest.approx(0.5), pytest.approx(0.25), pytest.approx(0.25))
    imsmooth("d.im", kernel="image", kimage="k.im", scale=1.0, outfile="j.im")
    assert read("j.im")[0].sum() == pytest.approx(4.0)


def test_smoothing_to_the_common_beam() -> None:
    values = np.zeros((40, 40, 1, 2))
    for k, (major, minor) in enumerate(((4.0, 3.0), (6.0, 5.0))):
        values[:, :, 0, k] = _gaussian((40, 40), major, minor, 0.0)
    make("c.im", values)
    ia = image()
    ia.open("c.im")
    ia.setrestoringbeam("4arcmin", "3arcmin", "0deg", channel=0, polarization=0)
    ia.setrestoringbeam("6arcmin", "5arcmin", "0deg", channel=1, polarization=0)
    ia.close()
    imsmooth("c.im", kernel="commonbeam", outfile="s.im")
    found = read("s.im")[0]
    assert np.allclose(found[..., 0], found[..., 1], atol=5e-3)
    assert np.array_equal(found[..., 1], read("c.im")[0][..., 1])


def test_smoothing_refusals(cube: np.ndarray) -> None:
    make("plain.im", np.ones((9, 9, 1, 1)), beam=False)
    make("zero.im", np.array([[1.0, -1.0], [1.0, -1.0]]), beam=False)
    cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (ParameterError, "major", {}),
        (ParameterError, "'pa'", {"major": "5arcmin", "minor": "5arcmin"}),
        (ParameterError, "below the minor", {"major": "3arcmin", "minor": "5arcmin", "pa": "0deg"}),
        (ParameterError, "'beam'", {"major": "3arcmin", "beam": {"major": "5arcmin", "minor": "5arcmin", "pa": "0deg"}}),
        (ParameterError, "finer", {"major": "2arcmin", "minor": "2arcmin", "pa": "0deg", "targetres": True}),
        (ParameterError, "image of the kernel", {"kernel": "image"}),
        (ParameterError, "one plane", {"kernel": "image", "kimage": "a.im"}),
        (ParameterError, "add up to zero", {"kernel": "image", "kimage": "zero.im"}),
        (ParameterError, "kernel", {"kernel": "magic"}),
        (ParameterError, "outfile", {"major": "5arcmin", "minor": "5arcmin", "pa": "0deg", "outfile": ""}),
    ]
    for kind, match, arguments in cases:
        with pytest.raises(kind, match=match):
            imsmooth("a.im", **{"outfile": "s.im", **arguments})
    for arguments in ({"kernel": "commonbeam"}, {"major": "5arcmin", "minor": "5arcmin", "pa": "0deg", "targetres": True}):
        with pytest.raises(ParameterError, match="restoring beam"):
            imsmooth("plain.im", outfile="s.im", **arguments)
    ia = image()
    ia.fromarray("line.im", np.ones(8), linear=True)
    ia.close()
    with pytest.raises(DataError, match="direction"):
        imsmooth("line.im", outfile="s.im", major="5arcmin", minor="5arcmin", pa="0deg")
    assert not os.path.exists("s.im")


@pytest.mark.parametrize(
    ("method", "value", "told"),
    [
        ("setreferencepixel", [8.0, 5.0], True),
        ("setreferencepixel", [7.4, 5.0], False),
        ("setreferencevalue", ["12h", "-80deg"], True),
        ("setreferencecode", "B1950", True),
        ("setreferencecode", "ICRS", False),
    ],
)
def test_other_skies_in_an_expression(method: str, value: Any, told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels of other places are combined by number, as in CASA, only where the coordinates of the result are chosen."""
    ia = image()
    for name in ("here.im", "other.im"):
        make(name, np.ones((14, 11, 1, 1)))
        ia.open(name)
        system = ia.coordsys()
        system.setreferencepixel([7.0, 5.0], "direction")
        if name == "other.im":
            more = {"adjust": False} if method == "setreferencecode" else {}
            getattr(system, method)(value, "direction", **more)
        ia.setcoordsys(system.torecord())
        ia.done()
    lines: list[str] = []
    monkeypatch.setattr(log, "post", lambda message, *args, **more: lines.append(message))
    if told:
        with pytest.raises(DataError, match="another part of the sky"):
            immath(["here.im", "other.im"], expr="IM0 + IM1", outfile="o.im")
        assert not os.path.exists("o.im")
    immath(["here.im", "other.im"], expr="IM0 + IM1", outfile="o.im", imagemd="here.im" if told else "")
    assert np.all(read("o.im")[0] == 2.0)
    assert any("another part of the sky" in line and "by number" in line for line in lines) == told


def test_primary_beam_correction(cube: np.ndarray) -> None:
    x, y = np.meshgrid(np.arange(14), np.arange(11), indexing="ij")
    power = np.exp(-((x - 7) ** 2 + (y - 5) ** 2) / 40.0)
    make("pb.im", power[:, :, None, None], beam=False)
    impbcor("a.im", pbimage="pb.im", outfile="c.im", cutoff=0.4)
    found, good = read("c.im")
    assert np.array_equal(good, np.broadcast_to((power.astype(np.float32) >= 0.4)[:, :, None, None], SHAPE))
    assert np.allclose(found[good], (cube / power[:, :, None, None])[good], rtol=1e-5)
    impbcor("a.im", pbimage=power[:, :, None, None], outfile="m.im", mode="m")
    assert np.allclose(read("m.im")[0], cube * power[:, :, None, None], rtol=1e-5, atol=1e-7)


def test_primary_beam_refusals(cube: np.ndarray) -> None:
    make("small.im", np.ones((3, 3, 1, 1)), beam=False)
    make("aside.im", np.ones((14, 11, 1, 1)), beam=False)
    ia = image()
    ia.open("aside.im")
    system = ia.coordsys()
    system.setreferencepixel([8.0, 5.0], "direction")
    ia.setcoordsys(system.torecord())
    ia.done()
    for kind, match, arguments in (
        (DataError, "another part of the sky", {"pbimage": "aside.im"}),
        (DataError, "does not fit", {"pbimage": "small.im"}),
        (PathMissingError, "none.im", {"pbimage": "none.im"}),
        (ParameterError, "pbimage", {}),
        (ParameterError, "mode", {"pbimage": "a.im", "mode": "x"}),
        (ParameterError, "outfile", {"pbimage": "a.im", "outfile": ""}),
    ):
        with pytest.raises(kind, match=match):
            impbcor("a.im", **{"outfile": "o.im", **arguments})
    with pytest.raises(ParameterError, match="imagename"):
        impbcor("", pbimage="a.im", outfile="o.im")


def test_continuum_of_too_few_channels() -> None:
    """A line needs two channels: a spectrum that has one of them is masked, the others keep all their pixels."""
    mask = np.ones((3, 3, 1, 6), bool)
    mask[1, 1, 0, 0] = mask[2, 0, 0, 4] = False
    values = np.random.default_rng(3).normal(size=mask.shape)
    make("few.im", values, mask)
    imcontsub("few.im", linefile="fewline.im", contfile="fewcont.im", fitorder=1, chans="0~1")
    for name in ("fewline.im", "fewcont.im"):
        good = read(name)[1]
        assert not good[1, 1].any() and good[2, 0, 0].tolist() == [True, True, True, True, False, True] and good.sum() == 47


def test_continuum_subtraction(masked: tuple[np.ndarray, np.ndarray]) -> None:
    chan = np.arange(20.0)
    rng = np.random.default_rng(7)
    offset, slope = rng.normal(size=(2, 5, 4, 1, 1))
    line = np.where((chan > 8) & (chan < 12), 3.0, 0.0)
    mask = rng.random((5, 4, 1, 20)) > 0.2
    mask[0, 0] = False
    make("l.im", offset + slope * chan + line, mask)
    imcontsub("l.im", linefile="line.im", contfile="cont.im", fitorder=1, chans="0~6,14~19")
    found, good = read("line.im")
    assert np.array_equal(good, mask)
    assert np.allclose(found[good], np.broadcast_to(line, found.shape)[good], atol=1e-4)
    found, good = read("cont.im")
    assert np.allclose(found[good], (offset + slope * chan)[good], atol=1e-4) and not good[0, 0].any()
    make("m.im", offset + slope * chan + line)
    imcontsub("m.im", linefile="line2.im", contfile="cont2.im", fitorder=1, chans="0~6,14~19", box="1,1,3,3")
    assert np.allclose(read("line2.im")[0], np.broadcast_to(line, (3, 3, 1, 20)), atol=1e-4)
    for kind, match, arguments in (
        (ParameterError, "more than 3", {"fitorder": 3, "chans": "0~2"}),
        (ParameterError, "fitorder", {"fitorder": -1}),
        (ParameterError, "at least one output", {"linefile": "", "contfile": ""}),
        (OutputExistsError, "line.im", {"linefile": "line.im"}),
        (SelectionError, "99", {"chans": "99"}),
    ):
        with pytest.raises(kind, match=match):
            imcontsub("m.im", **{"linefile": "x.im", "contfile": "y.im", **arguments})
    make("flat.im", np.ones((4, 4)))
    with pytest.raises(ParameterError, match="spectral axis"):
        imcontsub("flat.im", linefile="x.im", contfile="y.im")


def _plane_wave(shape: tuple[int, ...]) -> np.ndarray:
    grid = np.meshgrid(*(np.arange(n, dtype=float) for n in shape), indexing="ij")
    return 1.0 + 0.3 * grid[0] - 0.2 * grid[1] + 0.5 * grid[3]


def test_regridding_a_plane_is_exact() -> None:
    """Bilinear interpolation reproduces a linear function of the pixel; so does linear interpolation of channels."""
    values = make("p.im", _plane_wave((20, 18, 1, 6)))
    ia = image()
    ia.open("p.im")
    cs = ia.coordsys()
    cs.setincrement([2.0 * v for v in cs.increment("n", "direction")["numeric"]], "direction")
    cs.setreferencepixel([5.0, 4.5], "direction")
    cs.setincrement([0.5 * cs.increment("n", "spectral")["numeric"][0]], "spectral")
    cs.setreferencepixel([6.0], "spectral")
    made = ia.regrid("r.im", shape=[9, 8, 1, 11], csys=cs.torecord())
    found, good = made.getchunk(), made.getchunk(getmask=True)
    x, y, _, c = np.meshgrid(np.arange(9), np.arange(8), [0], np.arange(11), indexing="ij")
    # Reference pixels 10, 9 and 3 of the image are 5, 4.5 and 6 of the result.
    expected = 1.0 + 0.3 * (10 + 2 * (x - 5)) - 0.2 * (9 + 2 * (y - 4.5)) + 0.5 * (3 + 0.5 * (c - 6))
    assert good.all() and np.allclose(found, expected, atol=1e-4)
    made.done()
    same = ia.regrid("", axes=[0, 1])
    assert np.allclose(same.getchunk(), values, atol=1e-5)
    for tool in (same, ia):
        tool.done()
    imregrid("p.im", template="r.im", output="t.im")
    assert np.allclose(read("t.im")[0], expected, atol=1e-4)
    imregrid("t.im", template="p.im", output="u.im", axes=[3], overwrite=True)
    assert list(look("u.im", "shape")) == [9, 8, 1, 6]


def test_one_sky_axis_takes_the_other_with_it() -> None:
    make("p.im", _plane_wave((20, 18, 1, 6)))
    ia = image()
    ia.open("p.im")
    ia.subimage("part.im", region="box[[2pix,3pix],[12pix,11pix]]").done()
    ia.done()
    for axes in ([0], [1], [0, 1]):
        imregrid("p.im", template="part.im", output="r.im", axes=axes, overwrite=True)
        assert np.allclose(read("r.im")[0], read("part.im")[0], atol=1e-5)


def test_regridding_to_another_frame_keeps_sources_in_place() -> None:
    values = np.zeros((40, 40, 1, 1))
    values[15, 22] = 1.0
    make("d.im", values)
    imsmooth("d.im", major="6arcmin", minor="6arcmin", pa="0deg", outfile="s.im")
    record = imregrid("s.im", template="get")
    ia = image()
    ia.open("s.im")
    cs = ia.coordsys()
    here = ia.toworld([15, 22, 0, 0], "n")["numeric"]
    ia.done()
    from casatools import measures, quanta

    me, qa = measures(), quanta()
    middle = me.measure(me.direction("J2000", "0rad", "0rad"), "GALACTIC")
    cs.setreferencecode("GALACTIC", "direction", adjust=False)
    cs.setreferencevalue([qa.convert(middle[m], cs.units()[0])["value"] for m in ("m0", "m1")], "direction")
    imregrid("s.im", template={"csys": cs.torecord(), "shap": record["shap"]}, output="g.im", interpolation="cubic", axes=[0, 1])
    found, good = read("g.im")
    peak = np.unravel_index(np.argmax(np.where(good, found, -1)), found.shape)
    world = look("g.im", "toworld", [int(p) for p in peak], "m")["measure"]["direction"]
    back = me.measure(world, "J2000")
    place = [qa.convert(back[m], "arcmin")["value"] for m in ("m0", "m1")]
    assert place[0] == pytest.approx((here[0] + 180 * 60) % (360 * 60) - 180 * 60, abs=0.8)
    assert place[1] == pytest.approx(here[1], abs=0.8)


def test_jy_per_pixel_are_conserved() -> None:
    values = np.zeros((30, 30, 1, 1))
    values[10:20, 10:20] = 1.0
    make("j.im", values, unit="Jy/pixel", beam=False)
    ia = image()
    ia.open("j.im")
    cs = ia.coordsys()
    cs.setincrement([0.5 * v for v in cs.increment("n", "direction")["numeric"]], "direction")
    cs.setreferencepixel([30.0, 30.0], "direction")
    made = ia.regrid("k.im", shape=[60, 60, 1, 1], csys=cs.torecord())
    assert made.getchunk().sum() == pytest.approx(100.0, rel=1e-3)
    for tool in (made, ia):
        tool.done()


def test_regridding_refusals(cube: np.ndarray) -> None:
    far = make("far.im", np.ones((5, 5, 2, 6)))
    ia = image()
    ia.open("far.im")
    cs = ia.coordsys()
    cs.setreferencevalue([90 * 60.0, 30 * 60.0], "direction")
    ia.setcoordsys(cs.torecord())
    ia.done()
    make("flat.im", far[:, :, 0, 0])
    own = imregrid("a.im", template="get")
    for kind, match, arguments in (
        (DataError, "overlap", {"template": "far.im"}),
        (ParameterError, "output", {"template": "far.im", "output": ""}),
        (ParameterError, "axes", {"template": "flat.im"}),
        (ParameterError, "csys", {"template": {"shap": [1]}}),
        (ParameterError, "axes", {"template": own, "axes": [9]}),
        (ParameterError, "Stokes", {"template": own, "axes": [2]}),
        (ParameterError, "shape of 2", {"template": own, "shape": [5, 5]}),
        (ParameterError, "interpolation", {"template": own, "interpolation": "magic"}),
        (PathMissingError, "none.im", {"template": "none.im"}),
    ):
        with pytest.raises(kind, match=match):
            imregrid("a.im", **{"output": "o.im", **arguments})
    ia.open("a.im")
    made = ia.continuumsub("l.im", "c.im", fitorder=1)
    assert made.shape()[3] == 6
    for tool in (made, ia):
        tool.done()
    assert not os.path.exists("o.im")


def test_smoothing_keeps_the_meaning_of_units() -> None:
    """Temperatures are averaged; intensities per pixel become per beam; numbers as CASA 6.7 has them."""
    values = np.ones((30, 30, 1, 1))
    values[15, 15] = 2.0
    given = {"kernel": "gauss", "major": "5arcmin", "minor": "5arcmin", "pa": "0deg"}
    for unit, middle, after in (("K", 1.0, "K"), ("Jy/pixel", 28.33, "Jy/beam")):
        make("s.im", values, unit=unit)
        imsmooth("s.im", outfile="o.im", overwrite=True, **given)
        imsmooth("s.im", outfile="t.im", overwrite=True, targetres=True, **given)
        assert read("o.im")[0][10, 10, 0, 0] == pytest.approx(middle, rel=1e-3) and look("o.im", "brightnessunit") == after
        assert look("t.im", "brightnessunit") == after and look("t.im", "restoringbeam")["major"]["value"] == pytest.approx(300.0)
        shutil.rmtree("s.im")
    make("s.im", values, unit="K")
    imsmooth("s.im", outfile="b.im", kernel="boxcar", major="3arcmin", minor="3arcmin")
    assert (
        read("b.im")[0][14:17, 14:17].ravel() == pytest.approx([10 / 9] * 9)
        and look("b.im", "restoringbeam")["major"]["value"] == 240.0
    )


def test_beams_of_two_axes_and_a_cutoff_of_nothing(cube: np.ndarray) -> None:
    power = np.linspace(-0.2, 1.0, 14)[:, None] * np.ones(11)
    impbcor("a.im", pbimage=power, outfile="array.im", cutoff=0.0)
    make("flat.im", power, beam=False)
    impbcor("a.im", pbimage="flat.im", outfile="image.im", cutoff=0.0)
    for name in ("array.im", "image.im"):
        found, good = read(name)
        assert np.array_equal(good, np.broadcast_to((power >= 0)[:, :, None, None], SHAPE)), name
        assert np.allclose(found[good], (cube / power[:, :, None, None])[good], rtol=1e-5), name
    ia = image()
    ia.fromarray("line.im", np.ones((3, 3, 2)), linear=True)
    ia.close()
    with pytest.raises(DataError, match="image of the sky"):
        impbcor("line.im", pbimage=np.ones((3, 3)), outfile="c.im")


def test_one_output_of_the_continuum_and_ranges_of_frequency(cube: np.ndarray) -> None:
    imcontsub("a.im", linefile="l.im", chans="0~2", fitorder=0)
    imcontsub("a.im", contfile="c.im", chans="0~2", fitorder=0)
    assert np.allclose(read("l.im")[0] + read("c.im")[0], cube, atol=1e-5)
    ia = image()
    ia.open("a.im")
    first, last = (ia.toworld([0, 0, 0, c], "n")["numeric"][3] for c in (0, 2))
    ia.close()
    imcontsub("a.im", contfile="r.im", chans=f"range=[{first - 1}Hz,{last + 1}Hz]", fitorder=0)
    assert np.array_equal(read("r.im")[0], read("c.im")[0])
    with pytest.raises(SelectionError, match="a range is written"):
        imcontsub("a.im", contfile="x.im", chans="range 1 to 2", fitorder=0)


def test_names_for_some_images_and_widths_without_units(cube: np.ndarray) -> None:
    make("b.im", cube * 2)
    immath(["a.im", "b.im"], expr="first + IM1", varnames=["first"], outfile="s.im")
    assert np.allclose(read("s.im")[0], cube * 3, rtol=1e-5)
    imsmooth("a.im", major=360, minor=300, pa=0, outfile="n.im")
    imsmooth("a.im", major="6arcmin", minor="5arcmin", pa="0deg", outfile="u.im")
    assert np.array_equal(read("n.im")[0], read("u.im")[0])


def test_metadata_of_another_image_keep_the_stokes_parameter() -> None:
    """The part that `stokes` chooses is called what it is; metadata of another shape are refused."""
    tool = image()
    tool.fromshape("q.im", [6, 5, 4, 2])
    tool.done()
    immath("q.im", "evalexpr", "u.im", "IM0 + 1", stokes="U", imagemd="q.im")
    tool.open("u.im")
    assert tool.coordsys().stokes() == ["U"] and tool.shape().tolist() == [6, 5, 1, 2]
    tool.done()
    tool.fromshape("p.im", [6, 5, 1, 1])
    tool.done()
    with pytest.raises(DataError, match="do not fit the shape"):
        immath("q.im", "evalexpr", "v.im", "IM0", imagemd="p.im")
    assert not os.path.exists("v.im")


def test_a_shape_counts_beside_a_record() -> None:
    make("a.im", np.arange(20.0 * 18 * 1 * 2).reshape(20, 18, 1, 2))
    record = imregrid("a.im", "get")
    imregrid("a.im", record, "b.im", shape=[14, 12, 1, 2], axes=[0, 1])
    assert read("b.im")[0] == pytest.approx(read("a.im")[0][:14, :12], abs=1e-4)
