"""setjy: virtual model + gaincal segfault; stale virtual model not overwritten; ephemeris unsupported in virtual model.

Recipes, which CASA left or setjy(usescratch=False) made, serve solves; they are made into visibilities or replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from casacore import tables

from casatasks import delmod, gaincal, mstransform, setjy, split, uvsub
from casatools import calibrater, componentlist, mstransformer
from casatools._base.errors import PathMissingError, UnsupportedError
from casatools.io.ms import MeasurementSet
from casatools.io.ms.model_keywords import read_virtual_models, virtual_model_fields
from casatools.transform.pipeline import TransformOptions, prepare

Input = Callable[[str], str]


def recipe(flux: list[float], field: int, spws: list[int], scans: list[int]) -> dict[str, Any]:
    """What CASA 6.7 writes for a point at the field's place."""
    tool = componentlist()
    direction = {
        0: "J2000 -2.7439275283927276rad 0.5324852164475642rad",
        2: "J2000 -2.7227136331111543rad 0.4916010726450696rad",
    }[field]
    tool.addcomponent(flux=flux, dir=direction, shape="point", freq="1.5GHz", spectrumtype="spectral index", index=-0.7)
    container = {**tool.torecord()}
    tool.done()
    where = np.array([[field, spw, scan, field] for spw in spws for scan in scans], dtype=np.int32)
    return {"container": container, "indexcombination": np.ascontiguousarray(where.T), "type": "componentlist", "version": 2}


def put(vis: str, records: dict[int, dict[str, Any]]) -> None:
    source = tables.table(f"{vis}/SOURCE", readonly=False, ack=False)
    if "SOURCE_MODEL" not in source.colnames():
        source.addcols(tables.maketabdesc([tables.makescacoldesc("SOURCE_MODEL", {}, valuetype="record")]))
    for row, record in records.items():
        source.putcell("SOURCE_MODEL", row, record)
    source.close()


@pytest.fixture
def vis(shared_input: Input) -> str:
    """simvla.ms with recipes for the first and the third field."""
    path = shared_input("simvla.ms")
    with MeasurementSet(path) as ms:
        scans = {f: np.unique(ms.read("SCAN_NUMBER")[ms.read("FIELD_ID") == f]).tolist() for f in (0, 2)}
    one = {
        "cl_0": recipe([5.0, 1.0, 0.0, 0.0], 0, [0], scans[0]),
        "cl_1": recipe([4.0, 0, 0, 0], 0, [1], scans[0]),
        "numcl": 2,
        "version": 2,
    }
    put(path, {0: one, 2: {"cl_0": recipe([2.0, 0, 0, 0], 2, [0, 1], scans[2]), "numcl": 1, "version": 2}})
    return path


def model(path: str, field: int, spw: int) -> np.ndarray:
    with MeasurementSet(path) as ms:
        rows = np.flatnonzero((ms.read("FIELD_ID") == field) & (ms.read("DATA_DESC_ID") == spw))
        return np.asarray(ms.read("MODEL_DATA", rows))


def test_stale_recipes_are_replaced(vis: str) -> None:
    setjy(vis, field="0", standard="manual", fluxdensity=[7, 0, 0, 0], usescratch=True)
    with MeasurementSet(vis) as ms:
        assert virtual_model_fields(ms) == []
    assert np.allclose(model(vis, 0, 0)[..., 0], 7)
    # What was not written anew has become visibilities: 2 Jy with a spectral index.
    np.testing.assert_allclose(np.abs(model(vis, 2, 1)[:, 0, 0]), 2 * (1.6 / 1.5) ** -0.7, rtol=1e-5)
    assert np.allclose(model(vis, 1, 0)[..., 0], 1)


def test_recipes_of_other_fields_stay_beside_a_column(vis: str) -> None:
    setjy(vis, field="1", standard="manual", fluxdensity=[7, 0, 0, 0])
    put(vis, {0: {"cl_0": recipe([5.0, 0, 0, 0], 0, [0], [1]), "numcl": 1, "version": 2},
              2: {"cl_0": recipe([2.0, 0, 0, 0], 2, [0], [3]), "numcl": 1, "version": 2}})  # fmt: skip
    setjy(vis, field="0", standard="manual", fluxdensity=[7, 0, 0, 0])
    with MeasurementSet(vis) as ms:
        assert virtual_model_fields(ms) == [2] and len(read_virtual_models(ms)) == 1
    delmod(vis, otf=True)
    with MeasurementSet(vis) as ms:
        assert virtual_model_fields(ms) == []


