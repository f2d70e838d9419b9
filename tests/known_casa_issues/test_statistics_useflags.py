"""tb.statistics ignored useflags. The parameter is the ms tool's now: flagged values count only where they are asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatools import ms as ms_tool
from casatools.io.ms import MeasurementSet


def test_flagged_values_are_left_out(shared_input: Callable[[str], str]) -> None:
    vis = shared_input("simvla.ms")
    with MeasurementSet(vis, writable=True) as data:
        rows = np.arange(data.nrow)
        flag, values = data.read("FLAG"), data.read("DATA")
        flag[::3] = True
        values[::3] = 1e6
        data.write("FLAG", flag, rows)
        data.write("DATA", values, rows)
    tool = ms_tool()
    tool.open(vis)
    kept = tool.statistics(column="DATA", complex_value="amplitude", useflags=True)[""]
    every = tool.statistics(column="DATA", complex_value="amplitude", useflags=False)[""]
    tool.done()
    assert kept["npts"] == (~flag).sum() and every["npts"] == flag.size
    np.testing.assert_allclose(kept["max"], np.abs(values[~flag]).max(), rtol=1e-6)
    np.testing.assert_allclose(every["max"], 1e6, rtol=1e-6)
    np.testing.assert_allclose(kept["mean"], np.abs(values[~flag]).mean(dtype=np.float64), rtol=1e-5)
