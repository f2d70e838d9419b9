"""Virtual models that are images: what CASA keeps of them, made into visibilities."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from casacore import tables

from casatasks import delmod, ft, gaincal, setjy, uvsub
from casatools import coordsys, image
from casatools._base.errors import DataError, PathMissingError, UnsupportedError
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.model_keywords import read_virtual_models
from casatools.kernels.spheroidal import spheroidal
from casatools.plotting.plot_axes import PlotOptions
from casatools.plotting.visibilities import collect_points

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
        assert read_virtual_models(ms)[0].images[0].endswith("FT_MODEL1")
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


def make_image(vis: str, name: str, planes: dict[str, float], nchan: int = 1, step_hz: float = 4e6) -> str:
    """A model image about the centre of field 0: a point off the middle in each plane, brighter by a tenth from channel to channel."""
    with MeasurementSet(vis) as ms:
        lon, lat = (float(v) for v in np.ravel(ms.metadata.fields[0].phase_dir[0])[:2])
        hz = float(ms.metadata.spectral_windows[0].chan_freq_hz[0])
        frame = ms.metadata.spectral_windows[0].frame
    tool = coordsys()
    made = tool.newcoordsys(direction=True, spectral=True, stokes=list(planes))
    made.setreferencepixel([24, 20], "direction")
    made.setunits(["rad", "rad"], "direction")
    made.setincrement([-2e-5, 2e-5], "direction")
    made.setreferencevalue([lon, lat], "direction")
    made.setreferencecode(frame, "spectral", adjust=False)
    made.setreferencepixel(0, "spectral")
    made.setreferencevalue(f"{hz}Hz", "spectral")
    made.setincrement(f"{step_hz}Hz", "spectral")
    values = np.zeros((48, 40, len(planes), nchan))
    for k, flux in enumerate(planes.values()):
        values[30, 22 + k, k, :] = flux * (1 + 0.1 * np.arange(nchan))
    ia = image()
    ia.fromarray(name, values, csys=made.torecord(), overwrite=True)
    ia.done()
    return name


def both_ways(vis: str, put: Callable[[str, bool], object]) -> tuple[np.ndarray, np.ndarray]:
    """Models of field 0 subtracted from recipes, and from the column."""
    shutil.copytree(vis, "column.ms")
    put(vis, False)
    put("column.ms", True)
    with MeasurementSet(vis) as ms:
        assert not ms.has("MODEL_DATA") and read_virtual_models(ms)[0].images
    uvsub(vis)
    uvsub("column.ms")
    return model_of(vis), model_of("column.ms")


@pytest.mark.parametrize("flux", [[5.0, 0, 0, 0], [5.0, 0.3, 0.4, 0.1]])
def test_setjy_keeps_an_image(shared_input: Input, flux: list[float]) -> None:
    vis = shared_input("simvla.ms")
    name = make_image(vis, "shape.im", {"I": 2.0})

    def put(path: str, scratch: bool) -> None:
        setjy(path, field="0", standard="manual", fluxdensity=flux, spix=-0.7, rotmeas=30.0, model=name, usescratch=scratch)

    kept, column = both_ways(vis, put)
    assert np.abs(column[..., 0]).max() > 3 and bool(np.abs(column[..., 1]).max() > 0.1) == (flux[1] > 0)
    np.testing.assert_allclose(kept, column, atol=2e-5)


@pytest.mark.parametrize("feeds", ["circular", "linear"])
def test_ft_keeps_an_image(shared_input: Input, feeds: str) -> None:
    vis = shared_input("simvla.ms")
    if feeds == "linear":
        with tables.table(f"{vis}/POLARIZATION", readonly=False, ack=False) as t:
            t.putcell("CORR_TYPE", 0, np.array([9, 10, 11, 12], np.int32))
    name = make_image(vis, "cube.im", {"I": 2.0, "Q": 0.2, "U": -0.3, "V": 0.1}, nchan=4)
    kept, column = both_ways(vis, lambda path, scratch: ft(path, field="0", model=name, usescratch=scratch))
    assert np.abs(column[..., 1]).max() > 0.2
    np.testing.assert_allclose(kept, column, atol=2e-5)


def test_taylor_terms_are_kept(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    names = [make_image(vis, "tt0.im", {"I": 2.0}), make_image(vis, "tt1.im", {"I": -1.5})]

    def put(path: str, scratch: bool) -> None:
        ft(path, field="0", model=names, nterms=2, reffreq="1.3GHz", usescratch=scratch)

    kept, column = both_ways(vis, put)
    np.testing.assert_allclose(kept, column, atol=2e-5)
    assert np.ptp(np.abs(column[..., 0])) > 0.2


def test_transforms_go_with_their_recipes(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    name = make_image(vis, "m.im", {"I": 2.0})

    def kept() -> list[str]:
        return sorted(n for n in os.listdir(f"{vis}/SOURCE") if n.startswith("FT_MODEL"))

    ft(vis, field="0,1", model=name)
    assert len(kept()) == 2, "each field has a file of its own, for the reference deletes it with the field's model"
    ft(vis, field="0", model=name)
    assert len(kept()) == 2
    ft(vis, field="0", model=name, incremental=True)
    assert len(kept()) == 3
    delmod(vis, otf=True, field="0")
    assert len(kept()) == 1
    delmod(vis, otf=True)
    assert kept() == []


def test_without_a_source_table(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    with tables.table(vis, readonly=False, ack=False) as main:
        main.removekeyword("SOURCE")
    shutil.rmtree(f"{vis}/SOURCE")
    name = make_image(vis, "m.im", {"I": 2.0})
    kept, column = both_ways(vis, lambda path, scratch: ft(path, field="0", model=name, usescratch=scratch))
    np.testing.assert_allclose(kept, column, atol=2e-5)
    delmod(vis, otf=True)
    assert not [n for n in os.listdir(vis) if n.startswith("FT_MODEL")]


def test_gridders_with_beams_and_empty_images(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    with pytest.raises(DataError, match="without any flux"):
        ft(vis, field="0", model=make_image(vis, "zero.im", {"I": 0.0}))
    with MeasurementSet(vis) as ms:
        assert read_virtual_models(ms) == []
    ft(vis, field="0", model=make_image(vis, "m.im", {"I": 1.0}))
    with tables.table(f"{vis}/SOURCE", readonly=False, ack=False) as source:
        record = source.getcell("SOURCE_MODEL", 0)
        record["ft_0"]["container"]["name"] = "AWProjectFT"
        source.putcell("SOURCE_MODEL", 0, record)
    with pytest.raises(UnsupportedError, match="AWProjectFT"):
        uvsub(vis)


def test_plots_show_the_model_of_recipes(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    setjy(vis, field="0", standard="manual", fluxdensity=[5.0, 0, 0, 0], usescratch=False)
    options = PlotOptions(x="time", y="amp", y_column="model")
    for field, flux in (("0", 5.0), ("1", 1.0)):  # without a recipe: a point of 1 Jy
        with MeasurementSet(vis) as ms:
            points = collect_points(ms, Selection(field=field, correlation="RR"), [options])[0]
        np.testing.assert_allclose(points["y"], flux, rtol=1e-6)
