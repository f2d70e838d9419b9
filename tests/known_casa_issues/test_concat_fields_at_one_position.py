"""concat: fields of different names at one position keep their identifiers."""

from __future__ import annotations

import numpy as np

import casatasks
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table


def test_each_field_stays_itself(shared_input):
    path = shared_input("simvla.ms")
    for table_name in ("FIELD",):
        table = open_table(f"{path}/{table_name}", writable=True)
        for column in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
            value = np.asarray(table.getcol(column))
            value[1:] = value[0]
            table.putcol(column, value)
        table.close()
    casatasks.split(path, "a.ms", scan="1,2,3", datacolumn="data")
    casatasks.split(path, "b.ms", scan="4,5,6", datacolumn="data")
    casatasks.concat(["a.ms", "b.ms"], "o.ms")
    with MeasurementSet(path) as old, MeasurementSet("o.ms") as new:
        assert [f.name for f in new.metadata.fields] == [f.name for f in old.metadata.fields]
        for scan in range(1, 7):
            assert set(new.read("FIELD_ID")[new.read("SCAN_NUMBER") == scan]) == set(
                old.read("FIELD_ID")[old.read("SCAN_NUMBER") == scan]
            )
