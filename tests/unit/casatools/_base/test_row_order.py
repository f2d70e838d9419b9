"""Rows put in order, all at once or in blocks."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base import row_arrays
from casatools._base.row_order import sorted_rows

_RNG = np.random.default_rng(3)
_NROW = 1501
_COLUMNS = {
    "few": _RNG.integers(0, 4, _NROW).astype(np.int32),
    "times": 5e9 + np.round(_RNG.random(_NROW), 2),
    "flags": _RNG.random(_NROW) < 0.3,
    "names": np.array(["a", "longer", "b"])[np.sort(_RNG.integers(0, 3, _NROW))],
    "falling": np.arange(_NROW)[::-1],
    "one": np.zeros(_NROW, np.int16),
    "none": np.where(_RNG.random(_NROW) < 0.2, np.nan, _RNG.normal(size=_NROW)),
}


@pytest.mark.parametrize(
    "names", [[], ["times"], ["few", "times"], ["flags", "names", "few"], ["falling"], ["one"], ["one", "none"]]
)
@pytest.mark.parametrize("count", [0, 1, 70, 71, _NROW])
def test_rows_of_many_blocks_are_sorted_as_all_together(monkeypatch: pytest.MonkeyPatch, names: list[str], count: int) -> None:
    columns = [_COLUMNS[name][:count] for name in names]
    for name in ("_FEWEST", "_MOST"):
        monkeypatch.setattr(row_arrays, name, 70)
    monkeypatch.setattr(row_arrays, "_IN_MEMORY", 100)
    monkeypatch.setattr(row_arrays, "chunk_bytes", lambda: 0)
    expected = np.lexsort(columns[::-1]) if columns else np.arange(count)
    np.testing.assert_array_equal(sorted_rows(count, [lambda block, c=c: c[block] for c in columns]), expected)
