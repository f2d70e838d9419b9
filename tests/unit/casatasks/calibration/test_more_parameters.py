"""Parameters of the tasks that make, list, weigh and clear: each through the task, beside what it must give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import casatasks
from casatools.calibration import orientation_delays
from casatools.calibration.generate_table import TableRequest, generate_table
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from casatools.io.ms.model_keywords import virtual_model_fields
from casatools.io.tables import open_table
from support.ionosphere import ionex
from support.shared import unpack

Input = Callable[[str], str]


@pytest.fixture
def vis(shared_input: Input) -> str:
    """Two observations, three scans each."""
    path = shared_input("simvla.ms")
    with open_table(f"{path}/OBSERVATION", writable=True) as table:
        table.copyrows(table)
    with MeasurementSet(path, writable=True) as ms:
        ms.write("OBSERVATION_ID", (ms.read("SCAN_NUMBER") > 3).astype(np.int32), np.arange(ms.nrow))
    return path


def read(path: str, *names: str) -> list[np.ndarray]:
    with MeasurementSet(path) as ms:
        return [np.asarray(ms.read(n)) for n in names]


def test_applying_to_an_observation(vis: str) -> None:
    casatasks.gencal(vis, "two", caltype="amp", parameter=[2.0])
    casatasks.applycal(vis, gaintable=["two"], calwt=False, flagbackup=False, observation="1")
    data, corrected, observation = read(vis, "DATA", "CORRECTED_DATA", "OBSERVATION_ID")
    np.testing.assert_allclose(corrected, data / np.where(observation == 1, 4.0, 1.0)[:, None, None], rtol=1e-6)


@pytest.mark.parametrize("mode", ["calflag", "calflagstrict", "trial", "flagonly", "flagonlystrict", "calonly"])
def test_modes_of_applying(vis: str, mode: str) -> None:
    """Antenna 3 has a flagged solution, window 1 has none: who flags, who calibrates."""
    casatasks.gencal(vis, "all", caltype="amp", parameter=[2.0])
    table = CalTable.open("all").select(CalTable.open("all").spw_id == 0)
    for group in table.groups:
        group.flag[group.rows == 3] = True
    table.write("part")
    before, data = read(vis, "FLAG", "DATA")
    casatasks.applycal(vis, gaintable=["part"], applymode=mode, flagbackup=False, calwt=False)
    flag, one, two, window = read(vis, "FLAG", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID")
    bad = ((one == 3) | (two == 3)) & (window == 0)
    expected = before.copy()
    if mode not in ("trial", "calonly"):
        expected[bad] = True
        if mode.endswith("strict"):
            expected[window == 1] = True
    np.testing.assert_array_equal(flag, expected)
    with MeasurementSet(vis) as ms:
        assert ms.has("CORRECTED_DATA") == (mode in ("calflag", "calflagstrict", "calonly"))
        if ms.has("CORRECTED_DATA"):
            good = ~bad & (window == 0)
            np.testing.assert_allclose(ms.read("CORRECTED_DATA")[good], data[good] / 4, rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "chosen"),
    [({}, lambda c: c["SCAN_NUMBER"] > 0), ({"field": "1"}, lambda c: c["FIELD_ID"] == 1), ({"spw": "1"}, lambda c: c["DATA_DESC_ID"] == 1),
     ({"intent": "*PHASE*"}, lambda c: c["FIELD_ID"] == 1)],
)  # fmt: skip
def test_clearing_a_selection(vis: str, given: dict[str, str], chosen: Callable[[dict[str, np.ndarray]], np.ndarray]) -> None:
    casatasks.setjy(vis, standard="manual", fluxdensity=[3.0, 0, 0, 0])
    casatasks.uvsub(vis)
    casatasks.clearcal(vis, addmodel=True, **given)
    names = ("SCAN_NUMBER", "FIELD_ID", "DATA_DESC_ID")
    inside = chosen(dict(zip(names, read(vis, *names), strict=True)))
    data, corrected, model = read(vis, "DATA", "CORRECTED_DATA", "MODEL_DATA")
    np.testing.assert_array_equal(corrected[inside], data[inside])
    np.testing.assert_allclose(corrected[~inside][..., 0], data[~inside][..., 0] - 3.0, atol=1e-5)
    np.testing.assert_allclose(model[..., 0].real, np.where(inside, 1.0, 3.0)[:, None] * np.ones(8))


def test_models_are_made_where_asked(vis: str) -> None:
    for add in (False, True):
        casatasks.clearcal(vis, addmodel=add)
        with MeasurementSet(vis) as ms:
            assert ms.has("CORRECTED_DATA") and ms.has("MODEL_DATA") == add


def test_recipes_and_columns_are_taken_away_apart(vis: str) -> None:
    casatasks.setjy(vis, field="0", standard="manual", fluxdensity=[3.0, 0, 0, 0], usescratch=True)
    casatasks.setjy(vis, field="1", standard="manual", fluxdensity=[2.0, 0, 0, 0], usescratch=False)
    for given, left in (
        ({"otf": False, "scr": False}, (True, True)), ({"otf": True, "field": "0"}, (True, True)), ({"otf": True}, (False, True)),
        ({"otf": False, "scr": True}, (False, False)),
    ):  # fmt: skip
        casatasks.delmod(vis, **given)
        with MeasurementSet(vis) as ms:
            assert (bool(virtual_model_fields(ms)), ms.has("MODEL_DATA")) == left, given


WIDTH_HZ, EXPOSURE_S = 4e6, 30.0


@pytest.mark.parametrize(
    ("mode", "weight", "sigma"),
    [("nyq", 2 * WIDTH_HZ * EXPOSURE_S, None), ("sigma", 4.0, 0.5), ("ones", 1.0, 1.0), ("weight", 4.0, 0.5)],
)
def test_weights_of_each_kind(vis: str, mode: str, weight: float, sigma: float | None) -> None:
    with MeasurementSet(vis, writable=True) as ms:
        np.testing.assert_allclose(ms.metadata.spectral_windows[0].chan_width_hz, WIDTH_HZ)
        np.testing.assert_allclose(ms.read("EXPOSURE"), EXPOSURE_S)
        every = np.arange(ms.nrow)
        ms.write("SIGMA", np.full((ms.nrow, 4), 0.5, np.float32), every)
        ms.write("WEIGHT", np.full((ms.nrow, 4), 4.0, np.float32), every)
    casatasks.initweights(vis, wtmode=mode, dowtsp=True)
    found = read(vis, "WEIGHT", "SIGMA", "WEIGHT_SPECTRUM")
    np.testing.assert_allclose(found[0], weight, rtol=1e-6)
    np.testing.assert_allclose(found[1], sigma or weight**-0.5, rtol=1e-6)
    np.testing.assert_allclose(found[2], weight, rtol=1e-6)
    for gone in ("delwtsp", "delsigsp"):
        casatasks.initweights(vis, wtmode=gone)
    with MeasurementSet(vis) as ms:
        assert not ms.has("WEIGHT_SPECTRUM") and not ms.has("SIGMA_SPECTRUM")


def test_weights_of_temperatures_and_times(tmp_path: Path) -> None:
    """`tinttsys` has the integration time in it, `tsys` the bandwidth and the temperatures alone."""
    vis = str(unpack("alma_small.ms", tmp_path))
    casatasks.gencal(vis, "t", caltype="tsys")
    weights = []
    for mode in ("tsys", "tinttsys"):
        casatasks.initweights(vis, wtmode=mode, tsystable="t", spwmap=[1, 1, 1])
        weights.append(read(vis, "WEIGHT")[0])
    exposure = read(vis, "EXPOSURE")[0]
    good = (weights[0] > 0).all(axis=1)
    assert good.mean() > 0.5 and exposure.min() > 1.5
    np.testing.assert_allclose(weights[1][good], weights[0][good] * exposure[good][:, None], rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "chosen"),
    [({"intent": "*PHASE*"}, lambda c: c["FIELD_ID"] == 1), ({"observation": "1"}, lambda c: c["OBSERVATION_ID"] == 1),
     ({"scan": "2,5"}, lambda c: np.isin(c["SCAN_NUMBER"], (2, 5))), ({"field": "0", "spw": "1"}, lambda c: (c["FIELD_ID"] == 0) & (c["DATA_DESC_ID"] == 1))],
)  # fmt: skip
def test_statistical_weights_of_a_selection(
    vis: str, given: dict[str, str], chosen: Callable[[dict[str, np.ndarray]], np.ndarray]
) -> None:
    names = ("FIELD_ID", "OBSERVATION_ID", "SCAN_NUMBER", "DATA_DESC_ID")
    inside = chosen(dict(zip(names, read(vis, *names), strict=True)))
    before = read(vis, "WEIGHT")[0]
    casatasks.statwt(vis, datacolumn="data", timebin="1e6s", flagbackup=False, **given)
    after = read(vis, "WEIGHT")[0]
    np.testing.assert_array_equal(after[~inside], before[~inside])
    assert (after[inside] != before[inside]).any(axis=1).mean() > 0.9


def test_weights_of_residuals_are_those_of_their_scatter(vis: str) -> None:
    """Of what the model leaves: the inverse of the mean variance of real and imaginary parts, over all channels of a baseline, hand and window."""
    casatasks.gaincal(vis, "g", refant="EA01", solint="inf")
    casatasks.applycal(vis, gaintable=["g"], calwt=False, flagbackup=False)
    casatasks.setjy(vis, standard="manual", fluxdensity=[1.0, 0, 0, 0])
    casatasks.statwt(vis, datacolumn="residual", timebin="1e6s", combine="scan,field,state", flagbackup=False)
    corrected, model, flag, weight, one, two, window = read(
        vis, "CORRECTED_DATA", "MODEL_DATA", "FLAG", "WEIGHT", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID"
    )
    observation = read(vis, "OBSERVATION_ID")[0]
    for pair in ((0, 1), (2, 6), (5, 7)):
        at = (one == pair[0]) & (two == pair[1]) & (window == 1) & (observation == 0)
        left = (corrected - model)[at].astype(np.complex128)
        for corr in (0, 3):
            used = left[..., corr][~flag[at][..., corr]]
            scatter = 0.5 * (used.real.var() + used.imag.var())
            np.testing.assert_allclose(weight[at, corr], 1 / scatter, rtol=1e-4)


def test_listing_of_a_field(vis: str, shared_input: Input) -> None:
    table = shared_input("cal.G")
    rows = {}
    for field in ("0", "1", "0,1", "1331*"):
        casatasks.listcal(vis, table, field=field, antenna="EA02", spw="0", listfile=f"{field}.txt")
        text = Path(f"{field}.txt").read_text()
        rows[field] = (
            [line for line in text.splitlines() if "|" in line and "1335" in line],
            [line for line in text.splitlines() if "1331+305" in line],
        )
    assert not rows["0"][0] and rows["0"][1] and rows["1"][0] and not rows["1"][1]
    assert rows["0,1"] == (rows["1"][0], rows["0"][1]) and rows["1331*"] == rows["0"]


def test_a_window_of_a_component(vis: str) -> None:
    with MeasurementSet(vis, writable=True) as ms:
        data = np.zeros(ms.read("DATA").shape, np.complex64)
        data[..., [0, 3]] = np.where(ms.read("DATA_DESC_ID") == 1, 3.0, 1.0)[:, None, None]
        ms.write("DATA", data, np.arange(ms.nrow))
    from casatools import componentlist

    for spw, flux in (("1:2~4", 3.0), ("0", 1.0)):
        out = f"{spw[0]}.cl"
        casatasks.uvmodelfit(vis, field="0", spw=spw, varypar=[True, False, False], outfile=out)
        tool = componentlist()
        tool.open(out)
        assert tool.getcomponent(0)["flux"]["value"][0].real == pytest.approx(flux, rel=1e-5)
        tool.done()


def test_values_of_one_hand(vis: str) -> None:
    """Every kind of given value, for one receptor, window and antenna, as it stands in the table."""
    for caltype, value, start, expected in (
        ("amp", 2.0, 1.0, 2.0), ("ph", 90.0, 1.0, 1j), ("sbd", 3.5, 0.0, 3.5), ("mbd", -2.0, 0.0, -2.0),
    ):  # fmt: skip
        for pol, at in (("R", [0]), ("L", [1]), ("R,L", [0, 1]), ("", [0, 1])):
            name = f"{caltype}{pol}"
            casatasks.gencal(vis, name, caltype=caltype, spw="1", antenna="EA03", pol=pol, parameter=[value])
            table = CalTable.open(name)
            wanted = np.full(table.param.shape, start, dtype=complex)
            wanted[np.ix_((table.spw_id == 1) & (table.antenna1 == 2), [0], at)] = expected
            np.testing.assert_allclose(table.param, wanted, atol=1e-6)


def test_opacities_and_local_offsets(vis: str) -> None:
    casatasks.gencal(vis, "opac", caltype="opac", spw="0,1", parameter=[0.1, 0.2])
    table = CalTable.open("opac")
    np.testing.assert_allclose(table.param[:, 0, 0], np.where(table.spw_id == 0, 0.1, 0.2))
    casatasks.gencal(vis, "vla", caltype="antposvla", antenna="EA03", parameter=[0.01, 0.02, 0.03])
    longitude = np.deg2rad(-107.6183)
    turn = np.array([[np.cos(longitude), -np.sin(longitude), 0], [np.sin(longitude), np.cos(longitude), 0], [0, 0, 1]])
    found = CalTable.open("vla").param[:, 0]
    np.testing.assert_allclose(found[2], turn @ [0.01, 0.02, 0.03], atol=1e-6)
    assert not found[[0, 1, 3, 4, 5, 6, 7]].any()


@pytest.mark.parametrize("caltype", ["swpow", "evlagain", "rq", "swp/rq", "swpwts"])
def test_switched_power(shared_input: Input, caltype: str) -> None:
    """Tables of CASA 6.7 begin with these numbers (see `test_measured_calibration.py`)."""
    first = {"rq": [1.6358055e-02, 4096.0], "swpwts": [1.6358055e-02, 1.5858729e04], "swp/rq": [13.687538, 92.777145]}
    casatasks.gencal(shared_input("evla_simple.ms"), "s", caltype=caltype)
    np.testing.assert_allclose(CalTable.open("s").param[0, 0, :2], first.get(caltype, [0.21386778, 92.777145]), rtol=1e-6)


def test_electron_columns_and_the_orientation_of_the_earth(vis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task gives the tables of `generate_table`, whose numbers `test_ionosphere.py` and `test_orientation_delays.py` check."""
    Path("codg1210.19i").write_text(ionex(13))
    casatasks.gencal(vis, "f", caltype="tecim", infile="codg1210.19i")
    generate_table(vis, "g", TableRequest("tecim", infile="codg1210.19i"))
    np.testing.assert_array_equal(CalTable.open("f").param, CalTable.open("g").param)
    assert CalTable.open("f").vis_cal == "F Jones"
    asked: list[tuple[str, str, str]] = []
    monkeypatch.setattr(orientation_delays, "write_orientation_delays", lambda *given: asked.append(given))
    casatasks.gencal(vis, "e", caltype="eop", infile="usno_finals.erp")
    assert asked == [(vis, "e", "usno_finals.erp")]
