"""importuvfits: more than 255 antennas (AIPS Memo 117) go there and back."""

from __future__ import annotations

import numpy as np

from casatools.io.formats.random_groups import read_random_groups
from casatools.io.formats.uvfits import import_uvfits
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.tables import open_table
from casatools.transform.uvfits_export import UvfitsOptions, export_uvfits


def test_there_and_back(shared_input):
    path = shared_input("simvla.ms")
    antennas = open_table(f"{path}/ANTENNA", writable=True)
    antennas.addrows(292)
    antennas.putcol("NAME", [f"A{k:03d}" for k in range(300)])
    antennas.putcol("STATION", [f"S{k:03d}" for k in range(300)])
    antennas.putcol("POSITION", np.random.default_rng(1).normal(scale=1e3, size=(300, 3)) + [-1601185.0, -5041977.0, 3554875.0])
    antennas.putcol("OFFSET", np.zeros((300, 3)))
    antennas.close()
    table = open_table(path, writable=True)
    for name, offset in (("ANTENNA1", 250), ("ANTENNA2", 292)):
        table.putcol(name, (np.asarray(table.getcol(name)) + offset).astype(np.int32))
    table.close()
    export_uvfits(path, "o.fits", Selection(), UvfitsOptions("data"))
    assert read_random_groups("o.fits").parameter_names[5:8] == ["ANTENNA1", "ANTENNA2", "SUBARRAY"]
    import_uvfits("o.fits", "back.ms")
    with MeasurementSet(path) as old, MeasurementSet("back.ms") as new:
        assert len(new.metadata.antennas) == 300
        for column in ("ANTENNA1", "ANTENNA2", "ARRAY_ID"):
            assert np.array_equal(np.sort(new.read(column)), np.sort(old.read(column)))
        assert new.metadata.antennas[299].station == "S299"
