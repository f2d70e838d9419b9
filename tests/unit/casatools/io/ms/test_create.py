"""New MeasurementSets: what they hold and how it is stored."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.io.ms import MeasurementSet
from casatools.io.ms.create import REQUIRED_SUBTABLES, MsLayout, closing, create_ms, fill_subtable, tile_rows
from casatools.io.tables import open_table, table_kind


def test_layout(tmp_path):
    layout = MsLayout(
        ncorr=2,
        nchan=63,
        columns=("DATA", "WEIGHT_SPECTRUM"),
        time_reference="TAI",
        direction_reference="B1950",
        varying=("TIME",),
    )
    with closing(create_ms("a.ms", layout)) as table:
        table.addrows(3)
        table.putcol("DATA", np.ones((3, 63, 2), np.complex64))
    assert table_kind("a.ms") == "Measurement Set"
    with MeasurementSet("a.ms") as ms:
        assert ms.read("DATA").shape == (3, 63, 2)
        managers = {m["NAME"]: m for m in ms.table.getdminfo().values()}
        # The reference's tiles for 2 correlations and 63 channels: 1040 rows.
        assert managers["TiledData"]["SPEC"]["DEFAULTTILESHAPE"].tolist() == [2, 63, 1040]
        assert managers["ISMData"]["TYPE"] == "IncrementalStMan"
        assert "TIME" in managers["SSM"]["COLUMNS"] and "FIELD_ID" in managers["ISMData"]["COLUMNS"]
        assert ms.table.getcolkeyword("TIME", "MEASINFO")["Ref"] == "TAI"
        assert ms.table.getcolkeyword("UVW", "MEASINFO")["Ref"] == "B1950"
        assert ms.table.getkeyword("MS_VERSION") == 2.0
    for name in (*REQUIRED_SUBTABLES, "SOURCE"):
        open_table(f"a.ms/{name}").close()
    assert tile_rows(4, 10**6) == 1


def test_fill_subtable(tmp_path):
    create_ms("a.ms", MsLayout(1, 1)).close()
    columns = {"CORR_TYPE": [np.array([5], np.int32), None], "NUM_CORR": np.array([1, 0], np.int32)}
    fill_subtable("a.ms", "POLARIZATION", columns, {"ORIGIN": "me", "NUM_CORR::NOTE": "few"})
    with closing(open_table("a.ms/POLARIZATION")) as table:
        assert table.nrows() == 2 and not table.iscelldefined("CORR_TYPE", 1)
        assert table.getkeyword("ORIGIN") == "me" and table.getcolkeyword("NUM_CORR", "NOTE") == "few"
    with pytest.raises(ValueError, match="differ in length"):
        fill_subtable("a.ms", "POLARIZATION", {"NUM_CORR": [1], "FLAG_ROW": [True, False]})
