"""Imaging step by step with the synthesis tools: the same images as tclean makes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools import (
    image,
    imager,
    iterbotsink,
    synthesisdeconvolver,
    synthesisimager,
    synthesismaskhandler,
    synthesisnormalizer,
    synthesisutils,
    table,
)
from casatools._base.errors import (
    CasaError,
    DataError,
    NotOpenError,
    OutputExistsError,
    ParameterError,
    PathMissingError,
    SelectionError,
    UnsupportedError,
)
from casatools.imaging import stepwise_deconvolver
from casatools.imaging.cycle_control import CycleControl
from casatools.simulation.demo import DemoOptions, make_demo

IMAGE = {"imsize": [64, 64], "cell": ["20arcsec", "20arcsec"], "specmode": "mfs", "nterms": 1, "deconvolver": "hogbom"}


@pytest.fixture(scope="module")
def demo_ms(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small simulated observation."""
    path = str(tmp_path_factory.mktemp("sim") / "demo.ms")
    make_demo(path, DemoOptions(antennas_per_arm=3, cycles=1, nchan=4))
    return path


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pixels(name: str) -> np.ndarray:
    tool = image()
    tool.open(name)
    try:
        return np.asarray(tool.getchunk())
    finally:
        tool.done()


def an_imager(path: str, **more: Any) -> synthesisimager:
    tool = synthesisimager()
    tool.selectdata({"msname": path, "field": "2", "spw": "", "datacolumn": "data", **more.pop("selection", {})})
    tool.defineimage({"imagename": "s", **IMAGE, **more}, {"gridder": "standard", "pblimit": 0.1})
    tool.setweighting(type="natural")
    return tool


def normalized(path: str, terms: int = 0) -> tuple[synthesisimager, synthesisnormalizer]:
    more = {"deconvolver": "mtmfs", "nterms": terms} if terms else {}
    imager, normalizer = an_imager(path, **more), synthesisnormalizer()
    normalizer.setupnormalizer(
        {"imagename": "s", "nterms": terms or 1, "deconvolver": "mtmfs" if terms else "hogbom", "psfcutoff": 0.35}
    )
    imager.makepsf()
    normalizer.gatherpsfweight()
    normalizer.dividepsfbyweight()
    normalizer.makepsfbeamset()
    imager.makepb()
    normalizer.normalizeprimarybeam()
    imager.executemajorcycle({"lastcycle": False})
    normalizer.gatherresidual()
    normalizer.divideresidualbyweight()
    return imager, normalizer


def loop(path: str, **limits: Any) -> dict[str, Any]:
    """A whole imaging loop."""
    imager, normalizer = normalized(path)
    deconvolver, bot = synthesisdeconvolver(), iterbotsink()
    assert deconvolver.setupdeconvolution({"imagename": "s", "deconvolver": "hogbom", "restoringbeam": []}) is False
    bot.setupiteration({"niter": 100, "threshold": "0Jy", "loopgain": 0.1, **limits})
    deconvolver.initminorcycle()
    deconvolver.setupmask()
    while True:
        bot.resetminorcycleinfo()
        bot.mergeinitrecord(deconvolver.initminorcycle(), 0)
        if bot.cleanComplete():
            break
        bot.mergeexecrecord(deconvolver.executeminorcycle(bot.getminorcyclecontrols()), 0)
        normalizer.scattermodel()
        imager.executemajorcycle()
        bot.endmajorcycle()
        normalizer.gatherresidual()
        normalizer.divideresidualbyweight()
    deconvolver.restore()
    deconvolver.pbcor()
    record = bot.getiterationsummary()
    for tool in (imager, normalizer, deconvolver, bot):
        tool.done()
    return record


