"""statwt failed where the integration time changes and timebin is a number, and needed a second run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatasks import statwt
from casatools.io.ms import MeasurementSet


def test_one_run_suffices(shared_input: Callable[[str], str]) -> None:
    vis = shared_input("simvla.ms")
    with MeasurementSet(vis, writable=True) as ms:
        rng = np.random.default_rng(5)
        shape = ms.read("DATA").shape
        rows = np.arange(ms.nrow)
        late = ms.read("SCAN_NUMBER") > 1
        assert 0.1 < late.mean() < 0.9
        for name in ("EXPOSURE", "INTERVAL"):
            ms.write(name, np.where(late, 0.5, 1.0) * ms.read(name), rows)
        # Half the integration time: twice the variance.
        spread = np.where(late, np.sqrt(2.0), 1.0)[:, None, None]
        noise = rng.normal(size=(2, *shape)) * spread
        ms.write("DATA", (noise[0] + 1j * noise[1]).astype(np.complex64), rows)
        ms.write("FLAG", np.zeros(shape, bool), rows)
    statwt(vis, timebin=4, datacolumn="data", minsamp=3)
    with MeasurementSet(vis) as ms:
        first, flag = ms.read("WEIGHT"), ms.read("FLAG")
    good = ~flag.all(axis=(1, 2))
    ratio = np.median(first[good & ~late]) / np.median(first[good & late])
    assert 1.8 < ratio < 2.2 and 0.7 < np.median(first[good & ~late]) < 1.5
    statwt(vis, timebin=4, datacolumn="data", minsamp=3)
    with MeasurementSet(vis) as ms:
        np.testing.assert_array_equal(ms.read("WEIGHT"), first)
        np.testing.assert_array_equal(ms.read("FLAG"), flag)
