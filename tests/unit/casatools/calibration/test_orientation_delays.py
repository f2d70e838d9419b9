"""Corrections for the orientation of the Earth that a correlator took."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import DataError, ParameterError, PathMissingError
from casatools.calibration import orientation_delays
from casatools.calibration.generate_table import TableRequest, generate_table
from casatools.calibration.orientation_delays import Orientation, measured_orientation, orientation_delay_s, orientation_of_file
from casatools.frames.earth_orientation import EarthOrientation
from casatools.frames.epochs import utc_seconds
from casatools.io.caltable import CalTable
from casatools.io.formats.earth_orientation_file import OrientationSeries
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
    # As CASA orders rows: antennas of a scan, their times, spectral windows; at the channel above the middle.
    assert table.antenna1[:13].tolist() == [0] * 6 + [1] * 6 + [2] and table.spw_id[:3].tolist() == [0, 1, 0]
    assert table.frequencies_hz[1][0] == 1.616e9
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


def test_times_of_atomic_clocks_are_taken_as_such(shared_input: Input, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was measured is asked for in UTC, whatever the data count in."""
    from casacore.tables import table as raw

    asked: list[float] = []
    monkeypatch.setattr(orientation_delays, "measured_orientation", lambda time_s: asked.append(time_s) or TRUE)
    vis = with_orientation(shared_input("simvla.ms"))
    with raw(vis, readonly=False, ack=False) as main:
        info = main.getcolkeyword("TIME", "MEASINFO")
        main.putcolkeyword("TIME", "MEASINFO", {**info, "Ref": "TAI"})
    generate_table(vis, str(tmp_path / "eop"), TableRequest("eop"))
    written = np.unique(CalTable.open(str(tmp_path / "eop")).time_s)
    np.testing.assert_allclose(np.unique(asked), utc_seconds(written, "TAI"), atol=1e-4)
    assert 30 < written[0] - asked[0] < 40


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
    with pytest.raises(ParameterError, match="finds its values"):
        TableRequest("eop", parameter=(1.0,))


def test_files_of_orientations(shared_input: Input, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same orientation in all formats gives the table that the data folder's gives."""
    monkeypatch.setattr(orientation_delays, "measured_orientation", lambda time_s: TRUE)
    vis = with_orientation(shared_input("simvla.ms"))
    generate_table(vis, str(tmp_path / "eop"), TableRequest("eop"))
    wanted = CalTable.open(str(tmp_path / "eop")).param
    with MeasurementSet(vis) as ms:
        day = int(np.asarray(ms.read("TIME", np.arange(1)))[0] // 86400)
    x, y, ut1 = (*(v * 180 * 3600 / np.pi for v in TRUE[:2]), TRUE[2])
    days = range(day - 1, day + 3)
    erp = [f"{d + 2400000.5:.1f} {x * 10:.6f} {y * 10:.6f} {(37 - ut1) * 1e6:.1f} 1 1 1" for d in days]
    finals = [f"191231 {d:8.2f} I {x:9.6f} 0.000091 {y:9.6f} 0.000092  I{ut1:10.7f} 0.0000102" for d in days]
    series = [f"2019 12 31 {d} {x:.7f} {y:.7f} {ut1:.7f} 0.0005" for d in days]
    hours = [f"2019 12 31 0 {d}.00 {x:.7f} {y:.7f} {ut1:.7f} 0.0005" for d in days]
    for name, lines in {"erp": ["EOP-MOD Ver 2.0", "# comment", *erp], "finals": finals, "c04": series, "c20": hours}.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        generate_table(vis, str(tmp_path / f"{name}.cal"), TableRequest("eop", infile=str(tmp_path / name)))
        np.testing.assert_allclose(CalTable.open(str(tmp_path / f"{name}.cal")).param, wanted, rtol=1e-4, atol=2e-4, err_msg=name)
    for text, error, message in (("a b c\n", DataError, "neither"), ("\n".join(series[:2]).replace(str(day - 1), "50000").replace(str(day), "50001"), DataError, "50001")):  # fmt: skip
        (tmp_path / "bad").write_text(text)
        with pytest.raises(error, match=message):
            generate_table(vis, str(tmp_path / "bad.cal"), TableRequest("eop", infile=str(tmp_path / "bad")))
    with pytest.raises(PathMissingError, match="absent"):
        generate_table(vis, str(tmp_path / "bad.cal"), TableRequest("eop", infile="absent"))


def test_leap_seconds_are_no_slope() -> None:
    series = OrientationSeries(np.arange(3.0), np.zeros((3, 2)), np.array([-0.4, 0.6, 0.598]))
    assert orientation_of_file(series, 0.5 * 86400, "f")[2] == pytest.approx(-0.4)
    assert orientation_of_file(series, 1.0 * 86400, "f")[2] == pytest.approx(0.6)
    assert orientation_of_file(series, 1.5 * 86400, "f")[2] == pytest.approx(0.599)
    assert orientation_of_file(series, 2.0 * 86400, "f")[2] == pytest.approx(0.598)