def test_a_loop_makes_the_images_of_tclean(demo_ms: str) -> None:
    record = loop(demo_ms, niter=60, cycleniter=25)
    done = tclean(
        vis=demo_ms,
        imagename="t",
        field="2",
        datacolumn="data",
        imsize=64,
        cell="20arcsec",
        niter=60,
        cycleniter=25,
        pblimit=-0.1,
        pbcor=True,
    )
    assert record["iterdone"] == done["iterdone"] == 60 and record["stopcode"] == done["stopcode"] == 1
    assert record["nmajordone"] + 1 == done["nmajordone"]
    assert record["summaryminor"].shape == (6, 3) and record["summaryminor"][0].tolist() == [25, 25, 10]
    for kind in ("psf", "residual", "model", "image", "sumwt", "mask"):
        assert pixels(f"s.{kind}") == pytest.approx(pixels(f"t.{kind}"), rel=1e-4, abs=2e-5), kind
    inside = pixels("t.pb") > 0.2
    assert pixels("s.image.pbcor")[inside] == pytest.approx(pixels("t.image.pbcor")[inside], rel=1e-3, abs=1e-3)
    tool = image()
    tool.open("s.image")
    beam = tool.restoringbeam()
    tool.done()
    tool.open("t.image")
    assert beam["major"]["value"] == pytest.approx(tool.restoringbeam()["major"]["value"], rel=1e-4)
    tool.done()


def test_images_are_sums_before_they_are_divided(demo_ms: str) -> None:
    imager = an_imager(demo_ms)
    imager.makepsf()
    total = float(pixels("s.sumwt").ravel()[0])
    assert pixels("s.psf").max() == pytest.approx(total, rel=1e-4) and total > 10
    imager.executemajorcycle()
    raw = pixels("s.residual")
    normalizer = synthesisnormalizer()
    normalizer.setupnormalizer({"imagename": "s"})
    normalizer.divideresidualbyweight()
    assert pixels("s.residual") * total == pytest.approx(raw, rel=1e-4, abs=1e-3)
    assert imager.getcsys()["shape"].tolist() == [64, 64, 1, 1] and imager.updatenchan() == 1
    assert imager.getImageName(0, "RESIDUAL") == os.path.abspath("s.residual") and imager.estimatememory() > 64
    assert imager.tuneselectdata()["ms0"]["field"] == "2" and imager.unlockimages() and normalizer.unlockimages()


def test_taylor_terms(demo_ms: str) -> None:
    normalized(demo_ms, 2)
    assert pixels("s.psf.tt0").max() == pytest.approx(1.0, rel=1e-4)
    assert sorted(n for n in os.listdir(".") if n.startswith("s.residual")) == ["s.residual.tt0", "s.residual.tt1"]
    deconvolver = synthesisdeconvolver()
    deconvolver.setupdeconvolution({"imagename": "s", "deconvolver": "mtmfs", "nterms": 2, "scales": [0]})
    deconvolver.initminorcycle()
    deconvolver.setupmask()
    done = deconvolver.executeminorcycle({"cycleniter": 10, "cyclethreshold": 0.0, "loopgain": 0.2})
    assert done["iterdone"] == 10 and pixels("s.model.tt0").any() and pixels("s.model.tt1").any()
    deconvolver.restore()
    assert os.path.isdir("s.image.tt0") and os.path.isdir("s.alpha")


def test_models_are_predicted(demo_ms: str, tmp_path: Path) -> None:
    import shutil

    copy = str(tmp_path / "c.ms")
    shutil.copytree(demo_ms, copy)
    imager = an_imager(copy, selection={"usescratch": True})
    imager.makepsf()
    with pytest.raises(DataError, match="no model image"):
        imager.predictmodel()
    values = np.zeros((64, 64, 1, 1))
    values[32, 32] = 2.0
    tool = image()
    tool.open("s.psf")
    coordinates = tool.coordsys().torecord()
    tool.done()
    tool.fromarray("s.model", values, csys=coordinates)
    tool.done()
    assert imager.predictmodel()
    imager.executemajorcycle({"lastcycle": True})
    imager.done()
    tb = table()
    tb.open(copy)
    chosen = tb.query("FIELD_ID == 2")
    assert np.abs(chosen.getcol("MODEL_DATA")[0]) == pytest.approx(2.0, rel=1e-4)
    chosen.close()
    tb.close()
    other = synthesisimager()
    other.setdata(msname=copy, field="2", usescratch=True)
    other.setimage(imagename="m", nx=64, cellx="20arcsec")
    assert other.makeimage("model", "model.im") and pixels("model.im").max() == pytest.approx(2.0, rel=1e-3)
    assert other.makeimage("residual", "left") and pixels("left").shape == (64, 64, 1, 1)
    assert other.makeimage("psf", "p.im") and pixels("p.im").max() == pytest.approx(1.0)