def test_models_of_one_window_are_removed(vis: str) -> None:
    tool = calibrater()
    tool.open(vis, addcorr=False, addmodel=False)
    tool.delmod(otf=True, field="0", spw="1")
    with MeasurementSet(vis) as ms:
        left = np.concatenate([m.where for m in read_virtual_models(ms)])
    assert {(int(f), int(s)) for f, s in left[:, :2]} == {(0, 0), (2, 0), (2, 1)}
    tool.delmod(otf=True)
    with MeasurementSet(vis) as ms:
        assert virtual_model_fields(ms) == []
    tool.close()


def test_solving_after_a_virtual_model(vis: str) -> None:
    delmod(vis, otf=True)
    setjy(vis, field="0", standard="manual", fluxdensity=[5, 0, 0, 0], usescratch=False)
    assert gaincal(vis, "g.cal", field="0", refant="EA01")["solve_tables"]


def test_solving_from_recipes_is_solving_from_their_visibilities(vis: str) -> None:
    gains = []
    for name in ("recipe.cal", "column.cal"):
        gaincal(vis, name, field="0", refant="EA01", solint="inf")
        with tables.table(name, ack=False) as table:
            gains.append(np.where(table.getcol("FLAG"), 0, table.getcol("CPARAM")))
        with MeasurementSet(vis) as ms:
            assert ms.has("MODEL_DATA") == (name == "column.cal")
        setjy(vis, field="1", standard="manual", fluxdensity=[1, 0, 0, 0])  # makes the column, of the recipes for other fields
    assert np.abs(gains[0]).max() > 0.1
    np.testing.assert_allclose(gains[0], gains[1], atol=1e-5)


def test_recipes_are_subtracted(vis: str) -> None:
    uvsub(vis)
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero((ms.read("FIELD_ID") == 0) & (ms.read("DATA_DESC_ID") == 0))
        data, corrected = ms.read("DATA", rows), ms.read("CORRECTED_DATA", rows)
        flux = 5 * (ms.metadata.spectral_windows[0].chan_freq_hz / 1.5e9) ** -0.7
    expected = np.broadcast_to(flux[:, None] * np.array([1, 0.2, 0.2, 1]), data.shape)
    np.testing.assert_allclose(data - corrected, expected, atol=2e-4)


def test_images_are_named(vis: str) -> None:
    put(vis, {0: {"ft_0": {"indexcombination": np.array([[0], [0], [1], [0]], dtype=np.int32)}, "version": 2}})
    with pytest.raises(PathMissingError, match="image"):
        gaincal(vis, "g.cal", field="0")
    with pytest.raises(PathMissingError, match="image"):
        setjy(vis, field="1", standard="manual", fluxdensity=[1, 0, 0, 0])


def test_mstransform_makes_the_recipes_real(vis: str) -> None:
    """realmodelcol: the models of the recipes as far as they are selected, in channels and correlations selected, and averaged."""
    selected = {"field": "0,2", "spw": "1:2~7", "correlation": "LL,RR"}
    mstransform(vis, "o.ms", datacolumn="all", realmodelcol=True, **selected)
    mstransform(vis, "m.ms", datacolumn="model", realmodelcol=True, chanaverage=True, chanbin=3, **selected)
    mstransform(vis, "none.ms", datacolumn="all", **selected)
    tool = mstransformer()
    tool.config({"inputms": vis, "outputms": "t.ms", "datacolumn": "MODEL", "realmodelcol": True, **selected})
    assert tool.open() and tool.run() == {}
    with MeasurementSet(vis) as ms, pytest.raises(UnsupportedError, match="realmodelcol"):
        prepare(ms, TransformOptions(datacolumn="all", real_model=True))
    uvsub(vis)  # makes the column from the recipes in place
    split(vis, "s.ms", datacolumn="model", **selected)
    with (
        MeasurementSet("s.ms") as whole,
        MeasurementSet("o.ms") as ours,
        MeasurementSet("t.ms") as made,
        MeasurementSet("m.ms") as binned,
    ):
        np.testing.assert_array_equal(ours.read("MODEL_DATA"), whole.read("DATA"))
        np.testing.assert_array_equal(made.read("DATA"), whole.read("DATA"))
        middle = whole.read("DATA").reshape(-1, 2, 3, 2).mean(axis=2)
        np.testing.assert_allclose(binned.read("DATA"), middle, rtol=1e-5)
        assert np.abs(whole.read("DATA")).max() > 1.5
    with MeasurementSet("none.ms") as none:
        assert not none.has("MODEL_DATA")
