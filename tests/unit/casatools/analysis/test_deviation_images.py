"""Deviation images against numpy and numbers of the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import imdev
from casatools import image
from casatools._base.errors import DataError, OutputExistsError, ParameterError, SelectionError
from casatools.analysis.deviation_images import DeviationOptions
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from support.shared import unpack

CELL = 2 * np.pi / 648000


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(name: str, nchan: int = 2) -> np.ndarray:
    coordinates = make_image_coordinates((30, 24), (CELL, CELL), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(nchan), stokes=["I"])
    values = np.random.default_rng(8).normal(size=(nchan, 1, 24, 30))
    with CasaImage.create(name, values.shape, coordinates, unit="Jy/beam") as made:
        made.write(values)
        made.beams = BeamSet.single(Beam(8, 6, 10))
        return made.read().astype(float)[:, 0]


def read(name: str) -> tuple[np.ndarray, np.ndarray]:
    with CasaImage.open(name) as opened:
        return opened.read()[:, 0], opened.read_mask()[:, 0]


def around(plane: np.ndarray, x: int, y: int, half: int) -> np.ndarray:
    return plane[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1]


def test_every_pixel_has_its_own_window() -> None:
    values = make("a.im")
    imdev("a.im", "o.im", xlength="5pix", ylength="10arcsec", interp="linear", stattype="rms")
    found, mask = read("o.im")
    for c, y, x in ((0, 0, 0), (1, 12, 17), (1, 23, 29), (0, 5, 1)):
        assert found[c, y, x] == pytest.approx(np.sqrt((around(values[c], x, y, 2) ** 2).mean()), rel=1e-5)
    assert mask.all()
    with CasaImage.open("o.im") as opened:
        assert opened.unit == "Jy/beam" and opened.beams.at().major == pytest.approx(8)


def test_points_between_the_grid_are_interpolated_and_beyond_it_extrapolated() -> None:
    values = make("a.im", 1)[0]
    imdev("a.im", "o.im", grid=[6, 5], anchor=[2, 1], xlength="7pix", ylength="7pix", interp="linear", stattype="mean")
    found = read("o.im")[0][0]
    at = {(x, y): around(values, x, y, 3).mean() for x in (2, 8, 14, 20, 26) for y in (1, 6, 11, 16, 21)}
    for (x, y), mean in at.items():
        assert found[y, x] == pytest.approx(mean, abs=1e-6)
    assert found[6, 10] == pytest.approx((4 * at[8, 6] + 2 * at[14, 6]) / 6, abs=1e-6)
    assert found[21, 29] == pytest.approx(at[26, 21] + 0.5 * (at[26, 21] - at[20, 21]), abs=1e-6)
    imdev("a.im", "c.im", grid=[6, 5], anchor=[2, 1], xlength="7pix", ylength="7pix", interp="cubic", stattype="mean")
    cubic = read("c.im")[0][0]
    t = 1 / 3
    weights = [
        -0.5 * t**3 + t**2 - 0.5 * t,
        1.5 * t**3 - 2.5 * t**2 + 1,
        -1.5 * t**3 + 2 * t**2 + 0.5 * t,
        0.5 * t**3 - 0.5 * t**2,
    ]
    assert cubic[11, 10] == pytest.approx(sum(w * at[x, 11] for w, x in zip(weights, (2, 8, 14, 20), strict=True)), abs=1e-6)
    assert cubic[2, 3] == pytest.approx(found[2, 3], abs=1e-6)  # no four points there


def test_nearest_and_lanczos_interpolation() -> None:
    values = make("a.im", 1)[0]
    with CasaImage.open("a.im", writable=True) as opened:
        good = np.ones((1, 1, 24, 30), bool)
        good[0, 0, 11, 13] = False
        opened.write_mask(good)
    weighed = np.where(good[0, 0], values, np.nan)
    for interp in ("nearest", "lanczos"):
        imdev("a.im", interp, grid=[4, 5], anchor=[1, 1], xlength="7pix", ylength="7pix", interp=interp[:3], stattype="mean")
    nearest, mask = (a[0] for a in read("nearest"))
    at = {(x, y): np.nanmean(around(weighed, x, y, 3)) for x in range(1, 30, 4) for y in range(1, 24, 5)}
    # As in CASA: pixels halfway belong to the later point, and masked points mask what is nearest to them.
    for x, y, point in ((2, 3, (1, 1)), (3, 4, (5, 6)), (0, 0, (1, 1)), (28, 23, (29, 21))):
        assert nearest[y, x] == pytest.approx(at[point], abs=1e-6)
    assert np.array_equal(np.argwhere(~mask), [(y, x) for y in range(9, 14) for x in range(11, 15)])
    # Six points at distances of -2.5 to 2.5 steps, weights normalized.
    distance = np.arange(-2.5, 3)
    weights = np.sinc(distance) * np.sinc(distance / 3)
    there = [at[x, 1] for x in range(5, 26, 4)]
    lanczos = read("lanczos")[0][0]
    assert lanczos[1, 15] == pytest.approx(0.5 * (at[13, 1] + at[17, 1]), abs=1e-6)  # the first row is at the edge: linear
    imdev("a.im", "rows", grid=[4, 1], anchor=[1, 3], xlength="7pix", ylength="7pix", interp="lan", stattype="mean", chans="0")
    there = [np.nanmean(around(weighed, x, 4, 3)) for x in range(5, 26, 4)]
    assert read("rows")[0][0, 4, 15] == pytest.approx(float(weights @ there / weights.sum()), abs=1e-6)


def test_chauvenet_rejects_by_the_limits_of_imstat() -> None:
    """Of CASA: with 49 values the limit is 2.5703, a little above the exact 2.5688."""
    values = np.zeros((7, 7))
    rest = np.random.default_rng(1).uniform(size=48)
    # One value whose deviation lies between the two limits.
    low, high = rest.max(), 10.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        whole = np.append(rest, middle)
        low, high = (middle, high) if (middle - whole.mean()) / whole.std(ddof=1) < 2.5695 else (low, middle)
    values[:] = np.append(rest, low).reshape(7, 7)
    coordinates = make_image_coordinates((7, 7), (CELL, CELL), (1.0, 0.5), [1.4e9], stokes=["I"])
    with CasaImage.create("a.im", (1, 1, 7, 7), coordinates, dtype=np.float64) as made:
        made.write(values[None, None])
    imdev("a.im", "n.im", xlength="7pix", ylength="7pix", interp="linear", stattype="npts", statalg="chauvenet")
    assert read("n.im")[0][0, 3, 3] == 49


def test_masks_circles_and_outliers() -> None:
    values = make("a.im", 1)[0]
    with CasaImage.open("a.im", writable=True) as opened:
        good = np.ones((1, 1, 24, 30), bool)
        good[..., :12, :12] = False
        opened.write_mask(good)
        changed = values.copy()
        changed[18, 20] = 1e4
        opened.write(changed[None, None])
    imdev("a.im", "n.im", xlength="5pix", ylength="", interp="linear", stattype="npts")
    found, mask = read("n.im")
    assert found[0, 18, 20] == 21 and not mask[0, 5, 5] and mask[0, 0, 13]  # pixels within 2.5 of the middle
    imdev("a.im", "s.im", xlength="9pix", ylength="9pix", interp="linear", statalg="chauvenet")
    window = around(changed, 20, 18, 4).ravel()
    assert read("s.im")[0][0, 18, 20] == pytest.approx(window[window < 100].std(ddof=1), rel=0.1)
    imdev("a.im", "z.im", xlength="9pix", ylength="9pix", interp="linear", statalg="ch", zscore=20, stattype="max")
    assert read("z.im")[0][0, 18, 20] == 1e4
    imdev("a.im", "w.im", xlength="7pix", ylength="5pix", box="13,13,25,22", interp="linear", stattype="npts")
    assert read("w.im")[0][0, 2:-2, 3:-3].min() == 35
    imdev("a.im", "p.im", xlength="3pix", ylength="3pix", grid=[2, 2], box="14,2,25,20", stattype="medi")
    assert read("p.im")[0].shape == (1, 19, 12)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"grid": (0, 1)}, "'grid'"), ({"grid": (3,)}, "'grid'"), ({"interp": "spline"}, "'interp'"), ({"interp": ""}, "'interp'"),
        ({"statalg": "biweight"}, "'statalg'"), ({"stattype": "mode"}, "'stattype'"), ({"stattype": "m"}, "'stattype'"),
    ],
)  # fmt: skip
def test_options_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        DeviationOptions(**given)
    assert DeviationOptions(stattype="std").statistic == "sigma" and DeviationOptions(stattype="va").statistic == "variance"


def test_refused() -> None:
    make("a.im")
    for words, given in {
        "'outfile'": {"outfile": ""}, "'xlength' must be given": {"xlength": ""}, "above 0": {"xlength": "-3pix"},
        "'anchor'": {"anchor": [1]}, "no point": {"grid": [50, 50], "anchor": [40, 40]},
    }.items():  # fmt: skip
        with pytest.raises(ParameterError, match=words):
            imdev("a.im", **{"outfile": "o.im", **given})
    with pytest.raises(OutputExistsError):
        imdev("a.im", "a.im")
    with pytest.raises(SelectionError):
        imdev("a.im", "o.im", box="100,100,120,120")
    with CasaImage.open("a.im") as opened, CasaImage.create("line.im", (2,), opened.coordinates.without_pixel_axes([0, 1, 2])):
        pass
    with pytest.raises(DataError, match="no sky plane"):
        imdev("line.im", "o.im")
    assert not Path("o.im").exists()


@pytest.mark.shared
def test_the_reference_numbers(tmp_path: Path) -> None:
    """image.deviation of CASA 6.7.0."""
    ia = image()
    ia.open(str(unpack("im2d.im", tmp_path)))
    expected = {
        ("linear", "16pix", "sigma"): [0.2687609494, 0.2689220309, 0.2690830827],
        ("cubic", "16pix", "sigma"): [0.287876904, 0.2870056033, 0.2829156816],
        ("linear", "", "sigma"): [0.2518265247, 0.2576307654, 0.2634350359],
    }
    for (interp, height, kind), values in expected.items():
        made = ia.deviation(grid=[8, 8], xlength="16pix", ylength=height, interp=interp, stattype=kind)
        assert np.squeeze(made.getchunk())[10:13, 20] == pytest.approx(values, rel=1e-5)
        made.done()
    ia.done()


def test_scaled_deviations_and_the_first_rejection() -> None:
    """xmadm estimates sigma from the deviation from the median; maxiter=0 of chauvenet rejects once, as in CASA 6.7."""
    make("a.im", 1)
    for name, stat in (("m.im", "medabsdevmed"), ("x.im", "xmadm")):
        imdev("a.im", name, grid=[6, 6], xlength="7pix", ylength="7pix", interp="linear", stattype=stat)
    assert np.allclose(read("x.im")[0], 1.482602 * read("m.im")[0], rtol=1e-5)
    with CasaImage.open("a.im", writable=True) as opened:
        opened.write(np.where(opened.read() == opened.read().max(), 50.0, opened.read()))
    imdev(
        "a.im",
        "once.im",
        xlength="11pix",
        ylength="11pix",
        interp="linear",
        stattype="max",
        statalg="chauvenet",
        zscore=5.0,
        maxiter=0,
    )
    assert read("once.im")[0].max() < 50


# Good pixels of a plane of 16 x 12, from its first row on.
GOOD = """
1111111101011101 1000000011011101 1111111101101111 1111011111101111 0111010001100011 1101001111100110
1010101100000001 1110111110111001 0111010110111110 0110111111110100 1100110101111100 1111110111100111
"""


@pytest.mark.parametrize("interp", ["linear", "cubic"])
def test_masked_pixels_are_no_points_of_the_grid_and_stay_masked(interp: str) -> None:
    """Numbers of CASA 6.7: a pixel has a value where it is good and the points about it are, or where it is itself a good point."""
    good = np.array([[c == "1" for c in row] for row in GOOD.split()])
    coordinates = make_image_coordinates((16, 12), (CELL, CELL), (1.0, 0.5), [1.4e9], stokes=["I"])
    with CasaImage.create("a.im", (1, 1, 12, 16), coordinates) as made:
        made.write(np.random.default_rng(1).normal(size=(1, 1, 12, 16)))
        made.write_mask(good[None, None])
    imdev("a.im", "n.im", grid=[3, 3], anchor=[8, 6], xlength="5pix", ylength="5pix", interp=interp, stattype="npts")
    found, mask = (a[0] for a in read("n.im"))
    expected = np.zeros((12, 16))
    expected[0, :6] = 35 / 3 - np.arange(6) / 3
    expected[1, 0] = 122 / 9
    expected[2, :5] = 139 / 9 - np.arange(5) * 5 / 9
    for x, y, value in (
        (11, 0, 12),
        (2, 3, 16),
        (5, 3, 14),
        (8, 3, 18),
        (14, 3, 15),
        (2, 6, 16),
        (2, 9, 18),
        (5, 9, 18),
        (8, 9, 19),
        (11, 9, 19),
    ):
        expected[y, x] = value
    assert np.array_equal(mask, expected > 0) and np.allclose(found[mask], expected[mask], rtol=1e-6)
