"""Opacity, gain curves, positions and fringes applied: closed formulas, and applying then corrupting is the identity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatools.calibration.apply import PriorCalibration
from casatools.calibration.callib import CalibrationLibrary
from casatools.calibration.correct import ApplyOptions, LibraryOptions, correct_visibilities
from casatools.calibration.generate_table import TableRequest, generate_table
from casatools.calibration.pointing_gains import opacity_gains, switched_power_gains
from casatools.calibration.sky_geometry import SkyGeometry
from casatools.frames.baselines import azimuth_elevation
from casatools.frames.directions import Direction
from casatools.io.caltable import CalTable, SolutionGroup
from casatools.io.ms import MeasurementSet, Selection, iter_chunks

Input = Callable[[str], str]
_C = 299792458.0


@pytest.fixture
def vis(shared_input: Input) -> str:
    """simvla.ms with unit visibilities, no flags and SIGMA 1."""
    path = shared_input("simvla.ms")
    with MeasurementSet(path, writable=True) as ms:
        rows = np.arange(ms.nrow)
        shape = ms.read("DATA", rows).shape
        ms.write("DATA", np.ones(shape, dtype=np.complex64), rows)
        ms.write("FLAG", np.zeros(shape, dtype=bool), rows)
        ms.write("SIGMA", np.ones((shape[0], shape[2]), dtype=np.float32), rows)
    return path


def corrected(vis: str, table: str, interp: str = "") -> dict[str, np.ndarray]:
    correct_visibilities(vis, {}, LibraryOptions((table,), interp=(interp,)), ApplyOptions())
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero(ms.read("DATA_DESC_ID") == 1)
        names = ("CORRECTED_DATA", "WEIGHT", "ANTENNA1", "ANTENNA2", "TIME", "FIELD_ID")
        return {n: np.asarray(ms.read(n, rows)) for n in names}


def elevations(vis: str, found: dict[str, np.ndarray]) -> np.ndarray:
    """Elevations (row, 2) of both antennas, antenna by antenna."""
    with MeasurementSet(vis) as ms:
        out = np.zeros((len(found["TIME"]), 2))
        for end in (0, 1):
            ant = found[f"ANTENNA{end + 1}"]
            for field in np.unique(found["FIELD_ID"]):
                direction = ms.metadata.fields[int(field)].phase_dir[0]
                for a in np.unique(ant):
                    at = (ant == a) & (found["FIELD_ID"] == field)
                    place = ms.metadata.antennas[int(a)].position_m
                    out[at, end] = azimuth_elevation(found["TIME"][at], Direction(*map(float, direction), "J2000"), place)[1]
        return out


def test_opacity(vis: str, tmp_path: Path) -> None:
    generate_table(vis, str(tmp_path / "o"), TableRequest("opac", spw="0,1", parameter=(0.1, 0.2)))
    found = corrected(vis, str(tmp_path / "o"))
    expected = np.exp(0.1 / np.sin(elevations(vis, found))).prod(axis=1)
    np.testing.assert_allclose(found["CORRECTED_DATA"][:, 3, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(found["WEIGHT"][:, 0], expected**-2, rtol=1e-6)


def test_below_the_horizon() -> None:
    gains, bad = opacity_gains(np.full((1, 2, 1, 1), 0.1), np.array([[0.5, -0.1]]))
    assert bad[0, :, 0, 0].tolist() == [False, True] and np.isfinite(gains).all()


def test_gain_curve(vis: str, tmp_path: Path) -> None:
    generate_table(vis, str(tmp_path / "g"), TableRequest("gceff"))
    table = CalTable.open(str(tmp_path / "g"))
    for group in table.groups:
        group.param[:, 0] = [0.5, 1e-3, 1e-5, 0.0, 1.0, 0.0, 0.0, 0.0]
    table.write(str(tmp_path / "g"))
    found = corrected(vis, str(tmp_path / "g"))
    zenith = 90 - np.rad2deg(elevations(vis, found))
    gain = 0.5 + 1e-3 * zenith + 1e-5 * zenith**2
    np.testing.assert_allclose(found["CORRECTED_DATA"][:, 0, 0], 1 / gain.prod(axis=1), rtol=1e-6)
    np.testing.assert_allclose(found["CORRECTED_DATA"][:, 0, 1], 1 / gain[:, 0], rtol=1e-6)
    np.testing.assert_allclose(found["WEIGHT"][:, 0], gain.prod(axis=1) ** 2, rtol=1e-5)


def test_antenna_position(vis: str, tmp_path: Path) -> None:
    offset = np.array([0.1, -0.05, 0.02])
    generate_table(vis, str(tmp_path / "p"), TableRequest("antpos", antenna="EA05", parameter=tuple(offset)))
    found = corrected(vis, str(tmp_path / "p"))
    with MeasurementSet(vis) as ms:
        toward = SkyGeometry(ms).directions_itrf(found["TIME"], found["FIELD_ID"])
        hz = ms.metadata.spectral_windows[1].chan_freq_hz
        # The source's own direction: the baseline's w changes by the offset along it.
        rows = np.flatnonzero((found["ANTENNA2"] == 4) & (found["ANTENNA1"] != 4))
        phase = 2 * np.pi * (toward[rows] @ offset)[:, None] * hz / _C
        np.testing.assert_allclose(found["CORRECTED_DATA"][rows, :, 0], np.exp(1j * phase), atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(toward, axis=1), 1.0)


def fringes(vis: str, path: str, phases: tuple[float, float], delay: float, rate: float, disp: float) -> None:
    """Two solutions 60 s apart, parameters for the second antenna only."""
    with MeasurementSet(vis) as ms:
        table = CalTable.for_ms(ms, "Fringe Jones", "Float")
        table.set_single_channel(ms)
        nant, start = len(ms.metadata.antennas), float(ms.read("TIME").min())
    for k, phase in enumerate(phases):
        for spw in (0, 1):
            values = np.zeros((nant, 1, 8), dtype=np.float32)
            values[1, 0, :4] = phase, delay, rate, disp
            shape = values.shape
            group = SolutionGroup(
                np.zeros(0, np.int64), values, np.zeros(shape, np.float32), np.zeros(shape, bool), np.ones(shape, np.float32)
            )
            table.add_rows(group, time_s=start + 60.0 * k, spw_id=spw, antenna1=np.arange(nant), antenna2=0, field_id=-1)
    table.write(path)


def test_fringe(vis: str, tmp_path: Path) -> None:
    path = str(tmp_path / "f")
    fringes(vis, path, (0.4, 0.4), 3.0, 1e-12, 2.0)
    found = corrected(vis, path, "nearest")
    rows = np.flatnonzero((found["ANTENNA1"] == 1) & (found["ANTENNA2"] == 3))
    with MeasurementSet(vis) as ms:
        hz = ms.metadata.spectral_windows[1].chan_freq_hz
        start = float(ms.read("TIME").min())
    middle, since = hz.mean(), found["TIME"][rows] - start
    since = np.where(since > 30.0, since - 60.0, since)[:, None]
    bent = 2e6 * (1 / hz + hz / (hz[0] * hz[-1]) - 1 / hz[0] - 1 / hz[-1])
    phase = 0.4 + 2 * np.pi * (3e-9 * (hz - middle) + 1e-12 * middle * since + bent)
    np.testing.assert_allclose(found["CORRECTED_DATA"][rows, :, 0], np.exp(-1j * phase), atol=2e-5)
    assert np.allclose(found["CORRECTED_DATA"][rows, :, 3], 1.0)


def test_fringes_in_between(vis: str, tmp_path: Path) -> None:
    path = str(tmp_path / "f")
    fringes(vis, path, (3.0, -3.0), 0.0, 0.0, 0.0)
    found = corrected(vis, path, "linear")
    with MeasurementSet(vis) as ms:
        start = float(ms.read("TIME").min())
    rows = np.flatnonzero((found["ANTENNA1"] == 1) & (found["ANTENNA2"] == 3) & (found["TIME"] < start + 60))
    share = (found["TIME"][rows] - start) / 60.0
    mixed = np.exp(3j) * (1 - share) + np.exp(-3j) * share  # the short way round, as the reference goes
    np.testing.assert_allclose(found["CORRECTED_DATA"][rows, 0, 0], np.conj(mixed / np.abs(mixed)), atol=1e-6)


@pytest.mark.parametrize("caltype", ["opac", "gceff", "antpos", "fringe"])
def test_applying_and_corrupting_is_the_identity(vis: str, tmp_path: Path, caltype: str) -> None:
    path = str(tmp_path / "t")
    if caltype == "fringe":
        fringes(vis, path, (1.0, 2.0), 3.0, 1e-12, 1.0)
    else:
        values = {"opac": (0.3,), "antpos": (0.1, 0.2, 0.3)}.get(caltype, ())
        generate_table(vis, path, TableRequest(caltype, antenna="EA03" if caltype == "antpos" else "", parameter=values))
    with MeasurementSet(vis) as ms:
        prior = PriorCalibration(ms, CalibrationLibrary.from_lists(ms, [path]))
        for chunk in iter_chunks(ms, Selection(field="0").resolve(ms), ["DATA", "FLAG", *prior.columns]):
            data, _, _ = prior.correct(chunk, chunk["DATA"].copy(), chunk["FLAG"].copy())
            assert not np.allclose(data, chunk["DATA"])
            np.testing.assert_allclose(prior.corrupt(chunk, data), chunk["DATA"], atol=1e-5)


def test_flagged_switched_power_scales_weights_by_the_efficiency_alone() -> None:
    values, flags = np.array([[[[2.0, 50.0, 3.0, 40.0]]]]), np.array([[[[False, True, False, False]]]])
    gains, bad, scale = switched_power_gains(values, flags)
    assert gains.ravel().tolist() == [2.0, 3.0] and bad.ravel().tolist() == [True, False]
    np.testing.assert_allclose(scale.ravel(), [0.932, 0.932 / 40])
