"""Sub-tables of parts of a MeasurementSet: which rows stay; numbers are those of CASA 6.7."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import numpy as np
import pytest
from casacore import tables

from casatasks import mstransform, split
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table


def add_calibration(path: str) -> tuple[int, int]:
    """SYSCAL of every antenna and window and WEATHER, once a minute; returns the numbers of minutes and windows."""
    with MeasurementSet(path) as ms:
        nant, nspw = len(ms.metadata.antennas), len(ms.metadata.spectral_windows)
        time_s = ms.read("TIME")
    minutes = np.arange(time_s.min() + 30, time_s.max(), 60.0)
    rows = np.array([(a, s, t) for t in minutes for s in range(nspw) for a in range(nant)])
    with closing(open_table(path, writable=True)) as main:
        for name, count in (("SYSCAL", len(rows)), ("WEATHER", len(minutes))):
            with closing(tables.table(f"{path}/{name}", tables.required_ms_desc(name), nrow=count, ack=False)) as table:
                table.putcol("TIME", rows[:, 2] if name == "SYSCAL" else minutes)
                table.putcol("INTERVAL", np.full(count, 60.0))
                if name == "SYSCAL":
                    table.putcol("ANTENNA_ID", rows[:, 0].astype(np.int32))
                    table.putcol("SPECTRAL_WINDOW_ID", rows[:, 1].astype(np.int32))
                main.putkeyword(name, table)
    return len(minutes), nspw


@pytest.mark.shared
@pytest.mark.parametrize("task", [split, mstransform])
@pytest.mark.parametrize(
    ("given", "antennas", "all_windows"),
    [
        ({"timerange": "04:39:10~04:40:20"}, 9, True), ({"antenna": "0&1"}, 2, True), ({"antenna": "0&1", "timerange": "04:39:10~04:40:20"}, 2, True),
        ({"spw": "1"}, 9, False), ({"scan": "2"}, 9, True), ({"field": "1"}, 9, True),
    ],
)  # fmt: skip
def test_calibration_of_the_system_and_weather_are_not_cut_in_time(
    shared_input: Callable[[str], str], task: Callable, given: dict[str, str], antennas: int, all_windows: bool
) -> None:
    """Rows go with their antennas and windows; what a time selected is calibrated with may have been measured before it."""
    path = shared_input("simvla.ms")
    minutes, nspw = add_calibration(path)
    with MeasurementSet(path) as ms:
        nant = min(antennas, len(ms.metadata.antennas))
    task(path, "o.ms", datacolumn="data", **given)
    with closing(open_table("o.ms/SYSCAL")) as system, closing(open_table("o.ms/WEATHER")) as weather:
        assert system.nrows() == minutes * nant * (nspw if all_windows else 1) and weather.nrows() == minutes
        assert set(system.getcol("ANTENNA_ID").tolist()) == set(range(nant))
        assert set(system.getcol("SPECTRAL_WINDOW_ID").tolist()) == set(range(nspw if all_windows else 1))
