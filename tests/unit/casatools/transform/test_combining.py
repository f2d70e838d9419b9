"""Combined spectral windows: bins as CASA 6.7 makes them, and rows joined."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import DataError
from casatools.transform.blocks import Block
from casatools.transform.combining import combination_of, combine_blocks, uniform_channels
from casatools.transform.spectral_grid import InputChannels


def window(first: float, width: float = 4.0, count: int = 8, falling: bool = False) -> InputChannels:
    """Channels whose centres begin at `first`."""
    low = first - 0.5 * width + width * np.arange(count)
    return InputChannels(low, low + width, falling)


def shares(combination, k: int) -> dict[int, float]:
    """Normalised share of each channel in a bin."""
    part = slice(combination.first[k], combination.first[k + 1])
    total = combination.share[part].sum()
    return {int(i): round(float(s / total), 4) for i, s in zip(combination.index[part], combination.share[part], strict=True)}


def test_half_overlapping_channels() -> None:
    found = combination_of({0: window(1400), 1: window(1422)})
    assert shares(found, 5) == {5: 1.0}  # covered on one side only
    assert shares(found, 6) == {6: 0.5, 8: 0.25, 9: 0.25}
    assert shares(found, 7) == {7: 0.5, 10: 0.5} and found.high_hz[7] == 1432  # extended to the channel across its end
    assert shares(found, 8) == {11: 1.0} and len(found.low_hz) == 13
    assert len(uniform_channels(found).low_hz) == 13


def test_narrower_wider_enclosed_and_lower_windows() -> None:
    narrow = combination_of({0: window(1400), 1: window(1420, 3)})
    assert shares(narrow, 5) == {5: 0.5, 8: 0.5} and shares(narrow, 6) == {6: 0.4286, 9: 0.3571, 10: 0.2143}
    wide = combination_of({0: window(1400), 1: window(1421, 6)})
    assert shares(wide, 6) == {6: 0.6, 8: 0.2, 9: 0.2} and shares(wide, 7) == {7: 1.0}
    inside = combination_of({0: window(1400), 1: window(1409, 1)})
    assert shares(inside, 2) == {2: 0.5, 8: 0.5} and shares(inside, 3) == {3: 0.2, 9: 0.1, 10: 0.2, 11: 0.2, 12: 0.2, 13: 0.1}
    lower = combination_of({0: window(1400), 1: window(1382)})
    assert shares(lower, 4) == {12: 1.0} and shares(lower, 5) == {13: 0.5, 0: 0.25, 1: 0.25}


def test_three_windows_of_different_channel_counts() -> None:
    found = combination_of({0: window(0, 1, 4), 2: window(4, 1, 2), 5: window(10, 1, 3, True)})
    assert found.offsets == {0: 0, 2: 4, 5: 6} and len(found.low_hz) == 9 and found.reverse == {5}


def block(spw: int, start: int, values: np.ndarray, slots: int) -> Block:
    n = slots
    shape = (n, len(values), 1)
    weight = np.full((n, 1, 1), spw + 1.0, dtype=np.float32)
    rows = {"TIME": np.arange(n) + 0.0, "FLAG_ROW": np.zeros(n, dtype=bool)}
    data = np.broadcast_to(values.astype(np.complex64)[None, :, None], shape).copy()
    return Block(spw, spw, start, rows, {"DATA": data}, np.zeros(shape, bool), weight, weight, weight[:, 0], weight[:, 0])


def test_rows_are_joined_and_missing_windows_flagged() -> None:
    combination = combination_of({0: window(0, 1, 3), 1: window(3, 1, 2, True)})
    blocks = [block(0, 0, np.arange(3), 2), block(1, 1, np.array([20, 10]), 1), block(0, 2, np.arange(3), 1)]
    slots = {0: np.array([0, 1]), 1: np.array([1]), 2: np.array([2])}
    found = list(combine_blocks(blocks, combination, slots, {0: 0, 1: 0, 2: 1}, 7))
    assert [len(b.flag) for b in found] == [2, 1] and found[0].ddid == 7
    np.testing.assert_array_equal(found[0].data["DATA"][:, :, 0].real, [[0, 1, 2, 0, 0], [0, 1, 2, 10, 20]])
    np.testing.assert_array_equal(found[0].flag[:, :, 0], [[False] * 3 + [True] * 2, [False] * 5])
    np.testing.assert_allclose(found[0].weight[:, 0], [1.0, 7 / 5])
    other = block(1, 1, np.array([1.0, 2.0]), 1)
    other.flag = np.zeros((1, 2, 2), bool)
    with pytest.raises(DataError, match="correlations"):
        list(combine_blocks([blocks[0], other], combination, slots, {0: 0, 1: 0}, 0))
