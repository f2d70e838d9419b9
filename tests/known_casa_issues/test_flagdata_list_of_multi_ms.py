"""flagdata: list mode hung with multi-MSs. A list flags each part as it flags the MeasurementSet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatasks import flagdata, partition
from casatools.io.ms import MeasurementSet

LINES = [
    "mode='manual' antenna='EA02' scan='1'",
    "mode='quack' quackinterval=20.0",
    "mode='clip' clipminmax=[0.0,1.5]",
    "mode='extend' growtime=50.0",
]


def test_a_list_of_commands(shared_input: Callable[[str], str]) -> None:
    vis = shared_input("simvla.ms")
    partition(vis, "m.mms", createmms=True, separationaxis="scan", numsubms=2, flagbackup=False)
    flags = []
    for path in (vis, "m.mms"):
        flagdata(path, mode="list", inpfile=LINES, flagbackup=True)
        with MeasurementSet(path) as ms:
            order = np.lexsort([ms.read(c) for c in ("ANTENNA2", "ANTENNA1", "DATA_DESC_ID", "TIME")])
            flags.append(ms.read("FLAG")[order])
    np.testing.assert_array_equal(flags[0], flags[1])
    assert 0.05 < flags[0].mean() < 1
