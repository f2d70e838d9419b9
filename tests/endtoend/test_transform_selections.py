"""Every selecting parameter and every `datacolumn` of the tasks that write MeasurementSets: the rows, channels, correlations and columns written."""

from __future__ import annotations

import inspect
import os
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from casacore import tables

import casatasks
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table

CENTRE = "J2000 13h31m00 30d30m00"
TASKS: dict[str, dict[str, Any]] = {
    "mstransform": {"hanning": True},
    "split": {},
    "partition": {"createmms": False, "flagbackup": False},
    "cvel": {},
    "cvel2": {},
    "hanningsmooth": {},
    "phaseshift": {"phasecenter": CENTRE},
    "uvcontsub": {},
    "exportuvfits": {},
    "msuvbin": {"nchan": 1, "start": "1.414GHz", "width": "40MHz", "imsize": 64, "cell": "20arcsec", "phasecenter": CENTRE},
}
SELECTS = {
    "field": "2",
    "spw": "1",
    "scan": "2~4",
    "antenna": "0~2&*",
    "timerange": "<2019/05/01/04:50:00",
    "intent": "*TARGET*",
    "array": "1",
    "uvrange": ">300m",
    "observation": "1",
    "feed": "1",
    "taql": "SCAN_NUMBER > 3",
}


def _vary(path: str) -> None:
    """Arrays, observations, feeds and states that change from row to row or scan to scan, and all columns of visibilities."""
    casatasks.clearcal(path, addmodel=True)
    for name, more in (("OBSERVATION", 1), ("STATE", 1), ("FEED", None)):
        with closing(open_table(f"{path}/{name}", writable=True)) as table:
            count = more or table.nrows()
            table.copyrows(table, 0, -1, count)
            if name == "FEED":
                table.putcol("FEED_ID", np.repeat([0, 1], count).astype(np.int32))
            if name == "STATE":
                modes = [f"OBSERVE_{'TARGET' if row % 2 else 'CALIBRATOR'}" for row in range(table.nrows())]
                table.putcol("OBS_MODE", np.array(modes))
    with closing(open_table(path, writable=True)) as table:
        rows = np.arange(table.nrows())
        scan = np.asarray(table.getcol("SCAN_NUMBER"))
        table.putcol("ARRAY_ID", (scan % 2).astype(np.int32))
        table.putcol("OBSERVATION_ID", (scan > 2).astype(np.int32))
        for name in ("FEED1", "FEED2"):
            table.putcol(name, (np.asarray(table.getcol("ANTENNA1")) % 2).astype(np.int32))
        with closing(open_table(f"{path}/STATE")) as states:
            table.putcol("STATE_ID", (scan % states.nrows()).astype(np.int32))
        data = np.asarray(table.getcol("DATA"))
        table.putcol("CORRECTED_DATA", 2 * data)
        table.putcol("MODEL_DATA", 3 * data)
        table.addcols(
            tables.maketabdesc([
                tables.makearrcoldesc("LAG_DATA", 0j, ndim=2, valuetype="complex"),
                tables.makearrcoldesc("FLOAT_DATA", 0.0, ndim=2, valuetype="float"),
            ])
        )  # fmt: skip
        table.putcol("LAG_DATA", 4 * data)
        table.putcol("FLOAT_DATA", np.abs(data).astype(np.float32) * 5)
        assert len(rows)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, _unpacked: Any) -> str:
    import shutil

    path = tmp_path_factory.mktemp("varied") / "in.ms"
    shutil.copytree(_unpacked("simvla.ms"), path)
    _vary(str(path))
    return str(path)


def _expected(path: str, name: str) -> np.ndarray:
    """The rows that a parameter selects, worked out from the columns."""
    with MeasurementSet(path) as ms:
        read = {c: np.asarray(ms.read(c)) for c in (
            "FIELD_ID", "DATA_DESC_ID", "SCAN_NUMBER", "ANTENNA1", "ANTENNA2", "TIME", "STATE_ID", "ARRAY_ID", "OBSERVATION_ID", "FEED1",
            "FEED2", "UVW",
        )}  # fmt: skip
        modes = np.array([s.obs_mode for s in ms.metadata.states])
    day = 58604 * 86400.0  # 2019-05-01
    low = np.minimum(read["ANTENNA1"], read["ANTENNA2"])
    return {
        "field": read["FIELD_ID"] == 2,
        "spw": read["DATA_DESC_ID"] == 1,
        "scan": (read["SCAN_NUMBER"] >= 2) & (read["SCAN_NUMBER"] <= 4),
        "antenna": low <= 2,
        "timerange": read["TIME"] < day + 4 * 3600 + 50 * 60,
        "intent": np.char.find(modes, "TARGET")[read["STATE_ID"]] >= 0,
        "array": read["ARRAY_ID"] == 1,
        "uvrange": np.hypot(read["UVW"][:, 0], read["UVW"][:, 1]) > 300,
        "observation": read["OBSERVATION_ID"] == 1,
        "feed": (read["FEED1"] == 1) | (read["FEED2"] == 1),
        "taql": read["SCAN_NUMBER"] > 3,
    }[name]


