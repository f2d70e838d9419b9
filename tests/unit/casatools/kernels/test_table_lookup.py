"""Interpolation in tables, compiled and as Python reads it, against numpy's."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.io.image.coordinates import tabular
from casatools.kernels import table_lookup


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("way", ["compiled", "plain"])
def test_as_few_points(way: str, falling: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    at = np.cumsum(np.random.default_rng(1).uniform(0.01, 3.0, 30))
    values = np.random.default_rng(2).normal(size=30)
    if falling:
        at, values = at[::-1], values[::-1]
    x = np.r_[np.random.default_rng(3).uniform(at.min() - 5, at.max() + 5, 400), at, np.nan][None]
    table = tabular.LookupTable(at, values)
    few = table.interpolate(x + 2.0, 2.0, 7.0)
    np.testing.assert_allclose(few[0, 400:430] - 7.0, np.interp(x[0, 400:430], np.sort(at), values[np.argsort(at)]), atol=1e-12)
    monkeypatch.setattr(tabular, "MANY", 10)
    if way == "plain":
        monkeypatch.setattr(table_lookup, "looked_up", table_lookup.looked_up.py_func)
    np.testing.assert_allclose(table.interpolate(x + 2.0, 2.0, 7.0), few, rtol=0, atol=1e-12)
