"""Extension of flags against a slow transcription."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.flag_extension import extend_baselines, neighbours


def test_neighbours() -> None:
    flags = np.zeros((3, 3, 1), bool)
    flags[0, 0], flags[1, 1], flags[2, 2] = True, True, True
    times = np.array([0, 1, 2])
    assert neighbours(flags, times, 1, 1, 0) == neighbours.py_func(flags, times, 1, 1, 0) == 2
    assert neighbours(flags, np.array([0, 1, -1]), 1, 1, 0) == neighbours.py_func(flags, np.array([0, 1, -1]), 1, 1, 0) == 1


@pytest.mark.parametrize(
    ("growtime", "growfreq", "rules"),
    [
        (30.0, 100.0, (False, False, False)),
        (0.0, 50.0, (False, False, False)),
        (0.0, 0.0, (True, True, True)),
        (50.0, 50.0, (True, True, True)),
    ],
)
def test_extension(growtime: float, growfreq: float, rules: tuple[bool, bool, bool]) -> None:
    flags = np.random.default_rng(2).random((12, 6, 2)) < 0.3
    index = np.arange(12).reshape(6, 2).T.copy()
    index[1, 5] = -1
    out, slow = flags.copy(), flags.copy()
    extend_baselines(flags, index, (0, 2), growtime, growfreq, rules, out)
    extend_baselines.py_func(flags, index, (0, 2), growtime, growfreq, rules, slow)
    np.testing.assert_array_equal(out, slow)
    plane = flags[index[0]]
    near = plane.copy()
    if rules[0]:
        padded = np.pad(plane, ((1, 1), (1, 1), (0, 0))).astype(int)
        near |= sum(padded[a : a + 6, b : b + 6] for a in range(3) for b in range(3)) - plane > 4
        near[1:] |= plane[:-1]
        near[:-1] |= plane[1:]
        near[:, 1:] |= plane[:, :-1]
        near[:, :-1] |= plane[:, 1:]
    expected = near.copy()
    if growtime:
        expected |= (near.mean(axis=0) >= growtime / 100)[None]
    if 0 < growfreq < 100:
        expected |= (near.mean(axis=1) >= growfreq / 100)[:, None]
    np.testing.assert_array_equal(out[index[0]], expected)
