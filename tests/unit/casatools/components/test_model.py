"""Sky components: flux densities at any frequency, polarization bases, records."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.components.model import Amount, Component, Flux, Shape, Spectrum

FREQUENCIES = np.array([1.0e9, 2.0e9, 4.0e9])
GHZ = Amount(2.0, "GHz")


def component(spectrum: Spectrum, stokes: tuple[float, ...] = (2.0, 0.2, 0.1, 0.05)) -> Component:
    return Component(Flux(np.array(stokes, complex)), Shape(), spectrum)


def test_spectra_follow_their_laws() -> None:
    ratio = FREQUENCIES / 2e9
    assert component(Spectrum(frequency=GHZ)).stokes_at(FREQUENCIES)[0] == pytest.approx([2, 2, 2])
    index = Spectrum("Spectral Index", GHZ, index=(-0.7,))
    assert component(index).stokes_at(FREQUENCIES)[1] == pytest.approx(0.2 * ratio**-0.7)
    curved = Spectrum("Power Logarithmic Polynomial", GHZ, index=(-0.7, 0.1))
    assert component(curved).stokes_at(FREQUENCIES)[0] == pytest.approx(2 * ratio ** (-0.7 + 0.1 * np.log(ratio)))
    table = Spectrum("Tabular Spectrum", GHZ, table_hz=(1e9, 5e9), table=((1.0, 5.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)))
    assert component(table).stokes_at(FREQUENCIES)[0] == pytest.approx([1, 2, 4])
    with pytest.raises(ParameterError, match="stokes_at"):
        table.factors(FREQUENCIES)


def test_polarized_spectrum_turns_by_the_rotation_measure() -> None:
    source = component(Spectrum("Spectral Index", GHZ, index=(-0.7, 0.2, 5.0, 0.0)))
    stokes = source.stokes_at(FREQUENCIES)
    ratio = FREQUENCIES / 2e9
    assert np.hypot(stokes[1], stokes[2]) / stokes[0] == pytest.approx(np.hypot(0.2, 0.1) / 2 * ratio**0.2)
    turned = np.angle((stokes[1] + 1j * stokes[2]) / (0.2 + 0.1j))
    wavelength2 = 299792458.0**2 * (1 / FREQUENCIES**2 - 1 / 2e9**2)
    assert np.exp(1j * turned) == pytest.approx(np.exp(2j * 5.0 * wavelength2))
    assert stokes[3] / stokes[0] == pytest.approx(0.025)
    assert not component(Spectrum("Spectral Index", GHZ, index=(0.0, 0.0, 0.0, 0.0)), (0, 0, 0, 0)).stokes_at(FREQUENCIES).any()


def test_polarization_bases_invert() -> None:
    flux = Flux(np.array([2.0, 0.3, -0.2, 0.1], complex))
    for basis in ("Linear", "Circular"):
        assert flux.to_polarization(basis).to_polarization("Stokes").values == pytest.approx(flux.values)
    assert component(Spectrum(), (1.0, 1j, 0.0, 0.0)).is_physical is False


def test_widths_are_angles_and_in_order() -> None:
    with pytest.raises(ParameterError, match="major axis"):
        Shape("Gaussian", major=Amount(1.0, "Jy"), minor=Amount(1.0, "rad"), angle=Amount(0.0, "rad"))
    with pytest.raises(ParameterError, match=r"1.*2"):
        Shape("Gaussian", major=Amount(1.0, "rad"), minor=Amount(2.0, "rad"), angle=Amount(0.0, "rad"))
