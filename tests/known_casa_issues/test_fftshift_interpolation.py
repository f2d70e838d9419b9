"""casacore's fftshift interpolation: the zero frequency was misplaced, so that even a constant spectrum was turned in phase."""

from __future__ import annotations

import numpy as np

from casatasks import mstransform
from casatools.io.ms import MeasurementSet


def test_a_constant_stays_constant(shared_input):
    path = shared_input("line.ms")
    with MeasurementSet(path, writable=True) as ms:
        ms.write("DATA", np.full((ms.nrow, 32, 2), 2.0 + 1.0j, dtype=np.complex64), np.arange(ms.nrow))
    mstransform(
        path, "o.ms", datacolumn="data", regridms=True, mode="frequency", start="1.4185GHz", width="0.1MHz", nchan=16, outframe="LSRK",
        interpolation="fftshift",
    )  # fmt: skip
    with MeasurementSet("o.ms") as ms:
        np.testing.assert_allclose(ms.read("DATA"), 2.0 + 1.0j, atol=1e-5)