def test_parts_are_added_up(demo_ms: str) -> None:
    whole = an_imager(demo_ms)
    whole.makepsf()
    expected = pixels("s.psf")
    for part, spw in (("n1", "0:0~1"), ("n2", "0:2~3")):
        imager = an_imager(demo_ms, imagename=f"s.{part}", selection={"spw": spw}, reffreq="1.42GHz")
        imager.makepsf()
        imager.executemajorcycle()
    normalizer = synthesisnormalizer()
    normalizer.setupnormalizer({"imagename": "sum", "partimagenames": ["s.n1", "s.n2"]})
    normalizer.gatherpsfweight()
    normalizer.gatherresidual()
    assert pixels("sum.psf") == pytest.approx(expected, rel=1e-3, abs=2e-3 * expected.max())
    os.rename("s.psf", "sum.model")
    normalizer.scattermodel()
    assert pixels("s.n1.model") == pytest.approx(expected)
    normalizer.setimstore(whole.getimstore())
    assert normalizer.getimstore().done() is False and normalizer.multiplymodelbyweight() and normalizer.dividemodelbyweight()


def test_densities_of_parts_make_the_weights_of_all(demo_ms: str) -> None:
    """Each part of the data is weighted with the density of all, as one run weights it."""
    whole = an_imager(demo_ms)
    whole.setweighting(type="briggs", robust=0.0)
    whole.makepsf()
    whole.executemajorcycle()
    expected = {kind: pixels(f"s.{kind}") for kind in ("psf", "sumwt", "residual")}
    assert whole.getweightdensity() == os.path.abspath("s.gridwt") and whole.setweightdensity() is False
    whole.makepsf()
    assert pixels("s.psf") == pytest.approx(expected["psf"], rel=1e-4, abs=1e-4 * expected["psf"].max())
    parts = []
    for part, spw in (("n1", "0:0~1"), ("n2", "0:2~3")):
        imager = an_imager(demo_ms, imagename=f"s.{part}", selection={"spw": spw}, reffreq="1.42GHz")
        imager.setweighting(type="briggs", robust=0.0)
        imager.getweightdensity()
        parts.append(imager)
    normalizer = synthesisnormalizer()
    normalizer.setupnormalizer({"imagename": "sum", "partimagenames": ["s.n1", "s.n2"]})
    assert normalizer.gatherweightdensity() and normalizer.scatterweightdensity()
    assert pixels("sum.gridwt") == pytest.approx(pixels("s.gridwt"), abs=1e-3)
    for imager in parts:
        imager.setweightdensity("sum.gridwt")
        imager.makepsf()
        imager.executemajorcycle()
    normalizer.gatherpsfweight()
    normalizer.gatherresidual()
    for kind, planes in expected.items():
        assert pixels(f"sum.{kind}") == pytest.approx(planes, rel=2e-3, abs=3e-3 * np.abs(planes).max()), kind
    natural = an_imager(demo_ms)
    assert natural.getweightdensity() == "" and natural.setweightdensity() is False
    with pytest.raises(PathMissingError):
        parts[0].setweightdensity("none.gridwt")


def test_near_sources_are_focused_on(demo_ms: str) -> None:
    """As the imager tool does it, whose test has the paths of the waves themselves."""
    found = []
    for distance in ("", "30km"):
        tool = an_imager(demo_ms, distance=distance)
        tool.makeimage(type="observed", image=f"d{distance}.im")
        found.append(pixels(f"d{distance}.im"))
    older = imager()
    older.open(demo_ms)
    older.selectvis(field=2)
    older.defineimage(nx=64, cellx="20arcsec", phasecenter=2, distance="30km")
    older.makeimage("observed", "older.im")
    older.done()
    assert np.abs(found[1] - found[0]).max() > 1e-3
    assert found[1] == pytest.approx(pixels("older.im"), abs=1e-5)
    for wrong in ("-3m", "4Jy"):
        with pytest.raises(ParameterError):
            an_imager(demo_ms, distance=wrong).makeimage(type="observed", image="x.im")


