"""Files of MeasurementSets copied while rows are appended."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from casatasks import concat, split
from casatools.io.ms import MeasurementSet, part_files
from casatools.io.ms.part_files import copied_meanwhile, copy_folder
from casatools.simulation.demo import DemoOptions, make_demo


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    make_demo(str(folder / "a.ms"), DemoOptions(antennas_per_arm=4, cycles=1, nchan=32))
    return folder / "a.ms"


def read(path: Path | str, column: str) -> np.ndarray:
    with MeasurementSet(str(path)) as ms:
        return np.asarray(ms.read(column, np.arange(ms.nrow)))


def test_rows_appended_while_the_first_input_is_copied(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles that are full come later than the rows appended behind them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(part_files, "_LATE_BYTES", 1000)
    monkeypatch.setattr(part_files, "_PIECE_BYTES", 1 << 16)
    assert any(count >= 1000 for count in part_files._full_tiles(str(made)).values())
    split(str(made), "b.ms", spw="0:0~15", datacolumn="data")
    split(str(made), "c.ms", scan="1", datacolumn="data")
    concat([str(made), "b.ms", "c.ms"], "o.ms")
    begin = 0
    with MeasurementSet("o.ms") as ms:
        for path in (str(made), "b.ms", "c.ms"):
            data = read(path, "DATA")
            rows = np.arange(begin, begin + len(data))
            assert np.array_equal(ms.read("DATA", rows), data)
            assert np.array_equal(ms.read("TIME", rows), read(path, "TIME"))
            begin += len(data)
        assert begin == ms.nrow


def test_a_failure_stops_the_copy(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_files, "_LATE_BYTES", 1000)
    with pytest.raises(ValueError, match="enough"), copied_meanwhile(str(made), str(tmp_path / "o.ms")):
        raise ValueError("enough")
    # The space is taken at once, whatever has been filled.
    for name in os.listdir(made):
        if "_TSM" in name:
            assert os.path.getsize(tmp_path / "o.ms" / name) == os.path.getsize(made / name)


def test_copies_can_be_changed_where_the_original_cannot(tmp_path: Path) -> None:
    (tmp_path / "a" / "SUB").mkdir(parents=True)
    for name in ("a/one", "a/SUB/two"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o444)
    copy_folder(str(tmp_path / "a"), str(tmp_path / "b"))
    assert all((tmp_path / name).stat().st_mode & 0o200 for name in ("b/one", "b/SUB/two"))
