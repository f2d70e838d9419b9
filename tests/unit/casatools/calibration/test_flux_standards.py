"""Flux density scales; numbers are what CASA 6.7 setjy gave for channels at these frequencies."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.calibration.flux_coefficients import CALIBRATORS
from casatools.calibration.flux_standards import find_calibrator, flux_density


@pytest.mark.parametrize(
    ("standard", "name", "frequency", "flux"),
    [
        ("Perley-Butler 2017", "3C286", 1.4e9, 15.08384895),
        ("Perley-Butler 2017", "3C48", 1.6e9, 14.57394123),
        ("Perley-Butler 2013", "3C286", 1.4e9, 15.15830994),
        ("Perley-Butler 2013", "3C48", 1.4e9, 16.44552231),
        ("Perley-Butler 2010", "3C286", 1.4e9, 14.85608522),
        ("Perley-Taylor 99", "3C48", 1.4e9, 16.05955926),
        ("Baars", "3C48", 1.4e9, 15.93802037),
        ("Perley 90", "3C286", 1.4e9, 14.82757082),
        ("Perley-Taylor 95", "3C286", 1.6e9, 13.95144423),
        ("Scaife-Heald 2012", "3C48", 1.4e9, 16.06796541),
        ("Perley-Butler 2010", "1934-638", 1.0e9, 14.80532769),
        ("Stevens-Reynolds 2016", "1934-638", 12.0e9, 1.87423010),
        ("Perley-Taylor 95", "1934-638", 1.0e9, 14.80532769),
        ("Perley-Taylor 99", "1934-638", 40e9, 10**-0.18140891),
    ],
)
def test_against_reference(standard: str, name: str, frequency: float, flux: float) -> None:
    found = flux_density(standard, name, np.array([frequency]), 2019.33)
    assert found is not None
    assert np.isclose(found[0], flux, rtol=5e-6)


def test_variable_calibrators_follow_their_epochs() -> None:
    f = np.array([1.4e9])
    got = [flux_density("Perley-Butler 2017", "3C48", f, year, "nearest")[0] for year in (1980.0, 2000.7, 2000.85, 2019.0)]  # type: ignore[index]
    assert np.allclose(got, [16.52839088, 16.50598336, 16.45037460, 16.25540543], rtol=1e-6)
    got = [flux_density("Perley-Butler 2017", "3C48", f, 2000.5, mode)[0] for mode in ("linear", "cubic", "spline")]  # type: ignore[index]
    assert np.allclose(got, [16.46155739, 16.45734024, 16.45411491], rtol=1e-5)


def test_absent_calibrators() -> None:
    f = np.array([1e9])
    assert flux_density("Perley-Taylor 99", "CYGNUS_A", f, 2000) is None
    assert flux_density("Scaife-Heald 2012", "3C123", f, 2000) is None
    assert flux_density("Perley-Butler 2017", "1934-638", f, 2000) is None


def test_find_by_name_and_position() -> None:
    ra, dec, _ = CALIBRATORS["3C48"]
    assert find_calibrator("1331+30500002_0", 0.0, 0.0).name == "3C286"  # type: ignore[union-attr]
    assert find_calibrator("weird", ra + 2 * np.pi, dec + 4e-6).name == "3C48"  # type: ignore[union-attr]
    assert find_calibrator("3c147 scan", ra, dec).name == "3C147"  # type: ignore[union-attr]
    assert find_calibrator("weird", ra, dec + np.deg2rad(10 / 3600)) is None
