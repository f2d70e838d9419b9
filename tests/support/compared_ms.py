"""MeasurementSets with random values in every column, and their comparison with those of another program, table by table."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from casacore import tables

import casatasks

_VALUES = {"DATA", "CORRECTED_DATA", "MODEL_DATA", "WEIGHT", "SIGMA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"}


def fill_ms(path: str, seed: int, spectra: bool = True) -> None:
    """Random data, flags and weights in every column, with `spectra` also per channel."""
    casatasks.clearcal(path, addmodel=True)
    rng = np.random.default_rng(seed)
    table = tables.table(path, readonly=False, ack=False)
    for name in table.keywordnames():
        if name.startswith("ASDM_"):  # links to tables that were not shipped, at which the reference fails
            table.removekeyword(name)
    for name in ("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"):
        if spectra and name not in table.colnames():
            table.addcols(tables.maketabdesc([tables.makearrcoldesc(name, 0.0, ndim=2, valuetype="float")]))
    for row in range(table.nrows()):
        shape = table.getcell("DATA", row).shape
        data = (rng.normal(size=shape) + 1j * rng.normal(size=shape) + 3).astype(np.complex64)
        flag = rng.random(shape) < 0.08
        flag[:] |= rng.random() < 0.1
        table.putcell("DATA", row, data)
        table.putcell("CORRECTED_DATA", row, data * np.complex64(1.5 + 0.2j))
        table.putcell("MODEL_DATA", row, np.ones(shape, np.complex64))
        table.putcell("FLAG", row, flag)
        table.putcell("FLAG_ROW", row, bool(flag.all()))
        for name in ("WEIGHT", "SIGMA"):
            table.putcell(name, row, rng.uniform(0.5, 2.0, shape[1]).astype(np.float32))
            if spectra:
                table.putcell(name + "_SPECTRUM", row, rng.uniform(0.5, 2.0, shape).astype(np.float32))
    table.close()


def _rows(table: Any) -> np.ndarray:
    if "UVW" not in table.colnames() or not table.nrows():
        return np.arange(table.nrows())
    return np.lexsort([table.getcol(c) for c in ("DATA_DESC_ID", "FIELD_ID", "ANTENNA2", "ANTENNA1", "TIME")])


def _same(name: str, a: np.ndarray, b: np.ndarray, where: str) -> None:
    assert a.shape == b.shape, where
    if a.dtype.kind in "fc":
        tolerance = 1e-5 if name in _VALUES else 1e-8
        bound = tolerance * np.abs(b).max(initial=0)
        if not (np.abs(a - b) <= tolerance * np.abs(b)).all():  # the message of numpy costs more than the comparison
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=bound, err_msg=where)
    elif not np.array_equal(a, b):
        np.testing.assert_array_equal(a, b, err_msg=where)


def same_table(ours: str, theirs: str, left: set[str]) -> None:
    """Data to 1e-5, other numbers to 1e-8, the rest exactly, of all columns that both tables have but for those `left`; rows in any order."""
    one, other = (tables.table(p, ack=False) for p in (ours, theirs))
    assert one.nrows() == other.nrows(), ours
    orders = _rows(one), _rows(other)
    for name in sorted(set(one.colnames()) & set(other.colnames()) - left):
        if one.nrows() and one.isscalarcol(name) and other.isscalarcol(name) and one.coldatatype(name) != "record":
            a, b = (np.asarray(t.getcol(name))[order] for t, order in zip((one, other), orders, strict=True))
            _same(name, a, b, f"{ours} {name}")
            continue
        for mine, his in zip(*(order.tolist() for order in orders), strict=True):
            if one.iscelldefined(name, mine) and other.iscelldefined(name, his):
                _same(
                    name, *(np.asarray(t.getcell(name, r)) for t, r in ((one, mine), (other, his))), f"{ours} {name} row {mine}"
                )
    one.close()
    other.close()


def same_ms(ours: str, theirs: str, left: set[str], left_tables: set[str]) -> None:
    """The main tables and all sub-tables of two MeasurementSets, see `same_table`."""
    same_table(ours, theirs, left)
    for name in sorted(set(os.listdir(ours)) & set(os.listdir(theirs))):
        if os.path.isfile(f"{ours}/{name}/table.dat") and name not in left_tables:
            # Where frequencies fall REF_FREQUENCY is the first channel's here (docs/quirks.md).
            same_table(f"{ours}/{name}", f"{theirs}/{name}", {"REF_FREQUENCY"})
