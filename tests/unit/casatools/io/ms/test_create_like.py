"""Sub-tables copied into a new MeasurementSet."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools._base.errors import DataError
from casatools.io.ms import MeasurementSet
from casatools.io.ms.appending import append_rows
from casatools.io.ms.create_like import MsWriter, SubtableEdit, copy_subtable, read_subtable
from casatools.io.tables import open_table
from casatools.simulation.demo import DemoOptions, make_demo


@pytest.fixture
def demo(tmp_path: Path) -> str:
    path = str(tmp_path / "demo.ms")
    make_demo(path, DemoOptions(antennas_per_arm=1, cycles=1))
    return path


def test_whole_tables_are_copied_with_what_lies_inside_and_can_be_written(demo: str, tmp_path: Path) -> None:
    inside = os.path.join(demo, "FIELD", "EPHEM0_Moon.tab")
    with closing(open_table(os.path.join(demo, "ANTENNA"))) as antenna:
        antenna.copy(inside, deep=True).close()
    for folder, _, names in os.walk(os.path.join(demo, "FIELD"), topdown=False):
        for name in names:
            os.chmod(os.path.join(folder, name), 0o444)
        os.chmod(folder, 0o555)
    target = str(tmp_path / "FIELD")
    try:
        copy_subtable(os.path.join(demo, "FIELD"), target, SubtableEdit())
    finally:
        for folder, _, _ in os.walk(os.path.join(demo, "FIELD")):
            os.chmod(folder, 0o755)
    assert os.stat(os.path.join(target, "table.dat")).st_mode & 0o200
    assert os.stat(target).st_mode & 0o200
    with closing(open_table(target, writable=True)) as made:
        made.putcell("NAME", 0, "another")
    with closing(open_table(os.path.join(target, "EPHEM0_Moon.tab"))) as moon:
        assert moon.nrows() > 0


def test_what_is_not_flushed_yet_is_copied_too(demo: str, tmp_path: Path) -> None:
    target = str(tmp_path / "FIELD")
    with closing(open_table(os.path.join(demo, "FIELD"), writable=True)) as table:
        table.putcell("NAME", 0, "just written")
        copy_subtable(os.path.join(demo, "FIELD"), target, SubtableEdit())
    with closing(open_table(target)) as made:
        assert made.getcell("NAME", 0) == "just written"


def test_a_selection_of_another_table_becomes_a_table_of_its_own(demo: str, tmp_path: Path) -> None:
    part, target = str(tmp_path / "part"), str(tmp_path / "ANTENNA")
    with closing(open_table(os.path.join(demo, "ANTENNA"))) as table, closing(table.selectrows([2, 1])) as rows:
        names = [table.getcell("NAME", 2), table.getcell("NAME", 1)]
        rows.copy(part).close()
    copy_subtable(part, target, SubtableEdit())
    with closing(open_table(target)) as made:
        assert made.getcol("NAME") == names
        assert made.partnames() == [target]


def test_cells_of_scalars_come_at_once_as_plain_values(demo: str) -> None:
    with MeasurementSet(demo) as ms:
        found = read_subtable(ms, "SPECTRAL_WINDOW", "NUM_CHAN", "CHAN_FREQ", "NAME", "NO_SUCH")
        assert set(found) == {"NUM_CHAN", "CHAN_FREQ", "NAME"}
        assert all(type(n) is int for n in found["NUM_CHAN"])
        assert all(type(n) is str for n in found["NAME"])
        assert [len(f) for f in found["CHAN_FREQ"]] == found["NUM_CHAN"]
        assert np.asarray(found["CHAN_FREQ"][0]).dtype == np.float64
        assert read_subtable(ms, "NOT_THERE", "NAME") == {}


def test_rows_that_do_not_fit_are_refused(demo: str) -> None:
    with MeasurementSet(demo) as source:
        rows = {"TIME": np.zeros(2), "UVW": np.zeros((2, 4))}
        with MsWriter(source, "new.ms", ["DATA"], 2, 4, 2) as writer:
            with pytest.raises(DataError, match="output MeasurementSet cannot be written"):
                writer.append(rows)
            assert writer.rows_written == 0
        pieces = append_rows("new.ms", source, lambda *piece: {"UVW": np.zeros((1, 4))})
        with pytest.raises(DataError, match="do not fit the MeasurementSet to be made"):
            list(pieces)


def test_rows_that_come_in_passes_are_put_in_runs(demo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of every other row take casacore time that grows with the square of the rows: 244 s for half a million."""
    with MeasurementSet(demo) as source, MsWriter(source, "new.ms", ["DATA"], 2, 4, 12) as writer:
        put: list[tuple[str, int]] = []

        def recorded(name: str, values: np.ndarray, start: int, count: int, every: int = 1, table: Any = writer.table) -> None:
            put.append((name, every))
            type(table).putcol(table, name, values, start, count, every)

        monkeypatch.setattr(writer.table, "putcol", recorded)
        for block in range(2):
            for offset in range(3):
                scan = np.array([7, 7], np.int32) + block
                rows = {
                    "TIME": np.array([0.0, 10.0]) + 20 * block,
                    "SCAN_NUMBER": scan,
                    "DATA_DESC_ID": np.full(2, offset, np.int32),
                }
                data = np.full((2, 4 - offset, 2), offset + 10.0 * block, np.complex64)  # of windows of 4, 3 and 2 channels
                writer.append({**rows, "UVW": np.full((2, 3), offset + 10.0 * block), "DATA": data}, 3, offset)
                assert writer.rows_written == 6 * (block + offset // 2)
        assert {name for name, every in put if every > 1} == {"DATA"}
    with closing(open_table("new.ms")) as made:
        np.testing.assert_array_equal(made.getcol("TIME"), np.repeat([0.0, 10.0, 20.0, 30.0], 3))
        np.testing.assert_array_equal(made.getcol("SCAN_NUMBER"), np.repeat([7, 8], 6))
        np.testing.assert_array_equal(made.getcol("DATA_DESC_ID"), np.tile([0, 1, 2], 4))
        values = [0, 1, 2, 0, 1, 2, 10, 11, 12, 10, 11, 12]
        np.testing.assert_array_equal(made.getcol("UVW")[:, 0], values)
        for row, value in enumerate(values):
            np.testing.assert_array_equal(made.getcell("DATA", row), np.full((4 - row % 3, 2), value))
