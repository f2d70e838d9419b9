"""SumThreshold: loops against slow ones, detection and false alarms on injected interference beside the other modes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from casacore.tables import table

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
        ("sumthreshold", 5.0, 0.90, 0.012),
        ("sumthreshold", 30.0, 0.98, 0.025),
        ("rflag", 10.0, 0.95, 0.01),
        ("tfcrop", 30.0, 0.80, 0.005),
    ],
)
def test_rates_on_injected_interference(benchmark_module: Any, mode: str, strength: float, found: float, wrong: float) -> None:
    hits, alarms = benchmark_module.rates(mode, strength)
    assert hits > found and alarms < wrong


def test_clean_noise_is_left_alone(benchmark_module: Any) -> None:
    assert benchmark_module.rates("sumthreshold", 0.0)[1] < 5e-3


def test_threshold_line_agrees_with_a_slow_one() -> None:
    rng = np.random.default_rng(4)
    values, bad = rng.normal(size=40), rng.random(40) < 0.2
    for length in (1, 2, 8):
        out, slow, expected = np.zeros(40, bool), np.zeros(40, bool), np.zeros(40, bool)
        loops.threshold_line(values, bad, length, 0.7, out)
        loops.threshold_line.py_func(values, bad, length, 0.7, slow)
        for k in range(40 - length + 1):
            good = values[k : k + length][~bad[k : k + length]]
            expected[k : k + length] |= bool(len(good) and abs(good.mean()) > 0.7)
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(slow, expected)


def test_dilation_is_the_rank_operator() -> None:
    flags = np.random.default_rng(6).random(30) < 0.3
    out = np.zeros(30, bool)
    loops.dilate(flags, 0.2, out)
    expected = np.zeros(30, bool)
    for low in range(30):
        for high in range(low + 1, 31):
            if flags[low:high].mean() >= 0.8 - 1e-12:
                expected[low:high] = True
    np.testing.assert_array_equal(out, expected)


def test_background_follows_slopes_around_flags() -> None:
    t, chan = np.mgrid[0:30, 0:40]
    plane = 3.0 + 0.2 * t - 0.1 * chan
    bad = np.zeros(plane.shape, bool)
    bad[10:13], plane[10:13] = True, 99.0
    out = np.zeros(plane.shape)
    loops.smooth_background(plane, bad, gaussian_taps(3.0), gaussian_taps(4.0), out)
    np.testing.assert_allclose(out, 3.0 + 0.2 * t - 0.1 * chan, atol=1e-9)
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


@pytest.mark.parametrize("options", [{"strategy": "best"}, {"threshold": -1.0}, {"share": 1.5}])
def test_refused(copied: str, options: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(options))):
        run_commands(copied, [make_command({"mode": "sumthreshold", **options})])