def _keys(path: str, rows: np.ndarray | None = None) -> set[tuple[Any, ...]]:
    """Time, names of antennas and scan of rows; windows that are joined into one row count once."""
    with MeasurementSet(path) as ms:
        names = [a.name for a in ms.metadata.antennas]
        columns = [np.asarray(ms.read(c)) for c in ("TIME", "ANTENNA1", "ANTENNA2", "SCAN_NUMBER")]
    if rows is not None:
        columns = [c[rows] for c in columns]
    return {(round(t, 1), names[a], names[b], s) for t, a, b, s in zip(*(c.tolist() for c in columns), strict=True)}


PAIRS = [
    (task, name)
    for task in TASKS
    for name in SELECTS
    if name in inspect.signature(getattr(casatasks, task)).parameters and task not in ("exportuvfits", "msuvbin")
]


@pytest.mark.parametrize(("task", "name"), PAIRS)
def test_rows_selected(source: str, task: str, name: str) -> None:
    known = inspect.signature(getattr(casatasks, task)).parameters
    arguments = {**TASKS[task], name: SELECTS[name], **({"datacolumn": "data"} if "datacolumn" in known else {})}
    getattr(casatasks, task)(source, "o.ms", **arguments)
    wanted = _expected(source, name)
    assert wanted.any() and not wanted.all()
    if task == "cvel2":  # which leaves out what is flagged
        with MeasurementSet(source) as ms:
            wanted &= ~(np.asarray(ms.read("FLAG_ROW")) | np.asarray(ms.read("FLAG")).all(axis=(1, 2)))
    assert _keys("o.ms") == _keys(source, wanted)
    with MeasurementSet("o.ms") as ms:
        if name == "spw" and task not in ("phaseshift", "uvcontsub"):  # which keep all sub-tables, as in CASA
            assert len(ms.metadata.spectral_windows) == 1
        if task not in ("cvel", "cvel2"):  # which join windows
            assert ms.nrow == np.count_nonzero(wanted)


CUT = [t for t in TASKS if "correlation" in inspect.signature(getattr(casatasks, t)).parameters]


@pytest.mark.parametrize("task", CUT)
def test_correlations_selected(source: str, task: str) -> None:
    getattr(casatasks, task)(source, "all.ms", spw="0", datacolumn="data", **TASKS[task])
    getattr(casatasks, task)(source, "o.ms", spw="0", datacolumn="data", correlation="LL,RR", **TASKS[task])
    with MeasurementSet("o.ms") as cut, MeasurementSet("all.ms") as whole:
        assert list(cut.metadata.polarizations[cut.metadata.data_descriptions[0].pol].corr_type) == [8, 5]
        np.testing.assert_array_equal(cut.read("DATA"), whole.read("DATA")[..., [3, 0]])


SINGLE = ["data", "corrected", "model", "float_data", "lag_data"]
SEVERAL = ["data,model,corrected", "float_data,data", "lag_data,data", "all"]
COLUMNS = [
    (t, v)
    for t in TASKS
    if t not in ("cvel", "msuvbin", "exportuvfits")
    for v in (SINGLE if t == "uvcontsub" else SINGLE + SEVERAL)
]
FACTORS = {"DATA": 1, "CORRECTED_DATA": 2, "MODEL_DATA": 3, "LAG_DATA": 4}
NAMES = {"data": "DATA", "corrected": "CORRECTED_DATA", "model": "MODEL_DATA", "float_data": "FLOAT_DATA", "lag_data": "LAG_DATA"}


