"""Images of single dishes against sums written out, and the cases that CASA 6.7 was asked about."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from casacore.tables import makearrcoldesc, table

from casatools import image as image_tool
from casatools import imager
from casatools._base import memory
from casatools._base.errors import CasaError, DataError, OutputExistsError, ParameterError, UnsupportedError
from casatools.singledish import sky_gridding
from casatools.singledish.gridding_functions import FunctionOptions, function_of
from casatools.singledish.sky_gridding import SkyOptions, make_sky_image
from support.shared import oracle_python, run_python
from support.single_dish_ms import Dishes, make_single_dish

FREQ = 100e9 + 1e6 * np.arange(4)
RNG = np.random.default_rng(1)
COUNT = 120
OFFSETS = RNG.uniform(-150, 150, (COUNT, 2))
VALUES = RNG.normal(size=(COUNT, 2, 2, 4)) + 3.0
WEIGHTS = RNG.uniform(0.5, 2.0, (COUNT, 2, 2))
IMAGE = {
    "nx": 41, "cellx": "10arcsec", "phasecenter": "J2000 1.0rad -0.4rad", "mode": "channel", "nchan": 4, "start": 0, "step": 1,
}  # fmt: skip
MAP = Dishes(OFFSETS, VALUES, FREQ, WEIGHTS)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pixels(name: str) -> np.ndarray:
    """All pixels (x, y, pol, chan) of an image."""
    ia = image_tool()
    ia.open(name)
    try:
        return np.asarray(ia.getchunk())
    finally:
        ia.close()


def at(*places: tuple[float, float]) -> np.ndarray:
    """Offsets [arcsec] of places in pixels to the east and north."""
    return 10.0 * np.array(places, dtype=float)


def image(
    ms: str,
    kind: str = "singledish",
    function: str = "SF",
    image: dict[str, object] | None = None,
    name: str = "",
    **options: object,
) -> np.ndarray:
    """The pixels (x, y, pol, chan) that the tool makes."""
    im = imager()
    im.open(ms)
    im.selectvis()
    im.defineimage(**{**IMAGE, **(image or {})})
    im.setoptions(ftmachine="sd", gridfunction=function)
    im.setsdoptions(**options)
    name = name or f"{kind}-{len(os.listdir('.'))}.im"
    assert im.makeimage(type=kind, image=name)
    im.done()
    return pixels(name)


def place(found: np.ndarray, east: int, north: int) -> np.ndarray:
    """Values (pol, chan) of a pixel to the east and north of the middle."""
    return found[20 - east, 20 + north]


def by_hand(kind: str, clips: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Means and weights (x, y, chan) of Stokes I, from the definition: each sample at each pixel."""
    function = function_of(FunctionOptions(kind))
    x, y = 20 - OFFSETS[:, 0] / 10, 20 + OFFSETS[:, 1] / 10
    pair = 4 * WEIGHTS[..., 0] * WEIGHTS[..., 1] / (WEIGHTS[..., 0] + WEIGHTS[..., 1])
    means, weights = np.zeros((41, 41, 4)), np.zeros((41, 41, 4))
    for i, j in np.ndindex(41, 41):
        if function.is_box:
            factor = ((np.floor(x + 0.5) == i) & (np.floor(y + 0.5) == j)).astype(float)
        else:
            squared = ((x - i) ** 2 + (y - j) ** 2) / function.reach**2 * (len(function.table) - 1)
            factor = np.interp(squared, np.arange(len(function.table)), function.table, right=0.0)
        used = np.flatnonzero(np.abs(factor) > 1e-6)
        w = np.repeat((factor[used, None] * pair[used]).reshape(-1), 2)
        for chan in range(4):
            v = VALUES[used, :, :, chan].reshape(-1)
            kept = np.ones(len(v), bool)
            if clips and len(v) > 2:
                kept[[v.argmin(), v.argmax()]] = False
            weights[i, j, chan] = w.sum()
            if w[kept].sum() > 0:
                means[i, j, chan] = (w * v)[kept].sum() / w[kept].sum()
    return means, weights


@pytest.mark.parametrize("clips", [False, True])
@pytest.mark.parametrize("function", ["BOX", "SF", "GAUSS", "GJINC"])
def test_maps_are_weighted_means(function: str, clips: bool) -> None:
    ms = make_single_dish("map.ms", MAP)
    means, weights = by_hand(function, clips)
    # Directions go through a projection and back, which moves samples of the smallest weights.
    sure = (weights > 1e-3) | (weights == 0)
    np.testing.assert_allclose(image(ms, "coverage", function, clipminmax=clips)[:, :, 0], weights, rtol=2e-5, atol=1e-4)
    np.testing.assert_allclose(image(ms, "singledish", function, clipminmax=clips)[:, :, 0][sure], means[sure], atol=2e-4)


