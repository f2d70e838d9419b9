"""Reading of single columns of a MeasurementSet."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from casacore.tables import default_ms

from casatools._base.errors import DataError
from casatools.io.ms import MeasurementSet


def test_columns_that_are_empty_or_missing(tmp_path: Path) -> None:
    path = str(tmp_path / "empty.ms")
    table = default_ms(path)
    table.addrows(3)
    table.close()
    with MeasurementSet(path) as ms:
        with pytest.raises(DataError, match="has nothing in the cells of its FLAG column"):
            ms.require("FLAG")
        with pytest.raises(DataError, match="has no CORRECTED_DATA column"):
            ms.require("CORRECTED_DATA")


def test_what_is_no_measurement_set_or_not_to_be_written(tmp_path: Path) -> None:
    default_ms(str(tmp_path / "empty.ms")).close()
    with MeasurementSet(str(tmp_path / "empty.ms")) as ms, pytest.raises(DataError, match="opened read-only"):
        ms.write("SCAN_NUMBER", np.array([1]), np.array([0]))
    with pytest.raises(DataError, match=r"a table but not a MeasurementSet: it has no .*UVW"):
        MeasurementSet(str(tmp_path / "empty.ms" / "FIELD"))


def test_a_table_whose_writer_is_busy_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process is sent opens, also where the first looks find a header that is being written; what stays broken is refused."""
    path, waits = tmp_path / "empty.ms", []
    default_ms(str(path)).close()
    monkeypatch.chdir(tmp_path)
    with MeasurementSet("empty.ms") as ms:
        sent = pickle.dumps(ms)
    monkeypatch.chdir("/")  # another process may be in another folder
    header, whole = path / "table.dat", (path / "table.dat").read_bytes()
    header.write_bytes(whole[:20])

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            header.write_bytes(whole)

    monkeypatch.setattr("time.sleep", wait)
    with pickle.loads(sent) as opened:
        assert opened.is_copy and len(waits) == 2
    header.write_bytes(whole[:20])
    with pytest.raises(DataError, match="cannot be opened"):
        pickle.loads(sent)
