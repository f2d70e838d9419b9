"""exportuvfits: proper motions are in degrees per day in the file and in radians per second in the MeasurementSet."""

from __future__ import annotations

import numpy as np

from casatools.io.formats.random_groups import read_random_groups
from casatools.io.formats.uvfits import import_uvfits
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.tables import open_table
from casatools.transform.uvfits_export import UvfitsOptions, export_uvfits


def test_units(shared_input):
    path = shared_input("simvla.ms")
    motion = np.array([[1e-12, -2e-12], [0.0, 3e-13], [4e-14, 0.0]])
    table = open_table(f"{path}/SOURCE", writable=True)
    table.putcol("PROPER_MOTION", motion)
    table.close()
    export_uvfits(path, "o.fits", Selection(spw="0"), UvfitsOptions("data"))
    sources = read_random_groups("o.fits").table("AIPS SU")
    np.testing.assert_allclose(sources.get("PMRA"), np.degrees(motion[:, 0]) * 86400, rtol=1e-14)
    np.testing.assert_allclose(sources.get("PMDEC"), np.degrees(motion[:, 1]) * 86400, rtol=1e-14)
    import_uvfits("o.fits", "back.ms")
    with MeasurementSet("back.ms") as ms:
        np.testing.assert_allclose([s.proper_motion for s in ms.metadata.sources], motion, rtol=1e-14)