def test_bot_stops() -> None:
    begin = {"peakresidual": 1.0, "maxpsfsidelobe": 0.2, "nsigmathreshold": 0.0, "masksum": 100.0}
    done = {"iterdone": 15, "maxcycleiterdone": 15, "summaryminor": np.array([[15.0], [0.5], [1.0], [0.2], [0.0], [0.0]])}

    def codes(peaks: list[float], **more: Any) -> list[int]:
        bot = iterbotsink()
        bot.setupiteration({"niter": 100, "cycleniter": 20, "threshold": "0.01Jy", "nsigma": more.pop("nsigma", 0.0)})
        found = []
        for peak in peaks:
            bot.resetminorcycleinfo()
            bot.mergeinitrecord({**begin, "peakresidual": peak, **more}, 0)
            found.append(bot.cleanComplete())
            bot.mergeexecrecord(done, 0)
            bot.endmajorcycle()
        return found

    assert codes([1.0, 0.5, 0.25]) == [0, 0, 0]
    assert codes([1.0, 3.5, 3.5]) == [0, 0, 4]
    assert codes([1.0, 4.5]) == [0, 5]
    assert codes([0.01]) == [2] and codes([1.0], masksum=0.0) == [7] and codes([0.02], nsigmathreshold=0.03, nsigma=3.0) == [8]
    assert codes([1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]) == [0] * 7 + [1]
    bot = iterbotsink()
    bot.setupiteration({"niter": 100, "nmajor": 1})
    bot.mergeinitrecord(begin, 0)
    assert bot.cleanComplete(lastcyclecheck=True) == 0 and bot.cleanComplete(False, True) == 9
    assert bot.getminorcyclecontrols()["cyclethreshold"] == pytest.approx(0.2)
    bot.changestopflag(True)
    assert bot.cleanComplete() == 3 and bot.getiterationdetails()["cleanstate"] == "stopped"


def test_regions_are_pruned() -> None:
    values = np.zeros((32, 32, 1, 2))
    values[3:6, 3:6], values[15:25, 15:25, 0, 0], values[1, 20] = 1, 1, 1
    tool = image()
    tool.fromarray("m.im", values)
    tool.done()
    handler = synthesismaskhandler()
    found = handler.pruneregions("m.im", 10.0, [False, True], "o.im")
    # As CASA 6.7 counts them.
    assert found["N_reg"].tolist() == [3, -1] and found["N_reg_pruned"].tolist() == [2, -1]
    assert pixels("o.im").sum(axis=(0, 1)).tolist() == [[100.0, 0.0]]
    with pytest.raises(OutputExistsError):
        handler.pruneregions("m.im", 10.0, [False, True], "o.im")
    with pytest.raises(DataError, match="chanflag"):
        handler.pruneregions("m.im", 10.0, [False], "q.im")
    with pytest.raises(ParameterError, match="outmaskname"):
        handler.pruneregions("m.im", 10.0, [False, True], "")
    assert handler.done()


