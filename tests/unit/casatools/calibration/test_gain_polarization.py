"""Polarization from gains: what gains that cover too little must not become."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from casatools._base.errors import DataError
from casatools.calibration import gain_polarization
from casatools.io.caltable import CalTable

Input = Callable[[str], str]


def _by_window(spws: tuple[int, ...]) -> Callable[..., tuple[float, float]]:
    """A fit that finds more than whole polarization in every second call, or in all."""
    calls: list[int] = []

    def fit(ratio: np.ndarray, angle_rad: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
        calls.append(1)
        return (3.0, -40.0) if (len(calls) - 1) % 2 in spws else (0.1, 0.05)

    return fit


def test_more_than_whole_polarization_is_none(
    shared_input: Input, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    vis, table = shared_input("simvla.ms"), shared_input("cal.G")
    monkeypatch.setattr(gain_polarization, "fit_ratio", _by_window((1,)))
    found = gain_polarization.polarization_from_gains(vis, table, "out.G", 0.0, 0.01)
    assert found["1331+305"] == {}  # of too few times
    assert set(found["J1335+2700"]) == {"Spw0", "SpwAve"} and found["J1335+2700"]["SpwAve"] == found["J1335+2700"]["Spw0"]
    assert "is no polarization" in capfd.readouterr().err
    before, after = CalTable.open(table), CalTable.open("out.G")
    kept = after.spw_id == 1
    np.testing.assert_array_equal(after.param[kept], before.param[kept])
    assert not np.array_equal(after.param[~kept], before.param[~kept]) and np.isfinite(after.param).all()
    monkeypatch.setattr(gain_polarization, "fit_ratio", _by_window((0, 1)))
    with pytest.raises(DataError, match="more than wholly polarised"):
        gain_polarization.polarization_from_gains(vis, table, "none.G", 0.0, 0.01)
