"""Corrections for the orientation of the Earth that a correlator took."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import DataError, ParameterError, UnsupportedError
from casatools.calibration import orientation_delays
from casatools.calibration.generate_table import TableRequest, generate_table
from casatools.calibration.orientation_delays import Orientation, measured_orientation, orientation_delay_s
from casatools.frames.earth_orientation import EarthOrientation
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet

Input = Callable[[str], str]
TRUE: Orientation = (3.5e-7, 2.0e-6, -0.14876)
TAKEN: Orientation = (1e-6, 2e-6, -0.2)


def with_orientation(path: str, observation: int = 0, leave: str = "") -> str:
    """Add an EARTH_ORIENTATION table of what was taken, the day before and after."""
    from casacore.tables import makearrcoldesc, makescacoldesc, maketabdesc, table

    with table(path, ack=False) as main:
        start = float(main.getcol("TIME").min())
    described = {
        "TIME": makescacoldesc("TIME", 0.0), "OBSERVATION_ID": makescacoldesc("OBSERVATION_ID", 0), "PM": makearrcoldesc("PM", 0.0, ndim=1),
        "UT1_UTC": makescacoldesc("UT1_UTC", 0.0),
    }  # fmt: skip
    with table(f"{path}/EARTH_ORIENTATION", maketabdesc([d for n, d in described.items() if n != leave]), nrow=2, ack=False) as t:
        t.putcol("TIME", start + np.array([-86400.0, 86400.0]))
        t.putcol("OBSERVATION_ID", np.full(2, observation, np.int32))
        t.putcol("PM", np.tile(TAKEN[:2], (2, 1)))
        if leave != "UT1_UTC":
            t.putcol("UT1_UTC", np.full(2, TAKEN[2]))
    return path


def test_delays_are_those_of_small_rotations() -> None:
    positions = np.array([[6e6, 1e6, 2e6], [-1e6, 5e6, 3e6]])
    toward = np.array([0.6, 0.0, 0.8])
    turned = orientation_delay_s(positions, toward, (0.0, 0.0, 1e-3), (0.0, 0.0, 0.0))
    # The Earth turned too far: the station is east of where it is.
    np.testing.assert_allclose(turned, 7.2921159e-5 * 1e-3 * (positions[:, 1] * 0.6) / 299792458.0, rtol=1e-5)
    moved = orientation_delay_s(positions, toward, (1e-6, 0.0, 0.0), (0.0, 0.0, 0.0))
    np.testing.assert_allclose(moved, 1e-6 * (positions[:, 2] * 0.6 - positions[:, 0] * 0.8) / 299792458.0, rtol=1e-4)
    assert np.abs(orientation_delay_s(positions, toward, TAKEN, TAKEN)).max() == 0.0


def test_table(shared_input: Input, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orientation_delays, "measured_orientation", lambda time_s: TRUE)
    vis, caltable = with_orientation(shared_input("simvla.ms")), str(tmp_path / "eop")
    generate_table(vis, caltable, TableRequest("eop"))
    table = CalTable.open(caltable)
    assert table.vis_cal == "Fringe Jones"
    assert table.param.shape[1:] == (1, 8)
    first = np.flatnonzero((table.antenna1 == 0) & (table.spw_id == 0))
    with MeasurementSet(vis) as ms:
        every = np.arange(ms.nrow)
        time, scan = np.asarray(ms.read("TIME", every)), np.asarray(ms.read("SCAN_NUMBER", every))
    own = np.unique(time[scan == 1])
    assert table.time_s[first][:3].tolist() == [own[0], own[len(own) // 2], own[-1]]
    delay, rate, phase = (table.param[first, 0, k] for k in (1, 2, 0))
    # What CASA 6.7 wrote for the first scan with these values (ns, s/s).
    np.testing.assert_allclose(delay[:3], [23.668, 23.278, 23.017], rtol=2e-3)
    np.testing.assert_allclose(rate[:3], [-4.3304e-12, -4.3407e-12, -4.3474e-12], rtol=3e-3)
    np.testing.assert_allclose(phase, 2 * np.pi * delay * 1e-9 * table.frequencies_hz[0][0], rtol=1e-5)


def test_data_that_do_not_say(shared_input: Input, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orientation_delays, "measured_orientation", lambda time_s: TRUE)
    vis = shared_input("simvla.ms")
    for make, text in (
        (lambda: None, "EARTH_ORIENTATION"), (lambda: with_orientation(vis, leave="UT1_UTC"), "UT1_UTC"),
        (lambda: with_orientation(vis, observation=7), "observation 0"),
    ):  # fmt: skip
        make()
        with pytest.raises(DataError, match=text):
            generate_table(vis, str(tmp_path / "eop"), TableRequest("eop"))
    assert not (tmp_path / "eop").exists()


def test_what_the_data_folder_has(monkeypatch: pytest.MonkeyPatch) -> None:
    from casatools.frames import earth_orientation as frames

    monkeypatch.setattr(frames, "earth_orientation", lambda time_s: EarthOrientation(0, 0, -0.2, 37.0, (6.3567523142, 0.0)))
    assert measured_orientation(5e9) == (pytest.approx(1e-6), 0.0, -0.2)
    monkeypatch.setattr(frames, "earth_orientation", lambda time_s: EarthOrientation(0, 0, -0.2, 37.0, (0.0, 0.0)))
    with pytest.raises(DataError, match="IERSeop97"):
        measured_orientation(5e9)


def test_requests_that_cannot_be() -> None:
    with pytest.raises(UnsupportedError, match="infile"):
        TableRequest("eop", infile="usno_finals.erp")
    with pytest.raises(ParameterError, match="finds its values"):
        TableRequest("eop", parameter=(1.0,))
