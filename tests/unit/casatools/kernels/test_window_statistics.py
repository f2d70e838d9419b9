"""Statistics of windows against numpy; compiled code equals the plain Python it is compiled from."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.window_statistics import STATISTICS, clip_window, gather_window, window_statistic, window_statistics


def expected(values: np.ndarray) -> dict[str, float]:
    ordered = np.sort(values)
    n = len(ordered)
    q1, q3 = ordered[(n + 3) // 4 - 1], ordered[(3 * n + 3) // 4 - 1]
    median = float(np.median(ordered))
    return {
        "npts": n, "sum": values.sum(), "sumsq": (values**2).sum(), "mean": values.mean(), "rms": np.sqrt((values**2).mean()),
        "variance": values.var(ddof=1) if n > 1 else 0.0, "sigma": values.std(ddof=1) if n > 1 else 0.0, "min": ordered[0],
        "max": ordered[-1], "median": median, "q1": q1, "q3": q3, "iqr": q3 - q1, "medabsdevmed": np.median(np.abs(ordered - median)),
    }  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_each_statistic(size: int) -> None:
    values = np.random.default_rng(size).normal(size=size)
    for kind, name in enumerate(STATISTICS):
        for run in (window_statistic, window_statistic.py_func):
            assert run(values.copy(), kind) == pytest.approx(expected(values)[name], abs=1e-12), name


def test_windows_of_a_plane() -> None:
    rng = np.random.default_rng(3)
    plane, good = rng.normal(size=(14, 17)), rng.uniform(size=(14, 17)) > 0.2
    good[:5, :5] = False
    xs, ys = np.array([1, 8, 16]), np.array([0, 7])
    y, x = np.mgrid[:14, :17]
    for reach in (np.array([2.0, 3.0, -1.0]), np.array([3.0, 3.0, 2.5])):
        for run in (window_statistics, window_statistics.py_func):
            out, valid = np.zeros((2, 3)), np.zeros((2, 3), bool)
            run(plane, good, xs, ys, reach, STATISTICS.index("mean"), np.zeros(0), -1, out, valid)
            for j, i in np.ndindex(2, 3):
                inside = (abs(x - xs[i]) <= reach[0]) & (abs(y - ys[j]) <= reach[1])
                if reach[2] >= 0:
                    inside &= np.hypot(x - xs[i], y - ys[j]) <= reach[2]
                chosen = plane[inside & good]
                assert valid[j, i] == (chosen.size > 0)
                assert out[j, i] == pytest.approx(chosen.mean() if chosen.size else 0.0)
    values = np.empty(200)
    assert gather_window.py_func(plane, good, 2, 2, np.array([2.0, 2.0, -1.0]), values) == 0


def test_outliers_are_left_out() -> None:
    values = np.concatenate([np.random.default_rng(1).normal(size=50), [40.0, -30.0]])
    limits = np.full(60, 4.0)
    for run in (clip_window, clip_window.py_func):
        work = values.copy()
        count = run(work, len(work), limits, -1)
        assert count == 50 and set(work[:50]) == set(values[:50])
        assert run(values.copy(), len(values), limits, 0) == len(values)
        assert run(np.array([1.0, 2.0, 3.0]), 3, np.zeros(4), -1) in (1, 3)
    out, valid = np.zeros((1, 1)), np.zeros((1, 1), bool)
    window_statistics(
        values[None], np.ones((1, 52), bool), np.array([26]), np.array([0]), np.array([26.0, 0, -1]), 0, limits, -1, out, valid
    )
    assert out[0, 0] == 50
