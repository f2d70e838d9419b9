"""Factors of baselines and gains from autocorrelations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import casatasks
from casatools.calibration.apply import PriorCalibration
from casatools.calibration.callib import CalibrationLibrary
from casatools.calibration.normalize import normalize_solutions
from casatools.calibration.solve_averages import antenna_pairs, autocorrelation_gains, average_baselines
from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_options import SolveOptions
from casatools.calibration.solve_session import PriorTables, solve_to_table
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet, Selection, iter_chunks
from support.polarised import make_linear
from support.shared import unpack


def _data(vis: np.ndarray) -> IntervalData:
    return IntervalData(np.array([0]), vis, np.ones(vis.shape), np.array([1.0]))


def test_baseline_factors() -> None:
    # The second baseline is stored the other way round.
    baselines = Baselines(np.array([0, 2]), np.array([1, 1]), np.zeros((3, 3), dtype=np.int64))
    vis = np.array([2j, 3 + 4j]).reshape(1, 1, 2, 1, 1)
    first, second = antenna_pairs(3)
    assert list(zip(first, second, strict=True)) == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    both = average_baselines(_data(vis), baselines, 3, "ap")
    np.testing.assert_allclose(both.param[0, :, 0, 0], [0, 2j, 0, 0, 3 - 4j, 0])
    assert both.flag[0, :, 0, 0].tolist() == [True, False, True, True, False, True]
    np.testing.assert_allclose(average_baselines(_data(vis), baselines, 3, "a").param[0, [1, 4], 0, 0], [2, 5])
    np.testing.assert_allclose(average_baselines(_data(vis), baselines, 3, "p").param[0, [1, 4], 0, 0], [1j, 0.6 - 0.8j])


def test_autocorrelations() -> None:
    baselines = Baselines(np.array([0, 2]), np.array([0, 2]), np.zeros((3, 3), dtype=np.int64))
    vis = np.array([[4.0, 8.0], [12.0, 10.0]]).reshape(1, 2, 2, 1, 1) + 0j
    found = autocorrelation_gains(_data(vis), baselines, 3)
    np.testing.assert_allclose(found.param[0, :, 0, 0], [np.sqrt(8), 1, 3])
    assert found.flag[0, :, 0, 0].tolist() == [False, True, False]


@pytest.mark.parametrize("basis", ["circular", "linear"])
def test_gains_of_autocorrelations_come_back(tmp_path: Path, basis: str) -> None:
    """Eight baselines are made autocorrelations of known power: the table is its root, applied it leaves one, and corrupting gives the data."""
    vis = _observed(tmp_path, basis)
    rng = np.random.default_rng(2)
    power = rng.uniform(0.5, 2.0, (8, 36, 2))
    with MeasurementSet(vis, writable=True) as ms:
        first, second, times = ms.read("ANTENNA1"), ms.read("ANTENNA2"), ms.read("TIME")
        # Baselines 0-1, 1-2, ..., 6-7 and 0-7 are what becomes autocorrelations of the antennas 0, 1, ..., 6 and 7.
        last = (first == 0) & (second == 7)
        rows = np.flatnonzero((second == first + 1) | last)
        ant = np.where(last[rows], 7, first[rows])
        which = np.unique(times, return_inverse=True)[1][rows]
        data = np.zeros((len(rows), 8, 4), dtype=np.complex64)
        data[..., 0], data[..., 3] = power[ant, which, :1], power[ant, which, 1:]
        for name, value in (("ANTENNA1", ant), ("ANTENNA2", ant), ("DATA", data), ("FLAG", np.zeros(data.shape, dtype=bool))):
            ms.write(name, value.astype(np.int32) if name[:3] == "ANT" else value, rows)
    casatasks.accor(vis, str(tmp_path / "o.accor"), solint="int")
    table = CalTable.open(str(tmp_path / "o.accor"))
    found = table.param[table.spw_id == 0][:, 0].real.reshape(36, 8, 2)
    np.testing.assert_allclose(found, np.sqrt(power).transpose(1, 0, 2), rtol=1e-5)
    with MeasurementSet(vis) as ms:
        calibration = PriorCalibration(ms, CalibrationLibrary.from_lists(ms, [str(tmp_path / "o.accor")]))
        chunk = next(iter_chunks(ms, Selection(spw="0", antenna="*&&&").resolve(ms), [*calibration.columns, "DATA", "FLAG"]))
        before = chunk["DATA"].copy()
        corrected, flag, _ = calibration.correct(chunk, before.copy(), chunk["FLAG"].copy())
        assert not flag.any()
        np.testing.assert_allclose(corrected[..., [0, 3]], 1, rtol=1e-5)
        np.testing.assert_allclose(calibration.corrupt(chunk, corrected.copy()), before, atol=1e-5)


def _observed(folder: Path, basis: str) -> str:
    path = str(unpack("simvla.ms", folder))
    if basis == "linear":
        make_linear(path)
    return path


@pytest.mark.parametrize("basis", ["circular", "linear"])
def test_offsets_are_solved_and_taken_off(tmp_path: Path, basis: str) -> None:
    """A constant added to a baseline comes back, and applying the table removes it; CASA has the kind but cannot solve it."""
    vis = _observed(tmp_path, basis)
    with MeasurementSet(vis, writable=True) as ms:
        rows = np.flatnonzero(ms.read("FIELD_ID") == 0)
        data = np.zeros((len(rows), 8, 4), dtype=np.complex64)
        data[..., [0, 3]] = 3.0
        mine = (ms.read("ANTENNA1")[rows] == 1) & (ms.read("ANTENNA2")[rows] == 4)
        data[mine] += np.array([0.5, 0.1j, -0.1j, 0.25], dtype=np.complex64)
        ms.write("DATA", data, rows)
    options = SolveOptions(kind="A", combine="scan", smodel=(3.0, 0.0, 0.0, 0.0))
    solve_to_table(vis, str(tmp_path / "o.A"), Selection(field="0"), options, PriorTables())
    table = CalTable.open(str(tmp_path / "o.A"))
    found = np.flatnonzero((table.antenna1 == 1) & (table.antenna2 == 4) & (table.spw_id == 0))
    np.testing.assert_allclose(table.param[found[0], 0], [0.5, 0.1j, -0.1j, 0.25], atol=1e-6)
    assert (table.vis_cal, table.nrow) == ("A Mueller", 2 * 36)
    casatasks.applycal(vis, field="0", gaintable=[str(tmp_path / "o.A")], applymode="calonly", flagbackup=False)
    with MeasurementSet(vis) as ms:
        corrected, flag = ms.read("CORRECTED_DATA", rows), ms.read("FLAG", rows)
    expected = np.broadcast_to(np.array([3.0, 0, 0, 3.0]), corrected.shape)
    np.testing.assert_allclose(corrected[~flag], expected[~flag], atol=1e-5)


def test_normalised_to_the_mean_amplitude() -> None:
    """As CASA 6.7 does for blcal: the mean of the receptors' mean amplitudes becomes one."""
    param = np.array([1.0, 3.0, 2.0, 6.0, 9.0, 9.0], dtype=complex).reshape(3, 1, 1, 2)
    flag = np.zeros(param.shape, dtype=bool)
    flag[2] = True
    normalize_solutions(param, flag, False, "amplitude")
    assert param[:2].ravel() == pytest.approx(np.array([1.0, 3.0, 2.0, 6.0]) / 3.0)


