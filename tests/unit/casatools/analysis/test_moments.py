"""Moments against a slow transcription of their definitions, line by line."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.analysis.moments import MOMENT_SUFFIXES, compute_moments, is_velocity_moment
from casatools.analysis.pixel_ranges import PixelRange

RNG = np.random.default_rng(5)
VALUES = RNG.uniform(0.1, 2.0, (12, 3, 4)).astype(np.float32)
GOOD = RNG.random((12, 3, 4)) < 0.7
GOOD[:, 0, 0] = False
X = np.linspace(-30.0, 30.0, 12)


def slow(line: np.ndarray, good: np.ndarray, moment: int) -> float | None:
    v, x = line[good].astype(float), X[good]
    if not len(v):
        return None
    mean = v.mean()
    first = (v * x).sum() / v.sum()
    return float({
        -1: mean, 0: v.sum() * 5.0, 1: first, 2: np.sqrt((v * (x - first) ** 2).sum() / v.sum()), 3: np.median(v),
        5: v.std(ddof=1) if len(v) > 1 else np.nan, 6: np.sqrt((v**2).mean()), 7: np.abs(v - mean).mean(), 8: v.max(), 9: x[v.argmax()],
        10: v.min(), 11: x[v.argmin()],
    }[moment])  # fmt: skip


@pytest.mark.parametrize("moment", [m for m in MOMENT_SUFFIXES if m != 4])
def test_definition(moment: int) -> None:
    values, defined = compute_moments(VALUES, GOOD, X, 5.0, [moment])[moment]
    for place in np.ndindex(3, 4):
        expected = slow(VALUES[:, *place], GOOD[:, *place], moment)
        assert defined[place] == (expected is not None)
        if expected is not None:
            assert values[place] == pytest.approx(expected, rel=1e-6)


def test_median_coordinate_of_a_symmetric_line() -> None:
    line = np.exp(-((X - X[5]) ** 2) / 50.0)[:, None].astype(np.float32)
    found, defined = compute_moments(line, None, X, 1.0, [4])[4]
    assert defined.all()
    assert found[0] == pytest.approx(X[5] - 0.5 * (X[1] - X[0]), abs=0.5 * (X[1] - X[0]))


def test_unknown_moment_and_kinds() -> None:
    with pytest.raises(ParameterError, match="no moment 12"):
        compute_moments(VALUES, None, X, 1.0, [12])
    assert is_velocity_moment(1)
    assert not is_velocity_moment(0)


def test_pixel_ranges() -> None:
    values = np.array([-2.0, -0.5, 0.5, 2.0])
    assert PixelRange.from_parameters(-1, -1).narrow(values, None) is None
    np.testing.assert_array_equal(PixelRange.from_parameters([0, 3], -1).narrow(values, None), [False, False, True, True])
    np.testing.assert_array_equal(PixelRange.from_parameters(-1, [1]).narrow(values, None), [True, False, False, True])
    good = np.array([True, True, False, True])
    np.testing.assert_array_equal(PixelRange.from_parameters(1, None).narrow(values, good), [False, True, False, False])
    for bad in (([1, 2], [3, 4]), ([1, 2, 3], -1), ("x", -1)):
        with pytest.raises(ParameterError, match="includepix"):
            PixelRange.from_parameters(*bad)


def test_median_coordinate_is_that_of_a_channel() -> None:
    """Observed on CASA 6.7: the channel at which the running sum reaches half, not a place between channels."""
    line = np.array([0, 0.3, 1, 2, 5, 7, 3, 1, 0.2])[:, None]
    x = np.arange(9.0)
    for sign in (1.0, -1.0):
        found, defined = compute_moments(sign * line, None, x, 1.0, [4])[4]
        assert defined.all() and found[0] == 5.0


def test_width_where_the_sum_of_squares_is_negative() -> None:
    line, x = np.array([3.0, -1.0, 1.0, -2.0])[:, None], np.arange(4.0)
    first = (line[:, 0] * x).sum() / line.sum()
    square = (line[:, 0] * (x - first) ** 2).sum() / line.sum()
    found, defined = compute_moments(line, None, x, 1.0, [2])[2]
    assert square < 0 and defined.all() and found[0] == pytest.approx(np.sqrt(-square))


def test_median_coordinates_need_a_range_of_one_sign() -> None:
    from casatools.analysis.image_moments import MomentOptions, MomentWindows

    inside = PixelRange.from_parameters([0.1, 9], -1)
    assert MomentOptions((4,), 3, pixels=inside).moments == (4,)
    for pixels, windows in (
        (PixelRange(), MomentWindows()), (PixelRange.from_parameters([-1, 1], -1), MomentWindows()),
        (PixelRange.from_parameters(-1, [0.1, 9]), MomentWindows()), (inside, MomentWindows(methods=("window",))),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match="moment 4"):
            MomentOptions((4,), 3, pixels=pixels, windows=windows)
