"""uvcontsub: fitorder>0 with solint>int unsupported. The task of today has no solint: its fits to averages are those of averaged data."""

from __future__ import annotations

import numpy as np

from casatasks import mstransform, uvcontsub
from casatools.io.ms import MeasurementSet


def test_order_one_on_averaged_data(shared_input):
    path = shared_input("line.ms")
    mstransform(path, "average.ms", datacolumn="data", timeaverage=True, timebin="120s")
    record = uvcontsub("average.ms", "a.ms", fitspec="0:0~6;24~31", fitorder=1)
    mstransform(
        path, "b.ms", datacolumn="data", timeaverage=True, timebin="120s", douvcontsub=True, fitspw="0:0~6;24~31", fitorder=1
    )
    with MeasurementSet("a.ms") as one, MeasurementSet("b.ms") as other:
        np.testing.assert_allclose(one.read("DATA"), other.read("DATA"), atol=2e-6)
        rest = one.read("DATA")[:, [*range(7), *range(24, 32)]]
    assert np.abs(rest.mean(axis=1)).max() < 1e-5 and record["goodness_of_fit"]["field"]
