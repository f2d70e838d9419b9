"""Spectra of model sources."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.calibration.source_spectra import ManualSpectrum, StandardSpectrum, spectrum_of_fluxscale, stokes_to_correlations


def test_power_law_with_curvature() -> None:
    # CASA 6.7: 4.63898522 Jy at 1.4 GHz.
    got = ManualSpectrum((5.0, 1.0, 0.0, 0.0), (-0.5, 0.2, 0.1), 1.2e9).stokes(np.array([1.2e9, 1.4e9]))
    assert np.allclose(got[0], [5, 1, 0, 0])
    assert np.allclose(got[1], [4.63898522, 0.92779704, 0, 0], rtol=1e-5)


def test_polarization_turns() -> None:
    spectrum = ManualSpectrum((5.0, 0.0, 0.0, 0.3), (-0.5,), 1.4e9, (0.1,), (0.3, 0.1), 10.0)
    got = spectrum.stokes(np.array([1.4e9, 1.6e9]))
    assert np.allclose(got[0], [5, 0.41266633, 0.28232022, 0.3], rtol=1e-4)
    assert np.allclose(got[1], [4.67705495, 0.42826348, 0.18798623, 0.2806233], rtol=1e-4)
    kept = ManualSpectrum((5.0, 1.0, 0.5, 0.0), rotmeas=5.0).stokes(np.array([1e9, 2e9]))
    assert np.allclose(np.hypot(kept[:, 1], kept[:, 2]), np.hypot(1.0, 0.5))
    assert np.allclose(kept[0], [5, 1, 0.5, 0])


def test_standard_and_fluxscale() -> None:
    assert np.allclose(StandardSpectrum("Baars", "nobody", 2000.0).stokes(np.array([1e9]))[0], [1, 0, 0, 0])
    fitted = spectrum_of_fluxscale({"fitFluxd": 2.0, "fitRefFreq": 1.5e9, "spidx": [0.30103, -0.5]})
    assert np.isclose(fitted.stokes(np.array([3.0e9]))[0, 0], 2 * 2**-0.5)
    with pytest.raises(ParameterError, match="fitFluxd and fitRefFreq"):
        spectrum_of_fluxscale({"fieldName": "x"})


def test_correlations() -> None:
    stokes = np.array([1.0, 0.2, 0.3, 0.1])
    assert np.allclose(stokes_to_correlations(stokes, ["RR", "RL", "LR", "LL"]), [1.1, 0.2 + 0.3j, 0.2 - 0.3j, 0.9])
    assert np.allclose(stokes_to_correlations(stokes, ["XX", "XY", "YX", "YY"]), [1.2, 0.3 + 0.1j, 0.3 - 0.1j, 0.8])
