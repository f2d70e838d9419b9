"""Corrupt and recover: gains of both receptors or common to them, delays between receptors and factors of baselines, in both feed bases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools._base.errors import DataError
from casatools.calibration.solve_options import SolveOptions
from casatools.calibration.solve_session import PriorTables, solve_to_table
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet, Selection
from support.polarised import SOURCE, make_polarised

FREQUENCY = 1.4e9 + 4e6 * np.arange(8)


def _solve(vis: str, kind: str, **options: Any) -> CalTable:
    chosen = SolveOptions(**{"kind": kind, "refant": "EA01", "smodel": SOURCE, **options})
    solve_to_table(vis, f"o.{kind}", Selection(spw="0"), chosen, PriorTables(parang=True))
    return CalTable.open(f"o.{kind}")


def _gains(common: bool) -> np.ndarray:
    rng = np.random.default_rng(8)
    phase = np.cumsum(rng.normal(0, 0.3, (8, 36, 2)), axis=1)
    gain = rng.uniform(0.6, 1.5, (8, 36, 2)) * np.exp(1j * phase)
    return np.repeat(gain[..., :1], 2, axis=-1) if common else gain


def _jones(diagonal: np.ndarray) -> np.ndarray:
    jones = np.zeros((*diagonal.shape, 2), dtype=complex)
    jones[..., 0, 0], jones[..., 1, 1] = diagonal[..., 0], diagonal[..., 1]
    return jones


@pytest.mark.parametrize("basis", ["circular", "linear"])
@pytest.mark.parametrize(("kind", "calmode"), [("G", "ap"), ("T", "ap"), ("T", "p"), ("G", "a"), ("G", "p")])
def test_gains(tmp_path: Path, basis: str, kind: str, calmode: str) -> None:
    gain = _gains(kind == "T")
    if calmode == "p":
        gain = gain / np.abs(gain)
    vis = make_polarised(tmp_path / basis, _jones(gain[:, :, None]), basis=basis, noise=1e-4)
    table = _solve(vis, kind, solint="int", calmode=calmode, solmode="R" if kind == "G" else "")
    found = np.where(table.flag, np.nan, table.param)[:, 0].reshape(36, 8, -1)
    expected = (gain * np.exp(-1j * np.angle(gain[:1]))).transpose(1, 0, 2)[..., : found.shape[2]]
    if calmode == "a":
        expected = np.abs(expected)
    # The phase of the reference antenna is held where it was at the first time.
    np.testing.assert_allclose(found, expected, atol=5e-4)


@pytest.mark.parametrize("basis", ["circular", "linear"])
def test_delays_between_receptors(tmp_path: Path, basis: str) -> None:
    slope = np.exp(2e-9j * np.pi * 7.0 * (FREQUENCY - FREQUENCY.mean()))
    jones = _jones(np.stack([slope, np.ones(8)], axis=-1)[None, None].repeat(8, axis=0))
    vis = make_polarised(tmp_path / basis, jones, basis=basis, noise=1e-4)
    table = _solve(vis, "KCROSS", combine="scan")
    np.testing.assert_allclose(table.param[:, 0, 0], 7.0, atol=0.01)
    assert (table.param[:, 0, 1] == 0).all()


@pytest.mark.parametrize("basis", ["circular", "linear"])
def test_factors_of_baselines(tmp_path: Path, basis: str) -> None:
    vis = make_polarised(tmp_path / "m", _jones(np.ones((8, 1, 1, 2), dtype=complex)), basis=basis, noise=1e-4)
    with MeasurementSet(vis, writable=True) as ms:
        rows = np.flatnonzero((ms.read("ANTENNA1") == 2) & (ms.read("ANTENNA2") == 6))
        ms.write("DATA", ms.read("DATA", rows) * np.array([1.2j, 1, 1, 0.8], dtype=np.complex64), rows)
    for kind in ("M", "MF"):
        table = _solve(vis, kind, combine="scan")
        mine = (table.antenna1 == 2) & (table.antenna2 == 6)
        found = np.where(table.flag[mine], np.nan, table.param[mine])
        # The parallactic angle is not undone in a solve for what comes before it: the model has it.
        np.testing.assert_allclose(found[0, -1], [1.2j, 0.8], atol=1e-3)


def test_a_missing_column_is_told(tmp_path: Path) -> None:
    from casacore.tables import table as raw

    vis = make_polarised(tmp_path / "m", _jones(np.ones((8, 1, 1, 2), dtype=complex)))
    with raw(vis, readonly=False, ack=False) as main:
        main.removecols("DATA")
    with pytest.raises(DataError, match="DATA"):
        _solve(vis, "G")
