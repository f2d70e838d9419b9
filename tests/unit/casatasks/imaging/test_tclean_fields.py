"""tclean with Taylor terms and with outlier fields: skies put in are found again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import deconvolve, tclean
from casatools import image, table
from casatools._base.errors import DataError, ParameterError, PathMissingError
from casatools.simulation.demo import DemoOptions, make_demo

C = 299792458.0
SIZE = 64
CELL = np.deg2rad(8 / 3600)
FREQ = np.array([1.1e9, 1.2e9, 1.3e9, 1.4e9, 1.5e9, 1.6e9])
# East and north [pixels] from the phase centre, flux density at 1.35 GHz [Jy] and spectral index.
SOURCES = [(-7, 5, 2.0, -0.7), (10, -9, 1.0, 0.5), (60, 40, 1.5, 0.0)]
REFERENCE = 1.35e9
FIELD = {"vis": "sim.ms", "field": "0", "imsize": SIZE, "cell": "8arcsec", "reffreq": "1.35GHz", "pblimit": -0.1}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fields") / "sim.ms"
    make_demo(str(path), DemoOptions(antennas_per_arm=5, cycles=1, nchan=len(FREQ)))
    tb = table()
    tb.open(str(path / "SPECTRAL_WINDOW"), nomodify=False)
    tb.putcol("CHAN_FREQ", FREQ[:, None])
    tb.putcol("CHAN_WIDTH", np.full((len(FREQ), 1), 1e8))
    tb.done()
    tb.open(str(path), nomodify=False)
    uvw = tb.getcol("UVW")
    data = np.zeros((len(FREQ), uvw.shape[1]), complex)
    for east, north, flux, index in SOURCES:
        path_m = uvw[0] * east * CELL + uvw[1] * north * CELL
        data += flux * (FREQ / REFERENCE)[:, None] ** index * np.exp(2j * np.pi * np.outer(FREQ, path_m) / C)
    tb.putcol("DATA", np.repeat(data[None], 2, axis=0).astype(np.complex64))
    tb.done()
    return path


@pytest.fixture(autouse=True)
def _data(simulated: Path, tmp_path: Path) -> None:
    shutil.copytree(simulated, tmp_path / "sim.ms")


def pixels(name: str, mask: bool = False) -> np.ndarray:
    ia = image()
    ia.open(name)
    try:
        return np.squeeze(ia.getchunk(getmask=mask))
    finally:
        ia.close()


def at(east: float, north: float) -> tuple[int, int]:
    return SIZE // 2 - round(east), SIZE // 2 + round(north)


@pytest.fixture
def outlier() -> str:
    """A file that puts an image on the third source, outside of the main image."""
    ia = image()
    tclean(imagename="probe", niter=0, **{**FIELD, "imsize": 160})
    ia.open("probe.residual")
    there = ia.toworld([80 - 60, 80 + 40, 0, 0], "m")["measure"]["direction"]
    ia.done()
    Path("out.txt").write_text(
        f"imagename=o\nimsize=[32,32]\nphasecenter={there['refer']} {there['m0']['value']}rad {there['m1']['value']}rad\n"
    )
    return "out.txt"


def test_spectra_are_recovered(outlier: str) -> None:
    """Two sources in the main image and one in the outlier, all with their own spectra."""
    record = tclean(
        imagename="m", deconvolver="mtmfs", nterms=2, niter=400, threshold="4mJy", outlierfile=outlier, savemodel="modelcolumn",
        pbcor=True, **FIELD,
    )  # fmt: skip
    assert record["stopcode"] == 2 and sorted(record["summaryminor"]) == [0, 1]
    expected = {".image.tt0", ".image.tt1", ".image.tt0.pbcor", ".image.tt1.pbcor", ".alpha", ".alpha.error", ".mask", ".model.tt0",
                ".model.tt1", ".pb.tt0", ".psf.tt0", ".psf.tt1", ".psf.tt2", ".residual.tt0", ".residual.tt1", ".sumwt.tt0", ".sumwt.tt1",
                ".sumwt.tt2"}  # fmt: skip
    assert {p[1:] for p in os.listdir(".") if p.startswith("m.")} == expected
    assert {p[1:] for p in os.listdir(".") if p.startswith("o.")} == expected
    for east, north, flux, index in SOURCES[:2]:
        assert pixels("m.image.tt0")[at(east, north)] == pytest.approx(flux, rel=0.02)
        assert pixels("m.alpha")[at(east, north)] == pytest.approx(index, abs=0.02)
        assert pixels("m.alpha", mask=True)[at(east, north)]
    assert pixels("o.image.tt0")[16, 16] == pytest.approx(1.5, rel=2e-3)
    assert pixels("o.alpha")[16, 16] == pytest.approx(0.0, abs=3e-3)
    assert np.abs(pixels("m.residual.tt0")).max() < 0.006
    tb = table()
    tb.open("sim.ms")
    rows = tb.getcol("FIELD_ID") == 0
    data, model = tb.getcol("DATA")[..., rows], tb.getcol("MODEL_DATA")[..., rows]
    tb.close()
    assert np.abs(model - data).mean() < 0.05 * np.abs(data).mean()


def test_an_outlier_is_taken_out_of_the_main_image(outlier: str) -> None:
    tclean(imagename="with", niter=300, threshold="10mJy", spw="0:2", outlierfile=outlier, **FIELD)
    tclean(imagename="without", niter=300, threshold="10mJy", spw="0:2", **FIELD)
    blank = np.s_[2:20, 2:20]
    assert np.abs(pixels("with.residual")[blank]).max() < 0.3 * np.abs(pixels("without.image")[blank]).max()
    assert pixels("o.model").sum() == pytest.approx(1.5, rel=0.03)
    assert pixels("with.image")[at(-7, 5)] == pytest.approx(2.0 * (1.3 / 1.35) ** -0.7, rel=0.02)


def test_an_outlier_has_its_own_reference_frequency_and_gridder(outlier: str) -> None:
    """The first term is the sky at the reference frequency: that of a source without a spectral index is the same, its alpha is zero all the same."""
    Path(outlier).write_text(Path(outlier).read_text() + "\nreffreq=1.5GHz\ngridder=wproject\nwprojplanes=4\n")
    tclean(imagename="m", deconvolver="mtmfs", nterms=2, niter=400, threshold="4mJy", outlierfile=outlier, **FIELD)
    ia = image()
    ia.open("o.image.tt0")
    assert ia.coordsys().referencevalue("n")["numeric"][3] == pytest.approx(1.5e9)
    ia.done()
    assert pixels("o.image.tt0")[16, 16] == pytest.approx(1.5, rel=2e-3)
    assert pixels("o.alpha")[16, 16] == pytest.approx(0.0, abs=3e-3)
    assert pixels("m.image.tt0")[at(-7, 5)] == pytest.approx(2.0, rel=0.02)
    assert np.abs(pixels("m.residual.tt0")).max() < 0.006


def test_terms_go_on_and_start_from_images() -> None:
    options: dict[str, Any] = {**FIELD, "deconvolver": "mtmfs", "nterms": 2}
    first = tclean(imagename="a", niter=5, **options)
    before = [pixels(f"a.model.tt{k}").copy() for k in range(2)]
    second = tclean(imagename="a", niter=5, calcpsf=False, calcres=False, **options)
    # The residual was there: no major cycle came before the first minor one.
    assert second["nmajordone"] == len(second["summaryminor"][0][0][0]["iterDone"])
    tclean(imagename="b", niter=10, **options)
    assert first["iterdone"] == 5
    for k in range(2):
        assert pixels(f"a.model.tt{k}") == pytest.approx(pixels(f"b.model.tt{k}"), abs=1e-4) and np.any(
            before[k] != pixels(f"a.model.tt{k}")
        )
    tclean(imagename="c", niter=0, startmodel=["a.model.tt0", "a.model.tt1"], **options)
    assert pixels("c.residual.tt0") == pytest.approx(pixels("a.residual.tt0"), abs=1e-4)
    tclean(imagename="a", niter=0, restart=False, **options)
    assert os.path.isdir("a_2.psf.tt2") and not pixels("a_2.model.tt0").any()
    tclean(imagename="c", niter=0, calcpsf=False, calcres=False, **options)
    assert pixels("c.sumwt.tt0") == pytest.approx(pixels("a.sumwt.tt0"))
    tclean(imagename="e", niter=0, startmodel="a.model.tt0", **options)
    assert np.array_equal(pixels("e.model.tt0"), pixels("a.model.tt0")) and not pixels("e.model.tt1").any()
    with pytest.raises(ParameterError, match="one image for each of 2 terms"):
        tclean(imagename="d", niter=0, startmodel=["a.model.tt0"] * 3, **options)
    with pytest.raises(ParameterError, match="one image for each of 1 terms"):
        tclean(imagename="d", niter=0, startmodel=["a.model.tt0"] * 2, **FIELD)
    with pytest.raises(DataError, match=r"psf\.tt0 of an earlier run"):
        tclean(imagename="d", niter=0, calcpsf=False, **options)


def test_three_terms_have_a_curvature() -> None:
    """All sources are in the image; a pure power law has no curvature."""
    tclean(imagename="k", deconvolver="mtmfs", nterms=3, niter=2000, cycleniter=100, threshold="1mJy", **{**FIELD, "imsize": 160})
    beta = pixels("k.beta")
    assert beta.shape == (160, 160)
    for east, north, flux, index in SOURCES:
        x, y = 80 - east, 80 + north
        assert pixels("k.image.tt0")[x, y] == pytest.approx(flux, rel=0.01)
        assert pixels("k.alpha")[x, y] == pytest.approx(index, abs=0.03)
        assert beta[x, y] == pytest.approx(0.0, abs=0.3)


def test_deconvolve_takes_terms() -> None:
    options: dict[str, Any] = {**FIELD, "deconvolver": "mtmfs", "nterms": 2}
    tclean(imagename="t", niter=0, restoration=False, **options)
    record = deconvolve("t", deconvolver="mtmfs", nterms=2, niter=30)
    assert record["iterdone"] == 30
    tclean(imagename="w", niter=30, nmajor=1, cyclefactor=0.0, minpsffraction=0.0, **options)
    assert pixels("t.model.tt0") == pytest.approx(pixels("w.model.tt0"), abs=1e-5)
    assert pixels("t.alpha", mask=True).any() and os.path.isdir("t.alpha.error") and not os.path.isdir("t.beta")
    deconvolve("t", deconvolver="mtmfs", nterms=2, niter=2, usemask="pb", pbmask=0.95)
    assert not pixels("t.mask").all()
    with pytest.raises(PathMissingError, match=r"psf\.tt3"):
        deconvolve("t", deconvolver="mtmfs", nterms=3, niter=1)
    with pytest.raises(ParameterError, match="nterms"):
        deconvolve("t", deconvolver="mtmfs", nterms=0, niter=1)
    for k in range(2):
        shutil.copytree(f"t.model.tt{k}", f"s.tt{k}")
        shutil.rmtree(f"t.model.tt{k}")
    with pytest.raises(ParameterError, match="at most 2 images"):
        deconvolve("t", deconvolver="mtmfs", nterms=2, niter=1, startmodel=["s.tt0"] * 3)
    deconvolve("t", deconvolver="mtmfs", nterms=2, niter=0, startmodel=["s.tt0", "s.tt1"])
    assert np.array_equal(pixels("t.model.tt1"), pixels("s.tt1"))
    tclean(imagename="z", niter=0, deconvolver="mtmfs", nterms=3, **FIELD)
    deconvolve("z", deconvolver="mtmfs", nterms=3, niter=3)
    assert os.path.isdir("z.beta")


def test_one_frequency_has_no_spectrum() -> None:
    with pytest.raises(DataError, match="Taylor terms apart"):
        tclean(imagename="n", deconvolver="mtmfs", spw="0:2", niter=1, **FIELD)
    with pytest.raises(ParameterError, match="continuum"):
        tclean(imagename="n", deconvolver="mtmfs", specmode="cube", niter=1, **FIELD)
    with pytest.raises(ParameterError, match="nterms"):
        tclean(imagename="n", deconvolver="mtmfs", nterms=0, niter=1, **FIELD)
    assert not [p for p in os.listdir(".") if p.startswith(("n.", ".n."))]


def test_the_primary_beam_is_where_the_antennas_pointed() -> None:
    """An image centred elsewhere shows the beam off its centre, as CASA's does."""
    tclean(imagename="p", niter=0, **FIELD)
    ia = image()
    ia.open("p.residual")
    there = ia.toworld([SIZE // 2 - 12, SIZE // 2 + 5, 0, 0], "m")["measure"]["direction"]
    ia.done()
    tclean(imagename="q", niter=0, phasecenter=there, **FIELD)
    assert np.unravel_index(pixels("p.pb").argmax(), (SIZE, SIZE)) == (SIZE // 2, SIZE // 2)
    assert np.unravel_index(pixels("q.pb").argmax(), (SIZE, SIZE)) == (SIZE // 2 + 12, SIZE // 2 - 5)


def test_terms_are_about_the_reference_frequency_in_the_frame_of_the_image() -> None:
    """Data as observed, an image in LSRK about the middle of the band there: the first moment of the frequencies vanishes."""
    tclean(imagename="t", deconvolver="mtmfs", nterms=2, **{**FIELD, "reffreq": ""})
    first, second = (float(np.squeeze(pixels(f"t.sumwt.tt{k}"))) for k in (1, 2))
    whole = float(np.squeeze(pixels("t.sumwt.tt0")))
    assert abs(first) < 3e-7 * whole
    assert second > 0.01 * whole
