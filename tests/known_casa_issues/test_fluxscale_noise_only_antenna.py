"""Row "fluxscale killing the session for a noise-only antenna" (eMERLIN#91): it is left out, or takes part as any other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatools.calibration.fluxscale import FluxScaleOptions, scale_fluxes
from casatools.io.caltable import CalTable


def test_antenna_without_gains(shared_input: Callable[[str], str]) -> None:
    vis, gains = shared_input("simvla.ms"), shared_input("cal.G")
    table = CalTable.open(gains)
    for group in table.groups:
        dead = table.antenna1[group.rows] == 3
        group.flag[dead & (table.field_id[group.rows] == 0)] = True
        group.param[dead] = np.nan
    table.write(gains)
    record = scale_fluxes(vis, gains, "f.G", FluxScaleOptions("0"))
    assert record["1"]["0"]["numSol"][0] == 14
    assert np.isclose(record["1"]["0"]["fluxd"][0], 2.2945, rtol=5e-3)
