"""Series of solutions and polynomials through them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import calanalysis
from casatools._base.errors import NotOpenError, ParameterError, PathMissingError, SelectionError
from casatools.calibration.solution_series import FitOptions, SeriesOptions, _followed, fit_series, numbers_of
from casatools.io.caltable import CalTable
from casatools.io.tables import open_table
from support.shared import unpack


def _record(y: np.ndarray, flag: np.ndarray | None = None) -> dict[str, Any]:
    flag = np.zeros(len(y), bool) if flag is None else flag
    return {"abscissa": "time", "time": 5e9 + np.arange(len(y)), "value": y, "valueErr": np.full(len(y), 0.1), "flag": flag}


def test_polynomials() -> None:
    x = np.arange(8.0)
    line = fit_series(_record(2 + 0.5 * x), FitOptions("LINEAR"))
    assert line["pars"][1] == pytest.approx(0.5)
    assert line["validFit"] and line["redChi2"] == 1
    np.testing.assert_allclose(line["model"], 2 + 0.5 * x, atol=1e-4)
    mean = fit_series(_record(x, x > 6), FitOptions("AVERAGE", weight=True))
    np.testing.assert_allclose(mean["pars"], [3.0])
    np.testing.assert_allclose(mean["vars"], [0.01 / 7])
    assert mean["weight"] == "YES"
    spike = np.ones(9)
    spike[4] = 50
    np.testing.assert_allclose(fit_series(_record(spike), FitOptions(kind="ROBUST"))["pars"], [1.0], atol=1e-2)
    empty = fit_series(_record(x, x > 0), FitOptions("LINEAR"))
    assert not empty["validFit"] and empty["pars"].shape == (0,)


def test_options_refused() -> None:
    for wrong in ({"each": "X"}, {"part": "X"}):
        with pytest.raises(ParameterError):
            SeriesOptions([0], [0], [0], [0], (0, 1), **wrong)  # type: ignore[arg-type]
    for bad in (("CUBIC", "LSQ"), ("LINEAR", "L2")):
        with pytest.raises(ParameterError):
            FitOptions(*bad)
    assert numbers_of(("a", "b"), "", "x") == [0, 1]
    assert numbers_of(("a", "b"), ["b", "0"], "x") == [0, 1]
    with pytest.raises(SelectionError, match="there is no x 'c'"):
        numbers_of(("a", "b"), "c", "x")
    assert numbers_of(("a", "b", "c"), "0~1", "x") == [0, 1] and numbers_of(("a", "b", "c"), "!a,!2", "x") == [1]
    for wrong in ("0~5", "!d", "1~", "2~1", "a,!0"):
        with pytest.raises(SelectionError, match="x"):
            numbers_of(("a", "b", "c"), wrong, "x")


def test_tool(tmp_path: Path) -> None:
    """Numbers of CASA 6.7 on the same table."""
    ca = calanalysis()
    with pytest.raises(NotOpenError):
        ca.viscal()
    with pytest.raises(PathMissingError):
        ca.open("missing.G")
    ca.open(str(unpack("cal.G", tmp_path)))
    assert (ca.viscal(), ca.partype(), ca.polbasis(), ca.msname(), ca.numtime()) == ("G Jones", "Complex", "U", "calwork.ms", 6)
    assert (ca.numfield(), ca.numantenna(), ca.numantenna1(), ca.numantenna2(), ca.numspw(), ca.numfeed()) == (2, 8, 8, 1, 2, 2)
    assert (ca.field(), ca.spw(False), ca.feed(), ca.antenna2()) == (["1331+305", "J1335+2700"], ["0", "1"], ["1", "2"], ["EA01"])
    assert len(ca.antenna()) == 8 and len(ca.time()) == 6 and ca.numchannel().tolist() == [1, 1]
    np.testing.assert_allclose(ca.freq()["1"], [1.614e9])
    series = ca.get(antenna=["EA02"], spw=["0"], axis="TIME", ap="AMPLITUDE")
    assert len(series) == 8
    np.testing.assert_allclose(series["0"]["value"], [0.9999224], rtol=1e-6)
    np.testing.assert_allclose(series["0"]["valueErr"], [0.00076509], rtol=1e-4)
    phases = ca.get(axis="FREQ", ap="PHASE", unwrap=True)
    assert len(phases) == 64 and phases["10"]["antenna1"] == "2" and phases["10"]["feed"] == "2"
    assert ca.get(timerange=["2019/05/01/05:00:00", "2019/05/01/06:00:00"], antenna="EA02", spw="0", feed="1").keys() == {"0"}
    robust = ca.fit(antenna=["EA05"], spw=["1"], norm=True, type="ROBUST")["0"]
    assert len(robust["pars"]) == 0 and robust["flag"].tolist() == [True]
    for wrong in ({"feed": "9"}, {"timerange": ["x"]}):
        with pytest.raises(ParameterError):
            ca.get(**wrong)
    assert ca.calname().endswith("cal.G") and ca.close()
    with pytest.raises(NotOpenError):
        ca.calname()


def test_one_value_is_its_average() -> None:
    """Numbers of CASA 6.7: residuals are of all values, flagged ones too."""
    record = {
        "abscissa": "time", "flag": np.array([False, True]), "time": np.array([0.0, 60.0]), "value": np.array([-0.26747, 0.0]),
        "valueErr": np.array([0.001, np.pi]),
    }  # fmt: skip
    one = fit_series(record, FitOptions())
    assert one["validFit"] and one["redChi2"] == 1 and one["covars"].shape == (0,) and one["vars"].tolist() == [0]
    np.testing.assert_allclose([*one["pars"], one["resMean"], one["resVar"]], [-0.26747, 0.133735, 0.0357703], rtol=1e-4)
    assert fit_series(record, FitOptions("LINEAR"))["validFit"] is False


@pytest.mark.parametrize(
    ("count", "order", "weight", "expected"),
    [
        (1, "AVERAGE", True, ([1.01193], [7.61138e-07], [])),
        (2, "AVERAGE", False, ([1.03026112], [0.00016792], [])),
        (2, "LINEAR", False, ([-5.42055089, 4.58154262e-09], [0, 0], [0])),
        (2, "LINEAR", True, ([-5.42055089, 4.58154262e-09], [4.99215724e-02, 2.51893510e-20], [-3.54609911e-11])),
        (3, "AVERAGE", True, ([1.03924086], [2.94347933e-07], [])),
        (3, "LINEAR", False, ([-5.39336273, 4.56220538e-09], [2.79044920e-04, 1.40223202e-22], [-1.97808197e-13])),
        (3, "QUADRATIC", True, ([-16.6016065, 2.04638521e-08, -5.64002467e-18], [5492.49377, 1.10580303e-14, 1.39141265e-33],
                                [-7.79333675e-06, 2.76446969e-15, -3.92253322e-24])),
    ],
)  # fmt: skip
def test_few_values(tmp_path: Path, count: int, order: str, weight: bool, expected: tuple[list[float], ...]) -> None:
    """What CASA 6.7 fits through a few channels of a bandpass; its scatter is over one degree of freedom too many."""
    degree = ("AVERAGE", "LINEAR", "QUADRATIC").index(order)
    more = 1.0 if weight or count == degree + 1 else (count - degree) / (count - degree - 1)
    with open_table(str(unpack("cal.B", tmp_path)), writable=True) as table:
        flag = np.ones(table.getcol("FLAG").shape, bool)
        flag[:, [1, 3, 4, 6][:count]] = False
        table.putcol("FLAG", flag)
    ca = calanalysis()
    ca.open(str(tmp_path / "cal.B"))
    fit = ca.fit(antenna="EA02", axis="TIME", order=order, weight=weight)["0"]
    assert fit["validFit"]
    for name, wanted, factor in zip(("pars", "vars", "covars"), expected, (1.0, more, more), strict=True):
        np.testing.assert_allclose(fit[name], np.array(wanted) * factor, rtol=1e-4, atol=1e-30 if weight else 1e-12, err_msg=name)
    assert fit["redChi2"] == 1 or weight


def test_robust_fits_leave_outliers_aside() -> None:
    """CASA 6.7 takes ROBUST for LSQ: a mean of 1.44 here."""
    y = np.array([0.99, 1.0, 1.01, 4.5, 1.02, 0.98, 1.0, 1.01])
    for weight in (False, True):
        fit = fit_series(_record(y), FitOptions(kind="ROBUST", weight=weight))
        assert abs(fit["pars"][0] - 1.0) < 0.02
        assert 0.001 < np.sqrt(fit["vars"][0]) < (0.01 if not weight else 0.05)


def test_robust_fits_that_go_through_all_values() -> None:
    flat = fit_series(_record(np.full(5, 1.25)), FitOptions("LINEAR", "ROBUST", weight=True))
    np.testing.assert_allclose(flat["model"], 1.25, rtol=1e-12)
    two = fit_series(_record(np.array([0.5, 1.5]), None), FitOptions("LINEAR", "ROBUST"))
    np.testing.assert_allclose(two["model"], [0.5, 1.5], rtol=1e-6)


def test_windows_and_fields_without_solutions(shared_input: Callable[[str], str]) -> None:
    """CASA 6.7 gives empty records, or ends the process."""
    path = shared_input("cal.B")
    table = CalTable.open(path)
    table.spw_id = np.ones_like(table.spw_id)
    table.groups = [group for group in table.groups if (table.spw_id[group.rows] == 1).any()]
    ca = calanalysis()
    ca.open(path)
    ca._open = table
    with pytest.raises(SelectionError, match="no solutions of the spectral windows"):
        ca.get(spw="0")


def test_delays_are_numbers(tmp_path: Path) -> None:
    ca = calanalysis()
    ca.open(str(unpack("cal.K", tmp_path)))
    series = ca.get()
    assert (ca.antenna2(), ca.antenna2(False)) == (["NoName"], ["-1"])
    assert {s["rap"] for s in series.values()} == {"REAL"} and not any("norm" in s for s in series.values())


def test_bandpass_series_are_normalised(tmp_path: Path) -> None:
    ca = calanalysis()
    ca.open(str(unpack("cal.B", tmp_path)))
    series = ca.get(antenna=["EA02"], spw=["0"], axis="TIME", norm=True)["0"]
    assert len(series["value"]) == 8
    assert series["value"].max() == pytest.approx(1)  # as in CASA 6.7: the largest, not the mean
    np.testing.assert_allclose(
        ca.get(antenna=["EA02"], spw=["0"], axis="TIME")["0"]["value"] / series["value"], 1.12059066, rtol=1e-6
    )
    fit = ca.fit(antenna=["EA02"], spw=["0"], order="QUADRATIC")["0"]
    assert fit["validFit"] and np.abs(fit["res"]).max() < 0.02


@pytest.mark.parametrize(
    ("near_rad", "turns"),
    [
        # Ends of the steps of -5.5, 5.3 and -4.5: 0.34 and 0.44, 0.44 and 0.54, 0.54 and 1.24 rad from half a turn.
        (0.3, [0, 0, 0, 0]), (0.5, [0, 1, 1, 1]), (0.6, [0, 1, 0, 0]), (1.3, [0, 1, 0, 1]), (4.0, [0, 1, 0, 1]),
        (0.0, [0, 1, 0, 1]),  # the smallest steps
    ],
)  # fmt: skip
def test_jumps_that_are_turns(near_rad: float, turns: list[int]) -> None:
    """What CASA 6.7 follows, but for 4: it also takes steps below half a turn for turns there. A flagged value goes with the one before."""
    phase = np.array([2.8, -2.7, 2.6, -1.9])
    np.testing.assert_allclose(_followed(phase, np.ones(4, bool), near_rad, None), phase + 2 * np.pi * np.array(turns))
    flagged, good = np.insert(phase, 2, 0.3), np.array([True, True, False, True, True])
    np.testing.assert_allclose(
        _followed(flagged, good, near_rad, None), flagged + 2 * np.pi * np.insert(np.array(turns), 2, turns[1])
    )


def test_phases_of_a_spectrum_follow_its_delay() -> None:
    """As in CASA 6.7: steps of 2.5 rad a channel with noise, and 5 across flagged channels, are no turns back."""
    rng = np.random.default_rng(4)
    true = 2.5 * np.arange(64) + rng.normal(0, 0.4, 64)
    good = np.ones(64, bool)
    good[20:23] = good[40] = False
    wrapped = np.angle(np.exp(1j * true))
    followed = _followed(wrapped, good, 0.0, 1e9 + 1e6 * np.arange(64))
    np.testing.assert_allclose((followed - true)[good], (followed - true)[0], atol=1e-9)
    assert not np.allclose(_followed(wrapped, good, 0.0, None)[good][1:], followed[good][1:])


def test_jumpmax_of_the_tool(shared_input: Callable[[str], str]) -> None:
    path = shared_input("cal.B")
    table = CalTable.open(path)
    for group in table.groups:
        group.flag[...] = False
        group.param[...] = np.exp(1j * np.cumsum(np.full(group.param.shape, 2.5), axis=1))
    table.write(path)
    ca = calanalysis()
    ca.open(path)
    spans = [np.ptp(ca.get(axis="TIME", ap="PHASE", unwrap=True, jumpmax=jump)["0"]["value"][:4]) for jump in (0.0, 0.1)]
    assert spans[0] == pytest.approx(7.5, abs=1e-5) and spans[1] < 2 * np.pi
    with pytest.raises(ParameterError, match="'jumpmax' must not be negative"):
        ca.get(axis="TIME", ap="PHASE", unwrap=True, jumpmax=-1.0)
