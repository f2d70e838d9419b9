"""Models kept as recipes: what setjy and ft write with usescratch=False."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from casacore import tables

from casatasks import clearcal, delmod, ft, gaincal, setjy, uvsub
from casatools import componentlist
from casatools._base.errors import ParameterError
from casatools.calibration.solar_system import Disk
from casatools.calibration.source_spectra import BodySpectrum, ManualSpectrum, source_component
from casatools.calibration.virtual_models import VirtualColumn
from casatools.io.ms import MeasurementSet, Selection, iter_chunks
from casatools.io.ms.model_keywords import read_virtual_models, virtual_model_fields

Input = Callable[[str], str]
FLUX = {"standard": "manual", "fluxdensity": [5.0, 0.1, 0.2, 0.0], "spix": [-0.5, 0.1], "reffreq": "1.4GHz", "rotmeas": 20.0}


@pytest.fixture
def vis(shared_input: Input) -> str:
    return shared_input("simvla.ms")


def model(path: str, field: int) -> np.ndarray:
    """What the recipes stand for, (row, chan, corr)."""
    with MeasurementSet(path) as ms:
        recipes = VirtualColumn(ms)
        chunks = iter_chunks(ms, Selection(field=str(field)).resolve(ms), list(recipes.columns))
        return np.concatenate([recipes.fill(c, np.ones(c.shape, np.complex64)) for c in chunks])


def column(path: str, field: int) -> np.ndarray:
    with MeasurementSet(path) as ms:
        chunks = iter_chunks(ms, Selection(field=str(field)).resolve(ms), ["MODEL_DATA"])
        return np.concatenate([c["MODEL_DATA"] for c in chunks])


def has_column(path: str) -> bool:
    with MeasurementSet(path) as ms:
        return ms.has("MODEL_DATA")


@pytest.mark.parametrize("source_table", [True, False])
def test_setjy_keeps_a_component(vis: str, source_table: bool) -> None:
    if not source_table:
        with tables.table(vis, readonly=False, ack=False) as main:
            main.removekeyword("SOURCE")
        shutil.rmtree(f"{vis}/SOURCE")
    first = setjy(vis, field="0", **FLUX, usescratch=False)
    assert not has_column(vis)
    with tables.table(f"{vis}/SOURCE" if source_table else vis, ack=False) as where:
        # The reference looks up the row of the SOURCE table, or the record, by these keywords.
        assert where.getkeyword("definedmodel_field_0") == "model_0"
        assert where.getkeyword("model_0") == 0 if source_table else "cl_0" in where.getkeyword("model_0")
    kept = model(vis, 0)
    second = setjy(vis, field="0", **FLUX, usescratch=True)
    assert first["0"]["0"]["fluxd"].tolist() == second["0"]["0"]["fluxd"].tolist()
    np.testing.assert_allclose(kept, column(vis, 0), atol=2e-6)
    with MeasurementSet(vis) as ms:
        assert virtual_model_fields(ms) == []


def test_one_window_is_replaced_and_others_stay(vis: str) -> None:
    setjy(vis, field="0", standard="manual", fluxdensity=[5, 0, 0, 0], usescratch=False)
    setjy(vis, field="0", spw="1", standard="manual", fluxdensity=[7, 0, 0, 0], usescratch=False)
    assert np.unique(model(vis, 0)[..., 0].real.round(5)).tolist() == [5, 7]
    with MeasurementSet(vis) as ms:
        assert len(read_virtual_models(ms)) == 2
    delmod(vis, otf=True, field="0")
    with MeasurementSet(vis) as ms:
        assert read_virtual_models(ms) == []
    with tables.table(f"{vis}/SOURCE", ack=False) as source:
        assert [k for k in source.keywordnames() if "model" in k] == []


def test_recipes_go_before_the_column(vis: str) -> None:
    setjy(vis, field="0", standard="manual", fluxdensity=[5, 0, 0, 0], usescratch=True)
    setjy(vis, field="0", standard="manual", fluxdensity=[20, 0, 0, 0], usescratch=False)
    assert column(vis, 0).max() == 5
    gains = []
    for name in ("recipe.G", "column.G"):
        gaincal(vis, name, field="0", refant="EA01")
        with tables.table(name, ack=False) as table:
            gains.append(np.abs(table.getcol("CPARAM")).mean())
        delmod(vis, otf=True)
    assert gains[1] / gains[0] == pytest.approx(2, rel=1e-5)  # as in CASA 6.7
    setjy(vis, field="0", standard="manual", fluxdensity=[20, 0, 0, 0], usescratch=False)
    clearcal(vis)  # makes CORRECTED_DATA and leaves models alone, a second one resets them
    clearcal(vis)
    with MeasurementSet(vis) as ms:
        assert virtual_model_fields(ms) == []


def test_ft_keeps_and_adds(vis: str) -> None:
    tool = componentlist()
    tool.addcomponent(flux=[2.0, 0, 0, 0], dir="J2000 -2.7227136331111543rad 0.4917rad", shape="point", freq="1.5GHz")
    tool.rename("one.cl")
    tool.done()
    ft(vis, field="2", complist="one.cl")
    once = model(vis, 2)
    assert not has_column(vis) and np.abs(once[..., 0]) == pytest.approx(2.0, rel=1e-5)
    ft(vis, field="2", complist="one.cl")
    np.testing.assert_array_equal(model(vis, 2), once)
    ft(vis, field="2", complist="one.cl", incremental=True)
    np.testing.assert_allclose(model(vis, 2), 2 * once, rtol=1e-5, atol=1e-5)
    uvsub(vis)
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero(ms.read("FIELD_ID") == 2)
        assert np.abs(ms.read("DATA", rows) - ms.read("CORRECTED_DATA", rows))[..., 0].mean() == pytest.approx(4, rel=1e-2)
    assert not has_column(vis)


def test_parts_of_scans_are_refused(vis: str) -> None:
    with MeasurementSet(vis) as ms:
        middle = float(np.median(ms.read("TIME", np.flatnonzero(ms.read("FIELD_ID") == 0))))
    time = datetime(1858, 11, 17, tzinfo=UTC) + timedelta(seconds=middle)
    with pytest.raises(ParameterError, match="whole scans"):
        setjy(vis, field="0", selectdata=True, timerange=f">{time:%Y/%m/%d/%H:%M:%S}", **FLUX, usescratch=False)
    with MeasurementSet(vis) as ms:
        assert virtual_model_fields(ms) == []


def test_disks_and_windows_of_falling_frequencies() -> None:
    disk = Disk("Mars", 1.0, 0.2, 5e-5, 4e-5, 0.3)
    hz = np.array([2e11, 1e11])
    stokes = np.array([[20.0, 0, 0, 0], [10.0, 0, 0, 0]])
    for moved, where in ((False, (0.9, 0.1)), (True, (1.0, 0.2))):
        made = source_component(BodySpectrum(disk, 59000.0, moved), stokes, hz, "TOPO", np.array([0.9, 0.1]), "J2000")
        assert (made.shape.lon_rad, made.shape.lat_rad) == where and made.shape.kind == "Disk"
        assert made.shape.major is not None and made.shape.major.in_unit("rad") == 5e-5
        assert made.stokes_at(np.array([1.5e11]))[0] == pytest.approx([15.0])
    flat = source_component(ManualSpectrum((3.0, 0, 0, 0)), np.full((2, 4), 3.0), hz, "LSRK", np.zeros(2), "ICRS")
    assert flat.spectrum.kind == "Constant" and flat.stokes_at(hz)[0].tolist() == [3.0, 3.0]
