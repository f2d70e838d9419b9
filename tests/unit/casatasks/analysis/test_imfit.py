"""imfit on images whose components are known, and against numbers that the reference gives for the same pixels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import imfit
from casatools import componentlist, image
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from support.shared import unpack

ARCSEC = np.pi / 648000
Sky = tuple[float, float, float, float, float, float]


def make(
    name: str, sources: Sequence[Sky], beam: tuple[float, float, float] | None = (8, 6, 10), *, noise: float = 0.01,
    cell: tuple[float, float] = (1.5, 1.5), unit: str = "Jy/beam", stokes: str = "I", nchan: int = 1,
) -> None:  # fmt: skip
    """An image of Gaussians (peak, x, y, major, minor [arcsec], position angle [deg]), the second channel twice as bright."""
    size = 96
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    plane = np.zeros((size, size))
    for peak, x0, y0, major, minor, angle in sources:
        east, north, turn = -(x - x0) * cell[0], (y - y0) * cell[1], np.radians(angle)
        along, across = east * np.sin(turn) + north * np.cos(turn), east * np.cos(turn) - north * np.sin(turn)
        plane += peak * np.exp(-4 * np.log(2) * ((along / major) ** 2 + (across / minor) ** 2))
    coordinates = make_image_coordinates(
        (size, size),
        [c * ARCSEC for c in cell],
        (2.0, 0.5),
        1.4e9 + 1e6 * np.arange(nchan),
        stokes=list(stokes),
        channel_width_hz=1e6,
    )
    cube = plane * np.arange(1, nchan + 1)[:, None, None, None] * np.ones((1, len(stokes), 1, 1))
    cube += np.random.default_rng(3).normal(size=cube.shape) * noise
    with CasaImage.create(name, cube.shape, coordinates, unit=unit) as made:
        made.write(cube)
        if beam:
            made.beams = BeamSet.single(Beam(*beam))


def pixels(name: str) -> np.ndarray:
    with CasaImage.open(name) as opened:
        return opened.read()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def shape(component: dict[str, Any], suffix: str = "") -> list[float]:
    return [component["shape"][n + suffix]["value"] for n in ("majoraxis", "minoraxis", "positionangle")]


def test_a_resolved_source_comes_back_within_its_errors() -> None:
    make("a.im", [(3.0, 50.3, 45.2, 22.0, 14.0, 40.0)])
    found = imfit("a.im")
    assert found["converged"].tolist() == [True] and found["results"]["nelements"] == 1
    component = found["results"]["component0"]
    truth, errors = [22.0, 14.0, 40.0], shape(component, "error")
    assert np.all(np.abs(np.array(shape(component)) - truth) < 4 * np.array(errors))
    assert component["pixelcoords"] == pytest.approx([50.3, 45.2], abs=0.05)
    # 3 Jy/beam over beams of 8 by 6 arcsec.
    assert component["flux"]["value"][0] == pytest.approx(3.0 * 22 * 14 / 48, rel=0.01)
    inner = found["deconvolved"]["component0"]
    assert not inner["ispoint"]
    # Second moments subtract: the traces of the covariances of 22 x 14 and 8 x 6.
    assert sum(v**2 for v in shape(inner)[:2]) == pytest.approx(sum(v**2 for v in shape(component)[:2]) - 100, rel=1e-6)


def test_errors_follow_the_noise() -> None:
    """The scatter of fits to many realisations of white noise is what Condon's formulas say for independent pixels."""
    from casatools.analysis.gaussian_sources import FittedPlane, PlaneGeometry, Source, fit_sources, source_values
    from casatools.analysis.source_errors import source_errors

    geometry = PlaneGeometry(np.diag([-1.0, 1.0]))
    truth = Source(1.0, 20.2, 19.7, 9.0, 6.0, 0.6)
    x, y = (v.ravel().astype(float) for v in np.meshgrid(np.arange(40), np.arange(40)))
    clean, rng = source_values(truth, geometry, x, y), np.random.default_rng(0)
    fits = [
        fit_sources(clean + rng.normal(size=x.size) * 0.03, x, y, geometry, FittedPlane((truth,))).sources[0] for _ in range(120)
    ]
    errors = source_errors(truth, geometry, 0.03, 0.0)
    for name, expected in (
        ("peak", errors.peak),
        ("x", errors.x),
        ("major_rad", errors.major_rad),
        ("angle_rad", errors.angle_rad),
    ):
        assert np.std([getattr(f, name) for f in fits]) == pytest.approx(expected, rel=0.25), name


