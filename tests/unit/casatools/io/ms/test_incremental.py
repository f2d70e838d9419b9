"""Values of incremental columns put only where they change: what is read is what was given, whatever rows the table had and however values change."""

from __future__ import annotations

import shutil
from contextlib import closing

import numpy as np
import pytest
from casacore import tables

import casatasks
from casatools.io.ms import MeasurementSet
from casatools.io.ms.incremental import IncrementalColumns, columns_of_changes
from casatools.io.tables import open_table


def _filled(values: np.ndarray, before: int, begun: int, blocks: list[int]) -> tuple[np.ndarray, int]:
    """Values as they are read after rows from `before` on were put in blocks, into a table that had `begun` rows when opened; columns put by changes."""
    shutil.rmtree("t.tab", ignore_errors=True)
    column = tables.makescacoldesc("V", 0, valuetype="int", datamanagertype="IncrementalStMan", datamanagergroup="ism")
    with closing(tables.table("t.tab", tables.maketabdesc([column]), ack=False)) as table:
        table.addrows(before)
        if before:
            table.putcol("V", values[:before])
    with closing(open_table("t.tab", writable=True)) as table:
        table.addrows(begun - before)
    by_changes, at = 0, before
    with closing(open_table("t.tab", writable=True)) as table:
        incremental = IncrementalColumns(columns_of_changes(table), begun)
        table.addrows(len(values) - begun)
        for count in blocks:
            part = values[at : at + count]
            if not len(part):
                break
            if incremental.put(table, "V", part, at):
                by_changes += 1
            else:
                table.putcol("V", part, at, len(part))
            at += len(part)
    with closing(open_table("t.tab")) as table:
        return np.asarray(table.getcol("V")), by_changes


def test_whatever_changes_where() -> None:
    """Random values that change rarely or often, after rows that were there before (concat) or were laid out (split of several windows)."""
    rng = np.random.default_rng(7)
    by_changes = 0
    for _ in range(120):
        before = int(rng.choice([0, 0, rng.integers(1, 30)]))
        begun = before + int(rng.integers(0, 4))
        rate = rng.choice([0.01, 0.03, 0.08, 0.5])
        values = (np.cumsum(rng.random(begun + rng.integers(20, 150)) < rate) % 3 + 1).astype(np.int32)
        blocks = rng.integers(1, 60, size=200).tolist()
        read, count = _filled(values, before, begun, blocks)
        np.testing.assert_array_equal(read, values)
        by_changes += count
    assert by_changes > 90


@pytest.mark.parametrize("second", [30, 60])
def test_the_second_and_third_row_differ(second: int) -> None:
    """What became zeros until the next change: two rows that were there, and a value for one row after them."""
    values = np.full(200, 60, dtype=np.int32)
    values[2] = second
    values[90] = 30
    assert _filled(values, 0, 2, [84, 84, 84])[0].tolist() == values.tolist()


def test_intervals_of_averages_of_two_windows(shared_input) -> None:
    """The case it was found by: some bins have lost a row, so that INTERVAL differs among the first rows."""
    path = shared_input("simvla.ms")
    with MeasurementSet(path, writable=True) as ms:
        flag, time, first = (np.asarray(ms.read(c)) for c in ("FLAG", "TIME", "ANTENNA2"))
        flag[(time == np.unique(time)[1]) & (first == 3)] = True
        ms.write("FLAG", flag, np.arange(ms.nrow))
    casatasks.mstransform(path, "o.ms", datacolumn="data", timeaverage=True, timebin="40s")
    with MeasurementSet("o.ms") as ms:
        interval = np.asarray(ms.read("INTERVAL"))
    assert set(np.unique(interval).tolist()) == {30.0, 60.0}
