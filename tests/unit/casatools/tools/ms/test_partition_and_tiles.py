"""ms.split and ms.partition: tiles asked for, and time averages of a partition."""

from __future__ import annotations

import numpy as np
import pytest

from casatools import ms as ms_tool
from casatools._base.errors import ParameterError
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.tables import open_table
from casatools.transform.splitting import split


def tile(path):
    table = open_table(path)
    found = next(m["SPEC"]["DEFAULTTILESHAPE"] for m in table.getdminfo().values() if m["COLUMNS"] == ["DATA"])
    table.close()
    return found.tolist()


def test_averages_and_tiles(shared_input):
    path = shared_input("simvla.ms")
    tool = ms_tool()
    tool.open(path)
    assert tool.partition("p.ms", field="1", timebin="60s", combine="scan", tileshape=[4, 2, 30])
    assert tool.split("s.ms", field="1", tileshape=[2, 8, 28])
    with pytest.raises(ParameterError, match="tileshape"):
        tool.split("bad.ms", tileshape=[2, 8])
    tool.close()
    assert tile("p.ms") == [4, 2, 30] and tile("s.ms") == [2, 8, 28]
    split(path, "t.ms", Selection(field="1"), "data", timebin="60s", combine="scan")
    with MeasurementSet("p.ms") as one, MeasurementSet("t.ms") as other:
        assert len(one.metadata.fields) == 3 and set(one.read("FIELD_ID").tolist()) == {1}  # nothing is renumbered
        for column in ("DATA", "WEIGHT", "TIME", "INTERVAL"):
            np.testing.assert_array_equal(one.read(column), other.read(column))
