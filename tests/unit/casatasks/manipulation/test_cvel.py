"""cvel, cvel2 and mstransform as tasks."""

from __future__ import annotations

import numpy as np
import pytest

import casatasks
from casatools._base.errors import UnsupportedError
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table

GRID = {"mode": "velocity", "start": "350km/s", "width": "40km/s", "nchan": 8, "restfreq": "1.420405752GHz", "outframe": "LSRK"}


def test_cvel_and_cvel2_agree(shared_input):
    path = shared_input("line.ms")
    casatasks.cvel(path, "a.ms", selectdata=False, timerange="nonsense", **GRID)
    casatasks.cvel2(path, "b.ms", datacolumn="data", passall=True, **GRID)  # nothing is left out that could be passed
    with MeasurementSet("a.ms") as one, MeasurementSet("b.ms") as other:
        np.testing.assert_array_equal(one.read("DATA"), other.read("DATA"))
        # CASA 6.7: channels that lie outside of the data are made and flagged.
        assert one.read("FLAG")[0, :, 0].tolist() == [True] * 4 + [False] * 4
        assert one.metadata.spectral_windows[0].chan_freq_hz[0] == pytest.approx(1417.420835e6, rel=1e-9)


def test_what_is_not_there(shared_input):
    path = shared_input("line.ms")
    for task in (casatasks.cvel, casatasks.cvel2):
        with pytest.raises(UnsupportedError, match="passall"):
            task(path, "o.ms", passall=True, spw="0")
    table = open_table(path, writable=True)
    table.putkeyword("definedmodel_field_0", "model_0")
    table.close()
    with pytest.raises(UnsupportedError, match="realmodelcol"):
        casatasks.mstransform(path, "o.ms", datacolumn="all", realmodelcol=True)


def test_tiles_as_asked_for(shared_input):
    path = shared_input("line.ms")
    for asked, rows in (([1], 28), ([2, 8, 50], 50)):
        casatasks.mstransform(path, f"o{rows}.ms", datacolumn="data", tileshape=asked)
        table = open_table(f"o{rows}.ms")
        tile = next(m["SPEC"]["DEFAULTTILESHAPE"] for m in table.getdminfo().values() if m["COLUMNS"] == ["DATA"])
        table.close()
        assert tile.tolist() == [2, 32 if rows == 28 else 8, rows]
