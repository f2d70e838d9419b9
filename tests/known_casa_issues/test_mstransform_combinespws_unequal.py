"""mstransform: combinespws needs equal channel counts."""

from __future__ import annotations

import numpy as np

from casatasks import mstransform
from casatools.io.ms import MeasurementSet


def test_windows_of_unequal_channel_counts_are_combined(shared_input):
    path = shared_input("simvla.ms")
    mstransform(path, "o.ms", datacolumn="data", spw="0:0~5,1:2~4", field="1", combinespws=True)
    with MeasurementSet("o.ms") as ms, MeasurementSet(path) as source:
        frequency = ms.metadata.spectral_windows[0].chan_freq_hz
        assert len(ms.metadata.spectral_windows) == 1
        data, flag = ms.read("DATA"), ms.read("FLAG")
        for ddid, channels in ((0, np.arange(6)), (1, np.arange(2, 5))):
            rows = np.flatnonzero((source.read("FIELD_ID") == 1) & (source.read("DATA_DESC_ID") == ddid))
            at = np.searchsorted(frequency, source.metadata.spectral_windows[ddid].chan_freq_hz[channels] - 1.0)
            good = ~flag[:, at]
            np.testing.assert_allclose(data[:, at][good], source.read("DATA", rows, channels)[good], rtol=1e-5)
