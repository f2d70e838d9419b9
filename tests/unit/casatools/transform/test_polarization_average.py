"""Stokes I of the parallel hands: numbers of CASA 6.7."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import DataError, ParameterError
from casatools.io.ms import MeasurementSet, Selection
from casatools.transform.transforming import MsTransformOptions, mstransform


@pytest.fixture
def prepared(shared_input):
    """Data 100 + channel in RR, channel - 2 in LL; weights 3 and 1; RR flagged in channel 3, all in channel 4."""
    path = shared_input("simvla.ms")
    with MeasurementSet(path, writable=True) as ms:
        rows, chan = np.arange(ms.nrow), np.arange(8.0)
        data = np.zeros((ms.nrow, 8, 4), dtype=np.complex64)
        data[:, :, 0], data[:, :, 3] = 100 + chan, chan - 2
        flag = np.zeros(data.shape, dtype=bool)
        flag[:, 3, 0] = flag[:, 4] = True
        weight = np.ones((ms.nrow, 4), dtype=np.float32)
        weight[:, 0] = 3
        for column, values in (("DATA", data), ("FLAG", flag), ("WEIGHT", weight), ("SIGMA", weight**-0.5)):
            ms.write(column, values, rows)
    return path


@pytest.mark.parametrize(("mode", "first", "weight"), [("stokes", 49.0, 3.0), ("default", 49.0, 3.0), ("geometric", 74.5, 4.0)])
def test_modes(prepared, mode, first, weight):
    mstransform(prepared, "o.ms", Selection(field="2"), MsTransformOptions("data", polaverage=mode))
    with MeasurementSet("o.ms") as ms:
        data, flag = ms.read("DATA")[0, :, 0].real, ms.read("FLAG")[0, :, 0]
        np.testing.assert_allclose(data[:5], [first, first + 1, first + 2, 1, 0], atol=1e-5)
        assert flag.tolist() == [False] * 4 + [True] + [False] * 3
        assert ms.read("WEIGHT")[0, 0] == pytest.approx(weight) and ms.read("SIGMA")[0, 0] == pytest.approx(weight**-0.5)
        assert [p.corr_type.tolist() for p in ms.metadata.polarizations] == [[5, 6, 7, 8], [5, 6, 7, 8], [1]]
        assert {d.pol for d in ms.metadata.data_descriptions} == {2}


def test_weights_by_channel_and_cut_windows(prepared):
    options = MsTransformOptions("data", polaverage="stokes", usewtspectrum=True, combinespws=True)
    mstransform(prepared, "o.ms", Selection(field="2", correlation="RR,LL"), options)
    with MeasurementSet("o.ms") as ms:
        spectrum = ms.read("WEIGHT_SPECTRUM")[0, :, 0]
        assert spectrum[0] == pytest.approx(3.0) and spectrum[3] == pytest.approx(1.0)


def test_refusals(prepared):
    with pytest.raises(ParameterError, match="polaveragemode"):
        mstransform(prepared, "o.ms", Selection(), MsTransformOptions("data", polaverage="moon"))
    with pytest.raises(DataError, match="parallel hands"):
        mstransform(prepared, "o.ms", Selection(correlation="RR"), MsTransformOptions("data", polaverage="stokes"))
