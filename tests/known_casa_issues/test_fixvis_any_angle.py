"""fixvis: exact at any angle, also for multi-MSs; it agrees with phaseshift."""

from __future__ import annotations

import numpy as np
import pytest

import casatasks
from casatools.io.ms import MeasurementSet


@pytest.mark.parametrize("centre", ["J2000 13h36m06s 28d11m30s", "J2000 15h50m 40d00m00s", "J2000 1h36m -28d00m00s"])
def test_agrees_with_phaseshift(shared_input, centre):
    path = shared_input("simvla.ms")
    casatasks.fixvis(path, "f.ms", phasecenter=centre, datacolumn="DATA")
    casatasks.phaseshift(path, "p.ms", phasecenter=centre, datacolumn="data")
    with MeasurementSet("f.ms") as ours, MeasurementSet("p.ms") as theirs:
        keys = [[np.asarray(ms.read(c)) for c in ("DATA_DESC_ID", "ANTENNA2", "ANTENNA1", "TIME")] for ms in (ours, theirs)]
        a, b = (np.lexsort(k) for k in keys)
        np.testing.assert_allclose(ours.read("DATA")[a], theirs.read("DATA")[b], atol=2e-5)
        np.testing.assert_allclose(ours.read("UVW")[a], theirs.read("UVW")[b], atol=1e-9)
        np.testing.assert_allclose(ours.metadata.fields[1].phase_dir, theirs.metadata.fields[1].phase_dir, atol=1e-12)
