"""cvel: wrong velocity for ephemeris objects; fails on multi-MSs."""

from __future__ import annotations

import numpy as np

from casatasks import cvel, cvel2, partition
from casatools.io.ms import MeasurementSet
from casatools.io.ms.ephemerides import attach_ephemeris
from casatools.io.tables import open_table
from support.ephemeris_file import write_ephemeris


def test_moving_objects_and_multi_ms(shared_input):
    path = shared_input("line.ms")
    with MeasurementSet(path) as ms:
        lon, lat = ms.metadata.fields[0].phase_dir[0]
        write_ephemeris("moving.tab", float(ms.read("TIME").min()), lon, lat, 2e-8, 0.0)
    attach_ephemeris(path, "moving.tab", [0], "TEST")
    table = open_table(f"{path}/FIELD", writable=True)
    table.putcol("PHASE_DIR", np.zeros((1, 1, 2)))
    table.close()
    partition(path, "i.mms", datacolumn="data", numsubms=2, flagbackup=False)
    grid = {
        "mode": "velocity",
        "start": "300km/s",
        "width": "30km/s",
        "nchan": 5,
        "restfreq": "1420.40575MHz",
        "outframe": "LSRK",
    }
    cvel(path, "a.ms", **grid)
    cvel("i.mms", "b.ms", **grid)
    cvel2(path, "c.ms", datacolumn="data", **grid)
    with MeasurementSet("a.ms") as one, MeasurementSet("b.ms") as other, MeasurementSet("c.ms") as third:
        order = np.lexsort([other.read(c) for c in ("ANTENNA2", "ANTENNA1", "TIME")])
        wanted = np.lexsort([one.read(c) for c in ("ANTENNA2", "ANTENNA1", "TIME")])
        np.testing.assert_array_equal(one.read("DATA")[wanted], other.read("DATA")[order])
        np.testing.assert_array_equal(one.read("DATA"), third.read("DATA"))