@pytest.mark.oracle
@pytest.mark.parametrize("function", ["BOX", "SF", "GAUSS", "GJINC", "PB"])
def test_maps_are_those_of_the_reference(tmp_path: Path, function: str) -> None:
    ms = make_single_dish("map.ms", MAP)
    script = f"""
from casatools import image as image_tool
from casatools import imager
im = imager(); im.open("map.ms"); im.selectvis(); im.defineimage(**{ {**IMAGE, "ny": 41, "celly": "10arcsec"}!r}); im.setoptions(ftmachine="sd", gridfunction={function!r})
im.setsdoptions(truncate=-1, gwidth=-1, jwidth=-1)
for kind in ("singledish", "coverage"):
    im.makeimage(type=kind, image=kind + ".ref")
"""
    run_python(oracle_python(), script, cwd=tmp_path)
    weight, wanted = image(ms, "coverage", function), pixels("coverage.ref")
    # CASA's distances are whole hundredths of a pixel; it leaves out spectra near the edge.
    inner = slice(5, 36)
    np.testing.assert_allclose(weight[inner, inner], wanted[inner, inner], atol=0.015 * wanted.max())
    seen = np.minimum(weight, wanted) > 0.05 * wanted.max()
    assert np.abs(image(ms, "singledish", function) - pixels("singledish.ref"))[seen].max() < 0.06


def test_hands_have_the_weight_of_their_mean() -> None:
    values = np.ones((4, 1, 2, 4)) * np.array([1.0, 3.0])[:, None]
    weights = np.array([[1, 3], [2, 2], [5, 1], [0, 1]], dtype=float)[:, None]
    ms = make_single_dish("a.ms", Dishes(at((0, 0), (10, 0), (0, 10), (10, 10)), values, FREQ, weights))
    found, coverage = image(ms, function="BOX"), image(ms, "coverage", "BOX")
    places = [(0, 0), (10, 0), (0, 10)]
    # Those of CASA 6.7; it leaves out the last, of which one hand has no weight.
    assert [place(found, *p)[0, 0] for p in places] == [2.0] * 3 and place(found, 10, 10)[0, 0] == 3.0
    np.testing.assert_allclose([place(coverage, *p)[0, 0] for p in places], [6.0, 8.0, 20 / 3], rtol=1e-6)
    hands = image(ms, "coverage", "BOX", {"stokes": "XXYY"})
    np.testing.assert_allclose(place(hands, 0, 0)[:, 0], [3.0, 3.0])
    np.testing.assert_allclose(place(hands, 10, 10)[:, 0], [0.0, 2.0])
    stokes, seen = image(ms, function="BOX", image={"stokes": "IQ"}), image(ms, "coverage", "BOX", {"stokes": "IQ"})
    # CASA's coverage of Q is zero.
    assert place(stokes, 0, 0)[:, 0].tolist() == [2.0, -1.0] and place(seen, 0, 0)[:, 0].tolist() == [3.0, 3.0]
    assert place(stokes, 10, 10)[:, 0].tolist() == [0.0, 0.0]
    continuum = image(ms, "coverage", "BOX", {"mode": "mfs"})
    assert place(continuum, 0, 0)[0, 0] == 24.0


def test_one_hand_stands_for_both_where_the_other_is_flagged() -> None:
    values = np.ones((2, 1, 2, 4)) * np.array([1.0, 3.0])[:, None]
    ms = make_single_dish("b.ms", Dishes(at((0, 0), (5, 0)), values, FREQ))
    with table(ms, readonly=False, ack=False) as main:
        flags = main.getcol("FLAG")
        flags[0, 1, 0] = True
        main.putcol("FLAG", flags)
        main.putcell("FLAG_ROW", 1, True)
    assert place(image(ms, function="BOX"), 0, 0)[0].tolist() == [2.0, 3.0, 2.0, 2.0]
    assert place(image(ms, "coverage", "BOX"), 0, 0)[0].tolist() == [4.0, 2.0, 4.0, 4.0]
    assert not place(image(ms, "coverage", "BOX"), 5, 0).any()
    assert place(image(ms, function="BOX", image={"mode": "mfs"}), 0, 0)[0, 0] == pytest.approx(15 / 7)
    with table(ms, readonly=False, ack=False) as main:
        main.putcell("FLAG_ROW", 0, True)
    with pytest.raises(DataError, match="all flagged"):
        image(ms, name="x")
    assert not os.path.exists("x")


