"""The Earth's field: a dipole in closed form, and the strength at observatories."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import DataError
from casatools.frames import magnetic_field
from casatools.frames.magnetic_field import earth_field, field_from_coefficients

RADIUS = 6371.2e3


def test_dipole() -> None:
    places = RADIUS * np.array([[1.0, 0, 0], [0, 0, 1.0], [0, 0, 2.0], [np.sqrt(0.5), 0, np.sqrt(0.5)]])
    field = field_from_coefficients(places, np.array([-30000.0, 0.0, 0.0]))
    np.testing.assert_allclose(field[0], [0, 0, 30000e-9], atol=1e-15)
    np.testing.assert_allclose(field[1], [0, 0, -60000e-9], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(field[2], field[1] / 8, rtol=1e-9, atol=1e-12)
    assert np.linalg.norm(field[3]) == pytest.approx(30000e-9 * np.sqrt(1 + 3 * 0.5))


def test_field_is_a_gradient() -> None:
    rng = np.random.default_rng(3)
    coefficients = rng.normal(0, 1000, 24)
    place = np.array([4.0e6, 3.0e6, 4.5e6])
    step = 100.0
    slopes = np.array([
        (field_from_coefficients(place + step * e, coefficients) - field_from_coefficients(place - step * e, coefficients))[0] / (2 * step)
        for e in np.eye(3)
    ])  # fmt: skip
    assert np.trace(slopes) == pytest.approx(0, abs=1e-6 * np.abs(slopes).max())
    np.testing.assert_allclose(slopes, slopes.T, atol=1e-6 * np.abs(slopes).max())


@pytest.mark.parametrize(
    ("place", "strength_nt"),
    [
        ((-1601185.4, -5041977.5, 3554875.9), 48330), ((2225142.2, -5440307.4, -2481029.9), 22900), ((5109360.1, 2006852.6, -3238948.1), 26000),
        ((1656342.3, 5797947.8, 2073243.2), 43000), ((3826577.1, 461022.9, 5064892.8), 49500),
    ],
    ids=["VLA", "ALMA", "MeerKAT", "GMRT", "LOFAR"],
)  # fmt: skip
def test_observatories(place: tuple[float, float, float], strength_nt: float) -> None:
    assert np.linalg.norm(earth_field(np.array([place]), 58604.0)) * 1e9 == pytest.approx(strength_nt, rel=0.04)


def test_no_coefficients(monkeypatch: pytest.MonkeyPatch) -> None:
    magnetic_field._coefficients.cache_clear()
    monkeypatch.setattr(magnetic_field, "is_table", lambda _: False)
    with pytest.raises(DataError, match="geodetic/IGRF"):
        earth_field(np.ones((1, 3)) * 4e6, 58604.0)