def test_factors_of_channels_have_unit_vectors_of_mean_phase_zero() -> None:
    """As CASA 6.7 does for blcal with freqdep: not the mean of the phases, nor the phase of the mean."""
    param = np.array([1.0, 2.0j, 5.0], dtype=complex).reshape(1, 1, 3, 1)
    flag = np.array([False, False, True]).reshape(param.shape)
    normalize_solutions(param, flag, True, "amplitude")
    expected = np.array([1.0, 2.0j]) / 1.5 * np.exp(-0.25j * np.pi)
    assert param[0, 0, :2, 0] == pytest.approx(expected)
    alone = np.array([1.0, 0.2j]).reshape(1, 1, 2, 1)
    normalize_solutions(alone, np.array([True, False]).reshape(alone.shape), True, "amplitude")
    assert alone[0, 0, 1, 0] == pytest.approx(1.0)


@pytest.mark.parametrize("freqdep", [False, True])
def test_factors_of_antennas_with_themselves(tmp_path: Path, freqdep: bool) -> None:
    """Autocorrelations have factors of their own, as in CASA: applied, they are the model, and nothing is flagged."""
    vis = _observed(tmp_path, "circular")
    with MeasurementSet(vis, writable=True) as ms:
        rows = np.flatnonzero((ms.read("ANTENNA1") == 2) & (ms.read("ANTENNA2") == 3))
        ms.write("ANTENNA2", np.full(len(rows), 2, dtype=np.int32), rows)
        data, flag = ms.read("DATA"), ms.read("FLAG")
        data[rows] = np.arange(1, 9)[:, None] * np.array([2.0, 0, 0, 3.0]) if freqdep else np.array([2.0, 0, 0, 3.0])
        flag[rows] = False
        ms.write("DATA", data, np.arange(ms.nrow))
        ms.write("FLAG", flag, np.arange(ms.nrow))
    casatasks.blcal(vis, str(tmp_path / "m"), solint="inf", combine="scan,field", freqdep=freqdep)
    table = CalTable.open(str(tmp_path / "m"))
    own = (table.antenna1 == 2) & (table.antenna2 == 2)
    expected = np.array([2.0, 3.0]) * (np.arange(1, 9)[:, None] if freqdep else np.ones((1, 1)))
    assert not table.flag[own].any()
    np.testing.assert_allclose(table.param[own], np.broadcast_to(expected, table.param[own].shape), rtol=1e-6)
    casatasks.applycal(vis, gaintable=[str(tmp_path / "m")], flagbackup=False)
    with MeasurementSet(vis) as ms:
        np.testing.assert_allclose(ms.read("CORRECTED_DATA", rows)[..., [0, 3]], 1, rtol=1e-6)
        assert not ms.read("FLAG", rows)[..., [0, 3]].any()
