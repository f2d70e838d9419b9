"""fringefit: calibration tables of CASA 5.5 (phase, delay and rate, no dispersive term) are unreadable by 5.6 and later."""

from __future__ import annotations

import numpy as np
from casacore import tables

from casatasks import applycal, fringefit
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet


def corrected(vis: str, table: str) -> np.ndarray:
    applycal(vis, field="0", spw="0", gaintable=[table], flagbackup=False)
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero((ms.read("FIELD_ID") == 0) & (ms.read("DATA_DESC_ID") == 0))
        return np.asarray(ms.read("CORRECTED_DATA", rows))


def test_tables_without_dispersion_are_applied(shared_input) -> None:
    vis = shared_input("simvla.ms")
    fringefit(vis, "new.cal", field="0", spw="0", refant="EA01", solint="60s")
    tables.table("new.cal", ack=False).copy("old.cal", deep=True).close()
    kept = [0, 1, 2, 4, 5, 6]
    with tables.table("old.cal", readonly=False, ack=False) as old:
        for name in ("FPARAM", "PARAMERR", "FLAG", "SNR"):
            values = old.getcol(name)
            for row in range(old.nrows()):
                old.putcell(name, row, values[row][:, kept])
    found, expected = CalTable.open("old.cal"), CalTable.open("new.cal")
    assert found.param.shape == expected.param.shape
    np.testing.assert_array_equal(found.param[..., kept], expected.param[..., kept])
    assert (found.param[..., [3, 7]] == 0).all() and np.abs(found.param).max() > 0
    np.testing.assert_array_equal(found.flag[..., kept], expected.flag[..., kept])
    np.testing.assert_array_equal(corrected(vis, "old.cal"), corrected(vis, "new.cal"))
