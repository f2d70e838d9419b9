"""PHANGS pipeline #273: images with a Stokes axis of one plane went down in image tasks; here each takes them, in either order of the axes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatasks import (
    exportfits,
    imcollapse,
    immath,
    immoments,
    importfits,
    imrebin,
    imregrid,
    imsmooth,
    imstat,
    imsubimage,
    imtrans,
)
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

SHAPE = (5, 1, 16, 18)


@pytest.fixture(params=["0123", "0132"], ids=["stokes third", "stokes last"])
def cube(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    coordinates = make_image_coordinates(
        (18, 16), (1e-5, 1e-5), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(5), stokes=["I"], rest_frequency_hz=1.4e9
    )
    with CasaImage.create("first.im", SHAPE, coordinates, unit="Jy/beam", mask="mask0") as made:
        values = np.random.default_rng(2).normal(size=SHAPE)
        made.write(values)
        made.write_mask(values > -1.5)
        made.beams = BeamSet.single(Beam(6, 5, 10))
    imtrans("first.im", "a.im", request.param)
    return "a.im"


def test_every_task_takes_them(cube: str) -> None:
    spectral = CasaImage.open(cube).coordinates.spectral_axis
    whole = imstat(cube)["npts"][0]
    immath(cube, expr="IM0 * 2", outfile="math.im")
    immoments(cube, moments=[0, 1, 8], outfile="m")
    imcollapse(cube, "mean", axes=[spectral], outfile="mean.im")
    imrebin(cube, "bin.im", [2, 2])
    imregrid(cube, template="first.im", output="grid.im", axes=[0, 1])
    imsmooth(cube, major="9arcsec", minor="9arcsec", pa="0deg", targetres=True, outfile="smooth.im")
    imsubimage(cube, "thin.im", dropdeg=True)
    for drop in (False, True):
        exportfits(cube, f"{drop}.fits", dropstokes=drop)
        importfits(f"{drop}.fits", f"{drop}.im")
        assert imstat(f"{drop}.im")["npts"][0] == whole
    for name in ("math.im", "grid.im", "thin.im"):
        assert imstat(name)["npts"][0] == whole
    with CasaImage.open("thin.im") as thin, CasaImage.open("m.maximum") as peak, CasaImage.open(cube) as source:
        assert thin.ndim == 3 and thin.coordinates.stokes is None
        values = np.where(source.read_mask(), source.read(), -np.inf)
        best = values.max(axis=source.ndim - 1 - spectral, keepdims=True)
        defined = peak.read_mask()
        assert np.allclose(peak.read()[defined], best[np.isfinite(best)].reshape(-1)) and np.array_equal(
            defined, np.isfinite(best)
        )
