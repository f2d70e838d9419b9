"""tclean with savemodel='virtual': the recipe stands for what the column would hold."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from casacore import tables

from casatasks import delmod, gaincal, setjy, tclean, uvsub
from casatools._base.errors import PathMissingError
from casatools.io.image import CasaImage
from casatools.io.ms import MeasurementSet
from casatools.io.ms.model_keywords import read_virtual_models, remove_model_keywords, virtual_model_fields, write_virtual_models
from support.images import pixels

Input = Callable[[str], str]
FIELD: dict[str, Any] = {"field": "0", "imsize": 48, "cell": "2arcsec", "niter": 10, "specmode": "mfs", "calcres": True}
RUNS: dict[str, dict[str, Any]] = {
    "terms": {"deconvolver": "mtmfs", "nterms": 2},
    "planes": {"stokes": "IQUV"},
    "cube": {"specmode": "cube", "nchan": 3, "start": 1, "spw": "0"},
    "wide": {"gridder": "wproject"},
    "elsewhere": {"phasecenter": "J2000 13h31m10s 30d31m00s"},
    "beams": {"gridder": "mosaic"},
    "beams of terms": {"gridder": "mosaic", "deconvolver": "mtmfs", "nterms": 2, "normtype": "pbsquare"},
    "hands": {"stokes": "RR"},
    "followed": {"phasecenter": "TRACKFIELD"},
    "channels of terms": {"specmode": "mvc", "deconvolver": "mtmfs", "nchan": 3},
}


def subtracted(path: str, spw: int = 0) -> np.ndarray:
    with MeasurementSet(path) as ms:
        rows = np.flatnonzero((ms.read("FIELD_ID") == 0) & (ms.read("DATA_DESC_ID") == spw))
        return np.asarray(ms.read("DATA", rows) - ms.read("CORRECTED_DATA", rows))


@pytest.mark.parametrize("name", list(RUNS))
def test_recipe_stands_for_the_column(shared_input: Input, name: str) -> None:
    vis = shared_input("simvla.ms")
    shutil.copytree(vis, "column.ms")
    for path, kind in ((vis, "virtual"), ("column.ms", "modelcolumn")):
        tclean(path, imagename=kind, savemodel=kind, **{**FIELD, **RUNS[name]})
        with MeasurementSet(path) as ms:
            assert ms.has("MODEL_DATA") == (kind == "modelcolumn")
            assert bool(read_virtual_models(ms)) == (kind == "virtual")
        uvsub(path)
    kept, column = subtracted(vis), subtracted("column.ms")
    if name == "cube":  # a column holds a point of 1 Jy where nothing was predicted
        kept, column = kept[:, 1:4], column[:, 1:4]
    assert np.abs(column).max() > 1
    np.testing.assert_allclose(kept, column, atol=1e-5 * np.abs(column).max())


def test_the_column_takes_the_place_of_recipes(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    setjy(vis, field="0,1", standard="manual", fluxdensity=[5, 0, 0, 0], usescratch=False)
    tclean(vis, imagename="i", savemodel="modelcolumn", **FIELD)
    with MeasurementSet(vis) as ms:
        assert virtual_model_fields(ms) == [1]


def test_parts_of_scans_give_whole_scans_a_model(shared_input: Input, capsys: pytest.CaptureFixture[str]) -> None:
    vis = shared_input("simvla.ms")
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero(ms.read("FIELD_ID") == 0)
        middle = float(np.unique(ms.read("TIME", rows))[1])
        scans = np.unique(ms.read("SCAN_NUMBER", rows))
    tclean(vis, imagename="i", savemodel="virtual", timerange="<" + _date(middle), **FIELD)
    assert "serves whole scans" in capsys.readouterr().err
    with MeasurementSet(vis) as ms:
        (found,) = read_virtual_models(ms)
        assert not ms.has("MODEL_DATA") and set(found.where[:, 2]) <= set(scans)


def test_solves_see_the_beams(shared_input: Input) -> None:
    """gaincal on some channels, and images of the model: the same of the recipe and of the column; delmod takes the images away too."""
    vis = shared_input("simvla.ms")
    shutil.copytree(vis, "column.ms")
    for path, kind in ((vis, "virtual"), ("column.ms", "modelcolumn")):
        tclean(path, imagename=kind, savemodel=kind, **{**FIELD, "gridder": "mosaic"})
        gaincal(path, f"{kind}.cal", field="0", spw="0:2~5", refant="EA01", minsnr=0)
        tclean(path, imagename=f"{kind}.seen", datacolumn="model", niter=0, imsize=48, cell="2arcsec", field="0")
    with tables.table("virtual.cal", ack=False) as a, tables.table("modelcolumn.cal", ack=False) as b:
        np.testing.assert_allclose(a.getcol("CPARAM"), b.getcol("CPARAM"), atol=1e-5)
    np.testing.assert_allclose(pixels("virtual.seen.residual"), pixels("modelcolumn.seen.residual"), atol=1e-5)
    assert [n for n in os.listdir(f"{vis}/SOURCE") if n.startswith("FT_MODEL")]
    delmod(vis)
    assert not [n for n in os.listdir(f"{vis}/SOURCE") if n.startswith("FT_MODEL")]


@pytest.mark.parametrize("specmode", ["mfs", "cube"])
def test_records_of_the_reference_s_mosaics_are_read(shared_input: Input, specmode: str) -> None:
    """CASA's mosaic gridder keeps the transform of the sky, without a gridding function, and calls itself MosaicFTNew (CASA 6.7's records looked at)."""
    vis = shared_input("simvla.ms")
    more = {"specmode": specmode, **({"nchan": 3, "start": 1, "spw": "0"} if specmode == "cube" else {})}
    tclean(vis, imagename="i", savemodel="virtual", **{**FIELD, "gridder": "mosaic", **more})
    shutil.copytree(vis, "theirs.ms")
    with MeasurementSet("theirs.ms", writable=True) as ms:
        (own,) = read_virtual_models(ms)
        with CasaImage.open(own.images[0]) as image:
            sky, coordinates = image.read(), image.coordinates
        moved = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(sky, axes=(2, 3))), axes=(2, 3))
        with CasaImage.create(own.images[0] + "_0", sky.shape, coordinates, np.complex64) as image:
            image.write(moved.astype(np.complex64))
        remove_model_keywords(ms)
        shutil.copytree(f"{vis}/SOURCE/FT_MODEL1", "theirs.ms/unused")
        machine = {"name": "MosaicFTNew", "usepointingtable": False, "diskimage": own.images[0] + "_0"}
        write_virtual_models(ms, [replace(own, machine=machine, images=(own.images[0] + "_0",))])
    for path in (vis, "theirs.ms"):
        uvsub(path)
    kept, theirs = subtracted(vis), subtracted("theirs.ms")
    np.testing.assert_allclose(theirs, kept, atol=1e-5 * np.abs(kept).max())


def test_images_that_are_gone_are_told(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    tclean(vis, imagename="i", savemodel="virtual", **{**FIELD, "gridder": "mosaic"})
    shutil.rmtree(f"{vis}/SOURCE/FT_MODEL1")
    with pytest.raises(PathMissingError, match="virtual model"):
        uvsub(vis)


def _date(mjd_s: float) -> str:
    return (datetime(1858, 11, 17) + timedelta(seconds=mjd_s)).strftime("%Y/%m/%d/%H:%M:%S.%f")
