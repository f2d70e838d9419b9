"""Flux scales of the imager tool's mosaics."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import imager
from casatools._base.errors import DataError, ParameterError
from support.images import pixels
from support.mosaic_ms import SIZE, SOURCES, make_mosaic


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_mosaic(tmp_path_factory.mktemp("scale") / "sim.ms")


@pytest.fixture
def im(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[imager]:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(simulated, "sim.ms")
    tool = imager()
    tool.open("sim.ms")
    tool.defineimage(nx=SIZE, cellx="4arcsec", phasecenter="J2000 1.0rad 0.6rad")
    tool.setoptions(ftmachine="mosaic")
    yield tool
    tool.done()


def cleaned(im: imager, name: str, **control: Any) -> dict[str, np.ndarray]:
    im.setmfcontrol(fluxscale=f"{name}.flux", **control)
    im.clean("hogbom", niter=400, threshold="1mJy", model=f"{name}.model", image=f"{name}.image", residual=f"{name}.residual")
    return {kind: pixels(f"{name}.{kind}") for kind in ("model", "image", "residual", "flux")}


def places() -> list[tuple[int, int, float]]:
    return [(SIZE // 2 - round(east), SIZE // 2 + round(north), flux) for east, north, flux in SOURCES]


def test_images_over_their_scales_are_the_sky(im: imager) -> None:
    found = {kind: cleaned(im, kind, scaletype=kind, constpb=0.6) for kind in ("NONE", "SAULT", "PBCOR")}
    beam = found["NONE"]["flux"]
    assert 0.3 < min(beam[x, y] for x, y, _ in places()) < 0.95 and beam.max() == pytest.approx(1.0, abs=1e-3)
    for kind, images in found.items():
        for x, y, flux in places():
            assert images["image"][x, y] / images["flux"][x, y] == pytest.approx(flux, rel=0.02), kind
    for x, y, flux in places():
        assert found["PBCOR"]["image"][x, y] == pytest.approx(flux, rel=0.02)
    expected = np.where(beam >= 0.6, beam, beam**2 / 0.6)
    np.testing.assert_allclose(found["SAULT"]["flux"], expected, atol=1e-6)
    np.testing.assert_allclose(found["SAULT"]["residual"] * beam, found["NONE"]["residual"] * expected, atol=1e-6)
    assert set(np.unique(found["PBCOR"]["flux"])) == {0.0, 1.0}


def test_components_searched_in_squared_beams(im: imager) -> None:
    plain, squared = cleaned(im, "a"), cleaned(im, "b", flatnoise=False)
    np.testing.assert_allclose(squared["flux"], plain["flux"] ** 2, atol=1e-5)
    for x, y, flux in places():
        assert squared["image"][x, y] / squared["flux"][x, y] == pytest.approx(flux, rel=0.03)


def test_the_least_beam_blanks(im: imager) -> None:
    wide, narrow = cleaned(im, "a", minpb=0.2), cleaned(im, "b", minpb=0.5)
    assert np.count_nonzero(wide["residual"]) > 1.2 * np.count_nonzero(narrow["residual"])
    assert narrow["flux"][narrow["residual"] != 0].min() > 0.49
    im.setoptions(ftmachine="mosaic", pblimit=0.7)
    assert cleaned(im, "c", minpb=0.5)["flux"][pixels("c.residual") != 0].min() > 0.69


def test_single_fields(im: imager) -> None:
    im.selectvis(field=0)
    im.setoptions(ftmachine="ft")
    assert np.array_equal(np.unique(cleaned(im, "plain")["flux"]), [1.0])
    with pytest.raises(ParameterError, match="needs primary beams"):
        cleaned(im, "x", scaletype="PBCOR")
    im.setvp(dovp=True)
    seen, corrected = cleaned(im, "seen"), cleaned(im, "corrected", scaletype="PBCOR")
    used = seen["flux"] > 0.2
    np.testing.assert_allclose((corrected["image"] * seen["flux"])[used], seen["image"][used], atol=1e-5)


def test_refused(im: imager) -> None:
    im.setmfcontrol(fluxscale=["a.flux", "b.flux"])
    with pytest.raises(ParameterError, match="one image for each of 1 models"):
        im.clean("hogbom", model="m.model")
    with pytest.raises(ParameterError, match="constpb"):
        im.setmfcontrol(scaletype="SAULT", constpb=0.0)
    assert not os.path.exists("m.model") and not os.path.exists("a.flux")


def test_densities_of_mosaics(im: imager) -> None:
    """Each field has a plane of its own; half of the data with the densities of all are weighted as in all."""
    im.weight("briggs", robust=-0.5, mosaic=True)
    grids = im.getweightgrid()
    assert grids.shape == (SIZE, SIZE, 3) and (grids.sum(axis=(0, 1)) > 0).all()
    im.makeimage("psf", "own.psf")
    assert im.setweightgrid(grids)
    im.makeimage("psf", "given.psf")
    np.testing.assert_allclose(pixels("given.psf"), pixels("own.psf"), atol=1e-6)
    im.setweightgrid(np.ones_like(grids))
    im.makeimage("psf", "flat.psf")
    assert np.abs(pixels("flat.psf") - pixels("own.psf")).max() > 0.01
    im.setweightgrid(grids[..., :2])
    with pytest.raises(DataError, match="in 2 planes"):
        im.makeimage("psf", "x.psf")
    assert not os.path.exists("x.psf")


def test_gridded_weights(im: imager) -> None:
    """Residuals of two halves of the data, averaged with their weights, are that of all; weights are sums over the squares of the beams."""
    parts = []
    for taql in ("ANTENNA1 % 2 == 0", "ANTENNA1 % 2 == 1", ""):
        im.selectvis(taql=taql)
        name = f"part{len(parts)}"
        assert im.getweightgrid("ftweight", f"{name}.weight").size == 0
        im.makeimage("observed", f"{name}.im")
        parts.append((pixels(f"{name}.weight"), pixels(f"{name}.im")))
    np.testing.assert_allclose(parts[0][0] + parts[1][0], parts[2][0], rtol=1e-4)
    inner = parts[2][0] > 0.1 * parts[2][0].max()
    sums = [i[inner] * np.sqrt(w[inner] * w.max()) for w, i in parts]
    assert np.abs(sums[0] + sums[1] - sums[2]).max() < 2e-3 * np.abs(sums[2]).max()
