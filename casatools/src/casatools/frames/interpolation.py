"""Slowly varying geometry on a few nodes: exact values there, cubic interpolation between them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["earth_rotation_rad", "on_nodes"]

# Sidereal turns in one day of UT1, minus one (IAU 1982; Aoki et al. 1982, A&A 105, 359).
_SIDEREAL_RATE = 1.00273790935


def earth_rotation_rad(mjd_s: np.ndarray) -> np.ndarray:
    """Angle the Earth has turned, to be taken out of quantities before interpolating them; only its rate matters."""
    days = np.asarray(mjd_s, dtype=np.float64) / 86400.0
    return 2.0 * np.pi * ((days % 1.0) * _SIDEREAL_RATE + np.floor(days) * (_SIDEREAL_RATE - 1.0))


def on_nodes(mjd_s: np.ndarray, exact: Callable[[float], np.ndarray], step_s: float) -> np.ndarray:
    """Evaluate a smooth function of time at many times.

    Parameters
    ----------
    mjd_s : ndarray (time,) float64 [s]
    exact : callable
        Gives an ndarray of fixed shape for one time.
    step_s : float
        Spacing of the nodes; with fewer times than nodes `exact` is called for each time instead.

    Returns
    -------
    ndarray (time, ...)
    """
    times, inverse = np.unique(np.asarray(mjd_s, dtype=np.float64), return_inverse=True)
    if times.size == 0:
        raise ValueError("no times")
    cells = np.unique(np.floor((times - times[0]) / step_s).astype(np.int64))
    nodes = np.unique((cells[:, None] + np.arange(-1, 3)[None, :]).ravel())
    if times.size <= nodes.size:
        return np.stack([exact(float(t)) for t in times])[inverse]
    values = np.stack([exact(float(times[0] + n * step_s)) for n in nodes])
    position = (times - times[0]) / step_s
    left = np.floor(position).astype(np.int64)
    u = (position - left).reshape((-1,) + (1,) * (values.ndim - 1))
    at = np.searchsorted(nodes, left)  # left-1, left, left+1, left+2 are neighbours in `nodes`
    p0, p1, p2, p3 = (values[at + k] for k in (-1, 0, 1, 2))
    # Lagrange polynomial through four equidistant nodes.
    out = (
        -u * (u - 1) * (u - 2) / 6 * p0
        + (u + 1) * (u - 1) * (u - 2) / 2 * p1
        - (u + 1) * u * (u - 2) / 2 * p2
        + (u + 1) * u * (u - 1) / 6 * p3
    )
    return out[inverse]
