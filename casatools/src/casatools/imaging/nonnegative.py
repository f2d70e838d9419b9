"""Deconvolution by non-negative least squares, for small bright regions.

References
----------
Briggs 1995, PhD thesis, New Mexico Tech, chapter 4: NNLS with a mask of fluxes and one of data. Lawson & Hanson 1974, "Solving least squares problems",
chapter 23; Stark & Parker 1995, Computational Statistics 10, 129: the active-set solution.
"""

from __future__ import annotations

import numpy as np

from casatools._base.errors import DataError, UnsupportedError

__all__ = ["solve_nonnegative"]

# Numbers of the matrix of the problem: 2 GB of float64.
_MOST = 2**28


def solve_nonnegative(
    dirty: np.ndarray, psf: np.ndarray, flux_mask: np.ndarray, data_mask: np.ndarray, niter: int, tolerance: float
) -> np.ndarray:
    """The model of non-negative pixels that fits a dirty image best.

    Parameters
    ----------
    dirty, psf : ndarray (y, x)
        The psf has a peak of 1 near its middle.
    flux_mask : ndarray (y, x) bool
        Pixels that may have flux.
    data_mask : ndarray (y, x) bool
        Pixels that are fitted.
    niter : int
        Most steps; 0 for as many as there are fluxes.
    tolerance : float
        Relative change of the misfit to stop at.

    Returns
    -------
    ndarray (y, x) float32 [Jy/pixel]

    Raises
    ------
    DataError
        A mask is blank, or the steps do not end.
    UnsupportedError
        There are too many pixels.
    """
    fluxes, data = np.argwhere(flux_mask), np.argwhere(data_mask)
    if not len(fluxes) or not len(data):
        raise DataError("imager.nnls: a mask holds no pixel; both 'fluxmask' and 'datamask' must")
    if len(fluxes) * (len(data) + len(fluxes)) > _MOST:
        raise UnsupportedError(
            f"imager.nnls: {len(fluxes)} pixels of flux and {len(data)} of data are too many; use smaller masks, or clean with algorithm='hogbom'"
        )
    from scipy.optimize import lsq_linear

    cy, cx = np.unravel_index(int(np.argmax(psf)), psf.shape)
    rows = data[:, None, 0] - fluxes[None, :, 0] + int(cy)
    columns = data[:, None, 1] - fluxes[None, :, 1] + int(cx)
    inside = (rows >= 0) & (rows < psf.shape[0]) & (columns >= 0) & (columns < psf.shape[1])
    matrix = np.where(inside, psf[np.where(inside, rows, 0), np.where(inside, columns, 0)], 0.0).astype(np.float64)
    values = dirty[data[:, 0], data[:, 1]].astype(np.float64)
    solved = lsq_linear(matrix, values, bounds=(0.0, np.inf), method="bvls", tol=tolerance, max_iter=niter or None)
    if solved.status == 0:
        raise DataError(f"imager.nnls: niter={niter} steps do not reach the tolerance {tolerance}")
    model = np.zeros(dirty.shape, dtype=np.float32)
    model[fluxes[:, 0], fluxes[:, 1]] = np.maximum(solved.x, 0.0)
    return model
