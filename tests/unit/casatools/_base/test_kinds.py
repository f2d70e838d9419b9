"""Lists of many numbers become arrays, as strictly as single numbers are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from casatools._base.kinds import FloatVector, Refused


@pytest.mark.parametrize("count", [1, 999, 1000, 2501, 200_000])
def test_lists_of_numbers_are_read_whole(count: int) -> None:
    wanted = np.random.default_rng(1).normal(size=count) * 1e9
    wanted[count // 2] = np.nan
    for given in (wanted.tolist(), list(wanted), [2.5, 3, np.float32(0.5), np.int64(1)] * count):
        np.testing.assert_array_equal(FloatVector().convert(given), np.array(given, dtype=np.float64))


@pytest.mark.parametrize("wrong", [True, np.False_, "1.5", None, 1j, [2.0]])
def test_what_is_no_number_among_many_is_refused(wrong: Any) -> None:
    for place in (3, 2100):
        given: list[Any] = [1.5] * 2200
        given[place] = wrong
        with pytest.raises(Refused):
            FloatVector().convert(given)