@pytest.mark.parametrize(("task", "value"), COLUMNS)
def test_columns_asked_for(source: str, task: str, value: str) -> None:
    """A single column becomes DATA (FLOAT_DATA and LAG_DATA keep their names); several keep their names."""
    getattr(casatasks, task)(source, "o.ms", spw="0", field="2", datacolumn=value, **TASKS[task])
    getattr(casatasks, task)(source, "one.ms", spw="0", field="2", datacolumn="data", **TASKS[task])
    asked = list(NAMES) if value == "all" else value.split(",")
    single = len(asked) == 1
    wanted = {("DATA" if single and not a.startswith(("float", "lag")) else NAMES[a]): NAMES[a] for a in asked}
    with MeasurementSet("o.ms") as ms, MeasurementSet("one.ms") as one:
        data = np.asarray(one.read("DATA"))
        there = {n for n in NAMES.values() if ms.has(n)}
        assert there == set(wanted)
        for name, origin in wanted.items():
            if origin in FACTORS:
                np.testing.assert_allclose(ms.read(name), FACTORS[origin] * data, rtol=2e-5, atol=2e-5 * np.abs(data).max())
            else:
                assert np.isrealobj(ms.read(name)) and np.asarray(ms.read(name)).shape == data.shape


def test_uvfits_of_a_selection(source: str) -> None:
    for name in ("field", "antenna", "timerange"):
        casatasks.exportuvfits(source, f"{name}.fits", datacolumn="data", spw="0", **{name: SELECTS[name]})
        casatasks.importuvfits(f"{name}.fits", f"{name}.ms")
        with MeasurementSet(source) as ms:
            wanted = _expected(source, name) & (np.asarray(ms.read("DATA_DESC_ID")) == 0)
        with MeasurementSet(f"{name}.ms") as ms:
            assert ms.nrow == np.count_nonzero(wanted)
    assert os.path.getsize("field.fits") > 0


def test_grids_of_a_selection(source: str) -> None:
    """msuvbin: the weights of a grid are those of the rows that are selected; spectral windows beside the channels asked for add nothing."""
    sums = {}
    for name, value in (("", ""), ("field", "2"), ("taql", "SCAN_NUMBER > 3"), ("spw", "1"), ("spw", "0")):
        casatasks.msuvbin(source, outputvis=f"u{name}{value[:1]}.ms", **TASKS["msuvbin"], **({name: value} if name else {}))
        with MeasurementSet(f"u{name}{value[:1]}.ms") as ms:
            sums[name + value] = float(np.asarray(ms.read("WEIGHT_SPECTRUM"), np.float64).sum())
    with MeasurementSet(source) as ms:
        weight = np.asarray(ms.read("WEIGHT"), np.float64).sum(axis=1)
        good = ~(np.asarray(ms.read("FLAG_ROW")) | np.asarray(ms.read("FLAG")).all(axis=(1, 2))) & ~_expected(source, "spw")
    assert sums["spw1"] == 0 and sums["spw0"] == sums[""]
    for name, value in (("field", "2"), ("taql", "SCAN_NUMBER > 3")):
        share = weight[_expected(source, name) & good].sum() / weight[good].sum()
        assert sums[name + value] / sums[""] == pytest.approx(share, rel=0.02), name


def test_total_power_has_no_phase_and_its_baseline_is_fitted(shared_input: Any) -> None:
    """FLOAT_DATA: phaseshift leaves the values; uvcontsub takes out the fit of least squares (CASA 6.7's is another)."""
    path = shared_input("sd.ms")
    casatasks.phaseshift(path, "p.ms", datacolumn="float_data", phasecenter=CENTRE)
    casatasks.uvcontsub(path, "u.ms", datacolumn="float_data", fitorder=1)
    with MeasurementSet(path) as old, MeasurementSet("p.ms") as shifted, MeasurementSet("u.ms") as line:
        values = np.asarray(old.read("FLOAT_DATA"))
        np.testing.assert_array_equal(shifted.read("FLOAT_DATA"), values)
        flat = values.transpose(1, 0, 2).reshape(values.shape[1], -1).astype(np.float64)
        x = np.arange(len(flat))
        left = flat - np.polynomial.polynomial.polyval(x, np.polynomial.polynomial.polyfit(x, flat, 1)).T
        expected = left.reshape(values.shape[1], values.shape[0], -1).transpose(1, 0, 2)
        np.testing.assert_allclose(line.read("FLOAT_DATA"), expected, atol=1e-5 * np.abs(values).max())
