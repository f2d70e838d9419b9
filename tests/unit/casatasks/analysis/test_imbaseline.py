"""imbaseline against numpy; smoothing for the fit as CASA 6.7 has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatasks import imbaseline
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError, SelectionError
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

CELL = 3 * np.pi / 648000


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make() -> np.ndarray:
    coordinates = make_image_coordinates((6, 5), (CELL, CELL), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(24), stokes=["I"])
    x = np.arange(24.0)[:, None, None]
    values = 0.3 + 0.02 * x + np.random.default_rng(4).normal(size=(24, 5, 6)) * 0.01
    values[8:14] += 3.0
    with CasaImage.create("a.im", (24, 1, 5, 6), coordinates, np.float64, unit="K", mask="mask0") as made:
        made.write(values[:, None])
        good = np.ones((24, 1, 5, 6), bool)
        good[:, 0, 2, 3] = False
        made.write_mask(good)
        made.beams = BeamSet.single(Beam(4 * CELL, 3 * CELL, 0.0))
    return values


def line_through(values: np.ndarray, channels: np.ndarray) -> np.ndarray:
    flat = values.reshape(24, -1)
    coefficients = np.polynomial.polynomial.polyfit(channels, flat[channels], 1)
    return np.polynomial.polynomial.polyval(np.arange(24.0), coefficients).T.reshape(values.shape)


def read(name: str) -> np.ndarray:
    with CasaImage.open(name) as found:
        return found.read()[:, 0]


def test_baselines_are_taken_away() -> None:
    values = make()
    free = np.r_[0:7, 15:24]
    imbaseline("a.im", linefile="l.im", output_cont=True, bloutput="b.txt", chans="0:0~6;15~23", order=1)
    expected = line_through(values, free)
    good = np.ones((5, 6), bool)
    good[2, 3] = False
    assert np.allclose(read("a.im.cont")[:, good], expected[:, good], atol=1e-9)
    assert np.allclose(read("l.im")[:, good], (values - expected)[:, good], atol=1e-9)
    with CasaImage.open("l.im") as found:
        assert not found.read_mask()[:, 0, 2, 3].any() and found.unit == "K" and found.beams.beams
    rows = Path("b.txt").read_text().splitlines()
    assert len(rows) == 30 and rows[0].startswith("0,0,0,0,0,[[0;6];[15;23]],poly,1,0.3")
    with pytest.raises(OutputExistsError):
        imbaseline("a.im", linefile="l.im")


def test_lines_are_found_and_functions_chosen_by_spectrum() -> None:
    values = make()
    imbaseline("a.im", linefile="l.im", maskmode="auto", order=1, edge=[1], clipniter=1)
    assert np.abs(read("l.im")[:6, 0, 0]).max() < 0.06 and read("l.im")[10, 0, 0] == pytest.approx(3.0, abs=0.06)
    Path("p.txt").write_text("# number, ...\n6,0,0~6;15~23,0,3.0,False,,,,,poly,1,,\n0,,,,,true,5,0,0,4,poly,1\n")
    imbaseline("a.im", linefile="v.im", output_cont=True, bloutput="v.txt", blfunc="variable", blparam="p.txt")
    cont = read("a.im.cont")
    assert np.allclose(cont[:, 1, 1], line_through(values[:, 1:2, 1:2], np.r_[0:7, 15:24])[:, 0, 0], atol=1e-9)
    assert (
        cont[5, 0, 0] == pytest.approx(0.4, abs=0.05)
        and not cont[:, 3, 3].any()
        and len(Path("v.txt").read_text().splitlines()) == 2
    )


def test_smoothing_for_the_fit() -> None:
    values = make()
    imbaseline("a.im", linefile="b.im", output_cont=True, order=1, spkernel="boxcar", kwidth=3)
    smooth = np.array([values[k - 1 : k + 2].mean(axis=0) for k in range(1, 23)])
    expected = np.polynomial.polynomial.polyfit(np.arange(1, 23), smooth.reshape(22, -1), 1)
    assert np.allclose(read("a.im.cont")[0, 0, 0], expected[0, 0], atol=1e-9)
    for kernel in (
        {"spkernel": "gaussian"}, {"dirkernel": "gaussian", "major": "9arcsec", "minor": "9arcsec"}, {"dirkernel": "boxcar", "major": "9arcsec", "minor": "9arcsec"},
        {"dirkernel": "image", "kimage": "k.im"},
    ):  # fmt: skip
        if "kimage" in kernel:
            with CasaImage.open("a.im") as given, CasaImage.create("k.im", (1, 1, 5, 6), given.coordinates) as made:
                point = np.zeros((1, 1, 5, 6))
                point[0, 0, 2, 3] = 1.0
                made.write(point)
        name = f"l_{len(list(Path().iterdir()))}.im"
        Path("a.im.cont").rename(f"c_{name}")
        imbaseline("a.im", linefile=name, output_cont=True, order=1, **kernel)
        assert abs(read("a.im.cont")[12, 2, 2] - 1.2) < 0.8


def test_refused_and_nothing_written() -> None:
    make()
    for kind, given in (
        (ParameterError, {"linefile": ""}), (ParameterError, {"blfunc": "nofunc"}), (ParameterError, {"blfunc": "variable"}),
        (PathMissingError, {"blfunc": "variable", "blparam": "none.txt"}), (SelectionError, {"chans": "0~99"}), (SelectionError, {"chans": "3:0~5"}),
        (ParameterError, {"maskmode": "auto", "edge": [1, 2, 3]}), (ParameterError, {"dirkernel": "gaussian"}),
        (ParameterError, {"spkernel": "boxcar", "kwidth": 0}), (ParameterError, {"maskmode": "auto", "thresh": -1.0}),
    ):  # fmt: skip
        with pytest.raises(kind):
            imbaseline("a.im", **{"linefile": "l.im", **given})
    Path("bad.txt").write_text("x,0,,,,,,,,,poly\n")
    with pytest.raises(ParameterError, match="line 1"):
        imbaseline("a.im", linefile="l.im", blfunc="variable", blparam="bad.txt")
    from casatools.analysis.baseline_images import BaselineOptions

    with pytest.raises(ParameterError, match="spkernel"):
        BaselineOptions(kernel="no")
    with CasaImage.open("a.im") as given, CasaImage.create("z.im", given.shape, given.coordinates, np.complex64):
        pass
    with CasaImage.open("a.im") as given, CasaImage.create("f.im", (5, 6), given.coordinates.without_pixel_axes([2, 3])):
        pass
    for name in ("z.im", "f.im"):
        with pytest.raises(DataError):
            imbaseline(name, linefile="l.im")
    assert not Path("l.im").exists()