@pytest.mark.shared
def test_the_reference_numbers(tmp_path: Path) -> None:
    name = str(unpack("im2d.im", tmp_path))
    component = imfit(name, box="18,22,42,46")["results"]["component0"]
    # CASA 6.7.0 on the same pixels.
    assert component["flux"]["value"][0] == pytest.approx(5.8708036279472555, rel=1e-6)
    assert component["flux"]["error"][0] == pytest.approx(0.04045810598894437, rel=1e-4)
    assert component["peak"]["error"] == pytest.approx(0.020650997435471646, rel=1e-4)
    assert component["sum"]["value"] == pytest.approx(98.3753731250763, rel=1e-9)
    assert shape(component) == pytest.approx([14.0461437154959, 10.02558916465852, 29.810447996842676], rel=1e-4)
    assert shape(component, "error") == pytest.approx([0.06772032775651729, 0.03543287713663306, 0.41668497594782083], rel=1e-4)
    errors = component["shape"]["direction"]["error"]
    assert errors["latitude"]["value"] == pytest.approx(0.02604985120247536, rel=1e-4)
    # Noise given, and its width: 5 arcsec, and pixels that are independent.
    narrow = imfit(name, box="18,22,42,46", noisefwhm="5arcsec", rms=0.01)["results"]["component0"]
    assert narrow["peak"]["error"] == pytest.approx(0.009225096222933504, rel=1e-6)
    assert narrow["flux"]["error"][0] == pytest.approx(0.012610633418501, rel=1e-6)
    single = imfit(name, box="18,22,42,46", noisefwhm=0.0, rms="10mJy/beam")["results"]["component0"]
    assert single["flux"]["error"][0] == pytest.approx(0.003716037096856, rel=1e-6)
    level = imfit(name, box="18,22,42,46", dooff=True, offset=0.01)
    assert level["zerooff"]["value"] == pytest.approx([-0.0005427081789327006], rel=1e-3)
    with open("e.txt", "w", encoding="utf-8") as stream:
        stream.write("4.5,30,34,14arcsec,10arcsec,120deg\n2,14,12,12arcsec,12arcsec,0deg,xy\n")
    both = imfit(name, estimates="e.txt")
    assert both["results"]["component1"]["pixelcoords"] == pytest.approx([14, 12])
    assert both["results"]["component1"]["shape"]["direction"]["error"]["latitude"]["value"] == 0
    # Points: the widths' errors are upper limits of the sizes.
    assert shape(both["deconvolved"]["component0"], "error")[:2] == pytest.approx(
        [7.6796053915687015, 0.2715049218782569], rel=0.05
    )
    assert both["deconvolved"]["component0"]["ispoint"]


