"""Interpolation of visibilities between channels."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.spectral_regrid import interpolate_channels, nearest_channels

FREQ = np.array([1.0, 2.0, 3.5, 4.0, 5.0, 6.0])
TARGET = np.array([1.25, 2.5, 3.6, 4.0, 5.9])


def run(order: int, weight: np.ndarray | None = None, values: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    values = FREQ**3 - 2 * FREQ if values is None else values
    vis = np.ascontiguousarray(values[None, None].astype(np.complex64))
    weight = np.ones((1, len(FREQ)), np.float32) if weight is None else weight
    out, out_weight = np.zeros((1, 1, len(TARGET)), np.complex64), np.zeros((1, len(TARGET)), np.float32)
    interpolate_channels(vis, weight, FREQ, np.ones(1), TARGET, 0.1, 1, order, out, out_weight)
    return out[0, 0].real, out_weight[0]


def test_cubic_is_exact_for_cubics_inside_and_linear_at_the_ends() -> None:
    found, _ = run(3)
    expected = TARGET**3 - 2 * TARGET
    assert found[1:4] == pytest.approx(expected[1:4], rel=1e-6)
    linear, _ = run(1)
    assert found[[0, 4]] == pytest.approx(linear[[0, 4]])
    assert linear == pytest.approx(np.interp(TARGET, FREQ, FREQ**3 - 2 * FREQ), rel=1e-6)


def test_cubic_is_linear_beside_flagged_channels_and_lost_on_them() -> None:
    weight = np.ones((1, len(FREQ)), np.float32)
    weight[0, 3] = 0
    found, left = run(3, weight)
    linear, _ = run(1, weight)
    assert found[1] == pytest.approx(linear[1])
    assert list(left > 0) == [True, True, False, False, True]


def test_nearest() -> None:
    found, _ = run(0)
    assert found == pytest.approx(FREQ[[0, 1, 2, 3, 5]] ** 3 - 2 * FREQ[[0, 1, 2, 3, 5]], rel=1e-6)


def test_every_channel_counts_in_the_nearest_one_once() -> None:
    freq = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    vis = (freq + 1j)[None, None].astype(np.complex64)
    weight = np.array([[1, 1, 2, 1, 0, 1, 1]], np.float32)
    out, out_weight = np.zeros((1, 1, 2), np.complex64), np.zeros((1, 2), np.float32)
    # Channels 1.45-3.95 and 3.95-6.45 after all frequencies have been divided by 1.1.
    nearest_channels(vis, weight, freq / 1.1, np.full(1, 1.1), 2.7, 2.5, out, out_weight)
    assert out_weight[0] == pytest.approx([3, 2])
    assert out[0, 0] == pytest.approx(np.array([(2 + 2 * 3) / 3, (4 + 6) / 2]) + 1j)
    nearest_channels(vis, weight, freq, np.ones(1), 5.2, -2.5, out, out_weight)
    assert out_weight[0] == pytest.approx([2, 3])


def test_a_channel_that_is_hit_to_a_millionth_does_not_need_its_neighbour() -> None:
    """As the first channels of LSRK cubes some integrations after the first."""
    freq, target = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0])
    vis, weight = np.ones((1, 3, 3), np.complex64), np.ones((3, 3), np.float32)
    weight[:, 0] = 0
    out, out_weight = np.zeros((1, 3, 2), np.complex64), np.zeros((3, 2), np.float32)
    interpolate_channels(vis, weight, freq, np.array([1.0, 1 + 4e-7, 1 + 4e-6]), target, 1.0, 1, 1, out, out_weight)
    assert out_weight.tolist() == [[0, 1], [0, 1], [0, 0]]
