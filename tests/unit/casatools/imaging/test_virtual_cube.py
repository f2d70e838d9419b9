"""Taylor terms by way of a cube: specmode='mvc'."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools import synthesisimager, table
from casatools._base.errors import DataError, ParameterError, UnsupportedError
from support.images import pixels
from support.wide_band import make_wide_band

CELL = np.deg2rad(20.0 / 3600)
SIZE, AWAY = 96, 27
PLACE = (SIZE // 2 - AWAY, SIZE // 2 + AWAY)
SLOPE = -0.2
OPTIONS: dict[str, Any] = {
    "vis": "wide.ms", "imsize": SIZE, "cell": "20arcsec", "datacolumn": "data", "specmode": "mvc", "deconvolver": "mtmfs", "nterms": 2, "outframe": "TOPO",
    "reffreq": "1.25GHz", "niter": 200, "gain": 0.2, "threshold": "4mJy", "pblimit": 0.1, "nchan": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wide")
    make_wide_band(folder / "wide.ms", np.linspace(1.0e9, 1.5e9, 8), AWAY * CELL, SLOPE)
    return folder


@pytest.fixture(autouse=True)
def _here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("gridder", ["standard", "mosaic"])
def test_the_spectrum_of_the_beam_is_taken_out(gridder: str) -> None:
    record = tclean(imagename="v", gridder=gridder, pbcor=True, savemodel="modelcolumn", **OPTIONS)
    assert record["stopcode"] == 2 and record["nmajordone"] > 2
    assert pixels("v.image.tt0.pbcor")[PLACE] == pytest.approx(1.0, abs=0.01)
    assert pixels("v.alpha")[PLACE] == pytest.approx(SLOPE, abs=0.05)
    cube, whole = pixels("v.pb"), pixels("v.pb.tt0")
    assert cube.shape == (SIZE, SIZE, 4) and whole == pytest.approx(np.where(whole > 0, cube.mean(axis=2), 0.0), abs=0.02)
    tb = table()
    tb.open("wide.ms")
    data, model = tb.getcol("DATA")[0], tb.getcol("MODEL_DATA")[0]
    tb.done()
    # Four channels of the image stand for eight of the data: what the beam and the spectrum do within one is left.
    assert np.abs(model - data).mean() < 0.04 * np.abs(data).mean()
    assert Path("v.weight").is_dir() == (gridder == "mosaic")


def test_in_a_plain_continuum_image_it_stays() -> None:
    tclean(imagename="m", **{**OPTIONS, "specmode": "mfs", "nchan": -1})
    assert pixels("m.alpha")[PLACE] < SLOPE - 0.5


def test_going_on_and_normalizations() -> None:
    for normtype in ("flatnoise", "flatsky", "pbsquare"):
        tclean(imagename=normtype, gridder="mosaic", normtype=normtype, **{**OPTIONS, "nchan": -1, "niter": 0})
    noise, sky, square = (pixels(f"{n}.residual.tt0")[PLACE] for n in ("flatnoise", "flatsky", "pbsquare"))
    power = pixels("flatnoise.pb.tt0")[PLACE]
    assert noise / power == pytest.approx(sky, rel=0.01) and square / power**2 == pytest.approx(sky, rel=0.01)
    tclean(imagename="flatnoise", gridder="mosaic", **{**OPTIONS, "nchan": -1, "niter": 5})
    first = pixels("flatnoise.model.tt0").sum()
    tclean(imagename="flatnoise", gridder="mosaic", calcpsf=False, **{**OPTIONS, "nchan": -1, "niter": 5})
    assert pixels("flatnoise.model.tt0").sum() > first > 0
    assert pixels("flatnoise.model").shape == (SIZE, SIZE, 8)


@pytest.mark.parametrize(
    ("given", "words"),
    [({"deconvolver": "hogbom"}, "mvc"), ({"specmode": "cube"}, "'mfs' or 'mvc'"), ({"nchan": 1}, "terms")],
)
def test_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises((ParameterError, DataError), match=words):
        tclean(imagename="x", **{**OPTIONS, **given})
    assert not list(Path().glob("x.*"))


def test_the_tools_refuse_it() -> None:
    tool = synthesisimager()
    tool.selectdata({"msname": "wide.ms"})
    tool.defineimage({"imagename": "s", "imsize": [48, 48], "specmode": "mvc", "deconvolver": "mtmfs"}, {"gridder": "standard"})
    with pytest.raises(UnsupportedError, match="virtual cubes"):
        tool.makepsf()
    tool.done()
