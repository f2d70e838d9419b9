"""split/mstransform: correlation='ll,rr' must not relabel data; WEIGHT_SPECTRUM must be 1/SIGMA_SPECTRUM^2 when DATA is split."""

from __future__ import annotations

import numpy as np
from casacore import tables as casacore_tables

from casatools.io.ms import MeasurementSet, Selection
from casatools.io.tables import open_table
from casatools.transform.splitting import split


def test_order_of_request_keeps_labels(shared_input):
    path = shared_input("simvla.ms")
    split(path, "o.ms", Selection(correlation="ll,rr"), "data")
    with MeasurementSet(path) as old, MeasurementSet("o.ms") as new:
        codes = new.metadata.polarizations[0].corr_type.tolist()
        assert sorted(codes) == [5, 8]
        for k, code in enumerate(codes):
            np.testing.assert_array_equal(new.read("DATA")[..., k], old.read("DATA")[..., {5: 0, 8: 3}[code]])


def test_weight_spectrum_of_split_data(shared_input):
    path = shared_input("simvla.ms")
    rng = np.random.default_rng(2)
    table = open_table(path, writable=True)
    shape = table.getcol("DATA").shape
    for name in ("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"):
        column = casacore_tables.makearrcoldesc(name, 0.0, ndim=2, valuetype="float")
        table.addcols(casacore_tables.maketabdesc([column]))
        table.putcol(name, rng.uniform(0.5, 2.0, shape).astype(np.float32))
    table.close()
    split(path, "o.ms", Selection(), "data")
    with MeasurementSet(path) as old, MeasurementSet("o.ms") as new:
        np.testing.assert_allclose(new.read("WEIGHT_SPECTRUM"), old.read("SIGMA_SPECTRUM") ** -2.0, rtol=1e-6)
        np.testing.assert_allclose(new.read("WEIGHT_SPECTRUM"), new.read("SIGMA_SPECTRUM") ** -2.0, rtol=5e-7)