def test_advice_and_checks(demo_ms: str) -> None:
    tool = synthesisutils()
    found = tool.advisechansel(msname=demo_ms, fieldid=2, getfreqrange=True, spwselection="0:1~2", freqframe="TOPO")
    tb = table()
    tb.open(demo_ms + "/SPECTRAL_WINDOW")
    freq, width = tb.getcell("CHAN_FREQ", 0), abs(tb.getcell("CHAN_WIDTH", 0))
    tb.close()
    assert found["freqstart"]["value"] == pytest.approx(freq[1] - width[1] / 2) and found["freqend"]["value"] == pytest.approx(
        freq[2] + width[2] / 2
    )
    advice = tool.advisechansel(
        freqstart=freq[1], freqend=f"{freq[2] / 1e9}GHz", freqstep=width[0] / 2, freqframe="TOPO", msname=demo_ms
    )
    assert [advice[k].tolist() for k in ("spw", "start", "nchan")] == [[0], [1], [2]]
    assert tool.getOptimumSize(101) == 108 and tool.getOptimumSize(0) == 0
    parts = tool.cubeimagepartition({"0": {"imagename": "x", "nchan": 10, "start": 3, "width": 2}}, 3)
    assert [(p["0"]["start"], p["0"]["nchan"]) for p in parts.values()] == [(3, 3), (9, 4), (17, 3)]
    parts = tool.cubeimagepartition({"0": {"imagename": "x", "nchan": 4, "start": "1.4GHz", "width": "10MHz"}}, 2)
    assert parts["1"]["0"]["start"].startswith("1.42") and parts["1"]["0"]["imagename"] == "x.n1"
    assert tool.checkselectionparams({"msname": "a.ms"})["readonly"] is True and tool.updateimpars({"nchan": 3}) == {"nchan": 3}
    assert (
        tool.checkimageparams({"imagename": "x"})
        and tool.checkgridparams({"imagename": "x", "gridder": "standard"})
        and tool.done() is False
    )


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda p: synthesisimager().selectdata({}), ParameterError), (lambda p: synthesisimager().makepsf(), NotOpenError),
        (lambda p: _selected(p).makepsf(), NotOpenError), (lambda p: _selected(p).defineimage({"imagename": "x", "nosuch": 1}), ParameterError),
        (lambda p: an_imager(p).makeimage(), ParameterError),
        (lambda p: an_imager(p).makeimage("holo", "a.im"), ParameterError), (lambda p: an_imager(p).makeimage("psf", "a.im", model=1), ParameterError),
        (lambda p: an_imager(p).makeimage("psf", "a.im", "."), OutputExistsError), (lambda p: an_imager(p).normalizerinfo({"normtype": "odd"}), ParameterError),
        (lambda p: synthesisnormalizer().setupnormalizer({"imagename": "s", "normtype": "odd"}), ParameterError),
        (lambda p: an_imager(p).getimstore(3), ParameterError), (lambda p: an_imager(p).getImageName(0, "NONE"), ParameterError),
        (lambda p: _selected(p).setimage("x", useautocorr=True), UnsupportedError), (lambda p: synthesisimager().setdata(p, freqbeg="1Jy"), ParameterError),
        (lambda p: synthesisnormalizer().divideweightbysumwt(), NotOpenError),
        (lambda p: an_imager(p, selection={"field": "77"}).makepsf(), SelectionError), (lambda p: synthesisnormalizer().setupnormalizer({}), ParameterError),
        (lambda p: synthesisnormalizer().dividepsfbyweight(), NotOpenError), (lambda p: synthesisnormalizer().setimstore(3), ParameterError),
        (lambda p: _normalizer().gatherpsfweight(), PathMissingError), (lambda p: _normalizer().divideresidualbyweight(True), PathMissingError),
        (lambda p: synthesisdeconvolver().restore(), NotOpenError), (lambda p: synthesisdeconvolver().setupdeconvolution({"nosuch": 1}), ParameterError),
        (lambda p: _deconvolver().initminorcycle(), PathMissingError), (lambda p: _deconvolver().executeminorcycle({}), ParameterError),
        (lambda p: iterbotsink().setupiteration({"nosuch": 1}), ParameterError), (lambda p: iterbotsink().setupiteration({"niter": "x"}), ParameterError),
        (lambda p: iterbotsink().setupiteration({"niter": -1}), ParameterError), (lambda p: _deconvolver().interactivegui(), UnsupportedError),
        (lambda p: iterbotsink().mergeinitrecord({}), ParameterError), (lambda p: iterbotsink().mergeexecrecord({}), ParameterError),
        (lambda p: synthesisutils().advisechansel(), ParameterError), (lambda p: synthesisutils().advisechansel(msname=p), ParameterError),
        (lambda p: synthesisutils().advisechansel(msname=p, freqframe="XX"), ParameterError),
        (lambda p: synthesisutils().advisechansel(msname=p, freqframe="SOURCE", getfreqrange=True), ParameterError),
        (lambda p: synthesisutils().advisechansel(msname=p, ephemtable="no.tab", getfreqrange=True), ParameterError),
        (lambda p: synthesisutils().advisechansel(msname=p, fieldid=99, freqstart="1GHz", freqend="2GHz"), CasaError),
        (lambda p: synthesisutils().checkselectionparams({"nosuch": 1}), ParameterError),
        (lambda p: synthesisutils().cubeimagepartition({"0": {"imagename": "x"}}), ParameterError),
        (lambda p: synthesisutils().cubeimagepartition({"0": {"imagename": "x", "nchan": 4, "start": "1GHz"}}, 2), ParameterError),
        (lambda p: iterbotsink().pauseforinteraction(), UnsupportedError), (lambda p: synthesisdeconvolver().interactivegui(), NotOpenError),
    ],
)  # fmt: skip
def test_refused(demo_ms: str, call: Callable[[str], Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        call(demo_ms)
    assert not [name for name in os.listdir(".") if not name.endswith(".log")], "nothing is written"


def _dirty(path: str) -> synthesisdeconvolver:
    """A deconvolver of the images of a tclean run."""
    tclean(path, imagename="d", field="0", imsize=64, cell="20arcsec", niter=0, datacolumn="data")
    tool = synthesisdeconvolver()
    tool.setupdeconvolution({"imagename": "d", "fullsummary": True, "mask": "circle[[32pix,32pix],12pix]"})
    return tool


def test_full_summary_of_step_by_step_loops(demo_ms: str) -> None:
    """Rows as CASA 6.7 fills them: 17 of them, iterations counted from the beginning of the loop."""
    tool, bot = _dirty(demo_ms), iterbotsink()
    assert bot.setupiteration({"niter": 30, "cycleniter": 10, "fullsummary": True, "interactive": True})[
        "summaryminor"
    ].shape == (17, 0)
    tool.setupmask()
    for _ in range(2):
        first = tool.initminorcycle()
        assert first["fullsummary"] and first["summaryminor"].shape == (17, 0)
        bot.mergeinitrecord(first, 0)
        done = tool.executeminorcycle(bot.getminorcyclecontrols())
        bot.mergeexecrecord(done, 0)
        bot.endmajorcycle()
    found = bot.getiterationsummary()["summaryminor"]
    assert found.shape == (17, 2)
    assert found[7].tolist() == found[8].tolist() == [0.0, found[0, 0]]
    assert found[13].tolist() == [float((pixels("d.mask") != 0).sum())] * 2
    assert found[1, 0] == pytest.approx(found[9, 1]) and found[2, 0] == pytest.approx(found[10, 1])
    assert found[1, 1] < found[9, 1] < found[9, 0]
    assert found[16].tolist() == [1 if n == 10 else 2 for n in found[0]]


class _Page:
    def __init__(self, images: Any) -> None:
        self.images, self.action = images, "cycle"

    def steer(self, control: CycleControl, why: str) -> bool:
        self.images[0].deconvolver.planes.mask[0, 0, 3, 4] = True
        control.options = replace(control.options, niter=77)
        return True

    def close(self) -> None:
        pass


def test_a_person_draws_the_mask(demo_ms: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepwise_deconvolver, "require_person", lambda what: None)
    monkeypatch.setattr(stepwise_deconvolver, "steering", _Page)
    tool = _dirty(demo_ms)
    found = tool.interactivegui({"niter": 5, "cycleniter": 2, "threshold": "1mJy", "cyclefactor": 1.5})
    assert found == {
        "actioncode": 1, "niter": 77, "cycleniter": 2, "threshold": 0.001, "nsigma": 0.0, "cyclefactor": 1.5, "nmajor": -1,
    }  # fmt: skip
    mask = np.squeeze(pixels("d.mask"))
    assert mask[4, 3] == 1 and mask[32, 32] == 1 and mask[60, 60] == 0
    assert tool.initminorcycle()["masksum"] == mask.sum()


def _selected(path: str) -> synthesisimager:
    tool = synthesisimager()
    tool.selectdata({"msname": path})
    return tool


def _normalizer() -> synthesisnormalizer:
    tool = synthesisnormalizer()
    tool.setupnormalizer({"imagename": "none"})
    return tool


def _deconvolver() -> synthesisdeconvolver:
    tool = synthesisdeconvolver()
    tool.setupdeconvolution({"imagename": "none"})
    return tool


@pytest.mark.parametrize(
    "call",
    [
        lambda: synthesisimager().drygridding(), lambda: synthesisimager().fillcfcache(),
        lambda: synthesisimager().reloadcfcache(),
        lambda: synthesisimager().inithpg(), lambda: synthesisimager().initmpi(),
        lambda: synthesisimager().makesdimage(), lambda: synthesisimager().makesdpsf(),
    ],
)  # fmt: skip
def test_what_nothing_needs(call: Callable[[], Any]) -> None:
    with pytest.raises(UnsupportedError, match="nothing needs it"):
        call()
    assert synthesisimager().hpg_enabled() is False and synthesisimager().releasempi()


def test_apparent_sensitivity_needs_data() -> None:
    with pytest.raises(NotOpenError, match="selectdata"):
        synthesisimager().apparentsens()


def test_weights_that_are_all_zero_are_refused(demo_ms: str) -> None:
    """A taper narrower than any baseline leaves nothing: as tclean says it, and nothing is written."""
    tool = an_imager(demo_ms)
    tool.setweighting(type="natural", uvtaper=["0.001klambda"])
    with pytest.raises(DataError, match="the weighting leaves no weight to any sample"):
        tool.makepsf()
    assert not [name for name in os.listdir(".") if name.startswith("s.")]
