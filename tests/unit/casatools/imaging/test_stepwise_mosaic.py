"""Mosaics and A-projection step by step with the synthesis tools: the images of tclean."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools import image, iterbotsink, synthesisdeconvolver, synthesisimager, synthesisnormalizer
from casatools._base.errors import PathMissingError, UnsupportedError
from support.mosaic_ms import MOSAIC, SIZE, make_mosaic


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pointings."""
    return make_mosaic(tmp_path_factory.mktemp("mosaic") / "sim.ms")


@pytest.fixture(autouse=True)
def _here(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(simulated, tmp_path / "sim.ms")
    monkeypatch.chdir(tmp_path)


def pixels(name: str, mask: bool = False) -> np.ndarray:
    tool = image()
    tool.open(name)
    try:
        return np.asarray(tool.getchunk(getmask=mask))
    finally:
        tool.done()


def tools(terms: int = 0, **more: Any) -> tuple[synthesisimager, synthesisnormalizer]:
    """The major-cycle half of a loop."""
    deconvolver = {"deconvolver": "mtmfs" if terms else "hogbom", "nterms": terms or 1}
    normal = {"imagename": "s", "pblimit": 0.2, "normtype": more.pop("normtype", "flatnoise"), "psfcutoff": 0.35, **deconvolver}
    gridding = {"gridder": "mosaic", "mosweight": True, **more}
    imager, normalizer = synthesisimager(), synthesisnormalizer()
    imager.selectdata({"msname": "sim.ms", "field": "", "datacolumn": "data", "usescratch": True})
    axis = {"imsize": SIZE, "cell": "4arcsec", "phasecenter": MOSAIC["phasecenter"], "specmode": gridding.pop("specmode", "mfs")}
    imager.defineimage({"imagename": "s", **axis, **deconvolver}, gridding)
    imager.normalizerinfo(normal)
    imager.setweighting(type="briggs", robust=0.5, multifield=True)
    normalizer.setupnormalizer(normal)
    return imager, normalizer


def loop(terms: int = 0, **more: Any) -> dict[str, Any]:
    """A whole imaging loop, with the calls that CASA's scripts make."""
    imager, normalizer = tools(terms, **more)
    imager.makepsf()
    normalizer.gatherpsfweight()
    normalizer.dividepsfbyweight()
    normalizer.divideweightbysumwt()
    normalizer.makepsfbeamset()
    normalizer.normalizeprimarybeam()

    def major(last: bool = False) -> None:
        normalizer.dividemodelbyweight()
        normalizer.scattermodel()
        imager.executemajorcycle({"lastcycle": last})
        normalizer.gatherresidual()
        normalizer.divideresidualbyweight()
        normalizer.multiplymodelbyweight()

    major()
    deconvolver, bot = synthesisdeconvolver(), iterbotsink()
    deconvolver.setupdeconvolution({
        "imagename": "s", "deconvolver": "mtmfs" if terms else "hogbom", "nterms": terms or 1, "scales": [0], "restoringbeam": [],
        "usemask": "pb", "pbmask": 0.2,
    })  # fmt: skip
    bot.setupiteration({"niter": 60, "cycleniter": 25, "threshold": "0Jy", "loopgain": 0.1})
    deconvolver.initminorcycle()
    deconvolver.setupmask()
    while True:
        bot.resetminorcycleinfo()
        bot.mergeinitrecord(deconvolver.initminorcycle(), 0)
        if bot.cleanComplete():
            break
        bot.mergeexecrecord(deconvolver.executeminorcycle(bot.getminorcyclecontrols()), 0)
        major()
        bot.endmajorcycle()
    deconvolver.restore()
    major(last=True)
    record = bot.getiterationsummary()
    for tool in (imager, normalizer, deconvolver, bot):
        tool.done()
    return record


WAYS: dict[str, dict[str, Any]] = {
    "mosaic": {}, "flatsky": {"normtype": "flatsky"}, "pbsquare": {"normtype": "pbsquare"}, "awproject": {"gridder": "awproject"},
    "cube": {"specmode": "cube"}, "terms": {"terms": 2}, "awterms": {"terms": 2, "gridder": "awproject"},
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_loop_makes_the_images_of_tclean(way: str) -> None:
    more = WAYS[way]
    record = loop(**more)
    terms = more.get("terms", 0)
    given = {k: v for k, v in more.items() if k != "terms"}
    done = tclean(
        **{**MOSAIC, **given}, imagename="t", datacolumn="data", weighting="briggs", robust=0.5, niter=60, cycleniter=25, usemask="pb", pbmask=0.2,
        deconvolver="mtmfs" if terms else "hogbom", nterms=terms or 1, savemodel="modelcolumn",
    )  # fmt: skip
    assert record["iterdone"] == done["iterdone"] and record["stopcode"] == done["stopcode"]
    kinds = {name.split(".", 1)[1] for name in os.listdir(".") if name.startswith("t.")} - {"alpha", "alpha.error"}
    assert kinds >= ({"weight.tt0", "residual.tt1"} if terms else {"weight", "residual", "pb"})
    # The spectral beam of a model is brought to the sky and back in float32.
    for kind in sorted(kinds):
        expected = pixels(f"t.{kind}")
        assert pixels(f"s.{kind}") == pytest.approx(expected, rel=1e-4, abs=5e-5 * np.abs(expected).max()), kind
    name = "residual.tt0" if terms else "residual"
    assert np.array_equal(pixels(f"s.{name}", mask=True), pixels(f"t.{name}", mask=True))


def test_sums_are_divided_once() -> None:
    imager, normalizer = tools()
    imager.makepsf()
    raw, total = pixels("s.weight"), float(pixels("s.sumwt").ravel()[0])
    for _ in range(2):
        normalizer.divideweightbysumwt()
        normalizer.dividepsfbyweight()
    assert pixels("s.weight") * total == pytest.approx(raw, rel=1e-5) and pixels("s.psf").max() == pytest.approx(1.0)


def test_cubes_go_on_from_the_disk() -> None:
    """The second half is run by tools that made no point spread function themselves."""
    imager, _ = tools(specmode="cube")
    imager.makepsf()
    imager.executemajorcycle()
    expected = pixels("s.residual")
    imager.done()
    shutil.rmtree("s.residual")
    again, _ = tools(specmode="cube")
    again.executemajorcycle()
    again.makepb()
    assert pixels("s.residual") == pytest.approx(expected, abs=1e-6) and pixels("s.pb").max() == pytest.approx(1.0)
    shutil.rmtree("s.weight")
    with pytest.raises(PathMissingError, match="weight"):
        tools(specmode="cube")[0].executemajorcycle()


def test_densities_of_fields_are_no_image() -> None:
    """An image has no axis for fields; the imager tool gives them as an array."""
    with pytest.raises(UnsupportedError, match="getweightgrid"):
        tools()[0].getweightdensity()
    assert not os.path.exists("s.gridwt")
