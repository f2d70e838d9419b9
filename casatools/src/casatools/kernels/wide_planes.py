"""The w coordinate of samples that are gridded plane by plane: each sample's share of a plane, and each plane's share of the image."""

from __future__ import annotations

import math

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["PLANE_STEPS", "add_screened", "plane_samples"]

# Steps of the table of factors from one plane to the next.
PLANE_STEPS = 1024


@kernel
def plane_samples(
    uvw: np.ndarray, rows: np.ndarray, scale: np.ndarray, vis: np.ndarray, weight: np.ndarray, plane: float, per_wavelength: float,
    table: np.ndarray, first: int, last: int, out_uvw: np.ndarray, out_vis: np.ndarray, out_weight: np.ndarray,
) -> None:  # fmt: skip
    """Take samples with their factors for one plane; those that do not reach it get no weight.

    Parameters
    ----------
    uvw : ndarray (row, 3) float64 [m]
    rows : ndarray (taken,) int64
        Rows that are taken.
    scale : ndarray (chan,) float64 [1/m]
    vis : ndarray (row, chan) complex64 [Jy]
        Ones where it has no rows.
    weight : ndarray (row, chan) float32
    plane, per_wavelength : float
        Number of the plane, and planes per wavelength of w. Samples of negative v are taken as their conjugates, of the other w.
    table : ndarray (1 + planes reached * PLANE_STEPS + 1,) complex64
        Factors by the distance of the plane from the sample, from the most negative on.
    first, last : int
        Taken rows from the first to before the last.
    out_uvw, out_vis, out_weight
        Of the taken rows; as `uvw`, `vis` and `weight`.
    """
    steps = table.shape[0] - 2
    has_vis = vis.shape[0] > 0
    for k in range(first, last):
        row = rows[k]
        out_uvw[k] = uvw[row]
        negative = not uvw[row, 1] >= 0.0
        height = (-1.0 if negative else 1.0) * uvw[row, 2] * per_wavelength
        for chan in range(scale.shape[0]):
            place = (plane - height * scale[chan]) * PLANE_STEPS + 0.5 * steps
            if place < 0.0 or place >= steps:
                out_weight[k, chan] = 0.0
                continue
            step = int(place)
            factor = table[step] + np.float32(place - step) * (table[step + 1] - table[step])
            if negative:
                factor = factor.conjugate()
            out_weight[k, chan] = weight[row, chan]
            out_vis[k, chan] = factor * vis[row, chan] if has_vis else factor


@kernel
def add_screened(plane: np.ndarray, east: np.ndarray, north: np.ndarray, is_even: bool, w: float, image: np.ndarray) -> None:
    """Add the real part of ``plane * exp(-2 pi i w (n - 1))`` to an image.

    Parameters
    ----------
    plane : ndarray (v, x) complex64
        Pixels from the middle row on; those before it are the last ones.
    east, north : ndarray (x,), (y,) float64
        Direction cosines of the pixels.
    is_even : bool
        Those in y are the same on both sides of the middle.
    w : float [wavelengths]
    image : ndarray (y, x) float32
        Added to.

    Notes
    -----
    Sine and cosine of the whole angle are made of those of half of it, whose series end soon: unlike calls of functions, they are done
    for several pixels at once, and for both rows at one distance from the middle. They are good to 1e-9.
    """
    ny, nx = image.shape
    real, imag = np.empty(nx), np.empty(nx)
    for y in range(ny // 2 + 1 if is_even else ny):
        square = north[y] * north[y]
        for x in range(nx):
            radius = east[x] * east[x] + square
            turns = -w * radius / (1.0 + math.sqrt(1.0 - radius))
            half = math.pi * (turns - math.floor(turns + 0.5))
            z = half * half
            sine = half * (
                1 + z * (-1 / 6 + z * (1 / 120 + z * (-1 / 5040 + z * (1 / 362880 + z * (-1 / 39916800 + z / 6227020800)))))
            )
            cosine = 1 + z * (
                -1 / 2
                + z * (1 / 24 + z * (-1 / 720 + z * (1 / 40320 + z * (-1 / 3628800 + z * (1 / 479001600 - z / 87178291200)))))
            )
            real[x], imag[x] = 1.0 - 2.0 * sine * sine, 2.0 * sine * cosine
        other = ny - y if is_even and 0 < y < ny // 2 else y
        for row in range(y, other + 1, max(other - y, 1)):
            seen, own = plane[(row - ny // 2) % plane.shape[0]], image[row]
            for x in range(nx):
                own[x] += np.float32(seen[x].real * real[x] + seen[x].imag * imag[x])
