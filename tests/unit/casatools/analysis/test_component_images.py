"""Components in images, and the source at the greatest pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import componentlist, image
from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools.analysis.peaks import parabola_peak
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from support.shared import unpack

CELL = 2 * np.pi / 648000
NX, NY = 41, 37
DIRECTION = "J2000 1.0rad 0.5rad"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(name: str, *, unit: str = "Jy/pixel", beam: bool = False, stokes: str = "I", nchan: int = 1) -> None:
    coordinates = make_image_coordinates((NX, NY), (CELL, CELL), (1.0, 0.5), 1.4e9 + 1e8 * np.arange(nchan), stokes=list(stokes))
    with CasaImage.create(name, (nchan, len(stokes), NY, NX), coordinates, unit=unit) as made:
        if beam:
            made.beams = BeamSet.single(Beam(12, 10, 20))


def component(**given: Any) -> dict[str, Any]:
    cl = componentlist()
    cl.addcomponent(**{"flux": 2.0, "dir": DIRECTION, "shape": "point", "freq": "1.4GHz", **given})
    record = cl.torecord()
    cl.done()
    return dict(record)


def added(name: str, record: dict[str, Any], **given: Any) -> np.ndarray:
    ia = image()
    ia.open(name)
    ia.modify(record, subtract=False, list=False, **given)
    values = ia.getchunk()
    ia.done()
    return values


def test_points_gaussians_and_disks() -> None:
    make("a.im")
    point = added("a.im", component())[:, :, 0, 0]
    assert point[NX // 2, NY // 2] == 2.0 and np.count_nonzero(point) == 1
    make("g.im")
    gaussian = added("g.im", component(shape="gaussian", majoraxis="20arcsec", minoraxis="10arcsec", positionangle="30deg"))[
        :, :, 0, 0
    ]
    assert gaussian.sum() == pytest.approx(2.0, abs=1e-3)
    # 2 Jy over pi / (4 ln 2) times 20 x 10 square arcseconds of pixels of 4
    assert gaussian[NX // 2, NY // 2] == pytest.approx(2.0 / (np.pi / (4 * np.log(2)) * 200 / 4), rel=1e-5)
    x, y = np.mgrid[:NX, :NY]
    east, north = -(x - NX // 2), y - NY // 2
    covariance = (gaussian * east * north).sum()
    assert covariance > 0  # a position angle of 30 degrees lies to the north-east
    make("d.im")
    disk = added("d.im", component(shape="disk", majoraxis="20arcsec", minoraxis="14arcsec", positionangle="0deg"))[:, :, 0, 0]
    assert set(np.unique(disk.astype(np.float32))) == {np.float32(0), np.float32(2.0 / (np.pi / 4 * 20 * 14 / 4))}


def test_beams_spectra_polarizations_masks_and_regions() -> None:
    make("b.im", unit="Jy/beam", beam=True, nchan=3)
    record = component(spectrumtype="spectral index", index=-1.0)
    values = added("b.im", record)
    pixels = np.pi / (4 * np.log(2)) * 120 / 4
    assert values[NX // 2, NY // 2, 0] == pytest.approx(2.0 * pixels * 1.4 / np.array([1.4, 1.5, 1.6]), rel=1e-5)
    make("s.im", stokes="IQUV")
    values = added("s.im", component(flux=[2.0, 0.3, 0.2, 0.1]))
    assert values[NX // 2, NY // 2, :, 0] == pytest.approx([2.0, 0.3, 0.2, 0.1])
    coordinates = make_image_coordinates((NX, NY), (CELL, CELL), (1.0, 0.5), np.array([1.4e9]), stokes=["RR", "LL", "YX"])
    CasaImage.create("r.im", (1, 3, NY, NX), coordinates, unit="Jy/pixel").close()
    assert added("r.im", component(flux=[2.0, 0.3, 0.2, 0.1]))[NX // 2, NY // 2, :, 0] == pytest.approx([2.1, 1.9, 0.2])
    make("m.im", unit="K")
    wide = component(shape="gaussian", majoraxis="20arcsec", minoraxis="16arcsec", positionangle="0deg")
    inside = added("m.im", wide, region="box[[0pix,0pix],[19pix,36pix]]")[:, :, 0, 0]
    assert not inside[20:].any() and inside[19, NY // 2] > 0
    ia = image()
    ia.open("m.im")
    ia.modify(wide, mask="'m.im' > 0", subtract=True)
    assert np.abs(ia.getchunk()).max() < 1e-8
    ia.putregion(pixelmask=np.zeros((NX, NY), bool), region="box[[0pix,0pix],[40pix,40pix]]")
    ia.modify(component(), subtract=False)  # masked pixels hold the component too, as in CASA
    assert ia.getchunk()[NX // 2, NY // 2].max() > 0
    ia.modify(component(), subtract=True)
    ia.done()
    for elsewhere in ("J2000 4.0rad -0.5rad", "J2000 1.01rad 0.5rad"):
        assert np.abs(added("m.im", component(dir=elsewhere))).max() < 1e-8


def test_refused() -> None:
    make("a.im", unit="Jy/beam")
    ia = image()
    ia.open("a.im")
    for words, record in {"no restoring beam": component(), "empty": {}}.items():
        with pytest.raises(DataError, match=words):
            ia.modify(record)
    with pytest.raises(ParameterError, match="spxtype"):
        ia.fitprofile(spxest=[1.0, -0.7])
    with pytest.raises(SelectionError, match="planes"):
        ia.fitprofile(axis=0, planes=[1000])
    with pytest.raises(SelectionError, match="no good pixel"):
        ia.maxfit(region="box[[0pix,0pix],[3pix,3pix]]") if ia.calcmask("'a.im' > 5") else None
    ia.done()
    with CasaImage.open("a.im") as opened, CasaImage.create("line.im", (1,), opened.coordinates.without_pixel_axes([0, 1, 2])):
        pass
    ia.open("line.im")
    with pytest.raises(DataError, match="no sky plane"):
        ia.maxfit()
    ia.done()


def test_a_parabola_is_found_exactly() -> None:
    y, x = np.mgrid[-1:2, -1:2]
    dx, dy, value = parabola_peak(5 - 2 * (x - 0.3) ** 2 - (y + 0.2) ** 2 - 0.5 * (x - 0.3) * (y + 0.2))
    assert (dx, dy, value) == pytest.approx((0.3, -0.2, 5.0))
    assert parabola_peak(np.ones((3, 3)))[2] == pytest.approx(1.0)
    assert parabola_peak((x * 5.0) + x * x * 0.1 + y * y * 0.1)[:2] == (0.0, 0.0)


def test_the_source_at_the_greatest_pixel() -> None:
    make("p.im", unit="Jy/beam", beam=True, nchan=2)
    with CasaImage.open("p.im", writable=True) as opened:
        values = np.zeros(opened.shape)
        y, x = np.mgrid[:NY, :NX]
        values[1, 0] = 3 * np.exp(-((x - 12.2) ** 2 + (y - 20.1) ** 2) / 18) - 5 * np.exp(
            -((x - 30.0) ** 2 + (y - 8.0) ** 2) / 18
        )
        opened.write(values)
    ia = image()
    ia.open("p.im")
    cs = ia.coordsys()

    def place(record: dict[str, Any]) -> tuple[float, float]:
        direction = record["component0"]["shape"]["direction"]
        world = cs.toworld([0, 0, 0, 0], "n")["numeric"]
        world[:2] = direction["m0"]["value"] % (2 * np.pi), direction["m1"]["value"]
        return tuple(cs.topixel([float(w) for w in world])["numeric"][:2])

    found = ia.maxfit()
    assert place(found) == pytest.approx((12.2, 20.1), abs=0.03)
    assert (
        found["component0"]["flux"]["value"][0] == pytest.approx(3.0, rel=0.02)
        and found["component0"]["shape"]["type"] == "Point"
    )
    assert found["component0"]["spectrum"]["frequency"]["m0"]["value"] == pytest.approx(1.5)
    negative = ia.maxfit(negfind=True, list=False)
    assert place(negative) == pytest.approx((30, 8), abs=0.01) and negative["component0"]["flux"]["value"][0] < -4.8
    wide = ia.maxfit(point=False, width=7)
    assert wide["component0"]["shape"]["majoraxis"]["value"] == pytest.approx(3 * 2.3548 * 2, rel=1e-3)
    edge = ia.maxfit(region="box[[0pix,0pix],[0pix,36pix]]")
    assert place(edge)[0] == pytest.approx(0.0, abs=1e-6)
    record = ia.fitcomponents(chans=[1], includepix=[0.01, 10])
    assert record["results"]["component0"]["peak"]["value"] == pytest.approx(3.0, rel=1e-3)
    ia.done()


@pytest.mark.shared
def test_the_reference_numbers(tmp_path: Path) -> None:
    """image.maxfit and image.fitprofile of CASA 6.7.0."""
    ia = image()
    ia.open(str(unpack("im2d.im", tmp_path)))
    found = ia.maxfit()["component0"]
    assert found["shape"]["direction"]["m0"]["value"] == pytest.approx(-3.1415703648303506, abs=1e-12)
    assert found["shape"]["direction"]["m1"]["value"] == pytest.approx(0.5236180332626975, abs=1e-12)
    assert found["flux"]["value"][0] == pytest.approx(5.0035820007, rel=1e-4)
    gaussian = ia.maxfit(point=False, width=3)["component0"]
    assert gaussian["flux"]["value"][0] == pytest.approx(5.8411337841, rel=1e-2)
    ia.done()
    ia.open(str(unpack("cube.im", tmp_path)))
    record = ia.fitprofile(box="15,13,15,13", ngauss=2, poly=0, logresults=False)
    assert record["converged"].all()
    ia.done()


def test_planes_of_profiles_along_other_axes() -> None:
    tool = image()
    tool.fromshape("line.im", [20, 4, 1, 3])
    values = np.zeros((20, 4, 1, 3)) + np.arange(20.0)[:, None, None, None]
    values[3] = 50.0
    tool.putchunk(values)
    tool.fitprofile(axis=0, planes=[1, 2, 4, 5, 7], ngauss=0, poly=1, model="model.im")
    tool.fitprofile(axis=3, chans="0~2", planes=[0, 2], ngauss=0, poly=1, model="other.im")
    tool.done()
    tool.open("model.im")
    np.testing.assert_allclose(np.ravel(tool.getchunk())[:8], np.arange(8), atol=1e-6)
    tool.done()
