"""ms.oldstatwt: weights of the reference, few channels, channels that count."""

from __future__ import annotations

import numpy as np
import pytest

from casatools import ms as ms_tool
from casatools._base.errors import DataError, UnsupportedError
from casatools.io.ms import MeasurementSet, Selection
from casatools.transform.row_weights import RowWeightOptions, set_row_weights


def test_weights_as_the_reference(shared_input):
    path = shared_input("line.ms")
    tool = ms_tool()
    tool.open(path)
    with pytest.raises(DataError, match="read-only"):
        tool.oldstatwt(datacolumn="data")
    tool.open(path, nomodify=False)
    assert tool.oldstatwt(datacolumn="data")
    with MeasurementSet(path) as ms:
        # CASA 6.7 of the same data.
        np.testing.assert_allclose(ms.read("WEIGHT")[0], [10.10719872, 10.14640141], rtol=1e-6)
        np.testing.assert_allclose(ms.read("SIGMA")[0], [0.31454632, 0.31393808], rtol=1e-6)
    tool.oldstatwt(datacolumn="data", dorms=True, minsamp=2)
    with MeasurementSet(path) as ms:
        np.testing.assert_allclose(ms.read("WEIGHT")[0], [0.38264671, 0.38325652], rtol=1e-6)
    with pytest.raises(UnsupportedError, match="fitcorr"):
        tool.oldstatwt(datacolumn="data", fitcorr="RR")
    for name in ("byantenna", "sepacs"):
        with pytest.raises(UnsupportedError, match=name):
            tool.oldstatwt(datacolumn="data", **{name: False})
    tool.close()


def test_channels_that_count(shared_input):
    path = shared_input("line.ms")
    with MeasurementSet(path, writable=True) as ms:
        flag = ms.read("FLAG", np.array([0]))
        flag[0, 2:, 0] = True
        ms.write("FLAG", flag, np.array([0]))
        data = ms.read("DATA", np.array([1]))[0, :8, 1]
    assert set_row_weights(path, RowWeightOptions(Selection(spw="0"), "data", "0:0~7", False, 3)) == 224
    with MeasurementSet(path) as ms:
        assert ms.read("WEIGHT", np.array([0]))[0, 0] == 0
        expected = 15 / (np.abs(data - data.mean()) ** 2).sum()
        np.testing.assert_allclose(ms.read("WEIGHT", np.array([1]))[0, 1], expected, rtol=1e-5)
