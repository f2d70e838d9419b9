"""Kernels of model visibilities.

``V = sum_k S_k exp(2 pi i (u l_k + v m_k + w (n_k - 1)) / lambda)`` with the uvw of the MeasurementSet.

References
----------
Thompson, Moran & Swenson, "Interferometry and Synthesis in Radio Astronomy", 3rd ed., eq. 3.7.
"""

from __future__ import annotations

import math
from typing import Any

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools.kernels._kernel import kernel

__all__ = ["add_components"]


@kernel
def add_components(uvw_m: Any, frequency_hz: Any, lmn: Any, shape: Any, size: Any, flux: Any, visibility: Any) -> None:
    """Add point, Gaussian and disk components.

    Parameters
    ----------
    uvw_m : ndarray (row, 3) float64 [m]
    frequency_hz : ndarray (chan,) float64 [Hz]
    lmn : ndarray (comp, 3) float64
        Direction cosines l, m and n - 1.
    shape : ndarray (comp,) int64
        0 a point, 1 a Gaussian, 2 a disk.
    size : ndarray (comp, 3) float64
        Major and minor axis (full width at half maximum, or diameter) [rad] and position angle, north through east [rad].
    flux : ndarray (comp, chan, corr) complex128 [Jy]
    visibility : ndarray (row, chan, corr) complex128, changed in place
    """
    nrow, nchan, ncorr = visibility.shape
    for row in range(nrow):
        u, v, w = uvw_m[row]
        for comp in range(lmn.shape[0]):
            path = u * lmn[comp, 0] + v * lmn[comp, 1] + w * lmn[comp, 2]
            along = u * math.sin(size[comp, 2]) + v * math.cos(size[comp, 2])
            across = u * math.cos(size[comp, 2]) - v * math.sin(size[comp, 2])
            extent = math.sqrt((along * size[comp, 0]) ** 2 + (across * size[comp, 1]) ** 2)
            for chan in range(nchan):
                waves = frequency_hz[chan] / SPEED_OF_LIGHT_M_S
                angle = 2.0 * math.pi * path * waves
                amplitude = 1.0
                if shape[comp] == 1:
                    # exp(-(pi r b)^2 / (4 ln 2)): the transform of a Gaussian of unit flux.
                    amplitude = math.exp(-((math.pi * extent * waves) ** 2) / (4.0 * math.log(2.0)))
                elif shape[comp] == 2:
                    amplitude = _disk(math.pi * extent * waves)
                phasor = complex(amplitude * math.cos(angle), amplitude * math.sin(angle))
                for corr in range(ncorr):
                    visibility[row, chan, corr] += flux[comp, chan, corr] * phasor


@kernel
def _disk(x: float) -> float:
    """``2 J1(x) / x`` by Simpson's rule on Bessel's integral: exact to 1e-9 for x below 60."""
    if x < 1e-4:
        return 1.0 - x * x / 8.0
    steps = 2 * (20 + int(x))
    total = 0.0
    for k in range(steps + 1):
        theta = math.pi * k / steps
        weight = 1.0 if k in (0, steps) else (4.0 if k % 2 else 2.0)
        total += weight * math.cos(theta - x * math.sin(theta))
    return 2.0 * total / (3.0 * steps) / x
