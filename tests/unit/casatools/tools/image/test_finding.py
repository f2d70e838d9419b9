"""Sources, lines, histograms and headers of images, against what the images are made of and numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from casatools import componentlist, image
from casatools._base.errors import DataError, OutputExistsError, ParameterError
from casatools.analysis.gaussian_sources import PlaneGeometry, Source, source_values
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

ARCSEC = np.pi / 648000
CELL = 2 * ARCSEC
GEOMETRY = PlaneGeometry(np.diag([-CELL, CELL]))
SOURCES = (Source(5.0, 30.0, 34.0, 14 * ARCSEC, 10 * ARCSEC, np.pi / 6), Source(2.0, 14.0, 12.0, 12 * ARCSEC, 12 * ARCSEC, 0.0))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(sources: tuple[Source, ...] = SOURCES, nchan: int = 1) -> image:
    coordinates = make_image_coordinates((64, 60), (CELL, CELL), (np.pi, 0.5), 1.42e9 + 1e6 * np.arange(nchan), stokes=["I"])
    y, x = np.mgrid[0:60, 0:64].astype(float)
    plane = 0.01 * np.random.default_rng(2).normal(size=y.shape) + sum(source_values(s, GEOMETRY, x, y) for s in sources)
    with CasaImage.create("a.im", (nchan, 1, 60, 64), coordinates, unit="Jy/beam") as made:
        made.write(np.broadcast_to(plane, (nchan, 1, 60, 64)))
        made.beams = BeamSet.single(Beam.from_rad(12 * ARCSEC, 10 * ARCSEC, np.radians(20)))
    ia = image()
    ia.open("a.im")
    return ia


def test_sources_are_found() -> None:
    ia = make()
    found = ia.findsources(cutoff=0.2)
    assert found["nelements"] == 2 and found["component0"]["flux"]["value"][0] == pytest.approx(5.0, abs=0.05)
    wide = ia.findsources(cutoff=0.2, point=False, width=5)
    assert wide["component0"]["shape"]["majoraxis"]["value"] == pytest.approx(14.0, rel=0.02) and wide["nelements"] == 2
    assert ia.findsources(nmax=1)["nelements"] == 1
    ia.calc("-'a.im'")
    assert ia.findsources(cutoff=0.3, negfind=True)["component0"]["flux"]["value"][0] < -4.9
    for given in ({"nmax": 0}, {"cutoff": 0.0}):
        with pytest.raises(ParameterError):
            ia.findsources(**given)
    ia.set(-1.0)
    with pytest.raises(DataError, match="above zero"):
        ia.findsources()
    ia.done()
    cube = make(nchan=2)
    with pytest.raises(ParameterError, match="one plane"):
        cube.findsources()
    cube.done()


@pytest.mark.parametrize("level", [0.05, 0.5, 2.5])
def test_moments_tell_axes_and_angle_however_much_lies_above_the_threshold(level: float) -> None:
    ia = make(SOURCES[:1])
    found = ia.decompose(threshold=level, fit=False)["components"]
    unit = {"arcsec": 1.0, "'": 1 / 60, "rad": ARCSEC}[ia.coordsys().units()[0]]
    assert found.shape == (1, 6) and found[0, 3:5] == pytest.approx([14 * unit, 10 / 14], rel=0.05)
    assert found[0, 5] == pytest.approx(np.pi / 6, abs=0.15)  # of the 27 pixels above the last level
    ia.done()


def test_islands_are_taken_apart() -> None:
    ia = make((*SOURCES, Source(4.0, 37.5, 34.0, 9 * ARCSEC, 8 * ARCSEC, 0.0)))
    found = ia.decompose(threshold=0.5)
    assert found["blc"].shape == found["trc"].shape == (2, 2) and found["components"].shape == (3, 6)
    peaks = np.sort(found["components"][:, 0])
    assert np.allclose(peaks, [2.0, 4.0, 5.0], atol=0.05)
    strongest = found["components"][np.argmax(found["components"][:, 0])]
    unit = {"arcsec": 1.0, "'": 1 / 60, "rad": ARCSEC}[ia.coordsys().units()[0]]
    assert strongest[3] == pytest.approx(14 * unit, rel=0.02) and strongest[4] == pytest.approx(10 / 14, rel=0.02)
    assert strongest[5] == pytest.approx(np.pi / 6, abs=0.03)
    assert len(ia.decompose(threshold=0.5, simple=True)["components"]) <= 2
    assert ia.decompose(threshold=0.5, simple=True, fit=False)["components"].shape == (0, 6)
    assert len(ia.decompose(threshold=0.5, fit=False)["components"]) == 3
    assert len(ia.decompose(threshold=0.5, maxrms=1e-6)["components"]) == 0
    assert len(ia.decompose(naxis=1)["blc"]) >= 2
    assert np.array_equal(ia.decompose(threshold=0.5, naxis=3)["blc"], found["blc"])
    with pytest.raises(ParameterError, match="ncontour"):
        ia.decompose(ncontour=0)
    ia.calcmask("'a.im' > 99")
    with pytest.raises(DataError, match="no good pixel"):
        ia.decompose()
    ia.done()


def components() -> componentlist:
    cl = componentlist()
    cl.addcomponent(
        flux=[2.0, 0, 0, 0],
        dir="J2000 12h00m00s 28d38m52s",
        shape="gaussian",
        majoraxis="20arcsec",
        minoraxis="16arcsec",
        positionangle="30deg",
    )
    cl.addcomponent(flux=[1.0, 0, 0, 0], dir="J2000 12h00m00s 28d39m10s", shape="point")
    cl.addcomponent(
        flux=[1.0, 0, 0, 0],
        dir="J2000 12h00m00s 28d39m10s",
        shape="gaussian",
        majoraxis="11arcsec",
        minoraxis="9arcsec",
        positionangle="0deg",
    )
    return cl


def test_components_and_beams() -> None:
    ia = make()
    left = ia.deconvolvecomponentlist(components().torecord())
    shape = left["component0"]["shape"]
    # what CASA 6.7 gives for this component and beam
    assert (shape["majoraxis"]["value"], shape["minoraxis"]["value"]) == (pytest.approx(16.05849830), pytest.approx(12.41469421))
    assert shape["positionangle"]["value"] == pytest.approx(34.17004324)
    assert left["component1"]["shape"]["type"] == left["component2"]["shape"]["type"] == "Point"
    with CasaImage.open("a.im", writable=True) as given:
        given.beams = BeamSet()
    ia.open("a.im")
    with pytest.raises(DataError, match="no restoring beam"):
        ia.deconvolvecomponentlist(components().torecord())
    ia.done()
    cube = make(nchan=3)
    cube.done()
    with CasaImage.open("a.im", writable=True) as given:
        given.beams = BeamSet(tuple(Beam.from_rad((9 + k) * ARCSEC, 9 * ARCSEC, 0.0) for k in range(3)), 3, 1)
    cube.open("a.im")
    assert cube.deconvolvecomponentlist(components().torecord(), channel=2, polarization=0)["nelements"] == 3
    for given in ({}, {"channel": 7, "polarization": 0}):
        with pytest.raises(ParameterError):
            cube.deconvolvecomponentlist(components().torecord(), **given)
    cube.done()


def test_images_of_components() -> None:
    ia = make()
    record = ia.coordsys().torecord()
    ia.done()
    made = image()
    assert made.fromcomplist("c.im", [64, 60, 1, 1], components().torecord(), record)
    assert made.brightnessunit() == "Jy/pixel" and made.statistics()["sum"][0] == pytest.approx(4.0, rel=1e-3)
    with pytest.raises(OutputExistsError):
        made.fromcomplist("c.im", [64, 60, 1, 1], components().torecord(), record, overwrite=False)
    components().rename("list.cl")
    assert made.fromcomplist("", [20, 20], "list.cl", log=False) and made.shape().tolist() == [20, 20]
    with pytest.raises(ParameterError, match="shape"):
        made.fromcomplist("x.im", [], "list.cl")
    with pytest.raises(DataError, match="empty"):
        made.fromcomplist("x.im", [5, 5], componentlist().torecord())
    made.done()


def test_lines_through_planes() -> None:
    ia = make(nchan=3)
    plane = ia.getchunk()[:, :, 0, 1]
    along = ia.getslice([10, 40], [12, 12], coord=[0, 0, 0, 1])
    assert along["pixel"].shape == (31,) and np.allclose(along["pixel"], plane[10:41, 12], atol=1e-6) and along["mask"].all()
    assert along["axes"].tolist() == [0, 1] and along["distance"][-1] == pytest.approx(30.0)
    bent = ia.getslice([10, 20, 40], [12, 30, 20])
    assert len(bent["pixel"]) == 44  # as CASA 6.7 has it: 43 steps for a length of 42.95
    near = ia.getslice([3, 20], [0, 2], axes=[0, 3], coord=[0, 12, 0, 0], npts=5, method="nearest")
    assert len(near["xpos"]) == 5 and near["ypos"].tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]
    across = ia.getslice([12, 12], [10, 40], axes=[1, 0])
    assert np.allclose(across["pixel"], plane[10:41, 12], atol=1e-6)
    for arguments, words in (
        (([1], [1]), "two or more"), (([1, 2], [1, 2], [0, 0]), "two different"), (([1, 1], [2, 2]), "one place"), (([1, 2], [1, 2], [0, 1], [3]), "4 items"),
        (([1, 99], [1, 2]), "leaves the image"), (([1, 2], [1, 2], [0, 1], [0, 0, 0, 9]), "not in the image"), (([1, 2], [1, 2], [0, 1], [-1], 0, "x"), "method"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=words):
            ia.getslice(*arguments)
    ia.done()


def test_histograms_are_numpy_s() -> None:
    ia = make(nchan=2)
    values = ia.getchunk()
    found = ia.histograms(nbins=10)
    counts, edges = np.histogram(values, 10)
    assert np.array_equal(found["counts"], counts) and np.allclose(found["values"], 0.5 * (edges[1:] + edges[:-1]))
    assert found["mean"][0] == pytest.approx(values.mean()) and found["sigma"][0] == pytest.approx(values.std(ddof=1), rel=1e-4)
    each = ia.histograms(axes=[0, 1], nbins=5)
    assert each["counts"].shape == (5, 1, 2) and each["mean"].shape == (1, 2)
    part = ia.histograms(nbins=4, includepix=[1.0, 3.0], cumu=True, log=True)
    inside = np.histogram(values, 4, (1.0, 3.0))[0]
    assert np.allclose(part["counts"], np.log10(np.cumsum(inside)), atol=1e-6) and part["values"].tolist() == [
        1.25,
        1.75,
        2.25,
        2.75,
    ]
    ia.calcmask("'a.im' > 99")
    assert ia.histograms()["counts"].sum() == 0
    for given in ({"axes": [9]}, {"nbins": 0}):
        with pytest.raises(ParameterError):
            ia.histograms(**given)
    ia.done()


def test_the_header_is_that_of_the_file() -> None:
    ia = make()
    found = ia.fitsheader()
    assert found["NAXIS"].tolist() == [4, 64, 60, 1, 1] and found["CTYPE"][3] == "FREQ    " and found["BUNIT"] == "Jy/beam "
    assert found["CRVAL"][0] == pytest.approx(180.0) and found["BSCALE"] == 1.0
    text = ia.fitsheader(retstr=True, exclude=["HISTORY", "object"])
    header = fits.Header.fromstring(text, sep="")
    assert len(text) % 80 == 0 and header["CTYPE1"] == "RA---SIN" and "OBJECT" not in header
    ia.done()


def test_history_and_trial_images() -> None:
    ia = make()
    part = ia.subimage("b.im", list=False)
    assert any("made of" in line for line in part.history(list=False))
    assert ia.dohistory(False)
    other = ia.subimage("c.im", list=False)
    assert not any("made of" in line for line in other.history(list=False))
    trial = image()
    assert trial.maketestimage() and trial.shape().tolist() == [113, 76] and trial.findsources(cutoff=0.2)["nelements"] == 3
    for tool in (part, other, trial, ia):
        tool.done()


def test_squares_reach_their_width_to_each_side() -> None:
    """A square of 7 x 7 pixels about the pixel below the parabola's place (30), as CASA's; a hole at x = 34 lies outside of it, and inside of 9 x 9."""
    ia = make((Source(5.0, 30.4, 34.06, 9.4 * ARCSEC, 9.4 * ARCSEC, 0.0),))
    values = ia.getchunk()
    values[34, 34] = -3.0
    ia.putchunk(values)
    fits = [ia.maxfit(point=False, width=w, list=False)["component0"]["shape"]["majoraxis"]["value"] for w in (3, 4)]
    assert fits[0] == pytest.approx(9.4, rel=0.01) and abs(fits[1] - 9.4) > 0.05
    assert ia.findsources(point=False, width=3, nmax=1)["component0"]["shape"]["majoraxis"]["value"] == pytest.approx(fits[0])