def test_two_sources_models_and_lists() -> None:
    make("a.im", [(3.0, 30.3, 45.2, 22, 14, 40), (1.5, 66.0, 60.0, 9, 7, 100)], nchan=2)
    with open("e.txt", "w", encoding="utf-8") as stream:
        stream.write("# two\n\n2.5,30,45,20arcsec,14arcsec,30deg\n1.4,66,60,9arcsec,7arcsec,100deg,abp\n")
    found = imfit(
        "a.im",
        estimates="e.txt",
        model="m.im",
        residual="r.im",
        logfile="l.txt",
        newestimates="n.txt",
        complist="c.cl",
        summary="s.txt",
    )
    assert found["results"]["nelements"] == 4
    fluxes = [found["results"][f"component{k}"]["flux"]["value"][0] for k in range(4)]
    assert fluxes == pytest.approx([19.25, 1.969, 38.5, 3.9375], rel=0.02)
    assert np.allclose(pixels("m.im") + pixels("r.im"), pixels("a.im"), atol=1e-6)
    assert np.std(pixels("r.im")) == pytest.approx(0.01, rel=0.05)
    third = found["results"]["component2"]["spectrum"]
    assert third["channel"] == 1 and third["frequency"]["m0"]["value"] == pytest.approx(1.401)
    tool = componentlist()
    tool.open("c.cl")
    assert tool.length() == 4 and tool.getfluxvalue(0)[0] == pytest.approx(fluxes[0])
    tool.done()
    text = Path("l.txt").read_text(encoding="utf-8")
    assert "(fixed)" in text and "channel number 1" in text and "deconvolved from beam" in text
    again = imfit("a.im", estimates="n.txt", chans="1", overwrite=True, logfile="l.txt", append=False)
    assert again["results"]["component0"]["flux"]["value"][0] == pytest.approx(fluxes[2], rel=1e-4)
    assert "channel number 0" not in Path("l.txt").read_text(encoding="utf-8")
    table = np.loadtxt("s.txt")
    assert table.shape == (4, 22) and table[:, 1] == pytest.approx(fluxes)


def test_units_say_what_the_flux_density_is() -> None:
    source = [(3.0, 50.3, 45.2, 22.0, 14.0, 40.0)]
    area = np.pi / (4 * np.log(2)) * 22 * 14
    for unit, beam, flux, flux_unit in (
        ("Jy/pixel", None, 3 * area / 1.5**2, "Jy"),
        ("", None, 3 * area / 1.5**2, "Jy"),
        ("mJy/beam", (8, 6, 10), 3 * 22 * 14 / 48, "mJy"),
        ("K", (8, 6, 10), 3 * area * ARCSEC**2, "K.rad.rad"),
    ):
        name = f"{len(os.listdir())}.im"
        make(name, source, beam, unit=unit)
        found = imfit(name)
        component = found["results"]["component0"]
        assert component["flux"]["unit"] == flux_unit
        assert component["flux"]["value"][0] == pytest.approx(flux, rel=0.01)
        assert ("deconvolved" in found) == (beam is not None)
    if beam:
        assert found["deconvolved"]["component0"]["peak"]["value"] > 3


def test_oblong_pixels_keep_the_shape_on_the_sky() -> None:
    make("a.im", [(3.0, 50.3, 45.2, 22.0, 14.0, 40.0)], cell=(1.5, 2.5))
    assert shape(imfit("a.im")["results"]["component0"]) == pytest.approx([22, 14, 40], rel=0.02)


def test_selections() -> None:
    make("a.im", [(3.0, 50.3, 45.2, 22.0, 14.0, 40.0)], stokes="IQ")
    for how in (
        {"includepix": [0.5, 100.0]}, {"excludepix": [-1.0, 0.2]}, {"region": "circle[[50pix,45pix],15pix]"}, {"mask": "'a.im'>0.3"},
        {"stokes": "Q"},
    ):  # fmt: skip
        component = imfit("a.im", **how)["results"]["component0"]
        assert shape(component) == pytest.approx([22, 14, 40], rel=0.02), how
        assert int(np.argmax(component["flux"]["value"])) == (1 if "stokes" in how else 0)
    held = imfit("a.im", dooff=True, offset=0.2, fixoffset=True)
    assert held["zerooff"]["value"] == pytest.approx([0.2]) and held["zeroofferr"]["value"] == pytest.approx([0.0])


def test_masks_stay_with_the_outputs() -> None:
    make("a.im", [(3.0, 50.3, 45.2, 22.0, 14.0, 40.0)])
    with CasaImage.open("a.im", writable=True) as opened:
        good = np.ones(opened.shape, bool)
        good[..., :20] = False
        opened.write_mask(good)
    imfit("a.im", residual="r.im")
    with CasaImage.open("r.im") as opened:
        assert np.array_equal(opened.read_mask(), good)


