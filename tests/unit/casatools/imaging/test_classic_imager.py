"""What the imager tool and the tools beside it refuse of images and data: the sentence, and that nothing is written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from casatasks import apparentsens, flagdata, widebandpbcor
from casatools import image, imager, synthesisnormalizer, synthesisutils, table
from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools.simulation.demo import DemoOptions, make_demo


@pytest.fixture(scope="module")
def _simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("classic") / "sim.ms"
    make_demo(str(path), DemoOptions(antennas_per_arm=2, cycles=1, nchan=3))
    return path


@pytest.fixture
def vis(_simulated: Path, tmp_path: Path) -> str:
    return str(shutil.copytree(_simulated, tmp_path / "sim.ms"))


@pytest.fixture
def im(vis: str) -> Iterator[imager]:
    tool = imager()
    tool.open(vis)
    tool.selectvis(field=0)
    tool.defineimage(nx=16, cellx="12arcsec", phasecenter=0)
    yield tool
    tool.done()


def make_image(name: str, shape: tuple[int, ...] = (16, 16, 1, 1), value: float = 1.0, linear: bool = False) -> None:
    ia = image()
    ia.fromshape(name, list(shape), linear=linear)
    ia.putchunk(np.full(shape, value))
    ia.done()


@pytest.mark.parametrize("method", ["fitpsf", "restore", "pb", "regiontoimagemask"])
@pytest.mark.parametrize("linear", [False, True])
def test_an_image_without_the_four_axes_of_a_sky_is_refused(im: imager, method: str, linear: bool) -> None:
    make_image("flat.im", (16, 16, 1, 1) if linear else (16, 16), linear=linear)
    calls = {
        "fitpsf": lambda: im.fitpsf("flat.im"),
        "restore": lambda: im.restore(model="flat.im", image="new.im"),
        "pb": lambda: im.pb("flat.im", "new.im"),
        "regiontoimagemask": lambda: im.regiontoimagemask("flat.im", boxes=[[0, 0, 4, 4]]),
    }
    with pytest.raises(DataError, match=r"'flat\.im' must have a sky plane, polarization and frequency"):
        calls[method]()
    assert not Path("new.im").exists()


def test_a_blank_beam_cannot_be_fitted(im: imager) -> None:
    make_image("blank.psf", value=0.0)
    with pytest.raises(DataError, match=r"'blank\.psf' is blank"):
        im.fitpsf("blank.psf")


def test_a_residual_of_another_shape_is_refused(im: imager) -> None:
    make_image("model.im")
    make_image("residual.im", (8, 8, 1, 1))
    with pytest.raises(DataError, match=r"residual 'residual\.im' of shape \(8, 8, 1, 1\) does not fit model"):
        im.restore(model="model.im", residual="residual.im", image="new.im")
    assert not Path("new.im").exists()


def test_data_without_baselines_give_no_advice(vis: str) -> None:
    tb = table()
    tb.open(vis, nomodify=False)
    tb.putcol("UVW", np.zeros_like(tb.getcol("UVW")))
    tb.close()
    tool = imager()
    tool.open(vis)
    with pytest.raises(DataError, match="no baselines"):
        tool.advise(fieldofview="1deg")
    tool.done()


def test_flagged_data_have_no_sensitivity(vis: str) -> None:
    flagdata(vis, mode="manual", flagbackup=False)
    with pytest.raises(DataError, match="all selected data are flagged"):
        apparentsens(vis, field="0", spw="0", imsize=[16], cell="12arcsec")


def test_a_taper_that_leaves_nothing_has_no_sensitivity(vis: str) -> None:
    with pytest.raises(DataError, match="no sensitivity to tell"):
        apparentsens(vis, field="0", spw="0", imsize=[16], cell="12arcsec", uvtaper=["1e-6lambda"])


@pytest.mark.parametrize("given", [{"getfreqrange": True}, {"freqstart": "1.4GHz", "freqend": "1.5GHz", "freqstep": "1MHz"}])
def test_advice_for_a_field_that_is_not_there(vis: str, given: dict[str, object]) -> None:
    with pytest.raises(SelectionError, match="there is no ID 9; there are 3"):
        synthesisutils().advisechansel(msname=vis, fieldid=9, **given)


@pytest.mark.parametrize("name", ["gridder", "specmode"])
def test_an_unknown_way_to_image_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match=f"'{name}' must be one of .*; got 'foo'"):
        synthesisutils().checkgridparams({name: "foo", "imagename": "img"})


def normalizer(**given: object) -> synthesisnormalizer:
    tool = synthesisnormalizer()
    tool.setupnormalizer({"imagename": "img", "nterms": 1, "deconvolver": "hogbom", **given})
    return tool


@pytest.mark.parametrize(("value", "linear"), [(0.0, False), (1.0, True)])
def test_no_beams_of_what_is_no_point_spread_function(value: float, linear: bool) -> None:
    make_image("img.psf", value=value, linear=linear)
    with pytest.raises(DataError, match="no beam can be fitted"):
        normalizer().makepsfbeamset()


def test_single_dishes_are_divided_by_their_weights() -> None:
    """Sums of spectra by sums of weights pixel by pixel; without weight they are blank, and nothing is divided twice."""
    weights = np.array([[0.0, 2.0, 4.0, 8.0]] * 4)
    for kind, pixels in (("residual", 3.0 * weights), ("weight", weights)):
        make_image(f"img.{kind}", (4, 4, 1, 1))
        tool = image()
        tool.open(f"img.{kind}")
        tool.putchunk(pixels[:, :, None, None])
        tool.done()
    make_image("img.sumwt", (1, 1, 1, 1), value=5.0)
    for _ in range(2):
        assert normalizer().divideresidualbyweight(singledish=True)
    tool = image()
    tool.open("img.residual")
    found, seen = np.squeeze(tool.getchunk()), np.squeeze(tool.getchunk(getmask=True))
    tool.done()
    assert np.array_equal(seen, weights > 0) and found[seen] == pytest.approx(3.0)
    make_image("other.residual", (8, 8, 1, 1))
    make_image("other.weight", (4, 4, 1, 1))
    make_image("other.sumwt", (1, 1, 1, 1))
    with pytest.raises(DataError, match="does not fit the weights"):
        normalizer(imagename="other").divideresidualbyweight(singledish=True)


def test_parts_of_different_shapes_are_not_added() -> None:
    for name, size in (("a", 16), ("b", 8)):
        for suffix in ("psf", "residual"):
            make_image(f"{name}.{suffix}", (size, size, 1, 1))
        make_image(f"{name}.sumwt", (1, 1, 1, 1))
    with pytest.raises(DataError, match=r"b\.psf has the shape \(8, 8, 1, 1\), that of the first part is \(16, 16, 1, 1\)"):
        normalizer(partimagenames=["a", "b"]).gatherpsfweight()
    assert not Path("img.psf").exists()


@pytest.mark.parametrize(("shape", "linear"), [((16, 16), False), ((16, 16, 1, 1), True)])
def test_a_wide_band_needs_sky_and_frequency(vis: str, shape: tuple[int, ...], linear: bool) -> None:
    for kind in ("image", "residual"):
        for k in (0, 1):
            make_image(f"w.{kind}.tt{k}", shape, linear=linear)
    before = sorted(p.name for p in Path().glob("w.*"))
    with pytest.raises(DataError, match=r"'w\.image\.tt0' has no sky plane or no frequency"):
        widebandpbcor(vis, "w", nterms=2, field="0", spwlist=[0, 0], chanlist=[0, 2], weightlist=[1.0, 1.0])
    assert sorted(p.name for p in Path().glob("w.*")) == before
