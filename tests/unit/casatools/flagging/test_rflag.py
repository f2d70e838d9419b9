"""rflag against thresholds and flags of CASA 6.7 on the same data, and its loops against slow ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from casacore.tables import table

from casatools._base.errors import ParameterError
from casatools.flagging.averaged import time_bins
from casatools.flagging.commands import make_command
from casatools.flagging.detecting import average_rows, lay_out
from casatools.flagging.rflag import middle_value, read_thresholds, robust_level
from casatools.flagging.run import run_commands
from casatools.kernels import rflag as loops

# Name: (command, flags set, thresholds in time and frequency of field 0 in spectral window 0 or 1) as CASA 6.7.0 gives them.
REFERENCE: dict[str, tuple[dict[str, Any], int, float, float]] = {
    "default": ({}, 5404, 1.3496524640779501, 1.443346667060481),
    "scans together": ({"combinescans": True, "timedevscale": 3.0}, 9429, 1.3496524640779501, 1.443346667060481),
    "part of a window": ({"spw": "1:1~6", "winsize": 5}, 4422, 1.3516141569927562, 1.0572440661698574),
    "averaged channels": ({"channelavg": True, "chanbin": 2}, 5928, 1.3368519096596032, 1.6895816045369374),
    "averaged times": ({"timeavg": True, "timebin": "40s"}, 5770, 1.4969404628692595, 1.4382293288822614),
}
GIVEN = {"timedev": [[0, 0, 0.3], [1, 1, 0.2]], "freqdev": [[0, 0, 0.3]]}


def flag_count(path: str) -> int:
    t = table(path, ack=False)
    try:
        return int(t.getcol("FLAG").sum())
    finally:
        t.close()


@pytest.mark.parametrize("name", REFERENCE)
def test_as_the_reference(copied: str, name: str) -> None:
    command, flags, in_time, in_frequency = REFERENCE[name]
    report = run_commands(copied, [make_command({"mode": "rflag", "extendflags": False, **command})])[0]
    assert flag_count(copied) == flags
    np.testing.assert_allclose(report["timedev"][0][2], in_time, rtol=1e-5)
    np.testing.assert_allclose(report["freqdev"][0][2], in_frequency, rtol=1e-6)


def test_given_thresholds_as_the_reference(copied: str) -> None:
    run_commands(copied, [make_command({"mode": "rflag", "extendflags": False, **GIVEN})])
    assert flag_count(copied) == 6462


def test_spectra_beyond_limits(copied: str) -> None:
    options = {"mode": "rflag", "extendflags": False, "timedev": 1e9, "freqdev": 1e9}
    run_commands(copied, [make_command({**options, "spectralmax": 60.0})])
    t = table(copied, ack=False)
    flags, data = t.getcol("FLAG"), t.getcol("DATA")
    t.close()
    assert flags[7, :, 0].all() is np.bool_(
        np.abs(data[7, :, 0]).std() > 60.0
    )  # a spectrum that is high throughout does not scatter
    assert flags[5].all()  # one channel is 200 above the others


@pytest.mark.parametrize("count", [1, 2, 5, 8, 100, 101, 102])
def test_median_in_place(count: int) -> None:
    values = np.random.default_rng(count).integers(0, 9, count).astype(np.float32)
    expected = np.sort(values)[(count - 1) // 2] if count > 100 else np.median(values)
    assert loops.median_in_place(values.copy(), count) == expected
    assert loops.median_in_place.py_func(values.copy(), count) == expected
    assert middle_value(values) == expected


@pytest.mark.parametrize("count", [1, 2, 3, 5, 31, 64, 101, 130])
def test_columns_in_order_and_their_medians(count: int) -> None:
    given = np.random.default_rng(count).normal(size=(count, 3)).astype(np.float32)
    there = np.array([count, max(0, count - 2), 0])
    for k, few in enumerate(there):
        given[few:, k] = np.inf
    for sort, take in ((loops.sort_columns, loops.middles), (loops.sort_columns.py_func, loops.middles.py_func)):
        series, out = given.copy(), np.empty(3)
        sort(series)
        np.testing.assert_array_equal(series, np.sort(given, axis=0))
        take(series, there, out)
        expected = [loops.median_in_place(given[:few, k].copy(), few) if few else 0.0 for k, few in enumerate(there)]
        np.testing.assert_array_equal(out, expected)


def scatter_of(seen: np.ndarray) -> float:
    """Standard deviation of complex values, from squares in single precision."""
    parts = [(p * p).mean(dtype=np.float64) - p.mean(dtype=np.float64) ** 2 for p in (seen.real, seen.imag)]
    return float(np.sqrt(sum(max(0.0, p) for p in parts)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(10.0, 0.0), (100.3, 0.014426706952706644), (-16.081879 - 11.791248j, 0.0034044351), (15.75626 + 10.620758j, 0.0)],
)
def test_windows_of_one_sample_scatter_as_in_the_reference(value: complex, expected: float) -> None:
    """By what is left of rounding its square to single precision; numbers of CASA 6.7.0 for winsize=1."""
    total, count, scatter = np.zeros((1, 1)), np.zeros((1, 1), np.int64), np.zeros((1, 1, 1), np.float32)
    values = np.full((1, 1, 1), value, np.complex64)
    loops.sum_windows(values, np.zeros((1, 1, 1), bool), np.zeros((1, 1), np.int64), 0, (0, 1), total, count, scatter)
    assert total[0, 0] == pytest.approx(expected, rel=2e-3, abs=1e-9) and count[0, 0] == 1


def test_loops_agree_with_slow_ones() -> None:
    rng = np.random.default_rng(3)
    values = (rng.normal(size=(14, 5, 2)) + 1j * rng.normal(size=(14, 5, 2))).astype(np.complex64)
    hidden = rng.random(values.shape) < 0.2
    index = np.arange(14).reshape(7, 2).T.copy()
    hidden[index[1, 3]] = True
    total, count = np.zeros((2, 5)), np.zeros((2, 5), np.int64)
    scatter = np.zeros(values.shape, np.float32)
    loops.sum_windows(values, hidden, index, 1, (0, 2), total, count, scatter)
    slow_total, slow_count = np.zeros((2, 5)), np.zeros((2, 5), np.int64)
    bad, slow_bad = np.zeros(values.shape, bool), np.zeros(values.shape, bool)
    for baseline in range(2):
        for t in range(1, 6):
            rows = [r for r in index[baseline, t - 1 : t + 2] if r >= 0]
            for chan in range(5):
                for product in range(2):
                    seen = [values[r, chan, product] for r in rows if not hidden[r, chan, product]]
                    if seen:
                        spread = scatter_of(np.array(seen))
                        assert spread == pytest.approx(np.std(np.array(seen, complex)), rel=0.01, abs=1e-3)
                        slow_total[baseline, chan] += spread
                        slow_count[baseline, chan] += 1
                        slow_bad[rows, chan, product] |= spread > 1.0
    np.testing.assert_allclose(total, slow_total, rtol=1e-6)
    np.testing.assert_array_equal(count, slow_count)
    loops.flag_windows(scatter, index, 1, (0, 2), 1.0, bad)
    np.testing.assert_array_equal(bad, slow_bad)
    centre = np.zeros((14, 2, 2))
    loops.centres(values, hidden, (0, 14), centre)
    for row, product in np.ndindex(14, 2):
        seen = values[row, ~hidden[row, :, product], product] if not hidden[row].all() else np.zeros(1, complex)
        np.testing.assert_allclose(centre[row, product], [np.median(seen.real), np.median(seen.imag)], rtol=1e-6)
    found = np.zeros(values.shape, bool)
    loops.flag_departures(values, hidden, centre, (0, 14), 1.2, 0.0, 1e9, found)
    away = np.maximum(abs(values.real - centre[:, None, :, 0]), abs(values.imag - centre[:, None, :, 1]))
    np.testing.assert_array_equal(found, (away > 1.2) & ~hidden)


def test_levels_and_layout() -> None:
    assert robust_level(np.array([2.0, 4.0, 90.0]), np.array([2, 2, 3])) == 2.0 + 1.4826 * 1.0
    index = lay_out(np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([5.0, 5.0, 9.0]))
    np.testing.assert_array_equal(index, [[0, -1], [1, -1], [-1, 2]])


def test_time_bins_as_the_reference() -> None:
    # Six samples 30 s apart: how CASA 6.7.0 joins them, seen by clipping averages of one large sample among small ones.
    times = 30.0 * np.arange(6)
    for width, expected in ((30, "012345"), (31, "001122"), (60, "001122"), (61, "000111"), (90, "000111"), (100, "000011")):
        assert "".join(map(str, time_bins(times, width))) == expected
    np.testing.assert_array_equal(time_bins(times, 1000.0, np.array([0, 0, 0, 1, 1, 1])), [0, 0, 0, 1, 1, 1])


def test_averages_leave_hidden_values_out() -> None:
    values = np.arange(12, dtype=np.float32).reshape(2, 6, 1)
    hidden = np.zeros(values.shape, bool)
    hidden[0, 0], hidden[:, 4:] = True, True
    means, empty = average_rows(values, hidden, np.array([0, 0]), np.array([0, 0, 1, 1, 2, 2]))
    np.testing.assert_allclose(means[0, :, 0], [(1 + 6 + 7) / 3, (2 + 3 + 8 + 9) / 4, 0.0])
    np.testing.assert_array_equal(empty[0, :, 0], [False, False, True])


def test_thresholds_are_read_or_refused(tmp_path: Any) -> None:
    path = tmp_path / "thresholds.txt"
    path.write_text("{'name':'Rflag','timedev':[[1,9,0.03]]}\n")
    assert read_thresholds(str(path), "timedev") == {(1, 9): 0.03}
    assert (
        read_thresholds("", "timedev") is None
        and read_thresholds([], "timedev") is None
        and read_thresholds(0.5, "timedev") == 0.5
    )
    assert read_thresholds([[0.25]], "timedev") == 0.25
    with pytest.raises(ParameterError, match="rows of"):
        read_thresholds([[1.0, 2.0]], "timedev")
    with pytest.raises(ParameterError, match="file that exists"):
        read_thresholds("absent.txt", "timedev")


@pytest.mark.parametrize("compiled", [True, False])
def test_a_series_shorter_than_the_window_narrows_it(compiled: bool) -> None:
    """As the reference, whose threshold of four times with winsize=7 was seen to be that of winsize=3."""
    values = np.array([1, 2, 4, 9], np.complex64).reshape(4, 1, 1)
    hidden, index = np.zeros(values.shape, bool), np.arange(4).reshape(1, 4)
    total, count, scatter = np.zeros((1, 1)), np.zeros((1, 1), np.int64), np.zeros(values.shape, np.float32)
    bad = np.zeros(values.shape, bool)
    sums, flags = (f if compiled else f.py_func for f in (loops.sum_windows, loops.flag_windows))
    sums(values, hidden, index, 3, (0, 1), total, count, scatter)
    assert count[0, 0] == 2
    assert total[0, 0] == pytest.approx(np.std([1, 2, 4]) + np.std([2, 4, 9]))
    flags(scatter, index, 3, (0, 1), 2.0, bad)
    assert bad.ravel().tolist() == [False, True, True, True]


def test_pieces_begin_with_the_first_time_left() -> None:
    """As CASA 6.7.0 on times 20 s apart with ntime=45 (three each, not three and two), and on those of NGC 5921 with 60 s."""
    assert time_bins(np.arange(9) * 20.0, 45.0).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert time_bins(5e9 + np.array([0.0, 30.00297, 59.9998, 90.0]), 60.0).tolist() == [0, 0, 0, 1]


def test_reports_hold_thresholds_that_were_given(copied: str) -> None:
    """Rows in the places of those found, as in the reference; one number for all is not told."""
    calls = [make_command({"mode": "rflag", **given}) for given in ({}, {"timedev": GIVEN["timedev"], "freqdev": 0.5})]
    found, told = (run_commands(copied, [c], write=False)[0] for c in calls)
    expected = found["timedev"].copy()
    expected[(expected[:, 0] == 0) & (expected[:, 1] == 0), 2] = 0.3
    expected[(expected[:, 0] == 1) & (expected[:, 1] == 1), 2] = 0.2
    np.testing.assert_array_equal(told["timedev"], expected)
    assert told["freqdev"].shape == (0, 3) and list(told) == sorted(told)
