"""nearestPD/linearPD: cycle slips with spwmap. Phases are carried to another frequency as delays: without jumps where they pass 180 degrees."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from casatasks import applycal, gaincal
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet


@pytest.mark.parametrize("mode", ["linearPD", "nearestPD"])
def test_phases_turn_steadily_in_another_window(shared_input: Callable[[str], str], mode: str) -> None:
    vis = shared_input("simvla.ms")
    gaincal(vis, "g.cal", field="0", spw="0", refant="EA01", solint="int", calmode="p")
    table = CalTable.open("g.cal")
    times = np.unique(table.time_s)
    # The second antenna's phase turns by 1.3 rad from one solution to the next: through 180 degrees; one solution failed on the way.
    turns = 1.3 * np.arange(len(times))
    for group in table.groups:
        group.param[:] = 1
        own = table.antenna1[group.rows] == 1
        group.param[own] = np.exp(1j * turns[np.searchsorted(times, table.time_s[group.rows][own])])[:, None, None]
        failed = table.time_s[group.rows] == times[2]
        group.param[failed], group.flag[:] = 1, False
        group.flag[failed] = True
    table.write("g.cal")
    applycal(vis, field="0", spw="1", gaintable=["g.cal"], spwmap=[0, 0], interp=[mode], flagbackup=False, calwt=False)
    with MeasurementSet(vis) as ms:
        keep = (
            (ms.read("FIELD_ID") == 0) & (ms.read("DATA_DESC_ID") == 1) & (ms.read("ANTENNA1") == 0) & (ms.read("ANTENNA2") == 1)
        )
        rows = np.flatnonzero(keep)
        found = np.angle((ms.read("CORRECTED_DATA", rows) / ms.read("DATA", rows))[:, 0, 0])
        at = np.searchsorted(times, ms.read("TIME", rows))
        mid = [float(np.mean(ms.metadata.spectral_windows[k].chan_freq_hz)) for k in (0, 1)]
    # V = g0 g1* V_true, so that what is divided away turns as -phase times the ratio of the frequencies.
    found, at = found[at != 2], at[at != 2]
    expected = turns[at] * mid[1] / mid[0]
    assert turns.max() > 2 * np.pi and mid[1] / mid[0] > 1.02
    np.testing.assert_allclose(np.angle(np.exp(1j * (found - expected))), 0, atol=2e-2)  # a slip would be 0.9 rad
