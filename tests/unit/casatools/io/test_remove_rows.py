"""Removing every row of a table is remembered after it is closed, which casacore by itself forgets for some tables."""

from __future__ import annotations

from casatools import table
from casatools.io.ms.appending import empty_subtable
from casatools.io.tables import open_table, remove_rows


def test_all_rows_go_for_good(shared_input):
    path = shared_input("simvla.ms")
    for name in ("POINTING", "FEED"):
        empty_subtable(f"{path}/{name}")
    empty_subtable(f"{path}/ABSENT")
    source = open_table(f"{path}/SOURCE", writable=True)
    remove_rows(source, [0])
    source.close()
    tool = table()
    tool.open(f"{path}/FIELD", nomodify=False)
    tool.removerows([0, 1, 2])
    tool.close()
    for name, count in (("POINTING", 0), ("FEED", 0), ("SOURCE", 2), ("FIELD", 0)):
        found = open_table(f"{path}/{name}")
        assert found.nrows() == count and "_EMPTIED" not in found.keywordnames()
        found.close()
