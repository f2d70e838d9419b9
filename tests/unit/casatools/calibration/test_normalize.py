"""Solutions normalized to levels of one."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.calibration.normalize import normalize_solutions


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
