"""Virtual models that are images: what CASA keeps of them, made into visibilities."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from casacore import tables

from casatasks import ft, gaincal, uvsub
from casatools._base.errors import DataError, PathMissingError
from casatools.io.ms import MeasurementSet
from casatools.io.ms.model_keywords import read_virtual_models
from casatools.kernels.spheroidal import spheroidal

Input = Callable[[str], str]


def put_transform(vis: str, image: str, scale: float = 1.0, name: str = "FT_MODEL1", moved: bool = True) -> None:
    """Keep an image as a recipe for field 0 as CASA 6.7 does: its transform, divided by the spheroidal function, in the SOURCE table."""
    target = f"{vis}/SOURCE/{name}"
    shutil.copytree(image, target)
    with tables.table(image, ack=False) as t:
        pixels = np.asarray(t.getcol("map"), np.float64)
        description, keywords = t.getdesc(), t.getkeywords()
    plane = pixels.reshape(pixels.shape[-2:])
    taper = [spheroidal(np.abs(np.arange(n) - n // 2) / (n / 2)) / spheroidal(np.zeros(1)) for n in plane.shape]
    grid = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(plane / np.multiply.outer(*taper)))).astype(np.complex64)
    shutil.rmtree(target)
    column = {**description["map"], "valueType": "complex"}
    with tables.table(target, {"map": column}, nrow=1, ack=False) as t:
        t.putcell("map", 0, grid.reshape(pixels.shape[1:]))
        for key in ("coords", "units", "imageinfo", "miscinfo"):
            if key in keywords:
                t.putkeyword(key, keywords[key])
        t.putinfo({"type": "Image", "subType": "", "readme": ""})
    where = np.array([[0, 0], [0, 1], [1, 1], [0, 0]], dtype=np.int32)
    container: dict[str, Any] = {"diskimage": f"/elsewhere/{name}" if moved else target}
    if scale != 1.0:
        container |= {"freqscale": np.array([1e9, 2e9]), "scaleamp": np.array([scale - 0.5, scale + 0.5])}
    source = tables.table(f"{vis}/SOURCE", readonly=False, ack=False)
    if "SOURCE_MODEL" not in source.colnames():
        source.addcols(tables.maketabdesc([tables.makescacoldesc("SOURCE_MODEL", {}, valuetype="record")]))
    source.putcell(
        "SOURCE_MODEL", 0, {"ft_0": {"container": container, "indexcombination": where, "version": 2}, "numft": 1, "version": 2}
    )
    source.close()


def model_of(vis: str) -> np.ndarray:
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero((ms.read("FIELD_ID") == 0) & (ms.read("SCAN_NUMBER") == 1))
        data, corrected = ms.read("DATA", rows), ms.read("CORRECTED_DATA", rows)
        return np.asarray(data - corrected)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_image_becomes_visibilities(shared_input: Input, scale: float) -> None:
    image = shared_input("3c286_C.model")
    vis, column = shared_input("simvla.ms"), "column.ms"
    shutil.copytree(vis, column)
    ft(column, field="0", model=image, usescratch=True)
    uvsub(column)
    put_transform(vis, image, scale)
    uvsub(vis)
    expected, found = model_of(column), model_of(vis)
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero((ms.read("FIELD_ID") == 0) & (ms.read("SCAN_NUMBER") == 1))
        window = ms.read("DATA_DESC_ID", rows)
        hz = np.array([w.chan_freq_hz for w in ms.metadata.spectral_windows])[window]
    factor = 1.0 if scale == 1.0 else (scale - 0.5 + (hz * 1e-9 - 1))[:, :, None]
    np.testing.assert_allclose(found, expected * factor, atol=2e-5 * np.abs(expected).max() * scale)


def test_solving_from_an_image(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    put_transform(vis, shared_input("3c286_C.model"), moved=False)
    with MeasurementSet(vis) as ms:
        assert read_virtual_models(ms)[0].image.endswith("FT_MODEL1")
    assert gaincal(vis, "g.cal", field="0", refant="EA01")["solve_tables"]


def test_images_that_are_gone_or_of_no_use(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    put_transform(vis, shared_input("3c286_C.model"))
    shutil.rmtree(f"{vis}/SOURCE/FT_MODEL1")
    with pytest.raises(PathMissingError, match="virtual model"):
        uvsub(vis)
    shutil.copytree(shared_input("iquv.im"), f"{vis}/SOURCE/FT_MODEL1")
    with pytest.raises(DataError, match="Stokes I"):
        uvsub(vis)