def test_extremes_are_left_out_of_three_or_more() -> None:
    value = np.array([7, 1, 2, 1, 2, 5, 3, 3, 3, 9.0])
    weights = np.array([1, 1, 2, 1, 2, 3, 1, 2, 3, 4.0])[:, None, None] * np.ones((10, 1, 2))
    places = [(0, 0), (5, 0), (5, 0), (10, 0), (10, 0), (10, 0), (0, 5), (0, 5), (0, 5), (0, 5)]
    ms = make_single_dish("e.ms", Dishes(at(*places), value[:, None, None, None] * np.ones((10, 1, 2, 4)), FREQ, weights))
    # All as in CASA 6.7.
    found = image(ms, function="BOX", image={"stokes": "XX"}, clipminmax=True)
    np.testing.assert_allclose([place(found, *p)[0, 0] for p in ((0, 0), (5, 0), (10, 0), (0, 5))], [7, 5 / 3, 2, 3], rtol=1e-6)
    continuum = image(ms, function="BOX", image={"stokes": "XX", "mode": "mfs"}, clipminmax=True)
    np.testing.assert_allclose(
        [place(continuum, *p)[0, 0] for p in ((0, 0), (5, 0), (10, 0), (0, 5))], [7, 5 / 3, 3.2, 342 / 66], rtol=1e-6
    )
    assert place(image(ms, "coverage", "BOX", {"stokes": "XX"}, clipminmax=True), 0, 5)[0, 0] == 20.0
    least = image(ms, function="BOX", image={"stokes": "XX"}, minweight=5)
    assert place(least, 0, 0)[0, 0] == 0.0 and place(least, 5, 0)[0, 0] == pytest.approx(5 / 3)


def test_factors() -> None:
    ms = make_single_dish("c.ms", Dishes(at((0, 0)), np.ones((1, 1, 2, 4)), FREQ))
    assert place(image(ms, function="BOX", scale=2.0, weight=3.0), 0, 0)[0, 0] == 2.0
    assert place(image(ms, "coverage", "BOX", scale=2.0, weight=3.0), 0, 0)[0, 0] == 12.0
    assert place(image(ms, "psf", "BOX"), 0, 0)[0, 0] == 1.0
    # The weight that is told is the one with the factor.
    assert place(image(ms, function="BOX", weight=3.0, minweight=11.0), 0, 0)[0, 0] == 1.0
    assert place(image(ms, function="BOX", weight=3.0, minweight=13.0), 0, 0)[0, 0] == 0.0
    with pytest.raises(ParameterError, match="above 0"):
        SkyOptions(weight=0.0)


def test_columns_and_complex_images() -> None:
    values = np.ones((2, 1, 2, 4)) * (2 + 0j)
    ms = make_single_dish("d.ms", Dishes(at((0, 0), (5, 0)), values, FREQ, column="DATA"))
    with table(ms, readonly=False, ack=False) as main:
        for name, factor in (("CORRECTED_DATA", 5 + 1j), ("MODEL_DATA", 1 + 0j)):
            main.addcols(makearrcoldesc(name, 0j, ndim=2, valuetype="complex"))
            main.putcol(name, main.getcol("DATA") * factor)
    found = {
        kind: place(image(ms, kind, "BOX"), 0, 0)[0, 0]
        for kind in ("singledish", "singledish-observed", "corrected", "observed", "model", "residual")
    }
    assert found == {"singledish": 10, "singledish-observed": 2, "corrected": 10, "observed": 2, "model": 2, "residual": 8}
    assert place(image(ms, "holography", "BOX", name="h"), 0, 0)[0, 0] == 10
    assert place(pixels("h.compleximage"), 0, 0)[0, 0] == 10 - 2j
    with pytest.raises(OutputExistsError):
        image(ms, "holography", "BOX", name="h")
    with pytest.raises(ParameterError, match="no least and greatest"):
        image(ms, "holography", "BOX", name="k", clipminmax=True)
    with pytest.raises(ParameterError, match="cannot be made"):
        image(ms, "other", "BOX", name="k")


