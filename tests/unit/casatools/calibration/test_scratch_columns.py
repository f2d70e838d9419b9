"""Scratch columns made for what is selected and filled for the rest."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from casacore import tables

from casatools._base import row_arrays
from casatools.calibration import scratch_columns
from casatools.calibration.scratch_columns import clear_calibration
from casatools.io.ms import MeasurementSet, Selection


@pytest.mark.parametrize("at_once", [1 << 20, 100], ids=["together", "blocks"])
def test_columns_are_filled_where_nothing_is_selected(at_once: int, shared_input: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_FEWEST", "_MOST"):
        monkeypatch.setattr(row_arrays, name, at_once)
    path = shared_input("simvla.ms")
    clear_calibration(path, {"field": "1"}, True)
    with tables.table(path, ack=False) as table:
        assert len(set(table.getcol("FIELD_ID"))) > 1
        np.testing.assert_array_equal(table.getcol("CORRECTED_DATA"), table.getcol("DATA"))
        parallel, cross = table.getcol("MODEL_DATA")[..., [0, -1]], table.getcol("MODEL_DATA")[..., 1:-1]
    assert (parallel == 1).all()
    assert not cross.any()


def test_what_is_not_selected_takes_no_memory_by_the_row(shared_input: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory grew by 8 bytes a row (clearcal) while the rest was sought, even where all rows are selected."""
    for name in ("_FEWEST", "_MOST"):
        monkeypatch.setattr(row_arrays, name, 1 << 16)
    count = 2_000_000
    with MeasurementSet(shared_input("simvla.ms")) as ms:
        everything = replace(Selection().resolve(ms), rows=row_arrays.row_numbers(count))
        odd = replace(everything, rows=everything.rows[1::2])
        monkeypatch.setattr(scratch_columns, "whole", lambda _: everything)
        tracemalloc.start()
        none, even = scratch_columns._rest(ms, everything), scratch_columns._rest(ms, odd)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert none is None and even is not None
    np.testing.assert_array_equal(even.rows, everything.rows[::2])
    assert peak < count
