"""Flux density scales; numbers are what CASA 6.7 setjy gave for channels at these frequencies."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.calibration.flux_coefficients import CALIBRATORS
from casatools.calibration.flux_standards import find_calibrator, flux_density, last_epoch


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


@pytest.mark.parametrize(
    ("standard", "name", "unit_hz", "factor", "polynomial"),
    [
        # Perley & Butler 2017, ApJS 230, 7, table 6 (of sources that do not vary): log S over log of GHz.
        ("Perley-Butler 2017", "3C286", 1e9, 1.0, (1.2481, -0.4507, -0.1798, 0.0357)),
        ("Perley-Butler 2017", "3C295", 1e9, 1.0, (1.4701, -0.7658, -0.2780, -0.0347, 0.0399)),
        ("Perley-Butler 2017", "3C196", 1e9, 1.0, (1.2872, -0.8530, -0.1534, -0.0200, 0.0201)),
        ("Perley-Butler 2017", "3C123", 1e9, 1.0, (1.8017, -0.7884, -0.1035, -0.0248, 0.0090)),
        # Scaife & Heald 2012, MNRAS 423, L30, table 2: over log of 150 MHz, with a factor in front.
        ("Scaife-Heald 2012", "3C286", 150e6, 27.477, (0.0, -0.158, 0.032, -0.180)),
        ("Scaife-Heald 2012", "3C196", 150e6, 83.084, (0.0, -0.699, -0.110)),
        ("Scaife-Heald 2012", "3C48", 150e6, 64.768, (0.0, -0.387, -0.420, 0.181)),
        # Baars et al. 1977, A&A 61, 99, table 5: over log of MHz.
        ("Baars", "3C286", 1e6, 1.0, (1.480, 0.292, -0.124)),
        ("Baars", "3C147", 1e6, 1.0, (1.766, 0.447, -0.184)),
        # Reynolds 1994, ATNF memo AT/39.3/040: over log of MHz.
        ("Perley-Butler 2010", "1934-638", 1e6, 1.0, (-30.7667, 26.4908, -7.0977, 0.605334)),
    ],
)
def test_published_polynomials(standard: str, name: str, unit_hz: float, factor: float, polynomial: tuple[float, ...]) -> None:
    hz = np.array([0.35e9, 0.42e9] if "Heald" in standard else [1.1e9, 1.4e9, 4.9e9])
    published = factor * 10.0 ** np.polynomial.polynomial.polyval(np.log10(hz / unit_hz), polynomial)
    np.testing.assert_allclose(flux_density(standard, name, hz, 2019.0), published, rtol=1e-5)


def test_variable_calibrators_follow_their_epochs() -> None:
    f = np.array([1.4e9])
    got = [flux_density("Perley-Butler 2017", "3C48", f, year, "nearest")[0] for year in (1980.0, 2000.7, 2000.85, 2019.0)]  # type: ignore[index]
    assert np.allclose(got, [16.52839088, 16.50598336, 16.45037460, 16.25540543], rtol=1e-6)
    got = [flux_density("Perley-Butler 2017", "3C48", f, 2000.5, mode)[0] for mode in ("linear", "cubic", "spline")]  # type: ignore[index]
    assert np.allclose(got, [16.46155739, 16.45734024, 16.45411491], rtol=1e-5)


@pytest.mark.parametrize(
    ("standard", "interpolation", "mjd", "fluxes"),
    [
        ("Perley-Butler 2017", "nearest", 54500.25, (20.2900390625, 5.059420108795166)), ("Perley-Butler 2017", "linear", 54500.25, (19.005008697509766, 5.166142463684082)),
        ("Perley-Butler 2017", "cubic", 54500.25, (18.969175338745117, 5.166007041931152)), ("Perley-Butler 2017", "spline", 54500.25, (18.803979873657227, 5.157645225524902)),
        ("Perley-Butler 2013", "spline", 54500.25, (18.80681037902832, 5.15767240524292)), ("Perley-Butler 2017", "linear", 58000.25, (18.16207504272461, 5.099730491638184)),
        ("Perley-Butler 2017", "cubic", 58000.25, (9.363044738769531, 4.875363349914551)), ("Perley-Butler 2017", "spline", 58000.25, (17.035823822021484, 5.088834762573242)),
        ("Perley-Butler 2013", "linear", 58000.25, (36.464942932128906, 5.031148910522461)), ("Perley-Butler 2013", "nearest", 58000.25, (21.37761688232422, 5.193446636199951)),
    ],
)  # fmt: skip
def test_flux_densities_between_epochs(standard: str, interpolation: str, mjd: float, fluxes: tuple[float, float]) -> None:
    """Flux densities are interpolated, not coefficients; numbers of CASA 6.7's setjy of 3C138, whose spectrum changes most."""
    hz = np.array([232608996.02460212, 3305777203.9599786])
    found = flux_density(standard, "3C138", hz, 2000.0 + (mjd - 51544.5) / 365.25, interpolation)
    np.testing.assert_allclose(found, fluxes, rtol=1e-5)


def test_last_epochs() -> None:
    assert last_epoch("Perley-Butler 2017", "3C138") == pytest.approx(2017.0, abs=2e-3)
    assert last_epoch("Perley-Butler 2013", "3C138") == pytest.approx(2012.0, abs=2e-3)
    assert last_epoch("Perley-Butler 2017", "3C286") is None and last_epoch("Baars", "3C48") is None


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
