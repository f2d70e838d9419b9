"""Sub-tables of a multi-MS that has none of its own are those of its first part."""

from __future__ import annotations

from pathlib import Path

from casatools.io.ms import MeasurementSet
from casatools.io.tables import subtable_path
from casatools.tools.table import table
from casatools.transform.multi_ms import make_multi_ms
from support.shared import unpack


def test_first_parts_sub_tables_serve(tmp_path: Path) -> None:
    plain = str(unpack("simvla.ms", tmp_path))
    tb = table()
    tb.open(plain)
    parts = []
    for scan in (1, 2):
        parts.append(str(tmp_path / f"part{scan}.ms"))
        tb.query(f"SCAN_NUMBER == {scan}").copy(parts[-1], deep=True).close()
    tb.close()
    joined = str(tmp_path / "joined.mms")
    make_multi_ms(joined, parts)
    assert subtable_path(joined, "FIELD") == f"{joined}/SUBMSS/part1.ms/FIELD"
    assert subtable_path(joined, "ABSENT") == f"{joined}/ABSENT" and subtable_path(plain, "FIELD") == f"{plain}/FIELD"
    with MeasurementSet(plain) as one, MeasurementSet(joined) as several:
        assert [f.name for f in several.metadata.fields] == [f.name for f in one.metadata.fields]
        assert several.nrow < one.nrow
        several.subtable("ANTENNA").close()
        several.append_history("test", ["joined"])
