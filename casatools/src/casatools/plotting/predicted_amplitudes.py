"""Figure of the amplitudes that an array will see of a component."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools.calibration.fit_component import component_visibility
from casatools.components.model import Component
from casatools.plotting.figure import GRID, new_figure, save_figure

__all__ = ["AmplitudePlot", "plot_amplitudes"]

_KINDS = {"Point": "P", "Gaussian": "G", "Disk": "D"}
_ARCSEC = np.pi / 648000


@dataclass(frozen=True)
class AmplitudePlot:
    """How it is drawn: matplotlib's marker, whether axes begin at zero, kilo wavelengths instead of metres, the flux density as a line."""

    symbol: str = "."
    from_zero_amplitude: bool = False
    from_zero_length: bool = False
    kilo_wavelengths: bool = False
    show_flux: bool = False


def plot_amplitudes(component: Component, places_m: np.ndarray, path: str, options: AmplitudePlot) -> None:
    """Draw amplitudes against lengths of the baselines between places (ant, 3) [m], the source at the zenith, and save the figure.

    Raises
    ------
    UnsupportedError, DataError
        The figure cannot be written in that format or there.
    """
    one, two = np.triu_indices(len(places_m), 1)
    length = np.linalg.norm(places_m[one] - places_m[two], axis=1)
    figure = new_figure(8.0, 5.0)
    axes = figure.add_subplot(1, 1, 1)
    for hz in component.spectrum.table_hz:
        flux = float(component.stokes_at(np.array([hz]))[0, 0])
        amplitude = _amplitudes(component, length * hz / SPEED_OF_LIGHT_M_S) * flux
        x = length * hz / SPEED_OF_LIGHT_M_S / 1e3 if options.kilo_wavelengths else length
        axes.plot(x, amplitude, options.symbol, label=f"{hz / 1e9:g} GHz", markersize=3)
        if options.show_flux:
            axes.axhline(flux, linewidth=0.8, color=GRID)
    axes.set_xlabel("Baseline [kilo wavelengths]" if options.kilo_wavelengths else "Baseline [m]")
    axes.set_ylabel("Amplitude [Jy]")
    if options.from_zero_amplitude:
        axes.set_ylim(bottom=0.0)
    if options.from_zero_length:
        axes.set_xlim(left=0.0)
    axes.grid(True, color=GRID, linewidth=0.5)
    axes.legend()
    save_figure(figure, path)


def _amplitudes(component: Component, wavelengths: np.ndarray) -> np.ndarray:
    """Amplitudes of one jansky."""
    shape = component.shape
    if shape.major is None or shape.minor is None:
        return np.ones(len(wavelengths))
    major = shape.major.in_unit("rad")
    parameters = np.array([1.0, 0.0, 0.0, major / _ARCSEC, shape.minor.in_unit("rad") / major, 0.0])
    return np.abs(component_visibility(_KINDS[shape.kind], parameters, wavelengths, np.zeros(len(wavelengths))))
