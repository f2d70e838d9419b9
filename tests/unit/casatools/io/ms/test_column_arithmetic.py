"""Arithmetic of whole columns from file to file, and what is left to casacore."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from casacore import tables

from casatasks import setjy, uvsub
from casatools.io.ms import MeasurementSet, Selection, iter_chunks
from casatools.io.ms.column_arithmetic import combine_columns

Input = Callable[[str], str]


def cells(path: str, column: str) -> list[np.ndarray]:
    """Cells of each data description, as casacore reads them."""
    with MeasurementSet(path) as ms:
        number = ms.read("DATA_DESC_ID")
        return [ms.read(column, np.flatnonzero(number == d)) for d in np.unique(number)]


def prepared(shared_input: Input, name: str) -> str:
    """A MeasurementSet with both scratch columns, full of numbers."""
    path = shared_input(name)
    setjy(path, standard="manual", fluxdensity=[3, 0.1, 0.2, 0.3], spix=-0.7, usescratch=True)
    uvsub(path)
    return path


@pytest.mark.parametrize("name", ["simvla.ms", "ngc_small.ms", "alma_small.ms"])
def test_files_hold_what_chunks_would(shared_input: Input, name: str) -> None:
    path = prepared(shared_input, name)
    model, before = cells(path, "MODEL_DATA"), cells(path, "CORRECTED_DATA")
    uvsub(path)
    for old, m, new in zip(before, model, cells(path, "CORRECTED_DATA"), strict=True):
        np.testing.assert_array_equal(new, old - m)
    uvsub(path, reverse=True)
    for old, m, new in zip(before, model, cells(path, "CORRECTED_DATA"), strict=True):
        np.testing.assert_array_equal(new, (old - m) + m)


def test_columns_that_lie_alike_are_combined(shared_input: Input) -> None:
    path = prepared(shared_input, "simvla.ms")
    with MeasurementSet(path, writable=True) as ms:
        assert combine_columns(ms, "CORRECTED_DATA", "MODEL_DATA", np.add)
        assert not combine_columns(ms, "CORRECTED_DATA", "FLAG", np.add), "no visibilities"
        assert not combine_columns(ms, "CORRECTED_DATA", "UVW", np.add)


def test_columns_in_another_order_are_left_to_casacore(shared_input: Input) -> None:
    path = prepared(shared_input, "simvla.ms")
    with tables.table(path, readonly=False, ack=False) as t:
        model = [t.getcell("MODEL_DATA", row) for row in range(t.nrows())]
        t.removecols("MODEL_DATA")
        description = tables.makearrcoldesc("MODEL_DATA", 0j, ndim=2, valuetype="complex")
        manager = {
            "TYPE": "TiledShapeStMan",
            "NAME": "M",
            "SEQNR": 0,
            "SPEC": {"DEFAULTTILESHAPE": np.array([4, 8, 10], np.int32)},
        }
        t.addcols(tables.maketabdesc([description]), manager)
        for row in reversed(range(t.nrows())):
            t.putcell("MODEL_DATA", row, model[row])
    before, subtracted = cells(path, "CORRECTED_DATA"), cells(path, "MODEL_DATA")
    with MeasurementSet(path, writable=True) as ms:
        assert not combine_columns(ms, "CORRECTED_DATA", "MODEL_DATA", np.subtract)
    uvsub(path)
    for old, m, new in zip(before, subtracted, cells(path, "CORRECTED_DATA"), strict=True):
        np.testing.assert_array_equal(new, old - m)


def test_what_was_written_through_the_same_table_counts(shared_input: Input) -> None:
    path = prepared(shared_input, "simvla.ms")
    with MeasurementSet(path, writable=True) as ms:
        chunk = next(iter(iter_chunks(ms, Selection(field="0", spw="0").resolve(ms), ["MODEL_DATA"])))
        rows = chunk.rows
        ms.write("MODEL_DATA", np.full(chunk.shape, 7, np.complex64), rows)
        before = ms.read("CORRECTED_DATA", rows)
        assert combine_columns(ms, "CORRECTED_DATA", "MODEL_DATA", np.add)
    with MeasurementSet(path) as ms:
        np.testing.assert_array_equal(ms.read("CORRECTED_DATA", rows), before + 7)
