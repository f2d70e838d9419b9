"""SumThreshold: loops against slow ones, detection and false alarms on injected interference beside the other modes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from casacore.tables import table

from casatasks import flagdata
from casatools._base.errors import ParameterError
from casatools.flagging.commands import make_command
from casatools.flagging.run import run_commands
from casatools.flagging.sumthreshold import STRATEGIES, gaussian_taps, strategy_for
from casatools.kernels import sum_threshold as loops


@pytest.fixture(scope="module")
def benchmark_module() -> ModuleType:
    path = Path(__file__).resolve().parents[4] / "benchmarks" / "flagging.py"
    spec = importlib.util.spec_from_file_location("flagging_benchmark", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("mode", "strength", "found", "wrong"),
    [
        ("sumthreshold", 5.0, 0.90, 0.008),
        ("sumthreshold", 30.0, 0.98, 0.02),
        ("rflag", 10.0, 0.95, 0.01),
        ("tfcrop", 30.0, 0.80, 0.005),
    ],
)
def test_rates_on_injected_interference(benchmark_module: Any, mode: str, strength: float, found: float, wrong: float) -> None:
    hits, alarms = benchmark_module.rates(mode, strength)
    assert hits > found and alarms < wrong


def test_speeds_are_told_beside_what_is_asked(benchmark_module: Any) -> None:
    seconds = {
        ("ours", "tfcrop"): 2.0, ("reference", "tfcrop"): 9.0, ("ours", "sumthreshold"): 2.0, ("aoflagger", "sumthreshold"): 5.0,
        ("ours", "list of 1"): 0.1, ("ours", "list of 100"): 0.15,
    }  # fmt: skip
    lines = {line.split("  ")[0].strip(): line.split() for line in benchmark_module.speed_table(seconds).splitlines()}
    assert lines["tfcrop"] == ["tfcrop", "2.000", "9.000", "-", "4.50", "5", "MISSED"]
    assert lines["sumthreshold"] == ["sumthreshold", "2.000", "-", "5.000", "2.50", "1", "met"]
    assert "a list of 100 on the same rows takes 1.50 times a list of 1 (ours)" in benchmark_module.speed_table(seconds)


def test_clean_noise_is_left_alone(benchmark_module: Any) -> None:
    assert benchmark_module.rates("sumthreshold", 0.0)[1] < 3e-3


def test_runs_agree_with_slow_ones() -> None:
    rng = np.random.default_rng(4)
    plane, bad = rng.normal(size=(40, 3)).astype(np.float32), rng.random((40, 3)) < 0.2
    for length in (1, 2, 8):
        out, slow, expected = (np.zeros(plane.shape, bool) for _ in range(3))
        # Without a scatter to compare with, limits stay as they are.
        assert loops.threshold_axis(plane, bad, length, 0.7, 0.0, out)
        assert not loops.threshold_axis(plane, bad, length, 7.0, 0.0, out)
        loops.threshold_axis.py_func(plane, bad, length, 0.7, 0.0, slow)
        for series in range(3):
            for k in range(40 - length + 1):
                good = plane[k : k + length, series][~bad[k : k + length, series]]
                expected[k : k + length, series] |= bool(len(good) and abs(good.mean()) > 0.7)
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(slow, expected)


def test_structure_that_does_not_average_down_raises_the_limit() -> None:
    rng = np.random.default_rng(5)
    bad = np.zeros((400, 8), bool)
    noise = rng.normal(size=(400, 8)).astype(np.float32)
    waves = (noise + 2 * np.sin(np.arange(400) / 20)[:, None]).astype(np.float32)
    for plane, low, high in ((noise, 1.0, 1.25), (waves, 3.0, 8.0)):
        means, counts = np.empty_like(plane), np.empty_like(plane)
        loops.run_means(plane, bad, 16, means, counts)
        found, slow = loops.excess(means, counts, 16, 1.0), loops.excess.py_func(means, counts, 16, 1.0)
        assert low <= found <= high and slow == pytest.approx(found)
    assert loops.excess(means[:20], counts[:20], 16, 1.0) == 1.0
    slow_means, slow_counts = np.empty_like(plane), np.empty_like(plane)
    loops.run_means.py_func(plane, bad, 16, slow_means, slow_counts)
    np.testing.assert_allclose(slow_means, means, rtol=1e-5, atol=1e-6)
    quiet, loud = bad.copy(), bad.copy()
    loops.sum_threshold(noise, quiet, 5.0, 1.0)
    loops.sum_threshold(waves, loud, 5.0, 1.0)
    assert quiet.mean() < 0.01 and loud.mean() < 0.05


def test_parts_of_visibilities() -> None:
    values = (np.arange(6).reshape(3, 2, 1) * (3 - 4j)).astype(np.complex64)
    hidden = np.zeros(values.shape, bool)
    hidden[2, 1] = True
    for part, take in enumerate((np.abs, np.real, np.imag, np.angle)):
        plane, before = np.empty((4, 2), np.float32), np.empty((4, 2), bool)
        loops.load_plane(values, hidden, np.array([2, 0, -1, 1]), 0, part, plane, before)
        expected = np.ma.masked_array(take(values[[2, 0, 0, 1], :, 0]), before)
        np.testing.assert_array_equal(before, [[False, True], [False, False], [True, True], [False, False]])
        np.testing.assert_allclose(plane[~before], (expected - expected.mean()).compressed(), atol=1e-5)


def test_dilation_is_the_rank_operator() -> None:
    pair = np.random.default_rng(6).random((30, 2)) < 0.3
    out = np.zeros((30, 2), bool)
    loops.dilate(pair, 0.2, out)
    slow = np.zeros((30, 2), bool)
    loops.dilate.py_func(pair, 0.2, slow)
    np.testing.assert_array_equal(out, slow)
    flags = pair[:, 0]
    expected = np.zeros(30, bool)
    for low in range(30):
        for high in range(low + 1, 31):
            if flags[low:high].mean() >= 0.8 - 1e-12:
                expected[low:high] = True
    np.testing.assert_array_equal(out[:, 0], expected)


@pytest.mark.parametrize("count", [1, 100, 511, 512, 513, 4000, 4001])
def test_medians_of_many_by_leading_bits(count: int) -> None:
    """The very number that lies in the middle, and nothing is moved that a caller needs afterwards."""
    values = np.random.default_rng(count).normal(0.1, 1.0, count).astype(np.float32) ** 3
    for held in (values, np.abs(values), np.round(values), np.zeros_like(values), -np.abs(values)):
        expected = np.sort(held)[(count - 1) // 2] if count > 100 else np.median(held)
        given = held.copy()
        assert loops.median_of_many(given, count) == expected
        np.testing.assert_array_equal(np.sort(given), np.sort(held))
    assert loops.median_of_many.py_func(values.copy(), count) == loops.median_of_many(values.copy(), count)


@pytest.mark.parametrize("flagged", ["none", "channels", "some"])
def test_lines_are_weighted_least_squares(flagged: str) -> None:
    """Also where the sums of weights of a sample before are taken."""
    rng = np.random.default_rng(8)
    values, weight = rng.normal(size=(23, 5)).astype(np.float32), np.ones((23, 5), np.float32)
    weight[(slice(None), 2) if flagged == "channels" else rng.random((23, 5)) < (0.3 if flagged == "some" else 0.0)] = 0.0
    taps = gaussian_taps(2.0)
    fit, total = np.empty_like(values), np.empty_like(values)
    loops.smooth_axis(weight, weight * values, taps, fit, total)
    assert loops.is_even(weight) == loops.is_even.py_func(weight) == (flagged != "some")
    half = len(taps) // 2
    for k in (0, 3, 11, 12, 22):
        m = np.arange(max(0, k - half), min(23, k + half + 1))
        for c in range(5):
            each = taps[m - k + half] * weight[m, c]
            assert total[k, c] == pytest.approx(each.sum(), rel=1e-5)
            if each.sum() > 0:
                line = np.polyfit(m - k, values[m, c], 1, w=np.sqrt(each.astype(np.float64)))
                assert fit[k, c] == pytest.approx(line[1], rel=1e-3, abs=1e-4)


def test_background_follows_slopes_around_flags() -> None:
    t, chan = np.mgrid[0:30, 0:40]
    plane = (3.0 + 0.2 * t - 0.1 * chan).astype(np.float32)
    bad = np.zeros(plane.shape, bool)
    bad[10:13], plane[10:13] = True, 99.0
    out = np.zeros(plane.shape, np.float32)
    loops.smooth_background(plane, bad, gaussian_taps(3.0), gaussian_taps(4.0), out)
    np.testing.assert_allclose(out, 3.0 + 0.2 * t - 0.1 * chan, atol=2e-5)
    assert loops.robust_level(plane, np.ones_like(bad)) == (0.0, 0.0)


def test_strategies() -> None:
    assert [strategy_for(f) for f in (1.5e8, 1.4e9, 1e11)] == [STRATEGIES[k] for k in ("low", "decimetre", "high")]


def test_in_a_list_over_a_measurement_set(copied: str) -> None:
    t = table(copied, ack=False)
    before = t.getcol("FLAG")
    t.close()
    run_commands(
        copied,
        [make_command({"mode": "sumthreshold", "correlation": "ABS_ALL", "threshold": 8.0}), make_command({"mode": "summary"})],
    )
    t = table(copied, ack=False)
    after = t.getcol("FLAG")
    t.close()
    assert (after & before).sum() == before.sum() < after.sum() and after[5, 3].all()


def test_as_a_mode_of_the_task(copied: str) -> None:
    trial = flagdata(copied, mode="list", inpfile=["mode='sumthreshold'", "mode='summary'"], action="calculate")
    flagdata(copied, mode="sumthreshold", flagbackup=False)
    assert flagdata(copied, mode="summary")["flagged"] == trial["flagged"]


@pytest.mark.parametrize("options", [{"strategy": "best"}, {"threshold": -1.0}, {"share": 1.5}])
def test_refused(copied: str, options: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(options))):
        run_commands(copied, [make_command({"mode": "sumthreshold", **options})])
