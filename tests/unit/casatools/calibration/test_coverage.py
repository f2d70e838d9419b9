"""What tables do not cover is named, with what is done about it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatools.calibration.callib import CalibrationLibrary
from casatools.calibration.correct import ApplyOptions, LibraryOptions, correct_visibilities
from casatools.calibration.coverage import _listed, gaps
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet, Selection

Input = Callable[[str], str]


def sentences(vis: str, path: str, strict: bool = False, **lists: object) -> list[str]:
    with MeasurementSet(vis) as ms:
        return gaps(ms, Selection().resolve(ms), CalibrationLibrary.from_lists(ms, [path], **lists), strict)  # type: ignore[arg-type]


def test_whole_tables_are_silent(shared_input: Input) -> None:
    assert sentences(shared_input("simvla.ms"), shared_input("cal.G")) == []


def test_gaps(shared_input: Input) -> None:
    vis, path = shared_input("simvla.ms"), shared_input("cal.G")
    table = CalTable.open(path)
    table.select((table.spw_id == 0) & (table.antenna1 != 3)).write(path)
    found = sentences(vis, path)
    assert len(found) == 2 and "spectral windows 1" in found[0] and "calflagstrict" in found[0]
    assert "antennas EA04" in found[1] and "flagged" in found[1]
    assert "are flagged" in sentences(vis, path, strict=True)[0]
    assert len(sentences(vis, path, spwmap=[0, 0])) == 1


def test_times(shared_input: Input) -> None:
    vis, path = shared_input("simvla.ms"), shared_input("cal.G")
    table = CalTable.open(path)
    table.select(table.time_s < np.median(table.time_s) - 1).write(path)
    kept = CalTable.open(path)
    kept.time_s -= 7200.0
    kept.write(path)
    assert any("after the last" in s for s in sentences(vis, path))
    kept.time_s += 2 * 86400.0
    kept.write(path)
    assert any("before the first" in s for s in sentences(vis, path))


def test_applying_tells(shared_input: Input) -> None:
    vis, path = shared_input("simvla.ms"), shared_input("cal.G")
    table = CalTable.open(path)
    table.select(table.antenna1 != 3).write(path)
    correct_visibilities(vis, {}, LibraryOptions((path,)), ApplyOptions())
    with MeasurementSet(vis) as ms:
        touched = (ms.read("ANTENNA1") == 3) | (ms.read("ANTENNA2") == 3)
        assert ms.read("FLAG")[touched].all()


def test_long_lists_are_cut() -> None:
    assert _listed(list(range(15))).endswith("11 and 3 more")
