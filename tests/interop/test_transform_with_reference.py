"""What split and importuvfits write is read by the reference, and the other way round (needs CASA_ORACLE)."""

from __future__ import annotations

import numpy as np

from casatools.io.formats.uvfits import import_uvfits
from casatools.io.ms import MeasurementSet, Selection
from casatools.transform.splitting import split
from support.shared import oracle_python, run_python

_SCRIPT = """
import casatasks
info = casatasks.listobs("ours.ms")
casatasks.split("ours.ms", "theirs.ms", datacolumn="data", width=4, timebin="60s", field="N5921_2")
casatasks.importuvfits("ngc_small.uvfits", "reference.ms", antnamescheme="new")
print("ROWS", info["numrecords"])
"""


def test_there_and_back(shared_input):
    python = oracle_python()
    import_uvfits(shared_input("ngc_small.uvfits"), "ours.ms", new_names=True)
    assert "ROWS 4887" in run_python(python, _SCRIPT)
    with MeasurementSet("ours.ms") as ours, MeasurementSet("reference.ms") as reference:
        for column in (
            "DATA",
            "FLAG",
            "UVW",
            "TIME",
            "WEIGHT",
            "SIGMA",
            "WEIGHT_SPECTRUM",
            "SCAN_NUMBER",
            "FIELD_ID",
            "EXPOSURE",
        ):
            np.testing.assert_array_equal(ours.read(column), reference.read(column))
    split("reference.ms", "again.ms", Selection(field="N5921_2"), "data", width=4, timebin="60s")
    with MeasurementSet("again.ms") as ours, MeasurementSet("theirs.ms") as theirs:
        for column in ("DATA", "UVW", "WEIGHT", "SIGMA", "TIME", "INTERVAL"):
            np.testing.assert_allclose(ours.read(column), theirs.read(column), rtol=2e-6, atol=1e-5)
