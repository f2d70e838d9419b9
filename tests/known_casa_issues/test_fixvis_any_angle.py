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


@pytest.mark.parametrize("output", ["f.mms", ""])
def test_a_multi_ms_gives_what_the_whole_gives(shared_input, output):
    path, centre = shared_input("simvla.ms"), "J2000 13h36m06s 28d11m30s"
    casatasks.partition(path, "in.mms", datacolumn="data", numsubms=3, flagbackup=False)
    casatasks.fixvis(path, "whole.ms", field="1", phasecenter=centre, datacolumn="DATA")
    casatasks.fixvis("in.mms", output, field="1", phasecenter=centre, datacolumn="DATA")
    with MeasurementSet("whole.ms") as whole, MeasurementSet(output or "in.mms") as parts:
        a, b = (np.lexsort([ms.read(c) for c in ("DATA_DESC_ID", "ANTENNA2", "ANTENNA1", "TIME")]) for ms in (whole, parts))
        for column in ("DATA", "UVW", "FLAG", "WEIGHT", "FIELD_ID"):
            np.testing.assert_array_equal(whole.read(column)[a], parts.read(column)[b])
        for one, other in zip(whole.metadata.fields, parts.metadata.fields, strict=True):
            np.testing.assert_array_equal(one.phase_dir, other.phase_dir)
    with MeasurementSet(path) as before, MeasurementSet("whole.ms") as after:
        assert not np.array_equal(before.read("UVW"), after.read("UVW"))
