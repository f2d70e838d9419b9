"""Columns of one value a row that are written together at the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools._base import row_arrays
from casatools.io.ms import MeasurementSet
from casatools.io.ms.single_values import SingleValues
from support.shared import unpack


@pytest.mark.parametrize("in_memory", [0, 4 << 20])
def test_the_last_values_of_each_row_are_written_and_no_others(
    in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_arrays, "_IN_MEMORY", in_memory)
    monkeypatch.setattr(row_arrays, "chunk_bytes", lambda: 0)
    monkeypatch.setattr(row_arrays, "rows_at_once", lambda: 700)
    vis = str(unpack("simvla.ms", tmp_path))
    random = np.random.default_rng(5)
    with MeasurementSet(vis, writable=True) as ms:
        wanted, times = ms.read("FLAG_ROW").copy(), ms.read("TIME")
        single = SingleValues(ms)
        single.write()
        for _ in range(4):
            rows = np.sort(random.choice(ms.nrow, 300, replace=False))
            wanted[rows] = random.random(300) < 0.5
            single.keep("FLAG_ROW", rows, wanted[rows])
        assert not np.array_equal(ms.read("FLAG_ROW"), wanted)
        single.write()
        np.testing.assert_array_equal(ms.read("FLAG_ROW"), wanted)
        np.testing.assert_array_equal(ms.read("TIME"), times)
