"""The sky beside bandpasses: the weather, water and elevation of the observation."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools.calibration.sky_geometry import SkyGeometry
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from casatools.plotting.bandpass_sky import Atmosphere, fdm_windows, find_atmosphere, find_vis
from support.radiometer_ms import WATER_MM, make_radiometer_ms

Input = Callable[[str], str]


def test_water_weather_and_elevation_come_from_the_data(shared_input: Input, tmp_path: Path) -> None:
    from casatasks import wvrgcal

    vis = make_radiometer_ms(tmp_path, 12)
    wvrgcal(vis, str(tmp_path / "w"))
    table = CalTable.open(str(tmp_path / "w"))
    sky = find_atmosphere(vis, table, "auto")
    assert sky.water_mm == pytest.approx(WATER_MM, rel=0.1)
    assert 260 < sky.temperature_k < 285
    assert 540 < sky.pressure_hpa < 570
    with MeasurementSet(vis) as ms:
        expected = np.median(SkyGeometry(ms).elevations(np.asarray(table.time_s), np.asarray(table.field_id))[:, 0])
    assert sky.airmass == pytest.approx(1 / np.sin(expected))
    assert find_atmosphere(vis, table, 2.5, "J1423-7829").water_mm == 2.5
    assert find_vis(str(tmp_path / "w"), table, "") == str(tmp_path / table.ms_name)
    with pytest.raises(SelectionError):
        find_atmosphere(vis, table, 1.0, "XX")
    table.field_id = table.field_id + 99
    with pytest.raises(DataError, match="fields"):
        find_atmosphere(vis, table, 1.0)


def test_what_stands_in(shared_input: Input) -> None:
    table = CalTable.open(shared_input("cal.B"))
    assert find_atmosphere("", table, "auto") == Atmosphere()
    # No WEATHER rows: the standard atmosphere at the array's 2100 m.
    sky = find_atmosphere(shared_input("simvla.ms"), table, "")
    assert sky.temperature_k == pytest.approx(288.15 - 0.0065 * 2120, abs=1.5)
    assert sky.pressure_hpa == pytest.approx(783, abs=8)
    assert sky.water_mm == 1.0


@pytest.mark.parametrize("pwv", ["much", -1.0, None])
def test_water_that_cannot_be(shared_input: Input, pwv: Any) -> None:
    with pytest.raises(ParameterError, match="pwv"):
        find_atmosphere("", CalTable.open(shared_input("cal.B")), pwv)


def test_curves() -> None:
    frequency = np.array([90e9, 183.31e9])
    transmission, temperature = Atmosphere().curve(frequency, "atm"), Atmosphere().curve(frequency, "tsky")
    assert transmission[0] > 90 > 20 > transmission[1]
    assert temperature[1] > 200 > temperature[0]


def test_windows_in_frequency_division_mode(shared_input: Input) -> None:
    assert fdm_windows(shared_input("simvla.ms")) == []


def test_radiometers_without_data_leave_one_mm(tmp_path: Path, shared_input: Input) -> None:
    vis = shared_input("alma_small.ms")
    copied = str(tmp_path / "copy.ms")
    shutil.copytree(vis, copied)
    table = CalTable.open(shared_input("cal.B"))
    table.field_id = table.field_id * 0
    assert find_atmosphere(copied, table, "auto").water_mm == 1.0
