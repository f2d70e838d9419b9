"""Parameters of the tasks that set, apply and show calibration: each changes what it says, through the task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools import componentlist
from casatools._base.errors import ParameterError
from casatools.calibration.flux_standards import flux_density
from casatools.calibration.measured_calibration import write_system_temperatures
from casatools.calibration.predict_component import PredictionOptions, predict_component
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table
from casatools.plotting import predicted_amplitudes
from casatools.plotting.predicted_amplitudes import AmplitudePlot, plot_amplitudes
from support.shared import unpack

Input = Callable[[str], str]


@pytest.fixture
def vis(shared_input: Input) -> str:
    return shared_input("simvla.ms")


def read(path: str, *names: str) -> list[np.ndarray]:
    with MeasurementSet(path) as ms:
        return [np.asarray(ms.read(n)) for n in names]


# What each selection leaves, of u, v, scan, first antenna, time and number of the row.
SELECTIONS: list[tuple[dict[str, Any], Callable[[dict[str, np.ndarray]], np.ndarray]]] = [
    ({"uvrange": "<400m"}, lambda c: c["length"] < 400),
    ({"msselect": "ANTENNA1==2"}, lambda c: c["ANTENNA1"] == 2),
    ({"antenna": "EA03&*"}, lambda c: (c["ANTENNA1"] == 2) | (c["ANTENNA2"] == 2)),
    ({"scan": "1"}, lambda c: c["SCAN_NUMBER"] == 1),
    ({"timerange": "<2019/05/01/04:40:30"}, lambda c: c["TIME"] < 58604 * 86400.0 + 4 * 3600 + 40 * 60 + 30),
    ({"scan": "1", "selectdata": False}, lambda c: c["TIME"] > 0),
]


def selected(path: str, chosen: Callable[[dict[str, np.ndarray]], np.ndarray]) -> np.ndarray:
    names = ("ANTENNA1", "ANTENNA2", "SCAN_NUMBER", "TIME", "UVW", "FIELD_ID")
    cells = dict(zip(names, read(path, *names), strict=True))
    cells["length"] = np.hypot(cells["UVW"][:, 0], cells["UVW"][:, 1])
    return chosen(cells)


@pytest.mark.parametrize(("given", "chosen"), [*SELECTIONS, ({"intent": "*BANDPASS*"}, lambda c: c["FIELD_ID"] == 0)])
def test_applying_to_a_selection(vis: str, given: dict[str, Any], chosen: Any, tmp_path: Path) -> None:
    casatasks.gencal(vis, str(tmp_path / "two"), caltype="amp", parameter=[2.0])
    casatasks.applycal(vis, gaintable=[str(tmp_path / "two")], calwt=False, flagbackup=False, **given)
    data, corrected = read(vis, "DATA", "CORRECTED_DATA")
    inside = selected(vis, chosen)
    assert inside.any()
    np.testing.assert_allclose(corrected[inside], data[inside] / 4, rtol=1e-6)
    np.testing.assert_array_equal(corrected[~inside], data[~inside])


@pytest.mark.parametrize(("given", "chosen"), SELECTIONS)
def test_fitting_a_selection(vis: str, given: dict[str, Any], chosen: Any, tmp_path: Path) -> None:
    """Data of the selection are of 3 Jy, others of 1 Jy."""
    inside = selected(vis, chosen)
    with MeasurementSet(vis, writable=True) as ms:
        data = np.zeros(ms.read("DATA").shape, np.complex64)
        data[..., [0, 3]] = np.where(inside, 3.0, 1.0)[:, None, None]
        ms.write("DATA", data, np.arange(ms.nrow))
    out = str(tmp_path / "fit.cl")
    casatasks.uvmodelfit(vis, field="0", varypar=[True, False, False], outfile=out, **given)
    assert fitted(out)["flux"]["value"][0].real == pytest.approx(3.0, rel=1e-5)


def fitted(path: str) -> dict[str, Any]:
    cl = componentlist()
    cl.open(path)
    found: dict[str, Any] = cl.getcomponent(0)
    cl.done()
    return found


@pytest.mark.parametrize(("kind", "name"), [("P", "Point"), ("G", "Gaussian"), ("D", "Disk")])
def test_kinds_of_components(vis: str, tmp_path: Path, kind: str, name: str) -> None:
    casatasks.setjy(vis, field="0", standard="manual", fluxdensity=[2.0, 0, 0, 0])
    out, start = str(tmp_path / "fit.cl"), [1.0, 0.0, 0.0]
    extended = kind != "P"
    casatasks.uvmodelfit(
        vis, field="0", comptype=kind, sourcepar=[*start, 5.0, 0.5, 20.0] if extended else start,
        varypar=[True] + [False] * (5 if extended else 2), niter=2, outfile=out,
    )  # fmt: skip
    shape = fitted(out)["shape"]
    assert shape["type"] == name
    if extended:  # what is not varied stays
        assert shape["majoraxis"] == {"value": pytest.approx(5.0 / 60), "unit": "arcmin"}
        assert shape["minoraxis"]["value"] == pytest.approx(2.5 / 60)


def test_a_calibrator_between_epochs(vis: str, tmp_path: Path) -> None:
    with open_table(f"{vis}/FIELD", writable=True) as fields:
        fields.putcell("NAME", 0, "3C48")
    hz = MeasurementSet(vis).metadata.spectral_windows[0].chan_freq_hz[:1]
    year = 2000.0 + (float(read(vis, "TIME")[0][0]) / 86400.0 - 51544.5) / 365.25
    fluxes = []
    for interpolation in ("nearest", "linear", "cubic", "spline", ""):
        record = casatasks.setjy(vis, field="0", standard="Perley-Butler 2013", interpolation=interpolation)
        fluxes.append(float(record["0"]["0"]["fluxd"][0]))
        expected = flux_density("Perley-Butler 2013", "3C48", hz, year, interpolation)
        assert expected is not None and fluxes[-1] == pytest.approx(float(expected[0]), rel=1e-12)
    assert fluxes[4] == fluxes[0] and len({round(f, 8) for f in fluxes[:4]}) == 4
    told = (tmp_path / "casa.log").read_text()
    assert told.count("has flux densities of 3C48 until 2012.0; those of 2019.3 are extrapolated") == 3


def test_flux_densities_of_fluxscale(vis: str) -> None:
    entry = {
        "fieldName": "x",
        "fitFluxd": 4.0,
        "fitRefFreq": 1.428e9,
        "spidx": np.array([0.602, -1.0]),
        "0": {"fluxd": [4.0, 0, 0, 0]},
    }
    record = casatasks.setjy(vis, field="0,1", standard="fluxscale", fluxdict={"1": entry})
    assert "0" not in record and record["1"]["0"]["fluxd"][0] == pytest.approx(4.0 * 1.428e9 / 1.4e9, rel=0.03)


def test_arrays_and_everything(vis: str) -> None:
    """statwt of some arrays, and of all data where selectdata is False."""
    with MeasurementSet(vis, writable=True) as ms:
        ms.write("ARRAY_ID", (np.arange(ms.nrow) % 2).astype(np.int32), np.arange(ms.nrow))
    before = read(vis, "WEIGHT")[0]
    casatasks.statwt(vis, datacolumn="data", timebin="1e6s", array="1", flagbackup=False)
    after = read(vis, "WEIGHT")[0]
    odd = np.arange(len(after)) % 2 == 1
    np.testing.assert_array_equal(after[~odd], before[~odd])
    assert (after[odd] != before[odd]).any(axis=1).mean() > 0.9
    casatasks.statwt(vis, datacolumn="data", timebin="1e6s", array="1", field="0", spw="0", selectdata=False, flagbackup=False)
    assert (read(vis, "WEIGHT")[0][~odd] != before[~odd]).any(axis=1).mean() > 0.9


def test_factors_of_baselines(vis: str, tmp_path: Path) -> None:
    found = {}
    for name, given in {
        "all": {}, "first": {}, "a": {"calmode": "a"}, "p": {"calmode": "p"}, "norm": {"solnorm": True}, "short": {"uvrange": "<400m"},
        "scan": {"scan": "1"}, "no selection": {"scan": "1", "selectdata": False}, "taql": {"msselect": "ANTENNA1==2"},
        "times": {"timerange": "<2019/05/01/04:40:30"}, "intent": {"intent": "*BANDPASS*"}, "observation": {"observation": "0"},
    }.items():  # fmt: skip
        field = {"intent": "", "first": "0"}.get(name, "0,1")
        casatasks.blcal(vis, str(tmp_path / name), solint="inf", combine="scan,field", field=field, spw="0", **given)
        found[name] = CalTable.open(str(tmp_path / name))

    def good(name: str) -> np.ndarray:
        group = found[name].groups[0]
        return np.asarray(group.param[~group.flag])

    assert np.abs(np.angle(good("a"))).max() < 1e-6 and np.abs(np.abs(good("p")) - 1).max() < 1e-5
    assert np.abs(good("norm")).mean() == pytest.approx(1.0, rel=1e-3) and abs(np.abs(good("all")).mean() - 1) > 1e-3
    assert 0 < len(good("short")) < len(good("all")) and 0 < len(good("taql")) < len(good("all"))
    np.testing.assert_array_equal(good("no selection"), good("all"))
    np.testing.assert_array_equal(good("observation"), good("all"))
    np.testing.assert_array_equal(good("intent"), good("first"))
    for name in ("scan", "times"):
        assert not np.allclose(good(name), good("all"), rtol=1e-6)


def test_weights_of_temperatures_in_between(tmp_path: Path) -> None:
    """initweights: the field and the interpolation of the temperatures."""
    vis, table = str(unpack("alma_small.ms", tmp_path)), str(tmp_path / "t")
    write_system_temperatures(vis, table)
    content = CalTable.open(table)
    for group in content.groups:
        group.param *= 1 + np.arange(group.param.shape[1])[:, None]
    content.write(table)
    given = {"wtmode": "tsys", "tsystable": table, "spwmap": [1, 1, 1]}
    weights = []
    for more in ({"interp": "nearest,linear"}, {"interp": "nearest,cubic"}, {"gainfield": "nearest"}):
        casatasks.initweights(vis, **given, **more)
        weights.append(read(vis, "WEIGHT")[0])
    assert all(np.isfinite(w).all() and (w > 0).all() for w in weights)


def test_the_offset_of_the_feeds_turns_the_polarisation(vis: str, shared_input: Input, tmp_path: Path) -> None:
    gains = shared_input("cal.G")
    rng = np.random.default_rng(2)
    table = CalTable.open(gains)
    for group in table.groups:
        group.param *= rng.uniform(0.9, 1.1, group.param.shape).astype(np.float32)
    table.write(str(tmp_path / "g"))
    found = [casatasks.polfromgain(vis, str(tmp_path / "g"), "", offset, 1.0) for offset in (0.0, 45.0)]
    # A field seen at one angle has no entries.
    turned = {name: entries for name, entries in found[0].items() if entries}
    assert turned
    for name, entries in turned.items():
        for spw in ("Spw0", "Spw1"):
            q, u = entries[spw][1:3]
            np.testing.assert_allclose(found[1][name][spw][1:3], [-u, q], atol=1e-6 + 1e-4 * np.hypot(q, u))
            assert np.hypot(q, u) > 1e-5


@pytest.mark.parametrize(
    "standard",
    [
        "Perley-Butler 2017",
        "Perley-Butler 2013",
        "Perley-Butler 2010",
        "Perley-Taylor 99",
        "Perley 90",
        "Perley-Taylor 95",
        "Baars",
    ],
)
def test_standards_of_predictions(standard: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record = casatasks.predictcomp("3C147", standard, "2012/06/10", "1.5GHz")
    expected = flux_density(standard, "3C147", np.array([1.5e9]), 2000.0 + (56088.0 - 51544.5) / 365.25)
    assert expected is not None
    np.testing.assert_allclose(record["spectrum"]["ival"], expected, rtol=1e-9)


def test_symbols_of_predictions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    figures: list[Any] = []
    monkeypatch.setattr(predicted_amplitudes, "save_figure", lambda figure, path: figures.append(figure))
    component = predict_component(PredictionOptions("3C286", "Perley-Butler 2017", 57549.0, 1e9, 1e9, 1))[1]
    plot_amplitudes(component, np.array([[0.0, 0, 0], [100, 0, 0]]), "p.png", AmplitudePlot("x"))
    Path("a.cfg").write_text("0 0 0 25 A\n100 0 0 25 B\n")
    casatasks.predictcomp("3C286", "Perley-Butler 2017", "2016/06/10", "1GHz", antennalist="a.cfg", savefig="p.png", symb="+")
    assert [f.axes[0].lines[0].get_marker() for f in figures] == ["x", "+"]


@pytest.mark.parametrize("axis", ["amp", "amplitude", "phase", "real", "imag", "imaginary", "TIME"])
def test_statistics_of_an_axis(shared_input: Input, axis: str) -> None:
    path = shared_input("cal.G")
    table = CalTable.open(path)
    param = np.concatenate([g.param.ravel() for g in table.groups])
    values = {"a": np.abs, "p": lambda p: np.degrees(np.angle(p)), "r": np.real, "i": np.imag}.get(
        axis[0], lambda p: table.time_s
    )(param)
    if axis == "phase":
        values = np.radians(values)
    found = casatasks.calstat(path, axis)
    entry = next(iter(found.values()))
    assert entry["npts"] == len(values)
    assert entry["mean"] == pytest.approx(float(values.mean()), rel=1e-5, abs=1e-6)
    assert entry["max"] == pytest.approx(float(values.max()), rel=1e-6)


def test_real_columns_have_no_phase(shared_input: Input) -> None:
    """CASA gives the column itself for any part of it, and no column named gain."""
    path = shared_input("hera.K")
    real = {axis: casatasks.calstat(path, axis) for axis in ("real", "amp", "amplitude")}
    assert set(real["real"]) == {"FPARAM"} and real["real"] == real["amp"] == real["amplitude"]
    values = np.concatenate([g.param.ravel() for g in CalTable.open(path).groups])
    assert real["real"]["FPARAM"]["mean"] == pytest.approx(float(values.mean()))
    for axis in ("imag", "imaginary", "phase"):
        with pytest.raises(ParameterError, match=f"FPARAM is not complex and has no {axis}"):
            casatasks.calstat(path, axis)
    with pytest.raises(ParameterError, match="SNR is not complex and has no phase"):
        casatasks.calstat(path, "phase", "snr")


def test_statistics_of_a_column_of_complex_values(shared_input: Input) -> None:
    path = shared_input("cal.G")
    by_name = casatasks.calstat(path, "amp", "CPARAM")
    assert next(iter(by_name.values()))["mean"] == next(iter(casatasks.calstat(path, "amp").values()))["mean"]


def test_intents_of_an_observation(vis: str) -> None:
    with MeasurementSet(vis, writable=True) as ms:
        rows = np.arange(ms.nrow)
        scans = ms.read("SCAN_NUMBER")
        ms.write("OBSERVATION_ID", (scans > 3).astype(np.int32), rows)
    with open_table(f"{vis}/OBSERVATION", writable=True) as table:
        table.copyrows(table)
    casatasks.defintent(vis, intent="OBSERVE_PHASE#ON_SOURCE", mode="set", obsid="1")
    state, scans = read(vis, "STATE_ID", "SCAN_NUMBER")
    with MeasurementSet(vis) as ms:
        modes = [s.obs_mode for s in ms.metadata.states]
    assert {modes[s] for s in np.unique(state[scans > 3])} == {"OBSERVE_PHASE#ON_SOURCE"}
    assert "OBSERVE_PHASE#ON_SOURCE" not in {modes[s] for s in np.unique(state[scans <= 3])}


def test_pages_of_a_listing(vis: str, shared_input: Input, tmp_path: Path) -> None:
    headings, table = [], shared_input("cal.G")
    for rows in (0, 8, 20):
        out = tmp_path / f"l{rows}.txt"
        casatasks.listcal(vis, table, antenna="EA02", spw="0", listfile=str(out), pagerows=rows)
        headings.append(out.read_text().count("Ant = EA02"))
    assert headings[0] == 1 and headings[1] > headings[2] >= 1
