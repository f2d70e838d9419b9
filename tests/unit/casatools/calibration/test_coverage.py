"""What tables do not cover is named, with what is done about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatools.calibration.callib import CalibrationLibrary
from casatools.calibration.correct import ApplyOptions, LibraryOptions, correct_visibilities
from casatools.calibration.coverage import _listed, gaps
from casatools.calibration.generate_table import TableRequest, generate_table
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


@pytest.mark.parametrize("spoil", ["flags", "numbers"])
def test_tables_without_good_solutions(shared_input: Input, spoil: str) -> None:
    vis, path = shared_input("simvla.ms"), shared_input("cal.G")
    table = CalTable.open(path)
    for group in table.groups:
        if spoil == "flags":
            group.flag[...] = True
        else:
            group.param[...] = np.nan
    table.write(path, overwrite=True)
    assert sentences(vis, path) == [f"no solution of {path} is good: all data that it serves are flagged"]
    correct_visibilities(vis, {}, LibraryOptions((path,)), ApplyOptions(""))
    with MeasurementSet(vis) as ms:
        assert ms.read("FLAG").all() and np.isfinite(ms.read("CORRECTED_DATA")).all() and np.isfinite(ms.read("WEIGHT")).all()


@pytest.mark.parametrize("kind", ["G Jones", "D Jones"])
@pytest.mark.parametrize(("mode", "flagged"), [("calflag", False), ("calflagstrict", True), ("flagonlystrict", True)])
def test_fields_that_a_map_leaves_without_solutions(
    shared_input: Input, tmp_path: Path, mode: str, flagged: bool, kind: str
) -> None:
    """Told; flagged in strict modes, as in CASA 6.7 (all correlations, of leakages too); else the other tables alone count."""
    vis, path = shared_input("simvla.ms"), shared_input("cal.G")
    table = CalTable.open(path)
    table.vis_cal = kind
    table.select(table.field_id == 0).write(path)
    lines = tmp_path / "lines"
    opacity = str(tmp_path / "opacity")
    generate_table(vis, opacity, TableRequest("opac", parameter=(0.05,)))
    lines.write_text(f"caltable='{path}' fldmap=[0,1,0]\ncaltable='{opacity}'\n")
    with MeasurementSet(vis) as ms:
        before = ms.read("FLAG")
        told = gaps(ms, Selection().resolve(ms), CalibrationLibrary.from_callib(ms, str(lines)), flagged)
    [sentence] = [s for s in told if "fldmap" in s]
    assert "fldmap maps J1335+2700" in sentence and sentence.endswith(
        "flagged" if flagged else "calibrated by the other tables only"
    )
    correct_visibilities(vis, {}, LibraryOptions(callib=str(lines)), ApplyOptions(mode))
    with MeasurementSet(vis) as ms:
        second, flag = ms.read("FIELD_ID") == 1, ms.read("FLAG")
        if mode.startswith("cal"):
            data, corrected = ms.read("DATA"), ms.read("CORRECTED_DATA")
            if not flagged:
                ratio = corrected[second] / data[second]
                np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1], ratio.shape), rtol=1e-4)
                assert (ratio.real > 1.02).all()
            assert (corrected[~second] != data[~second]).any()
    np.testing.assert_array_equal(flag[second], np.ones_like(flag[second]) if flagged else before[second])
    assert not flag[~second].all()


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
    kept.select(kept.time_s == kept.time_s.min()).write(path)
    [text] = [s for s in sentences(vis, path) if "one time" in s]
    assert "h away take them" in text


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