def test_data_of_one_and_of_four_correlations() -> None:
    one = make_single_dish("one.ms", Dishes(at((0, 0)), 2 * np.ones((1, 1, 1, 4)), FREQ, np.full((1, 1, 1), 3.0), codes=(9,)))
    assert place(image(one, function="BOX"), 0, 0)[0, 0] == 2.0 and place(image(one, "coverage", "BOX"), 0, 0)[0, 0] == 3.0
    values = np.ones((1, 1, 4, 4)) * np.array([1.0, 2 + 1j, 2 - 1j, 4.0])[:, None]
    four = make_single_dish("four.ms", Dishes(at((0, 0)), values, FREQ, column="DATA", codes=(9, 10, 11, 12)))
    # CASA refuses four correlations.
    assert place(image(four, function="BOX", image={"stokes": "IQUV"}), 0, 0)[:, 0] == pytest.approx([2.5, -1.5, 2.0, 1.0])


def test_spectra_in_another_frame_are_put_on_the_channels_of_a_cube() -> None:
    hz = 100e9 + 1e6 * np.arange(64)
    values = np.exp(-0.5 * ((np.arange(64) - 30) / 5.0) ** 2) * np.ones((1, 1, 2, 1))
    made = {"nchan": 10, "mode": "frequency", "start": "100.02GHz", "step": "2.5MHz"}
    im = imager()
    for frame, shift in (("LSRK", 0.0), ("TOPO", 100e9 * 7.168e-5)):
        ms = make_single_dish(f"{frame}.ms", Dishes(at((0, 0)), values, hz, frame=frame))
        im.open(ms)
        im.selectvis()
        im.defineimage(**{**IMAGE, **made})
        im.setoptions(ftmachine="sd", gridfunction="BOX", freqinterp="linear")
        im.makeimage(type="singledish", image=f"{frame}.im")
        wanted = np.exp(-0.5 * ((100.02e9 + 2.5e6 * np.arange(10) - 100.03e9 - shift) / 5e6) ** 2)
        np.testing.assert_allclose(place(pixels(f"{frame}.im"), 0, 0)[0], wanted, atol=0.03)


def test_channels_that_do_not_fit_into_memory_are_made_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    ms = make_single_dish("map.ms", MAP)
    whole = image(ms)
    monkeypatch.setattr(sky_gridding, "memory_budget_bytes", lambda: 41 * 41 * 8 * 2 * 2)
    np.testing.assert_allclose(image(ms), whole, atol=1e-6)
    assert memory.memory_budget_bytes() > 0


def test_beams_as_gridding_functions() -> None:
    ms = make_single_dish("one.ms", Dishes(at((0, 0)), np.ones((1, 1, 2, 4)), FREQ))
    found = image(ms, "coverage", "PB") / 4.0
    # Of CASA 6.7.
    np.testing.assert_allclose(found[20, 20:27, 0, 0], [1, 0.93718, 0.74580, 0.49856, 0.26769, 0.10410, 0.02127], atol=5e-3)


def test_spectra_count_whose_function_crosses_the_edge() -> None:
    ms = make_single_dish("edge.ms", Dishes(at((21, 0), (0, 0)), np.ones((2, 1, 2, 4)), FREQ))
    found = image(ms, "coverage")
    assert found[0, 20, 0, 0] == pytest.approx(4 * 0.573245, abs=1e-3)
    with pytest.raises(DataError, match="no antenna pointed at the image"):
        image(ms, image={"phasecenter": "J2000 1.1rad -0.4rad"}, name="x")
    with table(f"{ms}/POINTING", readonly=False, ack=False) as pointing:
        pointing.putcol("TIME", pointing.getcol("TIME") + 1e5)
    with pytest.raises(DataError, match="tells of none of the times"):
        image(ms, name="x")
    assert not os.path.exists("x")


def test_other_methods_need_interferometers() -> None:
    ms = make_single_dish("one.ms", Dishes(at((0, 0)), np.ones((1, 1, 2, 4)), FREQ))
    im = imager()
    im.open(ms)
    im.selectvis()
    im.defineimage(**IMAGE)
    im.setoptions(ftmachine="sd")
    for call in (lambda: im.clean(model="m"), lambda: im.approximatepsf("p")):
        with pytest.raises(UnsupportedError, match="makeimage alone"):
            call()
    with pytest.raises(ParameterError, match="'image' must be given"):
        im.makeimage(type="coverage")
    im.setoptions(ftmachine="both")
    assert im.makeimage(type="coverage", image="c.im")
    with pytest.raises(CasaError, match="no DATA column"):
        im.makeimage(type="corrected", image="d.im")
    with pytest.raises(OutputExistsError):
        im.makeimage(type="coverage", image="c.im")


def test_kinds_below_the_tool() -> None:
    with pytest.raises(ParameterError, match="cannot be made"):
        make_sky_image("other", None, [], "x", SkyOptions())  # type: ignore[arg-type]
