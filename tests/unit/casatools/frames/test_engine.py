"""Which measures data casacore really reads: in fresh processes, for it reads them once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from casatools._base import casarc
from casatools._base.errors import DataError
from casatools.frames import engine
from casatools.frames.measures_tables import bundled_folder, choose_folder
from casatools.io.tables import open_table

PROGRAM = """
from casatools import ctsys, measures
me = measures()
print(ctsys.measurespath(), round(86400 * (me.measure(me.epoch("UTC", "56000.0d"), "TAI")["m0"]["value"] - 56000.0)))
"""


def measures_copy(folder: Path, made: str) -> str:
    """Bundled data with one leap second more on the day that the test asks about."""
    for name in ("TAI_UTC", "IERSeop97", "IERSpredict"):
        shutil.copytree(os.path.join(bundled_folder(), "geodetic", name), folder / "geodetic" / name)
    table = open_table(str(folder / "geodetic" / "TAI_UTC"), writable=True)
    row = max(k for k, mjd in enumerate(table.getcol("MJD")) if mjd <= 56000.0)
    table.putcell("dUTC", row, table.getcell("dUTC", row) + 1.0)
    table.putkeyword("VS_DATE", made)
    table.close()
    return str(folder)


def told(**extra: str) -> tuple[str, str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=os.environ | extra, capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def test_folder_of_the_configuration_is_read(tmp_path: Path) -> None:
    folder = measures_copy(tmp_path / "mine", "2020/01/01")
    assert told(CASA_MEASURESPATH=folder) == (f"{folder} 35\n", "")  # nothing of casacore's alarm, for the day is an old one
    (tmp_path / ".casarc").write_text(f"measures.directory: {folder}\n")
    assert told(HOME=str(tmp_path)) == (f"{folder} 35\n", "")


def test_without_a_home_and_beside_another_installation() -> None:
    assert told(HOME="", AIPSPATH="/elsewhere linux host") == (f"{bundled_folder()} 34\n", "")


def test_setting_of_casacore_cannot_be_overruled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = measures_copy(tmp_path / "mine", "2020/01/01")
    monkeypatch.setattr(engine, "_folder", [])
    monkeypatch.setenv("CASACORE_DATADIR", "")
    monkeypatch.setattr(casarc, "setting", lambda name: folder if name == "measures.directory" else None)
    assert choose_folder() == folder
    engine.set_data_folder(folder)
    with pytest.raises(DataError, match=r"measures\.directory in ~/\.casarc fixes"):
        engine.set_data_folder(bundled_folder())
    monkeypatch.undo()
    engine.set_data_folder("")
