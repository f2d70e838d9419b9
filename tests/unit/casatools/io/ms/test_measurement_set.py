"""Reading of single columns of a MeasurementSet."""

from __future__ import annotations

from pathlib import Path

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