def test_nothing_to_fit_does_not_converge() -> None:
    make("a.im", [], noise=0.01)
    found = imfit(
        "a.im", chans="0", box="20,20,24,24", includepix=[5.0, 6.0], model="m.im", newestimates="n.txt", logfile="l.txt"
    )
    assert found["converged"].tolist() == [False] and found["results"] == {"nelements": 0} and "deconvolved" not in found
    assert not os.path.exists("n.txt") and not pixels("m.im").any()
    assert "FAILED" in Path("l.txt").read_text(encoding="utf-8")
    assert not imfit("a.im", box="20,20,21,21")["converged"][0]
    make("zero.im", [], noise=0.0)
    assert not imfit("zero.im")["converged"][0]


BAD: dict[str, tuple[type[Exception], dict[str, Any]]] = {
    "one polarization": (ParameterError, {"stokes": "IQ"}),
    "'rms'": (ParameterError, {"rms": "5K"}),
    "'noisefwhm'": (ParameterError, {"noisefwhm": "5Jy"}),
    "only one of": (ParameterError, {"includepix": [0.0, 1.0], "excludepix": [2.0, 3.0]}),
    "does not exist": (PathMissingError, {"estimates": "absent.txt"}),
    "image 'here'": (OutputExistsError, {"complist": "here"}),
    "holds no estimate": (ParameterError, {"estimates": "# nothing"}),
    "cannot be read": (ParameterError, {"estimates": "3,30,45,22arcsec"}),
    "can be fixed": (ParameterError, {"estimates": "3,30,45,22arcsec,10arcsec,0deg,q"}),
    "three numbers": (ParameterError, {"estimates": "three,30,45,22arcsec,10arcsec,0deg"}),
    "not below": (ParameterError, {"estimates": "3,30,45,22arcsec,30arcsec,0deg"}),
}


@pytest.mark.parametrize("words", BAD)
def test_refused_before_anything_is_written(words: str) -> None:
    make("a.im", [(3.0, 50.3, 45.2, 22.0, 14.0, 40.0)], stokes="IQ")
    os.mkdir("here")
    kind, how = BAD[words]
    text = str(how.get("estimates", ""))
    if text and text != "absent.txt":
        with open("e.txt", "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
        how = {"estimates": "e.txt"}
    with pytest.raises(kind, match=words.replace("image ", "component list ")):
        imfit("a.im", model="m.im", logfile="l.txt", **how)
    assert not os.path.exists("m.im") and not os.path.exists("l.txt")


def test_images_without_a_sky_or_of_complex_numbers() -> None:
    tool = image()
    tool.fromshape("c.im", [8, 8, 1, 1], type="c")
    tool.done()
    with pytest.raises(DataError, match="complex"):
        imfit("c.im")
    make("a.im", [])
    with CasaImage.open("a.im") as opened:
        flat = opened.coordinates.without_pixel_axes([0, 1])
        with CasaImage.create("b.im", (1, 1), flat):
            pass
    with pytest.raises(DataError, match="no sky plane"):
        imfit("b.im")


def test_the_noise_of_the_errors_is_that_of_the_whole_box() -> None:
    """Masks and ranges choose what is fitted; the noise is measured beside the source too (CASA 6.7: the same errors to a per cent)."""
    make("a.im", [(5.0, 48.0, 47.0, 14.0, 10.0, 30.0)], noise=0.02)
    box = "30,30,65,65"
    errors = [
        imfit("a.im", box=box, **given)["results"]["component0"]["peak"]["error"]
        for given in ({}, {"mask": "'a.im' > 0.1"}, {"includepix": [0.1, 100.0]}, {"rms": 0.02})
    ]
    assert errors == pytest.approx([errors[0]] * 4, rel=0.05)
