"""Solutions normalized to levels of one."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.calibration.normalize import fill_gaps, normalize_solutions


def test_medians_are_of_powers() -> None:
    """Between the two middle ones of an even number, as CASA 6.7 does: two fields, one at half the other's amplitude."""
    amplitude = np.concatenate([np.linspace(0.4368, 0.5058, 27), np.linspace(1.0701, 1.2359, 27), [1.0, 1.0]])
    param = amplitude.reshape(2, 28, 1, 1).astype(complex)
    flag = np.zeros(param.shape, bool)
    flag[1, 26:] = True
    normalize_solutions(param, flag, channels=False, normtype="median")
    level = np.sqrt((0.5058**2 + 1.0701**2) / 2)
    assert level == pytest.approx(0.8369, abs=1e-4)
    np.testing.assert_allclose(np.abs(param).ravel(), amplitude / level, rtol=1e-12)


@pytest.mark.parametrize(("normtype", "level"), [("mean", np.sqrt((1 + 4 + 16) / 3)), ("median", 2.0), ("amplitude", 7 / 3)])
def test_bandpasses_over_their_channels(normtype: str, level: float) -> None:
    param = np.array([1.0, 2.0, 4.0, 8.0]).reshape(1, 1, 4, 1) * np.exp(0.3j)
    flag = np.zeros(param.shape, bool)
    flag[..., 3, :] = True
    normalize_solutions(param, flag, channels=True, normtype=normtype)
    np.testing.assert_allclose(param.ravel()[:3], np.array([1.0, 2.0, 4.0]) / level, rtol=1e-12)


def test_phases_of_long_delays() -> None:
    """Unit vectors, each counting alike, sum to a phase of zero, as in CASA's tables: amplitudes and turns of phase do not count."""
    phase = np.linspace(-2.7, 2.2, 6)
    amplitude = np.array([0.5, 2.0, 1.0, 1.2, 0.9, 1.1])
    param = (amplitude * np.exp(1j * phase)).reshape(1, 1, 6, 1)
    normalize_solutions(param, np.zeros(param.shape, bool), channels=True)
    unit = param.ravel() / np.abs(param.ravel())
    assert np.angle(unit.sum()) == pytest.approx(0, abs=1e-12) and abs(np.angle(param.sum())) > 0.1
    np.testing.assert_allclose(np.diff(np.unwrap(np.angle(param.ravel()))), np.diff(phase), atol=1e-12)


def test_gaps_have_the_errors_of_the_channel_above() -> None:
    param = np.array([1.0, 0.0, 0.0, 4.0j, 0.0]).reshape(1, 1, 5, 1)
    flag = np.array([False, True, True, False, True]).reshape(param.shape)
    error, snr = (np.array(v).reshape(param.shape) for v in ([0.1, 0, 0, 0.2, 0], [10.0, 0, 0, 20.0, 0]))
    fill_gaps(param, flag, 1, (error, snr))
    assert flag.ravel().tolist() == [False, True, True, False, True] and snr.ravel().tolist() == [10, 0, 0, 20, 0]
    fill_gaps(param, flag, 2, (error, snr))
    assert flag.ravel().tolist() == [False, False, False, False, True]
    np.testing.assert_allclose(param.ravel()[1:3], [2 * np.exp(1j * np.pi / 6), 3 * np.exp(1j * np.pi / 3)], rtol=1e-12)
    assert error.ravel().tolist() == [0.1, 0.2, 0.2, 0.2, 0] and snr.ravel().tolist() == [10, 20, 20, 20, 0]
